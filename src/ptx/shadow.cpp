// Who touched each byte of shared memory, and whether a barrier stands between.
#include <fmt/format.h>

#include "ptx/memory.h"

namespace intarsia::ptx {
namespace {

// An access at `time` of `thread`'s warp happened before now of `warp`.
bool ordered(const Warp& warp, std::uint16_t thread, U32 time) {
  const std::size_t other = thread / kLanes;
  return static_cast<std::int32_t>(other) == warp.index || time < warp.seen[other];
}

std::string whom(const Block& block, std::uint16_t thread) {
  const Warp& warp = *block.warps[thread / kLanes];
  const auto t = thread_of(warp, thread % kLanes);
  return fmt::format("thread ({}, {}, {})", t[0], t[1], t[2]);
}

enum class Hazard { kNone, kUninitialised, kReadAfterWrite, kWriteAfterWrite, kWriteAfterRead };

struct Finder {
  Warp& warp;
  Block& owner;
  const Access& access;
  std::uint16_t other = 0;

  Hazard touch(Cell& cell, std::uint16_t thread) {
    const bool own = &owner == warp.block;
    const U32 now = own ? warp.seen[static_cast<std::size_t>(warp.index)] : 1;
    Hazard found = Hazard::kNone;
    const bool wrote = cell.write_time != 0;
    if (access.reads && !access.atomic && !wrote) found = Hazard::kUninitialised;
    if (own && wrote && !access.atomic && !ordered(warp, cell.writer, cell.write_time)) {
      other = cell.writer;
      found = access.writes ? Hazard::kWriteAfterWrite : Hazard::kReadAfterWrite;
    }
    if (own && access.writes && !access.atomic && cell.read_time != 0 &&
        !ordered(warp, cell.reader, cell.read_time)) {
      other = cell.reader;
      found = Hazard::kWriteAfterRead;
    }
    if (access.writes) {
      // Atomics order themselves; what follows without a barrier still races with them.
      cell.write_time = own ? now : 1;
      cell.writer = own ? thread : cell.writer;
      cell.read_time = 0;
    } else if (cell.read_time == 0 || ordered(warp, cell.reader, cell.read_time)) {
      cell.read_time = now;
      cell.reader = own ? thread : cell.reader;
    }
    return found;
  }
};

void tell(Warp& warp, const Decoded& in, Block& owner, Hazard hazard, std::uint16_t other, U64 offset,
          int lane) {
  const Checks& checks = warp.block->launch->config->checks;
  const U32 bit = U32{1} << lane;
  if (hazard == Hazard::kUninitialised) {
    if (checks.uninitialised)
      report(warp, in, Report::Kind::kUninitialised, bit,
             fmt::format("read of byte {} of shared memory, which nothing wrote", offset));
    return;
  }
  if (!checks.races) return;
  const char* what = hazard == Hazard::kReadAfterWrite
                         ? "read of byte {} of shared memory, which {} writes with no barrier between"
                     : hazard == Hazard::kWriteAfterWrite
                         ? "write of byte {} of shared memory, which {} writes with no barrier between"
                         : "write of byte {} of shared memory, which {} reads with no barrier between";
  report(warp, in, Report::Kind::kRace, bit, fmt::format(fmt::runtime(what), offset, whom(owner, other)));
}

}  // namespace

void shadow(Warp& warp, const Decoded& in, Block& owner, const Access& access, const U64* offsets) {
  Finder finder{warp, owner, access};
  each_lane(access.mask, [&](int lane) {
    const auto thread = static_cast<std::uint16_t>(warp.index * kLanes + lane);
    for (U32 b = 0; b < access.bytes; ++b) {
      const Hazard hazard = finder.touch(owner.shadow[offsets[lane] + b], thread);
      if (hazard == Hazard::kNone) continue;
      tell(warp, in, owner, hazard, finder.other, offsets[lane] + b, lane);
      b |= 3;  // one finding per word
    }
  });
}

}  // namespace intarsia::ptx
