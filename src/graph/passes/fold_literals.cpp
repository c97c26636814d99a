#include <algorithm>

#include "graph/passes/passes.h"
#include "graph/rewrite.h"
#include "ops/host.h"
#include "ops/ops.h"

namespace intarsia::graph {
namespace {

bool is_literal(const Graph& graph, ValueId id) {
  const Node* node = graph.producer(id);
  return node && node->op.get() == &ops::kConstant;
}

std::vector<std::int64_t> known_extents(const Shape& shape) {
  std::vector<std::int64_t> extents;
  for (const Dim& d : shape) extents.push_back(d.constant());
  return extents;
}

// A large full or iota is better computed than stored; a scalar is a number.
bool can_fold(const Graph& graph, const Node& node, std::span<const ValueId> inputs) {
  if (node.op->effect != ops::Effect::kPure || !node.op->reference || node.op.get() == &ops::kConstant)
    return false;
  return std::all_of(inputs.begin(), inputs.end(), [&](ValueId id) { return is_literal(graph, id); });
}

// Extents that are all known, and few elements.
bool is_small(const Shape& shape, std::int64_t limit) {
  std::int64_t count = 1;
  for (const Dim& d : shape)
    if (!d.is_constant() || __builtin_mul_overflow(count, d.constant(), &count)) return false;
  return count <= limit;
}

ops::HostTensor literal(const Graph& graph, ValueId id) {
  const Attributes& attributes = graph.producer(id)->attributes;
  const auto& value = attributes.get<Array>("value");
  return {value.dtype, known_extents(attributes.get<Shape>("shape")), const_cast<char*>(value.data.data())};
}

void fold(const Node& node, std::span<const ValueId> inputs, Rewrite& rewrite) {
  std::vector<ops::HostTensor> given, views;
  std::vector<ops::OwnedTensor> made;
  for (const ValueId id : inputs) given.push_back(literal(rewrite.to(), id));
  for (std::uint32_t port = 0; port < node.num_outputs; ++port) {
    const TensorType& type = rewrite.from().type(node.output(port));
    made.push_back(ops::make_tensor(type.dtype, known_extents(type.shape)));
  }
  for (ops::OwnedTensor& t : made) views.push_back(t.view());
  ops::ReferenceContext context{*node.op, node.attributes, given, views};
  node.op->reference(context);
  std::vector<ValueId> outputs;
  for (const ops::OwnedTensor& t : made) {
    Array data{t.dtype, ops::numel(t.extents),
               std::string(reinterpret_cast<const char*>(t.bytes.data()), t.bytes.size())};
    const Attributes attributes = {{"shape", Shape(t.extents.begin(), t.extents.end())},
                                   {"value", std::move(data)}};
    outputs.push_back(rewrite.to().add(ops::ref(ops::kConstant), {}, attributes, node.line));
  }
  rewrite.replace(node, outputs);
}

}  // namespace

void fold_literals(Graph& graph, const PassOptions& options) {
  Rewrite rewrite(graph);
  for (const Node& node : graph.nodes()) {
    const std::vector<ValueId> inputs = rewrite.mapped_inputs(node);
    bool folds = can_fold(rewrite.to(), node, inputs);
    for (std::uint32_t port = 0; folds && port < node.num_outputs; ++port)
      folds = is_small(graph.type(node.output(port)).shape, options.max_folded_elements);
    if (folds)
      fold(node, inputs, rewrite);
    else
      rewrite.copy(node);
  }
  rewrite.finish();
}

}  // namespace intarsia::graph
