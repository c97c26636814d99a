// PTX as a program: an entry decoded once, launched over a grid on the CPU and checked while it runs.
//
// Addresses of global memory are addresses of the process: a pointer argument is the host pointer itself.
#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ptx/ptx.h"

namespace intarsia::ptx {

// Memory the kernel may touch. Bounds are checked only where the buffers are known (LaunchConfig::buffers).
struct Buffer {
  const void* data = nullptr;
  std::int64_t bytes = 0;
  bool writable = true;
  std::string name;         // for reports
  bool initialised = true;  // false: reads of what this launch did not write are reported
};

// One parameter's bytes, as many as the entry declares for it.
struct ArgumentValue {
  const void* data = nullptr;
  std::int64_t bytes = 0;
};

// The imitated device. Its limits are errors of the launch; its architecture picks the tensor-core rule.
struct Device {
  int architecture = 90;  // sm_90
  std::int32_t version_major = 9,
               version_minor =
                   9;  // the newest .version it reads; newer text is read while its opcodes are known
  std::int32_t threads_per_block = 1024;
  std::int64_t shared_bytes = 232448;  // per block, static and dynamic
  std::int32_t multiprocessors = 132;
  bool reject_newer_version = false;  // a newer .version is an error, as the device's driver has it
};

struct Checks {
  bool global_bounds = true;  // needs LaunchConfig::buffers
  bool shared_bounds = true;  // and local, parameter and constant memory
  bool alignment = true;
  bool uninitialised = true;         // reads of shared memory nothing wrote
  bool races = true;                 // shared memory, with nothing that orders the accesses
  bool divergence = true;            // a barrier reached by part of a warp
  bool members = true;               // lanes a membermask names and that do not come
  bool global_uninitialised = true;  // reads of what is not Buffer::initialised and nothing wrote
  bool global_races = true;          // global memory; docs/ptx-races.md states what orders two accesses
  bool copies = true;                // touching what an asynchronous copy writes before it was waited for
  static Checks none() { return {false, false, false, false, false, false, false, false, false, false}; }
};
// "all", "none", or names of check_names() joined by commas, a '-' before one taking it away ("all,-races").
// Throws UserError that lists the names.
Checks checks_named(std::string_view list);
std::vector<std::string_view> check_names();

// What is known of an architecture: 90, or 80, … UserError lists those there are.
Device device_of(int architecture);

// Which warp of which block to write down, instruction by instruction.
struct TraceRequest {
  std::array<std::uint32_t, 3> block{};
  std::int32_t warp = 0;
  std::size_t most = 100000;  // instructions; later ones are left out
};

// Runs body(0) … body(count - 1), in any order, perhaps at once.
using ParallelFor = std::function<void(std::int64_t count, const std::function<void(std::int64_t)>& body)>;

struct LaunchConfig {
  std::array<std::uint32_t, 3> grid = {1, 1, 1}, block = {1, 1, 1}, cluster = {1, 1, 1};
  std::int64_t shared_bytes = 0;  // dynamic
  Device device = {};
  Checks checks = {};
  std::optional<std::span<const Buffer>> buffers = std::nullopt;
  bool contraction = true;  // as ptxas fuses by default: fusable pairs are recorded as inexact
  bool exact_tensor_cores =
      true;  // false: products of tensor cores are summed in f32, and recorded as inexact
  ParallelFor parallel_for = {};  // none: blocks run one after another
  std::optional<TraceRequest> trace = std::nullopt;
  bool chains = true;  // a whole warp goes through runs of instructions as one: faster, nothing else differs
  std::int64_t max_steps = std::int64_t{1} << 36;  // warp instructions of one block before it counts as hung
};

// One finding; the first thread that met it, and how many did.
struct Report {
  enum class Kind : std::uint8_t {
    kGlobalBounds,
    kReadOnly,
    kSharedBounds,
    kLocalBounds,
    kAlignment,
    kUninitialised,
    kRace,
    kDivergentBarrier,
    kMembers,
    kDeadlock,
    kTrap,
    kAssert,
    kStack,
    kHang,
    kAddress,
    kAsync,
    kUnsupported
  };
  Kind kind = Kind::kTrap;
  std::string kernel;
  std::array<std::uint32_t, 3> block{}, thread{};
  std::int32_t line = 0;    // of the PTX text
  std::string instruction;  // that line
  std::string source;       // from .loc: "file.py:10:32"
  std::string what;
  std::int64_t count = 0;    // threads that met it
  std::string text() const;  // all of it, for people
};
std::string_view name(Report::Kind kind);

// A register of a traced instruction: what was read, or what was written.
struct TraceValue {
  std::string name;
  Type type = Type::kNone;  // as the instruction sees it
  bool written = false;
  std::array<std::uint64_t, 32> bits{};  // by lane; of 128-bit registers the lower half
};
// One instruction a traced warp executed.
struct TraceStep {
  std::int32_t line = 0;
  std::string instruction;  // that line
  std::string opcode;       // with its modifiers: a line may hold several
  std::string source;       // from .loc
  std::uint32_t lanes = 0;  // that executed it; none where its guard was false everywhere
  std::vector<TraceValue> values;
  std::string text() const;  // for people: one line, and one for each register
};

struct LaunchResult {
  std::vector<Report> reports;  // by kind and place, in the text's order
  std::vector<std::string>
      inexact;             // executed forms whose result a GPU may round otherwise; empty: bits must agree
  std::string printed;     // what printf wrote, block by block
  std::int64_t steps = 0;  // warp instructions executed
  std::vector<TraceStep> trace;  // of LaunchConfig::trace
  void require_clean() const;    // throws UserError with every report's text if there is one
};

struct Image;  // the decoded program

// An entry ready to run, with the module's global variables (they keep their values from launch to launch).
// Threads may run one program at once.
class Program {
 public:
  // Throws UserError where an instruction is not in the opcode table. `entry` "" is the module's only one.
  Program(Module module, std::string_view entry);
  // The same, sharing the memory of module variables with a program of the same module. (Variables that hold
  // addresses are its own.)
  Program(Module module, std::string_view entry, const Program& sibling);
  const Module& module() const;
  const Entry& entry() const;
  const Image& image() const { return *image_; }
  std::int64_t static_shared_bytes() const;
  std::int64_t local_bytes() const;  // of local memory, per thread; 64 KiB of stack where it calls functions
  void* variable(
      std::string_view name) const;  // storage of a .global or .const variable; null if there is none

 private:
  std::shared_ptr<Image> image_;
};

// Why no launch of the program can succeed on the device, one sentence each: its target, its shared memory,
// its block. Empty: nothing stands against it.
std::vector<std::string> unfit(const Program& program, const Device& device);

// Throws UserError for what the launch itself gets wrong (arguments, limits of the device). What the kernel
// does wrong is reported.
LaunchResult run(const Program& program, const LaunchConfig& config,
                 std::span<const ArgumentValue> arguments);

}  // namespace intarsia::ptx
