// Products of tensor cores: eight terms at a time give what one after another gives.
#include "ptx/tensor.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace intarsia::ptx {
namespace {

// Bits of all kinds: any, near each other, zeros, denormals, infinities, NaNs.
std::uint32_t some_bits(std::mt19937& random, Type type) {
  const int shift = type == Type::kTF32 ? 13 : 0;
  const auto any = static_cast<std::uint32_t>(random());
  const int exponent = type == Type::kBF16 || type == Type::kTF32 ? 8 : 5;
  const int fraction = fraction_bits(type);
  const std::uint32_t width = static_cast<std::uint32_t>(1 + exponent + fraction), all = (1U << width) - 1;
  const std::uint32_t one = ((1U << (exponent - 1)) - 1) << fraction;
  switch (random() % 8) {
    case 0: return (any & all) << shift;
    case 1: return (any & 1) << (width - 1) << shift;
    case 2: return (any & (1U << (width - 1) | ((1U << fraction) - 1))) << shift;
    case 3: return random() % 64 == 0 ? ((1U << exponent) - 1) << fraction << shift : one << shift;
    default: return ((one ^ (any & ((4U << fraction) - 1))) | (any >> 31 << (width - 1))) << shift;
  }
}

TEST(PtxTensorRule, EightTermsAtATimeGiveTheSame) {
  std::mt19937 random(7);
  for (const Type type : {Type::kF16, Type::kBF16, Type::kTF32})
    for (int round = 0; round < 20000; ++round) {
      const std::size_t k = 8U << random() % 3;
      std::vector<Scaled> a, b;
      for (std::size_t i = 0; i < k; ++i) {
        a.push_back(scaled(type, some_bits(random, type)));
        b.push_back(scaled(type, some_bits(random, type)));
      }
      const auto c = static_cast<std::uint32_t>(random() % 4 == 0 ? 0 : random());
      const TensorRule rule = tensor_rule(90, type, false, true);
      const std::uint32_t eights = dot(type, a, type, b, c, rule);
      a.push_back(scaled(type, 0));  // a count that is no multiple of eight
      b.push_back(scaled(type, 0));
      ASSERT_EQ(eights, dot(type, a, type, b, c, rule)) << round;
    }
}

}  // namespace
}  // namespace intarsia::ptx
