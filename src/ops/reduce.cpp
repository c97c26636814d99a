// Reductions over axes: sum, mean, prod, max, min.
#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "ops/expansion.h"
#include "ops/host.h"
#include "ops/ops.h"
#include "ops/reduce.h"
#include "ops/rules.h"

namespace intarsia::ops {
namespace {

constexpr Input kNumber[] = {{.name = "input", .dtypes = kNumbers, .type_variable = 0, .doc = "any shape"}};
constexpr Input kFloat[] = {{.name = "input", .dtypes = kFloats, .type_variable = 0, .doc = "any shape"}};
constexpr Input kComparable[] = {
    {.name = "input", .dtypes = kNumbers | kBoolOnly, .type_variable = 0, .doc = "any shape"}};
constexpr Output kSame[] = {{.name = "output", .type_variable = 0, .doc = kReducedDoc}};

// Rule: start<T>() and step(accumulator, element); floats accumulate in double.
template <class Rule>
void reference_reduce(ReferenceContext& c) {
  const HostTensor &in = c.inputs[0], &out = c.outputs[0];
  const auto axes = reduced_axes(c.op, c.attributes, in.extents.size());
  with_number_class(in.dtype, [&]<class T>(T) {
    std::vector<T> totals(static_cast<std::size_t>(numel(out)), Rule::template start<T>(in.dtype));
    walk_reduced(in, axes, [&](std::int64_t to, std::int64_t from) {
      T& total = totals[static_cast<std::size_t>(to)];
      total = Rule::step(total, read<T>(in, from));
    });
    for (std::int64_t i = 0; i < numel(out); ++i) write(out, i, totals[static_cast<std::size_t>(i)]);
  });
}

struct Sum {
  template <class T>
  static T start(DType) {
    return T{0};
  }
  template <class T>
  static T step(T a, T b) {
    if constexpr (std::same_as<T, std::int64_t>)
      return static_cast<T>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
    else
      return a + b;
  }
};
struct Prod {
  template <class T>
  static T start(DType) {
    return T{1};
  }
  template <class T>
  static T step(T a, T b) {
    if constexpr (std::same_as<T, std::int64_t>)
      return static_cast<T>(static_cast<std::uint64_t>(a) * static_cast<std::uint64_t>(b));
    else
      return a * b;
  }
};

// The lowest and highest element of a dtype.
template <class T>
T lowest(DType t) {
  if constexpr (std::same_as<T, double>)
    return -std::numeric_limits<double>::infinity();
  else if constexpr (std::same_as<T, std::uint64_t>)
    return 0;
  else
    return t == DType::kBool ? 0 : std::numeric_limits<std::int64_t>::min() >> (64 - bits(t));
}
template <class T>
T highest(DType t) {
  if constexpr (std::same_as<T, double>)
    return std::numeric_limits<double>::infinity();
  else if constexpr (std::same_as<T, std::uint64_t>)
    return std::numeric_limits<std::uint64_t>::max() >> (64 - bits(t));
  else
    return t == DType::kBool ? 1 : std::numeric_limits<std::int64_t>::max() >> (64 - bits(t));
}

// The same with -0.0 before 0.0, for values: an index does not depend on it.
template <bool kLargest, class T>
bool replaces(T b, T a) {
  if constexpr (std::same_as<T, double>)
    if (a == b) return kLargest ? std::signbit(a) && !std::signbit(b) : std::signbit(b) && !std::signbit(a);
  return better<kLargest>(b, a);
}
struct Max {
  template <class T>
  static T start(DType t) {
    return lowest<T>(t);
  }
  template <class T>
  static T step(T a, T b) {
    return replaces<true>(b, a) ? b : a;
  }
};
struct Min {
  template <class T>
  static T start(DType t) {
    return highest<T>(t);
  }
  template <class T>
  static T step(T a, T b) {
    return replaces<false>(b, a) ? b : a;
  }
};

// ---- mean
// ----------------------------------------------------------------------------------------------------------------

void reference_mean(ReferenceContext& c) {
  const HostTensor &in = c.inputs[0], &out = c.outputs[0];
  const auto axes = reduced_axes(c.op, c.attributes, in.extents.size());
  double count = 1;
  for (const std::size_t axis : axes) count *= static_cast<double>(in.extents[axis]);
  std::vector<double> totals(static_cast<std::size_t>(numel(out)), 0.0);
  walk_reduced(in, axes, [&](std::int64_t to, std::int64_t from) {
    totals[static_cast<std::size_t>(to)] += read<double>(in, from);
  });
  for (std::int64_t i = 0; i < numel(out); ++i) write(out, i, totals[static_cast<std::size_t>(i)] / count);
}

constexpr OpDef reduction(std::string_view id, std::string_view summary, std::span<const Input> inputs,
                          void (*reference)(ReferenceContext&), std::string_view doc,
                          std::string_view example) {
  return {.id = id,
          .summary = summary,
          .inputs = inputs,
          .attributes = kReduceAttributes,
          .outputs = kSame,
          .infer = infer_reduce,
          .reference = reference,
          .doc = doc,
          .example = example};
}
// mean = sum / count, in f32 for the 16-bit floats.
std::vector<GraphBuilder::Value> decompose_mean(const OpDef& op, GraphBuilder& graph,
                                                std::span<const GraphBuilder::Value> inputs,
                                                const Attributes& attributes) {
  const TensorType type = graph.type(inputs[0]);
  Dim count = 1;
  for (const std::size_t axis : reduced_axes(op, attributes, type.shape.size()))
    count = count * type.shape[axis];
  if (!count.is_constant()) return {};
  Expansion e(graph, type.dtype);
  const auto total = e.add(kSum, {e.widen(inputs[0])}, attributes);
  return {e.narrow(e.add(kDiv, {total, e.number(static_cast<double>(count.constant()))}))};
}

}  // namespace

void infer_reduce(InferContext& context) {
  const Shape& in = context.in(0).shape;
  const auto axes = reduced_axes(context.op(), context.attributes(), in.size());
  context.out(reduced(in, axes, context.attribute<bool>("keepdim")));
}

Shape reduced(const Shape& in, std::span<const std::size_t> axes, bool keepdim) {
  Shape out;
  for (std::size_t i = 0; i < in.size(); ++i) {
    if (std::find(axes.begin(), axes.end(), i) == axes.end())
      out.push_back(in[i]);
    else if (keepdim)
      out.push_back(1);
  }
  return out;
}

constexpr OpDef kSum =
    reduction("sum", "The sum over axes.", kNumber, reference_reduce<Sum>,
              "Integers wrap in their own dtype; floats are summed in at least f32 and rounded once. Of no "
              "elements it is "
              "0. UserError: `dim` is out of range or repeats an axis.",
              "assert ia.sum(ia.Tensor([[1.0, 2.0], [3.0, 4.0]]), dim=1).tolist() == [3.0, 7.0]");
constexpr OpDef kProd =
    reduction("prod", "The product over axes.", kNumber, reference_reduce<Prod>,
              "Integers wrap in their own dtype; floats are multiplied in at least f32 and rounded once. Of "
              "no elements it "
              "is 1. UserError: `dim` is out of range or repeats an axis.",
              "assert ia.prod(ia.Tensor([[1.0, 2.0], [3.0, 4.0]]), dim=1).tolist() == [2.0, 12.0]");
constexpr OpDef kMax = reduction(
    "max", "The largest element over axes.", kComparable, reference_reduce<Max>,
    "NaN where one element is NaN; -0.0 is less than 0.0. Of no elements it is the lowest value of the dtype "
    "(-inf for floats). UserError: `dim` is out of range or repeats an axis.",
    "assert ia.max(ia.Tensor([[1.0, 2.0], [4.0, 3.0]]), dim=1).tolist() == [2.0, 4.0]");
constexpr OpDef kMin =
    reduction("min", "The smallest element over axes.", kComparable, reference_reduce<Min>,
              "NaN where one element is NaN; -0.0 is less than 0.0. Of no elements it is the highest value "
              "of the dtype "
              "(inf for floats). UserError: `dim` is out of range or repeats an axis.",
              "assert ia.min(ia.Tensor([[1.0, 2.0], [4.0, 3.0]]), dim=1).tolist() == [1.0, 3.0]");
constexpr OpDef kMean = {
    .id = "mean",
    .summary = "The arithmetic mean over axes.",
    .inputs = kFloat,
    .attributes = kReduceAttributes,
    .outputs = kSame,
    .infer = infer_reduce,
    .reference = reference_mean,
    .decompose = decompose_mean,
    .doc =
        "The sum divided by the number of elements, in at least f32, rounded once. Of no elements it is NaN. "
        "UserError: `dim` is out of "
        "range or repeats an axis.",
    .example = "assert ia.mean(ia.Tensor([[1.0, 2.0], [3.0, 5.0]]), dim=1).tolist() == [1.5, 4.0]"};
}  // namespace intarsia::ops
