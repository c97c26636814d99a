"""triton.runtime: the class of kernels."""

from intarsia.language.jit import JITFunction  # noqa: F401


def __getattr__(name):
    from . import missing

    missing("triton.runtime", name)
