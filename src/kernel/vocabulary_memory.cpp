// Loads, stores, atomics, descriptors and random numbers of the tile language.
#include <fmt/format.h>

#include "base/convert.h"
#include "base/error.h"
#include "kernel/vocabulary.h"

namespace intarsia::kernel {

ValueId Vocabulary::mask_for(ValueId pointer, const Operand& mask) {
  const ValueId m = value(mask);
  const Type& t = type(m);
  if (t.kind != Type::Kind::kBlock || t.dtype != DType::kBool)
    throw UserError(fmt::format("a mask is bool; got {}: compare it with something", str(t)));
  if (type(pointer).rank == 0 && t.rank != 0)
    throw UserError(fmt::format("one pointer cannot be masked by {}", str(t)));
  return m;
}

namespace {
void want_pointer(const Type& t, std::string_view what) {
  if (t.kind != Type::Kind::kPointer)
    throw UserError(fmt::format("{} needs a pointer; got {}", what, str(t)));
}
}  // namespace

ValueId Vocabulary::load(ValueId pointer, const std::optional<Operand>& mask,
                         const std::optional<Operand>& other) {
  want_pointer(type(pointer), "load");
  if (!mask) {
    if (other) throw UserError("load: `other` needs a mask");
    return b.load_at(pointer);
  }
  const ValueId m = mask_for(pointer, *mask);
  Values all = {pointer, m};
  if (other) all.push_back(value(*other, type(pointer).dtype));
  const auto extents = common(all);
  for (ValueId& v : all) v = broadcast_to(v, extents);
  return b.load_at(all[0], all[1], other ? std::optional(all[2]) : std::nullopt);
}

void Vocabulary::store(ValueId pointer, const Operand& stored, const std::optional<Operand>& mask) {
  want_pointer(type(pointer), "store");
  Values all = {pointer, value(stored, type(pointer).dtype)};
  if (mask) all.push_back(mask_for(pointer, *mask));
  if (type(pointer).rank == 0 && type(all[1]).rank != 0)
    throw UserError(fmt::format("{} cannot be stored through one pointer", str(type(all[1]))));
  const auto extents = common(all);
  for (ValueId& v : all) v = broadcast_to(v, extents);
  b.store_at(all[0], all[1], mask ? std::optional(all[2]) : std::nullopt);
}

ValueId Vocabulary::atomic(Fn fn, ValueId pointer, const Operand& operand, const std::optional<Operand>& mask,
                           Semantics semantics) {
  want_pointer(type(pointer), "an atomic");
  Values all = {pointer, value(operand, type(pointer).dtype)};
  if (mask) all.push_back(mask_for(pointer, *mask));
  const auto extents = common(all);
  for (ValueId& v : all) v = broadcast_to(v, extents);
  return b.atomic(fn, all[0], std::span(&all[1], 1), mask ? std::optional(all[2]) : std::nullopt, semantics);
}

ValueId Vocabulary::atomic_cas(ValueId pointer, const Operand& expected, const Operand& desired,
                               Semantics semantics) {
  want_pointer(type(pointer), "atomic_cas");
  const DType t = type(pointer).dtype;
  Values all = {pointer, value(expected, t), value(desired, t)};
  const auto extents = common(all);
  for (ValueId& v : all) v = broadcast_to(v, extents);
  return b.atomic(Fn::kCompareExchange, all[0], std::span(&all[1], 2), {}, semantics);
}

ValueId Vocabulary::offset(const Operand& a) {
  const ValueId v = value(a);
  const Type& t = type(v);
  if (t.kind != Type::Kind::kBlock || t.rank != 0 || !is_int(t.dtype))
    throw UserError(fmt::format("extents, strides and offsets are integer scalars; got {}", str(t)));
  return cast(v, DType::kI64);
}

Descriptor Vocabulary::make_descriptor(ValueId pointer, std::span<const Operand> extents,
                                       std::span<const Operand> strides, Extents shape) {
  want_pointer(type(pointer), "a descriptor");
  if (extents.size() != shape.size() || strides.size() != shape.size())
    throw UserError(fmt::format("a descriptor has as many extents ({}), strides ({}) and block extents ({})",
                                extents.size(), strides.size(), shape.size()));
  Values e, s;
  for (const Operand& o : extents) e.push_back(offset(o));
  for (const Operand& o : strides) s.push_back(offset(o));
  (void)block(type(pointer).dtype, shape);  // its errors here, not at the first load
  return {b.make_view(pointer, e, s), {shape.begin(), shape.end()}};
}

ValueId Vocabulary::load(const Descriptor& from, std::span<const Operand> offsets, double fill) {
  Values at;
  for (const Operand& o : offsets) at.push_back(offset(o));
  return b.load(from.view, at, from.block, fill);
}

void Vocabulary::store(const Descriptor& to, std::span<const Operand> offsets, const Operand& stored) {
  Values at;
  for (const Operand& o : offsets) at.push_back(offset(o));
  b.store(to.view, broadcast_to(value(stored, type(to.view).dtype), to.block), at);
}

BlockPointer Vocabulary::make_block_pointer(ValueId pointer, std::span<const Operand> extents,
                                            std::span<const Operand> strides,
                                            std::span<const Operand> offsets, Extents shape) {
  want_pointer(type(pointer), "a block pointer");
  if (extents.size() != shape.size() || strides.size() != shape.size() || offsets.size() != shape.size())
    throw UserError(fmt::format(
        "a block pointer has as many extents ({}), strides ({}), offsets ({}) and block extents ({})",
        extents.size(), strides.size(), offsets.size(), shape.size()));
  (void)block(type(pointer).dtype, shape);
  BlockPointer p{pointer, {}, {}, {}, {shape.begin(), shape.end()}};
  for (const Operand& o : extents) p.extents.push_back(offset(o));
  for (const Operand& o : strides) p.strides.push_back(offset(o));
  for (const Operand& o : offsets) p.offsets.push_back(offset(o));
  return p;
}

BlockPointer Vocabulary::advance(const BlockPointer& from, std::span<const Operand> by) {
  if (by.size() != from.offsets.size())
    throw UserError(
        fmt::format("advance takes an offset per axis: {}, not {}", from.offsets.size(), by.size()));
  BlockPointer p = from;
  for (std::size_t a = 0; a < by.size(); ++a) p.offsets[a] = b.binary(Fn::kAdd, p.offsets[a], offset(by[a]));
  return p;
}

// An axis that is not checked has no end.
ValueId Vocabulary::view_of(const BlockPointer& p, std::span<const int> checked) {
  const auto rank = static_cast<int>(p.block.size());
  std::vector<bool> bounded(p.block.size(), false);
  for (int axis : checked) {
    if (axis < -rank || axis >= rank)
      throw UserError(fmt::format("boundary check of axis {} of {}", axis, rank));
    bounded[static_cast<std::size_t>(axis < 0 ? axis + rank : axis)] = true;
  }
  Values extents = p.extents;
  for (std::size_t a = 0; a < extents.size(); ++a)
    if (!bounded[a]) extents[a] = b.constant(std::int64_t{INT64_MAX}, scalar(DType::kI64));
  return b.make_view(p.base, extents, p.strides);
}

ValueId Vocabulary::load(const BlockPointer& from, std::span<const int> checked, double padding) {
  return b.load(view_of(from, checked), from.offsets, from.block, padding);
}

void Vocabulary::store(const BlockPointer& to, const Operand& stored, std::span<const int> checked) {
  const ValueId v = broadcast_to(value(stored, type(to.base).dtype), to.block);
  b.store(view_of(to, checked), v, to.offsets);
}

// Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3 (2011). Key: both halves of the
// seed; counter: the offset.
Vocabulary::Values Vocabulary::philox(const Operand& seed, const Operand& at, int rounds) {
  const ValueId wide = cast(cast(value(seed), DType::kI64), DType::kU64);
  const ValueId counter = cast(value(at), DType::kU32);
  if (type(wide).rank != 0) throw UserError(fmt::format("a seed is a scalar; got {}", str(type(wide))));
  ValueId key[] = {cast(wide, DType::kU32), cast(binary(BinaryOp::kShiftRight, wide, 32), DType::kU32)};
  const ValueId zero = full(extents_of(type(counter)), 0, DType::kU32);
  ValueId c[] = {counter, zero, zero, zero};
  const auto product = [&](ValueId x, std::uint32_t by) {  // high and low half
    const ValueId p = binary(BinaryOp::kMul, cast(x, DType::kU64), std::int64_t{by});
    return std::pair(cast(binary(BinaryOp::kShiftRight, p, 32), DType::kU32), cast(p, DType::kU32));
  };
  for (int r = 0; r < rounds; ++r) {
    const auto [high0, low0] = product(c[0], 0xD2511F53u);
    const auto [high1, low1] = product(c[2], 0xCD9E8D57u);
    c[0] = binary(BinaryOp::kXor, binary(BinaryOp::kXor, high1, c[1]), key[0]);
    c[2] = binary(BinaryOp::kXor, binary(BinaryOp::kXor, high0, c[3]), key[1]);
    c[1] = low1, c[3] = low0;
    key[0] = binary(BinaryOp::kAdd, key[0], std::int64_t{0x9E3779B9});
    key[1] = binary(BinaryOp::kAdd, key[1], std::int64_t{0xBB67AE85});
  }
  return {c[0], c[1], c[2], c[3]};
}

ValueId Vocabulary::uniform(ValueId random) {
  const ValueId i = bitcast(random, DType::kI32);
  const ValueId folded = where(binary(BinaryOp::kLess, i, 0), binary(BinaryOp::kSub, negative(i), 1), i);
  return binary(BinaryOp::kMul, cast(folded, DType::kF32), 4.6566127342e-10);
}

ValueId Vocabulary::rand(const Operand& seed, const Operand& at, int rounds) {
  return uniform(philox(seed, at, rounds)[0]);
}

ValueId Vocabulary::randn(const Operand& seed, const Operand& at, int rounds) {
  const Values c = philox(seed, at, rounds);
  const ValueId u = binary(BinaryOp::kMaximum, uniform(c[0]), 1e-7);
  const ValueId radius = unary(Fn::kSqrt, binary(BinaryOp::kMul, unary(Fn::kLog, u), -2.0));
  return binary(BinaryOp::kMul, radius,
                unary(Fn::kCos, binary(BinaryOp::kMul, uniform(c[1]), 6.283185307179586)));
}

}  // namespace intarsia::kernel
