// Extents that data decide, and operators that somebody else defined: text, interpreter and passes.
#include <gtest/gtest.h>

#include "base/error.h"
#include "graph/interpret.h"
#include "graph/passes/passes.h"
#include "graph/print.h"
#include "graph/verify.h"
#include "ops/ops.h"
#include "ops/rules.h"

namespace intarsia::graph {
namespace {

constexpr ops::Input kInputs[] = {{.name = "input", .dtypes = ops::kBoolOnly, .doc = "shape [n]"}};
constexpr ops::Output kOutputs[] = {
    {.name = "places", .dtypes = only(DType::kI64), .doc = "shape [count, 1]"},
    {.name = "count", .dtypes = only(DType::kI64), .size = true, .doc = "how many"},
};
void infer(ops::InferContext& c) {
  c.require_rank(0, 1);
  c.out({c.data_extent(c.in(0).shape[0], 1), 1});
  c.out({});
}
void reference(ops::ReferenceContext& c) {
  std::int64_t count = 0;
  for (std::int64_t i = 0; i < ops::numel(c.inputs[0]); ++i)
    if (ops::read<std::int64_t>(c.inputs[0], i) != 0) ops::write(c.outputs[0], count++, i);
  ops::write(c.outputs[1], 0, count);
}
constexpr ops::OpDef kPlaces = {
    .id = "test::places", .inputs = kInputs, .outputs = kOutputs, .infer = infer, .reference = reference};
constexpr ops::OpDef kOpaque = {
    .id = "test::opaque", .inputs = kInputs, .outputs = {kOutputs + 1, 1}, .infer = [](ops::InferContext& c) {
      c.out({});
    }};

ops::OpRef find_op(std::string_view id) {
  return id == kPlaces.id ? ops::ref(kPlaces) : id == kOpaque.id ? ops::ref(kOpaque) : nullptr;
}
ops::OwnedTensor bools(std::vector<int> values) {
  ops::OwnedTensor t = ops::make_tensor(DType::kBool, {static_cast<std::int64_t>(values.size())});
  for (std::size_t i = 0; i < values.size(); ++i)
    ops::write(t.view(), static_cast<std::int64_t>(i), std::int64_t{values[i]});
  return t;
}
std::vector<std::int64_t> values_of(ops::OwnedTensor t) {
  std::vector<std::int64_t> all;
  for (std::int64_t i = 0; i < ops::numel(t.view()); ++i) all.push_back(ops::read<std::int64_t>(t.view(), i));
  return all;
}

Graph two_of_them() {
  Graph g;
  const ValueId x = g.add_input("x", {DType::kBool, {Dim::symbol("n", {.min = 0, .max = 100})}});
  g.add(kPlaces, {x});
  const ValueId places = g.add(kPlaces, {x});
  const ValueId sum = g.add(ops::kAdd, {places, places});
  g.set_results({sum, g.add(ops::kIota, {}, {{"shape", g.type(sum).shape}, {"dtype", DType::kI64}})});
  return g;
}

TEST(DataExtents, HaveNamesInTextThatParsesBack) {
  const Graph g = two_of_them();
  const std::string text = print(g);
  EXPECT_EQ(text,
            "intarsia.graph 1\n"
            "symbol n 0..100\n"
            "graph(x: bool[n]) {\n"
            "  %0, %1 = test::places(x) : i64[t0.size1, 1], i64[]\n"
            "  %2, %3 = test::places(x) : i64[t1.size1, 1], i64[]\n"
            "  %4 = add(%2, %2) : i64[t1.size1, 1]\n"
            "  %5 = iota() {dim=0, dtype=i64, shape=[t1.size1, 1]} : i64[t1.size1, 1]\n"
            "  return %4, %5\n"
            "}\n");
  EXPECT_EQ(print(parse(text, find_op)), text);
}

TEST(DataExtents, KeepTheirNamesThroughPasses) {
  Graph g = two_of_them();
  PassObserver observer;
  run_passes(all_passes(), g, {}, observer);
  const std::string text = print(g);
  EXPECT_NE(text.find("%0, %1 = test::places@1(x) : i64[t1.size1, 1], i64[]"), std::string::npos) << text;
  EXPECT_EQ(print(parse(text, find_op)), text);
}

TEST(DataExtents, AreKnownOnceComputed) {
  Graph g = two_of_them();
  ops::OwnedTensor x = bools({0, 1, 0, 1, 1});
  const ops::HostTensor inputs[] = {x.view()};
  const auto results = interpret(g, inputs);
  EXPECT_EQ(results[0].extents, (std::vector<std::int64_t>{3, 1}));
  EXPECT_EQ(values_of(results[0]), (std::vector<std::int64_t>{2, 6, 8}));
  EXPECT_EQ(values_of(results[1]), (std::vector<std::int64_t>{0, 1, 2}));
}

TEST(DataExtents, MayNotBeForeign) {
  Graph g = two_of_them(), other;
  try {
    other.add(ops::kIota, {}, {{"shape", g.type(g.results()[0]).shape}});
    FAIL();
  } catch (const UserError& e) {
    EXPECT_STREQ(e.what(),
                 "iota: dimension t1.size1 of its result [t1.size1, 1] is no extent of a graph input");
  }
}

TEST(Interpret, RunsOperatorsWithoutReferenceThroughTheHook) {
  const Graph g = parse("graph(x: bool[2]) { %0 = test::opaque(x)\n return %0 }", find_op);
  ops::OwnedTensor x = bools({0, 1});
  const ops::HostTensor inputs[] = {x.view()};
  const RunOp run = [](const ops::OpDef& op, ops::ReferenceContext& c) {
    EXPECT_EQ(op.id, "test::opaque");
    ops::write(c.outputs[0], 0, std::int64_t{42});
  };
  EXPECT_EQ(values_of(interpret(g, inputs, run)[0]), std::vector<std::int64_t>{42});
  try {
    interpret(g, inputs);
    FAIL();
  } catch (const Unsupported& e) {
    EXPECT_STREQ(e.what(), "test::opaque has no reference, so the interpreter cannot run it");
  }
}

TEST(Verify, NamesThePassAndTheNode) {
  // An operator whose shape rule changes its mind: what verify finds then is what a broken pass would leave.
  static std::int64_t extent = 2;
  static constexpr ops::OpDef kFickle = {
      .id = "test::fickle", .outputs = {kOutputs, 1}, .infer = [](ops::InferContext& c) { c.out({extent}); }};
  Graph g;
  g.set_results({g.add(kFickle, {})});
  verify(g, "nothing");
  extent = 3;
  try {
    verify(g, "fold_literals");
    FAIL();
  } catch (const InternalError& e) {
    EXPECT_EQ(std::string(e.what()).substr(0, 102),
              "the graph is broken after fold_literals: node 0 (test::fickle): output 0 is i64[2], infer "
              "gives i64[3]");
  }
  extent = 2;
}

}  // namespace
}  // namespace intarsia::graph
