// Each operation alone, over many operands: what tells which operation differs where programs only tell that
// one does.
#pragma once
#include "program.h"

namespace intarsia::ptx::random {

struct Sweep {
  const Operation* operation = nullptr;
  std::string name;
  std::vector<U64> in, out;  // four operands a thread, one result
};
constexpr std::uint32_t kSweepThreads = 1024;

std::vector<Sweep> sweeps();           // of every operation, with operands
std::string text(const Sweep& sweep);  // its entry (in, out), without the header; `out` holds zeros
U64 wanted(const Sweep& sweep, std::size_t thread);
// How many threads differ, and the first of them; every bit of a NaN counts.
std::string difference(const Sweep& sweep);

}  // namespace intarsia::ptx::random
