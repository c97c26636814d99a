// Reductions made of others: var, all, any.
#include "base/error.h"
#include "ops/expansion.h"
#include "ops/ops.h"
#include "ops/reduce.h"
#include "ops/rules.h"

namespace intarsia::ops {
namespace {

using Value = GraphBuilder::Value;

// ---- var
// -----------------------------------------------------------------------------------------------------------------

constexpr Input kFloat[] = {{.name = "input", .dtypes = kFloats, .type_variable = 0, .doc = "any shape"}};
constexpr Output kSame[] = {{.name = "output", .type_variable = 0, .doc = kReducedDoc}};
constexpr AttributeDef kVarAttributes[] = {
    kReduceAttributes[0],
    kReduceAttributes[1],
    {.name = "correction",
     .kind = AttributeKind::kInt,
     .required = false,
     .fallback = "1",
     .doc = "taken from the number of elements"},
};

double divisor(std::int64_t count, const Attributes& attributes) {
  return std::max(
      0.0, static_cast<double>(count) - static_cast<double>(attributes.get<std::int64_t>("correction")));
}

void reference_var(ReferenceContext& c) {
  const HostTensor &in = c.inputs[0], &out = c.outputs[0];
  const auto axes = reduced_axes(c.op, c.attributes, in.extents.size());
  std::int64_t count = 1;
  for (const std::size_t axis : axes) count *= in.extents[axis];
  std::vector<double> mean(static_cast<std::size_t>(numel(out)), 0.0), squares = mean;
  walk_reduced(in, axes, [&](std::int64_t to, std::int64_t from) {
    mean[static_cast<std::size_t>(to)] += read<double>(in, from) / static_cast<double>(count);
  });
  walk_reduced(in, axes, [&](std::int64_t to, std::int64_t from) {
    const double off = read<double>(in, from) - mean[static_cast<std::size_t>(to)];
    squares[static_cast<std::size_t>(to)] += off * off;
  });
  for (std::int64_t i = 0; i < numel(out); ++i)
    write(out, i, squares[static_cast<std::size_t>(i)] / divisor(count, c.attributes));
}

std::vector<Value> decompose_var(const OpDef& op, GraphBuilder& graph, std::span<const Value> inputs,
                                 const Attributes& given) {
  const TensorType type = graph.type(inputs[0]);
  Dim count = 1;
  for (const std::size_t axis : reduced_axes(op, given, type.shape.size())) count = count * type.shape[axis];
  if (!count.is_constant()) return {};
  Expansion e(graph, type.dtype);
  Attributes over = {{"keepdim", true}}, last = {{"keepdim", given.get<bool>("keepdim")}};
  if (const AttributeValue* dim = given.find("dim")) over.set("dim", *dim), last.set("dim", *dim);
  const Value x = e.widen(inputs[0]);
  const Value off = e.add(kSub, {x, e.add(kMean, {x}, over)});
  const Value squares = e.add(kSum, {e.add(kMul, {off, off})}, last);
  return {e.narrow(e.add(kDiv, {squares, e.number(divisor(count.constant(), given))}))};
}

// ---- all, any
// ------------------------------------------------------------------------------------------------------------

constexpr Input kBool[] = {{.name = "input", .dtypes = kBoolOnly, .doc = "any shape"}};
constexpr Output kTruth[] = {{.name = "output", .dtypes = kBoolOnly, .doc = kReducedDoc}};

template <const OpDef& kExtreme>
void reference_extreme(ReferenceContext& c) {
  ReferenceContext extreme{kExtreme, c.attributes, c.inputs, c.outputs};
  kExtreme.reference(extreme);
}
template <const OpDef& kExtreme>
std::vector<Value> decompose_extreme(const OpDef&, GraphBuilder& graph, std::span<const Value> inputs,
                                     const Attributes& given) {
  return graph.add(kExtreme, inputs, given);
}

template <const OpDef& kExtreme>
constexpr OpDef truth(std::string_view id, std::string_view summary, std::string_view doc,
                      std::string_view example) {
  return {.id = id,
          .summary = summary,
          .inputs = kBool,
          .attributes = kReduceAttributes,
          .outputs = kTruth,
          .infer = infer_reduce,
          .reference = reference_extreme<kExtreme>,
          .decompose = decompose_extreme<kExtreme>,
          .doc = doc,
          .example = example};
}

}  // namespace

constexpr OpDef kVar = {
    .id = "var",
    .summary = "The variance over axes.",
    .inputs = kFloat,
    .attributes = kVarAttributes,
    .outputs = kSame,
    .infer = infer_reduce,
    .reference = reference_var,
    .decompose = decompose_var,
    .doc =
        "The sum of squared distances from the mean, divided by `max(count - correction, 0)`, in at least "
        "f32, rounded "
        "once; NaN where that is 0 / 0. UserError: `dim` is out of range or repeats an axis.",
    .example = "assert ia.var(ia.Tensor([1.0, 3.0])).tolist() == 2.0"};
constexpr OpDef kAll =
    truth<kMin>("all", "Whether all elements over axes are true.",
                "True of no elements. UserError: `dim` is out of range or repeats an axis.",
                "assert ia.all(ia.Tensor([[True, False], [True, True]]), dim=1).tolist() == [False, True]");
constexpr OpDef kAny =
    truth<kMax>("any", "Whether any element over axes is true.",
                "False of no elements. UserError: `dim` is out of range or repeats an axis.",
                "assert ia.any(ia.Tensor([[True, False], [False, False]]), dim=1).tolist() == [True, False]");

}  // namespace intarsia::ops
