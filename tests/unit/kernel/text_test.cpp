#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "kernel/kernel.h"
#include "support/kernel_host.h"

namespace intarsia::kernel {
namespace {

// y = x * 2 + 1 on blocks of 64, masked by a view; a loop, a branch, a reduction and lines.
Kernel everything() {
  const Dim n = Dim::symbol("n", {.min = 1, .max = 4096, .multiple = 2});
  Kernel k;
  k.name = "every\"thing";
  Builder b(k);
  b.line("model.py:3:1");
  const ValueId x = b.view("x", Role::kInput, 0, DType::kF32, {n, 64});
  const ValueId y = b.view("y", Role::kOutput, 0, DType::kF32, {n, 1});
  k.params[0].strides = {Dim(64), Dim(1)};
  b.param("n", Role::kDim, 0, scalar(DType::kI32)).dim = n;
  const ValueId alpha = b.param("alpha", Role::kScalar, 0, scalar(DType::kF16)).value;
  b.line("model.py:4:1");
  const ValueId row = b.program_id(0), zero = b.constant(0, scalar(DType::kI64));
  const ValueId at[] = {row, zero};
  const std::int64_t extents[] = {1, 64};
  const ValueId v = b.load(x, at, extents, -std::numeric_limits<double>::infinity());
  const ValueId scale = b.broadcast(b.cast(alpha, DType::kF32), extents);
  const ValueId sum = b.reduce(Fn::kAdd, b.binary(Fn::kMul, v, scale), 1);
  const Builder::Values one[] = {{sum}};
  const ValueId looped = b.for_(
      zero, b.dim(n), b.constant(2, scalar(DType::kI64)), one[0],
      [&](ValueId, std::span<const ValueId> c) -> Builder::Values {
        const ValueId positive = b.reshape(b.compare(Fn::kGt, c[0], b.constant(0.5, b.type(c[0]))), {});
        return b.if_(
            positive, [&]() -> Builder::Values { return {b.unary(Fn::kNeg, c[0])}; },
            [&]() -> Builder::Values { return {c[0]}; });
      })[0];
  const ValueId two[] = {looped, b.constant(std::numeric_limits<double>::quiet_NaN(), b.type(looped))};
  const auto best = b.reduce(two, 0, [&](auto l, auto r) -> Builder::Values {
    return {b.binary(Fn::kMax, l[0], r[0]), b.binary(Fn::kMinNum, l[1], r[1])};
  });
  b.store(y, best[0], at);
  k.grid = {n, 1, 1};
  verify(k);
  return k;
}

TEST(KernelText, ParsesBackToTheSameText) {
  const Kernel k = everything();
  const std::string text = print(k);
  const Kernel back = parse(text);
  EXPECT_EQ(print(back), text);
  EXPECT_EQ(digest(back), digest(k));
  const auto a = parameter_list(k), b = parameter_list(back);
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_TRUE(identical(a[i].value, b[i].value));
}

TEST(KernelText, ReadsWell) {
  Kernel k;
  k.name = "twice";
  Builder b(k);
  const Dim n = Dim::symbol("n", {.min = 0, .max = 1000});
  const ValueId x = b.view("x", Role::kInput, 0, DType::kF16, {n});
  const ValueId y = b.view("y", Role::kOutput, 0, DType::kF16, {n});
  b.line("twice.py:2:5");
  const ValueId program = b.program_id(0), width = b.constant(16, scalar(DType::kI64));
  const ValueId at = b.binary(Fn::kMul, program, width);
  const std::int64_t extents[] = {16};
  const ValueId v = b.load(x, std::span(&at, 1), extents);
  b.store(y, b.binary(Fn::kMul, v, b.constant(2.0, b.type(v))), std::span(&at, 1));
  k.grid = {cdiv(n, 16), 1, 1};
  EXPECT_EQ(print(parse(print(k))), print(k));
  EXPECT_EQ(print(k), R"(kernel 1 "twice" warps 4 cluster 1
symbol n 0 1000 1
grid {n 15 + 16 //} {1} {1}
param %0 "x" input 0 : view f16 x1 {n}
param %1 "y" output 0 : view f16 x1 {n}
{
  %2 = program_id axis=0 : i64 @"twice.py:2:5"
  %3 = constant bits=16 : i64 @"twice.py:2:5"
  %4 = binary.mul %2 %3 : i64 @"twice.py:2:5"
  %5 = view_load %0 %4 : f16[16] @"twice.py:2:5"
  %6 = constant bits=2 : f16[16] @"twice.py:2:5"
  %7 = binary.mul %5 %6 : f16[16] @"twice.py:2:5"
  view_store %1 %7 %4 @"twice.py:2:5"
}
)");
}

TEST(KernelText, LinesAreNoPartOfTheDigest) {
  Kernel k = everything();
  const std::uint64_t before = digest(k);
  for (std::string& l : k.lines) l = l.empty() ? l : "elsewhere.py:1:1";
  EXPECT_EQ(digest(k), before);
}

TEST(KernelText, NumbersSurvive) {
  Kernel k;
  Builder b(k);
  const double values[] = {0.0,
                           -0.0,
                           0.1,
                           1e300,
                           5e-324,
                           std::numeric_limits<double>::infinity(),
                           -std::numeric_limits<double>::quiet_NaN()};
  for (double v : values) b.constant(v, scalar(DType::kF64));
  b.constant(std::numeric_limits<std::int64_t>::min(), scalar(DType::kI64));
  b.constant(~std::uint64_t{0}, scalar(DType::kU64));
  const Kernel back = parse(print(k));
  ASSERT_EQ(back.insts.size(), k.insts.size());
  for (std::size_t i = 0; i < k.insts.size(); ++i)
    EXPECT_EQ(back.attr(back.insts[i], Key::kBits), k.attr(k.insts[i], Key::kBits)) << i;
}

TEST(KernelText, MalformedTextIsAUserErrorWithItsLine) {
  const std::string good = print(everything());
  const auto replaced = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    return error_of([&] { (void)parse(text); });
  };
  EXPECT_EQ(replaced("kernel 1", "kernel 7"),
            "kernel text, line 1: version 7 of kernel text is not known; 1 is");
  EXPECT_EQ(replaced("program_id", "program_idea"), "kernel text, line 10: 'program_idea' is no instruction");
  EXPECT_EQ(replaced("input 0", "imput 0"), "kernel text, line 5: 'imput' is no role");
  EXPECT_EQ(replaced("axis=0", "? axis=0"), "kernel text, line 10: 'axis' is no fact");
  EXPECT_EQ(replaced("axis=0", "?{"), "kernel text, line 10: a fact NAME=VALUE is wanted; got ''");
  EXPECT_NE(replaced("%6 ", "%4 ").find("is defined twice"), std::string::npos);
  EXPECT_EQ(replaced("axis=0", "axis=5"), "kernel text: a grid has axes 0, 1 and 2; got 5 (model.py:4:1)");
  EXPECT_NE(error_of([] { (void)parse(""); }).find("'kernel' is wanted"), std::string::npos);
}

TEST(KernelText, DamagedTextNeverDoesWorseThanAUserError) {
  const std::string good = print(everything());
  std::mt19937 random(5);
  int valid = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string text = good;
    for (unsigned edits = 1 + random() % 3; edits-- > 0;) {
      const std::size_t at = random() % text.size();
      switch (random() % 3) {
        case 0: text[at] = good[random() % good.size()]; break;
        case 1: text.erase(at, random() % 9); break;
        default: text.insert(at, good.substr(random() % good.size(), random() % 9));
      }
    }
    try {
      const Kernel k = parse(text);
      EXPECT_EQ(print(parse(print(k))), print(k));
      ++valid;
    } catch (const UserError&) {}
  }
  EXPECT_GT(valid, 10);
}

}  // namespace
}  // namespace intarsia::kernel
