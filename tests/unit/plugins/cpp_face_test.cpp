#include "intarsia/plugin.hpp"

#include <fmt/format.h>

#include "fixtures.h"
#include "intarsia/language.hpp"
#include "kernel/element.h"

namespace ia = intarsia;

namespace intarsia::plugins {
namespace {

TEST(CppFace, TheGuide) {
  Registry registry;
  ia::plugins::define(
      "example::elemwise_add_plugin",
      [](ia::TensorDesc inp0, ia::Attr<"block_size", int>) { return inp0.like(); }, registry)
      .aot_impl([](ia::TensorDesc inp0, int block_size, ia::TensorDesc out) {
        const ia::Dim n = inp0.numel();
        return ia::plugins::launch(add_kernel(block_size, inp0.dtype()), inp0, n, out)
            .grid(cdiv(n, block_size));
      });
  const PluginRef p = registry.get("example::elemwise_add_plugin");
  EXPECT_EQ(schema_text(p->def),
            "example::elemwise_add_plugin(Tensor inp0, i32 block_size) -> (Tensor out0)");
  const Node node(p->op, {{DType::kF16, {Dim::symbol("n"), 2}}}, {{"block_size", std::int64_t{256}}});
  const schedule::Built built = node.build(registry);
  const kernel::Kernel& k = std::get<schedule::Kernels>(built).variants.at(0).body;
  EXPECT_EQ(k.grid[0].str(), "(n + 127) // 128");
  ASSERT_EQ(k.params.size(), 3u);
  EXPECT_EQ(k.params[1].dim.str(), "2*n");
  EXPECT_EQ(k.params[2].role, kernel::Role::kOutput);
  EXPECT_TRUE(identical(k.params[0].extents, Shape{Dim::symbol("n"), 2}));
}

enum class Mode : std::uint8_t { kFast = 1, kSlow = 2 };

TEST(CppFace, EveryKindOfAttribute) {
  Registry registry;
  define(
      "t::all",
      [](In<"x"> x, Attr<"b", bool, true>, Attr<"i8", std::int8_t, -3>, Attr<"f", float, 0.5f>,
         Attr<"s", std::string, Literal("same")>, Attr<"bytes", Bytes>, Attr<"type", DType, DType::kF16>,
         Attr<"shape", Shape>, Attr<"ints", std::vector<std::int64_t>>, Attr<"floats", std::vector<double>>,
         Attr<"strings", std::vector<std::string>>, Attr<"pads", NDArray<std::int32_t>>,
         Attr<"halves", ArrayOf<DType::kF16>>, Attr<"mode", Mode, Mode::kSlow>,
         Attr<"axis", std::optional<int>>) { return x.like(); },
      registry);
  EXPECT_EQ(schema_text(registry.get("t::all")->def),
            "t::all(Tensor x, bool b = true, i8 i8 = -3, float f = 0.5, str s = \"same\", bytes bytes, dtype "
            "type = f16, shape shape, "
            "list[int] ints, list[float] floats, list[str] strings, NDArray[i32] pads, NDArray[f16] halves, "
            "u8 mode = 2, "
            "optional[i32] axis) -> (Tensor out0)");
}

TEST(CppFace, AttributesArriveAsTheirTypes) {
  Registry registry;
  std::string seen;
  define(
      "t::p",
      [](TensorDesc x, Attr<"pads", NDArray<std::int32_t>>, Attr<"axis", std::optional<int>>,
         Attr<"alpha", double, 0.25>, Attr<"halves", ArrayOf<DType::kF16>>) { return x.like(); },
      registry)
      .aot_impl([&](TensorDesc x, Attr<"halves", ArrayOf<DType::kF16>> halves,
                    Attr<"axis", std::optional<int>> axis, Attr<"alpha", double> alpha,
                    Attr<"pads", NDArray<std::int32_t>> pads, TensorDesc out, Target target) {
        seen = fmt::format("{} {} {} {} {} {}", pads.value[1], axis.value.value_or(-9), alpha.value,
                           halves.value.at(0), halves.value.size(), target.name);
        return launch(add_kernel(2), x, 4, out);
      });
  const PluginRef p = registry.get("t::p");
  const GivenAttribute given[] = {{"pads", std::vector<std::int64_t>{1, -2}},
                                  {"halves", std::vector<double>{1.5}}};
  const Node node(p->op, {{DType::kF32, {4}}}, bind_attributes("t::p", p->def.attributes, given));
  (void)node.build(registry);
  EXPECT_EQ(seen, "-2 -9 0.25 1.5 1 x86-64-v3");
}

TEST(CppFace, SeveralOutputsVariadicInputsAndImpl) {
  Registry registry;
  define(
      "t::sums",
      [](std::vector<TensorDesc> xs) {
        return std::tuple{xs.at(0).like(),
                          TensorDesc(DType::kI64, {Dim(static_cast<std::int64_t>(xs.size()))})};
      },
      registry)
      .impl([](std::span<const Tensor> xs, Tensor sum, Tensor sizes, Stream stream) {
        EXPECT_EQ(stream.handle, 0u);
        for (std::size_t i = 0; i < xs.size(); ++i) {
          sizes.elements<std::int64_t>()[i] = xs[i].numel();
          for (std::size_t n = 0; n < 2; ++n) sum.elements<float>()[n] += xs[i].elements<float>()[n];
        }
      });
  const PluginRef p = registry.get("t::sums");
  const ops::TensorType pair{DType::kF32, {2}};
  const Node node(p->op, {pair, pair});
  EXPECT_EQ(node.outputs()[1].shape.str(), "[2]");
  const schedule::Built built = node.build(registry);
  const auto& call = std::get<runtime::Call>(std::get<schedule::Steps>(built).program.steps.at(0).body);
  EXPECT_EQ(call.library, "host");
  EXPECT_EQ(call.serialisable, 0);
  EXPECT_EQ(call.outputs, (std::vector<std::uint32_t>{2, 3}));
  float a[] = {1, 2}, b[] = {10, 20}, sum[] = {0, 0};
  std::int64_t sizes[2];
  const runtime::HostTensor tensors[] = {
      {DType::kF32, {2}, a}, {DType::kF32, {2}, b}, {DType::kF32, {2}, sum}, {DType::kI64, {2}, sizes}};
  (*registry.host_functions()->find(call.function))({tensors, 0});
  EXPECT_EQ(sum[1], 22);
  EXPECT_EQ(sizes[0], 2);
}

TEST(CppFace, OneKernelServesEveryDtype) {
  namespace tl = intarsia::language;
  const auto twice =
      tl::kernel("twice(x, n, y)", [](tl::Ptr<> x, tl::I32 n, tl::Ptr<> y, tl::Const<"BLOCK"> block) {
        auto i = tl::program_id(0) * block + tl::arange(0, block);
        tl::store(y + i, tl::load(x + i, i < n) * 2, i < n);
      });
  Registry registry;
  define(
      "t::twice", [](TensorDesc x) { return x.like(); }, registry)
      .aot_impl([&](TensorDesc x, TensorDesc y) {
        return launch(twice(tl::set<"BLOCK">(256)), x, x.numel(), y).grid(cdiv(x.numel(), 256));
      });
  for (DType dtype : {DType::kF32, DType::kF16, DType::kBF16, DType::kI32, DType::kI64}) {
    const Node node(registry.get("t::twice")->op, {{dtype, {Dim::symbol("n"), 3}}});
    const schedule::Built built = node.build(registry);
    kernel::Element element;
    EXPECT_EQ(kernel::extract(std::get<schedule::Kernels>(built).variants.at(0).body, element), "")
        << name(dtype);
  }
}

TEST(CppFace, DefinedTwiceAtOneLineReplaces) {
  Registry registry;
  for (int i = 0; i < 2; ++i) define("t::again", [](TensorDesc x) { return x.like(); }, registry);
  EXPECT_NE(error_of([&] {
              define("t::again", [](TensorDesc x) { return x.like(); }, registry);
            }).find("cpp_face_test.cpp:"),
            std::string::npos);
  EXPECT_EQ(error_of([&] { define(run_time_id("again"), [](TensorDesc x) { return x.like(); }, registry); }),
            "plugin id 'again': it has no '::'; an id is namespace::name, for example acme::gelu");
}

}  // namespace
}  // namespace intarsia::plugins
