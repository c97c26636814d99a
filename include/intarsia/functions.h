// The operators as functions; written from the operator table (frontend/functions_text.h).
// clang-format off
#pragma once
#include "intarsia/intarsia.h"

namespace intarsia {

// The absolute value of each element.
Tensor abs(const Operand& input);
// The sum of two tensors.
Tensor add(const Operand& lhs, const Operand& rhs);
// Whether all elements over axes are true.
Tensor all(const Operand& input, const std::optional<std::vector<std::int64_t>>& dim = {}, bool keepdim = false);
// Whether any element over axes is true.
Tensor any(const Operand& input, const std::optional<std::vector<std::int64_t>>& dim = {}, bool keepdim = false);
// Where the largest element is.
Tensor argmax(const Operand& input, const std::optional<std::int64_t>& dim = {}, bool keepdim = false);
// Where the smallest element is.
Tensor argmin(const Operand& input, const std::optional<std::int64_t>& dim = {}, bool keepdim = false);
// The same elements in another dtype.
Tensor cast(const Operand& input, DType dtype);
// Tensors one behind the other along an axis.
Tensor concatenate(const std::vector<Operand>& tensors, std::int64_t dim);
// The cosine of each element, in radians.
Tensor cos(const Operand& input);
// Running totals along an axis.
Tensor cumsum(const Operand& input, std::int64_t dim);
// The quotient of two tensors.
Tensor div(const Operand& lhs, const Operand& rhs);
// Whether two elements are equal.
Tensor equal(const Operand& lhs, const Operand& rhs);
// The error function of each element.
Tensor erf(const Operand& input);
// e to the power of each element.
Tensor exp(const Operand& input);
// Axes of extent 1 stretched, new axes in front.
Tensor expand(const Operand& input, const Shape& sizes);
// Neighbouring axes as one.
Tensor flatten(const Operand& input, std::int64_t start_dim = 0, std::int64_t end_dim = -1);
// Axes walked back.
Tensor flip(const Operand& input, const std::optional<std::vector<std::int64_t>>& dim = {});
// The quotient of two tensors, rounded towards minus infinity.
Tensor floor_div(const Operand& lhs, const Operand& rhs);
// A tensor whose elements are all one number.
Tensor full(const Shape& shape, Number value, DType dtype = DType::kF32, const Caller& caller = std::source_location::current());
// Elements of one axis, at the places another tensor names.
Tensor gather(const Operand& input, std::int64_t dim, const Operand& index);
// The Gaussian error linear unit of each element.
Tensor gelu(const Operand& input, const std::string& approximate = "none");
// Whether the first element is greater than the second.
Tensor greater(const Operand& lhs, const Operand& rhs);
// Whether the first element is greater than the second or equal to it.
Tensor greater_equal(const Operand& lhs, const Operand& rhs);
// A tensor whose elements count along one axis.
Tensor iota(const Shape& shape, std::int64_t dim = 0, DType dtype = DType::kF32, const Caller& caller = std::source_location::current());
// Each row with mean 0 and variance 1, then scaled and shifted.
Tensor layer_norm(const Operand& input, const Operand& weight, const Operand& bias, double eps = 1e-05);
// Whether the first element is less than the second.
Tensor less(const Operand& lhs, const Operand& rhs);
// Whether the first element is less than the second or equal to it.
Tensor less_equal(const Operand& lhs, const Operand& rhs);
// The natural logarithm of each element.
Tensor log(const Operand& input);
// Whether both elements are true.
Tensor logical_and(const Operand& lhs, const Operand& rhs);
// Whether an element is false.
Tensor logical_not(const Operand& input);
// Whether at least one of two elements is true.
Tensor logical_or(const Operand& lhs, const Operand& rhs);
// Whether exactly one of two elements is true.
Tensor logical_xor(const Operand& lhs, const Operand& rhs);
// A number where a mask is true, the elements where not.
Tensor masked_fill(const Operand& input, const Operand& mask, Number value);
// Matrix product.
Tensor matmul(const Operand& lhs, const Operand& rhs);
// The largest element over axes.
Tensor max(const Operand& input, const std::optional<std::vector<std::int64_t>>& dim = {}, bool keepdim = false);
// The larger of two elements.
Tensor maximum(const Operand& lhs, const Operand& rhs);
// The arithmetic mean over axes.
Tensor mean(const Operand& input, const std::optional<std::vector<std::int64_t>>& dim = {}, bool keepdim = false);
// The smallest element over axes.
Tensor min(const Operand& input, const std::optional<std::vector<std::int64_t>>& dim = {}, bool keepdim = false);
// The smaller of two elements.
Tensor minimum(const Operand& lhs, const Operand& rhs);
// The remainder of the floor division, with the sign of the divisor.
Tensor mod(const Operand& lhs, const Operand& rhs);
// The product of two tensors, element by element.
Tensor mul(const Operand& lhs, const Operand& rhs);
// The negative of each element.
Tensor neg(const Operand& input);
// Whether two elements differ.
Tensor not_equal(const Operand& lhs, const Operand& rhs);
// The axes in another order.
Tensor permute(const Operand& input, const std::vector<std::int64_t>& perm);
// The first tensor to the power of the second.
Tensor pow(const Operand& lhs, const Operand& rhs);
// The product over axes.
Tensor prod(const Operand& input, const std::optional<std::vector<std::int64_t>>& dim = {}, bool keepdim = false);
// The element where it is positive, 0 where not.
Tensor relu(const Operand& input);
// The same elements in row-major order under other extents.
Tensor reshape(const Operand& input, const Shape& shape);
// One over the square root of each element.
Tensor rsqrt(const Operand& input);
// The logistic function of each element.
Tensor sigmoid(const Operand& input);
// The element times its logistic function.
Tensor silu(const Operand& input);
// The sine of each element, in radians.
Tensor sin(const Operand& input);
// Every step-th element between two indices of each axis.
Tensor slice(const Operand& input, const Shape& begin, const Shape& end, const std::optional<std::vector<std::int64_t>>& step = {});
// Exponentials that add up to 1 along an axis.
Tensor softmax(const Operand& input, const std::optional<std::int64_t>& dim = {});
// The square root of each element.
Tensor sqrt(const Operand& input);
// Without axes of extent 1.
Tensor squeeze(const Operand& input, const std::vector<std::int64_t>& dims);
// Tensors side by side along a new axis.
Tensor stack(const std::vector<Operand>& tensors, std::int64_t dim = 0);
// The difference of two tensors.
Tensor sub(const Operand& lhs, const Operand& rhs);
// The sum over axes.
Tensor sum(const Operand& input, const std::optional<std::vector<std::int64_t>>& dim = {}, bool keepdim = false);
// The hyperbolic tangent of each element.
Tensor tanh(const Operand& input);
// Two axes changed round.
Tensor transpose(const Operand& input, std::int64_t dim0, std::int64_t dim1);
// The triangle on and below a diagonal.
Tensor tril(const Operand& tensor, std::int64_t diagonal = 0);
// The triangle on and above a diagonal.
Tensor triu(const Operand& tensor, std::int64_t diagonal = 0);
// With a new axis of extent 1.
Tensor unsqueeze(const Operand& input, std::int64_t dim);
// The variance over axes.
Tensor var(const Operand& input, const std::optional<std::vector<std::int64_t>>& dim = {}, bool keepdim = false, std::int64_t correction = 1);
// Elements of one tensor where a condition holds, of another where not.
Tensor where(const Operand& condition, const Operand& input, const Operand& other);

}  // namespace intarsia
