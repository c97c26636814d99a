#include "runtime/pool.h"

#include <sys/mman.h>

#include <bit>
#include <cstdlib>

namespace intarsia::runtime {
namespace {
constexpr std::size_t kHugePage = std::size_t{2} << 20;

void* from_system(std::size_t bytes) {
  if (bytes < 2 * kHugePage) return std::aligned_alloc(64, bytes);
  void* memory = std::aligned_alloc(kHugePage, (bytes + kHugePage - 1) / kHugePage * kHugePage);
  // A hint: a big block that is touched for the first time costs one fault per 2 MiB instead of one per 4
  // KiB.
  if (memory) madvise(memory, bytes, MADV_HUGEPAGE);
  return memory;
}
}  // namespace

std::size_t SizeClass::index(std::size_t bytes) {
  if (bytes <= kSmallest) return 0;
  const std::size_t top = std::bit_width(bytes - 1) - 1;  // bytes lie in (2^top, 2^(top + 1)]
  const std::size_t quarter = ((bytes - 1) >> (top - 2)) & 3;
  return (top - 6) * 4 + quarter + 1;
}

std::size_t SizeClass::bytes(std::size_t index) {
  if (index == 0) return kSmallest;
  const std::size_t top = (index - 1) / 4 + 6, quarter = (index - 1) % 4;
  return (std::size_t{1} << top) + (quarter + 1) * (std::size_t{1} << (top - 2));
}

void* Pool::allocate(std::size_t bytes) {
  const std::size_t at = SizeClass::index(bytes);
  if (at >= SizeClass::kCount) return nullptr;
  Shelf& shelf = shelves_[at];
  const std::uint32_t start = shelf.last.load(std::memory_order_relaxed);
  for (std::uint32_t i = 0; i < kPlaces; ++i) {
    std::atomic<void*>& place = shelf.places[(start - i) % kPlaces];
    if (!place.load(std::memory_order_relaxed)) continue;
    if (void* memory = place.exchange(nullptr, std::memory_order_acquire)) {
      kept_.fetch_sub(static_cast<std::int64_t>(SizeClass::bytes(at)), std::memory_order_relaxed);
      return memory;
    }
  }
  // The alignment of aligned_alloc divides its size: classes above 256 bytes are multiples of 64, the rest is
  // rounded.
  return from_system((SizeClass::bytes(at) + 63) / 64 * 64);
}

void Pool::free(void* memory, std::size_t bytes) noexcept {
  if (!memory) return;
  const std::size_t at = SizeClass::index(bytes);
  const auto size = static_cast<std::int64_t>(SizeClass::bytes(at));
  if (kept_.load(std::memory_order_relaxed) + size <= limit_) {
    Shelf& shelf = shelves_[at];
    const std::uint32_t start = shelf.last.load(std::memory_order_relaxed) + 1;
    for (std::uint32_t i = 0; i < kPlaces; ++i) {
      void* empty = nullptr;
      const std::uint32_t place = (start + i) % kPlaces;
      if (!shelf.places[place].compare_exchange_strong(empty, memory, std::memory_order_release,
                                                       std::memory_order_relaxed))
        continue;
      shelf.last.store(place, std::memory_order_relaxed);
      kept_.fetch_add(size, std::memory_order_relaxed);
      return;
    }
  }
  std::free(memory);
}

void Pool::trim() noexcept {
  for (std::size_t at = 0; at < SizeClass::kCount; ++at)
    for (std::atomic<void*>& place : shelves_[at].places) {
      void* memory = place.exchange(nullptr, std::memory_order_acquire);
      if (!memory) continue;
      kept_.fetch_sub(static_cast<std::int64_t>(SizeClass::bytes(at)), std::memory_order_relaxed);
      std::free(memory);
    }
}

}  // namespace intarsia::runtime
