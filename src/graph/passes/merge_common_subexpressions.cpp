#include <unordered_map>

#include "graph/passes/passes.h"
#include "graph/rewrite.h"
#include "ops/attribute_text.h"

namespace intarsia::graph {
namespace {

// Everything that makes two nodes equal, as text: operator, inputs of the new graph, attributes.
std::string key_of(const Node& node, std::span<const ValueId> inputs) {
  std::string key = std::to_string(reinterpret_cast<std::uintptr_t>(node.op.get()));
  for (const ValueId id : inputs) key += " " + std::to_string(id.index);
  for (const auto& [name, value] : node.attributes) key += " " + name + "=" + ops::text(value);
  return key;
}

bool is_pure(const Graph& graph, const Node& node) {
  if (node.op->effect != ops::Effect::kPure) return false;
  for (const DataExtent& e : graph.data_extents())  // its extents have names of their own
    if (graph.producer(e.size) == &node) return false;
  return true;
}

}  // namespace

void merge_common_subexpressions(Graph& graph, const PassOptions&) {
  Rewrite rewrite(graph);
  std::unordered_map<std::string, std::vector<ValueId>> seen;
  for (const Node& node : graph.nodes()) {
    if (!is_pure(graph, node)) {
      rewrite.copy(node);
      continue;
    }
    const auto [at, fresh] = seen.try_emplace(key_of(node, rewrite.mapped_inputs(node)));
    if (fresh) {
      rewrite.copy(node);
      for (std::uint32_t port = 0; port < node.num_outputs; ++port)
        at->second.push_back(rewrite.mapped(node.output(port)));
    } else {
      rewrite.replace(node, at->second);
    }
  }
  rewrite.finish();
}

}  // namespace intarsia::graph
