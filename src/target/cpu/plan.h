// Decisions about a kernel before any code: which values exist in memory, which stores share a loop, whether
// programs merge.
#pragma once
#include <cstdint>
#include <vector>

#include "kernel/kernel.h"

namespace intarsia::target::cpu {

using kernel::InstId;
using kernel::RegionId;
using kernel::ValueId;

constexpr std::uint32_t kNone = UINT32_MAX;

// A block is computed where it is used, element by element, unless `stored` says that it is kept in a buffer.
struct Plan {
  std::vector<std::uint32_t> definition;  // by value: its instruction; kNone: a parameter
  std::vector<char> stored;               // by value: computed once, where it is defined
  std::vector<std::uint32_t>
      group;  // by instruction: the first store of the loop that this store shares; kNone: no store
  std::vector<std::uint32_t> region;  // by instruction: where it stands
  std::vector<std::uint32_t> home;    // by value: the region that makes it
  std::vector<std::uint32_t> uses;    // by value: how many operands name it
  std::int64_t merged_block =
      0;  // programs p, p + 1 ... compute positions p * block ... of one long row; 0: they do not
};
Plan make_plan(const kernel::Kernel& kernel);

std::int64_t elements(const kernel::Type& type);                       // of a block; 1 for a scalar
bool is_lazy(kernel::Opcode opcode);                                   // pure, lane by lane (loads included)
bool reshape_moves(const kernel::Type& from, const kernel::Type& to);  // more than axes of extent 1 differ
bool is_float_heavy(kernel::Fn fn);  // a polynomial or a division: dear to compute twice

// Programs that compute a[i] for i = p * block + arange(block), and nothing else, as one range. 0: not so.
std::int64_t merged_block(const kernel::Kernel& kernel, const Plan& plan);

}  // namespace intarsia::target::cpu
