// Graph passes, the scheduler, machine code: what every compilation does, in this order.
#include "compiler/compiler.h"
#include "compiler/stages.h"
#include "graph/passes/passes.h"
#include "graph/print.h"
#include "target/cpu/compile.h"
#include "target/nvptx/compile.h"

namespace intarsia::compiler {
namespace {

class Watch final : public graph::PassObserver {
 public:
  explicit Watch(const Options& options) : options_(options) {}
  bool enabled(const graph::Pass& pass) override {
    return !options_.disabled.contains(std::string(pass.name));
  }
  void after(const graph::Pass& pass, const graph::Graph& graph, double) override {
    if (options_.observer) options_.observer(pass.name, [&] { return graph::print(graph); });
  }

 private:
  const Options& options_;
};

// Every kernel of the program in one image, which its codes share.
void compile_for_cpu(schedule::Scheduled& scheduled, const Target& target) {
  if (scheduled.kernels.empty()) return;
  runtime::Program& program = scheduled.program;
  program.blobs.push_back(target::compile_cpu(scheduled.kernels, {.level = target.name}));
  const auto blob = static_cast<std::uint32_t>(program.blobs.size() - 1);
  for (runtime::Code& code : program.codes)
    for (runtime::Image& image : code.images)
      if (image.form == runtime::Image::Form::kKernelIndex)
        image = {runtime::Image::Form::kX86, target.name, "", 1, blob};
}

// A module of PTX for each code, under a name that PTX allows.
void compile_for_gpu(schedule::Scheduled& scheduled, const Target& target) {
  const target::PtxOptions options{.architecture = target.name,
                                   .version = 0};  // the lowest: any driver takes it
  runtime::Program& program = scheduled.program;
  for (runtime::Code& code : program.codes)
    for (runtime::Image& image : code.images) {
      if (image.form != runtime::Image::Form::kKernelIndex) continue;
      kernel::Kernel& kernel = scheduled.kernels.at(std::stoul(image.data));
      code.entry = kernel.name = target::ptx_name(kernel.name);
      image = {runtime::Image::Form::kPtx, target.name, target::compile_ptx(kernel, options), 0};
    }
}

}  // namespace

graph::Graph run_graph_passes(graph::Graph graph, const schedule::ImplementationTable& table,
                              const Options& options) {
  graph::PassOptions pass_options;
  pass_options.keep = [&](const graph::Graph&, const graph::Node& node) {
    return !table.of(node.op->id).empty();
  };
  Watch watch(options);
  graph::run_passes(graph::all_passes(), graph, pass_options, watch);
  return graph;
}

schedule::Scheduled schedule_graph(const graph::Graph& graph, const Target& target,
                                   const schedule::ImplementationTable& table, const Options& options) {
  schedule::Options how = options.schedule;
  how.target = target.name;
  schedule::Scheduled scheduled = schedule::schedule(graph, table, target.machine, how);
  scheduled.program.target = target.name;
  if (options.observer) options.observer("schedule", [&] { return schedule::print(scheduled); });
  return scheduled;
}

runtime::Program generate_code(schedule::Scheduled scheduled, const Target& target, const Options& options) {
  if (target.machine.cpu)
    compile_for_cpu(scheduled, target);
  else
    compile_for_gpu(scheduled, target);
  verify(scheduled.program);
  if (options.observer) options.observer("program", [&] { return print(scheduled.program); });
  return std::move(scheduled.program);
}

std::string identity(const schedule::Scheduled& scheduled) {
  std::string text = to_bytes(scheduled.program);
  for (const kernel::Kernel& kernel : scheduled.kernels) text += print(kernel);
  return text;
}

void add_lines(runtime::Program& program, const graph::Graph& graph, std::span<const std::string> lines) {
  const auto offset = static_cast<std::uint32_t>(program.lines.size());
  program.lines.insert(program.lines.end(), lines.begin(), lines.end());
  for_each_step(program.steps, [&](runtime::Step& step) {
    if (step.line != 0 || step.node >= graph.nodes().size()) return;
    const std::uint32_t line = graph.nodes()[step.node].line;
    if (line != 0 && line < lines.size()) step.line = offset + line;
  });
}

Compiled compile_program(const graph::Graph& graph, std::span<const std::string> lines, const Target& target,
                         const schedule::ImplementationTable& table, const Options& options) {
  const graph::Graph simpler = run_graph_passes(graph, table, options);
  schedule::Scheduled scheduled = schedule_graph(simpler, target, table, options);
  add_lines(scheduled.program, simpler, lines);
  Compiled out;
  for (const schedule::Note& note : scheduled.notes) out.notes.push_back(note.text);
  out.program = generate_code(std::move(scheduled), target, options);
  return out;
}

}  // namespace intarsia::compiler
