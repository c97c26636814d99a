// cp.async.bulk, cp.reduce.async.bulk, st.async, red.async: what is moved is read and written when the copy
// lands, so a kernel that does not wait sees what was there before.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "ptx/bulk.h"
#include "ptx/matrix.h"
#include "ptx/memory.h"

namespace intarsia::ptx {
namespace {

// Copies from a block's own memory to a block of its cluster are illegal instructions of an H100 where the
// launch made no clusters, not even of one block.
bool in_cluster(Warp& warp, const Decoded& in, U32 mask) {
  const Launch& launch = *warp.block->launch;
  const Entry& entry = *launch.image->entry;
  if (launch.config->cluster != std::array<U32, 3>{1, 1, 1} || entry.cluster || entry.explicit_cluster)
    return true;
  report(warp, in, Report::Kind::kAddress, mask,
         "a copy to shared memory of the cluster, but the launch has no clusters");
  return false;
}

// r: to, from, bytes, mbarrier, mask of blocks.
Flow bulk(Warp& warp, const Decoded& in, U32 mask) {
  if ((in.count & kFromShared) != 0 && !in_cluster(warp, in, mask)) return Flow::kNext;
  each_lane(mask, [&](int l) {
    BulkCopy copy = begin_copy(warp, in, l);
    copy.to = bulk_address(warp, in, 0, l);
    copy.from = bulk_address(warp, in, 1, l);
    copy.bytes = warp.at<const U32>(in.r[2])[l];
    if (copy.bytes % 16 != 0 || copy.to % 16 != 0 || copy.from % 16 != 0) {
      report(warp, in, Report::Kind::kAlignment, U32{1} << l,
             fmt::format("a bulk copy of {} bytes; size and addresses must be multiples of 16", copy.bytes));
      return;
    }
    queue_copy(warp, in, copy, (in.count & kHasBarrier) != 0 ? bulk_address(warp, in, 3, l) : 0);
  });
  return Flow::kNext;
}

// st.async, red.async. r: to, -, -, mbarrier; the values at in.extra.
Flow value(Warp& warp, const Decoded& in, U32 mask) {
  if (!in_cluster(warp, in, mask)) return Flow::kNext;
  const Ref* values = warp.frame->code->refs.data() + in.extra;
  const BulkDetail detail = BulkDetail::of(in.immediate);
  const U32 count = detail.count, each = detail.bytes;
  each_lane(mask, [&](int l) {
    BulkCopy copy = begin_copy(warp, in, l);
    copy.kind = BulkCopy::Kind::kValue;
    copy.to = bulk_address(warp, in, 0, l);
    copy.bytes = count * each;
    for (U32 k = 0; k < count; ++k)
      std::memcpy(copy.value.data() + k * each,
                  warp.at<const std::byte>(values[k]) + static_cast<U32>(l) * each, each);
    queue_copy(warp, in, copy, bulk_address(warp, in, 3, l));
  });
  return Flow::kNext;
}

bool reads_shared(const BulkCopy& copy) {
  return copy.to_global || (copy.from_shared && copy.kind == BulkCopy::Kind::kBytes);
}

U32 element_bytes(Type type) { return static_cast<U32>(bits(type)) / 8; }

void land_value(Warp& warp, const BulkCopy& copy) {
  const bool reduces = copy.reduction != Reduction::kNone;
  std::byte* to = resolve_one(warp, *copy.step, Space::kShared, copy.lane, copy.to, copy.bytes,
                              reduces ? Use::kAtomic : Use::kLand);
  if (to == nullptr) return;
  if (reduces)
    reduce(copy.reduction, copy.type, to, copy.value.data());
  else
    std::memcpy(to, copy.value.data(), copy.bytes);
}

using Pieces = std::vector<std::pair<U64, U32>>;
Pieces pieces_of(const BulkCopy& copy) {
  if (copy.kind == BulkCopy::Kind::kTensor) return box_pieces(copy);
  return {{reads_shared(copy) ? copy.from : copy.to, copy.bytes}};
}

// Global memory that a copy will write: it is checked, and pending from here on.
void begin_stores(Warp& warp, const BulkCopy& copy) {
  if (warp.block->launch->shadow == nullptr || copy.reduction != Reduction::kNone) return;
  if (copy.kind == BulkCopy::Kind::kTensor) return begin_box(warp, copy);
  for (U32 at = 0; at < copy.bytes; at += 16)
    resolve_one(warp, *copy.step, Space::kGlobal, copy.lane, copy.to + at, 16, Use::kBegin);
}

// Tells the shadows of a copy that begins. Reductions may meet in one place.
void note_bulk(Warp& warp, const BulkCopy& copy) {
  if (copy.to_global) begin_stores(warp, copy);
  if (warp.block->shadow.cells() == 0) return;
  if (reads_shared(copy)) {
    for (const auto& [at, bytes] : pieces_of(copy)) {
      note_source(warp, *copy.step, copy.lane, at, bytes);
      keep_source(warp, copy.lane, at, bytes);
    }
  } else if (copy.reduction == Reduction::kNone) {
    for (const auto& [at, bytes] : pieces_of(copy)) note_copy(warp, *copy.step, copy.lane, at, bytes);
  }
  if (copy.from_shared && copy.reduction == Reduction::kNone)
    note_copy(warp, *copy.step, copy.lane, copy.to, copy.bytes);
}

}  // namespace

U64 bulk_address(const Warp& warp, const Decoded& in, int k, int lane) {
  const Ref ref = in.r[static_cast<std::size_t>(k)];
  return (in.small >> k & 1) != 0 ? warp.at<const U64>(ref)[lane] : U64{warp.at<const U32>(ref)[lane]};
}

BulkCopy begin_copy(const Warp& warp, const Decoded& in, int lane) {
  BulkCopy copy;
  copy.to_global = (in.count & kToGlobal) != 0;
  copy.from_shared = (in.count & kFromShared) != 0;
  copy.warp = warp.index;
  copy.lane = lane;
  copy.group = warp.bulk_groups[static_cast<std::size_t>(lane)];
  copy.step = &in;
  copy.reduction = BulkDetail::of(in.immediate).op;
  copy.type = BulkDetail::of(in.immediate).type;
  return copy;
}

void queue_copy(Warp& warp, const Decoded& in, BulkCopy copy, U64 barrier) {
  const auto queue = [&](U64 signal) {
    if ((in.count & kHasBarrier) != 0) {
      const std::byte* place = resolve_one(warp, in, Space::kShared, copy.lane, signal, 8, Use::kAtomic);
      if (place == nullptr) return;
      copy.barrier = reinterpret_cast<U64>(place);
    }
    note_bulk(warp, copy);
    warp.block->bulk.push_back(copy);
  };
  if ((in.count & kMulticast) == 0) return queue(barrier);
  constexpr U64 kOffset = (U64{1} << kRankShift) - 1;
  const U64 to = copy.to & kOffset;
  const auto blocks = U32{warp.at<const U16>(in.r[4])[copy.lane]};
  each_lane(blocks, [&](int rank) {
    const U64 high = static_cast<U64>(rank + 1) << kRankShift;
    copy.to = high | to;
    queue(high | (barrier & kOffset));
  });
}

void land_copy(Warp& warp, const BulkCopy& copy) {
  if (copy.kind == BulkCopy::Kind::kTensor) return land_tensor(warp, copy);
  if (copy.kind == BulkCopy::Kind::kValue) return land_value(warp, copy);
  if (copy.kind == BulkCopy::Kind::kArrive) return land_copies(warp, copy.lane, copy.from);
  const bool reduces = copy.reduction != Reduction::kNone;
  const Space to_space = copy.to_global ? Space::kGlobal : Space::kShared;
  for (U32 at = 0; at < copy.bytes; at += 16) {
    const std::byte* from = reads_shared(copy) ? source_of(warp, copy, copy.from + at)
                                               : resolve_one(warp, *copy.step, Space::kGlobal, copy.lane,
                                                             copy.from + at, 16, Use::kRead);
    std::byte* to = resolve_one(warp, *copy.step, to_space, copy.lane, copy.to + at, 16,
                                reduces ? Use::kAtomic : Use::kLand);
    if (from == nullptr || to == nullptr) continue;
    if (!reduces) {
      std::memcpy(to, from, 16);
      continue;
    }
    for (U32 i = 0; i < 16; i += element_bytes(copy.type))
      reduce(copy.reduction, copy.type, to + i, from + i);
  }
}

const std::byte* source_of(Warp& warp, const BulkCopy& copy, U64 address) {
  if (copy.taken != nullptr) return copy.taken->data() + (address - copy.from);
  return resolve_one(warp, *copy.step, Space::kShared, copy.lane, address, 16, Use::kTake);
}

void take_source(Warp& warp, BulkCopy& copy) {
  if (copy.taken != nullptr) return;
  const Pieces pieces = pieces_of(copy);
  auto taken = std::make_shared<std::vector<std::byte>>();
  for (const auto& [begin, bytes] : pieces)
    for (U64 at = begin; at < begin + bytes; at += 16) {
      const std::byte* from = source_of(warp, copy, at);
      taken->resize(std::max<std::size_t>(taken->size(), at - copy.from + 16));
      if (from != nullptr) std::memcpy(taken->data() + (at - copy.from), from, 16);
    }
  copy.taken = std::move(taken);
}

void keep_sources(Block& block) {
  if (block.shadow.cells() == 0) return;
  for (const BulkCopy& copy : block.bulk) {
    if (!reads_shared(copy) || copy.taken != nullptr) continue;
    for (const auto& [at, bytes] : pieces_of(copy))
      keep_source(*block.warps[static_cast<std::size_t>(copy.warp)], copy.lane, at, bytes);
  }
}

void finish_copies(Block& block) {
  for (const BulkCopy& copy : block.bulk) {
    if (!copy.to_global) continue;
    Warp& warp = *block.warps[static_cast<std::size_t>(copy.warp)];
    if (copy.taken == nullptr && block.checks.copies)
      report(warp, *copy.step, Report::Kind::kAsync, U32{1} << copy.lane,
             "the block ends, and nothing waited until this copy had read its shared memory");
    land_copy(warp, copy);
  }
  // What goes to another block of the cluster lands when that block waits for it.
  std::erase_if(block.bulk, [](const BulkCopy& copy) { return copy.to_global; });
}

Handler select_bulk(const Form& form) { return form.has("bulk") ? &bulk : &value; }

}  // namespace intarsia::ptx
