#include "plugins/registry.h"

#include <atomic>
#include <thread>

#include "fixtures.h"
#include "plugins/op.h"

namespace intarsia::plugins {
namespace {

ops::TensorType f32(Shape shape) { return {DType::kF32, std::move(shape)}; }

TEST(Registry, ShapesAndDtypesFollowTheRule) {
  Registry registry;
  const PluginRef p = registry.add(add_plugin());
  EXPECT_EQ(schema_text(p->def),
            "example::elemwise_add_plugin(Tensor inp0, int block_size) -> (Tensor out0)");
  const Dim n = Dim::symbol("n");
  const Node node(p->op, {{DType::kF16, {2, n}}}, {{"block_size", std::int64_t{256}}});
  EXPECT_EQ(node.outputs()[0].dtype, DType::kF16);
  EXPECT_TRUE(identical(node.outputs()[0].shape, Shape{2, n}));
}

TEST(Registry, TheSamePlaceReplacesAnotherIsAnError) {
  Registry registry;
  std::vector<std::string> log;
  registry.set_debug_log([&](const std::string& line) { log.push_back(line); });
  registry.add(add_plugin());
  registry.add_aot_impl("example::elemwise_add_plugin", {.body = add_aot, .place = {"plugin.cpp:20"}});
  registry.add(add_plugin());
  EXPECT_EQ(log, std::vector<std::string>{
                     "plugin 'example::elemwise_add_plugin' is registered again from plugin.cpp:10"});
  EXPECT_EQ(registry.get("example::elemwise_add_plugin")->def.aot_impls.size(), 1u)
      << "implementations that were added stay";
  PluginDef other = add_plugin();
  other.place = {"other.cpp:3"};
  EXPECT_EQ(error_of([&] { registry.add(other); }),
            "plugin 'example::elemwise_add_plugin' is defined at plugin.cpp:10 and again at other.cpp:3; "
            "unregister the first, or choose another name");
  EXPECT_EQ(error_of([&] {
              registry.add_aot_impl("example::elemwise_add_plugin",
                                    {.body = add_aot, .place = {"other.cpp:9"}});
            }),
            "example::elemwise_add_plugin: implementation 'aot_impl' is defined at plugin.cpp:20 and again "
            "at other.cpp:9; unregister the first, or choose another name");
  EXPECT_TRUE(registry.unregister("example::elemwise_add_plugin"));
  EXPECT_FALSE(registry.unregister("example::elemwise_add_plugin"));
  EXPECT_EQ(registry.table().of("example::elemwise_add_plugin").size(), 0u);
  registry.add(other);
}

TEST(Registry, APlaceMayMoveAndStayTheSame) {
  Registry registry;
  PluginDef def = add_plugin();
  def.place = {"cell 3, line 1", "module:add_plugin_desc"};
  registry.add(def);
  def.place.text = "cell 7, line 1";
  EXPECT_EQ(error_of([&] { registry.add(def); }), "no error");
}

TEST(Registry, UnknownIdsShowNearMatches) {
  Registry registry;
  EXPECT_EQ(error_of([&] { registry.get("example::add"); }),
            "there is no plugin 'example::add'; no plugin is registered");
  registry.add(add_plugin());
  EXPECT_EQ(
      error_of([&] { registry.get("example::elemwise_add_plugn"); }),
      "there is no plugin 'example::elemwise_add_plugn' (did you mean 'example::elemwise_add_plugin'?)");
  EXPECT_EQ(error_of([&] { registry.add_aot_impl("far::away", {.body = add_aot}); }),
            "there is no plugin 'far::away'");
  EXPECT_EQ(error_of([&] { registry.get("add"); }),
            "plugin id 'add': it has no '::'; an id is namespace::name, for example acme::gelu");
}

TEST(Registry, AFailureLeavesNothingBehind) {
  Registry registry;
  const auto broken = [&](const auto& edit) {
    PluginDef def = add_plugin("t::p");
    edit(def);
    const std::string error = error_of([&] { registry.add(def); });
    EXPECT_TRUE(registry.ids().empty());
    EXPECT_TRUE(registry.table().of("t::p").empty());
    return error;
  };
  EXPECT_EQ(broken([](PluginDef& d) { d.attributes[0].name = "tactic"; }),
            "t::p: attribute 'tactic': the names outputs, stream and tactic are reserved");
  EXPECT_EQ(broken([](PluginDef& d) { d.attributes[0].name = "inp0"; }),
            "t::p: attribute 'inp0': the name is used twice");
  EXPECT_EQ(broken([](PluginDef& d) { d.inputs[0].name = "1x"; }),
            "t::p: input '1x': a name is letters, digits and '_' and starts with a letter or '_'");
  EXPECT_EQ(broken([](PluginDef& d) { d.shape_rule = {}; }),
            "t::p: a plugin needs a shape rule, from descriptors of inputs to those of outputs");
  EXPECT_EQ(broken([](PluginDef& d) { d.outputs.clear(); }), "t::p: a plugin needs an output");
  EXPECT_EQ(broken([](PluginDef& d) { d.attributes[0].fallback = 1.5; }),
            "t::p: attribute 'block_size' must be int, was given the default 1.5");
  EXPECT_EQ(broken([](PluginDef& d) { d.aot_impls.push_back({}); }),
            "t::p: implementation 'aot_impl' has no body");
  EXPECT_EQ(broken([](PluginDef& d) { d.inputs.insert(d.inputs.begin(), {.name = "xs", .variadic = true}); }),
            "t::p: input 'xs' is variadic; only the last input may be");
  EXPECT_EQ(error_of([&] { registry.add(add_plugin("t::p")); }), "no error");
}

TEST(Registry, GraphsKeepWhatIsUnregistered) {
  Registry registry;
  const ops::OpRef op = registry.add(add_plugin())->op;
  registry.add_aot_impl("example::elemwise_add_plugin", {.body = add_aot});
  const Node node(op, {f32({4})}, {{"block_size", std::int64_t{2}}});
  const auto choices = node.choose(registry);
  registry.unregister("example::elemwise_add_plugin");
  EXPECT_EQ(ops::infer(*op, std::vector<ops::TensorType>{f32({4})}, {{"block_size", std::int64_t{2}}})
                .outputs.size(),
            1u);
  ASSERT_EQ(choices.size(), 1u);
  EXPECT_NO_THROW(choices[0].implementation->build(*choices[0].implementation, node.query(), {}));
}

TEST(Registry, TheRuleIsHeldToTheSchema) {
  Registry registry;
  const auto infer = [&](auto rule, std::vector<ops::TensorType> inputs = {f32({2, 3})},
                         Attributes attributes = {}) {
    PluginDef def;
    def.id = "t::p", def.inputs = {{.name = "x"}}, def.outputs = {{}, {}}, def.shape_rule = rule;
    def.attributes = {{.name = "k", .type = {.kind = ops::AttributeKind::kInt, .optional = true}}};
    const ops::OpRef op = registry.add(def)->op;
    return error_of([&] { (void)ops::infer(*op, inputs, attributes); });
  };
  using In = std::span<const TensorDesc>;
  using Out = std::vector<TensorDesc>;
  EXPECT_EQ(infer([](In in, const Attributes&) { return Out{in[0].like()}; }),
            "t::p: its shape rule returned 1 descriptor, the schema has 2 outputs");
  EXPECT_EQ(infer([](In in, const Attributes&) { return Out{in[0].like(Shape{-1}), in[0].like()}; }),
            "t::p: output 'out0' has shape [-1]; an extent is not negative");
  EXPECT_EQ(infer([](In in, const Attributes&) { return Out{in[0].like(DType{0}), in[0]}; }),
            "t::p: output 'out0' has no dtype");
  EXPECT_EQ(
      infer([](In in, const Attributes&) { return Out{in[0].like(), in[0].like(Shape{in[0].extent(2)})}; }),
      "t::p: in its shape rule: axis 2 of x, which has rank 2");
  EXPECT_EQ(infer([](In in, const Attributes&) {
              return Out{in[0].like(), in[0].like(Shape{in[0].extent(0) / 0})};
            }),
            "t::p: in its shape rule: division of 2 by zero");
  EXPECT_EQ(infer(
                [](In in, const Attributes& a) {
                  return Out{in[0].like(), in[0].like(Shape{in[0].extent(0) / a.get<std::int64_t>("k")})};
                },
                {f32({Dim::symbol("n")})}, {{"k", std::int64_t{0}}}),
            "t::p: in its shape rule: division of n by zero (attribute 'k' is 0)");
  EXPECT_EQ(infer([](In in, const Attributes&) { return Out{in[0].aliased(), in[0].like()}; }), "no error");
  EXPECT_EQ(infer([](In in, const Attributes&) { return Out{in[0].aliased(), in[0].aliased()}; }),
            "t::p: outputs 'out0' and 'out1' both share the memory of input 'x'");
  EXPECT_EQ(infer([](In in, const Attributes&) {
              TensorDesc out = in[0].aliased();
              out.set_shape({7});
              return Out{out, in[0].like()};
            }),
            "t::p: output 'out0' is f32[7], but shares the memory of input 'x', which is f32[2, 3]");
}

TEST(Registry, BranchingOnAnUnknownExtentSaysWhatToDo) {
  Registry registry;
  PluginDef def = add_plugin("t::p");
  def.attributes.clear();
  def.shape_rule = [](std::span<const TensorDesc> in, const Attributes&) {
    return std::vector<TensorDesc>{in[0].extent(0) == 3 ? in[0].like() : in[0].like(DType::kI32)};
  };
  const ops::OpRef op = registry.add(def)->op;
  EXPECT_EQ(ops::infer(*op, std::vector{f32({3})}, {}).outputs[0].dtype, DType::kF32);
  EXPECT_EQ(ops::infer(*op, std::vector{f32({4})}, {}).outputs[0].dtype, DType::kI32);
  const std::string error =
      error_of([&] { (void)ops::infer(*op, std::vector{f32({Dim::symbol("n")})}, {}); });
  EXPECT_EQ(error.substr(0, 24), "t::p: in its shape rule:");
  EXPECT_NE(error.find("select"), std::string::npos) << error;
}

TEST(Registry, ZeroAndVariadicInputs) {
  Registry registry;
  PluginDef iota;
  iota.id = "t::iota", iota.outputs = {{}},
  iota.attributes = {{.name = "n", .type = {.kind = ops::AttributeKind::kInt}}};
  iota.shape_rule = [](std::span<const TensorDesc>, const Attributes& a) {
    return std::vector{TensorDesc(DType::kI64, {Dim(a.get<std::int64_t>("n"))})};
  };
  EXPECT_TRUE(identical(ops::infer(*registry.add(iota)->op, {}, {{"n", std::int64_t{5}}}).outputs[0].shape,
                        Shape{5}));

  PluginDef concat;
  concat.id = "t::concat0", concat.outputs = {{}}, concat.inputs = {{.name = "xs", .variadic = true}};
  concat.shape_rule = [](std::span<const TensorDesc> xs, const Attributes&) {
    Dim n = 0;
    for (const TensorDesc& x : xs) n = n + x.extent(0);
    return std::vector{xs[0].like(Shape{n})};
  };
  const ops::OpRef op = registry.add(concat)->op;
  for (std::size_t count : {1u, 2u, 5u})
    EXPECT_TRUE(identical(ops::infer(*op, std::vector(count, f32({3})), {}).outputs[0].shape,
                          Shape{Dim(static_cast<std::int64_t>(3 * count))}));
  EXPECT_EQ(error_of([&] { (void)ops::infer(*op, {}, {}); }),
            "t::concat0: input 'xs' needs at least one tensor");
}

TEST(Registry, OutputsOfDifferentRankAndDtype) {
  Registry registry;
  PluginDef def;
  def.id = "t::sum_and_argmax", def.inputs = {{.name = "x"}},
  def.outputs = {{.name = "sum"}, {.name = "index"}};
  def.shape_rule = [](std::span<const TensorDesc> in, const Attributes&) {
    const Dim n = in[0].extent(0), m = in[0].extent(1);
    return std::vector{in[0].like(Shape{2 * n, m + 1, cdiv(m, 4)}), TensorDesc(DType::kI64, {n})};
  };
  const Dim n = Dim::symbol("n"), m = Dim::symbol("m");
  const auto out = ops::infer(*registry.add(def)->op, std::vector{f32({n, m})}, {}).outputs;
  EXPECT_EQ(out[0].shape.str(), "[2*n, m + 1, (m + 3) // 4]");
  EXPECT_EQ(out[1].dtype, DType::kI64);
}

TEST(Registry, ManyThreadsInferAndRegisterAtOnce) {
  Registry registry;
  const ops::OpRef op = registry.add(add_plugin())->op;
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) {
        registry.add(add_plugin());
        const std::string own = "t::p" + std::to_string(t);
        registry.add(add_plugin(own)), registry.add_aot_impl(own, {.body = add_aot});
        if (registry.get("example::elemwise_add_plugin")->def.inputs.size() != 1) ++wrong;
        const auto out =
            ops::infer(*op, std::vector{f32({Dim::symbol("n")})}, {{"block_size", std::int64_t{2}}});
        if (out.outputs[0].shape.str() != "[n]") ++wrong;
        registry.unregister(own);
      }
    });
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(registry.ids(), std::vector<std::string>{"example::elemwise_add_plugin"});
}

TEST(Registry, EveryChangeIsANewOp) {
  Registry registry;
  const ops::OpRef first = registry.add(add_plugin("t::p"))->op;
  EXPECT_EQ(fingerprint(*first), 0u);
  std::uint64_t outside = 5;
  registry.add_aot_impl("t::p", {.body = add_aot, .fingerprint = [&] { return outside; }});
  const ops::OpRef second = registry.get("t::p")->op;
  EXPECT_NE(serial(*first), serial(*second));
  const std::uint64_t before = fingerprint(*second);
  EXPECT_NE(before, 0u);
  outside = 6;
  EXPECT_NE(fingerprint(*second), before);
  registry.prefer("t::p", "aot_impl");
  EXPECT_NE(serial(*registry.get("t::p")->op), serial(*second));
}

TEST(Registry, PreferPutsAnImplementationFirst) {
  Registry registry;
  const ops::OpRef op = registry.add(add_plugin())->op;
  registry.add_aot_impl("example::elemwise_add_plugin", {.body = add_aot});
  registry.add_impl("example::elemwise_add_plugin", {.body = [](const ImplRequest&) {}});
  const Node node(op, {f32({4})}, {{"block_size", std::int64_t{2}}});
  EXPECT_EQ(node.choose(registry)[0].implementation->name, "aot_impl");
  registry.prefer("example::elemwise_add_plugin", "impl");
  EXPECT_EQ(node.choose(registry)[0].implementation->name, "impl");
  registry.prefer("example::elemwise_add_plugin", "");
  EXPECT_EQ(node.choose(registry)[0].implementation->name, "aot_impl");
  EXPECT_EQ(error_of([&] { registry.prefer("example::elemwise_add_plugin", "ptx"); }),
            "example::elemwise_add_plugin: has no implementation 'ptx'; it has 'aot_impl', 'impl'");
}

}  // namespace
}  // namespace intarsia::plugins
