#include "ptx/tensor.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "ptx/numbers.h"
#include "ptx/vectors.h"

namespace intarsia::ptx {
namespace {

struct Format {
  int exponent_bits, fraction_bits, bias;
};
Format format(Type type) {
  switch (type) {
    case Type::kF16: return {5, 10, 15};
    case Type::kBF16: return {8, 7, 127};
    case Type::kTF32: return {8, 10, 127};
    case Type::kE4M3: return {4, 3, 7};
    case Type::kE5M2: return {5, 2, 15};
    default: return {8, 23, 127};
  }
}

constexpr std::uint32_t kInfinity = 0x7F800000;

// Infinities and NaNs among the terms decide the result alone.
struct Special {
  bool nan = false, plus = false, minus = false;
  void infinite(bool negative) { (negative ? minus : plus) = true; }
  bool any() const { return nan || plus || minus; }
  std::uint32_t result() const {
    return nan || (plus && minus) ? kNanF32 : minus ? kInfinity | 0x80000000 : kInfinity;
  }
};

bool special_product(const Scaled& a, const Scaled& b, Special& special) {
  using Kind = Scaled::Kind;
  if (a.kind == Kind::kFinite && b.kind == Kind::kFinite) return false;
  const bool zero =
      (a.kind == Kind::kFinite && a.significand == 0) || (b.kind == Kind::kFinite && b.significand == 0);
  if (a.kind == Kind::kNan || b.kind == Kind::kNan || zero)
    special.nan = true;
  else
    special.infinite(a.negative != b.negative);
  return true;
}

// significand * 2^exponent truncated to units of 2^unit.
std::int64_t aligned(std::int64_t significand, int exponent, int unit) {
  const int shift = exponent - unit;
  if (shift >= 0) return shift > 62 ? 0 : significand << shift;
  if (shift < -62) return 0;
  const std::int64_t size = std::abs(significand) >> -shift;
  return significand < 0 ? -size : size;
}

// sum * 2^unit to f32 toward zero.
std::uint32_t truncated(std::int64_t sum, int unit) {
  if (sum == 0) return 0;
  const std::uint32_t sign = sum < 0 ? 0x80000000 : 0;
  std::uint64_t size = static_cast<std::uint64_t>(sum < 0 ? -sum : sum);
  const int top = 63 - std::countl_zero(size);
  int exponent = top + unit;  // of the leading bit
  if (exponent > 127) return sign | kInfinity;
  const int lowest = std::max(exponent, -126) - 23;  // the place of the last bit kept
  const int shift = lowest - unit;
  if (shift > 63) return sign;
  size = shift >= 0 ? size >> shift : size << -shift;
  if (exponent < -126) return sign | static_cast<std::uint32_t>(size);
  return sign | (static_cast<std::uint32_t>(exponent + 127) << 23) |
         (static_cast<std::uint32_t>(size) & 0x7FFFFF);
}

struct Sum {
  std::int64_t value = 0;
  int unit = 0;
};

// Eight numbers: their significands, and the rest of each in one word. Their order is the same for all.
using S32x8 = std::int32_t __attribute__((vector_size(32)));
struct Eight {
  S32x8 significand, rest;
};
static_assert(sizeof(Scaled) == 8 && std::endian::native == std::endian::little);
[[gnu::always_inline]] inline Eight eight(const Scaled* from) {
  const auto low = load_vector<S32x8>(from), high = load_vector<S32x8>(from + 4);
  return {__builtin_shufflevector(low, high, 0, 2, 8, 10, 4, 6, 12, 14),
          __builtin_shufflevector(low, high, 1, 3, 9, 11, 5, 7, 13, 15)};
}
[[gnu::always_inline]] inline S32x8 chosen(const S32x8& where, const S32x8& a, const S32x8& b) {
  return (a & where) | (b & ~where);
}

bool all_finite(std::span<const Scaled> values) {
  std::size_t i = 0;
  S32x8 rest{};
  for (; i + 8 <= values.size(); i += 8) rest |= eight(&values[i]).rest;
  bool special = any_bit(rest & 0xFF0000);
  for (; i < values.size(); ++i) special |= values[i].kind != Scaled::Kind::kFinite;
  return !special;
}

constexpr int kNone = -100000;  // below all exponents
constexpr std::size_t kMostEights = 8;

// `step_sum` of eights: a product has at most 22 bits, aligned ones at most `keep` + 2, so that eight of them
// fit a word.
Sum eights_sum(std::span<const Scaled> a, std::span<const Scaled> b, int product_bits, const Scaled& c,
               int c_bits, int keep) {
  S32x8 products[kMostEights], exponents[kMostEights];
  S32x8 most = S32x8{} + kNone;
  const std::size_t eights = a.size() / 8;
  for (std::size_t i = 0; i < eights; ++i) {
    const Eight x = eight(&a[8 * i]), y = eight(&b[8 * i]);
    products[i] = x.significand * y.significand;
    exponents[i] = (x.rest << 16 >> 16) + (y.rest << 16 >> 16);
    const S32x8 counts = chosen(products[i] == 0, S32x8{} + kNone, exponents[i]);
    most = chosen(counts > most, counts, most);
  }
  int largest = c.significand != 0 ? c.exponent : kNone;
  for (int l = 0; l < 8; ++l) largest = std::max(largest, most[l]);
  Sum out;
  if (largest == kNone) return out;
  out.unit = largest - keep;
  S32x8 sums{};
  const S32x8 most_shift = S32x8{} + 31;
  for (std::size_t i = 0; i < eights; ++i) {
    const S32x8 shift = exponents[i] - (product_bits + out.unit), minus = products[i] < 0;
    const S32x8 size = (products[i] ^ minus) - minus;
    const S32x8 left = chosen(shift > 0, shift, S32x8{}), right = left - shift;
    const S32x8 moved = size << chosen(left > 31, most_shift, left) >> chosen(right > 31, most_shift, right);
    sums += (moved ^ minus) - minus;
  }
  for (int l = 0; l < 8; ++l) out.value += sums[l];
  out.value += aligned(c.significand, c.exponent - c_bits, out.unit);
  return out;
}

// One step: products and addend aligned to the largest exponent, added exactly.
Sum step_sum(std::span<const Scaled> a, std::span<const Scaled> b, int product_bits, const Scaled& c,
             int c_bits, int keep) {
  if (a.size() % 8 == 0 && a.size() <= 8 * kMostEights)
    return eights_sum(a, b, product_bits, c, c_bits, keep);
  int largest = kNone;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (a[i].significand != 0 && b[i].significand != 0)
      largest = std::max(largest, a[i].exponent + b[i].exponent);
  if (c.significand != 0) largest = std::max<int>(largest, c.exponent);
  Sum out;
  if (largest == kNone) return out;
  out.unit = largest - keep;
  for (std::size_t i = 0; i < a.size(); ++i)
    out.value += aligned(static_cast<std::int64_t>(a[i].significand) * b[i].significand,
                         a[i].exponent + b[i].exponent - product_bits, out.unit);
  out.value += aligned(c.significand, c.exponent - c_bits, out.unit);
  return out;
}

std::uint32_t fast_dot(int a_bits, std::span<const Scaled> a, int b_bits, std::span<const Scaled> b,
                       std::uint32_t c) {
  auto sum = std::bit_cast<float>(c);
  for (std::size_t i = 0; i < a.size(); ++i)
    sum += std::ldexp(static_cast<float>(a[i].significand), a[i].exponent - a_bits) *
           std::ldexp(static_cast<float>(b[i].significand), b[i].exponent - b_bits);
  return std::bit_cast<std::uint32_t>(canonical(sum));
}

}  // namespace

int fraction_bits(Type type) { return format(type).fraction_bits; }

Scaled scaled(Type type, std::uint32_t bits) {
  const Format f = format(type);
  if (type == Type::kTF32) bits >>= 13;
  const std::uint32_t fraction = bits & ((1U << f.fraction_bits) - 1),
                      exponent = bits >> f.fraction_bits & ((1U << f.exponent_bits) - 1);
  Scaled out;
  out.negative = (bits >> (f.fraction_bits + f.exponent_bits) & 1) != 0;
  const bool top = exponent == (1U << f.exponent_bits) - 1;
  if (type == Type::kE4M3 ? top && fraction == 7 : top) {
    out.kind = type == Type::kE4M3 || fraction != 0 ? Scaled::Kind::kNan : Scaled::Kind::kInfinite;
    return out;
  }
  out.significand = static_cast<std::int32_t>(exponent == 0 ? fraction : fraction | 1U << f.fraction_bits);
  if (out.negative) out.significand = -out.significand;
  out.exponent = static_cast<std::int16_t>(std::max<int>(static_cast<int>(exponent), 1) - f.bias);
  return out;
}

TensorRule tensor_rule(int architecture, Type type, bool warp_group, bool exact) {
  TensorRule rule;
  rule.fast = !exact;
  const bool f8 = type == Type::kE4M3 || type == Type::kE5M2;
  if (architecture >= 90) {
    rule.bits = f8 && warp_group ? 13 : 25;
    rule.step = f8 && !warp_group ? 16 : 64;
    rule.result_bits = f8 && warp_group ? 13 : 23;
  } else {
    rule.bits = f8 ? 13 : 24;
    rule.step = type == Type::kTF32 ? 4 : f8 ? 16 : 8;
  }
  return rule;
}

namespace {
std::uint32_t dot_at_once(Type a_type, std::span<const Scaled> a, Type b_type, std::span<const Scaled> b,
                          std::uint32_t c, const TensorRule& rule) {
  Special special;
  if (!all_finite(a) || !all_finite(b))
    for (std::size_t i = 0; i < a.size(); ++i) special_product(a[i], b[i], special);
  const Scaled first = scaled(Type::kF32, c);
  if (first.kind == Scaled::Kind::kNan) special.nan = true;
  if (first.kind == Scaled::Kind::kInfinite) special.infinite(first.negative);
  if (special.any()) return special.result();
  if (rule.fast) return fast_dot(fraction_bits(a_type), a, fraction_bits(b_type), b, c);
  const auto step = static_cast<std::size_t>(rule.step);
  for (std::size_t at = 0; at < a.size(); at += step) {
    const std::size_t count = std::min(step, a.size() - at);
    const Scaled addend = scaled(Type::kF32, c);
    if (addend.kind != Scaled::Kind::kFinite) return c;
    const Sum sum = step_sum(a.subspan(at, count), b.subspan(at, count),
                             fraction_bits(a_type) + fraction_bits(b_type), addend, 23, rule.bits);
    c = truncated(sum.value, sum.unit) & ~((1U << (23 - rule.result_bits)) - 1);
  }
  return c;
}

}  // namespace

std::uint32_t dot(Type a_type, std::span<const Scaled> a, Type b_type, std::span<const Scaled> b,
                  std::uint32_t c, const TensorRule& rule) {
  if (!rule.apart || rule.fast) return dot_at_once(a_type, a, b_type, b, c, rule);
  std::uint32_t sum = 0;
  const auto step = static_cast<std::size_t>(rule.step);
  for (std::size_t at = 0; at < a.size(); at += step)
    sum = dot_at_once(a_type, a.subspan(at, step), b_type, b.subspan(at, step), sum, rule);
  return std::bit_cast<std::uint32_t>(canonical(std::bit_cast<float>(sum) + std::bit_cast<float>(c)));
}

std::uint16_t dot_f16(Type a_type, std::span<const Scaled> a, Type b_type, std::span<const Scaled> b,
                      std::uint16_t c, const TensorRule& rule) {
  const bool apart = rule.apart && !rule.fast;
  const std::size_t step = apart ? static_cast<std::size_t>(rule.step) : a.size();
  std::uint16_t sum = apart ? 0 : c;
  for (std::size_t at = 0; at < a.size(); at += step)
    sum = to_f16(std::bit_cast<float>(dot_at_once(a_type, a.subspan(at, step), b_type, b.subspan(at, step),
                                                  std::bit_cast<std::uint32_t>(f16_value(sum)), rule)));
  return apart ? to_f16(f16_value(sum) + f16_value(c)) : sum;
}

}  // namespace intarsia::ptx
