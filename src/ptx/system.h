// Calls: parameters between frames, and the functions CUDA provides to device code.
#pragma once
#include "ptx/lanes.h"

namespace intarsia::ptx {

void copy_param(const std::byte* from, U32 from_bytes, std::byte* to, U32 to_bytes, U32 mask);
// vprintf, __assertfail, malloc, free.
Flow call_system(Warp& warp, const Decoded& in, U32 mask, const CallSite& site);
CallSite::System system_function(std::string_view name);

}  // namespace intarsia::ptx
