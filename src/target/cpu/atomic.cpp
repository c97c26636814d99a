// Atomic updates, one element after the other.
#include "base/convert.h"
#include "base/error.h"
#include "target/cpu/emitter.h"

namespace intarsia::target::cpu {
namespace {

std::optional<llvm::AtomicRMWInst::BinOp> instruction_for(Fn fn, DType t) {
  using Op = llvm::AtomicRMWInst::BinOp;
  if (fn == Fn::kExchange) return Op::Xchg;
  if (!is_int(t) || bits(t) == 4) return std::nullopt;
  const bool is_signed = is_signed_int(t);
  switch (fn) {
    case Fn::kAdd: return Op::Add;
    case Fn::kAnd: return Op::And;
    case Fn::kOr: return Op::Or;
    case Fn::kXor: return Op::Xor;
    case Fn::kMin:
    case Fn::kMinNum: return is_signed ? Op::Min : Op::UMin;
    case Fn::kMax:
    case Fn::kMaxNum: return is_signed ? Op::Max : Op::UMax;
    default: return std::nullopt;
  }
}

}  // namespace

void Emitter::atomic(std::uint32_t id) {
  const Inst& inst = k_.insts[id];
  const auto in = k_.operands_of(inst);
  const ValueId result = k_.result(inst);
  const Type& space = k_.type(result);
  if (bits(space.dtype) == 4) refuse(inst, "4-bit elements cannot be updated atomically");
  const bool one = elements(space) == 1;
  if (!one) held_[index(result)].buffer = block_buffer(space);
  const std::size_t values = k_.fn(inst) == Fn::kCompareExchange ? 2 : 1;
  Nest n = nest(space, in.subspan(1, 1));
  n.width = 1, n.unroll = 1;
  rows(n, [&](const Position& at) {
    Row row;
    row.tile.row = &row;
    const Access& a = access(id, at, row);
    for (const Request& condition : std::vector<Request>(a.conditions)) prepare(condition, row);
    if (a.base == nullptr) prepare({in[0], at}, row);
    for (std::size_t v = 1; v <= values; ++v) prepare({in[v], at}, row);
    lanes(n, row, at, [&](Tile& tile, const Position& place) {
      std::vector<Value*> operands;
      for (std::size_t v = 1; v <= values; ++v) operands.push_back(value({in[v], place}, tile));
      Value* old = update(inst, access(id, place, row), place, operands, tile);
      if (one)
        held_[index(result)].scalar = old;
      else
        to_buffer(result, place, old, tile);
    });
  });
}

// The old value; 0 where the lane takes no part.
Value* Emitter::update(const Inst& inst, const Access& a, const Position& at,
                       const std::vector<Value*>& operands, Tile& tile) {
  const DType t = k_.values[inst.results.begin].dtype;
  Value* mask = access_mask(a, at, tile);
  Value* cell = local(lanes_.register_type(t), 1, 8);
  ir_.CreateStore(llvm::Constant::getNullValue(lanes_.register_type(t)), cell);
  Value* addresses = a.base == nullptr ? value({k_.operands_of(inst)[0], at}, tile) : nullptr;
  when(mask == nullptr ? ir_.getTrue() : mask, [&] {
    Value* place = addresses != nullptr ? ir_.CreateIntToPtr(addresses, ir_.getPtrTy())
                                        : address(t, a, lane_coordinate(at));
    ir_.CreateStore(exchange(inst, t, place, operands), cell);
  });
  return ir_.CreateLoad(lanes_.register_type(t), cell);
}

Value* Emitter::exchange(const Inst& inst, DType t, Value* place, const std::vector<Value*>& operands) {
  constexpr auto kOrder = llvm::AtomicOrdering::SequentiallyConsistent;
  const Fn fn = k_.fn(inst);
  llvm::Type* word = ir_.getIntNTy(static_cast<unsigned>(lanes_.memory_type(t)->getPrimitiveSizeInBits()));
  const auto to_word = [&](Value* v) { return ir_.CreateBitCast(lanes_.to_memory(t, v), word); };
  const auto from_word = [&](Value* v) {
    return lanes_.from_memory(t, ir_.CreateBitCast(v, lanes_.memory_type(t)));
  };
  if (const auto op = instruction_for(fn, t))
    return from_word(ir_.CreateAtomicRMW(*op, place, to_word(operands[0]), llvm::MaybeAlign(), kOrder));
  if (fn == Fn::kCompareExchange) {
    Value* both = ir_.CreateAtomicCmpXchg(place, to_word(operands[0]), to_word(operands[1]),
                                          llvm::MaybeAlign(), kOrder, kOrder);
    return from_word(ir_.CreateExtractValue(both, 0));
  }
  auto* before = ir_.GetInsertBlock();
  Value* first = ir_.CreateLoad(word, place);
  auto* again = llvm::BasicBlock::Create(module_.getContext(), "again", function_);
  auto* after = llvm::BasicBlock::Create(module_.getContext(), "done", function_);
  ir_.CreateBr(again);
  ir_.SetInsertPoint(again);
  auto* old = ir_.CreatePHI(word, 2);
  old->addIncoming(first, before);
  Value* wanted = to_word(lanes_.binary(fn, t, from_word(old), operands[0]));
  Value* both = ir_.CreateAtomicCmpXchg(place, old, wanted, llvm::MaybeAlign(), kOrder, kOrder);
  old->addIncoming(ir_.CreateExtractValue(both, 0), ir_.GetInsertBlock());
  ir_.CreateCondBr(ir_.CreateExtractValue(both, 1), after, again);
  ir_.SetInsertPoint(after);
  return from_word(old);
}

}  // namespace intarsia::target::cpu
