// Which nodes share a kernel: units of work, each with what it makes and reads.
#pragma once
#include <set>
#include <string>
#include <vector>

#include "schedule/cones.h"

namespace intarsia::schedule {

struct Unit {
  std::uint32_t anchor = kNone;  // the node that runs kernels or steps; none: element functions alone
  std::uint32_t stored = kNone;  // the anchor's output in whose store the roots are computed
  std::vector<std::uint32_t> roots =
      {};                              // values of element functions (or copies of inputs) that are made here
  std::set<std::uint32_t> fused = {};  // inputs of the anchor that are computed where it loads them
  std::set<std::uint32_t> reads = {};  // values of other units, and inputs of the graph
};

// The units of a graph in an order that may run. Adds what is kept to the facts, and why things did not fuse
// to the notes.
std::vector<Unit> make_units(Facts& facts, std::vector<Note>& notes);

// Kernels of a unit's anchor, a list per way, with its functions in their loads and stores. `store_anchor`:
// the anchor's own value is stored beside the roots. The answer is why that is not possible, or empty.
std::string fuse(const Facts& facts, const Unit& unit, std::span<const std::uint32_t> roots,
                 bool store_anchor, Ports& ports, std::vector<std::vector<kernel::Kernel>>& out);

}  // namespace intarsia::schedule
