// f16 and bf16, alone and in pairs. Everything is computed exactly or to odd in a wider format and rounded
// once.
#include "ptx/lanes.h"
#include "ptx/numbers.h"
#include "ptx/select.h"

namespace intarsia::ptx {
namespace {

struct F16 {
  // What rounds to less than the least normal number, if exponents had no least: that is what .ftz flushes.
  static constexpr double kTiny = 0x1p-14 - 0x1p-26;
  static float value(U16 h) { return f16_value(h); }
  static U16 round(double x) { return to_f16(to_odd(x)); }
  static U16 flushed(U16 h) { return (h & 0x7C00) == 0 ? h & 0x8000 : h; }
};
struct BF16 {
  static constexpr double kTiny = 0;
  static float value(U16 h) { return bf16_value(h); }
  static U16 round(double x) { return to_bf16(to_odd(x)); }
  static U16 flushed(U16 h) { return h; }
};

// Sums of f16 fit into f64; those of bf16 may not, hence to odd.
struct Add {
  double operator()(double a, double b) const { return fma_odd(a, 1, b); }
};
struct Sub {
  double operator()(double a, double b) const { return fma_odd(a, 1, -b); }
};
struct Mul {
  double operator()(double a, double b) const { return a * b; }
};
struct Fma {
  double operator()(double a, double b, double c) const { return fma_odd(a, b, c); }
};

enum class After { kNothing, kSaturate, kRelu };

template <class Format, class F, bool kFlush, After kAfter>
struct Arithmetic {
  template <class... A>
  U16 operator()(A... a) const {
    const auto in = [](U16 h) { return static_cast<double>(Format::value(kFlush ? Format::flushed(h) : h)); };
    double r = F{}(in(a)...);
    if (kAfter == After::kSaturate) r = saturate(r);
    if (kAfter == After::kRelu && r <= 0) r = 0;
    if (kFlush && std::fabs(r) < Format::kTiny) r = std::copysign(0.0, r);
    return Format::round(r);
  }
};

// A factor from outside a tensor (TensorMapFill::kNan) makes the result 0.
template <class Format, After kAfter>
struct FmaOutside {
  U16 operator()(U16 a, U16 b, U16 c) const {
    if ((a & 0x7FFF) == kNanOutside || (b & 0x7FFF) == kNanOutside) return 0;
    return Arithmetic<Format, Fma, false, kAfter>{}(a, b, c);
  }
};

template <class Format, bool kMax, bool kNan, bool kFlush, bool kXorSign>
struct Extreme {
  U16 operator()(U16 a, U16 b) const {
    if (kFlush) a = Format::flushed(a), b = Format::flushed(b);
    if (kXorSign) {
      const U16 r = pick(a & 0x7FFF, b & 0x7FFF);
      return r == kNanHalf ? r : static_cast<U16>((r & 0x7FFF) | ((a ^ b) & 0x8000));
    }
    return pick(a, b);
  }
  static U16 pick(U16 a, U16 b) {
    const float x = Format::value(a), y = Format::value(b);
    if (kNan ? x != x || y != y : x != x && y != y) return kNanHalf;
    if (x != x) return b;
    if (y != y) return a;
    const bool first = x == y ? ((a & 0x8000) != 0) != kMax : (x < y) != kMax;
    return first ? a : b;
  }
};

template <class Format, bool kAbs, bool kFlush>
struct Sign {
  U16 operator()(U16 a) const {
    if (kFlush) a = Format::flushed(a);
    if (Format::value(a) != Format::value(a)) return kNanHalf;
    return static_cast<U16>(kAbs ? a & 0x7FFF : a ^ 0x8000);
  }
};

template <class F>
struct Pair {
  template <class... A>
  U32 operator()(A... a) const {
    return F{}(static_cast<U16>(a)...) | U32{F{}(static_cast<U16>(a >> 16)...)} << 16;
  }
};

template <class F, int kSources>
Handler narrow_or_pair(const Form& form) {
  const bool pair = form.has("f16x2") || form.has("bf16x2");
  if constexpr (kSources == 1) return pair ? &lane_by_lane<Pair<F>, U32, U32> : &lane_by_lane<F, U16, U16>;
  if constexpr (kSources == 2)
    return pair ? &lane_by_lane<Pair<F>, U32, U32, U32> : &lane_by_lane<F, U16, U16, U16>;
  if constexpr (kSources == 3)
    return pair ? &lane_by_lane<Pair<F>, U32, U32, U32, U32> : &lane_by_lane<F, U16, U16, U16, U16>;
}

template <class Format, class F, int kSources>
Handler arithmetic(const Form& form) {
  const bool ftz = form.has("ftz");
  if (form.has("sat"))
    return ftz ? narrow_or_pair<Arithmetic<Format, F, true, After::kSaturate>, kSources>(form)
               : narrow_or_pair<Arithmetic<Format, F, false, After::kSaturate>, kSources>(form);
  if (form.has("relu"))
    return ftz ? narrow_or_pair<Arithmetic<Format, F, true, After::kRelu>, kSources>(form)
               : narrow_or_pair<Arithmetic<Format, F, false, After::kRelu>, kSources>(form);
  return ftz ? narrow_or_pair<Arithmetic<Format, F, true, After::kNothing>, kSources>(form)
             : narrow_or_pair<Arithmetic<Format, F, false, After::kNothing>, kSources>(form);
}

template <class Format, bool kMax, bool kNan, bool kFlush>
Handler extreme_sign(const Form& form) {
  return form.has("xorsign") ? narrow_or_pair<Extreme<Format, kMax, kNan, kFlush, true>, 2>(form)
                             : narrow_or_pair<Extreme<Format, kMax, kNan, kFlush, false>, 2>(form);
}
template <class Format, bool kMax>
Handler select_extreme(const Form& form) {
  if (form.has("NaN"))
    return form.has("ftz") ? extreme_sign<Format, kMax, true, true>(form)
                           : extreme_sign<Format, kMax, true, false>(form);
  return form.has("ftz") ? extreme_sign<Format, kMax, false, true>(form)
                         : extreme_sign<Format, kMax, false, false>(form);
}
template <class Format, bool kAbs>
Handler select_sign(const Form& form) {
  return form.has("ftz") ? narrow_or_pair<Sign<Format, kAbs, true>, 1>(form)
                         : narrow_or_pair<Sign<Format, kAbs, false>, 1>(form);
}

template <class Format>
Handler select_typed(const Form& form) {
  const std::string_view op = form.row->opcode;
  if (op == "add") return arithmetic<Format, Add, 2>(form);
  if (op == "sub") return arithmetic<Format, Sub, 2>(form);
  if (op == "mul") return arithmetic<Format, Mul, 2>(form);
  if (form.has("oob"))
    return form.has("relu") ? narrow_or_pair<FmaOutside<Format, After::kRelu>, 3>(form)
                            : narrow_or_pair<FmaOutside<Format, After::kNothing>, 3>(form);
  if (op == "fma") return arithmetic<Format, Fma, 3>(form);
  if (op == "abs") return select_sign<Format, true>(form);
  if (op == "neg") return select_sign<Format, false>(form);
  if (op == "min") return select_extreme<Format, false>(form);
  return op == "max" ? select_extreme<Format, true>(form) : nullptr;
}

}  // namespace

Handler select_half(const Form& form) {
  const bool brain = form.has("bf16") || form.has("bf16x2");
  return brain ? select_typed<BF16>(form) : select_typed<F16>(form);
}

}  // namespace intarsia::ptx
