// Every pointwise operator on every dtype it takes, special values included, against its reference.
#include <gtest/gtest.h>

#include "base/error.h"
#include "graph/print.h"
#include "ops/ops.h"
#include "run_scheduled.h"

namespace intarsia::schedule {
namespace {

constexpr DType kTested[] = {DType::kBool, DType::kI8,  DType::kI16, DType::kI32, DType::kI64,
                             DType::kU8,   DType::kU16, DType::kU32, DType::kU64, DType::kF16,
                             DType::kBF16, DType::kF32, DType::kF64};

double tolerance(DType t) {
  return t == DType::kF16 ? 2e-3 : t == DType::kBF16 ? 1.6e-2 : t == DType::kF32 ? 2e-6 : 1e-12;
}

// One node on inputs [m, n] (the last of several stretched), or nothing where the operator does not take the
// dtype.
std::optional<graph::Graph> graph_of(const ops::OpDef& op, DType t, const Attributes& attributes) {
  graph::Graph g;
  const Dim m = Dim::symbol("m", {.min = 0, .max = 4096}), n = Dim::symbol("n", {.min = 0, .max = 4096});
  std::vector<graph::ValueId> in;
  for (std::size_t i = 0; i < op.inputs.size(); ++i) {
    const bool condition = op.inputs[i].dtypes == only(DType::kBool);
    const Shape shape = i > 0 && i + 1 == op.inputs.size() ? Shape{n} : Shape{m, n};
    in.push_back(g.add_input("x" + std::to_string(i), {condition ? DType::kBool : t, shape}));
  }
  try {
    g.set_results({g.add(ops::ref(op), in, attributes)});
  } catch (const UserError&) { return std::nullopt; }
  return g;
}

void run_case(const ops::OpDef& op, DType t, const Attributes& attributes) {
  const auto g = graph_of(op, t, attributes);
  if (!g) return;
  SCOPED_TRACE(std::string(op.id) + " of " + std::string(name(t)));
  const Scheduled s = schedule(*g, testing::builtins(), testing::cpu());
  EXPECT_EQ(s.program.steps.size(), 1u);
  const DType out = g->type(g->results()[0]).dtype;
  const bool powers = op.id == "pow" || op.id == "floor_div" || op.id == "mod";
  std::vector<ops::OwnedTensor> tensors;
  std::vector<ops::HostTensor> inputs;
  for (const graph::Input& i : g->inputs()) {
    const bool whole = g->type(i.value).shape.size() == 2;
    tensors.push_back(testing::random_tensor(
        g->type(i.value).dtype, whole ? std::vector<std::int64_t>{9, 31} : std::vector<std::int64_t>{31},
        3 + tensors.size(), true));
  }
  for (ops::OwnedTensor& x : tensors) inputs.push_back(x.view());
  testing::expect_same(*g, s, inputs, std::max(tolerance(out), powers ? tolerance(t) : 0));
}

TEST(Elements, EveryOperatorOnEveryDtype) {
  std::size_t tested = 0;
  for (const ops::OpDef* op : ops::all()) {
    if (op->inputs.empty() || op->inputs.size() > 3 || op->inputs.back().variadic || op->id == "layer_norm")
      continue;
    bool required = false;
    for (const ops::AttributeDef& a : op->attributes) required |= a.required;
    const auto found = testing::builtins().of(op->id);
    if (required || found.empty() || found[0]->name != "element") continue;
    for (const DType t : kTested) run_case(*op, t, {});
    ++tested;
  }
  EXPECT_GE(tested, 30u);
}

TEST(Elements, CastsBetweenEveryPair) {
  for (const DType from : kTested)
    for (const DType to :
         {DType::kBool, DType::kI8, DType::kI32, DType::kI64, DType::kU8, DType::kU32, DType::kU64,
          DType::kF8E4M3, DType::kF8E5M2, DType::kF16, DType::kBF16, DType::kF32, DType::kF64})
      run_case(*ops::find("cast"), from, {{"dtype", to}});
}

TEST(Elements, GeluByTanh) {
  for (const DType t : {DType::kF16, DType::kBF16, DType::kF32, DType::kF64})
    run_case(*ops::find("gelu"), t, {{"approximate", std::string("tanh")}});
}

TEST(Elements, FullAndConstants) {
  const graph::Graph g = graph::parse(
      "symbol n 0..4096\n"
      "graph(x: f32[n, 3]) { %0 = full() {shape=[n, 3], value=1.5} %1 = add(x, %0) %2 = constant() "
      "{shape=[3], value=f32{1.0, 2.0, 3.0}} %3 = mul(%1, %2) return %3 }");
  const std::vector<std::int64_t> extents[] = {{5, 3}};
  testing::expect_same(g, extents, 1e-6);
  EXPECT_EQ(schedule(g, testing::builtins(), testing::cpu()).program.steps.size(), 1u);
}

// Operators that neither an element function nor a block kernel covers, nor simpler operators, would fail at
// a user's hands.
TEST(Elements, EveryOperatorHasAnImplementation) {
  for (const ops::OpDef* op : ops::all())
    if (op->id != "constant" && !op->decompose)
      EXPECT_FALSE(testing::builtins().of(op->id).empty()) << op->id;
}

}  // namespace
}  // namespace intarsia::schedule
