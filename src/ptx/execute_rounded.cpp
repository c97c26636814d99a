// f32 and f64 arithmetic rounded toward zero, down and up.
#include <cmath>

#include "ptx/lanes.h"
#include "ptx/numbers.h"
#include "ptx/rounding.h"
#include "ptx/select.h"

namespace intarsia::ptx {
namespace {

struct Add {
  template <class T>
  T operator()(T a, T b) const {
    return passed_on(b, opaque(opaque(a) + opaque(b)));
  }
};
struct Sub {
  template <class T>
  T operator()(T a, T b) const {
    return passed_on(b, opaque(opaque(a) - opaque(b)));
  }
};
struct Mul {
  template <class T>
  T operator()(T a, T b) const {
    return passed_on(b, opaque(opaque(a) * opaque(b)));
  }
  static float above(float a, float b) { return Mul{}(raised(a), b); }
};
struct Div {
  template <class T>
  T operator()(T a, T b) const {
    return opaque(opaque(a) / opaque(b));
  }
  static float above(float a, float b) { return Div{}(raised(a), b); }
};
struct Rcp {
  template <class T>
  T operator()(T a) const {
    return opaque(T{1} / opaque(a));
  }
  static float above(float b) { return Div{}(0x1p64F, b); }
};
struct Sqrt {
  template <class T>
  T operator()(T a) const {
    return opaque(std::sqrt(opaque(a)));
  }
};
struct Fma {
  template <class T>
  T operator()(T a, T b, T c) const {
    return passed_on(b, passed_on(c, opaque(std::fma(opaque(a), opaque(b), opaque(c)))));
  }
  static float above(float a, float b, float c) { return Fma{}(raised(a), b, raised(c)); }
};

template <class F, class T, bool kFlush, bool kSaturate>
struct Framed {
  template <class... A>
  T operator()(A... a) const {
    if constexpr (sizeof(T) == 8) {
      return F{}(a...);
    } else {
      const T r = kFlush ? flushed<F>(flush(a)...) : F{}(a...);
      return kSaturate ? saturate(r) : canonical(r);
    }
  }
};

template <class F, int kMode, class D, class... S>
Flow rounded(Warp& warp, const Decoded& in, U32 mask) {
  const RoundingMode mode(kMode);
  return lane_by_lane<F, D, S...>(warp, in, mask);
}

template <class F, class D, class... S>
Handler by_mode(const Form& form) {
  switch (rounding_of(form)) {
    case FE_TOWARDZERO: return &rounded<F, FE_TOWARDZERO, D, S...>;
    case FE_DOWNWARD: return &rounded<F, FE_DOWNWARD, D, S...>;
    default: return &rounded<F, FE_UPWARD, D, S...>;
  }
}

template <class F, class T, class... S>
Handler framed(const Form& form) {
  const bool ftz = form.has("ftz"), sat = form.has("sat");
  if (ftz)
    return sat ? by_mode<Framed<F, T, true, true>, T, S...>(form)
               : by_mode<Framed<F, T, true, false>, T, S...>(form);
  return sat ? by_mode<Framed<F, T, false, true>, T, S...>(form)
             : by_mode<Framed<F, T, false, false>, T, S...>(form);
}

template <class T>
Handler select_typed(const Form& form) {
  const std::string_view op = form.row->opcode;
  if (op == "add") return framed<Add, T, T, T>(form);
  if (op == "sub") return framed<Sub, T, T, T>(form);
  if (op == "mul") return framed<Mul, T, T, T>(form);
  if (op == "div") return framed<Div, T, T, T>(form);
  if (op == "rcp") return framed<Rcp, T, T>(form);
  if (op == "sqrt") return framed<Sqrt, T, T>(form);
  return framed<Fma, T, T, T, T>(form);
}

}  // namespace

Handler select_rounded(const Form& form) {
  return form.type() == Type::kF64 ? select_typed<double>(form) : select_typed<float>(form);
}

}  // namespace intarsia::ptx
