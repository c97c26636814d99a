// A kernel of this folder run by the interpreter, with every check on where none are named.
#pragma once
#include <algorithm>

#include "kernels.h"
#include "ptx/launch.h"

namespace intarsia::ptx::check_kernels {

// Throws UserError where the launch is refused.
inline LaunchResult interpret(const Kernel& k, const std::string& text, const Checks& checks = {}) {
  const Program program(parse(text, k.name + ".ptx"), "k");
  std::vector<std::uint32_t> p(kWords), q(kWords);
  for (std::uint32_t i = 0; i < kWords; ++i) p[i] = i;
  const std::uint64_t places[] = {reinterpret_cast<std::uint64_t>(p.data()),
                                  reinterpret_cast<std::uint64_t>(q.data())};
  const std::vector<ArgumentValue> arguments{{&places[0], 8}, {&places[1], 8}};
  const std::vector<Buffer> buffers{{p.data(), 4 * kWords, false, "p"},
                                    {q.data(), 4 * kWords, true, "q", k.set}};
  LaunchConfig config;
  config.grid = {k.grid, 1, 1};
  config.block = {k.block, 1, 1};
  config.shared_bytes = k.shared;
  config.buffers = buffers;
  config.checks = checks;
  config.max_steps = 1 << 20;
  return run(program, config, arguments);
}

// The line that carries the mark; 0 where none does.
inline int marked_line(const std::string& text) {
  const std::size_t at = text.find("// <-");
  if (at == std::string::npos) return 0;
  return 1 + static_cast<int>(std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n'));
}

}  // namespace intarsia::ptx::check_kernels
