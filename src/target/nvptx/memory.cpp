// Global memory in coalesced groups of neighbouring elements, and shared memory between threads.
#include <llvm/IR/IntrinsicsNVPTX.h>

#include "base/convert.h"
#include "base/error.h"
#include "target/nvptx/emitter.h"

namespace intarsia::target::nvptx {
namespace {

bool is_view_access(Opcode o) {
  return o == Opcode::kViewLoad || o == Opcode::kViewStore || o == Opcode::kViewAtomic;
}

// Which operand each access has where: pointer or view first, then what is stored, then mask or offsets.
std::size_t first_offset(Opcode o) { return o == Opcode::kViewLoad ? 1 : 2; }
std::size_t mask_operand(Opcode o) { return o == Opcode::kLoad ? 1 : 2; }

}  // namespace

// ---- one element
// ---------------------------------------------------------------------------------------------------

Value* Emitter::inside(const View& view, std::span<const ValueId> offsets, const Place& at) {
  Value* all = ir_.getTrue();
  for (std::size_t a = 0; a < offsets.size(); ++a) {
    Value* position = ir_.CreateAdd(lanes_.cast(k_.type(offsets[a]).dtype, scalar(offsets[a]), DType::kI64),
                                    wide(at.at[a]));
    all =
        ir_.CreateAnd(all, ir_.CreateICmpULT(position, view.extents[a]));  // negative positions are huge ones
  }
  return all;
}

Value* Emitter::allowed(const Inst& inst, const Place& at) {
  const auto in = k_.operands_of(inst);
  if (is_view_access(inst.opcode))
    return inside(views_.at(index(in[0])), in.subspan(first_offset(inst.opcode)), at);
  const std::size_t mask = mask_operand(inst.opcode);
  return in.size() > mask ? value(in[mask], at) : ir_.getTrue();
}

Value* Emitter::fallback(const Inst& inst, const Place& at) {
  const auto in = k_.operands_of(inst);
  const DType t = k_.values[inst.results.begin].dtype;
  if (inst.opcode == Opcode::kLoad && in.size() > 2) return value(in[2], at);
  return lanes_.constant(t, k_.attr(inst, Key::kFill));
}

// In elements of memory_type; of 4-bit dtypes the byte.
Value* Emitter::address(const Inst& inst, const Place& at) {
  const auto in = k_.operands_of(inst);
  if (!is_view_access(inst.opcode)) return value(in[0], at);
  const View& view = views_.at(index(in[0]));
  const auto offsets = in.subspan(first_offset(inst.opcode));
  Value* element = i64(0);
  for (std::size_t a = 0; a < offsets.size(); ++a) {
    Value* position = ir_.CreateAdd(lanes_.cast(k_.type(offsets[a]).dtype, scalar(offsets[a]), DType::kI64),
                                    wide(at.at[a]));
    element = ir_.CreateAdd(element, ir_.CreateMul(position, view.strides[a]));
  }
  return ir_.CreateGEP(lanes_.memory_type(k_.type(in[0]).dtype), view.base, element);
}

Value* Emitter::load_one(const Inst& inst, const Place& at, Value* is_allowed) {
  const DType t = k_.values[inst.results.begin].dtype;
  if (bits(t) == 4) refuse(inst, "4-bit elements in global memory are not supported by the CUDA target yet");
  Value* from = address(inst, at);
  const auto read = [&] {
    return lanes_.from_memory(
        t, ir_.CreateAlignedLoad(lanes_.memory_type(t), from,
                                 llvm::Align(static_cast<std::uint64_t>(element_bytes(t)))));
  };
  if (const auto* c = llvm::dyn_cast<llvm::ConstantInt>(is_allowed); c != nullptr && c->isOne())
    return read();
  Value* otherwise = fallback(inst, at);
  auto *before = ir_.GetInsertBlock(), *then = block("load"), *after = block("loaded");
  ir_.CreateCondBr(is_allowed, then, after);
  ir_.SetInsertPoint(then);
  Value* loaded = read();
  ir_.CreateBr(after);
  auto* from_block = then;
  ir_.SetInsertPoint(after);
  auto* phi = ir_.CreatePHI(loaded->getType(), 2);
  phi->addIncoming(loaded, from_block);
  phi->addIncoming(otherwise, before);
  return phi;
}

Value* Emitter::load(const Inst& inst, const Place& at) {
  const Type& type = k_.values[inst.results.begin];
  const auto v = static_cast<ValueId>(inst.results.begin);
  if (type.rank == 0 || at.slot == kNoSlot) return load_one(inst, at, allowed(inst, at));
  const Spread& s = spread(type);
  load_group(inst, type, at.slot / s.vector * s.vector);
  return known_.at({v, at});
}

// ---- groups
// --------------------------------------------------------------------------------------------------------

std::int64_t Emitter::slope(ValueId v, int axis, int depth) {
  constexpr int kMaxDepth = 48;
  const Type& type = k_.type(v);
  if (type.rank == 0) return 0;
  const Inst* inst = defining(v);
  if (inst == nullptr || depth > kMaxDepth) return kUnknownSlope;
  const auto in = k_.operands_of(*inst);
  const auto of = [&](std::size_t n, int a) { return slope(in[n], a, depth + 1); };
  switch (inst->opcode) {
    case Opcode::kConstant: return 0;
    case Opcode::kArange: return 1;
    case Opcode::kBroadcast: {
      const Type& from = k_.type(in[0]);
      const bool stretched = from.rank == 0 || (from.extents[static_cast<std::size_t>(axis)] == 1 &&
                                                type.extents[static_cast<std::size_t>(axis)] != 1);
      return stretched ? 0 : of(0, axis);
    }
    case Opcode::kTranspose: return of(0, static_cast<int>(k_.attr(*inst, Key::kOrder) >> (4 * axis) & 15));
    case Opcode::kReshape: {
      const Type& from = k_.type(in[0]);
      int place = 0;  // of this axis among those longer than 1
      for (int a = 0; a < axis; ++a) place += type.extents[static_cast<std::size_t>(a)] != 1;
      std::vector<std::int32_t> mine, theirs;
      for (const std::int32_t e : type.shape())
        if (e != 1) mine.push_back(e);
      for (const std::int32_t e : from.shape())
        if (e != 1) theirs.push_back(e);
      if (mine != theirs) return kUnknownSlope;
      for (int a = 0; a < from.rank; ++a)
        if (from.extents[static_cast<std::size_t>(a)] != 1 && place-- == 0) return of(0, a);
      return kUnknownSlope;
    }
    case Opcode::kCast:
      return is_int(type.dtype) && is_int(k_.type(in[0]).dtype) ? of(0, axis) : kUnknownSlope;
    default: break;
  }
  if (!is_elementwise(inst->opcode)) return kUnknownSlope;
  std::vector<std::int64_t> slopes;
  for (std::size_t n = 0; n < in.size(); ++n) {
    slopes.push_back(of(n, axis));
    if (slopes.back() == kUnknownSlope) return kUnknownSlope;
  }
  if (inst->opcode == Opcode::kPointerAdd) return slopes[0] + slopes[1];
  if (inst->opcode == Opcode::kBinary && k_.fn(*inst) == kernel::Fn::kAdd) return slopes[0] + slopes[1];
  if (inst->opcode == Opcode::kBinary && k_.fn(*inst) == kernel::Fn::kSub) return slopes[0] - slopes[1];
  for (const std::int64_t s : slopes)
    if (s != 0) return kUnknownSlope;
  return 0;
}

bool Emitter::runs_along_lanes(const Inst& inst, const Type& type) {
  const Spread& s = spread(type);
  const int last = type.rank - 1;
  if (s.vector == 1 || bits(type.dtype) == 4 || type.extents[static_cast<std::size_t>(last)] % s.vector != 0)
    return false;
  const ValueId target = k_.operands_of(inst)[0];
  if (!is_view_access(inst.opcode)) return slope(target, last) == 1;
  const auto* stride =
      llvm::dyn_cast<llvm::ConstantInt>(views_.at(index(target)).strides[static_cast<std::size_t>(last)]);
  return stride != nullptr && stride->isOne();
}

void Emitter::load_group(const Inst& inst, const Type& type, int first_slot) {
  const Spread& s = spread(type);
  const auto v = static_cast<ValueId>(inst.results.begin);
  const auto width = static_cast<std::size_t>(s.vector);
  std::vector<Place> places;
  std::vector<Value*> is_allowed;
  Value* all = ir_.getTrue();
  for (std::size_t j = 0; j < width; ++j) {
    const int slot = first_slot + static_cast<int>(j);
    places.push_back(own(type, slot));
    is_allowed.push_back(ir_.CreateAnd(allowed(inst, places[j]), active(type, slot)));
    all = ir_.CreateAnd(all, is_allowed[j]);
  }
  if (!runs_along_lanes(inst, type)) {
    for (std::size_t j = 0; j < width; ++j) known_[{v, places[j]}] = load_one(inst, places[j], is_allowed[j]);
    return;
  }
  const std::int64_t bytes = std::min<std::int64_t>(16, s.vector * element_bytes(type.dtype));
  llvm::Type* memory = lanes_.memory_type(type.dtype);
  for (std::size_t j = 0; j < width; ++j)
    (void)fallback(inst, places[j]);  // before the branch, where both sides see it
  Value* from = address(inst, places[0]);
  Value* aligned =
      ir_.CreateICmpEQ(ir_.CreateAnd(ir_.CreatePtrToInt(from, ir_.getInt64Ty()), i64(bytes - 1)), i64(0));
  auto *fast = block("vector"), *slow = block("single"), *after = block("loaded");
  ir_.CreateCondBr(ir_.CreateAnd(all, aligned), fast, slow);
  ir_.SetInsertPoint(fast);
  Value* packed = ir_.CreateAlignedLoad(llvm::FixedVectorType::get(memory, static_cast<unsigned>(width)),
                                        from, llvm::Align(static_cast<std::uint64_t>(bytes)));
  std::vector<Value*> quick, single;
  for (std::size_t j = 0; j < width; ++j)
    quick.push_back(lanes_.from_memory(type.dtype, ir_.CreateExtractElement(packed, j)));
  ir_.CreateBr(after);
  ir_.SetInsertPoint(slow);
  const auto outside = known_;
  for (std::size_t j = 0; j < width; ++j) single.push_back(load_one(inst, places[j], is_allowed[j]));
  known_ = outside;
  auto* slow_end = ir_.GetInsertBlock();
  ir_.CreateBr(after);
  ir_.SetInsertPoint(after);
  for (std::size_t j = 0; j < width; ++j) {
    auto* phi = ir_.CreatePHI(quick[j]->getType(), 2);
    phi->addIncoming(quick[j], fast);
    phi->addIncoming(single[j], slow_end);
    known_[{v, places[j]}] = phi;
  }
}

void Emitter::store(const Inst& inst) {
  const ValueId v = k_.operands_of(inst)[1];
  const Type& type = k_.type(v);
  if (bits(type.dtype) == 4)
    refuse(inst, "4-bit elements in global memory are not supported by the CUDA target yet");
  if (type.rank == 0) {
    Value* stored = lanes_.to_memory(type.dtype, scalar(v));
    Value* is_allowed = ir_.CreateAnd(allowed(inst, {}), ir_.CreateICmpEQ(thread_, i32(0)));
    Value* to = address(inst, {});
    when(is_allowed, [&] {
      ir_.CreateAlignedStore(stored, to, llvm::Align(static_cast<std::uint64_t>(element_bytes(type.dtype))));
    });
  } else {
    const Spread& s = spread(type);
    for (int r = 0; r < s.slots; r += s.vector) store_group(inst, v, type, r);
  }
  const std::uint32_t param = root_parameter(k_, plan_, k_.operands_of(inst)[0]);
  if (param == kNone || plan_.read_after_write[param]) barrier();
}

void Emitter::store_group(const Inst& inst, ValueId v, const Type& type, int first_slot) {
  const Spread& s = spread(type);
  const auto width = static_cast<std::size_t>(s.vector);
  const auto single_alignment = llvm::Align(static_cast<std::uint64_t>(element_bytes(type.dtype)));
  std::vector<Place> places;
  std::vector<Value*> stored, is_allowed;
  Value* all = ir_.getTrue();
  for (std::size_t j = 0; j < width; ++j) {
    const int slot = first_slot + static_cast<int>(j);
    places.push_back(own(type, slot));
    stored.push_back(lanes_.to_memory(type.dtype, value(v, places[j])));
    is_allowed.push_back(ir_.CreateAnd(allowed(inst, places[j]), active(type, slot)));
    all = ir_.CreateAnd(all, is_allowed[j]);
  }
  const auto one_by_one = [&] {
    for (std::size_t j = 0; j < width; ++j) {
      Value* to = address(inst, places[j]);
      when(is_allowed[j], [&] { ir_.CreateAlignedStore(stored[j], to, single_alignment); });
    }
  };
  if (!runs_along_lanes(inst, type)) return one_by_one();
  const std::int64_t bytes = std::min<std::int64_t>(16, s.vector * element_bytes(type.dtype));
  Value* to = address(inst, places[0]);
  Value* aligned =
      ir_.CreateICmpEQ(ir_.CreateAnd(ir_.CreatePtrToInt(to, ir_.getInt64Ty()), i64(bytes - 1)), i64(0));
  Value* packed = llvm::PoisonValue::get(
      llvm::FixedVectorType::get(lanes_.memory_type(type.dtype), static_cast<unsigned>(width)));
  for (std::size_t j = 0; j < width; ++j) packed = ir_.CreateInsertElement(packed, stored[j], j);
  auto *fast = block("vector"), *slow = block("single"), *after = block("stored");
  ir_.CreateCondBr(ir_.CreateAnd(all, aligned), fast, slow);
  ir_.SetInsertPoint(fast);
  ir_.CreateAlignedStore(packed, to, llvm::Align(static_cast<std::uint64_t>(bytes)));
  ir_.CreateBr(after);
  ir_.SetInsertPoint(slow);
  const auto outside = known_;
  one_by_one();
  known_ = outside;
  ir_.CreateBr(after);
  ir_.SetInsertPoint(after);
}

void Emitter::atomic(const Inst& inst) {
  const auto in = k_.operands_of(inst);
  const ValueId v = in[1];
  const Type& type = k_.type(v);
  const DType t = type.dtype;
  const auto operation = [&]() -> llvm::AtomicRMWInst::BinOp {
    const bool real = is_float(t), is_signed = is_signed_int(t);
    switch (k_.fn(inst)) {
      case kernel::Fn::kAdd: return real ? llvm::AtomicRMWInst::FAdd : llvm::AtomicRMWInst::Add;
      case kernel::Fn::kAnd: return llvm::AtomicRMWInst::And;
      case kernel::Fn::kOr: return llvm::AtomicRMWInst::Or;
      case kernel::Fn::kXor: return llvm::AtomicRMWInst::Xor;
      case kernel::Fn::kExchange: return llvm::AtomicRMWInst::Xchg;
      case kernel::Fn::kMax:
        if (!real) return is_signed ? llvm::AtomicRMWInst::Max : llvm::AtomicRMWInst::UMax;
        break;
      case kernel::Fn::kMin:
        if (!real) return is_signed ? llvm::AtomicRMWInst::Min : llvm::AtomicRMWInst::UMin;
        break;
      default: break;
    }
    refuse(inst, "no atomic " + std::string(text_of(k_.fn(inst))) + " of " + std::string(name(t)));
  }();
  if (bits(t) < 32) refuse(inst, "atomics need 32 or 64 bits, this is " + std::string(name(t)));
  const auto one = [&](const Place& at, Value* is_allowed) {
    Value *operand = lanes_.to_memory(t, value(v, at)), *to = address(inst, at);
    auto *before = ir_.GetInsertBlock(), *then = block("atomic"), *after = block("done");
    ir_.CreateCondBr(is_allowed, then, after);
    ir_.SetInsertPoint(then);
    Value* old =
        ir_.CreateAtomicRMW(operation, to, operand, llvm::MaybeAlign(), llvm::AtomicOrdering::Monotonic);
    ir_.CreateBr(after);
    ir_.SetInsertPoint(after);
    auto* phi = ir_.CreatePHI(old->getType(), 2);
    phi->addIncoming(old, then);
    phi->addIncoming(llvm::Constant::getNullValue(old->getType()), before);
    return lanes_.from_memory(t, phi);
  };
  const auto result = static_cast<ValueId>(inst.results.begin);
  if (type.rank == 0) {  // one thread does it and tells the others
    Value* old = one({}, ir_.CreateAnd(allowed(inst, {}), ir_.CreateICmpEQ(thread_, i32(0))));
    auto* told = scratch(lanes_.memory_type(t), 1, "old");
    barrier();
    when(ir_.CreateICmpEQ(thread_, i32(0)), [&] { ir_.CreateStore(lanes_.to_memory(t, old), told); });
    barrier();
    scalars_[index(result)] = lanes_.from_memory(t, ir_.CreateLoad(lanes_.memory_type(t), told));
    return;
  }
  std::vector<Value*> old;
  for (int r = 0; r < spread(type).slots; ++r) {
    const Place at = own(type, r);
    old.push_back(one(at, ir_.CreateAnd(allowed(inst, at), active(type, r))));
  }
  hold(result, old);
}

// ---- shared memory
// -------------------------------------------------------------------------------------------------

llvm::GlobalVariable* Emitter::scratch(llvm::Type* element, std::int64_t elements, const std::string& name) {
  constexpr std::int64_t kAlignment = 16;
  auto* type = llvm::ArrayType::get(element, static_cast<std::uint64_t>(elements));
  auto* memory = new llvm::GlobalVariable(module_, type, false, llvm::GlobalValue::InternalLinkage,
                                          llvm::PoisonValue::get(type), k_.name + "_" + name, nullptr,
                                          llvm::GlobalValue::NotThreadLocal, 3);
  memory->setAlignment(llvm::Align(kAlignment));
  const auto bytes = static_cast<std::int64_t>(module_.getDataLayout().getTypeAllocSize(type));
  shared_bytes_ += (bytes + kAlignment - 1) / kAlignment * kAlignment;
  if (shared_bytes_ > kStaticShared)
    throw Unsupported(k_.name + ": needs more than the " + std::to_string(kStaticShared) +
                      " bytes of static shared memory of " + std::string(facts_.name) +
                      "; make its blocks smaller");
  return memory;
}

Shared& Emitter::shared(ValueId v) {
  Shared& s = shared_[index(v)];
  if (s.memory == nullptr)
    s.memory =
        scratch(lanes_.memory_type(k_.type(v).dtype), count(k_.type(v)), "v" + std::to_string(index(v)));
  return s;
}

void Emitter::barrier() {
  ir_.CreateIntrinsic(ir_.getVoidTy(), llvm::Intrinsic::nvvm_barrier_cta_sync_aligned_all, {i32(0)});
}

void Emitter::publish(ValueId v) {
  const Type& type = k_.type(v);
  const auto registers = held(v);
  Shared& s = shared(v);
  llvm::Type* memory = lanes_.memory_type(type.dtype);
  barrier();  // nobody still reads what stood here
  for (int r = 0; r < spread(type).slots; ++r) {
    Value* stored = lanes_.to_memory(type.dtype, registers[static_cast<std::size_t>(r)]);
    Value* to = ir_.CreateGEP(memory, s.memory, element_of(type, own(type, r)));
    when(active(type, r), [&] { ir_.CreateStore(stored, to); });
  }
  barrier();
}

Value* Emitter::read_shared(ValueId v, const Place& at) {
  const Type& type = k_.type(v);
  llvm::Type* memory = lanes_.memory_type(type.dtype);
  return lanes_.from_memory(
      type.dtype, ir_.CreateLoad(memory, ir_.CreateGEP(memory, shared(v).memory, element_of(type, at))));
}

}  // namespace intarsia::target::nvptx
