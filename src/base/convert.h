// Exact conversions between the bits of every dtype and host numbers; the one statement of rounding that
// oracles use.
//
// "Bits" of an element are its representation, zero-extended to 64. Rounding is to nearest even, once.
// Overflow: f16, bf16, f32 and f64 become infinite; f8e4m3 and f8e5m2 saturate at the largest finite value,
// infinities included. A NaN stays a NaN with its sign.
#pragma once
#include <cstdint>

#include "base/dtype.h"

namespace intarsia {

constexpr bool is_float(DType t) {
  return t == DType::kF64 || t == DType::kF32 || t == DType::kF16 || t == DType::kBF16 ||
         t == DType::kF8E4M3 || t == DType::kF8E5M2;
}
constexpr bool is_signed_int(DType t) {
  return t == DType::kI4 || t == DType::kI8 || t == DType::kI16 || t == DType::kI32 || t == DType::kI64;
}
constexpr bool is_unsigned_int(DType t) {
  return t == DType::kU4 || t == DType::kU8 || t == DType::kU16 || t == DType::kU32 || t == DType::kU64;
}
constexpr bool is_int(DType t) { return is_signed_int(t) || is_unsigned_int(t); }

// Bytes of `count` elements in memory: i4 and u4 are packed two to a byte.
constexpr std::int64_t bytes_of(DType t, std::int64_t count) {
  return bits(t) == 4 ? (count + 1) / 2 : count * (bits(t) / 8);
}

float f16_to_f32(std::uint16_t bits);
float bf16_to_f32(std::uint16_t bits);
float f8e4m3_to_f32(std::uint8_t bits);
float f8e5m2_to_f32(std::uint8_t bits);
std::uint16_t f64_to_f16(double value);  // from f32 too: every f32 is an f64
std::uint16_t f64_to_bf16(double value);
std::uint8_t f64_to_f8e4m3(double value);
std::uint8_t f64_to_f8e5m2(double value);

double float_from_bits(DType t, std::uint64_t bits);   // of a float dtype; exact
std::uint64_t bits_from_float(DType t, double value);  // rounded once to a float dtype
double round_to(DType t, double value);                // the value a float dtype would hold

std::int64_t int_from_bits(
    DType t, std::uint64_t bits);  // sign- or zero-extended; u64 keeps its bit pattern; bool is 0 or 1
std::uint64_t bits_from_int(DType t, std::int64_t value);  // wraps; bool: != 0

// Any dtype to any dtype by the rules of docs/kernel-ir.md ("Casts").
std::uint64_t cast_bits(DType from, std::uint64_t bits, DType to);

// Element `index` of a packed array.
std::uint64_t load_bits(DType t, const void* array, std::int64_t index);
void store_bits(DType t, void* array, std::int64_t index, std::uint64_t bits);

}  // namespace intarsia
