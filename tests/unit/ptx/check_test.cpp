// Broken kernels are caught at the right thread and line; their legal look-alikes are clean. Launch errors.
#include <fmt/format.h>

#include <thread>

#include "check_support.h"

namespace intarsia::ptx {
namespace {

using test::error_of;
using test::expect_clean;
using test::expect_one;
using test::kernel;
using test::kFirstLine;
using test::kHeader;
using test::launch;
using test::Outcome;

TEST(PtxBroken, LoadPastTheEnd) {
  const Outcome o = launch(kernel("ld.global.u32 %r4, [%rd4+4];\nst.global.u32 [%rd5], %r4;"));
  expect_one(o, Report::Kind::kGlobalBounds, 63, 0, 1,
             "load of 4 bytes 0 bytes after the end of 'p' (256 bytes)");
  EXPECT_EQ(o.q[62], 63U);
  EXPECT_EQ(o.q[63], 0U);
}
TEST(PtxLegal, LoadOfTheLastElement) {
  expect_clean(launch(
      kernel("setp.lt.u32 %p1, %r1, 63;\n@%p1 ld.global.u32 %r4, [%rd4+4];\nst.global.u32 [%rd5], %r4;")));
}

TEST(PtxBroken, StoreToAReadOnlyBuffer) {
  expect_one(launch(kernel("setp.eq.u32 %p1, %r1, 5;\n@%p1 st.global.u32 [%rd4], %r1;")),
             Report::Kind::kReadOnly, 5, 1, 1, "'p', which is read-only");
}

TEST(PtxBroken, AtomicFarOutside) {
  expect_one(launch(kernel("add.s64 %rd6, %rd5, 1048576;\natom.global.add.u32 %r4, [%rd6], 1;"), 1),
             Report::Kind::kGlobalBounds, 0, 1, 1, "atomic operation on");
}

TEST(PtxBroken, MisalignedVectorLoad) {
  expect_one(
      launch(
          kernel("shl.b64 %rd6, %rd3, 1;\nadd.s64 %rd6, %rd6, %rd1;\nld.global.v2.u32 {%r4, %r5}, [%rd6+4];"),
          4),
      Report::Kind::kAlignment, 0, 2, 4, "4 past a multiple of 8");
}
TEST(PtxLegal, AlignedVectorLoad) {
  expect_clean(launch(
      kernel("shl.b64 %rd6, %rd3, 1;\nadd.s64 %rd6, %rd6, %rd1;\nld.global.v2.u32 {%r4, %r5}, [%rd6];"), 32));
}

const char* kTile = ".shared .align 16 .b8 tile[256];";

TEST(PtxBroken, SharedStorePastTheEnd) {
  expect_one(launch(kernel("st.shared.u32 [%r3+8], %r1;", kTile)), Report::Kind::kSharedBounds, 62, 0, 2,
             "at byte 256 of 256 bytes of shared memory");
}

TEST(PtxBroken, MissingBarrierBetweenWriteAndRead) {
  const Outcome o = launch(kernel("mov.u32 %r4, tile;\nadd.u32 %r5, %r4, %r3;\nst.shared.u32 [%r5], %r1;\n"
                                  "xor.b32 %r6, %r3, 128;\nadd.u32 %r6, %r6, %r4;\nld.shared.u32 %r7, [%r6];",
                                  kTile),
                           64, 1, {.uninitialised = false});
  ASSERT_EQ(o.result.reports.size(), 2U);  // warp 1 writes what warp 0 read, and reads what warp 0 wrote
  EXPECT_EQ(o.result.reports[0].line, kFirstLine + 2);
  EXPECT_EQ(o.result.reports[1].line, kFirstLine + 5);
  EXPECT_EQ(o.result.reports[1].thread[0], 32U);
  EXPECT_EQ(o.result.reports[1].count, 32);
  EXPECT_EQ(o.result.reports[1].what,
            "read of byte 0 of shared memory, which thread (0, 0, 0) writes with no barrier between");
}
TEST(PtxLegal, BarrierBetweenWriteAndRead) {
  const Outcome o =
      launch(kernel("st.shared.u32 [%r3], %r1;\nbar.sync 0;\nxor.b32 %r6, %r3, 128;\nld.shared.u32 %r7, "
                    "[%r6];\nst.global.u32 [%rd5], %r7;",
                    kTile));
  expect_clean(o);
  EXPECT_EQ(o.q[3], 35U);
  EXPECT_EQ(o.q[40], 8U);
}

TEST(PtxBroken, WriteAfterReadWithoutBarrier) {
  const Outcome o =
      launch(kernel("st.shared.u32 [%r3], %r1;\nbar.sync 0;\nxor.b32 %r6, %r3, 128;\nld.shared.u32 %r7, "
                    "[%r6];\nst.shared.u32 [%r3], %r7;",
                    kTile));
  ASSERT_EQ(o.result.reports.size(), 2U);
  EXPECT_EQ(o.result.reports[0].line, kFirstLine + 3);
  EXPECT_EQ(o.result.reports[1].line, kFirstLine + 4);
  EXPECT_EQ(o.result.reports[1].what,
            "write of byte 128 of shared memory, which thread (0, 0, 0) reads with no barrier between");
}
TEST(PtxLegal, WriteAfterReadBehindABarrier) {
  expect_clean(
      launch(kernel("st.shared.u32 [%r3], %r1;\nbar.sync 0;\nxor.b32 %r6, %r3, 128;\nld.shared.u32 %r7, "
                    "[%r6];\nbar.sync 0;\nst.shared.u32 [%r3], %r7;",
                    kTile)));
}

// Rows of lanes 0 to 7 go to four places, two to each.
std::string rows_twice(const std::string& value) {
  return kernel(value +
                    "and.b32 %r5, %r1, 3; shl.b32 %r5, %r5, 4; mov.u32 %r6, s; add.u32 %r6, %r6, %r5;\n"
                    "stmatrix.sync.aligned.m8n8.x1.shared.b16 [%r6], {%r7}; ret;",
                ".shared .align 16 .b8 s[128];");
}
TEST(PtxLegal, RowsOfAMatrixThatBringTheSameToOnePlace) {
  expect_clean(launch(rows_twice("mov.b32 %r7, 5;"), 32));
}
TEST(PtxBroken, RowsOfAMatrixThatBringDifferentThingsToOnePlace) {
  const Outcome o = launch(rows_twice("mov.b32 %r7, %r1;"), 32);
  ASSERT_EQ(o.result.reports.size(), 1U);
  EXPECT_EQ(o.result.reports[0].kind, Report::Kind::kRace);
  EXPECT_EQ(o.result.reports[0].thread[0], 4U);
}

TEST(PtxBroken, PartlyWrittenSharedMemory) {
  const Outcome o = launch(kernel(
      "setp.lt.u32 %p1, %r1, 40;\n@%p1 st.shared.u32 [%r3], %r1;\nbar.sync 0;\nld.shared.u32 %r4, [%r3];",
      kTile));
  expect_one(o, Report::Kind::kUninitialised, 40, 3, 24,
             "read of byte 160 of shared memory, which nothing wrote");
}

TEST(PtxBroken, BarrierInHalfOfEachWarp) {
  const Outcome o =
      launch(kernel("and.b32 %r4, %r1, 16;\nsetp.eq.u32 %p1, %r4, 0;\n@!%p1 bra ELSE;\nbar.sync 0;\nbra "
                    "END;\nELSE:\nbar.sync 0;\nEND:"));
  ASSERT_EQ(o.result.reports.size(), 2U);
  EXPECT_EQ(o.result.reports[0].kind, Report::Kind::kDivergentBarrier);
  EXPECT_EQ(o.result.reports[0].line, kFirstLine + 3);
  EXPECT_NE(o.result.reports[0].what.find("lanes 0xffff0000 are elsewhere"), std::string::npos);
}
TEST(PtxLegal, BarrierAfterDivergence) {
  expect_clean(
      launch(kernel("and.b32 %r4, %r1, 16;\nsetp.eq.u32 %p1, %r4, 0;\n@%p1 bra ELSE;\nadd.u32 %r5, %r1, "
                    "1;\nbra END;\nELSE:\nadd.u32 %r5, %r1, 2;\nEND:\nbar.sync 0;")));
}
TEST(PtxLegal, SomeThreadsExitBeforeTheBarrier) {
  expect_clean(
      launch(kernel("setp.gt.u32 %p1, %r1, 50;\n@%p1 ret;\nbar.sync 0;\nst.global.u32 [%rd5], %r1;")));
}

TEST(PtxBroken, FullMaskShuffleInDivergentCode) {
  const Outcome o = launch(kernel("setp.lt.u32 %p1, %r1, 16;\n@!%p1 bra END;\nshfl.sync.bfly.b32 %r4, %r1, "
                                  "1, 31, -1;\nst.global.u32 [%rd5], %r4;\nbra END;\n"
                                  "END:\nbar.sync 0;"),
                           32);
  expect_one(o, Report::Kind::kMembers, 0, 2, 16,
             "membermask 0xffffffff names lanes 0xffff0000 that do not come here");
}
TEST(PtxLegal, HalfMaskShuffleInDivergentCode) {
  const Outcome o = launch(kernel("setp.lt.u32 %p1, %r1, 16;\n@!%p1 bra END;\nshfl.sync.bfly.b32 %r4, %r1, "
                                  "1, 31, 0xffff;\nst.global.u32 [%rd5], %r4;\nEND:"),
                           32);
  expect_clean(o);
  EXPECT_EQ(o.q[6], 7U);
}
TEST(PtxBroken, LaneOutsideItsOwnMask) {
  expect_one(launch(kernel("vote.sync.ballot.b32 %r4, 1, 0x7fffffff;"), 32), Report::Kind::kMembers, 31, 0, 1,
             "does not name the lane that executes it");
}
TEST(PtxLegal, DivergentLoopThenShuffle) {
  const Outcome o =
      launch(kernel("mov.u32 %r4, %r1;\nmov.u32 %r5, 0;\nLOOP:\nsetp.eq.u32 %p1, %r4, 0;\n@%p1 bra "
                    "DONE;\nadd.u32 %r5, %r5, 2;\nsub.u32 %r4, %r4, 1;\nbra LOOP;\n"
                    "DONE:\nshfl.sync.idx.b32 %r6, %r5, 31, 31, -1;\nst.global.u32 [%rd5], %r6;"),
             32);
  expect_clean(o);
  EXPECT_EQ(o.q[0], 62U);
}

TEST(PtxBroken, BarrierThatNotAllThreadsReach) {
  const Outcome o = launch(kernel("setp.lt.u32 %p1, %r1, 32;\n@%p1 bar.sync 1, 64;\n@!%p1 bar.sync 2, 64;"));
  ASSERT_EQ(o.result.reports.size(), 1U);
  EXPECT_EQ(o.result.reports[0].kind, Report::Kind::kDeadlock);
  EXPECT_NE(
      o.result.reports[0].what.find(fmt::format(
          "warp 0 lanes 0xffffffff at barrier 1 in line {}; warp 1 lanes 0xffffffff at barrier 2 in line {}",
          kFirstLine + 1, kFirstLine + 2)),
      std::string::npos)
      << o.result.reports[0].text();
}
TEST(PtxLegal, ProducerAndConsumerAtNamedBarriers) {
  const Outcome o = launch(
      kernel("setp.lt.u32 %p1, %r1, 32;\n@!%p1 bra CONSUMER;\nst.shared.u32 [%r3], %r1;\nbar.arrive 1, "
             "64;\nbra END;\n"
             "CONSUMER:\nbar.sync 1, 64;\nld.shared.u32 %r4, [%r3-128];\nst.global.u32 [%rd5], %r4;\nEND:",
             kTile));
  expect_clean(o);
  EXPECT_EQ(o.q[40], 8U);
}

TEST(PtxBroken, AnMbarrierNobodyArrivesAt) {
  const Outcome o =
      launch(kernel("setp.ne.u32 %p1, %r1, 0;\n@!%p1 mbarrier.init.shared.b64 [tile], 2;\nbar.sync 0;\n"
                    "@!%p1 mbarrier.arrive.shared.b64 %rd6, "
                    "[tile];\nLOOP:\nmbarrier.try_wait.parity.shared.b64 %p2, [tile], 0;\n@!%p2 bra LOOP;",
                    kTile));
  ASSERT_EQ(o.result.reports.size(), 1U);
  EXPECT_EQ(o.result.reports[0].kind, Report::Kind::kDeadlock) << o.result.reports[0].text();
}

TEST(PtxBroken, CopyThatNobodyWaitsFor) {
  const Outcome o =
      launch(kernel("cp.async.ca.shared.global [%r3], [%rd4], 4;\ncp.async.commit_group;\nbar.sync "
                    "0;\nld.shared.u32 %r4, [%r3];",
                    kTile));
  expect_one(o, Report::Kind::kAsync, 0, 3, 64, "where an asynchronous copy lands that was not waited for");
}
TEST(PtxLegal, CopyThatIsWaitedFor) {
  const Outcome o =
      launch(kernel("cp.async.ca.shared.global [%r3], [%rd4], "
                    "4;\ncp.async.commit_group;\ncp.async.wait_group 0;\nbar.sync 0;\n"
                    "xor.b32 %r6, %r3, 128;\nld.shared.u32 %r4, [%r6];\nst.global.u32 [%rd5], %r4;",
                    kTile));
  expect_clean(o);
  EXPECT_EQ(o.q[1], 33U);
}

TEST(PtxBroken, BranchIndexOutsideItsList) {
  const Outcome o =
      launch(kernel("targets: .branchtargets A, B;\nand.b32 %r4, %r1, 3;\nbrx.idx %r4, "
                    "targets;\nA:\nst.global.u32 [%rd5], 10;\nret;\nB:\nst.global.u32 [%rd5], 20;"),
             4);
  expect_one(o, Report::Kind::kAddress, 2, 2, 1, "brx.idx with index 2; the list has 2 labels");
}

TEST(PtxBroken, Trap) {
  expect_one(launch(kernel("setp.eq.u32 %p1, %r1, 33;\n@%p1 trap;")), Report::Kind::kTrap, 33, 1, 1, "trap");
}

TEST(PtxBroken, EndlessLoop) {
  const Outcome o = launch(kernel("LOOP:\nbra LOOP;"), 32);
  ASSERT_EQ(o.result.reports.size(), 1U);
  EXPECT_EQ(o.result.reports[0].kind, Report::Kind::kHang);
}
TEST(PtxLegal, ALockThatLanesOfOneWarpSpinOn) {
  const Outcome o =
      launch(kernel("mov.u32 %r9, 0;\nTRY:\natom.global.cas.b32 %r4, [%rd2], 0, 1;\nsetp.ne.u32 %p1, %r4, "
                    "0;\n@%p1 bra TRY;\n"
                    "ld.volatile.global.u32 %r5, [%rd2+4];\nadd.u32 %r5, %r5, 1;\nst.volatile.global.u32 "
                    "[%rd2+4], %r5;\natom.global.exch.b32 %r6, [%rd2], 0;"));
  expect_clean(o);
  EXPECT_EQ(o.q[1], 64U);
}
TEST(PtxLegal, BlocksThatWaitForALaterBlock) {
  expect_clean(launch(
      kernel("setp.ne.u32 %p1, %r2, 2;\n@%p1 bra WAIT;\nst.release.gpu.global.u32 [%rd2], 7;\nbra END;\n"
             "WAIT:\nld.acquire.gpu.global.u32 %r4, [%rd2];\nsetp.ne.u32 %p2, %r4, 7;\n@%p2 bra WAIT;\nEND:"),
      1, 3));
}

TEST(PtxChecks, EachCanBeSwitchedOff) {
  expect_clean(launch(kernel("setp.lt.u32 %p1, %r1, 40;\n@%p1 st.shared.u32 [%r3], %r1;\nxor.b32 %r6, %r3, "
                             "128;\nld.shared.u32 %r4, [%r6];",
                             kTile),
                      64, 1, Checks::none()));
}

TEST(PtxChecks, BlocksInParallelGiveTheSameFirstThread) {
  const Program program(parse(kernel("ld.global.u32 %r4, [%rd4+4];"), "k.ptx"), "k");
  std::vector<std::uint32_t> p(64), q(64);
  const std::uint64_t places[] = {reinterpret_cast<std::uint64_t>(p.data()),
                                  reinterpret_cast<std::uint64_t>(q.data())};
  const std::vector<ArgumentValue> arguments{{&places[0], 8}, {&places[1], 8}};
  const std::vector<Buffer> buffers{{p.data(), 256, false, "p"}, {q.data(), 256, true, "q"}};
  LaunchConfig config;
  config.block = {64, 1, 1};
  config.grid = {50, 1, 1};
  config.buffers = buffers;
  config.parallel_for = [](std::int64_t count, const std::function<void(std::int64_t)>& body) {
    std::vector<std::thread> threads;
    for (int t = 0; t < 2; ++t)
      threads.emplace_back([&, t] {
        for (std::int64_t i = t; i < count; i += 2) body(i);
      });
    for (std::thread& t : threads) t.join();
  };
  const LaunchResult result = run(program, config, arguments);
  ASSERT_EQ(result.reports.size(), 1U);
  EXPECT_EQ(result.reports[0].block[0], 0U);
  EXPECT_EQ(result.reports[0].count, 50);
}

TEST(PtxChecks, AReportReadsWell) {
  std::string text = kernel("\n.loc 1 12 7\nld.global.u32 %r4, [%rd4+4];");
  text.insert(text.find(".visible"), ".file 1 \"scale.py\"\n");
  const Outcome o = launch(text);
  ASSERT_EQ(o.result.reports.size(), 1U);
  EXPECT_EQ(o.result.reports[0].text(),
            "out-of-bounds access in kernel k, block (0, 0, 0), thread (63, 0, 0): load of 4 bytes 0 bytes "
            "after the end of 'p' (256 bytes)\n"
            "  PTX line 13: ld.global.u32 %r4, [%rd4+4];\n"
            "  source: scale.py:12:7");
  EXPECT_EQ(error_of([&] { o.result.require_clean(); }), o.result.reports[0].text());
}

// ---- errors of the launch itself
std::string launch_error(const std::string& directive, std::array<std::uint32_t, 3> block,
                         std::int64_t shared, std::vector<std::int64_t> sizes, Device device = {}) {
  return error_of([&] {
    std::string text =
        fmt::format("{}.visible .entry k(.param .u64 p, .param .u32 n) {} {{ ret; }}", kHeader, directive);
    const Program program(parse(text, "k.ptx"), "");
    const std::uint64_t zero = 0;
    std::vector<ArgumentValue> arguments;
    for (std::int64_t s : sizes) arguments.push_back({&zero, s});
    LaunchConfig config;
    config.block = block;
    config.shared_bytes = shared;
    config.device = device;
    run(program, config, arguments);
  });
}

TEST(PtxLaunchErrors, NameBothNumbers) {
  EXPECT_EQ(launch_error("", {1, 1, 1}, 0, {8}),
            "kernel k takes 2 parameters, 1 are given; its list: p (8 bytes), n (4 bytes)");
  EXPECT_EQ(launch_error("", {1, 1, 1}, 0, {8, 8}), "kernel k: parameter 1 ('n') has 4 bytes, 8 are given");
  EXPECT_EQ(launch_error("", {1025, 1, 1}, 0, {8, 4}),
            "kernel k: a block of (1025, 1, 1) has 1025 threads; sm_90 runs at most 1024");
  EXPECT_EQ(launch_error("", {0, 1, 1}, 0, {8, 4}), "kernel k: a block of (0, 1, 1) has no threads");
  EXPECT_EQ(launch_error(".reqntid 128", {64, 1, 1}, 0, {8, 4}),
            "kernel k: launched with blocks of (64, 1, 1); its .reqntid is (128, 1, 1)");
  EXPECT_EQ(launch_error(".maxntid 128, 1, 1", {256, 1, 1}, 0, {8, 4}),
            "kernel k: launched with 256 threads per block; its .maxntid allows 128");
  EXPECT_EQ(
      launch_error("", {1, 1, 1}, 300000, {8, 4}),
      "kernel k: 300000 bytes of shared memory (0 static, 300000 dynamic); a block of sm_90 has 232448");
  EXPECT_EQ(launch_error("", {1, 1, 1}, 0, {8, 4},
                         {.version_major = 8, .version_minor = 0, .reject_newer_version = true}),
            "kernel k: PTX version 8.7; the device reads up to 8.0");
  EXPECT_EQ(launch_error("", {1, 1, 1}, 0, {8, 4}), "no error");
}

TEST(PtxLaunchErrors, ExtentsAndClustersOfTheDevice) {
  const auto error = [](LaunchConfig config) {
    const Program program(parse(std::string(kHeader) + ".visible .entry k() { ret; }"), "k");
    return error_of([&] { run(program, config, {}); });
  };
  LaunchConfig config;
  config.block = {1, 1, 65};
  EXPECT_EQ(error(config), "kernel k: a block of (1, 1, 65); its extents are at most (1024, 1024, 64)");
  config.block = {1, 1, 64};
  EXPECT_EQ(error(config), "no error");
  config.grid = {1, 65536, 1};
  EXPECT_EQ(error(config),
            "kernel k: a grid of (1, 65536, 1); its extents are at most (2147483647, 65535, 65535)");
  config.grid = {2, 1, 1};
  config.cluster = {2, 1, 1};
  config.device = device_of(80);
  EXPECT_EQ(error(config), "kernel k: launched with clusters of (2, 1, 1); sm_80 has none");
}

TEST(PtxLaunch, AnEmptyGridRunsNothing) {
  const Program program(parse(std::string(kHeader) + ".visible .entry k() { trap; }"), "k");
  LaunchConfig config;
  config.grid = {0, 1, 1};
  EXPECT_TRUE(run(program, config, {}).reports.empty());
}

TEST(PtxLaunch, VariablesOfTheModuleKeepTheirValues) {
  const Program program(parse(std::string(kHeader) + ".global .u32 counter = 5;\n.visible .entry k() { .reg "
                                                     ".b32 %r<2>; atom.global.add.u32 %r1, [counter], 2; }"),
                        "k");
  const LaunchConfig config;
  run(program, config, {}).require_clean();
  run(program, config, {}).require_clean();
  EXPECT_EQ(*static_cast<std::uint32_t*>(program.variable("counter")), 9U);
  EXPECT_EQ(program.variable("nothing"), nullptr);
}

TEST(PtxLaunch, ANewerVersionRunsWhileItsOpcodesAreKnown) {
  const Program program(
      parse(".version 99.1\n.target sm_200\n.address_size 64\n.visible .entry k() { ret; }"), "k");
  EXPECT_TRUE(run(program, {}, {}).reports.empty());
}

}  // namespace
}  // namespace intarsia::ptx
