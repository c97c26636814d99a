// sin, cos, pow, fmod, and erf of f64.
#include <cmath>

#include "base/error.h"
#include "target/cpu/lanes.h"

namespace intarsia::target::cpu {

using llvm::Value;

Value* Lanes::sin_or_cos(Value*, bool) { throw Unsupported("sin and cos on the CPU"); }
Value* Lanes::pow(Value*, Value*) { throw Unsupported("pow on the CPU"); }
Value* Lanes::remainder(Value*, Value*) { throw Unsupported("fmod on the CPU"); }

// The sign of the divisor, as in Python.
Value* Lanes::floor_remainder(Value* a, Value* b) {
  Value* rest = remainder(a, b);
  Value* apart = ir.CreateICmpSLT(ir.CreateXor(bits_of(rest), bits_of(b)), integer(bits_of(b), 0));
  Value* moves = ir.CreateAnd(apart, ir.CreateFCmpONE(rest, real(rest, 0)));
  return ir.CreateSelect(moves, ir.CreateFAdd(rest, b), rest);
}

// Below 1 an odd polynomial; beyond it 1 - exp(-x^2) R(|x|).
Value* Lanes::erf_f64(Value* x) {
  Value* t = ir.CreateFMul(x, x);
  Value* near = ir.CreateFMul(
      x, polynomial(t, {-4.2228974770672552244e-12, 8.7037906386791631424e-11, -1.2163042135277239029e-9,
                        1.4792145787713696436e-8, -1.6364614425143752642e-7, 1.6462043408055399726e-6,
                        -0.000014925647465130683221, 0.00012055332899358367973, -0.00085483270218532094526,
                        0.0052239776254220859884, -0.02686617064512973351, 0.11283791670955119741,
                        -0.3761263890318375237, 1.1283791670955125739}));
  Value* size = clamp_size(call(llvm::Intrinsic::fabs, {x}), 6);
  Value* p = polynomial(
      size, {-4.2871783849500695459e-14, 0.00019795194162205756023, 0.0033099148894833569565,
             0.027022523392667201595, 0.13809839016421827211, 0.47935002335930887812, 1.1548622828894988122,
             1.8928832237491568678, 1.9518567351459491079, 1.0000000001355623891});
  Value* q = polynomial(size, {0.0003508606754887566393, 0.00586667159943776824, 0.048071601194082392927,
                               0.24770643871946664996, 0.87339744287132004718, 2.1664034467849665333,
                               3.7562681723071411238, 4.368557237513140791, 3.0802359039131150325, 1.0});
  Value* tail = ir.CreateFMul(exp(ir.CreateFNeg(ir.CreateFMul(size, size))), ir.CreateFDiv(p, q));
  Value* far = ir.CreateBinaryIntrinsic(llvm::Intrinsic::copysign, ir.CreateFSub(real(x, 1), tail), x);
  Value* is_near = ir.CreateFCmpOLT(call(llvm::Intrinsic::fabs, {x}), real(x, 1));
  return ir.CreateSelect(is_nan(x), x, ir.CreateSelect(is_near, near, far));
}

}  // namespace intarsia::target::cpu
