"""triton.compiler: ASTSource and compile, in their old and new forms."""

from __future__ import annotations

from intarsia.errors import Error
from intarsia.language.compile import CompiledKernel, compile_kernel
from intarsia.language.jit import JITFunction


class ASTSource:
    """A kernel with its signature: a dict by parameter name, or, as before Triton 3.3, the types in one string."""

    def __init__(self, fn, signature, constexprs=None, attrs=None, constants=None):
        if not isinstance(fn, JITFunction):
            raise Error(f"ASTSource takes a function decorated with @triton.jit, not {fn!r}")
        self.fn, self.signature, self.attrs = fn, signature, attrs
        self.constants = {**(constants or {}), **(constexprs or {})}
        self.constexprs = self.constants
        self.name = fn.__name__


def compile(src, target=None, options=None):
    """Compiles an ASTSource; `asm` has its code by form, `metadata` what a launch needs."""
    if not isinstance(src, ASTSource):
        raise Error(f"triton.compile takes an ASTSource here, not {src!r}")
    options = dict(options or {})
    known = {k: options[k] for k in ("num_warps", "num_ctas", "num_stages") if k in options}
    compiled = compile_kernel(src.fn, src.signature, src.constants, target, **known)
    compiled.src = src
    return compiled


__all__ = ["ASTSource", "CompiledKernel", "compile"]


def __getattr__(name):
    from . import missing

    missing("triton.compiler", name)
