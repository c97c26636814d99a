// Element functions on blocks: as a kernel of their own, in what a kernel stores, in what it loads.
//
// All three take functions composed over the extents of the tensor they meet (compose.h). On refusal nothing
// is changed and the answer is the reason.
#pragma once
#include <span>
#include <string>

#include "kernel/element.h"

namespace intarsia::schedule {

// Programs walk the space in blocks of these extents, the innermost axis first.
kernel::Kernel tile(const kernel::Element& e, std::span<const std::int64_t> block);

// What `kernel` stores to parameter `param` becomes what the function makes of it; with `keep`, both are
// stored. The function reads the value as an input with the parameter's port.
std::string place_in_store(kernel::Kernel& kernel, std::uint32_t param, const kernel::Element& e, bool keep);

// What `kernel` loads from parameter `param` becomes the function's one result. Outside of the tensor it
// stays the load's own fill, not the function of it.
std::string place_in_loads(kernel::Kernel& kernel, std::uint32_t param, const kernel::Element& e);

}  // namespace intarsia::schedule
