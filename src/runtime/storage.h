// Memory of a device, counted by reference, and the dense tensors that stand in it.
#pragma once
#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <utility>

#include "base/dtype.h"
#include "base/error.h"

namespace intarsia::runtime {

class Device;
class Event;
using Stream = void*;  // a device's own handle; null is its default stream, and the only one of a CPU

// Extents of a tensor in memory, held in place.
class Extents {
 public:
  static constexpr std::size_t kMaxRank = 8;
  Extents() = default;
  Extents(std::span<const std::int64_t> extents)
      : rank_(static_cast<std::uint8_t>(extents.size())) {  // NOLINT
    if (extents.size() > kMaxRank) throw UserError("a tensor has at most 8 dimensions");
    std::copy(extents.begin(), extents.end(), values_.begin());
  }
  Extents(std::initializer_list<std::int64_t> extents)
      : Extents(std::span<const std::int64_t>(extents.begin(), extents.size())) {}
  std::size_t size() const { return rank_; }
  const std::int64_t* begin() const { return values_.data(); }
  const std::int64_t* end() const { return values_.data() + rank_; }
  std::int64_t operator[](std::size_t i) const { return values_[i]; }
  std::int64_t numel() const;  // UserError where it exceeds 64 bits
  operator std::span<const std::int64_t>() const { return {begin(), end()}; }  // NOLINT
  bool operator==(const Extents& other) const {
    return std::equal(begin(), end(), other.begin(), other.end());
  }

 private:
  std::array<std::int64_t, kMaxRank> values_{};
  std::uint8_t rank_ = 0;
};

std::int64_t checked_bytes(DType dtype, std::int64_t count);  // sub-byte dtypes are packed

class StorageRef;

// One block of memory. Made by `allocate` (freed to the device it came from, in stream order) or by `wrap`
// (somebody else's, given back through a function). A device outlives its storages.
class Storage {
 public:
  using Release = void (*)(void* context) noexcept;
  static StorageRef allocate(Device& device, std::size_t bytes, Stream stream = nullptr);
  static StorageRef wrap(Device& device, void* data, std::size_t bytes, Release release, void* context);

  void* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }
  Device& device() const { return *device_; }
  bool is_shared() const { return references_.load(std::memory_order_acquire) > 1; }

  // What must have happened before the contents count, and where they were written. Null: nothing to wait
  // for.
  const std::shared_ptr<Event>& ready() const { return ready_; }
  Stream stream() const { return stream_; }
  void set_ready(std::shared_ptr<Event> event, Stream stream) { ready_ = std::move(event), stream_ = stream; }

 private:
  friend class StorageRef;
  Storage(Device& device, void* data, std::size_t bytes) : device_(&device), data_(data), bytes_(bytes) {}
  ~Storage();

  std::atomic<std::uint32_t> references_{1};
  Device* device_;
  void* data_;
  std::size_t bytes_;
  Release release_ = nullptr;
  void* context_ = nullptr;
  Stream stream_ = nullptr;
  std::shared_ptr<Event> ready_;
};

class StorageRef {
 public:
  StorageRef() = default;
  StorageRef(const StorageRef& other) noexcept : storage_(other.storage_) {
    if (storage_) storage_->references_.fetch_add(1, std::memory_order_relaxed);
  }
  StorageRef(StorageRef&& other) noexcept : storage_(std::exchange(other.storage_, nullptr)) {}
  StorageRef& operator=(StorageRef other) noexcept {
    std::swap(storage_, other.storage_);
    return *this;
  }
  ~StorageRef() {
    if (storage_ && storage_->references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete storage_;
  }
  explicit operator bool() const { return storage_ != nullptr; }
  Storage* operator->() const { return storage_; }
  Storage* get() const { return storage_; }

 private:
  friend class Storage;
  explicit StorageRef(Storage* storage) : storage_(storage) {}
  Storage* storage_ = nullptr;
};

// A dense row-major tensor: `data` lies inside `storage`.
struct DeviceTensor {
  StorageRef storage;
  void* data = nullptr;
  DType dtype{};
  Extents extents;

  static DeviceTensor make(Device& device, DType dtype, Extents extents, Stream stream = nullptr);
  std::int64_t bytes() const { return checked_bytes(dtype, extents.numel()); }
  explicit operator bool() const { return bool(storage); }
};

}  // namespace intarsia::runtime
