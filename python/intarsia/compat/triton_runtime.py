"""triton.runtime: the classes of kernels."""

from intarsia.language.jit import JITFunction  # noqa: F401

from .triton_autotune import Autotuner, Config, Heuristics  # noqa: F401


def __getattr__(name):
    from . import missing

    missing("triton.runtime", name)
