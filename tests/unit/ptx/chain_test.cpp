// Runs of instructions that a whole warp goes through as one: nothing but the time may tell.
#include <fmt/format.h>

#include <random>

#include "../../ptx/random/interpret.h"
#include "check_support.h"

namespace intarsia::ptx {
namespace {

using namespace test;

const char* kShared = ".shared .align 16 .b8 s[4096];";

// Shared memory with all kinds of bits in it, and addresses of all shapes: %r8 side by side, %r9 and %r10 as
// in rows of 16, %r11 one, %r12 16 apart, %r13 anywhere, %rd6 and %rd7 in 64 bits.
std::string before(int words) {
  std::string out;
  for (int i = 0; i < words; ++i)
    out +=
        fmt::format("mad.lo.u32 %r4, %r1, 0x9E3779B9, {};\n{}st.shared.u32 [%r3+{}], %r4;\n", i * 0x1357911,
                    i == 1   ? "or.b32 %r4, %r4, 0x7F800000;\n"
                    : i == 2 ? "and.b32 %r4, %r4, 0x807FFFFF;\n"
                    : i == 3 ? "and.b32 %r4, %r4, 0x80000000;\n"
                             : "and.b32 %r4, %r4, 0xBFFFFFFF;\n",
                    256 * i);
  return out +
         "bar.sync 0;\nmov.b32 %r8, %r3;\nshr.u32 %r9, %r1, 4;\nshl.b32 %r9, %r9, 6;\nand.b32 %r10, %r3, "
         "60;\n"
         "mov.b32 %r11, 128;\nshl.b32 %r12, %r1, 4;\nmul.lo.u32 %r13, %r1, 0x9E3779B1;\nshr.u32 %r13, %r13, "
         "22;\n"
         "and.b32 %r13, %r13, 1020;\ncvt.u64.u32 %rd6, %r9;\ncvt.u64.u32 %rd7, %r8;\nsetp.lt.u32 %p1, %r1, "
         "40;\n"
         "mov.b32 %f0, 0f3F800000;\nmov.b32 %f1, 0f80000000;\nmov.b32 %f2, 0f7FC00001;\nmov.b32 %f3, "
         "0f00000001;\n"
         "mov.b32 %f4, %r1;\nmov.b32 %f5, %r3;\nmov.b32 %f6, 0fC0000000;\nmov.b32 %f7, 0f7F7FFFFF;\n";
}
std::string after() {
  std::string out = "mov.b32 %r5, 0;\n";
  for (int i = 0; i < 8; ++i) out += fmt::format("mov.b32 %r6, %f{};\nmad.lo.u32 %r5, %r5, 31, %r6;\n", i);
  for (int i = 8; i < 14; ++i) out += fmt::format("mad.lo.u32 %r5, %r5, 31, %r{};\n", i);
  return out + "st.global.u32 [%rd5], %r5;\nret;";
}

class Statements {
 public:
  explicit Statements(unsigned seed) : random_(seed) {}

  std::string text() {
    std::string out = before(below(8) == 0 ? 15 : 16);
    for (int i = 0; i < 60; ++i) out += (below(40) == 0 ? "@%p1 " : "") + statement();
    return out + after();
  }

 private:
  int below(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
  std::string value() { return fmt::format("%f{}", below(8)); }
  std::string word() {
    constexpr const char* kBases[] = {"%r8", "%r9", "%r10", "%r11", "%r13", "%rd6", "%rd7", "s"};
    const int rare = below(400);
    const int offset = rare == 0 ? 4096 : rare == 1 ? 2 : rare == 2 ? -64 : 4 * below(256);
    return fmt::format("[{}+{}]", kBases[below(8)], offset);
  }
  std::string load() { return fmt::format("ld.shared.b32 {}, {};\n", value(), word()); }
  std::string product(const std::string& x, const std::string& y) {
    return fmt::format("fma.rn.f32 {}, {}, {}, {};\n", value(), x, y, value());
  }
  std::string dots() {
    std::string out;
    const std::string x = value(), y = value(), sum = value(), a = fmt::format("%r{}", 8 + below(4)),
                      b = fmt::format("%r{}", 8 + below(4));
    for (int k = 0; k < 4; ++k)
      out += fmt::format(
          "ld.shared.f32 {0}, [{2}+{4}];\nld.shared.f32 {1}, [{3}+{5}];\nfma.rn.f32 {6}, {7}, {8}, {6};\n", x,
          y, a, b, 4 * below(200), 64 * k, sum, k % 2 == 0 ? x : y, k % 2 == 0 ? y : x);
    return out;
  }
  std::string statement() {
    constexpr const char* kFloats[] = {"add.rn.f32", "sub.rn.f32", "mul.rn.f32",
                                       "mul.f32",    "add.f32",    "max.f32"};
    switch (below(16)) {
      case 0:
        return fmt::format("ld.shared.v2.b32 {{%f{}, %f{}}}, [%r12+{}];\n", below(4), 4 + below(4),
                           8 * below(64));
      case 1:
        return fmt::format("ld.shared.v4.b32 {{%f0, %f3, %f1, %f5}}, [%r{}+{}];\n", 11 + below(2),
                           16 * below(32));
      case 2: return fmt::format("add.u32 %r{0}, %r{0}, 4;\n", 8 + below(4));
      case 3: return fmt::format("ld.shared.u32 %r11, {};\nand.b32 %r11, %r11, 1008;\n", word());
      case 4: return below(4) == 0 ? fmt::format("ex2.approx.f32 {}, {};\n", value(), value()) : load();
      case 5:
        return below(6) == 0 ? fmt::format("st.shared.b32 [%r3+{}], {};\n", 256 * below(4), value()) : load();
      case 6:
      case 7: return product(value(), value());
      case 8:
      case 9: return fmt::format("{} {}, {}, {};\n", kFloats[below(6)], value(), value(), value());
      case 10:
      case 11:
      case 12: return dots();
      default: return load();
    }
  }

  std::mt19937 random_;
};

std::string told(const LaunchResult& r) {
  std::string out = fmt::format("{} steps\n", r.steps);
  for (const Report& report : r.reports) out += fmt::format("{} x{}\n", report.text(), report.count);
  for (const std::string& form : r.inexact) out += form + "\n";
  return out;
}

TEST(PtxChains, StraightCodeOverSharedMemoryGivesTheSame) {
  int reported = 0;
  for (unsigned seed = 0; seed < 200; ++seed) {
    const std::string text = kernel(Statements(seed).text(), kShared);
    for (const Checks& checks : {Checks{}, Checks::none()}) {
      const Outcome one = launch(text, 64, 1, checks), many = launch(text, 64, 1, checks, 0, true, false);
      EXPECT_EQ(told(one.result), told(many.result)) << seed;
      EXPECT_EQ(one.q, many.q) << seed;
      reported += !one.result.reports.empty();
    }
  }
  EXPECT_GT(reported, 5);
  EXPECT_LT(reported, 350);
}

TEST(PtxChains, RandomProgramsGiveTheSame) {
  for (std::uint64_t seed = 1000; seed < 1300; ++seed) {
    random::Choices choices(seed);
    const random::Program program = random::generate(choices, "k");
    random::Memory one = random::inputs(program, seed), many = one;
    EXPECT_EQ(random::interpret(program, one), random::interpret(program, many, {}, false)) << seed;
    EXPECT_TRUE(one == many) << seed;
  }
}

TEST(PtxChains, OffsetsThatLeadNowhereAreReported) {
  for (const char* offset : {"0x7FFFFFFFFFFFFFFC", "-0x7FFFFFFFFFFFFFFC", "0xFFFFFFFFFC", "-4"}) {
    const std::string text = kernel(fmt::format("cvt.u64.u32 %rd6, %r3;\nst.shared.u32 [%r3], %r1;\n"
                                                "ld.shared.b32 %f1, [%rd6];\nld.shared.b32 %f2, [%rd6+{}];\n"
                                                "ld.shared.b32 %f3, [%rd6+4];\nret;",
                                                offset),
                                    kShared);
    const Outcome one = launch(text, 32), many = launch(text, 32, 1, {}, 0, true, false);
    EXPECT_FALSE(one.result.reports.empty()) << offset;
    EXPECT_EQ(told(one.result), told(many.result)) << offset;
  }
}

// What a chain meets half-way is told by the instruction that met it.
TEST(PtxChains, AReportNamesTheInstructionInTheMiddle) {
  const Outcome o = launch(kernel("mov.b32 %r8, 4092;\nst.shared.u32 [%r3], %r1;\nbar.warp.sync -1;\n"
                                  "ld.shared.f32 %f1, [%r3];\nld.shared.f32 %f2, [%r3+4];\n"
                                  "fma.rn.f32 %f1, %f1, %f2, %f1;\nld.shared.f32 %f3, [%r8+4];\n"
                                  "fma.rn.f32 %f1, %f1, %f3, %f1;\nret;",
                                  kShared),
                           32, 1, Checks{.uninitialised = false});
  expect_one(o, Report::Kind::kSharedBounds, 0, 6, 32, "byte 4096 of 4096 bytes of shared memory");
}

TEST(PtxChains, LaterOnesGoOnWithoutLanesThatLeft) {
  const std::string text = kernel(
      "st.shared.u32 [%r3], %r1;\nbar.sync 0;\nsetp.ge.u32 %p1, %r1, 20;\n@%p1 ret;\nld.shared.u32 %r4, "
      "[%r3];\n"
      "ld.shared.u32 %r5, [s+76];\nadd.u32 %r4, %r4, %r5;\nst.global.u32 [%rd5], %r4;\nret;",
      kShared);
  const Outcome o = launch(text, 32);
  expect_clean(o);
  for (std::uint32_t i = 0; i < 64; ++i) EXPECT_EQ(o.q[i], i < 20 ? i + 19 : 0) << i;
}

}  // namespace
}  // namespace intarsia::ptx
