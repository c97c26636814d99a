// Reductions, scans and products of the tile language.
#include <fmt/format.h>

#include "base/convert.h"
#include "base/error.h"
#include "kernel/vocabulary.h"

namespace intarsia::kernel {
namespace {

DType at_least_32(DType t, bool floats) {
  if (is_float(t)) return floats && bits(t) < 32 ? DType::kF32 : t;
  if (t != DType::kBool && bits(t) >= 32) return t;
  return is_unsigned_int(t) ? DType::kU32 : DType::kI32;
}

}  // namespace

ValueId Vocabulary::without_axis(ValueId a, int axis) {
  auto extents = extents_of(type(a));
  extents.erase(extents.begin() + axis);
  return b.reshape(a, extents);
}

ValueId Vocabulary::whole(ValueId a) { return b.reshape(a, std::vector<std::int64_t>{count(type(a))}); }

ValueId Vocabulary::reduced(Fn fn, ValueId a, std::optional<int> axis, bool keep_dims) {
  if (type(a).rank == 0) return a;
  if (axis) {
    const int n = axis_of(type(a), *axis);
    const ValueId r = b.reduce(fn, a, n);
    return keep_dims ? r : without_axis(r, n);
  }
  const std::vector<std::int64_t> ones(type(a).rank, 1);
  const ValueId r = b.reduce(fn, whole(a), 0);
  return b.reshape(r, keep_dims ? std::span<const std::int64_t>(ones) : std::span<const std::int64_t>());
}

ValueId Vocabulary::sum(ValueId a, std::optional<int> axis, bool keep_dims, std::optional<DType> dtype) {
  return reduced(Fn::kAdd, cast(a, dtype.value_or(at_least_32(type(a).dtype, false))), axis, keep_dims);
}

ValueId Vocabulary::xor_sum(ValueId a, std::optional<int> axis, bool keep_dims) {
  if (is_float(type(a).dtype)) throw UserError(fmt::format("xor_sum takes integers; got {}", str(type(a))));
  return reduced(Fn::kXor, a, axis, keep_dims);
}

ValueId Vocabulary::max(ValueId a, std::optional<int> axis, bool keep_dims) {
  return reduced(Fn::kMaxNum, cast(a, at_least_32(type(a).dtype, true)), axis, keep_dims);
}

ValueId Vocabulary::min(ValueId a, std::optional<int> axis, bool keep_dims) {
  return reduced(Fn::kMinNum, cast(a, at_least_32(type(a).dtype, true)), axis, keep_dims);
}

Vocabulary::Values Vocabulary::with_index(bool largest, ValueId a, int axis, bool keep_dims) {
  const int n = axis_of(type(a), axis);
  if (type(a).dtype == DType::kBF16) a = cast(a, DType::kF32);
  const Type t = type(a);
  std::vector<std::int64_t> line(t.rank, 1);
  line[static_cast<std::size_t>(n)] = t.extents[static_cast<std::size_t>(n)];
  const ValueId numbers = b.arange(0, line[static_cast<std::size_t>(n)], DType::kI32);
  const ValueId pair[] = {a, b.broadcast(b.reshape(numbers, line), extents_of(t))};
  const Fn before = largest ? Fn::kGt : Fn::kLt;
  // NaN comes before any number, equals by index, so that the order of combination does not show.
  const auto combine = [&](auto l, auto r) -> Values {
    ValueId wins = b.compare(before, l[0], r[0]), ties = b.compare(Fn::kEq, l[0], r[0]);
    if (is_float(t.dtype)) {
      const ValueId left = b.compare(Fn::kNe, l[0], l[0]), right = b.compare(Fn::kNe, r[0], r[0]);
      wins = b.binary(Fn::kOr, wins, b.binary(Fn::kAnd, left, b.unary(Fn::kNot, right)));
      ties = b.binary(Fn::kOr, ties, b.binary(Fn::kAnd, left, right));
    }
    const ValueId first = b.binary(Fn::kAnd, ties, b.compare(Fn::kLt, l[1], r[1]));
    const ValueId take = b.binary(Fn::kOr, wins, first);
    return {b.select(take, l[0], r[0]), b.select(take, l[1], r[1])};
  };
  Values out = b.reduce(pair, n, combine);
  if (!keep_dims)
    for (ValueId& v : out) v = without_axis(v, n);
  return out;
}

Vocabulary::Values Vocabulary::max_with_index(ValueId a, int axis, bool keep_dims) {
  return with_index(true, a, axis, keep_dims);
}
Vocabulary::Values Vocabulary::min_with_index(ValueId a, int axis, bool keep_dims) {
  return with_index(false, a, axis, keep_dims);
}

ValueId Vocabulary::softmax(ValueId a, int axis) {
  const ValueId x = real(a, "softmax"), e = unary(Fn::kExp, binary(BinaryOp::kSub, x, max(x, axis, true)));
  return binary(BinaryOp::kTrueDivide, e, sum(e, axis, true));
}

ValueId Vocabulary::cumsum(ValueId a, int axis, bool reverse, std::optional<DType> dtype) {
  const DType from = type(a).dtype;
  const DType t = dtype.value_or(from == DType::kBF16 ? DType::kF32 : at_least_32(from, false));
  return b.scan(Fn::kAdd, cast(a, t), axis_of(type(a), axis), reverse);
}

ValueId Vocabulary::cumprod(ValueId a, int axis, bool reverse) {
  const DType from = type(a).dtype;
  const DType t = from == DType::kBF16 ? DType::kF32 : at_least_32(from, false);
  return b.scan(Fn::kMul, cast(a, t), axis_of(type(a), axis), reverse);
}

Vocabulary::Values Vocabulary::reduce(std::span<const ValueId> a, std::optional<int> axis,
                                      const Builder::Combine& combine, bool keep_dims) {
  if (a.empty()) throw UserError("reduce needs at least one block");
  Values in(a.begin(), a.end());
  const std::vector<std::int64_t> ones(type(in[0]).rank, 1);
  if (!axis)
    for (ValueId& v : in) v = whole(v);
  const int n = axis ? axis_of(type(in[0]), *axis) : 0;
  Values out = b.reduce(in, n, combine);
  for (ValueId& v : out) {
    if (!axis && keep_dims)
      v = b.reshape(v, ones);
    else if (!keep_dims)
      v = without_axis(v, n);
  }
  return out;
}

Vocabulary::Values Vocabulary::scan(std::span<const ValueId> a, int axis, const Builder::Combine& combine,
                                    bool reverse) {
  if (a.empty()) throw UserError("associative_scan needs at least one block");
  return b.scan(a, axis_of(type(a[0]), axis), combine, reverse);
}

ValueId Vocabulary::dot(ValueId x, ValueId y, std::optional<ValueId> acc, Precision precision,
                        std::optional<DType> out) {
  const Type &p = type(x), &q = type(y);
  if (p.rank < 2 || p.rank != q.rank)
    throw UserError(fmt::format("dot takes [.., m, k] and [.., k, n]; got {} and {}", str(p), str(q)));
  DType t = is_float(p.dtype) ? (p.dtype == DType::kF64 ? DType::kF64 : DType::kF32) : DType::kI32;
  if (acc) t = type(*acc).dtype;
  if (out) t = *out;
  if (out && acc && type(*acc).dtype != *out)
    throw UserError(fmt::format("dot into {} of an accumulator {}", name(*out), str(type(*acc))));
  auto extents = extents_of(p);
  extents.back() = q.extents[q.rank - 1u];
  return b.dot(x, y, acc ? *acc : zeros(extents, t), precision);
}

}  // namespace intarsia::kernel
