// What orders the accesses of a launch: meetings of lanes and warps, fences, and strong accesses between
// blocks.
#include <algorithm>

#include "ptx/memory.h"

namespace intarsia::ptx {
namespace {

constexpr U32 kRenew = kMostStamps - 64;  // times start again before they meet the stamp of pending copies

void join(std::vector<U32>& to, const std::vector<U32>& from) {
  to.resize(std::max(to.size(), from.size()));
  for (std::size_t i = 0; i < from.size(); ++i) to[i] = std::max(to[i], from[i]);
}

// All that was noted becomes old, and the warps' times small.
void renew(Block& block) {
  Shadow& s = block.shadow;
  for (U64 i = 0; i < s.cells(); ++i) {
    if (s.write[i] != 0 && s.write[i] >> kStampShift != kMostStamps) s.write[i] = kLongAgo;
    s.read[i] = s.other[i] = 0;
  }
  for (const auto& warp : block.warps) std::fill(warp->seen.begin(), warp->seen.end(), 2);
  for (Barrier& barrier : block.barriers) std::fill(barrier.clock.begin(), barrier.clock.end(), 0);
  for (auto& [address, clock] : block.barrier_clocks) std::fill(clock.begin(), clock.end(), 0);
  std::fill(block.async_fenced.begin(), block.async_fenced.end(), 0);
  block.order.segments.clear();
  if (block.launch->shadow != nullptr) block.order.first_segment = block.launch->shadow->next_segment;
}

// A node for what the block would publish now; null where a relaxed write follows no fence.
void publish(Warp& warp, U64 address, bool releases) {
  Block& block = *warp.block;
  GlobalShadow& global = *block.launch->shadow;
  if (!releases && block.order.fenced.empty()) return;
  const std::lock_guard lock(global.mutex);
  SyncNode& node = global.nodes.emplace_back();
  node.block = block.linear;
  node.seen = releases ? warp.seen : block.order.fenced;
  if (releases) ++node.seen[static_cast<std::size_t>(warp.index)];
  for (const auto& [place, known] : block.order.known)
    if (place != address) node.before.push_back(known);
  const SyncNode*& flag = global.flags[address];
  if (flag != nullptr) node.before.push_back(flag);
  flag = &node;
  global.published = true;
}

void acquire(Warp& warp, U64 address) {
  Block& block = *warp.block;
  GlobalShadow& global = *block.launch->shadow;
  const SyncNode* node = nullptr;
  {
    const std::lock_guard lock(global.mutex);
    const auto found = global.flags.find(address);
    if (found == global.flags.end()) return;
    node = found->second;
  }
  for (auto& [place, known] : block.order.known)
    if (place == address) {
      block.order.stale |= known != node;
      known = node;
      return;
    }
  block.order.known.emplace_back(address, node);
  block.order.stale = true;
}

}  // namespace

void advance(Warp& warp) {
  if (!warp.touched) return;
  warp.touched = false;
  if (++warp.seen[static_cast<std::size_t>(warp.index)] >= kRenew) renew(*warp.block);
}

void advance_all(Block& block) {
  U32 latest = 0;
  for (const auto& warp : block.warps)
    latest = std::max(latest, *std::max_element(warp->seen.begin(), warp->seen.end()));
  for (const auto& warp : block.warps) {
    std::fill(warp->seen.begin(), warp->seen.end(), latest);
    warp->touched = false;
  }
  if (latest >= kRenew) renew(block);
}

void fence_order(Warp& warp) {
  if (warp.block->launch->shadow == nullptr) return;
  advance(warp);
  join(warp.block->order.fenced, warp.seen);
}

void strong_order(Warp& warp, const Access& access, U32 stored, bool releases) {
  GlobalShadow* global = warp.block->launch->shadow.get();
  if (global == nullptr || access.mask == 0) return;
  const bool publishes = stored != 0 && (releases || !warp.block->order.fenced.empty());
  if (!publishes && !global->published) return;
  U64 read = 0, written = 0;
  each_lane(access.mask, [&](int l) {
    const U64 address = access.address[l];
    if (access.reads && address != read) acquire(warp, read = address);
    if (publishes && (stored >> l & 1) != 0 && address != written) publish(warp, written = address, releases);
  });
  if (publishes && releases) {
    warp.touched = true;
    advance(warp);
  }
}

}  // namespace intarsia::ptx
