// What reductions share: the shape that is left, the walk over elements, the order of elements.
#pragma once
#include <cmath>
#include <span>
#include <vector>

#include "ops/host.h"

namespace intarsia::ops {

inline constexpr AttributeDef kReduceAttributes[] = {
    {.name = "dim",
     .kind = AttributeKind::kInts,
     .required = false,
     .doc = "an axis or several; absent: all of them"},
    {.name = "keepdim",
     .kind = AttributeKind::kBool,
     .required = false,
     .fallback = "false",
     .doc = "keep reduced axes with extent 1"},
};
inline constexpr std::string_view kReducedDoc = "`input` without the reduced axes, or with extent 1 there";

// The shape that is left of the first input.
void infer_reduce(InferContext& context);

// `in` without these sorted axes, or with extent 1 there.
Shape reduced(const Shape& in, std::span<const std::size_t> axes, bool keepdim);

// Calls visit(place in the output, place in the input), each output's inputs in order.
template <class Visit>
void walk_reduced(const HostTensor& in, std::span<const std::size_t> axes, const Visit& visit) {
  std::vector<std::int64_t> kept = in.extents;
  for (const std::size_t axis : axes) kept[axis] = 1;
  std::vector<std::int64_t> strides = strides_of(kept);
  for (const std::size_t axis : axes) strides[axis] = 0;
  for (std::int64_t i = 0; i < numel(in); ++i) visit(offset(position(i, in.extents), strides), i);
}

// Whether b stands before a: NaN first, then by value.
template <bool kLargest, class T>
bool better(T b, T a) {
  if constexpr (std::same_as<T, double>)
    if (std::isnan(a) || std::isnan(b)) return std::isnan(b) && !std::isnan(a);
  return kLargest ? b > a : b < a;
}
}  // namespace intarsia::ops
