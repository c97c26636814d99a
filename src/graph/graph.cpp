#include "graph/graph.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "ops/attribute_text.h"

namespace intarsia::graph {
namespace {

std::string range_text(const Range& r) {
  const bool open = r.max == std::numeric_limits<std::int64_t>::max();
  return fmt::format("{}..{}{}", r.min, open ? "" : std::to_string(r.max),
                     r.multiple == 1 ? "" : fmt::format(" multiple {}", r.multiple));
}

bool same_range(const Range& a, const Range& b) {
  return a.min == b.min && a.max == b.max && a.multiple == b.multiple;
}

std::uint64_t hash(const Condition& c) {
  return (c.left.hash() * 31 + c.right.hash()) * 31 + static_cast<std::uint64_t>(c.relation);
}

}  // namespace

ValueId Graph::add_input(std::string name, TensorType type, InputKind kind) {
  if (name.empty()) throw UserError("an input of a graph needs a name");
  if (input_names_.contains(name))
    throw UserError(fmt::format("two inputs of a graph are called '{}'", name));
  if (kind == InputKind::kScalar && !type.shape.empty())
    throw UserError(fmt::format("scalar '{}' cannot have shape {}", name, type.shape.str()));
  if (!is_known(type.dtype)) throw UserError(fmt::format("input '{}' has no dtype", name));
  std::vector<Symbol> mentioned;
  for (const Dim& extent : type.shape) {
    if (extent.bounds().min < 0)
      throw UserError(fmt::format("input '{}' has shape {}: extent {} could be negative", name,
                                  type.shape.str(), extent.str()));
    collect_symbols(extent, mentioned);
  }
  for (const Symbol& symbol : mentioned) declare(symbol, "input '" + name + "'");
  const ValueId id{static_cast<std::uint32_t>(values_.size())};
  const auto number = static_cast<std::uint32_t>(inputs_.size());
  input_names_.emplace(name, number);
  values_.push_back({std::move(type), Value::kNoNode, number});
  inputs_.push_back({std::move(name), kind, id, nullptr});
  return id;
}

ValueId Graph::add_weight(std::string name, TensorType type, std::shared_ptr<const void> data) {
  const ValueId id = add_input(std::move(name), std::move(type), InputKind::kWeight);
  inputs_.back().data = std::move(data);
  return id;
}

void Graph::declare(const Symbol& symbol, const std::string& where) {
  const auto at = std::lower_bound(symbols_.begin(), symbols_.end(), symbol,
                                   [](const Symbol& a, const Symbol& b) { return a.name < b.name; });
  if (at == symbols_.end() || at->name != symbol.name) {
    symbols_.insert(at, symbol);
    return;
  }
  if (!same_range(at->range, symbol.range))
    throw UserError(fmt::format("dimension {} is {} in {} but {} elsewhere", symbol.name,
                                range_text(symbol.range), where, range_text(at->range)));
  if (at->range.opt == 0) at->range.opt = symbol.range.opt;
}

ValueId Graph::add(const ops::OpRef& op, std::span<const ValueId> inputs, const Attributes& attributes,
                   std::uint32_t line) {
  Node node{op, {inputs.begin(), inputs.end()}, ops::bind(*op, attributes), {}, 0, next_serial_, line};
  return insert(std::move(node));
}

ValueId Graph::add_copy(const Node& node, std::span<const ValueId> inputs) {
  Node copy = node;
  copy.inputs.assign(inputs.begin(), inputs.end());
  return insert(std::move(copy));
}

ValueId Graph::insert(Node node) {
  const ops::OpDef& op = *node.op;
  if (op.num_regions != 0)
    throw Unsupported(fmt::format("{}: operators with bodies are not supported in graphs yet", op.id));
  std::vector<TensorType> types;
  types.reserve(node.inputs.size());
  for (const ValueId input : node.inputs) {
    check(input.index < values_.size(), "an input of a node comes before it");
    types.push_back(values_[input.index].type);
  }
  ops::InferContext::Result inferred =
      ops::infer_bound(op, types, node.attributes, {}, fmt::format("t{}", node.serial));
  node.first = {static_cast<std::uint32_t>(values_.size())};
  node.num_outputs = static_cast<std::uint32_t>(inferred.outputs.size());
  next_serial_ = std::max(next_serial_, node.serial + 1);
  for (const auto& extent : inferred.data_extents) {
    std::vector<Symbol> symbol;
    collect_symbols(extent.symbol, symbol);
    for (const Symbol& s : symbol) declare(s, fmt::format("an output of {}", op.id));
    data_extents_.push_back(
        {extent.symbol, extent.upper, node.output(static_cast<std::uint32_t>(extent.port))});
  }
  for (const TensorType& type : inferred.outputs) check_symbols(node, type);
  for (const ops::Requirement& r : inferred.requirements) require(r);
  for (std::uint32_t port = 0; port < node.num_outputs; ++port)
    values_.push_back({std::move(inferred.outputs[port]), static_cast<std::uint32_t>(nodes_.size()), port});
  nodes_.push_back(std::move(node));
  return nodes_.back().first;
}

void Graph::check_symbols(const Node& node, const TensorType& type) const {
  std::vector<Symbol> mentioned;
  for (const Dim& extent : type.shape) collect_symbols(extent, mentioned);
  for (const Symbol& s : mentioned) {
    const auto at = std::lower_bound(symbols_.begin(), symbols_.end(), s,
                                     [](const Symbol& a, const Symbol& b) { return a.name < b.name; });
    if (at == symbols_.end() || at->name != s.name)
      throw UserError(fmt::format("{}: dimension {} of its result {} is no extent of a graph input",
                                  node.op->id, s.name, type.shape.str()));
    if (!same_range(at->range, s.range))
      throw UserError(fmt::format("{}: dimension {} is {} in its result but {} elsewhere", node.op->id,
                                  s.name, range_text(s.range), range_text(at->range)));
  }
}

void Graph::set_results(std::vector<ValueId> results) {
  for (const ValueId result : results)
    check(result.index < values_.size(), "a result is a value of the graph");
  results_ = std::move(results);
}

void Graph::require(const ops::Requirement& requirement) {
  const std::uint64_t key = hash(requirement.holds);
  const auto [from, to] = requirement_hashes_.equal_range(key);
  for (auto at = from; at != to; ++at)
    if (intarsia::identical(requirements_[at->second].holds, requirement.holds)) return;
  requirement_hashes_.emplace(key, static_cast<std::uint32_t>(requirements_.size()));
  requirements_.push_back(requirement);
}

const Node* Graph::producer(ValueId id) const {
  const std::uint32_t node = values_[id.index].node;
  return node == Value::kNoNode ? nullptr : &nodes_[node];
}

const Input* Graph::find_input(std::string_view name) const {
  const auto at = input_names_.find(std::string(name));
  return at == input_names_.end() ? nullptr : &inputs_[at->second];
}

bool identical(const TensorType& a, const TensorType& b) {
  return a.dtype == b.dtype && a.shape.size() == b.shape.size() && intarsia::identical(a.shape, b.shape);
}

std::string text(const TensorType& type) {
  return std::string(name(type.dtype)) + ops::text(AttributeValue(type.shape));
}

}  // namespace intarsia::graph
