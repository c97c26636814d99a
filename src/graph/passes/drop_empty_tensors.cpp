#include <algorithm>

#include "graph/passes/passes.h"
#include "graph/rewrite.h"
#include "ops/ops.h"

namespace intarsia::graph {
namespace {

bool is_known(const Shape& shape) {
  return std::all_of(shape.begin(), shape.end(), [](const Dim& d) { return d.is_constant(); });
}
bool is_empty(const TensorType& type) {
  const auto is_zero = [](const Dim& d) { return d.is_constant() && d.constant() == 0; };
  return is_known(type.shape) && std::any_of(type.shape.begin(), type.shape.end(), is_zero);
}

bool computes_nothing(const Graph& graph, const Node& node) {
  if (node.op->effect != ops::Effect::kPure || node.op.get() == &ops::kConstant || node.num_outputs == 0)
    return false;
  for (std::uint32_t port = 0; port < node.num_outputs; ++port)
    if (!is_empty(graph.type(node.output(port)))) return false;
  return true;
}

void replace_by_literals(const Node& node, Rewrite& rewrite) {
  std::vector<ValueId> outputs;
  for (std::uint32_t port = 0; port < node.num_outputs; ++port) {
    const TensorType& type = rewrite.from().type(node.output(port));
    const Attributes attributes = {{"shape", type.shape}, {"value", Array{type.dtype, 0, {}}}};
    outputs.push_back(rewrite.to().add(ops::ref(ops::kConstant), {}, attributes, node.line));
  }
  rewrite.replace(node, outputs);
}

// The operands of a concatenate that have elements; all of them where the node must stay as it is.
std::vector<ValueId> operands_with_elements(const Graph& graph, const Node& node) {
  std::vector<ValueId> kept;
  for (const ValueId input : node.inputs)
    if (!is_empty(graph.type(input))) kept.push_back(input);
  return kept.empty() ? node.inputs : kept;
}

}  // namespace

void drop_empty_tensors(Graph& graph, const PassOptions&) {
  Rewrite rewrite(graph);
  for (const Node& node : graph.nodes()) {
    if (computes_nothing(graph, node)) {
      replace_by_literals(node, rewrite);
      continue;
    }
    const bool joins = node.op.get() == &ops::kConcatenate;
    const std::vector<ValueId> kept = joins ? operands_with_elements(graph, node) : node.inputs;
    if (kept.size() == node.inputs.size()) {
      rewrite.copy(node);
      continue;
    }
    std::vector<ValueId> inputs;
    for (const ValueId id : kept) inputs.push_back(rewrite.mapped(id));
    const ValueId joined[] = {rewrite.to().add(node.op, inputs, node.attributes, node.line)};
    rewrite.replace(node, joined);
  }
  rewrite.finish();
}

}  // namespace intarsia::graph
