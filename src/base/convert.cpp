#include "base/convert.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/error.h"

namespace intarsia {
namespace {

struct Format {
  int mantissa;  // bits
  int bias;
  std::uint32_t sign;            // its bit
  std::uint32_t infinity;        // pattern; where there is none, what overflow gives
  std::uint32_t nan;             // quiet, no payload
  std::uint32_t largest_finite;  // pattern
};
constexpr Format kF16{10, 15, 0x8000, 0x7c00, 0x7e00, 0x7bff};
constexpr Format kBF16{7, 127, 0x8000, 0x7f80, 0x7fc0, 0x7f7f};
constexpr Format kF8E4M3{3, 7, 0x80, 0x7e, 0x7f, 0x7e};
constexpr Format kF8E5M2{2, 15, 0x80, 0x7b, 0x7f, 0x7b};

// The 53-bit significand is shifted to the target's precision; what falls off decides the rounding, and a
// carry runs into the exponent field by itself.
std::uint32_t encode(double value, const Format& f) {
  const auto bits = std::bit_cast<std::uint64_t>(value);
  const std::uint32_t sign = bits >> 63 ? f.sign : 0;
  if (std::isnan(value)) return sign | f.nan;
  if (std::isinf(value)) return sign | f.infinity;
  const auto exponent = static_cast<int>(bits >> 52 & 0x7ff) - 1023;
  if (exponent == -1023) return sign;  // zero, or far below the smallest value of any format here
  const std::uint64_t significand = (bits & 0xfffffffffffffull) | (1ull << 52);
  const int lowest = 1 - f.bias;
  const int shift = 52 - f.mantissa + (exponent < lowest ? lowest - exponent : 0);
  if (shift > 54) return sign;
  const std::uint64_t rest = significand & ((1ull << shift) - 1), half = 1ull << (shift - 1);
  std::uint64_t kept = significand >> shift;
  kept += rest > half || (rest == half && (kept & 1));
  if (exponent >= lowest) kept += static_cast<std::uint64_t>(exponent - lowest) << f.mantissa;
  return sign | static_cast<std::uint32_t>(kept > f.largest_finite ? f.infinity : kept);
}

float decode(std::uint32_t bits, const Format& f) {
  const std::uint32_t magnitude = bits & (f.sign - 1);
  const float sign = bits & f.sign ? -1.0f : 1.0f;
  const bool has_infinity =
      f.infinity != f.largest_finite || f.mantissa == 2;  // f8e5m2 holds inf, but nothing rounds to it
  const std::uint32_t infinity = f.mantissa == 2 ? 0x7c : f.infinity;
  if (has_infinity ? magnitude > infinity : magnitude == f.nan)
    return std::copysign(std::numeric_limits<float>::quiet_NaN(), sign);
  if (has_infinity && magnitude == infinity) return sign * std::numeric_limits<float>::infinity();
  const auto exponent = static_cast<int>(magnitude >> f.mantissa);
  const auto fraction = static_cast<float>(magnitude & ((1u << f.mantissa) - 1));
  if (exponent == 0) return sign * std::ldexp(fraction, 1 - f.bias - f.mantissa);
  return sign * std::ldexp(fraction + static_cast<float>(1u << f.mantissa), exponent - f.bias - f.mantissa);
}

// An integer as f64 whose last bit is set if anything was cut off: a second rounding then gives what one
// would have.
double sticky_double(std::uint64_t magnitude) {
  const int width = 64 - std::countl_zero(magnitude | 1);
  if (width <= 53) return static_cast<double>(magnitude);
  const int cut = width - 53;
  std::uint64_t kept = magnitude >> cut;
  if (magnitude & ((1ull << cut) - 1)) kept |= 1;
  return std::ldexp(static_cast<double>(kept), cut);
}

std::uint64_t float_from_int(DType from, std::uint64_t bits, DType to) {
  const std::int64_t value = int_from_bits(from, bits);
  if (from == DType::kU64) {
    if (to == DType::kF32) return std::bit_cast<std::uint32_t>(static_cast<float>(bits));
    if (to == DType::kF64) return std::bit_cast<std::uint64_t>(static_cast<double>(bits));
    return bits_from_float(to, sticky_double(bits));
  }
  if (to == DType::kF32) return std::bit_cast<std::uint32_t>(static_cast<float>(value));
  if (to == DType::kF64) return std::bit_cast<std::uint64_t>(static_cast<double>(value));
  const auto magnitude =
      value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
  const double exact = sticky_double(magnitude);
  return bits_from_float(to, value < 0 ? -exact : exact);
}

std::uint64_t int_from_float(double value, DType to) {
  if (std::isnan(value)) return 0;
  const int width = bits(to);
  if (is_signed_int(to)) {
    const double limit = std::ldexp(1.0, width - 1);
    if (value >= limit) return bits_from_int(to, static_cast<std::int64_t>((1ull << (width - 1)) - 1));
    if (value <= -limit) return bits_from_int(to, static_cast<std::int64_t>(~0ull << (width - 1)));
    return bits_from_int(to, static_cast<std::int64_t>(value));
  }
  if (value <= 0) return 0;
  if (value >= std::ldexp(1.0, width)) return width == 64 ? ~0ull : (1ull << width) - 1;
  return static_cast<std::uint64_t>(value);
}

}  // namespace

float f16_to_f32(std::uint16_t bits) { return decode(bits, kF16); }
float bf16_to_f32(std::uint16_t bits) { return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16); }
float f8e4m3_to_f32(std::uint8_t bits) { return decode(bits, kF8E4M3); }
float f8e5m2_to_f32(std::uint8_t bits) { return decode(bits, kF8E5M2); }
std::uint16_t f64_to_f16(double value) { return static_cast<std::uint16_t>(encode(value, kF16)); }
std::uint16_t f64_to_bf16(double value) { return static_cast<std::uint16_t>(encode(value, kBF16)); }
std::uint8_t f64_to_f8e4m3(double value) { return static_cast<std::uint8_t>(encode(value, kF8E4M3)); }
std::uint8_t f64_to_f8e5m2(double value) { return static_cast<std::uint8_t>(encode(value, kF8E5M2)); }

double float_from_bits(DType t, std::uint64_t bits) {
  switch (t) {
    case DType::kF64: return std::bit_cast<double>(bits);
    case DType::kF32: return std::bit_cast<float>(static_cast<std::uint32_t>(bits));
    case DType::kF16: return f16_to_f32(static_cast<std::uint16_t>(bits));
    case DType::kBF16: return bf16_to_f32(static_cast<std::uint16_t>(bits));
    case DType::kF8E4M3: return f8e4m3_to_f32(static_cast<std::uint8_t>(bits));
    case DType::kF8E5M2: return f8e5m2_to_f32(static_cast<std::uint8_t>(bits));
    default: throw InternalError(std::string(name(t)) + " is no float dtype");
  }
}

std::uint64_t bits_from_float(DType t, double value) {
  switch (t) {
    case DType::kF64: return std::bit_cast<std::uint64_t>(value);
    case DType::kF32: return std::bit_cast<std::uint32_t>(static_cast<float>(value));
    case DType::kF16: return f64_to_f16(value);
    case DType::kBF16: return f64_to_bf16(value);
    case DType::kF8E4M3: return f64_to_f8e4m3(value);
    case DType::kF8E5M2: return f64_to_f8e5m2(value);
    default: throw InternalError(std::string(name(t)) + " is no float dtype");
  }
}

double round_to(DType t, double value) { return float_from_bits(t, bits_from_float(t, value)); }

std::int64_t int_from_bits(DType t, std::uint64_t value) {
  if (t == DType::kBool) return value != 0;
  const int unused = 64 - bits(t);
  if (is_signed_int(t)) return static_cast<std::int64_t>(value << unused) >> unused;
  return static_cast<std::int64_t>(value << unused >> unused);
}

std::uint64_t bits_from_int(DType t, std::int64_t value) {
  if (t == DType::kBool) return value != 0;
  const int unused = 64 - bits(t);
  return static_cast<std::uint64_t>(value) << unused >> unused;
}

std::uint64_t cast_bits(DType from, std::uint64_t value, DType to) {
  if (from == to) return value;
  if (is_float(from)) {
    const double number = float_from_bits(from, value);
    if (to == DType::kBool) return number != 0;
    return is_float(to) ? bits_from_float(to, number) : int_from_float(number, to);
  }
  return is_float(to) ? float_from_int(from, value, to) : bits_from_int(to, int_from_bits(from, value));
}

std::uint64_t load_bits(DType t, const void* array, std::int64_t index) {
  const auto* bytes = static_cast<const unsigned char*>(array);
  const int width = bits(t);
  if (width == 4) return bytes[index / 2] >> (index % 2 * 4) & 15u;
  std::uint64_t value = 0;
  std::memcpy(&value, bytes + index * (width / 8), static_cast<std::size_t>(width / 8));
  return value;
}

void store_bits(DType t, void* array, std::int64_t index, std::uint64_t value) {
  auto* bytes = static_cast<unsigned char*>(array);
  const int width = bits(t);
  if (width == 4) {
    unsigned char& pair = bytes[index / 2];
    const int shift = static_cast<int>(index % 2 * 4);
    pair = static_cast<unsigned char>((pair & ~(15u << shift)) | (value & 15u) << shift);
    return;
  }
  std::memcpy(bytes + index * (width / 8), &value, static_cast<std::size_t>(width / 8));
}

}  // namespace intarsia
