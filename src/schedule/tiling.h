// Spaces and blocks of element functions that run as kernels of their own.
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "kernel/capabilities.h"
#include "kernel/element.h"

namespace intarsia::schedule {

// The function's space with neighbouring axes merged where every operand allows it; [numel] where rank would
// exceed a block's.
Shape merged_space(const kernel::Element& e);

// The axis along which an operand lies in memory, where that is not the last one.
std::optional<std::size_t> transposed_axis(const kernel::Element& e);

// Extents of the block of one program, where the guard holds.
struct Blocking {
  Guard guard;
  std::vector<std::int64_t> block;
};
// In order of preference; the last serves every extent. Rows of unknown length have a narrow block and a wide
// one; a function that reads something transposed has a block that is compact both ways.
std::vector<Blocking> choose_blocks(const kernel::Element& e, const kernel::Capabilities& machine);

}  // namespace intarsia::schedule
