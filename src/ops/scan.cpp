// Running totals: cumsum.
#include "ops/expansion.h"
#include "ops/host.h"
#include "ops/ops.h"
#include "ops/rules.h"

namespace intarsia::ops {
namespace {

using Value = GraphBuilder::Value;

constexpr Input kInputs[] = {
    {.name = "input", .dtypes = kNumbers, .type_variable = 0, .doc = "any shape with an axis"}};
constexpr Output kSame[] = {{.name = "output", .type_variable = 0, .doc = "the shape of `input`"}};
constexpr AttributeDef kAttributes[] = {
    {.name = "dim", .kind = AttributeKind::kInt, .doc = "the axis along which elements add up"}};

void infer(InferContext& context) {
  (void)normal_axis(context.op(), context.attribute<std::int64_t>("dim"), context.in(0).shape.size());
  context.out(context.in(0).shape);
}

void reference(ReferenceContext& c) {
  const HostTensor &in = c.inputs[0], &out = c.outputs[0];
  const std::size_t axis = normal_axis(c.attributes.get<std::int64_t>("dim"), in.extents.size());
  const std::int64_t length = in.extents[axis], stride = strides_of(in.extents)[axis];
  with_number_class(in.dtype, [&]<class T>(T) {
    using Sum = std::conditional_t<std::same_as<T, double>, double, std::uint64_t>;  // integers wrap
    for (std::int64_t first = 0; first < numel(in); ++first) {
      if (first / stride % length != 0) continue;
      Sum sum = 0;
      for (std::int64_t k = 0; k < length; ++k) {
        sum += static_cast<Sum>(read<T>(in, first + k * stride));
        write(out, first + k * stride, static_cast<T>(sum));
      }
    }
  });
}

// out[..., i, ...] = sum over j of (j <= i ? in[..., j, ...] : 0): quadratic, for targets without a scan.
std::vector<Value> decompose(const OpDef& op, GraphBuilder& graph, std::span<const Value> inputs,
                             const Attributes& given) {
  const TensorType type = graph.type(inputs[0]);
  const std::size_t axis = normal_axis(op, given.get<std::int64_t>("dim"), type.shape.size());
  Expansion e(graph, type.dtype);
  Shape wide = type.shape, to(wide.size() - axis + 1, 1), from = to;
  wide.insert(wide.begin() + static_cast<std::ptrdiff_t>(axis), 1);
  to[0] = type.shape[axis], from[1] = type.shape[axis];
  const auto iota = [&](const Shape& shape, std::int64_t dim) {
    return e.add(kIota, {}, {{"shape", shape}, {"dim", dim}, {"dtype", DType::kI64}});
  };
  const Value x = e.add(kReshape, {e.widen(inputs[0])}, {{"shape", wide}});
  const Value zero =
      e.add(kFull, {}, {{"shape", Shape{}}, {"value", std::int64_t{0}}, {"dtype", graph.type(x).dtype}});
  const Value taken = e.add(kWhere, {e.add(kLessEqual, {iota(from, 1), iota(to, 0)}), x, zero});
  return {e.narrow(e.add(kSum, {taken}, {{"dim", static_cast<std::int64_t>(axis) + 1}}))};
}

}  // namespace

constexpr OpDef kCumsum = {
    .id = "cumsum",
    .summary = "Running totals along an axis.",
    .inputs = kInputs,
    .attributes = kAttributes,
    .outputs = kSame,
    .infer = infer,
    .reference = reference,
    .decompose = decompose,
    .doc =
        "Integers wrap in their own dtype; floats are summed in at least f32 and each total is rounded once. "
        "UserError: `dim` is out of range.",
    .example = "assert ia.cumsum(ia.Tensor([1.0, 2.0, 3.0]), 0).tolist() == [1.0, 3.0, 6.0]"};

}  // namespace intarsia::ops
