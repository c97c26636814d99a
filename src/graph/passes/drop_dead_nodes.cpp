#include "graph/passes/passes.h"
#include "graph/rewrite.h"

namespace intarsia::graph {
namespace {

// Nodes that a result, or a node with an effect, needs. Nodes stand in execution order: one backward loop.
std::vector<bool> needed_nodes(const Graph& graph) {
  std::vector<bool> value(graph.values().size()), node(graph.nodes().size());
  for (const ValueId result : graph.results()) value[result.index] = true;
  for (std::size_t i = graph.nodes().size(); i-- > 0;) {
    const Node& n = graph.nodes()[i];
    node[i] = n.op->effect != ops::Effect::kPure;
    for (std::uint32_t port = 0; port < n.num_outputs; ++port)
      node[i] = node[i] || value[n.output(port).index];
    if (!node[i]) continue;
    for (const ValueId input : n.inputs) value[input.index] = true;
    for (const DataExtent& e : graph.data_extents()) {  // a dimension it uses may be computed by another node
      std::vector<Symbol> symbol, used;
      collect_symbols(e.symbol, symbol);
      for (std::uint32_t port = 0; port < n.num_outputs; ++port)
        for (const Dim& d : graph.type(n.output(port)).shape) collect_symbols(d, used);
      for (const Symbol& s : used)
        if (s.name == symbol[0].name) value[e.size.index] = true;
    }
  }
  return node;
}

}  // namespace

void drop_dead_nodes(Graph& graph, const PassOptions&) {
  const std::vector<bool> needed = needed_nodes(graph);
  Rewrite rewrite(graph);
  for (std::size_t i = 0; i < graph.nodes().size(); ++i)
    if (needed[i]) rewrite.copy(graph.nodes()[i]);
  rewrite.finish();
}

}  // namespace intarsia::graph
