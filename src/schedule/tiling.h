// Spaces and blocks of element functions that run as kernels of their own.
#pragma once
#include <cstdint>
#include <vector>

#include "kernel/capabilities.h"
#include "kernel/element.h"

namespace intarsia::schedule {

// The function's space with neighbouring axes merged where every operand allows it; [numel] where rank would
// exceed a block's.
Shape merged_space(const kernel::Element& e);

// Extents of the block of one program, where the guard holds.
struct Blocking {
  Guard guard;
  std::vector<std::int64_t> block;
};
// In order of preference; the last serves every extent. Rows of unknown length have a narrow block and a wide
// one.
std::vector<Blocking> choose_blocks(const Shape& space, const kernel::Capabilities& machine);

}  // namespace intarsia::schedule
