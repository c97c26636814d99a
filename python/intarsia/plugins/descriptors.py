"""What a plugin's functions see: descriptors of tensors while compiling, tensors while running, launch parameters."""

from __future__ import annotations

import numpy as np

from .. import _intarsia
from ..dtypes import as_dtype, float32, int32, of_code
from ..errors import Error
from .symbolic import Shape, ShapeExprs, as_dim


class TensorDesc:
    """Dtype, extents and format of a tensor. `like()` gives a new one that may be changed, to return as an output."""

    __slots__ = ("_shape", "_dtype", "_format", "_alias", "_native", "_shared")

    def __init__(self, shape_expr=None, dtype=None, format="LINEAR", scale=1.0):
        if shape_expr is None:
            raise Error("TensorDesc() needs a shape: a tuple of extents, or ShapeExprs")
        self._shape = shape_expr if isinstance(shape_expr, ShapeExprs) else ShapeExprs.of(shape_expr)
        self._dtype, self._format = float32 if dtype is None else as_dtype(dtype), format
        self._alias, self._native, self._shared = None, None, None

    @classmethod
    def _all_of_native(cls, inputs, outputs):
        """Descriptors of inputs and outputs; an output knows the input whose memory it shares."""
        ins, outs = [cls._of_native(d) for d in inputs], [cls._of_native(d) for d in outputs]
        for native, out in zip(outputs, outs):
            out._shared = ins[native.alias_of] if native.alias_of >= 0 else None
        return ins, tuple(outs)

    @classmethod
    def _of_native(cls, native):
        self = cls.__new__(cls)
        self._shape = ShapeExprs.of(native.shape, fixed=True)
        self._dtype, self._format = of_code(native.dtype), native.format
        self._alias, self._native, self._shared = None, native, None
        return self

    def _to_native(self):
        if self._native is not None:
            return self._native.aliased() if self._alias is not None else self._native
        if self._alias is not None:
            return self._alias._native.aliased()
        for i, extent in enumerate(self._shape):
            if extent is None:
                raise Error(f"extent {i} of a descriptor was never set")
        return _intarsia.TensorDesc(self._dtype.code, list(self._shape), self._format)

    def _changeable(self, what):
        if self._native is not None or self._alias is not None:
            kind = "an aliased output" if self._alias is not None else "an input"
            raise Error(f"the {what} of {kind} cannot be changed: start from inp.like() for an output")

    @property
    def shape_expr(self):
        """The extents: constants are plain integers, unknown ones symbols."""
        return self._shape

    @shape_expr.setter
    def shape_expr(self, value):
        self._changeable("shape")
        self._shape = value if isinstance(value, ShapeExprs) else ShapeExprs.of(value)

    @property
    def dtype(self):
        return self._dtype

    @dtype.setter
    def dtype(self, value):
        self._changeable("dtype")
        self._dtype = as_dtype(value)

    @property
    def format(self):
        return self._format

    @format.setter
    def format(self, value):
        self._changeable("format")
        self._format = str(value)

    scale = 1.0
    has_shape = has_shape_expr = True

    @property
    def ndim(self):
        return len(self._shape)

    @property
    def shape(self):
        """The extents as plain integers, -1 where they are not known yet."""
        return Shape(self._shape)

    @property
    def is_dynamic(self):
        return self.shape.is_dynamic

    def numel(self):
        """The number of elements, as an expression."""
        return self._shape.numel()

    def like(self):
        """A new descriptor with the same dtype, extents and format, which may be changed."""
        return TensorDesc(ShapeExprs.of(self._shape), self._dtype, self._format)

    def aliased(self):
        """An output that shares this input's memory: the plugin updates it in place."""
        if self._native is None:
            raise Error("only an input can be aliased: call inp.aliased() on the input itself")
        alias = self.like()
        alias._alias = self
        return alias

    @property
    def is_aliased(self):
        return self.get_aliased() is not None

    def get_aliased(self):
        """The input whose memory this output shares, or None."""
        return self._alias if self._alias is not None else self._shared

    def __repr__(self):
        return f"TensorDesc({self._dtype.short}{self._shape!r})"


class SizeTensorDesc(TensorDesc):
    """A 0-d output in which a kernel writes an extent that depends on data."""

    __slots__ = ("opt", "upper_bound")

    def __init__(self, opt, upper_bound):
        super().__init__((), int32)
        self.opt, self.upper_bound = as_dim(opt, "opt"), as_dim(upper_bound, "upper_bound")

    def expr(self):
        """The extent, for use in the shape of another output."""
        raise Error(
            "extents that depend on data are not supported yet: give the upper bound as the extent and mask the rest"
        )


def size_tensor(opt, upper_bound):
    """A descriptor of a size tensor: `opt` is the extent to tune for, `upper_bound` sizes the buffer."""
    return SizeTensorDesc(opt, upper_bound)


def from_shape_expr(shape_expr, dtype):
    """A descriptor with these extents and dtype."""
    return TensorDesc(shape_expr, dtype)


class Tensor:
    """Memory of one tensor while an `impl` runs. NumPy, PyTorch, CuPy and JAX see it without a copy."""

    __slots__ = ("_native", "dtype", "shape", "data_ptr")

    def __init__(self, native):
        self._native, self.dtype = native, of_code(native.dtype)
        self.shape, self.data_ptr = tuple(native.shape), native.address

    format, scale, is_data_dependent = "LINEAR", 1.0, False

    @property
    def ndim(self):
        return len(self.shape)

    @property
    def strides(self):
        """In elements."""
        strides, step = [], 1
        for extent in reversed(self.shape):
            strides.append(step)
            step *= extent
        return tuple(reversed(strides))

    def numel(self):
        return int(np.prod(self.shape, dtype=np.int64))

    def get_aliased(self):
        return None

    def aliased(self, shape=None):
        """The same memory under another shape of as many elements."""
        shape = self.shape if shape is None else tuple(shape)
        if int(np.prod(shape, dtype=np.int64)) != self.numel():
            raise Error(f"{self.numel()} elements cannot be seen as {shape}")
        return Tensor(self._native.reshaped(list(shape)))

    @property
    def __array_interface__(self):
        if self.dtype.numpy_name is None:
            raise AttributeError(f"NumPy has no {self.dtype.name}: use DLPack")
        return {
            "version": 3,
            "shape": self.shape,
            "typestr": self.dtype.numpy.str,
            "data": (self.data_ptr, False),
        }

    def __dlpack__(self, **kwargs):
        return self._native.dlpack().__dlpack__(**kwargs)

    def __dlpack_device__(self):
        return (1, 0)

    def __array__(self, dtype=None, copy=None):
        array = np.asarray(_Interface(self.__array_interface__))
        return array if dtype is None else array.astype(dtype)

    def __repr__(self):
        return f"plugins.Tensor({self.dtype.short}{list(self.shape)})"


class _Interface:
    def __init__(self, interface):
        self.__array_interface__ = interface


class KernelLaunchParams:
    """Grid, block and dynamic shared memory of a launch; each may be a symbolic integer."""

    _NAMES = ("grid_x", "grid_y", "grid_z", "block_x", "block_y", "block_z", "shared_mem")
    __slots__ = ("_values", "_given")

    def __init__(
        self, grid_x=None, grid_y=None, grid_z=None, block_x=None, block_y=None, block_z=None, shared_mem=None
    ):
        object.__setattr__(self, "_values", {n: as_dim(0 if n == "shared_mem" else 1) for n in self._NAMES})
        object.__setattr__(self, "_given", set())
        for name, value in zip(self._NAMES, (grid_x, grid_y, grid_z, block_x, block_y, block_z, shared_mem)):
            if value is not None:
                setattr(self, name, value)

    def __getattr__(self, name):
        if name in type(self)._NAMES:
            return self._values[name]
        raise AttributeError(f"KernelLaunchParams has no '{name}'; it has {', '.join(self._NAMES)}")

    def __setattr__(self, name, value):
        if name not in self._NAMES:
            raise AttributeError(f"KernelLaunchParams has no '{name}'; it has {', '.join(self._NAMES)}")
        dim = as_dim(value, name)
        if dim.is_constant and int(dim) < 0:
            raise Error(f"{name} must not be negative, and {int(dim)} is")
        self._values[name] = dim
        self._given.add(name)

    @property
    def block_given(self):
        return bool(self._given & {"block_x", "block_y", "block_z"})

    def __repr__(self):
        return "KernelLaunchParams(" + ", ".join(f"{n}={v}" for n, v in self._values.items()) + ")"
