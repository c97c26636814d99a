// Compiled functions: what stands behind intarsia::Executable.
#pragma once
#include <string>
#include <vector>

#include "compiler/compiler.h"
#include "frontend/structure.h"

namespace intarsia::frontend {

// Placeholders that no result depends on are arguments all the same: checked, and given to nothing.
Executable compile_snapshot(const Snapshot& snapshot, std::span<const Tensor> placeholders,
                            std::span<const InputInfo> inputs, runtime::Device& device,
                            compiler::Compiler& compiler, const compiler::Options& options);

// The CPU, then every CUDA device there is.
std::vector<Device> find_devices();

runtime::DeviceTensor move_to(runtime::Device& device, const runtime::DeviceTensor& tensor);

}  // namespace intarsia::frontend
