// Every operator of the table against itself: shape rule on symbols and numbers, reference, decomposition,
// text.
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "base/error.h"
#include "graph/interpret.h"
#include "graph/passes/passes.h"
#include "graph/print.h"
#include "graph/verify.h"
#include "ops/tolerance.h"
#include "support/op_cases.h"

namespace intarsia::testing {
namespace {

using ops::OpDef, ops::OwnedTensor, ops::TensorType;

class Grid : public ::testing::TestWithParam<const OpDef*> {
 protected:
  const OpDef& op() const { return *GetParam(); }
};

graph::Graph graph_of(const OpDef& op, const OpCase& c) {
  graph::Graph g;
  std::vector<graph::ValueId> inputs;
  for (const TensorType& type : c.input_types())
    inputs.push_back(g.add_input("x" + std::to_string(inputs.size()), type));
  const graph::ValueId first = g.add(ops::ref(op), inputs, c.attributes);
  std::vector<graph::ValueId> results;
  for (std::uint32_t i = 0; i < c.outputs.size(); ++i) results.push_back({first.index + i});
  g.set_results(results);
  return g;
}

TEST_P(Grid, CoversEveryDtypeOfEveryInput) {
  std::vector<std::set<DType>> seen(op().inputs.size());
  const std::vector<OpCase> cases = cases_for(op());
  EXPECT_GE(cases.size(), 3u);
  for (const OpCase& c : cases)
    for (std::size_t i = 0; i < c.inputs.size(); ++i)
      seen[std::min(i, seen.size() - 1)].insert(c.inputs[i].dtype);
  for (std::size_t i = 0; i < seen.size(); ++i)
    for (int t = 1; is_known(static_cast<DType>(t)); ++t)
      if (op().inputs[i].dtypes & only(static_cast<DType>(t)))
        EXPECT_TRUE(seen[i].contains(static_cast<DType>(t)))
            << op().inputs[i].name << " " << name(static_cast<DType>(t));
}

TEST_P(Grid, ReferenceWritesEveryElementAndIsPure) {
  for (OpCase& c : cases_for(op())) {
    const std::vector<OwnedTensor> inputs = c.inputs;
    std::vector<OwnedTensor> first = reference(op(), c), second;
    for (OwnedTensor& t : first) poison(t);
    first = reference(op(), c), second = reference(op(), c);
    for (std::size_t i = 0; i < first.size(); ++i) {
      ASSERT_EQ(first[i].bytes, second[i].bytes) << c.name;
      if (first[i].dtype != DType::kBool) continue;
      for (const std::byte b : first[i].bytes)
        ASSERT_LE(static_cast<int>(b), 1) << c.name << ": an element was not written";
    }
    for (std::size_t i = 0; i < inputs.size(); ++i) ASSERT_EQ(inputs[i].bytes, c.inputs[i].bytes) << c.name;
  }
}

// Extents become symbols, equal ones the same, 0 and 1 stay: as the front end does it.
TEST_P(Grid, ShapeRuleOnSymbolsIsTheOneOnNumbers) {
  for (const OpCase& c : cases_for(op())) {
    if (c.wild) continue;
    std::vector<Symbol> symbols;
    std::vector<Dim> values;
    std::vector<TensorType> types = c.input_types();
    for (TensorType& type : types)
      for (Dim& d : type.shape) {
        const std::int64_t extent = d.constant();
        if (extent <= 1) continue;
        const std::string name = "n" + std::to_string(extent);
        if (std::none_of(symbols.begin(), symbols.end(), [&](const Symbol& s) { return s.name == name; })) {
          symbols.push_back({name, {.min = 0}});
          values.push_back(extent);
        }
        d = Dim::symbol(name, {.min = 0});
      }
    const auto result = ops::infer_bound(op(), types, c.attributes);
    const auto again = ops::infer_bound(op(), types, c.attributes);
    for (std::size_t i = 0; i < result.outputs.size(); ++i) {
      EXPECT_TRUE(graph::identical(result.outputs[i], again.outputs[i])) << c.name << ": infer is not pure";
      EXPECT_EQ(result.outputs[i].dtype, c.outputs[i].dtype) << c.name;
      Shape shape;
      for (const Dim& d : result.outputs[i].shape) shape.push_back(substitute(d, symbols, values));
      EXPECT_TRUE(identical(shape, c.outputs[i].shape))
          << c.name << ": " << shape.str() << " is not " << c.outputs[i].shape.str();
    }
    for (const ops::Requirement& r : result.requirements)
      EXPECT_EQ(known(Condition{substitute(r.holds.left, symbols, values), r.holds.relation,
                                substitute(r.holds.right, symbols, values)}),
                Known::kYes)
          << c.name << ": " << r.text;
  }
}

TEST_P(Grid, DecompositionComputesTheReference) {
  if (!op().decompose) return;
  for (OpCase& c : cases_for(op())) {
    graph::Graph g = graph_of(op(), c);
    graph::PassObserver observer;
    graph::run_passes(graph::all_passes(), g, {}, observer);
    const std::vector<ops::HostTensor> inputs = c.input_views();
    std::vector<OwnedTensor> actual = graph::interpret(g, inputs), expected = reference(op(), c);
    for (std::size_t i = 0; i < expected.size(); ++i)
      EXPECT_EQ(
          ops::difference(actual[i].view(), expected[i].view(), ops::tolerance(op(), expected[i].dtype)), "")
          << c.name << "\n"
          << graph::print(g);
  }
}

TEST_P(Grid, GraphTextKeepsTheMeaning) {
  std::set<std::string> seen;
  for (OpCase& c : cases_for(op())) {
    const graph::Graph g = graph_of(op(), c);
    if (!seen.insert(graph::print(g)).second) continue;
    const graph::Graph back = graph::parse(graph::print(g));
    graph::verify(back, "parse");
    EXPECT_EQ(graph::print(back), graph::print(g));
    const std::vector<ops::HostTensor> inputs = c.input_views();
    std::vector<OwnedTensor> actual = graph::interpret(back, inputs), expected = reference(op(), c);
    for (std::size_t i = 0; i < expected.size(); ++i)
      EXPECT_EQ(ops::bit_difference(actual[i].view(), expected[i].view()), "") << c.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Ops, Grid, ::testing::ValuesIn(ops::all().begin(), ops::all().end()),
                         [](const auto& info) { return std::string(info.param->id); });

TEST(Docs, PageIsWhatTheTableSays) {
  std::ifstream file(INTARSIA_SOURCE_DIR "/docs/operators.md");
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_EQ(text.str(), ops::markdown()) << "run: intarsia-opt --docs > docs/operators.md";
}

}  // namespace
}  // namespace intarsia::testing
