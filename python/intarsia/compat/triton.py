"""triton: kernels as Triton means them (32-bit program ids, blocks of powers of two, tf32 products) on our compiler."""

from __future__ import annotations

from intarsia.language import cdiv, next_power_of_2
from intarsia.language.dtype import constexpr as _constexpr
from intarsia.language.jit import JITFunction

from . import triton_compiler as compiler
from . import triton_runtime as runtime
from . import triton_backends as backends
from .triton_compiler import CompiledKernel, compile

__version__ = "3.6.0"


def jit(fn=None, **options):
    """Makes a function a kernel, or a helper of kernels."""
    if fn is None:
        return lambda f: JITFunction(f, compat=True)
    return JITFunction(fn, compat=True)


class Config:
    """One configuration of an autotuned kernel."""

    def __init__(self, kwargs, num_warps=4, num_stages=3, num_ctas=1, maxnreg=None, pre_hook=None):
        self.kwargs, self.num_warps, self.num_stages, self.num_ctas = (
            dict(kwargs),
            num_warps,
            num_stages,
            num_ctas,
        )


constexpr_function = _constexpr


def __getattr__(name):
    from . import missing

    missing("triton", name)


__all__ = [
    "CompiledKernel",
    "Config",
    "JITFunction",
    "backends",
    "cdiv",
    "compile",
    "compiler",
    "jit",
    "next_power_of_2",
    "runtime",
]
