"""Reductions, scans, products, and what a kernel tells or asks of the compiler."""

from __future__ import annotations

import builtins as python

from .. import _intarsia
from ..dtypes import float32
from .builtin import builtin, static_int
from .source import Rejection
from .vocabulary import _dtype

# ---- reductions -------------------------------------------------------------------------------------------


def _reduction(name, fn, doc):
    @builtin(name)
    def function(t, input, axis=None, keep_dims=False, dtype=None):
        kept = None if dtype is None else _dtype(t, dtype, f"the dtype of tl.{name}").code
        axis = None if axis is None else static_int(t, axis, f"the axis of tl.{name}")
        return t.builder.reduce(fn, t.value(input), axis, bool(keep_dims), kept)

    function.__doc__ = doc
    return function


sum = _reduction("sum", "add", "Sum along an axis, or of all elements. Integers narrower than 32 bits widen.")
xor_sum = _reduction("xor_sum", "xor", "Exclusive or along an axis.")
_max_value, _min_value = (
    _reduction("max", "max", "The largest element."),
    _reduction("min", "min", "The smallest element."),
)


def _arg(name, fn):
    @builtin(name)
    def function(t, input, axis, tie_break_left=True, keep_dims=False):
        return t.builder.arg_reduce(
            fn, t.value(input), static_int(t, axis, f"the axis of tl.{name}"), bool(keep_dims)
        )[1]

    function.__doc__ = f"Index of the {fn}imum along an axis, i32; the lowest of equals."
    return function


argmax, argmin = _arg("argmax", "max"), _arg("argmin", "min")


def _max_or_min(name, values, host):
    @builtin(name, host)
    def function(
        t, input, axis=None, return_indices=False, return_indices_tie_break_left=True, keep_dims=False
    ):
        if return_indices:
            return tuple(
                t.builder.arg_reduce(
                    name, t.value(input), static_int(t, axis, f"the axis of tl.{name}"), bool(keep_dims)
                )
            )
        return values.function(t, input, axis, keep_dims)

    function.__doc__ = values.__doc__
    return function


max, min = _max_or_min("max", _max_value, python.max), _max_or_min("min", _min_value, python.min)


@builtin()
def reduce(t, input, axis, combine_fn, keep_dims=False):
    """Combines along an axis with a jit function of two values (of 2 n values where `input` is a tuple of n)."""
    parts = input if isinstance(input, tuple) else (input,)
    out = t.builder.reduce_with(
        list(parts), static_int(t, axis, "the axis of tl.reduce"), bool(keep_dims), _combiner(t, combine_fn)
    )
    return tuple(out) if isinstance(input, tuple) else out[0]


@builtin()
def associative_scan(t, input, axis, combine_fn, reverse=False):
    """Inclusive prefix combination along an axis with a jit function of two values."""
    parts = input if isinstance(input, tuple) else (input,)
    out = t.builder.scan_with(
        list(parts),
        static_int(t, axis, "the axis of tl.associative_scan"),
        bool(reverse),
        _combiner(t, combine_fn),
    )
    return tuple(out) if isinstance(input, tuple) else out[0]


def _combiner(t, function):
    def combine(values):
        result = t.call(function, values, {})
        return [t.value(r) for r in (result if isinstance(result, tuple) else (result,))]

    return combine


def _scan(name, fn):
    @builtin(name)
    def function(t, input, axis=0, reverse=False, dtype=None):
        if dtype is not None:
            input = t.builder.cast(input, _dtype(t, dtype, f"the dtype of tl.{name}").code, False)
        return t.builder.scan(
            fn, t.value(input), static_int(t, axis, f"the axis of tl.{name}"), bool(reverse)
        )

    return function


cumsum, cumprod = _scan("cumsum", "add"), _scan("cumprod", "mul")


@builtin()
def softmax(t, x, dim=None, keep_dims=False, ieee_rounding=False):
    """exp(x - max) / sum along an axis (the first if none is given)."""
    return t.builder.softmax(x, 0 if dim is None else static_int(t, dim, "the axis of tl.softmax"))


# ---- products --------------------------------------------------------------------------------------------


@builtin()
def dot(
    t,
    input,
    other,
    acc=None,
    input_precision=None,
    allow_tf32=None,
    max_num_imprecise_acc=None,
    out_dtype=float32,
):
    """acc + the matrix product of two blocks [m, k] and [k, n]. f32 products are f32 unless input_precision is "tf32"."""
    if input_precision is None:
        tf32 = t.compat if allow_tf32 is None else bool(allow_tf32)
        input_precision = "tf32" if tf32 else "ieee"
    if input_precision not in ("ieee", "tf32", "tf32x3"):
        raise Rejection(f"input_precision {input_precision!r} is none of 'ieee', 'tf32', 'tf32x3'")
    for x in (input, other):
        if isinstance(x, (bool, int, float)):
            raise Rejection(f"tl.dot multiplies blocks, not {t.describe(x)}")
    return t.builder.dot(input, other, acc, input_precision, _dtype(t, out_dtype, "out_dtype").code)


# ---- facts, checks, hints --------------------------------------------------------------------------------


def _fact(name):
    @builtin(name)
    def function(t, input, values):
        return input

    function.__doc__ = "A fact about a value, for the compiler; the value itself is unchanged."
    return function


multiple_of, max_contiguous, max_constancy = (
    _fact("multiple_of"),
    _fact("max_contiguous"),
    _fact("max_constancy"),
)


@builtin()
def assume(t, condition):
    """A condition the compiler may rely on."""
    if not isinstance(condition, bool):
        t.builder.assume(condition)


@builtin()
def static_assert(t, condition, message=""):
    """Stops the compilation, with the message, if a compile-time condition does not hold."""
    if isinstance(condition, _intarsia.Value):
        raise Rejection("tl.static_assert needs a condition that is known when the kernel is compiled")
    if not condition:
        raise Rejection(f"static assertion failed{': ' if message else ''}{message}")


@builtin(host=print)
def static_print(t, *values):
    """Prints while the kernel is compiled."""
    print(*(t.describe(v) if isinstance(v, _intarsia.Value) else v for v in values))


@builtin()
def device_assert(t, condition, message="", mask=None):
    """Checked by the interpreter and in checked builds."""
    t.builder.device_assert(condition)


@builtin()
def debug_barrier(t):
    """All lanes of the program have come this far; what they stored is visible to each other."""
    t.builder.barrier()
