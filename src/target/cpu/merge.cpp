// Finds kernels whose programs are stretches of one row, so that a range of programs is one long loop.
#include <optional>

#include "base/convert.h"
#include "target/cpu/plan.h"

namespace intarsia::target::cpu {
namespace {

using kernel::Fn;
using kernel::Inst;
using kernel::Kernel;
using kernel::Key;
using kernel::Opcode;
using kernel::Type;

// How a value depends on the program p and on the place c in the block: p * program + c * place + something
// fixed. Where program == place * block it depends on the position p * block + c alone, and so does whatever
// is computed from it lane by lane.
struct Shape {
  std::int64_t program = 0, place = 0;
  bool position_only = true;  // fixed, or a function of the position
};

class Merger {
 public:
  Merger(const Kernel& kernel, const Plan& plan) : k_(kernel), plan_(plan), shapes_(kernel.values.size()) {}

  std::int64_t block() {
    if (k_.grid[1].is_constant() == false || k_.grid[2].is_constant() == false) return 0;
    if (k_.grid[1].constant() != 1 || k_.grid[2].constant() != 1) return 0;
    for (const InstId id : k_.regions[0].body)
      if (!find_block(k_[id])) return 0;
    if (block_ < 2) return 0;
    for (const InstId id : k_.regions[0].body)
      if (!follow(k_[id])) return 0;
    return block_;
  }

 private:
  bool find_block(const Inst& inst) {
    const bool store = inst.opcode == Opcode::kStore || inst.opcode == Opcode::kViewStore;
    const bool scalar = inst.opcode == Opcode::kProgramId || inst.opcode == Opcode::kDimValue ||
                        inst.opcode == Opcode::kViewExtent || inst.opcode == Opcode::kNumPrograms;
    if (!store && !scalar && !is_lazy(inst.opcode) && inst.opcode != Opcode::kYield &&
        inst.opcode != Opcode::kAssume)
      return false;
    for (std::uint32_t r = 0; r < inst.results.count; ++r)
      if (!fits(k_.values[inst.results.begin + r]) || plan_.stored[inst.results.begin + r]) return false;
    for (const ValueId v : k_.operands_of(inst))
      if (k_.type(v).kind != Type::Kind::kView && !fits(k_.type(v))) return false;
    return true;
  }

  bool fits(const Type& type) {
    if (type.rank == 0) return true;
    if (type.rank > 1) return false;
    if (block_ == 0) block_ = type.extents[0];
    return type.extents[0] == block_;
  }

  bool pending(const Shape& s) const { return !s.position_only; }

  Shape settle(std::int64_t program, std::int64_t place) const {
    return {program, place, program == place * block_};
  }

  std::optional<std::int64_t> constant(ValueId v) const {
    for (;;) {
      const std::uint32_t by = plan_.definition[index(v)];
      if (by == kNone) return std::nullopt;
      const Inst& inst = k_.insts[by];
      if (inst.opcode == Opcode::kConstant && !is_float(k_.type(v).dtype)) return k_.attr(inst, Key::kBits);
      if (inst.opcode != Opcode::kBroadcast && inst.opcode != Opcode::kCast) return std::nullopt;
      v = k_.operands_of(inst)[0];
    }
  }

  bool follow(const Inst& inst) {
    Shape out;
    const auto in = k_.operands_of(inst);
    switch (inst.opcode) {
      case Opcode::kProgramId:
        if (k_.attr(inst, Key::kAxis) == 0) out = settle(1, 0);
        break;
      case Opcode::kArange: out = settle(0, 1); break;
      case Opcode::kBinary:
        if (const auto sum = binary(inst)) {
          out = *sum;
          break;
        }
        return false;
      case Opcode::kViewLoad: return access(shapes_[index(in[1])]);
      case Opcode::kViewStore: return access(shapes_[index(in[2])]) && !pending(shapes_[index(in[1])]);
      case Opcode::kClip: return access(shapes_[index(in[2])]) && !pending(shapes_[index(in[0])]);
      case Opcode::kBroadcast:
      case Opcode::kCast: {
        out = shapes_[index(in[0])];
        const DType to = k_.values[inst.results.begin].dtype;
        if (pending(out) && (!is_int(to) || bits(to) < 32)) return false;
        break;
      }
      default:
        for (const ValueId v : in)
          if (pending(shapes_[index(v)])) return false;
    }
    if (inst.results.count == 1) shapes_[inst.results.begin] = out;
    return true;
  }

  // A view access adds the place in the block to its offset.
  bool access(const Shape& offset) const { return offset.place == 0 && offset.program == block_; }

  std::optional<Shape> binary(const Inst& inst) const {
    const auto in = k_.operands_of(inst);
    const Shape a = shapes_[index(in[0])], b = shapes_[index(in[1])];
    const bool both = pending(a) || pending(b);
    const bool linear = is_int(k_.values[inst.results.begin].dtype);
    const Fn fn = static_cast<Fn>(k_.attr(inst, Key::kFn));
    if (linear && (fn == Fn::kAdd || fn == Fn::kSub)) {
      const std::int64_t sign = fn == Fn::kAdd ? 1 : -1;
      return settle(a.program + sign * b.program, a.place + sign * b.place);
    }
    if (linear && fn == Fn::kMul && both) {
      if (const auto factor = constant(in[1]); factor && !pending(b))
        return settle(a.program * *factor, a.place * *factor);
      if (const auto factor = constant(in[0]); factor && !pending(a))
        return settle(b.program * *factor, b.place * *factor);
    }
    if (both) return std::nullopt;
    return Shape{};
  }

  const Kernel& k_;
  const Plan& plan_;
  std::vector<Shape> shapes_;
  std::int64_t block_ = 0;
};

}  // namespace

std::int64_t merged_block(const Kernel& kernel, const Plan& plan) { return Merger(kernel, plan).block(); }

}  // namespace intarsia::target::cpu
