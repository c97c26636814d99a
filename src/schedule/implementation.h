// An implementation is how to run an operator on a kind of machine: it builds a kernel, which may be fused,
// or steps. Built-ins and plugins stand in one table and are chosen by one rule.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/attribute.h"
#include "kernel/capabilities.h"
#include "kernel/element.h"
#include "kernel/kernel.h"
#include "ops/op_def.h"
#include "runtime/program.h"

namespace intarsia::schedule {

// ---- the question
// ----------------------------------------------------------------------------------------------------

// One node of a group. nodes[0] is the anchor, the rest are neighbours it may absorb, in execution order.
struct QueryNode {
  const ops::OpDef* op;
  const Attributes* attributes;
  std::span<const ops::TensorType> inputs, outputs;
  std::span<const std::int32_t>
      sources;  // per input: node of this group it comes from, or -1 - (input of the group)
};

struct Options {
  bool deterministic = false;  // reductions keep one order whatever wins
  bool tf32 = false;           // f32 matrix products may round their operands to tf32
  bool fast_math = false;      // approximate division and functions
  bool keep_tactics = false;   // every tactic and implementation becomes an alternative, for the tuner
  bool ahead_of_time = true;   // refuse implementations that no engine file can hold
  std::string target = {};     // for code that is made outside ("sm_90a")
};

struct Query {
  std::span<const QueryNode> nodes;
  std::span<const ops::TensorType> inputs, outputs;  // of the group; extents are in the graph's symbols
  const kernel::Capabilities& machine;
  std::string_view target;  // for code that is made outside ("sm_90a"); built-ins must not look at it
  Options options;
  std::span<const std::int64_t> tile =
      {};  // block shape asked of a pointwise kernel; empty: the implementation's choice

  const QueryNode& node() const { return nodes[0]; }
};

// ---- the answer
// ------------------------------------------------------------------------------------------------------

// Yes, or why not, in words that intarsia inspect shows.
struct Answer {
  std::string reason;        // empty: applies ...
  Guard guard = {};          // ... where this holds at the call ...
  std::size_t absorbed = 0;  // ... taking this many neighbours of the group along (a library's epilogue)
  static Answer yes() { return {}; }
  static Answer no(std::string why) { return {std::move(why), {}, 0}; }
  explicit operator bool() const { return reason.empty(); }
};

// A choice among equals, as plain values: written into tuning records and engine files, replayed from them.
struct Tactic {
  std::int64_t id = 0;               // what a plugin's author numbered; 0 is the default
  std::vector<std::int64_t> values;  // tile, stages, cluster ... in the implementation's own order
  std::string name;                  // "tile=128x256 stages=4": unique within the implementation
};

// Several kernels for one result, each for some extents. The scheduler turns them into a Choose step.
struct KernelVariant {
  Guard guard = {};
  kernel::Kernel body;
  // Kernels that run behind the body. What they hand on is in workspaces: view parameters of role kWorkspace,
  // by port.
  std::vector<kernel::Kernel> after = {};
};
struct Kernels {  // the first whose guard holds; the last always does
  std::vector<KernelVariant> variants;
};

// Steps over the node's own ports: buffers of kind kInput and kOutput say which port they are, temporaries
// are private. A code may still be a kernel of `kernels`: then it has one image of form kKernelIndex.
struct Steps {
  runtime::Program program;
  std::vector<kernel::Kernel> kernels;
};

// An element function composes with its pointwise neighbours and is placed into the kernel beside them, or
// tiled; kernels take element functions in where they load and store; steps run as they stand.
using Built = std::variant<kernel::Element, Kernels, Steps>;

// What a launch of this costs, before anyone measured. Bytes and flops as dims: one answer for every extent.
struct Cost {
  Dim bytes = 0, flops = 0;
  double efficiency = 0.5;  // of the machine's peak, in [0, 1]
};

// ---- the table
// -------------------------------------------------------------------------------------------------------

struct Implementation;
// Functions are plain; a plugin's closure is reached through implementation.self.
struct Implementation {
  std::string name;  // "softmax.row", unique for the op
  std::string op;    // id; the anchor of the group
  enum class Machine : std::uint8_t { kAny, kCpu, kCuda } machine = Machine::kAny;
  int priority = 0;           // higher first; equal: order of cost, then name
  bool ahead_of_time = true;  // false: an `impl`, which no engine file can hold

  Answer (*applies)(const Implementation&, const Query&) = nullptr;  // required; cheap, pure
  Built (*build)(const Implementation&, const Query&,
                 const Tactic&) = nullptr;  // required; pure for built-ins
  std::vector<Tactic> (*tactics)(const Implementation&,
                                 const Query&) = nullptr;  // absent: the default tactic only
  Cost (*cost)(const Implementation&, const Query&,
               const Tactic&) = nullptr;  // absent: bytes of inputs and outputs
  // For the cache key. Absent: the build id of Intarsia stands for our own code. A plugin's must cover the
  // code it brings, which digest_of_built does: an edited kernel never meets its old binary.
  std::uint64_t (*digest)(const Implementation&, const Query&, const Tactic&) = nullptr;
  std::shared_ptr<const void>
      self;  // of a plugin: closure, library handle; keeps code loaded while a graph needs it
};
using ImplementationRef = std::shared_ptr<const Implementation>;

// A registry is an object; readers keep what they got while others add and remove (copy on write).
class ImplementationTable {
 public:
  ImplementationTable();
  void add(Implementation implementation, std::string where = {});  // UserError: same name from another place
  bool remove(std::string_view op, std::string_view name);          // hides it; built graphs keep theirs
  std::vector<ImplementationRef> of(std::string_view op) const;     // by priority, then name

 private:
  struct State;
  std::shared_ptr<State> state_;
};

struct Choice {
  ImplementationRef implementation;
  Guard guard;                  // where it applies
  std::vector<Tactic> tactics;  // at least one; more than one is for the tuner, in order of estimated cost
};
struct Rejected {
  std::string name, reason;
};

// All that apply, best first. Empty: nothing fits, and `rejected` says why for each.
std::vector<Choice> choose(const ImplementationTable& table, const Query& query, bool ahead_of_time,
                           std::vector<Rejected>* rejected = nullptr);

// Kernel text, or the bytes of the program with the text of its kernels.
std::uint64_t digest_of_built(const Built& built);

// Checks an answer before anyone uses it: kernels verify, roles name ports that exist, each output is
// written, guards end in 1. `who` is named in the UserError of a plugin.
void check_built(const Built& built, const Query& query, std::string_view who);

// What the ports of a kernel or a fragment are bound to in a program.
struct Binding {
  std::span<const runtime::BufferId> inputs = {}, outputs = {}, workspaces = {};
  std::span<const std::uint32_t> scalars =
      {};  // by port of kScalar: which scalar input of the call; empty: the port itself
};
// The step that launches a kernel: arguments from parameter_list, buffers by role and port.
runtime::Step launch_of(runtime::Program& program, runtime::CodeId code, const kernel::Kernel& kernel,
                        const Binding& binding, const kernel::Capabilities& machine);
// A code for kernel number `index` of those that stand beside the program.
runtime::CodeId add_code(runtime::Program& program, const kernel::Kernel& kernel, std::size_t index);

// Appends the steps of a fragment over ports to a program over buffers: dims, codes, states, symbols, lines
// and private buffers move to its tables. Kernels of the fragment stand from `first_kernel` on in the
// program's list.
void append(runtime::Program& program, const runtime::Program& fragment, const Binding& binding,
            std::size_t first_kernel = 0);

// The table's built-ins, through the door plugins use.
void add_builtins(ImplementationTable& table);

}  // namespace intarsia::schedule
