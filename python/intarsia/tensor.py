"""Tensor: what Python adds to the C++ class: data in and out, indexing, methods."""

from __future__ import annotations

import array as arrays
import functools
import math
from difflib import get_close_matches

import numpy as np

from . import _intarsia, functions
from ._intarsia import Dim, Tensor
from .dtypes import as_dtype, dtype as dtype_type, of_code
from .errors import Error

_BUFFERS = (memoryview, bytearray, arrays.array)


def tensor_of(data, dtype=None):
    """The tensor that Tensor(data, dtype) makes."""
    dtype = None if dtype is None else as_dtype(dtype)
    if isinstance(data, Tensor):
        return (
            data
            if dtype is None or data.dtype is dtype
            else _intarsia.apply("cast", [data], {"dtype": dtype})
        )
    if data is None:
        raise Error("Tensor() needs data: a number, a nested list or an array")
    if isinstance(data, _BUFFERS):
        data = np.asarray(data)
    array = (
        data
        if hasattr(data, "__dlpack__") or hasattr(data, "__array_interface__")
        else _from_list(data, dtype)
    )
    made = _intarsia.from_array(_dense(array))
    return made if dtype is None or made.dtype is dtype else _intarsia.apply("cast", [made], {"dtype": dtype})


def _dense(array):
    """The array itself where its memory is dense and row-major, else a copy that is."""
    if isinstance(array, np.ndarray):
        if array.dtype.kind not in "biuf" and array.dtype.name != "bfloat16":
            raise Error(f"arrays of {array.dtype} cannot become tensors")
        if not array.dtype.isnative:
            array = array.astype(array.dtype.newbyteorder("="))
        return np.ascontiguousarray(array).reshape(array.shape)
    if hasattr(array, "contiguous") and hasattr(array, "detach"):
        return array.detach().contiguous()
    if not _intarsia.memory_of(array).is_contiguous:
        return np.ascontiguousarray(np.from_dlpack(array))
    return array


def _from_list(data, dtype):
    """A NumPy array of a number or nested list: int32 (int64 where it needs it), float32, bool."""
    if isinstance(data, (str, bytes, dict, set)) or not isinstance(
        data, (bool, int, float, list, tuple, range, np.generic)
    ):
        raise Error(f"Tensor() takes a number, a nested list or an array, not {type(data).__name__}")
    if isinstance(data, np.generic):
        return np.asarray(data)
    if isinstance(data, range):
        data = list(data)
    try:
        array = np.array(data)
    except ValueError:
        raise Error("the nested list is ragged: its lists differ in length, so it has no shape") from None
    except OverflowError:
        raise Error("an integer of the list does not fit 64 bits") from None
    if array.dtype.kind not in "biuf":
        if array.dtype == object and all(isinstance(v, int) for v in array.flat):
            raise Error("an integer of the list does not fit 64 bits")
        raise Error(f"the list holds more than numbers: {array.dtype}")
    if dtype is not None and array.size:
        _check_fit(array, dtype)
    if array.size == 0 or array.dtype.kind == "f":
        wide = dtype is not None and dtype.short == "f64"
        return array.astype(np.float64 if wide else np.float32)
    if array.dtype.kind == "b":
        return array
    if dtype is not None and dtype.is_floating():
        return array.astype(np.float64)
    small = array.dtype.kind == "i" and array.size and -(1 << 31) <= array.min() and array.max() < 1 << 31
    return array.astype(np.int32) if small else array


def _check_fit(array, dtype):
    """Error where a list's numbers are none of an integer dtype, as for a number beside a tensor."""
    if dtype.is_floating() or dtype.is_bool() or array.dtype.kind == "b":
        return
    if array.dtype.kind == "f":
        raise Error(
            f"the list holds floats, and a float does not become {dtype} by itself: cast, or write integers"
        )
    low, high = (
        (-(1 << (dtype.bits - 1)), 1 << (dtype.bits - 1)) if dtype.is_int_signed() else (0, 1 << dtype.bits)
    )
    for value in (int(array.min()), int(array.max())):
        if not low <= value < high:
            raise Error(f"the integer {value} of the list does not fit {dtype}")


# ---- data out --------------------------------------------------------------------------------------------


def numpy(self):
    """The data as a NumPy array, without a copy where it is on the CPU; bfloat16 and smaller floats come as float32."""
    if self.dtype.numpy_name is None:
        self = _intarsia.apply(
            "cast", [self], {"dtype": as_dtype("int8" if self.dtype.short in ("i4", "u4") else "float32")}
        )
    return np.from_dlpack(self._array())


def tolist(self):
    """The elements as nested lists of Python numbers; a number for a tensor without axes."""
    return self.numpy().tolist()


def item(self):
    """The element of a tensor that has one, as a Python number."""
    return _one(self, "item() needs a tensor of one element")


def _one(self, wanted):
    if math.prod(self.shape) != 1:
        raise Error(f"{wanted}, and this one has the shape {list(self.shape)}")
    return self.numpy().reshape(()).item()


def to(self, device):
    """The tensor on a device ("cpu", "cuda", "cuda:1", or what `intarsia.device` makes); itself where it is there already. Computes."""
    name = getattr(device, "name", device)
    if not isinstance(name, str) or isinstance(device, dtype_type):
        raise Error(f'to() takes a device, such as "cpu", not {device!r}; cast() changes the dtype')
    return self._to(name)


def _array(self, dtype=None, copy=None):
    array = self.numpy()
    if dtype is not None and array.dtype != dtype:
        return array.astype(dtype)
    return array.copy() if copy else array


def _bool(self):
    return bool(_one(self, "only a tensor of one element is true or false"))


def _format(self, spec):
    return format(item(self), spec) if spec else str(self)


def _missing(self, name):
    """Called for names a tensor does not have: says which it has, or what the function is called."""
    text = f"a Tensor has no '{name}'"
    if not name.startswith("_"):
        near = get_close_matches(name, [n for n in dir(Tensor) if not n.startswith("_")], 2)
        text += f"; did you mean {' or '.join(near)}?" if near else ""
        text += f"; there is the function intarsia.{name}" if not near and name in functions.__all__ else ""
    raise AttributeError(text, name=name, obj=self)


def _iter(self):
    raise TypeError(
        "a Tensor cannot be iterated over: it would compute one element after the other; use tolist() or indexing"
    )


def _len(self):
    if not self.shape:
        raise TypeError("a tensor without axes has no length")
    return int(self.shape[0])


# ---- indexing --------------------------------------------------------------------------------------------


def _expanded(index, rank):
    """The index as a tuple with one item per axis, None for new axes between."""
    items = list(index) if isinstance(index, tuple) else [index]
    used = sum(1 for i in items if i is not None and i is not Ellipsis)
    if used > rank:
        raise Error(f"the index names {used} axes, the tensor has {rank}")
    dots = [k for k, i in enumerate(items) if i is Ellipsis]
    if len(dots) > 1:
        raise Error("an index can hold one '...'")
    fill = [slice(None)] * (rank - used)
    at = dots[0] if dots else len(items)
    return items[:at] + fill + items[at + bool(dots) :]


def _bounds(item, extent, axis):
    """(begin, end, step) of an item along an axis of this extent."""
    if isinstance(item, slice):
        step = 1 if item.step is None else int(item.step)
        if isinstance(extent, int):
            begin, end, step = item.indices(extent)
            if len(range(begin, end, step)) == 0:
                return 0, 0, 1
            return begin, end if end >= 0 else -extent - 1, step
        if step < 0:
            raise Error(f"axis {axis} has an extent that is not known yet, and cannot be taken backwards")
        begin, end = (
            default if i is None else extent + i if isinstance(i, int) and i < 0 else i
            for i, default in ((item.start, 0), (item.stop, extent))
        )
        return begin, end, step
    i = _whole(item)
    if i is None:
        hint = (
            "; intarsia.gather takes indices that are data"
            if hasattr(item, "__len__") and not isinstance(item, str)
            else ""
        )
        raise Error(
            f"axis {axis}: an index is an integer, a slice, None or '...', not {type(item).__name__}{hint}"
        )
    if isinstance(extent, int) and not -extent <= i < extent:
        raise Error(f"index {i} is outside axis {axis} of extent {extent}")
    begin = extent + i if i < 0 else i
    return begin, begin + 1, 1


def _whole(item):
    """The integer that an index is; None for anything else. Arrays, even of one element, are data."""
    if isinstance(item, (bool, np.bool_, np.ndarray, Tensor)) or not hasattr(item, "__index__"):
        return None
    return item.__index__()


def getitem(self, index):
    """Elements by position, as NumPy takes them: integers, slices with any step, None and one '...'."""
    shape, axis = self.shape, 0
    begin, end, step, result = [], [], [], []
    for item in _expanded(index, len(shape)):
        if item is None:
            result.append("new")
            continue
        b, e, s = _bounds(item, shape[axis], axis)
        begin.append(b)
        end.append(e)
        step.append(s)
        result.append("kept" if isinstance(item, slice) else "gone")
        axis += 1
    out = self
    if any(
        not isinstance(b, int) or b != 0 or s != 1 or not _same(e, d)
        for b, e, s, d in zip(begin, end, step, shape)
    ):
        out = _intarsia.apply("slice", [self], {"begin": begin, "end": end, "step": step})
    if any(kind != "kept" for kind in result):
        kept = iter(out.shape)
        extents = []
        for kind in result:
            if kind == "new":
                extents.append(1)
                continue
            extent = next(kept)
            if kind == "kept":
                extents.append(extent)
        out = _intarsia.apply("reshape", [out], {"shape": extents})
    return out


def _same(a, b):
    return (
        isinstance(a, int)
        and isinstance(b, int)
        and a == b
        or isinstance(a, Dim)
        and isinstance(b, Dim)
        and _intarsia.identical(a, b)
    )


def _spread(function):
    """A method that takes its integers as one sequence or one by one: x.reshape((3, 2)), x.reshape(3, 2)."""

    @functools.wraps(function)
    def method(self, *integers, **named):
        one_by_one = len(integers) > 1 and all(isinstance(i, (int, Dim, np.integer)) for i in integers)
        return function(self, integers, **named) if one_by_one else function(self, *integers, **named)

    return method


def add_methods():
    """Gives the class what Python writes: data out, indexing, and the operators as methods."""
    for name, function in {
        "numpy": numpy,
        "tolist": tolist,
        "item": item,
        "to": to,
        "__array__": _array,
        "__bool__": _bool,
        "__iter__": _iter,
        "__len__": _len,
        "__getitem__": getitem,
        "__format__": _format,
        "__getattr__": _missing,
    }.items():
        setattr(Tensor, name, function)
    Tensor.__float__ = lambda self: float(_one(self, "float() needs a tensor of one element"))
    Tensor.__int__ = lambda self: int(_one(self, "int() needs a tensor of one element"))
    Tensor.T = property(lambda self: functions.transpose(self, -1, -2))
    Tensor.size = property(lambda self: math.prod(self.shape))
    Tensor.itemsize = property(lambda self: self.dtype.itemsize)
    Tensor.__array_ufunc__ = None
    for name in (
        "abs all any argmax argmin cast cumsum exp flatten log max mean min pow prod relu rsqrt sigmoid softmax sqrt squeeze "
        "sum tanh transpose unsqueeze var"
    ).split():
        setattr(Tensor, name, getattr(functions, name))
    for name in ("expand", "permute", "reshape"):
        setattr(Tensor, name, _spread(getattr(functions, name)))


__all__ = ["Tensor", "add_methods", "of_code", "tensor_of"]
