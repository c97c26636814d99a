// Floating-point rules of PTX: canonical NaNs, flushing, saturation, and the narrow formats.
#pragma once
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#ifdef __F16C__
#include <immintrin.h>
#endif

#include "base/convert.h"

namespace intarsia::ptx {

constexpr std::uint32_t kNanF32 = 0x7FFFFFFF;
constexpr std::uint16_t kNanHalf = 0x7FFF;  // f16 and bf16
// .satfinite: the greatest number in place of infinity.
constexpr std::uint16_t finite_half(std::uint16_t h, bool brain) {
  return (h & 0x7FFF) == (brain ? 0x7F80 : 0x7C00) ? static_cast<std::uint16_t>(h - 1) : h;
}
constexpr std::uint32_t kNanTf32 = 0x7FFFE000;
constexpr std::uint16_t kNanOutside = 0x7FF7;  // of elements outside a tensor; wider ones repeat it
constexpr float kSmallestNormal = 0x1p-126F;

// By bits: a compiler may think one NaN as good as another.
inline float canonical(float x) {
  const auto u = std::bit_cast<std::uint32_t>(x);
  return std::bit_cast<float>((u & 0x7FFFFFFF) > 0x7F800000 ? kNanF32 : u);
}
// x86 and NVIDIA agree on the NaN an f64 operation makes and on the ones it passes on.
inline double canonical(double x) { return x; }

inline float flush(float x) {
  return std::fabs(x) < kSmallestNormal ? std::bit_cast<float>(std::bit_cast<std::uint32_t>(x) & 0x80000000U)
                                        : x;
}

// What an operation gives under .ftz: flushed where it would be below the least normal number if exponents
// had no least, as on the GPU. `raised` is the same operation 2^64 larger, which has no subnormal result to
// round to.
inline float flush(float result, float raised) {
  const float size = std::fabs(result);
  const bool tiny = size < kSmallestNormal || (size == kSmallestNormal && std::fabs(raised) < 0x1p-62F);
  const auto bits = std::bit_cast<std::uint32_t>(result);
  return std::bit_cast<float>(tiny ? bits & 0x80000000U : bits);
}
inline float raised(float x) { return x * 0x1p64F; }

// To [0, 1]; NaN becomes 0.
template <class T>
inline T saturate(T x) {
  return x > T{0} ? (x < T{1} ? x : T{1}) : T{0};
}

inline float f16_value(std::uint16_t h) {
#ifdef __F16C__
  return _cvtsh_ss(h);
#else
  return f16_to_f32(h);
#endif
}
inline float bf16_value(std::uint16_t b) { return std::bit_cast<float>(std::uint32_t{b} << 16); }

inline std::uint16_t to_f16(float x) {
#ifdef __F16C__
  return x != x ? kNanHalf : static_cast<std::uint16_t>(_cvtss_sh(x, _MM_FROUND_TO_NEAREST_INT));
#else
  return x != x ? kNanHalf : f64_to_f16(static_cast<double>(x));
#endif
}
inline std::uint16_t to_bf16(float x) {
  const auto u = std::bit_cast<std::uint32_t>(x);
  return x != x ? kNanHalf : static_cast<std::uint16_t>((u + 0x7FFF + (u >> 16 & 1)) >> 16);
}

// The f32 next to `x` towards zero, its last bit set where that is inexact: rounding it again to a format at
// least two bits narrower, in any direction, gives what rounding `x` once would.
inline float to_odd(double x) {
  auto f = static_cast<float>(x);
  if (f != f || static_cast<double>(f) == x) return f;
  if (std::fabs(static_cast<double>(f)) > std::fabs(x))
    f = std::bit_cast<float>(std::bit_cast<std::uint32_t>(f) - 1);  // towards zero
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(f) | 1);
}

// a * b + c with a, b, c of at most 24 bits, rounded to odd in f64: the narrow format's rounding comes after.
inline double fma_odd(double a, double b, double c) {
  const double product = a * b;
  const double sum = product + c;
  if (!(std::fabs(sum) <= std::numeric_limits<double>::max())) return sum;
  const double back = sum - product;
  const double error = (product - (sum - back)) + (c - back);
  if (error == 0) return sum;
  const auto u = std::bit_cast<std::uint64_t>(sum);
  if ((u & 1) != 0) return sum;
  const bool towards_larger = (error > 0) == (sum > 0);
  return std::bit_cast<double>(towards_larger ? u + 1 : u - 1);
}

// min and max: a number wins over a NaN unless `nan`; -0 is below +0.
// On bits and without branches, so that it works on vectors.
template <bool kMax, bool kNan>
inline float extreme(float a, float b) {
  const auto x = std::bit_cast<std::uint32_t>(a), y = std::bit_cast<std::uint32_t>(b);
  const bool a_nan = (x & 0x7FFFFFFF) > 0x7F800000, b_nan = (y & 0x7FFFFFFF) > 0x7F800000;
  const auto order = [](std::uint32_t u) {
    return static_cast<std::int32_t>(
        u ^ (static_cast<std::uint32_t>(static_cast<std::int32_t>(u) >> 31) & 0x7FFFFFFF));
  };
  const std::uint32_t number = (order(x) < order(y)) != kMax ? x : y;
  const std::uint32_t of_one = a_nan ? (b_nan ? kNanF32 : y) : (b_nan ? x : number);
  const std::uint32_t of_both = a_nan ? kNanF32 : b_nan ? kNanF32 : number;
  return std::bit_cast<float>(kNan ? of_both : of_one);
}
template <bool kMax>
inline double extreme(double a, double b) {
  if (a != a) return b == b ? b : b + b;
  if (b != b) return a;
  const bool first = a == b ? std::signbit(a) != kMax : (a < b) != kMax;
  return first ? a : b;
}

// f64: where both operands are NaNs the second one is passed on, of a fused product the order is b, c, a.
template <class T>
T passed_on(T b, T result) {
  if constexpr (sizeof(T) == 8) return b == b ? result : b + b;
  return result;
}

// The result of F, flushed. Sums and roots below the least normal number are exact: they have no `above`.
template <class F, class... A>
float flushed(A... a) {
  if constexpr (requires { F::above(a...); })
    return flush(F{}(a...), F::above(a...));
  else
    return flush(F{}(a...));
}

}  // namespace intarsia::ptx
