// intarsia-opt: the microscope. Reads a graph or a kernel as text, runs passes by name, prints what they
// made.
#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "base/error.h"
#include "graph/passes/passes.h"
#include "graph/print.h"
#include "graph/verify.h"
#include "kernel/kernel.h"
#include "ops/ops.h"
#include "ops/suggest.h"
#include "schedule/schedule.h"

namespace intarsia {
namespace {

constexpr const char* kUsage =
    "usage: intarsia-opt [--pass NAME]... [--passes] [--keep OP]... [--key | --schedule [--kernels] [--gpu]] "
    "[FILE]\n"
    "       intarsia-opt --docs | --signatures\n"
    "\n"
    "Reads FILE (or standard input): graph text, or kernel text, which is parsed, verified and printed.\n"
    "  --pass NAME   run this pass; several run in the order given\n"
    "  --passes      run all passes in the order of a compilation\n"
    "  --keep OP     decompose leaves this operator whole\n"
    "  --key         print the structure key instead of the graph\n"
    "  --schedule    print the steps that the graph becomes on a CPU, a line each\n"
    "  --kernels     with --schedule: the whole program and its kernels\n"
    "  --gpu         with --schedule: on a GPU\n"
    "  --docs        print the reference of all operators as Markdown\n"
    "  --signatures  print the signatures of all operators\n";

struct Arguments {
  std::vector<graph::Pass> passes;
  std::vector<std::string> keep;
  bool key = false, schedule = false, kernels = false, gpu = false, docs = false, signatures = false,
       help = false;
  std::string file;
};

graph::Pass pass_named(const std::string& name) {
  if (const graph::Pass* pass = graph::find_pass(name)) return *pass;
  std::vector<std::string_view> known;
  for (const graph::Pass& pass : graph::all_passes()) known.push_back(pass.name);
  throw UserError(fmt::format("there is no pass '{}'{}", name, ops::did_you_mean(name, known)));
}

Arguments read_arguments(const std::vector<std::string>& given) {
  Arguments a;
  for (std::size_t i = 0; i < given.size(); ++i) {
    const auto next = [&] {
      return i + 1 < given.size() ? given[++i] : throw UserError(given[i] + " needs a name");
    };
    if (given[i] == "--pass")
      a.passes.push_back(pass_named(next()));
    else if (given[i] == "--passes")
      a.passes.assign(graph::all_passes().begin(), graph::all_passes().end());
    else if (given[i] == "--keep")
      a.keep.push_back(std::string(ops::get(next()).id));
    else if (given[i] == "--key")
      a.key = true;
    else if (given[i] == "--schedule")
      a.schedule = true;
    else if (given[i] == "--kernels")
      a.kernels = true;
    else if (given[i] == "--gpu")
      a.gpu = true;
    else if (given[i] == "--docs")
      a.docs = true;
    else if (given[i] == "--signatures")
      a.signatures = true;
    else if (given[i] == "--help")
      a.help = true;
    else if (given[i].starts_with("--"))
      throw UserError(fmt::format("there is no option {}; --help lists them", given[i]));
    else
      a.file = given[i];
  }
  return a;
}

std::string read_text(const std::string& file) {
  std::ifstream stream(file);
  if (!file.empty() && !stream) throw UserError("cannot read " + file);
  std::istream& in = file.empty() ? std::cin : stream;
  return {std::istreambuf_iterator<char>(in), {}};
}

// The first word that is no comment says what the text is.
bool is_kernel(std::string_view text) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    const std::size_t start = line.find_first_not_of(" \t");
    if (start != std::string_view::npos && line[start] != '#')
      return line.substr(start).starts_with("kernel ");
    text.remove_prefix(std::min(text.size(), line.size() + 1));
  }
  return false;
}

std::string without_comments(std::string_view text) {
  while (text.starts_with('#')) text.remove_prefix(std::min(text.size(), text.find('\n') + 1));
  return std::string(text.substr(std::min(text.size(), text.find_first_not_of("\n \t"))));
}

std::string scheduled(const graph::Graph& graph, const Arguments& a) {
  kernel::Capabilities machine;
  if (a.gpu) machine.cpu = false, machine.threads_per_program = 128;
  schedule::ImplementationTable table;
  schedule::add_builtins(table);
  const schedule::Scheduled s = schedule::schedule(graph, table, machine);
  return a.kernels ? schedule::print(s) : schedule::summary(s);
}

std::string run(const Arguments& a) {
  if (a.help) return kUsage;
  if (a.docs) return ops::markdown();
  if (a.signatures) {
    std::string s;
    for (const ops::OpDef* op : ops::all()) s += ops::signature(*op) + "\n";
    return s;
  }
  const std::string text = read_text(a.file);
  if (is_kernel(text)) {
    const kernel::Kernel kernel = kernel::parse(without_comments(text));
    kernel::verify(kernel);
    return kernel::print(kernel);
  }
  graph::Graph graph = graph::parse(text);
  graph::PassOptions options;
  options.keep = [&](const graph::Graph&, const graph::Node& node) {
    return std::find(a.keep.begin(), a.keep.end(), node.op->id) != a.keep.end();
  };
  graph::PassObserver observer;
  graph::run_passes(a.passes, graph, options, observer);
  if (a.schedule) return scheduled(graph, a);
  return a.key ? graph::key_text(graph) : graph::print(graph);
}

}  // namespace
}  // namespace intarsia

int main(int count, char** words) {
  try {
    const std::vector<std::string> given(words + 1, words + count);
    std::cout << intarsia::run(intarsia::read_arguments(given));
    return 0;
  } catch (const intarsia::UserError& e) {
    std::cerr << "error: " << e.what() << '\n';
    return 1;
  }
}
