// tanh and erf. f32: one odd rational function over the whole range where the result is not yet 1.
#include <cmath>

#include "target/lanes.h"

namespace intarsia::target {
namespace {

using llvm::Value;

bool wide(const Value* v) { return v->getType()->getScalarSizeInBits() == 64; }

}  // namespace

Value* Lanes::clamp_size(Value* x, double limit) {
  Value* low = ir.CreateSelect(ir.CreateFCmpOLT(x, real(x, -limit)), real(x, -limit), x);
  return ir.CreateSelect(ir.CreateFCmpOGT(low, real(x, limit)), real(x, limit), low);
}

Value* Lanes::tanh(Value* x) {
  if (wide(x)) {
    // With t = exp(2|x|) - 1: t / (t + 2).
    Value* size = clamp_size(call(llvm::Intrinsic::fabs, {x}), 22);
    Value* twice = ir.CreateFAdd(size, size);
    Value* n = call(llvm::Intrinsic::rint, {ir.CreateFMul(twice, real(x, 1.44269504088896340736))});
    Value* r = multiply_add(n, real(x, -6.93147180369123816490e-01), twice);
    r = multiply_add(n, real(x, -1.90821492927058770002e-10), r);
    Value* power = scale_by_power_of_two(real(x, 1), n);
    Value* t = multiply_add(exp_minus_one_near_zero(r), power, ir.CreateFSub(power, real(x, 1)));
    return ir.CreateBinaryIntrinsic(llvm::Intrinsic::copysign, ir.CreateFDiv(t, ir.CreateFAdd(t, real(x, 2))),
                                    x);
  }
  Value* c = clamp_size(x, 9.01949978);  // where the quotient is 1, with fma and without: tanh(inf) is 1
  Value* t = ir.CreateFMul(c, c);
  Value* p = polynomial(t, {-1.220359712429098902e-11, 3.0585283036956147871e-8, 0.000028007596907734367555,
                            0.0038683355117629592748, 0.13679921520429898829, 0.99999999869584154106});
  Value* q = polynomial(t, {1.2873752800020502523e-6, 0.00039386441339600850698, 0.027245868047313327971,
                            0.47013253584595352197, 1.0});
  return ir.CreateFDiv(ir.CreateFMul(c, p), q);
}

Value* Lanes::erf(Value* x) {
  if (wide(x)) return erf_f64(x);
  Value* c = clamp_size(x, 3.93);
  Value* t = ir.CreateFMul(c, c);
  Value* p = polynomial(t, {2.0419264484366407877e-6, 0.00028479491880647143475, 0.0037793107014040371777,
                            0.052789349068971502679, 0.19077783289766437279, 1.1283791454538998294});
  Value* q = polynomial(t, {0.000038002898583079321641, 0.0011651271747321282083, 0.014996847849268298536,
                            0.11425491183974275702, 0.50240517409705447855, 1.0});
  return ir.CreateFDiv(ir.CreateFMul(c, p), q);
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

}  // namespace intarsia::target
