// Where elements lie: offsets into tensors as Dims over the axes of a space, taken apart and moved between
// spaces.
#pragma once
#include <optional>
#include <span>
#include <vector>

#include "base/dim.h"

namespace intarsia::schedule {

// Element x of a tensor of these extents, row-major, over axis(0), axis(1) ...
Dim row_major(const Shape& extents);
Shape row_major_strides(const Shape& extents);
bool is_row_major(const Dim& offset, const Shape& extents);

// The coordinates in a tensor of what lies `offset` elements after its start. `offset` is over the axes of
// `space`, every axis a of which runs from 0 to space[a] - 1; what follows from that is simplified, the rest
// stays a division.
std::vector<Dim> coordinates(const Dim& offset, const Shape& tensor, const Shape& space);

// `offset` with axis a replaced by coordinates[a], which are over the axes of `space`.
Dim move_offset(const Dim& offset, std::span<const Dim> coordinates, const Shape& space);

// start + sum of axis(a) * strides[a], where the offset has that form.
struct Affine {
  Dim start;
  std::vector<Dim> strides;
};
std::optional<Affine> affine(const Dim& offset, std::size_t rank);

// Whether every offset over the space is proven to lie in [0, count).
bool stays_below(const Dim& offset, const Shape& space, const Dim& count);

bool mentions_axes(const Dim& d);

}  // namespace intarsia::schedule
