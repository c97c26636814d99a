// Casts, and small floats between registers (f32 values) and memory (their bits).
#include "base/convert.h"

#include <cmath>

#include "base/error.h"
#include "target/lanes.h"

namespace intarsia::target {
namespace {

using llvm::Value;

struct SmallFloat {
  int mantissa, exponent_bits;
  double largest;
  bool saturates;
  int bias() const { return (1 << (exponent_bits - 1)) - 1; }
  int lowest_exponent() const { return 1 - bias(); }
};

SmallFloat format_of(DType t) {
  switch (t) {
    case DType::kF16: return {10, 5, 65504, false};
    case DType::kF8E4M3: return {3, 4, 448, true};
    case DType::kF8E5M2: return {2, 5, 57344, true};
    default: throw InternalError("CPU target: not a small float");
  }
}

bool is_small(DType t) { return is_float(t) && t != DType::kF32 && t != DType::kF64; }

}  // namespace

Value* Lanes::narrow_to_odd(Value* v) {
  Value* narrow = ir.CreateFPTrunc(v, like(ir.getFloatTy(), v));
  Value* back = ir.CreateFPExt(narrow, v->getType());
  Value* bits = bits_of(narrow);
  Value* even = ir.CreateICmpEQ(ir.CreateAnd(bits, integer(bits, 1)), integer(bits, 0));
  Value* inexact = ir.CreateAnd(ir.CreateFCmpONE(back, v), even);
  Value* too_small = ir.CreateFCmpOLT(call(llvm::Intrinsic::fabs, {back}), call(llvm::Intrinsic::fabs, {v}));
  Value* odd = ir.CreateAdd(bits, ir.CreateSelect(too_small, integer(bits, 1), integer(bits, -1)));
  return real_of(ir.CreateSelect(inexact, odd, bits));
}

// Rounds an f32 to the nearest value of t, ties to even; the result is still an f32.
Value* Lanes::round_small(DType t, Value* v) {
  if (!is_small(t)) return v;
  if (t == DType::kF16 && features.fma) {
    llvm::Type* half = like(ir.getHalfTy(), v);
    return ir.CreateFPExt(ir.CreateFPTrunc(v, half), v->getType());
  }
  Value* bits = bits_of(v);
  const int dropped = t == DType::kBF16 ? 16 : 23 - format_of(t).mantissa;
  Value* lowest = ir.CreateAnd(ir.CreateLShr(bits, integer(bits, dropped)), integer(bits, 1));
  Value* up = ir.CreateAdd(ir.CreateAdd(bits, lowest), integer(bits, (1 << (dropped - 1)) - 1));
  Value* rounded = ir.CreateAnd(up, integer(bits, -(1 << dropped)));
  if (t == DType::kBF16) {
    Value* quiet = ir.CreateOr(ir.CreateAnd(bits, integer(bits, -(1 << dropped))), integer(bits, 1 << 22));
    return real_of(ir.CreateSelect(is_nan(v), quiet, rounded));
  }
  const SmallFloat f = format_of(t);
  Value* size = call(llvm::Intrinsic::fabs, {v});
  Value* magic = real(v, std::ldexp(1.0, 23 + f.lowest_exponent() - f.mantissa));
  Value* small = ir.CreateFSub(ir.CreateFAdd(size, magic), magic);
  Value* normal = call(llvm::Intrinsic::fabs, {real_of(rounded)});
  Value* result =
      ir.CreateSelect(ir.CreateFCmpOLT(size, real(v, std::ldexp(1.0, f.lowest_exponent()))), small, normal);
  Value* limit = real(v, f.saturates ? f.largest : INFINITY);
  result = ir.CreateSelect(ir.CreateFCmpOGT(result, real(v, f.largest)), limit, result);
  result = ir.CreateBinaryIntrinsic(llvm::Intrinsic::copysign, result, v);
  return ir.CreateSelect(is_nan(v), v, result);
}

Value* Lanes::from_memory(DType t, Value* v) {
  if (t == DType::kBool) return ir.CreateICmpNE(v, integer(v, 0));
  if (bits(t) == 4) return ir.CreateTrunc(v, like(ir.getIntNTy(4), v));
  if (!is_small(t)) return v;
  llvm::Type* word = like(ir.getInt32Ty(), v);
  if (t == DType::kF16 && features.fma)
    return ir.CreateFPExt(ir.CreateBitCast(v, like(ir.getHalfTy(), v)), like(ir.getFloatTy(), v));
  Value* wide = ir.CreateZExt(v, word);
  if (t == DType::kBF16) return real_of(ir.CreateShl(wide, integer(wide, 16)));
  const SmallFloat f = format_of(t);
  const int total = f.mantissa + f.exponent_bits;
  Value* sign = ir.CreateShl(ir.CreateLShr(wide, integer(wide, total)), integer(wide, 31));
  Value* size = ir.CreateAnd(wide, integer(wide, (1 << total) - 1));
  Value* shifted = real_of(ir.CreateShl(size, integer(wide, 23 - f.mantissa)));
  Value* value = bits_of(ir.CreateFMul(shifted, real(shifted, std::ldexp(1.0, 127 - f.bias()))));
  // The largest exponent: infinity and NaN of f16 and f8e5m2; the single NaN pattern of f8e4m3.
  const int first_special = t == DType::kF8E4M3 ? 0x7f : ((1 << f.exponent_bits) - 1) << f.mantissa;
  Value* special = ir.CreateOr(ir.CreateShl(size, integer(wide, 23 - f.mantissa)), integer(wide, 0x7f800000));
  Value* is_special = ir.CreateICmpUGE(size, integer(wide, first_special));
  return real_of(ir.CreateOr(ir.CreateSelect(is_special, special, value), sign));
}

// The value is one that t holds, so no rounding is left to do.
Value* Lanes::to_memory(DType t, Value* v) {
  if (t == DType::kBool) return ir.CreateZExt(v, like(ir.getInt8Ty(), v));
  if (bits(t) == 4) return ir.CreateZExt(v, like(ir.getInt8Ty(), v));
  if (!is_small(t)) return v;
  llvm::Type* memory = like(memory_type(t), v);
  if (t == DType::kF16 && features.fma)
    return ir.CreateBitCast(ir.CreateFPTrunc(v, like(ir.getHalfTy(), v)), memory);
  Value* bits = bits_of(v);
  if (t == DType::kBF16) return ir.CreateTrunc(ir.CreateLShr(bits, integer(bits, 16)), memory);
  const SmallFloat f = format_of(t);
  const int total = f.mantissa + f.exponent_bits;
  Value* sign = ir.CreateShl(ir.CreateLShr(bits, integer(bits, 31)), integer(bits, total));
  Value* size = ir.CreateAnd(bits, integer(bits, 0x7fffffff));
  Value* scaled =
      ir.CreateFMul(real_of(size), real(v, std::ldexp(1.0, f.bias() - 127)));  // exact: denormals fall out
  Value* code = ir.CreateLShr(bits_of(scaled), integer(bits, 23 - f.mantissa));
  const int nan_code = t == DType::kF8E4M3 ? 0x7f : (1 << total) - (1 << (f.mantissa - 1));
  const int infinity = ((1 << f.exponent_bits) - 1) << f.mantissa;
  if (!f.saturates)
    code = ir.CreateSelect(ir.CreateICmpEQ(size, integer(bits, 0x7f800000)), integer(bits, infinity), code);
  code = ir.CreateSelect(is_nan(v), integer(bits, nan_code), code);
  return ir.CreateTrunc(ir.CreateOr(code, sign), memory);
}

Value* Lanes::cast(DType from, Value* v, DType to) {
  if (from == to) return v;
  if (to == DType::kBool)
    return is_float(from) ? ir.CreateFCmpUNE(v, real(v, 0)) : ir.CreateICmpNE(v, integer(v, 0));
  if (is_float(from)) return is_float(to) ? real_to_real(from, v, to) : real_to_integer(from, v, to);
  if (is_float(to)) return integer_to_real(from, v, to);
  llvm::Type* type = like(register_type(to), v);
  return is_signed_int(from) ? ir.CreateSExtOrTrunc(v, type) : ir.CreateZExtOrTrunc(v, type);
}

Value* Lanes::real_to_real(DType from, Value* v, DType to) {
  if (to == DType::kF64) return ir.CreateFPExt(v, like(ir.getDoubleTy(), v));
  if (to == DType::kF32) return from == DType::kF64 ? ir.CreateFPTrunc(v, like(ir.getFloatTy(), v)) : v;
  return round_small(to, from == DType::kF64 ? narrow_to_odd(v) : v);
}

Value* Lanes::real_to_integer(DType, Value* v, DType to) {
  const auto id = is_signed_int(to) ? llvm::Intrinsic::fptosi_sat : llvm::Intrinsic::fptoui_sat;
  return ir.CreateIntrinsic(id, {like(register_type(to), v), v->getType()}, {v});
}

Value* Lanes::integer_to_real(DType from, Value* v, DType to) {
  const bool is_signed = is_signed_int(from);
  const auto convert = [&](llvm::Type* element) {
    llvm::Type* type = like(element, v);
    return is_signed ? ir.CreateSIToFP(v, type) : ir.CreateUIToFP(v, type);
  };
  if (to == DType::kF64) return convert(ir.getDoubleTy());
  if (to == DType::kF32) return convert(ir.getFloatTy());
  if (bits(from) < 32) return round_small(to, convert(ir.getFloatTy()));  // exact in f32
  if (bits(from) == 64) {
    // Keep what f64 would drop as one sticky bit, so that the last rounding sees it. Small values keep all
    // their bits.
    Value* kept = ir.CreateOr(ir.CreateAnd(v, integer(v, -2048)), integer(v, 1024));
    Value* dropped = ir.CreateICmpNE(ir.CreateAnd(v, integer(v, 2047)), integer(v, 0));
    Value* size = is_signed ? ir.CreateBinaryIntrinsic(llvm::Intrinsic::abs, v, ir.getFalse()) : v;
    Value* large = ir.CreateICmpUGE(size, integer(v, std::int64_t{1} << 53));
    v = ir.CreateSelect(ir.CreateAnd(large, dropped), kept, v);
  }
  return round_small(to, narrow_to_odd(convert(ir.getDoubleTy())));
}

Value* Lanes::bitcast(DType from, Value* v, DType to) {
  if (from == to) return v;
  Value* memory = to_memory(from, v);
  return from_memory(to, ir.CreateBitCast(memory, like(memory_type(to), v)));
}

}  // namespace intarsia::target
