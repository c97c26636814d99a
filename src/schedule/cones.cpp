#include "schedule/cones.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/error.h"

namespace intarsia::schedule {
namespace {
std::uint32_t number(std::vector<std::uint32_t>& table, std::uint32_t item) {
  const auto at = std::find(table.begin(), table.end(), item);
  if (at != table.end()) return static_cast<std::uint32_t>(at - table.begin());
  table.push_back(item);
  return static_cast<std::uint32_t>(table.size() - 1);
}
}  // namespace

std::uint32_t Ports::tensor(std::uint32_t value) { return number(tensors, value); }
std::uint32_t Ports::scalar(std::uint32_t n) { return number(scalars, n); }

Cone cone_of(const Facts& f, std::span<const std::uint32_t> values, const std::set<std::uint32_t>& inside,
             std::size_t limit) {
  std::set<std::uint32_t> nodes, reads;
  std::vector<std::uint32_t> stack(values.begin(), values.end());
  const std::set<std::uint32_t> asked(values.begin(), values.end());
  while (!stack.empty() && nodes.size() < limit) {
    const std::uint32_t v = stack.back();
    stack.pop_back();
    if (!f.is_element(v) || (f.kept[v] && !inside.contains(v) && !asked.contains(v))) {
      reads.insert(v);
      continue;
    }
    if (!nodes.insert(f.node_of(v)).second) continue;
    for (const graph::ValueId in : f.graph.nodes()[f.node_of(v)].inputs) stack.push_back(in.index);
  }
  return {{nodes.begin(), nodes.end()}, {reads.begin(), reads.end()}};
}

int work_of(const Facts& f, const Cone& cone) {
  int work = 0;
  for (const std::uint32_t n : cone.nodes) work += f.work[n].work;
  return work;
}

std::string name_of(const Facts& f, const Cone& cone) {
  constexpr std::size_t kShown = 4;
  std::vector<std::string> words;
  for (const std::uint32_t n : cone.nodes) {
    std::string id(f.graph.nodes()[n].op->id);
    for (char& c : id)
      if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
    if (id != "full" && id != "constant") words.push_back(std::move(id));
  }
  if (words.empty()) return cone.nodes.empty() ? "copy" : "full";
  const std::size_t more = words.size() > kShown ? words.size() - kShown : 0;
  words.resize(words.size() - more);
  std::string name = fmt::format("{}", fmt::join(words, "_"));
  return more ? fmt::format("{}_and_{}_more", name, more) : name;
}

Shape without_ones(const Shape& shape) {
  Shape out;
  for (const Dim& d : shape)
    if (!identical(d, 1)) out.push_back(d);
  if (out.empty()) out.push_back(1);
  return out;
}

namespace {
class Gatherer {
 public:
  Gatherer(const Facts& f, Ports& ports) : f_(f), ports_(ports) {}

  kernel::Element run(std::span<const std::uint32_t> values, const std::set<std::uint32_t>& inside,
                      const Shape& space) {
    const Cone cone = cone_of(f_, values, inside);
    const std::set<std::uint32_t> nodes(cone.nodes.begin(), cone.nodes.end());
    for (const std::uint32_t n : cone.nodes)
      for (const graph::ValueId in : f_.graph.nodes()[n].inputs)
        if (!inner(in.index, nodes, inside)) leaf(in.index);
    for (const std::uint32_t v : values)
      if (!f_.is_element(v)) leaf(v);
    for (const std::uint32_t n : cone.nodes) node(n, nodes, inside);
    std::vector<Root> roots;
    for (const std::uint32_t v : values) roots.push_back(root(v));
    kernel::Element e = compose(pieces_, roots, space);
    e.body.name = name_of(f_, cone);
    return e;
  }

 private:
  bool inner(std::uint32_t v, const std::set<std::uint32_t>& nodes,
             const std::set<std::uint32_t>& inside) const {
    return f_.is_element(v) && nodes.contains(f_.node_of(v)) && (!f_.kept[v] || inside.contains(v));
  }
  void leaf(std::uint32_t v) {
    if (leaf_.contains(v)) return;
    Piece p;
    p.dtype = f_.type(v).dtype;
    p.param.extents = f_.type(v).shape;
    if (f_.scalar[v] != kNone) {
      p.param.role = kernel::Role::kScalar;
      p.param.port = ports_.scalar(f_.scalar[v]);
      p.param.name = fmt::format("scalar{}", p.param.port);
    } else {
      p.param.role = kernel::Role::kInput;
      p.param.port = ports_.tensor(v);
      p.param.name = fmt::format("t{}", p.param.port);
    }
    leaf_[v] = static_cast<std::uint32_t>(pieces_.size());
    pieces_.push_back(std::move(p));
  }
  void node(std::uint32_t n, const std::set<std::uint32_t>& nodes, const std::set<std::uint32_t>& inside) {
    Piece p;
    p.element = &f_.work[n].element;
    for (const graph::ValueId in : f_.graph.nodes()[n].inputs) {
      const graph::Value& v = f_.graph.values()[in.index];
      if (inner(in.index, nodes, inside))
        p.inputs.push_back({node_.at(v.node), v.port});
      else
        p.inputs.push_back({leaf_.at(in.index), 0});
    }
    node_[n] = static_cast<std::uint32_t>(pieces_.size());
    pieces_.push_back(std::move(p));
  }
  Root root(std::uint32_t v) {
    Root r;
    const graph::Value& value = f_.graph.values()[v];
    const bool made = f_.is_element(v);
    r.piece = made ? node_.at(value.node) : leaf_.at(v), r.result = made ? value.port : 0;
    r.dtype = value.type.dtype;
    r.param.role = kernel::Role::kOutput;
    r.param.port = ports_.tensor(v);
    r.param.name = fmt::format("t{}", r.param.port);
    r.param.extents = value.type.shape;
    return r;
  }

  const Facts& f_;
  Ports& ports_;
  std::vector<Piece> pieces_;
  std::map<std::uint32_t, std::uint32_t> leaf_, node_;  // value, node -> piece
};
}  // namespace

kernel::Element element_of(const Facts& facts, std::span<const std::uint32_t> values,
                           const std::set<std::uint32_t>& inside, const Shape& space, Ports& ports) {
  return Gatherer(facts, ports).run(values, inside, space);
}

}  // namespace intarsia::schedule
