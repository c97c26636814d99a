// Tensors out of nothing: constant, full, iota.
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "ops/host.h"
#include "ops/ops.h"
#include "ops/rules.h"

namespace intarsia::ops {
namespace {

constexpr Output kMade[] = {{.name = "output", .dtypes = kAnyType, .doc = "shape `shape`"}};

void require_extents(const InferContext& context, const Shape& shape) {
  for (const Dim& extent : shape)
    context.require(extent.bounds().max >= 0,
                    fmt::format("attribute 'shape' is {}: an extent cannot be negative", shape.str()));
}

// ---- constant
// ----------------------------------------------------------------------------------------------------------

constexpr AttributeDef kConstantAttributes[] = {
    {.name = "shape", .kind = AttributeKind::kShape, .doc = "static extents"},
    {.name = "value",
     .kind = AttributeKind::kArray,
     .doc = "the elements in row-major order; their dtype is the result's"},
};

void infer_constant(InferContext& context) {
  const auto& shape = context.attribute<Shape>("shape");
  const auto& value = context.attribute<Array>("value");
  require_extents(context, shape);
  const Dim count = shape.numel();
  context.require(
      count.is_constant(),
      fmt::format("attribute 'shape' is {}: the shape of literal data must be known", shape.str()));
  context.require(count.constant() == value.count,
                  fmt::format("shape {} needs {} elements, attribute 'value' has {}", shape.str(),
                              count.constant(), value.count));
  context.require(is_known(value.dtype) &&
                      value.data.size() == static_cast<std::size_t>(bytes_of(value.dtype, value.count)),
                  "attribute 'value' is damaged");
  context.out(shape, value.dtype);
}

void reference_constant(ReferenceContext& c) {
  const auto& value = c.attributes.get<Array>("value");
  std::copy(value.data.begin(), value.data.end(), static_cast<char*>(c.outputs[0].data));
}

// ---- full
// --------------------------------------------------------------------------------------------------------------

constexpr AttributeDef kFullAttributes[] = {
    {.name = "shape", .kind = AttributeKind::kShape, .doc = "extents of the result"},
    {.name = "value", .kind = AttributeKind::kNumber, .doc = "every element"},
    {.name = "dtype",
     .kind = AttributeKind::kDType,
     .required = false,
     .fallback = "f32",
     .doc = "dtype of the result"},
};

// The bits of a number as an element, or why it is none.
std::uint64_t number_bits(const AttributeValue& value, DType t, std::string& problem) {
  if (const auto* real = std::get_if<double>(&value)) {
    if (is_float(t)) return bits_from_float(t, *real);
    problem = "a float is no element of an integer tensor";
    return 0;
  }
  const auto* truth = std::get_if<bool>(&value);
  const std::int64_t integer = truth ? *truth : std::get<std::int64_t>(value);
  if (is_float(t)) return bits_from_float(t, static_cast<double>(integer));
  const std::uint64_t bits = bits_from_int(t, integer);
  if (int_from_bits(t, bits) != integer || (t == DType::kU64 && integer < 0)) problem = "it does not fit";
  return bits;
}

void infer_full(InferContext& context) {
  const auto& shape = context.attribute<Shape>("shape");
  const auto t = context.attribute<DType>("dtype");
  require_extents(context, shape);
  std::string problem;
  context.require(is_known(t), "attribute 'dtype' is no dtype");
  (void)number_bits(*context.attributes().find("value"), t, problem);
  context.require(problem.empty(), fmt::format("attribute 'value' cannot be {}: {}", name(t), problem));
  context.out(shape, t);
}

void reference_full(ReferenceContext& c) {
  std::string problem;
  const HostTensor& out = c.outputs[0];
  const std::uint64_t bits = number_bits(*c.attributes.find("value"), out.dtype, problem);
  for (std::int64_t i = 0; i < numel(out); ++i) store_bits(out.dtype, out.data, i, bits);
}

// ---- iota
// --------------------------------------------------------------------------------------------------------------

constexpr AttributeDef kIotaAttributes[] = {
    {.name = "shape", .kind = AttributeKind::kShape, .doc = "extents of the result"},
    {.name = "dim",
     .kind = AttributeKind::kInt,
     .required = false,
     .fallback = "0",
     .doc = "the axis along which elements count"},
    {.name = "dtype",
     .kind = AttributeKind::kDType,
     .required = false,
     .fallback = "f32",
     .doc = "dtype of the result"},
};

void infer_iota(InferContext& context) {
  const auto& shape = context.attribute<Shape>("shape");
  const auto t = context.attribute<DType>("dtype");
  require_extents(context, shape);
  (void)normal_axis(context.op(), context.attribute<std::int64_t>("dim"), shape.size());
  context.require(is_known(t) && t != DType::kBool,
                  "attribute 'dtype' must be a number's, was given " + std::string(name(t)));
  context.out(shape, t);
}

void reference_iota(ReferenceContext& c) {
  const HostTensor& out = c.outputs[0];
  const std::size_t axis = normal_axis(c.attributes.get<std::int64_t>("dim"), out.extents.size());
  for (std::int64_t i = 0; i < numel(out); ++i) {
    const std::int64_t value = position(i, out.extents)[axis];
    if (is_float(out.dtype))
      write(out, i, static_cast<double>(value));
    else
      write(out, i, value);
  }
}

}  // namespace

constexpr OpDef kConstant = {.id = "constant",
                             .summary = "A tensor of literal data.",
                             .attributes = kConstantAttributes,
                             .outputs = kMade,
                             .infer = infer_constant,
                             .reference = reference_constant,
                             .doc =
                                 "For small data that is part of the program, and folds; weights are inputs "
                                 "of a graph. UserError: `value` has another "
                                 "number of elements than `shape`.",
                             .example = "assert ia.Tensor([1, 2]).tolist() == [1, 2]"};
constexpr OpDef kFull = {.id = "full",
                         .summary = "A tensor whose elements are all one number.",
                         .attributes = kFullAttributes,
                         .outputs = kMade,
                         .infer = infer_full,
                         .reference = reference_full,
                         .doc =
                             "The number is rounded to a float dtype and must be exact in an integer one. "
                             "UserError: it is not; an "
                             "extent is negative.",
                         .example = "assert ia.full((2,), 3.5).tolist() == [3.5, 3.5]"};
constexpr OpDef kIota = {
    .id = "iota",
    .summary = "A tensor whose elements count along one axis.",
    .attributes = kIotaAttributes,
    .outputs = kMade,
    .infer = infer_iota,
    .reference = reference_iota,
    .doc =
        "`output[..., i, ...] = i` with i at axis `dim`; rounded to a float dtype, wrapped in an integer "
        "one. "
        "UserError: `dim` is out of range, `shape` has no axis, `dtype` is bool.",
    .example = "assert ia.iota((2, 3), dim=1).tolist() == [[0.0, 1.0, 2.0], [0.0, 1.0, 2.0]]"};

}  // namespace intarsia::ops
