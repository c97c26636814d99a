// Plugins called on tensors: what users see, on the CPU.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "intarsia/intarsia.h"
#include "intarsia/language.hpp"
#include "intarsia/plugin.hpp"

namespace intarsia {
namespace {

namespace tl = intarsia::language;
using plugins::define;
using plugins::launch;

class Calls : public testing::Test {
 protected:
  void SetUp() override { set_default_device(Device::cpu()); }
  void TearDown() override {
    for (const std::string& id : plugins::default_registry().ids())
      plugins::default_registry().unregister(id);
  }
};

template <class Call>
std::string error_of(const Call& call) {
  try {
    call();
  } catch (const UserError& e) { return e.what(); }
  return "no error";
}

const auto add_kernel = tl::kernel("add_kernel(x_ptr, n_elements, y_ptr)",
                                   [](tl::Ptr<> x, tl::I32 n, tl::Ptr<> y, tl::Const<"BLOCK_SIZE"> block) {
                                     auto i = tl::program_id(0) * block + tl::arange(0, block);
                                     tl::store(y + i, tl::load(x + i, i < n) + 1, i < n);
                                   });

void define_add() {
  define("example::add", [](TensorDesc inp0, Attr<"block_size", int, 256>) {
    return inp0.like();
  }).aot_impl([](TensorDesc inp0, int block_size, TensorDesc out) {
    const Dim n = inp0.numel();
    return launch(add_kernel(tl::set<"BLOCK_SIZE">(block_size)), inp0, n, out).grid(cdiv(n, block_size));
  });
}

TEST_F(Calls, EveryDtypeByOneDefinition) {
  define_add();
  for (DType dtype : {DType::kF32, DType::kF16, DType::kBF16, DType::kI32, DType::kI64}) {
    const Tensor x = cast(iota({3, 5}), dtype);
    const Tensor y = plugin("example::add", {x});
    EXPECT_EQ(y.dtype(), dtype);
    EXPECT_EQ(y.tolist<double>(), (x + 1).tolist<double>()) << name(dtype);
  }
}

TEST_F(Calls, OneExecutableServesAllExtents) {
  define_add();
  const Executable run =
      compile([](std::span<const Tensor> in) { return std::vector{plugin("example::add", {in[0]})}; },
              {InputInfo{{NamedDimension("n", 0, 1000, 1 << 24)}}});
  for (std::int64_t n : {0, 1, 255, 256, 257, 100000}) {
    const Tensor x = iota({n});
    EXPECT_EQ(run({x}).at(0).tolist<float>(), (x + 1).tolist<float>()) << n;
  }
}

TEST_F(Calls, TwiceInOneExpressionWithDifferentAttributes) {
  define_add();
  const Tensor x = iota({1000});
  const Tensor y = plugin("example::add", {plugin("example::add", {x}, {{"block_size", std::int64_t{64}}})},
                          {{"block_size", std::int64_t{128}}}) *
                   2;
  EXPECT_EQ(y.tolist<float>(), ((x + 2) * 2).tolist<float>());
}

TEST_F(Calls, RegisteredAgainGivesTheNewAnswer) {
  const auto define_plus = [](float by) {
    define("t::plus", [](TensorDesc x) { return x.like(); }).aot_impl([by](TensorDesc x, TensorDesc y) {
      const auto plus = tl::kernel("plus(x, n, y)", [by](tl::Ptr<> x, tl::I64 n, tl::Ptr<> y) {
        auto i = tl::program_id(0) * 64 + tl::arange(0, 64);
        tl::store(y + i, tl::load(x + i, i < n) + by, i < n);
      });
      return launch(plus(), x, x.numel(), y).grid(cdiv(x.numel(), 64));
    });
  };
  const Tensor x = iota({4});
  define_plus(1);
  EXPECT_EQ(plugin("t::plus", {x}).tolist<float>(), (std::vector<float>{1, 2, 3, 4}));
  define_plus(2);
  EXPECT_EQ(plugin("t::plus", {x}).tolist<float>(), (std::vector<float>{2, 3, 4, 5}));
}

TEST_F(Calls, ZeroInputsVariadicInputsSeveralOutputs) {
  define("t::iota", [](Attr<"n", std::int64_t> n) {
    return TensorDesc(DType::kI64, {Dim(n.value)});
  }).impl([](std::int64_t n, plugins::Tensor out) {
    for (std::int64_t i = 0; i < n; ++i) out.elements<std::int64_t>()[static_cast<std::size_t>(i)] = i;
  });
  EXPECT_EQ(plugin("t::iota", {}, {{"n", std::int64_t{4}}}).tolist<std::int64_t>(),
            (std::vector<std::int64_t>{0, 1, 2, 3}));

  define("t::concat0", [](std::vector<TensorDesc> xs) {
    Dim n = 0;
    for (const TensorDesc& x : xs) n = n + x.extent(0);
    return xs[0].like(Shape{n});
  }).impl([](std::vector<plugins::Tensor> xs, plugins::Tensor out) {
    auto to = out.elements<float>().begin();
    for (const plugins::Tensor& x : xs) to = std::ranges::copy(x.elements<float>(), to).out;
  });
  const Tensor a = iota({2}), b = iota({3});
  EXPECT_EQ(plugin("t::concat0", {a}).tolist<float>(), (std::vector<float>{0, 1}));
  EXPECT_EQ(plugin("t::concat0", {a, b, a, a, b}).tolist<float>(),
            (std::vector<float>{0, 1, 0, 1, 2, 0, 1, 0, 1, 0, 1, 2}));
  EXPECT_NE(error_of([&] {
              (void)plugin("t::concat0", {});
            }).find("t::concat0: input 'inp0' needs at least one tensor"),
            std::string::npos);

  define("t::sum_and_argmax", [](In<"x"> x) {
    return std::tuple(x.like(Shape{x.extent(0)}), TensorDesc(DType::kI64, {x.extent(0)}));
  }).impl([](plugins::Tensor x, plugins::Tensor sum, plugins::Tensor index) {
    const auto m = static_cast<std::size_t>(x.shape[1]);
    for (std::size_t i = 0; i < static_cast<std::size_t>(x.shape[0]); ++i) {
      const auto row = x.elements<float>().subspan(i * m, m);
      sum.elements<float>()[i] = 0;
      for (float v : row) sum.elements<float>()[i] += v;
      index.elements<std::int64_t>()[i] = std::ranges::max_element(row) - row.begin();
    }
  });
  const std::vector<Operand> matrix = {iota({2, 3}, 1) + iota({2, 3}) * 3};
  const std::vector<Tensor> both = plugins_call("t::sum_and_argmax", matrix, {});
  EXPECT_EQ(both.at(0).tolist<float>(), (std::vector<float>{3, 12}));
  EXPECT_EQ(both.at(1).tolist<std::int64_t>(), (std::vector<std::int64_t>{2, 2}));
}

constexpr const char* kScale = R"(.version 8.0
.target sm_80
.address_size 64
.visible .entry scale(.param .u64 y, .param .u32 n, .param .u64 x, .param .f32 alpha, .param .u8 flag, .param .s64 k)
{
  .reg .pred %p<3>; .reg .b16 %h<2>; .reg .b32 %r<5>; .reg .f32 %f<4>; .reg .b64 %rd<9>;
  mov.u32 %r1, %tid.x;
  mov.u32 %r2, %ctaid.x;
  mad.lo.s32 %r3, %r2, 32, %r1;
  ld.param.u32 %r4, [n];
  setp.ge.s32 %p1, %r3, %r4;
  @%p1 bra DONE;
  ld.param.u64 %rd1, [x];
  ld.param.u64 %rd2, [y];
  ld.param.s64 %rd3, [k];
  ld.param.u8 %h1, [flag];
  ld.param.f32 %f1, [alpha];
  mul.wide.s32 %rd4, %r3, 4;
  add.s64 %rd5, %rd1, %rd4;
  add.s64 %rd6, %rd2, %rd4;
  ld.global.f32 %f2, [%rd5];
  mul.rn.f32 %f3, %f1, %f2;
  setp.ne.s16 %p2, %h1, 0;
  cvt.rn.f32.s64 %f2, %rd3;
  @%p2 add.rn.f32 %f3, %f3, %f2;
  st.global.f32 [%rd6], %f3;
DONE:
  ret;
})";

TEST_F(Calls, PtxWithArgumentsInAnotherOrder) {
  define("t::scale", [](TensorDesc x, Attr<"alpha", float>, Attr<"flag", bool>) {
    return x.like();
  }).aot_impl([](TensorDesc x, float alpha, bool flag, TensorDesc y) {
    const Dim n = x.numel();
    return launch("scale", plugins::PtxText{kScale}, y, n, x, alpha, flag, n * 2).grid(cdiv(n, 32)).block(32);
  });
  const Tensor x = iota({40});
  const auto call = [&](bool flag) {
    return plugin("t::scale", {x}, {{"alpha", 0.5}, {"flag", flag}}).tolist<float>();
  };
  EXPECT_EQ(call(false), (x * 0.5f).tolist<float>());
  EXPECT_EQ(call(true), (x * 0.5f + 80.0f).tolist<float>());
}

TEST_F(Calls, TacticsWithOneEntryNameUseTheirOwnCode) {
  const auto ptx = [](const char* by) {
    std::string text = kScale;
    text.replace(text.find("mul.rn.f32 %f3, %f1, %f2"), 24, std::string("mul.rn.f32 %f3, ") + by + ", %f2");
    return text;
  };
  define("t::times", [](TensorDesc x) { return x.like(); })
      .aot_impl([&](TensorDesc x, TensorDesc y, plugins::Tactic tactic) {
        const std::string text = tactic == 1 ? ptx("0f40000000") : ptx("0f40000000 ");
        return launch("scale", plugins::PtxText{text}, y, x.numel(), x, 1.0f, false, 0)
            .grid(cdiv(x.numel(), tactic == 1 ? 32 : 32))
            .block(32);
      })
      .autotune([](TensorDesc, TensorDesc) {
        return plugins::AutoTuneCombination("FP32, FP32", "LINEAR", {1, 2});
      });
  const Tensor x = iota({40});
  EXPECT_EQ(plugin("t::times", {x}).tolist<float>(), (x * 2).tolist<float>());
}

TEST_F(Calls, StepsWithWorkspaceAndMemset) {
  const auto accumulate =
      tl::kernel("accumulate(x, n, sum)", [](tl::Ptr<float> x, tl::I64 n, tl::Ptr<float> sum) {
        auto i = tl::program_id(0) * 64 + tl::arange(0, 64);
        tl::store(sum + tl::program_id(0), tl::sum(tl::load(x + i, i < n)));
      });
  const auto finish =
      tl::kernel("finish(sums, parts, total)", [](tl::Ptr<float> sums, tl::I64 parts, tl::Ptr<float> total) {
        auto all = tl::for_(0, parts, 1, tl::full({}, 0.0f, DType::kF32),
                            [&](tl::Value i, tl::Value sum) { return sum + tl::load(sums + i); });
        tl::store(total, all);
      });
  define("t::total", [](TensorDesc x) {
    return std::tuple(x.like(Shape{}), x.like(Shape{4}));
  }).aot_impl([&](TensorDesc x, TensorDesc total, TensorDesc zeros) {
    const Dim parts = cdiv(x.numel(), 64);
    plugins::Steps steps;
    const TensorDesc sums = steps.temporary("sums", DType::kF32, {parts});
    steps.memset(sums, 0xff).memset(zeros);
    return steps.add(launch(accumulate(), x, x.numel(), sums).grid(parts))
        .add(launch(finish(), sums, parts, total));
  });
  const std::vector<Operand> in = {iota({1000})};
  const std::vector<Tensor> out = plugins_call("t::total", in, {});
  EXPECT_EQ(out[0].item(), 499500);
  EXPECT_EQ(out[1].tolist<float>(), (std::vector<float>{0, 0, 0, 0}));
}

// Adds 1 to the elements below `limit` where they stand; the others stay.
const auto increment = tl::kernel("increment(x, limit)", [](tl::Ptr<float> x, tl::I64 limit) {
  auto i = tl::program_id(0) * 32 + tl::arange(0, 32);
  tl::store(x + i, tl::load(x + i, i < limit) + 1, i < limit);
});

TEST_F(Calls, AnAliasedOutputIsUpdatedInPlace) {
  const std::string ptx = std::string(kScale);
  define("t::kernel", [](TensorDesc x) { return x.aliased(); }).aot_impl([](TensorDesc, TensorDesc y) {
    return launch(increment(), y, y.numel() / 2).grid(cdiv(y.numel(), 32));
  });
  define("t::input", [](TensorDesc x) { return x.aliased(); }).aot_impl([](TensorDesc x, TensorDesc) {
    return launch(increment(), x, x.numel() / 2).grid(cdiv(x.numel(), 32));
  });
  define("t::ptx", [](TensorDesc x) { return x.aliased(); }).aot_impl([&](TensorDesc x, TensorDesc y) {
    return launch("scale", plugins::PtxText{ptx}, y, x.numel(), x, 2.0f, false, 0).grid(2).block(32);
  });
  define("t::impl", [](TensorDesc x) { return x.aliased(); }).impl([](plugins::Tensor x, plugins::Tensor y) {
    EXPECT_EQ(x.data, y.data);
    y.elements<float>()[0] = 100;
  });
  const Tensor x = iota({4}) * 2;  // 0 2 4 6
  for (const char* id : {"t::kernel", "t::input"}) {
    const Tensor y = plugin(id, {x});
    EXPECT_EQ((y + x).tolist<float>(), (std::vector<float>{1, 5, 8, 12})) << id;  // x is as it was
  }
  EXPECT_EQ(plugin("t::ptx", {x}).tolist<float>(), (std::vector<float>{0, 4, 8, 12}));
  EXPECT_EQ(plugin("t::impl", {x}).tolist<float>(), (std::vector<float>{100, 2, 4, 6}));
  EXPECT_EQ(x.tolist<float>(), (std::vector<float>{0, 2, 4, 6}));
}

TEST_F(Calls, AnEmptyGridIsSkipped) {
  define_add();
  EXPECT_EQ(plugin("example::add", {iota({0, 3})}).tolist<float>().size(), 0u);
}

TEST_F(Calls, AScalarThatDoesNotFitIsFoundBeforeTheLaunch) {
  define("t::wide", [](TensorDesc x) { return x.like(); }).aot_impl([&](TensorDesc x, TensorDesc y) {
    const Dim n = x.numel();
    return launch("scale", plugins::PtxText{kScale}, y, n * (std::int64_t{1} << 29), x, 1.0f, false, n)
        .block(1);
  });
  const Executable run =
      compile([](std::span<const Tensor> in) { return std::vector{plugin("t::wide", {in[0]})}; },
              {InputInfo{{NamedDimension("n", 1, 1, 64)}}});
  EXPECT_EQ(run({iota({1}) + 3}).at(0).item(), 3);
  const std::string error = error_of([&] { (void)run({iota({4})}); });
  for (const char* part : {"t::wide", "2147483648", "'n'"})
    EXPECT_NE(error.find(part), std::string::npos) << error;
}

TEST_F(Calls, ErrorsStandAtTheCallersLine) {
  define_add();
  const std::string unknown = error_of([] { (void)plugin("example::ad", {iota({2})}); });
  EXPECT_NE(unknown.find("there is no plugin 'example::ad' (did you mean 'example::add'?)"),
            std::string::npos)
      << unknown;
  EXPECT_NE(unknown.find("calls_test.cpp"), std::string::npos) << unknown;
  const std::string zero =
      error_of([] { (void)plugin("example::add", {iota({2})}, {{"block_size", std::int64_t{0}}}).eval(); });
  EXPECT_NE(zero.find("example::add: in its aot_impl:"), std::string::npos) << zero;
}

TEST_F(Calls, AFunctionBesideAKernel) {
  define("t::both", [](TensorDesc x) { return x.like(); })
      .aot_impl([](TensorDesc x, TensorDesc y) {
        return launch(add_kernel(tl::set<"BLOCK_SIZE">(64)), x, x.numel(), y).grid(cdiv(x.numel(), 64));
      })
      .impl([](plugins::Tensor x, plugins::Tensor y) {
        for (std::size_t i = 0; i < x.elements<float>().size(); ++i)
          y.elements<float>()[i] = x.elements<float>()[i] + 100;
      });
  const Tensor x = iota({3});
  EXPECT_EQ(plugin("t::both", {x}).tolist<float>(), (std::vector<float>{1, 2, 3}));
  plugins::default_registry().prefer("t::both", "impl");
  EXPECT_EQ(plugin("t::both", {x}).tolist<float>(), (std::vector<float>{100, 101, 102}));
}

TEST_F(Calls, AnExceptionOfTheUserPassesThrough) {
  struct Mine {};
  define("t::throws", [](TensorDesc x) { return x.like(); }).impl([](plugins::Tensor, plugins::Tensor) {
    throw Mine();
  });
  EXPECT_THROW((void)plugin("t::throws", {iota({2})}).eval(), Mine);
  define_add();
  EXPECT_EQ(plugin("example::add", {iota({1})}).item(), 1) << "the stream is usable";
}

}  // namespace
}  // namespace intarsia
