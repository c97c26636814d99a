// What threads compute together: reductions, scans, products.
#include <llvm/IR/IntrinsicsNVPTX.h>

#include <bit>

#include "base/error.h"
#include "target/nvptx/emitter.h"

namespace intarsia::target::nvptx {

// ---- combining two
// ---------------------------------------------------------------------------------------------------

Emitter::Parts Emitter::combine(const Inst& inst, const Parts& a, const Parts& b) {
  if (inst.regions.count == 0)
    return {lanes_.binary(k_.fn(inst), k_.type(k_.operands_of(inst)[0]).dtype, a[0], b[0])};
  const RegionId id = k_.regions_of(inst)[0];
  const auto& params = k_.regions[index(id)].params;
  const auto known = known_;
  const auto scalars = scalars_;  // the region's values are new each time it is used
  for (std::size_t n = 0; n < params.size(); ++n)
    scalars_[index(params[n])] = n < a.size() ? a[n] : b[n - a.size()];
  region_results_.clear();
  region(id);
  Parts out = region_results_;
  known_ = known;
  scalars_ = scalars;
  return out;
}

Emitter::Parts Emitter::combine_valid(const Inst& inst, const Parts& a, Value*& a_valid, const Parts& b,
                                      Value* b_valid) {
  Parts both = combine(inst, a, b);
  for (std::size_t n = 0; n < both.size(); ++n)
    both[n] =
        ir_.CreateSelect(ir_.CreateAnd(a_valid, b_valid), both[n], ir_.CreateSelect(a_valid, a[n], b[n]));
  a_valid = ir_.CreateOr(a_valid, b_valid);
  return both;
}

Emitter::Parts Emitter::parts_at(const Inst& inst, const Place& at) {
  Parts out;
  for (const ValueId v : k_.operands_of(inst)) out.push_back(value(v, at));
  return out;
}

Value* Emitter::shuffle_xor(Value* v, int mask) {
  llvm::Type* type = v->getType();
  const unsigned width = type->getPrimitiveSizeInBits();
  Value* word = type->isFloatingPointTy() ? ir_.CreateBitCast(v, ir_.getIntNTy(width)) : v;
  const auto move = [&](Value* w) -> Value* {
    return ir_.CreateIntrinsic(llvm::Intrinsic::nvvm_shfl_sync_bfly_i32, {},
                               {i32(-1), w, i32(mask), i32(31)});
  };
  Value* moved;
  if (width == 64) {
    Value* low = move(ir_.CreateTrunc(word, ir_.getInt32Ty()));
    Value* high = move(ir_.CreateTrunc(ir_.CreateLShr(word, 32), ir_.getInt32Ty()));
    moved = ir_.CreateOr(ir_.CreateZExt(low, ir_.getInt64Ty()),
                         ir_.CreateShl(ir_.CreateZExt(high, ir_.getInt64Ty()), 32));
  } else {
    moved = ir_.CreateTrunc(move(ir_.CreateZExt(word, ir_.getInt32Ty())), word->getType());
  }
  return type->isFloatingPointTy() ? ir_.CreateBitCast(moved, type) : moved;
}

// All of `lanes` neighbouring lanes get what they make together.
void Emitter::shuffle_combine(const Inst& inst, Parts& own, Value*& valid, int lanes) {
  for (int mask = 1; mask < lanes; mask *= 2) {
    Parts other;
    for (Value* v : own) other.push_back(shuffle_xor(v, mask));
    Value* other_valid = llvm::isa<llvm::ConstantInt>(valid) ? valid : shuffle_xor(valid, mask);
    own = combine_valid(inst, own, valid, other, other_valid);
  }
}

// ---- reductions
// ----------------------------------------------------------------------------------------------------

void Emitter::reduce(const Inst& inst) {
  if (count(k_.values[inst.results.begin]) == 1) return reduce_block(inst);
  reduce_lines(inst);
}

// To one value: own elements, then lanes, then warps through shared memory, and every thread has it.
void Emitter::reduce_block(const Inst& inst) {
  const Type& type = k_.type(k_.operands_of(inst)[0]);
  Parts own_parts;
  Value* valid = nullptr;
  for (int r = 0; r < spread(type).slots; ++r) {
    const Parts here = parts_at(inst, own(type, r));
    if (valid == nullptr)
      own_parts = here, valid = active(type, r);
    else
      own_parts = combine_valid(inst, own_parts, valid, here, active(type, r));
  }
  shuffle_combine(inst, own_parts, valid, 32);
  if (k_.warps > 1) {
    const std::int64_t warps = k_.warps;
    std::vector<llvm::GlobalVariable*> areas;
    Parts stored = own_parts;
    stored.push_back(valid);
    std::vector<llvm::Type*> types;
    for (Value*& v : stored) {
      if (v->getType()->isIntegerTy(1)) v = ir_.CreateZExt(v, ir_.getInt8Ty());
      types.push_back(v->getType());
      areas.push_back(
          scratch(v->getType(), warps,
                  "reduce" + std::to_string(inst.results.begin) + "_" + std::to_string(areas.size())));
    }
    Value* warp = ir_.CreateLShr(thread_, 5);
    barrier();
    when(ir_.CreateICmpEQ(lane_, i32(0)), [&] {
      for (std::size_t n = 0; n < stored.size(); ++n)
        ir_.CreateStore(stored[n], ir_.CreateGEP(types[n], areas[n], warp));
    });
    barrier();
    const auto read = [&](std::int64_t w, Parts& parts, Value*& is_valid) {
      parts.clear();
      for (std::size_t n = 0; n < stored.size(); ++n) {
        Value* v = ir_.CreateLoad(types[n], ir_.CreateGEP(types[n], areas[n], i32(w)));
        const bool flag = n + 1 == stored.size() || own_parts[n]->getType()->isIntegerTy(1);
        if (flag) v = ir_.CreateICmpNE(v, llvm::ConstantInt::get(types[n], 0));
        if (n + 1 == stored.size())
          is_valid = v;
        else
          parts.push_back(v);
      }
    };
    Parts total;
    Value* total_valid = nullptr;
    read(0, total, total_valid);
    for (std::int64_t w = 1; w < warps; ++w) {
      Parts other;
      Value* other_valid = nullptr;
      read(w, other, other_valid);
      total = combine_valid(inst, total, total_valid, other, other_valid);
    }
    own_parts = total;
  }
  for (std::uint32_t n = 0; n < inst.results.count; ++n) scalars_[inst.results.begin + n] = own_parts[n];
}

// To many values: a few lanes for each, over elements wherever they are; the results stand in shared memory.
void Emitter::reduce_lines(const Inst& inst) {
  const Type& type = k_.type(k_.operands_of(inst)[0]);
  const Type& result = k_.values[inst.results.begin];
  const auto axis = static_cast<std::size_t>(k_.attr(inst, Key::kAxis));
  const std::int64_t length = type.extents[axis], results = count(result);
  const auto wanted = static_cast<std::uint64_t>(
      std::min<std::int64_t>({32, length, std::max<std::int64_t>(1, threads_ / results)}));
  const auto lanes = static_cast<std::int64_t>(std::bit_floor(wanted));
  const std::int64_t groups = threads_ / lanes;
  for (std::uint32_t n = 0; n < inst.results.count; ++n) shared(static_cast<ValueId>(inst.results.begin + n));
  barrier();
  Value* group = ir_.CreateUDiv(thread_, i32(lanes));
  Value* member = ir_.CreateURem(thread_, i32(lanes));
  count_loop(i32(0), i32((results + groups - 1) / groups), i32(1), {}, [&](Value* round, std::span<Value*>) {
    Value* wanted_result = ir_.CreateAdd(ir_.CreateMul(round, i32(groups)), group);
    Value* is_result = ir_.CreateICmpSLT(wanted_result, i32(results));
    Value* which = ir_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, wanted_result, i32(results - 1));
    const auto at = [&](Value* j) {
      Place p = place_of(result, which, kNoSlot);
      p.at[axis] = j;
      return p;
    };
    Parts own_parts = parts_at(inst, at(member));  // lanes <= length: each has a first element
    count_loop(ir_.CreateAdd(member, i32(lanes)), i32(length), i32(lanes), own_parts,
               [&](Value* j, std::span<Value*> so_far) {
                 const Parts both = combine(inst, Parts(so_far.begin(), so_far.end()), parts_at(inst, at(j)));
                 std::copy(both.begin(), both.end(), so_far.begin());
               });
    Value* valid = ir_.getTrue();
    shuffle_combine(inst, own_parts, valid, static_cast<int>(lanes));
    when(ir_.CreateAnd(is_result, ir_.CreateICmpEQ(member, i32(0))), [&] {
      for (std::uint32_t n = 0; n < inst.results.count; ++n) {
        const auto v = static_cast<ValueId>(inst.results.begin + n);
        llvm::Type* memory = lanes_.memory_type(k_.type(v).dtype);
        ir_.CreateStore(lanes_.to_memory(k_.type(v).dtype, own_parts[n]),
                        ir_.CreateGEP(memory, shared(v).memory, which));
      }
    });
  });
  barrier();
}

// One thread a line, in order: exact and simple; lines are few where speed matters.
void Emitter::scan(const Inst& inst) {
  const Type& type = k_.type(k_.operands_of(inst)[0]);
  const auto axis = static_cast<std::size_t>(k_.attr(inst, Key::kAxis));
  const bool reverse = k_.attr(inst, Key::kReverse) != 0;
  Type line = type;
  line.extents[axis] = 1;
  const std::int64_t length = type.extents[axis], lines = count(line);
  for (std::uint32_t n = 0; n < inst.results.count; ++n) shared(static_cast<ValueId>(inst.results.begin + n));
  barrier();
  count_loop(thread_, i32(lines), i32(threads_), {}, [&](Value* which, std::span<Value*>) {
    const auto at = [&](Value* j) {
      Place p = place_of(line, which, kNoSlot);
      p.at[axis] = reverse ? ir_.CreateSub(i32(length - 1), j) : j;
      return p;
    };
    const auto put = [&](Value* j, std::span<Value* const> parts) {
      for (std::uint32_t n = 0; n < inst.results.count; ++n) {
        const auto v = static_cast<ValueId>(inst.results.begin + n);
        llvm::Type* memory = lanes_.memory_type(k_.type(v).dtype);
        ir_.CreateStore(lanes_.to_memory(k_.type(v).dtype, parts[n]),
                        ir_.CreateGEP(memory, shared(v).memory, element_of(type, at(j))));
      }
    };
    Parts so_far = parts_at(inst, at(i32(0)));
    put(i32(0), so_far);
    count_loop(i32(1), i32(length), i32(1), so_far, [&](Value* j, std::span<Value*> now) {
      const Parts both = combine(inst, Parts(now.begin(), now.end()), parts_at(inst, at(j)));
      std::copy(both.begin(), both.end(), now.begin());
      put(j, now);
    });
  });
  barrier();
}

// ---- products
// ------------------------------------------------------------------------------------------------------

// Operands in shared memory, each thread its own elements of the accumulator, k one after the other.
void Emitter::dot(const Inst& inst) {
  const auto in = k_.operands_of(inst);
  const auto result = static_cast<ValueId>(inst.results.begin);
  const Type &a = k_.type(in[0]), &b = k_.type(in[1]), &acc = k_.type(result);
  const std::int64_t depth = a.extents[1];
  constexpr std::int64_t kUnroll = 8;
  const std::int64_t unroll = depth % kUnroll == 0 ? kUnroll : 1;
  std::vector<Value*> sums = held(in[2]);
  const auto widened = [&](DType from, Value* v) {
    return from == acc.dtype ? v : lanes_.cast(from, v, acc.dtype);
  };
  count_loop(i32(0), i32(depth), i32(unroll), sums, [&](Value* from, std::span<Value*> now) {
    for (std::int64_t u = 0; u < unroll; ++u) {
      Value* k = ir_.CreateAdd(from, i32(u));
      for (std::size_t r = 0; r < now.size(); ++r) {
        const Place at = own(acc, static_cast<int>(r));
        Place left, right;
        left.at = {at.at[0], k}, right.at = {k, at.at[1]};
        Value* x = widened(a.dtype, value(in[0], left));
        Value* y = widened(b.dtype, value(in[1], right));
        const bool real = now[r]->getType()->isFloatingPointTy();
        now[r] = real ? lanes_.fused_multiply_add(acc.dtype, x, y, now[r])
                      : ir_.CreateAdd(ir_.CreateMul(x, y), now[r]);
      }
    }
  });
  hold(result, sums);
}

}  // namespace intarsia::target::nvptx
