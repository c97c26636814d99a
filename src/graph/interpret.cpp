#include "graph/interpret.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace intarsia::graph {
namespace {

// The symbol that an extent is, if it is nothing else.
const Symbol* bare_symbol(const Dim& extent, std::vector<Symbol>& buffer) {
  buffer.clear();
  collect_symbols(extent, buffer);
  const bool bare = buffer.size() == 1 && identical(extent, Dim::symbol(buffer[0].name, buffer[0].range));
  return bare ? &buffer[0] : nullptr;
}

std::string shape_text(std::span<const std::int64_t> extents) {
  return Shape(extents.begin(), extents.end()).str();
}

void check_type(const Graph& graph, const Input& input, const ops::HostTensor& given) {
  const TensorType& wanted = graph.type(input.value);
  if (given.dtype != wanted.dtype)
    throw UserError(
        fmt::format("input '{}' is {}, was declared {}", input.name, name(given.dtype), name(wanted.dtype)));
  if (given.extents.size() != wanted.shape.size())
    throw UserError(fmt::format("input '{}' has shape {}, was declared {}", input.name,
                                shape_text(given.extents), wanted.shape.str()));
}

// Positions after which nobody reads a value: the node that may free it.
std::vector<std::uint32_t> last_uses(const Graph& graph) {
  std::vector<std::uint32_t> last(graph.values().size(), 0);
  for (std::uint32_t i = 0; i < graph.nodes().size(); ++i) {
    const Node& n = graph.nodes()[i];
    for (const ValueId input : n.inputs) last[input.index] = i;
    for (std::uint32_t port = 0; port < n.num_outputs; ++port) last[n.output(port).index] = i;
  }
  for (const ValueId result : graph.results())
    last[result.index] = static_cast<std::uint32_t>(graph.nodes().size());
  return last;
}

class Interpreter {
 public:
  Interpreter(const Graph& graph, std::span<const ops::HostTensor> inputs, const RunOp& run_op)
      : graph_(graph), run_op_(run_op), values_(all_inputs(inputs)), extents_(graph, values_) {
    values_by_id();
  }

  std::vector<ops::OwnedTensor> run() {
    const std::vector<std::uint32_t> last = last_uses(graph_);
    for (std::uint32_t i = 0; i < graph_.nodes().size(); ++i) {
      const Node& n = graph_.nodes()[i];
      run_node(n);
      for (const ValueId input : n.inputs)
        if (last[input.index] == i) owned_[input.index] = {};
      for (std::uint32_t port = 0; port < n.num_outputs; ++port)
        if (last[n.output(port).index] == i) owned_[n.output(port).index] = {};
    }
    std::vector<ops::OwnedTensor> results;
    for (const ValueId result : graph_.results()) results.push_back(copy(values_[result.index]));
    return results;
  }

 private:
  std::vector<ops::HostTensor> all_inputs(std::span<const ops::HostTensor> given) {
    std::vector<ops::HostTensor> all;
    std::size_t used = 0;
    for (const Input& input : graph_.inputs()) {
      if (input.data) {
        std::vector<std::int64_t> extents;
        for (const Dim& d : graph_.type(input.value).shape) extents.push_back(d.constant());
        all.push_back(
            {graph_.type(input.value).dtype, std::move(extents), const_cast<void*>(input.data.get())});
      } else {
        if (used == given.size())
          throw UserError(fmt::format("input '{}' is missing; {} were given", input.name, given.size()));
        all.push_back(given[used++]);
      }
    }
    if (used != given.size())
      throw UserError(fmt::format("the graph takes {} inputs, was given {}", used, given.size()));
    return all;
  }
  void values_by_id() {
    std::vector<ops::HostTensor> by_id(graph_.values().size());
    for (std::size_t i = 0; i < values_.size(); ++i)
      by_id[graph_.inputs()[i].value.index] = std::move(values_[i]);
    values_ = std::move(by_id);
    owned_.resize(graph_.values().size());
  }
  static ops::OwnedTensor copy(const ops::HostTensor& t) {
    ops::OwnedTensor own = ops::make_tensor(t.dtype, t.extents);
    if (!own.bytes.empty())
      std::copy_n(static_cast<const std::byte*>(t.data), own.bytes.size(), own.bytes.data());
    return own;
  }

  void run_node(const Node& n) {
    for (const DataExtent& e : graph_.data_extents())
      if (graph_.producer(e.size) == &n) extents_.set(e.symbol, extents_.value(e.upper));
    std::vector<ops::HostTensor> inputs, outputs;
    for (const ValueId input : n.inputs) inputs.push_back(values_[input.index]);
    for (std::uint32_t port = 0; port < n.num_outputs; ++port) {
      const ValueId id = n.output(port);
      owned_[id.index] = ops::make_tensor(graph_.type(id).dtype, extents_.values(graph_.type(id).shape));
      outputs.push_back(owned_[id.index].view());
    }
    const Attributes attributes = numbers(n.attributes);
    ops::ReferenceContext context{*n.op, attributes, inputs, outputs};
    if (n.op->reference)
      n.op->reference(context);
    else if (run_op_)
      run_op_(*n.op, context);
    else
      throw Unsupported(fmt::format("{} has no reference, so the interpreter cannot run it", n.op->id));
    settle_extents(n);
    for (std::uint32_t port = 0; port < n.num_outputs; ++port)
      values_[n.output(port).index] = owned_[n.output(port).index].view();
  }

  Attributes numbers(const Attributes& attributes) const {
    Attributes bound = attributes;
    for (const auto& [name, value] : attributes)
      if (const auto* shape = std::get_if<Shape>(&value)) {
        const auto extents = extents_.values(*shape);
        bound.set(name, Shape(extents.begin(), extents.end()));
      }
    return bound;
  }

  // Outputs were made at the upper bounds of extents that data decide; now these are known.
  void settle_extents(const Node& n) {
    bool any = false;
    for (const DataExtent& e : graph_.data_extents())
      if (graph_.producer(e.size) == &n) {
        extents_.set(e.symbol, ops::read<std::int64_t>(owned_[e.size.index].view(), 0));
        any = true;
      }
    if (!any) return;
    for (std::uint32_t port = 0; port < n.num_outputs; ++port) {
      const ValueId id = n.output(port);
      ops::OwnedTensor& upper = owned_[id.index];
      ops::OwnedTensor exact = ops::make_tensor(upper.dtype, extents_.values(graph_.type(id).shape));
      const auto strides = ops::strides_of(upper.extents);
      const ops::HostTensor from = upper.view(), to = exact.view();
      for (std::int64_t i = 0; i < ops::numel(to); ++i)
        ops::copy_element(from, ops::offset(ops::position(i, to.extents), strides), to, i);
      upper = std::move(exact);
    }
  }

  const Graph& graph_;
  const RunOp& run_op_;
  std::vector<ops::HostTensor> values_;
  std::vector<ops::OwnedTensor> owned_;
  Extents extents_;
};

}  // namespace

std::vector<ops::OwnedTensor> interpret(const Graph& graph, std::span<const ops::HostTensor> inputs,
                                        const RunOp& run_op) {
  return Interpreter(graph, inputs, run_op).run();
}

Extents::Extents(const Graph& graph, std::span<const ops::HostTensor> inputs) {
  std::vector<Symbol> buffer;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Input& input = graph.inputs()[i];
    check_type(graph, input, inputs[i]);
    const Shape& shape = graph.type(input.value).shape;
    for (std::size_t axis = 0; axis < shape.size(); ++axis)
      if (bare_symbol(shape[axis], buffer)) bind(shape[axis], inputs[i].extents[axis], input.name);
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Input& input = graph.inputs()[i];
    const Shape& shape = graph.type(input.value).shape;
    if (values(shape) != inputs[i].extents)
      throw UserError(fmt::format("input '{}' has shape {}, was declared {}, which is {} here", input.name,
                                  shape_text(inputs[i].extents), shape.str(), shape_text(values(shape))));
  }
  for (const ops::Requirement& r : graph.requirements()) {
    const Dim left = substitute(r.holds.left, symbols_, known_),
              right = substitute(r.holds.right, symbols_, known_);
    if (known(Condition{left, r.holds.relation, right}) == Known::kNo)
      throw UserError(fmt::format("{}; here {}", r.text, values_text(r.holds)));
  }
}

// "n = 3 and m = 4" for the symbols of a condition.
std::string Extents::values_text(const Condition& condition) const {
  std::vector<Symbol> mentioned;
  collect_symbols(condition.left, mentioned);
  collect_symbols(condition.right, mentioned);
  std::string s;
  for (const Symbol& symbol : mentioned)
    s += fmt::format("{}{} = {}", s.empty() ? "" : " and ", symbol.name,
                     value(Dim::symbol(symbol.name, symbol.range)));
  return s;
}

void Extents::bind(const Dim& extent, std::int64_t value, const std::string& input) {
  std::vector<Symbol> one;
  const Symbol symbol = *bare_symbol(extent, one);
  const auto at =
      std::find_if(symbols_.begin(), symbols_.end(), [&](const Symbol& s) { return s.name == symbol.name; });
  if (at != symbols_.end()) return;
  const Range& r = symbol.range;
  if (value < r.min || value > r.max || value % r.multiple != 0)
    throw UserError(fmt::format("input '{}': dimension {} is {}, but must be in [{}, {}]{}", input,
                                symbol.name, value, r.min, r.max,
                                r.multiple == 1 ? "" : fmt::format(" and a multiple of {}", r.multiple)));
  symbols_.push_back(symbol);
  known_.push_back(value);
}

void Extents::set(const Dim& symbol, std::int64_t value) {
  std::vector<Symbol> one;
  const Symbol name = *bare_symbol(symbol, one);
  for (std::size_t i = 0; i < symbols_.size(); ++i)
    if (symbols_[i].name == name.name) {
      known_[i] = value;
      return;
    }
  symbols_.push_back(name);
  known_.push_back(value);
}

std::int64_t Extents::value(const Dim& dim) const {
  return dim.is_constant() ? dim.constant() : substitute(dim, symbols_, known_).constant();
}

std::vector<std::int64_t> Extents::values(const Shape& shape) const {
  std::vector<std::int64_t> all;
  for (const Dim& d : shape) all.push_back(value(d));
  return all;
}

}  // namespace intarsia::graph
