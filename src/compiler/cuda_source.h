// CUDA C++ of plugins, compiled by NVRTC where this machine has it.
#pragma once
#include <string>
#include <vector>

#include "plugins/cuda_compiler.h"

namespace intarsia::compiler {

// NVRTC is looked for at the first call, last in `folders`, where packages keep one. Unsupported: it is not
// there, with the places that were looked at.
plugins::CudaCompiler nvrtc_compiler(std::vector<std::string> folders = {});

}  // namespace intarsia::compiler
