// Instructions that change no value: fences (the host's memory is coherent; the race check notes them),
// prefetches, cache policies, register budgets, waits for earlier grids.
#include "ptx/lanes.h"
#include "ptx/select.h"

namespace intarsia::ptx {
namespace {

Flow nothing(Warp&, const Decoded&, U32) { return Flow::kNext; }

Flow fence(Warp& warp, const Decoded&, U32) {
  fence_order(warp);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  return Flow::kNext;
}

Flow proxy_fence(Warp& warp, const Decoded& in, U32 mask) {
  fence_async(warp);
  return fence(warp, in, mask);
}

// Gives the other warps a turn.
Flow nanosleep(Warp& warp, const Decoded& in, U32) {
  warp.pc = &in + 1;
  return Flow::kStop;
}

Flow policy(Warp& warp, const Decoded& in, U32 mask) {
  each_lane(mask, [&](int l) { warp.at<U64>(in.r[0])[l] = 0; });
  return Flow::kNext;
}

}  // namespace

Handler select_hint(const Form& form) {
  const std::string_view op = form.row->opcode;
  if (op == "fence" && (form.has("async::generic") || (form.has("async") && !form.has("global"))))
    return &proxy_fence;
  if (op == "membar" || op == "fence") return &fence;
  if (op == "nanosleep") return &nanosleep;
  return op == "createpolicy" ? &policy : &nothing;
}

}  // namespace intarsia::ptx
