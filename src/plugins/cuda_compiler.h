// What plugins ask of a compiler of CUDA C++; the compiler layer gives them NVRTC.
#pragma once
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/code.h"

namespace intarsia::plugins {

struct CudaModule {
  std::string ptx;
  std::vector<std::string> entries;  // names in the PTX, one per name expression asked for
};
// `target` is what the result must run on ("sm_90a", or a CPU's name: any architecture the interpreter
// knows); `ptx_version` (84 is ISA 8.4) the newest the device knows, 0 for any. UserError: the source does
// not compile, with the compiler's log; Unsupported: there is no compiler.
using CudaCompiler =
    std::function<CudaModule(const CudaSource& source, std::span<const std::string> name_expressions,
                             std::string_view target, int ptx_version)>;

}  // namespace intarsia::plugins
