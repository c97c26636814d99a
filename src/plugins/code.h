// What an implementation of a plugin returns: steps (launch, memset, copy, host function) over its tensors
// and temporaries.
#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "kernel/kernel.h"
#include "plugins/tensor.h"
#include "plugins/tensor_desc.h"

namespace intarsia::plugins {

// ---- the code of a launch
// ------------------------------------------------------------------------------------------

using KernelCode = std::shared_ptr<const kernel::Kernel>;  // compiled for every target; may fuse

// PTX, which is `kernel` printed for a target where it was made by our own compiler and nobody changed it.
struct PtxText {
  std::string text;
  KernelCode kernel = nullptr;
};

// CUDA C++, compiled by NVRTC when the program is built.
struct CudaSource {
  std::string text;
  std::string name = "plugin.cu";  // in the compiler's messages
  std::vector<std::string> include_paths = {};
  std::vector<std::string> defines = {};                          // "N=4"
  std::vector<std::string> options = {};                          // further flags, as NVRTC spells them
  std::vector<std::pair<std::string, std::string>> headers = {};  // name, text
};

struct Binary {
  std::string bytes;  // cubin or fatbin
};

using CodeForm = std::variant<KernelCode, PtxText, CudaSource, Binary>;

// A str or bytes as a plugin's author returned it: PTX, cubin, fatbin, or CUDA C++.
CodeForm code_of_text(std::string text);

// ---- the arguments of a launch
// ---------------------------------------------------------------------------------------

struct Scalar {  // typed and constant; `bits` as in memory, zero-extended
  DType dtype = DType::kI32;
  std::uint64_t bits = 0;
};
Scalar scalar_of(DType dtype, double value);
Scalar scalar_of(DType dtype, std::int64_t value);  // UserError: does not fit

struct SymInt {  // a Dim passed as an integer of this dtype
  Dim value;
  DType dtype = DType::kI32;
};

// What one parameter of a kernel is bound to. A plain Dim takes the integer type the parameter declares, a
// plain number its float type.
struct KernelArgument {
  // In order: a null pointer, a tensor's address, integers, numbers, a struct by value.
  using Value = std::variant<std::monostate, TensorDesc, Dim, SymInt, double, Scalar, std::string>;
  Value value;
  std::string name = {};  // for messages; tensors have their own

  KernelArgument() = default;
  KernelArgument(TensorDesc tensor)
      : value(std::move(tensor)) {}                      // NOLINT: an argument list reads as the launch does
  KernelArgument(Dim dim) : value(std::move(dim)) {}     // NOLINT
  KernelArgument(SymInt dim) : value(std::move(dim)) {}  // NOLINT
  KernelArgument(Scalar scalar) : value(scalar) {}       // NOLINT
  KernelArgument(int number) : value(Dim(number)) {}     // NOLINT
  KernelArgument(std::int64_t number) : value(Dim(number)) {}                        // NOLINT
  KernelArgument(double number) : value(number) {}                                   // NOLINT
  KernelArgument(bool flag) : value(scalar_of(DType::kBool, std::int64_t{flag})) {}  // NOLINT
  static KernelArgument bytes(std::string by_value);  // a struct, at most 4 KiB
  std::string str() const;
};

struct KernelLaunchParams {
  Dim grid_x = 1, grid_y = 1, grid_z = 1;
  Dim block_x = 1, block_y = 1, block_z = 1;
  Dim shared_mem = 0;  // dynamic, in bytes
  std::array<Dim, 3> cluster = {1, 1, 1};
  bool cooperative = false, programmatic_dependent = false;
};

// ---- steps
// -----------------------------------------------------------------------------------------------------------

struct LaunchStep {
  std::string entry;            // name of the kernel; of CUDA C++: a name expression, "add<float>"
  std::vector<CodeForm> codes;  // the first that suits the target
  KernelLaunchParams params;
  bool block_given = false;  // else a kernel's own; code of others needs it
  std::vector<KernelArgument> arguments = {};
  bool guide_order = false;  // arguments are only the extra ones: inputs go before, outputs after them
};
struct MemsetStep {
  TensorDesc target;
  std::uint32_t pattern = 0;  // repeated, in units of `width` bytes (1, 2 or 4)
  std::uint8_t width = 1;
};
struct CopyStep {
  TensorDesc from, to;
};
struct HostCall {  // what a function of this process gets
  std::vector<Tensor> inputs, outputs;
  std::uintptr_t stream = 0;
  std::int64_t tactic = 0;
};
struct HostStep {  // inputs and outputs are among the node's tensors and the temporaries
  std::string name;
  std::function<void(const HostCall&)> function;
  std::vector<TensorDesc> inputs, outputs;
};
using PluginStep = std::variant<LaunchStep, MemsetStep, CopyStep, HostStep>;

// A small program: what an implementation runs, with the temporaries it needs in between.
class Steps {
 public:
  // Memory that lives as long as the steps; as large as the extents at hand need.
  TensorDesc temporary(std::string name, DType dtype, Shape shape);
  TensorDesc workspace(const Dim& bytes) { return temporary("workspace", DType::kU8, {bytes}); }
  Steps& add(PluginStep step);
  Steps& memset(TensorDesc target, std::uint32_t pattern = 0, std::uint8_t width = 1) {
    return add(MemsetStep{std::move(target), pattern, width});
  }
  Steps& copy(TensorDesc from, TensorDesc to) { return add(CopyStep{std::move(from), std::move(to)}); }

  const std::vector<TensorDesc>& temporaries() const { return temporaries_; }
  const std::vector<PluginStep>& steps() const { return steps_; }

 private:
  std::vector<TensorDesc> temporaries_;
  std::vector<PluginStep> steps_;
};

// The guide's form: a kernel by name, its code, its geometry, and the arguments between inputs and outputs.
Steps aot_result(std::string name, CodeForm code, KernelLaunchParams params,
                 std::vector<KernelArgument> extra_args);

}  // namespace intarsia::plugins
