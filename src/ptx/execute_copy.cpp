// cp.async: a copy lands in shared memory only when it is waited for.
#include <fmt/format.h>

#include "ptx/bulk.h"
#include "ptx/matrix.h"
#include "ptx/memory.h"
#include "ptx/select.h"

namespace intarsia::ptx {
namespace {

void land(Warp& warp, const PendingCopy& copy, const Decoded& in) {
  Access access;
  std::fill_n(access.address, kLanes, copy.to);
  access.mask = U32{1} << copy.lane;
  access.writes = access.lands = access.async = true;
  access.bytes = copy.bytes;
  resolve(warp, in, Space::kShared, access);
  if (access.mask != 0)
    std::memcpy(reinterpret_cast<void*>(access.address[copy.lane]), copy.data.data(), copy.bytes);
}

// r: shared address, global address, and the bytes to read or whether to read none; in.count: bytes written.
template <bool kPredicate>
Flow copy(Warp& warp, const Decoded& in, U32 mask) {
  Access from;
  from.mask = mask;
  from.reads = true;
  from.bytes = in.count;
  const U64* source = warp.at<const U64>(in.r[1]);
  for (int l = 0; l < kLanes; ++l) from.address[l] = source[l] + static_cast<U64>(in.immediate >> 32);
  const U32* size = warp.at<const U32>(in.r[2]);
  U32 none = 0, sizes[kLanes];
  for (int l = 0; l < kLanes; ++l) {
    sizes[l] = kPredicate ? ((warp.predicate(in, 2) >> l & 1) != 0 ? 0 : in.count)
                          : std::min<U32>(size[l], in.count);
    none |= U32{sizes[l] == 0} << l;
  }
  from.mask &= ~none;
  resolve(warp, in, Space::kGlobal, from);
  each_lane(mask, [&](int l) {
    PendingCopy& pending = warp.copies.emplace_back();
    pending.lane = l;
    pending.group = warp.copy_groups[static_cast<std::size_t>(l)];
    pending.bytes = in.count;
    pending.step = &in;
    pending.number = warp.copies_begun++;
    pending.to = (in.small & 15) == kRegister64   ? warp.at<const U64>(in.r[0])[l]
                 : (in.small & 15) == kRegister32 ? warp.at<const U32>(in.r[0])[l]
                                                  : 0;
    pending.to += static_cast<U64>(static_cast<S32>(in.immediate & 0xFFFFFFFF));
    pending.data.fill(std::byte{0});
    if ((from.mask >> l & 1) != 0)
      std::memcpy(pending.data.data(), reinterpret_cast<const void*>(from.address[l]), sizes[l]);
    note_copy(warp, in, l, pending.to, pending.bytes);
  });
  return Flow::kNext;
}

Flow commit(Warp& warp, const Decoded&, U32 mask) {
  each_lane(mask, [&](int l) { ++warp.copy_groups[static_cast<std::size_t>(l)]; });
  return Flow::kNext;
}

// in.immediate: how many of the newest groups may stay unfinished; -1: none, uncommitted copies included.
Flow wait(Warp& warp, const Decoded& in, U32 mask) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < warp.copies.size(); ++i) {
    const PendingCopy pending = warp.copies[i];
    const bool due = (mask >> pending.lane & 1) != 0 &&
                     (in.immediate < 0 || pending.group + static_cast<U64>(in.immediate) <
                                              warp.copy_groups[static_cast<std::size_t>(pending.lane)]);
    if (due)
      land(warp, pending, *pending.step);
    else
      warp.copies[kept++] = pending;
  }
  warp.copies.resize(kept);
  return Flow::kNext;
}

}  // namespace

void land_copies(Warp& warp, int lane, U64 before) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < warp.copies.size(); ++i) {
    const PendingCopy pending = warp.copies[i];
    if (pending.lane == lane && pending.number < before)
      land(warp, pending, *pending.step);
    else
      warp.copies[kept++] = pending;
  }
  warp.copies.resize(kept);
}

Handler select_copy(const Form& form, bool predicate) {
  if (form.has("commit_group")) return &commit;
  if (form.has("wait_group") || form.has("wait_all")) return &wait;
  return predicate ? &copy<true> : &copy<false>;
}

}  // namespace intarsia::ptx
