// Decisions about a kernel before any code: where each value lives between the threads of a block.
#pragma once
#include <cstdint>
#include <vector>

#include "kernel/kernel.h"

namespace intarsia::target::nvptx {

using kernel::InstId;
using kernel::RegionId;
using kernel::ValueId;

constexpr std::uint32_t kNone = UINT32_MAX;

enum class Home : std::uint8_t {
  kLazy,       // computed where it is used
  kRegisters,  // each thread holds its own elements
  kShared,     // in shared memory, for any thread
  kBoth,       // registers of the owner, and a copy in shared memory
};

struct Plan {
  std::vector<std::uint32_t>
      definition;          // by value: its instruction; kNone: a parameter of the kernel or of a region
  std::vector<Home> home;  // by value, of blocks
  std::vector<char> read_after_write;  // by parameter: stored to and loaded from in this kernel
};
Plan make_plan(const kernel::Kernel& kernel);

// The parameter a pointer or view value is made from; kNone: unknown.
std::uint32_t root_parameter(const kernel::Kernel& kernel, const Plan& plan, ValueId value);

bool is_elementwise(kernel::Opcode opcode);  // result and operands have one shape

}  // namespace intarsia::target::nvptx
