// Passes: their order, their observer, what they must keep, and large graphs.
#include "graph/passes/passes.h"

#include <gtest/gtest.h>

#include <cmath>

#include "graph/interpret.h"
#include "graph/print.h"
#include "graph/verify.h"
#include "ops/ops.h"
#include "ops/tolerance.h"

namespace intarsia::graph {
namespace {

class Recorder : public PassObserver {
 public:
  bool enabled(const Pass& pass) override { return pass.name != disabled; }
  void after(const Pass& pass, const Graph& graph, double milliseconds) override {
    seen.push_back(std::string(pass.name) + " " + std::to_string(graph.nodes().size()));
    EXPECT_GE(milliseconds, 0);
  }
  std::string disabled;
  std::vector<std::string> seen;
};

TEST(Passes, RunInOrderAndReportToTheObserver) {
  Graph g = parse("graph(x: f32[4]) { %0 = relu(x)\n %1 = relu(x)\n return %1 }");
  Recorder recorder;
  run_passes(all_passes(), g, {}, recorder);
  EXPECT_EQ(recorder.seen, (std::vector<std::string>{"decompose 4", "drop_empty_tensors 4", "fold_literals 4",
                                                     "merge_common_subexpressions 2", "drop_dead_nodes 2"}));
  Graph h = parse("graph(x: f32[4]) { %0 = relu(x)\n return %0 }");
  recorder = {};
  recorder.disabled = "decompose";
  run_passes(all_passes(), h, {}, recorder);
  EXPECT_EQ(h.nodes()[0].op->id, "relu");
  EXPECT_EQ(recorder.seen.size(), 4u);
}

TEST(Passes, AreFoundByName) {
  for (const Pass& pass : all_passes()) EXPECT_EQ(find_pass(pass.name)->run, pass.run);
  EXPECT_EQ(find_pass("fold"), nullptr);
}

TEST(Passes, KeepLinesWeightsAndInputs) {
  Graph g;
  const ValueId x = g.add_input("x", {DType::kF32, {4}});
  const ValueId unused = g.add_input("unused", {DType::kF32, {4}});
  const auto data = std::make_shared<std::vector<float>>(4, 1.0f);
  const ValueId w = g.add_weight("w", {DType::kF32, {4}}, std::shared_ptr<const void>(data, data->data()));
  const ValueId sum[] = {g.add(ops::kAdd, {x, w})};
  g.set_results({g.add(ops::ref(ops::kGelu), sum, {}, 42)});
  PassObserver observer;
  run_passes(all_passes(), g, {}, observer);
  EXPECT_EQ(g.inputs().size(), 3u);
  EXPECT_EQ(g.type(unused).shape.str(), "[4]");
  EXPECT_EQ(g.inputs()[2].data.get(), data->data());
  for (const Node& n : g.nodes())
    if (n.op->id == "erf") EXPECT_EQ(n.line, 42u);
}

TEST(Passes, FoldingStopsAtTheLimit) {
  Graph g = parse("graph() { %0 = iota() {shape=[8]}\n %1 = iota() {shape=[9]}\n return %0, %1 }");
  fold_literals(g, {.keep = {}, .max_folded_elements = 8});
  EXPECT_EQ(g.nodes()[0].op->id, "constant");
  EXPECT_EQ(g.nodes()[1].op->id, "iota");
}

TEST(Passes, MergeTellsZerosApart) {
  Graph g = parse(
      "graph(x: f32[1]) { %0 = full() {shape=[1], value=0.0}\n %1 = full() {shape=[1], value=-0.0}\n"
      " %2 = full() {shape=[1], value=0}\n %3 = full() {shape=[1], value=0.0}\n return %0, %1, %2, %3 }");
  merge_common_subexpressions(g, {});
  EXPECT_EQ(g.nodes().size(), 3u);
  EXPECT_EQ(g.results()[0], g.results()[3]);
}

TEST(Passes, AHundredThousandNodes) {
  Graph g;
  ValueId x = g.add_input("x", {DType::kF32, {Dim::symbol("n")}});
  for (int i = 0; i < 25'000; ++i) x = g.add(ops::kAdd, {g.add(ops::kRelu, {x}), g.add(ops::kRelu, {x})});
  g.set_results({x});
  PassObserver observer;
  run_passes(all_passes(), g, {}, observer);
  EXPECT_EQ(g.nodes().size(), 50'001u);  // per round one maximum and one sum; the zero once
}

// Random graphs mean the same before and after all passes.
TEST(Passes, KeepTheMeaningOfRandomGraphs) {
  const ops::OpDef* const unary[] = {&ops::kNeg,  &ops::kTanh,    &ops::kGelu,
                                     &ops::kRelu, &ops::kSigmoid, &ops::kAbs};
  const ops::OpDef* const binary[] = {&ops::kAdd, &ops::kSub, &ops::kMul, &ops::kMaximum, &ops::kMinimum};
  for (unsigned seed = 1; seed <= 50; ++seed) {
    unsigned state = seed * 2654435761u;
    const auto next = [&](std::size_t limit) {
      return (state = state * 1664525u + 1013904223u) / 65536 % limit;
    };
    Graph g;
    std::vector<ValueId> values = {g.add_input("x", {DType::kF32, {3, 5}}),
                                   g.add_input("y", {DType::kF32, {5}}),
                                   g.add(ops::kFull, {}, {{"shape", Shape{3, 1}}, {"value", 0.5}})};
    for (int i = 0; i < 20; ++i) {
      const ValueId a = values[next(values.size())], b = values[next(values.size())];
      switch (next(4)) {
        case 0: values.push_back(g.add(*unary[next(std::size(unary))], {a})); break;
        case 1: values.push_back(g.add(ops::kSoftmax, {a}, {{"dim", std::int64_t{-1}}})); break;
        default: values.push_back(g.add(*binary[next(std::size(binary))], {a, b})); break;
      }
    }
    g.set_results({values.back(), values[values.size() / 2]});
    ops::OwnedTensor x = ops::make_tensor(DType::kF32, {3, 5}), y = ops::make_tensor(DType::kF32, {5});
    for (std::int64_t i = 0; i < 15; ++i)
      ops::write(x.view(), i, std::sin(static_cast<double>(i * 7 + seed)));
    for (std::int64_t i = 0; i < 5; ++i) ops::write(y.view(), i, std::cos(static_cast<double>(i * 5 + seed)));
    const ops::HostTensor inputs[] = {x.view(), y.view()};
    std::vector<ops::OwnedTensor> before = interpret(g, inputs);
    PassObserver observer;
    run_passes(all_passes(), g, {}, observer);
    std::vector<ops::OwnedTensor> after = interpret(g, inputs);
    for (std::size_t i = 0; i < before.size(); ++i)
      EXPECT_EQ(ops::difference(after[i].view(), before[i].view(), {1e-4, 1e-4, 1}), "") << print(g);
  }
}

}  // namespace
}  // namespace intarsia::graph
