#include "base/convert.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

namespace intarsia {
namespace {

constexpr DType kSmallFloats[] = {DType::kF16, DType::kBF16, DType::kF8E4M3, DType::kF8E5M2};
constexpr DType kAll[] = {DType::kBool,   DType::kI4,  DType::kI8,   DType::kI16, DType::kI32, DType::kI64,
                          DType::kU4,     DType::kU8,  DType::kU16,  DType::kU32, DType::kU64, DType::kF8E4M3,
                          DType::kF8E5M2, DType::kF16, DType::kBF16, DType::kF32, DType::kF64};

TEST(Convert, EveryPatternOfASmallFloatSurvivesARoundTrip) {
  for (const DType t : kSmallFloats)
    for (std::uint64_t p = 0; p < 1ull << bits(t); ++p) {
      const double value = float_from_bits(t, p);
      if (std::isnan(value)) {
        EXPECT_TRUE(std::isnan(float_from_bits(t, bits_from_float(t, value))));
        EXPECT_EQ(std::signbit(value), p >> (bits(t) - 1) == 1);
      } else if (t == DType::kF8E5M2 && std::isinf(value)) {
        EXPECT_EQ(std::abs(round_to(t, value)), 57344.0);
      } else {
        EXPECT_EQ(bits_from_float(t, value), p) << name(t) << " " << p;
      }
    }
}

// Between neighbours the nearer one wins, and of two equally near ones the even one.
TEST(Convert, RoundsToNearestEvenBetweenNeighbours) {
  for (const DType t : kSmallFloats) {
    const std::uint64_t last = t == DType::kF8E4M3   ? 0x7e
                               : t == DType::kF8E5M2 ? 0x7b
                               : t == DType::kF16    ? 0x7bff
                                                     : 0x7f7f;
    for (std::uint64_t p = 0; p < last; ++p) {
      const double low = float_from_bits(t, p), high = float_from_bits(t, p + 1), middle = (low + high) / 2;
      EXPECT_EQ(bits_from_float(t, middle), p + (p & 1)) << name(t) << " " << p;
      EXPECT_EQ(bits_from_float(t, std::nextafter(middle, low)), p);
      EXPECT_EQ(bits_from_float(t, std::nextafter(middle, high)), p + 1);
      EXPECT_EQ(bits_from_float(t, -middle), (p + (p & 1)) | 1ull << (bits(t) - 1));
    }
  }
}

TEST(Convert, AgreesWithTheCompilersHalf) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 200000; ++i) {
    const auto f = std::bit_cast<float>(static_cast<std::uint32_t>(random()));
    const auto d = std::bit_cast<double>((random() & ~(0x7ffull << 52)) | (1000 + random() % 50) << 52);
    if (!std::isnan(f)) EXPECT_EQ(f64_to_f16(f), std::bit_cast<std::uint16_t>(static_cast<_Float16>(f))) << f;
    EXPECT_EQ(static_cast<double>(f16_to_f32(f64_to_f16(d))), round_to(DType::kF16, d));
  }
}

TEST(Convert, OverflowIsInfiniteOrSaturates) {
  EXPECT_EQ(f64_to_f16(65520), 0x7c00);
  EXPECT_EQ(f64_to_f16(65519), 0x7bff);
  EXPECT_EQ(f64_to_bf16(3.4e38), 0x7f80);
  EXPECT_EQ(f64_to_f8e4m3(1e9), 0x7e);
  EXPECT_EQ(f64_to_f8e4m3(-std::numeric_limits<double>::infinity()), 0xfe);
  EXPECT_EQ(f64_to_f8e5m2(1e9), 0x7b);
  EXPECT_EQ(f64_to_f16(1e-30), 0);
  EXPECT_EQ(f64_to_f16(-1e-30), 0x8000);
}

TEST(Cast, FloatToIntegerTruncatesSaturatesAndTakesNanToZero) {
  const auto to = [](double v, DType t) {
    return int_from_bits(t, cast_bits(DType::kF64, std::bit_cast<std::uint64_t>(v), t));
  };
  EXPECT_EQ(to(-1.9, DType::kI32), -1);
  EXPECT_EQ(to(1e10, DType::kI32), std::numeric_limits<std::int32_t>::max());
  EXPECT_EQ(to(-1e300, DType::kI64), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(to(9.3e18, DType::kI64), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(to(-3, DType::kU8), 0);
  EXPECT_EQ(to(300, DType::kU8), 255);
  EXPECT_EQ(to(9, DType::kI4), 7);
  EXPECT_EQ(to(-9, DType::kI4), -8);
  EXPECT_EQ(to(std::nan(""), DType::kI16), 0);
  EXPECT_EQ(to(std::nan(""), DType::kBool), 1);
  EXPECT_EQ(to(0.25, DType::kBool), 1);
}

TEST(Cast, LargeIntegersRoundOnce) {
  // Just above a tie of bf16: rounding to f64 first would land on the tie and go to even.
  const std::int64_t tie = (1ll << 62) + (1ll << 54);
  EXPECT_EQ(cast_bits(DType::kI64, static_cast<std::uint64_t>(tie), DType::kBF16), f64_to_bf16(0x1p62));
  EXPECT_EQ(cast_bits(DType::kI64, static_cast<std::uint64_t>(tie + 1), DType::kBF16),
            f64_to_bf16(0x1p62) + 1);
  EXPECT_EQ(cast_bits(DType::kU64, ~0ull, DType::kF32), std::bit_cast<std::uint32_t>(0x1p64f));
  EXPECT_EQ(cast_bits(DType::kI64, ~0ull, DType::kF16), f64_to_f16(-1));
}

TEST(Cast, IntegersWrapAndBoolsAreZeroOrOne) {
  EXPECT_EQ(cast_bits(DType::kI32, 0x1ff, DType::kU8), 0xffu);
  EXPECT_EQ(int_from_bits(DType::kI64, cast_bits(DType::kI8, 0x80, DType::kI64)), -128);
  EXPECT_EQ(cast_bits(DType::kI32, 256, DType::kBool), 1u);
  EXPECT_EQ(cast_bits(DType::kBool, 1, DType::kF16), 0x3c00u);
}

TEST(Elements, EveryDtypeIsStoredAndLoadedInPlace) {
  std::mt19937_64 random(2);
  for (const DType t : kAll) {
    unsigned char memory[64] = {};
    std::uint64_t want[7];
    for (int i = 0; i < 7; ++i) want[i] = t == DType::kBool ? random() & 1 : random() >> (64 - bits(t));
    for (int i = 6; i >= 0; --i) store_bits(t, memory, i, want[i]);
    for (int i = 0; i < 7; ++i) EXPECT_EQ(load_bits(t, memory, i), want[i]) << name(t) << " " << i;
    for (std::int64_t b = bytes_of(t, 7); b < 64; ++b) EXPECT_EQ(memory[b], 0) << name(t);
  }
}

}  // namespace
}  // namespace intarsia
