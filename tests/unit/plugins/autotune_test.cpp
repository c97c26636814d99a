#include "plugins/autotune.h"

#include "fixtures.h"

namespace intarsia::plugins {
namespace {

// "f32 f16; f16 f32" of the dtypes of each choice, in order.
std::string dtypes_of(const AutoTuneCombination& c, std::size_t inputs, std::size_t outputs) {
  std::string out;
  for (const TunedPorts& choice : c.expand(inputs, outputs)) {
    out += out.empty() ? "" : "; ";
    for (std::size_t i = 0; i < choice.ports.size(); ++i)
      out += (i ? " " : "") + std::string(name(choice.ports[i].dtype));
  }
  return out;
}
std::string layouts_of(const AutoTuneCombination& c, std::size_t inputs, std::size_t outputs) {
  std::string out;
  for (const TunedPorts& choice : c.expand(inputs, outputs)) {
    out += out.empty() ? "" : "; ";
    for (std::size_t i = 0; i < choice.ports.size(); ++i) out += (i ? " " : "") + choice.ports[i].layout;
  }
  return out;
}

TEST(Autotune, TheGrammar) {
  EXPECT_EQ(dtypes_of(AutoTuneCombination("FP32|FP16, FP32|FP16"), 1, 1), "f32 f32; f16 f16");
  EXPECT_EQ(dtypes_of(AutoTuneCombination("FP32*FP16, FP32|FP16, FP32|FP16"), 2, 1),
            "f32 f32 f32; f32 f16 f16; f16 f32 f32; f16 f16 f16");
  EXPECT_EQ(dtypes_of(AutoTuneCombination("FP32|FP16, FP32"), 1, 1), "f32 f32; f16 f32");
  EXPECT_EQ(dtypes_of(AutoTuneCombination(" FLOAT | HALF ,BF16\n"), 1, 1), "f32 bf16; f16 bf16");
  EXPECT_EQ(dtypes_of(AutoTuneCombination("f8e4m3*i64, FP8"), 1, 1), "f8e4m3 f8e4m3; i64 f8e4m3");
  EXPECT_EQ(layouts_of(AutoTuneCombination("FP32, FP32", "LINEAR*HWC"), 1, 1),
            "LINEAR LINEAR; LINEAR HWC; HWC LINEAR; HWC HWC");
  EXPECT_EQ(layouts_of(AutoTuneCombination("FP32, FP32", "LINEAR|HWC"), 1, 1), "LINEAR LINEAR; HWC HWC");
  EXPECT_EQ(layouts_of(AutoTuneCombination("FP32|FP16, FP32|FP16", "LINEAR|HWC"), 1, 1),
            "LINEAR LINEAR; HWC HWC; LINEAR LINEAR; HWC HWC");
  EXPECT_EQ(dtypes_of(AutoTuneCombination(), 1, 1), "? ?");
}

TEST(Autotune, ErrorsShowTheColumn) {
  EXPECT_EQ(error_of([] { AutoTuneCombination("FP32|fp16, FP32"); }),
            "io_types, column 6: unknown dtype 'fp16' (did you mean 'FP16' or 'f16'?)\n  FP32|fp16, "
            "FP32\n       ^");
  EXPECT_EQ(error_of([] { AutoTuneCombination("FP32, FP4"); }),
            "io_types, column 7: there is no dtype FP4 here\n  FP32, FP4\n        ^");
  EXPECT_EQ(error_of([] { AutoTuneCombination("FP32,"); }),
            "io_types, column 6: a name was expected\n  FP32,\n       ^");
  EXPECT_EQ(error_of([] { AutoTuneCombination("FP32||FP16"); }),
            "io_types, column 6: a name was expected, not '|'\n  FP32||FP16\n       ^");
  EXPECT_EQ(error_of([] { AutoTuneCombination("FP32 FP16"); }),
            "io_types, column 6: ',', '|' or '*' was expected, not 'F'\n  FP32 FP16\n       ^");
  EXPECT_EQ(error_of([] { AutoTuneCombination("FP32|FP16*BF16"); }),
            "io_types, column 10: '|' and '*' do not stand in one entry\n  FP32|FP16*BF16\n           ^");
  EXPECT_EQ(error_of([] { AutoTuneCombination("FP32", "linear"); }),
            "layouts, column 1: unknown layout 'linear' (did you mean 'LINEAR'?)\n  linear\n  ^");
  EXPECT_EQ(error_of([] { AutoTuneCombination("FP32|FP16, FP32|FP16|BF16").expand(1, 1); }),
            "io_types, column 12: 3 alternatives stand beside 2; '|' takes the k-th of every entry together\n"
            "  FP32|FP16, FP32|FP16|BF16\n             ^");
  EXPECT_EQ(error_of([] { AutoTuneCombination("FP32").expand(1, 1); }),
            "io_types, column 5: 1 entries for 1 inputs and 1 outputs\n  FP32\n      ^");
  EXPECT_EQ(error_of([] { AutoTuneCombination("FP32, FP32, FP16").expand(1, 1); }),
            "io_types, column 13: 3 entries for 1 inputs and 1 outputs\n  FP32, FP32, FP16\n              ^");
  EXPECT_EQ(error_of([] { AutoTuneCombination("FP32, FP32", "LINEAR, HWC, HWC").expand(1, 1); }),
            "layouts, column 14: 3 entries for 1 inputs and 1 outputs\n  LINEAR, HWC, HWC\n               ^");
}

TEST(Autotune, PortsOneByOne) {
  AutoTuneCombination c;
  c.pos(0, "FP32|FP16").pos(1, "FP32|FP16", "LINEAR").tactics({2, 1});
  EXPECT_EQ(dtypes_of(c, 1, 1), "f32 f32; f16 f16");
  EXPECT_EQ(c.expand(1, 1)[0].tactics, (std::vector<std::int64_t>{2, 1}));
  EXPECT_EQ(error_of([&] { c.pos(1, "FP32"); }), "port 1 is given twice");
  EXPECT_EQ(error_of([&] { c.expand(2, 1); }), "port 2 has no entry; the plugin has 2 inputs and 1 outputs");
  EXPECT_EQ(error_of([&] { c.expand(1, 0); }), "port 1: the plugin has 1 inputs and 0 outputs");
  const std::int64_t both[] = {0, 1};
  EXPECT_EQ(dtypes_of(AutoTuneCombination().pos(both, "INT8"), 1, 1), "i8 i8");
  EXPECT_EQ(error_of([&] { AutoTuneCombination().pos(0, "INT8, INT8"); }),
            "pos() takes the dtypes of one port, without ','");
}

TEST(Autotune, Tactics) {
  EXPECT_EQ(error_of([] { AutoTuneCombination("FP32", "LINEAR", {0}); }),
            "tactic 0: a tactic is a positive number (0 means the default)");
  EXPECT_EQ(error_of([] { AutoTuneCombination("FP32", "LINEAR", {-3}); }),
            "tactic -3: a tactic is a positive number (0 means the default)");
  EXPECT_EQ(error_of([] { AutoTuneCombination("FP32", "LINEAR", {1, 2, 1}); }), "tactic 1 is given twice");
}

TEST(Autotune, EqualCombinationsUniteInOrder) {
  const AutoTuneCombination all[] = {AutoTuneCombination("FP32, FP32", "LINEAR", {3, 1}),
                                     AutoTuneCombination("FP16|FP32, FP16|FP32", "LINEAR", {1, 2})};
  const std::vector<TunedPorts> out = expand(all, 1, 1);
  ASSERT_EQ(out.size(), 2u);
  EXPECT_EQ(out[0].ports[0].dtype, DType::kF32);
  EXPECT_EQ(out[0].tactics, (std::vector<std::int64_t>{3, 1, 2}));
  EXPECT_EQ(out[1].tactics, (std::vector<std::int64_t>{1, 2}));
}

TEST(Autotune, TooManyCombinationsAreAnError) {
  std::string types = "FP32*FP16*BF16*INT8", all = types;
  for (int i = 0; i < 8; ++i) all += ", " + types;
  EXPECT_EQ(error_of([&] { AutoTuneCombination(all).expand(8, 1); }).substr(0, 53),
            "io_types, column 1: more than 65536 combinations\n  FP");
}

}  // namespace
}  // namespace intarsia::plugins
