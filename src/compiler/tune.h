// The tuner: where a step has several alternatives for the same extents, the device says which is fastest.
#pragma once
#include <functional>
#include <memory>

#include "runtime/executable.h"

namespace intarsia::compiler {

// Times the alternatives of every Choose that has a key, at the extents to tune for, and appends a record for
// each key. One that fails is left out. `load` makes an executable of a program.
void tune(runtime::Program& program, runtime::Device& device,
          const std::function<std::shared_ptr<const runtime::Executable>(runtime::Program)>& load);

}  // namespace intarsia::compiler
