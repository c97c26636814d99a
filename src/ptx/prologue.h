// What of a function need not be done again for every block.
#pragma once
#include <vector>

#include "ptx/ptx.h"

namespace intarsia::ptx {

struct Prologue {
  std::vector<bool> invariant;  // by instruction: its result is the same whenever and wherever a warp runs it
  std::vector<bool> live;  // by register: may be read before anything was written to it, or by other lanes
};

// Invariant is what computes integers from parameters, numbers of threads and constants, into registers that
// nothing else writes and nothing reads before.
Prologue find_prologue(const Function& function);

}  // namespace intarsia::ptx
