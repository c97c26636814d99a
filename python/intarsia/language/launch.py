"""Launching a kernel on arrays: `kernel[grid](x, n, y, BLOCK_SIZE=256)`."""

from __future__ import annotations

import warnings

from .. import _intarsia
from ..dtypes import bool_, dtype, float32, int32, int64, uint64
from ..errors import Error, IntarsiaWarning, Unsupported
from .dtype import pointer_to, unwrap

# Options of a launch that are no parameters of the kernel.
OPTIONS = {"num_warps", "num_stages", "num_ctas", "maxnreg"}


class Launcher:
    """A kernel with its grid."""

    def __init__(self, kernel, grid):
        self.kernel, self.grid = kernel, grid

    def __call__(self, *args, **kwargs):
        kernel = self.kernel
        options = {k: kwargs.pop(k) for k in OPTIONS & kwargs.keys() if k not in kernel.arg_names}
        check_warps(options.get("num_warps", 4))
        arguments = kernel.bind(args, kwargs)
        types, constants, values = specialise(kernel, arguments)
        traced = kernel.trace(types, constants)
        grid = self._grid({**arguments, **options} if callable(self.grid) else None)
        code = (
            None
            if kernel.interpreted
            else _code(traced, values, grid[1] == grid[2] == 1, options.get("num_warps", 4))
        )
        if code is None:
            traced.kernel.interpret(values, grid)
        else:
            code.launch(traced.kernel, values, grid)
        return traced

    def _grid(self, meta):
        grid = self.grid(meta) if callable(self.grid) else self.grid
        grid = tuple(grid) if isinstance(grid, (tuple, list)) else (grid,)
        name = self.kernel.__name__
        if not 1 <= len(grid) <= 3:
            raise Error(f"the grid of {name} has one to three extents, not {len(grid)}")
        extents = []
        for g in grid:
            try:
                g = int(unwrap(g).__index__())
            except AttributeError:
                raise Error(f"the grid of {name} is made of integers, not {g!r}") from None
            if g < 0:
                raise Error(f"the grid of {name} has the negative extent {g}")
            extents.append(g)
        return extents + [1] * (3 - len(extents))


def _code(traced, values, is_line, num_warps):
    """The kernel as code for the device its first array lives on; None, with a warning, where the interpreter must run it."""
    memory = next((v for v in values if isinstance(v, _intarsia.Memory)), None)
    if memory is not None and memory.device_type != 1:
        key = memory.device_id, num_warps
        if key not in traced.native:
            traced.native[key] = traced.kernel.compile_cuda(*key)
        return traced.native[key]
    if is_line not in traced.native:
        try:
            traced.native[is_line] = traced.kernel.compile(is_line)
        except Unsupported as error:
            traced.native[is_line] = None
            warnings.warn(
                f"{traced.kernel.name} runs in the interpreter, which is slow: {error.message}",
                IntarsiaWarning,
                stacklevel=3,
            )
    return traced.native[is_line]


def specialise(kernel, arguments):
    """(types by name, constants by name, values in order of the runtime parameters) of a call."""
    types, constants, values = {}, {}, []
    for p in kernel.params:
        value = unwrap(arguments[p.name])
        if p.is_constexpr or value is None or isinstance(value, str):
            constants[p.name] = value
        elif isinstance(value, (bool, int, float)):
            types[p.name] = p.declared if p.declared is not None else scalar_type(kernel, p.name, value)
            values.append(value)
        elif (
            hasattr(value, "__dlpack__")
            or hasattr(value, "__array_interface__")
            or hasattr(value, "__cuda_array_interface__")
        ):
            memory = _memory(kernel, p.name, value)
            types[p.name] = pointer_to(memory.dtype)
            values.append(memory)
        elif isinstance(value, (tuple, dtype)) or callable(value):
            constants[p.name] = value
        else:
            raise Error(
                f"'{p.name}' of {kernel.__name__} takes an array or a number, not {type(value).__name__}; values that are "
                "known when a kernel is compiled go to parameters declared tl.constexpr"
            )
    return types, constants, values


def _memory(kernel, name, value):
    """The memory of an array; Error that names the parameter for arrays no kernel can read."""
    try:
        return _intarsia.memory_of(value)
    except Error as error:
        raise Error(f"'{name}' of {kernel.__name__}: {error.message}") from None


def scalar_type(kernel, name, value):
    """The type of a Python number, decided by its value: bool, i32, i64, u64, f32."""
    if isinstance(value, bool):
        return bool_
    if isinstance(value, float):
        return float32
    for t, low, high in ((int32, -(1 << 31), 1 << 31), (int64, -(1 << 63), 1 << 63), (uint64, 0, 1 << 64)):
        if low <= value < high:
            return t
    raise Error(f"'{name}' of {kernel.__name__}: {value} does not fit 64 bits")


def check_warps(num_warps):
    """Error unless it is a number of warps that a block may have."""
    whole = isinstance(num_warps, int) and 1 <= num_warps <= 32
    if not whole or num_warps & (num_warps - 1):
        raise Error(f"num_warps must be a power of two from 1 to 32, not {num_warps!r}")
