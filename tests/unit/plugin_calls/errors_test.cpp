// What a user of C++ reads when something does not fit: the sentence, and the line with a caret. The texts
// stand in errors.txt beside this file; BLESS=1 rewrites them.
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <regex>
#include <sstream>

#include "intarsia/intarsia.h"
#include "intarsia/language.hpp"
#include "intarsia/plugin.hpp"

// So that the caret finds this file from its folder, whatever path the compiler was given.
#line 19 "errors_test.cpp"

namespace intarsia {
namespace {

namespace tl = intarsia::language;
using plugins::define;
using plugins::launch;
using plugins::PtxText;

// A line of this file is LINE, so that the test may grow. g++ tells other columns than clang: carets are
// clang's.
std::string shown(const std::string& text) {
  std::string out =
      std::regex_replace(text, std::regex(R"([^\s']*errors_test\.cpp:\d+)"), "errors_test.cpp:LINE");
#ifndef __clang__
  out = std::regex_replace(out, std::regex("LINE:\\d+"), "LINE:COLUMN");
  out = std::regex_replace(out, std::regex("\n *\\^\n"), "\n");
#endif
  return out;
}
std::string golden() {
  std::ifstream file(INTARSIA_SOURCE_DIR "/tests/unit/plugin_calls/errors.txt");
  std::ostringstream text;
  text << file.rdbuf();
  return shown(text.str());
}

class Errors : public testing::Test {
 protected:
  void SetUp() override {
    set_default_device(Device::cpu());
    std::filesystem::current_path(INTARSIA_SOURCE_DIR "/tests/unit/plugin_calls");
  }
  void TearDown() override {
    for (const std::string& id : plugins::default_registry().ids())
      plugins::default_registry().unregister(id);
    if (std::getenv("BLESS")) {
      std::ofstream(INTARSIA_SOURCE_DIR "/tests/unit/plugin_calls/errors.txt",
                    blessed_++ ? std::ios::app : std::ios::out)
          << text_;
      return;
    }
    EXPECT_NE(golden().find(text_), std::string::npos) << "errors.txt does not hold this text:\n" << text_;
  }
  // The text of the error a call throws becomes part of the golden one.
  void tell(const char* what, const std::function<void()>& call) {
    text_ += std::string("# ") + what + "\n";
    try {
      call();
      text_ += "no error\n\n";
    } catch (const UserError& error) { text_ += shown(error.what()) + "\n\n"; }
  }

 private:
  std::string text_;
  static inline int blessed_ = 0;
};

TEST_F(Errors, OfTensors) {
  const Tensor x = iota({2, 3}), i = iota({2, 3}, 0, DType::kI32);
  tell("shapes that do not broadcast", [&] { x + iota({4}); });
  tell("a product of shapes that do not match", [&] { matmul(x, x); });
  tell("mixed dtypes", [&] { x* i; });
  tell("a float beside integers", [&] { i + 1.5; });
  tell("an axis that is not there", [&] { softmax(x, 2); });
  const auto twice = [](std::span<const Tensor> in) { return std::vector{in[0] + in[0]}; };
  const Executable run = compile(twice, {InputInfo{{NamedDimension("n", 1, 4, 64), 3}, DType::kF32, "rows"}});
  tell("another dtype than compiled for", [&] { run({i}); });
  tell("another extent than compiled for", [&] { run({iota({4, 4})}); });
  tell("an extent out of its range", [&] { run({iota({65, 3})}); });
}

const auto add_kernel =
    tl::kernel("add_kernel(x, n, y)", [](tl::Ptr<> x, tl::I32 n, tl::Ptr<> y, tl::Const<"BLOCK"> block) {
      auto i = tl::program_id(0) * block + tl::arange(0, block);
      tl::store(y + i, tl::load(x + i, i < n) + 1, i < n);
    });

TEST_F(Errors, OfCalls) {
  define("example::add", [](TensorDesc x, Attr<"block", int> block, Attr<"alpha", double, 1>) {
    if (block == 7 && x.extent(0) == 3) return x.like(DType::kI32);
    return x.like();
  }).aot_impl([](TensorDesc x, int block, double, TensorDesc y) {
    if (block == 13) throw UserError("thirteen is refused by its author");
    return launch(add_kernel(tl::set<"BLOCK">(block)), x, x.numel(), y).grid(cdiv(x.numel(), block));
  });
  const Tensor x = iota({2});
  const auto add = [&](std::int64_t block) { plugin("example::add", {x}, {{"block", block}}).eval(); };
  tell("an unknown plugin", [&] { plugin("example::ad", {x}); });
  tell("no id", [&] { plugin("add", {x}); });
  tell("a missing attribute", [&] { plugin("example::add", {x}); });
  tell("an unknown attribute", [&] { plugin("example::add", {x}, {{"blok", std::int64_t{64}}}); });
  tell("an ill-typed attribute", [&] { plugin("example::add", {x}, {{"block", "64"}}); });
  tell("too many inputs", [&] { plugin("example::add", {x, x}, {{"block", std::int64_t{64}}}); });
  tell("block 0", [&] { add(0); });
  tell("an exception inside aot_impl", [&] { add(13); });
  tell("a rule that branches on an unknown extent", [&] {
    const auto call = [](std::span<const Tensor> in) {
      return std::vector{plugin("example::add", {in[0]}, {{"block", std::int64_t{7}}})};
    };
    compile(call, {InputInfo{{NamedDimension("n", 0, 1, 100)}}});
  });
  define("example::two",
         [](std::vector<TensorDesc> xs) { return std::array{xs[0].like(), xs[0].like(Shape{-1})}; });
  tell("a shape that cannot be", [&] { plugins_call("example::two", std::array{Operand(x)}, {}); });
  tell("nothing to run it", [&] {
    define("example::none", [](TensorDesc a) { return a.like(); });
    plugin("example::none", {x}).eval();
  });
}

constexpr const char* kPtx = R"(
.version 7.0
.target sm_80
.address_size 64
.visible .entry add_one(.param .u64 x, .param .u32 n, .param .u64 y) .reqntid 128
{
  .reg .b32 %r<2>; .reg .b64 %rd<3>;
  ld.param.u64 %rd1, [x]; ld.param.u32 %r1, [n]; ld.param.u64 %rd2, [y];
  st.global.u32 [%rd2], %r1;
  ret;
}
)";

TEST_F(Errors, OfKernels) {
  using Body = std::function<plugins::Launch(TensorDesc x, Dim n, TensorDesc y)>;
  const Tensor x = iota({300});
  const auto run = [&](const Body& body) {
    define("t::foreign", [](TensorDesc a) { return a.like(); }).aot_impl([body](TensorDesc a, TensorDesc b) {
      return body(a, a.numel(), b);
    });
    plugin("t::foreign", {x}).eval();
  };
  const auto ptx = [&](auto... arguments) {
    return launch("add_one", PtxText{kPtx}, arguments...).block(128);
  };
  tell("an input that nothing reads", [&] { run([&](auto a, auto n, auto b) { return ptx(a, n, b); }); });
  tell("one argument more", [&] { run([&](auto a, auto n, auto b) { return ptx(a, n, n, b); }); });
  tell("one fewer", [&] { run([&](auto a, auto, auto b) { return ptx(a, b); }); });
  tell("a forgotten output", [&] { run([&](auto a, auto n, auto) { return ptx(a, n); }); });
  tell("another size",
       [&] { run([&](auto a, auto n, auto b) { return ptx(a, plugins::SymInt{n, DType::kI64}, b); }); });
  tell("an input that is written", [&] { run([&](auto a, auto n, auto b) { return ptx(b, n, a); }); });
  tell("another block", [&] { run([&](auto a, auto n, auto b) { return ptx(a, n, b).block(64); }); });
  tell("too many threads", [&] {
    std::string text = kPtx;
    text.replace(text.find(".reqntid 128"), 12, "");
    run([text](auto a, auto n, auto b) { return launch("add_one", PtxText{text}, a, n, b).block(2048); });
  });
  tell("an entry that is not there", [&] {
    run([](auto a, auto n, auto b) { return launch("add_two", PtxText{kPtx}, a, n, b).block(128); });
  });
  tell("PTX that does not parse", [&] {
    std::string text = kPtx;
    text.replace(text.find("st.global.u32"), 13, "st.global.q32");
    run([text](auto a, auto n, auto b) { return launch("add_one", PtxText{text}, a, n, b).block(128); });
  });
  tell("pointees of another dtype", [&] {
    const auto whole = tl::kernel("whole(x, n, y)", [](tl::Ptr<float> a, tl::I32 n, tl::Ptr<std::int32_t> b) {
      const auto i = tl::arange(0, 64);
      tl::store(b + i, tl::cast(tl::load(a + i, i < n), DType::kI32), i < n);
    });
    run([&](auto a, auto n, auto b) { return launch(whole(), a, n, b); });
  });
  tell("a scalar that does not fit 32 bits", [&] {
    const std::int64_t gib = std::int64_t{1} << 30;
    run([&](auto a, auto n, auto b) { return ptx(a, plugins::SymInt{n * gib, DType::kI32}, b); });
  });
}

}  // namespace
}  // namespace intarsia
