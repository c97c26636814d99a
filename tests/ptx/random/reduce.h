// The smallest program found that still does what a larger one does.
#pragma once
#include "program.h"

namespace intarsia::ptx::random {

// Leaves out statements, takes them out of branches and loops, and drops guards, as long as `holds`.
Program reduced(Program program, const std::function<bool(const Program&)>& holds);

// All its statements, without the frame, for reports.
std::string listing(const Program& program);

}  // namespace intarsia::ptx::random
