// Where memory accesses lie along a row: lines of addresses, and bounds as ranges of lanes.
#include "base/convert.h"
#include "base/error.h"
#include "target/cpu/emitter.h"

namespace intarsia::target::cpu {
namespace {

constexpr int kDeepest = 64;  // index expressions beyond this are taken lane by lane

std::optional<std::int64_t> known(const Value* v) {
  const auto* constant = llvm::dyn_cast<llvm::ConstantInt>(v);
  return constant == nullptr ? std::nullopt : std::optional(constant->getSExtValue());
}

}  // namespace

Position Emitter::row_place(Position at, Value* zero) {
  if (at.lane_axis >= 0) at.at[static_cast<std::size_t>(at.lane_axis)] = zero;
  return at;
}

// Everything `request` needs that is the same along the row, and the geometry of its accesses: emitted here,
// before the loop.
void Emitter::prepare(const Request& wanted, Row& row) {
  Tile probe{.row = &row, .active = ir_.getTrue()};
  std::map<Request, bool> seen;
  std::vector<Request> stack = {wanted};
  while (!stack.empty()) {
    const Request request = stack.back();
    stack.pop_back();
    if (find(request, probe) != nullptr || !seen.emplace(request, true).second) continue;
    if (request.at.lane_axis < 0) {
      value(request, row.tile);
      continue;
    }
    for (const Request& need : needs(request, probe)) stack.push_back(need);
  }
}

Access& Emitter::access(std::uint32_t inst, const Position& at, Row& row) {
  const Position place = row_place(at, number(0));
  const auto found = row.accesses.find({inst, place});
  if (found != row.accesses.end()) return found->second;
  Access made = make_access(k_.insts[inst], place, row);
  return row.accesses.emplace(std::pair{inst, place}, std::move(made)).first->second;
}

Access Emitter::make_access(const Inst& inst, const Position& at, Row& row) {
  const auto in = k_.operands_of(inst);
  Access out{.offset = number(0), .stride = number(0)};
  const auto views = [&](std::size_t view, std::size_t offsets) {
    view_access(out, *held_[index(in[view])].view, in.subspan(offsets), at, row);
    out.packed = bits(k_.type(in[view]).dtype) == 4;
  };
  const auto pointers = [&](std::size_t mask) {
    pointer_access(out, in[0], at, row);
    out.packed = bits(k_.type(in[0]).dtype) == 4;
    if (in.size() > mask) bound(out, {in[mask], k_.type(in[mask]).rank == 0 ? Position{} : at}, row);
  };
  switch (inst.opcode) {
    case Opcode::kLoad: pointers(1); break;
    case Opcode::kStore: pointers(2); break;
    case Opcode::kViewLoad: views(0, 1); break;
    case Opcode::kViewAtomic:
    case Opcode::kViewStore: views(0, 2); break;
    case Opcode::kAtomic: pointers(k_.fn(inst) == Fn::kCompareExchange ? 3 : 2); break;
    case Opcode::kClip: views(1, 2); break;
    default: check(false, "not an access");
  }
  if (at.lane_axis < 0) return out;
  if (out.low != nullptr)
    row.low =
        row.low == nullptr ? out.low : ir_.CreateBinaryIntrinsic(llvm::Intrinsic::smax, row.low, out.low);
  if (out.high != nullptr)
    row.high =
        row.high == nullptr ? out.high : ir_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, row.high, out.high);
  return out;
}

void Emitter::pointer_access(Access& out, ValueId pointer, const Position& at, Row& row) {
  Position place = at;
  for (int depth = 0; depth < kDeepest; ++depth) {
    const Held& held = held_[index(pointer)];
    const Inst* inst = defining(pointer);
    if (held.scalar != nullptr || place.lane_axis < 0) {
      Value* base = held.scalar != nullptr ? held.scalar : value({pointer, place}, row.tile);
      out.base = base->getType()->isPointerTy() ? base : ir_.CreateIntToPtr(base, ir_.getPtrTy());
      return;
    }
    if (held.moved != nullptr) {
      out.offset = ir_.CreateAdd(out.offset, held.moved);
      pointer = held.base;
      continue;
    }
    if (inst == nullptr || held.buffer != nullptr) return;
    const bool moves = inst->opcode == Opcode::kBroadcast || inst->opcode == Opcode::kTranspose ||
                       inst->opcode == Opcode::kReshape;
    if (inst->opcode == Opcode::kPointerAdd) {
      const auto by = line(operand(*inst, 1, place), row);
      if (!by) return;
      out.offset = ir_.CreateAdd(out.offset, by->start);
      out.stride = ir_.CreateAdd(out.stride, by->stride);
    } else if (!moves || (inst->opcode == Opcode::kReshape &&
                          reshape_moves(k_.type(k_.operands_of(*inst)[0]), k_.type(pointer)))) {
      return;
    }
    const Request next = operand(*inst, 0, place);
    pointer = next.value, place = next.at;
  }
}

void Emitter::view_access(Access& out, const View& view, std::span<const ValueId> offsets, const Position& at,
                          Row& row) {
  out.base = view.base;
  for (std::size_t a = 0; a < view.extents.size(); ++a) {
    Value* offset = ir_.CreateSExt(scalar(offsets[a]), ir_.getInt64Ty());
    const bool positive = not_negative(offsets[a]);
    Value* first = ir_.CreateAdd(offset, at.at[a]);
    out.offset = ir_.CreateAdd(out.offset, ir_.CreateMul(first, view.strides[a]));
    if (at.lane_axis == static_cast<int>(a)) {
      out.stride = view.strides[a];
      limit(out, positive ? nullptr : ir_.CreateNeg(offset), ir_.CreateSub(view.extents[a], offset));
      continue;
    }
    Value* inside =
        positive ? ir_.CreateICmpSLT(first, view.extents[a]) : ir_.CreateICmpULT(first, view.extents[a]);
    if (known(inside) != 1 && known(inside) != -1)
      limit(out, nullptr, ir_.CreateSelect(inside, number(std::int64_t{1} << 62), number(0)));
  }
  (void)row;
}

void Emitter::limit(Access& out, Value* low, Value* high) {
  if (low != nullptr)
    out.low = out.low == nullptr ? low : ir_.CreateBinaryIntrinsic(llvm::Intrinsic::smax, out.low, low);
  if (high != nullptr)
    out.high = out.high == nullptr ? high : ir_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, out.high, high);
}

// ---- lines
// -----------------------------------------------------------------------------------------------------------

std::optional<Line> Emitter::line(const Request& request, Row& row, int depth) {
  const DType t = k_.type(request.value).dtype;
  if (depth > kDeepest || !is_int(t)) return std::nullopt;
  if (request.at.lane_axis < 0 || held_[index(request.value)].scalar != nullptr)
    return Line{lanes_.cast(t, value(request, row.tile), DType::kI64), number(0)};
  if (const Held& held = held_[index(request.value)]; held.moved != nullptr) {
    const auto base = line({held.base, request.at}, row, depth + 1);
    if (!base || bits(t) < 32) return std::nullopt;
    Value* start = ir_.CreateAdd(base->start, held.moved);
    if (bits(t) == 32) start = lanes_.cast(t, ir_.CreateTrunc(start, ir_.getInt32Ty()), DType::kI64);
    return Line{start, base->stride};
  }
  const Inst* inst = defining(request.value);
  if (inst == nullptr || held_[index(request.value)].buffer != nullptr) return std::nullopt;
  const auto in = k_.operands_of(*inst);
  switch (inst->opcode) {
    case Opcode::kConstant: return Line{number(k_.attr(*inst, Key::kBits)), number(0)};
    case Opcode::kArange:
      return Line{ir_.CreateAdd(request.at.at[0], number(k_.attr(*inst, Key::kStart))),
                  number(request.at.lane_axis == 0 ? 1 : 0)};
    case Opcode::kReshape:
      if (reshape_moves(k_.type(in[0]), k_.type(request.value))) return std::nullopt;
      return line(operand(*inst, 0, request.at), row, depth + 1);
    case Opcode::kBroadcast:
    case Opcode::kTranspose: return line(operand(*inst, 0, request.at), row, depth + 1);
    case Opcode::kCast: {
      if (!is_int(k_.type(in[0]).dtype) || bits(t) < 32 || bits(k_.type(in[0]).dtype) < 32)
        return std::nullopt;
      const auto from = line(operand(*inst, 0, request.at), row, depth + 1);
      if (!from || bits(t) == 64) return from;
      return Line{lanes_.cast(t, ir_.CreateTrunc(from->start, ir_.getInt32Ty()), DType::kI64), from->stride};
    }
    case Opcode::kBinary: return combine_lines(*inst, request.at, row, depth);
    default: return std::nullopt;
  }
}

// Positions are taken not to wrap inside one row; where a row begins is exact.
std::optional<Line> Emitter::combine_lines(const Inst& inst, const Position& at, Row& row, int depth) {
  const DType t = k_.values[inst.results.begin].dtype;
  const Fn fn = static_cast<Fn>(k_.attr(inst, Key::kFn));
  if (bits(t) < 32 || (fn != Fn::kAdd && fn != Fn::kSub && fn != Fn::kMul)) return std::nullopt;
  const auto a = line(operand(inst, 0, at), row, depth + 1);
  if (!a) return std::nullopt;
  const auto b = line(operand(inst, 1, at), row, depth + 1);
  if (!b) return std::nullopt;
  Line out{};
  if (fn == Fn::kMul) {
    const bool first = known(a->stride) == 0, second = known(b->stride) == 0;
    if (!first && !second) return std::nullopt;
    out = {ir_.CreateMul(a->start, b->start),
           second ? ir_.CreateMul(a->stride, b->start) : ir_.CreateMul(b->stride, a->start)};
  } else if (fn == Fn::kAdd) {
    out = {ir_.CreateAdd(a->start, b->start), ir_.CreateAdd(a->stride, b->stride)};
  } else {
    out = {ir_.CreateSub(a->start, b->start), ir_.CreateSub(a->stride, b->stride)};
  }
  if (bits(t) == 32) out.start = lanes_.cast(t, ir_.CreateTrunc(out.start, ir_.getInt32Ty()), DType::kI64);
  return out;
}

// ---- bounds
// ----------------------------------------------------------------------------------------------------------

// A mask that is a range of lanes becomes a bound; what is not stays a condition. True: nothing was left.
bool Emitter::bound(Access& out, const Request& mask, Row& row, int depth) {
  const Inst* inst = defining(mask.value);
  const auto leave = [&] { return out.conditions.push_back(mask), false; };
  if (held_[index(mask.value)].scalar != nullptr || mask.at.lane_axis < 0) {
    Value* holds = value(mask, row.tile);
    if (known(holds) != 1 && known(holds) != -1)
      limit(out, nullptr, ir_.CreateSelect(holds, number(std::int64_t{1} << 62), number(0)));
    return true;
  }
  if (inst == nullptr || depth > kDeepest || held_[index(mask.value)].buffer != nullptr) return leave();
  const auto in = k_.operands_of(*inst);
  bool whole = false;
  switch (inst->opcode) {
    case Opcode::kConstant:
      if (k_.attr(*inst, Key::kBits) == 0) return leave();
      return true;
    case Opcode::kReshape:
      if (reshape_moves(k_.type(in[0]), k_.type(mask.value))) return leave();
      [[fallthrough]];
    case Opcode::kBroadcast:
    case Opcode::kTranspose: whole = bound(out, operand(*inst, 0, mask.at), row, depth + 1); break;
    case Opcode::kBinary: {
      if (static_cast<Fn>(k_.attr(*inst, Key::kFn)) != Fn::kAnd) return leave();
      const bool left = bound(out, operand(*inst, 0, mask.at), row, depth + 1);
      const bool right = bound(out, operand(*inst, 1, mask.at), row, depth + 1);
      whole = left && right;
      break;
    }
    case Opcode::kCompare:
      if (!bound_compare(out, *inst, mask.at, row)) return leave();
      whole = true;
      break;
    default: return leave();
  }
  if (whole) row.holds_inside[{mask.value, row_place(mask.at, number(0))}] = true;
  return whole;
}

bool Emitter::bound_compare(Access& out, const Inst& compare, const Position& at, Row& row) {
  if (!is_signed_int(k_.type(k_.operands_of(compare)[0]).dtype)) return false;
  const auto a = line(operand(compare, 0, at), row),
             b = a ? line(operand(compare, 1, at), row) : std::nullopt;
  if (!b) return false;
  const auto slope = known(ir_.CreateSub(a->stride, b->stride));
  if (slope != 1 && slope != -1 && slope != 0) return false;
  const auto sum = [&](llvm::Intrinsic::ID id, Value* x, Value* y) {
    return ir_.CreateBinaryIntrinsic(id, x, y);
  };
  Fn fn = static_cast<Fn>(k_.attr(compare, Key::kFn));
  if (slope == 0) {
    Value* holds = lanes_.compare(fn, DType::kI64, a->start, b->start);
    limit(out, nullptr, ir_.CreateSelect(holds, number(std::int64_t{1} << 62), number(0)));
    return true;
  }
  // With slope 1 the lane that makes both equal is b - a; with slope -1 it is a - b, and the relation turns
  // round.
  if (slope == -1)
    fn = fn == Fn::kLt   ? Fn::kGt
         : fn == Fn::kGt ? Fn::kLt
         : fn == Fn::kLe ? Fn::kGe
         : fn == Fn::kGe ? Fn::kLe
                         : fn;
  Value* equal = slope == 1 ? sum(llvm::Intrinsic::ssub_sat, b->start, a->start)
                            : sum(llvm::Intrinsic::ssub_sat, a->start, b->start);
  Value* next = sum(llvm::Intrinsic::sadd_sat, equal, number(1));
  switch (fn) {
    case Fn::kLt: limit(out, nullptr, equal); return true;
    case Fn::kLe: limit(out, nullptr, next); return true;
    case Fn::kGt: limit(out, next, nullptr); return true;
    case Fn::kGe: limit(out, equal, nullptr); return true;
    case Fn::kEq: limit(out, equal, next); return true;
    default: return false;
  }
}

bool Emitter::not_negative(ValueId v, int depth) const {
  if (positive_[index(v)] != 0) return true;
  const Inst* inst = defining(v);
  if (inst == nullptr || depth > kDeepest) return false;
  const auto in = k_.operands_of(*inst);
  switch (inst->opcode) {
    case Opcode::kProgramId:
    case Opcode::kNumPrograms:
    case Opcode::kViewExtent: return true;
    case Opcode::kDimValue:
      return k_.dims[static_cast<std::size_t>(k_.attr(*inst, Key::kDim))].bounds().min >= 0;
    case Opcode::kConstant:
    case Opcode::kArange:
      return k_.attr(*inst, inst->opcode == Opcode::kArange ? Key::kStart : Key::kBits) >= 0;
    case Opcode::kCast:
      return bits(k_.type(in[0]).dtype) <= bits(k_.type(v).dtype) && not_negative(in[0], depth + 1);
    case Opcode::kBroadcast:
    case Opcode::kReshape: return not_negative(in[0], depth + 1);
    case Opcode::kBinary: {
      const Fn fn = static_cast<Fn>(k_.attr(*inst, Key::kFn));
      const bool keeps = fn == Fn::kAdd || fn == Fn::kMul || fn == Fn::kDiv || fn == Fn::kRem ||
                         fn == Fn::kMin || fn == Fn::kMax;
      return keeps && not_negative(in[0], depth + 1) && not_negative(in[1], depth + 1);
    }
    default: return false;
  }
}

}  // namespace intarsia::target::cpu
