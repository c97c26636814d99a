// cvt into pairs, tf32 and fp8, and cvt.pack.
#include <cmath>

#include "ptx/lanes.h"
#include "ptx/numbers.h"
#include "ptx/rounding.h"
#include "ptx/select.h"

namespace intarsia::ptx {
namespace {

inline float relu_of(float x) { return x <= 0 ? 0.0F : x; }

template <bool kBrain, bool kZero, bool kRelu, bool kFinite>
struct ToPair {  // the first source is the upper half
  U32 operator()(float a, float b) const { return U32{half(a)} << 16 | half(b); }
  static U16 half(float x) { return kFinite ? finite_half(one(x), kBrain) : one(x); }
  static U16 one(float x) {
    if (kRelu) x = relu_of(x);
    if (!kZero) return kBrain ? to_bf16(x) : to_f16(x);
    if (x != x) return kNanHalf;
    if (kBrain) return static_cast<U16>(std::bit_cast<U32>(x) >> 16);
    const U16 h = to_f16(x);
    return std::fabs(f16_value(h)) > std::fabs(x) ? static_cast<U16>(h - 1) : h;
  }
};

enum class Round { kAway, kNearest, kZero };
template <Round kRound, bool kRelu, bool kFinite = false>
struct ToTf32 {
  // Infinity is one step above the greatest number; a NaN loses a step too, as in what ptxas makes of it.
  U32 operator()(float x) const {
    const U32 out = one(x);
    return kFinite && (out & 0x7F800000) == 0x7F800000 ? out - 0x2000 : out;
  }
  static U32 one(float x) {
    if (kRelu) x = relu_of(x);
    const auto u = std::bit_cast<U32>(x);
    if (kRound != Round::kAway && x != x) return kNanTf32;
    if ((u & 0x7F800000) == 0x7F800000) return u & ~U32{0x1FFF};
    const U32 add = kRound == Round::kAway ? 0x1000 : kRound == Round::kNearest ? 0xFFF + (u >> 13 & 1) : 0;
    return (u + add) & ~U32{0x1FFF};
  }
};

template <bool kE5, bool kRelu>
U16 to_f8(double x) {
  if (x != x) return 0x7F;
  if (kRelu && x <= 0) x = 0;
  return kE5 ? f64_to_f8e5m2(x) : f64_to_f8e4m3(x);
}
template <bool kE5, bool kRelu>
struct ToF8 {
  U16 operator()(float a, float b) const {
    return static_cast<U16>(to_f8<kE5, kRelu>(static_cast<double>(a)) << 8 |
                            to_f8<kE5, kRelu>(static_cast<double>(b)));
  }
};
template <bool kE5, bool kRelu>
struct ToF8FromF16 {
  U16 operator()(U32 a) const {
    const auto low = static_cast<double>(f16_value(static_cast<U16>(a))),
               high = static_cast<double>(f16_value(static_cast<U16>(a >> 16)));
    return static_cast<U16>(to_f8<kE5, kRelu>(high) << 8 | to_f8<kE5, kRelu>(low));
  }
};
template <bool kE5, bool kRelu>
struct FromF8 {
  U32 operator()(U16 a) const { return one(static_cast<U8>(a)) | U32{one(static_cast<U8>(a >> 8))} << 16; }
  static U16 one(U8 b) {
    const float f = kE5 ? f8e5m2_to_f32(b) : f8e4m3_to_f32(b);
    return to_f16(kRelu ? relu_of(f) : f);
  }
};

template <class T>
S32 clamped(S32 v) {
  return std::min<S32>(std::max<S32>(v, std::numeric_limits<T>::min()), std::numeric_limits<T>::max());
}
template <class T>
struct Pack16 {
  U32 operator()(S32 a, S32 b) const {
    return U32{static_cast<U16>(clamped<T>(a))} << 16 | static_cast<U16>(clamped<T>(b));
  }
};
template <int kBits, bool kSigned>
struct PackBits {  // c moves up by two fields
  U32 operator()(S32 a, S32 b, U32 c) const {
    constexpr S32 kTop = (1 << (kSigned ? kBits - 1 : kBits)) - 1, kBottom = kSigned ? -kTop - 1 : 0;
    constexpr U32 kField = (1U << kBits) - 1;
    const auto field = [&](S32 v) { return static_cast<U32>(std::min(std::max(v, kBottom), kTop)) & kField; };
    return c << (2 * kBits) | field(a) << kBits | field(b);
  }
};
template <template <bool, bool> class F, class D, class... S>
Handler f8(const Form& form, bool e5) {
  const bool relu = form.has("relu");
  if (e5) return relu ? &lane_by_lane<F<true, true>, D, S...> : &lane_by_lane<F<true, false>, D, S...>;
  return relu ? &lane_by_lane<F<false, true>, D, S...> : &lane_by_lane<F<false, false>, D, S...>;
}

template <bool kBrain, bool kZero, bool kRelu>
Handler to_pair(const Form& form) {
  return form.has("satfinite") ? &lanewise<ToPair<kBrain, kZero, kRelu, true>, U32, float, float>
                               : &lanewise<ToPair<kBrain, kZero, kRelu, false>, U32, float, float>;
}
template <bool kBrain>
Handler to_pair(const Form& form) {
  const bool relu = form.has("relu");
  if (form.has("rz")) return relu ? to_pair<kBrain, true, true>(form) : to_pair<kBrain, true, false>(form);
  return relu ? to_pair<kBrain, false, true>(form) : to_pair<kBrain, false, false>(form);
}

Handler to_tf32(const Form& form) {
  const bool relu = form.has("relu");
  if (form.has("rna"))
    return form.has("satfinite") ? &lanewise<ToTf32<Round::kAway, false, true>, U32, float>
                                 : &lanewise<ToTf32<Round::kAway, false>, U32, float>;
  if (form.has("rz"))
    return relu ? &lanewise<ToTf32<Round::kZero, true>, U32, float>
                : &lanewise<ToTf32<Round::kZero, false>, U32, float>;
  return relu ? &lanewise<ToTf32<Round::kNearest, true>, U32, float>
              : &lanewise<ToTf32<Round::kNearest, false>, U32, float>;
}

Handler pack(const Form& form) {
  switch (form.type()) {
    case Type::kU16: return &lanewise<Pack16<U16>, U32, S32, S32>;
    case Type::kS16: return &lanewise<Pack16<S16>, U32, S32, S32>;
    case Type::kU8: return &lanewise<PackBits<8, false>, U32, S32, S32, U32>;
    case Type::kS8: return &lanewise<PackBits<8, true>, U32, S32, S32, U32>;
    case Type::kU4: return &lanewise<PackBits<4, false>, U32, S32, S32, U32>;
    case Type::kS4: return &lanewise<PackBits<4, true>, U32, S32, S32, U32>;
    default:  // u2 and s2, which are types nowhere else
      return form.has("u2") ? &lanewise<PackBits<2, false>, U32, S32, S32, U32>
                            : &lanewise<PackBits<2, true>, U32, S32, S32, U32>;
  }
}

}  // namespace

Handler select_convert_packed(const Form& form) {
  const Type to = form.type(0), from = form.type(1);
  if (form.has("pack")) return pack(form);
  if (to == Type::kTF32) return to_tf32(form);
  if (to == Type::kBF16x2) return to_pair<true>(form);
  if (to == Type::kF16x2 && from == Type::kF32) return to_pair<false>(form);
  if (to == Type::kF16x2) return f8<FromF8, U32, U16>(form, from == Type::kE5M2x2);
  const bool e5 = to == Type::kE5M2x2;
  return from == Type::kF32 ? f8<ToF8, U16, float, float>(form, e5) : f8<ToF8FromF16, U16, U32>(form, e5);
}

}  // namespace intarsia::ptx
