// Views that are a reshape, a permutation or a slice by another name: transpose, flatten, squeeze, unsqueeze,
// flip.
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "ops/expansion.h"
#include "ops/host.h"
#include "ops/ops.h"
#include "ops/rules.h"

namespace intarsia::ops {
namespace {

using Value = GraphBuilder::Value;
using Ints = std::vector<std::int64_t>;

constexpr Input kAnyInput[] = {{.name = "input", .dtypes = kAnyType, .type_variable = 0, .doc = "any shape"}};
constexpr Output kSame[] = {{.name = "output", .type_variable = 0, .doc = "the same dtype"}};

void reference_in_order(ReferenceContext& c) {
  for (std::int64_t i = 0; i < numel(c.outputs[0]); ++i) copy_element(c.inputs[0], i, c.outputs[0], i);
}

// A reshape to the shape that `shape` computes from the input's.
template <Shape (*shape)(const OpDef&, const Shape&, const Attributes&)>
std::vector<Value> decompose_to_reshape(const OpDef& op, GraphBuilder& graph, std::span<const Value> inputs,
                                        const Attributes& given) {
  return graph.add(kReshape, inputs, {{"shape", shape(op, graph.type(inputs[0]).shape, given)}});
}

// ---- transpose
// -----------------------------------------------------------------------------------------------------------

constexpr AttributeDef kTransposeAttributes[] = {
    {.name = "dim0", .kind = AttributeKind::kInt, .doc = "an axis"},
    {.name = "dim1", .kind = AttributeKind::kInt, .doc = "the axis it changes places with"},
};

Ints swapped(const OpDef& op, const Attributes& attributes, std::size_t rank) {
  Ints perm;
  for (std::size_t i = 0; i < rank; ++i) perm.push_back(static_cast<std::int64_t>(i));
  std::swap(perm[normal_axis(op, attributes.get<std::int64_t>("dim0"), rank, "dim0")],
            perm[normal_axis(op, attributes.get<std::int64_t>("dim1"), rank, "dim1")]);
  return perm;
}

void infer_transpose(InferContext& context) {
  const Shape& in = context.in(0).shape;
  Shape out;
  for (const std::int64_t axis : swapped(context.op(), context.attributes(), in.size()))
    out.push_back(in[static_cast<std::size_t>(axis)]);
  context.out(std::move(out));
}

std::vector<Value> decompose_transpose(const OpDef& op, GraphBuilder& graph, std::span<const Value> inputs,
                                       const Attributes& given) {
  return graph.add(kPermute, inputs, {{"perm", swapped(op, given, graph.type(inputs[0]).shape.size())}});
}

void reference_transpose(ReferenceContext& c) {
  const Attributes perm = {{"perm", swapped(c.op, c.attributes, c.inputs[0].extents.size())}};
  ReferenceContext permute{kPermute, perm, c.inputs, c.outputs};
  kPermute.reference(permute);
}

// ---- flatten
// -------------------------------------------------------------------------------------------------------------

constexpr AttributeDef kFlattenAttributes[] = {
    {.name = "start_dim",
     .kind = AttributeKind::kInt,
     .required = false,
     .fallback = "0",
     .doc = "the first axis of those that become one"},
    {.name = "end_dim",
     .kind = AttributeKind::kInt,
     .required = false,
     .fallback = "-1",
     .doc = "the last of them"},
};

Shape flattened(const OpDef& op, const Shape& in, const Attributes& attributes) {
  if (in.empty()) return {1};
  const std::size_t first =
      normal_axis(op, attributes.get<std::int64_t>("start_dim"), in.size(), "start_dim");
  const std::size_t last = normal_axis(op, attributes.get<std::int64_t>("end_dim"), in.size(), "end_dim");
  if (first > last)
    throw UserError(fmt::format("{}: attribute 'start_dim' names axis {}, behind axis {} of 'end_dim'", op.id,
                                first, last));
  Shape out(in.begin(), in.begin() + static_cast<std::ptrdiff_t>(first));
  Dim product = 1;
  for (std::size_t i = first; i <= last; ++i) product = product * in[i];
  out.push_back(product);
  out.insert(out.end(), in.begin() + static_cast<std::ptrdiff_t>(last) + 1, in.end());
  return out;
}

void infer_flatten(InferContext& context) {
  context.out(flattened(context.op(), context.in(0).shape, context.attributes()));
}

// ---- squeeze
// -------------------------------------------------------------------------------------------------------------

constexpr AttributeDef kSqueezeAttributes[] = {
    {.name = "dims", .kind = AttributeKind::kInts, .doc = "an axis or several, of extent 1"}};

std::vector<std::size_t> squeezed_axes(const OpDef& op, const Attributes& attributes, std::size_t rank) {
  std::vector<std::size_t> axes;
  for (const std::int64_t axis : attributes.get<Ints>("dims"))
    axes.push_back(normal_axis(op, axis, rank, "dims"));
  return axes;
}

Shape squeezed(const OpDef& op, const Shape& in, const Attributes& attributes) {
  const auto axes = squeezed_axes(op, attributes, in.size());
  Shape out;
  for (std::size_t i = 0; i < in.size(); ++i)
    if (std::find(axes.begin(), axes.end(), i) == axes.end()) out.push_back(in[i]);
  return out;
}

void infer_squeeze(InferContext& context) {
  const Shape& in = context.in(0).shape;
  for (const std::size_t axis : squeezed_axes(context.op(), context.attributes(), in.size()))
    context.require_holds({in[axis], Condition::Relation::kEqual, 1},
                          fmt::format("axis {} of shape {} must have extent 1 to go", axis, in.str()));
  context.out(squeezed(context.op(), in, context.attributes()));
}

// ---- unsqueeze
// -----------------------------------------------------------------------------------------------------------

constexpr AttributeDef kUnsqueezeAttributes[] = {
    {.name = "dim", .kind = AttributeKind::kInt, .doc = "which axis of the result is new"}};

Shape unsqueezed(const OpDef& op, const Shape& in, const Attributes& attributes) {
  Shape out = in;
  const std::size_t axis = normal_axis(op, attributes.get<std::int64_t>("dim"), in.size() + 1);
  out.insert(out.begin() + static_cast<std::ptrdiff_t>(axis), 1);
  return out;
}

void infer_unsqueeze(InferContext& context) {
  context.out(unsqueezed(context.op(), context.in(0).shape, context.attributes()));
}

// ---- flip
// ----------------------------------------------------------------------------------------------------------------

constexpr AttributeDef kFlipAttributes[] = {{.name = "dim",
                                             .kind = AttributeKind::kInts,
                                             .required = false,
                                             .doc = "an axis or several; absent: all of them"}};

// The slice that walks the axes of `dim` back.
Attributes backwards(const OpDef& op, const Attributes& attributes, std::size_t rank) {
  constexpr std::int64_t kFirst = std::numeric_limits<std::int64_t>::min(),
                         kLast = std::numeric_limits<std::int64_t>::max();
  Shape begin(rank, 0), end(rank, kLast);
  Ints step(rank, 1);
  for (const std::size_t axis : reduced_axes(op, attributes, rank))
    begin[axis] = kLast, end[axis] = kFirst, step[axis] = -1;
  return {{"begin", begin}, {"end", end}, {"step", step}};
}

void infer_flip(InferContext& context) {
  (void)reduced_axes(context.op(), context.attributes(), context.in(0).shape.size());
  context.out(context.in(0).shape);
}

void reference_flip(ReferenceContext& c) {
  const Attributes attributes = backwards(c.op, c.attributes, c.inputs[0].extents.size());
  ReferenceContext slice{kSlice, attributes, c.inputs, c.outputs};
  kSlice.reference(slice);
}

std::vector<Value> decompose_flip(const OpDef& op, GraphBuilder& graph, std::span<const Value> inputs,
                                  const Attributes& given) {
  return graph.add(kSlice, inputs, backwards(op, given, graph.type(inputs[0]).shape.size()));
}

}  // namespace

constexpr OpDef kTranspose = {
    .id = "transpose",
    .summary = "Two axes changed round.",
    .inputs = kAnyInput,
    .attributes = kTransposeAttributes,
    .outputs = kSame,
    .infer = infer_transpose,
    .reference = reference_transpose,
    .decompose = decompose_transpose,
    .doc = "UserError: an axis is out of range.",
    .example = "assert ia.transpose(ia.Tensor([[1, 2], [3, 4]]), 0, 1).tolist() == [[1, 3], [2, 4]]"};
constexpr OpDef kFlatten = {
    .id = "flatten",
    .summary = "Neighbouring axes as one.",
    .inputs = kAnyInput,
    .attributes = kFlattenAttributes,
    .outputs = kSame,
    .infer = infer_flatten,
    .reference = reference_in_order,
    .decompose = decompose_to_reshape<flattened>,
    .doc =
        "A scalar becomes a vector of one element. UserError: an axis is out of range; they are in the "
        "wrong order.",
    .example = "assert ia.flatten(ia.Tensor([[1, 2], [3, 4]])).tolist() == [1, 2, 3, 4]"};
constexpr OpDef kSqueeze = {.id = "squeeze",
                            .summary = "Without axes of extent 1.",
                            .inputs = kAnyInput,
                            .attributes = kSqueezeAttributes,
                            .outputs = kSame,
                            .infer = infer_squeeze,
                            .reference = reference_in_order,
                            .decompose = decompose_to_reshape<squeezed>,
                            .doc = "UserError: an axis is out of range or has another extent than 1.",
                            .example = "assert ia.squeeze(ia.Tensor([[1], [2]]), 1).tolist() == [1, 2]"};
constexpr OpDef kUnsqueeze = {
    .id = "unsqueeze",
    .summary = "With a new axis of extent 1.",
    .inputs = kAnyInput,
    .attributes = kUnsqueezeAttributes,
    .outputs = kSame,
    .infer = infer_unsqueeze,
    .reference = reference_in_order,
    .decompose = decompose_to_reshape<unsqueezed>,
    .doc = "`dim` counts axes of the result, from -(rank + 1) to rank. UserError: it is out of range.",
    .example = "assert ia.unsqueeze(ia.Tensor([1, 2]), 1).tolist() == [[1], [2]]"};
constexpr OpDef kFlip = {.id = "flip",
                         .summary = "Axes walked back.",
                         .inputs = kAnyInput,
                         .attributes = kFlipAttributes,
                         .outputs = kSame,
                         .infer = infer_flip,
                         .reference = reference_flip,
                         .decompose = decompose_flip,
                         .doc = "UserError: an axis is out of range or named twice.",
                         .example = "assert ia.flip(ia.Tensor([1, 2, 3])).tolist() == [3, 2, 1]"};

}  // namespace intarsia::ops
