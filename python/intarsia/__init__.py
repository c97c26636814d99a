"""Intarsia: a tensor compiler in which a user's plugin and a built-in operator are the same thing."""

from .errors import CompileError, Error, IntarsiaWarning, InternalError, Location, Unsupported
from ._intarsia import Condition, Dim, Tensor, cdiv, dim_max, dim_min, identical, known_equal, select
from . import dtypes, functions, tensor as _tensor
from .dtypes import (
    bfloat16,
    bool_,
    dtype,
    float8,
    float8e5m2,
    float16,
    float32,
    float64,
    int4,
    int8,
    int16,
    int32,
    int64,
    uint4,
    uint8,
    uint16,
    uint32,
    uint64,
)
from .device import current_target, default_device, device, devices
from .functions import *  # noqa: F403
from .executable import DimensionInputInfo, Executable, InputInfo, NamedDimension, compile
from .language.compile import CompiledKernel, compile_kernel
from .language.jit import jit
from . import language, plugins, ptx
from .plugin import plugin

_tensor.add_methods()
bool = bool_
__version__ = "0.1.0"


def eval(*tensors):
    """Computes several tensors at once: what they share is computed once."""
    from . import _intarsia

    _intarsia.eval_all(list(tensors))


def __getattr__(name):
    import difflib

    near = difflib.get_close_matches(name, list(globals()), 2)
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    raise AttributeError(f"intarsia has no '{name}'{hint}")
