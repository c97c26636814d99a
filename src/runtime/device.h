// A device: allocate, copy, stream, event, load code, launch.
//
// Everything a device does is ordered by streams; a call returns when the work is queued. A CPU does it
// before it returns, so its only stream is null and its events are null: "has happened". Faults that a device
// learns of later are thrown by the call that learns of them, `synchronize` at the latest.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/program.h"
#include "runtime/storage.h"

namespace intarsia::runtime {

class Event {
 public:
  virtual ~Event() = default;
};

class LoadedCode {
 public:
  virtual ~LoadedCode() = default;
};
using LoadedCodeRef = std::shared_ptr<const LoadedCode>;

struct Limits {
  std::array<std::int64_t, 3> grid{}, block{};
  std::int64_t threads = 0;       // of a block
  std::int64_t shared_bytes = 0;  // of a block, opted in
  std::int32_t ptx_version = 0;   // newest PTX ISA its driver knows: 84 is 8.4; 0: not known
};

struct Geometry {
  std::array<std::int64_t, 3> grid{1, 1, 1}, block{1, 1, 1}, cluster{1, 1, 1};
  std::int64_t shared_bytes = 0;  // dynamic
  std::uint32_t flags = 0;        // Launch::flags
};

struct BufferUse {  // memory that a launch may touch
  void* address = nullptr;
  std::int64_t bytes = 0;
  Access access = Access::kRead;
};

// Its grid is not empty and lies within the device's limits.
struct LaunchRequest {
  const LoadedCode& code;
  std::string_view name;  // of the step, for errors
  const Geometry& geometry;
  std::span<std::uint64_t> places;  // one per argument, zero-extended; then three free ones
  std::span<const std::uint32_t>
      sizes;  // bytes of each argument; above 8 its place holds the address of the bytes
  std::span<const BufferUse> buffers;
};

class Device {
 public:
  enum class Kind : std::uint8_t { kCpu, kCuda };

  virtual ~Device() = default;
  Kind kind() const { return kind_; }
  int ordinal() const { return ordinal_; }
  const std::string& name() const { return name_; }      // "cpu", "cuda:0"
  const std::string& target() const { return target_; }  // what code must be made for: "x86-64-v3", "sm_90"
  const Limits& limits() const { return limits_; }

  // At least `bytes` bytes aligned to 64; 0 bytes give a valid address too. UserError where there is no
  // memory left.
  virtual void* allocate(std::size_t bytes, Stream stream) = 0;
  virtual void free(void* memory, std::size_t bytes,
                    Stream stream) noexcept = 0;  // when the stream gets there

  // Between this device, the host and its peers; addresses say which. `from` may be reused once it returns if
  // it is pageable host memory; the result in host memory counts after `synchronize`.
  virtual void copy(void* to, const void* from, std::size_t bytes, Stream stream) = 0;
  virtual void copy_rows(void* to, std::int64_t to_pitch, const void* from, std::int64_t from_pitch,
                         std::int64_t bytes, std::int64_t rows, Stream stream) = 0;
  virtual void memset(void* to, std::uint32_t pattern, int width, std::size_t bytes, Stream stream) = 0;

  virtual std::shared_ptr<Event> record(Stream stream) = 0;
  virtual void wait(Stream stream,
                    const Event& event) = 0;  // what is queued on `stream` after this runs after the event
  virtual void synchronize(Stream stream) = 0;

  // One per code of the program, from the best image this device can load. UserError or Unsupported say, for
  // a code that a step needs, which images there are and why none fits.
  virtual std::vector<LoadedCodeRef> load(const Program& program) = 0;
  virtual void launch(const LaunchRequest& request, Stream stream) = 0;

 protected:
  Device(Kind kind, int ordinal, std::string name, std::string target, Limits limits)
      : kind_(kind), ordinal_(ordinal), name_(std::move(name)), target_(std::move(target)), limits_(limits) {}
  // For what a device learns about itself while it is made.
  void describe(std::string target, const Limits& limits) { target_ = std::move(target), limits_ = limits; }

 private:
  Kind kind_;
  int ordinal_;
  std::string name_, target_;
  Limits limits_;
};

}  // namespace intarsia::runtime
