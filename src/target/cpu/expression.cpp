// Values of blocks at places: what an expression needs, in what order, and the code of one step of it.
#include "base/convert.h"
#include "base/error.h"
#include "target/cpu/emitter.h"

namespace intarsia::target::cpu {

const Inst* Emitter::defining(ValueId v) const {
  const std::uint32_t by = plan_.definition[index(v)];
  return by == kNone ? nullptr : &k_.insts[by];
}

Value* Emitter::scalar(ValueId v) {
  if (held_[index(v)].scalar != nullptr) return held_[index(v)].scalar;
  Row row;
  row.tile.row = &row;
  Position at;
  for (std::size_t a = 0; a < k_.type(v).rank; ++a) at.at[a] = number(0);
  return value({v, at}, row.tile);
}

// What exists without computing; null: it must be computed.
Value* Emitter::find(const Request& request, Tile& tile) {
  const Held& held = held_[index(request.value)];
  if (held.scalar != nullptr) return held.scalar;
  if (tile.inside && k_.type(request.value).dtype == DType::kBool &&
      tile.row->holds_inside.contains({request.value, row_place(request.at, number(0))}))
    return ir_.getTrue();
  const auto here = tile.values.find(request);
  if (here != tile.values.end()) return here->second;
  if (&tile.row->tile == &tile) return nullptr;
  const auto along = tile.row->tile.values.find(request);
  return along == tile.row->tile.values.end() ? nullptr : along->second;
}

// Operands first, with a stack of our own: expressions may be as long as a kernel.
Value* Emitter::value(const Request& wanted, Tile& tile) {
  if (Value* known = find(wanted, tile)) return known;
  std::vector<Request> stack = {wanted};
  while (!stack.empty()) {
    const Request request = stack.back();
    if (find(request, tile) != nullptr) {
      stack.pop_back();
      continue;
    }
    bool ready = true;
    for (const Request& need : needs(request, tile))
      if (find(need, tile) == nullptr) stack.push_back(need), ready = false;
    if (!ready) continue;
    stack.pop_back();
    tile.values[request] = compute(request, tile);
  }
  return find(wanted, tile);
}

Position Emitter::through(const Inst& inst, const Position& at) {
  const Type& from = k_.type(k_.operands_of(inst)[0]);
  const Type& to = k_.values[inst.results.begin];
  Position out;
  if (inst.opcode == Opcode::kTranspose) {
    const std::int64_t order = k_.attr(inst, Key::kOrder);
    for (std::size_t a = 0; a < to.rank; ++a) {
      const auto axis = static_cast<std::size_t>(order >> (4 * a) & 15);
      out.at[axis] = at.at[a];
      if (at.lane_axis == static_cast<int>(a)) out.lane_axis = static_cast<int>(axis);
    }
    return out;
  }
  if (inst.opcode == Opcode::kBroadcast) {
    for (std::size_t a = 0; a < from.rank; ++a) {
      const bool stretched = from.extents[a] == 1 && to.extents[a] != 1;
      out.at[a] = stretched ? number(0) : at.at[a];
      if (!stretched && at.lane_axis == static_cast<int>(a)) out.lane_axis = at.lane_axis;
    }
    return out;
  }
  std::size_t source = 0;  // a reshape that only adds and drops axes of extent 1
  const auto skip = [&] {
    while (source < from.rank && from.extents[source] == 1) out.at[source++] = number(0);
  };
  for (std::size_t a = 0; a < to.rank; ++a) {
    if (to.extents[a] == 1) continue;
    skip();
    out.at[source] = at.at[a];
    if (at.lane_axis == static_cast<int>(a)) out.lane_axis = static_cast<int>(source);
    ++source;
  }
  skip();
  return out;
}

Request Emitter::operand(const Inst& inst, std::size_t n, const Position& at) {
  const ValueId v = k_.operands_of(inst)[n];
  const bool moves = inst.opcode == Opcode::kBroadcast || inst.opcode == Opcode::kReshape ||
                     inst.opcode == Opcode::kTranspose;
  if (k_.type(v).rank == 0) return {v, {}};
  return {v, moves ? through(inst, at) : at};
}

// What must be known before `request` can be computed.
std::vector<Request> Emitter::needs(const Request& request, Tile& tile) {
  std::vector<Request> out;
  if (held_[index(request.value)].moved != nullptr) return {{held_[index(request.value)].base, request.at}};
  const Inst* inst = defining(request.value);
  if (inst == nullptr || held_[index(request.value)].buffer != nullptr) return out;
  const auto in = k_.operands_of(*inst);
  switch (inst->opcode) {
    case Opcode::kConstant:
    case Opcode::kArange: break;
    case Opcode::kGather: out.push_back(operand(*inst, 1, request.at)); break;
    case Opcode::kReshape:
      if (!reshape_moves(k_.type(in[0]), k_.type(request.value)))
        out.push_back(operand(*inst, 0, request.at));
      break;
    case Opcode::kClip: out.push_back(operand(*inst, 0, request.at)); [[fallthrough]];
    case Opcode::kLoad:
    case Opcode::kViewLoad: {
      const Access& a = access(plan_.definition[index(request.value)], request.at, *tile.row);
      out.insert(out.end(), a.conditions.begin(), a.conditions.end());
      const bool masked = !a.conditions.empty() ||
                          (!tile.inside && (a.low != nullptr || a.high != nullptr || tile.active != nullptr));
      if (inst->opcode == Opcode::kLoad && a.base == nullptr) out.push_back({in[0], request.at});
      if (inst->opcode == Opcode::kLoad && masked && in.size() > 2)
        out.push_back(operand(*inst, 2, request.at));
      break;
    }
    default:
      for (std::size_t n = 0; n < in.size(); ++n) out.push_back(operand(*inst, n, request.at));
  }
  return out;
}

// A carried block that moves by one amount each round.
Value* Emitter::steady(const Request& request, Tile& tile) {
  const Held& held = held_[index(request.value)];
  const Type& type = k_.type(request.value);
  Value* base = value({held.base, request.at}, tile);
  if (base->getType()->isPointerTy()) base = ir_.CreatePtrToInt(base, ir_.getInt64Ty());
  Value* by = held.moved;
  if (type.kind == Type::Kind::kPointer) by = ir_.CreateMul(by, number(element_bytes(type.dtype)));
  by = ir_.CreateSExtOrTrunc(by, base->getType()->getScalarType());
  return ir_.CreateAdd(base, lanes_.splat(by, Lanes::width(base)));
}

Value* Emitter::moved_pointer(const Inst& inst, const Request& request, Tile& tile) {
  const DType pointee = k_.type(request.value).dtype, of_index = k_.type(k_.operands_of(inst)[1]).dtype;
  if (bits(pointee) == 4) refuse(inst, "addresses of 4-bit elements must follow a line");
  Value* pointer = value(operand(inst, 0, request.at), tile);
  Value* i = lanes_.cast(of_index, value(operand(inst, 1, request.at), tile), DType::kI64);
  if (k_.type(request.value).rank == 0) return ir_.CreateGEP(lanes_.memory_type(pointee), pointer, i);
  if (pointer->getType()->isPointerTy()) pointer = ir_.CreatePtrToInt(pointer, ir_.getInt64Ty());
  i = ir_.CreateMul(i, lanes_.integer(i, element_bytes(pointee)));
  lanes_.align(pointer, i);
  return ir_.CreateAdd(pointer, i);
}

Value* Emitter::compute(const Request& request, Tile& tile) {
  const Held& held = held_[index(request.value)];
  const Type& type = k_.type(request.value);
  if (held.buffer != nullptr) return from_buffer(held.buffer, type, request.at, tile);
  if (held.moved != nullptr) return steady(request, tile);
  const Inst* inst = defining(request.value);
  check(inst != nullptr, k_.name + ": a parameter without an argument");
  const auto in = k_.operands_of(*inst);
  switch (inst->opcode) {
    case Opcode::kArange: return arange(*inst, request, tile);
    case Opcode::kReshape: {
      if (!reshape_moves(k_.type(in[0]), type)) return value(operand(*inst, 0, request.at), tile);
      return from_buffer(held_[index(in[0])].buffer, type, request.at, tile);  // row-major order is the same
    }
    case Opcode::kBroadcast:
    case Opcode::kTranspose:
    case Opcode::kConvert: {
      Value* v = value(operand(*inst, 0, request.at), tile);
      return v->getType()->isPointerTy() ? ir_.CreatePtrToInt(v, ir_.getInt64Ty()) : v;
    }
    case Opcode::kPointerAdd: return moved_pointer(*inst, request, tile);
    case Opcode::kLoad:
    case Opcode::kViewLoad:
    case Opcode::kClip: return load(*inst, request, tile);
    case Opcode::kGather: return gather(*inst, request, tile);
    default: break;
  }
  std::vector<Value*> operands;
  for (std::size_t n = 0; n < in.size(); ++n) operands.push_back(value(operand(*inst, n, request.at), tile));
  return elementwise(*inst, operands);
}

Value* Emitter::elementwise(const Inst& inst, std::span<Value* const> operands) {
  const auto in = k_.operands_of(inst);
  const DType t = k_.values[inst.results.begin].dtype;
  const Fn fn = static_cast<Fn>(k_.attr(inst, Key::kFn));
  switch (inst.opcode) {
    case Opcode::kConstant: return lanes_.constant(t, k_.attr(inst, Key::kBits));
    case Opcode::kCast: return lanes_.cast(k_.type(in[0]).dtype, operands[0], t);
    case Opcode::kBitcast: return lanes_.bitcast(k_.type(in[0]).dtype, operands[0], t);
    case Opcode::kUnary: return lanes_.unary(fn, t, operands[0]);
    case Opcode::kBinary: return lanes_.binary(fn, t, operands[0], operands[1]);
    case Opcode::kCompare: return lanes_.compare(fn, k_.type(in[0]).dtype, operands[0], operands[1]);
    case Opcode::kFma: return lanes_.fused_multiply_add(t, operands[0], operands[1], operands[2]);
    case Opcode::kSelect: {
      Value *condition = operands[0], *yes = operands[1], *no = operands[2];
      lanes_.align(yes, no);
      if (Lanes::width(condition) != 0)
        yes = lanes_.splat(yes, Lanes::width(condition)), no = lanes_.splat(no, Lanes::width(condition));
      return ir_.CreateSelect(condition, yes, no);
    }
    default: refuse(inst, "the CPU target does not compute this lane by lane");
  }
}

Value* Emitter::arange(const Inst& inst, const Request& request, Tile& tile) {
  const Type& type = k_.values[inst.results.begin];
  llvm::Type* element = lanes_.register_type(type.dtype);
  Value* first = ir_.CreateAdd(request.at.at[0], number(k_.attr(inst, Key::kStart)));
  first = ir_.CreateSExtOrTrunc(first, element);
  if (request.at.lane_axis != 0 || tile.width == 1) return first;
  return ir_.CreateAdd(lanes_.splat(first, tile.width), lanes_.iota(tile.width, element));
}

}  // namespace intarsia::target::cpu
