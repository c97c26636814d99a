// What a traced warp did, line by line; the names of checks; the devices.
#include <bit>

#include "ptx/launch.h"
#include "support.h"

namespace intarsia::ptx {
namespace {

using test::error_of;

// Two warps of 40 threads: q[i] = p[i] + 1.5 where i < 36.
const char* kAdd = R"(.version 8.7
.target sm_80
.address_size 64
.visible .entry k(.param .u64 p, .param .u64 q) {
  .reg .pred %p<3>; .reg .b32 %r<3>; .reg .f32 %f<3>; .reg .b64 %d<6>;
  ld.param.u64 %d1, [p];
  ld.param.u64 %d2, [q];
  mov.u32 %r1, %tid.x;
  mul.wide.u32 %d3, %r1, 4;
  add.s64 %d4, %d1, %d3;
  setp.ge.u32 %p1, %r1, 36;
  @%p1 bra END;
  ld.global.f32 %f1, [%d4+4];
  add.f32 %f1, %f1, 0f3FC00000;
  add.s64 %d5, %d2, %d3;
  st.global.f32 [%d5], %f1;
  @%p1 mov.u32 %r1, 7;
END:
  ret;
}
)";

LaunchResult traced(const TraceRequest& request) {
  const Program program(parse(kAdd, "add.ptx"), "k");
  std::vector<float> p(64), q(64);
  for (std::size_t i = 0; i < p.size(); ++i) p[i] = static_cast<float>(i);
  const std::uint64_t places[] = {reinterpret_cast<std::uint64_t>(p.data()),
                                  reinterpret_cast<std::uint64_t>(q.data())};
  const std::vector<ArgumentValue> arguments{{&places[0], 8}, {&places[1], 8}};
  LaunchConfig config;
  config.block = {40, 1, 1};
  config.grid = {2, 1, 1};
  config.trace = request;
  return run(program, config, arguments);
}

const TraceStep& at_line(const LaunchResult& result, std::int32_t line) {
  for (const TraceStep& s : result.trace)
    if (s.line == line) return s;
  throw UserError("no such line in the trace");
}

TEST(PtxTrace, HoldsEachInstructionOfTheWarpAskedForAndNoOther) {
  const LaunchResult result = traced({.block = {1, 0, 0}, .warp = 1});
  std::vector<std::int32_t> lines;
  std::uint32_t left = 0;  // lanes need not meet again before the last instruction
  for (const TraceStep& s : result.trace) {
    if (s.line == 19)
      left |= s.lanes;
    else
      lines.push_back(s.line);
  }
  EXPECT_EQ(lines, (std::vector<std::int32_t>{6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17}));
  EXPECT_EQ(left, 0xffU);
  EXPECT_EQ(at_line(result, 8).lanes, 0xffU);  // threads 32 … 39
  EXPECT_EQ(at_line(result, 14).lanes, 0xfU);  // 36 … 39 have left
  EXPECT_EQ(at_line(result, 17).lanes, 0U);    // its guard is false everywhere
}

TEST(PtxTrace, ShowsWhatWasReadBeforeAndWhatWasWrittenAfter) {
  const LaunchResult result = traced({.warp = 1});
  const TraceStep& add = at_line(result, 14);
  EXPECT_EQ(add.opcode, "add.f32");
  ASSERT_EQ(add.values.size(), 2U);
  EXPECT_TRUE(add.values[0].written);
  EXPECT_FALSE(add.values[1].written);
  EXPECT_EQ(std::bit_cast<float>(static_cast<std::uint32_t>(add.values[0].bits[2])), 36.5F);
  EXPECT_EQ(std::bit_cast<float>(static_cast<std::uint32_t>(add.values[1].bits[2])), 35.0F);
  EXPECT_EQ(add.text(),
            "   14  add.f32 %f1, %f1, 0f3FC00000;   lanes 0x0000000f\n"
            "         %f1 <- 34.5 35.5 36.5 37.5\n"
            "         %f1 = 33 34 35 36");
  EXPECT_EQ(at_line(result, 17).text(), "   17  @%p1 mov.u32 %r1, 7;   no lane");
}

TEST(PtxTrace, LeavesOutWhatComesAfterTheMostAskedFor) {
  EXPECT_EQ(traced({.most = 3}).trace.size(), 3U);
  EXPECT_TRUE(traced({.warp = 9}).trace.empty());
}

TEST(PtxChecks, AreNamed) {
  EXPECT_TRUE(checks_named("all").races);
  EXPECT_FALSE(checks_named("none").global_bounds);
  const Checks some = checks_named("bounds,races");
  EXPECT_TRUE(some.global_bounds && some.shared_bounds && some.races);
  EXPECT_FALSE(some.alignment || some.members);
  EXPECT_FALSE(checks_named("all,-races").races);
  EXPECT_TRUE(checks_named("-races").alignment);
  EXPECT_EQ(error_of([] { checks_named("bounds,race"); }).substr(0, 60),
            "no check is called 'race'; there are all, none, bounds, alig");
}

TEST(PtxDevices, AreNamedByArchitecture) {
  EXPECT_EQ(device_of(80).shared_bytes, 163 << 10);
  EXPECT_EQ(device_of(90).shared_bytes, 227 << 10);
  EXPECT_EQ(error_of([] { device_of(70); }),
            "no device of architecture sm_70 is known; there are sm_75, sm_80, sm_86, sm_87, sm_89, sm_90, "
            "sm_100, sm_103, sm_120");
}

}  // namespace
}  // namespace intarsia::ptx
