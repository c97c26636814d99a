// What verify checks:
//  1 every index is inside its table; regions nest at most 64 deep, each has one owner; an instruction stands
//  in one place 2 a value is defined once, before its use, in the region of the use or one around it 3 every
//  instruction obeys its type rules (rules.cpp): counts, dtypes, shapes, facts, region parameters and yields
//  4 `yield` ends a region of for, while, if, reduce, scan, and stands nowhere else
//  5 regions of reduce and scan touch no memory
//  6 parameters: names are there and differ; a view has an extent per axis, strides too or none; memory is a
//  view or one pointer; dims are
//    integer scalars
//  7 one symbol name has one range
//  8 every output is stored, an input never, as far as the address is traced
// Hints (keys from 64) are never looked at.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/convert.h"
#include "base/error.h"
#include "kernel/kernel.h"
#include "kernel/rules.h"
#include "kernel/text.h"

namespace intarsia::kernel {
namespace {

constexpr std::size_t kMaxNesting = 64;

struct Verifier {
  const Kernel& k;
  enum class Sight : std::uint8_t { kUndefined, kVisible, kGone };
  std::vector<Sight> values = std::vector<Sight>(k.values.size(), Sight::kUndefined);
  std::vector<char> inst_seen = std::vector<char>(k.insts.size(), 0),
                    region_seen = std::vector<char>(k.regions.size(), 0);
  std::vector<std::int32_t> base =
      std::vector<std::int32_t>(k.values.size(), kUnknown);  // param an address is based on
  std::vector<char> stored = std::vector<char>(k.params.size(), 0);
  bool stored_unknown = false;
  std::string problem = {};
  static constexpr std::int32_t kUnknown = -1;

  struct Frame {
    RegionId region;
    Opcode owner;
    std::size_t next = 0;
    std::vector<ValueId> made = {};
  };
  std::vector<Frame> stack = {};

  bool fail(std::string what) {
    if (problem.empty()) problem = std::move(what);
    return false;
  }
  bool fail(const Inst& i, const std::string& what) {
    std::string where = i.line != 0 && i.line < k.lines.size() ? fmt::format(" ({})", k.lines[i.line]) : "";
    return fail(what + where);
  }

  bool inside(const Range& r, std::size_t size) { return r.begin <= size && r.count <= size - r.begin; }
  bool tables(const Inst& i) {
    if (!inside(i.operands, k.operands.size()) || !inside(i.results, k.values.size()) ||
        !inside(i.regions, k.region_lists.size()) || !inside(i.attrs, k.attrs.size()))
      return fail("an instruction points outside its tables");
    for (RegionId r : k.regions_of(i))
      if (index(r) >= k.regions.size() || index(r) == 0) return fail(i, "no such region");
    return true;
  }
  bool params() {
    std::set<std::string_view> names;
    for (std::size_t n = 0; n < k.params.size(); ++n) {
      const Param& p = k.params[n];
      if (index(p.value) >= k.values.size() || values[index(p.value)] != Sight::kUndefined)
        return fail(fmt::format("parameter {} is no value of its own", p.name));
      values[index(p.value)] = Sight::kVisible;
      base[index(p.value)] = static_cast<std::int32_t>(n);
      if (p.name.empty()) return fail(fmt::format("parameter {} has no name", n));
      if (!param(p, k.type(p.value))) return false;
    }
    return true;
  }
  bool param(const Param& p, const Type& t) {
    const auto wrong = [&](std::string_view what) {
      return fail(fmt::format("{} {}: {}", text_of(p.role), p.name, what));
    };
    const bool is_view = t.kind == Type::Kind::kView;
    if (is_memory(p.role) && !is_view && !(t.kind == Type::Kind::kPointer && t.rank == 0))
      return wrong(fmt::format("memory is a view or one pointer, not {}", str(t)));
    if (!is_memory(p.role) && (t.kind != Type::Kind::kBlock || t.rank != 0))
      return wrong(fmt::format("it is a scalar, not {}", str(t)));
    if (p.role == Role::kDim && !is_int(t.dtype))
      return wrong(fmt::format("it is an integer, not {}", str(t)));
    if (is_view && p.extents.size() != t.rank)
      return wrong(fmt::format("{} has {} extents", str(t), p.extents.size()));
    if (is_view && !p.strides.empty() && p.strides.size() != t.rank)
      return wrong(fmt::format("{} has {} strides", str(t), p.strides.size()));
    return true;
  }
  bool symbols() {
    std::vector<Symbol> all;
    for (const Dim& d : all_dims(k)) {
      std::vector<Symbol> here;
      collect_symbols(d, here);
      for (const Symbol& s : here) {
        const auto at =
            std::lower_bound(all.begin(), all.end(), s, [](auto& x, auto& y) { return x.name < y.name; });
        if (at == all.end() || at->name != s.name) {
          all.insert(at, s);
          continue;
        }
        if (at->range.min != s.range.min || at->range.max != s.range.max ||
            at->range.multiple != s.range.multiple)
          return fail(fmt::format("symbol {} has two ranges", s.name));
      }
    }
    return true;
  }

  bool operands(const Inst& i) {
    for (ValueId v : k.operands_of(i))
      if (index(v) >= k.values.size() || values[index(v)] != Sight::kVisible)
        return fail(i, fmt::format("an operand of {} is not defined here", info(i.opcode).name));
    return true;
  }
  bool enter(RegionId r, Opcode owner) {
    if (region_seen[index(r)]) return fail("a region has two owners");
    if (stack.size() >= kMaxNesting) return fail("regions are nested deeper than 64");
    region_seen[index(r)] = 1;
    Frame f{r, owner};
    for (ValueId p : k.regions[index(r)].params) {
      if (index(p) >= k.values.size() || values[index(p)] != Sight::kUndefined)
        return fail("a region parameter is defined twice");
      values[index(p)] = Sight::kVisible;
      f.made.push_back(p);
    }
    stack.push_back(std::move(f));
    return true;
  }
  bool place(const Inst& i, const Frame& f, bool last) {
    const bool yields = f.owner == Opcode::kFor || f.owner == Opcode::kWhile || f.owner == Opcode::kIf ||
                        f.owner == Opcode::kReduce || f.owner == Opcode::kScan;
    if (i.opcode == Opcode::kYield && !(yields && last))
      return fail(i, "yield ends a region of for, while, if, reduce or scan");
    if ((f.owner == Opcode::kReduce || f.owner == Opcode::kScan) && i.opcode != Opcode::kYield &&
        info(i.opcode).effect)
      return fail(i, fmt::format("{} inside a reduction", info(i.opcode).name));
    return true;
  }
  void trace(const Inst& i) {
    const auto in = k.operands_of(i);
    switch (i.opcode) {
      case Opcode::kPointerAdd:
      case Opcode::kBroadcast:
      case Opcode::kReshape:
      case Opcode::kTranspose:
      case Opcode::kMakeView: base[i.results.begin] = base[index(in[0])]; return;
      case Opcode::kStore:
      case Opcode::kViewStore:
      case Opcode::kAtomic:
      case Opcode::kViewAtomic:
        if (base[index(in[0])] == kUnknown)
          stored_unknown = true;
        else
          stored[static_cast<std::size_t>(base[index(in[0])])] = 1;
        return;
      case Opcode::kSlotStore: stored_unknown = true; return;
      default: return;
    }
  }
  bool regions_have_no_bad_types(
      const Inst& i) {  // rules look at the last instruction of a region: its tables first
    for (RegionId r : k.regions_of(i)) {
      const Region& region = k.regions[index(r)];
      for (ValueId p : region.params)
        if (index(p) >= k.values.size()) return fail(i, "a region parameter is no value");
      if (region.body.empty()) continue;
      if (index(region.body.back()) >= k.insts.size()) return fail(i, "no such instruction");
      const Inst& last = k[region.body.back()];
      if (!tables(last)) return false;
      for (ValueId v : k.operands_of(last))
        if (index(v) >= k.values.size()) return fail(i, "a yielded value is no value");
    }
    return true;
  }
  bool instruction(InstId id) {
    Frame& f = stack.back();
    if (index(id) >= k.insts.size() || inst_seen[index(id)])
      return fail("an instruction stands in two places");
    inst_seen[index(id)] = 1;
    const Inst& i = k[id];
    if (!tables(i) || !operands(i)) return false;
    if (!place(i, f, f.next == k.regions[index(f.region)].body.size()) || !regions_have_no_bad_types(i))
      return false;
    if (const std::string what = problem_of(k, i); !what.empty()) return fail(i, what);
    trace(i);
    for (std::uint32_t n = 0; n < i.results.count; ++n) {
      const ValueId v = k.result(i, n);
      if (values[index(v)] != Sight::kUndefined) return fail(i, "a value is defined twice");
      // Results of an instruction with regions are not visible inside them: they become so when the last one
      // ends.
      values[index(v)] = Sight::kVisible;
      f.made.push_back(v);
    }
    return true;
  }
  void leave() {
    for (ValueId v : stack.back().made) values[index(v)] = Sight::kGone;
    stack.pop_back();
  }
  void hide(const Inst& i, Sight sight) {
    for (std::uint32_t n = 0; n < i.results.count; ++n) values[i.results.begin + n] = sight;
  }
  bool body() {
    if (k.regions.empty() || !k.regions[0].params.empty())
      return fail("a kernel has a body without parameters");
    if (!enter(RegionId{0}, Opcode::kRoles)) return false;
    struct Open {
      InstId owner;
      std::size_t next;
      std::size_t depth;
    };
    std::vector<Open> open;
    while (!stack.empty()) {
      if (!open.empty() && open.back().depth == stack.size()) {  // back from a region of this instruction
        const Inst& owner = k[open.back().owner];
        const auto regions = k.regions_of(owner);
        if (open.back().next < regions.size()) {
          if (!enter(regions[open.back().next++], owner.opcode)) return false;
          continue;
        }
        hide(owner, Sight::kVisible);
        open.pop_back();
        continue;
      }
      Frame& f = stack.back();
      const Region& r = k.regions[index(f.region)];
      if (f.next == r.body.size()) {
        leave();
        continue;
      }
      const InstId id = r.body[f.next++];
      if (!instruction(id)) return false;
      if (k[id].regions.count > 0) {
        hide(k[id], Sight::kGone);
        open.push_back({id, 0, stack.size()});
      }
    }
    return true;
  }
  bool memory() {
    for (std::size_t n = 0; n < k.params.size(); ++n) {
      const Param& p = k.params[n];
      if (p.role == Role::kInput && stored[n]) return fail(fmt::format("input {} is stored to", p.name));
      if (p.role != Role::kOutput || stored_unknown) continue;
      bool written = false;  // an output may have several views
      for (std::size_t m = 0; m < k.params.size(); ++m)
        written |= k.params[m].role == Role::kOutput && k.params[m].port == p.port && stored[m];
      if (!written) return fail(fmt::format("output {} is never stored to", p.name));
    }
    return true;
  }
};

}  // namespace

std::string find_problem(const Kernel& kernel) {
  Verifier v{kernel};
  (void)(v.params() && v.symbols() && v.body() && v.memory());
  return std::move(v.problem);
}

void verify(const Kernel& kernel) {
  if (const std::string problem = find_problem(kernel); !problem.empty())
    throw InternalError(fmt::format("kernel {}: {}", kernel.name, problem));
}

}  // namespace intarsia::kernel
