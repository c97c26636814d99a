// The scheduler: a tensor graph becomes kernels and a program of steps.
//
// Pointwise nodes, casts and views of a group become one element function, placed where a matmul or a row
// reduction beside it stores or loads, or tiled. A value that several kernels need is stored once, or
// computed again where that is cheap. What did not fuse, and why, is a note.
#pragma once
#include <string>
#include <vector>

#include "graph/graph.h"
#include "schedule/implementation.h"

namespace intarsia::schedule {

struct Note {  // shown by `intarsia inspect`
  std::uint32_t node = 0;
  std::string text;
};

struct Scheduled {
  runtime::Program program;  // codes have one image each, of form kKernelIndex, or what a plugin brought
  std::vector<kernel::Kernel> kernels;  // no two alike; names are unique
  std::vector<Note> notes;
};

// Tensor inputs of the program are the graph's, without weights and scalars, in order; weights are buffers of
// their name; scalar inputs are numbered in order. UserError or Unsupported: nothing can run a node on this
// machine; it lists why.
Scheduled schedule(const graph::Graph& graph, const ImplementationTable& table,
                   const kernel::Capabilities& machine, const Options& options = {});

// The interval of steps in which each temporary holds something: from its first to its last use.
void set_lifetimes(runtime::Program& program);

// Program, kernels and notes as text, deterministic.
std::string print(const Scheduled& scheduled);

// What runs, one line a step: its kernel, what it writes and what it reads; alternatives with their guards
// below. Then why things did not fuse.
std::string summary(const Scheduled& scheduled);

}  // namespace intarsia::schedule
