#include "target/nvptx/plan.h"

#include <algorithm>

namespace intarsia::target::nvptx {

using kernel::Inst;
using kernel::Kernel;
using kernel::Opcode;

bool is_elementwise(Opcode o) {
  switch (o) {
    case Opcode::kCast:
    case Opcode::kBitcast:
    case Opcode::kUnary:
    case Opcode::kBinary:
    case Opcode::kCompare:
    case Opcode::kSelect:
    case Opcode::kFma:
    case Opcode::kClip:
    case Opcode::kPointerAdd:
    case Opcode::kConvert:
    case Opcode::kConstant: return true;
    default: return false;
  }
}

namespace {

bool is_lazy(Opcode o) {
  return is_elementwise(o) || o == Opcode::kArange || o == Opcode::kBroadcast || o == Opcode::kReshape ||
         o == Opcode::kTranspose || o == Opcode::kGather || o == Opcode::kJoin || o == Opcode::kSplit;
}

class Planner {
 public:
  explicit Planner(const Kernel& kernel) : k_(kernel) {
    plan_.definition.assign(k_.values.size(), kNone);
    plan_.home.assign(k_.values.size(), Home::kRegisters);
    plan_.read_after_write.assign(k_.params.size(), 0);
    foreign_.assign(k_.values.size(), 0);
    for (const kernel::Region& r : k_.regions)
      for (const InstId id : r.body)
        for (std::uint32_t n = 0; n < k_[id].results.count; ++n)
          plan_.definition[k_[id].results.begin + n] = index(id);
  }

  Plan run() {
    find_written();
    for (const kernel::Region& r : k_.regions)
      for (const InstId id : r.body) give_home(k_[id]);
    for (const kernel::Region& r : k_.regions)
      for (const InstId id : r.body) ask(k_[id]);
    while (!work_.empty()) {
      const ValueId v = work_.back();
      work_.pop_back();
      ask_elsewhere(v);
    }
    return std::move(plan_);
  }

 private:
  void find_written() {
    std::vector<char> read(k_.params.size(), 0), written(k_.params.size(), 0);
    for (const kernel::Region& r : k_.regions)
      for (const InstId id : r.body) {
        const Inst& i = k_[id];
        const bool stores = i.opcode == Opcode::kStore || i.opcode == Opcode::kViewStore ||
                            i.opcode == Opcode::kAtomic || i.opcode == Opcode::kViewAtomic;
        const bool loads = i.opcode == Opcode::kLoad || i.opcode == Opcode::kViewLoad;
        if (!stores && !loads) continue;
        const std::uint32_t p = root_parameter(k_, plan_, k_.operands_of(i)[0]);
        for (std::uint32_t q = 0; q < k_.params.size(); ++q)
          if (p == kNone || p == q) (stores ? written : read)[q] = 1;
      }
    for (std::size_t p = 0; p < read.size(); ++p) plan_.read_after_write[p] = read[p] && written[p];
  }

  // Loads of what nothing here writes may happen anywhere, as often as wanted.
  bool is_stable_load(const Inst& i) const {
    if (i.opcode != Opcode::kLoad && i.opcode != Opcode::kViewLoad) return false;
    const std::uint32_t p = root_parameter(k_, plan_, k_.operands_of(i)[0]);
    return p != kNone && !plan_.read_after_write[p];
  }

  void give_home(const Inst& i) {
    for (std::uint32_t n = 0; n < i.results.count; ++n) {
      Home& home = plan_.home[i.results.begin + n];
      if (is_lazy(i.opcode) || is_stable_load(i)) home = Home::kLazy;
      if (i.opcode == Opcode::kReduce || i.opcode == Opcode::kScan) home = Home::kShared;
    }
  }

  // Operands that are read at places other than the thread's own elements.
  void ask(const Inst& i) {
    const auto in = k_.operands_of(i);
    switch (i.opcode) {
      case Opcode::kReduce:
        if (count(k_.values[i.results.begin]) > 1)
          for (const ValueId v : in) mark(v);
        break;
      case Opcode::kScan:
        for (const ValueId v : in) mark(v);
        break;
      case Opcode::kDot: keep_shared(in[0]), keep_shared(in[1]); break;
      default: ask_moved(i);
    }
  }
  void ask_moved(const Inst& i) {
    const auto in = k_.operands_of(i);
    const bool moves = i.opcode == Opcode::kBroadcast || i.opcode == Opcode::kTranspose ||
                       i.opcode == Opcode::kGather || i.opcode == Opcode::kJoin || i.opcode == Opcode::kSplit;
    if (!moves) return;
    for (std::size_t n = 0; n < in.size(); ++n)
      if (i.opcode != Opcode::kGather || n == 0) mark(in[n]);
  }

  void keep_shared(ValueId v) {
    Home& home = plan_.home[index(v)];
    if (home == Home::kLazy) home = Home::kShared;
    if (home == Home::kRegisters) home = Home::kBoth;
  }
  void mark(ValueId v) {
    if (k_.type(v).rank == 0 || foreign_[index(v)]) return;
    foreign_[index(v)] = 1;
    work_.push_back(v);
  }
  void ask_elsewhere(ValueId v) {
    if (plan_.home[index(v)] == Home::kRegisters) plan_.home[index(v)] = Home::kBoth;
    if (plan_.home[index(v)] != Home::kLazy || plan_.definition[index(v)] == kNone) return;
    for (const ValueId o : k_.operands_of(k_.insts[plan_.definition[index(v)]])) mark(o);
  }

  const Kernel& k_;
  Plan plan_;
  std::vector<char> foreign_;
  std::vector<ValueId> work_;
};

}  // namespace

std::uint32_t root_parameter(const Kernel& k, const Plan& plan, ValueId v) {
  for (;;) {
    const std::uint32_t by = plan.definition[index(v)];
    if (by == kNone) {
      for (std::uint32_t p = 0; p < k.params.size(); ++p)
        if (k.params[p].value == v) return p;
      return kNone;
    }
    const Inst& i = k.insts[by];
    const bool follows = i.opcode == Opcode::kPointerAdd || i.opcode == Opcode::kBroadcast ||
                         i.opcode == Opcode::kReshape || i.opcode == Opcode::kTranspose ||
                         i.opcode == Opcode::kMakeView || i.opcode == Opcode::kConvert;
    if (!follows) return kNone;
    v = k.operands_of(i)[0];
  }
}

Plan make_plan(const Kernel& kernel) { return Planner(kernel).run(); }

}  // namespace intarsia::target::nvptx
