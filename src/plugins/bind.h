// Arguments of a launch, bound to the parameters the code itself declares.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "plugins/code.h"
#include "ptx/ptx.h"

namespace intarsia::plugins {

// A tile-language kernel whose parameters became ports, dims and constants of the node, and whose grid is the
// launch's. UserError with both lists: another number, another kind, pointees of another dtype; an integer
// that cannot fit.
kernel::Kernel bind_kernel(std::string_view who, const kernel::Kernel& kernel,
                           std::span<const KernelArgument> arguments, const LaunchStep& launch);

// One parameter of code from outside, and what was bound to it.
struct CppParameter {  // as a mangled name tells
  DType dtype{};       // of the value or the pointee; 0: unknown
  bool pointer = false;
};
struct ForeignParameter {
  ptx::Parameter declared;
  CppParameter cpp = {};
};
struct ForeignArgument {
  ForeignParameter parameter;
  KernelArgument argument;  // a plain Dim or number got the parameter's type
};
// The parameters of a mangled entry; empty where the name says nothing.
std::vector<CppParameter> parameters_of_mangled(const std::string& entry);

std::vector<ForeignArgument> bind_foreign(std::string_view who, const ptx::Entry& entry,
                                          std::span<const KernelArgument> arguments);

// Threads per block against what the code was made for, and the limits of every device.
void check_block(std::string_view who, const ptx::Entry& entry, const KernelLaunchParams& params);

}  // namespace intarsia::plugins
