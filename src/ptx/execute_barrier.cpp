// Barriers of a block: arrivals are counted by threads, a whole warp as 32.
#include <fmt/format.h>

#include "ptx/lanes.h"
#include "ptx/select.h"

namespace intarsia::ptx {
namespace {

enum class Kind : std::uint8_t { kSync, kArrive, kPopc, kAnd, kOr };

std::int32_t live_threads(const Block& block) {
  std::int32_t out = 0;
  for (const auto& warp : block.warps) out += std::popcount(warp->live);
  return out;
}

// What was before the arrivals is before what waiters do next.
void join(std::vector<U32>& to, const std::vector<U32>& from) {
  to.resize(std::max(to.size(), from.size()));
  for (std::size_t i = 0; i < from.size(); ++i) to[i] = std::max(to[i], from[i]);
}

void deliver(Warp& warp, const Fragment& fragment, const Barrier& barrier) {
  const Decoded& in = *fragment.pc;
  const auto kind = static_cast<Kind>(in.count);
  std::byte* registers = fragment.frame->registers;
  if (kind == Kind::kPopc) {
    auto* d = reinterpret_cast<U32*>(registers + in.r[0].value);
    each_lane(fragment.lanes, [&](int l) { d[l] = barrier.count; });
  } else if (kind == Kind::kAnd || kind == Kind::kOr) {
    auto* p = reinterpret_cast<U32*>(registers + in.r[0].value);
    const U32 value = kind == Kind::kAnd ? (barrier.all != 0 ? kAll : 0) : (barrier.any != 0 ? kAll : 0);
    *p = (*p & ~fragment.lanes) | (value & fragment.lanes);
  }
  if (!barrier.clock.empty()) join(warp.seen, barrier.clock);
}

void release(Block& block, std::uint32_t id) {
  Barrier& barrier = block.barriers[id];
  const bool all = block.shadowed && barrier.arrived == live_threads(block);
  for (const auto& warp : block.warps) {
    for (int i = 0; i < warp->parked; ++i) {
      Fragment& f = warp->fragments[static_cast<std::size_t>(i)];
      if (f.wait != Wait::kBarrier || f.barrier != id) continue;
      deliver(*warp, f, barrier);
      f.wait = Wait::kReady;
      ++f.pc;
    }
  }
  barrier.reset();
  if (all) advance_all(block);
  block.progress = true;
}

bool complete(const Block& block, const Barrier& barrier) {
  if (barrier.arrived == 0) return false;
  return barrier.arrived >= (barrier.expected == 0 ? live_threads(block) : barrier.expected);
}

// r: result where there is one, barrier, count (in.immediate bit 0: given), predicate.
struct Operands {
  std::size_t barrier, count, predicate;
  bool counted;
};
Operands operands_of(const Decoded& in) {
  const std::size_t first = static_cast<Kind>(in.count) >= Kind::kPopc ? 1 : 0;
  const bool counted = (in.immediate & 1) != 0;
  return {first, first + 1, first + (counted ? 2 : 1), counted};
}

bool check_barrier(Warp& warp, const Decoded& in, U32 mask, U32 id, U32 count) {
  if (id < 16 && count % kLanes == 0) return true;
  report(warp, in, Report::Kind::kDivergentBarrier, mask,
         id >= 16 ? fmt::format("barrier {}; a block has barriers 0 to 15", id)
                  : fmt::format("a barrier of {} threads; the number must be a multiple of 32", count));
  warp.block->worker->stop = true;
  return false;
}

Flow split_at_barrier(Warp& warp, const Decoded& in, U32 mask, U32 id) {
  const U32 rest = warp.lanes & ~mask;
  warp.lanes = mask;
  park_at_barrier(warp, id);
  warp.lanes = rest;
  warp.pc = &in + 1;
  if (complete(*warp.block, warp.block->barriers[id])) release(*warp.block, id);
  return Flow::kJump;
}

template <bool kAligned>
Flow barrier(Warp& warp, const Decoded& in, U32 mask) {
  U32 missing = 0;
  if (kAligned && wait_for_lanes(warp, mask, warp.live, missing)) return Flow::kStop;
  if (missing != 0 && warp.block->launch->config->checks.divergence)
    report(warp, in, Report::Kind::kDivergentBarrier, mask,
           fmt::format("barrier reached by part of the warp; lanes {:#010x} are elsewhere", missing));
  const Operands o = operands_of(in);
  const int lane = std::countr_zero(mask);
  const U32 id = warp.at<const U32>(in.r[o.barrier])[lane];
  const U32 count = o.counted ? warp.at<const U32>(in.r[o.count])[lane] : 0;
  if (!check_barrier(warp, in, mask, id, count)) return leave(warp, in, mask);
  const auto kind = static_cast<Kind>(in.count);
  Barrier& b = warp.block->barriers[id];
  if (b.arrived == 0) b.expected = static_cast<std::int32_t>(count);
  b.arrived += count != 0 && mask == warp.live ? kLanes : std::popcount(mask);
  if (warp.block->shadowed) {
    warp.touched = true;
    advance(warp);
    join(b.clock, warp.seen);
  }
  if (kind >= Kind::kPopc) {
    const U32 p = warp.predicate(in, static_cast<int>(o.predicate));
    b.count += static_cast<U32>(std::popcount(p & mask));
    if ((p & mask) != mask) b.all = 0;
    b.any |= p & mask;
  }
  if (kind == Kind::kArrive) {
    if (complete(*warp.block, b)) release(*warp.block, id);
    return Flow::kNext;
  }
  if (warp.lanes != mask) return split_at_barrier(warp, in, mask, id);
  park_at_barrier(warp, id);
  if (complete(*warp.block, b)) release(*warp.block, id);
  return Flow::kStop;
}

}  // namespace

void barrier_left(Block& block) {
  for (std::uint32_t id = 0; id < block.barriers.size(); ++id)
    if (block.barriers[id].expected == 0 && complete(block, block.barriers[id])) release(block, id);
}

Handler select_barrier(const Form& form) {
  if (form.has("warp")) return select_warp(form);
  return form.row->opcode == "bar" || form.has("aligned") ? &barrier<true> : &barrier<false>;
}

void configure_barrier(const Form& form, bool counted, Decoded& in) {
  Kind kind = Kind::kSync;
  if (form.has("arrive")) kind = Kind::kArrive;
  if (form.has("popc")) kind = Kind::kPopc;
  if (form.has("and")) kind = Kind::kAnd;
  if (form.has("or")) kind = Kind::kOr;
  in.count = static_cast<U8>(kind);
  in.immediate = counted;
}

}  // namespace intarsia::ptx
