// Values at places: what one needs, in what order, and the code of one step of it.
#include <llvm/IR/IntrinsicsNVPTX.h>

#include "base/convert.h"
#include "base/error.h"
#include "target/nvptx/emitter.h"

namespace intarsia::target::nvptx {

const Inst* Emitter::defining(ValueId v) const {
  const std::uint32_t by = plan_.definition[index(v)];
  return by == kNone ? nullptr : &k_.insts[by];
}

// What exists without computing; null: it must be computed.
Value* Emitter::find(const Request& request) const {
  const auto v = index(request.value);
  if (scalars_[v] != nullptr) return scalars_[v];
  if (request.at.slot != kNoSlot && !registers_[v].empty())
    return registers_[v][static_cast<std::size_t>(request.at.slot)];
  const auto at = known_.find(request);
  return at == known_.end() ? nullptr : at->second;
}

// Operands first, with a stack of our own: expressions may be as long as a kernel.
Value* Emitter::value(ValueId v, const Place& at) {
  const Request wanted{v, k_.type(v).rank == 0 ? Place{} : at};
  if (Value* found = find(wanted)) return found;
  std::vector<Request> stack = {wanted};
  while (!stack.empty()) {
    const Request request = stack.back();
    if (find(request) != nullptr) {
      stack.pop_back();
      continue;
    }
    bool ready = true;
    for (const Request& need : needs(request))
      if (find(need) == nullptr) stack.push_back(need), ready = false;
    if (!ready) continue;
    stack.pop_back();
    Value* made = compute(request);
    known_.try_emplace(request, made);
  }
  return find(wanted);
}

namespace {
bool is_moved(Opcode o) {
  return o == Opcode::kBroadcast || o == Opcode::kReshape || o == Opcode::kTranspose;
}
}  // namespace

Place Emitter::through(const Inst& inst, const Place& at) {
  const Type& from = k_.type(k_.operands_of(inst)[0]);
  const Type& to = k_.values[inst.results.begin];
  Place out;
  if (inst.opcode ==
      Opcode::kReshape) {  // the same elements in the same order: the thread's own stay its own
    if (at.slot != kNoSlot) return own(from, at.slot);
    return place_of(from, element_of(to, at), kNoSlot);
  }
  if (inst.opcode == Opcode::kTranspose) {
    const std::int64_t order = k_.attr(inst, Key::kOrder);
    for (std::size_t a = 0; a < to.rank; ++a)
      out.at[static_cast<std::size_t>(order >> (4 * a) & 15)] = at.at[a];
    return out;
  }
  for (std::size_t a = 0; a < from.rank; ++a) out.at[a] = from.extents[a] == 1 ? i32(0) : at.at[a];
  if (same_shape(from, to)) out.slot = at.slot;
  return out;
}

Request Emitter::operand(const Inst& inst, std::size_t n, const Place& at) {
  const ValueId v = k_.operands_of(inst)[n];
  if (k_.type(v).rank == 0) return {v, {}};
  return {v, is_moved(inst.opcode) ? through(inst, at) : at};
}

std::vector<Request> Emitter::needs(const Request& request) {
  std::vector<Request> out;
  const Inst* inst = defining(request.value);
  if (inst == nullptr || shared_[index(request.value)].memory != nullptr) return out;
  if (is_elementwise(inst->opcode) || is_moved(inst->opcode)) {
    const std::size_t operands = inst->opcode == Opcode::kClip ? 1 : inst->operands.count;
    for (std::size_t n = 0; n < operands; ++n) out.push_back(operand(*inst, n, request.at));
  }
  return out;
}

Value* Emitter::compute(const Request& request) {
  const ValueId v = request.value;
  if (shared_[index(v)].memory != nullptr) return read_shared(v, request.at);
  const Inst* inst = defining(v);
  check(inst != nullptr, k_.name + ": a parameter without an argument");
  const auto in = k_.operands_of(*inst);
  const Type& type = k_.type(v);
  switch (inst->opcode) {
    case Opcode::kDimValue: return dim(k_.dims[static_cast<std::size_t>(k_.attr(*inst, Key::kDim))]);
    case Opcode::kProgramId:
    case Opcode::kNumPrograms: {
      static constexpr llvm::Intrinsic::ID kIds[2][3] = {
          {llvm::Intrinsic::nvvm_read_ptx_sreg_ctaid_x, llvm::Intrinsic::nvvm_read_ptx_sreg_ctaid_y,
           llvm::Intrinsic::nvvm_read_ptx_sreg_ctaid_z},
          {llvm::Intrinsic::nvvm_read_ptx_sreg_nctaid_x, llvm::Intrinsic::nvvm_read_ptx_sreg_nctaid_y,
           llvm::Intrinsic::nvvm_read_ptx_sreg_nctaid_z}};
      const auto axis = static_cast<std::size_t>(k_.attr(*inst, Key::kAxis));
      Value* id = ir_.CreateIntrinsic(ir_.getInt32Ty(), kIds[inst->opcode == Opcode::kNumPrograms][axis], {});
      return ir_.CreateZExt(id, lanes_.register_type(type.dtype));
    }
    case Opcode::kArange:
      return ir_.CreateAdd(ir_.CreateSExtOrTrunc(request.at.at[0], lanes_.register_type(type.dtype)),
                           lanes_.constant(type.dtype, k_.attr(*inst, Key::kStart)));
    case Opcode::kViewExtent:
      return views_.at(index(in[0])).extents[static_cast<std::size_t>(k_.attr(*inst, Key::kAxis))];
    case Opcode::kLoad:
    case Opcode::kViewLoad: return load(*inst, request.at);
    case Opcode::kGather: {
      Place at = request.at;
      const auto axis = static_cast<std::size_t>(k_.attr(*inst, Key::kAxis));
      Value* i = ir_.CreateSExtOrTrunc(value(in[1], request.at), ir_.getInt32Ty());
      i = ir_.CreateBinaryIntrinsic(llvm::Intrinsic::smax, i, i32(0));  // out of range is clamped
      at.at[axis] =
          ir_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, i, i32(k_.type(in[0]).extents[axis] - 1));
      at.slot = kNoSlot;
      return value(in[0], at);
    }
    case Opcode::kJoin: {
      Place at = request.at;
      Value* part = at.at[type.rank - 1u];
      at.at[type.rank - 1u] = nullptr, at.slot = kNoSlot;
      Value* out = value(in[0], at);
      for (std::size_t n = 1; n < in.size(); ++n)
        out = ir_.CreateSelect(ir_.CreateICmpEQ(part, i32(static_cast<std::int64_t>(n))), value(in[n], at),
                               out);
      return out;
    }
    case Opcode::kSplit: {
      Place at = request.at;
      at.slot = kNoSlot;
      at.at[k_.type(in[0]).rank - 1u] = i32(index(v) - inst->results.begin);
      return value(in[0], at);
    }
    default: break;
  }
  std::vector<Value*> operands;
  for (const Request& need : needs(request)) operands.push_back(find(need));
  return elementwise(*inst, request.at, operands);
}

Value* Emitter::elementwise(const Inst& inst, const Place& at, std::span<Value* const> operands) {
  const auto in = k_.operands_of(inst);
  const Type& type = k_.values[inst.results.begin];
  switch (inst.opcode) {
    case Opcode::kConstant: return lanes_.constant(type.dtype, k_.attr(inst, Key::kBits));
    case Opcode::kCast: return lanes_.cast(k_.type(in[0]).dtype, operands[0], type.dtype);
    case Opcode::kBitcast: return lanes_.bitcast(k_.type(in[0]).dtype, operands[0], type.dtype);
    case Opcode::kUnary: return lanes_.unary(k_.fn(inst), type.dtype, operands[0]);
    case Opcode::kBinary: return lanes_.binary(k_.fn(inst), type.dtype, operands[0], operands[1]);
    case Opcode::kCompare: return lanes_.compare(k_.fn(inst), k_.type(in[0]).dtype, operands[0], operands[1]);
    case Opcode::kFma: return lanes_.fused_multiply_add(type.dtype, operands[0], operands[1], operands[2]);
    case Opcode::kSelect: return ir_.CreateSelect(operands[0], operands[1], operands[2]);
    case Opcode::kClip: return clip(inst, at, operands[0]);
    case Opcode::kPointerAdd: {
      if (bits(type.dtype) == 4) refuse(inst, "4-bit elements have no addresses of their own: use a view");
      Value* i = lanes_.cast(k_.type(in[1]).dtype, operands[1], DType::kI64);
      return ir_.CreateGEP(lanes_.memory_type(type.dtype), operands[0], i);
    }
    case Opcode::kBroadcast:
    case Opcode::kReshape:
    case Opcode::kTranspose:
    case Opcode::kConvert: return operands[0];
    default: refuse(inst, "the CUDA target does not compute this lane by lane");
  }
}

Value* Emitter::clip(const Inst& inst, const Place& at, Value* v) {
  const auto in = k_.operands_of(inst);
  Value* is_inside = inside(views_.at(index(in[1])), in.subspan(2), at);
  return ir_.CreateSelect(is_inside, v,
                          lanes_.constant(k_.values[inst.results.begin].dtype, k_.attr(inst, Key::kFill)));
}

}  // namespace intarsia::target::nvptx
