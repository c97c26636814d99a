#include "graph/rewrite.h"

#include <algorithm>

#include "base/error.h"

namespace intarsia::graph {
namespace {

bool knows(const Graph& graph, const Condition& condition) {
  std::vector<Symbol> mentioned;
  collect_symbols(condition.left, mentioned);
  collect_symbols(condition.right, mentioned);
  return std::all_of(mentioned.begin(), mentioned.end(), [&](const Symbol& s) {
    return std::any_of(graph.symbols().begin(), graph.symbols().end(),
                       [&](const Symbol& known) { return known.name == s.name; });
  });
}

}  // namespace

Rewrite::Rewrite(Graph& graph) : from_(graph), map_(graph.values().size()) {
  for (const Input& input : graph.inputs())
    map_[input.value.index] = input.kind == InputKind::kWeight
                                  ? to_.add_weight(input.name, graph.type(input.value), input.data)
                                  : to_.add_input(input.name, graph.type(input.value), input.kind);
}

std::vector<ValueId> Rewrite::mapped_inputs(const Node& node) const {
  std::vector<ValueId> inputs;
  inputs.reserve(node.inputs.size());
  for (const ValueId input : node.inputs) inputs.push_back(mapped(input));
  return inputs;
}

void Rewrite::copy(const Node& node) {
  const ValueId first = to_.add_copy(node, mapped_inputs(node));
  for (std::uint32_t port = 0; port < node.num_outputs; ++port)
    map_[node.output(port).index] = {first.index + port};
}

void Rewrite::replace(const Node& node, std::span<const ValueId> outputs) {
  check(outputs.size() == node.num_outputs, "a replacement has the outputs of the node");
  for (std::uint32_t port = 0; port < node.num_outputs; ++port) {
    check(to_.type(outputs[port]).dtype == from_.type(node.output(port)).dtype, "a replacement keeps dtypes");
    map_[node.output(port).index] = outputs[port];
  }
}

void Rewrite::finish() {
  std::vector<ValueId> results;
  for (const ValueId result : from_.results()) results.push_back(mapped(result));
  to_.set_results(std::move(results));
  for (const ops::Requirement& r : from_.requirements())
    if (knows(to_, r.holds)) to_.require(r);
  from_ = std::move(to_);
}

}  // namespace intarsia::graph
