"""@intarsia.jit: a Python function read as a kernel, or as a helper of kernels."""

from __future__ import annotations

import functools
import hashlib
import inspect

from .. import _intarsia
from ..dtypes import _BY_NAME, dtype
from ..errors import Error
from .dtype import constexpr, pointer_type, unwrap
from .launch import Launcher
from .source import Rejection, Source
from .trace import Tracer


class Parameter:
    """One parameter of a jit function: compile-time or not, and the type its annotation declares, if any."""

    __slots__ = ("name", "is_constexpr", "declared", "default")

    def __init__(self, name, annotation, default):
        text = (
            annotation if isinstance(annotation, str) else getattr(annotation, "__name__", repr(annotation))
        )
        self.name, self.default = name, default
        self.is_constexpr = "constexpr" in text
        self.declared = None
        if isinstance(annotation, (dtype, pointer_type)):
            self.declared = annotation
        elif isinstance(annotation, str):
            self.declared = parse_type(annotation.removeprefix("tl."), quiet=True)


def parse_type(text, quiet=False):
    """The type a signature's text names: "*fp32", "i32", "constexpr"; a hint such as ":16" is a fact we prove ourselves."""
    name = text.strip().split(":")[0]
    if name == "constexpr":
        return constexpr
    pointer = name.startswith("*")
    found = _BY_NAME.get(name.lstrip("*").removeprefix("k") if pointer else name)
    if found is None:
        if quiet:
            return None
        known = ", ".join(t.triton for t in _BY_NAME.values() if t.triton)
        raise Error(
            f"type '{text}' in a signature is none of ours: {', '.join(dict.fromkeys(known.split(', ')))}, or '*' before one for a pointer"
        )
    return pointer_type(found) if pointer else found


class JITFunction:
    """A kernel, or a helper that kernels call. Launch it with `kernel[grid](arguments...)`."""

    def __init__(self, fn, compat=False, interpret=False):
        if not inspect.isfunction(fn):
            raise Error(f"a kernel is made from a function, defined with 'def', not from {fn!r}")
        self.fn, self.compat, self.interpreted = fn, compat, interpret
        functools.update_wrapper(self, fn)
        self.source = Source(fn)
        self.signature = inspect.signature(fn)
        self.params = [
            Parameter(p.name, "" if p.annotation is p.empty else p.annotation, p.default)
            for p in self.signature.parameters.values()
        ]
        self.arg_names = [p.name for p in self.params]
        self._names = set(self.arg_names)
        self._traced = {}

    def __call__(self, *args, **kwargs):
        raise Error(
            f"'{self.__name__}' runs inside kernels: launch it as {self.__name__}[grid](...), or call it from another jit function"
        )

    def __getitem__(self, grid):
        return Launcher(self, grid)

    def __repr__(self):
        return f"<intarsia.jit function {self.__name__}>"

    def bind(self, args, kwargs):
        """Values by parameter of a launch; Error for arguments that do not fit."""
        arguments = dict(zip(self.arg_names, args))
        if (
            len(args) <= len(self.arg_names)
            and not (kwargs.keys() & arguments.keys())
            and kwargs.keys() <= self._names
        ):
            arguments.update(kwargs)
            if len(arguments) == len(self.arg_names):
                return arguments
        try:
            bound = self.signature.bind(*args, **kwargs)
        except TypeError as error:
            raise Error(f"{self.__name__}{self.signature}: {error}") from None
        bound.apply_defaults()
        return bound.arguments

    # ---- called from another kernel -----------------------------------------------------------------------

    def call_in_kernel(self, tracer, args, kwargs):
        """Its body, traced where a kernel calls it; what it returns."""
        try:
            bound = self.signature.bind(*args, **kwargs)
        except TypeError as error:
            raise Rejection(f"{self.__name__}{self.signature}: {error}") from None
        bound.apply_defaults()
        for p in self.params:
            if p.is_constexpr and isinstance(bound.arguments[p.name], _intarsia.Value):
                raise Rejection(
                    f"'{p.name}' of {self.__name__} is tl.constexpr, but its value is only known when the kernel runs"
                )
        return tracer.inline(self, {name: unwrap(value) for name, value in bound.arguments.items()})

    # ---- into kernel IR -----------------------------------------------------------------------------------

    def trace(self, types, constants):
        """The kernel for these types of its runtime parameters and values of its compile-time ones."""
        key = tuple(types.items()), tuple((k, _key(v)) for k, v in sorted(constants.items()))
        known = self._traced.get(key)
        if known is not None and all(_still(*c) for c in known.captured):
            return known
        traced = self._traced[key] = Traced(self, types, constants)
        return traced


class Traced:
    """Kernel IR made from a jit function, with the globals it read."""

    def __init__(self, function, types, constants):
        builder = _intarsia.kernel_builder(function.__name__, function.compat)
        tracer = Tracer(builder, function.compat)
        values = {}
        for p in function.params:
            if p.name in constants:
                values[p.name] = unwrap(constants[p.name])
                continue
            builder.line(function.source.place(function.source.tree))
            t = types[p.name]
            if isinstance(t, pointer_type):
                values[p.name] = builder.pointer(p.name, t.element_ty.code)
            else:
                values[p.name] = builder.scalar(p.name, t.code)
        tracer.kernel(function, values)
        self.kernel = builder.finish()
        self.captured = list(tracer.captured.values())
        self.types, self.constants, self.native = types, constants, {}
        digest = hashlib.sha256()
        for f in tracer.functions:
            digest.update(f.source.digest.encode())
        self.digest = digest.hexdigest()


def _key(value):
    """A constant as part of a key: 1, 1.0 and True differ; 0.0 and -0.0 too."""
    return type(value).__name__, repr(value) if isinstance(value, float) else value


def _still(namespace, name, value):
    now = namespace.get(name, _still)
    return now is value or (
        isinstance(value, (int, float, str, bool, constexpr)) and type(now) is type(value) and now == value
    )


def jit(
    fn=None,
    *,
    interpret=False,
    debug=None,
    noinline=None,
    do_not_specialize=None,
    do_not_specialize_on_alignment=None,
    repr=None,
    launch_metadata=None,
    version=None,
):
    """Makes a function a kernel (or a helper of kernels) of the tile language.

    Raises Error if its source cannot be read. What the function may contain: docs/language.md. `interpret` runs launches lane by
    lane with every access checked. The other options are accepted for Triton's sake and change nothing.
    """
    if fn is None:
        return functools.partial(jit, interpret=interpret)
    return JITFunction(fn, interpret=interpret)
