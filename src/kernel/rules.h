// The type rules of instructions, in one place: the builder reports them to users, verify and parse check
// them.
#pragma once
#include <string>

#include "kernel/ir.h"

namespace intarsia::kernel {

// What is wrong with an instruction whose indices are in range: counts, types, shapes, facts. Empty: nothing.
// Regions are checked by their parameters and the operands of their yields.
std::string problem_of(const Kernel& kernel, const Inst& inst);

// Which dtypes a function takes, as unary, binary or compare. Empty: none of them.
DTypes unary_dtypes(Fn fn);
DTypes binary_dtypes(Fn fn);
DTypes compare_dtypes(Fn fn);
bool is_combining(Fn fn);  // may name the combination of a reduce or scan
bool is_atomic(Fn fn);

}  // namespace intarsia::kernel
