// What counts as near enough, and what the message says if it is not.
#include "ops/tolerance.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "ops/host.h"
#include "ops/ops.h"

namespace intarsia::ops {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN(),
                 kInf = std::numeric_limits<double>::infinity();

OwnedTensor tensor(DType t, std::vector<double> values) {
  OwnedTensor out = make_tensor(t, {static_cast<std::int64_t>(values.size())});
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (is_float(t))
      write(out.view(), static_cast<std::int64_t>(i), values[i]);
    else
      write(out.view(), static_cast<std::int64_t>(i), static_cast<std::int64_t>(values[i]));
  }
  return out;
}
std::string compared(DType t, std::vector<double> actual, std::vector<double> expected) {
  OwnedTensor a = tensor(t, std::move(actual)), e = tensor(t, std::move(expected));
  return difference(a.view(), e.view());
}

TEST(Tolerance, SpecialValuesMustMeetTheirLike) {
  EXPECT_EQ(compared(DType::kF32, {kNan, kInf, -kInf, 1, -0.0}, {-kNan, kInf, -kInf, 1, 0.0}), "");
  EXPECT_EQ(compared(DType::kF32, {1, 2}, {1, kNan}), "element [1] is 2.0, expected nan");
  EXPECT_EQ(compared(DType::kF32, {kInf}, {-kInf}), "element [0] is inf, expected -inf");
  EXPECT_EQ(compared(DType::kF32, {3e38}, {kInf}).substr(0, 12), "element [0] ");
}

TEST(Tolerance, IsRelativeToTheWholeAndToTheLargest) {
  EXPECT_EQ(compared(DType::kF32, {1e6, 1.5}, {1e6, 1.0}), "");  // small beside its neighbour
  EXPECT_EQ(compared(DType::kF32, {1.0, 1.5}, {1.0, 1.0}),
            "element [1] is 1.5, expected 1.0: relative error 0.354 in the 2-norm (allowed 2e-06), 0.5 of "
            "the largest element "
            "(allowed 1e-05)");
  EXPECT_EQ(compared(DType::kF16, {1.001}, {1.0}), "");
  EXPECT_NE(compared(DType::kF16, {1.01}, {1.0}), "");
}

TEST(Tolerance, OfSumsThatCancelCountsTermsOfSizeOne) {
  OwnedTensor a = tensor(DType::kF32, {1e-7}), e = tensor(DType::kF32, {0});
  EXPECT_NE(difference(a.view(), e.view()), "");
  EXPECT_EQ(difference(a.view(), e.view(), tolerance(kMatmul, DType::kF32)), "");
  EXPECT_NE(difference(a.view(), e.view(), tolerance(kExp, DType::kF32)), "");
}

TEST(Tolerance, IntegersAreEqualOrNot) {
  EXPECT_EQ(compared(DType::kI32, {1, -2}, {1, -2}), "");
  EXPECT_EQ(compared(DType::kI32, {1, -2}, {1, -3}), "element [1] is -2, expected -3");
  OwnedTensor a = tensor(DType::kI32, {1}), b = tensor(DType::kI64, {1}), c = tensor(DType::kI32, {1, 2});
  EXPECT_EQ(difference(a.view(), b.view()), "dtype is i32, expected i64");
  EXPECT_EQ(difference(a.view(), c.view()), "shape is [1], expected [2]");
}

TEST(Tolerance, BitsTellZerosApartButNoNans) {
  OwnedTensor a = tensor(DType::kF32, {kNan, 0.0}), b = tensor(DType::kF32, {-kNan, 0.0}),
              c = tensor(DType::kF32, {kNan, -0.0});
  EXPECT_EQ(bit_difference(a.view(), b.view()), "");
  EXPECT_EQ(bit_difference(a.view(), c.view()), "element [1] is 0.0, expected -0.0");
}

}  // namespace
}  // namespace intarsia::ops
