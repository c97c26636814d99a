// The shadow of shared memory where copies run beside the threads: what a copy will write or reads is pending
// from its beginning to its end.
#include <fmt/format.h>

#include <algorithm>

#include "ptx/memory.h"

namespace intarsia::ptx {
namespace {

// The block that a shared address of this warp lies in; null where there is none.
Block* owner_of(Warp& warp, U64 address) {
  const U64 rank = address >> kRankShift;
  const auto& blocks = warp.block->cluster->blocks;
  return rank == 0 ? warp.block : rank <= blocks.size() ? blocks[rank - 1] : nullptr;
}

bool holds(const Block* block, U64 offset, U32 bytes) {
  return block != nullptr && block->shadow.cells() != 0 && bytes != 0 &&
         offset + bytes <= block->shared.size();
}

U32 pending_cell(const Warp& warp, int lane) {
  return kPending | static_cast<U32>(warp.index * kLanes + lane) << kThreadShift;
}

// Written by a thread, with no fence.proxy.async since.
bool is_unfenced(const Block& block, U32 cell) {
  if (cell >> kStampShift == 0 || (cell & kAsyncCell) != 0) return false;
  const std::size_t warp = (cell >> kThreadShift & 0x3FF) / kLanes;
  return warp >= block.async_fenced.size() || cell >> kStampShift >= block.async_fenced[warp];
}

// What is wrong with an asynchronous read of `cell`; empty: nothing.
std::string wrong_source(Warp& warp, U32 cell, U32 mine, Report::Kind& kind) {
  const Block& block = *warp.block;
  const Shadow& s = block.shadow;
  kind = Report::Kind::kAsync;
  if (cell >= kPending)
    return block.checks.copies ? "an asynchronous copy lands there that was not waited for" : "";
  if (cell == 0) {
    kind = Report::Kind::kUninitialised;
    return block.checks.uninitialised && !s.initialised ? "nothing wrote it" : "";
  }
  if (s.races && (cell & kStrongCell) == 0 && !is_ordered(warp, cell, mine)) {
    kind = Report::Kind::kRace;
    return fmt::format("{} writes it with no barrier between", thread_name(block, cell));
  }
  if (!block.checks.copies || !is_unfenced(block, cell)) return {};
  return fmt::format("{} wrote it with no fence.proxy.async since", thread_name(block, cell));
}

}  // namespace

void note_copy(Warp& warp, const Decoded& in, int lane, U64 address, U32 bytes) {
  Block* block = owner_of(warp, address);
  const U64 offset = address & ((U64{1} << kRankShift) - 1);
  if (!holds(block, offset, bytes)) return;
  if (block == warp.block) {
    Access access;
    std::fill_n(access.address, kLanes, offset);
    access.mask = U32{1} << lane;
    access.writes = true;
    access.bytes = bytes;
    shadow(warp, in, *block, access, access.address);
  }
  if (!warp.block->checks.copies) return;
  Shadow& s = block->shadow;
  std::fill(s.write + (offset >> s.shift), s.write + ((offset + bytes - 1) >> s.shift) + 1,
            pending_cell(warp, lane));
}

void note_source(Warp& warp, const Decoded& in, int lane, U64 offset, U32 bytes) {
  if (!holds(warp.block, offset, bytes)) return;
  const Shadow& s = warp.block->shadow;
  warp.touched = true;
  const U32 mine = warp.seen[static_cast<std::size_t>(warp.index)] << kStampShift |
                   static_cast<U32>(warp.index * kLanes + lane) << kThreadShift;
  U32 fine = 1;  // a cell that was looked at: mostly all are the same
  for (U64 i = offset >> s.shift; i <= (offset + bytes - 1) >> s.shift; ++i) {
    if (s.write[i] == fine) continue;
    Report::Kind kind;
    const std::string what = wrong_source(warp, s.write[i], mine, kind);
    if (!what.empty())
      return report(warp, in, kind, U32{1} << lane,
                    fmt::format("asynchronous read of byte {} of shared memory: {}",
                                std::max(offset, i << s.shift), what));
    fine = s.write[i];
  }
}

void keep_source(Warp& warp, int lane, U64 offset, U32 bytes) {
  if (!holds(warp.block, offset, bytes) || !warp.block->checks.copies) return;
  Shadow& s = warp.block->shadow;
  std::fill(s.read + (offset >> s.shift), s.read + ((offset + bytes - 1) >> s.shift) + 1,
            pending_cell(warp, lane));
}

void fence_async(Warp& warp) {
  Block& block = *warp.block;
  if (block.shadow.cells() == 0) return;
  advance(warp);
  std::vector<U32>& fenced = block.async_fenced;
  fenced.resize(std::max(fenced.size(), warp.seen.size()));
  for (std::size_t i = 0; i < warp.seen.size(); ++i) fenced[i] = std::max(fenced[i], warp.seen[i]);
}

}  // namespace intarsia::ptx
