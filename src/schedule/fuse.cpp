// An anchor's kernels with element functions in their loads and stores.
#include <algorithm>

#include "base/error.h"
#include "schedule/place.h"
#include "schedule/units.h"

namespace intarsia::schedule {
namespace {
using kernel::Kernel;
using kernel::Param;
using kernel::Role;

// Ports of a node become ports of the unit.
void renumber(Kernel& k, const graph::Node& node, Ports& ports) {
  for (Param& p : k.params) {
    if (p.role == Role::kInput)
      p.port = ports.tensor(node.inputs[p.port].index);
    else if (p.role == Role::kOutput || p.role == Role::kInOut)
      p.port = ports.tensor(node.output(p.port).index);
    else
      continue;
    p.name = "t" + std::to_string(p.port);
  }
}

std::uint32_t find(const Kernel& k, Role role, std::uint32_t port) {
  for (std::uint32_t n = 0; n < k.params.size(); ++n)
    if (k.params[n].role == role && k.params[n].port == port) return n;
  return kNone;
}

std::string place_loads(const Facts& f, Kernel& k, std::uint32_t value, Ports& ports) {
  const std::uint32_t port = ports.tensor(value);
  for (std::uint32_t at = find(k, Role::kInput, port); at != kNone; at = find(k, Role::kInput, port)) {
    const std::uint32_t values[] = {value};
    const kernel::Element e = element_of(f, values, {value}, k.params[at].extents, ports);
    if (std::string why = place_in_loads(k, at, e); !why.empty()) return why;
  }
  return {};
}

std::string place_stores(const Facts& f, Kernel& k, const Unit& unit, std::span<const std::uint32_t> roots,
                         bool keep, Ports& ports) {
  const std::uint32_t at = find(k, Role::kOutput, ports.tensor(unit.stored));
  if (k.params[at].extents.empty()) return "it stores through pointers";
  const kernel::Element e =
      element_of(f, roots, {unit.roots.begin(), unit.roots.end()}, k.params[at].extents, ports);
  return place_in_store(k, at, e, keep);
}
}  // namespace

std::string fuse(const Facts& f, const Unit& unit, std::span<const std::uint32_t> roots, bool store_anchor,
                 Ports& ports, std::vector<std::vector<Kernel>>& out) {
  const graph::Node& node = f.graph.nodes()[unit.anchor];
  for (const Way& way : f.work[unit.anchor].ways) {
    std::vector<Kernel>& kernels = out.emplace_back(way.kernels);
    bool stored = roots.empty();
    for (Kernel& k : kernels) {
      renumber(k, node, ports);
      for (const std::uint32_t v : unit.fused)
        if (std::string why = place_loads(f, k, v, ports); !why.empty()) return why;
      if (stored || find(k, Role::kOutput, ports.tensor(unit.stored)) == kNone) continue;
      if (std::string why = place_stores(f, k, unit, roots, store_anchor, ports); !why.empty()) return why;
      stored = true;
    }
    if (!stored) return "it has no parameter for that output";
  }
  return {};
}

}  // namespace intarsia::schedule
