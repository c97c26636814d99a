// exp, exp2, log, log2 of f32 and f64 as straight vector code. Bounds of their error: docs/accuracy.md.
//
// Coefficients are minimax fits (f32) and series (f64) of our own. x = n ln 2 + r with |r| <= ln 2 / 2,
// exp(x) = 2^n exp(r); x = 2^e m with m in [sqrt(1/2), sqrt 2), log(x) = e ln 2 + log(1 + f), f = m - 1.
#include <llvm/IR/IntrinsicsX86.h>

#include <cmath>

#include "target/lanes.h"

namespace intarsia::target {
namespace {

using llvm::Value;

constexpr double kLog2E = 1.44269504088896340736;
constexpr double kLn2High32 = 0.693145751953125,
                 kLn2Low32 = 1.4286068203094172321e-6;  // few enough bits: n * high is exact
constexpr double kLn2High64 = 6.93147180369123816490e-01, kLn2Low64 = 1.90821492927058770002e-10;
constexpr double kSqrtHalf = 0.70710678118654752440;

bool wide(const Value* v) { return v->getType()->getScalarSizeInBits() == 64; }

// NaN goes through: a comparison with it is false.
Value* at_most(llvm::IRBuilder<>& ir, Value* x, Value* limit) {
  return ir.CreateSelect(ir.CreateFCmpOGT(x, limit), limit, x);
}
Value* at_least(llvm::IRBuilder<>& ir, Value* x, Value* limit) {
  return ir.CreateSelect(ir.CreateFCmpOLT(x, limit), limit, x);
}

}  // namespace

Value* Lanes::scale_by_power_of_two(Value* x, Value* n) {
  const int lanes = width(x);
  const bool f64 = wide(x);
  if (features.avx512 && lanes * (f64 ? 8 : 4) == 64) {
    const auto id =
        f64 ? llvm::Intrinsic::x86_avx512_mask_scalef_pd_512 : llvm::Intrinsic::x86_avx512_mask_scalef_ps_512;
    llvm::Type* mask = ir.getIntNTy(static_cast<unsigned>(lanes));
    return ir.CreateIntrinsic(id, {}, {x, n, x, llvm::Constant::getAllOnesValue(mask), ir.getInt32(4)});
  }
  // Two factors: one alone cannot express what becomes denormal. NaN lanes of x stay NaN whatever their n.
  llvm::Type* type = like(f64 ? ir.getInt64Ty() : ir.getInt32Ty(), x);
  Value* whole = f64 ? ir.CreateSExt(ir.CreateFPToSI(ir.CreateFreeze(n), like(ir.getInt32Ty(), x)), type)
                     : ir.CreateFPToSI(n, type);
  whole = ir.CreateFreeze(whole);
  Value* half = ir.CreateAShr(whole, integer(whole, 1));
  const auto power = [&](Value* k) {
    return real_of(ir.CreateShl(ir.CreateAdd(k, integer(k, f64 ? 1023 : 127)), integer(k, f64 ? 52 : 23)));
  };
  return ir.CreateFMul(ir.CreateFMul(x, power(half)), power(ir.CreateSub(whole, half)));
}

// exp(r) - 1 for |r| <= ln 2 / 2.
Value* Lanes::exp_minus_one_near_zero(Value* r) {
  Value* tail = nullptr;
  if (wide(r)) {
    tail =
        polynomial(r, {1.0 / 87178291200, 1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800,
                       1.0 / 362880, 1.0 / 40320, 1.0 / 5040, 1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 0.5});
  } else {
    tail = polynomial(r, {0.0013950979616478472209, 0.0083688877190567080633, 0.041666196834693848018,
                          0.16666518856009792716, 0.50000000989193501766});
  }
  return multiply_add(ir.CreateFMul(r, r), tail, r);
}

Value* Lanes::exp(Value* x) {
  const bool f64 = wide(x);
  x = at_least(ir, at_most(ir, x, real(x, f64 ? 710 : 89)), real(x, f64 ? -746 : -104));
  Value* n = call(llvm::Intrinsic::rint, {ir.CreateFMul(x, real(x, kLog2E))});
  Value* r = multiply_add(n, real(x, f64 ? -kLn2High64 : -kLn2High32), x);
  r = multiply_add(n, real(x, f64 ? -kLn2Low64 : -kLn2Low32), r);
  return scale_by_power_of_two(ir.CreateFAdd(exp_minus_one_near_zero(r), real(x, 1)), n);
}

Value* Lanes::exp2(Value* x) {
  const bool f64 = wide(x);
  x = at_least(ir, at_most(ir, x, real(x, f64 ? 1025 : 129)), real(x, f64 ? -1076 : -151));
  Value* n = call(llvm::Intrinsic::rint, {x});
  Value* r = ir.CreateFSub(x, n);
  if (f64) {
    Value* high = ir.CreateFMul(r, real(x, M_LN2));
    return scale_by_power_of_two(ir.CreateFAdd(exp_minus_one_near_zero(high), real(x, 1)), n);
  }
  Value* tail = polynomial(r, {0.0001547509043116303835, 0.0013400414178332393856, 0.0096180084625484735742,
                               0.055503274055968816497, 0.24022651305585917844, 0.69314720646327916707});
  return scale_by_power_of_two(multiply_add(tail, r, real(x, 1)), n);
}

// e and f = m - 1 of a positive finite x = 2^e m; denormals are scaled first.
Lanes::Split Lanes::split(Value* x) {
  const bool f64 = wide(x);
  const int mantissa = f64 ? 52 : 23, bias = f64 ? 1023 : 127, extra = f64 ? 54 : 25;
  Value* tiny = ir.CreateFCmpOLT(x, real(x, std::ldexp(1.0, 1 - bias)));
  x = ir.CreateSelect(tiny, ir.CreateFMul(x, real(x, std::ldexp(1.0, extra))), x);
  Value* bits = bits_of(x);
  // Subtracting the bits of sqrt(1/2) makes the exponent count from there.
  Value* origin = bits_of(real(x, kSqrtHalf));
  Value* moved = ir.CreateSub(bits, origin);
  Value* e = ir.CreateAShr(moved, integer(bits, mantissa));
  Value* m = real_of(ir.CreateSub(bits, ir.CreateShl(e, integer(bits, mantissa))));
  e = ir.CreateAdd(e, ir.CreateSelect(tiny, integer(e, -extra), integer(e, 0)));
  llvm::Type* narrow = like(ir.getInt32Ty(), x);
  Value* exponent = ir.CreateSIToFP(f64 ? ir.CreateTrunc(e, narrow) : e, x->getType());
  return {exponent, ir.CreateFSub(m, real(x, 1))};
}

// log(1 + f) - f for f in [sqrt(1/2) - 1, sqrt 2 - 1].
Value* Lanes::log_one_plus_minus(Value* f) {
  Value* square = ir.CreateFMul(f, f);
  if (!wide(f)) {
    Value* tail = polynomial(f, {0.069195845995479418075, -0.11791470176414321872, 0.11871843255061792801,
                                 -0.12383941789669412292, 0.14218764915640225429, -0.16669280040007983311,
                                 0.20002222134781560144, -0.24999986027857520549, 0.33333310503621189337});
    Value* cubed = ir.CreateFMul(ir.CreateFMul(square, f), tail);
    return multiply_add(square, real(f, -0.5), cubed);
  }
  Value* s = ir.CreateFDiv(f, ir.CreateFAdd(f, real(f, 2)));
  Value* z = ir.CreateFMul(s, s);
  Value* series = polynomial(z, {2.0 / 25, 2.0 / 23, 2.0 / 21, 2.0 / 19, 2.0 / 17, 2.0 / 15, 2.0 / 13,
                                 2.0 / 11, 2.0 / 9, 2.0 / 7, 2.0 / 5, 2.0 / 3});
  Value* half = ir.CreateFMul(real(f, 0.5), square);
  return ir.CreateFSub(ir.CreateFMul(s, ir.CreateFAdd(half, ir.CreateFMul(z, series))), half);
}

// inf, zero, negative numbers and NaN, which the bits above do not describe.
Value* Lanes::log_special(Value* x, Value* result) {
  result = ir.CreateSelect(ir.CreateFCmpOEQ(x, real(x, INFINITY)), x, result);
  result = ir.CreateSelect(ir.CreateFCmpOEQ(x, real(x, 0)), real(x, -INFINITY), result);
  return ir.CreateSelect(ir.CreateFCmpUGE(x, real(x, 0)), ir.CreateSelect(is_nan(x), x, result),
                         real(x, NAN));
}

Value* Lanes::log(Value* x) {
  const bool f64 = wide(x);
  const auto [e, f] = split(x);
  Value* rest = multiply_add(e, real(x, f64 ? kLn2Low64 : kLn2Low32), log_one_plus_minus(f));
  Value* sum = multiply_add(e, real(x, f64 ? kLn2High64 : kLn2High32), ir.CreateFAdd(f, rest));
  return log_special(x, sum);
}

// log2(e) = 1 + 0.4426...: the 1 costs no rounding.
Value* Lanes::log2(Value* x) {
  const auto [e, f] = split(x);
  Value* rest = log_one_plus_minus(f);
  Value* low = ir.CreateFMul(f, real(x, kLog2E - 1));
  low = ir.CreateFAdd(multiply_add(rest, real(x, kLog2E - 1), low), rest);
  return log_special(x, ir.CreateFAdd(ir.CreateFAdd(f, low), e));
}

}  // namespace intarsia::target
