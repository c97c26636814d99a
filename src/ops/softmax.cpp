// softmax.
#include <cmath>
#include <limits>

#include "ops/expansion.h"
#include "ops/host.h"
#include "ops/ops.h"
#include "ops/rules.h"

namespace intarsia::ops {
namespace {

constexpr Input kInputs[] = {{.name = "input", .dtypes = kFloats, .type_variable = 0, .doc = "any shape"}};
constexpr Output kSame[] = {{.name = "output", .type_variable = 0, .doc = "the shape of `input`"}};
constexpr AttributeDef kAttributes[] = {
    {.name = "dim",
     .kind = AttributeKind::kInt,
     .required = false,
     .doc = "the axis along which elements add up to 1; absent: all elements of the tensor together, as in "
            "Tripy and SciPy"}};

void infer(InferContext& context) {
  if (context.has("dim"))
    (void)normal_axis(context.op(), context.attribute<std::int64_t>("dim"), context.in(0).shape.size());
  context.out(context.in(0).shape);
}

void reference(ReferenceContext& c) {
  const HostTensor &in = c.inputs[0], &out = c.outputs[0];
  std::int64_t length = numel(in), stride = 1;
  if (c.attributes.find("dim")) {
    const std::size_t axis = normal_axis(c.attributes.get<std::int64_t>("dim"), in.extents.size());
    length = in.extents[axis];
    stride = strides_of(in.extents)[axis];
  }
  for (std::int64_t i = 0; i < numel(in); ++i) {
    if (i / stride % length != 0) continue;  // not the first of its row
    double largest = -std::numeric_limits<double>::infinity(), sum = 0;
    for (std::int64_t k = 0; k < length; ++k) {
      const double x = read<double>(in, i + k * stride);
      if (std::isnan(x) || x > largest) largest = x;
      if (std::isnan(largest)) break;
    }
    for (std::int64_t k = 0; k < length; ++k) sum += std::exp(read<double>(in, i + k * stride) - largest);
    for (std::int64_t k = 0; k < length; ++k)
      write(out, i + k * stride, std::exp(read<double>(in, i + k * stride) - largest) / sum);
  }
}

std::vector<GraphBuilder::Value> decompose(const OpDef&, GraphBuilder& graph,
                                           std::span<const GraphBuilder::Value> inputs,
                                           const Attributes& given) {
  Expansion e(graph, graph.type(inputs[0]).dtype);
  Attributes axis = {{"keepdim", true}};
  if (const AttributeValue* dim = given.find("dim")) axis.set("dim", *dim);
  const auto x = e.widen(inputs[0]);
  const auto powers = e.add(kExp, {e.add(kSub, {x, e.add(kMax, {x}, axis)})});
  return {e.narrow(e.add(kDiv, {powers, e.add(kSum, {powers}, axis)}))};
}

}  // namespace

constexpr OpDef kSoftmax = {
    .id = "softmax",
    .summary = "Exponentials that add up to 1 along an axis.",
    .inputs = kInputs,
    .attributes = kAttributes,
    .outputs = kSame,
    .infer = infer,
    .reference = reference,
    .decompose = decompose,
    .doc =
        "`exp(x - max(x)) / sum(exp(x - max(x)))` along `dim`, in at least f32, rounded once. A row with a "
        "NaN, with inf, or of -inf alone "
        "is NaN throughout. UserError: `dim` is out of range.",
    .example = "assert ia.softmax(ia.Tensor([[1.0, 1.0]]), dim=1).tolist() == [[0.5, 0.5]]"};

}  // namespace intarsia::ops
