#include "target/lanes.h"

#include <bit>

#include "base/convert.h"
#include "base/error.h"

namespace intarsia::target {

using llvm::Value;

llvm::Type* Lanes::register_type(DType t) const {
  if (t == DType::kBool) return ir.getInt1Ty();
  if (t == DType::kF64) return ir.getDoubleTy();
  if (is_float(t)) return ir.getFloatTy();
  return ir.getIntNTy(static_cast<unsigned>(bits(t)));
}

llvm::Type* Lanes::memory_type(DType t) const {
  if (t == DType::kF64) return ir.getDoubleTy();
  if (t == DType::kF32) return ir.getFloatTy();
  return ir.getIntNTy(static_cast<unsigned>(std::max(8, bits(t))));
}

int Lanes::width(const Value* v) {
  const auto* vector = llvm::dyn_cast<llvm::FixedVectorType>(v->getType());
  return vector == nullptr ? 0 : static_cast<int>(vector->getNumElements());
}

llvm::Type* Lanes::shaped(llvm::Type* element, int width) {
  return width == 0 ? element : llvm::FixedVectorType::get(element, static_cast<unsigned>(width));
}

Value* Lanes::splat(Value* v, int lanes) {
  return lanes == 0 || width(v) != 0 ? v : ir.CreateVectorSplat(static_cast<unsigned>(lanes), v);
}

void Lanes::align(Value*& a, Value*& b) {
  a = splat(a, width(b));
  b = splat(b, width(a));
}

Value* Lanes::iota(int lanes, llvm::Type* element) const {
  std::vector<llvm::Constant*> numbers;
  for (int i = 0; i < lanes; ++i)
    numbers.push_back(llvm::ConstantInt::get(element, static_cast<std::uint64_t>(i)));
  return llvm::ConstantVector::get(numbers);
}

Value* Lanes::constant(DType t, std::int64_t bits) const {
  llvm::Type* type = register_type(t);
  if (is_float(t)) return llvm::ConstantFP::get(type, intarsia::round_to(t, std::bit_cast<double>(bits)));
  return llvm::ConstantInt::get(type, intarsia::bits_from_int(t, bits));
}

Value* Lanes::real(const Value* shape, double v) const { return llvm::ConstantFP::get(shape->getType(), v); }

Value* Lanes::integer(const Value* shape, std::int64_t v) const {
  return llvm::ConstantInt::getSigned(shape->getType(), v);
}

Value* Lanes::bits_of(Value* v) {
  const unsigned size = v->getType()->getScalarSizeInBits();
  return ir.CreateBitCast(v, like(ir.getIntNTy(size), v));
}

Value* Lanes::real_of(Value* v) {
  const bool wide = v->getType()->getScalarSizeInBits() == 64;
  return ir.CreateBitCast(v, like(wide ? ir.getDoubleTy() : ir.getFloatTy(), v));
}

Value* Lanes::call(llvm::Intrinsic::ID id, std::initializer_list<Value*> arguments) {
  return ir.CreateIntrinsic(id, {(*arguments.begin())->getType()}, arguments);
}

Value* Lanes::multiply_add(Value* a, Value* b, Value* c) {
  if (features.fma) return call(llvm::Intrinsic::fma, {a, b, c});
  return ir.CreateFAdd(ir.CreateFMul(a, b), c);
}

Value* Lanes::polynomial(Value* x, std::initializer_list<double> coefficients) {
  Value* sum = nullptr;
  for (const double c : coefficients) sum = sum == nullptr ? real(x, c) : multiply_add(sum, x, real(x, c));
  return sum;
}

Value* Lanes::unary(Fn fn, DType t, Value* a) {
  if (t == DType::kBool) {
    if (fn == Fn::kNot) return ir.CreateNot(a);
    if (fn == Fn::kNeg || fn == Fn::kAbs) return a;  // modulo 2, a value is its own negation
  }
  if (!is_float(t)) return unary_integer(fn, t, a);
  return round_small(t, unary_real(fn, a));
}

Value* Lanes::binary(Fn fn, DType t, Value* a, Value* b) {
  align(a, b);
  if (!is_float(t)) return binary_integer(fn, t, a, b);
  return round_small(t, binary_real(fn, a, b));
}

Value* Lanes::unary_real(Fn fn, Value* a) {
  switch (fn) {
    case Fn::kNeg: return ir.CreateFNeg(a);
    case Fn::kAbs: return call(llvm::Intrinsic::fabs, {a});
    case Fn::kExp: return exp(a);
    case Fn::kExp2: return exp2(a);
    case Fn::kLog: return log(a);
    case Fn::kLog2: return log2(a);
    case Fn::kSqrt: return call(llvm::Intrinsic::sqrt, {a});
    case Fn::kRsqrt: return ir.CreateFDiv(real(a, 1), call(llvm::Intrinsic::sqrt, {a}));
    case Fn::kSin: return sin_or_cos(a, false);
    case Fn::kCos: return sin_or_cos(a, true);
    case Fn::kTanh: return tanh(a);
    case Fn::kErf: return erf(a);
    case Fn::kFloor: return call(llvm::Intrinsic::floor, {a});
    case Fn::kCeil: return call(llvm::Intrinsic::ceil, {a});
    case Fn::kTrunc: return call(llvm::Intrinsic::trunc, {a});
    case Fn::kRound: return call(llvm::Intrinsic::roundeven, {a});
    default: throw InternalError("CPU target: not a function of one float");
  }
}

Value* Lanes::binary_real(Fn fn, Value* a, Value* b) {
  const auto number = [&](llvm::Intrinsic::ID id) {
    return ir.CreateSelect(is_nan(a), b, ir.CreateSelect(is_nan(b), a, call(id, {a, b})));
  };
  switch (fn) {
    case Fn::kAdd: return ir.CreateFAdd(a, b);
    case Fn::kSub: return ir.CreateFSub(a, b);
    case Fn::kMul: return ir.CreateFMul(a, b);
    case Fn::kDiv: return ir.CreateFDiv(a, b);
    case Fn::kRem: return remainder(a, b);
    case Fn::kFloorDiv: return call(llvm::Intrinsic::floor, {ir.CreateFDiv(a, b)});
    case Fn::kFloorMod: return floor_remainder(a, b);
    case Fn::kPow: return pow(a, b);
    case Fn::kMin: return call(llvm::Intrinsic::minimum, {a, b});
    case Fn::kMax: return call(llvm::Intrinsic::maximum, {a, b});
    case Fn::kMinNum: return number(llvm::Intrinsic::minimum);
    case Fn::kMaxNum: return number(llvm::Intrinsic::maximum);
    default: throw InternalError("CPU target: not a function of two floats");
  }
}

Value* Lanes::unary_integer(Fn fn, DType t, Value* a) {
  switch (fn) {
    case Fn::kNeg: return ir.CreateNeg(a);
    case Fn::kNot: return ir.CreateNot(a);
    case Fn::kAbs:
      return is_signed_int(t) ? ir.CreateBinaryIntrinsic(llvm::Intrinsic::abs, a, ir.getFalse()) : a;
    default: throw InternalError("CPU target: not a function of one integer");
  }
}

Value* Lanes::binary_integer(Fn fn, DType t, Value* a, Value* b) {
  const bool is_signed = is_signed_int(t);
  switch (fn) {
    case Fn::kAdd: return ir.CreateAdd(a, b);
    case Fn::kSub: return ir.CreateSub(a, b);
    case Fn::kMul: return ir.CreateMul(a, b);
    case Fn::kDiv:
    case Fn::kRem: return divide(fn, is_signed, a, b);
    case Fn::kFloorDiv:
    case Fn::kFloorMod: return floor_divide(fn, is_signed, a, b);
    case Fn::kMin:
    case Fn::kMinNum: return call(is_signed ? llvm::Intrinsic::smin : llvm::Intrinsic::umin, {a, b});
    case Fn::kMax:
    case Fn::kMaxNum: return call(is_signed ? llvm::Intrinsic::smax : llvm::Intrinsic::umax, {a, b});
    case Fn::kAnd: return ir.CreateAnd(a, b);
    case Fn::kOr: return ir.CreateOr(a, b);
    case Fn::kXor: return ir.CreateXor(a, b);
    case Fn::kShl:
    case Fn::kShr: return shift(fn, is_signed, a, b);
    default: throw InternalError("CPU target: not a function of two integers");
  }
}

// Total: by zero gives 0, and the lowest integer by -1 is itself (the instruction would trap on both).
Value* Lanes::divide(Fn fn, bool is_signed, Value* a, Value* b) {
  const bool quotient = fn == Fn::kDiv;
  Value* zero = ir.CreateICmpEQ(b, integer(b, 0));
  Value* minus = is_signed ? ir.CreateICmpEQ(b, integer(b, -1)) : nullptr;
  Value* safe = ir.CreateSelect(is_signed ? ir.CreateOr(zero, minus) : zero, integer(b, 1), b);
  Value* result = nullptr;
  if (is_signed) {
    result = quotient ? ir.CreateSDiv(a, safe) : ir.CreateSRem(a, safe);
    if (quotient) result = ir.CreateSelect(minus, ir.CreateNeg(a), result);
  } else {
    result = quotient ? ir.CreateUDiv(a, safe) : ir.CreateURem(a, safe);
  }
  return quotient ? ir.CreateSelect(zero, integer(b, 0), result) : result;
}

// Towards minus infinity: where the signs differ and something is left, one less than towards zero.
Value* Lanes::floor_divide(Fn fn, bool is_signed, Value* a, Value* b) {
  Value* rest = divide(Fn::kRem, is_signed, a, b);
  if (!is_signed) return fn == Fn::kFloorMod ? rest : divide(Fn::kDiv, is_signed, a, b);
  Value* apart = ir.CreateICmpSLT(ir.CreateXor(rest, b), integer(b, 0));
  Value* moves = ir.CreateAnd(apart, ir.CreateICmpNE(rest, integer(b, 0)));
  if (fn == Fn::kFloorMod) return ir.CreateSelect(moves, ir.CreateAdd(rest, b), rest);
  Value* quotient = divide(Fn::kDiv, is_signed, a, b);
  return ir.CreateSelect(moves, ir.CreateSub(quotient, integer(b, 1)), quotient);
}

Value* Lanes::shift(Fn fn, bool is_signed, Value* a, Value* b) {
  const auto size = static_cast<std::int64_t>(a->getType()->getScalarSizeInBits());
  Value* inside = ir.CreateICmpULT(b, integer(b, size));
  Value* by = ir.CreateSelect(inside, b, integer(b, 0));
  Value* moved = fn == Fn::kShl ? ir.CreateShl(a, by)
                 : is_signed    ? ir.CreateAShr(a, by)
                                : ir.CreateLShr(a, by);
  return ir.CreateSelect(inside, moved, integer(a, 0));
}

Value* Lanes::compare(Fn fn, DType t, Value* a, Value* b) {
  align(a, b);
  using P = llvm::CmpInst::Predicate;
  const bool is_signed = is_signed_int(t);
  const auto predicate = [&] {
    if (is_float(t)) switch (fn) {
        case Fn::kEq: return P::FCMP_OEQ;
        case Fn::kNe: return P::FCMP_UNE;
        case Fn::kLt: return P::FCMP_OLT;
        case Fn::kLe: return P::FCMP_OLE;
        case Fn::kGt: return P::FCMP_OGT;
        default: return P::FCMP_OGE;
      }
    switch (fn) {
      case Fn::kEq: return P::ICMP_EQ;
      case Fn::kNe: return P::ICMP_NE;
      case Fn::kLt: return is_signed ? P::ICMP_SLT : P::ICMP_ULT;
      case Fn::kLe: return is_signed ? P::ICMP_SLE : P::ICMP_ULE;
      case Fn::kGt: return is_signed ? P::ICMP_SGT : P::ICMP_UGT;
      default: return is_signed ? P::ICMP_SGE : P::ICMP_UGE;
    }
  }();
  return is_float(t) ? ir.CreateFCmp(predicate, a, b) : ir.CreateICmp(predicate, a, b);
}

// On v2 there is no instruction: the product is exact in f64, and the sum is rounded to odd before it
// narrows.
Value* Lanes::fused_multiply_add(DType t, Value* a, Value* b, Value* c) {
  align(a, b), align(a, c), align(b, c);
  if (!is_float(t)) return ir.CreateAdd(ir.CreateMul(a, b), c);
  if (features.fma) return round_small(t, call(llvm::Intrinsic::fma, {a, b, c}));
  if (t == DType::kF64) throw Unsupported("fma of f64 needs x86-64-v3");
  llvm::Type* wide = like(ir.getDoubleTy(), a);
  Value* product = ir.CreateFMul(ir.CreateFPExt(a, wide), ir.CreateFPExt(b, wide));
  Value* addend = ir.CreateFPExt(c, wide);
  Value* sum = ir.CreateFAdd(product, addend);
  Value* part = ir.CreateFSub(sum, product);
  Value* error = ir.CreateFAdd(ir.CreateFSub(product, ir.CreateFSub(sum, part)), ir.CreateFSub(addend, part));
  Value* bits = bits_of(sum);
  Value* inexact = ir.CreateAnd(ir.CreateFCmpONE(error, real(error, 0)),
                                ir.CreateICmpEQ(ir.CreateAnd(bits, integer(bits, 1)), integer(bits, 0)));
  Value* outward =
      ir.CreateICmpEQ(ir.CreateFCmpOGT(error, real(error, 0)), ir.CreateFCmpOGT(sum, real(sum, 0)));
  Value* odd = ir.CreateAdd(bits, ir.CreateSelect(outward, integer(bits, 1), integer(bits, -1)));
  Value* narrow = ir.CreateFPTrunc(real_of(ir.CreateSelect(inexact, odd, bits)), like(ir.getFloatTy(), a));
  return round_small(t, narrow);
}

}  // namespace intarsia::target
