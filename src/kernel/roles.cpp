#include "kernel/roles.h"

#include <array>

namespace intarsia::kernel {
namespace {

struct Access {
  bool read = false, written = false;
};

// Which parameters a value may point into, as bits over parameters; carried and yielded values join what they
// may be.
class Pointers {
 public:
  explicit Pointers(const Kernel& kernel) : k_(kernel), into_(kernel.values.size()) {
    for (std::size_t n = 0; n < k_.params.size(); ++n) {
      into_[index(k_.params[n].value)].assign(k_.params.size(), false);
      into_[index(k_.params[n].value)][n] = true;
    }
    while (pass()) {}
  }
  template <class F>
  void each(ValueId v, F visit) const {
    const auto& set = into_[index(v)];
    for (std::size_t n = 0; n < set.size(); ++n)
      if (set[n]) visit(n);
  }

 private:
  bool join(ValueId to, ValueId from) {
    const auto &source = into_[index(from)], before = into_[index(to)];
    if (source.empty()) return false;
    auto& target = into_[index(to)];
    target.resize(k_.params.size());
    for (std::size_t n = 0; n < source.size(); ++n)
      if (source[n]) target[n] = true;
    return target != before;
  }
  bool pass() {  // until nothing changes: loops carry pointers
    bool changed = false;
    for (const Inst& i : k_.insts) {
      const auto in = k_.operands_of(i);
      const auto kind = i.results.count > 0 ? k_.type(k_.result(i)).kind : Type::Kind::kBlock;
      if (kind == Type::Kind::kPointer || kind == Type::Kind::kView)
        for (ValueId v : in) changed |= join(k_.result(i), v);
      if (i.regions.count == 0 || i.opcode == Opcode::kReduce || i.opcode == Opcode::kScan) continue;
      const std::size_t first = i.opcode == Opcode::kFor ? 3 : 0, skip = i.opcode == Opcode::kFor ? 1 : 0;
      for (RegionId r : k_.regions_of(i)) changed |= region(i, k_.regions[index(r)], first, skip);
    }
    return changed;
  }
  bool region(const Inst& i, const Region& r, std::size_t first, std::size_t skip) {
    bool changed = false;
    const auto in = k_.operands_of(i);
    for (std::size_t n = first; i.opcode != Opcode::kIf && n < in.size(); ++n) {
      if (n - first + skip < r.params.size()) changed |= join(r.params[n - first + skip], in[n]);
      if (n - first < i.results.count)
        changed |= join(k_.result(i, static_cast<std::uint32_t>(n - first)), in[n]);
    }
    if (r.body.empty() || k_[r.body.back()].opcode != Opcode::kYield) return changed;
    const auto yields = k_.operands_of(k_[r.body.back()]);
    for (std::size_t n = 0; n < yields.size() && n < i.results.count; ++n) {
      changed |= join(k_.result(i, static_cast<std::uint32_t>(n)), yields[n]);
      if (n + skip < r.params.size()) changed |= join(r.params[n + skip], yields[n]);
    }
    return changed;
  }

  const Kernel& k_;
  std::vector<std::vector<bool>> into_;
};

}  // namespace

void infer_roles(Kernel& kernel) {
  const Pointers pointers(kernel);
  std::vector<Access> access(kernel.params.size());
  for (const Region& r : kernel.regions)
    for (InstId id : r.body) {
      const Inst& i = kernel[id];
      const bool reads = i.opcode == Opcode::kLoad || i.opcode == Opcode::kViewLoad;
      const bool writes = i.opcode == Opcode::kStore || i.opcode == Opcode::kViewStore;
      const bool both = i.opcode == Opcode::kAtomic || i.opcode == Opcode::kViewAtomic;
      if (!reads && !writes && !both) continue;
      pointers.each(kernel.operands_of(i)[0], [&](std::size_t n) {
        access[n].read |= reads || both;
        access[n].written |= writes || both;
      });
    }
  std::array<std::uint32_t, 7> ports{};
  for (std::size_t n = 0; n < kernel.params.size(); ++n) {
    Param& p = kernel.params[n];
    if (is_memory(p.role))
      p.role = !access[n].written ? Role::kInput : access[n].read ? Role::kInOut : Role::kOutput;
    p.port = ports[static_cast<std::size_t>(p.role)]++;
  }
}

}  // namespace intarsia::kernel
