// cast and where: other dtypes, and a choice element by element.
#include <fmt/format.h>

#include "base/error.h"
#include "ops/host.h"
#include "ops/ops.h"
#include "ops/rules.h"

namespace intarsia::ops {
namespace {

constexpr Input kAnyInput[] = {{.name = "input", .dtypes = kAnyType, .doc = "any shape"}};
constexpr Output kCasted[] = {
    {.name = "output", .dtypes = kAnyType, .doc = "the shape of `input`, dtype `dtype`"}};
constexpr AttributeDef kCastAttributes[] = {
    {.name = "dtype", .kind = AttributeKind::kDType, .doc = "dtype of the result"}};

void infer_cast(InferContext& context) {
  const auto t = context.attribute<DType>("dtype");
  context.require(is_known(t), "attribute 'dtype' is no dtype");
  context.out(context.in(0).shape, t);
}

void reference_cast(ReferenceContext& c) {
  const HostTensor &in = c.inputs[0], &out = c.outputs[0];
  for (std::int64_t i = 0; i < numel(out); ++i)
    store_bits(out.dtype, out.data, i, cast_bits(in.dtype, load_bits(in.dtype, in.data, i), out.dtype));
}

constexpr Input kWhereInputs[] = {
    {.name = "condition", .dtypes = kBoolOnly, .doc = "any shape"},
    {.name = "input", .dtypes = kAnyType, .type_variable = 0, .doc = "taken where `condition` is true"},
    {.name = "other", .dtypes = kAnyType, .type_variable = 0, .doc = "taken where it is false"},
};
constexpr Output kChosen[] = {
    {.name = "output", .type_variable = 0, .doc = "the broadcast shape of all three"}};

void reference_where(ReferenceContext& c) {
  const HostTensor& out = c.outputs[0];
  std::vector<std::int64_t> strides[3];
  for (std::size_t k = 0; k < 3; ++k) strides[k] = stretched_strides(c.inputs[k], out.extents);
  for (std::int64_t i = 0; i < numel(out); ++i) {
    const auto at = position(i, out.extents);
    const std::size_t taken = read<std::int64_t>(c.inputs[0], offset(at, strides[0])) != 0 ? 1 : 2;
    copy_element(c.inputs[taken], offset(at, strides[taken]), out, i);
  }
}

}  // namespace

constexpr OpDef kCast = {
    .id = "cast",
    .summary = "The same elements in another dtype.",
    .inputs = kAnyInput,
    .attributes = kCastAttributes,
    .outputs = kCasted,
    .infer = infer_cast,
    .reference = reference_cast,
    .doc =
        "Integer to integer wraps; integer to float and float to narrower float round to nearest even, the "
        "8-bit floats saturate; "
        "float to integer truncates and saturates, NaN gives 0; anything to bool is `!= 0`, so NaN is true.",
    .example = "assert ia.cast(ia.Tensor([1.5, -2.5]), ia.int32).tolist() == [1, -2]"};
constexpr OpDef kWhere = {
    .id = "where",
    .summary = "Elements of one tensor where a condition holds, of another where not.",
    .inputs = kWhereInputs,
    .outputs = kChosen,
    .infer = infer_broadcast,
    .reference = reference_where,
    .doc = "The three shapes broadcast. Elements are copied bit by bit.",
    .example =
        "assert ia.where(ia.Tensor([True, False]), ia.Tensor([1, 2]), ia.Tensor([3, 4])).tolist() == [1, 4]"};

}  // namespace intarsia::ops
