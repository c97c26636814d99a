// What code is compiled for: a name and the facts that passes read.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/capabilities.h"
#include "runtime/device.h"

namespace intarsia::compiler {

struct Target {
  std::string name;  // "x86-64-v3", "sm_90a"
  kernel::Capabilities machine;
};

// The CPU this process runs on.
Target host_target();
// A machine from the table, present or not; nothing where the table has none of that name.
std::optional<Target> described_target(std::string_view name);
std::vector<std::string> described_targets();
Target target_of(const runtime::Device& device);

}  // namespace intarsia::compiler
