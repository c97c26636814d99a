// layer_norm: over the last axes, those of the weight.
#include <fmt/format.h>
#include <cmath>

#include "ops/expansion.h"
#include "ops/host.h"
#include "ops/ops.h"
#include "ops/rules.h"

namespace intarsia::ops {
namespace {

using Value = GraphBuilder::Value;

constexpr Input kInputs[] = {
    {.name = "input", .dtypes = kFloats, .type_variable = 0, .doc = "shape [..., normalized...]"},
    {.name = "weight",
     .dtypes = kFloats,
     .type_variable = 0,
     .doc = "shape [normalized...]: the last axes of `input`, at least one"},
    {.name = "bias", .dtypes = kFloats, .type_variable = 0, .doc = "the shape of `weight`"},
};
constexpr Output kSame[] = {{.name = "output", .type_variable = 0, .doc = "the shape of `input`"}};
constexpr AttributeDef kAttributes[] = {{.name = "eps",
                                         .kind = AttributeKind::kFloat,
                                         .required = false,
                                         .fallback = "1e-05",
                                         .doc = "added to the variance"}};

void infer(InferContext& context) {
  const Shape &in = context.in(0).shape, &weight = context.in(1).shape, &bias = context.in(2).shape;
  context.require(
      !weight.empty() && weight.size() <= in.size(),
      fmt::format("input 'weight' has shape {}, but must have that of the last axes of 'input', {}",
                  weight.str(), in.str()));
  context.require_rank(2, weight.size());
  for (std::size_t i = 0; i < weight.size(); ++i) {
    const std::size_t axis = in.size() - weight.size() + i;
    context.require_equal(weight[i], in[axis], fmt::format("extent {} of weight", i),
                          fmt::format("extent {} of input", axis));
    context.require_equal(bias[i], weight[i], fmt::format("extent {} of bias", i), "that of weight");
  }
  context.out(in);
}

void reference(ReferenceContext& c) {
  const HostTensor &in = c.inputs[0], &weight = c.inputs[1], &bias = c.inputs[2], &out = c.outputs[0];
  const auto eps = c.attributes.get<double>("eps");
  const std::int64_t row = numel(weight);
  for (std::int64_t first = 0; first < numel(in); first += row) {
    double mean = 0, variance = 0;
    for (std::int64_t i = 0; i < row; ++i) mean += read<double>(in, first + i);
    mean /= static_cast<double>(row);
    for (std::int64_t i = 0; i < row; ++i)
      variance += (read<double>(in, first + i) - mean) * (read<double>(in, first + i) - mean);
    const double scale = 1 / std::sqrt(variance / static_cast<double>(row) + eps);
    for (std::int64_t i = 0; i < row; ++i)
      write(out, first + i,
            (read<double>(in, first + i) - mean) * scale * read<double>(weight, i) + read<double>(bias, i));
  }
}

std::vector<Value> decompose(const OpDef&, GraphBuilder& graph, std::span<const Value> inputs,
                             const Attributes& attributes) {
  Expansion e(graph, graph.type(inputs[0]).dtype);
  const auto rank = static_cast<std::int64_t>(graph.type(inputs[1]).shape.size());
  std::vector<std::int64_t> axes;
  for (std::int64_t i = 1; i <= rank; ++i) axes.push_back(-i);
  const Attributes over = {{"dim", axes}, {"keepdim", true}};
  const Value x = e.widen(inputs[0]);
  const Value centered = e.add(kSub, {x, e.add(kMean, {x}, over)});
  const Value variance = e.add(kMean, {e.add(kMul, {centered, centered})}, over);
  const Value scale = e.add(kRsqrt, {e.add(kAdd, {variance, e.number(attributes.get<double>("eps"))})});
  const Value weighted = e.add(kMul, {e.add(kMul, {centered, scale}), e.widen(inputs[1])});
  return {e.narrow(e.add(kAdd, {weighted, e.widen(inputs[2])}))};
}

}  // namespace

constexpr OpDef kLayerNorm = {
    .id = "layer_norm",
    .summary = "Each row with mean 0 and variance 1, then scaled and shifted.",
    .inputs = kInputs,
    .attributes = kAttributes,
    .outputs = kSame,
    .infer = infer,
    .reference = reference,
    .decompose = decompose,
    .doc =
        "`(x - mean(x)) / sqrt(var(x) + eps) * weight + bias` over the axes of `weight`, the variance "
        "without correction (Ba, Kiros and "
        "Hinton, arXiv:1607.06450); in at least f32, rounded once. UserError: `weight` or `bias` have other "
        "extents than the last axes.",
    .example =
        "x = ia.Tensor([[-1.0, 1.0]])\n"
        "assert ia.layer_norm(x, ia.ones((2,)), ia.zeros((2,)), eps=0.0).tolist() == [[-1.0, 1.0]]"};

}  // namespace intarsia::ops
