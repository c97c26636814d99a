#include "schedule/nodes.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "base/convert.h"
#include "base/error.h"
#include "ops/attribute_text.h"
#include "ops/ops.h"
#include "schedule/element_builder.h"

namespace intarsia::schedule {
namespace {

int weight_of(const kernel::Kernel& body, const kernel::Inst& i) {
  using kernel::Fn;
  using kernel::Opcode;
  if (i.opcode == Opcode::kConstant || i.opcode == Opcode::kYield) return 0;
  if (i.opcode != Opcode::kUnary && i.opcode != Opcode::kBinary) return 1;
  switch (body.fn(i)) {
    case Fn::kExp:
    case Fn::kExp2:
    case Fn::kLog:
    case Fn::kLog2:
    case Fn::kSin:
    case Fn::kCos:
    case Fn::kTanh:
    case Fn::kErf:
    case Fn::kPow: return 10;
    case Fn::kDiv:
    case Fn::kRem:
    case Fn::kSqrt:
    case Fn::kRsqrt:
    case Fn::kFloorDiv:
    case Fn::kFloorMod: return 4;
    default: return 1;
  }
}
int work_of(const kernel::Element& e) {
  int work = 0;
  for (const kernel::InstId id : e.body.regions[0].body) work += weight_of(e.body, e.body[id]);
  return work;
}

class NodeBuilder {
 public:
  NodeBuilder(const graph::Graph& graph, std::uint32_t node, const ImplementationTable& table,
              const kernel::Capabilities& machine, const Options& options, std::vector<Note>& notes)
      : node_(graph.nodes()[node]),
        index_(node),
        table_(table),
        notes_(notes),
        options_(options),
        machine_(machine) {
    for (const graph::ValueId v : node_.inputs) inputs_.push_back(graph.type(v));
    for (std::uint32_t p = 0; p < node_.num_outputs; ++p) outputs_.push_back(graph.type(node_.output(p)));
    sources_.assign(inputs_.size(), -1);
    query_node_ = {node_.op.get(), &node_.attributes, inputs_, outputs_, sources_};
  }

  NodeWork run() {
    if (node_.op->id == ops::kConstant.id) return constant();
    std::vector<Rejected> rejected;
    const auto choices = choose(table_, query(), options_.ahead_of_time, &rejected);
    std::vector<Way> ways;
    for (std::size_t n = 0; n < choices.size(); ++n) {
      const Choice& choice = choices[n];
      const bool always = known(choice.guard) == Known::kYes;
      for (const Tactic& tactic : choice.tactics) {
        Built built = choice.implementation->build(*choice.implementation, query(), tactic);
        check_built(built, query(),
                    std::string(node_.op->id) + ": implementation '" + choice.implementation->name + "'");
        if (auto* e = std::get_if<kernel::Element>(&built); e && ways.empty() && always)
          return element(std::move(*e));
        if (auto* k = std::get_if<Kernels>(&built); k && ways.empty() && always)
          if (auto e = extracted(*k)) return element(std::move(*e));
        add(ways, std::move(built), choice, tactic);
        if (!options_.keep_tactics) break;
      }
      // Priority decides between implementations; only equals are left to the tuner.
      const bool preferred =
          n + 1 < choices.size() && choices[n + 1].implementation->priority < choice.implementation->priority;
      if (always && (preferred || !options_.keep_tactics)) break;
    }
    if (ways.empty()) refuse(rejected);
    return finish(std::move(ways), choices.size() > 1 || choices[0].tactics.size() > 1);
  }

 private:
  Query query() const {
    return {.nodes = std::span(&query_node_, 1),
            .inputs = inputs_,
            .outputs = outputs_,
            .machine = machine_,
            .target = options_.target,
            .options = options_};
  }

  [[noreturn]] void refuse(const std::vector<Rejected>& rejected) const {
    std::string why;
    for (const Rejected& r : rejected) why += fmt::format("\n  {}: {}", r.name, r.reason);
    if (rejected.empty()) why = "\n  it has no implementation";
    throw Unsupported(fmt::format("{}: nothing can run it on this machine:{}", node_.op->id, why));
  }

  NodeWork element(kernel::Element e) const {
    NodeWork w;
    w.work = work_of(e);
    w.element = std::move(e);
    return w;
  }

  NodeWork constant() const {
    const auto& value = node_.attributes.get<Array>("value");
    if (value.count != 1) return {.kind = NodeWork::Kind::kData};
    const DType t = value.dtype;
    const std::uint64_t bits = load_bits(t, value.data.data(), 0);
    const Query q = query();
    ElementBuilder b(q);
    return element(
        b.finish(is_float(t) ? b.number(float_from_bits(t, bits), t) : b.bits(int_from_bits(t, bits), t)));
  }

  // A plugin's kernel that turns out to be pointwise is an element function like any other.
  std::optional<kernel::Element> extracted(const Kernels& kernels) {
    if (kernels.variants.size() != 1 || !kernels.variants[0].after.empty() ||
        node_.op->id.find("::") == std::string_view::npos)
      return std::nullopt;
    kernel::Kernel k = kernels.variants[0].body;
    for (kernel::Param& p : k.params) {
      if (k.type(p.value).kind != kernel::Type::Kind::kPointer || !p.extents.empty()) continue;
      if (p.role == kernel::Role::kInput) p.extents = inputs_[p.port].shape;
      if (p.role == kernel::Role::kOutput) p.extents = outputs_[p.port].shape;
    }
    kernel::Element e;
    if (const std::string why = kernel::extract(k, e); !why.empty()) {
      notes_.push_back({index_, fmt::format("{} runs as its own kernel: {}", node_.op->id, why)});
      return std::nullopt;
    }
    return e;
  }

  void add(std::vector<Way>& ways, Built built, const Choice& choice, const Tactic& tactic) const {
    const std::string base = tactic.name.empty() ? choice.implementation->name : tactic.name;
    if (auto* s = std::get_if<Steps>(&built)) ways.push_back({base, choice.guard, {}, std::move(*s)});
    if (auto* k = std::get_if<Kernels>(&built))
      for (KernelVariant& v : k->variants) {
        Guard guard = choice.guard;
        guard.insert(guard.end(), v.guard.begin(), v.guard.end());
        Way& way = ways.emplace_back();
        way.name = v.guard.empty() ? base : base + ", " + v.guard.str();
        way.guard = std::move(guard);
        way.kernels.push_back(std::move(v.body));
        for (kernel::Kernel& next : v.after) way.kernels.push_back(std::move(next));
      }
    check(!std::holds_alternative<kernel::Element>(built),
          "an element function stands beside guarded kernels");
  }

  NodeWork finish(std::vector<Way> ways, bool tunable) const {
    NodeWork w;
    const auto& outputs = node_.op->outputs;
    const bool in_place =
        std::any_of(outputs.begin(), outputs.end(), [](const ops::Output& o) { return o.alias_of >= 0; });
    const auto is_kernel = [&](const Way& way) { return !way.steps && !in_place; };
    w.kind =
        std::all_of(ways.begin(), ways.end(), is_kernel) ? NodeWork::Kind::kKernels : NodeWork::Kind::kSteps;
    for (std::size_t n = 1; n < ways.size(); ++n)
      for (std::size_t o = 0; o < n; ++o)
        if (ways[n].name == ways[o].name) ways[n].name += fmt::format(" ({})", n);
    if (tunable && options_.keep_tactics) w.key = std::string(node_.op->id);
    w.ways = std::move(ways);
    return w;
  }

  const graph::Node& node_;
  std::uint32_t index_;
  const ImplementationTable& table_;
  std::vector<Note>& notes_;
  const Options& options_;
  const kernel::Capabilities& machine_;
  std::vector<ops::TensorType> inputs_, outputs_;
  std::vector<std::int32_t> sources_;
  QueryNode query_node_{};
};

// Equal keys, equal answers.
std::string key_of(const graph::Graph& graph, const graph::Node& node) {
  std::string key(node.op->id);
  for (const auto& [name, value] : node.attributes) key += fmt::format(" {}={}", name, ops::text(value));
  for (const graph::ValueId v : node.inputs) key += " " + graph::text(graph.type(v));
  for (std::uint32_t p = 0; p < node.num_outputs; ++p) key += " " + graph::text(graph.type(node.output(p)));
  return key;
}
}  // namespace

std::vector<NodeWork> build_nodes(const graph::Graph& graph, const ImplementationTable& table,
                                  const kernel::Capabilities& machine, const Options& options,
                                  std::vector<Note>& notes) {
  std::vector<NodeWork> out;
  std::unordered_map<std::string, std::uint32_t>
      built;  // a plugin is asked each time: it may remember what it gave
  for (std::uint32_t n = 0; n < graph.nodes().size(); ++n) {
    const bool plugin = graph.nodes()[n].op->id.find("::") != std::string_view::npos;
    const auto [at, fresh] = built.try_emplace(plugin ? "" : key_of(graph, graph.nodes()[n]), n);
    if (!plugin && !fresh)
      out.push_back(NodeWork(out[at->second]));
    else
      out.push_back(NodeBuilder(graph, n, table, machine, options, notes).run());
  }
  return out;
}

}  // namespace intarsia::schedule
