#include "schedule/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <queue>

#include "base/error.h"
#include "schedule/positions.h"
#include "schedule/tiling.h"

namespace intarsia::schedule {
namespace {

// Instructions per element that are cheaper to repeat than to store and load again.
constexpr int kCheap = 8;
// In the loads of a matrix product, which repeats them for every tile of the other side.
constexpr int kCheapInProduct = 4;
// A side of a product that is read once for this many rows of the other.
constexpr std::int64_t kRowsOfTile = 32;
// In kernels that load a value several times: all repetitions together.
constexpr int kCheapAgain = 20;
constexpr std::size_t kMaxNodes = 128, kMaxRoots = 8;
// Units looked at before a dependency is taken for granted.
constexpr std::size_t kMaxSearched = 4096, kMaxCandidates = 8;

class Grouper {
 public:
  Grouper(Facts& facts, std::vector<Note>& notes) : f_(facts), notes_(notes) {}

  std::vector<Unit> run() {
    find_users();
    keep_outside();
    keep_fixed();
    keep_shared();
    keep_large();
    unit_of_.assign(f_.graph.values().size(), kNone);
    for (std::uint32_t n = 0; n < f_.graph.nodes().size(); ++n) {
      if (!needed_[n]) continue;
      const graph::Node& node = f_.graph.nodes()[n];
      if (f_.work[n].kind == NodeWork::Kind::kElement) {
        for (std::uint32_t p = 0; p < node.num_outputs; ++p)
          if (f_.kept[node.output(p).index]) add_root(node.output(p).index);
      } else if (f_.work[n].kind != NodeWork::Kind::kData) {
        add_anchor(n);
      }
    }
    for (const graph::ValueId r : f_.graph.results())
      if (f_.scalar[r.index] != kNone) add_root(r.index);
    return sorted();
  }

 private:
  std::size_t num_nodes() const { return f_.graph.nodes().size(); }
  const graph::Node& node(std::uint32_t n) const { return f_.graph.nodes()[n]; }
  NodeWork::Kind kind(std::uint32_t n) const { return f_.work[n].kind; }
  void note(std::uint32_t n, std::string text) { notes_.push_back({n, std::move(text)}); }

  void find_users() {
    users_.resize(f_.graph.values().size());
    needed_.assign(num_nodes(), 0);
    std::vector<char> read(f_.graph.values().size(), 0);
    for (const graph::ValueId r : f_.graph.results()) read[r.index] = 1;
    for (std::uint32_t n = static_cast<std::uint32_t>(num_nodes()); n-- > 0;) {
      for (std::uint32_t p = 0; p < node(n).num_outputs; ++p) needed_[n] |= read[node(n).output(p).index];
      needed_[n] |= node(n).op->effect != ops::Effect::kPure;
      if (!needed_[n]) continue;
      for (const graph::ValueId in : node(n).inputs) read[in.index] = 1, users_[in.index].push_back(n);
    }
  }

  // What is seen outside of kernels: results, and what steps read or make.
  void keep_outside() {
    f_.kept.assign(f_.graph.values().size(), 0);
    for (const graph::ValueId r : f_.graph.results()) f_.kept[r.index] = 1;
    for (std::uint32_t n = 0; n < num_nodes(); ++n) {
      if (kind(n) == NodeWork::Kind::kElement) continue;
      for (std::uint32_t p = 0; p < node(n).num_outputs; ++p) f_.kept[node(n).output(p).index] = 1;
      if (kind(n) == NodeWork::Kind::kSteps)
        for (const graph::ValueId in : node(n).inputs) f_.kept[in.index] = 1;
    }
    for (const graph::Input& i : f_.graph.inputs()) f_.kept[i.value.index] = 1;
  }

  // What follows from weights alone is computed when they are set, not at each call.
  void keep_fixed() {
    const std::size_t count = f_.graph.values().size();
    std::vector<char> literal(count, 0);
    f_.fixed.assign(count, 0);
    for (const graph::Input& i : f_.graph.inputs())
      f_.fixed[i.value.index] = i.kind == graph::InputKind::kWeight;
    for (std::uint32_t n = 0; n < num_nodes(); ++n) {
      bool all = true, any = false;
      for (const graph::ValueId in : node(n).inputs) {
        all &= f_.fixed[in.index] || literal[in.index];
        any |= f_.fixed[in.index] != 0;
      }
      for (std::uint32_t p = 0; p < node(n).num_outputs; ++p) {
        const std::uint32_t v = node(n).output(p).index;
        const bool element =
            kind(n) == NodeWork::Kind::kElement && all && f_.type(v).shape.numel().is_constant();
        f_.fixed[v] = element && any;
        literal[v] = kind(n) == NodeWork::Kind::kData || (element && !any);
      }
    }
    for (std::uint32_t v = 0; v < count; ++v) {
      if (!f_.fixed[v] || f_.kept[v]) continue;
      const bool leaves = std::any_of(users_[v].begin(), users_[v].end(),
                                      [&](std::uint32_t u) { return !f_.fixed[node(u).output().index]; });
      if (leaves && work(v) > 0) f_.kept[v] = 1;
    }
  }

  int work(std::uint32_t value) const {
    const std::uint32_t values[] = {value};
    return work_of(f_, cone_of(f_, values, {}, kMaxNodes));
  }

  // A value that several kernels would compute is stored instead, where it is dear. Who computes a value: the
  // kept values and the anchors that it reaches through element functions.
  void keep_shared() {
    std::vector<std::set<std::uint32_t>> makers(f_.graph.values().size());
    constexpr std::uint32_t kAnchor = 1u << 31;
    for (std::uint32_t n = static_cast<std::uint32_t>(num_nodes()); n-- > 0;) {
      if (!needed_[n] || kind(n) != NodeWork::Kind::kElement) continue;
      for (std::uint32_t p = 0; p < node(n).num_outputs; ++p) {
        const std::uint32_t v = node(n).output(p).index;
        if (f_.kept[v]) continue;
        for (const std::uint32_t u : users_[v]) {
          if (kind(u) != NodeWork::Kind::kElement) {
            makers[v].insert(u | kAnchor);
            continue;
          }
          for (std::uint32_t q = 0; q < node(u).num_outputs; ++q) {
            const std::uint32_t w = node(u).output(q).index;
            if (f_.kept[w])
              makers[v].insert(w);
            else
              makers[v].insert(makers[w].begin(), makers[w].end());
          }
          if (makers[v].size() > 4) break;
        }
        if (makers[v].size() > 1 && work(v) > kCheap) f_.kept[v] = 1;
      }
    }
  }

  // Sizes are counted along the way, too high where values are shared; only what looks large is walked.
  void keep_large() {
    std::vector<std::size_t> size(num_nodes(), 0);
    for (std::uint32_t n = 0; n < num_nodes(); ++n) {
      if (!needed_[n] || kind(n) != NodeWork::Kind::kElement) continue;
      size[n] = 1;
      for (const graph::ValueId in : node(n).inputs)
        if (f_.is_element(in.index) && !f_.kept[in.index]) size[n] += size[f_.node_of(in.index)];
      const std::uint32_t values[] = {node(n).output(0).index};
      if (size[n] < kMaxNodes || f_.kept[values[0]]) continue;
      size[n] = cone_of(f_, values, {}, kMaxNodes).nodes.size();
      if (size[n] < kMaxNodes) continue;
      for (std::uint32_t p = 0; p < node(n).num_outputs; ++p) f_.kept[node(n).output(p).index] = 1;
      note(n, fmt::format("stored: a kernel holds at most {} nodes", kMaxNodes));
    }
  }

  // ---- anchors
  // ----------------------------------------------------------------------------------------------------------

  // Whether the value is work done on every element of some anchor's value: it goes where that is stored.
  bool follows_an_anchor(const Cone& cone, std::uint32_t value) const {
    if (work_of(f_, cone) == 0) return false;
    return std::any_of(cone.reads.begin(), cone.reads.end(), [&](std::uint32_t r) {
      const std::uint32_t n = f_.node_of(r);
      return n != graph::Value::kNoNode && kind(n) == NodeWork::Kind::kKernels && is_same_size(r, value);
    });
  }
  bool is_same_size(std::uint32_t a, std::uint32_t b) const {
    return known_equal(f_.type(a).shape.numel(), f_.type(b).shape.numel()) == Known::kYes;
  }

  std::string why_stored(std::uint32_t n, std::uint32_t value, const Cone& cone) const {
    const int cost = work_of(f_, cone);
    const bool product = node(n).op->id == "matmul";
    if (product && cost > kCheapInProduct) return "a matrix product would compute it again for every tile";
    if (product && rows_of_other_side(n, value) > kRowsOfTile && reads_transposed(value))
      return "a matrix product would read it across its memory for every tile";
    if (const int loads = loads_of(n, value); loads > 1 && cost * (loads - 1) > kCheapAgain)
      return fmt::format("it would be computed {} times, as often as it is loaded", loads);
    const auto& users = users_[value];
    const bool others = std::any_of(users.begin(), users.end(), [&](std::uint32_t u) { return u != n; });
    if (others && cost > kCheap) return "others need it too";
    return {};
  }

  bool reads_transposed(std::uint32_t value) const {
    Ports ports;
    const std::uint32_t values[] = {value};
    return transposed_axis(element_of(f_, values, {value}, without_ones(f_.type(value).shape), ports))
        .has_value();
  }
  // Of a product: what the other side has of the axis that this one lacks, at most.
  std::int64_t rows_of_other_side(std::uint32_t n, std::uint32_t value) const {
    const bool left = node(n).inputs[0].index == value;
    const Shape& other = f_.type(node(n).inputs[left ? 1 : 0].index).shape;
    if (other.size() < 2) return 1;
    return (left ? other.back() : other[other.size() - 2]).bounds().max;
  }

  // How often the kernels of one way load a value.
  int loads_of(std::uint32_t n, std::uint32_t value) const {
    int most = 0;
    for (const Way& way : f_.work[n].ways) {
      int loads = 0;
      for (const kernel::Kernel& k : way.kernels)
        for (const kernel::Param& p : k.params) {
          if (p.role != kernel::Role::kInput || node(n).inputs[p.port].index != value) continue;
          for (const kernel::Inst& i : k.insts)
            loads += i.opcode == kernel::Opcode::kViewLoad && k.operands_of(i)[0] == p.value;
        }
      most = std::max(most, loads);
    }
    return most;
  }

  void add_anchor(std::uint32_t n) {
    Unit unit;
    unit.anchor = n;
    for (const graph::ValueId in : node(n).inputs) {
      const std::uint32_t v = in.index;
      if (f_.scalar[v] != kNone && kind(n) == NodeWork::Kind::kSteps) add_root(v);
      if (kind(n) != NodeWork::Kind::kKernels || unit.fused.contains(v)) continue;
      if (f_.scalar[v] == kNone && (f_.kept[v] || !f_.is_element(v))) continue;
      const std::uint32_t values[] = {v};
      const Cone cone = cone_of(f_, values, {}, kMaxNodes);
      if (follows_an_anchor(cone, v) &&
          join_any(v, cone)) {  // better in that one's store than in these loads
        f_.kept[v] = 1;
        continue;
      }
      std::string why = why_stored(n, v, cone);
      if (why.empty()) {
        unit.fused.insert(v);
        why = try_fuse(unit, {});
        if (why.empty()) {
          unit.reads.insert(cone.reads.begin(), cone.reads.end());
          continue;
        }
        unit.fused.erase(v);
      }
      if (f_.is_element(v))
        note(f_.node_of(v), fmt::format("stored, not fused into {}: {}", node(n).op->id, why));
      f_.kept[v] = 1;
      add_root(v);
    }
    for (const graph::ValueId in : node(n).inputs)
      if (!unit.fused.contains(in.index)) unit.reads.insert(in.index);
    add_sizes(unit, node(n).inputs);
    for (std::uint32_t p = 0; p < node(n).num_outputs; ++p)
      unit_of_[node(n).output(p).index] = static_cast<std::uint32_t>(units_.size());
    units_.push_back(std::move(unit));
  }

  std::string try_fuse(const Unit& unit, std::span<const std::uint32_t> roots) const {
    Ports ports;
    std::vector<std::vector<kernel::Kernel>> kernels;
    return fuse(f_, unit, roots, true, ports, kernels);
  }

  // Extents that are data are known once their value has been read.
  void add_sizes(Unit& unit, std::span<const graph::ValueId> values) const {
    for (const graph::DataExtent& d : f_.graph.data_extents())
      for (const graph::ValueId v : values) {
        std::vector<Symbol> used;
        for (const Dim& e : f_.graph.type(v).shape) collect_symbols(e, used);
        for (const Symbol& s : used)
          if (identical(Dim::symbol(s.name, s.range), d.symbol)) unit.reads.insert(d.size.index);
      }
  }

  // ---- roots
  // ------------------------------------------------------------------------------------------------------------

  void add_root(std::uint32_t v) {
    if (unit_of_[v] != kNone) return;
    const std::uint32_t values[] = {v};
    const Cone cone = cone_of(f_, values, {}, kMaxNodes * 2);
    if (join_any(v, cone)) return;
    Unit unit;
    unit.roots = {v};
    unit.reads.insert(cone.reads.begin(), cone.reads.end());
    const graph::ValueId made[] = {{v}};
    add_sizes(unit, made);
    unit_of_[v] = static_cast<std::uint32_t>(units_.size());
    for (const std::uint32_t r : whole_reads(v).here) readers_[r].push_back(unit_of_[v]);
    units_.push_back(std::move(unit));
  }

  bool join_any(std::uint32_t v, const Cone& cone) {
    const auto units = candidates(v);
    return std::any_of(units.begin(), units.end(), [&](std::uint32_t u) { return join(v, u, cone); });
  }

  struct Reads {  // values that v's function reads: at the element it makes, or elsewhere too
    std::set<std::uint32_t> here, elsewhere;
  };
  Reads whole_reads(std::uint32_t v) const {
    Ports ports;
    const std::uint32_t values[] = {v};
    const kernel::Element e = element_of(f_, values, {v}, without_ones(f_.type(v).shape), ports);
    Reads out;
    for (const auto& o : e.inputs) {
      if (o.param.role != kernel::Role::kInput) continue;
      const std::uint32_t read = ports.tensors[o.param.port];
      (is_row_major(o.offset, e.space) && is_same_size(read, v) ? out.here : out.elsewhere).insert(read);
    }
    return out;
  }

  // Units that v may stand in, the dearest first: products, other anchors, then those that make or read the
  // same elements.
  std::vector<std::uint32_t> candidates(std::uint32_t v) const {
    const Reads reads = whole_reads(v);
    std::set<std::uint32_t> makers, not_these, siblings;
    for (const std::uint32_t r : reads.elsewhere)
      if (unit_of_[r] != kNone) not_these.insert(unit_of_[r]);
    for (const std::uint32_t r : reads.here) {
      if (unit_of_[r] != kNone) makers.insert(unit_of_[r]);
      if (const auto at = readers_.find(r); at != readers_.end())
        siblings.insert(at->second.begin(), at->second.end());
    }
    std::vector<std::uint32_t> out;
    for (const std::uint32_t u : makers)
      if (!not_these.contains(u)) out.push_back(u);
    const auto rank = [&](std::uint32_t u) {
      const std::uint32_t n = units_[u].anchor;
      return n == kNone ? 0 : node(n).op->id == "matmul" ? 2 : 1;
    };
    std::sort(out.begin(), out.end(), [&](std::uint32_t a, std::uint32_t b) {
      return rank(a) != rank(b) ? rank(a) > rank(b) : a > b;
    });
    for (auto u = siblings.rbegin(); u != siblings.rend() && out.size() < kMaxCandidates; ++u)
      if (!makers.contains(*u) && !not_these.contains(*u)) out.push_back(*u);
    return out;
  }

  bool join(std::uint32_t v, std::uint32_t u, const Cone& cone) {
    Unit& unit = units_[u];
    const std::string who = unit.anchor == kNone ? "" : std::string(node(unit.anchor).op->id);
    const auto refuse = [&](const std::string& why) {
      if (!who.empty()) note(f_.node_of(v), fmt::format("not fused into {}: {}", who, why));
      return false;
    };
    if (unit.roots.size() >= kMaxRoots) return refuse("it makes enough values already");
    if (unit.anchor != kNone && kind(unit.anchor) != NodeWork::Kind::kKernels)
      return refuse("its steps run as they stand");
    std::set<std::uint32_t> outside;
    for (const std::uint32_t r : cone.reads)
      if (unit_of_[r] != u) outside.insert(r);
    for (const std::uint32_t r : outside)
      if (unit_of_[r] != kNone && depends(unit_of_[r], u))
        return refuse("it also needs what is computed from it");
    if (unit.anchor == kNone && f_.fixed[unit.roots[0]] != f_.fixed[v]) return false;
    Unit joined = unit;
    joined.roots.push_back(v);
    if (cone_of(f_, joined.roots, {joined.roots.begin(), joined.roots.end()}, kMaxNodes + 1).nodes.size() >
        kMaxNodes)
      return refuse("it holds enough nodes already");
    if (unit.anchor != kNone) {
      if (joined.stored == kNone) joined.stored = stored_for(unit, cone);
      if (joined.stored == kNone) return refuse("it reads none of its values");
      if (const std::string why = try_fuse(joined, joined.roots); !why.empty()) return refuse(why);
    } else if (!identical(without_ones(f_.type(unit.roots[0]).shape).numel(),
                          without_ones(f_.type(v).shape).numel())) {
      return false;
    }
    joined.reads.insert(outside.begin(), outside.end());
    unit = std::move(joined);
    unit_of_[v] = u;
    return true;
  }
  std::uint32_t stored_for(const Unit& unit, const Cone& cone) const {
    for (const std::uint32_t r : cone.reads)
      if (f_.node_of(r) == unit.anchor) return r;
    return kNone;
  }

  bool depends(std::uint32_t unit, std::uint32_t on) const {
    std::vector<std::uint32_t> stack = {unit};
    std::set<std::uint32_t> seen;
    while (!stack.empty()) {
      const std::uint32_t u = stack.back();
      stack.pop_back();
      if (u == on || seen.size() > kMaxSearched) return true;
      if (!seen.insert(u).second) continue;
      for (const std::uint32_t r : units_[u].reads)
        if (unit_of_[r] != kNone) stack.push_back(unit_of_[r]);
    }
    return false;
  }

  // ---- order
  // ------------------------------------------------------------------------------------------------------------

  std::vector<Unit> sorted() {
    std::vector<std::vector<std::uint32_t>> after(units_.size());
    std::vector<std::size_t> waits(units_.size(), 0);
    for (std::uint32_t u = 0; u < units_.size(); ++u) {
      std::set<std::uint32_t> before;
      for (const std::uint32_t r : units_[u].reads)
        if (unit_of_[r] != kNone && unit_of_[r] != u) before.insert(unit_of_[r]);
      for (const std::uint32_t b : before) after[b].push_back(u);
      waits[u] = before.size();
    }
    std::priority_queue<std::uint32_t, std::vector<std::uint32_t>, std::greater<>> ready;
    for (std::uint32_t u = 0; u < units_.size(); ++u)
      if (waits[u] == 0) ready.push(u);
    std::vector<Unit> out;
    while (!ready.empty()) {
      const std::uint32_t u = ready.top();
      ready.pop();
      for (const std::uint32_t a : after[u])
        if (--waits[a] == 0) ready.push(a);
      out.push_back(std::move(units_[u]));
    }
    check(out.size() == units_.size(), "units wait for each other");
    return out;
  }

  Facts& f_;
  std::vector<Note>& notes_;
  std::vector<std::vector<std::uint32_t>> users_;  // nodes, per value
  std::vector<char> needed_;                       // per node
  std::vector<std::uint32_t> unit_of_;             // per value
  std::vector<Unit> units_;
  std::map<std::uint32_t, std::vector<std::uint32_t>>
      readers_;  // value -> units of functions that read it element by element
};
}  // namespace

std::vector<Unit> make_units(Facts& facts, std::vector<Note>& notes) { return Grouper(facts, notes).run(); }

}  // namespace intarsia::schedule
