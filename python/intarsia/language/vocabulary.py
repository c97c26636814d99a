"""The functions of the tile language. Meaning and rules: docs/language.md; types are worked out by the C++ builder."""

from __future__ import annotations

import builtins as python
import math

from .. import _intarsia
from ..dtypes import as_dtype, bool_, dtype, float32, int32
from .builtin import builtin, static_int, static_shape
from .source import Rejection

# ---- programs and ranges ----------------------------------------------------------------------------------


@builtin()
def program_id(t, axis):
    """Which program of the launch this is, along one axis of the grid."""
    return t.builder.program_id(static_int(t, axis, "the axis of tl.program_id"))


@builtin()
def num_programs(t, axis):
    """How many programs the launch has along one axis of the grid."""
    return t.builder.num_programs(static_int(t, axis, "the axis of tl.num_programs"))


@builtin()
def arange(t, start, end):
    """The block start, start + 1, ..., end - 1; both bounds are compile-time."""
    return t.builder.arange(
        static_int(t, start, "the start of tl.arange"), static_int(t, end, "the end of tl.arange")
    )


def _no_range(*args, **kwargs):
    return python.range(*(a for a in args))


@builtin("range", host=_no_range)
def range_(t, *args, **options):
    """A loop like range(), with hints for the compiler that never change results."""
    raise Rejection("tl.range() stands in a 'for' statement alone")


@builtin("static_range", host=_no_range)
def static_range(t, *args):
    """A loop that is unrolled when the kernel is compiled; its variable is compile-time."""
    raise Rejection("tl.static_range() stands in a 'for' statement alone")


# ---- memory ----------------------------------------------------------------------------------------------


@builtin()
def load(
    t,
    pointer,
    mask=None,
    other=None,
    boundary_check=(),
    padding_option="",
    cache_modifier="",
    eviction_policy="",
    volatile=False,
):
    """Elements behind a block of pointers. Lanes where `mask` is false are not touched and give `other`, or 0."""
    if other is not None and mask is None:
        raise Rejection("'other' is what masked-off lanes give: it needs a mask")
    return t.builder.load(t.value(pointer), mask, other)


@builtin()
def store(t, pointer, value, mask=None, boundary_check=(), cache_modifier="", eviction_policy=""):
    """Writes a block through pointers, cast to what they point to; lanes where `mask` is false write nothing."""
    t.builder.store(t.value(pointer), value, mask)


def _atomic(name, fn):
    @builtin(name)
    def function(t, pointer, val, mask=None, sem="acq_rel", scope="gpu"):
        return t.builder.atomic(fn, t.value(pointer), val, mask, sem)

    function.__doc__ = f"Atomic {fn} through pointers; gives the values before."
    return function


atomic_add, atomic_max, atomic_min = (
    _atomic("atomic_add", "add"),
    _atomic("atomic_max", "max"),
    _atomic("atomic_min", "min"),
)
atomic_and, atomic_or, atomic_xor = (
    _atomic("atomic_and", "and"),
    _atomic("atomic_or", "or"),
    _atomic("atomic_xor", "xor"),
)
atomic_xchg = _atomic("atomic_xchg", "exchange")


@builtin()
def atomic_cas(t, pointer, cmp, val, sem="acq_rel", scope="gpu"):
    """Writes `val` where the value equals `cmp`; gives the values before."""
    return t.builder.atomic_cas(t.value(pointer), cmp, val, sem)


# ---- making and shaping blocks ---------------------------------------------------------------------------


def _dtype(t, value, what):
    if not isinstance(value, (dtype, str)) and value not in (bool, int, float):
        raise Rejection(f"{what} must be a dtype, as tl.float32; not {t.describe(value)}")
    return as_dtype({bool: bool_, int: int32, float: float32}.get(value, value))


@builtin()
def full(t, shape, value, dtype):
    """A block whose elements are all `value`."""
    return t.builder.full(
        static_shape(t, shape, "tl.full"), value, _dtype(t, dtype, "the dtype of tl.full").code
    )


@builtin()
def zeros(t, shape, dtype):
    """A block of zeros."""
    return t.builder.full(
        static_shape(t, shape, "tl.zeros"), 0, _dtype(t, dtype, "the dtype of tl.zeros").code
    )


@builtin()
def zeros_like(t, input):
    """A block of zeros with the shape and dtype of another."""
    return t.builder.full(list(input.shape), 0, input.dtype)


@builtin()
def broadcast_to(t, input, *shape):
    """The block with extents of 1 stretched, and new leading axes, to this shape."""
    shape = shape[0] if len(shape) == 1 and isinstance(shape[0], tuple) else shape
    return t.builder.broadcast_to(t.value(input), static_shape(t, shape, "tl.broadcast_to"))


@builtin()
def broadcast(t, input, other):
    """Both blocks in their common shape."""
    return tuple(t.builder.broadcast(input, other))


@builtin()
def expand_dims(t, input, axis):
    """New axes of extent 1."""
    axes = axis if isinstance(axis, tuple) else (axis,)
    rank = len(input.shape) + len(axes)
    places = [static_int(t, a, "an axis of tl.expand_dims") for a in axes]
    for a in places:
        if not -rank <= a < rank:
            raise Rejection(f"axis {a} is outside a result of rank {rank}")
    places = [a % rank for a in places]
    if len(set(places)) != len(places):
        raise Rejection(f"the axes {axes} name one place twice")
    return t.builder.index(t.value(input), [i in places for i in python.range(rank)])


@builtin()
def reshape(t, input, *shape, can_reorder=False):
    """The same elements in row-major order under another shape."""
    shape = shape[0] if len(shape) == 1 and isinstance(shape[0], tuple) else shape
    return t.builder.reshape(t.value(input), static_shape(t, shape, "tl.reshape"))


view = builtin("view")(reshape.function)


@builtin()
def ravel(t, x, can_reorder=False):
    """All elements on one axis, in row-major order."""
    return t.builder.reshape(x, [math.prod(x.shape)])


@builtin()
def permute(t, input, *dims):
    """Axes in another order."""
    dims = dims[0] if len(dims) == 1 and isinstance(dims[0], tuple) else dims
    return t.builder.transpose(input, [static_int(t, d, "an axis of tl.permute") for d in dims])


@builtin()
def trans(t, input, *dims):
    """The last two axes swapped, or the axes in the order given."""
    if dims:
        return permute.function(t, input, *dims)
    rank = len(input.shape)
    if rank < 2:
        raise Rejection(f"tl.trans needs at least two axes, not {t.describe(input)}")
    return t.builder.transpose(input, [*python.range(rank - 2), rank - 1, rank - 2])


@builtin()
def cast(t, input, dtype, fp_downcast_rounding=None, bitcast=False):
    """The block as another dtype; `bitcast` keeps the bits."""
    if fp_downcast_rounding not in (None, "rtne"):
        raise Rejection(
            f"fp_downcast_rounding {fp_downcast_rounding!r} is not supported: floats round to nearest even"
        )
    return t.builder.cast(t.value(input), _dtype(t, dtype, "the dtype of a cast").code, bool(bitcast))


to = builtin("to")(cast.function)


@builtin()
def join(t, a, b):
    """Both along a new last axis of extent 2."""
    return t.builder.join(a, b)


@builtin()
def split(t, a):
    """The two halves of a last axis of extent 2."""
    return tuple(t.builder.split(t.value(a)))


@builtin()
def interleave(t, a, b):
    """Elements of both in turn along the last axis."""
    return t.builder.interleave(a, b)


@builtin()
def cat(t, input, other, can_reorder=False):
    """One block after the other, both of one axis."""
    return t.builder.cat(t.value(input), t.value(other))


@builtin()
def flip(t, x, dim=None):
    """Elements in the opposite order along an axis, the last if none is given."""
    return t.builder.flip(
        t.value(x), len(x.shape) - 1 if dim is None else static_int(t, dim, "the axis of tl.flip")
    )


@builtin()
def gather(t, src, index, axis):
    """Elements of `src` at the places `index` along an axis."""
    return t.builder.gather(t.value(src), t.value(index), static_int(t, axis, "the axis of tl.gather"))


# ---- random numbers --------------------------------------------------------------------------------------


@builtin()
def rand(t, seed, offset, n_rounds=10):
    """f32 in [0, 1), by Philox-4x32 from a seed and 32-bit offsets."""
    return t.builder.rand(seed, offset, n_rounds)


@builtin()
def randn(t, seed, offset, n_rounds=10):
    """f32 of the normal distribution."""
    return t.builder.randn(seed, offset, n_rounds)


@builtin()
def randint(t, seed, offset, n_rounds=10):
    """Random u32."""
    return t.builder.philox(seed, offset, n_rounds)[0]


@builtin()
def randint4x(t, seed, offset, n_rounds=10):
    """Four blocks of random u32."""
    return tuple(t.builder.philox(seed, offset, n_rounds))


# ---- lane by lane ----------------------------------------------------------------------------------------


@builtin()
def where(t, condition, x, y):
    """x where the condition holds, else y; both sides are computed."""
    return t.builder.where(condition, x, y)


def _unary(name, fn, doc, host=None):
    @builtin(name, host)
    def function(t, x):
        return t.builder.unary(fn, t.value(x))

    function.__doc__ = doc
    return function


exp, exp2 = _unary("exp", "exp", "e to the power x."), _unary("exp2", "exp2", "2 to the power x.")
log, log2 = _unary("log", "log", "Natural logarithm."), _unary("log2", "log2", "Logarithm to the base 2.")
sqrt, rsqrt = _unary("sqrt", "sqrt", "Square root."), _unary("rsqrt", "rsqrt", "1 / sqrt(x).")
sqrt_rn = _unary("sqrt_rn", "sqrt", "Square root, correctly rounded.")
sin, cos = _unary("sin", "sin", "Sine of radians."), _unary("cos", "cos", "Cosine of radians.")
tanh, erf = _unary("tanh", "tanh", "Hyperbolic tangent."), _unary("erf", "erf", "Error function.")
floor, ceil = (
    _unary("floor", "floor", "Largest integer not above x."),
    _unary("ceil", "ceil", "Smallest integer not below x."),
)
abs = _unary("abs", "abs", "Magnitude.", python.abs)


@builtin()
def sigmoid(t, x):
    """1 / (1 + exp(-x))."""
    return t.builder.sigmoid(x)


@builtin()
def fdiv(t, x, y, ieee_rounding=False):
    """x / y of floats."""
    return t.builder.binary("truediv", x, y)


@builtin()
def div_rn(t, x, y):
    """x / y of floats, correctly rounded."""
    return t.builder.binary("truediv", x, y)


@builtin()
def fma(t, x, y, z):
    """x * y + z, rounded once."""
    return t.builder.fma(x, y, z)


class _PropagateNan:
    """What maximum and minimum do with NaN."""

    ALL, NONE = "all", "none"


PropagateNan = _PropagateNan


def _extremum(name, number_wins, nan_wins, host):
    @builtin(name, host)
    def function(t, x, y, propagate_nan=_PropagateNan.NONE):
        return t.builder.binary(nan_wins if propagate_nan == _PropagateNan.ALL else number_wins, x, y)

    function.__doc__ = (
        f"The {name} lane by lane; a number wins over NaN unless propagate_nan is tl.PropagateNan.ALL."
    )
    return function


maximum = _extremum("maximum", "maxnum", "max", python.max)
minimum = _extremum("minimum", "minnum", "min", python.min)


@builtin()
def clamp(t, x, min, max, propagate_nan=_PropagateNan.NONE):
    """x, not below `min` and not above `max`."""
    return t.builder.clamp(x, min, max, propagate_nan == _PropagateNan.ALL)


def _host_cdiv(a, b):
    if isinstance(a, int) and isinstance(b, int):
        return -(a // -b)
    return _intarsia.cdiv(getattr(a, "value", a), getattr(b, "value", b))


@builtin(host=_host_cdiv)
def cdiv(t, x, div):
    """(x + div - 1) // div: how many blocks of `div` cover x."""
    if isinstance(x, int) and isinstance(div, int):
        return _host_cdiv(x, div)
    return t.builder.cdiv(x, div)


def _host_next_power_of_2(n):
    return 1 if n <= 1 else 1 << (int(n) - 1).bit_length()


@builtin(host=_host_next_power_of_2)
def next_power_of_2(t, n):
    """The smallest power of two not below n."""
    return _host_next_power_of_2(static_int(t, n, "the argument of tl.next_power_of_2"))


# What Python's own functions mean inside a kernel.
def _convert(kind):
    def function(t, x):
        return t.builder.cast(t.value(x), kind.code, False)

    return function


float_, int_ = builtin("float")(_convert(float32)), builtin("int")(_convert(int32))


def _fold(name, two):
    @builtin(name)
    def function(t, *values):
        out = values[0]
        for v in values[1:]:
            out = two.function(t, out, v)
        return out

    return function


python_max, python_min = _fold("max", maximum), _fold("min", minimum)
