// Lazy tensors, evaluated end to end on the CPU.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <thread>

#include "error_text.h"
#include "frontend/session.h"
#include "intarsia/intarsia.h"

namespace intarsia {
namespace {

Tensor floats(std::vector<float> data, std::vector<std::int64_t> shape) {
  return Tensor::from_host<float>(data, shape);
}
Tensor counted(std::int64_t n, float first = 0) {
  std::vector<float> data(static_cast<std::size_t>(n));
  std::iota(data.begin(), data.end(), first);
  return floats(std::move(data), {n});
}
std::size_t compiled() { return frontend::Session::current().compiler().statistics().compiled; }

TEST(Eval, XPlusOneAtEverySize) {
  for (const std::int64_t n : {0, 1, 255, 256, 257, 1000000}) {
    const std::vector<float> y = (counted(n) + 1).tolist<float>();
    ASSERT_EQ(static_cast<std::int64_t>(y.size()), n);
    for (std::int64_t i = 0; i < n; ++i) ASSERT_EQ(y[static_cast<std::size_t>(i)], static_cast<float>(i) + 1);
  }
}

TEST(Eval, IsLazyAndHappensOnce) {
  const Tensor y = counted(4) * 3 - 1;
  EXPECT_FALSE(y.is_evaluated());
  EXPECT_EQ(y.tolist<float>(), (std::vector<float>{-1, 2, 5, 8}));
  EXPECT_TRUE(y.is_evaluated());
  const void* data = y.data().data;
  EXPECT_EQ(y.eval().data().data, data);
}

TEST(Eval, OneStructureCompilesOnce) {
  const Tensor x = counted(7);
  (x * 2 + 5).eval();
  const std::size_t before = compiled();
  for (int i = 0; i < 20; ++i) EXPECT_EQ((x * i + 5).tolist<float>()[6], static_cast<float>(6 * i + 5));
  EXPECT_EQ((counted(9) * 2 + 5).tolist<float>()[8], 21.0f);  // another extent
  EXPECT_EQ((counted(1000) * 2 + 5).tolist<float>()[999], 2003.0f);
  EXPECT_EQ(compiled(), before);
  (counted(1) * 2 + 5).eval();  // an extent of 1 is another structure
  EXPECT_EQ(compiled(), before + 1);
}

TEST(Eval, StructuresThatShareDifferently) {
  const Tensor x = counted(3), y = counted(3, 10);
  EXPECT_EQ((x + x).tolist<float>(), (std::vector<float>{0, 2, 4}));
  EXPECT_EQ((x + y).tolist<float>(), (std::vector<float>{10, 12, 14}));
  EXPECT_EQ((x - y).tolist<float>(), (std::vector<float>{-10, -10, -10}));
  EXPECT_EQ((y - x).tolist<float>(), (std::vector<float>{10, 10, 10}));
  const Tensor a = x + 1;
  EXPECT_EQ((a * a).tolist<float>(), (std::vector<float>{1, 4, 9}));
  EXPECT_EQ(((x + 1) * (x + 2)).tolist<float>(), (std::vector<float>{2, 6, 12}));
}

TEST(Eval, ExtentsThatRulesReadBecomePartOfTheStructure) {
  const Tensor x = counted(6);
  EXPECT_EQ(reshape(x, {2, 3}).shape().str(), "[2, 3]");
  EXPECT_EQ((reshape(x, {2, 3}) + 1).tolist<float>(), (std::vector<float>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ((reshape(counted(8), {4, 2}) + 1).tolist<float>()[7], 8.0f);
}

TEST(Eval, BroadcastsInEveryShape) {
  const Tensor row = floats({1, 2, 3}, {1, 3}), column = floats({10, 20}, {2, 1});
  EXPECT_EQ((row + column).tolist<float>(), (std::vector<float>{11, 12, 13, 21, 22, 23}));
  const Tensor scalar = floats({5}, {});
  EXPECT_EQ((row * scalar).tolist<float>(), (std::vector<float>{5, 10, 15}));
  EXPECT_EQ((scalar + 1).shape().size(), 0u);
  EXPECT_EQ((scalar + 1).item(), 6.0);
}

TEST(Eval, EvaluatesSeveralAtOnce) {
  const Tensor x = counted(4), shared = x * 2, a = shared + 1, b = shared - 1;
  const Tensor both[] = {a, b, a};
  eval(both);
  EXPECT_TRUE(a.is_evaluated() && b.is_evaluated());
  EXPECT_EQ(a.tolist<float>()[3], 7.0f);
  EXPECT_EQ(b.tolist<float>()[3], 5.0f);
}

TEST(Eval, ChainsOfAMillionRecordsAreFreedWithoutRecursion) {
  Tensor x = counted(1);
  for (int i = 0; i < 1000000; ++i) x = x + 1;
  EXPECT_EQ(x.shape().str(), "[1]");
}

TEST(Eval, LoopsKeepNoHistory) {
  Tensor x = counted(3);
  for (int i = 0; i < 200; ++i) x = (x + 1).eval();
  EXPECT_EQ(x.tolist<float>()[0], 200.0f);
  EXPECT_TRUE(x.record()->inputs.empty());
}

TEST(Eval, KeepsNaNInfinityAndSignedZero) {
  const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  const Tensor x = floats({nan, inf, -inf, -0.0f, 1e-45f}, {5});
  const std::vector<float> y = (x * 1).tolist<float>();
  EXPECT_TRUE(std::isnan(y[0]));
  EXPECT_EQ(y[1], inf);
  EXPECT_EQ(y[2], -inf);
  EXPECT_TRUE(std::signbit(y[3]));
  EXPECT_EQ(y[4], 1e-45f);
  EXPECT_EQ((x == x).tolist<int>(), (std::vector<int>{0, 1, 1, 1, 1}));
}

TEST(Eval, EveryDtypeAddsOne) {
  for (const DType dtype : {DType::kI8, DType::kI16, DType::kI32, DType::kI64, DType::kU8, DType::kU16,
                            DType::kU32, DType::kU64, DType::kF16, DType::kBF16, DType::kF32, DType::kF64}) {
    const Tensor x = iota({2, 5}, 1, dtype);
    EXPECT_EQ((x + 1).dtype(), dtype);
    EXPECT_EQ((x + 1).tolist<int>(), (std::vector<int>{1, 2, 3, 4, 5, 1, 2, 3, 4, 5})) << name(dtype);
  }
}

TEST(Eval, AgreesWithTheDefinitions) {
  const Tensor x = floats({-2, -0.5, 0, 0.5, 1, 3}, {2, 3});
  const Tensor results[] = {exp(x),
                            log(abs(x) + 0.5),
                            sqrt(abs(x)),
                            tanh(x),
                            sigmoid(x),
                            gelu(x),
                            gelu(x, "tanh"),
                            relu(x),
                            silu(x),
                            -x,
                            x / 3,

                            maximum(x, 0),
                            minimum(x, 0.25),
                            where(x > 0, x, -1),
                            permute(x, {1, 0}) + 1,

                            cast(x, DType::kF64) * 2};
  for (const Tensor& result : results) {
    const std::vector<double> slow = result.interpret().tolist<double>(), fast = result.tolist<double>();
    ASSERT_EQ(fast.size(), slow.size());
    for (std::size_t i = 0; i < fast.size(); ++i)
      EXPECT_NEAR(fast[i], slow[i], 1e-5 * (1 + std::abs(slow[i]))) << result.record()->op->id << " " << i;
  }
}

Tensor wave(const std::vector<std::int64_t>& shape, float step) {
  std::int64_t count = 1;
  for (const std::int64_t e : shape) count *= e;
  std::vector<float> data(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < data.size(); ++i) data[i] = std::sin(step * static_cast<float>(i));
  return floats(std::move(data), shape);
}

TEST(Eval, ALayerAgreesWithTheDefinitions) {
  const Tensor w1 = wave({48, 64}, 0.11f), b1 = wave({64}, 0.5f), w2 = wave({64, 20}, 0.23f),
               g = wave({64}, 0.3f), b = wave({64}, 0.7f);
  for (const std::int64_t rows : {1, 33}) {
    const Tensor h = matmul(wave({rows, 48}, 0.37f), w1) + b1;
    const Tensor y = matmul(gelu(layer_norm(h, g, b)), w2) + softmax(matmul(h, w2), 1);
    const std::vector<double> slow = y.interpret().tolist<double>(), fast = y.tolist<double>();
    ASSERT_EQ(fast.size(), static_cast<std::size_t>(rows * 20));
    for (std::size_t i = 0; i < fast.size(); ++i)
      ASSERT_NEAR(fast[i], slow[i], 1e-4 * (1 + std::abs(slow[i]))) << i;
  }
}

TEST(Eval, ReductionsOfEveryAxis) {
  const Tensor x = wave({3, 5, 7}, 0.9f);
  const Tensor results[] = {sum(x),          sum(x, {{1}}), max(x, {{0, 2}}, true),
                            mean(x, {{-1}}), argmax(x, 1),  cast(argmin(x), DType::kI32),
                            prod(x, {{2}})};
  for (const Tensor& result : results) {
    const std::vector<double> slow = result.interpret().tolist<double>(), fast = result.tolist<double>();
    ASSERT_EQ(fast.size(), slow.size());
    for (std::size_t i = 0; i < fast.size(); ++i)
      EXPECT_NEAR(fast[i], slow[i], 1e-5 * (1 + std::abs(slow[i])));
  }
}

TEST(Eval, WhatWasEvaluatedCannotBeInterpreted) {
  const Tensor y = counted(2) + 1;
  y.eval();
  EXPECT_EQ(message([&] { y.interpret(); }),
            "this tensor was evaluated and no longer knows what it was made of: interpret it first");
}

TEST(Eval, ThreadsShareTensors) {
  const Tensor x = counted(100);
  const Tensor y = x * 2 + 1;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 100; ++i) {
        EXPECT_EQ((y + i).tolist<float>()[99], static_cast<float>(199 + i));
        EXPECT_EQ((x - t).tolist<float>()[99], static_cast<float>(99 - t));
      }
    });
  for (auto& t : threads) t.join();
}

}  // namespace
}  // namespace intarsia
