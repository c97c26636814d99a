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
struct ForeignParameter {
  ptx::Parameter declared;
  DType dtype{};  // of the value or the pointee, where a mangled name says; 0: unknown
};
struct ForeignArgument {
  ForeignParameter parameter;
  KernelArgument argument;  // a plain Dim or number got the parameter's type
};
// Of a mangled entry: the dtypes its C++ parameters declare; empty where the name says nothing.
std::vector<DType> dtypes_of_mangled(const std::string& entry);

std::vector<ForeignArgument> bind_foreign(std::string_view who, const ptx::Entry& entry,
                                          std::span<const KernelArgument> arguments);

// Threads per block against what the code was made for, and the limits of every device.
void check_block(std::string_view who, const ptx::Entry& entry, const KernelLaunchParams& params);

}  // namespace intarsia::plugins
