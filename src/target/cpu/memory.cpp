// Loads and stores of lanes: contiguous, repeated, strided or scattered; whole or masked.
#include "base/convert.h"
#include "base/error.h"
#include "target/cpu/emitter.h"

namespace intarsia::target::cpu {
namespace {

bool is_number(const Value* v, std::int64_t n) {
  const auto* constant = llvm::dyn_cast<llvm::ConstantInt>(v);
  return constant != nullptr && constant->getSExtValue() == n;
}

}  // namespace

Value* Emitter::lane_coordinate(const Position& at) {
  return at.lane_axis < 0 ? number(0) : at.at[static_cast<std::size_t>(at.lane_axis)];
}

// Lanes of the tile that a bound and the block's own end leave; null: all of them.
Value* Emitter::lanes_inside(const Access& access, const Position& at, Tile& tile) {
  if (tile.inside && at.lane_axis >= 0) return nullptr;
  Value* mask = at.lane_axis >= 0 ? tile.active : nullptr;
  const auto add = [&](Value* condition) {
    mask = mask == nullptr ? condition : ir_.CreateAnd(mask, condition);
  };
  Value* c = lane_coordinate(at);
  if (at.lane_axis < 0 || tile.width == 1) {
    if (access.high != nullptr) add(ir_.CreateICmpSLT(c, access.high));
    if (access.low != nullptr) add(ir_.CreateICmpSGE(c, access.low));
    return mask;
  }
  Value* lane = lanes_.iota(tile.width, ir_.getInt32Ty());
  const auto from = [&](Value* end) {
    Value* distance = clamp(ir_.CreateSub(end, c), number(tile.width));
    return lanes_.splat(ir_.CreateTrunc(distance, ir_.getInt32Ty()), tile.width);
  };
  if (access.high != nullptr) add(ir_.CreateICmpULT(lane, from(access.high)));
  if (access.low != nullptr) add(ir_.CreateICmpUGE(lane, from(access.low)));
  return mask;
}

Value* Emitter::address(DType t, const Access& access, Value* coordinate) {
  Value* start = ir_.CreateGEP(lanes_.memory_type(t), access.base, access.offset);
  return ir_.CreateGEP(lanes_.memory_type(t), start, ir_.CreateMul(coordinate, access.stride));
}

Value* Emitter::lane_addresses(DType t, const Access& access, Value* addresses, const Position& at,
                               Tile& tile) {
  if (access.base == nullptr) {
    llvm::Type* type = Lanes::shaped(ir_.getPtrTy(), tile.width);
    return ir_.CreateIntToPtr(lanes_.splat(addresses, tile.width), type);
  }
  Value* lane = lanes_.iota(tile.width, ir_.getInt64Ty());
  Value* steps = ir_.CreateMul(lane, lanes_.splat(access.stride, tile.width));
  return ir_.CreateGEP(lanes_.memory_type(t), address(t, access, lane_coordinate(at)), steps);
}

Value* Emitter::load_scalar(DType t, const Access& access, Value* addresses, const Position& at) {
  if (!access.packed) {
    Value* place = access.base == nullptr ? ir_.CreateIntToPtr(addresses, ir_.getPtrTy())
                                          : address(t, access, lane_coordinate(at));
    return lanes_.from_memory(t, ir_.CreateLoad(lanes_.memory_type(t), place));
  }
  Value* element = ir_.CreateAdd(access.offset, ir_.CreateMul(lane_coordinate(at), access.stride));
  Value* place = ir_.CreateGEP(ir_.getInt8Ty(), access.base, ir_.CreateAShr(element, number(1)));
  Value* by =
      ir_.CreateShl(ir_.CreateTrunc(ir_.CreateAnd(element, number(1)), ir_.getInt8Ty()), ir_.getInt8(2));
  return lanes_.from_memory(t, ir_.CreateLShr(ir_.CreateLoad(ir_.getInt8Ty(), place), by));
}

Value* Emitter::load_lanes(DType t, const Access& access, Value* addresses, const Position& at, Value* mask,
                           Value* other, Tile& tile) {
  Value* nothing = other != nullptr ? other : llvm::Constant::getNullValue(lanes_.register_type(t));
  if (tile.width == 1 || at.lane_axis < 0) {
    if (mask == nullptr) return load_scalar(t, access, addresses, at);
    auto* before = ir_.GetInsertBlock();
    Value* loaded = nullptr;
    llvm::BasicBlock* inside = nullptr;
    const bool always = is_number(mask, 1) || is_number(mask, -1);
    when(mask, [&] { loaded = load_scalar(t, access, addresses, at), inside = ir_.GetInsertBlock(); });
    if (loaded == nullptr || always) return always ? loaded : nothing;
    auto* result = ir_.CreatePHI(loaded->getType(), 2);
    result->addIncoming(nothing, before);
    result->addIncoming(loaded, inside);
    return result;
  }
  check(!access.packed, "4-bit elements are taken one by one");
  llvm::Type* memory = Lanes::shaped(lanes_.memory_type(t), tile.width);
  const llvm::Align align(static_cast<std::uint64_t>(element_bytes(t)));
  if (mask != nullptr) mask = lanes_.splat(mask, tile.width);
  if (access.base != nullptr && is_number(access.stride, 0)) {
    Value* any = mask == nullptr ? nullptr : ir_.CreateOrReduce(mask);
    Position one = at;
    one.lane_axis = -1;
    Value* v = load_lanes(t, access, nullptr, one, any, nullptr, tile);
    return mask == nullptr
               ? v
               : ir_.CreateSelect(mask, lanes_.splat(v, tile.width), lanes_.splat(nothing, tile.width));
  }
  Value* rest = mask == nullptr ? nullptr : lanes_.to_memory(t, lanes_.splat(nothing, tile.width));
  if (access.base != nullptr && is_number(access.stride, 1)) {
    Value* place = address(t, access, lane_coordinate(at));
    if (mask == nullptr) return lanes_.from_memory(t, ir_.CreateAlignedLoad(memory, place, align));
    return lanes_.from_memory(t, ir_.CreateMaskedLoad(memory, place, align, mask, rest));
  }
  if (mask == nullptr) mask = lanes_.splat(ir_.getTrue(), tile.width);
  Value* places = lane_addresses(t, access, addresses, at, tile);
  return lanes_.from_memory(t, ir_.CreateMaskedGather(memory, places, align, mask, rest));
}

void Emitter::store_scalar(DType t, const Access& access, Value* addresses, const Position& at, Value* v) {
  if (!access.packed) {
    Value* place = access.base == nullptr ? ir_.CreateIntToPtr(addresses, ir_.getPtrTy())
                                          : address(t, access, lane_coordinate(at));
    ir_.CreateStore(lanes_.to_memory(t, v), place);
    return;
  }
  Value* element = ir_.CreateAdd(access.offset, ir_.CreateMul(lane_coordinate(at), access.stride));
  Value* place = ir_.CreateGEP(ir_.getInt8Ty(), access.base, ir_.CreateAShr(element, number(1)));
  Value* by =
      ir_.CreateShl(ir_.CreateTrunc(ir_.CreateAnd(element, number(1)), ir_.getInt8Ty()), ir_.getInt8(2));
  Value* kept = ir_.CreateAnd(ir_.CreateLoad(ir_.getInt8Ty(), place),
                              ir_.CreateNot(ir_.CreateShl(ir_.getInt8(15), by)));
  ir_.CreateStore(ir_.CreateOr(kept, ir_.CreateShl(lanes_.to_memory(t, v), by)), place);
}

void Emitter::store_lanes(DType t, const Access& access, Value* addresses, const Position& at, Value* mask,
                          Value* v, Tile& tile) {
  if (tile.width == 1 || at.lane_axis < 0)
    return when(mask == nullptr ? ir_.getTrue() : mask, [&] { store_scalar(t, access, addresses, at, v); });
  const llvm::Align align(static_cast<std::uint64_t>(element_bytes(t)));
  Value* bits = lanes_.to_memory(t, lanes_.splat(v, tile.width));
  if (mask != nullptr) mask = lanes_.splat(mask, tile.width);
  if (access.base != nullptr && is_number(access.stride, 1)) {
    Value* place = address(t, access, lane_coordinate(at));
    if (mask == nullptr && tile.streams) {
      const auto bytes = static_cast<std::uint64_t>(tile.width * element_bytes(t));
      auto* one = llvm::ConstantAsMetadata::get(ir_.getInt32(1));
      ir_.CreateAlignedStore(bits, place, llvm::Align(bytes))
          ->setMetadata(llvm::LLVMContext::MD_nontemporal, llvm::MDNode::get(module_.getContext(), one));
    } else if (mask == nullptr)
      ir_.CreateAlignedStore(bits, place, align);
    else
      ir_.CreateMaskedStore(bits, place, align, mask);
    return;
  }
  if (mask == nullptr) mask = lanes_.splat(ir_.getTrue(), tile.width);
  ir_.CreateMaskedScatter(bits, lane_addresses(t, access, addresses, at, tile), align, mask);
}

// Conditions that bounds could not express, and'ed to the bounds.
Value* Emitter::access_mask(const Access& access, const Position& at, Tile& tile) {
  Value* mask = lanes_inside(access, at, tile);
  for (Request condition : access.conditions) {
    if (condition.at.lane_axis >= 0)
      condition.at.at[static_cast<std::size_t>(condition.at.lane_axis)] = lane_coordinate(at);
    Value* holds = value(condition, tile);
    if (mask == nullptr) {
      mask = holds;
      continue;
    }
    lanes_.align(mask, holds);
    mask = ir_.CreateAnd(mask, holds);
  }
  return mask;
}

Value* Emitter::load(const Inst& inst, const Request& request, Tile& tile) {
  const auto in = k_.operands_of(inst);
  const DType t = k_.type(request.value).dtype;
  const Access& a = access(plan_.definition[index(request.value)], request.at, *tile.row);
  Value* mask = access_mask(a, request.at, tile);
  Value* fill = lanes_.constant(t, k_.attr(inst, Key::kFill));
  if (inst.opcode == Opcode::kClip) {
    Value* v = value(operand(inst, 0, request.at), tile);
    if (mask == nullptr) return v;
    const int width = std::max(Lanes::width(v), Lanes::width(mask));
    return ir_.CreateSelect(mask, lanes_.splat(v, width), lanes_.splat(fill, width));
  }
  if (inst.opcode == Opcode::kViewLoad) return load_lanes(t, a, nullptr, request.at, mask, fill, tile);
  Value* addresses = a.base == nullptr ? value({in[0], request.at}, tile) : nullptr;
  Value* other = mask != nullptr && in.size() > 2 ? value(operand(inst, 2, request.at), tile) : nullptr;
  return load_lanes(t, a, addresses, request.at, mask, other, tile);
}

void Emitter::store(std::uint32_t id, const Position& at, Tile& tile) {
  const Inst& inst = k_.insts[id];
  const auto in = k_.operands_of(inst);
  const Access& a = access(id, at, *tile.row);
  Value* v = value({in[1], k_.type(in[1]).rank == 0 ? Position{} : at}, tile);
  Value* addresses = a.base == nullptr ? value({in[0], at}, tile) : nullptr;
  Value* mask = access_mask(a, at, tile);
  store_lanes(k_.type(in[1]).dtype, a, addresses, at, mask, v, tile);
}

}  // namespace intarsia::target::cpu
