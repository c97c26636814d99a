// The error of the transcendental functions against libm in a wider type, in units in the last place of the
// exact result.
//
// docs/accuracy.md lists what a sweep of every 127th f32 measures (kStep below); the test takes fewer points.
#include <algorithm>

#include "against_interpreter.h"

namespace intarsia::test {
namespace {

constexpr std::uint64_t kStep = 16411;  // between the bits of neighbouring arguments; prime

struct Function {
  Fn fn;
  long double (*exact)(long double);
  double f32, f64;  // bounds at x86-64-v3 and v4
};
constexpr Function kFunctions[] = {
    {Fn::kExp, [](long double x) { return std::exp(x); }, 1.1, 1.1},
    {Fn::kExp2, [](long double x) { return std::exp2(x); }, 1.1, 1.1},
    {Fn::kLog, [](long double x) { return std::log(x); }, 1.1, 1.1},
    {Fn::kLog2, [](long double x) { return std::log2(x); }, 1.5, 1.5},
    {Fn::kSin, [](long double x) { return std::sin(x); }, 1.6, 2.1},
    {Fn::kCos, [](long double x) { return std::cos(x); }, 1.6, 2.1},
    {Fn::kTanh, [](long double x) { return std::tanh(x); }, 5.0, 2.5},
    {Fn::kErf, [](long double x) { return std::erf(x); }, 6.0, 2.0},
    {Fn::kRsqrt, [](long double x) { return 1 / std::sqrt(x); }, 1.6, 1.6},
};

Kernel unary(Fn fn, DType t, std::int64_t count) {
  Kit kit(std::string(kernel::text_of(fn)));
  Builder& b = kit.b;
  const std::int64_t extents[] = {1024};
  const ValueId x = b.view("x", Role::kInput, 0, t, {count}), y = b.view("y", Role::kOutput, 0, t, {count});
  const ValueId at[] = {b.binary(Fn::kMul, b.program_id(0), b.constant(1024, kernel::scalar(DType::kI64)))};
  b.store(y, b.unary(fn, b.load(x, at, extents)), at);
  kit.k.grid = {cdiv(count, 1024), 1, 1};
  return kit.k;
}

// |got - exact| in units of the spacing of t's values at `exact`; infinite where only one is NaN or infinite.
double error_in_ulps(DType t, double got, long double exact) {
  const auto rounded =
      static_cast<double>(t == DType::kF32 ? static_cast<long double>(static_cast<float>(exact)) : exact);
  if (std::isnan(rounded) || std::isnan(got)) return std::isnan(rounded) && std::isnan(got) ? 0 : INFINITY;
  if (std::isinf(rounded) || std::isinf(got)) return rounded == got ? 0 : INFINITY;
  const int mantissa = t == DType::kF32 ? 24 : 53, lowest = t == DType::kF32 ? -149 : -1074;
  int exponent = 0;
  std::frexp(exact, &exponent);
  const long double spacing = std::ldexp(1.0L, std::max(exponent - mantissa, lowest));
  return static_cast<double>(std::fabs(static_cast<long double>(got) - exact) / spacing);
}

double worst(const Function& f, DType t, const Tensor& x, const std::string& level) {
  const Kernel k = unary(f.fn, t, x.count);
  Tensor in = x, y(t, x.count);
  Tensor* const tensors[] = {&in, &y};
  run(k, tensors, {}, level);
  double most = 0;
  for (std::int64_t i = 0; i < x.count; ++i) {
    const double error = error_in_ulps(t, y.at(i), f.exact(static_cast<long double>(x.at(i))));
    EXPECT_LT(error, INFINITY) << kernel::text_of(f.fn) << " of " << x.at(i) << " is " << y.at(i) << " at "
                               << level;
    most = std::max(most, error);
  }
  return most;
}

Tensor all_f32() {
  std::vector<std::uint64_t> bits;
  for (std::uint64_t b = 0; b < std::uint64_t{1} << 32; b += kStep) bits.push_back(b);
  Tensor out(DType::kF32, static_cast<std::int64_t>(bits.size()));
  for (std::size_t i = 0; i < bits.size(); ++i) out.set_bits(static_cast<std::int64_t>(i), bits[i]);
  return out;
}

// Of every size, and many near 1.
Tensor many_f64() {
  std::mt19937_64 random(1);
  Tensor out(DType::kF64, 40000);
  for (std::int64_t i = 0; i < out.count; ++i) {
    if (i % 2 == 0)
      out.set_bits(i, random());
    else
      out.set(i, std::uniform_real_distribution<double>(-20, 20)(random));
  }
  return out;
}

TEST(CpuAccuracy, F32FunctionsStayWithinTheirBounds) {
  const Tensor x = all_f32();
  for (const std::string& level : levels())
    for (const Function& f : kFunctions) {
      const double error = worst(f, DType::kF32, x, level);
      RecordProperty(std::string(kernel::text_of(f.fn)) + "_f32_" + level, std::to_string(error));
      EXPECT_LE(error, f.f32 * (level == "x86-64-v2" ? 1.5 : 1)) << kernel::text_of(f.fn) << " at " << level;
    }
}

TEST(CpuAccuracy, F64FunctionsStayWithinTheirBounds) {
  const Tensor x = many_f64();
  for (const std::string& level : levels())
    for (const Function& f : kFunctions) {
      const double error = worst(f, DType::kF64, x, level);
      RecordProperty(std::string(kernel::text_of(f.fn)) + "_f64_" + level, std::to_string(error));
      EXPECT_LE(error, f.f64 * (level == "x86-64-v2" ? 1.5 : 1)) << kernel::text_of(f.fn) << " at " << level;
    }
}

// Pairs over many sizes; the error of pow is relative.
TEST(CpuAccuracy, PowStaysWithinItsBounds) {
  std::mt19937_64 random(2);
  for (const std::string& level : levels())
    for (const DType t : {DType::kF32, DType::kF64}) {
      constexpr std::int64_t kCount = 20000;
      Tensor x(t, kCount), y(t, kCount), z(t, kCount);
      for (std::int64_t i = 0; i < kCount; ++i) {
        x.set(i, std::exp2(std::uniform_real_distribution<double>(-12, 12)(random)));
        y.set(i, std::uniform_real_distribution<double>(-12, 12)(random));
      }
      Kit kit("pow");
      Builder& b = kit.b;
      const std::int64_t extents[] = {1024};
      const ValueId p = b.view("x", Role::kInput, 0, t, {kCount}),
                    q = b.view("y", Role::kInput, 1, t, {kCount}),
                    r = b.view("z", Role::kOutput, 0, t, {kCount});
      const ValueId at[] = {
          b.binary(Fn::kMul, b.program_id(0), b.constant(1024, kernel::scalar(DType::kI64)))};
      b.store(r, b.binary(Fn::kPow, b.load(p, at, extents), b.load(q, at, extents)), at);
      kit.k.grid = {cdiv(kCount, 1024), 1, 1};
      Tensor* const tensors[] = {&x, &y, &z};
      run(kit.k, tensors, {}, level);
      double most = 0;
      for (std::int64_t i = 0; i < kCount; ++i)
        most = std::max(most, error_in_ulps(t, z.at(i),
                                            std::pow(static_cast<long double>(x.at(i)),
                                                     static_cast<long double>(y.at(i)))));
      RecordProperty("pow_" + std::string(name(t)) + "_" + level, std::to_string(most));
      EXPECT_LE(most, t == DType::kF32 ? 0.6 : 2.0) << name(t) << " at " << level;
    }
}

}  // namespace
}  // namespace intarsia::test
