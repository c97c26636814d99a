// Runs a scheduled program over host memory with the kernel interpreter, step by step: the oracle of
// schedules.
#pragma once
#include <span>
#include <vector>

#include "graph/graph.h"
#include "ops/host.h"
#include "schedule/schedule.h"

namespace intarsia::schedule::testing {

const kernel::Capabilities& cpu();
const kernel::Capabilities& gpu();
const ImplementationTable& builtins();

// Inputs: one per graph input, scalars too (rank 0), in order. Temporaries share an arena by their lifetimes,
// so that a wrong interval gives a wrong result.
std::vector<ops::OwnedTensor> run(const Scheduled& scheduled, const graph::Graph& graph,
                                  std::span<const ops::HostTensor> inputs);

// Random elements, special ones among them where `special`.
ops::OwnedTensor random_tensor(DType dtype, std::vector<std::int64_t> extents, std::uint64_t seed,
                               bool special = false);

// Schedules, runs and compares with the graph interpreter; `tolerance` relative to max(1, |expected|).
void expect_same(const graph::Graph& graph, std::span<const std::vector<std::int64_t>> extents,
                 double tolerance, const kernel::Capabilities& machine = cpu(), std::uint64_t seed = 1);
void expect_same(const graph::Graph& graph, const Scheduled& scheduled,
                 std::span<const ops::HostTensor> inputs, double tolerance);

}  // namespace intarsia::schedule::testing
