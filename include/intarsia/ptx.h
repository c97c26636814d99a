// PTX without a GPU: any module loaded, its kernels launched on the CPU and checked while they run.
//
//   namespace ptx = intarsia::ptx;
//   const ptx::LoadedModule module = ptx::load_file("scale.ptx");
//   std::vector<float> x(1000, 1.0f);
//   ptx::LaunchResult result = module["scale"].launch({.grid = {4, 1, 1}, .block = {256, 1, 1}}, {x, 1000});
//   result.require_clean();  // throws what the checks found
//
// Guide: docs/ptx.md. Everything throws UserError for what the caller got wrong, with the line of the PTX.
#pragma once
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "ptx/launch.h"
#include "ptx/tensor_map.h"

namespace intarsia::ptx {

// What a parameter gets: memory, which the kernel works on in place, or a value of exactly its size.
class Argument {
 public:
  // Memory; const elements may only be read.
  template <class T, std::size_t N>
    requires std::is_trivially_copyable_v<T>
  Argument(std::span<T, N> memory)  // NOLINT: arguments convert
      : memory_(memory.data()),
        memory_bytes_(static_cast<std::int64_t>(memory.size_bytes())),
        writable_(!std::is_const_v<T>),
        is_memory_(true) {}
  template <class T>
    requires std::is_trivially_copyable_v<T>
  Argument(std::vector<T>& memory) : Argument(std::span<T>(memory)) {}  // NOLINT
  template <class T>
    requires std::is_trivially_copyable_v<T>
  Argument(const std::vector<T>& memory) : Argument(std::span<const T>(memory)) {}  // NOLINT
  // A value: float for .f32 (and .b32), std::int64_t for .u64, a struct for an array of bytes.
  template <class T>
    requires(std::is_trivially_copyable_v<T> && !std::is_pointer_v<T> && !std::is_null_pointer_v<T> &&
             !std::is_same_v<T, Argument>)
  Argument(const T& value)  // NOLINT
      : value_(reinterpret_cast<const std::byte*>(&value),
               reinterpret_cast<const std::byte*>(&value) + sizeof value) {}
  Argument(std::nullptr_t) : is_memory_(true) {}  // NOLINT
  static Argument memory(const void* data, std::int64_t bytes, bool writable, bool initialised = true);
  static Argument bytes(std::span<const std::byte> value);
  // Memory nothing has written yet: a kernel that reads it before it writes it is reported.
  template <class T, std::size_t N>
  static Argument uninitialised(std::span<T, N> memory) {
    return Argument::memory(memory.data(), static_cast<std::int64_t>(memory.size_bytes()), true, false);
  }

  // A tensor map by value (.param .align 64 .b8 map[128]) over memory of that many bytes.
  static Argument tensor_map(const TensorMapSpec& spec, std::int64_t bytes, bool writable);

  bool is_memory() const { return is_memory_; }
  bool has_buffer() const { return is_memory_ || memory_ != nullptr; }
  const void* data() const { return is_memory_ ? static_cast<const void*>(&memory_) : value_.data(); }
  std::int64_t size() const { return is_memory_ ? 8 : static_cast<std::int64_t>(value_.size()); }
  Buffer buffer(std::string name) const {
    return {memory_, memory_bytes_, writable_, std::move(name), initialised_};
  }

 private:
  const void* memory_ = nullptr;
  std::int64_t memory_bytes_ = 0;
  bool writable_ = true, is_memory_ = false, initialised_ = true;
  std::vector<std::byte> value_;
};

// An entry, decoded once. Copies share it; threads may launch it at once.
class Kernel {
 public:
  explicit Kernel(Program program) : program_(std::move(program)) {}
  const std::string& name() const { return program_.entry().name; }
  std::vector<Parameter> parameters() const { return parameter_list(program_.entry()); }
  const Program& program() const { return program_; }

  // Blocks run over the host's threads unless config.parallel_for says otherwise; config.buffers are the
  // arguments' memory unless given. What the kernel does wrong stands in the result.
  LaunchResult launch(LaunchConfig config, std::span<const Argument> arguments) const;
  LaunchResult launch(LaunchConfig config, std::initializer_list<Argument> arguments) const {
    return launch(std::move(config), std::span(arguments.begin(), arguments.size()));
  }

 private:
  Program program_;
};

// The kernels of a text or a fatbin. Its variables keep their values from launch to launch.
class LoadedModule {
 public:
  std::vector<std::string> entries() const;
  // UserError lists the entries there are, or says what of this one cannot be run. "" is the only entry.
  Kernel operator[](std::string_view entry) const;
  const std::vector<Module>& modules() const;  // one, unless a fatbin holds several for one architecture
  int architecture() const;                    // it was loaded for: {.device = device_of(…)} of launches

  struct State;
  explicit LoadedModule(std::shared_ptr<State> state) : state_(std::move(state)) {}

 private:
  std::shared_ptr<State> state_;
};

struct LoadOptions {
  std::string source = "PTX";  // what messages call the text
  int architecture = 90;       // of a fatbin's texts, the newest this one runs
};
// Text, or a fatbin that holds PTX (also compressed, also inside an object file).
LoadedModule load(std::string_view bytes, const LoadOptions& options = {});
LoadedModule load_file(const std::string& path, int architecture = 90);

}  // namespace intarsia::ptx
