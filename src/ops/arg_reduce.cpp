// Where elements are: argmax, argmin.
#include "base/error.h"
#include "ops/host.h"
#include "ops/ops.h"
#include "ops/reduce.h"
#include "ops/rules.h"

namespace intarsia::ops {
namespace {

constexpr Input kComparable[] = {
    {.name = "input", .dtypes = kNumbers | kBoolOnly, .type_variable = 0, .doc = "any shape"}};
// ---- argmax, argmin
// ------------------------------------------------------------------------------------------------------

constexpr Output kIndex[] = {
    {.name = "output", .dtypes = only(DType::kI64), .doc = "places along the axis, counted from 0"}};
constexpr AttributeDef kArgAttributes[] = {
    {.name = "dim",
     .kind = AttributeKind::kInt,
     .required = false,
     .doc = "the axis; absent: the tensor as one row of elements"},
    {.name = "keepdim",
     .kind = AttributeKind::kBool,
     .required = false,
     .fallback = "false",
     .doc = "keep reduced axes with extent 1"},
};

std::vector<std::size_t> searched_axes(const OpDef& op, const Attributes& attributes, std::size_t rank) {
  if (attributes.find("dim")) return {normal_axis(op, attributes.get<std::int64_t>("dim"), rank)};
  return reduced_axes(op, {}, rank);
}

void infer_arg(InferContext& context) {
  const Shape& in = context.in(0).shape;
  const auto axes = searched_axes(context.op(), context.attributes(), in.size());
  Dim searched = 1;
  for (const std::size_t axis : axes) searched = searched * in[axis];
  context.require_holds({1, Condition::Relation::kLessEqual, searched},
                        "there is no element to find along an empty axis of shape " + in.str());
  context.out(reduced(in, axes, context.attribute<bool>("keepdim")));
}

template <bool kLargest>
void reference_arg(ReferenceContext& c) {
  const HostTensor &in = c.inputs[0], &out = c.outputs[0];
  const auto axes = searched_axes(c.op, c.attributes, in.extents.size());
  with_number_class(in.dtype, [&]<class T>(T) {
    std::vector<std::int64_t> found(static_cast<std::size_t>(numel(out)), -1), seen(found.size(), 0);
    std::vector<T> best(found.size());
    walk_reduced(in, axes, [&](std::int64_t to, std::int64_t from) {
      const auto place = static_cast<std::size_t>(to);
      const T value = read<T>(in, from);
      if (found[place] < 0 || better<kLargest>(value, best[place]))
        best[place] = value, found[place] = seen[place];
      ++seen[place];
    });
    for (std::int64_t i = 0; i < numel(out); ++i) write(out, i, found[static_cast<std::size_t>(i)]);
  });
}

template <bool kLargest>
constexpr OpDef arg_reduction(std::string_view id, std::string_view summary, std::string_view example) {
  return {.id = id,
          .summary = summary,
          .inputs = kComparable,
          .attributes = kArgAttributes,
          .outputs = kIndex,
          .infer = infer_arg,
          .reference = reference_arg<kLargest>,
          .doc =
              "The first place where several are equal; a NaN counts as found, as in NumPy. UserError: the "
              "axis is empty; `dim` is out of range.",
          .example = example};
}

}  // namespace

constexpr OpDef kArgmax =
    arg_reduction<true>("argmax", "Where the largest element is.",
                        "assert ia.argmax(ia.Tensor([[1.0, 2.0], [4.0, 3.0]]), dim=1).tolist() == [1, 0]");
constexpr OpDef kArgmin =
    arg_reduction<false>("argmin", "Where the smallest element is.",
                         "assert ia.argmin(ia.Tensor([[1.0, 2.0], [4.0, 3.0]]), dim=1).tolist() == [0, 1]");

}  // namespace intarsia::ops
