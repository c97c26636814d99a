"""Element types: one object each, known to tensors, plugins and kernels alike."""

from __future__ import annotations

import numpy as np

from . import _intarsia
from .errors import Error

# Our name, NumPy's (None: NumPy has none), Triton's, TensorRT's.
_TABLE = [
    ("bool", "bool", "bool", "i1", "BOOL"),
    ("i4", "int4", None, None, "INT4"),
    ("i8", "int8", "int8", "i8", "INT8"),
    ("i16", "int16", "int16", "i16", None),
    ("i32", "int32", "int32", "i32", "INT32"),
    ("i64", "int64", "int64", "i64", "INT64"),
    ("u4", "uint4", None, None, None),
    ("u8", "uint8", "uint8", "u8", "UINT8"),
    ("u16", "uint16", "uint16", "u16", None),
    ("u32", "uint32", "uint32", "u32", None),
    ("u64", "uint64", "uint64", "u64", None),
    ("f8e4m3", "float8", None, "fp8e4nv", "FP8"),
    ("f8e5m2", "float8e5m2", None, "fp8e5", None),
    ("f16", "float16", "float16", "fp16", "HALF"),
    ("bf16", "bfloat16", None, "bf16", "BF16"),
    ("f32", "float32", "float32", "fp32", "FLOAT"),
    ("f64", "float64", "float64", "fp64", None),
]


class dtype:
    """An element type.

    `name` is the usual long name ("float32"), `short` the one IR text uses ("f32"), `itemsize` the bytes of one element (0.5 for
    4-bit types), `triton` Triton's spelling in a signature ("fp32"), `trt` the name TensorRT's enumeration has for it.
    """

    __slots__ = ("code", "short", "name", "bits", "numpy_name", "triton", "trt")

    def __init__(self, short, name, numpy_name, triton, trt):
        self.code = getattr(_intarsia.DTypeCode, short)
        self.short, self.name, self.numpy_name, self.triton, self.trt = short, name, numpy_name, triton, trt
        self.bits = _intarsia.dtype_bits(self.code)

    @property
    def itemsize(self):
        return self.bits // 8 if self.bits >= 8 else self.bits / 8

    @property
    def primitive_bitwidth(self):
        return 1 if self.short == "bool" else self.bits

    @property
    def scalar(self):
        return self

    @property
    def element_ty(self):
        return self

    @property
    def numpy(self):
        """The NumPy dtype; bfloat16 and the small floats come from ml_dtypes, where it is installed."""
        if self.numpy_name is not None:
            return np.dtype(self.numpy_name)
        try:
            import ml_dtypes
        except ImportError:
            raise Error(f"NumPy has no {self.name}; install ml_dtypes, or cast to float32 first") from None
        return np.dtype(getattr(ml_dtypes, _ML_DTYPES[self.short]))

    def is_floating(self):
        return self.short[0] in "fb" and self.short != "bool"

    def is_int(self):
        return not self.is_floating()

    is_fp = is_floating

    def is_ptr(self):
        return False

    def is_bool(self):
        return self.short == "bool"

    def is_int_signed(self):
        return self.short[0] == "i"

    def is_int_unsigned(self):
        return self.short[0] == "u"

    def is_fp32(self):
        return self.short == "f32"

    def is_fp16(self):
        return self.short == "f16"

    def is_bf16(self):
        return self.short == "bf16"

    def __repr__(self):
        return self.name

    def __reduce__(self):
        return of_code, (int(self.code.value),)


_ML_DTYPES = {
    "i4": "int4",
    "u4": "uint4",
    "f8e4m3": "float8_e4m3fn",
    "f8e5m2": "float8_e5m2",
    "bf16": "bfloat16",
}
ALL = [dtype(*row) for row in _TABLE]
_BY_CODE = {int(t.code.value): t for t in ALL}
_BY_NAME = {n: t for t in ALL for n in (t.name, t.short, t.triton) if n is not None}
_BY_NAME |= {
    "int1": _BY_NAME["bool"],
    "u1": _BY_NAME["bool"],
    "float8e4nv": _BY_NAME["f8e4m3"],
    "float8e5": _BY_NAME["f8e5m2"],
}
_BY_NAME |= {"float8_e4m3fn": _BY_NAME["f8e4m3"], "float8_e5m2": _BY_NAME["f8e5m2"]}


def of_code(code):
    """The dtype with this number, or this DTypeCode."""
    return _BY_CODE[int(getattr(code, "value", code))]


def as_dtype(value, what="dtype"):
    """The dtype that a dtype, name, NumPy dtype or PyTorch dtype stands for; Error for anything else."""
    if isinstance(value, dtype):
        return value
    if value is bool:
        return _BY_NAME["bool"]
    name = (
        value
        if isinstance(value, str)
        else str(value).removeprefix("torch.")
        if "torch" in type(value).__module__
        else None
    )
    if name is None and value is not None:  # NumPy reads None as float64
        try:
            name = np.dtype(value).name
        except TypeError:
            name = ""
    found = _BY_NAME.get(name)
    if found is None:
        known = ", ".join(t.name for t in ALL)
        raise Error(f"{what} {value!r} is none of ours: {known}")
    return found


for _t in ALL:
    globals()[_t.name if _t.name != "bool" else "bool_"] = _t
del _t
