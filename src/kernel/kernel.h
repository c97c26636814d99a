// Everything about kernels: data, builder, text, verifier.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "kernel/builder.h"
#include "kernel/ir.h"

namespace intarsia::kernel {

// Deterministic text that parses back. Values are numbered as they appear, so equal kernels print alike
// whatever edits made them; without lines it is what is hashed.
std::string print(const Kernel& kernel, bool lines = true);

// UserError, with the line, for text that is malformed or does not verify.
Kernel parse(std::string_view text);

// InternalError naming kernel, instruction and rule; the list of checks is in verify.cpp.
void verify(const Kernel& kernel);
// The same, as text: empty if all is well.
std::string find_problem(const Kernel& kernel);

std::uint64_t digest(const Kernel& kernel);  // of its text without lines

}  // namespace intarsia::kernel
