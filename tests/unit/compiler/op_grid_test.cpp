// The operator grid compiled for this machine, against the references: dtypes, extents 0, 1 and odd, special
// values.
#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <map>

#include "base/error.h"
#include "compiler/compiler.h"
#include "graph/print.h"
#include "ops/tolerance.h"
#include "runtime/cpu_device.h"
#include "support/op_cases.h"

namespace intarsia::compiler {
namespace {

using intarsia::testing::cases_for, intarsia::testing::OpCase, intarsia::testing::reference;
using runtime::DeviceTensor;

constexpr std::size_t kCasesPerOp = 48;  // spread over the grid: all of them take minutes

bool half_byte(const OpCase& c) {
  const auto is_half = [](DType t) { return bits(t) < 8; };
  for (const ops::OwnedTensor& t : c.inputs)
    if (is_half(t.dtype)) return true;
  for (const ops::TensorType& t : c.outputs)
    if (is_half(t.dtype)) return true;
  return false;
}

std::vector<OpCase> sample(const ops::OpDef& op) {
  std::vector<OpCase> all = cases_for(op), some;
  std::erase_if(all, half_byte);
  if (op.id == "prod")
    std::erase_if(all, [](const OpCase& c) { return c.wild; });  // 0 * inf in another order
  const std::size_t count = std::min(all.size(), kCasesPerOp);
  for (std::size_t i = 0; i < count; ++i) some.push_back(std::move(all[i * all.size() / count]));
  return some;
}

// All cases side by side in one graph: one compilation.
graph::Graph graph_of(const ops::OpDef& op, const std::vector<OpCase>& cases) {
  graph::Graph g;
  std::vector<graph::ValueId> results;
  for (const OpCase& c : cases) {
    std::vector<graph::ValueId> inputs;
    for (const ops::TensorType& type : c.input_types())
      inputs.push_back(g.add_input("x" + std::to_string(g.inputs().size()), type));
    const graph::ValueId first = g.add(ops::ref(op), inputs, c.attributes);
    for (std::uint32_t port = 0; port < c.outputs.size(); ++port) results.push_back({first.index + port});
  }
  g.set_results(std::move(results));
  return g;
}

DeviceTensor to_device(ops::OwnedTensor& t) {
  DeviceTensor out = DeviceTensor::make(runtime::cpu_device(), t.dtype,
                                        runtime::Extents(std::span<const std::int64_t>(t.extents)));
  if (!t.bytes.empty()) std::memcpy(out.data, t.bytes.data(), t.bytes.size());
  return out;
}

class OpGrid : public ::testing::TestWithParam<const ops::OpDef*> {};

TEST_P(OpGrid, CompiledIsTheReference) {
  const ops::OpDef& op = *GetParam();
  std::vector<OpCase> cases = sample(op);
  plugins::Registry registry;
  Compiler compiler(registry);
  const auto executable = compiler.compile(graph_of(op, cases), {}, runtime::cpu_device());
  std::vector<DeviceTensor> inputs;
  for (OpCase& c : cases)
    for (ops::OwnedTensor& t : c.inputs) inputs.push_back(to_device(t));
  const std::vector<DeviceTensor> results = executable->run(inputs);
  std::size_t next = 0;
  for (OpCase& c : cases)
    for (ops::OwnedTensor& expected : reference(op, c)) {
      const DeviceTensor& r = results.at(next++);
      const ops::HostTensor actual{r.dtype, {r.extents.begin(), r.extents.end()}, r.data};
      EXPECT_EQ(ops::difference(actual, expected.view(), ops::tolerance(op, expected.dtype)), "") << c.name;
    }
}

// Where a function reaches its limit it must reach it exactly: -inf * (1 + tanh(-inf)) is NaN, not -inf.
TEST(OpGridLimits, TanhOfInfinityIsOne) {
  plugins::Registry registry;
  Compiler compiler(registry);
  const auto executable =
      compiler.compile(graph::parse("graph(x: f32[64]) { %0 = tanh(x) %1 = gelu(x) {approximate=\"tanh\"} %2 "
                                    "= erf(x) return %0, %1, %2 }"),
                       {}, runtime::cpu_device());
  ops::OwnedTensor x = ops::make_tensor(DType::kF32, {64});
  for (std::int64_t i = 0; i < 64; ++i)
    ops::write(x.view(), i, (i % 2 ? 1 : -1) * std::numeric_limits<double>::infinity());
  const DeviceTensor inputs[] = {to_device(x)};
  const std::vector<DeviceTensor> out = executable->run(inputs);
  for (std::size_t i = 0; i < 64; ++i) {
    EXPECT_EQ(static_cast<const float*>(out[0].data)[i], i % 2 ? 1.0f : -1.0f);
    EXPECT_EQ(static_cast<const float*>(out[2].data)[i], i % 2 ? 1.0f : -1.0f);
    const float gelu = static_cast<const float*>(out[1].data)[i];
    EXPECT_TRUE(i % 2 ? gelu == std::numeric_limits<float>::infinity() : gelu != gelu) << gelu;
  }
}

INSTANTIATE_TEST_SUITE_P(Ops, OpGrid, ::testing::ValuesIn(ops::all().begin(), ops::all().end()),
                         [](const auto& info) { return std::string(info.param->id); });

}  // namespace
}  // namespace intarsia::compiler
