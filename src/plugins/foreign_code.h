// Code that was made elsewhere: PTX, binaries, CUDA C++ once NVRTC made PTX of it.
#pragma once
#include <memory>
#include <string>

#include "plugins/build.h"
#include "ptx/ptx.h"

namespace intarsia::plugins {

struct ForeignCode {
  runtime::Code code;                         // entry and image; no parameters yet
  std::shared_ptr<const ptx::Module> module;  // keeps `entry`
  const ptx::Entry* entry = nullptr;          // nothing where a binary does not say
};

// The first code of the launch that suits the machine. UserError: it does not parse, the entry is not found.
// Unsupported: no code suits, PTX or an architecture the device does not know.
ForeignCode foreign_code(const BuildContext& context, const LaunchStep& launch);

// Geometry against the machine. UserError: grid or shared memory beyond what a device has.
void check_launch(const BuildContext& context, const std::string& entry, const KernelLaunchParams& params);

}  // namespace intarsia::plugins
