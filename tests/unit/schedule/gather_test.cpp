// gather against its reference: places from the end, out of range, rows shorter and longer than a block.
#include <gtest/gtest.h>

#include "graph/print.h"
#include "run_scheduled.h"

namespace intarsia::schedule {
namespace {

void expect_gathered(const std::string& text, std::vector<std::int64_t> extents,
                     std::vector<std::int64_t> places) {
  const graph::Graph g = graph::parse(text);
  ops::OwnedTensor x = testing::random_tensor(DType::kF32, std::move(extents), 1, true);
  ops::OwnedTensor i = ops::make_tensor(DType::kI64, {static_cast<std::int64_t>(places.size())});
  for (std::size_t k = 0; k < places.size(); ++k)
    ops::write(i.view(), static_cast<std::int64_t>(k), places[k]);
  const ops::HostTensor inputs[] = {x.view(), i.view()};
  testing::expect_same(g, schedule(g, testing::builtins(), testing::cpu()), inputs, 0);
}

TEST(Gather, RowsColumnsAndSingleElements) {
  const std::vector<std::int64_t> places = {0, 4, -1, -5, 2, 99, -99};
  const std::string head =
      "symbol n 0..64\nsymbol m 1..5000\ngraph(x: f32[m, 3], i: i64[n]) { %0 = gather(x, i) ";
  expect_gathered(head + "{dim=0} return %0 }", {5, 3}, places);
  expect_gathered(head + "{dim=1} return %0 }", {5, 3}, {2, 0, -3});
  expect_gathered(head + "{dim=0} return %0 }", {5, 3}, {});
  expect_gathered(
      "symbol n 0..64\ngraph(x: f32[2, 5, 1500], i: i64[n]) { %0 = gather(x, i) {dim=1} return %0 }",
      {2, 5, 1500}, places);
  expect_gathered("symbol n 0..64\ngraph(x: f32[5], i: i64[n]) { %0 = gather(x, i) {dim=0} return %0 }", {5},
                  places);
}

TEST(Gather, FusesWithWhatFollows) {
  const graph::Graph g = graph::parse(
      "symbol n 1..64\n"
      "graph(x: f32[8, 16], i: i64[n]) { %0 = gather(x, i) {dim=0} %1 = exp(%0) %2 = add(%1, %1) return %2 "
      "}");
  EXPECT_EQ(schedule(g, testing::builtins(), testing::cpu()).kernels.size(), 1u);
}

}  // namespace
}  // namespace intarsia::schedule
