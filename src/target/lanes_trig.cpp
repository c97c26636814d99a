// sin and cos: x = quarters * pi/2 + rest with |rest| <= pi/4, in f64 whatever the dtype; then a series.
#include <llvm/IR/Module.h>

#include <cmath>

#include "target/lanes.h"

namespace intarsia::target {
namespace {

using llvm::Value;

// 2/pi in binary: 64 zero bits, then its first 1216 bits.
constexpr std::uint64_t kTwoOverPi[] = {
    0x0000000000000000u, 0xa2f9836e4e441529u, 0xfc2757d1f534ddc0u, 0xdb6295993c439041u, 0xfe5163abdebbc561u,
    0xb7246e3a424dd2e0u, 0x06492eea09d1921cu, 0xfe1deb1cb129a73eu, 0xe88235f52ebb4484u, 0xe99c7026b45f7e41u,
    0x3991d639835339f4u, 0x9c845f8bbdf9283bu, 0x1ff897ffde05980fu, 0xef2f118b5a0a6d1fu, 0x6d367ecf27cb09b7u,
    0x4f463f669e5fea2du, 0x7527bac7ebe5f17bu, 0x3d0739f78a5292eau, 0x6bfb5fb11f8d5d08u, 0x56033046fc7b6babu};
constexpr double kPiOver2 = 1.5707963267948966;

// The words of m * (2/pi) * 2^e modulo 4: a quarter count in the two highest bits of `high`, a fraction
// below.
struct Fraction {
  Value *high, *low;
};
Fraction multiply_by_two_over_pi(llvm::IRBuilder<>& ir, Value* table, Value* mantissa, Value* first_bit) {
  llvm::Type *word = ir.getInt64Ty(), *twice = ir.getInt128Ty();
  Value* index = ir.CreateLShr(first_bit, ir.getInt64(6));
  Value* shift = ir.CreateAnd(first_bit, ir.getInt64(63));
  const auto at = [&](std::uint64_t n) {
    return ir.CreateLoad(word, ir.CreateGEP(word, table, ir.CreateAdd(index, ir.getInt64(n))));
  };
  const auto window = [&](std::uint64_t n) {
    return ir.CreateIntrinsic(llvm::Intrinsic::fshl, {word}, {at(n), at(n + 1), shift});
  };
  Value* m = ir.CreateZExt(mantissa, twice);
  const auto product = [&](std::uint64_t n) { return ir.CreateMul(m, ir.CreateZExt(window(n), twice)); };
  Value* sixty_four = llvm::ConstantInt::get(twice, 64);
  Value* low = product(2);
  Value* middle = ir.CreateAdd(product(1), ir.CreateLShr(low, sixty_four));
  Value* high = ir.CreateAdd(product(0), ir.CreateLShr(middle, sixty_four));
  return {ir.CreateTrunc(high, word), ir.CreateTrunc(middle, word)};
}

// A fraction of a quarter turn, between -1/2 and 1/2 of one, from 128 bits of which the highest two count
// quarters.
Value* quarter_fraction(llvm::IRBuilder<>& ir, Value* all, Value* quarters, Value*& below) {
  llvm::Type *word = ir.getInt64Ty(), *real = ir.getDoubleTy(), *twice = ir.getInt128Ty();
  const auto wide = [&](std::uint64_t v) { return llvm::ConstantInt::get(twice, v); };
  Value* rest = ir.CreateSub(all, ir.CreateShl(quarters, wide(126)));
  below = ir.CreateICmpSLT(rest, wide(0));
  Value* size = ir.CreateSelect(below, ir.CreateNeg(rest), rest);
  Value* zeros = ir.CreateIntrinsic(llvm::Intrinsic::ctlz, {twice}, {size, ir.getFalse()});
  zeros = ir.CreateBinaryIntrinsic(llvm::Intrinsic::umin, zeros, wide(127));
  Value* top = ir.CreateTrunc(ir.CreateLShr(ir.CreateShl(size, zeros), wide(64)), word);
  Value* scale =
      ir.CreateShl(ir.CreateSub(ir.getInt64(1023 - 62), ir.CreateTrunc(zeros, word)), ir.getInt64(52));
  return ir.CreateFMul(ir.CreateUIToFP(top, real), ir.CreateBitCast(scale, real));
}

// An internal function with the attributes of the module's kernel.
llvm::Function* internal_function(llvm::Module& module, llvm::FunctionType* type, const char* name) {
  auto* function = llvm::Function::Create(type, llvm::GlobalValue::InternalLinkage, name, module);
  for (const llvm::Function& kernel : module)
    if (!kernel.isDeclaration()) {
      function->addFnAttrs(llvm::AttrBuilder(module.getContext(), kernel.getAttributes().getFnAttrs()));
      break;
    }
  function->removeFnAttr("nvvm.reqntid");  // of a GPU's entry alone
  function->addFnAttr(llvm::Attribute::NoInline);
  return function;
}

// {quarters, rest} of one large f64, by integer arithmetic on the bits of 2/pi (Payne and Hanek).
llvm::Function* large_angle_function(llvm::Module& module) {
  constexpr const char* kName = "reduce_large_angle";
  if (auto* known = module.getFunction(kName)) return known;
  llvm::LLVMContext& context = module.getContext();
  llvm::IRBuilder<> ir(context);
  llvm::Type *word = ir.getInt64Ty(), *real = ir.getDoubleTy(), *twice = ir.getInt128Ty();
  auto* bits = llvm::ConstantDataArray::get(context, llvm::ArrayRef<std::uint64_t>(kTwoOverPi));
  auto* table = new llvm::GlobalVariable(module, bits->getType(), true, llvm::GlobalValue::PrivateLinkage,
                                         bits, "two_over_pi");
  auto* type = llvm::FunctionType::get(llvm::StructType::get(real, real), {real}, false);
  llvm::Function* function = internal_function(module, type, kName);
  ir.SetInsertPoint(llvm::BasicBlock::Create(context, "entry", function));
  Value* x = ir.CreateBitCast(function->getArg(0), word);
  Value* exponent = ir.CreateAnd(ir.CreateLShr(x, ir.getInt64(52)), ir.getInt64(0x7ff));
  Value* mantissa = ir.CreateOr(ir.CreateAnd(x, ir.getInt64((1ull << 52) - 1)), ir.getInt64(1ull << 52));
  // x = mantissa * 2^(exponent - 1075). Bits of 2/pi that make multiples of 4 are left out.
  Value* first_bit = ir.CreateBinaryIntrinsic(
      llvm::Intrinsic::umin, ir.CreateSub(exponent, ir.getInt64(1075 - 62)), ir.getInt64(1034));
  const Fraction f = multiply_by_two_over_pi(ir, table, mantissa, first_bit);
  const auto wide = [&](std::uint64_t v) { return llvm::ConstantInt::get(twice, v); };
  Value* all = ir.CreateOr(ir.CreateShl(ir.CreateZExt(f.high, twice), wide(64)), ir.CreateZExt(f.low, twice));
  Value* quarters = ir.CreateLShr(ir.CreateAdd(all, ir.CreateShl(wide(1), wide(125))), wide(126));
  Value* below = nullptr;
  Value* rest =
      ir.CreateFMul(quarter_fraction(ir, all, quarters, below), llvm::ConstantFP::get(real, kPiOver2));
  Value* negative = ir.CreateICmpSLT(x, ir.getInt64(0));
  rest = ir.CreateSelect(ir.CreateXor(below, negative), ir.CreateFNeg(rest), rest);
  Value* count = ir.CreateUIToFP(ir.CreateAnd(ir.CreateTrunc(quarters, word), ir.getInt64(3)), real);
  count = ir.CreateSelect(negative, ir.CreateFNeg(count), count);
  Value* result = ir.CreateInsertValue(llvm::PoisonValue::get(type->getReturnType()), count, 0);
  ir.CreateRet(ir.CreateInsertValue(result, rest, 1));
  return function;
}

}  // namespace

Lanes::Angle Lanes::reduce_angle(Value* x, double limit) {
  Value* n = call(llvm::Intrinsic::rint, {ir.CreateFMul(x, real(x, 2 / M_PI))});
  Value* rest = nullptr;
  if (features.fma) {
    rest = multiply_add(n, real(x, -kPiOver2), x);
    Value* product = ir.CreateFMul(n, real(x, 6.123233995736766e-17));
    Value* high = ir.CreateFSub(rest, product);
    Value* low = ir.CreateFSub(ir.CreateFSub(rest, high), product);
    rest = ir.CreateFAdd(high, multiply_add(n, real(x, 1.4973849048591698e-33), low));
  } else {  // parts of 33 bits: their products with n are exact
    rest = ir.CreateFSub(x, ir.CreateFMul(n, real(x, 1.5707963267341256)));
    rest = ir.CreateFSub(rest, ir.CreateFMul(n, real(x, 6.077100506303966e-11)));
    rest = ir.CreateFSub(rest, ir.CreateFMul(n, real(x, 2.0222662487959506e-21)));
  }
  Value* turns = call(llvm::Intrinsic::floor, {ir.CreateFMul(n, real(n, 0.25))});
  Value* quarters = ir.CreateFSub(n, ir.CreateFMul(turns, real(n, 4)));
  Value* size = call(llvm::Intrinsic::fabs, {x});
  Value* large =
      ir.CreateAnd(ir.CreateFCmpOGT(size, real(x, limit)), ir.CreateFCmpOLT(size, real(x, INFINITY)));
  return reduce_large_angle(x, large, {quarters, rest});
}

// Rare: one lane after the other.
Lanes::Angle Lanes::reduce_large_angle(Value* x, Value* large, Angle small) {
  llvm::Function* caller = ir.GetInsertBlock()->getParent();
  auto* before = ir.GetInsertBlock();
  auto* inside = llvm::BasicBlock::Create(ir.getContext(), "large", caller);
  auto* after = llvm::BasicBlock::Create(ir.getContext(), "angle", caller);
  ir.CreateCondBr(any(large), inside, after);
  ir.SetInsertPoint(inside);
  llvm::Function* function = large_angle_function(*caller->getParent());
  Value *quarters = small.quarters, *rest = small.rest;
  for (int lane = 0; lane < std::max(1, width(x)); ++lane) {
    const auto n = static_cast<std::uint64_t>(lane);
    Value* both = ir.CreateCall(function, {width(x) == 0 ? x : ir.CreateExtractElement(x, n)});
    Value *q = ir.CreateExtractValue(both, 0), *r = ir.CreateExtractValue(both, 1);
    quarters = width(x) == 0 ? q : ir.CreateInsertElement(quarters, q, n);
    rest = width(x) == 0 ? r : ir.CreateInsertElement(rest, r, n);
  }
  quarters = ir.CreateSelect(large, quarters, small.quarters);
  rest = ir.CreateSelect(large, rest, small.rest);
  auto* end = ir.GetInsertBlock();
  ir.CreateBr(after);
  ir.SetInsertPoint(after);
  const auto join = [&](Value* slow, Value* fast) {
    auto* phi = ir.CreatePHI(fast->getType(), 2);
    phi->addIncoming(fast, before);
    phi->addIncoming(slow, end);
    return phi;
  };
  Value* joined = join(quarters, small.quarters);
  return {joined, join(rest, small.rest)};
}

Value* Lanes::sin_or_cos(Value* x, bool cosine) {
  const bool f64 = x->getType()->getScalarSizeInBits() == 64;
  Value* wide = f64 ? x : ir.CreateFPExt(x, like(ir.getDoubleTy(), x));
  const auto [quarters, rest] = reduce_angle(wide, !features.fma ? 1e5 : f64 ? 1e8 : 1e14);
  Value* r = f64 ? rest : ir.CreateFPTrunc(rest, x->getType());
  Value* z = ir.CreateFMul(r, r);
  Value *sine = nullptr, *cosines = nullptr;
  if (f64) {
    sine = polynomial(z, {1.0 / 355687428096000, -1.0 / 1307674368000, 1.0 / 6227020800, -1.0 / 39916800,
                          1.0 / 362880, -1.0 / 5040, 1.0 / 120, -1.0 / 6});
    cosines = polynomial(z, {-1.0 / 6402373705728000, 1.0 / 20922789888000, -1.0 / 87178291200,
                             1.0 / 479001600, -1.0 / 3628800, 1.0 / 40320, -1.0 / 720, 1.0 / 24});
  } else {
    sine = polynomial(z, {1.0 / 362880, -1.0 / 5040, 1.0 / 120, -1.0 / 6});
    cosines = polynomial(z, {-1.0 / 3628800, 1.0 / 40320, -1.0 / 720, 1.0 / 24});
  }
  sine = multiply_add(ir.CreateFMul(r, z), sine, r);
  Value* half = ir.CreateFMul(z, real(z, 0.5));
  Value* one = ir.CreateFSub(real(z, 1), half);
  Value* lost = ir.CreateFSub(ir.CreateFSub(real(z, 1), one), half);
  cosines = ir.CreateFAdd(one, multiply_add(ir.CreateFMul(z, z), cosines, lost));
  Value* q = ir.CreateFPToSI(quarters, like(ir.getInt32Ty(), x));
  q = ir.CreateFreeze(q);
  if (cosine) q = ir.CreateAdd(q, integer(q, 1));
  Value* odd = ir.CreateICmpNE(ir.CreateAnd(q, integer(q, 1)), integer(q, 0));
  Value* negative = ir.CreateICmpNE(ir.CreateAnd(q, integer(q, 2)), integer(q, 0));
  Value* v = ir.CreateSelect(odd, cosines, sine);
  v = ir.CreateSelect(negative, ir.CreateFNeg(v), v);
  if (!cosine) v = ir.CreateSelect(ir.CreateFCmpOEQ(x, real(x, 0)), x, v);
  Value* finite = ir.CreateFCmpOLT(call(llvm::Intrinsic::fabs, {x}), real(x, INFINITY));
  return ir.CreateSelect(finite, v, ir.CreateSelect(is_nan(x), x, real(x, NAN)));
}

}  // namespace intarsia::target
