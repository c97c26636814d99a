// The same elements seen with other axes: reshape, permute, expand, slice.
#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "ops/host.h"
#include "ops/ops.h"
#include "ops/rules.h"

namespace intarsia::ops {
namespace {

constexpr Input kAnyInput[] = {{.name = "input", .dtypes = kAnyType, .type_variable = 0, .doc = "any shape"}};
constexpr Output kSame[] = {{.name = "output", .type_variable = 0, .doc = "the same dtype"}};

bool is_minus_one(const Dim& d) { return d.is_constant() && d.constant() == -1; }

// ---- reshape
// -------------------------------------------------------------------------------------------------------------

constexpr AttributeDef kReshapeAttributes[] = {
    {.name = "shape",
     .kind = AttributeKind::kShape,
     .doc = "the new extents; one of them may be -1: what is left"}};

void infer_reshape(InferContext& context) {
  Shape shape = context.attribute<Shape>("shape");
  const Dim total = context.in(0).shape.numel();
  const auto open = std::find_if(shape.begin(), shape.end(), is_minus_one);
  if (open != shape.end()) {
    context.require(std::find_if(open + 1, shape.end(), is_minus_one) == shape.end(),
                    fmt::format("attribute 'shape' is {}: only one extent may be -1", shape.str()));
    *open = 1;
    const Dim rest = shape.numel();
    context.require(known_equal(rest, 0) != Known::kYes,
                    fmt::format("the extent -1 beside 0 elements could be anything; give it"));
    *open = known_equal(total, rest) == Known::kYes ? Dim(1) : total / rest;
  }
  for (const Dim& extent : shape)
    context.require(extent.bounds().max >= 0,
                    fmt::format("attribute 'shape' is {}: an extent cannot be negative", shape.str()));
  context.require_equal(shape.numel(), total, fmt::format("the number of elements of shape {}", shape.str()),
                        fmt::format("that of the input's {}", context.in(0).shape.str()));
  context.out(std::move(shape));
}

void reference_reshape(ReferenceContext& c) {
  for (std::int64_t i = 0; i < numel(c.outputs[0]); ++i) copy_element(c.inputs[0], i, c.outputs[0], i);
}

// ---- permute
// -------------------------------------------------------------------------------------------------------------

constexpr AttributeDef kPermuteAttributes[] = {
    {.name = "perm",
     .kind = AttributeKind::kInts,
     .doc = "for each axis of the result, the axis of `input` it is; each once"}};

std::vector<std::size_t> permutation(const OpDef& op, const Attributes& attributes, std::size_t rank) {
  std::vector<std::size_t> axes;
  for (const std::int64_t axis : attributes.get<std::vector<std::int64_t>>("perm"))
    axes.push_back(normal_axis(op, axis, rank, "perm"));
  return axes;
}

void infer_permute(InferContext& context) {
  const Shape& in = context.in(0).shape;
  const auto axes = permutation(context.op(), context.attributes(), in.size());
  auto sorted = axes;
  std::sort(sorted.begin(), sorted.end());
  const bool each_once =
      std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end() && axes.size() == in.size();
  context.require(each_once, fmt::format("attribute 'perm' must name each of the {} axes of shape {} once",
                                         in.size(), in.str()));
  Shape out;
  for (const std::size_t axis : axes) out.push_back(in[axis]);
  context.out(std::move(out));
}

void reference_permute(ReferenceContext& c) {
  const HostTensor &in = c.inputs[0], &out = c.outputs[0];
  const auto axes = permutation(c.op, c.attributes, in.extents.size());
  const auto own = strides_of(in.extents);
  std::vector<std::int64_t> strides;
  for (const std::size_t axis : axes) strides.push_back(own[axis]);
  for (std::int64_t i = 0; i < numel(out); ++i)
    copy_element(in, offset(position(i, out.extents), strides), out, i);
}

// ---- expand
// --------------------------------------------------------------------------------------------------------------

constexpr AttributeDef kExpandAttributes[] = {
    {.name = "sizes",
     .kind = AttributeKind::kShape,
     .doc = "the new extents, aligned at the right; -1 keeps the input's"}};

void infer_expand(InferContext& context) {
  const Shape& in = context.in(0).shape;
  Shape out = context.attribute<Shape>("sizes");
  context.require(out.size() >= in.size(),
                  fmt::format("attribute 'sizes' has {} extents, fewer than the {} of shape {}", out.size(),
                              in.size(), in.str()));
  const std::size_t lead = out.size() - in.size();
  for (std::size_t i = 0; i < out.size(); ++i) {
    context.require(!is_minus_one(out[i]) || i >= lead,
                    fmt::format("attribute 'sizes' is -1 for axis {}, which the input lacks", i));
    context.require(
        is_minus_one(out[i]) || out[i].bounds().max >= 0,
        fmt::format("attribute 'sizes' is {} for axis {}: an extent cannot be negative", out[i].str(), i));
    if (i < lead) continue;
    const Dim& mine = in[i - lead];
    if (is_minus_one(out[i]))
      out[i] = mine;
    else if (!mine.is_constant() || mine.constant() != 1)
      context.require_equal(mine, out[i], fmt::format("extent of axis {} of the input", i - lead),
                            "its size, unless it is 1,");
  }
  context.out(std::move(out));
}

void reference_expand(ReferenceContext& c) {
  const HostTensor& out = c.outputs[0];
  const auto strides = stretched_strides(c.inputs[0], out.extents);
  for (std::int64_t i = 0; i < numel(out); ++i)
    copy_element(c.inputs[0], offset(position(i, out.extents), strides), out, i);
}

// ---- slice
// ---------------------------------------------------------------------------------------------------------------

constexpr AttributeDef kSliceAttributes[] = {
    {.name = "begin", .kind = AttributeKind::kShape, .doc = "for each axis, the first index"},
    {.name = "end", .kind = AttributeKind::kShape, .doc = "for each axis, the index to stop before"},
    {.name = "step",
     .kind = AttributeKind::kInts,
     .required = false,
     .doc = "for each axis, not 0; absent: 1 everywhere"},
};

void infer_slice(InferContext& context) {
  const Shape& in = context.in(0).shape;
  for (const std::string_view list : {"begin", "end"}) {
    const std::size_t given = context.attribute<Shape>(list).size();
    context.require(given == in.size(), fmt::format("attribute '{}' has {} entries, the input has shape {}",
                                                    list, given, in.str()));
  }
  if (context.has("step")) {
    const auto& step = context.attribute<std::vector<std::int64_t>>("step");
    context.require(
        step.size() == in.size(),
        fmt::format("attribute 'step' has {} entries, the input has shape {}", step.size(), in.str()));
    context.require(std::find(step.begin(), step.end(), 0) == step.end(), "attribute 'step' may not be 0");
    context.require(std::find(step.begin(), step.end(), INT64_MIN) == step.end(),
                    "attribute 'step' is out of range");
  }
  Shape out;
  for (SliceAxis& axis : slice_axes(in, context.attributes())) out.push_back(std::move(axis.extent));
  context.out(std::move(out));
}

void reference_slice(ReferenceContext& c) {
  const HostTensor &in = c.inputs[0], &out = c.outputs[0];
  const Shape extents(in.extents.begin(), in.extents.end());
  const auto axes = slice_axes(extents, c.attributes);
  auto strides = strides_of(in.extents);
  std::int64_t first = 0;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    first += axes[i].begin.constant() * strides[i];
    strides[i] *= axes[i].step;
  }
  for (std::int64_t i = 0; i < numel(out); ++i)
    copy_element(in, first + offset(position(i, out.extents), strides), out, i);
}

}  // namespace

constexpr OpDef kReshape = {
    .id = "reshape",
    .summary = "The same elements in row-major order under other extents.",
    .inputs = kAnyInput,
    .attributes = kReshapeAttributes,
    .outputs = kSame,
    .infer = infer_reshape,
    .reference = reference_reshape,
    .doc = "UserError: the numbers of elements differ; two extents are -1; -1 stands beside an extent 0.",
    .example = "assert ia.reshape(ia.Tensor([1, 2, 3, 4]), (2, -1)).tolist() == [[1, 2], [3, 4]]"};
constexpr OpDef kPermute = {
    .id = "permute",
    .summary = "The axes in another order.",
    .inputs = kAnyInput,
    .attributes = kPermuteAttributes,
    .outputs = kSame,
    .infer = infer_permute,
    .reference = reference_permute,
    .doc =
        "Axis i of the result is axis `perm[i]` of `input`; negative axes count from the end. UserError: "
        "`perm` does not name each axis once.",
    .example = "assert ia.permute(ia.Tensor([[1, 2], [3, 4]]), (1, 0)).tolist() == [[1, 3], [2, 4]]"};
constexpr OpDef kExpand = {
    .id = "expand",
    .summary = "Axes of extent 1 stretched, new axes in front.",
    .inputs = kAnyInput,
    .attributes = kExpandAttributes,
    .outputs = kSame,
    .infer = infer_expand,
    .reference = reference_expand,
    .doc = "UserError: an extent that is not 1 would change; fewer sizes than axes; -1 for a new axis.",
    .example = "assert ia.expand(ia.Tensor([[1], [2]]), (-1, 2)).tolist() == [[1, 1], [2, 2]]"};
constexpr OpDef kSlice = {.id = "slice",
                          .summary = "Every step-th element between two indices of each axis.",
                          .inputs = kAnyInput,
                          .attributes = kSliceAttributes,
                          .outputs = kSame,
                          .infer = infer_slice,
                          .reference = reference_slice,
                          .doc =
                              "Python's slices: negative indices count from the end, indices out of range "
                              "are clamped, a negative step walks back. The "
                              "lowest int64 stands before the first element and the highest behind the last. "
                              "UserError: a list with another length "
                              "than the rank; a step of 0.",
                          .example = "assert ia.Tensor([1, 2, 3, 4])[1:-1].tolist() == [2, 3]"};

}  // namespace intarsia::ops
