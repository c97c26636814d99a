// Compiled functions: static and named dimensions, captured data, errors of calls.
#include <gtest/gtest.h>

#include <numeric>

#include "error_text.h"
#include "intarsia/intarsia.h"
#include "runtime/cpu_device.h"

namespace intarsia {
namespace {

Tensor counted(std::int64_t n) { return cast(iota({n}, 0, DType::kI64), DType::kF32).eval(); }

TEST(Compile, OneExecutableForEveryExtent) {
  const auto f = [](std::span<const Tensor> in) {
    EXPECT_EQ(in[0].shape().str(), "[n]");
    return std::vector<Tensor>{in[0] * 2 + 1};
  };
  const Executable exe = compile(f, {InputInfo{{NamedDimension("n", 0, 1000, 1 << 24)}, DType::kF32, "x"}});
  for (const std::int64_t n : {0, 1, 255, 256, 257, 1000000}) {
    const std::vector<float> y = exe({counted(n)})[0].tolist<float>();
    ASSERT_EQ(static_cast<std::int64_t>(y.size()), n);
    if (n) EXPECT_EQ(y.back(), static_cast<float>(n - 1) * 2 + 1);
  }
  EXPECT_EQ(message([&] { exe({full({3}, 1, DType::kF16)}); }), "input 0 ('x') is f16[3], wanted f32[n]");
  EXPECT_EQ(message([&] { exe({full({3, 1}, 1.0)}); }), "input 0 ('x') is f32[3, 1], wanted f32[n]");
  EXPECT_EQ(message([&] { exe({}); }), "the executable takes 1 inputs, given are 0");
}

TEST(Compile, EqualNamesAreEqualExtents) {
  const NamedDimension n("n", 1, 8, 64);
  const auto f = [](std::span<const Tensor> in) { return std::vector<Tensor>{in[0] + in[1], in[0] - in[1]}; };
  const Executable exe = compile(f, {InputInfo{{n, 3}}, InputInfo{{n, 3}}});
  const std::vector<Tensor> out = exe({full({2, 3}, 5.0), full({2, 3}, 2.0)});
  ASSERT_EQ(out.size(), 2u);
  EXPECT_EQ(out[0].tolist<float>(), std::vector<float>(6, 7));
  EXPECT_EQ(out[1].tolist<float>(), std::vector<float>(6, 3));
  EXPECT_NE(message([&] { exe({full({2, 3}, 5.0), full({4, 3}, 2.0)}); }).find("4"), std::string::npos);
  EXPECT_EQ(message([&] { exe({full({65, 3}, 5.0), full({65, 3}, 2.0)}); }),
            "axis 0 of input 0 ('arg0') is 65: dimension n must lie in 1..64");
}

TEST(Compile, CapturedDataIsAWeight) {
  const Tensor w = counted(4).eval();
  const auto f = [&](std::span<const Tensor> in) { return std::vector<Tensor>{in[0] * w + 10}; };
  const Executable exe = compile(f, {InputInfo{{4}}});
  EXPECT_EQ(exe({full({4}, 2.0)})[0].tolist<float>(), (std::vector<float>{10, 12, 14, 16}));
}

TEST(Compile, ArgumentsThatNothingUsesAndResultsThatAreArguments) {
  const auto f = [](std::span<const Tensor> in) { return std::vector<Tensor>{in[1], in[1] + 1}; };
  const Executable exe = compile(f, {InputInfo{{4}}, InputInfo{{2}}});
  const std::vector<Tensor> out = exe({counted(4), counted(2)});
  EXPECT_EQ(out[0].tolist<float>(), (std::vector<float>{0, 1}));
  EXPECT_EQ(out[1].tolist<float>(), (std::vector<float>{1, 2}));
}

TEST(Compile, PlaceholdersHaveNoValue) {
  const auto f = [](std::span<const Tensor> in) {
    in[0].eval();
    return std::vector<Tensor>{in[0]};
  };
  EXPECT_EQ(message([&] { compile(f, {InputInfo{{4}}}); }),
            "this tensor stands for an argument while a function is compiled: it has no value yet");
  EXPECT_EQ(message([&] { compile(f, {InputInfo{{-4}}}); }),
            "an input has the extent -4: an extent cannot be negative");
  EXPECT_EQ(message([&] { compile(f, {InputInfo{{NamedDimension("n", 5, 3, 9)}}}); }),
            "dimension n has min 5, opt 3, max 9; wanted 0 <= min <= opt <= max");
}

}  // namespace
}  // namespace intarsia
