// Plugins among built-ins: pointwise kernels fuse like any node, others run as they stand, and the reason is
// kept.
#include <gtest/gtest.h>

#include "base/error.h"
#include "graph/interpret.h"
#include "graph/print.h"
#include "run_scheduled.h"

namespace intarsia::schedule {
namespace {
using kernel::Builder;
using kernel::Fn;
using kernel::Kernel;
using kernel::Role;
using kernel::ValueId;

ValueId pointer(Builder& b, const char* name, Role role) {
  return b.param(name, role, 0, {.kind = kernel::Type::Kind::kPointer, .dtype = DType::kF32}).value;
}

// y[i] = x[i] + 1 for i < n: the guide's kernel. Others read x[n - 1 - i], or add the largest of the block.
enum class Form { kGuide, kReversed, kLargest };
Kernel add_kernel(const Dim& n, std::int64_t block, Form form) {
  Kernel k;
  k.name = "add_kernel";
  Builder b(k);
  const std::int64_t extents[] = {block};
  const ValueId x = pointer(b, "x_ptr", Role::kInput), y = pointer(b, "y_ptr", Role::kOutput);
  kernel::Param& count = b.param("n_elements", Role::kDim, 0, kernel::scalar(DType::kI64));
  count.dim = n;
  const ValueId limit = count.value;
  k.grid = {cdiv(n, block), 1, 1};
  const ValueId first = b.binary(Fn::kMul, b.program_id(0), b.constant(block, kernel::scalar(DType::kI64)));
  const ValueId i = b.binary(Fn::kAdd, b.broadcast(first, extents), b.arange(0, block));
  const ValueId ends = b.broadcast(limit, extents);
  const ValueId mask = b.compare(Fn::kLt, i, ends);
  const ValueId last = b.binary(Fn::kSub, ends, b.constant(1, b.type(ends)));
  const ValueId from = form == Form::kReversed ? b.binary(Fn::kSub, last, i) : i;
  const ValueId value = b.load_at(b.pointer_add(b.broadcast(x, extents), from), mask);
  const ValueId one = form == Form::kLargest ? b.broadcast(b.reduce(Fn::kMax, value, 0), extents)
                                             : b.constant(1.0, b.type(value));
  const ValueId sum = b.binary(Fn::kAdd, value, one);
  b.store_at(b.pointer_add(b.broadcast(y, extents), i), sum, mask);
  return k;
}

void infer(ops::InferContext& context) { context.out(context.in(0).shape); }
void reference(ops::ReferenceContext& c) {
  for (std::int64_t i = 0; i < ops::numel(c.outputs[0]); ++i)
    ops::write(c.outputs[0], i, ops::read<double>(c.inputs[0], i) + 1);
}
constexpr ops::Input kInputs[] = {{.name = "inp0", .dtypes = only(DType::kF32), .type_variable = 0}};
constexpr ops::Output kOutputs[] = {{.name = "out0", .type_variable = 0}};
constexpr ops::OpDef kPlugin = {.id = "example::elemwise_add_plugin",
                                .inputs = kInputs,
                                .outputs = kOutputs,
                                .infer = infer,
                                .reference = reference};

Implementation implementation(Built (*build)(const Implementation&, const Query&, const Tactic&)) {
  Implementation i;
  i.name = "aot";
  i.op = kPlugin.id;
  i.applies = [](const Implementation&, const Query&) { return Answer::yes(); };
  i.build = build;
  return i;
}
template <Form form>
Built build_kernel(const Implementation&, const Query& q, const Tactic&) {
  Kernels k;
  k.variants.push_back({{}, add_kernel(q.inputs[0].shape.numel(), 256, form)});
  return k;
}
// Two steps with memory between them: x + 1 into a temporary, then copied.
Built build_steps(const Implementation&, const Query& q, const Tactic&) {
  Steps s;
  runtime::Program& p = s.program;
  s.kernels.push_back(add_kernel(q.inputs[0].shape.numel(), 256, Form::kGuide));
  const auto buffer = [&](const char* name, runtime::Buffer::Kind kind) {
    runtime::Buffer b;
    b.name = name, b.kind = kind, b.dtype = DType::kF32;
    for (const Dim& d : q.inputs[0].shape) b.shape.push_back(p.dim(d));
    b.bytes = p.dim(q.inputs[0].shape.numel() * 4);
    return p.add(b);
  };
  const runtime::BufferId in[] = {buffer("in", runtime::Buffer::Kind::kInput)},
                          out[] = {buffer("out", runtime::Buffer::Kind::kOutput)};
  const runtime::BufferId between[] = {buffer("between", runtime::Buffer::Kind::kTemporary)};
  const runtime::CodeId code = add_code(p, s.kernels[0], 0);
  p.steps.push_back(launch_of(p, code, s.kernels[0], {.inputs = in, .outputs = between}, q.machine));
  runtime::Copy c;
  c.from.kind = c.to.kind = runtime::Argument::Kind::kBuffer;
  c.from.buffer = between[0], c.to.buffer = out[0], c.to.access = runtime::Access::kWrite;
  c.bytes = p.buffers[0].bytes, c.reason = "a test";
  runtime::Step step;
  step.name = "copy", step.body = c;
  p.steps.push_back(step);
  return s;
}

ImplementationTable table_with(Implementation i) {
  ImplementationTable t;
  add_builtins(t);
  t.add(std::move(i), "test");
  return t;
}
graph::Graph parse(const std::string& text) {
  return graph::parse(text,
                      [](std::string_view id) { return id == kPlugin.id ? ops::ref(kPlugin) : nullptr; });
}
const std::string kGraph =
    "symbol m 0..4096\nsymbol n 0..4096\n"
    "graph(x: f32[m, n]) { %0 = full() {shape=[], value=2.0} %1 = mul(x, %0) %2 = "
    "example::elemwise_add_plugin(%1) %3 = add(%2, x) return %3 }";

void expect_same(const graph::Graph& g, const Scheduled& s) {
  for (const auto& [m, n] :
       {std::pair<std::int64_t, std::int64_t>{0, 3}, {1, 1}, {15, 17}, {16, 16}, {33, 31}}) {
    ops::OwnedTensor x = testing::random_tensor(DType::kF32, {m, n}, 5);
    const ops::HostTensor inputs[] = {x.view()};
    testing::expect_same(g, s, inputs, 0);
  }
}

TEST(Plugin, FusesWithItsNeighbours) {
  const graph::Graph g = parse(kGraph);
  const Scheduled s = schedule(g, table_with(implementation(build_kernel<Form::kGuide>)), testing::cpu());
  EXPECT_EQ(summary(s), "mul_example__elemwise_add_plugin_add: result0 <- x\n");
  ASSERT_EQ(s.kernels.size(), 1u);
  EXPECT_EQ(kernel::print(s.kernels[0], false),
            R"(kernel 1 "mul_example__elemwise_add_plugin_add" warps 4 cluster 1
symbol m 0 4096 1
symbol n 0 4096 1
grid {m n * 8191 + 8192 //} {1} {1}
param %0 "t0" input 0 : view f32 x1 {m n *}
param %1 "t1" output 1 : view f32 x1 {m n *}
{
  %2 = program_id axis=0 : i64
  %3 = constant bits=8192 : i64
  %4 = binary.mul %2 %3 : i64
  %5 = view_load fill=0 %0 %4 : f32[8192]
  %6 = constant bits=2 : f32[8192]
  %7 = binary.mul %5 %6 : f32[8192]
  %8 = constant bits=1 : f32[8192]
  %9 = binary.add %7 %8 : f32[8192]
  %10 = binary.add %9 %5 : f32[8192]
  view_store %1 %10 %4
}
)");
  expect_same(g, s);
}

TEST(Plugin, StandsInAProductsStore) {
  const graph::Graph g = parse(
      "symbol m 0..4096\ngraph(x: f32[m, 8], w: f32[8, 16]) { %0 = matmul(x, w) %1 = "
      "example::elemwise_add_plugin(%0) return %1 }");
  const Scheduled s = schedule(g, table_with(implementation(build_kernel<Form::kGuide>)), testing::cpu());
  EXPECT_EQ(summary(s), "matmul_example__elemwise_add_plugin: result0 <- x, w\n");
}

TEST(Plugin, OtherElementsAreStillElements) {
  const graph::Graph plugin = parse(
      "symbol m 0..4096\nsymbol n 0..4096\ngraph(x: f32[m, n]) { %0 = example::elemwise_add_plugin(x) %1 = "
      "mul(%0, x) return %1 }");
  const Scheduled s =
      schedule(plugin, table_with(implementation(build_kernel<Form::kReversed>)), testing::cpu());
  EXPECT_EQ(s.program.steps.size(), 1u) << summary(s);
  const graph::Graph same = parse(
      "symbol m 0..4096\nsymbol n 0..4096\ngraph(x: f32[m, n]) { %0 = slice(x) {begin=[-1, -1], "
      "end=[-9223372036854775808, -9223372036854775808], step=[-1, -1]} %1 = full() {shape=[], value=1.0} "
      "%2 = add(%0, %1) %3 = mul(%2, x) return %3 }");
  expect_same(same, s);
}

TEST(Plugin, WhatIsNotPointwiseRunsAsItStandsAndSaysWhy) {
  const graph::Graph g = parse(kGraph);
  const Scheduled s = schedule(g, table_with(implementation(build_kernel<Form::kLargest>)), testing::cpu());
  EXPECT_EQ(s.program.steps.size(), 3u);
  ASSERT_FALSE(s.notes.empty());
  EXPECT_EQ(s.notes[0].node, 2u);
  EXPECT_NE(s.notes[0].text.find("example::elemwise_add_plugin runs as its own kernel: "), std::string::npos)
      << summary(s);
}

TEST(Plugin, StepsBringTheirOwnMemory) {
  const graph::Graph g = parse(kGraph);
  const Scheduled s = schedule(g, table_with(implementation(build_steps)), testing::cpu());
  EXPECT_EQ(s.program.steps.size(), 4u) << summary(s);
  expect_same(g, s);
}

// ---- other operators
// ----------------------------------------------------------------------------------------

constexpr ops::Output kUpdated[] = {{.name = "out0", .type_variable = 0, .alias_of = 0}};
constexpr ops::OpDef kInPlace = {.id = "example::increment",
                                 .inputs = kInputs,
                                 .outputs = kUpdated,
                                 .infer = infer,
                                 .reference = reference};

// y[i] += 1, by views.
Built build_update(const Implementation&, const Query& q, const Tactic&) {
  Kernel k;
  k.name = "increment";
  Builder b(k);
  const Dim n = q.inputs[0].shape.numel();
  const ValueId y = b.view("y", Role::kInOut, 0, DType::kF32, {n});
  k.grid = {cdiv(n, 16), 1, 1};
  const std::int64_t block[] = {16};
  const ValueId at[] = {b.binary(Fn::kMul, b.program_id(0), b.constant(16, kernel::scalar(DType::kI64)))};
  const ValueId x = b.load(y, at, block);
  b.store(y, b.binary(Fn::kAdd, x, b.constant(1.0, b.type(x))), at);
  Kernels out;
  out.variants.push_back({{}, std::move(k)});
  return out;
}

TEST(Plugin, InPlaceUpdatesACopyThatSaysWhy) {
  Implementation i = implementation(build_update);
  i.op = kInPlace.id;
  const graph::Graph g = graph::parse(
      "symbol n 0..4096\ngraph(x: f32[n]) { %0 = neg(x) %1 = example::increment(%0) %2 = mul(%1, %0) return "
      "%2 }",
      [](std::string_view) { return ops::ref(kInPlace); });
  const Scheduled s = schedule(g, table_with(i), testing::cpu());
  EXPECT_EQ(summary(s),
            "neg: t1 <- x\n"
            "copy: t2 <- t1  # example::increment updates it in place\n"
            "increment: t2 <- \n"
            "mul: result0 <- t2, t1\n"
            "# node 1: example::increment runs as its own kernel: y is read and written in place\n"
            "# node 2: not fused into example::increment: its steps run as they stand\n");
  ops::OwnedTensor x = testing::random_tensor(DType::kF32, {40}, 5);
  const ops::HostTensor inputs[] = {x.view()};
  testing::expect_same(g, s, inputs, 0);
}

constexpr ops::Output kFound[] = {{.name = "values", .type_variable = 0},
                                  {.name = "count", .dtypes = only(DType::kI64), .size = true}};
constexpr ops::OpDef kPositive = {
    .id = "example::positive", .inputs = kInputs, .outputs = kFound, .infer = [](ops::InferContext& c) {
      c.out({c.data_extent(c.in(0).shape.numel(), 1)});
      c.out(Shape{});
    }};

TEST(Plugin, ExtentsThatAreDataAreReadBeforeTheyAreUsed) {
  Implementation i = implementation([](const Implementation&, const Query& q, const Tactic&) -> Built {
    Steps s;
    runtime::Call call;
    call.library = "host", call.function = "positive";
    const auto port = [&](runtime::Buffer::Kind kind, std::uint32_t number, const ops::TensorType& type) {
      runtime::Buffer b;
      b.name = "p", b.kind = kind, b.port = number, b.dtype = type.dtype;
      runtime::Argument a;
      a.kind = runtime::Argument::Kind::kBuffer, a.buffer = s.program.add(std::move(b)), a.dtype = type.dtype;
      if (kind == runtime::Buffer::Kind::kOutput) a.access = runtime::Access::kWrite;
      call.arguments.push_back(a);
    };
    port(runtime::Buffer::Kind::kInput, 0, q.inputs[0]);
    port(runtime::Buffer::Kind::kOutput, 0, q.outputs[0]);
    port(runtime::Buffer::Kind::kOutput, 1, q.outputs[1]);
    s.program.steps.emplace_back().body = call;
    return s;
  });
  i.op = kPositive.id;
  const graph::Graph g = graph::parse(
      "symbol n 0..4096\ngraph(x: f32[n]) { %0, %1 = example::positive(x) %2 = exp(%0) return %2 }",
      [](std::string_view) { return ops::ref(kPositive); });
  const Scheduled s = schedule(g, table_with(i), testing::cpu());
  EXPECT_EQ(summary(s),
            "host.positive: t1, t2 <- x\n"
            "wait\n"
            "exp: result0 <- t1\n"
            "# node 1: not fused into example::positive: its steps run as they stand\n");
  for (const runtime::Buffer& b : s.program.buffers)
    if (b.name == "t1") EXPECT_EQ(s.program.dims[b.bytes.index].str(), "4*n");
}

TEST(Plugin, WithoutAnImplementationItIsAnError) {
  const graph::Graph g = parse(kGraph);
  try {
    schedule(g, testing::builtins(), testing::cpu());
    FAIL();
  } catch (const Unsupported& e) {
    EXPECT_STREQ(
        e.what(),
        "example::elemwise_add_plugin: nothing can run it on this machine:\n  it has no implementation");
  }
}

}  // namespace
}  // namespace intarsia::schedule
