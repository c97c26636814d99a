"""Symbolic integers under the names plugin authors know: extents, typed scalars, and lists of them."""

from __future__ import annotations

import math

from .. import _intarsia
from .._intarsia import Dim, dim_max, dim_min
from ..dtypes import int8, int16, int32, int64
from ..errors import Error

ShapeExpr = Dim
MAX_RANK = 8


def as_dim(value, what="a symbolic integer"):
    """A Dim from an int, NumPy integer, Dim, condition or typed symbolic integer."""
    if isinstance(value, float) or isinstance(value, bool):
        raise Error(f"{what} must be an integer or a symbolic integer, not {value!r}")
    try:
        return Dim(value)
    except TypeError:
        raise Error(f"{what} must be an integer or a symbolic integer, not {value!r}") from None


class SymExpr:
    """A symbolic value of a declared integer type, as a kernel's scalar argument. Arithmetic keeps the type."""

    __slots__ = ("expr",)
    dtype = int64

    def __init__(self, value=0):
        self.expr = as_dim(value, type(self).__name__)

    def __dim__(self):
        return self.expr

    @property
    def is_constant(self):
        return self.expr.is_constant

    is_fake = is_size_tensor = False

    def constant_value(self):
        return self.expr.constant_value()

    def __hash__(self):
        return hash((type(self), self.expr))

    def __bool__(self):
        return bool(self.expr)

    def __index__(self):
        return int(self.expr)

    __int__ = __index__

    def __neg__(self):
        return type(self)(-self.expr)

    def __str__(self):
        return str(self.expr)

    def __repr__(self):
        return f"{type(self).__name__}({self.expr})"


def _delegate(name, typed):
    def method(self, other):
        result = getattr(self.expr, name)(other)
        return type(self)(result) if typed and result is not NotImplemented else result

    return method


for _name in ("add", "radd", "sub", "rsub", "mul", "rmul", "floordiv", "rfloordiv", "mod", "rmod"):
    setattr(SymExpr, f"__{_name}__", _delegate(f"__{_name}__", True))
for _name in ("eq", "ne", "lt", "le", "gt", "ge"):
    setattr(SymExpr, f"__{_name}__", _delegate(f"__{_name}__", False))
SymExpr.__hash__ = lambda self: hash((type(self), self.expr))
del _name


class SymIntExpr(SymExpr):
    """A symbolic integer."""

    __slots__ = ()


class SymInt64(SymIntExpr):
    """A 64-bit symbolic integer."""

    __slots__ = ()


class SymInt32(SymIntExpr):
    """A 32-bit symbolic integer: a value that does not fit is an error before the launch."""

    __slots__ = ()
    dtype = int32


class SymInt16(SymIntExpr):
    """A 16-bit symbolic integer."""

    __slots__ = ()
    dtype = int16


class SymInt8(SymIntExpr):
    """An 8-bit symbolic integer."""

    __slots__ = ()
    dtype = int8


class SymExprs:
    """A list of fixed length, of scalar arguments of a kernel."""

    _what = "an extra argument"

    def __init__(self, length=0):
        if not isinstance(length, int) or isinstance(length, bool) or length < 0:
            raise Error(f"{type(self).__name__} takes its length, not {length!r}")
        self._items = [None] * length

    @classmethod
    def from_tuple(cls, values):
        self = cls(len(values))
        for i, value in enumerate(values):
            self[i] = value
        return self

    def _convert(self, value, at):
        if isinstance(value, SymExpr):
            return value
        if isinstance(value, (float, bool)):
            return value
        return SymInt32(value)

    def __setitem__(self, at, value):
        try:
            self._items[at] = self._convert(value, at)
        except IndexError:
            raise Error(f"index {at} is outside {type(self).__name__} of length {len(self)}") from None

    def __getitem__(self, at):
        return self._items[at]

    def __len__(self):
        return len(self._items)

    def __iter__(self):
        return iter(self._items)

    def __repr__(self):
        return f"{type(self).__name__}({', '.join(map(str, self._items))})"


class SymIntExprs(SymExprs):
    """A list of fixed length, of integer arguments of a kernel."""


class ShapeExprs(SymExprs):
    """Extents of a tensor, outermost first: at most 8."""

    def __init__(self, length=0, _is_fixed=False):
        super().__init__(length)
        if length > MAX_RANK:
            raise Error(f"a shape has at most {MAX_RANK} extents, not {length}")
        self._fixed = False

    @classmethod
    def of(cls, extents, fixed=False):
        self = cls.from_tuple(tuple(extents))
        self._fixed = fixed
        return self

    def _convert(self, value, at):
        if self._fixed:
            raise Error("the extents of an input cannot be changed: start from inp.like() for an output")
        return as_dim(value, f"extent {at} of a shape")

    def numel(self):
        """The product of the extents: 1 of a scalar."""
        return math.prod(self._items, start=Dim(1))

    def __eq__(self, other):
        return (
            isinstance(other, ShapeExprs)
            and len(self) == len(other)
            and all(_intarsia.identical(a, b) for a, b in zip(self, other))
        )

    __hash__ = None

    def __repr__(self):
        return f"[{', '.join(map(str, self._items))}]"


class SizeTensorShapeExpr(Dim):
    """An extent that a kernel computes and writes into a size tensor."""


def max(a, b):
    """The larger of two symbolic or plain integers."""
    return dim_max(a, b)


def min(a, b):
    """The smaller of two symbolic or plain integers."""
    return dim_min(a, b)


class Shape:
    """Extents as plain integers; -1 for one that is not known yet."""

    def __init__(self, extents=()):
        dims = getattr(extents, "shape_expr", extents)
        self._dims = [as_dim(d, "an extent") for d in dims]
        self._extents = tuple(int(d) if d.is_constant else -1 for d in self._dims)

    @property
    def is_dynamic(self):
        return -1 in self._extents

    def _bound(self, which):
        return tuple(d.bounds[which] for d in self._dims)

    @property
    def min(self):
        """The smallest each extent can be."""
        return self._bound(0)

    @property
    def max(self):
        """The largest each extent can be."""
        return self._bound(1)

    def numel(self):
        if self.is_dynamic:
            raise Error(
                f"the number of elements of {self} is not known yet; use shape_expr.numel() for the expression"
            )
        return math.prod(self._extents)

    def __len__(self):
        return len(self._extents)

    def __getitem__(self, at):
        return self._extents[at]

    def __iter__(self):
        return iter(self._extents)

    def __eq__(self, other):
        return tuple(self) == tuple(other)

    def __hash__(self):
        return hash(self._extents)

    def __repr__(self):
        return f"Shape{self._extents}"
