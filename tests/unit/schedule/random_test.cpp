// Random graphs of pointwise nodes, views, reductions and products: scheduled on symbols, run at several
// sizes, compared with the graph interpreter.
#include <gtest/gtest.h>

#include <random>

#include "graph/print.h"
#include "ops/ops.h"
#include "run_scheduled.h"

namespace intarsia::schedule {
namespace {

// Every value keeps one of three shapes: [m, n], [n], [m, 1]; views go through others and come back.
class Maker {
 public:
  explicit Maker(std::uint64_t seed) : random_(seed) {
    m_ = Dim::symbol("m", {.min = 0, .max = 4096}), n_ = Dim::symbol("n", {.min = 0, .max = 4096});
    grid_ = {g_.add_input("x", {DType::kF32, {m_, n_}}), g_.add_input("y", {DType::kF32, {m_, n_}})};
    row_ = {g_.add_input("b", {DType::kF32, {n_}})};
    column_ = {g_.add_input("c", {DType::kF32, {m_, 1}})};
    square_ = g_.add_input("w", {DType::kF32, {n_, n_}});
  }

  graph::Graph make(int nodes) {
    for (int i = 0; i < nodes; ++i) step();
    std::vector<graph::ValueId> results = {grid_.back()};
    if (random_() % 2) results.push_back(grid_[random_() % grid_.size()]);
    if (random_() % 2) results.push_back(column_.back());
    g_.set_results(results);
    return std::move(g_);
  }

 private:
  graph::ValueId add(std::string_view op, std::vector<graph::ValueId> in, const Attributes& attributes = {}) {
    return g_.add(ops::ref(*ops::find(op)), in, attributes);
  }
  graph::ValueId pick(const std::vector<graph::ValueId>& from) { return from[random_() % from.size()]; }
  graph::ValueId any() {
    switch (random_() % 4) {
      case 0: return pick(row_);
      case 1: return pick(column_);
      default: return pick(grid_);
    }
  }

  void step() {
    const graph::ValueId x = pick(grid_);
    switch (random_() % 14) {
      case 0:
      case 1: grid_.push_back(add("add", {x, any()})); break;
      case 2: grid_.push_back(add("maximum", {x, any()})); break;
      case 3: grid_.push_back(add("tanh", {x})); break;
      case 4: grid_.push_back(add("sub", {any(), x})); break;
      case 5: row_.push_back(add("sigmoid", {pick(row_)})); break;
      case 6:
        column_.push_back(add("max", {x}, {{"dim", std::vector<std::int64_t>{1}}, {"keepdim", true}}));
        break;
      case 7: row_.push_back(add("min", {x}, {{"dim", std::vector<std::int64_t>{0}}})); break;
      case 8: grid_.push_back(add("softmax", {x}, {{"dim", std::int64_t{1}}})); break;
      case 9: grid_.push_back(add("tanh", {add("matmul", {x, square_})})); break;
      case 10: {
        const auto turned = add("permute", {x}, {{"perm", std::vector<std::int64_t>{1, 0}}});
        grid_.push_back(add("permute", {add("abs", {turned})}, {{"perm", std::vector<std::int64_t>{1, 0}}}));
        break;
      }
      case 11: {
        const auto flat = add("reshape", {x}, {{"shape", Shape{m_ * n_}}});
        grid_.push_back(add("reshape", {add("neg", {flat})}, {{"shape", Shape{m_, n_}}}));
        break;
      }
      case 12: {
        const auto twice = add("concatenate", {x, pick(grid_)}, {{"dim", std::int64_t{0}}});
        grid_.push_back(add("slice", {twice}, {{"begin", Shape{m_, 0}}, {"end", Shape{2 * m_, n_}}}));
        break;
      }
      default: {
        const auto reversed = add("slice", {x},
                                  {{"begin", Shape{INT64_MAX, 0}},
                                   {"end", Shape{INT64_MIN, n_}},
                                   {"step", std::vector<std::int64_t>{-1, 1}}});
        grid_.push_back(add("where", {add("less", {reversed, pick(row_)}), reversed, x}));
        break;
      }
    }
  }

  std::mt19937_64 random_;
  Dim m_, n_;
  graph::Graph g_;
  std::vector<graph::ValueId> grid_, row_, column_;
  graph::ValueId square_;
};

TEST(Random, GraphsComputeWhatTheirReferencesDo) {
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    const graph::Graph g = Maker(seed).make(static_cast<int>(2 + seed % 14));
    SCOPED_TRACE(graph::print(g));
    for (const auto& [m, n] :
         {std::pair<std::int64_t, std::int64_t>{1, 1}, {5, 7}, {0, 3}, {3, 70}, {67, 2}}) {
      const std::vector<std::int64_t> extents[] = {{m, n}, {m, n}, {n}, {m, 1}, {n, n}};
      testing::expect_same(g, extents, 1e-3, seed % 2 ? testing::cpu() : testing::gpu(), seed);
      if (HasFailure()) return;
    }
  }
}

}  // namespace
}  // namespace intarsia::schedule
