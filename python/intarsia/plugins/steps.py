"""What an aot_impl may return besides TensorRT's four values: a launch in short form, or several steps."""

from __future__ import annotations

from .. import _intarsia
from ..dtypes import as_dtype
from ..errors import Error
from ..language.dtype import pointer_type
from ..language.jit import JITFunction
from .descriptors import KernelLaunchParams, TensorDesc
from .symbolic import SymExpr, as_dim


class Steps:
    """A small program: launches, memsets and copies in order, with temporaries that live in between."""

    def __init__(self):
        self._native = _intarsia.Steps()

    def temporary(self, name, dtype, shape):
        """Memory for these steps; its extents may be symbolic."""
        return TensorDesc._of_native(
            self._native.temporary(name, as_dtype(dtype).code, [as_dim(d, "an extent") for d in shape])
        )

    def workspace(self, bytes):
        """Memory of so many bytes for these steps."""
        return TensorDesc._of_native(self._native.workspace(as_dim(bytes, "the size of a workspace")))

    def memset(self, target, pattern=0, width=1):
        """Fills a tensor with a pattern of `width` bytes (1, 2 or 4)."""
        self._native.memset(target._to_native(), pattern, width)
        return self

    def copy(self, source, target):
        """Copies a tensor into another of the same size."""
        self._native.copy(source._to_native(), target._to_native())
        return self

    def add(self, step):
        """Appends what `launch(...).grid(...)` gives."""
        step._add_to(self)
        return self

    def _launch(self, name, codes, params, arguments, guide_order):
        values = {n: v for n, v in params._values.items()}
        self._native.launch(
            name,
            codes,
            _intarsia.KernelLaunchParams(**values),
            params.block_given,
            [_argument(a) for a in arguments],
            guide_order,
        )


def _argument(value):
    return value._to_native() if isinstance(value, TensorDesc) else value


class Launch:
    """A launch in the making: `.grid(...)`, and for code of others `.block(...)`, `.shared(...)`."""

    def __init__(self, name, codes, arguments):
        self._name, self._codes, self._arguments, self._params = name, codes, arguments, KernelLaunchParams()

    def grid(self, x, y=1, z=1):
        """Programs of the launch; each extent may be symbolic."""
        self._params.grid_x, self._params.grid_y, self._params.grid_z = x, y, z
        return self

    def block(self, x, y=1, z=1):
        """Threads of a block."""
        self._params.block_x, self._params.block_y, self._params.block_z = x, y, z
        return self

    def shared(self, bytes):
        """Dynamic shared memory of a block."""
        self._params.shared_mem = bytes
        return self

    def _add_to(self, steps):
        steps._launch(self._name, self._codes, self._params, self._arguments, guide_order=False)

    def _steps(self):
        steps = Steps()
        self._add_to(steps)
        return steps._native


def launch(kernel, *arguments, entry=None, num_warps=4, **constants):
    """A launch of a kernel over tensors and numbers, in the order of its parameters.

    `kernel` is a jit function (its signature comes from the descriptors, so one definition serves every dtype; compile-time
    parameters go by keyword), a compiled kernel, or code: PTX, cubin, or CudaSource, whose `entry` must be given.
    """
    if isinstance(kernel, JITFunction):
        return _launch_jit(kernel, arguments, num_warps, constants)
    if constants:
        raise Error(f"'{next(iter(constants))}': only a jit function has compile-time parameters")
    if hasattr(kernel, "asm"):
        return Launch(kernel.name, [kernel.kernel], list(arguments))
    if entry is None:
        raise Error('launch of code needs the name of its kernel: launch(code, ..., entry="add")')
    return Launch(entry, [kernel], list(arguments))


def _launch_jit(kernel, arguments, num_warps, constants):
    from ..language.compile import compile_kernel

    runtime = [p for p in kernel.params if not p.is_constexpr and p.name not in constants]
    if len(arguments) > len(runtime):
        raise Error(
            f"{kernel.__name__} has {len(runtime)} runtime parameters ({', '.join(p.name for p in runtime)}), {len(arguments)} arguments are given"
        )
    named = dict(zip((p.name for p in runtime), arguments))
    for p in runtime[len(arguments) :]:
        if p.name not in constants:
            raise Error(f"{kernel.__name__} needs an argument for '{p.name}'")
    signature = {name: _type_of(p, value) for p, (name, value) in zip(runtime, named.items())}
    compiled = compile_kernel(kernel, signature, constants, num_warps=num_warps)
    return Launch(compiled.name, [compiled.kernel], list(named.values()))


def _type_of(parameter, value):
    from ..dtypes import bool_, float32, int32, int64

    if isinstance(value, TensorDesc):
        return pointer_type(value.dtype)
    if parameter.declared is not None:
        return parameter.declared
    if isinstance(value, SymExpr):
        return value.dtype
    if isinstance(value, bool):
        return bool_
    if isinstance(value, float):
        return float32
    if hasattr(value, "dtype"):
        return as_dtype(value.dtype)
    low, high = as_dim(value, f"'{parameter.name}'").bounds
    return int32 if -(1 << 31) <= low and high < 1 << 31 else int64
