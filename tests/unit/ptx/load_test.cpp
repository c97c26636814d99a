// intarsia/ptx.h: loading text and fatbins, launching, memory and values; what survey() and unfit() say.
#include "intarsia/ptx.h"

#include <cstring>

#include "ptx/lz4.h"
#include "support.h"

namespace intarsia::ptx {
namespace {

using test::error_of;
using test::kHeader;

std::string scale(const std::string& target = "sm_80") {
  return ".version 8.0\n.target " + target + R"(
.address_size 64
.global .u32 calls;
.visible .entry scale(.param .u64 x, .param .u32 n, .param .f32 factor) {
  .reg .pred %p<2>; .reg .b32 %r<6>; .reg .f32 %f<3>; .reg .b64 %d<4>;
  ld.param.u64 %d1, [x]; ld.param.u32 %r1, [n]; ld.param.f32 %f1, [factor];
  mov.u32 %r2, %ctaid.x; mov.u32 %r3, %ntid.x; mov.u32 %r4, %tid.x;
  mad.lo.s32 %r2, %r2, %r3, %r4;
  setp.ge.s32 %p1, %r2, %r1;
  @%p1 bra END;
  atom.global.add.u32 %r5, [calls], 1;
  mul.wide.s32 %d2, %r2, 4; add.s64 %d1, %d1, %d2;
  ld.global.f32 %f2, [%d1]; mul.rn.f32 %f2, %f2, %f1; st.global.f32 [%d1], %f2;
END: ret;
}
.visible .entry count(.param .u64 out) {
  .reg .b32 %r<2>; .reg .b64 %d<2>;
  ld.param.u64 %d1, [out]; ld.global.u32 %r1, [calls]; st.global.u32 [%d1], %r1;
  ret;
}
)";
}

void put(std::string& out, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<char>(value >> (8 * i)));
}

struct Entry0 {
  int kind, architecture;
  std::uint64_t flags, unpacked;
  std::string payload;
};

std::string fatbin(const std::vector<Entry0>& entries) {
  std::string body;
  for (const Entry0& e : entries) {
    const std::uint64_t padded = (e.payload.size() + 7) / 8 * 8;
    put(body, static_cast<std::uint64_t>(e.kind) | 0x0101U << 16, 4);
    put(body, 64, 4);
    put(body, padded, 8);
    put(body, e.payload.size(), 4);
    put(body, 64, 4);
    put(body, 0x00090000, 4);
    put(body, static_cast<std::uint64_t>(e.architecture), 4);
    put(body, 0, 8);
    put(body, 0x11 | e.flags, 8);
    put(body, 0, 8);
    put(body, e.unpacked, 8);
    body += e.payload;
    body.resize(body.size() + padded - e.payload.size());
  }
  std::string out;
  put(out, 0xBA55ED50, 4);
  put(out, 1, 2);
  put(out, 16, 2);
  put(out, body.size(), 8);
  return out + body;
}

// A block of LZ4 of literals alone.
std::string literal_lz4(const std::string& text) {
  std::string out(1, static_cast<char>(0xF0));
  std::size_t rest = text.size() - 15;
  for (; rest >= 255; rest -= 255) out.push_back(static_cast<char>(255));
  out.push_back(static_cast<char>(rest));
  return out + text;
}

TEST(PtxLoad, LaunchesOverMemoryAndValues) {
  const LoadedModule module = load(scale(), {.source = "scale.ptx"});
  EXPECT_EQ(module.entries(), (std::vector<std::string>{"scale", "count"}));
  std::vector<float> x(300, 2.0F);
  const Kernel kernel = module["scale"];
  ASSERT_EQ(kernel.parameters().size(), 3U);
  const LaunchResult result = kernel.launch({.grid = {4, 1, 1}, .block = {128, 1, 1}}, {x, 300, 1.5F});
  result.require_clean();
  EXPECT_TRUE(result.inexact.empty());
  EXPECT_EQ(x, std::vector<float>(300, 3.0F));
}

TEST(PtxLoad, KernelsOfAModuleShareItsVariables) {
  const LoadedModule module = load(scale());
  std::vector<float> x(100, 1.0F);
  std::vector<std::uint32_t> calls(1);
  for (std::uint32_t round = 1; round <= 2; ++round) {
    module["scale"].launch({.block = {128, 1, 1}}, {x, 100, 1.0F}).require_clean();
    module["count"].launch({}, {calls}).require_clean();
    EXPECT_EQ(calls[0], 100 * round);
  }
  load(scale())["count"].launch({}, {calls}).require_clean();
  EXPECT_EQ(calls[0], 0U);  // another load has its own
}

TEST(PtxLoad, BoundsAreThoseOfTheMemoryGiven) {
  std::vector<float> x(100, 1.0F);
  const LaunchResult result = load(scale())["scale"].launch({.block = {128, 1, 1}}, {x, 101, 1.0F});
  ASSERT_FALSE(result.reports.empty());
  EXPECT_EQ(result.reports[0].kind, Report::Kind::kGlobalBounds);
  EXPECT_NE(result.reports[0].what.find("'x' (400 bytes)"), std::string::npos) << result.reports[0].what;
  const std::vector<float> constant(100, 1.0F);
  const LaunchResult written = load(scale())["scale"].launch({.block = {128, 1, 1}}, {constant, 100, 1.0F});
  ASSERT_FALSE(written.reports.empty());
  EXPECT_EQ(written.reports[0].kind, Report::Kind::kReadOnly);
}

TEST(PtxLoad, ArgumentsMustFit) {
  std::vector<float> x(1);
  const Kernel kernel = load(scale())["scale"];
  EXPECT_EQ(error_of([&] { kernel.launch({}, {x, x, 1.0F}); }),
            "kernel scale: parameter 1 ('n') is a value of 4 bytes; memory is given");
  EXPECT_EQ(error_of([&] { kernel.launch({}, {x, 1, 1.0}); }),
            "kernel scale: parameter 2 ('factor') has 4 bytes, 8 are given");
  EXPECT_EQ(error_of([&] { load(scale(), {.source = "a.ptx"})["scal"]; }),
            "a.ptx has no entry 'scal'; it has scale, count");
  EXPECT_EQ(error_of([&] { load_file("/no/such.ptx"); }), "/no/such.ptx cannot be read");
}

TEST(PtxFatbin, GivesTheNewestTextTheDeviceRuns) {
  const std::string all = fatbin({{1, 80, 0, 0, scale("sm_80")},
                                  {2, 90, 0, 0, "\177ELF"},
                                  {1, 90, 0, 0, scale("sm_90a") + std::string(1, '\0')}});
  const auto target = [&](int architecture) {
    return load(all, {.architecture = architecture}).modules().front().target;
  };
  EXPECT_EQ(target(80), "sm_80");
  EXPECT_EQ(target(90), "sm_90a");
  EXPECT_EQ(target(100), "sm_80");  // code for sm_90a runs nowhere else
  EXPECT_EQ(
      error_of([&] { target(75); }),
      "PTX holds no PTX for sm_75; it has PTX for sm_80, sm_90a and 1 binaries for GPUs (nvcc keeps PTX "
      "with -gencode arch=compute_N,code=compute_N)");
}

TEST(PtxFatbin, ReadsCompressedTextsAndSaysWhenTheyAreDamaged) {
  const std::string text = scale();
  const std::string good = fatbin({{1, 80, 0x2000, text.size(), literal_lz4(text)}});
  EXPECT_EQ(load(good).entries().size(), 2U);
  EXPECT_EQ(error_of([&] { load(fatbin({{1, 80, 0x2000, text.size() + 1, literal_lz4(text)}})); }),
            "PTX: its compressed PTX (lz4) is damaged");
  EXPECT_NE(error_of([&] { load(fatbin({{1, 80, 0x8000, text.size(), "not zstd"}})); }).find("zstd"),
            std::string::npos);
  for (std::size_t n = 0; n < 200; ++n) error_of([&] { load(good.substr(0, n)); });  // no crash
}

TEST(PtxFatbin, AnElfFileWithoutFatbinsIsRefused) {
  EXPECT_EQ(
      error_of([] { load(std::string("\177ELF\2\1\1", 7) + std::string(57, '\0'), {.source = "k.cubin"}); }),
      "k.cubin is an ELF file without fatbins: a cubin holds no PTX");
  const std::string object = std::string("\177ELF\2\1\1", 7) + std::string(57, '\0') +
                             fatbin({{1, 80, 0, 0, scale()}}) + "the rest of the file";
  EXPECT_EQ(load(object).entries().size(), 2U);
}

TEST(PtxLz4, CopiesFromBeforeAndRefusesWhatPointsOutside) {
  std::string out;
  const std::string block(
      "\x32"
      "abc"
      "\x03\x00"
      "\x10"
      "d",
      8);  // abc, 6 bytes from 3 before, d
  EXPECT_TRUE(unpack_lz4(block, 10, out));
  EXPECT_EQ(out, "abcabcabcd");
  EXPECT_FALSE(unpack_lz4(block, 9, out));
  EXPECT_FALSE(unpack_lz4(std::string("\x32"
                                      "abc"
                                      "\x04\x00"
                                      "\x10"
                                      "d",
                                      8),
                          10, out));
  EXPECT_FALSE(unpack_lz4(std::string("\x32"
                                      "abc"
                                      "\x00\x00"
                                      "\x10"
                                      "d",
                                      8),
                          10, out));
  EXPECT_FALSE(unpack_lz4(block.substr(0, 5), 10, out));
  EXPECT_TRUE(unpack_lz4("", 0, out));
}

TEST(PtxSurvey, ListsAllThatIsNotCoveredAtOnce) {
  const Module module = parse(std::string(kHeader) + R"(.visible .entry k() {
  .reg .b32 %r<4>; .reg .b64 %d<4>;
  add.u32 %r1, %r2, %r3;
  frobnicate.u32 %r1, %r2;
  add.u33 %r1, %r2, %r3;
  add.u32 %d1, %r2, %r3;
  add.u33 %r2, %r2, %r3;
}
)",
                              "k.ptx");
  const std::vector<Problem> found = survey(module);
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0].line, 7);
  EXPECT_EQ(found[0].what, "'frobnicate.u32' is not in the opcode table");
  EXPECT_EQ(found[1].line, 8);
  EXPECT_EQ(found[1].instruction, "add.u33 %r1, %r2, %r3;");
  EXPECT_EQ(found[1].count, 2);
  EXPECT_EQ(found[1].nearest, "add.u32");
  EXPECT_EQ(found[2].what, "operand 1 of 'add.u32': expected a register of 32 bits, found '%d1' of .b64");
  EXPECT_EQ(found[2].nearest, "");
  EXPECT_TRUE(survey(parse(scale())).empty());
}

TEST(PtxSurvey, SaysWhatTheDeviceCannotLaunch) {
  const auto says = [](const std::string& target, const std::string& directives, const std::string& shared,
                       int architecture) {
    const std::string text = ".version 8.0\n.target " + target + "\n.address_size 64\n" + shared +
                             ".visible .entry k() " + directives + " { ret; }\n";
    std::string all;
    for (const std::string& s : unfit(Program(parse(text), "k"), device_of(architecture))) all += s + "\n";
    return all;
  };
  EXPECT_EQ(says("sm_80", "", "", 90), "");
  EXPECT_EQ(says("sm_90", "", "", 80), "PTX for sm_90 does not run on sm_80\n");
  EXPECT_EQ(says("sm_90a", "", "", 100), "PTX for sm_90a does not run on sm_100\n");
  EXPECT_EQ(says("sm_80", ".reqntid 2048", "", 90),
            "its .reqntid asks for 2048 threads; a block of sm_90 has at most 1024\n");
  EXPECT_EQ(says("sm_80", "", ".shared .b8 s[49152];\n", 80), "");
  EXPECT_EQ(says("sm_80", "", ".shared .b8 s[49168];\n", 80),
            "49168 bytes of static shared memory; ptxas allows 49152, and more as dynamic memory\n");
}

}  // namespace
}  // namespace intarsia::ptx
