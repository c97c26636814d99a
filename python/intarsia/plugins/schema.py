"""A plugin's schema from the signature of a Python function."""

from __future__ import annotations

import collections.abc
import enum
import inspect
import types
import typing

import numpy as np

from ..dtypes import as_dtype, dtype
from ..errors import Error, Location
from .descriptors import TensorDesc

# Numbers of C++'s ops::AttributeKind.
BOOL, INT, FLOAT, STRING, DTYPE, SHAPE, INTS, FLOATS, STRINGS, BYTES, ARRAY = range(1, 12)
_SCALARS = {bool: BOOL, int: INT, float: FLOAT, str: STRING, bytes: BYTES, dtype: DTYPE}
_LISTS = {int: INTS, float: FLOATS, str: STRINGS}
_EXPECTED = "bool, int, float, str, bytes, numpy.typing.NDArray[dtype], list[int | float | str], an enum, Literal of strings, or a dtype"
RESERVED = ("outputs", "stream", "tactic")


class Schema:
    """Inputs, attributes and the number of outputs of a plugin."""

    def __init__(self, plugin_id, function):
        self.id, self.function = plugin_id, function
        self.location = Location(function.__code__, 0)
        self.inputs, self.attributes, self.enums = [], [], {}
        self._parameters = {}
        parameters = list(inspect.signature(function).parameters.values())
        for p in parameters:
            self.parameter(p)
        self.outputs = self.returned(inspect.signature(function).return_annotation)

    def fail(self, what):
        raise Error(f"plugin '{self.id}': {what}", self.location)

    def parameter(self, p):
        if p.kind is p.VAR_KEYWORD:
            self.fail(f"parameter '**{p.name}': attributes must be named one by one")
        if p.name in RESERVED:
            self.fail(f"parameter '{p.name}': the names outputs, stream and tactic are reserved")
        if p.annotation is p.empty:
            self.fail(
                f"parameter '{p.name}' needs an annotation: TensorDesc for an input, {_EXPECTED} for an attribute"
            )
        kind = self.resolve(p.annotation, f"parameter '{p.name}'")
        if kind is TensorDesc or (inspect.isclass(kind) and issubclass(kind, TensorDesc)):
            if self.attributes:
                self.fail(
                    f"input '{p.name}' stands after attribute '{self.attributes[-1]['name']}': inputs come first"
                )
            if p.default is not p.empty:
                self.fail(f"input '{p.name}' has a default: only attributes may have one")
            self.inputs.append((p.name, p.kind is p.VAR_POSITIONAL))
            return
        if p.kind is p.VAR_POSITIONAL:
            self.fail(f"parameter '*{p.name}' is no input: only tensors can be variadic")
        self.attributes.append(self.attribute(p, kind))

    def resolve(self, annotation, what):
        """The annotation as an object; strings are evaluated where the function was defined."""
        if not isinstance(annotation, str):
            return annotation
        f = self.function
        names = dict(zip(f.__code__.co_freevars, (c.cell_contents for c in f.__closure__ or ())))
        try:
            return eval(annotation, {**f.__globals__, **names})
        except Exception as error:
            self.fail(f"{what}: the annotation '{annotation}' cannot be evaluated ({error})")

    def attribute(self, p, kind):
        optional, kind = _without_none(kind)
        kind = _without_alias(kind)
        spec = {"name": p.name, "optional": optional, "choices": []}
        origin, arguments = typing.get_origin(kind), typing.get_args(kind)
        if inspect.isclass(kind) and kind in _SCALARS:
            spec["kind"] = _SCALARS[kind]
        elif inspect.isclass(kind) and issubclass(kind, enum.Enum):
            spec["kind"], spec["choices"] = STRING, [m.name for m in kind]
            self.enums[p.name] = kind
        elif origin is typing.Literal and all(isinstance(a, str) for a in arguments):
            spec["kind"], spec["choices"] = STRING, list(arguments)
        elif origin in (list, collections.abc.Sequence, tuple) and _element(origin, arguments) in _LISTS:
            spec["kind"] = _LISTS[_element(origin, arguments)]
        elif origin is np.ndarray or origin is not None and getattr(origin, "__name__", "") == "ndarray":
            spec["kind"], spec["dtype"] = ARRAY, self.array_dtype(p.name, arguments).code
        elif kind is np.ndarray:
            self.fail(
                f"attribute '{p.name}': annotate it numpy.typing.NDArray[dtype], so that its element type is known"
            )
        else:
            shown = getattr(kind, "__name__", None) or str(kind)
            self.fail(f"attribute '{p.name}' cannot be a {shown}: {_EXPECTED} can")
        if p.default is not p.empty:
            if p.default is None:
                spec["optional"] = True
            spec["default"] = p.default
        return spec

    def array_dtype(self, name, arguments):
        inner = typing.get_args(arguments[-1]) if arguments else ()
        if not inner or isinstance(inner[0], typing.TypeVar) or inner[0] is typing.Any:
            self.fail(
                f"attribute '{name}': NDArray needs the dtype of its elements, as in NDArray[numpy.float32]"
            )
        try:
            return as_dtype(inner[0])
        except Error:
            self.fail(f"attribute '{name}': {inner[0]} is no element type of ours")

    def returned(self, annotation):
        """How many outputs the return annotation promises; one where there is none."""
        if annotation is inspect.Signature.empty:
            return 1
        kind = self.resolve(annotation, "the return annotation")
        if inspect.isclass(kind) and issubclass(kind, TensorDesc):
            return 1
        arguments = typing.get_args(kind)
        if typing.get_origin(kind) is tuple and arguments:
            if Ellipsis in arguments:
                self.fail(
                    "the return annotation must fix the number of outputs: Tuple[TensorDesc, TensorDesc], not Tuple[TensorDesc, ...]"
                )
            if all(inspect.isclass(a) and issubclass(a, TensorDesc) for a in arguments):
                return len(arguments)
        self.fail(
            f"the return annotation must be TensorDesc or a Tuple of as many TensorDesc as there are outputs, not {annotation}"
        )

    # ---- values between the user's functions and C++ ------------------------------------------------------

    def bind(self, function, stage, extra):
        """Which of inputs, attributes and `extra` a user's function takes; Error for any other parameter. `outputs` and what
        stands before it are positional in TensorRT; here names decide."""
        allowed = [n for n, _ in self.inputs] + [a["name"] for a in self.attributes] + list(extra)
        parameters = inspect.signature(function).parameters.values()
        where = Location(function.__code__, 0)
        for p in parameters:
            if p.kind is p.VAR_KEYWORD:
                return None
            if p.name not in allowed:
                from difflib import get_close_matches

                near = get_close_matches(p.name, allowed, 2)
                hint = f" (did you mean {' or '.join(map(repr, near))}?)" if near else ""
                raise Error(
                    f"plugin '{self.id}': {stage} has a parameter '{p.name}' that is no input, attribute or one of "
                    f"{', '.join(extra)}{hint}; there are {', '.join(allowed)}",
                    where,
                )
        return [p.name for p in parameters]

    def parameters(self, function):
        """The parameters of one of the plugin's functions: read once, as every call needs them."""
        if function not in self._parameters:
            self._parameters[function] = inspect.signature(function).parameters
        return self._parameters[function]

    def arguments(self, function, inputs, attributes, extra):
        """Positional and keyword arguments of a call of a user's function."""
        values = dict(extra)
        given = list(inputs)
        for name, variadic in self.inputs:
            values[name] = tuple(given) if variadic else given.pop(0)
        for a in self.attributes:
            value = attributes.get(a["name"])
            if value is not None and a["name"] in self.enums:
                value = self.enums[a["name"]][value]
            values[a["name"]] = value
        args, kwargs = [], {}
        parameters = self.parameters(function)
        for p in parameters.values():
            if p.kind is p.VAR_KEYWORD:
                kwargs.update({k: v for k, v in values.items() if k not in parameters})
            elif p.kind is p.VAR_POSITIONAL:
                args += values[p.name]
            elif p.kind is p.KEYWORD_ONLY:
                kwargs[p.name] = values[p.name]
            else:
                args.append(values[p.name])
        return args, kwargs


def _element(origin, arguments):
    if origin is tuple:
        return arguments[0] if len(arguments) == 2 and arguments[1] is Ellipsis else None
    return arguments[0] if arguments else None


def _without_alias(kind):
    """What an alias stands for: from NumPy 2.5 on NDArray is a `type` statement, whose subscript is not yet that of ndarray."""
    origin = typing.get_origin(kind)
    if hasattr(origin, "__value__"):
        return origin.__value__[typing.get_args(kind)]
    return getattr(kind, "__value__", kind)


def _without_none(kind):
    """(whether None is allowed, the other type) of an Optional."""
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        rest = [a for a in typing.get_args(kind) if a is not type(None)]
        if len(rest) == 1 and len(rest) < len(typing.get_args(kind)):
            return True, rest[0]
    return False, kind
