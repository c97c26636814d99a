// NVRTC as the compiler of plugins' CUDA C++.
#pragma once
#include <string>
#include <vector>

#include "plugins/cuda_compiler.h"

namespace intarsia::compiler {

// Loads NVRTC when it is first asked (`folders` first: where a Python package keeps it), then keeps it.
plugins::CudaCompiler nvrtc_compiler(std::vector<std::string> folders = {});

}  // namespace intarsia::compiler
