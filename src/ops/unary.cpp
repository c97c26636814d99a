// Operators of one tensor, element by element.
#include <cmath>

#include "ops/elementwise.h"
#include "ops/ops.h"
#include "ops/rules.h"

namespace intarsia::ops {
namespace {

constexpr Input kNumber[] = {{.name = "input", .dtypes = kNumbers, .type_variable = 0, .doc = "any shape"}};
constexpr Input kFloat[] = {{.name = "input", .dtypes = kFloats, .type_variable = 0, .doc = "any shape"}};
constexpr Output kSame[] = {{.name = "output", .type_variable = 0, .doc = "the shape of `input`"}};

struct Neg {
  double operator()(double x) const { return -x; }
  std::int64_t operator()(std::int64_t x) const {
    return static_cast<std::int64_t>(0 - static_cast<std::uint64_t>(x));
  }
  std::uint64_t operator()(std::uint64_t x) const { return 0 - x; }
};
struct Abs {
  double operator()(double x) const { return std::fabs(x); }
  std::int64_t operator()(std::int64_t x) const { return x < 0 ? Neg()(x) : x; }
  std::uint64_t operator()(std::uint64_t x) const { return x; }
};
struct Exp {
  double operator()(double x) const { return std::exp(x); }
};
struct Log {
  double operator()(double x) const { return std::log(x); }
};
struct Sqrt {
  double operator()(double x) const { return std::sqrt(x); }
};
struct Rsqrt {
  double operator()(double x) const { return 1 / std::sqrt(x); }
};
struct Sin {
  double operator()(double x) const { return std::sin(x); }
};
struct Cos {
  double operator()(double x) const { return std::cos(x); }
};
struct Tanh {
  double operator()(double x) const { return std::tanh(x); }
};
struct Sigmoid {
  double operator()(double x) const { return 1 / (1 + std::exp(-x)); }
};
struct Erf {
  double operator()(double x) const { return std::erf(x); }
};

template <class Rule>
constexpr OpDef unary(std::string_view id, std::string_view summary, std::span<const Input> inputs,
                      std::string_view doc, std::string_view example) {
  return {.id = id,
          .summary = summary,
          .inputs = inputs,
          .outputs = kSame,
          .infer = infer_same,
          .reference = reference_unary<Rule>,
          .doc = doc,
          .example = example};
}

}  // namespace

constexpr OpDef kNeg =
    unary<Neg>("neg", "The negative of each element.", kNumber,
               "Integers wrap: the lowest one is its own negative. The sign of zero and of NaN changes.",
               "assert ia.neg(ia.Tensor([1.0, -2.0])).tolist() == [-1.0, 2.0]");
constexpr OpDef kAbs = unary<Abs>("abs", "The absolute value of each element.", kNumber,
                                  "Integers wrap: the lowest one stays negative. abs(-0.0) is 0.0.",
                                  "assert ia.abs(ia.Tensor([1.0, -2.0])).tolist() == [1.0, 2.0]");
constexpr OpDef kExp = unary<Exp>("exp", "e to the power of each element.", kFloat,
                                  "exp(-inf) is 0, exp(inf) is inf, NaN stays NaN.",
                                  "assert ia.exp(ia.Tensor([0.0])).tolist() == [1.0]");
constexpr OpDef kLog = unary<Log>("log", "The natural logarithm of each element.", kFloat,
                                  "log(±0) is -inf, of a negative number NaN, log(inf) is inf.",
                                  "assert ia.log(ia.Tensor([1.0])).tolist() == [0.0]");
constexpr OpDef kSqrt =
    unary<Sqrt>("sqrt", "The square root of each element.", kFloat,
                "Correctly rounded (IEEE 754). sqrt(-0.0) is -0.0, of a negative number NaN.",
                "assert ia.sqrt(ia.Tensor([1.0, 4.0])).tolist() == [1.0, 2.0]");
constexpr OpDef kRsqrt =
    unary<Rsqrt>("rsqrt", "One over the square root of each element.", kFloat,
                 "`1 / sqrt(input)`. Of ±0 it is ±inf, of inf 0, of a negative number NaN.",
                 "assert ia.rsqrt(ia.Tensor([1.0, 4.0])).tolist() == [1.0, 0.5]");
constexpr OpDef kSin = unary<Sin>("sin", "The sine of each element, in radians.", kFloat,
                                  "Of ±inf it is NaN.", "assert ia.sin(ia.Tensor([0.0])).tolist() == [0.0]");
constexpr OpDef kCos = unary<Cos>("cos", "The cosine of each element, in radians.", kFloat,
                                  "Of ±inf it is NaN.", "assert ia.cos(ia.Tensor([0.0])).tolist() == [1.0]");
constexpr OpDef kTanh =
    unary<Tanh>("tanh", "The hyperbolic tangent of each element.", kFloat, "tanh(±inf) is ±1.",
                "assert ia.tanh(ia.Tensor([0.0])).tolist() == [0.0]");
constexpr OpDef kSigmoid = unary<Sigmoid>("sigmoid", "The logistic function of each element.", kFloat,
                                          "`1 / (1 + exp(-input))`; sigmoid(-inf) is 0, sigmoid(inf) is 1.",
                                          "assert ia.sigmoid(ia.Tensor([0.0])).tolist() == [0.5]");
constexpr OpDef kErf =
    unary<Erf>("erf", "The error function of each element.", kFloat,
               "`2 / sqrt(pi)` times the integral of `exp(-t * t)` from 0 to the element; erf(±inf) is ±1.",
               "assert ia.erf(ia.Tensor([0.0])).tolist() == [0.0]");

}  // namespace intarsia::ops
