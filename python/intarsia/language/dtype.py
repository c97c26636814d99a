"""Types as kernels spell them: pointers to elements, and constexpr."""

from __future__ import annotations

import numpy as np

from ..dtypes import dtype, of_code


class pointer_type:
    """A pointer to elements of a dtype: `tl.pointer_type(tl.float32)`."""

    __slots__ = ("element_ty", "const", "_hash")

    def __init__(self, element_ty, address_space=1, const=False):
        self.element_ty, self.const = element_ty, const
        self._hash = hash((pointer_type, element_ty.short))

    @property
    def scalar(self):
        return self

    def is_ptr(self):
        return True

    def is_floating(self):
        return False

    is_fp = is_int = is_bool = is_floating

    def __eq__(self, other):
        return isinstance(other, pointer_type) and other.element_ty is self.element_ty

    def __hash__(self):
        return self._hash

    def __repr__(self):
        return f"pointer<{self.element_ty.name}>"


_pointers = {}


def pointer_to(code):
    """The pointer type to elements with this DTypeCode."""
    if code not in _pointers:
        _pointers[code] = pointer_type(of_code(code))
    return _pointers[code]


class constexpr:
    """A value known when the kernel is compiled. As an annotation it marks a parameter; `constexpr(3)` makes a global one."""

    __slots__ = ("value",)

    def __init__(self, value):
        self.value = value.value if isinstance(value, constexpr) else value

    def __class_getitem__(cls, item):
        return cls

    def __index__(self):
        return int(self.value)

    def __bool__(self):
        return bool(self.value)

    def __eq__(self, other):
        return self.value == unwrap(other)

    def __hash__(self):
        return hash(self.value)

    def __repr__(self):
        return f"constexpr[{self.value!r}]"


constexpr.__module__ = "intarsia.language"


def unwrap(value):
    """The plain value inside a constexpr, and the Python number that a NumPy number is."""
    value = value.value if isinstance(value, constexpr) else value
    return value.item() if isinstance(value, np.generic) else value


def _operator(name):
    import operator

    apply = getattr(operator, name)

    def forward(self, other):
        return constexpr(apply(self.value, unwrap(other)))

    def backward(self, other):
        return constexpr(apply(unwrap(other), self.value))

    return forward, backward


for _name in (
    "add",
    "sub",
    "mul",
    "truediv",
    "floordiv",
    "mod",
    "pow",
    "lshift",
    "rshift",
    "and_",
    "or_",
    "xor",
):
    _forward, _backward = _operator(_name if _name[-1] == "_" or _name not in ("and", "or") else _name)
    setattr(constexpr, f"__{_name.rstrip('_')}__", _forward)
    setattr(constexpr, f"__r{_name.rstrip('_')}__", _backward)
del _name, _forward, _backward

__all__ = ["constexpr", "dtype", "pointer_to", "pointer_type"]
