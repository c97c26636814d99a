// A random program run by the interpreter.
#pragma once
#include "program.h"
#include "ptx/launch.h"

namespace intarsia::ptx::random {

// All checks on, buffers known. Every report's text is returned; the program writes into `memory`.
std::string interpret(const Program& program, Memory& memory, const ParallelFor& parallel_for = {},
                      bool chains = true);

}  // namespace intarsia::ptx::random
