// Roles of a kernel's memory parameters, from what its body does with them.
#pragma once
#include "kernel/ir.h"

namespace intarsia::kernel {

// Memory that is only read becomes an input, only written an output, both an in-out tensor (parameters
// nothing accesses are inputs); ports number each role in the order of declaration, scalars too. For kernels
// written without roles: whoever binds them to a node says more.
void infer_roles(Kernel& kernel);

}  // namespace intarsia::kernel
