// cvt. A value is read as int64, uint64 or double (all exact), converted once, and written.
#include <cmath>

#include "ptx/lanes.h"
#include "ptx/numbers.h"
#include "ptx/rounding.h"
#include "ptx/select.h"

namespace intarsia::ptx {
namespace {

// Decoded::small of a cvt: widths of the registers in bytes; count: flags.
enum : U8 { kFlush = 1, kSaturate = 2, kRelu = 4, kIntegral = 8, kFinite = 16 };

struct Half {};
struct Brain {};

template <class T>
constexpr bool kIsFloat = !std::is_integral_v<T>;

template <class T>
auto read(const std::byte* at) {
  if constexpr (std::is_same_v<T, Half> || std::is_same_v<T, Brain>) {
    U16 h;
    std::memcpy(&h, at, 2);
    return static_cast<double>(std::is_same_v<T, Half> ? f16_value(h) : bf16_value(h));
  } else {
    T v;
    std::memcpy(&v, at, sizeof v);
    if constexpr (kIsFloat<T>)
      return static_cast<double>(v);
    else if constexpr (std::is_signed_v<T>)
      return static_cast<S64>(v);
    else
      return static_cast<U64>(v);
  }
}

// PTX: NaN becomes 0, but the top bit where f64 or a 64-bit integer takes part; the rest saturates.
template <class To, class From>
To to_integer(double x, U8 flags) {
  if (x != x) {
    if constexpr (std::is_same_v<From, double> || sizeof(To) == 8)
      return static_cast<To>(U64{1} << (sizeof(To) * 8 - 1));
    return 0;
  }
  if ((flags & kFlush) != 0 && std::fabs(x) < 0x1p-126) x = 0;
  x = std::nearbyint(x);  // in the mode that is set
  if (x <= static_cast<double>(std::numeric_limits<To>::min())) return std::numeric_limits<To>::min();
  if (x >= static_cast<double>(std::numeric_limits<To>::max())) return std::numeric_limits<To>::max();
  return static_cast<To>(x);
}

template <class To, class V>
To integer_to_integer(V v, U8 flags) {
  if ((flags & kSaturate) == 0) return static_cast<To>(v);
  if (std::cmp_less(v, std::numeric_limits<To>::min())) return std::numeric_limits<To>::min();
  if (std::cmp_greater(v, std::numeric_limits<To>::max())) return std::numeric_limits<To>::max();
  return static_cast<To>(v);
}

// An integer as the f64 nearest to it, to odd: enough for every narrower format.
template <class V>
double integer_to_odd(V v) {
  const bool negative = v < 0;
  U64 size = negative ? U64{0} - static_cast<U64>(v) : static_cast<U64>(v);
  if (size >> 53 != 0) {
    const int shift = 64 - std::countl_zero(size) - 53;
    const bool sticky = (size & ((U64{1} << shift) - 1)) != 0;
    size = (size >> shift | U64{sticky}) << shift;
  }
  const auto out = static_cast<double>(size);
  return negative ? -out : out;
}

// f32 or f64 to f16 in a given mode (FE_…): through f32 to odd, by hand where the mode is directed.
U16 half_in_mode(double x, int mode) {
  const float f = to_odd(x);
  const U16 near = to_f16(f);
  if (mode == FE_TONEAREST || f != f) return near;
  const double got = static_cast<double>(f16_value(near));
  if (got == static_cast<double>(f)) return near;
  const bool above = got > static_cast<double>(f), negative = std::signbit(f);
  const bool want_above = mode == FE_UPWARD || (mode == FE_TOWARDZERO && negative);
  if (above == want_above) return near;
  if ((near & 0x7FFF) == 0 && !negative && want_above) return 1;
  if ((near & 0x7FFF) == 0 && negative && !want_above) return 0x8001;
  return static_cast<U16>(negative == want_above ? near - 1 : near + 1);
}
U16 brain_in_mode(double x, int mode) {
  const float f = to_odd(x);
  const auto u = std::bit_cast<U32>(f);
  if (mode == FE_TONEAREST || f != f) return to_bf16(f);
  const bool away = mode == (std::signbit(f) ? FE_DOWNWARD : FE_UPWARD);
  return static_cast<U16>((u >> 16) + (away && (u & 0xFFFF) != 0 && std::isfinite(f) ? 1 : 0));
}

// A NaN of f64 keeps its sign and the upper bits of its fraction.
U16 upper_bits_of_nan(double x, int fraction) {
  const auto u = std::bit_cast<U64>(x);
  const U64 infinity = 0x7FFF >> fraction << fraction, quiet = U64{1} << (fraction - 1);
  return static_cast<U16>(u >> 63 << 15 | infinity | quiet | (u >> (52 - fraction) & (quiet - 1)));
}

template <class To, class From>
struct Narrow {  // to a float format; `x` is exact or to odd
  static void write(std::byte* at, double x, int mode, U8 flags) {
    if ((flags & kIntegral) != 0) x = std::nearbyint(x);
    if ((flags & kSaturate) != 0) x = saturate(x);
    if ((flags & kRelu) != 0 && x <= 0) x = 0;
    if constexpr (std::is_same_v<To, double>) {
      std::memcpy(at, &x, 8);
    } else if constexpr (std::is_same_v<To, float>) {
      auto f = opaque(static_cast<float>(opaque(x)));
      if (!std::is_same_v<From, double>)
        f = canonical(f);  // a NaN of f64 keeps its upper bits, as on the GPU
      if ((flags & kFlush) != 0) f = flush(f, opaque(static_cast<float>(opaque(x * 0x1p64))));
      std::memcpy(at, &f, 4);
    } else {
      U16 h = std::is_same_v<To, Half> ? half_in_mode(x, mode) : brain_in_mode(x, mode);
      if (std::is_same_v<From, double> && x != x) h = upper_bits_of_nan(x, std::is_same_v<To, Half> ? 10 : 7);
      if ((flags & kFinite) != 0) h = finite_half(h, std::is_same_v<To, Brain>);
      std::memcpy(at, &h, 2);
    }
  }
};

template <class To, class From>
void convert_lane(std::byte* to, const std::byte* from, int to_bytes, int mode, U8 flags) {
  auto v = read<From>(from);
  // What is narrowed to f16 is not flushed, as on the GPU.
  if constexpr (std::is_same_v<From, float> && !std::is_same_v<To, Half>)
    if ((flags & kFlush) != 0) v = static_cast<double>(canonical(flush(static_cast<float>(v))));
  if constexpr (kIsFloat<To> && kIsFloat<From>) {
    Narrow<To, From>::write(to, v, mode, flags);
  } else if constexpr (kIsFloat<To>) {
    // f64 from a 64-bit integer rounds here (a compiler's way may make a zero negative); to f32 it must not
    // round twice.
    Narrow<To, From>::write(to,
                            v == 0                       ? 0.0
                            : std::is_same_v<To, double> ? opaque(static_cast<double>(opaque(v)))
                                                         : integer_to_odd(v),
                            mode, flags);
  } else {
    To out;
    if constexpr (kIsFloat<From>)
      out = to_integer<To, From>(v, flags);
    else
      out = integer_to_integer<To>(v, flags);
    const auto wide = static_cast<U64>(std::is_signed_v<To> ? static_cast<U64>(static_cast<S64>(out))
                                                            : static_cast<U64>(out));
    std::memcpy(to, &wide, static_cast<std::size_t>(to_bytes));
  }
}

// in.small: bytes of the registers, destination high, source low four bits; in.count: flags; immediate: mode.
template <class To, class From>
Flow convert(Warp& warp, const Decoded& in, U32 mask) {
  const int to_bytes = in.small >> 4, from_bytes = in.small & 15;
  std::byte* to = warp.at<std::byte>(in.r[0]);
  const std::byte* from = warp.at<const std::byte>(in.r[1]);
  const int mode = static_cast<int>(in.immediate);
  const RoundingMode scope(mode);
  each_lane(mask, [&](int l) {
    convert_lane<To, From>(to + l * to_bytes, from + l * from_bytes, to_bytes, mode, in.count);
  });
  return Flow::kNext;
}

// ---- the frequent ones, whole warps at a time
template <class To, class From>
struct Cast {
  To operator()(From a) const { return static_cast<To>(a); }
};
struct FromF16 {
  float operator()(U16 a) const { return canonical(f16_value(a)); }
};
struct FromBF16 {
  float operator()(U16 a) const { return bf16_value(a); }  // a NaN too
};
struct ToF16 {
  U16 operator()(float a) const { return to_f16(a); }
};
struct ToBF16 {
  U16 operator()(float a) const { return to_bf16(a); }
};
struct Widths {
  int to, from;
};
Handler frequent(const Form& form, Widths w) {
  const Type to = form.type(0), from = form.type(1);
  const bool plain = !form.has("sat") && !form.has("ftz") && !form.has("relu") && !form.has("satfinite") &&
                     (w.to == bits(to) && w.from == bits(from));
  if (!plain || form.has("rz") || form.has("rm") || form.has("rp") || form.has("rzi") || form.has("rmi") ||
      form.has("rpi") || form.has("rni"))
    return nullptr;
  if (to == Type::kF32 && from == Type::kS32) return &lanewise<Cast<float, S32>, float, S32>;
  if (to == Type::kF32 && from == Type::kU32) return &lanewise<Cast<float, U32>, float, U32>;
  if (to == Type::kF64 && from == Type::kF32) return &lanewise<Cast<double, float>, double, float>;
  if (to == Type::kS64 && from == Type::kS32) return &lanewise<Cast<S64, S32>, S64, S32>;
  if ((to == Type::kU64 || to == Type::kS64) && from == Type::kU32)
    return &lanewise<Cast<U64, U32>, U64, U32>;
  if (bits(to) == 32 && to != Type::kF32 && (from == Type::kU64 || from == Type::kS64))
    return &lanewise<Cast<U32, U64>, U32, U64>;
  if (to == Type::kF32 && from == Type::kF16) return &lanewise<FromF16, float, U16>;
  if (to == Type::kF32 && from == Type::kBF16) return &lanewise<FromBF16, float, U16>;
  if (to == Type::kF16 && from == Type::kF32) return &lanewise<ToF16, U16, float>;
  if (to == Type::kBF16 && from == Type::kF32) return &lanewise<ToBF16, U16, float>;
  return nullptr;
}

template <class To>
Handler from_type(Type from) {
  switch (from) {
    case Type::kU8: return &convert<To, U8>;
    case Type::kS8: return &convert<To, S8>;
    case Type::kU16: return &convert<To, U16>;
    case Type::kS16: return &convert<To, S16>;
    case Type::kU32: return &convert<To, U32>;
    case Type::kS32: return &convert<To, S32>;
    case Type::kU64: return &convert<To, U64>;
    case Type::kS64: return &convert<To, S64>;
    case Type::kF16: return &convert<To, Half>;
    case Type::kBF16: return &convert<To, Brain>;
    case Type::kF32: return &convert<To, float>;
    case Type::kF64: return &convert<To, double>;
    default: return nullptr;
  }
}
Handler general(Type to, Type from) {
  switch (to) {
    case Type::kU8: return from_type<U8>(from);
    case Type::kS8: return from_type<S8>(from);
    case Type::kU16: return from_type<U16>(from);
    case Type::kS16: return from_type<S16>(from);
    case Type::kU32: return from_type<U32>(from);
    case Type::kS32: return from_type<S32>(from);
    case Type::kU64: return from_type<U64>(from);
    case Type::kS64: return from_type<S64>(from);
    case Type::kF16: return from_type<Half>(from);
    case Type::kBF16: return from_type<Brain>(from);
    case Type::kF32: return from_type<float>(from);
    case Type::kF64: return from_type<double>(from);
    default: return nullptr;
  }
}

}  // namespace

Handler select_convert(const Form& form, const Shape& shape) {
  const Type to = form.type(0);
  if (form.has("pack") || bits(to) == 0 || to == Type::kTF32 || form.types.size() != 2 ||
      to == Type::kF16x2 || to == Type::kBF16x2 || to == Type::kE4M3x2 || to == Type::kE5M2x2)
    return select_convert_packed(form);
  if (const Handler fast = frequent(form, {shape.width[0], shape.width[1]})) return fast;
  return general(to, form.type(1));
}

void configure_convert(const Form& form, const Shape& shape, Decoded& in) {
  in.small = static_cast<U8>(shape.width[0] / 8 << 4 | shape.width[1] / 8);
  in.count = static_cast<U8>(
      (form.has("ftz") ? kFlush : 0) | (form.has("sat") ? kSaturate : 0) | (form.has("relu") ? kRelu : 0) |
      (form.has("satfinite") ? kFinite : 0) |
      (form.has("rni") || form.has("rzi") || form.has("rmi") || form.has("rpi") ? kIntegral : 0));
  in.immediate = rounding_of(form);
}

}  // namespace intarsia::ptx
