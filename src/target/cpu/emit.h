// One kernel into a module: an external function with the entry ABI of docs/kernel-ir.md.
#pragma once
#include "kernel/kernel.h"
#include "runtime/cpu_image.h"

namespace llvm {
class Module;
}

namespace intarsia::target::cpu {

// Unsupported, naming kernel, instruction and the user's line: something this target does not do.
void emit_kernel(llvm::Module& module, const kernel::Kernel& kernel, runtime::CpuLevel level);

}  // namespace intarsia::target::cpu
