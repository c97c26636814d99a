// Checks everything a graph promises; a violation is ours, so it is an InternalError that names the pass that
// broke it.
#pragma once
#include <string_view>

#include "graph/graph.h"

namespace intarsia::graph {

// Operands come before their users, operators keep their schemas, types are what infer gives, symbols are
// known.
void verify(const Graph& graph, std::string_view after);

}  // namespace intarsia::graph
