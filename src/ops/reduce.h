// What reductions share: the shape that is left, the walk over elements, the order of elements.
#pragma once
#include <cmath>
#include <span>
#include <vector>

#include "ops/host.h"

namespace intarsia::ops {

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
