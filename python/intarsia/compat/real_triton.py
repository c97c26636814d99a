"""The installed Triton behind the call forms scripts use: explicit target, a PTX version that drivers know, old signatures."""

from __future__ import annotations

import sys

from ..errors import Error, Unsupported
from ..language.compile import address_bases

PTX_VERSION = 86  # the newest that CUDA 12.7 and later, and this project's own PTX tools, all read
_announced = set()


def _announce(text):
    if text not in _announced:
        _announced.add(text)
        print(f"intarsia.compat: {text}", file=sys.stderr)


def install():
    """Rewrites triton.compile and triton.compiler.ASTSource of the installed Triton; Unsupported if there is none."""
    try:
        import triton
        import triton.compiler
    except ImportError as error:
        raise Unsupported(f"--triton=real needs Triton: pip install triton ({error})") from None
    if hasattr(triton.compile, "intarsia_real"):
        return
    real_source, real_compile = triton.compiler.ASTSource, triton.compile

    def source(fn, signature, constexprs=None, attrs=None, constants=None):
        return real_source(*_modern(fn, signature, {**(constants or {}), **(constexprs or {})}), attrs)

    def compile(src, target=None, options=None, **others):
        from ..device import current_target

        if target is None:
            target = triton.backends.compiler.GPUTarget(
                "cuda", int("".join(filter(str.isdigit, current_target()))), 32
            )
            _announce(
                f"compiling with Triton {triton.__version__} for {current_target()}, PTX {PTX_VERSION / 10}"
            )
        options = {"ptx_version": PTX_VERSION, **(options or {})}
        return real_compile(src, target=target, options=options, **others)

    source.intarsia_real, compile.intarsia_real = real_source, real_compile
    triton.compiler.ASTSource, triton.compile = source, compile
    triton.compiler.compile = compile


def _modern(fn, signature, constants):
    """(function, signature by name with "constexpr" entries, constants by name) as Triton 3.3 and later wants them."""
    names = list(fn.arg_names)
    constants = {names[k] if isinstance(k, int) else k: v for k, v in constants.items()}
    runtime = [n for n in names if n not in constants]
    if isinstance(signature, str):
        parts = [s.strip() for s in signature.split(",") if s.strip()]
        if len(parts) != len(runtime):
            raise Error(
                f"the signature {signature!r} has {len(parts)} types, but {fn.__name__} has {len(runtime)} runtime parameters: {', '.join(runtime)}"
            )
        signature = dict(zip(runtime, parts))
        _announce("a signature in one string is turned into a dict by name")
    signature = dict(signature)
    import ast
    import inspect
    import textwrap

    tree = ast.parse(textwrap.dedent(inspect.getsource(fn.fn))).body[0]
    for name in address_bases(tree):
        if not str(signature.get(name, "*")).startswith("*"):
            _announce(
                f"{fn.__name__}: '{name}' is declared {signature[name]} and used as an address; taking '*{signature[name]}'"
            )
            signature[name] = "*" + signature[name]
    signature.update({n: "constexpr" for n in constants})
    return fn, {n: signature[n] for n in names}, constants
