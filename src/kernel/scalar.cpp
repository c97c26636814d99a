#include "kernel/scalar.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <type_traits>

#include "base/convert.h"

namespace intarsia::kernel {
namespace {

using Bits = std::uint64_t;

// How one dtype is computed: f64 and f32 in themselves, narrower floats in f32, integers in 64 bits.
template <DType t>
struct Number {
  static constexpr bool kFloat = is_float(t);
  static constexpr int kWidth = t == DType::kBool ? 1 : bits(t);
  static constexpr bool kSigned = is_signed_int(t);
  using Int = std::conditional_t<kSigned, std::int64_t, std::uint64_t>;
  using Compute = std::conditional_t<t == DType::kF64, double, std::conditional_t<kFloat, float, Int>>;

  static Compute get(Bits b) {
    if constexpr (t == DType::kF64)
      return std::bit_cast<double>(b);
    else if constexpr (t == DType::kF32)
      return std::bit_cast<float>(static_cast<std::uint32_t>(b));
    else if constexpr (kFloat)
      return static_cast<float>(float_from_bits(t, b));
    else
      return static_cast<Compute>(int_from_bits(t, b));
  }
  static Bits put(Compute v) {
    if constexpr (t == DType::kF64)
      return std::bit_cast<Bits>(v);
    else if constexpr (t == DType::kF32)
      return std::bit_cast<std::uint32_t>(v);
    else if constexpr (kFloat)
      return bits_from_float(t, static_cast<double>(v));
    else if constexpr (t == DType::kBool)
      return v & 1;
    else
      return bits_from_int(t, static_cast<std::int64_t>(v));
  }
  static double real(Bits b) { return static_cast<double>(get(b)); }
  static Bits round(double v) {  // once, from f64
    if constexpr (t == DType::kF64)
      return std::bit_cast<Bits>(v);
    else if constexpr (t == DType::kF32)
      return std::bit_cast<std::uint32_t>(static_cast<float>(v));
    else
      return bits_from_float(t, v);
  }
};

// clang-format off
template <DType t>
UnaryFn unary_of(Fn fn) {
  using N = Number<t>;
  using C = typename N::Compute;
  if constexpr (N::kFloat) {
    switch (fn) {
      case Fn::kNeg: return [](Bits a) { return N::put(-N::get(a)); };
      case Fn::kAbs: return [](Bits a) { return N::put(std::fabs(N::get(a))); };
      case Fn::kSqrt: return [](Bits a) { return N::put(std::sqrt(N::get(a))); };
      case Fn::kFloor: return [](Bits a) { return N::put(std::floor(N::get(a))); };
      case Fn::kCeil: return [](Bits a) { return N::put(std::ceil(N::get(a))); };
      case Fn::kRound: return [](Bits a) { return N::put(std::nearbyint(N::get(a))); };
      case Fn::kTrunc: return [](Bits a) { return N::put(std::trunc(N::get(a))); };
      case Fn::kExp: return [](Bits a) { return N::round(std::exp(N::real(a))); };
      case Fn::kExp2: return [](Bits a) { return N::round(std::exp2(N::real(a))); };
      case Fn::kLog: return [](Bits a) { return N::round(std::log(N::real(a))); };
      case Fn::kLog2: return [](Bits a) { return N::round(std::log2(N::real(a))); };
      case Fn::kRsqrt: return [](Bits a) { return N::round(1.0 / std::sqrt(N::real(a))); };
      case Fn::kSin: return [](Bits a) { return N::round(std::sin(N::real(a))); };
      case Fn::kCos: return [](Bits a) { return N::round(std::cos(N::real(a))); };
      case Fn::kTanh: return [](Bits a) { return N::round(std::tanh(N::real(a))); };
      case Fn::kErf: return [](Bits a) { return N::round(std::erf(N::real(a))); };
      default: return nullptr;
    }
  } else {
    if (fn == Fn::kNot) return [](Bits a) { return N::put(static_cast<C>(~N::get(a))); };
    if constexpr (t == DType::kBool) return nullptr;
    if (fn == Fn::kNeg) return [](Bits a) { return N::put(static_cast<C>(0 - static_cast<Bits>(N::get(a)))); };
    if (fn == Fn::kAbs)
      return [](Bits a) { return N::kSigned && static_cast<std::int64_t>(N::get(a)) < 0
                                     ? N::put(static_cast<C>(0 - static_cast<Bits>(N::get(a)))) : a; };
    return nullptr;
  }
}

template <class F> F floor_mod(F a, F b) {
  F r = std::fmod(a, b);
  if (r == 0) return std::copysign(r, b);
  return (r < 0) != (b < 0) ? r + b : r;
}
template <class F> F smaller(F a, F b) {  // of two numbers; -0 is below +0
  return a < b || (a == b && std::signbit(a)) ? a : b;
}
template <class F> F larger(F a, F b) { return a > b || (a == b && std::signbit(b)) ? a : b; }

template <DType t>
BinaryFn float_binary(Fn fn) {
  using N = Number<t>;
  using F = typename N::Compute;
  switch (fn) {
    case Fn::kAdd: return [](Bits a, Bits b) { return N::put(N::get(a) + N::get(b)); };
    case Fn::kSub: return [](Bits a, Bits b) { return N::put(N::get(a) - N::get(b)); };
    case Fn::kMul: return [](Bits a, Bits b) { return N::put(N::get(a) * N::get(b)); };
    case Fn::kDiv: return [](Bits a, Bits b) { return N::put(N::get(a) / N::get(b)); };
    case Fn::kRem: return [](Bits a, Bits b) { return N::put(std::fmod(N::get(a), N::get(b))); };
    case Fn::kFloorDiv: return [](Bits a, Bits b) { return N::put(std::floor(N::get(a) / N::get(b))); };
    case Fn::kFloorMod: return [](Bits a, Bits b) { return N::put(floor_mod(N::get(a), N::get(b))); };
    case Fn::kPow: return [](Bits a, Bits b) { return N::round(std::pow(N::real(a), N::real(b))); };
    case Fn::kMin: return [](Bits a, Bits b) {
      const F x = N::get(a), y = N::get(b);
      return x != x ? a : y != y ? b : N::put(smaller(x, y)); };
    case Fn::kMax: return [](Bits a, Bits b) {
      const F x = N::get(a), y = N::get(b);
      return x != x ? a : y != y ? b : N::put(larger(x, y)); };
    case Fn::kMinNum: return [](Bits a, Bits b) {
      const F x = N::get(a), y = N::get(b);
      return x != x ? b : y != y ? a : N::put(smaller(x, y)); };
    case Fn::kMaxNum: return [](Bits a, Bits b) {
      const F x = N::get(a), y = N::get(b);
      return x != x ? b : y != y ? a : N::put(larger(x, y)); };
    default: return nullptr;
  }
}

// Division is total: by zero it gives 0, and the lowest integer divided by -1 is itself.
template <class I> I quotient(I a, I b) {
  if (b == 0) return 0;
  if constexpr (std::is_signed_v<I>) if (b == -1) return static_cast<I>(0 - static_cast<Bits>(a));
  return a / b;
}
template <class I> I remainder(I a, I b) {
  if (b == 0) return 0;
  if constexpr (std::is_signed_v<I>) if (b == -1) return 0;
  return a % b;
}
template <class I> bool rounds_up(I a, I b) {  // truncation went towards zero from below
  if constexpr (std::is_signed_v<I>) return remainder(a, b) != 0 && (a < 0) != (b < 0);
  else return false;
}
template <DType t> bool in_width(typename Number<t>::Compute n) {
  if constexpr (Number<t>::kSigned) return n >= 0 && n < Number<t>::kWidth;
  else return n < static_cast<Bits>(Number<t>::kWidth);
}

template <DType t>
BinaryFn int_binary(Fn fn) {
  using N = Number<t>;
  using I = typename N::Compute;
  switch (fn) {
    case Fn::kMin: case Fn::kMinNum: return [](Bits a, Bits b) { return N::get(b) < N::get(a) ? b : a; };
    case Fn::kMax: case Fn::kMaxNum: return [](Bits a, Bits b) { return N::get(b) > N::get(a) ? b : a; };
    case Fn::kAnd: return [](Bits a, Bits b) { return a & b; };
    case Fn::kOr: return [](Bits a, Bits b) { return a | b; };
    case Fn::kXor: return [](Bits a, Bits b) { return a ^ b; };
    default: break;
  }
  if constexpr (t == DType::kBool) return nullptr;
  switch (fn) {
    case Fn::kAdd: return [](Bits a, Bits b) { return N::put(static_cast<I>(static_cast<Bits>(N::get(a)) + static_cast<Bits>(N::get(b)))); };
    case Fn::kSub: return [](Bits a, Bits b) { return N::put(static_cast<I>(static_cast<Bits>(N::get(a)) - static_cast<Bits>(N::get(b)))); };
    case Fn::kMul: return [](Bits a, Bits b) { return N::put(static_cast<I>(static_cast<Bits>(N::get(a)) * static_cast<Bits>(N::get(b)))); };
    case Fn::kDiv: return [](Bits a, Bits b) { return N::put(quotient(N::get(a), N::get(b))); };
    case Fn::kRem: return [](Bits a, Bits b) { return N::put(remainder(N::get(a), N::get(b))); };
    case Fn::kFloorDiv: return [](Bits a, Bits b) {
      const I x = N::get(a), y = N::get(b);
      return N::put(static_cast<I>(quotient(x, y) - (rounds_up(x, y) ? 1 : 0))); };
    case Fn::kFloorMod: return [](Bits a, Bits b) {
      const I x = N::get(a), y = N::get(b);
      return N::put(static_cast<I>(remainder(x, y) + (rounds_up(x, y) ? y : 0))); };
    case Fn::kShl: return [](Bits a, Bits b) {
      return in_width<t>(N::get(b)) ? N::put(static_cast<I>(static_cast<Bits>(N::get(a)) << N::get(b))) : 0; };
    case Fn::kShr: return [](Bits a, Bits b) { return in_width<t>(N::get(b)) ? N::put(N::get(a) >> N::get(b)) : 0; };
    default: return nullptr;
  }
}

template <DType t>
CompareFn compare_of(Fn fn) {
  using N = Number<t>;
  switch (fn) {
    case Fn::kEq: return [](Bits a, Bits b) { return N::get(a) == N::get(b); };
    case Fn::kNe: return [](Bits a, Bits b) { return N::get(a) != N::get(b); };
    case Fn::kLt: return [](Bits a, Bits b) { return N::get(a) < N::get(b); };
    case Fn::kLe: return [](Bits a, Bits b) { return N::get(a) <= N::get(b); };
    case Fn::kGt: return [](Bits a, Bits b) { return N::get(a) > N::get(b); };
    case Fn::kGe: return [](Bits a, Bits b) { return N::get(a) >= N::get(b); };
    default: return nullptr;
  }
}
// clang-format on

// visit.operator()<t>() for the dtype at hand.
template <class Visit>
auto for_dtype(DType t, Visit visit) {
  switch (t) {
    case DType::kBool: return visit.template operator()<DType::kBool>();
    case DType::kI4: return visit.template operator()<DType::kI4>();
    case DType::kI8: return visit.template operator()<DType::kI8>();
    case DType::kI16: return visit.template operator()<DType::kI16>();
    case DType::kI32: return visit.template operator()<DType::kI32>();
    case DType::kI64: return visit.template operator()<DType::kI64>();
    case DType::kU4: return visit.template operator()<DType::kU4>();
    case DType::kU8: return visit.template operator()<DType::kU8>();
    case DType::kU16: return visit.template operator()<DType::kU16>();
    case DType::kU32: return visit.template operator()<DType::kU32>();
    case DType::kU64: return visit.template operator()<DType::kU64>();
    case DType::kF8E4M3: return visit.template operator()<DType::kF8E4M3>();
    case DType::kF8E5M2: return visit.template operator()<DType::kF8E5M2>();
    case DType::kF16: return visit.template operator()<DType::kF16>();
    case DType::kBF16: return visit.template operator()<DType::kBF16>();
    case DType::kF32: return visit.template operator()<DType::kF32>();
    case DType::kF64: return visit.template operator()<DType::kF64>();
  }
  return decltype(visit.template operator()<DType::kF64>()) {};
}

}  // namespace

UnaryFn unary_function(Fn fn, DType dtype) {
  return for_dtype(dtype, [fn]<DType t>() { return unary_of<t>(fn); });
}

BinaryFn binary_function(Fn fn, DType dtype) {
  return for_dtype(dtype, [fn]<DType t>() -> BinaryFn {
    if constexpr (is_float(t))
      return float_binary<t>(fn);
    else
      return int_binary<t>(fn);
  });
}

CompareFn compare_function(Fn fn, DType dtype) {
  return for_dtype(dtype, [fn]<DType t>() { return compare_of<t>(fn); });
}

TernaryFn fma_function(DType dtype) {
  return for_dtype(dtype, []<DType t>() -> TernaryFn {
    using N = Number<t>;
    if constexpr (!N::kFloat)
      return nullptr;
    else
      return [](Bits a, Bits b, Bits c) { return N::put(std::fma(N::get(a), N::get(b), N::get(c))); };
  });
}

std::uint64_t element_bits(DType dtype, std::int64_t constant_bits) {
  if (is_float(dtype)) return bits_from_float(dtype, std::bit_cast<double>(constant_bits));
  return bits_from_int(dtype, constant_bits);
}

}  // namespace intarsia::kernel
