// Element functions of the built-in pointwise operators: their only lowering.
#include <array>
#include <cmath>
#include <numbers>

#include "base/error.h"
#include "ops/rules.h"
#include "schedule/builtins.h"
#include "schedule/element_builder.h"
#include "schedule/positions.h"
#include "schedule/rows.h"

namespace intarsia::schedule {
namespace {
using kernel::Fn;
using B = ElementBuilder;
using Value = B::Value;

// Compositions of several roundings run in the accumulator's dtype and round once.

// ---- one or two operands, one function
// ----------------------------------------------------------------------------------

template <Fn fn>
Value unary(B& b, const Query&) {
  return b.unary(fn, b.read(0));
}
template <Fn fn>
Value binary(B& b, const Query&) {
  const Value x = b.read(0), y = b.read(1);
  return b.binary(fn, x, y);
}
template <Fn fn>
Value compare(B& b, const Query&) {
  const Value x = b.read(0), y = b.read(1);
  return b.compare(fn, x, y);
}

Value div(B& b, const Query& q) {
  const DType t = q.outputs[0].dtype;
  const Value x = b.cast(b.read(0), t), y = b.cast(b.read(1), t);
  return b.binary(Fn::kDiv, x, y);
}

// Floats as NumPy has it: the quotient that goes with the remainder, exact where f64 holds it.
Value floor_div(B& b, const Query& q) {
  const DType t = q.outputs[0].dtype, w = is_real(t) ? DType::kF64 : t;
  const Value x = b.cast(b.read(0), w), y = b.cast(b.read(1), w);
  if (!is_real(t)) return b.binary(Fn::kFloorDiv, x, y);
  const Value zero = b.number(0, w), one = b.number(1, w);
  const Value r = b.binary(Fn::kRem, x, y), plain = b.binary(Fn::kDiv, x, y);
  Value whole = b.binary(Fn::kDiv, b.binary(Fn::kSub, x, r), y);
  const Value odd_signs = b.binary(Fn::kXor, b.compare(Fn::kLt, r, zero), b.compare(Fn::kLt, y, zero));
  const Value below = b.binary(Fn::kAnd, b.compare(Fn::kNe, r, zero), odd_signs);
  whole = b.select(below, b.binary(Fn::kSub, whole, one), whole);
  const Value floor = b.unary(Fn::kFloor, whole);
  const Value up = b.compare(Fn::kGt, b.binary(Fn::kSub, whole, floor), b.number(0.5, w));
  const Value nearest = b.select(up, b.binary(Fn::kAdd, floor, one), floor);
  const Value signed_zero =
      b.select(b.compare(Fn::kLt, plain, zero), b.number(-0.0, w), b.binary(Fn::kMul, plain, zero));
  const Value result = b.select(b.compare(Fn::kEq, whole, zero), signed_zero, nearest);
  return b.cast(b.select(b.compare(Fn::kEq, y, zero), plain, result), t);
}

// Integers by squaring: one step per bit of the exponent. A negative power is 1 / x**-y rounded towards zero.
Value integer_pow(B& b, Value x, Value y, DType t) {
  const Value zero = b.bits(0, t), one = b.bits(1, t);
  Value result = one, square = x;
  for (int bit = 0; bit < bits(t); ++bit) {
    const Value mask = b.bits(static_cast<std::int64_t>(std::uint64_t{1} << bit), t);
    const Value set = b.compare(Fn::kNe, b.binary(Fn::kAnd, y, mask), zero);
    result = b.select(set, b.binary(Fn::kMul, result, square), result);
    square = b.binary(Fn::kMul, square, square);
  }
  if ((only(t) & ops::kUnsignedInts) != 0) return result;
  const Value minus = b.bits(-1, t), odd = b.compare(Fn::kNe, b.binary(Fn::kAnd, y, one), zero);
  const Value of_minus = b.select(odd, minus, one);
  Value inverse = b.select(b.compare(Fn::kEq, x, one), one, zero);
  inverse = b.select(b.compare(Fn::kEq, x, minus), of_minus, inverse);
  return b.select(b.compare(Fn::kLt, y, zero), inverse, result);
}
Value pow(B& b, const Query& q) {
  const DType t = q.outputs[0].dtype;
  const Value x = b.read(0), y = b.read(1);
  return is_real(t) ? b.binary(Fn::kPow, x, y) : integer_pow(b, x, y, t);
}

Value sigmoid(B& b, const Query& q) {
  const DType t = q.outputs[0].dtype, w = accumulator(t);
  const Value one = b.number(1, w), x = b.cast(b.read(0), w);
  return b.cast(b.binary(Fn::kDiv, one, b.binary(Fn::kAdd, one, b.unary(Fn::kExp, b.unary(Fn::kNeg, x)))), t);
}

Value relu(B& b, const Query& q) { return b.binary(Fn::kMax, b.read(0), b.number(0, q.outputs[0].dtype)); }
Value silu(B& b, const Query& q) {
  const DType t = q.outputs[0].dtype, w = accumulator(t);
  const Value x = b.cast(b.read(0), w);
  return b.cast(
      b.binary(Fn::kDiv, x, b.binary(Fn::kAdd, b.number(1, w), b.unary(Fn::kExp, b.unary(Fn::kNeg, x)))), t);
}

// x * P(X <= x) for a standard normal X: by erf, or by the tanh form of Hendrycks and Gimpel (arXiv
// 1606.08415).
Value gelu(B& b, const Query& q) {
  const DType t = q.outputs[0].dtype, w = accumulator(t);
  const Value x = b.cast(b.read(0), w), half = b.number(0.5, w), one = b.number(1, w);
  const AttributeValue* form = q.node().attributes->find("approximate");
  const auto* text = form ? std::get_if<std::string>(form) : nullptr;
  Value inner;
  if (text && *text == "tanh") {
    const Value cube = b.binary(Fn::kMul, b.binary(Fn::kMul, x, x), x);
    const Value sum = b.binary(Fn::kAdd, x, b.binary(Fn::kMul, b.number(0.044715, w), cube));
    const double scale = std::numbers::sqrt2 * std::numbers::inv_sqrtpi;
    inner = b.unary(Fn::kTanh, b.binary(Fn::kMul, b.number(scale, w), sum));
  } else {
    inner = b.unary(Fn::kErf, b.binary(Fn::kMul, x, b.number(1 / std::numbers::sqrt2, w)));
  }
  return b.cast(b.binary(Fn::kMul, b.binary(Fn::kMul, half, x), b.binary(Fn::kAdd, one, inner)), t);
}

Value cast(B& b, const Query& q) { return b.cast(b.read(0), q.outputs[0].dtype); }
Value where(B& b, const Query&) {
  const Value c = b.read(0), x = b.read(1), y = b.read(2);
  return b.select(c, x, y);
}

// ---- out of nothing
// -----------------------------------------------------------------------------------------------------

std::size_t axis_attribute(const Query& q, std::string_view attribute, std::size_t rank) {
  const auto axis = q.node().attributes->get<std::int64_t>(attribute);
  return static_cast<std::size_t>(axis < 0 ? axis + static_cast<std::int64_t>(rank) : axis);
}

Value full(B& b, const Query& q) {
  const DType t = q.outputs[0].dtype;
  const AttributeValue& v = *q.node().attributes->find("value");
  if (const auto* real = std::get_if<double>(&v)) return b.number(*real, t);
  const auto* truth = std::get_if<bool>(&v);
  const std::int64_t integer = truth ? *truth : std::get<std::int64_t>(v);
  return is_real(t) ? b.number(static_cast<double>(integer), t) : b.bits(integer, t);
}
Value iota(B& b, const Query& q) {
  const std::size_t axis = axis_attribute(q, "dim", b.space().size());
  return b.cast(b.position(kernel::axis(static_cast<int>(axis))), q.outputs[0].dtype);
}

// ---- views: other offsets
// -----------------------------------------------------------------------------------------------

Value reshape(B& b, const Query&) { return b.read(0, row_major(b.space())); }
Value permute(B& b, const Query& q) {
  const Shape strides = row_major_strides(q.inputs[0].shape);
  const auto& perm = q.node().attributes->get<std::vector<std::int64_t>>("perm");
  Dim offset = 0;
  for (std::size_t a = 0; a < perm.size(); ++a) {
    const auto from =
        static_cast<std::size_t>(perm[a] < 0 ? perm[a] + static_cast<std::int64_t>(perm.size()) : perm[a]);
    if (!identical(b.space()[a], 1)) offset = offset + kernel::axis(static_cast<int>(a)) * strides[from];
  }
  return b.read(0, offset);
}
Value expand(B& b, const Query&) { return b.read(0); }
Value slice(B& b, const Query& q) {
  const Shape& in = q.inputs[0].shape;
  const Shape strides = row_major_strides(in);
  const auto axes = ops::slice_axes(in, *q.node().attributes);
  Dim offset = 0;
  for (std::size_t a = 0; a < axes.size(); ++a)
    offset = offset + (axes[a].begin + kernel::axis(static_cast<int>(a)) * axes[a].step) * strides[a];
  return b.read(0, offset);
}
Value concatenate(B& b, const Query& q) {
  const Shape& out = b.space();
  const std::size_t axis = axis_attribute(q, "dim", out.size());
  const Dim x = kernel::axis(static_cast<int>(axis));
  Dim end = out[axis];
  Value result{};
  for (std::size_t n = q.inputs.size();
       n-- > 0;) {  // the last one lies behind everything, the others before a limit
    const Shape& mine = q.inputs[n].shape;
    const Shape strides = row_major_strides(mine);
    const Dim begin = n == 0 ? Dim(0) : end - mine[axis];
    Dim offset = 0;
    for (std::size_t a = 0; a < mine.size(); ++a)
      offset = offset + (kernel::axis(static_cast<int>(a)) - (a == axis ? begin : Dim(0))) * strides[a];
    const Value v = b.read(static_cast<std::uint32_t>(n), offset);
    result = n + 1 == q.inputs.size()
                 ? v
                 : b.select(b.compare(Fn::kLt, b.position(x - end), b.bits(0, DType::kI64)), v, result);
    end = begin;
  }
  return result;
}

struct Row {
  std::string_view op;
  Value (*write)(B&, const Query&);
};
constexpr Row kRows[] = {
    {"abs", unary<Fn::kAbs>},
    {"add", binary<Fn::kAdd>},
    {"cast", cast},
    {"concatenate", concatenate},
    {"cos", unary<Fn::kCos>},
    {"div", div},
    {"equal", compare<Fn::kEq>},
    {"erf", unary<Fn::kErf>},
    {"exp", unary<Fn::kExp>},
    {"expand", expand},
    {"floor_div", floor_div},
    {"full", full},
    {"gelu", gelu},
    {"greater", compare<Fn::kGt>},
    {"greater_equal", compare<Fn::kGe>},
    {"iota", iota},
    {"less", compare<Fn::kLt>},
    {"less_equal", compare<Fn::kLe>},
    {"log", unary<Fn::kLog>},
    {"logical_and", binary<Fn::kAnd>},
    {"logical_not", unary<Fn::kNot>},
    {"logical_or", binary<Fn::kOr>},
    {"logical_xor", binary<Fn::kXor>},
    {"maximum", binary<Fn::kMax>},
    {"minimum", binary<Fn::kMin>},
    {"mod", binary<Fn::kFloorMod>},
    {"mul", binary<Fn::kMul>},
    {"neg", unary<Fn::kNeg>},
    {"not_equal", compare<Fn::kNe>},
    {"permute", permute},
    {"pow", pow},
    {"relu", relu},
    {"reshape", reshape},
    {"rsqrt", unary<Fn::kRsqrt>},
    {"sigmoid", sigmoid},
    {"silu", silu},
    {"sin", unary<Fn::kSin>},
    {"slice", slice},
    {"sqrt", unary<Fn::kSqrt>},
    {"sub", binary<Fn::kSub>},
    {"tanh", unary<Fn::kTanh>},
    {"where", where},
};

Answer applies(const Implementation&, const Query&) { return Answer::yes(); }
Built build(const Implementation& i, const Query& query, const Tactic&) {
  for (const Row& row : kRows) {
    if (row.op != i.op) continue;
    ElementBuilder b(query);
    return b.finish(row.write(b, query));
  }
  throw InternalError("no element function for " + i.op);
}
}  // namespace

void add_elements(ImplementationTable& table) {
  for (const Row& row : kRows) add_builtin(table, row.op, "element", applies, build);
}

}  // namespace intarsia::schedule
