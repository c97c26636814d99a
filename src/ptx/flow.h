// The order in which a function's basic blocks run when lanes of a warp are at several of them.
#pragma once
#include <cstdint>
#include <vector>

#include "ptx/ptx.h"

namespace intarsia::ptx {

struct FlowOrder {
  std::vector<bool> leader;          // by instruction: starts a basic block
  std::vector<std::uint32_t> order;  // by instruction: of its block
};

// A weak topological order (Bourdoncle 1993): blocks come after what leads to them, and a loop's blocks stand
// together before what follows the loop. Running the lowest block first, lanes that diverged meet again no
// later than at the post-dominator of their branch. Instructions that synchronise lanes start a block of
// their own.
FlowOrder flow_order(const Function& function);

}  // namespace intarsia::ptx
