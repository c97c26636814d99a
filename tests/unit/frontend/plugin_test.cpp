// Plugins called on tensors and run: four kinds of code, fusion, tactics, several outputs and steps, errors.
#include "intarsia/plugin.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <numeric>

#include "error_text.h"
#include "frontend/session.h"
#include "intarsia/intarsia.h"
#include "intarsia/language.hpp"

namespace ia = intarsia;
namespace tl = intarsia::language;

namespace intarsia {
namespace {

constexpr const char* kPtx = R"(
.version 8.0
.target sm_80
.address_size 64
.visible .entry add_one(.param .u64 x, .param .u32 n, .param .u64 y)
{
  .reg .pred %p<2>;
  .reg .b32 %r<6>;
  .reg .f32 %f<3>;
  .reg .b64 %rd<6>;
  ld.param.u64 %rd1, [x];
  ld.param.u64 %rd2, [y];
  ld.param.u32 %r1, [n];
  mov.u32 %r2, %ctaid.x;
  mov.u32 %r3, %ntid.x;
  mov.u32 %r4, %tid.x;
  mad.lo.s32 %r5, %r2, %r3, %r4;
  setp.ge.s32 %p1, %r5, %r1;
  @%p1 bra DONE;
  mul.wide.s32 %rd3, %r5, 4;
  add.s64 %rd4, %rd1, %rd3;
  add.s64 %rd5, %rd2, %rd3;
  ld.global.f32 %f1, [%rd4];
  add.f32 %f2, %f1, 0f3F800000;
  st.global.f32 [%rd5], %f2;
DONE:
  ret;
}
)";

const auto add_kernel = tl::kernel(
    "add_kernel(x, n, y)", [](tl::Ptr<float> x, tl::I32 n, tl::Ptr<float> y, tl::Const<"BLOCK_SIZE"> block) {
      const auto i = tl::program_id(0) * block + tl::arange(0, block);
      const auto inside = i < n;
      tl::store(y + i, tl::load(x + i, inside) + 1.0f, inside);
    });

void define_plugins() {
  plugins::define("frontend_test::tile", [](TensorDesc x, Attr<"block_size", int, 256>) {
    return x.like();
  }).aot_impl([](TensorDesc x, int block_size, TensorDesc y) {
    const Dim n = x.numel();
    return plugins::launch(add_kernel(tl::set<"BLOCK_SIZE">(block_size)), x, n, y).grid(cdiv(n, block_size));
  });
  plugins::define("frontend_test::ptx", [](TensorDesc x) {
    return x.like();
  }).aot_impl([](TensorDesc x, TensorDesc y) {
    const Dim n = x.numel();
    return plugins::launch("add_one", plugins::code_of_text(kPtx), x, n, y).grid(cdiv(n, 128)).block(128);
  });
  plugins::define("frontend_test::function", [](TensorDesc x) {
    return x.like();
  }).impl([](plugins::Tensor x, plugins::Tensor y) {
    for (std::int64_t i = 0; i < x.numel(); ++i) {
      const auto at = static_cast<std::size_t>(i);
      y.elements<float>()[at] = x.elements<float>()[at] + 1;
    }
  });
}

class PluginsOnTensors : public testing::Test {
 protected:
  static void SetUpTestSuite() { define_plugins(); }
  static Tensor counted(std::int64_t n) { return cast(iota({n}, 0, DType::kI64), DType::kF32).eval(); }
};

TEST_F(PluginsOnTensors, EveryKindOfCodeGivesTheSame) {
  for (const char* id : {"frontend_test::tile", "frontend_test::ptx", "frontend_test::function"})
    for (const std::int64_t n : {0, 1, 255, 256, 257, 3000}) {
      const std::vector<float> y = plugin(id, {counted(n)}).tolist<float>();
      ASSERT_EQ(static_cast<std::int64_t>(y.size()), n);
      for (std::int64_t i = 0; i < n; ++i)
        ASSERT_EQ(y[static_cast<std::size_t>(i)], static_cast<float>(i) + 1) << id;
    }
}

TEST_F(PluginsOnTensors, StandTwiceInOneExpressionWithOtherAttributes) {
  const Tensor x = counted(700);
  const Tensor y =
      plugin("frontend_test::tile", {plugin("frontend_test::tile", {x * 2}, {{"block_size", 128}})},
             {{"block_size", 512}});
  EXPECT_EQ(y.tolist<float>()[699], 1400.0f);
  EXPECT_EQ((plugin("frontend_test::ptx", {y + 1}) * 10).tolist<float>()[699], 14020.0f);
}

TEST_F(PluginsOnTensors, OneExecutableForEveryExtent) {
  const auto f = [](std::span<const Tensor> in) {
    return std::vector<Tensor>{plugin("frontend_test::tile", {in[0] * 2}) + 1,
                               plugin("frontend_test::ptx", {in[0]})};
  };
  const Executable exe = compile(f, {InputInfo{{NamedDimension("n", 0, 1000, 1 << 24)}}});
  for (const std::int64_t n : {0, 1, 255, 256, 257, 100000}) {
    const std::vector<Tensor> out = exe({counted(n)});
    if (n == 0) continue;
    EXPECT_EQ(out[0].tolist<float>().back(), static_cast<float>(n - 1) * 2 + 2);
    EXPECT_EQ(out[1].tolist<float>().back(), static_cast<float>(n));
  }
}

TEST_F(PluginsOnTensors, AnEditedKernelNeverMeetsItsOldCode) {
  float step = 1;
  for (int round = 0; round < 2; ++round) {
    const auto kernel = tl::kernel("edited(x, n, y)", [step](tl::Ptr<float> x, tl::I32 n, tl::Ptr<float> y) {
      const auto i = tl::program_id(0) * 64 + tl::arange(0, 64);
      const auto inside = i < n;
      tl::store(y + i, tl::load(x + i, inside) + step, inside);
    });
    plugins::define("frontend_test::edited", [](TensorDesc x) {
      return x.like();
    }).aot_impl([kernel](TensorDesc x, TensorDesc y) {
      return plugins::launch(kernel(), x, x.numel(), y).grid(cdiv(x.numel(), 64));
    });
    EXPECT_EQ(plugin("frontend_test::edited", {counted(5)}).tolist<float>()[4], 4 + step);
    step = 7;
  }
}

TEST_F(PluginsOnTensors, SeveralOutputsStepsAndWorkspace) {
  plugins::define("frontend_test::both",
                  [](TensorDesc a, TensorDesc b, Attr<"weights", NDArray<float>>) {
                    return std::tuple{a.like(), b.like()};
                  })
      .aot_impl([](TensorDesc a, TensorDesc b, Attr<"weights", NDArray<float>> weights, TensorDesc c,
                   TensorDesc d) {
        const auto scale =
            tl::kernel("scale(x, f, n, y)", [](tl::Ptr<float> x, tl::F32 f, tl::I32 n, tl::Ptr<float> y) {
              const auto i = tl::program_id(0) * 64 + tl::arange(0, 64);
              tl::store(y + i, tl::load(x + i, i < n) * f, i < n);
            });
        plugins::Steps steps;
        const TensorDesc t = steps.temporary("t", DType::kF32, a.shape());
        const auto launch = [&](const TensorDesc& x, double f, const TensorDesc& y) {
          return plugins::launch(scale(), x, plugins::typed<float>(f), x.numel(), y)
              .grid(cdiv(x.numel(), 64));
        };
        steps.add(launch(a, weights.value[0], t)).add(launch(t, weights.value[1], c)).copy(b, d);
        return steps;
      });
  const Operand inputs[] = {counted(100), counted(7)};
  const std::vector<Tensor> out =
      plugins_call("frontend_test::both", inputs, {{"weights", std::vector<double>{2, 5}}});
  ASSERT_EQ(out.size(), 2u);
  EXPECT_EQ(out[0].tolist<float>()[99], 990.0f);
  EXPECT_EQ(out[1].tolist<float>()[6], 6.0f);
  EXPECT_NE(message([&] {
              plugin("frontend_test::both", {inputs[0], inputs[1]}, {{"weights", std::vector<double>{2, 5}}});
            }).find("has 2 outputs"),
            std::string::npos);
}

TEST_F(PluginsOnTensors, TheTunerTimesTactics) {
  std::atomic<int> slow{0}, fast{0};
  plugins::define("frontend_test::tactics", [](TensorDesc x) { return x.like(); })
      .impl([&](plugins::Tensor x, plugins::Tensor y, plugins::Tactic tactic) {
        volatile double sink = 0;
        if (tactic.value == 1)
          for (int i = 0; i < 3000000; ++i) sink = sink + i;
        ++(tactic.value == 1 ? slow : fast);
        for (std::size_t i = 0; i < static_cast<std::size_t>(x.numel()); ++i)
          y.elements<float>()[i] = x.elements<float>()[i];
      })
      .autotune([](TensorDesc, TensorDesc) {
        return plugins::AutoTuneCombination("FP32, FP32", "LINEAR", {1, 2});
      });
  const Tensor x = counted(10);
  (void)plugin("frontend_test::tactics", {x}).eval();
  EXPECT_GT(slow, 0);  // both were timed
  const int slow_runs = slow, fast_runs = fast;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(plugin("frontend_test::tactics", {x}).tolist<float>()[9], 9.0f);
  EXPECT_EQ(slow, slow_runs);
  EXPECT_EQ(fast, fast_runs + 5);
}

TEST_F(PluginsOnTensors, AttributesAndIds) {
  const Operand x = counted(3);
  EXPECT_EQ(message([&] {
              plugin("frontend_test::til", {x});
            }).find("there is no plugin 'frontend_test::til' (did you mean 'frontend_test::tile'"),
            0u);
  EXPECT_NE(message([&] { plugin("frontend_test::tile", {x}, {{"block", 2}}); }).find("block_size"),
            std::string::npos);
  EXPECT_NE(message([&] { plugin("frontend_test::tile", {x}, {{"block_size", 2.5}}); }).find("block_size"),
            std::string::npos);
  EXPECT_NE(message([&] { plugin("frontend_test::tile", {x}, {{"block_size", 0}}).eval(); }), "no error");
}

}  // namespace
}  // namespace intarsia
