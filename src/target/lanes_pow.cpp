// pow, fmod and Python's float remainder.
#include <cmath>

#include "base/error.h"
#include "target/lanes.h"

namespace intarsia::target {
namespace {

using llvm::Value;

bool wide(const Value* v) { return v->getType()->getScalarSizeInBits() == 64; }

}  // namespace

// f64 to f32; fenced, or LLVM joins it with a rounding to f16 that follows, for which there is no
// instruction.
Value* Lanes::narrow(Value* f64) {
  return call(llvm::Intrinsic::arithmetic_fence, {ir.CreateFPTrunc(f64, like(ir.getFloatTy(), f64))});
}

Value* Lanes::product_error(Value* a, Value* b, Value* product) {
  if (features.fma) return multiply_add(a, b, ir.CreateFNeg(product));
  const auto halves = [&](Value* v) {  // Veltkamp: 26 bits each
    Value* scaled = ir.CreateFMul(v, real(v, 134217729));
    Value* high = ir.CreateFSub(scaled, ir.CreateFSub(scaled, v));
    return std::pair{high, ir.CreateFSub(v, high)};
  };
  const auto [ah, al] = halves(a);
  const auto [bh, bl] = halves(b);
  Value* error = ir.CreateFSub(ir.CreateFMul(ah, bh), product);
  error = ir.CreateFAdd(error, ir.CreateFMul(ah, bl));
  error = ir.CreateFAdd(error, ir.CreateFMul(al, bh));
  return ir.CreateFAdd(error, ir.CreateFMul(al, bl));
}

// |x|^y in f64 as 2^(y log2 |x|), the logarithm and the product in two parts each: y may be a thousand.
Value* Lanes::pow_size(Value* x, Value* y, bool precise) {
  if (!precise) return exp2(ir.CreateFMul(y, log2(x)));
  const auto [e, f] = split(x);
  // log((1 + s) / (1 - s)) = 2 s + 2/3 s^3 + ..., s = f / (2 + f) with its error.
  Value* divisor = ir.CreateFAdd(f, real(f, 2));
  Value* divisor_low = ir.CreateFSub(f, ir.CreateFSub(divisor, real(f, 2)));
  Value* s = ir.CreateFDiv(f, divisor);
  Value* product = ir.CreateFMul(s, divisor);
  Value* left = ir.CreateFSub(ir.CreateFSub(ir.CreateFSub(f, product), product_error(s, divisor, product)),
                              ir.CreateFMul(s, divisor_low));
  Value* s_low = ir.CreateFDiv(left, divisor);
  Value* z = ir.CreateFMul(s, s);
  Value* series = polynomial(z, {2.0 / 27, 2.0 / 25, 2.0 / 23, 2.0 / 21, 2.0 / 19, 2.0 / 17, 2.0 / 15,
                                 2.0 / 13, 2.0 / 11, 2.0 / 9, 2.0 / 7, 2.0 / 5, 2.0 / 3});
  Value* low = ir.CreateFAdd(ir.CreateFMul(ir.CreateFMul(s, z), series), ir.CreateFAdd(s_low, s_low));
  Value* high = ir.CreateFAdd(s, s);
  Value* log2e = real(f, 1.4426950408889634);
  Value* log_high = ir.CreateFMul(high, log2e);
  Value* log_low =
      ir.CreateFAdd(product_error(high, log2e, log_high),
                    multiply_add(high, real(f, 2.0355273740931033e-17), ir.CreateFMul(low, log2e)));
  Value* sum = ir.CreateFAdd(e, log_high);
  log_low = ir.CreateFAdd(log_low, ir.CreateFSub(log_high, ir.CreateFSub(sum, e)));
  Value* power = ir.CreateFMul(y, sum);
  Value* power_low = ir.CreateFAdd(product_error(y, sum, power), ir.CreateFMul(y, log_low));
  Value* limited = clamp_size(power, 1100);
  Value* n = call(llvm::Intrinsic::rint, {limited});
  Value* inside = ir.CreateFCmpOEQ(limited, power);
  Value* r = ir.CreateFAdd(ir.CreateFSub(limited, n), ir.CreateSelect(inside, power_low, real(x, 0)));
  Value* result = scale_by_power_of_two(
      ir.CreateFAdd(exp_minus_one_near_zero(ir.CreateFMul(r, real(r, M_LN2))), real(r, 1)), n);
  // 0 and inf: the sign of y decides.
  Value* up = ir.CreateXor(ir.CreateFCmpOLT(y, real(y, 0)), ir.CreateFCmpOGT(x, real(x, 1)));
  Value* extreme = ir.CreateSelect(up, real(x, INFINITY), real(x, 0));
  Value* is_extreme = ir.CreateOr(ir.CreateFCmpOEQ(x, real(x, 0)), ir.CreateFCmpOEQ(x, real(x, INFINITY)));
  Value* endless = ir.CreateFCmpOEQ(call(llvm::Intrinsic::fabs, {y}), real(y, INFINITY));
  Value* towards = ir.CreateXor(ir.CreateFCmpOLT(y, real(y, 0)), ir.CreateFCmpOGT(x, real(x, 1)));
  Value* limit = ir.CreateSelect(towards, real(x, INFINITY), real(x, 0));
  result = ir.CreateSelect(endless, limit, ir.CreateSelect(is_extreme, extreme, result));
  return ir.CreateSelect(ir.CreateOr(is_nan(x), is_nan(y)), real(x, NAN), result);
}

Value* Lanes::pow(Value* x, Value* y) {
  const bool f64 = wide(x);
  llvm::Type* type = like(ir.getDoubleTy(), x);
  Value* base = f64 ? x : ir.CreateFPExt(x, type);
  Value* exponent = f64 ? y : ir.CreateFPExt(y, type);
  Value* size = call(llvm::Intrinsic::fabs, {base});
  Value* result = pow_size(size, exponent, f64);
  Value* one = real(base, 1);
  result =
      ir.CreateSelect(ir.CreateFCmpOEQ(size, one), ir.CreateSelect(is_nan(exponent), exponent, one), result);
  Value* half = ir.CreateFMul(exponent, real(exponent, 0.5));
  Value* whole = ir.CreateFCmpOEQ(call(llvm::Intrinsic::trunc, {exponent}), exponent);
  Value* even = ir.CreateFCmpOEQ(call(llvm::Intrinsic::trunc, {half}), half);
  Value* minus = ir.CreateICmpSLT(bits_of(base), integer(bits_of(base), 0));
  result = ir.CreateSelect(ir.CreateAnd(minus, ir.CreateAnd(whole, ir.CreateNot(even))),
                           ir.CreateFNeg(result), result);
  Value* finite_below =
      ir.CreateAnd(ir.CreateFCmpOLT(base, real(base, 0)), ir.CreateFCmpOGT(base, real(base, -INFINITY)));
  Value* undefined =
      ir.CreateAnd(finite_below, ir.CreateAnd(ir.CreateNot(whole), ir.CreateFCmpORD(exponent, exponent)));
  result = ir.CreateSelect(undefined, real(base, NAN), result);
  Value* is_one = ir.CreateOr(ir.CreateFCmpOEQ(base, one), ir.CreateFCmpOEQ(exponent, real(exponent, 0)));
  result = ir.CreateSelect(is_one, one, result);
  return f64 ? result : narrow(result);
}

// The biased exponent of a positive f64; of denormals through a scaled copy.
Value* Lanes::binary_exponent(Value* v) {
  Value* tiny = ir.CreateFCmpOLT(v, real(v, 0x1p-1022));
  Value* scaled = ir.CreateSelect(tiny, ir.CreateFMul(v, real(v, 0x1p54)), v);
  Value* e = ir.CreateLShr(bits_of(scaled), integer(bits_of(scaled), 52));
  return ir.CreateSub(e, ir.CreateSelect(tiny, integer(e, 54), integer(e, 0)));
}

// Exact: multiples of y 2^k are taken off, each quotient of at most `bits` + 1 bits.
Value* Lanes::remainder_f64(Value* x, Value* y, int bits) {
  Value* b = call(llvm::Intrinsic::fabs, {y});
  Value* a = call(llvm::Intrinsic::fabs, {x});
  Value* infinity = real(x, INFINITY);
  Value* defined = ir.CreateAnd(ir.CreateFCmpOLT(a, infinity), ir.CreateFCmpOGT(b, real(b, 0)));
  Value* busy = ir.CreateAnd(defined, ir.CreateFCmpOLT(b, infinity));
  Value* divisor = ir.CreateSelect(busy, b, real(b, 1));
  Value* start = ir.CreateSelect(busy, a, real(a, 0));
  llvm::Function* function = ir.GetInsertBlock()->getParent();
  auto* before = ir.GetInsertBlock();
  auto* loop = llvm::BasicBlock::Create(ir.getContext(), "remainder", function);
  auto* after = llvm::BasicBlock::Create(ir.getContext(), "left", function);
  ir.CreateCondBr(any(ir.CreateFCmpOGE(start, divisor)), loop, after);
  ir.SetInsertPoint(loop);
  auto* rest = ir.CreatePHI(x->getType(), 2);
  rest->addIncoming(start, before);
  Value* apart = ir.CreateSub(ir.CreateSub(binary_exponent(rest), binary_exponent(divisor)),
                              integer(bits_of(rest), bits));
  apart = ir.CreateSelect(ir.CreateICmpSGT(apart, integer(apart, 0)), apart, integer(apart, 0));
  Value* n = ir.CreateSIToFP(ir.CreateTrunc(apart, like(ir.getInt32Ty(), x)), x->getType());
  Value* step = scale_by_power_of_two(divisor, n);
  Value* quotient = call(llvm::Intrinsic::trunc, {ir.CreateFDiv(rest, step)});
  Value* product = ir.CreateFMul(quotient, step);
  Value* left = ir.CreateFSub(ir.CreateFSub(rest, product), product_error(quotient, step, product));
  left = ir.CreateSelect(ir.CreateFCmpOLT(left, real(left, 0)), ir.CreateFAdd(left, step), left);
  left = ir.CreateSelect(ir.CreateFCmpOGE(left, step), ir.CreateFSub(left, step), left);
  rest->addIncoming(left, ir.GetInsertBlock());
  ir.CreateCondBr(any(ir.CreateFCmpOGE(left, divisor)), loop, after);
  auto* end = ir.GetInsertBlock();
  ir.SetInsertPoint(after);
  auto* result = ir.CreatePHI(x->getType(), 2);
  result->addIncoming(start, before);
  result->addIncoming(left, end);
  Value* kept = ir.CreateSelect(ir.CreateAnd(defined, ir.CreateFCmpOEQ(b, infinity)), a, result);
  kept = ir.CreateBinaryIntrinsic(llvm::Intrinsic::copysign, kept, x);
  Value* number = ir.CreateAnd(defined, ir.CreateFCmpORD(x, y));
  return ir.CreateSelect(number, kept, real(x, NAN));
}

Value* Lanes::remainder(Value* x, Value* y) {
  if (wide(x)) return remainder_f64(x, y, 50);
  llvm::Type* type = like(ir.getDoubleTy(), x);
  return narrow(remainder_f64(ir.CreateFPExt(x, type), ir.CreateFPExt(y, type), 26));
}

// The sign of the divisor, as in Python.
Value* Lanes::floor_remainder(Value* a, Value* b) {
  Value* rest = remainder(a, b);
  Value* apart = ir.CreateICmpSLT(ir.CreateXor(bits_of(rest), bits_of(b)), integer(bits_of(b), 0));
  Value* moves = ir.CreateAnd(apart, ir.CreateFCmpONE(rest, real(rest, 0)));
  Value* zero = ir.CreateBinaryIntrinsic(llvm::Intrinsic::copysign, rest, b);
  return ir.CreateSelect(ir.CreateFCmpOEQ(rest, real(rest, 0)), zero,
                         ir.CreateSelect(moves, ir.CreateFAdd(rest, b), rest));
}

}  // namespace intarsia::target
