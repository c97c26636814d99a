// How a block of an element function's operand is read: the cheapest access that its offset allows.
#pragma once
#include <span>
#include <vector>

#include "kernel/element.h"
#include "kernel/kernel.h"

namespace intarsia::schedule {

// A block of the elements of `space`: where a kernel stores or loads.
struct Site {
  Shape space;                           // row-major
  std::vector<kernel::ValueId> offsets;  // i64 scalars, per axis
  std::vector<std::int64_t> block;       // extents
};

// A value on some axes of the site's block; along the others its extent is 1 and it is the same.
struct Lanes {
  kernel::ValueId value{};
  unsigned axes = 0;
  unsigned filled = 0;  // axes along which lanes outside the space are `fill` already
};

std::vector<std::int64_t> extents_on(const Site& site, unsigned axes);

// The operand's block. In order: a view with its own strides where every element is proven to lie in the
// tensor, a view of the tensor's own axes at shifted offsets, a masked load at computed places. Outside of
// the tensor it is 0 or `fill`.
Lanes load_operand(kernel::Builder& b, const kernel::Element::Operand& operand, const Site& site,
                   std::int64_t fill_bits);

// The value of a Dim over the axes, for every lane.
Lanes lanes_of(kernel::Builder& b, const Dim& value, const Site& site);

// axis position < extent, on that axis alone: true inside the space.
kernel::ValueId inside(kernel::Builder& b, const Site& site, std::size_t axis);

}  // namespace intarsia::schedule
