// What each node of a graph runs as: the table asked, the answers built and checked.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "schedule/schedule.h"

namespace intarsia::schedule {

// One way to run a node, where its guard holds: kernels one behind the other, or steps.
struct Way {
  std::string name;
  Guard guard;
  std::vector<kernel::Kernel> kernels = {};
  std::optional<Steps> steps = {};
};

struct NodeWork {
  enum class Kind : std::uint8_t {
    kData,     // literal elements: a buffer
    kElement,  // an element function
    kKernels,  // every way is kernels, which take element functions in
    kSteps,    // runs as it stands
  };
  Kind kind = Kind::kElement;
  kernel::Element element = {};
  std::vector<Way> ways = {};  // kKernels, kSteps: the first whose guard holds runs, the last always may
  int work = 0;          // of the element function: about how many instructions an element takes; 0 for views
  std::string key = {};  // of tuning records; empty: nothing to tune
};

std::vector<NodeWork> build_nodes(const graph::Graph& graph, const ImplementationTable& table,
                                  const kernel::Capabilities& machine, const Options& options,
                                  std::vector<Note>& notes);

}  // namespace intarsia::schedule
