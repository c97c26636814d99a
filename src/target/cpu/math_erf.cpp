// tanh and erf. f32: one odd rational function over the whole range where the result is not yet 1.
#include <cmath>

#include "target/cpu/lanes.h"

namespace intarsia::target::cpu {
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
  Value* c = clamp_size(x, 9.02);
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

}  // namespace intarsia::target::cpu
