// Links ELF objects of this compiler into one CPU image: deterministic, strict, and with no state.
#pragma once
#include <span>
#include <string>

#include "runtime/cpu_image.h"

namespace intarsia::target {

// Every global function of the objects becomes an entry. InternalError, naming the thing, for anything
// outside the contract: a writable section, a relocation other than relative ones, an import that is not in
// the closed list.
runtime::CpuImageFile link_image(std::span<const std::string> objects, runtime::CpuLevel level);

}  // namespace intarsia::target
