// Pointwise graphs: one kernel, the interpreter's results, at every size.
#include <gtest/gtest.h>

#include "graph/print.h"
#include "run_scheduled.h"

namespace intarsia::schedule {
namespace {
using testing::expect_same;

graph::Graph parse(const std::string& text) { return graph::parse(text); }
std::size_t num_steps(const graph::Graph& g) {
  return schedule(g, testing::builtins(), testing::cpu()).program.steps.size();
}

struct Case {
  const char* text;
  std::size_t steps;
  std::vector<std::vector<std::int64_t>> extents;
};

TEST(Pointwise, ChainIsOneKernelAtEverySize) {
  const graph::Graph g = parse(
      "symbol n 0..100000\n"
      "graph(x: f32[n], y: f32[n]) { %0 = mul(x, y) %1 = add(%0, x) %2 = tanh(%1) return %2 }");
  EXPECT_EQ(num_steps(g), 1u);
  for (const std::int64_t n : {0, 1, 7, 8192, 20000}) {
    const std::vector<std::int64_t> extents[] = {{n}, {n}};
    expect_same(g, extents, 1e-6);
    expect_same(g, extents, 1e-6, testing::gpu());
  }
}

TEST(Pointwise, BroadcastsViewsAndPositions) {
  const Case cases[] = {
      {"symbol m 0..4096\nsymbol n 0..4096\ngraph(x: f32[m, n], b: f32[n], c: f32[m, 1]) { %0 = add(x, b) %1 "
       "= mul(%0, c) return %1 }",
       1,
       {{5, 33}, {33}, {5, 1}}},
      {"symbol m 0..4096\nsymbol n 0..4096\ngraph(x: f32[m, n]) { %0 = permute(x) {perm=[1, 0]} %1 = exp(%0) "
       "return %1 }",
       1,
       {{17, 5}}},
      {"graph(x: f32[6, 8]) { %0 = slice(x) {begin=[1, 0], end=[6, 8], step=[2, 3]} %1 = neg(%0) return %1 }",
       1,
       {{6, 8}}},
      {"graph(x: f32[6, 8]) { %0 = slice(x) {begin=[5, 7], end=[0, 0], step=[-2, -1]} %1 = neg(%0) return %1 "
       "}",
       1,
       {{6, 8}}},
      {"graph(x: f32[2, 3, 4]) { %0 = reshape(x) {shape=[6, 4]} %1 = permute(%0) {perm=[1, 0]} %2 = "
       "reshape(%1) {shape=[24]} return %2 }",
       1,
       {{2, 3, 4}}},
      {"symbol n 0..4096\nsymbol m 0..4096\ngraph(x: f32[n, 3], y: f32[m, 3]) { %0 = concatenate(x, y) "
       "{dim=0} %1 = add(%0, %0) return %1 }",
       1,
       {{4, 3}, {5, 3}}},
      {"symbol n 0..4096\nsymbol m 0..4096\ngraph(x: f32[n, 3], y: f32[m, 3]) { %0 = concatenate(x, y, x) "
       "{dim=0} return %0 }",
       1,
       {{0, 3}, {5, 3}}},
      {"symbol n 0..4096\ngraph(x: i64[n, 4]) { %0 = iota() {shape=[n, 4], dim=0, dtype=i64} %1 = add(%0, x) "
       "return %1 }",
       1,
       {{9, 4}}},
      {"symbol n 0..4096\ngraph(x: f32[n], s: scalar f32[]) { %0 = mul(x, s) return %0 }", 1, {{9}, {}}},
      {"graph(x: f32[]) { %0 = add(x, x) return %0 }", 1, {{}}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text);
    const graph::Graph g = parse(c.text);
    EXPECT_EQ(num_steps(g), c.steps);
    expect_same(g, c.extents, 1e-6);
    expect_same(g, c.extents, 1e-6, testing::gpu());
  }
}

}  // namespace
}  // namespace intarsia::schedule
