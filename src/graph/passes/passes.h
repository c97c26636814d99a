// The passes over graphs, and how they are run: an array, an observer, the verifier after each.
#pragma once
#include <functional>
#include <span>
#include <string_view>

#include "graph/graph.h"

namespace intarsia::graph {

struct PassOptions {
  // Operators that stay whole although they could be decomposed, because someone has a kernel for them.
  std::function<bool(const Graph&, const Node&)> keep;
  std::int64_t max_folded_elements = 4096;  // literals larger than this are not computed ahead
};

// Operators become simpler ones, as their OpDef says.
//
// Needs:     nothing.
// Leaves:    no node with a decomposition but those that `keep` wants whole or whose decomposition declined.
// Runs:      first: the other passes see what nodes are made of.
void decompose(Graph& graph, const PassOptions& options);

// Tensors without elements become literals, and concatenate leaves them out.
//
// Needs:     nothing.
// Leaves:    no pure node but constants whose outputs are all known to be empty; no known empty operand of
// concatenate. Runs:      before fold_literals: what is computed from them may fold. After decompose, which
// may leave more.
void drop_empty_tensors(Graph& graph, const PassOptions& options);

// Nodes of literals become literals. Weights are no literals: they can be replaced.
//
// Needs:     nothing.
// Leaves:    no pure node whose inputs are all literals and whose outputs are small and of known extents.
// Runs:      after decompose, whose numbers it folds; before merging, so that equal literals meet.
void fold_literals(Graph& graph, const PassOptions& options);

// Equal pure nodes become one, the first.
//
// Needs:     nothing.
// Leaves:    no two pure nodes with the same operator, attributes and inputs.
// Runs:      after fold_literals.
void merge_common_subexpressions(Graph& graph, const PassOptions& options);

// Pure nodes that no result needs go.
//
// Needs:     nothing.
// Leaves:    no pure node without a use.
// Runs:      last: every pass above may orphan nodes.
void drop_dead_nodes(Graph& graph, const PassOptions& options);

struct Pass {
  std::string_view name;
  void (*run)(Graph&, const PassOptions&);
};
std::span<const Pass> all_passes();            // in the order in which a compilation runs them
const Pass* find_pass(std::string_view name);  // null where there is none

// Sees every pass; says which are left out. The default does neither.
class PassObserver {
 public:
  virtual ~PassObserver() = default;
  virtual bool enabled(const Pass&) { return true; }
  virtual void after(const Pass&, const Graph&, double /*milliseconds*/) {}
};
void run_passes(std::span<const Pass> passes, Graph& graph, const PassOptions& options,
                PassObserver& observer);

}  // namespace intarsia::graph
