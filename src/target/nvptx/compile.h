// Kernels to PTX text for NVIDIA GPUs.
#pragma once
#include <string>
#include <string_view>

#include "kernel/kernel.h"

namespace intarsia::target {

struct PtxOptions {
  std::string architecture = "sm_90a";  // a row of nvptx/facts.h
  int version = 0;                      // PTX ISA times ten (80 is 8.0); 0: the lowest the architecture needs
};

// The text of a module with one entry, under the kernel's name; a block has 32 * warps threads and needs no
// dynamic shared memory. UserError: an unknown architecture, a version below what it needs, a name that PTX
// does not allow. Unsupported, naming the user's line: an instruction this target does not have, more static
// shared memory than a block may have.
std::string compile_ptx(const kernel::Kernel& kernel, const PtxOptions& options = {});

std::string ptx_llvm_ir(const kernel::Kernel& kernel,
                        const PtxOptions& options = {});  // the optimised LLVM IR

bool is_ptx_name(std::string_view name);      // what an entry may be called
std::string ptx_name(std::string_view name);  // the nearest such name: "a::b" is "a__b"

}  // namespace intarsia::target
