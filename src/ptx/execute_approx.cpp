// Approximate operations, as the correctly rounded value: computed in f64 and rounded once.
#include <cmath>

#include "ptx/lanes.h"
#include "ptx/numbers.h"
#include "ptx/select.h"

namespace intarsia::ptx {
namespace {

struct Rcp {
  double operator()(double a) const { return 1 / a; }
};
struct Rsqrt {
  double operator()(double a) const { return 1 / std::sqrt(a); }
};
struct Sqrt {
  double operator()(double a) const { return std::sqrt(a); }
};
struct Sin {
  double operator()(double a) const { return std::sin(a); }
};
struct Cos {
  double operator()(double a) const { return std::cos(a); }
};
struct Log2 {
  double operator()(double a) const { return std::log2(a); }
};
struct Exp2 {
  double operator()(double a) const { return std::exp2(a); }
};
struct Tanh {
  double operator()(double a) const { return std::tanh(a); }
};
struct DivFull {
  double operator()(double a, double b) const { return a / b; }
};
// Divisors above 2^126 give 0 (PTX), an infinite dividend aside.
struct DivApprox {
  double operator()(double a, double b) const {
    const double size = std::fabs(b);
    if (size > 0x1p126 && size < HUGE_VAL)
      return std::fabs(a) == HUGE_VAL ? NAN : std::copysign(0.0, a * std::copysign(1.0, b));
    return a / b;
  }
};

template <class F, bool kFlush>
struct Single {
  template <class... A>
  float operator()(A... a) const {
    if (!kFlush) return canonical(static_cast<float>(F{}(static_cast<double>(a)...)));
    return canonical(flush(static_cast<float>(F{}(static_cast<double>(flush(a))...))));
  }
};
template <class F>
Handler unary(const Form& form) {
  return form.has("ftz") ? &lane_by_lane<Single<F, true>, float, float>
                         : &lane_by_lane<Single<F, false>, float, float>;
}
// Of operations the host has for vectors.
template <class F, class... S>
Handler at_once(const Form& form) {
  return form.has("ftz") ? &lanewise<Single<F, true>, float, S...> : &lanewise<Single<F, false>, float, S...>;
}
template <class F>
Handler binary(const Form& form) {
  return form.has("ftz") ? &lane_by_lane<Single<F, true>, float, float, float>
                         : &lane_by_lane<Single<F, false>, float, float, float>;
}

// The upper half of the f64 result; PTX promises no more.
template <class F>
struct Upper {
  double operator()(double a) const {
    const double r = F{}(a);
    if (!std::isfinite(r)) return r;
    return std::bit_cast<double>((std::bit_cast<U64>(r) + 0x80000000U) & ~U64{0xFFFFFFFF});
  }
};

template <class F, bool kBrain>
struct Half {
  U16 operator()(U16 a) const {
    const auto r = F{}(static_cast<double>(kBrain ? bf16_value(a) : f16_value(a)));
    return kBrain ? to_bf16(to_odd(r)) : to_f16(to_odd(r));
  }
};
template <class F, bool kBrain>
struct HalfPair {
  U32 operator()(U32 a) const {
    return Half<F, kBrain>{}(static_cast<U16>(a)) | U32{Half<F, kBrain>{}(static_cast<U16>(a >> 16))} << 16;
  }
};
template <class F>
Handler any_width(const Form& form) {
  switch (form.type()) {
    case Type::kF16: return &lane_by_lane<Half<F, false>, U16, U16>;
    case Type::kBF16: return &lane_by_lane<Half<F, true>, U16, U16>;
    case Type::kF16x2: return &lane_by_lane<HalfPair<F, false>, U32, U32>;
    case Type::kBF16x2: return &lane_by_lane<HalfPair<F, true>, U32, U32>;
    default: return unary<F>(form);
  }
}

}  // namespace

Handler select_approx(const Form& form) {
  const std::string_view op = form.row->opcode;
  const bool wide = form.type() == Type::kF64;
  if (op == "div") return form.has("full") ? at_once<DivFull, float, float>(form) : binary<DivApprox>(form);
  if (op == "rcp") return wide ? &lane_by_lane<Upper<Rcp>, double, double> : at_once<Rcp, float>(form);
  if (op == "rsqrt") return wide ? &lane_by_lane<Upper<Rsqrt>, double, double> : at_once<Rsqrt, float>(form);
  if (op == "sqrt") return at_once<Sqrt, float>(form);
  if (op == "sin") return unary<Sin>(form);
  if (op == "cos") return unary<Cos>(form);
  if (op == "lg2") return unary<Log2>(form);
  if (op == "ex2") return any_width<Exp2>(form);
  if (op == "tanh") return any_width<Tanh>(form);
  return nullptr;
}

}  // namespace intarsia::ptx
