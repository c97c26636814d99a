// Blocks in memory: buffers, and the instructions that need their operand or result to be one.
#include "base/convert.h"
#include "base/error.h"
#include "target/cpu/emitter.h"

namespace intarsia::target::cpu {

// What one element of a block is in a buffer: its register, so that nothing is converted on the way.
DType Emitter::kept_type(const Type& type) {
  if (type.kind == Type::Kind::kPointer) return DType::kI64;
  return is_float(type.dtype) && type.dtype != DType::kF64 ? DType::kF32 : type.dtype;
}

Value* Emitter::block_buffer(const Type& type) {
  return local(lanes_.memory_type(kept_type(type)), elements(type) + 64, 64);
}

// The element of a buffer of `shape` at a place; row-major.
Access Emitter::buffer_access(Value* buffer, const Type& shape, const Position& at) {
  Access out{.base = buffer, .offset = number(0), .stride = number(0)};
  std::int64_t stride = 1;
  for (std::size_t axis = shape.rank; axis-- > 0; stride *= shape.extents[axis]) {
    if (at.lane_axis == static_cast<int>(axis))
      out.stride = number(stride);
    else
      out.offset = ir_.CreateAdd(out.offset, ir_.CreateMul(at.at[axis], number(stride)));
  }
  return out;
}

Value* Emitter::from_buffer(Value* buffer, const Type& shape, const Position& at, Tile& tile) {
  Value* mask = at.lane_axis >= 0 ? tile.active : nullptr;
  return load_lanes(kept_type(shape), buffer_access(buffer, shape, at), nullptr, at, mask, nullptr, tile);
}

void Emitter::to_buffer(ValueId block, const Position& at, Value* v, Tile& tile) {
  const Type& type = k_.type(block);
  Value* mask = at.lane_axis >= 0 ? tile.active : nullptr;
  store_lanes(kept_type(type), buffer_access(held_[index(block)].buffer, type, at), nullptr, at, mask, v,
              tile);
}

// Evaluates `v` over its whole block into a buffer.
void Emitter::fill_buffer(Value* buffer, ValueId v) {
  const Type& type = k_.type(v);
  if (held_[index(v)].buffer != nullptr) {
    const std::int64_t bytes = elements(type) * element_bytes(kept_type(type));
    ir_.CreateMemCpy(buffer, llvm::MaybeAlign(64), held_[index(v)].buffer, llvm::MaybeAlign(64),
                     static_cast<std::uint64_t>(bytes));
    return;
  }
  const ValueId roots[] = {v};
  const Nest n = nest(type, roots);
  rows(n, [&](const Position& at) {
    Row row;
    row.tile.row = &row;
    prepare({v, at}, row);
    lanes(n, row, at, [&](Tile& tile, const Position& place) {
      Value* x = value({v, place}, tile);
      if (x->getType()->isPointerTy()) x = ir_.CreatePtrToInt(x, ir_.getInt64Ty());
      Value* mask = place.lane_axis >= 0 ? tile.active : nullptr;
      store_lanes(kept_type(type), buffer_access(buffer, type, place), nullptr, place, mask, x, tile);
    });
  });
}

void Emitter::keep(ValueId v) {
  Value* buffer = block_buffer(k_.type(v));
  fill_buffer(buffer, v);
  held_[index(v)].buffer = buffer;
}

// Sums were kept in f32; what leaves is what the dtype holds.
void Emitter::round_buffer(Value* buffer, const Type& type) {
  Type flat{.dtype = type.dtype, .rank = 1};
  flat.extents[0] = static_cast<std::int32_t>(elements(type));
  const Nest n = nest(flat, {});
  rows(n, [&](const Position& at) {
    Row row;
    row.tile.row = &row;
    lanes(n, row, at, [&](Tile& tile, const Position& place) {
      Value* x = lanes_.round_small(type.dtype, from_buffer(buffer, flat, place, tile));
      store_lanes(DType::kF32, buffer_access(buffer, flat, place), nullptr, place, tile.active, x, tile);
    });
  });
}

// Operands side by side along a new last axis.
void Emitter::join(const Inst& inst) {
  const auto in = k_.operands_of(inst);
  const Type& to = k_.values[inst.results.begin];
  const Type& from = k_.type(in[0]);
  Value* buffer = block_buffer(to);
  for (std::size_t o = 0; o < in.size(); ++o) {
    const ValueId roots[] = {in[o]};
    const Nest n = nest(from, roots);
    rows(n, [&](const Position& at) {
      Row row;
      row.tile.row = &row;
      prepare({in[o], at}, row);
      lanes(n, row, at, [&](Tile& tile, const Position& place) {
        Position there = place;
        there.at[from.rank] = number(static_cast<std::int64_t>(o));
        Value* mask = place.lane_axis >= 0 ? tile.active : nullptr;
        store_lanes(kept_type(to), buffer_access(buffer, to, there), nullptr, there, mask,
                    value({in[o], place}, tile), tile);
      });
    });
  }
  held_[inst.results.begin].buffer = buffer;
}

// One block for each index of the last axis.
void Emitter::split(const Inst& inst) {
  const ValueId source = k_.operands_of(inst)[0];
  for (std::uint32_t r = 0; r < inst.results.count; ++r) {
    const ValueId result = k_.result(inst, r);
    const Type& to = k_.type(result);
    const bool one = elements(to) == 1;
    if (!one) held_[index(result)].buffer = block_buffer(to);
    const ValueId roots[] = {source};
    const Nest n = nest(to, roots);
    rows(n, [&](const Position& at) {
      const auto there = [&](Position place) {
        place.at[to.rank] = number(r);
        return place;
      };
      Row row;
      row.tile.row = &row;
      prepare({source, there(at)}, row);
      lanes(n, row, at, [&](Tile& tile, const Position& place) {
        Value* x = value({source, there(place)}, tile);
        if (one)
          held_[index(result)].scalar = x;
        else
          to_buffer(result, place, x, tile);
      });
    });
  }
}

// The element at an index, which is clamped to the axis; the source is a buffer.
Value* Emitter::gather(const Inst& inst, const Request& request, Tile& tile) {
  const auto in = k_.operands_of(inst);
  const Type& from = k_.type(in[0]);
  const auto axis = static_cast<std::size_t>(k_.attr(inst, Key::kAxis));
  Value* i = lanes_.cast(k_.type(in[1]).dtype, value(operand(inst, 1, request.at), tile), DType::kI64);
  const auto limit = [&](llvm::Intrinsic::ID id, std::int64_t bound) {
    return ir_.CreateBinaryIntrinsic(id, i, lanes_.integer(i, bound));
  };
  i = limit(llvm::Intrinsic::smax, 0);
  i = limit(llvm::Intrinsic::smin, from.extents[axis] - 1);
  if (elements(from) == 1) return held_[index(in[0])].scalar;
  const DType kept = kept_type(from);
  std::int64_t stride = 1;
  Value* offset = number(0);
  for (std::size_t a = from.rank; a-- > 0; stride *= from.extents[a]) {
    Value* at = a == axis ? i : request.at.at[a];
    if (a != axis && request.at.lane_axis == static_cast<int>(a) && tile.width > 1)
      at = ir_.CreateAdd(lanes_.splat(at, tile.width), lanes_.iota(tile.width, ir_.getInt64Ty()));
    lanes_.align(offset, at);
    offset = ir_.CreateAdd(offset, ir_.CreateMul(at, lanes_.integer(at, stride)));
  }
  Value* base = ir_.CreatePtrToInt(held_[index(in[0])].buffer, ir_.getInt64Ty());
  Value* addresses = ir_.CreateAdd(lanes_.splat(base, Lanes::width(offset)),
                                   ir_.CreateMul(offset, lanes_.integer(offset, element_bytes(kept))));
  Position at = request.at;
  if (Lanes::width(addresses) == 0) at.lane_axis = -1;
  return load_lanes(kept, Access{}, addresses, at, nullptr, nullptr, tile);
}

}  // namespace intarsia::target::cpu
