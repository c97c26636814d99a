// Where temporaries stand in the arena: intervals of life packed by size.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace intarsia::runtime {

struct Lifetime {
  std::int64_t bytes = 0;
  std::int64_t align = 64;
  std::uint32_t first = 0, last = 0;  // steps, both included
};
struct MemoryPlan {
  std::int64_t bytes = 0;
  std::vector<std::int64_t> offsets;  // one per lifetime
};

// No two lifetimes that share a step share a byte.
MemoryPlan pack(std::span<const Lifetime> lifetimes);

}  // namespace intarsia::runtime
