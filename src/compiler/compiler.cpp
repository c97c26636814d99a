#include "compiler/compiler.h"

#include <fmt/format.h>

#include <mutex>
#include <unordered_map>

#include "compiler/cuda_source.h"
#include "compiler/stages.h"
#include "compiler/tune.h"
#include "graph/print.h"

namespace intarsia::compiler {
namespace {

using ExecutableRef = std::shared_ptr<const runtime::Executable>;

bool has_plugins(const graph::Graph& graph) {
  for (const graph::Node& node : graph.nodes())
    if (node.op->self) return true;
  return false;
}

std::string options_key(const Options& options) {
  std::string key =
      fmt::format("deterministic {} tf32 {} fast_math {} tune {}", options.schedule.deterministic,
                  options.schedule.tf32, options.schedule.fast_math, options.tune);
  for (const std::string& pass : options.disabled) key += " without " + pass;
  return key;
}

runtime::FunctionTable functions_of(const runtime::Program& program, const plugins::Registry& registry) {
  runtime::FunctionTable table;
  for_each_step(program.steps, [&](const runtime::Step& step) {
    const auto* call = std::get_if<runtime::Call>(&step.body);
    if (!call || call->library != "host") return;
    table.add("host", call->function,
              [function = registry.host_functions()->find(call->function)](const runtime::CallRequest& r) {
                std::vector<runtime::HostTensor> tensors;
                for (const runtime::CallArgument& a : r.arguments)
                  tensors.push_back({a.dtype, {a.extents.begin(), a.extents.end()}, a.data});
                (*function)({tensors, reinterpret_cast<std::uintptr_t>(r.stream)});
              });
  });
  return table;
}
}  // namespace

struct Compiler::State {
  explicit State(plugins::Registry& r) : registry(r), table(r.table()) {
    schedule::add_builtins(table);
    registry.set_cuda_compiler_if_missing(nvrtc_compiler());
  }

  struct Entry {
    runtime::Program program;
    ExecutableRef executable;  // where there are no weights
  };
  using EntryRef = std::shared_ptr<const Entry>;

  EntryRef find(const std::string& key) {
    const std::scoped_lock lock(mutex);
    const auto at = known.find(key);
    if (at == known.end()) return nullptr;
    ++statistics.remembered;
    return at->second;
  }
  EntryRef keep(const std::string& key, Entry entry) {
    auto made = std::make_shared<const Entry>(std::move(entry));
    const std::scoped_lock lock(mutex);
    ++statistics.compiled;
    constexpr std::size_t kRemembered = 1024;
    if (known.size() >= kRemembered) known.clear();
    known[key] = made;
    return made;
  }
  ExecutableRef load(runtime::Program program, runtime::Device& device,
                     const std::map<std::string, runtime::DeviceTensor>& weights) const {
    runtime::ExecutableOptions options;
    options.functions = functions_of(program, registry);
    options.weights = weights;
    return runtime::Executable::make(std::move(program), device, std::move(options));
  }

  plugins::Registry& registry;
  schedule::ImplementationTable table;
  std::mutex mutex;
  std::unordered_map<std::string, EntryRef> known;
  Statistics statistics;
};

Compiler::Compiler(plugins::Registry& registry) : state_(std::make_unique<State>(registry)) {}
Compiler::~Compiler() = default;

Compiler::Statistics Compiler::statistics() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->statistics;
}

ExecutableRef Compiler::compile(const graph::Graph& graph, std::span<const std::string> lines,
                                runtime::Device& device, const Options& given,
                                const std::map<std::string, runtime::DeviceTensor>& weights) {
  const bool brings_code = has_plugins(graph);
  Options options = given;
  options.schedule.ahead_of_time = false;  // it runs in this process
  options.schedule.keep_tactics = options.tune = given.tune && brings_code;
  const Target target = target_of(device);
  std::string key = fmt::format("{} {}\n{}\n", device.name(), target.name, options_key(options));
  const auto reuse = [&](const State::EntryRef& entry) {
    return entry->executable ? entry->executable : state_->load(entry->program, device, weights);
  };
  // The code of a plugin is only known once it has been asked for: then the schedule is the key.
  key += brings_code ? "" : graph::key_text(graph);
  if (!brings_code)
    if (const auto entry = state_->find(key)) return reuse(entry);
  const graph::Graph simpler = run_graph_passes(graph, state_->table, options);
  schedule::Scheduled scheduled = schedule_graph(simpler, target, state_->table, options);
  if (brings_code) {
    key += identity(scheduled);
    if (const auto entry = state_->find(key)) return reuse(entry);
  }
  add_lines(scheduled.program, simpler, lines);
  State::Entry entry{generate_code(std::move(scheduled), target, options), nullptr};
  const auto load = [&](runtime::Program program) {
    return state_->load(std::move(program), device, weights);
  };
  if (options.tune) tune(entry.program, device, load);
  ExecutableRef executable = load(entry.program);
  if (weights.empty()) entry.executable = executable;
  state_->keep(key, std::move(entry));
  return executable;
}

}  // namespace intarsia::compiler
