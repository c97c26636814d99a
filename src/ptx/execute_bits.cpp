// Logic, shifts and bit fields. Shift amounts are clamped, as PTX has it.
#include <algorithm>

#include "ptx/lanes.h"
#include "ptx/select.h"

namespace intarsia::ptx {
namespace {

struct And {
  template <class T>
  T operator()(T a, T b) const {
    return static_cast<T>(a & b);
  }
};
struct Or {
  template <class T>
  T operator()(T a, T b) const {
    return static_cast<T>(a | b);
  }
};
struct Xor {
  template <class T>
  T operator()(T a, T b) const {
    return static_cast<T>(a ^ b);
  }
};
struct Not {
  template <class T>
  T operator()(T a) const {
    return static_cast<T>(~a);
  }
};
struct Cnot {
  template <class T>
  T operator()(T a) const {
    return a == 0 ? T{1} : T{0};
  }
};

struct Shl {
  template <class T>
  T operator()(T a, U32 n) const {
    return n >= sizeof(T) * 8 ? T{0} : static_cast<T>(static_cast<U64>(a) << n);
  }
};
struct Shr {
  template <class T>
  T operator()(T a, U32 n) const {
    constexpr U32 kBits = sizeof(T) * 8;
    if constexpr (std::is_signed_v<T>)
      return static_cast<T>(a >> (n >= kBits ? kBits - 1 : n));
    else
      return n >= kBits ? T{0} : static_cast<T>(a >> n);
  }
};
template <bool kLeft, bool kWrap>
struct Funnel {  // c from b:a
  U32 operator()(U32 a, U32 b, U32 n) const {
    n = kWrap ? n & 31 : std::min(n, U32{32});
    const U64 both = U64{b} << 32 | a;
    return static_cast<U32>(kLeft ? (both << n) >> 32 : both >> n);
  }
};
struct Clz {
  template <class T>
  U32 operator()(T a) const {
    return static_cast<U32>(std::countl_zero(a));
  }
};
struct Popc {
  template <class T>
  U32 operator()(T a) const {
    return static_cast<U32>(std::popcount(a));
  }
};
struct Brev {
  template <class T>
  T operator()(T a) const {
    T out = 0;
    for (std::size_t i = 0; i < sizeof(T) * 8; ++i) out = static_cast<T>(out << 1 | (a >> i & 1));
    return out;
  }
};

struct Bfe {
  template <class T>
  T operator()(T a, U32 position, U32 length) const {
    constexpr U32 kBits = sizeof(T) * 8;
    using V = std::make_unsigned_t<T>;
    const U32 pos = position & 255, len = length & 255;
    if (len == 0) return 0;
    V field = pos >= kBits ? V{0} : static_cast<V>(static_cast<V>(a) >> pos);
    if (len < kBits) field &= static_cast<V>((V{1} << len) - 1);
    if constexpr (std::is_signed_v<T>) {
      const U32 top = std::min(pos + len - 1, kBits - 1);
      const bool negative = (static_cast<V>(a) >> top & 1) != 0;
      const U32 width = pos >= kBits ? 0 : std::min(len, kBits - pos);
      if (negative && width < kBits) field |= static_cast<V>(~V{0} << width);
    }
    return static_cast<T>(field);
  }
};
struct Bfi {  // a into b
  template <class T>
  T operator()(T a, T b, U32 position, U32 length) const {
    constexpr U32 kBits = sizeof(T) * 8;
    const U32 pos = position & 255, len = length & 255;
    if (pos >= kBits || len == 0) return b;
    const T ones = len >= kBits ? ~T{0} : static_cast<T>((T{1} << len) - 1);
    const T field = static_cast<T>(ones << pos);
    return static_cast<T>((b & ~field) | ((a << pos) & field));
  }
};
template <bool kShift>
struct Bfind {
  template <class T>
  U32 operator()(T a) const {
    using V = std::make_unsigned_t<T>;
    V v = static_cast<V>(a);
    if constexpr (std::is_signed_v<T>)
      if (a < 0) v = static_cast<V>(~v);
    if (v == 0) return kAll;
    const U32 top = static_cast<U32>(sizeof(T) * 8 - 1) - static_cast<U32>(std::countl_zero(v));
    return kShift ? static_cast<U32>(sizeof(T) * 8 - 1) - top : top;
  }
};
template <bool kWrap>
struct Bmsk {
  U32 operator()(U32 position, U32 width) const {
    const U32 a = kWrap ? position & 31 : position, b = kWrap ? width & 31 : width;
    if (a >= 32 || b == 0) return 0;
    const U32 ones = b >= 32 ? kAll : (U32{1} << b) - 1;
    return ones << a;
  }
};
template <bool kWrap>
struct Szext {
  template <class T>
  T operator()(T a, U32 n) const {
    n = kWrap ? n & 31 : n;
    if (n == 0) return 0;
    if (n >= 32) return a;
    return static_cast<T>(static_cast<T>(static_cast<U32>(a) << (32 - n)) >> (32 - n));
  }
};
struct Fns {
  U32 operator()(U32 mask, U32 base, U32 offset) const {
    const auto n = static_cast<S32>(offset);
    if (base > 31) return kAll;
    if (n == 0) return (mask >> base & 1) != 0 ? base : kAll;
    S32 left = n < 0 ? -n : n;
    for (auto at = static_cast<S32>(base); at >= 0 && at < 32; at += n < 0 ? -1 : 1)
      if ((mask >> at & 1) != 0 && --left == 0) return static_cast<U32>(at);
    return kAll;
  }
};

// Byte permutation: `selector` has 4 bits per result byte; the top one copies the sign.
U32 permute(U32 a, U32 b, U32 selector) {
  const U64 both = U64{b} << 32 | a;
  U32 out = 0;
  for (int i = 0; i < 4; ++i) {
    const U32 s = selector >> (4 * i) & 15;
    U32 byte = static_cast<U32>(both >> (8 * (s & 7))) & 255;
    if ((s & 8) != 0) byte = (byte & 128) != 0 ? 255 : 0;
    out |= byte << (8 * i);
  }
  return out;
}
struct Prmt {
  U32 operator()(U32 a, U32 b, U32 c) const { return permute(a, b, c & 0xFFFF); }
};
template <int kMode>
struct PrmtMode {
  static constexpr std::array<std::array<U32, 4>, 6> kSelectors = {{{0x3210, 0x4321, 0x5432, 0x6543},
                                                                    {0x5670, 0x6701, 0x7012, 0x0123},
                                                                    {0x0000, 0x1111, 0x2222, 0x3333},
                                                                    {0x3210, 0x3211, 0x3222, 0x3333},
                                                                    {0x0000, 0x1110, 0x2210, 0x3210},
                                                                    {0x1010, 0x3232, 0x1010, 0x3232}}};
  U32 operator()(U32 a, U32 b, U32 c) const { return permute(a, b, kSelectors[kMode][c & 3]); }
};

// r: a, b, c from `first` on.
void lop3_values(const Warp& warp, const Decoded& in, std::size_t first, U32* out) {
  const U32* a = warp.at<const U32>(in.r[first]);
  const U32* b = warp.at<const U32>(in.r[first + 1]);
  const U32* c = warp.at<const U32>(in.r[first + 2]);
  std::fill_n(out, kLanes, 0);
  for (int k = 0; k < 8; ++k) {
    if ((in.immediate >> k & 1) == 0) continue;
    const U32 x = k & 4 ? 0 : kAll, y = k & 2 ? 0 : kAll, z = k & 1 ? 0 : kAll;
    for (int l = 0; l < kLanes; ++l) out[l] |= (a[l] ^ x) & (b[l] ^ y) & (c[l] ^ z);
  }
}

Flow lop3(Warp& warp, const Decoded& in, U32 mask) {
  alignas(64) U32 out[kLanes];
  lop3_values(warp, in, 1, out);
  store_lanes(warp.at<U32>(in.r[0]), out, mask);
  return Flow::kNext;
}

// r: d, p, a, b, c, q. p: whether d is not 0, combined with q.
template <bool kOr>
Flow lop3_predicate(Warp& warp, const Decoded& in, U32 mask) {
  alignas(64) U32 out[kLanes];
  lop3_values(warp, in, 2, out);
  const U32 q = warp.predicate(in, 5);
  U32 some = 0;
  for (int l = 0; l < kLanes; ++l) some |= U32{out[l] != 0} << l;
  store_lanes(warp.at<U32>(in.r[0]), out, mask);
  set_predicate(warp, in.r[1], kOr ? some | q : some & q, mask);
  return Flow::kNext;
}

template <class F, bool kBinary>
Flow predicates(Warp& warp, const Decoded& in, U32 mask) {
  if constexpr (kBinary)
    set_predicate(warp, in.r[0], F{}(warp.predicate(in, 1), warp.predicate(in, 2)), mask);
  else
    set_predicate(warp, in.r[0], F{}(warp.predicate(in, 1)), mask);
  return Flow::kNext;
}

template <class F>
Handler logic(Type type) {
  if (type == Type::kPred) return &predicates<F, true>;
  return by_integer(type, []<class T>() -> Handler { return &lanewise<F, T, T, T>; });
}
template <class F>
Handler narrow(Type type) {
  return type == Type::kB64 ? &lanewise<F, U32, U64> : &lanewise<F, U32, U32>;
}
template <class F>
Handler shift(Type type) {
  return by_integer(type, []<class T>() -> Handler { return &lanewise<F, T, T, U32>; });
}

Handler select_prmt(const Form& form) {
  if (form.has("f4e")) return &lanewise<PrmtMode<0>, U32, U32, U32, U32>;
  if (form.has("b4e")) return &lanewise<PrmtMode<1>, U32, U32, U32, U32>;
  if (form.has("rc8")) return &lanewise<PrmtMode<2>, U32, U32, U32, U32>;
  if (form.has("ecl")) return &lanewise<PrmtMode<3>, U32, U32, U32, U32>;
  if (form.has("ecr")) return &lanewise<PrmtMode<4>, U32, U32, U32, U32>;
  if (form.has("rc16")) return &lanewise<PrmtMode<5>, U32, U32, U32, U32>;
  return &lanewise<Prmt, U32, U32, U32, U32>;
}

Handler select_fields(const Form& form) {
  const std::string_view op = form.row->opcode;
  const Type type = form.type();
  const bool wrap = form.has("wrap");
  if (op == "bfe")
    return by_integer(type, []<class T>() -> Handler { return &lanewise<Bfe, T, T, U32, U32>; });
  if (op == "bfi")
    return by_integer(type, []<class T>() -> Handler { return &lanewise<Bfi, T, T, T, U32, U32>; });
  if (op == "bfind")
    return by_integer(type, [&]<class T>() -> Handler {
      return form.has("shiftamt") ? &lanewise<Bfind<true>, U32, T> : &lanewise<Bfind<false>, U32, T>;
    });
  if (op == "bmsk")
    return wrap ? &lanewise<Bmsk<true>, U32, U32, U32> : &lanewise<Bmsk<false>, U32, U32, U32>;
  if (op == "szext" && type == Type::kS32)
    return wrap ? &lanewise<Szext<true>, S32, S32, U32> : &lanewise<Szext<false>, S32, S32, U32>;
  if (op == "szext")
    return wrap ? &lanewise<Szext<true>, U32, U32, U32> : &lanewise<Szext<false>, U32, U32, U32>;
  return op == "fns" ? &lane_by_lane<Fns, U32, U32, U32, U32> : nullptr;
}

}  // namespace

Handler select_bits(const Form& form) {
  const std::string_view op = form.row->opcode;
  const Type type = form.type();
  if (op == "and") return logic<And>(type);
  if (op == "or") return logic<Or>(type);
  if (op == "xor") return logic<Xor>(type);
  if (op == "not" && type == Type::kPred) return &predicates<Not, false>;
  if (op == "not") return by_integer(type, []<class T>() -> Handler { return &lanewise<Not, T, T>; });
  if (op == "cnot") return by_integer(type, []<class T>() -> Handler { return &lanewise<Cnot, T, T>; });
  if (op == "shl") return shift<Shl>(type);
  if (op == "shr") return shift<Shr>(type);
  if (op == "lop3")
    return form.has("or") ? &lop3_predicate<true> : form.has("and") ? &lop3_predicate<false> : &lop3;
  if (op == "prmt") return select_prmt(form);
  if (op == "clz") return narrow<Clz>(type);
  if (op == "popc") return narrow<Popc>(type);
  if (op == "brev") return type == Type::kB64 ? &lanewise<Brev, U64, U64> : &lanewise<Brev, U32, U32>;
  if (op == "shf") {
    const bool wrap = form.has("wrap");
    if (form.has("l"))
      return wrap ? &lanewise<Funnel<true, true>, U32, U32, U32, U32>
                  : &lanewise<Funnel<true, false>, U32, U32, U32, U32>;
    return wrap ? &lanewise<Funnel<false, true>, U32, U32, U32, U32>
                : &lanewise<Funnel<false, false>, U32, U32, U32, U32>;
  }
  return select_fields(form);
}

}  // namespace intarsia::ptx
