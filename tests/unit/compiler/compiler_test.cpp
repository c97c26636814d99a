// The order of passes, caches, described targets and the tuner.
#include "compiler/compiler.h"

#include <gtest/gtest.h>

#include <cstring>

#include "base/error.h"
#include "compiler/tune.h"
#include "graph/print.h"
#include "ops/ops.h"
#include "runtime/cpu_device.h"

namespace intarsia::compiler {
namespace {

using runtime::cpu_device;
using runtime::DeviceTensor;

graph::Graph chain(const std::string& scale = "2.0") {
  return graph::parse(
      "symbol n 0..1048576 opt 1000\ngraph(x: f32[n]) {\n"
      "  %0 = full() {shape=[], value=" +
      scale + "}\n  %1 = mul(x, %0)\n  %2 = exp(%1)\n  return %2\n}\n");
}
schedule::ImplementationTable builtins() {
  schedule::ImplementationTable table;
  schedule::add_builtins(table);
  return table;
}
DeviceTensor floats(std::vector<float> values) {
  DeviceTensor t = DeviceTensor::make(cpu_device(), DType::kF32, {static_cast<std::int64_t>(values.size())});
  std::memcpy(t.data, values.data(), values.size() * 4);
  return t;
}
float first(const std::vector<DeviceTensor>& out) { return *static_cast<const float*>(out[0].data); }

TEST(Targets, TheTableSaysWhatIsKnown) {
  EXPECT_EQ(described_target("sm_90a")->machine.shared_bytes, 227 << 10);
  EXPECT_TRUE(described_target("sm_90a")->machine.async_dot);
  EXPECT_FALSE(described_target("sm_80")->machine.tensor_map);
  EXPECT_EQ(described_target("x86-64-v4")->machine.vector_bytes, 64);
  EXPECT_FALSE(described_target("sm_1").has_value());
  EXPECT_FALSE(described_target("sm_75")->machine.async_copy);
  EXPECT_EQ(described_target("sm_120")->machine.shared_bytes, 99 << 10);
  for (const std::string& name : described_targets()) EXPECT_TRUE(described_target(name)) << name;
  EXPECT_TRUE(host_target().machine.cpu);
  EXPECT_GE(host_target().machine.multiprocessors, 1);
}

TEST(CompileProgram, NeedsNoDevice) {
  for (const std::string name : {"x86-64-v3", "x86-64-v4", "sm_80", "sm_90a"}) {
    const Compiled compiled = compile_program(chain(), {}, *described_target(name), builtins());
    EXPECT_EQ(compiled.program.target, name);
    ASSERT_EQ(compiled.program.steps.size(), 1u) << print(compiled.program);  // one kernel for the chain
    const runtime::Image& image = compiled.program.codes.at(0).images.at(0);
    EXPECT_EQ(image.form, name[0] == 's' ? runtime::Image::Form::kPtx : runtime::Image::Form::kX86);
    EXPECT_FALSE(compiled.program.data_of(image).empty());
    EXPECT_EQ(print(runtime::from_bytes(to_bytes(compiled.program))), print(compiled.program));
  }
}

TEST(CompileProgram, IsDeterministic) {
  const Target target = *described_target("x86-64-v3");
  EXPECT_EQ(to_bytes(compile_program(chain(), {}, target, builtins()).program),
            to_bytes(compile_program(chain(), {}, target, builtins()).program));
}

TEST(CompileProgram, StepsKnowTheUsersLine) {
  graph::Graph graph;
  const auto x = graph.add_input("x", {DType::kF32, {4}});
  const graph::ValueId operands[] = {x};
  graph.set_results({graph.add(ops::ref(*ops::find("exp")), operands, {}, 1)});
  const std::string lines[] = {"", "model.py:41"};
  const Compiled compiled = compile_program(graph, lines, *described_target("x86-64-v3"), builtins());
  EXPECT_EQ(compiled.program.lines.at(compiled.program.steps.at(0).line), "model.py:41");
}

TEST(CompileProgram, RequirementsAreCheckedBeforeTheFirstStep) {
  const graph::Graph graph = graph::parse(
      "symbol n 1..64\nsymbol m 1..64\ngraph(x: f32[n], y: f32[m]) {\n  %0 = add(x, y)\n  return %0\n}\n");
  const Compiled compiled = compile_program(graph, {}, host_target(), builtins());
  const auto exe = runtime::Executable::make(compiled.program, cpu_device());
  EXPECT_EQ(first(exe->run(std::vector{floats({1, 2}), floats({10, 20})})), 11.0f);
  try {
    exe->run(std::vector{floats({1, 2}), floats({1, 2, 3})});
    FAIL();
  } catch (const UserError& error) {
    EXPECT_NE(std::string(error.what()).find("(2 against 3)"), std::string::npos) << error.what();
  }
}

TEST(CompileProgram, PassesCanBeLeftOutAndWatched) {
  std::vector<std::string> stages;
  Options options;
  options.observer = [&](std::string_view stage, const std::function<std::string()>& text) {
    stages.emplace_back(stage);
    EXPECT_FALSE(text().empty());
  };
  options.disabled = {"merge_common_subexpressions"};
  const Compiled compiled = compile_program(chain(), {}, *described_target("x86-64-v3"), builtins(), options);
  EXPECT_EQ(stages, (std::vector<std::string>{"decompose", "drop_empty_tensors", "fold_literals",
                                              "drop_dead_nodes", "schedule", "program"}));
}

TEST(Compiler, RemembersByGraphTargetAndOptions) {
  plugins::Registry registry;
  Compiler compiler(registry);
  const auto a = compiler.compile(chain(), {}, cpu_device());
  EXPECT_EQ(compiler.compile(chain(), {}, cpu_device()), a);
  EXPECT_EQ(compiler.statistics().compiled, 1u);
  EXPECT_EQ(compiler.statistics().remembered, 1u);
  EXPECT_NE(compiler.compile(chain("3.0"), {}, cpu_device()), a);
  Options options;
  options.disabled = {"merge_common_subexpressions"};
  EXPECT_NE(compiler.compile(chain(), {}, cpu_device(), options), a);
  EXPECT_EQ(compiler.statistics().compiled, 3u);
  EXPECT_FLOAT_EQ(first(a->run(std::vector{floats({0.5f})})), 2.7182817f);
}

TEST(Compiler, WeightsAreNoPartOfTheKey) {
  plugins::Registry registry;
  Compiler compiler(registry);
  const graph::Graph graph =
      graph::parse("graph(x: f32[2], w: weight f32[2]) {\n  %0 = mul(x, w)\n  return %0\n}\n");
  const auto with = [&](float w) {
    return compiler.compile(graph, {}, cpu_device(), {}, {{"w", floats({w, w})}});
  };
  EXPECT_EQ(first(with(3)->run(std::vector{floats({2, 2})})), 6.0f);
  EXPECT_EQ(first(with(5)->run(std::vector{floats({2, 2})})), 10.0f);
  EXPECT_EQ(compiler.statistics().compiled, 1u);
}

// A program whose Choose has one alternative that fails and two that differ in work.
TEST(Tune, RecordsTheFastestThatRuns) {
  runtime::Program p;
  const Dim n = Dim::symbol("n", {.min = 0, .max = 1 << 20, .opt = 1 << 18});
  p.symbols = {
      {{"n", {.min = 0, .max = 1 << 20, .opt = 1 << 18}}, runtime::SymbolDef::Source::kInputExtent, 0, 0}};
  runtime::Buffer b;
  b.name = "x", b.kind = runtime::Buffer::Kind::kInput, b.dtype = DType::kF32, b.shape = {p.dim(n)};
  p.add(b);
  b.name = "y", b.kind = runtime::Buffer::Kind::kOutput;
  p.add(b);
  const auto fill = [&](const std::string& name, int times) {
    runtime::Alternative a{name, {}, {}};
    for (int i = 0; i < times; ++i) {
      runtime::Step step;
      step.name = name;
      runtime::Argument y;
      y.kind = runtime::Argument::Kind::kBuffer, y.buffer = {1}, y.access = runtime::Access::kWrite;
      step.body = runtime::Memset{y, 0, 4, p.dim(n * 4)};
      a.steps.push_back(step);
    }
    return a;
  };
  runtime::Choose choose;
  choose.key = "k";
  choose.alternatives = {fill("slow", 60), fill("fast", 1)};
  runtime::Step none;
  none.name = "none";
  runtime::Choose nothing;
  nothing.alternatives = {{"never", p.guard({{n, Condition::Relation::kLess, 0}}), {}}};
  none.body = nothing;
  choose.alternatives.push_back({"fails", {}, {none}});
  runtime::Step step;
  step.name = "choose", step.body = choose;
  p.steps = {step};
  const auto load = [](runtime::Program program) {
    return runtime::Executable::make(std::move(program), cpu_device());
  };
  tune(p, cpu_device(), load);
  ASSERT_EQ(p.tuning.size(), 1u);
  EXPECT_EQ(p.tuning[0].name, "fast");
  EXPECT_EQ(p.tuning[0].device, cpu_device().target());
}

}  // namespace
}  // namespace intarsia::compiler
