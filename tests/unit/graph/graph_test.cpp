// The graph: one door, text that parses back, the interpreter.
#include "graph/graph.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "graph/interpret.h"
#include "graph/print.h"
#include "graph/verify.h"
#include "ops/ops.h"

namespace intarsia::graph {
namespace {

template <class F>
std::string error_of(F&& f) {
  try {
    f();
  } catch (const UserError& e) { return e.what(); }
  return "(no error)";
}

ops::OwnedTensor floats(std::vector<std::int64_t> extents, std::vector<float> values) {
  ops::OwnedTensor t = ops::make_tensor(DType::kF32, std::move(extents));
  for (std::size_t i = 0; i < values.size(); ++i)
    ops::write(t.view(), static_cast<std::int64_t>(i), static_cast<double>(values[i]));
  return t;
}
std::vector<float> values_of(ops::OwnedTensor t) {
  std::vector<float> values;
  for (std::int64_t i = 0; i < ops::numel(t.view()); ++i)
    values.push_back(static_cast<float>(ops::read<double>(t.view(), i)));
  return values;
}
std::vector<ops::OwnedTensor> run(const Graph& graph, std::vector<ops::OwnedTensor> inputs) {
  std::vector<ops::HostTensor> views;
  for (ops::OwnedTensor& t : inputs) views.push_back(t.view());
  return interpret(graph, views);
}

const Dim kN = Dim::symbol("n", {.min = 0, .max = 1024});

Graph linear() {
  Graph g;
  const ValueId x = g.add_input("x", {DType::kF32, {kN, 2}});
  const ValueId w = g.add_weight("layer.w", {DType::kF32, {2, 3}});
  const ValueId s = g.add_input("s", {DType::kF32, {}}, InputKind::kScalar);
  const ValueId y = g.add(ops::kMul, {g.add(ops::kMatmul, {x, w}), s});
  g.set_results({g.add(ops::kSoftmax, {y}, {{"dim", std::int64_t{-1}}}), y});
  return g;
}

TEST(Graph, PrintsAndParsesBack) {
  const Graph g = linear();
  const std::string text = print(g);
  EXPECT_EQ(text,
            "intarsia.graph 1\n"
            "symbol n 0..1024\n"
            "graph(x: f32[n, 2], layer.w: weight f32[2, 3], s: scalar f32[]) {\n"
            "  %0 = matmul(x, layer.w) : f32[n, 3]\n"
            "  %1 = mul(%0, s) : f32[n, 3]\n"
            "  %2 = softmax(%1) {dim=-1} : f32[n, 3]\n"
            "  return %2, %1\n"
            "}\n");
  const Graph back = parse(text);
  verify(back, "parse");
  EXPECT_EQ(print(back), text);
  EXPECT_EQ(key_text(back), key_text(g));
}

TEST(Graph, KeysForgetNamesButKeepWeights) {
  const Graph a = parse("graph(x: f32[2], w: weight f32[2]) { %0 = add(x, w)\n return %0 }");
  const Graph b = parse("graph(y: f32[2], w: weight f32[2]) { %0 = add(y, w)\n return %0 }");
  const Graph c = parse("graph(x: f32[2], v: weight f32[2]) { %0 = add(x, v)\n return %0 }");
  EXPECT_EQ(key_text(a), key_text(b));
  EXPECT_NE(key_text(a), key_text(c));
}

TEST(Graph, InputsMayComeBetweenNodes) {
  Graph g;
  const ValueId a = g.add_input("a", {DType::kF32, {2}});
  const ValueId x = g.add(ops::kNeg, {a});
  const ValueId b = g.add_input("b", {DType::kF32, {2}});
  g.set_results({g.add(ops::kAdd, {x, b})});
  const std::string text = print(g);
  EXPECT_NE(text.find("%1 = add(%0, b)"), std::string::npos) << text;
  EXPECT_EQ(print(parse(text)), text);
  EXPECT_EQ(values_of(run(g, {floats({2}, {1, 2}), floats({2}, {10, 20})})[0]), (std::vector<float>{9, 18}));
}

TEST(Graph, OddNamesAreQuoted) {
  Graph g;
  g.set_results({g.add_input("a \"b\"", {DType::kI32, {}}), g.add_input("return", {DType::kI32, {}})});
  EXPECT_EQ(print(parse(print(g))), print(g));
}

TEST(Graph, RefusesAtTheDoor) {
  Graph g;
  const ValueId x = g.add_input("x", {DType::kF32, {kN, 2}});
  EXPECT_EQ(error_of([&] { g.add_input("x", {DType::kF32, {}}); }), "two inputs of a graph are called 'x'");
  EXPECT_EQ(error_of([&] { g.add_input("s", {DType::kF32, {1}}, InputKind::kScalar); }),
            "scalar 's' cannot have shape [1]");
  EXPECT_EQ(error_of([&] { g.add_input("y", {DType::kF32, {Dim::symbol("n", {.min = 1, .max = 8})}}); }),
            "dimension n is 1..8 in input 'y' but 0..1024 elsewhere");
  EXPECT_EQ(error_of([&] { g.add_input("y", {DType::kF32, {kN - 1}}); }),
            "input 'y' has shape [n - 1]: extent n - 1 could be negative");
  EXPECT_EQ(error_of([&] {
              g.add(ops::kMatmul, {x, x});
              g.add(ops::kIota, {}, {{"shape", Shape{Dim::symbol("k")}}});
            }),
            "iota: dimension k of its result [k] is no extent of a graph input");
  EXPECT_EQ(error_of([&] {
              g.add(ops::kReshape, {x}, {{"shape", Shape{4, 3}}});
              g.add(ops::kConcatenate, {}, {{"dim", std::int64_t{0}}});
            }),
            "concatenate: needs at least one tensor");
}

TEST(Graph, RequirementsAreKeptOnce) {
  Graph g;
  const ValueId x = g.add_input("x", {DType::kF32, {kN, 2}});
  for (int i = 0; i < 3; ++i) g.add(ops::kMatmul, {x, x});
  ASSERT_EQ(g.requirements().size(), 1u);
  EXPECT_EQ(g.requirements()[0].text, "matmul: columns of lhs (2) must equal rows of rhs (n)");
}

TEST(Parse, SaysWhereAndWhat) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "1:1: 'graph' is missing"},
      {"intarsia.graph 2\n", "1:17: graph text of version 2; this build reads version 1"},
      {"graph() {\n  %0 = fro()\n  return %0\n}", "2:11: there is no operator 'fro'"},
      {"graph(x: f32[2]) {\n  %0 = sofmax(x)\n  return %0\n}",
       "2:14: there is no operator 'sofmax'; did you mean 'softmax'?"},
      {"graph(x: f32[2]) {\n  return %0\n}", "2:12: %0 is not computed yet"},
      {"graph(x: f32[2]) {\n  return y\n}", "2:11: there is no input 'y'"},
      {"graph(x: f33[2]) {\n  return x\n}", "1:13: 'f33' is no dtype"},
      {"graph(x: f32[n]) {\n  return x\n}",
       "1:13: 'n' is neither a number, an operator nor a declared dimension"},
      {"graph(x: f32[2]) {\n  %0 = neg(x) : f32[3]\n  return %0\n}",
       "2:23: neg gives f32[2], the text says f32[3]"},
      {"graph(x: f32[2]) {\n  %1 = neg(x)\n  return %1\n}", "2:5: %1 is out of order, %0 comes next"},
      {"graph(x: f32[2]) {\n  neg(x)\n  return x\n}", "2:3: neg has 1 output, the text names 0"},
      {"graph(x: f32[2]) {\n  return x\n} x", "3:3: text follows the graph"},
      {"symbol n 0..1\nsymbol n 0..1\ngraph() { return }", "3:1: dimension n is declared twice"},
  };
  for (const auto& [given, expected] : cases) EXPECT_EQ(error_of([&] { (void)parse(given); }), expected);
}

TEST(Interpret, BindsDimensionsAndRunsReferences) {
  const auto out =
      run(linear(), {floats({1, 2}, {1, 2}), floats({2, 3}, {1, 0, 0, 0, 1, 0}), floats({}, {3})});
  EXPECT_EQ(out[1].extents, (std::vector<std::int64_t>{1, 3}));
  EXPECT_EQ(values_of(out[1]), (std::vector<float>{3, 6, 0}));
  const auto none = run(linear(), {floats({0, 2}, {}), floats({2, 3}, {}), floats({}, {3})});
  EXPECT_EQ(none[0].extents, (std::vector<std::int64_t>{0, 3}));
}

TEST(Interpret, NamesTheInputThatDoesNotFit) {
  const Graph g = parse("symbol n 1..4\ngraph(x: f32[n], y: f32[n]) { %0 = add(x, y)\n return %0 }");
  EXPECT_EQ(error_of([&] { run(g, {floats({2}, {1, 2})}); }), "input 'y' is missing; 1 were given");
  EXPECT_EQ(error_of([&] { run(g, {floats({2}, {1, 2}), floats({3}, {})}); }),
            "input 'y' has shape [3], was declared [n], which is [2] here");
  EXPECT_EQ(error_of([&] { run(g, {floats({5}, {}), floats({5}, {})}); }),
            "input 'x': dimension n is 5, but must be in [1, 4]");
  EXPECT_EQ(error_of([&] { run(g, {floats({2, 2}, {}), floats({5}, {})}); }),
            "input 'x' has shape [2, 2], was declared [n]");
  ops::OwnedTensor i = ops::make_tensor(DType::kI32, {2});
  EXPECT_EQ(error_of([&] { run(g, {i, i}); }), "input 'x' is i32, was declared f32");
  const Graph r =
      parse("symbol n 1..4\nsymbol m 1..4\ngraph(x: f32[n], y: f32[m]) { %0 = matmul(x, y)\n return %0 }");
  EXPECT_EQ(error_of([&] { run(r, {floats({2}, {1, 2}), floats({3}, {1, 2, 3})}); }),
            "matmul: extent of lhs (n) must equal extent of rhs (m); here m = 3 and n = 2");
}

TEST(Interpret, WeightsBringTheirData) {
  Graph g;
  const auto data = std::make_shared<std::vector<float>>(std::vector<float>{5, 6});
  const ValueId w = g.add_weight("w", {DType::kF32, {2}}, std::shared_ptr<const void>(data, data->data()));
  g.set_results({g.add(ops::kAdd, {w, g.add_input("x", {DType::kF32, {1}})})});
  EXPECT_EQ(values_of(run(g, {floats({1}, {1})})[0]), (std::vector<float>{6, 7}));
}

TEST(Graph, AHundredThousandNodes) {
  Graph g;
  ValueId x = g.add_input("x", {DType::kF32, {kN}});
  const ValueId first = x;
  for (int i = 0; i < 50'000; ++i) x = g.add(ops::kSub, {g.add(ops::kAdd, {x, first}), first});
  g.set_results({x});
  const std::string text = print(g);
  const Graph back = parse(text);
  verify(back, "parse");
  EXPECT_EQ(print(back), text);
  EXPECT_EQ(values_of(run(back, {floats({1}, {1})})[0]), (std::vector<float>{1}));
}

}  // namespace
}  // namespace intarsia::graph
