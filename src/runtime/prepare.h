// From a program to what runs. Internal.
#pragma once
#include <memory>

#include "runtime/context.h"

namespace intarsia::runtime {

// UserError or Unsupported where the device, the weights or the functions do not fit the program.
std::unique_ptr<Prepared> prepare(Program program, Device& device, ExecutableOptions options);

}  // namespace intarsia::runtime
