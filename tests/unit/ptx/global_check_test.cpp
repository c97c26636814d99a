// Global memory: what nothing wrote, and accesses that nothing orders, within a block and between blocks.
#include "check_support.h"

namespace intarsia::ptx {
namespace {

using test::expect_clean;
using test::expect_one;
using test::kernel;
using test::launch;
using test::Outcome;

Outcome launch_unwritten(const std::string& text, std::uint32_t threads = 64, const Checks& checks = {}) {
  return launch(text, threads, 1, checks, 0, false);
}

TEST(PtxBroken, ReadOfAnOutputThatNothingWrote) {
  expect_one(launch_unwritten(kernel("setp.lt.u32 %p1, %r1, 40;\n@%p1 st.global.u32 [%rd5], %r1;\nbar.sync "
                                     "0;\nld.global.u32 %r4, [%rd5];")),
             Report::Kind::kUninitialised, 40, 3, 24, "read of byte 160 of 'q', which nothing wrote");
}
TEST(PtxLegal, ReadOfWhatTheLaunchWrote) {
  expect_clean(launch_unwritten(kernel(
      "st.global.u32 [%rd5], %r1;\nbar.sync 0;\nxor.b32 %r6, %r3, 128;\ncvt.u64.u32 %rd6, %r6;\nadd.s64 "
      "%rd6, %rd6, %rd2;\nld.global.u32 %r4, [%rd6];")));
}
TEST(PtxBroken, AtomicAddOnMemoryThatNobodyCleared) {
  expect_one(launch_unwritten(kernel("red.global.add.u32 [%rd5], 1;"), 32), Report::Kind::kUninitialised, 0,
             0, 32, "read of byte 0 of 'q', which nothing wrote");
}
TEST(PtxLegal, ExchangeWithMemoryThatNobodyCleared) {
  expect_clean(launch_unwritten(kernel("atom.global.exch.b32 %r4, [%rd5], 1;"), 32));
}
TEST(PtxBroken, HalfOfAWordUnwritten) {
  expect_one(launch_unwritten(
                 kernel("cvt.u16.u32 %h1, %r1;\nst.global.u16 [%rd5], %h1;\nld.global.u32 %r4, [%rd5];"), 4),
             Report::Kind::kUninitialised, 0, 2, 4, "read of byte 2 of 'q'");
}
TEST(PtxChecks, UnwrittenGlobalMemoryCanBeLetPass) {
  expect_clean(launch_unwritten(kernel("ld.global.u32 %r4, [%rd5];"), 32, {.global_uninitialised = false}));
}

TEST(PtxBroken, ThreadsOfTwoWarpsWriteOneWord) {
  const Outcome o =
      launch(kernel("and.b32 %r4, %r3, 127;\ncvt.u64.u32 %rd6, %r4;\nadd.s64 %rd6, %rd6, "
                    "%rd2;\nst.global.u32 [%rd6], %r1;"));
  expect_one(o, Report::Kind::kRace, 32, 3, 32,
             "write of byte 0 of 'q', which thread (0, 0, 0) writes with no barrier between");
}
TEST(PtxLegal, ThreadsOfTwoWarpsWriteTheSameValue) {
  expect_clean(launch(kernel("st.global.u32 [%rd2], 7;")));
}
TEST(PtxBroken, LanesOfOneStoreDisagree) {
  expect_one(launch(kernel("st.global.u32 [%rd2], %r1;"), 32), Report::Kind::kRace, 1, 0, 31,
             "write of byte 0 of 'q'");
}
TEST(PtxBroken, NeighboursReadWithoutABarrier) {
  expect_one(launch(kernel("st.global.u32 [%rd5], %r1;\nxor.b32 %r6, %r3, 128;\ncvt.u64.u32 %rd6, "
                           "%r6;\nadd.s64 %rd6, %rd6, %rd2;\nld.global.u32 %r4, [%rd6];"),
                    64, 1, {.uninitialised = false})
                         .result.reports.size() == 2
                 ? launch(kernel("st.global.u32 [%rd5], %r1;\nxor.b32 %r6, %r3, 4;\ncvt.u64.u32 %rd6, "
                                 "%r6;\nadd.s64 %rd6, %rd6, %rd2;\nld.global.u32 %r4, [%rd6];"),
                          32)
                 : Outcome{},
             Report::Kind::kRace, 0, 4, 32, "read of byte 4 of 'q', which thread (1, 0, 0) writes");
}
TEST(PtxLegal, NeighboursOfOneWarpReadBehindAWarpBarrier) {
  expect_clean(launch(kernel("st.global.u32 [%rd5], %r1;\nbar.warp.sync -1;\nxor.b32 %r6, %r3, "
                             "4;\ncvt.u64.u32 %rd6, %r6;\nadd.s64 %rd6, %rd6, %rd2;\nld.global.u32 %r4, "
                             "[%rd6];\nbar.warp.sync -1;\nst.global.u32 [%rd5], %r4;"),
                      32));
}

TEST(PtxBroken, BlocksWriteOnePlace) {
  const Outcome o = launch(kernel("add.u32 %r4, %r1, %r2;\nst.global.u32 [%rd5], %r4;"), 32, 2);
  expect_one(
      o, Report::Kind::kRace, 0, 1, 32,
      "write of byte 0 of 'q', which thread (0, 0, 0) of block (0, 0, 0) writes with no barrier between");
}
TEST(PtxBroken, BlockReadsWhatAnotherWrites) {
  const Outcome o = launch(
      kernel("setp.ne.u32 %p1, %r2, 0;\n@%p1 ld.global.u32 %r4, [%rd5];\n@!%p1 st.global.u32 [%rd5], %r1;"),
      32, 2);
  expect_one(o, Report::Kind::kRace, 0, 1, 32,
             "read of byte 0 of 'q', which thread (0, 0, 0) of block (0, 0, 0)");
}
TEST(PtxBroken, BlockWritesWhatAnotherRead) {
  const Outcome o = launch(
      kernel("setp.ne.u32 %p1, %r2, 0;\n@!%p1 ld.global.u32 %r4, [%rd5];\n@%p1 st.global.u32 [%rd5], 77;"),
      32, 2);
  expect_one(o, Report::Kind::kRace, 0, 2, 32,
             "write of byte 0 of 'q', which thread (0, 0, 0) of block (0, 0, 0) reads");
}
TEST(PtxLegal, BlocksAddAtomically) {
  const Outcome o = launch(kernel("red.global.add.u32 [%rd2], 1;"), 64, 3);
  expect_clean(o);
  EXPECT_EQ(o.q[0], 192U);
}
TEST(PtxBroken, AtomicBesidePlainWrites) {
  const Outcome o = launch(
      kernel("setp.ne.u32 %p1, %r2, 0;\n@%p1 red.global.add.u32 [%rd5], 1;\n@!%p1 st.global.u32 [%rd5], 5;"),
      32, 2);
  expect_one(o, Report::Kind::kRace, 0, 1, 32,
             "write of byte 0 of 'q', which thread (0, 0, 0) of block (0, 0, 0)");
}

// Block 0 writes a word, tells it by a flag; block 1 reads the word after it saw the flag.
std::string message(const std::string& between, const std::string& tell, const std::string& look) {
  return kernel("setp.ne.u32 %p1, %r2, 0;\n@%p1 bra READ;\nst.global.u32 [%rd2], 5;\n" + between + "\n" +
                tell + "\nbra END;\nREAD:\n" + look +
                "\nsetp.eq.u32 %p2, %r4, 0;\n@%p2 bra READ;\nld.global.u32 %r5, [%rd2];\nEND:");
}
const char* kFlag = "ld.volatile.global.u32 %r4, [%rd2+64];";

TEST(PtxLegal, FlagBehindAFence) {
  for (const char* fence : {"membar.gl;", "fence.acq_rel.gpu;", "fence.sc.sys;"})
    expect_clean(launch(message(fence, "st.volatile.global.u32 [%rd2+64], 1;", kFlag), 1, 2));
}
TEST(PtxLegal, FlagThatReleases) {
  expect_clean(launch(
      message("", "st.release.gpu.global.u32 [%rd2+64], 1;", "ld.acquire.gpu.global.u32 %r4, [%rd2+64];"), 1,
      2));
  expect_clean(launch(message("", "atom.release.gpu.global.exch.b32 %r6, [%rd2+64], 1;",
                              "atom.acquire.gpu.global.or.b32 %r4, [%rd2+64], 0;"),
                      1, 2));
}
TEST(PtxBroken, FlagWithoutAFence) {
  const Outcome o = launch(message("", "st.volatile.global.u32 [%rd2+64], 1;", kFlag), 1, 2);
  ASSERT_EQ(o.result.reports.size(), 1U);
  EXPECT_EQ(o.result.reports[0].kind, Report::Kind::kRace);
  EXPECT_EQ(o.result.reports[0].block[0], 1U);
  EXPECT_NE(o.result.reports[0].what.find("read of byte 0 of 'q'"), std::string::npos);
}
TEST(PtxBroken, FlagThatIsNotLookedAt) {
  const Outcome o =
      launch(message("membar.gl;", "st.volatile.global.u32 [%rd2+64], 1;", "mov.u32 %r4, 1;"), 1, 2);
  ASSERT_EQ(o.result.reports.size(), 1U);
}
// Each block adds to the running sum the block before it left, and hands it on: the chain is followed.
TEST(PtxLegal, DecoupledLookBack) {
  const Outcome o = launch(
      kernel("mul.wide.u32 %rd6, %r2, 4;\nadd.s64 %rd6, %rd6, %rd2;\nsetp.eq.u32 %p1, %r2, 0;\nmov.u32 %r5, "
             "1;\n@%p1 bra TELL;\nWAIT:\nld.volatile.global.u32 %r4, [%rd6+124];\nsetp.eq.u32 %p2, %r4, "
             "0;\n@%p2 bra WAIT;\nmembar.gl;\nld.global.u32 %r5, [%rd6+-4];\nadd.u32 %r5, %r5, "
             "1;\nTELL:\nst.global.u32 [%rd6], %r5;\nmembar.gl;\nst.volatile.global.u32 [%rd6+128], "
             "1;\nld.global.u32 %r6, [%rd2];"),
      1, 16);
  expect_clean(o);
  EXPECT_EQ(o.q[15], 16U);
}
// The last block to come, told by a counter, reads what all wrote.
TEST(PtxLegal, TheLastBlockReducesAfterACounter) {
  const Outcome o = launch(
      kernel("mul.wide.u32 %rd6, %r2, 4;\nadd.s64 %rd6, %rd6, %rd2;\nst.global.u32 [%rd6], %r2;\nmembar.gl;\n"
             "atom.global.add.u32 %r4, [%rd2+128], 1;\nsetp.ne.u32 %p1, %r4, 7;\n@%p1 bra END;\nmembar.gl;\n"
             "mov.u32 %r5, 0;\nmov.u32 %r6, 0;\nLOOP:\nmul.wide.u32 %rd7, %r5, 4;\nadd.s64 %rd7, %rd7, "
             "%rd2;\nld.global.u32 %r7, [%rd7];\nadd.u32 %r6, %r6, %r7;\nadd.u32 %r5, %r5, 1;\nsetp.lt.u32 "
             "%p2, %r5, 8;\n@%p2 bra LOOP;\nst.global.u32 [%rd2+132], %r6;\nEND:"),
      1, 8);
  expect_clean(o);
  EXPECT_EQ(o.q[33], 28U);
}
// A lock with plain data inside: what one holder did is before what the next does.
TEST(PtxLegal, PlainDataUnderALock) {
  const Outcome o =
      launch(kernel("TRY:\natom.global.cas.b32 %r4, [%rd2], 0, 1;\nsetp.ne.u32 %p1, %r4, 0;\n@%p1 bra TRY;\n"
                    "membar.gl;\nld.global.u32 %r5, [%rd2+4];\nadd.u32 %r5, %r5, 1;\nst.global.u32 [%rd2+4], "
                    "%r5;\nmembar.gl;\natom.global.exch.b32 %r6, [%rd2], 0;"),
             64, 2);
  expect_clean(o);
  EXPECT_EQ(o.q[1], 128U);
}
TEST(PtxChecks, GlobalRacesCanBeLetPass) {
  expect_clean(launch(kernel("st.global.u32 [%rd5], %r2;"), 32, 2, {.global_races = false}));
}

// ---- shared memory: what the lanes of one warp do to each other, and copies that were begun
const char* kTile = ".shared .align 16 .b8 tile[256];";

TEST(PtxBroken, LanesOfAWarpReadEachOthersSharedWords) {
  expect_one(
      launch(kernel("st.shared.u32 [%r3], %r1;\nxor.b32 %r6, %r3, 4;\nld.shared.u32 %r4, [%r6];", kTile), 32),
      Report::Kind::kRace, 0, 2, 32, "read of byte 4 of shared memory, which thread (1, 0, 0) writes");
}
TEST(PtxLegal, LanesOfAWarpReadBehindAWarpBarrier) {
  expect_clean(
      launch(kernel("st.shared.u32 [%r3], %r1;\nbar.warp.sync -1;\nxor.b32 %r6, %r3, 4;\nld.shared.u32 "
                    "%r4, [%r6];",
                    kTile),
             32));
}
TEST(PtxBroken, WriteOfWhatLanesAndAnotherWarpRead) {
  const Outcome o = launch(kernel(
      "st.shared.u32 [%r3], %r1;\nbar.sync 0;\nld.shared.u32 %r4, [tile];\nbar.sync 1, 64;\nld.shared.u32 "
      "%r4, [tile];\nsetp.eq.u32 %p1, %r1, 0;\n@%p1 st.shared.u32 [tile], 99;",
      kTile));
  ASSERT_EQ(o.result.reports.size(), 2U);
  EXPECT_NE(o.result.reports[0].what.find("which thread (0, 0, 0) writes"), std::string::npos);
  EXPECT_EQ(o.result.reports[0].thread[0], 32U);
  EXPECT_NE(o.result.reports[1].what.find("write of byte 0 of shared memory, which thread (1, 0, 0) reads"),
            std::string::npos);
}
TEST(PtxBroken, AtomicAddOnSharedMemoryThatNobodyCleared) {
  expect_one(launch(kernel("atom.shared.add.u32 %r4, [%r3], 1;", kTile), 32), Report::Kind::kUninitialised, 0,
             0, 32, "which nothing wrote");
}
TEST(PtxBroken, CopyIntoWhatAnotherWarpStillReads) {
  const Outcome o = launch(
      kernel("st.shared.u32 [%r3], %r1;\nbar.sync 0;\nxor.b32 %r6, %r3, 128;\nld.shared.u32 %r7, [%r6];\n"
             "cp.async.ca.shared.global [%r3], [%rd4], 4;\ncp.async.wait_all;",
             kTile),
      64);
  ASSERT_EQ(o.result.reports.size(), 2U);  // of warp 0: nothing read yet; warp 1 reads where warp 0 copies to
  EXPECT_EQ(o.result.reports[0].kind, Report::Kind::kRace);
  EXPECT_EQ(o.result.reports[1].kind, Report::Kind::kRace);
}
TEST(PtxChecks, UnfinishedCopiesCanBeLetPass) {
  expect_clean(launch(kernel("st.shared.u32 [%r3], %r1;\ncp.async.ca.shared.global [%r3], [%rd4], "
                             "4;\nld.shared.u32 %r4, [%r3];\ncp.async.wait_all;",
                             kTile),
                      32, 1, {.copies = false}));
}

}  // namespace
}  // namespace intarsia::ptx
