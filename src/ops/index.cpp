// Elements chosen by place: gather, masked_fill, tril, triu.
#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "ops/expansion.h"
#include "ops/host.h"
#include "ops/ops.h"
#include "ops/rules.h"

namespace intarsia::ops {
namespace {

using Value = GraphBuilder::Value;

// ---- gather
// --------------------------------------------------------------------------------------------------------------

constexpr DTypes kIndexTypes = only(DType::kI32) | only(DType::kI64);
constexpr Input kGatherInputs[] = {
    {.name = "input",
     .dtypes = kAnyType,
     .type_variable = 0,
     .doc = "shape [before..., extent, behind...], extent at axis `dim`"},
    {.name = "index", .dtypes = kIndexTypes, .doc = "any shape; places along axis `dim`"},
};
constexpr Output kGathered[] = {
    {.name = "output", .type_variable = 0, .doc = "[before..., index..., behind...]"}};
constexpr AttributeDef kGatherAttributes[] = {
    {.name = "dim", .kind = AttributeKind::kInt, .doc = "the axis to take from"}};
constexpr std::string_view kGatherOrder[] = {"input", "dim", "index"};

void infer_gather(InferContext& context) {
  const Shape &in = context.in(0).shape, &index = context.in(1).shape;
  const std::size_t axis = normal_axis(context.op(), context.attribute<std::int64_t>("dim"), in.size());
  context.require_holds(
      {min(index.numel(), 1), Condition::Relation::kLessEqual, in[axis]},
      fmt::format("there is no element to take from empty axis {} of shape {}", axis, in.str()));
  Shape out = in;
  const auto at = out.erase(out.begin() + static_cast<std::ptrdiff_t>(axis));
  out.insert(at, index.begin(), index.end());
  context.out(std::move(out));
}

void reference_gather(ReferenceContext& c) {
  const HostTensor &in = c.inputs[0], &index = c.inputs[1], &out = c.outputs[0];
  const std::size_t axis = normal_axis(c.attributes.get<std::int64_t>("dim"), in.extents.size());
  const std::int64_t extent = in.extents[axis], behind = strides_of(in.extents)[axis], count = numel(index);
  for (std::int64_t i = 0; i < numel(out); ++i) {
    auto place = read<std::int64_t>(index, i / behind % count);
    place = std::clamp<std::int64_t>(place < 0 ? place + extent : place, 0, extent - 1);
    copy_element(in, (i / behind / count * extent + place) * behind + i % behind, out, i);
  }
}

// ---- masked_fill
// ---------------------------------------------------------------------------------------------------------

constexpr Input kMaskedInputs[] = {
    {.name = "input", .dtypes = kNumbers | kBoolOnly, .type_variable = 0, .doc = "any shape"},
    {.name = "mask", .dtypes = kBoolOnly, .doc = "a shape that broadcasts with `input`"},
};
constexpr Output kBroadcast[] = {{.name = "output", .type_variable = 0, .doc = "the broadcast shape"}};
constexpr AttributeDef kMaskedAttributes[] = {
    {.name = "value", .kind = AttributeKind::kNumber, .doc = "goes where `mask` is true"}};

Attributes scalar_of(const AttributeValue& value, DType dtype) {
  return {{"shape", Shape{}}, {"value", value}, {"dtype", dtype}};
}

void infer_masked_fill(InferContext& context) {
  try {
    (void)infer(kFull, {}, scalar_of(*context.attributes().find("value"), context.in(0).dtype));
  } catch (const UserError& e) { context.require(false, e.what()); }
  infer_broadcast(context);
}

void reference_masked_fill(ReferenceContext& c) {
  const HostTensor &in = c.inputs[0], &out = c.outputs[0];
  OwnedTensor value = make_tensor(in.dtype, {});
  HostTensor filled[] = {value.view()};
  const Attributes scalar = scalar_of(*c.attributes.find("value"), in.dtype);
  ReferenceContext full{kFull, scalar, {}, filled};
  kFull.reference(full);
  const auto own = stretched_strides(in, out.extents), mask = stretched_strides(c.inputs[1], out.extents);
  for (std::int64_t i = 0; i < numel(out); ++i) {
    const auto at = position(i, out.extents);
    if (read<std::int64_t>(c.inputs[1], offset(at, mask)) != 0)
      copy_element(filled[0], 0, out, i);
    else
      copy_element(in, offset(at, own), out, i);
  }
}

std::vector<Value> decompose_masked_fill(const OpDef&, GraphBuilder& graph, std::span<const Value> inputs,
                                         const Attributes& given) {
  Expansion e(graph, graph.type(inputs[0]).dtype);
  const Value value = e.add(kFull, {}, scalar_of(*given.find("value"), graph.type(inputs[0]).dtype));
  return {e.add(kWhere, {inputs[1], value, inputs[0]})};
}

// ---- tril, triu
// ----------------------------------------------------------------------------------------------------------

constexpr Input kTriangleInput[] = {{.name = "tensor",
                                     .dtypes = kNumbers | kBoolOnly,
                                     .type_variable = 0,
                                     .doc = "shape [..., rows, columns]"}};
constexpr Output kTriangle[] = {{.name = "output", .type_variable = 0, .doc = "the shape of `tensor`"}};
constexpr AttributeDef kTriangleAttributes[] = {{.name = "diagonal",
                                                 .kind = AttributeKind::kInt,
                                                 .required = false,
                                                 .fallback = "0",
                                                 .doc = "how far above the main diagonal"}};

void infer_triangle(InferContext& context) {
  const Shape& in = context.in(0).shape;
  context.require(in.size() >= 2, "input 'tensor' must have rows and columns, was given shape " + in.str());
  constexpr std::int64_t kLimit = std::int64_t{1} << 48;
  context.require(std::abs(context.attribute<std::int64_t>("diagonal")) <= kLimit,
                  "attribute 'diagonal' is out of range");
  context.out(in);
}

template <bool kLower>
void reference_triangle(ReferenceContext& c) {
  const HostTensor &in = c.inputs[0], &out = c.outputs[0];
  const auto diagonal = c.attributes.get<std::int64_t>("diagonal");
  for (std::int64_t i = 0; i < numel(out); ++i) {
    const auto at = position(i, out.extents);
    const std::int64_t above = at[at.size() - 1] - at[at.size() - 2];
    if (kLower ? above <= diagonal : above >= diagonal)
      copy_element(in, i, out, i);
    else
      store_bits(out.dtype, out.data, i, 0);
  }
}

template <bool kLower>
std::vector<Value> decompose_triangle(const OpDef&, GraphBuilder& graph, std::span<const Value> inputs,
                                      const Attributes& given) {
  const TensorType type = graph.type(inputs[0]);
  Expansion e(graph, type.dtype);
  const auto iota = [&](Shape shape, std::int64_t dim) {
    return e.add(kIota, {}, {{"shape", std::move(shape)}, {"dim", dim}, {"dtype", DType::kI64}});
  };
  const Value diagonal = e.add(kFull, {}, scalar_of(given.get<std::int64_t>("diagonal"), DType::kI64));
  const Value limit = e.add(kAdd, {iota({type.shape[type.shape.size() - 2], 1}, 0), diagonal});
  const Value columns = iota({1, type.shape.back()}, 1);
  const Value zero = e.add(
      kFull, {}, scalar_of(type.dtype == DType::kBool ? AttributeValue(false) : std::int64_t{0}, type.dtype));
  return {e.add(kWhere, {e.add(kLower ? kLessEqual : kGreaterEqual, {columns, limit}), inputs[0], zero})};
}

template <bool kLower>
constexpr OpDef triangle(std::string_view id, std::string_view summary, std::string_view example) {
  return {.id = id,
          .summary = summary,
          .inputs = kTriangleInput,
          .attributes = kTriangleAttributes,
          .outputs = kTriangle,
          .infer = infer_triangle,
          .reference = reference_triangle<kLower>,
          .decompose = decompose_triangle<kLower>,
          .doc = "On the last two axes; elements outside are 0. UserError: fewer than two axes.",
          .example = example};
}

}  // namespace

constexpr OpDef kGather = {
    .id = "gather",
    .summary = "Elements of one axis, at the places another tensor names.",
    .inputs = kGatherInputs,
    .attributes = kGatherAttributes,
    .outputs = kGathered,
    .infer = infer_gather,
    .reference = reference_gather,
    .doc =
        "NumPy's `take`. Negative places count from the end; places out of range are moved to the nearest "
        "element. UserError: `dim` is out of range; the axis is empty.",
    .example = "assert ia.gather(ia.Tensor([10, 20, 30]), 0, ia.Tensor([2, 0])).tolist() == [30, 10]",
    .parameters = kGatherOrder};
constexpr OpDef kMaskedFill = {
    .id = "masked_fill",
    .summary = "A number where a mask is true, the elements where not.",
    .inputs = kMaskedInputs,
    .attributes = kMaskedAttributes,
    .outputs = kBroadcast,
    .infer = infer_masked_fill,
    .reference = reference_masked_fill,
    .decompose = decompose_masked_fill,
    .doc = "UserError: the number is no element of the dtype; the shapes do not broadcast.",
    .example = "assert ia.masked_fill(ia.Tensor([1, 2]), ia.Tensor([True, False]), 0).tolist() == [0, 2]"};
constexpr OpDef kTril =
    triangle<true>("tril", "The triangle on and below a diagonal.",
                   "assert ia.tril(ia.Tensor([[1, 2], [3, 4]])).tolist() == [[1, 0], [3, 4]]");
constexpr OpDef kTriu =
    triangle<false>("triu", "The triangle on and above a diagonal.",
                    "assert ia.triu(ia.Tensor([[1, 2], [3, 4]])).tolist() == [[1, 2], [0, 4]]");

}  // namespace intarsia::ops
