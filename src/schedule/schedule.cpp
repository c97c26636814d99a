#include "schedule/schedule.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/convert.h"
#include "base/error.h"
#include "schedule/place.h"
#include "schedule/positions.h"
#include "schedule/tiling.h"
#include "schedule/units.h"

namespace intarsia::schedule {
namespace {
using runtime::Buffer;
using runtime::BufferId;
using runtime::SymbolDef;

runtime::Argument argument(BufferId buffer, runtime::Access access, DType dtype) {
  runtime::Argument a;
  a.kind = runtime::Argument::Kind::kBuffer;
  a.access = access, a.buffer = buffer, a.dtype = dtype;
  return a;
}

class Linker {
 public:
  Linker(Facts& facts, const kernel::Capabilities& machine, Scheduled& out)
      : f_(facts), machine_(machine), out_(out), p_(out.program), buffers_(facts.graph.values().size()) {}

  void run(const std::vector<Unit>& units) {
    find_needed(units);
    inputs();
    symbols();
    for (const ops::Requirement& r : f_.graph.requirements())
      p_.requirements.push_back({p_.guard(Guard{r.holds})[0], r.text, 0});
    results();
    for (const Unit& u : units) unit(u);
    copies();
    set_lifetimes(p_);
    runtime::verify(p_);
  }

 private:
  // ---- buffers
  // ----------------------------------------------------------------------------------------------------------

  void find_needed(const std::vector<Unit>& units) {
    needed_.assign(f_.graph.values().size(), 0);
    for (const graph::ValueId r : f_.graph.results()) needed_[r.index] = 1;
    for (const Unit& u : units)
      for (const std::uint32_t v : u.reads) needed_[v] = 1;
  }

  BufferId make(std::uint32_t v, Buffer::Kind kind, std::string name, std::uint32_t port = 0) {
    const ops::TensorType& t = f_.type(v);
    Buffer b;
    b.name = std::move(name), b.kind = kind, b.port = port, b.dtype = t.dtype;
    for (const Dim& d : t.shape) b.shape.push_back(p_.dim(d));
    const Dim count = numel_at_most(v);
    b.bytes = p_.dim(bits(t.dtype) == 4 ? cdiv(count, 2) : count * (bits(t.dtype) / 8));
    return p_.add(std::move(b));
  }
  // Extents that the node itself finds out are not known when its outputs need memory.
  Dim numel_at_most(std::uint32_t v) const {
    std::vector<Symbol> found;
    std::vector<Dim> upper;
    for (const graph::DataExtent& d : f_.graph.data_extents())
      if (f_.node_of(d.size.index) == f_.node_of(v)) {
        collect_symbols(d.symbol, found);
        upper.push_back(d.upper);
      }
    const Dim count = f_.type(v).shape.numel();
    return found.empty() ? count : substitute(count, found, upper);
  }
  BufferId buffer(std::uint32_t v) {
    BufferId& id = buffers_[v];
    if (id) return id;
    const std::uint32_t n = f_.node_of(v);
    if (n != graph::Value::kNoNode && f_.work[n].kind == NodeWork::Kind::kData) {
      id = make(v, Buffer::Kind::kConstant, fmt::format("constant{}", v));
      p_.buffers[id.index].data = f_.graph.nodes()[n].attributes.get<Array>("value").data;
    } else {
      const bool derived = derived_.contains(v);
      id = make(v, derived ? Buffer::Kind::kDerived : Buffer::Kind::kTemporary, fmt::format("t{}", v));
    }
    return id;
  }
  void inputs() {
    std::uint32_t port = 0;
    for (const graph::Input& i : f_.graph.inputs()) {
      if (i.kind == graph::InputKind::kScalar) continue;
      const bool weight = i.kind == graph::InputKind::kWeight;
      buffers_[i.value.index] = make(i.value.index, weight ? Buffer::Kind::kWeight : Buffer::Kind::kInput,
                                     i.name, weight ? 0 : port);
      if (!weight) ports_[i.value.index] = port++;
    }
  }
  void results() {
    for (std::uint32_t r = 0; r < f_.graph.results().size(); ++r) {
      const std::uint32_t v = f_.graph.results()[r].index;
      const std::uint32_t n = f_.node_of(v);
      const bool made =
          f_.scalar[v] != kNone || (n != graph::Value::kNoNode && f_.work[n].kind != NodeWork::Kind::kData);
      const BufferId id = make(v, Buffer::Kind::kOutput, fmt::format("result{}", r), r);
      if (made && !buffers_[v])
        buffers_[v] = id;
      else
        copies_.push_back({v, id, r});
    }
  }

  void symbols() {
    for (const Symbol& s : f_.graph.symbols()) {
      SymbolDef def{.symbol = s};
      if (!source_of(def))
        throw Unsupported("dimension " + s.name +
                          " is no input's extent by itself, so a call does not give it");
      p_.symbols.push_back(std::move(def));
    }
  }
  bool source_of(SymbolDef& def) const {
    const Dim symbol = Dim::symbol(def.symbol.name, def.symbol.range);
    for (const graph::DataExtent& d : f_.graph.data_extents())
      if (identical(d.symbol, symbol)) {
        def.source = SymbolDef::Source::kWait;
        return true;
      }
    for (const graph::Input& i : f_.graph.inputs()) {
      const auto at = ports_.find(i.value.index);
      if (at == ports_.end()) continue;
      const Shape& shape = f_.graph.type(i.value).shape;
      for (std::uint32_t a = 0; a < shape.size(); ++a)
        if (identical(shape[a], symbol)) {
          def.source = SymbolDef::Source::kInputExtent, def.port = at->second, def.axis = a;
          return true;
        }
    }
    return false;
  }

  // ---- units
  // ------------------------------------------------------------------------------------------------------------

  void unit(const Unit& u) {
    std::vector<std::uint32_t> roots;
    for (const std::uint32_t v : u.roots)
      if (needed_[v]) roots.push_back(v);
    if (is_prepared(u))
      prepare(u, roots);
    else if (u.anchor == kNone)
      elements(u, roots);
    else if (f_.work[u.anchor].kind == NodeWork::Kind::kKernels)
      anchor(u, roots);
    else
      steps(u);
    waits(u);
  }

  // Functions of weights alone, which no caller sees.
  bool is_prepared(const Unit& u) const {
    if (u.anchor != kNone) return false;
    const auto stays = [&](std::uint32_t v) { return f_.fixed[v] && !buffers_[v]; };
    const auto is_there = [&](std::uint32_t v) {
      const std::uint32_t n = f_.node_of(v);
      if (n == graph::Value::kNoNode) return f_.fixed[v] != 0;
      return derived_.contains(v) || f_.work[n].kind == NodeWork::Kind::kData;
    };
    return std::all_of(u.roots.begin(), u.roots.end(), stays) &&
           std::all_of(u.reads.begin(), u.reads.end(), is_there);
  }
  void prepare(const Unit& u, const std::vector<std::uint32_t>& roots) {
    derived_.insert(u.roots.begin(), u.roots.end());
    const auto before = static_cast<std::ptrdiff_t>(p_.steps.size());
    elements(u, roots);
    p_.prepare.insert(p_.prepare.end(), std::make_move_iterator(p_.steps.begin() + before),
                      std::make_move_iterator(p_.steps.end()));
    p_.steps.resize(static_cast<std::size_t>(before));
  }

  void elements(const Unit& u, const std::vector<std::uint32_t>& roots) {
    if (roots.empty()) return;
    const std::set<std::uint32_t> inside(u.roots.begin(), u.roots.end());
    Ports ports;
    kernel::Element e = element_of(f_, roots, inside, without_ones(f_.type(roots[0]).shape), ports);
    if (copied(e, roots[0], ports)) return;
    const Shape merged = merged_space(e);
    if (!identical(merged, e.space)) ports = {}, e = element_of(f_, roots, inside, merged, ports);
    std::vector<runtime::Alternative> ways;
    for (const Blocking& b : choose_blocks(e, machine_)) {
      std::vector<BufferId> workspaces;
      runtime::Step step = launch(tile(e, b.block), ports, workspaces, f_.node_of(roots[0]));
      if (b.guard.empty() && ways.empty()) return p_.steps.push_back(std::move(step));
      runtime::Alternative& way = ways.emplace_back();
      way.name = b.guard.empty() ? "wider" : b.guard.str(), way.guard = p_.guard(b.guard);
      way.steps.push_back(std::move(step));
    }
    runtime::Step s;
    s.name = e.body.name, s.node = f_.node_of(roots[0]), s.body = runtime::Choose{"", std::move(ways)};
    p_.steps.push_back(std::move(s));
  }

  // A result that is an input under other extents is a copy; it needs memory of its own.
  bool copied(const kernel::Element& e, std::uint32_t v, const Ports& ports) {
    if (e.outputs.size() != 1 || e.inputs.size() != 1 || e.outputs[0].value != e.body.params[0].value)
      return false;
    const auto& o = e.inputs[0];
    if (o.param.role != kernel::Role::kInput || !is_row_major(o.offset, e.space)) return false;
    const std::uint32_t from = ports.tensors[o.param.port];
    if (!identical(f_.type(from).shape.numel(), f_.type(v).shape.numel())) return false;
    p_.steps.push_back(
        copy(from, buffer(v), f_.node_of(v),
             fmt::format("{} has the elements of {} and needs memory of its own",
                         p_.buffers[buffer(v).index].name, p_.buffers[buffer(from).index].name)));
    return true;
  }
  runtime::Step copy(std::uint32_t from, BufferId to, std::uint32_t node, std::string reason) {
    runtime::Copy c;
    c.from = argument(buffer(from), runtime::Access::kRead, f_.type(from).dtype);
    c.to = argument(to, runtime::Access::kWrite, f_.type(from).dtype);
    c.bytes = p_.buffers[to.index].bytes;
    c.reason = std::move(reason);
    runtime::Step s;
    s.name = "copy", s.node = node, s.body = std::move(c);
    return s;
  }

  void anchor(const Unit& u, const std::vector<std::uint32_t>& roots) {
    const NodeWork& work = f_.work[u.anchor];
    Ports ports;
    std::vector<std::vector<kernel::Kernel>> kernels;
    const bool store = u.stored == kNone || roots.empty() || needed_[u.stored];
    const std::string why = fuse(f_, u, roots, store, ports, kernels);
    check(why.empty(), "what was fused once fuses again: " + why);
    std::vector<std::vector<runtime::Step>> lists;
    for (std::vector<kernel::Kernel>& way : kernels) {
      std::vector<BufferId> workspaces;
      std::vector<runtime::Step>& list = lists.emplace_back();
      for (kernel::Kernel& k : way) list.push_back(launch(std::move(k), ports, workspaces, u.anchor));
    }
    choose(work, std::move(lists), u.anchor);
  }

  // Buffers for the workspaces that a kernel has and those before it had not.
  void add_workspaces(const kernel::Kernel& k, std::vector<BufferId>& workspaces) {
    for (const kernel::Param& p : k.params) {
      if (p.role != kernel::Role::kWorkspace) continue;
      if (workspaces.size() <= p.port) workspaces.resize(p.port + 1);
      if (workspaces[p.port]) continue;
      Buffer b;
      b.name = fmt::format("{}.workspace{}", k.name, p.port), b.dtype = k.type(p.value).dtype;
      for (const Dim& d : p.extents) b.shape.push_back(p_.dim(d));
      b.bytes = p_.dim(p.extents.numel() * (bits(b.dtype) / 8));
      workspaces[p.port] = p_.add(std::move(b));
    }
  }

  void choose(const NodeWork& work, std::vector<std::vector<runtime::Step>> lists, std::uint32_t node) {
    if (lists.size() == 1 && work.ways[0].guard.empty()) {
      p_.steps.insert(p_.steps.end(), std::make_move_iterator(lists[0].begin()),
                      std::make_move_iterator(lists[0].end()));
      return;
    }
    runtime::Choose c;
    for (std::size_t n = 0; n < lists.size(); ++n)
      c.alternatives.push_back({work.ways[n].name, p_.guard(work.ways[n].guard), std::move(lists[n])});
    if (!work.key.empty()) c.key = fmt::format("{}.{}", work.key, node);
    runtime::Step s;
    s.name = std::string(f_.graph.nodes()[node].op->id), s.node = node, s.body = std::move(c);
    p_.steps.push_back(std::move(s));
  }

  void steps(const Unit& u) {
    const graph::Node& node = f_.graph.nodes()[u.anchor];
    const NodeWork& work = f_.work[u.anchor];
    std::vector<BufferId> in, out;
    for (const graph::ValueId v : node.inputs) in.push_back(buffer(v.index));
    for (std::uint32_t o = 0; o < node.num_outputs; ++o) out.push_back(buffer(node.output(o).index));
    for (std::uint32_t o = 0; o < node.num_outputs; ++o) {
      const int updated = node.op->outputs[o].alias_of;
      if (updated < 0) continue;
      const std::uint32_t from = node.inputs[static_cast<std::size_t>(updated)].index;
      p_.steps.push_back(copy(from, out[o], u.anchor, fmt::format("{} updates it in place", node.op->id)));
      in[static_cast<std::size_t>(updated)] = out[o];
    }
    std::vector<std::vector<runtime::Step>> lists;
    for (const Way& way : work.ways) {
      const std::size_t before = p_.steps.size();
      std::vector<BufferId> workspaces;
      for (const kernel::Kernel& k : way.kernels) own_kernel(k, in, out, workspaces);
      if (way.steps) fragment(*way.steps, in, out);
      for (std::size_t n = before; n < p_.steps.size(); ++n) p_.steps[n].node = u.anchor;
      lists.emplace_back(std::make_move_iterator(p_.steps.begin() + static_cast<std::ptrdiff_t>(before)),
                         std::make_move_iterator(p_.steps.end()));
      p_.steps.resize(before);
    }
    choose(work, std::move(lists), u.anchor);
  }
  void own_kernel(kernel::Kernel k, std::span<const BufferId> in, std::span<const BufferId> out,
                  std::vector<BufferId>& workspaces) {
    add_workspaces(k, workspaces);
    const Made made = code_of(std::move(k));
    const Binding binding = {.inputs = in, .outputs = out, .workspaces = workspaces};
    p_.steps.push_back(launch_of(p_, made.code, out_.kernels[made.kernel], binding, machine_));
  }
  void fragment(const Steps& steps, std::span<const BufferId> in, std::span<const BufferId> out) {
    runtime::Program program = steps.program;
    for (runtime::Code& c : program.codes)
      for (runtime::Image& i : c.images)
        if (i.form == runtime::Image::Form::kKernelIndex) {
          const std::size_t at = add_kernel(steps.kernels.at(std::stoull(i.data)));
          i.data = std::to_string(at), c.entry = out_.kernels[at].name;
        }
    append(p_, program, {.inputs = in, .outputs = out});
  }

  // Extents that this unit's values hold are read before anything else runs.
  void waits(const Unit& u) {
    if (u.anchor == kNone) return;
    const graph::Node& node = f_.graph.nodes()[u.anchor];
    runtime::Wait wait;
    for (const graph::DataExtent& d : f_.graph.data_extents()) {
      if (d.size.index < node.first.index || d.size.index >= node.first.index + node.num_outputs) continue;
      runtime::Read r;
      r.from = argument(buffer(d.size.index), runtime::Access::kRead, DType::kI64);
      for (std::uint32_t s = 0; s < p_.symbols.size(); ++s)
        if (identical(Dim::symbol(p_.symbols[s].symbol.name, p_.symbols[s].symbol.range), d.symbol))
          r.symbol = {s};
      r.upper = p_.dim(d.upper);
      wait.reads.push_back(std::move(r));
    }
    if (wait.reads.empty()) return;
    runtime::Step s;
    s.name = "wait", s.node = u.anchor, s.body = std::move(wait);
    p_.steps.push_back(std::move(s));
  }

  void copies() {
    for (const auto& [v, to, result] : copies_) {
      const std::string& from = p_.buffers[buffer(v).index].name;
      p_.steps.push_back(copy(v, to, f_.node_of(v),
                              fmt::format("result {} is {} and needs memory of its own", result, from)));
    }
  }

  // ---- kernels
  // ----------------------------------------------------------------------------------------------------------

  runtime::Step launch(kernel::Kernel k, const Ports& ports, std::vector<BufferId>& workspaces,
                       std::uint32_t node) {
    add_workspaces(k, workspaces);
    const Made made = code_of(std::move(k));
    const kernel::Kernel& kernel = out_.kernels[made.kernel];
    std::vector<BufferId> tensors(ports.tensors.size());
    for (const kernel::Param& p : kernel.params)
      if (kernel::is_memory(p.role) && p.role != kernel::Role::kWorkspace)
        tensors[p.port] = buffer(ports.tensors[p.port]);
    const Binding binding = {
        .inputs = tensors, .outputs = tensors, .workspaces = workspaces, .scalars = ports.scalars};
    runtime::Step s = launch_of(p_, made.code, kernel, binding, machine_);
    s.node = node;
    return s;
  }

  struct Made {
    std::size_t kernel;
    runtime::CodeId code;
  };
  Made code_of(kernel::Kernel k) {
    const std::size_t at = add_kernel(std::move(k));
    code_of_kernel_.resize(out_.kernels.size());
    if (!code_of_kernel_[at]) code_of_kernel_[at] = add_code(p_, out_.kernels[at], at);
    return {at, code_of_kernel_[at]};
  }
  // Equal kernels are one; others of one name get a number.
  std::size_t add_kernel(kernel::Kernel k) {
    if (k.name.size() > 96) k.name.resize(96);
    const auto [at, fresh] = by_text_.try_emplace(kernel::print(k, false), out_.kernels.size());
    if (!fresh) return at->second;
    const std::size_t count = ++names_[k.name];
    if (count > 1) k.name += fmt::format("_{}", count);
    out_.kernels.push_back(std::move(k));
    return out_.kernels.size() - 1;
  }

  struct ResultCopy {
    std::uint32_t value;
    BufferId to;
    std::uint32_t result;
  };

  Facts& f_;
  const kernel::Capabilities& machine_;
  Scheduled& out_;
  runtime::Program& p_;
  std::vector<BufferId> buffers_;                 // by value
  std::map<std::uint32_t, std::uint32_t> ports_;  // input value -> port
  std::vector<ResultCopy> copies_;
  std::set<std::uint32_t> derived_;  // values made when weights are set
  std::vector<char> needed_;
  std::map<std::string, std::size_t> by_text_, names_;
  std::vector<runtime::CodeId> code_of_kernel_;
};
}  // namespace

Scheduled schedule(const graph::Graph& graph, const ImplementationTable& table,
                   const kernel::Capabilities& machine, const Options& options) {
  Scheduled out;
  const std::vector<NodeWork> work = build_nodes(graph, table, machine, options, out.notes);
  Facts facts{graph, work, {}, std::vector<std::uint32_t>(graph.values().size(), kNone)};
  std::uint32_t scalars = 0;
  for (const graph::Input& i : graph.inputs())
    if (i.kind == graph::InputKind::kScalar) facts.scalar[i.value.index] = scalars++;
  const std::vector<Unit> units = make_units(facts, out.notes);
  Linker(facts, machine, out).run(units);
  return out;
}

}  // namespace intarsia::schedule
