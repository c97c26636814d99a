// Tensors put together: concatenate, stack.
#include <fmt/format.h>

#include "base/error.h"
#include "ops/host.h"
#include "ops/ops.h"
#include "ops/rules.h"

namespace intarsia::ops {
namespace {

constexpr Input kTensors[] = {{.name = "tensors",
                               .dtypes = kAnyType,
                               .type_variable = 0,
                               .variadic = true,
                               .doc = "at least one; equal but for axis `dim`"}};
constexpr Output kSame[] = {{.name = "output", .type_variable = 0, .doc = "extents of axis `dim` added up"}};
constexpr AttributeDef kAttributes[] = {
    {.name = "dim", .kind = AttributeKind::kInt, .doc = "the axis along which they follow"}};

void infer(InferContext& context) {
  context.require(context.size() > 0, "needs at least one tensor");
  Shape out = context.in(0).shape;
  const std::size_t axis = normal_axis(context.op(), context.attribute<std::int64_t>("dim"), out.size());
  for (std::size_t t = 1; t < context.size(); ++t) {
    const Shape& mine = context.in(t).shape;
    context.require(mine.size() == out.size(),
                    fmt::format("tensor {} has shape {}, tensor 0 has shape {}: the ranks must be equal", t,
                                mine.str(), context.in(0).shape.str()));
    for (std::size_t i = 0; i < out.size(); ++i) {
      if (i == axis)
        out[i] = out[i] + mine[i];
      else
        context.require_equal(mine[i], out[i], fmt::format("extent of axis {} of tensor {}", i, t),
                              "that of tensor 0");
    }
  }
  context.out(std::move(out));
}

void reference(ReferenceContext& c) {
  const HostTensor& out = c.outputs[0];
  const std::size_t axis = normal_axis(c.attributes.get<std::int64_t>("dim"), out.extents.size());
  const auto strides = strides_of(out.extents);
  std::int64_t before = 0;
  for (const HostTensor& in : c.inputs) {
    for (std::int64_t i = 0; i < numel(in); ++i)
      copy_element(in, i, out, before * strides[axis] + offset(position(i, in.extents), strides));
    before += in.extents[axis];
  }
}

// ---- stack
// ---------------------------------------------------------------------------------------------------------------

constexpr Input kEqualTensors[] = {{.name = "tensors",
                                    .dtypes = kAnyType,
                                    .type_variable = 0,
                                    .variadic = true,
                                    .doc = "at least one, all of one shape"}};
constexpr Output kStacked[] = {{.name = "output",
                                .type_variable = 0,
                                .doc = "their shape with a new axis, as long as there are tensors"}};
constexpr AttributeDef kStackAttributes[] = {{.name = "dim",
                                              .kind = AttributeKind::kInt,
                                              .required = false,
                                              .fallback = "0",
                                              .doc = "which axis of the result is new"}};

void infer_stack(InferContext& context) {
  context.require(context.size() > 0, "needs at least one tensor");
  Shape out = context.in(0).shape;
  for (std::size_t t = 1; t < context.size(); ++t) {
    const Shape& mine = context.in(t).shape;
    context.require(mine.size() == out.size(),
                    fmt::format("tensor {} has shape {}, tensor 0 has shape {}: they must be equal", t,
                                mine.str(), out.str()));
    for (std::size_t i = 0; i < out.size(); ++i)
      context.require_equal(mine[i], out[i], fmt::format("extent of axis {} of tensor {}", i, t),
                            "that of tensor 0");
  }
  const std::size_t axis = normal_axis(context.op(), context.attribute<std::int64_t>("dim"), out.size() + 1);
  out.insert(out.begin() + static_cast<std::ptrdiff_t>(axis), static_cast<std::int64_t>(context.size()));
  context.out(std::move(out));
}

void reference_stack(ReferenceContext& c) {
  const HostTensor& out = c.outputs[0];
  const std::size_t axis = normal_axis(c.attributes.get<std::int64_t>("dim"), out.extents.size());
  const std::int64_t behind = strides_of(out.extents)[axis], count = out.extents[axis];
  for (std::int64_t i = 0; i < numel(out); ++i)
    copy_element(c.inputs[static_cast<std::size_t>(i / behind % count)],
                 i / behind / count * behind + i % behind, out, i);
}

std::vector<GraphBuilder::Value> decompose_stack(const OpDef&, GraphBuilder& graph,
                                                 std::span<const GraphBuilder::Value> inputs,
                                                 const Attributes& given) {
  std::vector<GraphBuilder::Value> wide;
  for (const GraphBuilder::Value& v : inputs) wide.push_back(graph.add(kUnsqueeze, {&v, 1}, given)[0]);
  return graph.add(kConcatenate, wide, given);
}

}  // namespace

constexpr OpDef kStack = {
    .id = "stack",
    .summary = "Tensors side by side along a new axis.",
    .inputs = kEqualTensors,
    .attributes = kStackAttributes,
    .outputs = kStacked,
    .infer = infer_stack,
    .reference = reference_stack,
    .decompose = decompose_stack,
    .doc = "UserError: no tensor; other shapes; `dim` out of range.",
    .example = "assert ia.stack([ia.Tensor([1, 2]), ia.Tensor([3, 4])]).tolist() == [[1, 2], [3, 4]]"};
constexpr OpDef kConcatenate = {
    .id = "concatenate",
    .summary = "Tensors one behind the other along an axis.",
    .inputs = kTensors,
    .attributes = kAttributes,
    .outputs = kSame,
    .infer = infer,
    .reference = reference,
    .doc =
        "UserError: no tensor; other ranks; another extent on an axis that is not `dim`; `dim` out of range.",
    .example = "assert ia.concatenate([ia.Tensor([1, 2]), ia.Tensor([3])], dim=0).tolist() == [1, 2, 3]"};

}  // namespace intarsia::ops
