"""Types of the operators' functions. Written by tools/stubs.py from the operator table."""

from collections.abc import Sequence
from typing import Any

from ._intarsia import Dim, Tensor
from .dtypes import dtype

DTypeLike = dtype | str | type
ShapeLike = int | Dim | Sequence[int | Dim]
TensorLike = Tensor | bool | int | float | Sequence[Any] | Any

TABLE: dict[str, dict[str, Any]]

def abs(input: TensorLike) -> Tensor:
    """The absolute value of each element."""

def add(lhs: TensorLike, rhs: TensorLike) -> Tensor:
    """The sum of two tensors."""

def all(input: TensorLike, dim: int | Sequence[int] | None = ..., keepdim: bool | None = ...) -> Tensor:
    """Whether all elements over axes are true."""

def any(input: TensorLike, dim: int | Sequence[int] | None = ..., keepdim: bool | None = ...) -> Tensor:
    """Whether any element over axes is true."""

def argmax(input: TensorLike, dim: int | None = ..., keepdim: bool | None = ...) -> Tensor:
    """Where the largest element is."""

def argmin(input: TensorLike, dim: int | None = ..., keepdim: bool | None = ...) -> Tensor:
    """Where the smallest element is."""

def cast(input: TensorLike, dtype: DTypeLike) -> Tensor:
    """The same elements in another dtype."""

def concatenate(tensors: Sequence[TensorLike], dim: int) -> Tensor:
    """Tensors one behind the other along an axis."""

def cos(input: TensorLike) -> Tensor:
    """The cosine of each element, in radians."""

def cumsum(input: TensorLike, dim: int) -> Tensor:
    """Running totals along an axis."""

def div(lhs: TensorLike, rhs: TensorLike) -> Tensor:
    """The quotient of two tensors."""

def equal(lhs: TensorLike, rhs: TensorLike) -> Tensor:
    """Whether two elements are equal."""

def erf(input: TensorLike) -> Tensor:
    """The error function of each element."""

def exp(input: TensorLike) -> Tensor:
    """e to the power of each element."""

def expand(input: TensorLike, sizes: ShapeLike) -> Tensor:
    """Axes of extent 1 stretched, new axes in front."""

def flatten(input: TensorLike, start_dim: int | None = ..., end_dim: int | None = ...) -> Tensor:
    """Neighbouring axes as one."""

def flip(input: TensorLike, dim: int | Sequence[int] | None = ...) -> Tensor:
    """Axes walked back."""

def floor_div(lhs: TensorLike, rhs: TensorLike) -> Tensor:
    """The quotient of two tensors, rounded towards minus infinity."""

def full(shape: ShapeLike, value: bool | int | float, dtype: DTypeLike | None = ...) -> Tensor:
    """A tensor whose elements are all one number."""

def gather(input: TensorLike, dim: int, index: TensorLike) -> Tensor:
    """Elements of one axis, at the places another tensor names."""

def gelu(input: TensorLike, approximate: str | None = ...) -> Tensor:
    """The Gaussian error linear unit of each element."""

def greater(lhs: TensorLike, rhs: TensorLike) -> Tensor:
    """Whether the first element is greater than the second."""

def greater_equal(lhs: TensorLike, rhs: TensorLike) -> Tensor:
    """Whether the first element is greater than the second or equal to it."""

def iota(shape: ShapeLike, dim: int | None = ..., dtype: DTypeLike | None = ...) -> Tensor:
    """A tensor whose elements count along one axis."""

def layer_norm(input: TensorLike, weight: TensorLike, bias: TensorLike, eps: float | None = ...) -> Tensor:
    """Each row with mean 0 and variance 1, then scaled and shifted."""

def less(lhs: TensorLike, rhs: TensorLike) -> Tensor:
    """Whether the first element is less than the second."""

def less_equal(lhs: TensorLike, rhs: TensorLike) -> Tensor:
    """Whether the first element is less than the second or equal to it."""

def log(input: TensorLike) -> Tensor:
    """The natural logarithm of each element."""

def logical_and(lhs: TensorLike, rhs: TensorLike) -> Tensor:
    """Whether both elements are true."""

def logical_not(input: TensorLike) -> Tensor:
    """Whether an element is false."""

def logical_or(lhs: TensorLike, rhs: TensorLike) -> Tensor:
    """Whether at least one of two elements is true."""

def logical_xor(lhs: TensorLike, rhs: TensorLike) -> Tensor:
    """Whether exactly one of two elements is true."""

def masked_fill(input: TensorLike, mask: TensorLike, value: bool | int | float) -> Tensor:
    """A number where a mask is true, the elements where not."""

def matmul(lhs: TensorLike, rhs: TensorLike) -> Tensor:
    """Matrix product."""

def max(input: TensorLike, dim: int | Sequence[int] | None = ..., keepdim: bool | None = ...) -> Tensor:
    """The largest element over axes."""

def maximum(lhs: TensorLike, rhs: TensorLike) -> Tensor:
    """The larger of two elements."""

def mean(input: TensorLike, dim: int | Sequence[int] | None = ..., keepdim: bool | None = ...) -> Tensor:
    """The arithmetic mean over axes."""

def min(input: TensorLike, dim: int | Sequence[int] | None = ..., keepdim: bool | None = ...) -> Tensor:
    """The smallest element over axes."""

def minimum(lhs: TensorLike, rhs: TensorLike) -> Tensor:
    """The smaller of two elements."""

def mod(lhs: TensorLike, rhs: TensorLike) -> Tensor:
    """The remainder of the floor division, with the sign of the divisor."""

def mul(lhs: TensorLike, rhs: TensorLike) -> Tensor:
    """The product of two tensors, element by element."""

def neg(input: TensorLike) -> Tensor:
    """The negative of each element."""

def not_equal(lhs: TensorLike, rhs: TensorLike) -> Tensor:
    """Whether two elements differ."""

def permute(input: TensorLike, perm: int | Sequence[int]) -> Tensor:
    """The axes in another order."""

def pow(lhs: TensorLike, rhs: TensorLike) -> Tensor:
    """The first tensor to the power of the second."""

def prod(input: TensorLike, dim: int | Sequence[int] | None = ..., keepdim: bool | None = ...) -> Tensor:
    """The product over axes."""

def relu(input: TensorLike) -> Tensor:
    """The element where it is positive, 0 where not."""

def reshape(input: TensorLike, shape: ShapeLike) -> Tensor:
    """The same elements in row-major order under other extents."""

def rsqrt(input: TensorLike) -> Tensor:
    """One over the square root of each element."""

def sigmoid(input: TensorLike) -> Tensor:
    """The logistic function of each element."""

def silu(input: TensorLike) -> Tensor:
    """The element times its logistic function."""

def sin(input: TensorLike) -> Tensor:
    """The sine of each element, in radians."""

def slice(input: TensorLike, begin: ShapeLike, end: ShapeLike, step: int | Sequence[int] | None = ...) -> Tensor:
    """Every step-th element between two indices of each axis."""

def softmax(input: TensorLike, dim: int | None = ...) -> Tensor:
    """Exponentials that add up to 1 along an axis."""

def sqrt(input: TensorLike) -> Tensor:
    """The square root of each element."""

def squeeze(input: TensorLike, dims: int | Sequence[int]) -> Tensor:
    """Without axes of extent 1."""

def stack(tensors: Sequence[TensorLike], dim: int | None = ...) -> Tensor:
    """Tensors side by side along a new axis."""

def sub(lhs: TensorLike, rhs: TensorLike) -> Tensor:
    """The difference of two tensors."""

def sum(input: TensorLike, dim: int | Sequence[int] | None = ..., keepdim: bool | None = ...) -> Tensor:
    """The sum over axes."""

def tanh(input: TensorLike) -> Tensor:
    """The hyperbolic tangent of each element."""

def transpose(input: TensorLike, dim0: int, dim1: int) -> Tensor:
    """Two axes changed round."""

def tril(tensor: TensorLike, diagonal: int | None = ...) -> Tensor:
    """The triangle on and below a diagonal."""

def triu(tensor: TensorLike, diagonal: int | None = ...) -> Tensor:
    """The triangle on and above a diagonal."""

def unsqueeze(input: TensorLike, dim: int) -> Tensor:
    """With a new axis of extent 1."""

def var(input: TensorLike, dim: int | Sequence[int] | None = ..., keepdim: bool | None = ..., correction: int | None = ...) -> Tensor:
    """The variance over axes."""

def where(condition: TensorLike, input: TensorLike, other: TensorLike) -> Tensor:
    """Elements of one tensor where a condition holds, of another where not."""

def allclose(input: Any, other: Any, rtol: Any = ..., atol: Any = ...) -> bool:
    """Whether all elements are close: |a - b| <= atol + rtol |b|; NaN is close to nothing. Computes."""

def arange(start: Any, stop: Any = ..., step: Any = ..., dtype: Any = ...) -> Tensor:
    """start, start + step, ... before stop, on one axis. Error: a step of 0."""

def copy(input: Any, device: Any) -> Tensor:
    """The tensor on another device; computes."""

def full_like(input: Any, value: Any, dtype: Any = ...) -> Tensor:
    """A tensor of one number, with the shape of another and, unless given, its dtype."""

def iota_like(input: Any, dim: Any = ..., dtype: Any = ...) -> Tensor:
    """A tensor that counts along an axis, with the shape of another."""

def ones(shape: Any, dtype: Any = ...) -> Tensor:
    """A tensor of ones."""

def ones_like(input: Any, dtype: Any = ...) -> Tensor:
    """A tensor of ones with the shape of another."""

def zeros(shape: Any, dtype: Any = ...) -> Tensor:
    """A tensor of zeros."""

def zeros_like(input: Any, dtype: Any = ...) -> Tensor:
    """A tensor of zeros with the shape of another."""
