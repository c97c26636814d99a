// f32 and f64, rounded to nearest. Directed roundings: execute_rounded.cpp.
#include <cmath>

#include "ptx/lanes.h"
#include "ptx/numbers.h"
#include "ptx/select.h"

namespace intarsia::ptx {
namespace {

struct Add {
  template <class T>
  T operator()(T a, T b) const {
    return passed_on(b, a + b);
  }
};
struct Sub {
  template <class T>
  T operator()(T a, T b) const {
    return passed_on(b, a - b);
  }
};
struct Mul {
  template <class T>
  T operator()(T a, T b) const {
    return passed_on(b, a * b);
  }
  static float above(float a, float b) { return Mul{}(raised(a), b); }
};
struct Div {
  template <class T>
  T operator()(T a, T b) const {
    return a / b;
  }
  static float above(float a, float b) { return Div{}(raised(a), b); }
};
struct Rcp {
  template <class T>
  T operator()(T a) const {
    return T{1} / a;
  }
  static float above(float b) { return Div{}(0x1p64F, b); }
};
struct Sqrt {
  template <class T>
  T operator()(T a) const {
    return std::sqrt(a);
  }
};
struct Fma {
  template <class T>
  T operator()(T a, T b, T c) const {
    return passed_on(b, passed_on(c, std::fma(a, b, c)));
  }
  static float above(float a, float b, float c) { return Fma{}(raised(a), b, raised(c)); }
};

// The f32 frame around an operation: flushed operands and result, saturation, one NaN.
template <class F, bool kFlush, bool kSaturate>
struct Framed {
  template <class... A>
  float operator()(A... a) const {
    const float r = kFlush ? flushed<F>(flush(a)...) : F{}(a...);
    return kSaturate ? saturate(r) : canonical(r);
  }
};

template <class F, class... S>
Handler framed(const Form& form) {
  const bool ftz = form.has("ftz"), sat = form.has("sat");
  if (ftz)
    return sat ? &lanewise<Framed<F, true, true>, float, S...>
               : &lanewise<Framed<F, true, false>, float, S...>;
  return sat ? &lanewise<Framed<F, false, true>, float, S...>
             : &lanewise<Framed<F, false, false>, float, S...>;
}
template <class F>
Handler unary(const Form& form) {
  return form.type() == Type::kF64 ? &lanewise<F, double, double> : framed<F, float>(form);
}
template <class F>
Handler binary(const Form& form) {
  return form.type() == Type::kF64 ? &lanewise<F, double, double, double> : framed<F, float, float>(form);
}
template <class F>
Handler ternary(const Form& form) {
  return form.type() == Type::kF64 ? &lanewise<F, double, double, double, double>
                                   : framed<F, float, float, float>(form);
}

// Changes of sign.
template <bool kAbs, bool kFlush>
struct Sign32 {
  U32 operator()(U32 a) const {
    if (kFlush) a = std::bit_cast<U32>(flush(std::bit_cast<float>(a)));
    if ((a & 0x7FFFFFFF) > 0x7F800000) return kNanF32;
    return kAbs ? a & 0x7FFFFFFF : a ^ 0x80000000;
  }
};
template <bool kAbs>
struct Sign64 {
  U64 operator()(U64 a) const {
    constexpr U64 kSign = U64{1} << 63, kInfinity = 0x7FF0000000000000, kQuiet = U64{1} << 51;
    if ((a & ~kSign) > kInfinity) return a | kQuiet;
    return kAbs ? a & ~kSign : a ^ kSign;
  }
};
template <bool kAbs>
Handler sign(const Form& form) {
  if (form.type() == Type::kF64) return &lanewise<Sign64<kAbs>, U64, U64>;
  return form.has("ftz") ? &lanewise<Sign32<kAbs, true>, U32, U32> : &lanewise<Sign32<kAbs, false>, U32, U32>;
}

template <bool kMax, bool kNan, bool kFlush, bool kXorSign>
struct Extreme32 {
  float operator()(float a, float b) const {
    if (kFlush) a = flush(a), b = flush(b);
    if (!kXorSign) return extreme<kMax, kNan>(a, b);
    const float r = extreme<kMax, kNan>(std::fabs(a), std::fabs(b));
    return r != r ? r : std::copysign(r, std::signbit(a) != std::signbit(b) ? -1.0F : 1.0F);
  }
};
template <bool kMax>
struct Extreme64 {
  double operator()(double a, double b) const { return extreme<kMax>(a, b); }
};
template <bool kMax, bool kNan, bool kFlush>
Handler extreme_sign(const Form& form) {
  return form.has("xorsign") ? &lanewise<Extreme32<kMax, kNan, kFlush, true>, float, float, float>
                             : &lanewise<Extreme32<kMax, kNan, kFlush, false>, float, float, float>;
}
template <bool kMax>
Handler select_extreme(const Form& form) {
  if (form.type() == Type::kF64) return &lanewise<Extreme64<kMax>, double, double, double>;
  if (form.has("NaN"))
    return form.has("ftz") ? extreme_sign<kMax, true, true>(form) : extreme_sign<kMax, true, false>(form);
  return form.has("ftz") ? extreme_sign<kMax, false, true>(form) : extreme_sign<kMax, false, false>(form);
}

template <class T>
struct CopySign {  // the sign of a on b
  T operator()(T a, T b) const { return std::copysign(b, a); }
};

enum class Test { kFinite, kInfinite, kNumber, kNan, kNormal, kSubnormal };
template <class T, Test kTest>
Flow testp(Warp& warp, const Decoded& in, U32 mask) {
  const T* a = warp.at<const T>(in.r[1]);
  U32 out = 0;
  for (int l = 0; l < kLanes; ++l) {
    const int kind = std::fpclassify(a[l]);
    bool holds = false;
    switch (kTest) {
      case Test::kFinite: holds = kind != FP_NAN && kind != FP_INFINITE; break;
      case Test::kInfinite: holds = kind == FP_INFINITE; break;
      case Test::kNumber: holds = kind != FP_NAN; break;
      case Test::kNan: holds = kind == FP_NAN; break;
      case Test::kNormal: holds = kind == FP_NORMAL || kind == FP_ZERO; break;  // so the GPU has it
      case Test::kSubnormal: holds = kind == FP_SUBNORMAL; break;
    }
    out |= U32{holds} << l;
  }
  set_predicate(warp, in.r[0], out, mask);
  return Flow::kNext;
}
template <class T>
Handler select_testp(const Form& form) {
  if (form.has("finite")) return &testp<T, Test::kFinite>;
  if (form.has("infinite")) return &testp<T, Test::kInfinite>;
  if (form.has("number")) return &testp<T, Test::kNumber>;
  if (form.has("notanumber")) return &testp<T, Test::kNan>;
  return form.has("normal") ? &testp<T, Test::kNormal> : &testp<T, Test::kSubnormal>;
}

}  // namespace

Handler select_float(const Form& form) {
  const std::string_view op = form.row->opcode;
  const bool wide = form.type() == Type::kF64;
  if (op == "abs") return sign<true>(form);
  if (op == "neg") return sign<false>(form);
  if (op == "min") return select_extreme<false>(form);
  if (op == "max") return select_extreme<true>(form);
  if (op == "copysign")
    return wide ? &lanewise<CopySign<double>, double, double, double>
                : &lanewise<CopySign<float>, float, float, float>;
  if (op == "testp") return wide ? select_testp<double>(form) : select_testp<float>(form);
  if (form.has("rz") || form.has("rm") || form.has("rp")) return select_rounded(form);
  if (op == "add") return binary<Add>(form);
  if (op == "sub") return binary<Sub>(form);
  if (op == "mul") return binary<Mul>(form);
  if (op == "div") return binary<Div>(form);
  if (op == "rcp") return unary<Rcp>(form);
  if (op == "sqrt") return unary<Sqrt>(form);
  if (op == "fma" || op == "mad") return ternary<Fma>(form);
  return nullptr;
}

}  // namespace intarsia::ptx
