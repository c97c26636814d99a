"""The tile language: kernels as programs over whole blocks. Used as `import intarsia.language as tl`."""

from ..dtypes import (
    bfloat16,
    bool_ as int1,
    float8 as float8e4nv,
    float8e5m2 as float8e5,
    float16,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    uint8,
    uint16,
    uint32,
    uint64,
)
from .._intarsia import Value as tensor
from .builtin import Builtin
from .dtype import constexpr, dtype, pointer_type
from . import reductions as _reductions, vocabulary as _vocabulary

_words = {
    _n: _v for _m in (_vocabulary, _reductions) for _n, _v in vars(_m).items() if isinstance(_v, Builtin)
}
for _name, _value in _words.items():
    if not _name.startswith(("_", "python_")):
        globals()[_value.name] = _value
PropagateNan = _vocabulary.PropagateNan
static_range, range = _vocabulary.static_range, _vocabulary.range_
del globals()["float"], globals()["int"], globals()["to"]

_METHOD_NAMES = (
    "to cast sum max min argmax argmin exp exp2 log log2 sqrt rsqrt sin cos abs floor ceil sigmoid reshape view ravel permute trans "
    "broadcast_to expand_dims cumsum cumprod xor_sum softmax reduce associative_scan".split()
)
METHODS = {name: _words[name] for name in _METHOD_NAMES}
PYTHON = {
    "max": _vocabulary.python_max,
    "min": _vocabulary.python_min,
    "abs": _vocabulary.abs,
    "float": _vocabulary.float_,
    "int": _vocabulary.int_,
}
block_type = tensor
del _name, _value
