// Element types. Numbers are part of the engine format: never reuse one.
#pragma once
#include <cstdint>
#include <string_view>

namespace intarsia {

enum class DType : std::uint8_t {
  kBool = 1,
  kI4,
  kI8,
  kI16,
  kI32,
  kI64,
  kU4,
  kU8,
  kU16,
  kU32,
  kU64,
  kF8E4M3,
  kF8E5M2,
  kF16,
  kBF16,
  kF32,
  kF64,
};

// Sets of dtypes are bit masks, so that a rule is one word.
using DTypes = std::uint64_t;
constexpr DTypes only(DType t) { return DTypes{1} << static_cast<int>(t); }
constexpr DTypes kFloats = only(DType::kF16) | only(DType::kBF16) | only(DType::kF32) | only(DType::kF64);
constexpr DTypes kAnyType = ~DTypes{0};

constexpr int bits(DType t) {
  switch (t) {
    case DType::kI4:
    case DType::kU4: return 4;
    case DType::kBool:
    case DType::kI8:
    case DType::kU8:
    case DType::kF8E4M3:
    case DType::kF8E5M2: return 8;
    case DType::kI16:
    case DType::kU16:
    case DType::kF16:
    case DType::kBF16: return 16;
    case DType::kI32:
    case DType::kU32:
    case DType::kF32: return 32;
    case DType::kI64:
    case DType::kU64:
    case DType::kF64: return 64;
  }
  return 0;  // a number from a newer engine: callers check is_known first
}
constexpr bool is_known(DType t) { return bits(t) != 0; }

constexpr std::string_view name(DType t) {
  constexpr std::string_view kNames[] = {"?",      "bool",   "i4",  "i8",   "i16", "i32",
                                         "i64",    "u4",     "u8",  "u16",  "u32", "u64",
                                         "f8e4m3", "f8e5m2", "f16", "bf16", "f32", "f64"};
  return static_cast<int>(t) < 18 ? kNames[static_cast<int>(t)] : "?";
}
constexpr DType dtype_named(std::string_view text) {
  for (int i = 1; i < 18; ++i)
    if (name(static_cast<DType>(i)) == text) return static_cast<DType>(i);
  return DType{0};
}

}  // namespace intarsia
