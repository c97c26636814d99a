// setp, set, selp, slct.
#include "ptx/lanes.h"
#include "ptx/numbers.h"
#include "ptx/select.h"

#ifdef __AVX2__
#include <immintrin.h>
#endif

namespace intarsia::ptx {
namespace {

// 32 bytes of 0 or 1 as a mask.
inline U32 mask_of(const U8* flags) {
#ifdef __AVX2__
  const __m256i v = _mm256_load_si256(reinterpret_cast<const __m256i*>(flags));
  return static_cast<U32>(_mm256_movemask_epi8(_mm256_slli_epi16(v, 7)));
#else
  U32 out = 0;
  for (int l = 0; l < kLanes; ++l) out |= U32{flags[l]} << l;
  return out;
#endif
}

struct Eq {
  template <class T>
  bool operator()(T a, T b) const {
    return a == b;
  }
};
struct Ne {
  template <class T>
  bool operator()(T a, T b) const {
    return (a < b) | (a > b);
  }
};  // false for a NaN
struct Lt {
  template <class T>
  bool operator()(T a, T b) const {
    return a < b;
  }
};
struct Le {
  template <class T>
  bool operator()(T a, T b) const {
    return a <= b;
  }
};
struct Gt {
  template <class T>
  bool operator()(T a, T b) const {
    return a > b;
  }
};
struct Ge {
  template <class T>
  bool operator()(T a, T b) const {
    return a >= b;
  }
};
struct Num {
  template <class T>
  bool operator()(T a, T b) const {
    return (a == a) & (b == b);
  }
};
template <class F>
struct NotOf {
  template <class T>
  bool operator()(T a, T b) const {
    return !F{}(a, b);
  }
};

// How the bits of an operand become the value that is compared.
template <class T>
struct Plain {
  using Bits = T;
  static T value(T x) { return x; }
};
struct Flushed {
  using Bits = float;
  static float value(float x) { return flush(x); }
};
struct AsF16 {
  using Bits = U16;
  static float value(U16 x) { return f16_value(x); }
};
struct FlushedF16 {
  using Bits = U16;
  static float value(U16 x) { return (x & 0x7C00) == 0 ? 0.0F : f16_value(x); }
};
struct AsBF16 {
  using Bits = U16;
  static float value(U16 x) { return bf16_value(x); }
};

template <class F, class In>
U32 compare_bits(const typename In::Bits* a, const typename In::Bits* b) {
  alignas(32) U8 flags[kLanes];
  for (int l = 0; l < kLanes; ++l) flags[l] = F{}(In::value(a[l]), In::value(b[l]));
  return mask_of(flags);
}

enum Join : U8 { kAlone, kAnd, kOr, kXor };
U32 joined(Warp& warp, const Decoded& in, U32 value, int at) {
  switch (in.small) {
    case kAnd: return value & warp.predicate(in, at);
    case kOr: return value | warp.predicate(in, at);
    case kXor: return value ^ warp.predicate(in, at);
    default: return value;
  }
}

template <class F, class In>
Flow setp(Warp& warp, const Decoded& in, U32 mask) {
  using T = typename In::Bits;
  const U32 value = compare_bits<F, In>(warp.at<const T>(in.r[2]), warp.at<const T>(in.r[3]));
  const U32 p = joined(warp, in, value, 4), q = joined(warp, in, ~value, 4);
  set_predicate(warp, in.r[0], p, mask);
  set_predicate(warp, in.r[1], q, mask);
  return Flow::kNext;
}

template <class F, class In>
Flow setp_pair(Warp& warp, const Decoded& in, U32 mask) {
  const U32* a = warp.at<const U32>(in.r[2]);
  const U32* b = warp.at<const U32>(in.r[3]);
  for (int half = 0; half < 2; ++half) {
    U32 value = 0;
    for (int l = 0; l < kLanes; ++l)
      value |= U32{F{}(In::value(static_cast<U16>(a[l] >> (16 * half))),
                       In::value(static_cast<U16>(b[l] >> (16 * half))))}
               << l;
    set_predicate(warp, in.r[static_cast<std::size_t>(half)], joined(warp, in, value, 4), mask);
  }
  return Flow::kNext;
}

// set: all ones or 1.0 (in.immediate holds it) where true.
template <class F, class In, class D>
Flow set(Warp& warp, const Decoded& in, U32 mask) {
  using T = typename In::Bits;
  const U32 value =
      joined(warp, in, compare_bits<F, In>(warp.at<const T>(in.r[1]), warp.at<const T>(in.r[2])), 3);
  D* d = warp.at<D>(in.r[0]);
  each_lane(mask, [&](int l) { d[l] = (value >> l & 1) != 0 ? static_cast<D>(in.immediate) : D{0}; });
  return Flow::kNext;
}
template <class F, class In>
Flow set_pair(Warp& warp, const Decoded& in, U32 mask) {
  const U32* a = warp.at<const U32>(in.r[1]);
  const U32* b = warp.at<const U32>(in.r[2]);
  U32* d = warp.at<U32>(in.r[0]);
  each_lane(mask, [&](int l) {
    U32 out = 0;
    for (int s = 0; s < 32; s += 16)
      if (F{}(In::value(static_cast<U16>(a[l] >> s)), In::value(static_cast<U16>(b[l] >> s))))
        out |= static_cast<U32>(in.immediate) << s;
    d[l] = out;
  });
  return Flow::kNext;
}

struct KindSetp {
  template <class F, class In>
  static Handler pick() {
    return &setp<F, In>;
  }
};
struct KindSetpPair {
  template <class F, class In>
  static Handler pick() {
    if constexpr (sizeof(typename In::Bits) == 2) return &setp_pair<F, In>;
    return nullptr;
  }
};
template <class D>
struct KindSet {
  template <class F, class In>
  static Handler pick() {
    return &set<F, In, D>;
  }
};
struct KindSetPair {
  template <class F, class In>
  static Handler pick() {
    if constexpr (sizeof(typename In::Bits) == 2) return &set_pair<F, In>;
    return nullptr;
  }
};

template <class Kind, class In>
Handler by_comparison(const Form& form) {
  if (form.has("eq")) return Kind::template pick<Eq, In>();
  if (form.has("ne")) return Kind::template pick<Ne, In>();
  if (form.has("lt") || form.has("lo")) return Kind::template pick<Lt, In>();
  if (form.has("le") || form.has("ls")) return Kind::template pick<Le, In>();
  if (form.has("gt") || form.has("hi")) return Kind::template pick<Gt, In>();
  if (form.has("ge") || form.has("hs")) return Kind::template pick<Ge, In>();
  if (form.has("equ")) return Kind::template pick<NotOf<Ne>, In>();
  if (form.has("neu")) return Kind::template pick<NotOf<Eq>, In>();
  if (form.has("ltu")) return Kind::template pick<NotOf<Ge>, In>();
  if (form.has("leu")) return Kind::template pick<NotOf<Gt>, In>();
  if (form.has("gtu")) return Kind::template pick<NotOf<Le>, In>();
  if (form.has("geu")) return Kind::template pick<NotOf<Lt>, In>();
  if (form.has("num")) return Kind::template pick<Num, In>();
  return form.has("nan") ? Kind::template pick<NotOf<Num>, In>() : nullptr;
}

template <class Kind>
Handler by_type(const Form& form, Type type) {
  switch (type) {
    case Type::kF32:
      return form.has("ftz") ? by_comparison<Kind, Flushed>(form) : by_comparison<Kind, Plain<float>>(form);
    case Type::kF64: return by_comparison<Kind, Plain<double>>(form);
    case Type::kF16:
    case Type::kF16x2:
      return form.has("ftz") ? by_comparison<Kind, FlushedF16>(form) : by_comparison<Kind, AsF16>(form);
    case Type::kBF16:
    case Type::kBF16x2: return by_comparison<Kind, AsBF16>(form);
    default:
      return by_integer(type, [&]<class T>() -> Handler { return by_comparison<Kind, Plain<T>>(form); });
  }
}

Handler select_set(const Form& form) {
  const Type to = form.type(0), from = form.type(1);
  if (from == Type::kF16x2 || from == Type::kBF16x2) return by_type<KindSetPair>(form, from);
  return bits(to) == 16 ? by_type<KindSet<U16>>(form, from) : by_type<KindSet<U32>>(form, from);
}

template <class T>
Flow selp(Warp& warp, const Decoded& in, U32 mask) {
  alignas(64) T out[kLanes];
  const U32 p = warp.predicate(in, 3);
  const T* a = warp.at<const T>(in.r[1]);
  const T* b = warp.at<const T>(in.r[2]);
  for (int l = 0; l < kLanes; ++l) out[l] = (p >> l & 1) != 0 ? a[l] : b[l];
  store_lanes(warp.at<T>(in.r[0]), out, mask);
  return Flow::kNext;
}

template <bool kFlush>
struct Slct32 {
  template <class T>
  T operator()(T a, T b, float c) const {
    return (kFlush ? flush(c) : c) >= 0 ? a : b;
  }
};
struct SlctInt {
  template <class T>
  T operator()(T a, T b, S32 c) const {
    return c >= 0 ? a : b;
  }
};

}  // namespace

std::int64_t set_value(const Form& form) {
  switch (form.type(0)) {
    case Type::kF32: return 0x3F800000;
    case Type::kF16:
    case Type::kF16x2: return 0x3C00;
    case Type::kBF16:
    case Type::kBF16x2: return 0x3F80;
    default: return 0xFFFFFFFF;
  }
}

Handler select_compare(const Form& form) {
  const std::string_view op = form.row->opcode;
  if (op == "setp" && (form.has("f16x2") || form.has("bf16x2")))
    return by_type<KindSetpPair>(form, form.type());
  if (op == "setp") return by_type<KindSetp>(form, form.type());
  if (op == "set") return select_set(form);
  const int width = bits(form.type());
  if (op == "selp") return by_width(width, []<class T>() -> Handler { return &selp<T>; });
  const bool by_float = form.type(1) == Type::kF32, ftz = form.has("ftz");
  return by_width(width, [&]<class T>() -> Handler {
    if (!by_float) return &lanewise<SlctInt, T, T, T, S32>;
    return ftz ? &lanewise<Slct32<true>, T, T, T, float> : &lanewise<Slct32<false>, T, T, T, float>;
  });
}

}  // namespace intarsia::ptx
