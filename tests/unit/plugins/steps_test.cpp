#include <fmt/format.h>

#include "fixtures.h"

namespace intarsia::plugins {
namespace {

ops::TensorType f32(Shape shape) { return {DType::kF32, std::move(shape)}; }

constexpr const char* kPartial = R"(.version 8.0
.target sm_80
.address_size 64
.visible .entry partial(.param .u64 x, .param .u64 w, .param .u64 n) { ret; }
.visible .entry finish(.param .u64 w, .param .u64 sum, .param .u64 squares, .param .u64 parts) { ret; }
)";

// Two inputs, two outputs, an array attribute, two launches with a workspace, a memset, a copy.
PluginDef two_steps() {
  PluginDef def;
  def.id = "t::stats", def.inputs = {{.name = "x"}, {.name = "bias"}},
  def.outputs = {{.name = "sum"}, {.name = "copied"}};
  def.attributes = {{.name = "weights", .type = {.kind = ops::AttributeKind::kArray, .dtype = DType::kF32}}};
  def.shape_rule = [](std::span<const TensorDesc> in, const Attributes&) {
    return std::vector{in[0].like(Shape{in[0].extent(1)}), in[1].like()};
  };
  return def;
}

Steps stats_steps(const AotRequest& r) {
  const Dim n = r.inputs[0].extent(0), m = r.inputs[0].extent(1), parts = cdiv(n, 1024);
  Steps steps;
  const TensorDesc w = steps.temporary("partial sums", DType::kF32, {parts, m});
  const auto launch = [](std::string entry, Dim grid, std::vector<KernelArgument> arguments) {
    LaunchStep l;
    l.entry = std::move(entry), l.codes = {code_of_text(kPartial)}, l.params.grid_x = std::move(grid),
    l.params.block_x = 128;
    l.arguments = std::move(arguments);
    return l;
  };
  steps.memset(w).add(launch("partial", parts, {r.inputs[0], w, n}));
  steps.add(launch("finish", cdiv(m, 128), {w, r.outputs[0], KernelArgument(), parts}))
      .copy(r.inputs[1], r.outputs[1]);
  return steps;
}

TEST(Steps, WorkspaceMemsetLaunchesAndCopy) {
  Registry registry;
  PluginDef def = two_steps();
  def.aot_impls.push_back({.body = stats_steps});
  const Dim n = Dim::symbol("n"), m = Dim::symbol("m");
  const Node node(registry.add(def)->op, {f32({n, m}), f32({4})}, {{"weights", Array{DType::kF32, 0, ""}}});
  const runtime::Program p = std::get<schedule::Steps>(node.build(registry)).program;
  ASSERT_EQ(p.steps.size(), 4u);
  const auto& memset = std::get<runtime::Memset>(p.steps[0].body);
  EXPECT_EQ(p.dims[memset.bytes.index].str(), (cdiv(n, 1024) * m * 4).str());
  const auto& first = std::get<runtime::Launch>(p.steps[1].body);
  const auto& second = std::get<runtime::Launch>(p.steps[2].body);
  EXPECT_EQ(p.codes[first.code.index].entry, "partial");
  EXPECT_EQ(first.arguments[1].buffer, second.arguments[0].buffer);
  const runtime::Buffer& w = p.buffers[first.arguments[1].buffer.index];
  EXPECT_EQ(w.kind, runtime::Buffer::Kind::kTemporary);
  EXPECT_EQ(w.first, 0u);
  EXPECT_EQ(w.last, 2u);
  EXPECT_EQ(second.arguments[2].kind, runtime::Argument::Kind::kNull);
  EXPECT_TRUE(std::holds_alternative<runtime::Copy>(p.steps[3].body));
  EXPECT_EQ(p.steps[3].name, "t::stats: copy of bias");
  EXPECT_EQ(p.symbols.size(), 2u);
}

std::string error_with(AotImpl body) {
  Registry registry;
  PluginDef def = two_steps();
  def.aot_impls.push_back({.body = std::move(body)});
  const Node node(registry.add(def)->op, {f32({8, 4}), f32({4})}, {{"weights", Array{DType::kF32, 0, ""}}});
  return error_of([&] { (void)node.build(registry); });
}

TEST(Steps, WhatIsWrongIsNamed) {
  EXPECT_EQ(error_with([](const AotRequest&) { return Steps(); }),
            "t::stats: the implementation returned no step");
  EXPECT_EQ(error_with([](const AotRequest& r) { return Steps().memset(r.outputs[0]); }),
            "t::stats: no step writes output 'copied'");
  const auto only_read = [](const AotRequest& r) {
    return launch_of(add_kernel(256), {r.outputs[1], Dim(4), r.outputs[0]}, Dim(1));
  };
  EXPECT_EQ(error_with(only_read), "t::stats: no step writes output 'copied'");
  EXPECT_EQ(error_with([&](const AotRequest& r) { return only_read(r).memset(r.outputs[0]); }),
            "t::stats: no step writes output 'copied'");
  EXPECT_EQ(error_with([](const AotRequest& r) { return Steps().memset(r.inputs[0]); }),
            "t::stats: a step writes input 'x'");
  EXPECT_EQ(error_with([](const AotRequest& r) { return Steps().copy(r.inputs[0], r.outputs[0]); }),
            "t::stats: copy from x: f32[8, 4] to sum: f32[4], which are of different size");
  EXPECT_EQ(error_with([](const AotRequest& r) { return Steps().memset(r.outputs[0], 1, 3); }),
            "t::stats: memset in units of 3 bytes; 1, 2 or 4 are possible");
  EXPECT_EQ(error_with([](const AotRequest& r) { return Steps().memset(r.outputs[0].like()); }),
            "t::stats: f32[4] is no input, output or temporary of this plugin");
  EXPECT_EQ(error_with([](const AotRequest& r) -> Steps {
              throw UserError("the table has no entry for " + std::string(r.target));
            }),
            "t::stats: in its aot_impl: the table has no entry for x86-64-v3");
  EXPECT_THROW(error_with([](const AotRequest&) -> Steps { throw std::out_of_range("mine"); }),
               std::out_of_range)
      << "passes as it is";
}

TEST(Steps, KernelsAmongStepsAreIndexed) {
  Registry registry;
  PluginDef def = add_plugin("t::twice");
  def.aot_impls.push_back({.body = [](const AotRequest& r) {
    Steps steps;
    const TensorDesc middle = steps.temporary("middle", r.inputs[0].dtype(), r.inputs[0].shape());
    const Dim n = r.inputs[0].numel();
    const auto launch = [&](const TensorDesc& from, const TensorDesc& to) {
      LaunchStep l;
      l.entry = "add_kernel", l.codes = {add_kernel(256)}, l.params.grid_x = cdiv(n, 256),
      l.arguments = {from, n, to};
      return l;
    };
    steps.add(launch(r.inputs[0], middle)).add(launch(middle, r.outputs[0]));
    return steps;
  }});
  const Node node(registry.add(def)->op, {f32({Dim::symbol("n")})}, {{"block_size", std::int64_t{2}}});
  const schedule::Built built = node.build(registry);
  const auto& steps = std::get<schedule::Steps>(built);
  ASSERT_EQ(steps.kernels.size(), 2u);
  EXPECT_EQ(steps.kernels[0].params[2].role, kernel::Role::kWorkspace);
  EXPECT_EQ(steps.program.codes[1].images.at(0).form, runtime::Image::Form::kKernelIndex);
  EXPECT_EQ(steps.program.codes[1].images[0].data, "1");
  const auto& second = std::get<runtime::Launch>(steps.program.steps[1].body);
  EXPECT_EQ(steps.program.buffers[second.arguments[0].buffer.index].name, "middle");
}

TEST(Steps, HostFunctionsSeeTheirTensors) {
  Registry registry;
  PluginDef def = add_plugin("t::host");
  def.impls.push_back({.body = [](const ImplRequest& r) {
    for (std::int64_t i = 0; i < r.inputs[0].numel(); ++i)
      r.outputs[0].elements<float>()[static_cast<std::size_t>(i)] =
          r.inputs[0].elements<float>()[static_cast<std::size_t>(i)] +
          static_cast<float>(r.attributes.get<std::int64_t>("block_size"));
  }});
  const Node node(registry.add(def)->op, {f32({2})}, {{"block_size", std::int64_t{7}}});
  const schedule::Built built = node.build(registry);
  const std::string name =
      std::get<runtime::Call>(std::get<schedule::Steps>(built).program.steps.at(0).body).function;
  float x[] = {1, 2}, y[2];
  const runtime::HostTensor tensors[] = {{DType::kF32, {2}, x}, {DType::kF32, {2}, y}};
  runtime::HostFunctionRef function = registry.host_functions()->find(name);
  (*function)({tensors, 0});
  EXPECT_EQ(y[1], 9);
  EXPECT_EQ(schedule::choose(registry.table(), node.query(), true).size(), 0u)
      << "no engine file can hold it";
  registry.unregister("t::host");
  (*function)({tensors, 0});  // an executable keeps what it took
  function = nullptr;
  EXPECT_EQ(error_of([&] { (void)registry.host_functions()->find(name); }).substr(0, 10), "function '");
}

// ---- tactics
// ---------------------------------------------------------------------------------------------------------

PluginDef tuned(std::vector<std::int64_t> ids, AotImpl body, const char* types = "FP32|FP16, FP32|FP16") {
  PluginDef def = add_plugin("t::tuned");
  def.autotune = [=](std::span<const TensorDesc>, const Attributes&, std::span<const TensorDesc>) {
    return std::vector{AutoTuneCombination(types, "LINEAR", ids)};
  };
  def.aot_impls.push_back({.body = std::move(body)});
  return def;
}
Steps by_tactic(const AotRequest& r) {
  const Dim n = r.inputs[0].numel();
  return launch_of(add_kernel(r.tactic == 1 ? 256 : 1024), {r.inputs[0], n, r.outputs[0]},
                   cdiv(n, r.tactic == 1 ? 256 : 1024));
}

TEST(Tactics, EachIsAnAlternativeWithItsOwnCode) {
  Registry registry;
  const Node node(registry.add(tuned({2, 1}, by_tactic))->op, {f32({Dim::symbol("n")})},
                  {{"block_size", std::int64_t{2}}});
  const auto choices = node.choose(registry);
  ASSERT_EQ(choices.size(), 1u);
  ASSERT_EQ(choices[0].tactics.size(), 2u);
  EXPECT_EQ(choices[0].tactics[0].id, 2);
  EXPECT_EQ(choices[0].tactics[0].name, "tactic 2");
  const auto& i = *choices[0].implementation;
  const auto digest = [&](const schedule::Tactic& t) { return i.digest(i, node.query(), t); };
  EXPECT_NE(digest(choices[0].tactics[0]), digest(choices[0].tactics[1]));
  EXPECT_EQ(digest(choices[0].tactics[0]), digest(choices[0].tactics[0]));
}

TEST(Tactics, OneThatFailsIsSkippedAllFailingIsAnError) {
  Registry registry;
  const auto only_one = [](const AotRequest& r) {
    if (r.tactic != 1) throw UserError("needs a tile that divides the rows");
    return by_tactic(r);
  };
  const Node node(registry.add(tuned({3, 1}, only_one))->op, {f32({4})}, {{"block_size", std::int64_t{2}}});
  const auto choices = node.choose(registry);
  ASSERT_EQ(choices.at(0).tactics.size(), 1u);
  EXPECT_EQ(choices[0].tactics[0].id, 1);
  Registry other;
  const Node none(other.add(tuned({3, 2}, only_one))->op, {f32({4})}, {{"block_size", std::int64_t{2}}});
  EXPECT_EQ(error_of([&] { (void)none.choose(other); }),
            "t::tuned: no tactic of 'aot_impl' can be built:\n"
            "  tactic 3: t::tuned: in its aot_impl: needs a tile that divides the rows\n"
            "  tactic 2: t::tuned: in its aot_impl: needs a tile that divides the rows");
}

TEST(Tactics, WhatTheGraphHasMustBeOffered) {
  Registry registry;
  const Node node(registry.add(tuned({1}, by_tactic, "FP16|BF16, FP16|BF16"))->op, {f32({4})},
                  {{"block_size", std::int64_t{2}}});
  std::vector<schedule::Rejected> rejected;
  EXPECT_EQ(node.choose(registry, &rejected).size(), 0u);
  EXPECT_EQ(rejected.at(0).reason,
            "t::tuned: its autotune offers (f16 LINEAR, f16 LINEAR); (bf16 LINEAR, bf16 LINEAR), the graph "
            "has (f32 LINEAR, f32 LINEAR)");
  Registry other;
  const Node wrong(other.add(tuned({1}, by_tactic, "FP32"))->op, {f32({4})},
                   {{"block_size", std::int64_t{2}}});
  EXPECT_EQ(
      error_of([&] { (void)wrong.choose(other); }),
      "t::tuned: in its autotune: io_types, column 5: 1 entries for 1 inputs and 1 outputs\n  FP32\n      ^");
}

TEST(Tactics, ABodyThatTakesNoneMayNotAdvertise) {
  Registry registry;
  PluginDef def = tuned({1}, by_tactic);
  def.aot_impls[0].takes_tactic = false;
  const Node node(registry.add(def)->op, {f32({4})}, {{"block_size", std::int64_t{2}}});
  EXPECT_EQ(error_of([&] { (void)node.choose(registry); }),
            "t::tuned: its autotune advertises tactics, but 'aot_impl' takes no parameter 'tactic'");
}

TEST(Tactics, TheBodyRunsOncePerQuestion) {
  Registry registry;
  int calls = 0;
  std::uint64_t globals = 1;
  PluginDef def = add_plugin("t::counted");
  def.aot_impls.push_back({.body = [&](const AotRequest& r) { return ++calls, add_aot(r); },
                           .fingerprint = [&] { return globals; }});
  const ops::OpRef op = registry.add(def)->op;
  const auto ask = [&](Dim n, std::int64_t block) {
    (void)Node(op, {f32({n})}, {{"block_size", block}}).build(registry);
  };
  ask(4, 2), ask(4, 2);
  EXPECT_EQ(calls, 1);
  ask(4, 4), ask(5, 2), ask(Dim::symbol("n"), 2), ask(Dim::symbol("n", {.max = 9}), 2);
  EXPECT_EQ(calls, 5);
  globals = 2, ask(4, 2);
  EXPECT_EQ(calls, 6) << "what it reads from outside changed";
}

TEST(Reference, RunsWhereNothingElseFits) {
  Registry registry;
  PluginDef def = add_plugin("t::p");
  def.reference = [](ops::ReferenceContext& c) {
    static_cast<float*>(c.outputs[0].data)[0] =
        static_cast<const float*>(c.inputs[0].data)[0] +
        static_cast<float>(c.attributes.get<std::int64_t>("block_size"));
  };
  def.aot_impls.push_back({.body = [](const AotRequest&) {
    return aot_result("k",
                      Binary{"\x7f"
                             "ELF"},
                      {.block_x = 32}, {});
  }});
  const Node node(registry.add(def)->op, {f32({1})}, {{"block_size", std::int64_t{2}}});
  std::vector<schedule::Rejected> rejected;
  const auto choices = node.choose(registry, &rejected);
  ASSERT_EQ(choices.size(), 1u);
  EXPECT_EQ(choices[0].implementation->name, "reference");
  EXPECT_EQ(rejected.at(0).reason, "t::p: its code is a cubin, which runs on a GPU alone");
}

}  // namespace
}  // namespace intarsia::plugins
