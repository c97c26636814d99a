// Running the warps of a block in turns.
#include <fmt/format.h>

#include "ptx/bulk.h"
#include "ptx/trace.h"

namespace intarsia::ptx {
namespace {

constexpr std::int64_t kQuantum = 4096;  // jumps of a warp before another gets its turn
constexpr std::int32_t kHeld = 64;       // basic blocks that lanes left behind run when it is their turn

void fail_hang(Block& block) {
  for (const auto& warp : block.warps) {
    if (warp->live == 0) continue;
    report(*warp, *warp->pc, Report::Kind::kHang, warp->live,
           fmt::format("the block has not ended after {} warp instructions", block.steps));
    break;
  }
  block.worker->stop = true;
}

std::string where(const Warp& warp, const Fragment& f) {
  const Code& code = *f.frame->code;
  const auto step = static_cast<std::size_t>(f.pc - code.steps.data());
  const Instruction& in = code.function->body[static_cast<std::size_t>(code.instruction[step])];
  std::string what = f.wait == Wait::kBarrier ? fmt::format("at barrier {}", f.barrier)
                     : f.wait == Wait::kRetry ? "polling"
                                              : "for other lanes";
  return fmt::format("warp {} lanes {:#010x} {} in line {}", warp.index, f.lanes, what, in.place.line);
}

}  // namespace

// Nobody can run: says who waits where.
void report_deadlock(Block& block) {
  std::string picture;
  Warp* first = nullptr;
  Fragment at;
  const auto add = [&](Warp& warp, const Fragment& fragment) {
    if (first == nullptr) {
      first = &warp;
      at = fragment;
    }
    picture += (picture.empty() ? "" : "; ") + where(warp, fragment);
  };
  for (const auto& warp : block.warps) {
    if (warp->lanes != 0) {  // it stopped after a wait that failed
      const Decoded* polled =
          warp->pc->flags & kLeader && warp->pc != warp->frame->code->steps.data() ? warp->pc - 1 : warp->pc;
      add(*warp, {polled, warp->frame, warp->lanes, Wait::kRetry, 0, 0});
    }
    for (int i = 0; i < warp->parked; ++i) add(*warp, warp->fragments[static_cast<std::size_t>(i)]);
  }
  if (first == nullptr) return;
  load_fragment(*first, at);
  report(*first, *at.pc, Report::Kind::kDeadlock, at.lanes, "no thread of the block can go on: " + picture);
}

namespace {

struct Untraced {
  static constexpr bool kEvery = false;  // steps no block changes are left out
  explicit Untraced(Warp&) {}
  void before(const Decoded&, U32) {}
  void after(const Decoded&) {}
};

template <class Notes>
void run_steps(Warp& warp) {
  Notes notes(warp);
  std::int64_t steps = 0;
  for (;;) {
    const Decoded& in = *warp.pc;
    U32 mask = warp.lanes;
    if (in.flags != 0) {
      if ((in.flags & kLeader) != 0 && warp.parked != 0 && !warp.forced &&
          (warp.held == 0 || --warp.held == 0)) {
        const Decoded* here = warp.pc;
        next_fragment(warp, false);
        if (warp.pc != here || warp.lanes != mask) continue;
      }
      if ((in.flags & kGuarded) != 0)
        mask &= *warp.at<U32>(in.guard) ^ ((in.flags & kGuardNegated) != 0 ? kAll : 0);
      if ((in.flags & kInexact) != 0 && mask != 0) warp.block->worker->inexact[in.inexact] = 1;
      if (mask == 0) {
        notes.before(in, 0);
        notes.after(in);
        warp.pc += Notes::kEvery ? 1 : in.skip;
        ++steps;
        continue;
      }
    }
    ++steps;
    notes.before(in, mask);
    const Flow flow = in.run(warp, in, mask);
    notes.after(in);
    switch (flow) {
      case Flow::kNext: warp.pc += Notes::kEvery ? 1 : in.skip; break;
      case Flow::kJump: break;
      case Flow::kStop: warp.block->steps += steps; return;
    }
  }
}

}  // namespace

void run_warp(Warp& warp) { warp.traced ? run_steps<Tracer>(warp) : run_steps<Untraced>(warp); }

// Runs until the block ended, has used up `budget` steps, or only polls.
Turn run_block(Block& block, std::int64_t budget) {
  constexpr std::int32_t kIdleTurns = 64;
  const std::int64_t limit = block.launch->config->max_steps, end = block.steps + budget;
  for (block.idle = 0; block.idle < kIdleTurns;) {
    bool ran = false, alive = false;
    block.progress = false;
    for (const auto& pointer : block.warps) {
      Warp& warp = *pointer;
      if (warp.live == 0) continue;
      alive = true;
      const bool expired = warp.quantum <= 0;
      if (expired) warp.quantum = kQuantum;
      warp.held = expired ? kHeld : 0;
      const bool alone = warp.lanes != 0 && warp.parked == 0;  // nobody to give the turn to
      if (!alone && (warp.lanes == 0 || expired) && !next_fragment(warp, expired)) continue;
      ran = true;
      warp.polled = false;
      run_warp(warp);
      if (!warp.polled) block.progress = true;
      if (block.worker->stop || block.launch->stop) return Turn::kEnded;
    }
    if (!alive) {
      if (!block.bulk.empty()) finish_copies(block);
      return Turn::kEnded;
    }
    if (!ran && !block.progress) return Turn::kIdle;
    block.idle = block.progress ? 0 : block.idle + 1;
    if (block.steps > limit) {
      fail_hang(block);
      return Turn::kEnded;
    }
    if (block.steps > end) return Turn::kOver;
  }
  return Turn::kIdle;
}

}  // namespace intarsia::ptx
