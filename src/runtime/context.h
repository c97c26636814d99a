// What one run of an executable needs beside the shared program: solved dims, addresses, the arena. Internal.
#pragma once
#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <vector>

#include "runtime/executable.h"
#include "runtime/memory_plan.h"

namespace intarsia::runtime {

// An argument with every table look-up done.
struct PlacedArgument {
  Argument::Kind kind{};
  Access access{};
  DType dtype{};
  std::uint32_t bytes = 8;          // in the machine's argument list
  std::uint32_t buffer = 0;         // kBuffer
  std::uint32_t slot = UINT32_MAX;  // of `value` among the dims
  std::uint64_t constant = 0;
  const Argument* source = nullptr;
};

struct InputAxis {  // what an input's extent says
  enum class Rule : std::uint8_t { kSolve, kMatch } rule{};
  std::uint32_t symbol = 0;  // kSolve
  std::uint32_t dim = 0;     // kMatch: an index into Program::dims
};
struct InputPort {
  std::uint32_t buffer = 0;
  DType dtype{};
  std::vector<InputAxis> axes;
};

struct PreparedStep {
  const Step* step = nullptr;
  std::vector<PlacedArgument> arguments;         // Launch, Call; target of Memset; from, to of Copy; Wait
  std::vector<std::vector<PreparedStep>> lists;  // of Choose: by alternative; of While: condition, body
  std::vector<std::pair<std::uint32_t, std::uint32_t>> tuned;  // of Choose: (tuning record, alternative)
};
using PreparedSteps = std::vector<PreparedStep>;

// Immutable, made once from the program.
struct Prepared {
  Program program;
  Device* device = nullptr;
  FunctionTable functions;
  std::vector<LoadedCodeRef> codes;
  DimProgram dims;
  std::vector<DimProgram> uppers;  // of the reads, in the order of `read_symbols`
  std::vector<std::uint32_t> read_symbols;
  std::vector<std::uint32_t> scalar_symbols;
  std::vector<InputPort> inputs;
  std::vector<std::uint32_t> outputs;                         // buffer by port
  std::vector<std::uint32_t> temporaries;                     // buffers with a place in the arena
  std::vector<std::uint32_t> inside;                          // buffers inside others, owners first
  std::vector<std::pair<std::uint32_t, DeviceTensor>> fixed;  // constants, weights, derived
  PreparedSteps prepare, init, steps;

  std::int64_t value(DimId dim, std::span<const std::int64_t> slots) const {
    return dims.value(dim.index, slots);
  }
};

// One caller at a time. Solved dims and memory plans stay from call to call.
class Context {
 public:
  explicit Context(const Prepared& prepared);

  void call(std::span<const DeviceTensor> inputs, std::span<DeviceTensor> outputs,
            std::span<const std::uint64_t> scalars, Stream stream);
  void run(const PreparedSteps& steps);
  void release();  // what a finished call must not keep

 private:
  friend class StepRunner;
  void bind(std::span<const DeviceTensor> inputs, std::span<const std::uint64_t> scalars, Stream stream);
  bool same_extents(std::span<const DeviceTensor> inputs, std::span<const std::uint64_t> scalars) const;
  void solve(std::span<const DeviceTensor> inputs, std::span<const std::uint64_t> scalars);
  void set_symbol(std::uint32_t symbol, std::int64_t value, const std::string& who);
  void set_upper_bounds();
  void check_extents(std::span<const DeviceTensor> inputs) const;
  void check_requirements() const;
  void plan_memory();
  void make_outputs(std::span<DeviceTensor> outputs);
  void finish_outputs(std::span<DeviceTensor> outputs);
  Extents extents_of(const Buffer& buffer) const;
  void place_inside();
  void make_states();

  const Prepared& p_;
  std::vector<std::int64_t> slots_;
  std::vector<std::int64_t>
      extents_;  // of the last call's inputs, one after the other; then its scalars that are dims
  bool solved_ = false;
  std::vector<void*> addresses_;  // by buffer
  std::span<const std::uint64_t> scalars_;
  Stream stream_ = nullptr;
  std::map<std::vector<std::int64_t>, MemoryPlan> plans_;  // by the temporaries' sizes
  const MemoryPlan* plan_ = nullptr;
  StorageRef arena_;
  std::vector<DeviceTensor> states_;
  bool states_made_ = false;
  std::vector<std::uint64_t> places_;
  std::vector<std::uint32_t> sizes_;
  std::vector<BufferUse> uses_;
};

}  // namespace intarsia::runtime
