"""triton: kernels as Triton means them (32-bit program ids, blocks of powers of two, tf32 products) on our compiler."""

from __future__ import annotations

from intarsia.language import cdiv, next_power_of_2
from intarsia.language.dtype import constexpr as _constexpr
from intarsia.language.jit import JITFunction

from . import triton_compiler as compiler
from . import triton_runtime as runtime
from . import triton_backends as backends
from .triton_autotune import Config, autotune, heuristics
from .triton_compiler import CompiledKernel, compile

__version__ = "3.6.0"


def jit(fn=None, **options):
    """Makes a function a kernel, or a helper of kernels."""
    if fn is None:
        return lambda f: JITFunction(f, compat=True)
    return JITFunction(fn, compat=True)


constexpr_function = _constexpr


def __getattr__(name):
    from . import missing

    missing("triton", name)


__all__ = [
    "CompiledKernel",
    "Config",
    "JITFunction",
    "autotune",
    "backends",
    "cdiv",
    "compile",
    "compiler",
    "heuristics",
    "jit",
    "next_power_of_2",
    "runtime",
]
