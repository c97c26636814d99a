// The operators as functions; written from the operator table (frontend/functions_text.h).
// clang-format off
#include "frontend/function_call.h"
#include "ops/ops.h"

namespace intarsia {

using frontend::call;
using frontend::call_list;
using frontend::as_attribute;

Tensor abs(const Operand& input) { return frontend::apply_one(ops::kAbs, {input}); }
Tensor add(const Operand& lhs, const Operand& rhs) { return frontend::apply_one(ops::kAdd, {lhs, rhs}); }
Tensor all(const Operand& input, const std::optional<std::vector<std::int64_t>>& dim, bool keepdim) { return frontend::apply_one(ops::kAll, {input}, {{"dim", as_attribute(dim)}, {"keepdim", as_attribute(keepdim)}}); }
Tensor any(const Operand& input, const std::optional<std::vector<std::int64_t>>& dim, bool keepdim) { return frontend::apply_one(ops::kAny, {input}, {{"dim", as_attribute(dim)}, {"keepdim", as_attribute(keepdim)}}); }
Tensor argmax(const Operand& input, const std::optional<std::int64_t>& dim, bool keepdim) { return frontend::apply_one(ops::kArgmax, {input}, {{"dim", as_attribute(dim)}, {"keepdim", as_attribute(keepdim)}}); }
Tensor argmin(const Operand& input, const std::optional<std::int64_t>& dim, bool keepdim) { return frontend::apply_one(ops::kArgmin, {input}, {{"dim", as_attribute(dim)}, {"keepdim", as_attribute(keepdim)}}); }
Tensor cast(const Operand& input, DType dtype) { return frontend::apply_one(ops::kCast, {input}, {{"dtype", as_attribute(dtype)}}); }
Tensor concatenate(const std::vector<Operand>& tensors, std::int64_t dim) { return call_list(ops::kConcatenate, tensors, {{"dim", as_attribute(dim)}}); }
Tensor cos(const Operand& input) { return frontend::apply_one(ops::kCos, {input}); }
Tensor cumsum(const Operand& input, std::int64_t dim) { return frontend::apply_one(ops::kCumsum, {input}, {{"dim", as_attribute(dim)}}); }
Tensor div(const Operand& lhs, const Operand& rhs) { return frontend::apply_one(ops::kDiv, {lhs, rhs}); }
Tensor equal(const Operand& lhs, const Operand& rhs) { return frontend::apply_one(ops::kEqual, {lhs, rhs}); }
Tensor erf(const Operand& input) { return frontend::apply_one(ops::kErf, {input}); }
Tensor exp(const Operand& input) { return frontend::apply_one(ops::kExp, {input}); }
Tensor expand(const Operand& input, const Shape& sizes) { return frontend::apply_one(ops::kExpand, {input}, {{"sizes", as_attribute(sizes)}}); }
Tensor flatten(const Operand& input, std::int64_t start_dim, std::int64_t end_dim) { return frontend::apply_one(ops::kFlatten, {input}, {{"start_dim", as_attribute(start_dim)}, {"end_dim", as_attribute(end_dim)}}); }
Tensor flip(const Operand& input, const std::optional<std::vector<std::int64_t>>& dim) { return frontend::apply_one(ops::kFlip, {input}, {{"dim", as_attribute(dim)}}); }
Tensor floor_div(const Operand& lhs, const Operand& rhs) { return frontend::apply_one(ops::kFloorDiv, {lhs, rhs}); }
Tensor full(const Shape& shape, Number value, DType dtype, const Caller& caller) { return call(ops::kFull, {{"shape", as_attribute(shape)}, {"value", as_attribute(value)}, {"dtype", as_attribute(dtype)}}, caller); }
Tensor gather(const Operand& input, std::int64_t dim, const Operand& index) { return frontend::apply_one(ops::kGather, {input, index}, {{"dim", as_attribute(dim)}}); }
Tensor gelu(const Operand& input, const std::string& approximate) { return frontend::apply_one(ops::kGelu, {input}, {{"approximate", as_attribute(approximate)}}); }
Tensor greater(const Operand& lhs, const Operand& rhs) { return frontend::apply_one(ops::kGreater, {lhs, rhs}); }
Tensor greater_equal(const Operand& lhs, const Operand& rhs) { return frontend::apply_one(ops::kGreaterEqual, {lhs, rhs}); }
Tensor iota(const Shape& shape, std::int64_t dim, DType dtype, const Caller& caller) { return call(ops::kIota, {{"shape", as_attribute(shape)}, {"dim", as_attribute(dim)}, {"dtype", as_attribute(dtype)}}, caller); }
Tensor layer_norm(const Operand& input, const Operand& weight, const Operand& bias, double eps) { return frontend::apply_one(ops::kLayerNorm, {input, weight, bias}, {{"eps", as_attribute(eps)}}); }
Tensor less(const Operand& lhs, const Operand& rhs) { return frontend::apply_one(ops::kLess, {lhs, rhs}); }
Tensor less_equal(const Operand& lhs, const Operand& rhs) { return frontend::apply_one(ops::kLessEqual, {lhs, rhs}); }
Tensor log(const Operand& input) { return frontend::apply_one(ops::kLog, {input}); }
Tensor logical_and(const Operand& lhs, const Operand& rhs) { return frontend::apply_one(ops::kLogicalAnd, {lhs, rhs}); }
Tensor logical_not(const Operand& input) { return frontend::apply_one(ops::kLogicalNot, {input}); }
Tensor logical_or(const Operand& lhs, const Operand& rhs) { return frontend::apply_one(ops::kLogicalOr, {lhs, rhs}); }
Tensor logical_xor(const Operand& lhs, const Operand& rhs) { return frontend::apply_one(ops::kLogicalXor, {lhs, rhs}); }
Tensor masked_fill(const Operand& input, const Operand& mask, Number value) { return frontend::apply_one(ops::kMaskedFill, {input, mask}, {{"value", as_attribute(value)}}); }
Tensor matmul(const Operand& lhs, const Operand& rhs) { return frontend::apply_one(ops::kMatmul, {lhs, rhs}); }
Tensor max(const Operand& input, const std::optional<std::vector<std::int64_t>>& dim, bool keepdim) { return frontend::apply_one(ops::kMax, {input}, {{"dim", as_attribute(dim)}, {"keepdim", as_attribute(keepdim)}}); }
Tensor maximum(const Operand& lhs, const Operand& rhs) { return frontend::apply_one(ops::kMaximum, {lhs, rhs}); }
Tensor mean(const Operand& input, const std::optional<std::vector<std::int64_t>>& dim, bool keepdim) { return frontend::apply_one(ops::kMean, {input}, {{"dim", as_attribute(dim)}, {"keepdim", as_attribute(keepdim)}}); }
Tensor min(const Operand& input, const std::optional<std::vector<std::int64_t>>& dim, bool keepdim) { return frontend::apply_one(ops::kMin, {input}, {{"dim", as_attribute(dim)}, {"keepdim", as_attribute(keepdim)}}); }
Tensor minimum(const Operand& lhs, const Operand& rhs) { return frontend::apply_one(ops::kMinimum, {lhs, rhs}); }
Tensor mod(const Operand& lhs, const Operand& rhs) { return frontend::apply_one(ops::kMod, {lhs, rhs}); }
Tensor mul(const Operand& lhs, const Operand& rhs) { return frontend::apply_one(ops::kMul, {lhs, rhs}); }
Tensor neg(const Operand& input) { return frontend::apply_one(ops::kNeg, {input}); }
Tensor not_equal(const Operand& lhs, const Operand& rhs) { return frontend::apply_one(ops::kNotEqual, {lhs, rhs}); }
Tensor permute(const Operand& input, const std::vector<std::int64_t>& perm) { return frontend::apply_one(ops::kPermute, {input}, {{"perm", as_attribute(perm)}}); }
Tensor pow(const Operand& lhs, const Operand& rhs) { return frontend::apply_one(ops::kPow, {lhs, rhs}); }
Tensor prod(const Operand& input, const std::optional<std::vector<std::int64_t>>& dim, bool keepdim) { return frontend::apply_one(ops::kProd, {input}, {{"dim", as_attribute(dim)}, {"keepdim", as_attribute(keepdim)}}); }
Tensor relu(const Operand& input) { return frontend::apply_one(ops::kRelu, {input}); }
Tensor reshape(const Operand& input, const Shape& shape) { return frontend::apply_one(ops::kReshape, {input}, {{"shape", as_attribute(shape)}}); }
Tensor rsqrt(const Operand& input) { return frontend::apply_one(ops::kRsqrt, {input}); }
Tensor sigmoid(const Operand& input) { return frontend::apply_one(ops::kSigmoid, {input}); }
Tensor silu(const Operand& input) { return frontend::apply_one(ops::kSilu, {input}); }
Tensor sin(const Operand& input) { return frontend::apply_one(ops::kSin, {input}); }
Tensor slice(const Operand& input, const Shape& begin, const Shape& end, const std::optional<std::vector<std::int64_t>>& step) { return frontend::apply_one(ops::kSlice, {input}, {{"begin", as_attribute(begin)}, {"end", as_attribute(end)}, {"step", as_attribute(step)}}); }
Tensor softmax(const Operand& input, const std::optional<std::int64_t>& dim) { return frontend::apply_one(ops::kSoftmax, {input}, {{"dim", as_attribute(dim)}}); }
Tensor sqrt(const Operand& input) { return frontend::apply_one(ops::kSqrt, {input}); }
Tensor squeeze(const Operand& input, const std::vector<std::int64_t>& dims) { return frontend::apply_one(ops::kSqueeze, {input}, {{"dims", as_attribute(dims)}}); }
Tensor stack(const std::vector<Operand>& tensors, std::int64_t dim) { return call_list(ops::kStack, tensors, {{"dim", as_attribute(dim)}}); }
Tensor sub(const Operand& lhs, const Operand& rhs) { return frontend::apply_one(ops::kSub, {lhs, rhs}); }
Tensor sum(const Operand& input, const std::optional<std::vector<std::int64_t>>& dim, bool keepdim) { return frontend::apply_one(ops::kSum, {input}, {{"dim", as_attribute(dim)}, {"keepdim", as_attribute(keepdim)}}); }
Tensor tanh(const Operand& input) { return frontend::apply_one(ops::kTanh, {input}); }
Tensor transpose(const Operand& input, std::int64_t dim0, std::int64_t dim1) { return frontend::apply_one(ops::kTranspose, {input}, {{"dim0", as_attribute(dim0)}, {"dim1", as_attribute(dim1)}}); }
Tensor tril(const Operand& tensor, std::int64_t diagonal) { return frontend::apply_one(ops::kTril, {tensor}, {{"diagonal", as_attribute(diagonal)}}); }
Tensor triu(const Operand& tensor, std::int64_t diagonal) { return frontend::apply_one(ops::kTriu, {tensor}, {{"diagonal", as_attribute(diagonal)}}); }
Tensor unsqueeze(const Operand& input, std::int64_t dim) { return frontend::apply_one(ops::kUnsqueeze, {input}, {{"dim", as_attribute(dim)}}); }
Tensor var(const Operand& input, const std::optional<std::vector<std::int64_t>>& dim, bool keepdim, std::int64_t correction) { return frontend::apply_one(ops::kVar, {input}, {{"dim", as_attribute(dim)}, {"keepdim", as_attribute(keepdim)}, {"correction", as_attribute(correction)}}); }
Tensor where(const Operand& condition, const Operand& input, const Operand& other) { return frontend::apply_one(ops::kWhere, {condition, input, other}); }

}  // namespace intarsia
