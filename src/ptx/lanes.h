// Applying an operation to the lanes of a warp.
#pragma once
#include <bit>
#include <cstring>
#include <tuple>
#include <utility>

#include "ptx/machine.h"

// A loop over lanes: a destination is one of the sources or apart from them, so lanes may go together. Clang
// warns of those that it cannot make vectors of.
#if defined(__clang__)
#pragma clang diagnostic ignored "-Wpass-failed"
#define INTARSIA_LANES _Pragma("clang loop vectorize(assume_safety) unroll(disable)")
#elif defined(__GNUC__)
#define INTARSIA_LANES _Pragma("GCC ivdep")
#else
#define INTARSIA_LANES
#endif

namespace intarsia::ptx {

using U8 = std::uint8_t;
using U16 = std::uint16_t;
using U32 = std::uint32_t;
using U64 = std::uint64_t;
using S8 = std::int8_t;
using S16 = std::int16_t;
using S32 = std::int32_t;
using S64 = std::int64_t;
struct Wide {  // .b128
  U64 low = 0, high = 0;
  bool operator==(const Wide&) const = default;
};

template <class D>
[[gnu::noinline]] void store_some(D* to, const D* from, U32 mask) {
  for (int l = 0; l < kLanes; ++l) to[l] = (mask >> l & 1) != 0 ? from[l] : to[l];
}
// Writes the lanes of `mask`.
template <class D>
[[gnu::always_inline]] inline void store_lanes(D* to, const D* from, U32 mask) {
  if (mask == kAll) [[likely]]
    std::memcpy(to, from, sizeof(D) * kLanes);
  else
    store_some(to, from, mask);
}

// r[0] = F(r[1], …) in each lane. F is computed in all lanes: it must be defined for any bits.
template <class F, class D, class... S>
Flow lanewise(Warp& warp, const Decoded& in, U32 mask) {
  alignas(64) D some[kLanes];
  D* to = mask == kAll ? warp.at<D>(in.r[0]) : some;
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    const std::tuple<const S*...> source(warp.at<const S>(in.r[I + 1])...);
    INTARSIA_LANES
    for (int l = 0; l < kLanes; ++l) to[l] = F{}(std::get<I>(source)[l]...);
  }(std::index_sequence_for<S...>{});
  if (mask != kAll) [[unlikely]]
    store_some(warp.at<D>(in.r[0]), some, mask);
  return Flow::kNext;
}

// The same, lane by lane and only where `mask` says so: for operations that are slow.
template <class F, class D, class... S>
Flow lane_by_lane(Warp& warp, const Decoded& in, U32 mask) {
  D* to = warp.at<D>(in.r[0]);
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    const std::tuple<const S*...> source(warp.at<const S>(in.r[I + 1])...);
    for (U32 left = mask; left != 0; left &= left - 1) {
      const int l = std::countr_zero(left);
      to[l] = F{}(std::get<I>(source)[l]...);
    }
  }(std::index_sequence_for<S...>{});
  return Flow::kNext;
}

template <class F>
inline void each_lane(U32 mask, F f) {
  for (U32 left = mask; left != 0; left &= left - 1) f(std::countr_zero(left));
}

inline void set_predicate(Warp& warp, Ref to, U32 value, U32 mask) {
  U32& p = *warp.at<U32>(to);
  p = (p & ~mask) | (value & mask);
}

// Calls pick.operator()<T>() with the C++ type of an integer or bit type.
template <class Pick>
Handler by_integer(Type type, Pick pick) {
  switch (type) {
    case Type::kU16:
    case Type::kB16: return pick.template operator()<U16>();
    case Type::kS16: return pick.template operator()<S16>();
    case Type::kU32:
    case Type::kB32: return pick.template operator()<U32>();
    case Type::kS32: return pick.template operator()<S32>();
    case Type::kU64:
    case Type::kB64: return pick.template operator()<U64>();
    case Type::kS64: return pick.template operator()<S64>();
    default: return nullptr;
  }
}

// By the width of a register alone.
template <class Pick>
Handler by_width(int width, Pick pick) {
  switch (width) {
    case 16: return pick.template operator()<U16>();
    case 32: return pick.template operator()<U32>();
    case 64: return pick.template operator()<U64>();
    default: return nullptr;
  }
}

}  // namespace intarsia::ptx
