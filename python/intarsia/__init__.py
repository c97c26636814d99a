"""Intarsia: a tensor compiler in which a user's plugin and a built-in operator are the same thing."""

from .errors import CompileError, Error, IntarsiaWarning, InternalError, Location, Unsupported
from ._intarsia import Condition, Dim, cdiv, dim_max, dim_min, identical, known_equal, select
from . import dtypes
from .language.compile import CompiledKernel, compile_kernel
from .language.jit import jit
