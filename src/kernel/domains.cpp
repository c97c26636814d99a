// Which dtypes scalar functions take.
#include "kernel/rules.h"

namespace intarsia::kernel {
namespace {

constexpr DTypes kReals = kFloats | only(DType::kF8E4M3) | only(DType::kF8E5M2);
constexpr DTypes kInts = only(DType::kI4) | only(DType::kI8) | only(DType::kI16) | only(DType::kI32) |
                         only(DType::kI64) | only(DType::kU4) | only(DType::kU8) | only(DType::kU16) |
                         only(DType::kU32) | only(DType::kU64);
constexpr DTypes kNumbers = kReals | kInts;
constexpr DTypes kLogical = kInts | only(DType::kBool);

}  // namespace

DTypes unary_dtypes(Fn fn) {
  switch (fn) {
    case Fn::kNeg:
    case Fn::kAbs: return kNumbers;
    case Fn::kNot: return kLogical;
    case Fn::kExp:
    case Fn::kExp2:
    case Fn::kLog:
    case Fn::kLog2:
    case Fn::kSqrt:
    case Fn::kRsqrt:
    case Fn::kSin:
    case Fn::kCos:
    case Fn::kTanh:
    case Fn::kErf:
    case Fn::kFloor:
    case Fn::kCeil:
    case Fn::kRound:
    case Fn::kTrunc: return kReals;
    default: return 0;
  }
}

DTypes binary_dtypes(Fn fn) {
  switch (fn) {
    case Fn::kAdd:
    case Fn::kSub:
    case Fn::kMul:
    case Fn::kDiv:
    case Fn::kRem:
    case Fn::kFloorDiv:
    case Fn::kFloorMod: return kNumbers;
    case Fn::kMin:
    case Fn::kMax:
    case Fn::kMinNum:
    case Fn::kMaxNum: return kNumbers | only(DType::kBool);
    case Fn::kAnd:
    case Fn::kOr:
    case Fn::kXor: return kLogical;
    case Fn::kShl:
    case Fn::kShr: return kInts;
    case Fn::kPow: return kReals;
    default: return 0;
  }
}

DTypes compare_dtypes(Fn fn) {
  switch (fn) {
    case Fn::kEq:
    case Fn::kNe:
    case Fn::kLt:
    case Fn::kLe:
    case Fn::kGt:
    case Fn::kGe: return kNumbers | only(DType::kBool);
    default: return 0;
  }
}

bool is_combining(Fn fn) {
  switch (fn) {
    case Fn::kAdd:
    case Fn::kMul:
    case Fn::kMin:
    case Fn::kMax:
    case Fn::kMinNum:
    case Fn::kMaxNum:
    case Fn::kAnd:
    case Fn::kOr:
    case Fn::kXor: return true;
    default: return false;
  }
}

bool is_atomic(Fn fn) {
  return fn == Fn::kExchange || fn == Fn::kCompareExchange || (is_combining(fn) && fn != Fn::kMul);
}

}  // namespace intarsia::kernel
