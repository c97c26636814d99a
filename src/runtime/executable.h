// An executable: a program loaded on a device, immutable, run by any number of threads at once.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/device.h"
#include "runtime/program.h"

namespace intarsia::runtime {

// What a function behind a Call step receives. Buffers are dense and row-major.
struct CallArgument {
  Argument::Kind kind{};
  Access access{};
  DType dtype{};
  std::string_view name;
  void* data = nullptr;  // kBuffer, on the device; kBytes
  std::int64_t bytes = 0;
  std::span<const std::int64_t> extents{};  // kBuffer
  std::uint64_t bits = 0;                   // kDim, kConstant, kScalar: of the dtype, zero-extended
};
struct CallRequest {
  const Step& step;
  const Call& call;
  std::span<const CallArgument> arguments;
  Device& device;
  Stream stream;
};
using CallFunction = std::function<void(const CallRequest&)>;

// Functions that Call steps name, by library ("host" for those of this process) and function.
class FunctionTable {
 public:
  void add(std::string library, std::string function, CallFunction body);
  const CallFunction* find(std::string_view library, std::string_view function) const;

 private:
  std::map<std::pair<std::string, std::string>, CallFunction, std::less<>> functions_;
};

struct ExecutableOptions {
  FunctionTable functions = {};
  std::map<std::string, DeviceTensor> weights = {};  // by buffer name
  std::string tuned_for = {};  // tuning records of this device count; empty: the device's target
};

class Executable {
 public:
  // Loads the code and runs `prepare`. UserError or Unsupported where the device cannot run the program.
  static std::shared_ptr<const Executable> make(Program program, Device& device,
                                                ExecutableOptions options = {});
  ~Executable();
  Executable(const Executable&) = delete;
  Executable& operator=(const Executable&) = delete;

  const Program& program() const;
  Device& device() const;
  std::size_t num_inputs() const;
  std::size_t num_outputs() const;

  // Inputs in the order of their ports, on this device; scalars by number, bits of their dtypes. UserError
  // names the input, what was given and what was wanted. The outputs are made from the device's pool and are
  // ready in the order of `stream`.
  std::vector<DeviceTensor> run(std::span<const DeviceTensor> inputs,
                                std::span<const std::uint64_t> scalars = {}, Stream stream = nullptr) const;
  // The same into `outputs`: one that has a storage is written where it is (its dtype and extents are
  // checked).
  void run_into(std::span<const DeviceTensor> inputs, std::span<DeviceTensor> outputs,
                std::span<const std::uint64_t> scalars = {}, Stream stream = nullptr) const;

 private:
  struct State;
  explicit Executable(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace intarsia::runtime
