// Element functions of many nodes become one, over the graph of the group: each value is asked for at an
// offset, so that views are changes of offsets and a value used twice at one place is computed once.
#pragma once
#include <span>
#include <vector>

#include "kernel/element.h"

namespace intarsia::schedule {

// A value of the group: a node's element function, or (element == nullptr) a tensor or scalar that the group
// reads.
struct Piece {
  struct Source {
    std::uint32_t piece = 0, result = 0;  // an earlier piece, and which of its output ports
  };
  const kernel::Element* element = nullptr;
  std::vector<Source> inputs = {};  // by input port of the element function
  kernel::Param param = {};         // of a leaf: role, port and extents
  DType dtype{};                    // of a leaf
};

// What the group gives: output `result` of a piece, seen over the space, as this parameter.
struct Root {
  std::uint32_t piece = 0, result = 0;
  kernel::Param param = {};
  DType dtype{};
};

// Pieces stand in execution order. `space` has as many elements as every root's tensor, in the same order.
kernel::Element compose(std::span<const Piece> pieces, std::span<const Root> roots, const Shape& space);

}  // namespace intarsia::schedule
