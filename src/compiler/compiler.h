// The order of passes: from a graph to a program, and from a program to an executable on a device.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/target.h"
#include "graph/graph.h"
#include "plugins/registry.h"
#include "runtime/executable.h"
#include "schedule/implementation.h"

namespace intarsia::compiler {

// Sees what every stage leaves: "decompose" with the graph's text, "schedule" with kernels and program,
// "program".
using Observer = std::function<void(std::string_view stage, const std::function<std::string()>& text)>;

struct Options {
  schedule::Options schedule = {};      // its target and tactics are set here
  std::set<std::string> disabled = {};  // passes to leave out, by name
  bool tune = true;                     // time the tactics of plugins, where the device is there
  Observer observer = {};               // no part of the cache key
};

// Machine code or PTX in place of kernels: nothing of the compiler is needed to run it.
struct Compiled {
  runtime::Program program;
  std::vector<std::string> notes;  // what did not fuse, and why
};

// Compiles for a machine that need not be there. `lines` are what Node::line numbers; 0 is none.
Compiled compile_program(const graph::Graph& graph, std::span<const std::string> lines, const Target& target,
                         const schedule::ImplementationTable& table, const Options& options = {});

// Remembers what it compiled, by graph text, target, options and a digest of the code that plugins brought.
// Safe from many threads.
class Compiler {
 public:
  explicit Compiler(plugins::Registry& registry);
  ~Compiler();

  // `weights`: by input name, on `device`.
  std::shared_ptr<const runtime::Executable> compile(
      const graph::Graph& graph, std::span<const std::string> lines, runtime::Device& device,
      const Options& options = {}, const std::map<std::string, runtime::DeviceTensor>& weights = {});
  struct Statistics {
    std::size_t compiled = 0, remembered = 0;
  };
  Statistics statistics() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace intarsia::compiler
