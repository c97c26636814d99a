#include "runtime/memory_plan.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"

namespace intarsia::runtime {
namespace {
struct Placed {
  std::int64_t begin, end;
  std::uint32_t first, last;
};

// The lowest place between those that are alive at the same time; `placed` is sorted by `begin`.
std::int64_t lowest(const std::vector<Placed>& placed, const Lifetime& life) {
  std::int64_t at = 0;
  for (const Placed& p : placed) {
    if (p.last < life.first || life.last < p.first) continue;
    if (at + life.bytes <= p.begin) break;
    at = std::max(at, (p.end + life.align - 1) / life.align * life.align);
  }
  return at;
}
}  // namespace

MemoryPlan pack(std::span<const Lifetime> lifetimes) {
  std::vector<std::uint32_t> order(lifetimes.size());
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(), [&](auto a, auto b) {
    return lifetimes[a].bytes != lifetimes[b].bytes ? lifetimes[a].bytes > lifetimes[b].bytes : a < b;
  });
  MemoryPlan plan;
  plan.offsets.resize(lifetimes.size());
  std::vector<Placed> placed;
  for (const std::uint32_t i : order) {
    const Lifetime& life = lifetimes[i];
    check(life.bytes >= 0 && life.bytes < INT64_MAX / 4, "a temporary has a size that fits");
    const std::int64_t at = lowest(placed, life);
    plan.offsets[i] = at;
    plan.bytes = std::max(plan.bytes, at + life.bytes);
    const Placed p{at, at + life.bytes, life.first, life.last};
    placed.insert(std::upper_bound(placed.begin(), placed.end(), p,
                                   [](const Placed& a, const Placed& b) { return a.begin < b.begin; }),
                  p);
  }
  return plan;
}

}  // namespace intarsia::runtime
