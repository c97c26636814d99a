// Matmul, reductions, softmax and layer norm: every alternative against the references.
#include <gtest/gtest.h>

#include "graph/print.h"
#include "run_scheduled.h"

namespace intarsia::schedule {
namespace {
using testing::expect_same;
using Extents = std::vector<std::vector<std::int64_t>>;

struct Case {
  std::string text;
  std::vector<Extents> sizes;
  double tolerance = 1e-5;
};
void check_cases(std::span<const Case> cases) {
  for (const Case& c : cases)
    for (const Extents& e : c.sizes) {
      SCOPED_TRACE(c.text + ::testing::PrintToString(e));
      const graph::Graph g = graph::parse(c.text);
      EXPECT_EQ(schedule(g, testing::builtins(), testing::cpu()).program.steps.size(), 1u);
      expect_same(g, e, c.tolerance);
      expect_same(g, e, c.tolerance, testing::gpu());
    }
}

TEST(Blocks, MatmulOfEveryForm) {
  const std::string symbols = "symbol m 0..4096\nsymbol n 0..4096\nsymbol k 0..4096\n";
  const std::vector<Extents> sizes = {
      {{5, 7}, {7, 3}}, {{1, 1}, {1, 1}}, {{0, 3}, {3, 2}}, {{3, 0}, {0, 4}}, {{33, 130}, {130, 70}}};
  std::vector<Case> cases;
  for (const char* t : {"f32", "f64", "f16", "bf16", "i32", "i64"}) {
    const std::string x = t;
    const double tolerance = x == "f16" ? 2e-3 : x == "bf16" ? 1.6e-2 : 1e-4;
    cases.push_back(
        {symbols + "graph(a: " + x + "[m, k], b: " + x + "[k, n]) { %0 = matmul(a, b) return %0 }", sizes,
         tolerance});
  }
  cases.push_back(
      {"graph(a: f32[3, 5, 7], b: f32[7, 4]) { %0 = matmul(a, b) return %0 }", {{{3, 5, 7}, {7, 4}}}});
  cases.push_back(
      {"graph(a: f32[3, 5, 7], b: f32[3, 7, 4]) { %0 = matmul(a, b) return %0 }", {{{3, 5, 7}, {3, 7, 4}}}});
  cases.push_back({"graph(a: f32[2, 1, 5, 7], b: f32[3, 7, 4]) { %0 = matmul(a, b) return %0 }",
                   {{{2, 1, 5, 7}, {3, 7, 4}}}});
  cases.push_back({"graph(a: f32[7], b: f32[7, 4]) { %0 = matmul(a, b) return %0 }", {{{7}, {7, 4}}}});
  cases.push_back({"graph(a: f32[5, 7], b: f32[7]) { %0 = matmul(a, b) return %0 }", {{{5, 7}, {7}}}});
  cases.push_back({"graph(a: f32[7], b: f32[7]) { %0 = matmul(a, b) return %0 }", {{{7}, {7}}}});
  check_cases(cases);
}

TEST(Blocks, ReductionsOverAnyAxes) {
  std::vector<Case> cases;
  const std::string symbols = "symbol m 0..65536\nsymbol n 0..65536\n";
  for (const char* op : {"sum", "max", "min", "mean", "prod"}) {
    const std::string o = op;
    cases.push_back({symbols + "graph(x: f32[m, n]) { %0 = " + o + "(x) {dim=[1]} return %0 }",
                     {{{3, 5}}, {{1, 1}}, {{7, 64}}, {{2, 1500}}, {{65, 3}}},
                     1e-3});
    cases.push_back({symbols + "graph(x: f32[m, n]) { %0 = " + o + "(x) {dim=[0], keepdim=true} return %0 }",
                     {{{3, 5}}, {{70, 9}}, {{5, 300}}},
                     1e-3});
    cases.push_back({symbols + "graph(x: f32[m, n]) { %0 = " + o + "(x) return %0 }",
                     {{{3, 5}}, {{1, 1}}, {{30, 50}}},
                     1e-3});
    cases.push_back(
        {"graph(x: f32[3, 4, 5, 6]) { %0 = " + o + "(x) {dim=[0, 2]} return %0 }", {{{3, 4, 5, 6}}}, 1e-3});
    cases.push_back(
        {"graph(x: f32[3, 4, 5]) { %0 = " + o + "(x) {dim=[1]} return %0 }", {{{3, 4, 5}}}, 1e-3});
    cases.push_back({"graph(x: f16[3, 40]) { %0 = " + o + "(x) {dim=[1]} return %0 }", {{{3, 40}}}, 2e-2});
    if (o == "mean") continue;
    cases.push_back({"graph(x: i32[3, 40]) { %0 = " + o + "(x) {dim=[1]} return %0 }", {{{3, 40}}}});
    cases.push_back({"graph(x: u8[3, 40]) { %0 = " + o + "(x) {dim=[1]} return %0 }", {{{3, 40}}}});
    cases.push_back({"graph(x: i64[3, 40]) { %0 = " + o + "(x) {dim=[0]} return %0 }", {{{3, 40}}}});
  }
  cases.push_back(
      {symbols + "graph(x: f32[m, n]) { %0 = sum(x) {dim=[1]} return %0 }", {{{3, 0}}, {{0, 3}}}});
  cases.push_back({symbols + "graph(x: bool[m, n]) { %0 = max(x) {dim=[1]} %1 = min(x) {dim=[1]} return %0 }",
                   {{{3, 4}}}});
  check_cases(cases);
}

TEST(Blocks, LongRowsAreFoldedInTwoKernels) {
  for (const char* op : {"sum", "max", "mean"}) {
    const graph::Graph g =
        graph::parse("symbol n 0..1000000\ngraph(x: f32[3, n]) { %0 = abs(x) %1 = " + std::string(op) +
                     "(%0) {dim=[1]} %2 = neg(%1) return %2 }");
    const std::string text = summary(schedule(g, testing::builtins(), testing::cpu()));
    EXPECT_NE(text.find(std::string("abs_") + op + "_parts: abs_" + op + "_parts.workspace0 <- x"),
              std::string::npos)
        << text;
    for (const std::int64_t n : {0, 1, 65536, 65537, 140000}) {
      const Extents extents = {{3, n}};
      if (n > 0 || op != std::string("mean")) expect_same(g, extents, 1e-4);
    }
  }
}

TEST(Blocks, ArgmaxFindsTheFirst) {
  std::vector<Case> cases;
  const std::string symbols = "symbol m 0..65536\nsymbol n 0..65536\n";
  for (const char* op : {"argmax", "argmin"})
    for (const char* t : {"f32", "f16", "i32", "u8", "bool"}) {
      const std::string head = std::string(op) + "(x)", x = t;
      cases.push_back({symbols + "graph(x: " + x + "[m, n]) { %0 = " + head + " {dim=1} return %0 }",
                       {{{3, 5}}, {{1, 1}}, {{2, 1500}}}});
      cases.push_back(
          {symbols + "graph(x: " + x + "[m, n]) { %0 = " + head + " {dim=0} return %0 }", {{{30, 5}}}});
      cases.push_back({symbols + "graph(x: " + x + "[m, n]) { %0 = " + head + " return %0 }", {{{3, 5}}}});
    }
  check_cases(cases);
}

TEST(Blocks, ArgmaxDoesNotTellZerosApart) {
  for (const char* op : {"argmax", "argmin"})
    for (const std::int64_t extent : {4, 1500}) {
      const graph::Graph g =
          graph::parse("symbol n 0..65536\ngraph(x: f32[n]) { %0 = " + std::string(op) + "(x) return %0 }");
      ops::OwnedTensor x = ops::make_tensor(DType::kF32, {extent});
      for (std::int64_t i = 0; i < extent; ++i) ops::write(x.view(), i, i % 2 == 0 ? -0.0 : 0.0);
      const ops::HostTensor inputs[] = {x.view()};
      testing::expect_same(g, schedule(g, testing::builtins(), testing::cpu()), inputs, 0);
    }
}

TEST(Blocks, SoftmaxAndLayerNorm) {
  std::vector<Case> cases;
  const std::string symbols = "symbol m 0..65536\nsymbol n 0..65536\n";
  for (const char* t : {"f32", "f64", "f16", "bf16"}) {
    const std::string x = t;
    const double tolerance = x == "f16" ? 1e-3 : x == "bf16" ? 1e-2 : 1e-6;
    cases.push_back({symbols + "graph(x: " + x + "[m, n]) { %0 = softmax(x) {dim=1} return %0 }",
                     {{{3, 5}}, {{1, 1}}, {{0, 4}}, {{2, 900}}, {{2, 1500}}},
                     tolerance});
    cases.push_back(
        {symbols + "graph(x: " + x + "[m, n], w: " + x + "[n], b: " + x +
             "[n]) { %0 = layer_norm(x, w, b) return %0 }",
         {{{3, 5}, {5}, {5}}, {{1, 1}, {1}, {1}}, {{2, 900}, {900}, {900}}, {{2, 1500}, {1500}, {1500}}},
         tolerance * 100});
  }
  cases.push_back(
      {symbols + "graph(x: f32[m, n]) { %0 = softmax(x) {dim=0} return %0 }", {{{30, 5}}, {{70, 300}}}});
  cases.push_back({"graph(x: f32[3, 4, 5]) { %0 = softmax(x) {dim=1} return %0 }", {{{3, 4, 5}}}});
  cases.push_back({"graph(x: f32[3, 4, 5]) { %0 = softmax(x) return %0 }", {{{3, 4, 5}}}});
  cases.push_back({"graph(x: f32[3, 1]) { %0 = softmax(x) {dim=1} return %0 }", {{{3, 1}}}});
  cases.push_back(
      {"graph(x: f32[3, 4, 5], w: f32[4, 5], b: f32[4, 5]) { %0 = layer_norm(x, w, b) {eps=0.1} return %0 }",
       {{{3, 4, 5}, {4, 5}, {4, 5}}}});
  check_cases(cases);
}

}  // namespace
}  // namespace intarsia::schedule
