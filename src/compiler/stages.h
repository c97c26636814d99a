// The stages of a compilation. Internal.
#pragma once
#include <span>
#include <string>

#include "compiler/compiler.h"
#include "schedule/schedule.h"

namespace intarsia::compiler {

graph::Graph run_graph_passes(graph::Graph graph, const schedule::ImplementationTable& table,
                              const Options& options);
schedule::Scheduled schedule_graph(const graph::Graph& graph, const Target& target,
                                   const schedule::ImplementationTable& table, const Options& options);
runtime::Program generate_code(schedule::Scheduled scheduled, const Target& target, const Options& options);

// What the schedule is made of, whatever lines its nodes came from: code that plugins brought included.
std::string identity(const schedule::Scheduled& scheduled);

void add_lines(runtime::Program& program, const graph::Graph& graph, std::span<const std::string> lines);

}  // namespace intarsia::compiler
