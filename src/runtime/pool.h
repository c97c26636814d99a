// Memory that was freed, kept by size class for the next call: a fresh block costs more than the work that
// fills it.
#pragma once
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace intarsia::runtime {

// Four classes per power of two: at most a quarter of a block is unused.
class SizeClass {
 public:
  static constexpr std::size_t kSmallest = 64;
  static constexpr std::size_t kCount = 4 * 42;
  static std::size_t index(std::size_t bytes);
  static std::size_t bytes(std::size_t index);
};

// A lock-free shelf per class. What does not fit on it goes back to the system.
class Pool {
 public:
  explicit Pool(std::size_t limit_bytes) : limit_(static_cast<std::int64_t>(limit_bytes)) {}
  ~Pool() { trim(); }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  void* allocate(std::size_t bytes);  // aligned to 64; null where there is no memory
  void free(void* memory, std::size_t bytes) noexcept;
  void trim() noexcept;  // gives everything kept back to the system
  std::size_t kept_bytes() const { return static_cast<std::size_t>(kept_.load(std::memory_order_relaxed)); }

 private:
  static constexpr std::size_t kPlaces = 16;
  struct alignas(64) Shelf {
    std::array<std::atomic<void*>, kPlaces> places{};
    std::atomic<std::uint32_t> last{0};  // where something was put last: a hint
  };
  std::array<Shelf, SizeClass::kCount> shelves_;
  std::atomic<std::int64_t> kept_{0};
  std::int64_t limit_;
};

}  // namespace intarsia::runtime
