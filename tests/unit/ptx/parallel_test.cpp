// Blocks on several threads that wait for each other.
#include <algorithm>
#include <thread>

#include "check_support.h"

namespace intarsia::ptx {
namespace {

using namespace test;

// Block b waits for the word `waits_for` of q, in terms of %r2 and %r6, and writes word b.
Outcome launch_blocks(std::uint32_t blocks, const std::string& waits_for, int threads) {
  const std::string text =
      kernel("setp.ne.u32 %p1, %r1, 0;\n@%p1 ret;\nmul.wide.u32 %rd6, %r2, 4;\n" + waits_for +
             "\nmul.wide.u32 %rd7, %r6, 4;\nadd.s64 %rd7, %rd2, %rd7;\nadd.s64 %rd6, %rd2, "
             "%rd6;\nWAIT: ld.acquire.gpu.global.u32 %r4, [%rd7];\nsetp.eq.u32 %p3, %r4, 0;\n"
             "@%p3 bra WAIT;\nst.release.gpu.global.u32 [%rd6], 1;\nret;");
  const Program program(parse(text, "k.ptx"), "k");
  Outcome out;
  out.p.resize(64);
  out.q.resize(64);
  out.q[63] = 1;
  const std::uint64_t places[] = {reinterpret_cast<std::uint64_t>(out.p.data()),
                                  reinterpret_cast<std::uint64_t>(out.q.data())};
  const std::vector<ArgumentValue> arguments{{&places[0], 8}, {&places[1], 8}};
  LaunchConfig config;
  config.block = {32, 1, 1};
  config.grid = {blocks, 1, 1};
  config.parallel_for = [&](std::int64_t count, const std::function<void(std::int64_t)>& body) {
    std::vector<std::thread> others;
    for (int t = 0; t < threads; ++t)
      others.emplace_back([&, t] {
        for (std::int64_t i = t; i < count; i += threads) body(i);
      });
    for (std::thread& other : others) other.join();
  };
  out.result = run(program, config, arguments);
  return out;
}

const char* kBefore = "sub.u32 %r6, %r2, 1;\nand.b32 %r6, %r6, 63;";  // block 0: word 63, which is set
const char* kAfter = "add.u32 %r6, %r2, 1;\nsetp.eq.u32 %p2, %r2, 2;\nselp.b32 %r6, 63, %r6, %p2;";
TEST(PtxParallel, EachBlockWaitsForTheOneBefore) {
  for (int threads = 1; threads <= 3; ++threads)
    for (int round = 0; round < 5; ++round) {
      const Outcome o = launch_blocks(60, kBefore, threads);
      expect_clean(o);
      EXPECT_EQ(std::count(o.q.begin(), o.q.end(), 1U), 61);
    }
}

// The hardware promises nothing here, but what a device can hold at once does end.
TEST(PtxParallel, EachBlockWaitsForTheOneAfter) {
  for (int threads = 1; threads <= 3; ++threads) {
    const Outcome o = launch_blocks(3, kAfter, threads);
    expect_clean(o);
    EXPECT_EQ(std::count(o.q.begin(), o.q.end(), 1U), 4);
  }
}

}  // namespace
}  // namespace intarsia::ptx
