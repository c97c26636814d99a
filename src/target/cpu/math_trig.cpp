// sin, cos, pow and C's fmod.
#include <cmath>

#include "base/error.h"
#include "target/cpu/lanes.h"

namespace intarsia::target::cpu {

using llvm::Value;

Value* Lanes::erf_f64(Value*) { throw Unsupported("erf of f64 on the CPU"); }
Value* Lanes::sin_or_cos(Value*, bool) { throw Unsupported("sin and cos on the CPU"); }
Value* Lanes::pow(Value*, Value*) { throw Unsupported("pow on the CPU"); }
Value* Lanes::remainder(Value*, Value*) { throw Unsupported("fmod on the CPU"); }

}  // namespace intarsia::target::cpu
