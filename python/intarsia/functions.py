"""The operators as functions, written from the operator table; and what is spelled with them."""

from __future__ import annotations

import builtins as python  # operators have the names of some of them
import math

from . import _intarsia
from ._intarsia import Tensor
from .dtypes import as_dtype, float32
from .errors import Error

_DTYPE = 5  # of ops::AttributeKind
_DEFAULTS = {"true": "True", "false": "False"}


def source_of(row):
    """The Python function of one row of the operator table, as text."""
    inputs = [name for name, _, _ in row["inputs"]]
    spelled = {name: f"{name}=None" if optional else name for name, _, optional in row["inputs"]}
    given = []
    for name, kind, required, fallback in row["attributes"]:
        spelled[name] = name if required else f"{name}={_default(kind, fallback)}"
        given.append(f'"{name}": {f"_as_dtype({name})" if kind == _DTYPE else name}')
    variadic = python.any(v for _, v, _ in row["inputs"])
    items = f"list({inputs[0]})" if variadic else f"[{', '.join(inputs)}]"
    if python.any(optional for _, _, optional in row["inputs"]):
        items = f"[i for i in {items} if i is not None]"
    parameters = ", ".join(spelled[n] for n in row["parameters"])
    return (
        f'def {row["id"]}({parameters}):\n    return _apply("{row["id"]}", {items}, {{{", ".join(given)}}})\n'
    )


def _default(kind, fallback):
    if fallback == "":
        return "None"
    if kind == _DTYPE:
        return f"_dtypes.{fallback}"
    return _DEFAULTS.get(fallback, fallback)


def _doc(row):
    text = f"{row['summary']}\n\n{row['doc']}".strip()
    return f"{text}\n\nExample:\n    {row['example']}" if row["example"] else text


class _ByShortName:
    def __getattr__(self, name):
        return as_dtype(name)


_names = {"_apply": _intarsia.apply, "_as_dtype": as_dtype, "_dtypes": _ByShortName()}
TABLE = {row["id"]: row for row in _intarsia.op_table()}
for _id, _row in TABLE.items():
    exec(compile(source_of(_row), f"<intarsia.{_id}>", "exec"), _names)
    _names[_id].__doc__, _names[_id].__module__, _names[_id].__qualname__ = _doc(_row), "intarsia", _id
    globals()[_id] = _names[_id]
del _id, _row, constant  # `constant` is how a literal stands in a graph: Tensor(data) makes one


# ---- what is spelled with them ---------------------------------------------------------------------------


def ones(shape, dtype=float32):
    """A tensor of ones."""
    return full(shape, 1, dtype)


def zeros(shape, dtype=float32):
    """A tensor of zeros."""
    return full(shape, 0, dtype)


def full_like(input, value, dtype=None):
    """A tensor of one number, with the shape of another and, unless given, its dtype."""
    return full(input.shape, value, input.dtype if dtype is None else dtype)


def ones_like(input, dtype=None):
    """A tensor of ones with the shape of another."""
    return full_like(input, 1, dtype)


def zeros_like(input, dtype=None):
    """A tensor of zeros with the shape of another."""
    return full_like(input, 0, dtype)


def iota_like(input, dim=0, dtype=None):
    """A tensor that counts along an axis, with the shape of another."""
    return iota(input.shape, dim, input.dtype if dtype is None else dtype)


def arange(start, stop=None, step=1, dtype=float32):
    """start, start + step, ... before stop, on one axis. Error: a step of 0."""
    if stop is None:
        start, stop = 0, start
    if step == 0:
        raise Error("arange: the step must not be 0")
    count = python.max(0, math.ceil((stop - start) / step))
    counted = iota((count,), 0, dtype)
    scaled = counted if step == 1 else counted * step
    return scaled if start == 0 else scaled + start


def allclose(input, other, rtol=1e-5, atol=1e-8):
    """Whether all elements are close: |a - b| <= atol + rtol |b|; NaN is close to nothing. Computes."""
    import numpy as np

    a, b = (x if isinstance(x, Tensor) else Tensor(x) for x in (input, other))
    return bool(np.allclose(a.numpy().astype(np.float64), b.numpy().astype(np.float64), rtol, atol))


def copy(input, device):
    """The tensor on another device; computes."""
    return input.to(device)


__all__ = sorted(
    n
    for n, v in list(globals().items())
    if callable(v)
    and getattr(v, "__module__", "") in ("intarsia", __name__)
    and not n.startswith("_")
    and n not in ("source_of", "as_dtype", "Error", "Tensor")
)
