"""What a function of the tile language is: something the tracer calls inside a kernel, and perhaps Python outside."""

from __future__ import annotations

import inspect

from ..errors import Error
from .source import Rejection


class Builtin:
    """A function of the tile language. Outside a kernel it works on numbers where that makes sense, else it says so."""

    def __init__(self, function, name, host=None):
        self.function, self.name, self.host = function, name, host
        self.__name__, self.__doc__ = name, function.__doc__
        signature = inspect.signature(function)
        self.__signature__ = signature.replace(parameters=list(signature.parameters.values())[1:])

    def __call__(self, *args, **kwargs):
        if self.host is None:
            raise Error(
                f"tl.{self.name} works on blocks and can only be called inside a kernel (a function decorated with @intarsia.jit)"
            )
        return self.host(*args, **kwargs)

    def call_in_kernel(self, tracer, args, kwargs):
        try:
            bound = self.__signature__.bind(*args, **kwargs)
        except TypeError as error:
            raise Rejection(f"tl.{self.name}{self.__signature__}: {error}") from None
        return self.function(tracer, *bound.args, **bound.kwargs)

    def __repr__(self):
        return f"<intarsia.language.{self.name}>"


def builtin(name=None, host=None):
    """Makes a function over (tracer, arguments...) one of the tile language."""

    def decorate(function):
        return Builtin(function, name or function.__name__.rstrip("_"), host)

    return decorate


def static_int(tracer, value, what):
    if isinstance(value, bool) or not isinstance(value, int):
        if hasattr(value, "__index__"):
            return value.__index__()
        raise Rejection(
            f"{what} must be an integer that is known when the kernel is compiled, not {tracer.describe(value)}; "
            "declare it tl.constexpr"
        )
    return value


def static_shape(tracer, shape, what):
    items = shape if isinstance(shape, tuple) else (shape,)
    return [static_int(tracer, s, f"an extent of {what}") for s in items]
