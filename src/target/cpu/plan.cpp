#include "target/cpu/plan.h"

#include <algorithm>

#include "base/error.h"

namespace intarsia::target::cpu {

using kernel::Fn;
using kernel::Inst;
using kernel::Kernel;
using kernel::Key;
using kernel::Opcode;
using kernel::Type;

std::int64_t elements(const Type& type) {
  std::int64_t count = 1;
  for (std::size_t a = 0; a < type.rank; ++a) count *= type.extents[a];
  return count;
}

bool is_lazy(Opcode opcode) {
  switch (opcode) {
    case Opcode::kConstant:
    case Opcode::kArange:
    case Opcode::kBroadcast:
    case Opcode::kReshape:
    case Opcode::kTranspose:
    case Opcode::kConvert:
    case Opcode::kCast:
    case Opcode::kBitcast:
    case Opcode::kUnary:
    case Opcode::kBinary:
    case Opcode::kCompare:
    case Opcode::kClip:
    case Opcode::kSelect:
    case Opcode::kFma:
    case Opcode::kPointerAdd:
    case Opcode::kLoad:
    case Opcode::kGather:
    case Opcode::kViewLoad: return true;
    default: return false;
  }
}

bool is_float_heavy(Fn fn) {
  switch (fn) {
    case Fn::kExp:
    case Fn::kExp2:
    case Fn::kLog:
    case Fn::kLog2:
    case Fn::kSqrt:
    case Fn::kRsqrt:
    case Fn::kSin:
    case Fn::kCos:
    case Fn::kTanh:
    case Fn::kErf:
    case Fn::kPow:
    case Fn::kDiv:
    case Fn::kRem: return true;
    default: return false;
  }
}

bool reshape_moves(const Type& from, const Type& to) {
  const auto long_axes = [](const Type& t) {
    std::vector<std::int32_t> kept;
    for (std::size_t a = 0; a < t.rank; ++a)
      if (t.extents[a] != 1) kept.push_back(t.extents[a]);
    return kept;
  };
  return long_axes(from) != long_axes(to);
}

namespace {

constexpr std::uint32_t kMany = kNone - 1;  // more than one reader
constexpr std::int64_t kDear = 6;           // reading a buffer back is cheaper than computing so much again

bool is_store(Opcode opcode) { return opcode == Opcode::kStore || opcode == Opcode::kViewStore; }
bool is_loop(Opcode opcode) { return opcode == Opcode::kFor || opcode == Opcode::kWhile; }

class Planner {
 public:
  explicit Planner(const Kernel& kernel) : k_(kernel) {
    plan_.definition.assign(k_.values.size(), kNone);
    plan_.stored.assign(k_.values.size(), 0);
    plan_.group.assign(k_.insts.size(), kNone);
    plan_.uses.assign(k_.values.size(), 0);
    loop_.assign(k_.insts.size(), kNone);
    plan_.region.assign(k_.insts.size(), kNone);
    plan_.home.assign(k_.values.size(), 0);
    walk();
  }

  Plan plan() {
    weigh();
    mark_hazards();
    mark_readers();
    group_stores();
    plan_.merged_block = merged_block(k_, plan_);
    return std::move(plan_);
  }

 private:
  // Instructions in program order, with the innermost loop around each.
  void walk() {
    struct Frame {
      RegionId region;
      std::size_t next;
      std::uint32_t loop;
    };
    std::vector<Frame> stack = {{RegionId{0}, 0, kNone}};
    while (!stack.empty()) {
      Frame& frame = stack.back();
      const kernel::Region& region = k_.regions[index(frame.region)];
      if (frame.next == region.body.size()) {
        stack.pop_back();
        continue;
      }
      const InstId id = region.body[frame.next++];
      const Inst& inst = k_[id];
      order_.push_back(id);
      loop_[index(id)] = frame.loop;
      plan_.region[index(id)] = index(frame.region);
      for (std::uint32_t r = 0; r < inst.results.count; ++r)
        plan_.definition[inst.results.begin + r] = index(id);
      for (const ValueId v : k_.operands_of(inst)) ++plan_.uses[index(v)];
      if (inst.opcode == Opcode::kReduce || inst.opcode == Opcode::kScan)
        continue;  // their regions are functions
      const std::uint32_t loop = is_loop(inst.opcode) ? index(id) : frame.loop;
      const auto regions = k_.regions_of(inst);
      for (std::size_t r = regions.size(); r-- > 0;) {
        for (const ValueId v : k_.regions[index(regions[r])].params) plan_.home[index(v)] = index(regions[r]);
        stack.push_back({regions[r], 0, loop});
      }
    }
  }

  bool lazy_block(ValueId v) const {
    const std::uint32_t by = plan_.definition[index(v)];
    return by != kNone && is_lazy(k_.insts[by].opcode) && elements(k_.type(v)) > 1;
  }

  // The first operand is read at places that do not follow from the result's.
  bool needs_buffer(const Inst& inst) const {
    const bool anywhere = inst.opcode == Opcode::kGather ||
                          (inst.opcode == Opcode::kReshape &&
                           reshape_moves(k_.type(k_.operands_of(inst)[0]), k_.values[inst.results.begin]));
    return anywhere && lazy_block(k_.operands_of(inst)[0]);
  }

  void weigh() {
    cost_.assign(k_.values.size(), 0);
    for (const InstId id : order_) {
      const Inst& inst = k_[id];
      if (!is_lazy(inst.opcode)) continue;
      const bool load = inst.opcode == Opcode::kLoad || inst.opcode == Opcode::kViewLoad;
      std::int64_t cost = 0;
      if (inst.opcode == Opcode::kUnary || inst.opcode == Opcode::kBinary)
        cost = is_float_heavy(static_cast<Fn>(k_.attr(inst, Key::kFn))) ? 8 : 1;
      else if (inst.opcode == Opcode::kCompare || inst.opcode == Opcode::kSelect ||
               inst.opcode == Opcode::kFma || load)
        cost = 1;
      if (!load)
        for (const ValueId v : k_.operands_of(inst))
          cost = std::min<std::int64_t>(cost + cost_[index(v)], 1000);
      cost_[inst.results.begin] = cost;
    }
  }

  // A reader is a group of roots; a value that several read, or that a loop reads again and again, is stored
  // if it is dear.
  void mark_readers() {
    std::vector<std::uint32_t> reader(k_.values.size(), kNone);
    const auto read_by = [&](ValueId v, std::uint32_t who, std::uint32_t loop) {
      const std::uint32_t by = plan_.definition[index(v)];
      if (by == kNone || who == kNone) return;
      const bool again = loop != loop_[by] && who != kMany;
      reader[index(v)] = again || (reader[index(v)] != kNone && reader[index(v)] != who) ? kMany : who;
    };
    for (std::size_t n = order_.size(); n-- > 0;) {
      const Inst& inst = k_[order_[n]];
      const std::uint32_t here = index(order_[n]);
      std::uint32_t who = here;
      if (is_lazy(inst.opcode)) {
        const ValueId result{inst.results.begin};
        who = reader[index(result)];
        if (who == kMany && lazy_block(result) && cost_[index(result)] >= kDear)
          plan_.stored[index(result)] = 1;
        if (plan_.stored[index(result)] || (elements(k_.type(result)) == 1 && who != kNone)) who = here;
        if (needs_buffer(inst)) plan_.stored[index(k_.operands_of(inst)[0])] = 1;
      }
      for (const ValueId v : k_.operands_of(inst)) read_by(v, who, loop_[here]);
    }
  }

  // The tensor a memory access goes to; null: one that is not known here.
  const kernel::Param* tensor_of(ValueId v) const {
    for (;;) {
      const std::uint32_t by = plan_.definition[index(v)];
      if (by == kNone) break;
      const Opcode opcode = k_.insts[by].opcode;
      const bool load = opcode == Opcode::kLoad || opcode == Opcode::kViewLoad;
      if (load || k_.insts[by].operands.count == 0 || (!is_lazy(opcode) && opcode != Opcode::kMakeView))
        return nullptr;
      v = k_.operands_of(k_.insts[by])[0];
    }
    for (const kernel::Param& param : k_.params)
      if (param.value == v) return &param;
    return nullptr;
  }

  static bool may_overlap(const kernel::Param* a, const kernel::Param* b) {
    return a == nullptr || b == nullptr || (a->role == b->role && a->port == b->port);
  }

  bool same_place(const Inst& load, const Inst& store) const {
    const auto a = k_.operands_of(load), b = k_.operands_of(store);
    if (a[0] != b[0]) return false;
    if (load.opcode == Opcode::kLoad) return store.opcode == Opcode::kStore;
    return store.opcode == Opcode::kViewStore && std::equal(a.begin() + 1, a.end(), b.begin() + 2, b.end());
  }

  // A load that is evaluated late must not see stores that come after it: where it might, it is stored at
  // once.
  void mark_hazards() {
    std::vector<std::uint32_t> last(k_.values.size(), 0);  // position of the last root that reads the value
    for (std::size_t n = order_.size(); n-- > 0;) {
      const Inst& inst = k_[order_[n]];
      std::uint32_t at = static_cast<std::uint32_t>(n);
      if (is_lazy(inst.opcode) && elements(k_.values[inst.results.begin]) > 1) at = last[inst.results.begin];
      for (const ValueId v : k_.operands_of(inst)) last[index(v)] = std::max(last[index(v)], at);
    }
    std::vector<std::uint32_t> position(k_.insts.size(), 0);
    for (std::size_t n = 0; n < order_.size(); ++n)
      position[index(order_[n])] = static_cast<std::uint32_t>(n);
    for (std::size_t s = 0; s < order_.size(); ++s) {
      const Inst& store = k_[order_[s]];
      if (!is_store(store.opcode) && store.opcode != Opcode::kAtomic && store.opcode != Opcode::kViewAtomic)
        continue;
      const kernel::Param* target = tensor_of(k_.operands_of(store)[0]);
      const std::uint32_t around = loop_[index(order_[s])];
      for (std::size_t l = 0; l < s; ++l) {
        const Inst& load = k_[order_[l]];
        if (load.opcode != Opcode::kLoad && load.opcode != Opcode::kViewLoad) continue;
        const ValueId result{load.results.begin};
        if (!lazy_block(result) || !may_overlap(tensor_of(k_.operands_of(load)[0]), target)) continue;
        const std::uint32_t until = last[index(result)];
        const bool next_round =
            around != kNone && loop_[index(order_[l])] != around && until > position[around];
        if (next_round || until > s || (until == s && !same_place(load, store)))
          plan_.stored[index(result)] = 1;
      }
    }
  }

  // Consecutive stores of one shape with only lazy instructions between them, each to a place of its own.
  void group_stores() {
    std::uint32_t first = kNone;
    std::vector<const kernel::Param*> targets;
    for (std::size_t n = 0; n < order_.size(); ++n) {
      const Inst& inst = k_[order_[n]];
      if (!is_store(inst.opcode)) {
        const bool load = inst.opcode == Opcode::kLoad || inst.opcode == Opcode::kViewLoad;
        const kernel::Param* source = load ? tensor_of(k_.operands_of(inst)[0]) : nullptr;
        const bool sees_them =
            load && std::any_of(targets.begin(), targets.end(),
                                [&](const kernel::Param* t) { return may_overlap(t, source); });
        if (!is_lazy(inst.opcode) || plan_.stored[inst.results.begin] || sees_them)
          first = kNone, targets.clear();
        continue;
      }
      const auto in = k_.operands_of(inst);
      const kernel::Param* target = tensor_of(in[0]);
      const bool joins = first != kNone && plan_.region[first] == plan_.region[index(order_[n])] &&
                         k_.type(in[1]).extents == k_.type(k_.operands_of(k_.insts[first])[1]).extents &&
                         k_.type(in[1]).rank == k_.type(k_.operands_of(k_.insts[first])[1]).rank &&
                         std::none_of(targets.begin(), targets.end(),
                                      [&](const kernel::Param* t) { return may_overlap(t, target); });
      if (!joins) first = index(order_[n]), targets.clear();
      targets.push_back(target);
      plan_.group[index(order_[n])] = first;
    }
  }

  const Kernel& k_;
  Plan plan_;
  std::vector<InstId> order_;
  std::vector<std::uint32_t> loop_;  // by instruction: the innermost loop around it
  std::vector<std::int64_t> cost_;   // by value: of computing one element from memory
};

}  // namespace

Plan make_plan(const Kernel& kernel) { return Planner(kernel).plan(); }

}  // namespace intarsia::target::cpu
