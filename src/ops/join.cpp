// concatenate: tensors one behind the other.
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

}  // namespace

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
