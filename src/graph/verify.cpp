#include "graph/verify.h"

#include <fmt/format.h>

#include "base/error.h"

namespace intarsia::graph {
namespace {

void verify_node(const Graph& graph, const Node& n, std::size_t index) {
  const auto wrong = [&](const std::string& what) {
    throw InternalError(fmt::format("node {} ({}): {}", index, n.op->id, what));
  };
  std::vector<TensorType> types;
  for (const ValueId input : n.inputs) {
    if (input.index >= n.first.index) wrong(fmt::format("reads value {}, which comes after it", input.index));
    types.push_back(graph.type(input));
  }
  ops::InferContext::Result inferred;
  try {
    inferred = ops::infer_bound(*n.op, types, n.attributes, {}, fmt::format("t{}", n.serial));
  } catch (const UserError& e) { wrong(e.what()); }
  if (inferred.outputs.size() != n.num_outputs) wrong(fmt::format("has {} outputs", n.num_outputs));
  for (std::uint32_t port = 0; port < n.num_outputs; ++port) {
    const Value& v = graph.value(n.output(port));
    if (v.node != index || v.port != port) wrong("its outputs do not name it");
    if (!identical(v.type, inferred.outputs[port]))
      wrong(fmt::format("output {} is {}, infer gives {}", port, text(v.type), text(inferred.outputs[port])));
  }
}

}  // namespace

void verify(const Graph& graph, std::string_view after) {
  try {
    for (std::size_t i = 0; i < graph.nodes().size(); ++i) verify_node(graph, graph.nodes()[i], i);
    for (const ValueId result : graph.results())
      if (result.index >= graph.values().size())
        throw InternalError(fmt::format("result {} is no value", result.index));
  } catch (const InternalError& e) {
    throw InternalError(fmt::format("the graph is broken after {}: {}", after, e.what()));
  }
}

}  // namespace intarsia::graph
