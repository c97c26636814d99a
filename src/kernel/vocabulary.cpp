#include "kernel/vocabulary.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>

#include "base/convert.h"
#include "base/error.h"

namespace intarsia::kernel {
namespace {

struct OpRule {
  std::string_view text;
  Promotion promotion;
  Fn real, whole;  // for floats and for integers
  bool compares;
};
const OpRule& rule(BinaryOp op) {
  using enum Promotion;
  static constexpr OpRule kRules[] = {
      {"+", kArithmetic, Fn::kAdd, Fn::kAdd, false},
      {"-", kArithmetic, Fn::kSub, Fn::kSub, false},
      {"*", kArithmetic, Fn::kMul, Fn::kMul, false},
      {"/", kTrueDivide, Fn::kDiv, Fn::kDiv, false},
      {"//", kDivide, Fn::kDiv, Fn::kDiv, false},
      {"%", kDivide, Fn::kRem, Fn::kRem, false},
      {"&", kBitwise, Fn::kAnd, Fn::kAnd, false},
      {"|", kBitwise, Fn::kOr, Fn::kOr, false},
      {"^", kBitwise, Fn::kXor, Fn::kXor, false},
      {"<<", kShift, Fn::kShl, Fn::kShl, false},
      {">>", kShift, Fn::kShr, Fn::kShr, false},
      {"minimum", kArithmetic, Fn::kMinNum, Fn::kMin, false},
      {"maximum", kArithmetic, Fn::kMaxNum, Fn::kMax, false},
      {"minimum", kArithmetic, Fn::kMin, Fn::kMin, false},
      {"maximum", kArithmetic, Fn::kMax, Fn::kMax, false},
      {"pow", kTrueDivide, Fn::kPow, Fn::kPow, false},
      {"==", kArithmetic, Fn::kEq, Fn::kEq, true},
      {"!=", kArithmetic, Fn::kNe, Fn::kNe, true},
      {"<", kArithmetic, Fn::kLt, Fn::kLt, true},
      {"<=", kArithmetic, Fn::kLe, Fn::kLe, true},
      {">", kArithmetic, Fn::kGt, Fn::kGt, true},
      {">=", kArithmetic, Fn::kGe, Fn::kGe, true},
  };
  return kRules[static_cast<std::size_t>(op)];
}

bool is_pointer(const Type& t) { return t.kind == Type::Kind::kPointer; }

}  // namespace

// ---- operands
// -----------------------------------------------------------------------------------------------------

ValueId Vocabulary::value(const Operand& a) {
  return a.value() ? *a.value() : value(a, dtype_of(*a.number()));
}

ValueId Vocabulary::value(const Operand& a, DType dtype) {
  if (a.value()) return cast(a, dtype);
  return std::visit(
      [&](auto number) {
        if constexpr (std::is_same_v<decltype(number), bool>)
          return b.constant(number ? 1 : 0, scalar(dtype));
        else if (dtype == DType::kBool)
          return b.constant(number != 0 ? 1 : 0, scalar(dtype));
        else
          return b.constant(number, scalar(dtype));
      },
      *a.number());
}

std::vector<std::int64_t> Vocabulary::common(std::span<const ValueId> values) const {
  std::size_t rank = 0;
  for (ValueId v : values) rank = std::max<std::size_t>(rank, type(v).rank);
  std::vector<std::int64_t> out(rank, 1);
  for (ValueId v : values) {
    const Type& t = type(v);
    for (std::size_t a = 0; a < t.rank; ++a) {
      std::int64_t& e = out[rank - t.rank + a];
      if (t.extents[a] == 1 || e == t.extents[a]) continue;
      if (e != 1) {
        std::vector<std::string> all;
        for (ValueId x : values) all.push_back(str(type(x)));
        throw UserError(fmt::format("{} cannot be broadcast together: extents must be equal or 1",
                                    fmt::join(all, " and ")));
      }
      e = t.extents[a];
    }
  }
  return out;
}

ValueId Vocabulary::broadcast_to(const Operand& a, Extents extents) {
  const ValueId v = value(a);
  const Type& t = type(v);
  if (t.rank == 0 || t.rank >= extents.size()) return b.broadcast(v, extents);
  std::vector<std::int64_t> padded(extents.size() - t.rank, 1);
  padded.insert(padded.end(), t.shape().begin(), t.shape().end());
  return b.broadcast(b.reshape(v, padded), extents);
}

std::pair<ValueId, ValueId> Vocabulary::broadcast(ValueId x, ValueId y) {
  const ValueId both[] = {x, y};
  const auto extents = common(both);
  return {broadcast_to(x, extents), broadcast_to(y, extents)};
}

// ---- arithmetic
// ---------------------------------------------------------------------------------------------------

ValueId Vocabulary::move(ValueId pointer, const Operand& by, bool back) {
  ValueId i = value(by);
  if (!is_int(type(i).dtype) || is_pointer(type(i)))
    throw UserError(fmt::format("a pointer moves by integers; got {}", str(type(i))));
  if (back) i = b.unary(Fn::kNeg, cast(i, DType::kI64));
  const ValueId both[] = {pointer, i};
  const auto extents = common(both);
  return b.pointer_add(type(pointer).rank == 0 ? pointer : broadcast_to(pointer, extents),
                       broadcast_to(i, extents));
}

ValueId Vocabulary::binary(BinaryOp op, const Operand& x, const Operand& y) {
  const OpRule& r = rule(op);
  const bool px = x.value() && is_pointer(type(*x.value())), py = y.value() && is_pointer(type(*y.value()));
  if (px && !py && (op == BinaryOp::kAdd || op == BinaryOp::kSub))
    return move(*x.value(), y, op == BinaryOp::kSub);
  if (py && !px && op == BinaryOp::kAdd) return move(*y.value(), x, false);
  if (px || py)
    throw UserError(fmt::format("{} of {} and {}: pointers take + and - of integers", r.text,
                                str(type(value(x))), str(type(value(y)))));
  DType t;
  if (x.value() && y.number())
    t = promote(type(*x.value()).dtype, *y.number(), r.promotion);
  else if (x.number() && y.value())
    t = promote(type(*y.value()).dtype, *x.number(), r.promotion);
  else
    t = promote(type(value(x)).dtype, type(value(y)).dtype, r.promotion);
  if (op == BinaryOp::kFloorDivide && is_float(t))
    throw UserError(fmt::format("// takes integers; got {}: use / and floor", name(t)));
  // Logic on bools stays; arithmetic on them counts.
  const bool logic = r.compares || r.promotion == Promotion::kBitwise || op == BinaryOp::kMinimum ||
                     op == BinaryOp::kMaximum;
  if (t == DType::kBool && !logic) t = DType::kI32;
  const auto [a, c] = broadcast(value(x, t), value(y, t));
  const Fn fn = is_float(t) ? r.real : r.whole;
  return r.compares ? b.compare(fn, a, c) : b.binary(fn, a, c);
}

ValueId Vocabulary::real(const Operand& a, std::string_view what) {
  const ValueId v = value(a);
  const Type& t = type(v);
  if (t.kind != Type::Kind::kBlock || !is_float(t.dtype))
    throw UserError(fmt::format("{} takes floats; got {}: cast it first", what, str(t)));
  return v;
}

ValueId Vocabulary::unary(Fn fn, const Operand& a) {
  const ValueId v = value(a);
  const DType t = type(v).dtype;
  if (fn == Fn::kNeg) return negative(v);
  if (fn == Fn::kAbs) return t == DType::kBool ? v : b.unary(fn, v);
  if (fn == Fn::kNot && is_float(t))
    throw UserError(fmt::format("~ takes integers and bools; got {}", name(t)));
  if (fn == Fn::kNot) return b.unary(fn, v);
  return b.unary(fn, real(a, text_of(fn)));
}

ValueId Vocabulary::negative(const Operand& a) {
  const ValueId v = value(a);
  if (type(v).dtype == DType::kBool) return b.unary(Fn::kNeg, cast(v, DType::kI32));
  return b.unary(Fn::kNeg, v);
}

ValueId Vocabulary::logical_not(const Operand& a) { return b.unary(Fn::kNot, cast(a, DType::kBool)); }

ValueId Vocabulary::where(const Operand& condition, const Operand& x, const Operand& y) {
  const ValueId c = cast(condition, DType::kBool);
  ValueId p, q;
  if (x.value() && y.value() && is_pointer(type(*x.value())) &&
      type(*x.value()).dtype == type(*y.value()).dtype) {
    p = *x.value(), q = *y.value();
  } else {
    DType t;
    if (x.value() && y.number())
      t = promote(type(*x.value()).dtype, *y.number());
    else if (x.number() && y.value())
      t = promote(type(*y.value()).dtype, *x.number());
    else
      t = promote(type(value(x)).dtype, type(value(y)).dtype);
    p = value(x, t), q = value(y, t);
  }
  const ValueId all[] = {c, p, q};
  const auto extents = common(all);
  return b.select(broadcast_to(c, extents), broadcast_to(p, extents), broadcast_to(q, extents));
}

ValueId Vocabulary::fma(const Operand& x, const Operand& y, const Operand& z) {
  DType t{};
  for (const Operand* o : {&x, &y, &z}) {
    if (!o->value()) continue;
    const DType d = type(real(*o, "fma")).dtype;
    t = t == DType{} ? d : promote(t, d);
  }
  if (t == DType{}) t = DType::kF32;
  const ValueId all[] = {value(x, t), value(y, t), value(z, t)};
  const auto extents = common(all);
  return b.fma(broadcast_to(all[0], extents), broadcast_to(all[1], extents), broadcast_to(all[2], extents));
}

ValueId Vocabulary::clamp(const Operand& a, const Operand& low, const Operand& high, bool propagate_nan) {
  const auto larger = propagate_nan ? BinaryOp::kMaximumNan : BinaryOp::kMaximum;
  const auto smaller = propagate_nan ? BinaryOp::kMinimumNan : BinaryOp::kMinimum;
  return binary(smaller, binary(larger, a, low), high);
}

ValueId Vocabulary::sigmoid(const Operand& a) {
  ValueId x = real(a, "sigmoid");
  if (bits(type(x).dtype) < 32) x = cast(x, DType::kF32);
  return binary(BinaryOp::kTrueDivide, 1.0, binary(BinaryOp::kAdd, unary(Fn::kExp, negative(x)), 1.0));
}

ValueId Vocabulary::is_nan(const Operand& a) {
  const ValueId x = real(a, "isnan");
  return b.compare(Fn::kNe, x, x);
}

ValueId Vocabulary::is_inf(const Operand& a) {
  return binary(BinaryOp::kEqual, b.unary(Fn::kAbs, real(a, "isinf")),
                std::numeric_limits<double>::infinity());
}

ValueId Vocabulary::is_finite(const Operand& a) {
  return binary(BinaryOp::kLess, b.unary(Fn::kAbs, real(a, "isfinite")),
                std::numeric_limits<double>::infinity());
}

ValueId Vocabulary::cdiv(const Operand& x, const Operand& y) {
  const ValueId sum = binary(BinaryOp::kAdd, x, y);
  return binary(BinaryOp::kFloorDivide, binary(BinaryOp::kSub, sum, 1), y);
}

ValueId Vocabulary::cast(const Operand& a, DType dtype) {
  if (a.number()) return value(a, dtype);
  const Type& t = type(*a.value());
  if (t.kind != Type::Kind::kBlock)
    throw UserError(fmt::format("{} cannot be cast to {}", str(t), name(dtype)));
  return b.cast(*a.value(), dtype);
}

ValueId Vocabulary::bitcast(ValueId a, DType dtype) {
  return type(a).dtype == dtype ? a : b.bitcast(a, dtype);
}

// ---- shapes
// -------------------------------------------------------------------------------------------------------

int Vocabulary::axis_of(const Type& t, int axis) const {
  if (axis < -static_cast<int>(t.rank) || axis >= static_cast<int>(t.rank))
    throw UserError(fmt::format("axis {} of {}", axis, str(t)));
  return axis < 0 ? axis + t.rank : axis;
}

ValueId Vocabulary::arange(std::int64_t begin, std::int64_t end) {
  if (end <= begin) throw UserError(fmt::format("arange({}, {}) is empty", begin, end));
  const bool small = begin >= INT32_MIN && end <= INT32_MAX;
  return b.arange(begin, end - begin, small ? DType::kI32 : DType::kI64);
}

ValueId Vocabulary::full(Extents extents, const Operand& number, DType dtype) {
  if (number.value()) return broadcast_to(cast(number, dtype), extents);
  const Type t = block(dtype, extents);
  return std::visit(
      [&](auto n) {
        if (dtype == DType::kBool) return b.constant(n != 0 ? 1 : 0, t);
        if constexpr (std::is_same_v<decltype(n), bool>)
          return b.constant(n ? 1 : 0, t);
        else
          return b.constant(n, t);
      },
      *number.number());
}

ValueId Vocabulary::expand_dims(ValueId a, std::span<const int> axes) {
  const Type t = type(a);
  const int rank = t.rank + static_cast<int>(axes.size());
  std::vector<std::int64_t> extents(static_cast<std::size_t>(std::max(rank, 0)), 0);
  for (int axis : axes) {
    if (axis < -rank || axis >= rank)
      throw UserError(fmt::format("expand_dims of {} at axis {}", str(t), axis));
    auto& e = extents[static_cast<std::size_t>(axis < 0 ? axis + rank : axis)];
    if (e == 1) throw UserError(fmt::format("expand_dims of {}: axis {} stands twice", str(t), axis));
    e = 1;
  }
  std::size_t next = 0;
  for (std::int64_t& e : extents)
    if (e == 0) e = t.extents[next++];
  return b.reshape(a, extents);
}

ValueId Vocabulary::permute(ValueId a, std::span<const int> order) {
  std::vector<int> axes;
  for (int axis : order) axes.push_back(axis_of(type(a), axis));
  return b.transpose(a, axes);
}

ValueId Vocabulary::trans(ValueId a) {
  const int rank = type(a).rank;
  if (rank < 2) throw UserError(fmt::format("trans needs two axes; got {}", str(type(a))));
  std::vector<int> order;
  for (int x = 0; x < rank; ++x) order.push_back(x);
  std::swap(order[order.size() - 1], order[order.size() - 2]);
  return b.transpose(a, order);
}

ValueId Vocabulary::join(const Operand& x, const Operand& y) {
  const DType t = promote(type(value(x)).dtype, type(value(y)).dtype);
  const auto [p, q] = broadcast(value(x, t), value(y, t));
  const ValueId both[] = {p, q};
  return b.join(both);
}

Vocabulary::Values Vocabulary::split(ValueId a) {
  const Type& t = type(a);
  if (t.rank == 0 || t.extents[t.rank - 1u] != 2)
    throw UserError(fmt::format("split needs a last axis of extent 2; got {}", str(t)));
  return b.split(a);
}

ValueId Vocabulary::interleave(const Operand& x, const Operand& y) {
  const ValueId joined = join(x, y);
  auto extents = extents_of(type(joined));
  extents.pop_back();
  if (extents.empty()) return b.reshape(joined, std::vector<std::int64_t>{2});
  extents.back() *= 2;
  return b.reshape(joined, extents);
}

ValueId Vocabulary::cat(ValueId x, ValueId y) {
  if (type(x).rank != 1 || type(x) != type(y))
    throw UserError(fmt::format("cat takes two blocks of rank 1 and one type; got {} and {}", str(type(x)),
                                str(type(y))));
  const ValueId both[] = {x, y};
  const int order[] = {1, 0};
  return b.reshape(b.transpose(b.join(both), order), std::vector<std::int64_t>{2 * type(x).extents[0]});
}

ValueId Vocabulary::flip(ValueId a, int axis) {
  const Type t = type(a);
  const auto n = static_cast<std::size_t>(axis_of(t, axis));
  std::vector<std::int64_t> line(t.rank, 1);
  line[n] = t.extents[n];
  const ValueId up = b.arange(0, t.extents[n], DType::kI32);
  const ValueId down = b.binary(Fn::kSub, b.constant(t.extents[n] - 1, type(up)), up);
  return b.gather(a, b.broadcast(b.reshape(down, line), extents_of(t)), static_cast<int>(n));
}

ValueId Vocabulary::gather(ValueId from, ValueId at, int axis) {
  return b.gather(from, at, axis_of(type(from), axis));
}

// ---- control
// ------------------------------------------------------------------------------------------------------

Vocabulary::Values Vocabulary::for_(const Operand& low, const Operand& high, const Operand& step,
                                    std::span<const ValueId> carried,
                                    const std::function<Values(ValueId, std::span<const ValueId>)>& body) {
  DType t = DType::kI32;
  for (const Operand* o : {&low, &high, &step}) {
    const DType d = o->value() ? type(*o->value()).dtype : dtype_of(*o->number());
    if (!is_int(d)) throw UserError(fmt::format("the bounds of a loop are integers; got {}", name(d)));
    if (bits(d) > 32 || d == DType::kU32) t = DType::kI64;
  }
  if (step.number() && std::holds_alternative<std::int64_t>(*step.number()) &&
      std::get<std::int64_t>(*step.number()) <= 0)
    throw UserError(fmt::format("the step of a loop is positive; got {}", str(*step.number())));
  return b.for_(value(low, t), value(high, t), value(step, t), carried, body);
}

ValueId Vocabulary::condition(const Operand& a) {
  const ValueId v = value(a);
  if (type(v).kind != Type::Kind::kBlock || type(v).rank != 0)
    throw UserError(fmt::format("a condition is a scalar; got {}: reduce it, or use where", str(type(v))));
  return cast(v, DType::kBool);
}

}  // namespace intarsia::kernel
