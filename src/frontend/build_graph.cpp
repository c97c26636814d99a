// Records as a graph: data becomes inputs (or weights), numbers scalars (or literals), operators nodes.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/convert.h"
#include "frontend/structure.h"
#include "ops/ops.h"

namespace intarsia::frontend {
namespace {

class GraphMaker {
 public:
  GraphMaker(const Snapshot& from, const GraphOptions& options) : from_(from), options_(options) {}

  BuiltGraph run() {
    for (std::size_t i = 0; i < options_.placeholders.size(); ++i)
      arguments_.push_back(
          out_.graph.add_input(options_.names[i], options_.placeholders[i].record()->first.type));
    for (const Item& item : from_.items) first_.push_back(add(item));
    std::vector<graph::ValueId> results;
    for (const Operand32& root : from_.roots) results.push_back(value(root));
    out_.graph.set_results(std::move(results));
    return std::move(out_);
  }

 private:
  graph::ValueId value(Operand32 o) const { return {first_[o.item].index + o.port}; }

  graph::ValueId add(const Item& item) {
    using Kind = Record::Kind;
    Record& record = *item.record;
    if (item.leaf) return options_.numbers_are_inputs ? input(item) : weight(item);
    if (record.kind == Kind::kNumber) return number(record);
    if (record.kind == Kind::kPlaceholder) return argument(record);
    std::vector<graph::ValueId> inputs;
    for (std::uint32_t i = 0; i < item.num_operands; ++i)
      inputs.push_back(value(from_.operands[item.first_operand + i]));
    return out_.graph.add(record.op, inputs, record.attributes, line(record.caller));
  }
  graph::ValueId argument(const Record& record) const {
    const auto& known = options_.placeholders;
    const auto at = std::find_if(known.begin(), known.end(),
                                 [&](const Tensor& t) { return t.record().get() == &record; });
    if (at == known.end())
      throw UserError("a result depends on an argument of another function that is being compiled");
    return arguments_[static_cast<std::size_t>(at - known.begin())];
  }
  graph::ValueId input(const Item& item) {
    ops::TensorType type = item.record->output(item.port).type;
    if (options_.symbolic)
      for (Dim& extent : type.shape) extent = symbol_of(extent.constant());
    return out_.graph.add_input(fmt::format("x{}", inputs_++), std::move(type));
  }
  Dim symbol_of(std::int64_t extent) const {
    if (extent < 2) return extent;
    const auto at = std::find(from_.symbol_extents.begin(), from_.symbol_extents.end(), extent);
    return Dim::symbol(fmt::format("n{}", at - from_.symbol_extents.begin()), {.min = 2, .opt = extent});
  }
  graph::ValueId weight(const Item& item) {
    const Record::Output& output = item.record->output(item.port);
    out_.weights.push_back(output.value);
    return out_.graph.add_weight(fmt::format("weight.{}", out_.weights.size() - 1), output.type);
  }
  graph::ValueId number(const Record& record) {
    const DType dtype = record.first.type.dtype;
    if (options_.numbers_are_inputs && !record.literal)
      return out_.graph.add_input(fmt::format("s{}", scalars_++), record.first.type,
                                  graph::InputKind::kScalar);
    AttributeValue value = int_from_bits(dtype, is_float(dtype) ? 0 : record.bits);
    if (is_float(dtype)) value = float_from_bits(dtype, record.bits);
    return out_.graph.add(ops::kFull, {}, {{"shape", Shape{}}, {"value", value}, {"dtype", dtype}});
  }
  std::uint32_t line(const Caller& caller) {
    const std::string place = caller.place();
    const auto [at, added] = lines_.emplace(place, static_cast<std::uint32_t>(out_.lines.size()));
    if (added) out_.lines.push_back(place);
    return at->second;
  }

  const Snapshot& from_;
  const GraphOptions& options_;
  BuiltGraph out_;
  std::vector<graph::ValueId> first_, arguments_;
  std::map<std::string, std::uint32_t> lines_;
  std::size_t inputs_ = 0, scalars_ = 0;
};

}  // namespace

BuiltGraph build_graph(const Snapshot& snapshot, const GraphOptions& options) {
  return GraphMaker(snapshot, options).run();
}

}  // namespace intarsia::frontend
