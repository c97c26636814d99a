// Arithmetic of two tensors, element by element, stretched by NumPy's rule.
#include <cmath>
#include <limits>

#include "ops/elementwise.h"
#include "ops/ops.h"
#include "ops/rules.h"

namespace intarsia::ops {
namespace {

constexpr Input kNumberPair[] = {
    {.name = "lhs", .dtypes = kNumbers, .type_variable = 0, .doc = "any shape"},
    {.name = "rhs", .dtypes = kNumbers, .type_variable = 0, .doc = "a shape that broadcasts with `lhs`"},
};
constexpr Output kSame[] = {{.name = "output", .type_variable = 0, .doc = "the broadcast shape"}};

std::int64_t wrapped(std::uint64_t bits) { return static_cast<std::int64_t>(bits); }
std::uint64_t bits_of(std::int64_t value) { return static_cast<std::uint64_t>(value); }

struct Add {
  double operator()(double a, double b) const { return a + b; }
  std::uint64_t operator()(std::uint64_t a, std::uint64_t b) const { return a + b; }
  std::int64_t operator()(std::int64_t a, std::int64_t b) const { return wrapped(bits_of(a) + bits_of(b)); }
};
struct Sub {
  double operator()(double a, double b) const { return a - b; }
  std::uint64_t operator()(std::uint64_t a, std::uint64_t b) const { return a - b; }
  std::int64_t operator()(std::int64_t a, std::int64_t b) const { return wrapped(bits_of(a) - bits_of(b)); }
};
struct Mul {
  double operator()(double a, double b) const { return a * b; }
  std::uint64_t operator()(std::uint64_t a, std::uint64_t b) const { return a * b; }
  std::int64_t operator()(std::int64_t a, std::int64_t b) const { return wrapped(bits_of(a) * bits_of(b)); }
};

// The remainder with the sign of b, and the quotient that goes with it.
struct Mod {
  double operator()(double a, double b) const {
    double r = std::fmod(a, b);
    if (r == 0) return std::copysign(0.0, b);
    return (r < 0) != (b < 0) ? r + b : r;
  }
  std::uint64_t operator()(std::uint64_t a, std::uint64_t b) const { return b == 0 ? 0 : a % b; }
  std::int64_t operator()(std::int64_t a, std::int64_t b) const {
    if (b == 0 || b == -1) return 0;
    const std::int64_t r = a % b;
    return r != 0 && (r < 0) != (b < 0) ? r + b : r;
  }
};
struct FloorDiv {
  double operator()(double a, double b) const {
    if (b == 0) return a / b;
    const double r = std::fmod(a, b);
    double quotient = (a - r) / b;
    if (r != 0 && (r < 0) != (b < 0)) quotient -= 1;
    if (quotient == 0) return std::copysign(0.0, a / b);
    const double whole = std::floor(quotient);
    return quotient - whole > 0.5 ? whole + 1 : whole;
  }
  std::uint64_t operator()(std::uint64_t a, std::uint64_t b) const { return b == 0 ? 0 : a / b; }
  std::int64_t operator()(std::int64_t a, std::int64_t b) const {
    if (b == 0) return 0;
    if (b == -1) return wrapped(0 - bits_of(a));
    const std::int64_t q = a / b;
    return a % b != 0 && (a < 0) != (b < 0) ? q - 1 : q;
  }
};

struct Pow {
  double operator()(double a, double b) const { return std::pow(a, b); }
  std::uint64_t operator()(std::uint64_t a, std::uint64_t b) const {
    std::uint64_t r = 1;
    for (; b != 0; b >>= 1, a *= a)
      if (b & 1) r *= a;
    return r;
  }
  std::int64_t operator()(std::int64_t a, std::int64_t b) const {
    if (b >= 0) return wrapped((*this)(bits_of(a), bits_of(b)));
    return a == 1 ? 1 : a == -1 ? (b % 2 == 0 ? 1 : -1) : 0;
  }
};

struct Maximum {
  template <class T>
  T operator()(T a, T b) const {
    return a < b ? b : a;
  }
  double operator()(double a, double b) const {
    if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<double>::quiet_NaN();
    return a == b ? (std::signbit(a) ? b : a) : (a < b ? b : a);
  }
};
struct Minimum {
  template <class T>
  T operator()(T a, T b) const {
    return b < a ? b : a;
  }
  double operator()(double a, double b) const {
    if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<double>::quiet_NaN();
    return a == b ? (std::signbit(a) ? a : b) : (b < a ? b : a);
  }
};

template <class Rule>
constexpr OpDef binary(std::string_view id, std::string_view summary, std::span<const Input> inputs,
                       std::string_view doc, std::string_view example) {
  return pairwise<Rule>(id, summary, inputs, kSame, doc, example);
}

// ---- div: floats divide in their dtype, integers as f64, as NumPy's true division does
// --------------------------------

constexpr Output kQuotient[] = {
    {.name = "output", .dtypes = kFloats, .doc = "the broadcast shape; f64 for integers"}};

void infer_div(InferContext& context) {
  const Shape shapes[] = {context.in(0).shape, context.in(1).shape};
  const DType t = context.in(0).dtype;
  context.out(broadcast(context, shapes), is_float(t) ? t : DType::kF64);
}

void reference_div(ReferenceContext& c) {
  const HostTensor &lhs = c.inputs[0], &rhs = c.inputs[1], &out = c.outputs[0];
  const auto left = stretched_strides(lhs, out.extents), right = stretched_strides(rhs, out.extents);
  with_number_class(lhs.dtype, [&]<class T>(T) {
    for (std::int64_t i = 0; i < numel(out); ++i) {
      const auto at = position(i, out.extents);
      const auto a = static_cast<double>(read<T>(lhs, offset(at, left)));
      write(out, i, a / static_cast<double>(read<T>(rhs, offset(at, right))));
    }
  });
}

std::vector<GraphBuilder::Value> decompose_div(const OpDef&, GraphBuilder& graph,
                                               std::span<const GraphBuilder::Value> inputs,
                                               const Attributes&) {
  if (is_float(graph.type(inputs[0]).dtype)) return {};
  std::vector<GraphBuilder::Value> casts;
  for (const GraphBuilder::Value v : inputs)
    casts.push_back(graph.add(kCast, {&v, 1}, {{"dtype", DType::kF64}})[0]);
  return graph.add(kDiv, casts, {});
}

}  // namespace

constexpr OpDef kAdd =
    binary<Add>("add", "The sum of two tensors.", kNumberPair, "Integers wrap.",
                "assert ia.add(ia.Tensor([1.0, 2.0]), ia.Tensor([10.0])).tolist() == [11.0, 12.0]");
constexpr OpDef kSub =
    binary<Sub>("sub", "The difference of two tensors.", kNumberPair, "Integers wrap.",
                "assert ia.sub(ia.Tensor([1.0, 2.0]), ia.Tensor([10.0])).tolist() == [-9.0, -8.0]");
constexpr OpDef kMul =
    binary<Mul>("mul", "The product of two tensors, element by element.", kNumberPair, "Integers wrap.",
                "assert ia.mul(ia.Tensor([1.0, 2.0]), ia.Tensor([10.0])).tolist() == [10.0, 20.0]");
constexpr OpDef kDiv = {
    .id = "div",
    .summary = "The quotient of two tensors.",
    .inputs = kNumberPair,
    .outputs = kQuotient,
    .infer = infer_div,
    .reference = reference_div,
    .decompose = decompose_div,
    .doc =
        "Correctly rounded (IEEE 754): `x / 0` is ±inf, `0 / 0` is NaN. Integers are divided as f64, as "
        "NumPy's `/` does; "
        "`floor_div` stays in integers.",
    .example = "assert ia.div(ia.Tensor([1.0, 2.0]), ia.Tensor([4.0])).tolist() == [0.25, 0.5]"};
constexpr OpDef kFloorDiv = binary<FloorDiv>(
    "floor_div", "The quotient of two tensors, rounded towards minus infinity.", kNumberPair,
    "NumPy's `//`. Integers: by 0 the result is 0, the lowest integer by -1 wraps. Floats: `lhs // rhs` goes "
    "with "
    "`mod` (`lhs == lhs // rhs * rhs + lhs % rhs` up to rounding); by ±0 it is `lhs / rhs`, of ±inf NaN.",
    "assert ia.floor_div(ia.Tensor([7, -7]), ia.Tensor([2])).tolist() == [3, -4]");
constexpr OpDef kMod = binary<Mod>(
    "mod", "The remainder of the floor division, with the sign of the divisor.", kNumberPair,
    "NumPy's `%`. Integers: by 0 the result is 0. Floats: exact before it is rounded; by ±0 and of ±inf "
    "it is NaN, by ±inf it is `lhs` where the signs agree, `rhs` where not.",
    "assert ia.mod(ia.Tensor([7, -7]), ia.Tensor([4])).tolist() == [3, 1]");
constexpr OpDef kPow = binary<Pow>(
    "pow", "The first tensor to the power of the second.", kNumberPair,
    "Floats follow C's `pow`: `x ** 0` and `1 ** y` are 1 for every x and y, NaN included. Integers wrap; "
    "to a negative power they give `1 / lhs ** -rhs` rounded towards zero, and 0 for 0.",
    "assert ia.pow(ia.Tensor([2.0, 3.0]), ia.Tensor([2.0])).tolist() == [4.0, 9.0]");
constexpr OpDef kMaximum =
    binary<Maximum>("maximum", "The larger of two elements.", kComparablePair,
                    "IEEE 754-2019 `maximum`: NaN where either is NaN, and -0.0 is less than 0.0.",
                    "assert ia.maximum(ia.Tensor([1.0, 5.0]), ia.Tensor([3.0])).tolist() == [3.0, 5.0]");
constexpr OpDef kMinimum =
    binary<Minimum>("minimum", "The smaller of two elements.", kComparablePair,
                    "IEEE 754-2019 `minimum`: NaN where either is NaN, and -0.0 is less than 0.0.",
                    "assert ia.minimum(ia.Tensor([1.0, 5.0]), ia.Tensor([3.0])).tolist() == [1.0, 3.0]");

}  // namespace intarsia::ops
