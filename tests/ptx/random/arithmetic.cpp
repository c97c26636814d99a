#include "arithmetic.h"

#include <bit>
#include <cfenv>
#include <cmath>
#include <limits>

namespace intarsia::ptx::random {
namespace {

// Operands and results pass through volatile objects, so that no operation leaves the mode it is meant for.
class InMode {
 public:
  explicit InMode(Rounding rounding) : before_(std::fegetround()) {
    constexpr int kNumbers[] = {FE_TONEAREST, FE_TOWARDZERO, FE_DOWNWARD, FE_UPWARD};
    std::fesetround(kNumbers[static_cast<int>(rounding)]);
  }
  ~InMode() { std::fesetround(before_); }
  InMode(const InMode&) = delete;
  InMode& operator=(const InMode&) = delete;

 private:
  int before_;
};

template <class T>
T compute_in(Basic operation, Rounding rounding, T a, T b, T c) {
  volatile T x = a, y = b, z = c, out = 0;
  const InMode mode(rounding);
  switch (operation) {
    case Basic::kAdd: out = x + y; break;
    case Basic::kSub: out = x - y; break;
    case Basic::kMul: out = x * y; break;
    case Basic::kDiv: out = x / y; break;
    case Basic::kSqrt: out = std::sqrt(static_cast<T>(x)); break;
    case Basic::kFma: out = std::fma(static_cast<T>(x), static_cast<T>(y), static_cast<T>(z)); break;
  }
  return out;
}

int bias(const Format& f) { return (1 << (f.exponent_bits - 1)) - 1; }

}  // namespace

S128 value_of(Integer type, U64 bits) {
  const U64 low = bits & low_bits(type.bits);
  const bool negative = type.is_signed && (low >> (type.bits - 1) & 1) != 0;
  return static_cast<S128>(low) - (negative ? static_cast<S128>(1) << type.bits : 0);
}
U64 cut(Integer type, S128 value) { return static_cast<U64>(value) & low_bits(type.bits); }
U64 clamp_to(Integer type, S128 value) {
  const S128 most = static_cast<S128>(low_bits(type.is_signed ? type.bits - 1 : type.bits));
  const S128 least = type.is_signed ? -most - 1 : 0;
  return cut(type, value < least ? least : value > most ? most : value);
}
U64 extended(Integer type, U64 bits) { return static_cast<U64>(value_of(type, bits)); }

double decode(const Format& f, U64 bits) {
  const int width = f.exponent_bits + f.fraction_bits;
  const auto fraction = static_cast<double>(bits & low_bits(f.fraction_bits));
  const auto exponent = static_cast<int>(bits >> f.fraction_bits & low_bits(f.exponent_bits));
  const double sign = (bits >> width & 1) != 0 ? -1.0 : 1.0;
  if (is_nan(f, bits)) return std::numeric_limits<double>::quiet_NaN();
  if (f.infinities && exponent == static_cast<int>(low_bits(f.exponent_bits)))
    return sign * std::numeric_limits<double>::infinity();
  const double whole = exponent == 0 ? fraction : fraction + std::ldexp(1.0, f.fraction_bits);
  return sign * std::ldexp(whole, (exponent == 0 ? 1 : exponent) - bias(f) - f.fraction_bits);
}

bool is_nan(const Format& f, U64 bits) {
  const U64 size = bits & low_bits(f.exponent_bits + f.fraction_bits);
  return f.infinities ? size > low_bits(f.exponent_bits) << f.fraction_bits
                      : size == low_bits(f.exponent_bits + f.fraction_bits);
}

bool is_tiny(const Format& f, double value, Rounding rounding) {
  const int least = 2 - (1 << (f.exponent_bits - 1));  // its exponent
  return std::fabs(value) < std::ldexp(1.0, least) &&
         std::fabs(decode(f, encode(f, std::ldexp(value, -least), rounding))) < 1;
}

double largest(const Format& f) {
  const U64 infinity = low_bits(f.exponent_bits) << f.fraction_bits;
  return decode(f, f.infinities ? infinity - 1 : low_bits(f.exponent_bits + f.fraction_bits) - 1);
}

U64 encode(const Format& f, double value, Rounding rounding) {
  const int width = f.exponent_bits + f.fraction_bits;
  if (value != value) return low_bits(width);
  const U64 sign = std::signbit(value) ? U64{1} << width : 0;
  if (value == 0) return sign;
  const double most = largest(f);
  const U64 infinity = low_bits(f.exponent_bits) << f.fraction_bits;
  if (std::isinf(value)) return sign | infinity;
  int exponent = 0;
  std::frexp(value, &exponent);  // value = m * 2^exponent, 0.5 <= |m| < 1
  const int least = 2 - bias(f), ulp = std::max(exponent, least) - 1 - f.fraction_bits;
  const double scaled = rounded_integral(std::ldexp(value, -ulp), rounding), result = std::ldexp(scaled, ulp);
  if (std::fabs(result) > most) {
    const bool inward = rounding == Rounding::kZero || (rounding == Rounding::kDown && value > 0) ||
                        (rounding == Rounding::kUp && value < 0);
    return sign | (inward ? infinity - 1 : infinity);
  }
  auto whole = static_cast<U64>(std::fabs(scaled));
  int field = std::max(exponent, least) - 1 + bias(f);
  if (whole >> (f.fraction_bits + 1) != 0) whole >>= 1, ++field;
  if (whole >> f.fraction_bits == 0) field = 0;
  return sign | static_cast<U64>(field) << f.fraction_bits | (whole & low_bits(f.fraction_bits));
}

double rounded_integral(double value, Rounding rounding) {
  switch (rounding) {
    case Rounding::kNearest: {
      const double low = std::floor(value), part = value - low;
      if (part != 0.5) return std::copysign(part < 0.5 ? low : low + 1, value);
      return std::copysign(std::fmod(low, 2) == 0 ? low : low + 1, value);
    }
    case Rounding::kZero: return std::trunc(value);
    case Rounding::kDown: return std::floor(value);
    default: return std::ceil(value);
  }
}

double to_odd(long double value) {
  const double inward = narrowed_f64(value, Rounding::kZero);
  if (static_cast<long double>(inward) == value || std::isnan(inward)) return inward;
  return std::bit_cast<double>(std::bit_cast<U64>(inward) | 1);
}

double sum_to_odd(double a, double b) {
  const double inward = compute(Basic::kAdd, Rounding::kZero, a, b, 0.0);
  const double outward = compute(Basic::kAdd, inward < 0 ? Rounding::kDown : Rounding::kUp, a, b, 0.0);
  if (inward == outward || std::isnan(inward))  // a sum of zero has the sign of rounding to nearest
    return compute(Basic::kAdd, Rounding::kNearest, a, b, 0.0);
  return std::bit_cast<double>(std::bit_cast<U64>(inward) | 1);
}

float compute(Basic operation, Rounding rounding, float a, float b, float c) {
  return compute_in(operation, rounding, a, b, c);
}
double compute(Basic operation, Rounding rounding, double a, double b, double c) {
  return compute_in(operation, rounding, a, b, c);
}
float narrowed(long double value, Rounding rounding) {
  volatile long double x = value;
  const InMode mode(rounding);
  volatile const auto out = static_cast<float>(x);
  return out;
}
double narrowed_f64(long double value, Rounding rounding) {
  volatile long double x = value;
  const InMode mode(rounding);
  volatile const auto out = static_cast<double>(x);
  return out;
}

}  // namespace intarsia::ptx::random
