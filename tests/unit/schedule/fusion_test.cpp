// What shares a kernel, and that it computes the same.
#include <gtest/gtest.h>

#include "graph/print.h"
#include "run_scheduled.h"

namespace intarsia::schedule {
namespace {
using testing::expect_same;
using Extents = std::vector<std::vector<std::int64_t>>;

struct Case {
  std::string text;
  std::size_t steps;
  Extents extents;
  double tolerance = 1e-4;
};
const std::string kSymbols = "symbol k 0..4096\nsymbol m 0..4096\nsymbol n 0..4096\n";

void check_case(const Case& c) {
  SCOPED_TRACE(c.text);
  const graph::Graph g = graph::parse(c.text);
  const Scheduled s = schedule(g, testing::builtins(), testing::cpu());
  EXPECT_EQ(s.program.steps.size(), c.steps) << print(s);
  expect_same(g, c.extents, c.tolerance);
  expect_same(g, c.extents, c.tolerance, testing::gpu());
}

TEST(Fusion, EpiloguesOfProducts) {
  check_case({kSymbols + "graph(a: f32[m, k], b: f32[k, n], c: f32[n]) { %0 = matmul(a, b) %1 = add(%0, c) "
                         "%2 = gelu(%1) return %2 }",
              1,
              {{5, 7}, {7, 9}, {9}}});
  check_case({kSymbols + "graph(a: f32[m, k], b: f32[k, n], r: f32[m, n]) { %0 = matmul(a, b) %1 = add(%0, "
                         "r) %2 = cast(%1) {dtype=f16} return %2, %1 }",
              1,
              {{5, 7}, {7, 9}, {5, 9}},
              2e-3});
  check_case({kSymbols + "graph(a: f32[m, k], b: f32[k, n], c: f32[m, 1]) { %0 = matmul(a, b) %1 = mul(%0, "
                         "c) %2 = exp(%0) return %0, %1, %2 }",
              1,
              {{5, 7}, {7, 9}, {5, 1}}});
  check_case(
      {"graph(a: f32[2, 3, 5, 7], b: f32[7, 8], c: f32[8]) { %0 = matmul(a, b) %1 = add(%0, c) return %1 }",
       1,
       {{2, 3, 5, 7}, {7, 8}, {8}}});
}

TEST(Fusion, TransposedSidesOfProducts) {
  const std::string body = ", b: f32[n, k]) { %0 = permute(b) {perm=[1, 0]} %1 = matmul(a, %0) return %1 }";
  check_case({kSymbols + "graph(a: f32[m, k]" + body, 2, {{5, 7}, {9, 7}}});
  check_case({kSymbols + "graph(a: f32[8, k]" + body, 1, {{8, 7}, {9, 7}}});
}

TEST(Fusion, ProloguesOfProducts) {
  check_case({kSymbols + "graph(a: i8[m, k], b: f32[k, n], s: f32[k]) { %0 = cast(a) {dtype=f32} %1 = "
                         "mul(%0, s) %2 = matmul(%1, b) return %2 }",
              1,
              {{5, 7}, {7, 9}, {7}},
              1e-3});
  check_case({kSymbols + "graph(a: f32[m, k], b: f32[k, n]) { %0 = exp(a) %1 = matmul(%0, b) return %1 }",
              2,
              {{5, 7}, {7, 9}},
              1e-3});
  check_case({kSymbols + "graph(a: f32[m, k], b: f32[k, n], c: f32[n, m]) { %0 = matmul(a, b) %1 = add(%0, "
                         "%0) %2 = matmul(%1, c) return %2 }",
              2,
              {{5, 7}, {7, 9}, {9, 5}},
              1e-3});
}

TEST(Fusion, RowsTakeWhatIsBesideThem) {
  check_case({kSymbols + "graph(x: f32[m, n], b: f32[n]) { %0 = add(x, b) %1 = softmax(%0) {dim=1} %2 = "
                         "mul(%1, x) return %2 }",
              1,
              {{5, 9}, {9}}});
  check_case({kSymbols + "graph(x: f32[m, n]) { %0 = exp(x) %1 = sum(%0) {dim=[1]} %2 = log(%1) return %2 }",
              1,
              {{5, 9}},
              1e-4});
  check_case({kSymbols + "graph(x: f32[m, n]) { %0 = exp(x) %1 = sum(%0) {dim=[1]} %2 = log(%1) return %2 }",
              1,
              {{3, 1500}},
              1e-4});
  check_case({kSymbols + "graph(x: f32[m, n], w: f32[n], b: f32[n]) { %0 = add(x, x) %1 = layer_norm(%0, w, "
                         "b) %2 = gelu(%1) return %2 }",
              1,
              {{5, 9}, {9}, {9}},
              1e-3});
  check_case({"graph(x: f32[4, 5, 6]) { %0 = permute(x) {perm=[0, 2, 1]} %1 = sum(%0) {dim=[2]} return %1 }",
              1,
              {{4, 5, 6}},
              1e-4});
  check_case({kSymbols + "graph(x: f32[m, n]) { %0 = max(x) {dim=[1], keepdim=true} %1 = sub(x, %0) %2 = "
                         "exp(%1) return %2 }",
              2,
              {{5, 9}}});
}

TEST(Fusion, Diamonds) {
  check_case({kSymbols + "graph(x: f32[m, n]) { %0 = exp(x) %1 = add(%0, x) %2 = mul(%0, %1) return %0, %2 }",
              1,
              {{5, 9}},
              1e-3});
  check_case({kSymbols + "graph(x: f32[m, n]) { %0 = exp(x) %1 = sum(%0) {dim=[1], keepdim=true} %2 = "
                         "div(%0, %1) return %2 }",
              3,
              {{5, 9}}});
  check_case({kSymbols + "graph(x: f32[m, n]) { %0 = add(x, x) %1 = sum(%0) {dim=[1], keepdim=true} %2 = "
                         "div(%0, %1) return %2 }",
              2,
              {{5, 9}},
              1e-2});
}

TEST(Fusion, SiblingsReadOnce) {
  check_case({kSymbols + "graph(x: f32[m, n]) { %0 = exp(x) %1 = tanh(x) %2 = neg(x) return %0, %1, %2 }",
              1,
              {{5, 9}}});
  check_case({kSymbols + "graph(x: f32[m, n]) { %0 = exp(x) %1 = sum(%0) {dim=[1], keepdim=true} %2 = sub(x, "
                         "%1) return %0, %2 }",
              3,
              {{5, 9}},
              1e-3});
}

TEST(Fusion, DearWorkIsNotRepeatedByRowsThatLoadTwice) {
  const std::string body = " { %0 = gelu(x) %1 = softmax(%0) {dim=1} return %1 }";
  check_case({kSymbols + "graph(x: f32[m, n])" + body, 2, {{5, 9}}});
  check_case({kSymbols + "graph(x: f32[m, 100])" + body, 1, {{5, 100}}});
}

TEST(Fusion, EqualKernelsAreBuiltOnce) {
  const graph::Graph g = graph::parse(
      "graph(x: f32[4, 100]) { %0 = softmax(x) {dim=1} %1 = softmax(%0) {dim=1} %2 = softmax(%1) {dim=1} "
      "return %2 }");
  const Scheduled s = schedule(g, testing::builtins(), testing::cpu());
  EXPECT_EQ(s.program.steps.size(), 3u);
  EXPECT_EQ(s.kernels.size(), 1u);
  EXPECT_EQ(s.program.codes.size(), 1u);
}

TEST(Fusion, TheModel) {
  check_case({kSymbols +
                  "graph(x: f32[m, k], w1: f32[k, n], b1: f32[n], g: f32[n], b: f32[n], w2: f32[n, k]) {\n"
                  "%0 = matmul(x, w1) %1 = add(%0, b1) %2 = layer_norm(%1, g, b) %3 = gelu(%2) %4 = "
                  "matmul(%3, w2) %5 = softmax(x) {dim=1} %6 = add(%4, %5) return %6 }",
              4,
              {{5, 7}, {7, 9}, {9}, {9}, {9}, {9, 7}},
              1e-3});
}

TEST(Results, InputsAndTwins) {
  check_case({kSymbols + "graph(x: f32[m, n]) { return x }", 1, {{5, 9}}});
  check_case({kSymbols + "graph(x: f32[m, n]) { %0 = exp(x) return %0, %0, x }", 3, {{5, 9}}});
  check_case({"graph(x: f32[6, 4]) { %0 = reshape(x) {shape=[24]} return %0 }", 1, {{6, 4}}});
  check_case({"graph(s: scalar f32[]) { return s }", 1, {{}}});
  check_case(
      {"graph(x: f32[4]) { %0 = constant() {shape=[3], value=f32{1.0, 2.0, 3.0}} return %0 }", 1, {{4}}});
}

TEST(Weights, WhatFollowsFromThemIsPrepared) {
  const graph::Graph g = graph::parse(kSymbols +
                                      "graph(x: f32[m, 8], w: weight f32[12, 8], s: weight f32[8]) { %0 = "
                                      "permute(w) {perm=[1, 0]} %1 = matmul(x, "
                                      "%0) %2 = exp(s) %3 = mul(x, %2) %4 = neg(%2) return %1, %3, %4 }");
  const Scheduled s = schedule(g, testing::builtins(), testing::cpu());
  EXPECT_EQ(
      summary(s),
      "prepare\n"
      "  permute: t3 <- w\n"
      "matmul: result0 <- x, t3\n"
      "exp_neg: t5, result2 <- s\n"
      "mul: result1 <- x, t5\n"
      "# node 0: stored, not fused into matmul: a matrix product would read it across its memory for every "
      "tile\n");
  std::vector<ops::OwnedTensor> tensors = {testing::random_tensor(DType::kF32, {40, 8}, 1),
                                           testing::random_tensor(DType::kF32, {12, 8}, 2),
                                           testing::random_tensor(DType::kF32, {8}, 3)};
  const ops::HostTensor inputs[] = {tensors[0].view(), tensors[1].view(), tensors[2].view()};
  for (int i = 0; i < 2; ++i) testing::expect_same(g, s, inputs, 1e-5);
}

TEST(Results, DeadNodesCostNothing) {
  check_case({kSymbols + "graph(x: f32[m, n]) { %0 = exp(x) %1 = matmul(x, x) %2 = neg(x) return %0 }",
              1,
              {{9, 9}}});
}

}  // namespace
}  // namespace intarsia::schedule
