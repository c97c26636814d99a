// Kernels to machine code for x86-64: one linked image, and views of it for people.
#pragma once
#include <span>
#include <string>

#include "kernel/kernel.h"

namespace intarsia::target {

struct CpuOptions {
  std::string level = "x86-64-v3";  // or v2, v4: instruction set the code may use
};

// Bytes of an image (runtime/cpu_image.h) with one entry per kernel, under its name. The same kernels give
// the same bytes. UserError: two kernels of one name, an unknown level. Unsupported: an instruction this
// target does not have.
std::string compile_cpu(std::span<const kernel::Kernel> kernels, const CpuOptions& options = {});

// The optimised LLVM IR, and the assembly, of one kernel.
std::string cpu_llvm_ir(const kernel::Kernel& kernel, const CpuOptions& options = {});
std::string cpu_assembly(const kernel::Kernel& kernel, const CpuOptions& options = {});

// The highest level this machine runs. Unsupported: it is below x86-64-v2.
std::string host_level();

}  // namespace intarsia::target
