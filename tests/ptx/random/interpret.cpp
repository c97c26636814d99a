#include "interpret.h"

namespace intarsia::ptx::random {

std::string interpret(const Program& program, Memory& m, const ParallelFor& parallel_for, bool chains) {
  const ptx::Program decoded(parse(header() + text(program), program.name), program.name);
  std::vector<unsigned char>* const all[] = {&m.in, &m.out, &m.scratch, &m.cells, &m.shared_cells};
  constexpr const char* kNames[] = {"in", "out", "scratch", "cells", "dump"};
  std::array<std::uint64_t, 5> places{};
  std::vector<ArgumentValue> arguments;
  std::vector<Buffer> buffers;
  for (std::size_t i = 0; i < 5; ++i) {
    places[i] = reinterpret_cast<std::uint64_t>(all[i]->data());
    arguments.push_back({&places[i], 8});
    buffers.push_back({all[i]->data(), static_cast<std::int64_t>(all[i]->size()), i != 0, kNames[i]});
  }
  LaunchConfig config;
  config.grid = program.grid;
  config.block = program.block;
  config.cluster = {program.cluster, 1, 1};
  config.buffers = buffers;
  config.parallel_for = parallel_for;
  config.max_steps = 1 << 24;
  config.chains = chains;
  std::string reports;
  for (const Report& report : run(decoded, config, arguments).reports) reports += report.text() + "\n";
  return reports;
}

}  // namespace intarsia::ptx::random
