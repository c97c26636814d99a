// Lanes of a warp at different places: splitting, meeting, calling, leaving.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "ptx/lanes.h"

namespace intarsia::ptx {
namespace {

constexpr std::uint32_t kMaxDepth = 4096;

void park(Warp& warp, Wait wait) {
  if (warp.lanes == 0) return;
  warp.fragments[static_cast<std::size_t>(warp.parked++)] = {warp.pc, warp.frame, warp.lanes, wait,
                                                             warp.clock};
  warp.lanes = 0;
}

void push(Warp& warp, const Decoded* pc, Frame* frame, U32 lanes) {
  warp.fragments[static_cast<std::size_t>(warp.parked++)] = {pc, frame, lanes, Wait::kReady, warp.clock};
}

void merge(Warp& warp) {
  for (int i = 0; i < warp.parked; ++i) {
    Fragment& a = warp.fragments[static_cast<std::size_t>(i)];
    if (a.wait == Wait::kBarrier) continue;
    for (int j = i + 1; j < warp.parked;) {
      Fragment& b = warp.fragments[static_cast<std::size_t>(j)];
      if (b.pc != a.pc || b.frame != a.frame || b.wait == Wait::kBarrier) {
        ++j;
        continue;
      }
      a.lanes |= b.lanes;
      a.wait = Wait::kReady;
      b = warp.fragments[static_cast<std::size_t>(--warp.parked)];
    }
  }
}

// Deeper calls first, so that all lanes of a call are back before anyone goes on; then the order of the
// blocks.
bool before(const Fragment& a, const Fragment& b, bool rotate) {
  if (rotate && a.stamp != b.stamp) return a.stamp < b.stamp;
  if (a.frame->depth != b.frame->depth) return a.frame->depth > b.frame->depth;
  if (a.pc->order != b.pc->order) return a.pc->order < b.pc->order;
  return a.pc < b.pc;
}

int choose(const Warp& warp, bool rotate, Wait wait) {
  int best = -1;
  for (int i = 0; i < warp.parked; ++i) {
    const Fragment& f = warp.fragments[static_cast<std::size_t>(i)];
    if (f.wait == wait && (best < 0 || before(f, warp.fragments[static_cast<std::size_t>(best)], rotate)))
      best = i;
  }
  return best;
}

Frame& take_frame(Warp& warp, const Code& code) {
  Frame* found = nullptr;
  for (Frame& f : warp.frames)
    if (f.lanes == 0 && f.code == &code) found = &f;
  if (found == nullptr) {
    found = &warp.frames.emplace_back();
    found->code = &code;
    found->memory.resize(code.register_bytes + 64);
    const auto address = reinterpret_cast<std::uintptr_t>(found->memory.data());
    found->registers = found->memory.data() + ((64 - address % 64) % 64);
  }
  if (code.allocates) found->stack.fill(0);
  return *found;
}

// The entry's frame: it keeps what no block changes.
Frame& first_frame(Warp& warp, const Code& code) {
  const bool fresh = warp.frames.empty();
  Frame& frame = take_frame(warp, code);
  if (fresh) {
    std::memset(frame.registers, 0, code.register_bytes);
  } else {
    for (const auto& [offset, bytes] : code.cleared) std::memset(frame.registers + offset, 0, bytes);
  }
  return frame;
}

void enter(Warp& warp, Frame& frame) {
  warp.frame = &frame;
  warp.base[0] = frame.registers;
}

}  // namespace

void start_warp(Warp& warp) {
  const Code& code = *warp.block->launch->image->codes[0];
  const bool fresh = warp.frames.empty();
  for (Frame& f : warp.frames) f.lanes = 0;
  Frame& frame = first_frame(warp, code);
  frame.caller = nullptr;
  frame.depth = frame.local_base = 0;
  frame.lanes = warp.live;
  enter(warp, frame);
  if (fresh)
    for (const std::uint32_t step : code.invariant) code.steps[step].run(warp, code.steps[step], kAll);
  warp.pc = code.steps.data() + (warp.traced ? 0 : code.start);
  warp.lanes = warp.live;
  warp.parked = 0;
  warp.forced = false;
  warp.clock = 0;
  warp.copies.clear();
  warp.touched = false;
  const std::uint32_t local = warp.block->launch->image->lane_local_bytes;
  if (local != 0 && warp.local == nullptr)
    warp.local.reset(static_cast<std::byte*>(std::calloc(kLanes, local)));
}

void load_fragment(Warp& warp, const Fragment& fragment) {
  warp.pc = fragment.pc;
  warp.lanes = fragment.lanes;
  enter(warp, *fragment.frame);
}

bool next_fragment(Warp& warp, bool rotate) {
  ++warp.clock;
  if (warp.lanes == 0 && warp.parked == 1 && warp.fragments[0].wait == Wait::kReady) {
    warp.parked = 0;
    load_fragment(warp, warp.fragments[0]);
    return true;
  }
  park(warp, Wait::kReady);
  if (warp.parked == 0) return false;
  merge(warp);
  int best = choose(warp, rotate, Wait::kReady);
  if (best < 0) best = choose(warp, true, Wait::kRetry);
  if (best < 0) {
    best = choose(warp, false, Wait::kLanes);
    warp.forced = best >= 0;
  }
  if (best < 0) return false;
  const Fragment chosen = warp.fragments[static_cast<std::size_t>(best)];
  warp.fragments[static_cast<std::size_t>(best)] = warp.fragments[static_cast<std::size_t>(--warp.parked)];
  load_fragment(warp, chosen);
  return true;
}

Flow branch(Warp& warp, const Decoded& in, U32 taken, const Decoded* target) {
  const U32 rest = warp.lanes & ~taken;
  if (taken == 0) return Flow::kNext;
  if (rest == 0) {
    warp.pc = target;
  } else {
    push(warp, target, warp.frame, taken);
    warp.lanes = rest;
    warp.pc = &in + 1;
    next_fragment(warp, false);
  }
  return --warp.quantum > 0 ? Flow::kJump : Flow::kStop;
}

Flow leave(Warp& warp, const Decoded& in, U32 lanes) {
  warp.live &= ~lanes;
  warp.lanes &= ~lanes;
  for (Frame* f = warp.frame; f != nullptr; f = f->caller) f->lanes &= ~lanes;
  warp.block->progress = true;
  barrier_left(*warp.block);
  warp.pc = &in + 1;
  return warp.lanes != 0 ? Flow::kJump : Flow::kStop;
}

Flow call(Warp& warp, const Decoded& in, U32 lanes, const Code& callee) {
  const U32 rest = warp.lanes & ~lanes;
  const std::uint32_t taken = *std::max_element(warp.frame->stack.begin(), warp.frame->stack.end());
  const std::uint32_t local_base =
      (warp.frame->local_base + warp.frame->code->local_bytes + taken + 15) / 16 * 16;
  if (local_base + callee.local_bytes > warp.block->launch->image->lane_local_bytes ||
      warp.frame->depth >= kMaxDepth) {
    report(warp, in, Report::Kind::kStack, lanes,
           fmt::format("call {} deep needs more than the {} bytes of a thread's stack", warp.frame->depth + 1,
                       warp.block->launch->image->lane_local_bytes));
    warp.block->worker->stop = true;
    return leave(warp, in, lanes);
  }
  Frame& frame = take_frame(warp, callee);
  std::memset(frame.registers, 0, callee.register_bytes);
  frame.caller = warp.frame;
  frame.return_to = &in + 1;
  frame.depth = warp.frame->depth + 1;
  frame.local_base = local_base;
  frame.lanes = lanes;
  if (rest != 0) push(warp, &in + 1, warp.frame, rest);
  warp.lanes = lanes;
  enter(warp, frame);
  warp.pc = callee.steps.data() + callee.start;
  return Flow::kJump;
}

Flow give_back(Warp& warp, const Decoded& in, U32 lanes) {
  Frame& frame = *warp.frame;
  if (frame.caller == nullptr) return leave(warp, in, lanes);
  const U32 rest = warp.lanes & ~lanes;
  if (rest != 0) push(warp, &in + 1, &frame, rest);
  frame.lanes &= ~lanes;
  warp.lanes = lanes;
  warp.pc = frame.return_to;
  enter(warp, *frame.caller);
  if (warp.parked != 0) next_fragment(warp, false);
  return Flow::kJump;
}

bool wait_for_lanes(Warp& warp, U32 mask, U32 need, U32& missing) {
  missing = need & warp.live & ~mask;
  if (missing == 0 || warp.forced) {
    warp.forced = false;
    advance(warp);
    return false;
  }
  park(warp, Wait::kLanes);
  return true;
}

void park_at_barrier(Warp& warp, std::uint32_t barrier) {
  park(warp, Wait::kBarrier);
  warp.fragments[static_cast<std::size_t>(warp.parked) - 1].barrier = barrier;
}

}  // namespace intarsia::ptx
