#include "base/error.h"
#include "graph/passes/passes.h"
#include "graph/rewrite.h"

namespace intarsia::graph {
namespace {

// What a rule writes lands at the end of the new graph; every node it makes carries the line of the node it
// stands for.
class Writer final : public ops::GraphBuilder {
 public:
  Writer(Graph& graph, std::uint32_t line) : graph_(graph), line_(line) {}

  TensorType type(Value value) const override { return graph_.type({value.index}); }
  std::vector<Value> add(const ops::OpDef& op, std::span<const Value> inputs,
                         const Attributes& attributes) override {
    std::vector<ValueId> ids;
    for (const Value v : inputs) ids.push_back({v.index});
    const ValueId first = graph_.add(ops::ref(op), ids, attributes, line_);
    std::vector<Value> outputs;
    for (std::uint32_t port = 0; port < graph_.nodes().back().num_outputs; ++port)
      outputs.push_back({first.index + port});
    return outputs;
  }

 private:
  Graph& graph_;
  std::uint32_t line_;
};

// One sweep; whether anything was replaced.
bool sweep(Graph& graph, const PassOptions& options) {
  Rewrite rewrite(graph);
  bool changed = false;
  for (const Node& node : graph.nodes()) {
    const bool whole = !node.op->decompose || (options.keep && options.keep(graph, node));
    std::vector<ops::GraphBuilder::Value> inputs, outputs;
    if (!whole) {
      for (const ValueId id : rewrite.mapped_inputs(node)) inputs.push_back({id.index});
      Writer writer(rewrite.to(), node.line);
      outputs = node.op->decompose(*node.op, writer, inputs, node.attributes);
    }
    if (outputs.empty()) {
      rewrite.copy(node);
      continue;
    }
    std::vector<ValueId> ids;
    for (const auto v : outputs) ids.push_back({v.index});
    rewrite.replace(node, ids);
    changed = true;
  }
  rewrite.finish();
  return changed;
}

}  // namespace

void decompose(Graph& graph, const PassOptions& options) {
  constexpr int kMaxDepth = 16;  // a rule that leads back to its own operator would never end
  for (int i = 0; i < kMaxDepth; ++i)
    if (!sweep(graph, options)) return;
  check(false, "a decomposition does not end");
}

}  // namespace intarsia::graph
