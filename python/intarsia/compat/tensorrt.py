"""tensorrt: the names that plugins need. There is no builder and no engine of TensorRT here."""

from types import SimpleNamespace

from intarsia import dtypes as _dtypes

__version__ = "10.16.0"

DataType = SimpleNamespace(**{t.trt: t for t in _dtypes.ALL if t.trt})
for _t in _dtypes.ALL:
    if _t.trt:
        globals()[_t.name] = _t
fp8, int4 = DataType.FP8, DataType.INT4
TensorFormat = SimpleNamespace(
    **{
        n: n
        for n in "LINEAR CHW2 HWC8 CHW4 CHW16 CHW32 DHWC8 CDHW32 HWC DLA_LINEAR DLA_HWC4 HWC16 DHWC".split()
    }
)
del _t


def nptype(dtype):
    """The NumPy type of a TensorRT type; TypeError where NumPy has none."""
    t = _dtypes.as_dtype(dtype)
    if t.numpy_name is None:
        raise TypeError(f"Could not resolve TensorRT datatype to an equivalent numpy datatype: {t.name}")
    return t.numpy.type


def volume(shape):
    """The product of the extents."""
    out = 1
    for extent in shape:
        out *= extent
    return out


def __getattr__(name):
    from . import missing

    missing("tensorrt", name)
