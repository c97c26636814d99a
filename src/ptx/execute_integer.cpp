// Integer arithmetic. Signed overflow wraps: everything is computed unsigned.
#include <limits>
#include <type_traits>

#include "ptx/lanes.h"
#include "ptx/select.h"

namespace intarsia::ptx {
namespace {

__extension__ typedef unsigned __int128 U128;
__extension__ typedef __int128 S128;

template <class T>
struct WiderOf {
  using Type = S64;
};
template <>
struct WiderOf<U8> {
  using Type = U16;
};
template <>
struct WiderOf<S8> {
  using Type = S16;
};
template <>
struct WiderOf<U16> {
  using Type = U32;
};
template <>
struct WiderOf<S16> {
  using Type = S32;
};
template <>
struct WiderOf<U32> {
  using Type = U64;
};
template <>
struct WiderOf<U64> {
  using Type = U128;
};
template <>
struct WiderOf<S64> {
  using Type = S128;
};
template <class T>
using Wider = typename WiderOf<T>::Type;

// Arithmetic that wraps, in a type that does not promote to int.
template <class T>
using Raw = std::conditional_t<(sizeof(T) < 4), U32, std::make_unsigned_t<T>>;

struct Add {
  template <class T>
  T operator()(T a, T b) const {
    return static_cast<T>(static_cast<Raw<T>>(a) + static_cast<Raw<T>>(b));
  }
};
struct Sub {
  template <class T>
  T operator()(T a, T b) const {
    return static_cast<T>(static_cast<Raw<T>>(a) - static_cast<Raw<T>>(b));
  }
};
struct MulLo {
  template <class T>
  T operator()(T a, T b) const {
    return static_cast<T>(static_cast<Raw<T>>(a) * static_cast<Raw<T>>(b));
  }
};
struct MulHi {
  template <class T>
  T operator()(T a, T b) const {
    return static_cast<T>((static_cast<Wider<T>>(a) * static_cast<Wider<T>>(b)) >> (sizeof(T) * 8));
  }
};
struct MulWide {
  template <class T>
  Wider<T> operator()(T a, T b) const {
    return static_cast<Wider<T>>(a) * static_cast<Wider<T>>(b);
  }
};
template <class Mul>
struct Mad {
  template <class T>
  T operator()(T a, T b, T c) const {
    return Add{}(Mul{}(a, b), c);
  }
};
struct MadWide {
  template <class T>
  Wider<T> operator()(T a, T b, Wider<T> c) const {
    return Add{}(MulWide{}(a, b), c);
  }
};
template <bool kHigh>
struct Mul24 {
  template <class T>
  T operator()(T a, T b) const {
    const auto cut = [](T v) { return static_cast<S64>(static_cast<T>(static_cast<U32>(v) << 8)) >> 8; };
    const S64 product =
        std::is_signed_v<T> ? cut(a) * cut(b) : static_cast<S64>(U64{a & 0xFFFFFFu} * U64{b & 0xFFFFFFu});
    return static_cast<T>(product >> (kHigh ? 16 : 0));
  }
};
template <bool kHigh>
struct Mad24 {
  template <class T>
  T operator()(T a, T b, T c) const {
    return Add{}(Mul24<kHigh>{}(a, b), c);
  }
};
struct AddSat {
  S32 operator()(S32 a, S32 b) const {
    const S64 sum = S64{a} + b;
    return static_cast<S32>(std::min<S64>(std::max<S64>(sum, INT32_MIN), INT32_MAX));
  }
};
struct Mad24HiSat {
  S32 operator()(S32 a, S32 b, S32 c) const { return AddSat{}(Mul24<true>{}(a, b), c); }
};
struct SubSat {
  S32 operator()(S32 a, S32 b) const {
    const S64 sum = S64{a} - b;
    return static_cast<S32>(std::min<S64>(std::max<S64>(sum, INT32_MIN), INT32_MAX));
  }
};
struct MadHiSat {
  S32 operator()(S32 a, S32 b, S32 c) const { return AddSat{}(MulHi{}(a, b), c); }
};

// Division by zero gives all ones and the remainder the dividend, as NVIDIA's code for it does (PTX:
// unspecified).
struct Div {
  template <class T>
  T operator()(T a, T b) const {
    if (b == 0) return static_cast<T>(~Raw<T>{0});
    if constexpr (std::is_signed_v<T>)
      if (b == -1) return static_cast<T>(Raw<T>{0} - static_cast<Raw<T>>(a));
    return static_cast<T>(a / b);
  }
};
struct Rem {
  template <class T>
  T operator()(T a, T b) const {
    if (b == 0) return a;
    if constexpr (std::is_signed_v<T>)
      if (b == -1) return 0;
    return static_cast<T>(a % b);
  }
};
struct Abs {
  template <class T>
  T operator()(T a) const {
    return static_cast<T>(a < 0 ? Raw<T>{0} - static_cast<Raw<T>>(a) : static_cast<Raw<T>>(a));
  }
};
struct Neg {
  template <class T>
  T operator()(T a) const {
    return static_cast<T>(Raw<T>{0} - static_cast<Raw<T>>(a));
  }
};
struct Min {
  template <class T>
  T operator()(T a, T b) const {
    return b < a ? b : a;
  }
};
struct Max {
  template <class T>
  T operator()(T a, T b) const {
    return a < b ? b : a;
  }
};
template <class F>
struct Relu {
  template <class T>
  T operator()(T a, T b) const {
    return Max{}(F{}(a, b), T{0});
  }
};
struct Sad {
  template <class T>
  T operator()(T a, T b, T c) const {
    return Add{}(c, a < b ? Sub{}(b, a) : Sub{}(a, b));
  }
};

// Two 16-bit halves of a 32-bit register.
template <class F, class T>
struct Halves {
  U32 operator()(U32 a, U32 b) const {
    const auto low = static_cast<U16>(F{}(static_cast<T>(a), static_cast<T>(b)));
    const auto high = static_cast<U16>(F{}(static_cast<T>(a >> 16), static_cast<T>(b >> 16)));
    return low | U32{high} << 16;
  }
};

template <class A, class B>
struct Dot4 {
  U32 operator()(U32 a, U32 b, U32 c) const {
    for (int i = 0; i < 32; i += 8)
      c += static_cast<U32>(S32{static_cast<A>(a >> i)} * S32{static_cast<B>(b >> i)});
    return c;
  }
};
template <class A, class B, int kShift>
struct Dot2 {
  U32 operator()(U32 a, U32 b, U32 c) const {
    for (int i = 0; i < 2; ++i)
      c += static_cast<U32>(S32{static_cast<A>(a >> (16 * i))} * S32{static_cast<B>(b >> (kShift + 8 * i))});
    return c;
  }
};

// The carry of .cc lives in the frame's registers, one mask per warp, at offset 0 (decode.cpp).
template <class T, bool kSubtract, bool kIn, bool kOut>
Flow carry_add(Warp& warp, const Decoded& in, U32 mask) {
  using V = std::make_unsigned_t<T>;
  const V* a = warp.at<const V>(in.r[1]);
  const V* b = warp.at<const V>(in.r[2]);
  V* d = warp.at<V>(in.r[0]);
  U32& carry = *warp.at<U32>(Ref{0});
  each_lane(mask, [&](int l) {
    const V y = kSubtract ? static_cast<V>(~b[l]) : b[l];
    const V c = kIn ? (carry >> l & 1) : (kSubtract ? 1 : 0);  // a borrow is a missing carry
    const auto sum = static_cast<U128>(a[l]) + y + c;
    d[l] = static_cast<V>(sum);
    if (kOut) carry = (carry & ~(1u << l)) | static_cast<U32>(sum >> (sizeof(V) * 8) & 1) << l;
  });
  return Flow::kNext;
}

template <class T, bool kHigh, bool kIn, bool kOut>
Flow carry_mad(Warp& warp, const Decoded& in, U32 mask) {
  using V = std::make_unsigned_t<T>;
  const T* a = warp.at<const T>(in.r[1]);
  const T* b = warp.at<const T>(in.r[2]);
  const V* c = warp.at<const V>(in.r[3]);
  V* d = warp.at<V>(in.r[0]);
  U32& carry = *warp.at<U32>(Ref{0});
  each_lane(mask, [&](int l) {
    const V product = static_cast<V>(kHigh ? MulHi{}(a[l], b[l]) : MulLo{}(a[l], b[l]));
    const auto sum = static_cast<U128>(product) + c[l] + (kIn ? (carry >> l & 1) : 0);
    d[l] = static_cast<V>(sum);
    if (kOut) carry = (carry & ~(1u << l)) | static_cast<U32>(sum >> (sizeof(V) * 8) & 1) << l;
  });
  return Flow::kNext;
}

template <class F>
Handler unary(Type type) {
  return by_integer(type, []<class T>() -> Handler { return &lanewise<F, T, T>; });
}
template <class F>
Handler binary(Type type) {
  return by_integer(type, []<class T>() -> Handler { return &lanewise<F, T, T, T>; });
}
template <class F>
Handler ternary(Type type) {
  return by_integer(type, []<class T>() -> Handler { return &lanewise<F, T, T, T, T>; });
}

template <class F>
Handler halves(const Form& form) {
  return form.has("u16x2") ? &lanewise<Halves<F, U16>, U32, U32, U32>
                           : &lanewise<Halves<F, S16>, U32, U32, U32>;
}

template <bool kSubtract>
Handler select_carry(const Form& form, bool in) {
  const bool out = form.has("cc");
  return by_integer(form.type(), [&]<class T>() -> Handler {
    if constexpr (sizeof(T) < 4) return nullptr;
    if (in) return out ? &carry_add<T, kSubtract, true, true> : &carry_add<T, kSubtract, true, false>;
    return &carry_add<T, kSubtract, false, true>;
  });
}

Handler select_carry_mad(const Form& form) {
  const bool in = form.row->opcode == "madc", out = form.has("cc"), high = form.has("hi");
  return by_integer(form.type(), [&]<class T>() -> Handler {
    if constexpr (sizeof(T) < 4) return nullptr;
    if (in && out) return high ? &carry_mad<T, true, true, true> : &carry_mad<T, false, true, true>;
    if (in) return high ? &carry_mad<T, true, true, false> : &carry_mad<T, false, true, false>;
    return high ? &carry_mad<T, true, false, true> : &carry_mad<T, false, false, true>;
  });
}

Handler select_multiply(const Form& form, bool add) {
  const Type type = form.type();
  if (form.has("wide"))
    return by_integer(type, [&]<class T>() -> Handler {
      if constexpr (sizeof(T) > 4)
        return nullptr;
      else if (add)
        return &lanewise<MadWide, Wider<T>, T, T, Wider<T>>;
      else
        return &lanewise<MulWide, Wider<T>, T, T>;
    });
  if (form.has("sat")) return &lanewise<MadHiSat, S32, S32, S32, S32>;
  if (form.has("hi")) return add ? ternary<Mad<MulHi>>(type) : binary<MulHi>(type);
  return add ? ternary<Mad<MulLo>>(type) : binary<MulLo>(type);
}

Handler select_24(const Form& form, bool add) {
  if (form.has("sat")) return &lanewise<Mad24HiSat, S32, S32, S32, S32>;
  const bool high = form.has("hi"), is_signed = form.type() == Type::kS32;
  if (add && is_signed)
    return high ? &lanewise<Mad24<true>, S32, S32, S32, S32> : &lanewise<Mad24<false>, S32, S32, S32, S32>;
  if (add)
    return high ? &lanewise<Mad24<true>, U32, U32, U32, U32> : &lanewise<Mad24<false>, U32, U32, U32, U32>;
  if (is_signed) return high ? &lanewise<Mul24<true>, S32, S32, S32> : &lanewise<Mul24<false>, S32, S32, S32>;
  return high ? &lanewise<Mul24<true>, U32, U32, U32> : &lanewise<Mul24<false>, U32, U32, U32>;
}

template <class A, class B, class A2, class B2>
Handler dot(const Form& form) {
  if (form.row->opcode == "dp4a") return &lanewise<Dot4<A, B>, U32, U32, U32, U32>;
  return form.has("hi") ? &lanewise<Dot2<A2, B2, 16>, U32, U32, U32, U32>
                        : &lanewise<Dot2<A2, B2, 0>, U32, U32, U32, U32>;
}

Handler select_dot(const Form& form) {
  const bool a = form.type(0) == Type::kS32, b = form.type(1) == Type::kS32;
  if (a) return b ? dot<S8, S8, S16, S8>(form) : dot<S8, U8, S16, U8>(form);
  return b ? dot<U8, S8, U16, S8>(form) : dot<U8, U8, U16, U8>(form);
}

template <class F>
Handler extreme(const Form& form) {
  if (form.has("u16x2") || form.has("s16x2"))
    return form.has("relu") ? halves<Relu<F>>(form) : halves<F>(form);
  return form.has("relu") ? binary<Relu<F>>(form.type()) : binary<F>(form.type());
}

}  // namespace

Handler select_integer(const Form& form) {
  const std::string_view op = form.row->opcode;
  const Type type = form.type();
  if (op == "addc" || op == "subc")
    return op == "addc" ? select_carry<false>(form, true) : select_carry<true>(form, true);
  if (op == "add" || op == "sub") {
    const bool add = op == "add";
    if (form.has("cc")) return add ? select_carry<false>(form, false) : select_carry<true>(form, false);
    if (form.has("sat")) return add ? &lanewise<AddSat, S32, S32, S32> : &lanewise<SubSat, S32, S32, S32>;
    if (form.has("u16x2") || form.has("s16x2")) return halves<Add>(form);
    return add ? binary<Add>(type) : binary<Sub>(type);
  }
  if (op == "mul24" || op == "mad24") return select_24(form, op == "mad24");
  if (op == "madc" || form.has("cc")) return select_carry_mad(form);
  if (op == "mul" || op == "mad") return select_multiply(form, op == "mad");
  if (op == "div") return by_integer(type, []<class T>() -> Handler { return &lane_by_lane<Div, T, T, T>; });
  if (op == "rem") return by_integer(type, []<class T>() -> Handler { return &lane_by_lane<Rem, T, T, T>; });
  if (op == "abs") return unary<Abs>(type);
  if (op == "neg") return unary<Neg>(type);
  if (op == "min") return extreme<Min>(form);
  if (op == "max") return extreme<Max>(form);
  if (op == "sad") return ternary<Sad>(type);
  if (op == "dp4a" || op == "dp2a") return select_dot(form);
  return nullptr;
}

}  // namespace intarsia::ptx
