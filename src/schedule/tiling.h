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

// Extents of the block of one program.
std::vector<std::int64_t> choose_block(const Shape& space, const kernel::Capabilities& machine);

}  // namespace intarsia::schedule
