// Operations between the lanes of a warp.
#include <fmt/format.h>

#include <algorithm>

#include "ptx/lanes.h"
#include "ptx/select.h"
#include "ptx/shadow.h"
#include "ptx/vectors.h"

namespace intarsia::ptx {
namespace {

// Waits for the lanes the members name. False: the fragment was parked. Reports lanes that cannot come and
// lanes that are not members of their own mask.
bool gather(Warp& warp, const Decoded& in, U32 mask, const U32* members) {
  if (mask == kAll) {  // mostly all lanes come and name each other
    U32x8 both = load_vector<U32x8>(members);
    for (int l = 8; l < kLanes; l += 8) both &= load_vector<U32x8>(members + l);
    if (!any_bit(both ^ kAll)) {
      warp.forced = false;
      advance(warp);
      return true;
    }
  }
  U32 need = 0, outside = 0, missing = 0;
  each_lane(mask, [&](int l) {
    need |= members[l];
    outside |= (members[l] >> l & 1) == 0 ? U32{1} << l : 0;
  });
  if (wait_for_lanes(warp, mask, need, missing)) return false;
  const bool checked = warp.block->launch->config->checks.members;
  if (checked && outside != 0)
    report(warp, in, Report::Kind::kMembers, outside,
           fmt::format("membermask {:#010x} does not name the lane that executes it",
                       members[std::countr_zero(outside)]));
  if (checked && missing != 0)
    report(warp, in, Report::Kind::kMembers, mask,
           fmt::format("membermask {:#010x} names lanes {:#010x} that do not come here", need, missing));
  return true;
}

enum class Shuffle { kUp, kDown, kBfly, kIdx };

// Whether all lanes hold what the first one does.
bool all_same(const U32* values) {
  U32x8 other{};
  for (int l = 0; l < kLanes; l += 8) other |= load_vector<U32x8>(values + l) ^ values[0];
  return !any_bit(other);
}

// Of a whole warp that is one segment, with one distance: butterflies and broadcasts, as reductions use them.
template <Shuffle kShuffle>
bool shuffle_alike(Warp& warp, const Decoded& in) {
  const U32* a = warp.at<const U32>(in.r[2]);
  const U32* distance = warp.at<const U32>(in.r[3]);
  const U32* bounds = warp.at<const U32>(in.r[4]);
  if ((bounds[0] & 0x1F1F) != 31 || !all_same(bounds) || !all_same(distance)) return false;
  const U32 by = distance[0] & 31U;
  U32x8 out[kLanes / 8];
  for (U32 g = 0; g < kLanes / 8; ++g)
    out[g] = kShuffle == Shuffle::kIdx
                 ? U32x8{} + a[by]
                 : permuted(load_vector<U32x8>(a + 8 * (g ^ by / 8)), kEight ^ (by % 8));
  std::memcpy(warp.at<U32>(in.r[0]), out, sizeof out);
  *warp.at<U32>(in.r[1]) = kAll;
  return true;
}

// r: value, whether it came from another lane, source, distance, clamp and segments, members.
template <Shuffle kShuffle>
Flow shfl(Warp& warp, const Decoded& in, U32 mask) {
  if (!gather(warp, in, mask, warp.at<const U32>(in.r[5]))) return Flow::kStop;
  if constexpr (kShuffle == Shuffle::kBfly || kShuffle == Shuffle::kIdx)
    if (mask == kAll && shuffle_alike<kShuffle>(warp, in)) return Flow::kNext;
  alignas(64) U32 out[kLanes];
  const U32* a = warp.at<const U32>(in.r[2]);
  const U32* b = warp.at<const U32>(in.r[3]);
  const U32* c = warp.at<const U32>(in.r[4]);
  U32 valid = 0;
  for (int at = 0; at < kLanes; at += 8) {
    const U32x8 lane = kEight + static_cast<U32>(at), bounds = load_vector<U32x8>(c + at),
                distance = load_vector<U32x8>(b + at) & 31U;
    const U32x8 segment = bounds >> 8 & 31U, clamp = bounds & 31U, lowest = lane & segment,
                highest = lowest | (clamp & ~segment);
    U32x8 from, good;
    switch (kShuffle) {
      case Shuffle::kUp:
        from = lane - distance;
        good = bits_of(lane >= distance) & bits_of(from >= highest);
        break;
      case Shuffle::kDown: from = lane + distance, good = bits_of(from <= highest); break;
      case Shuffle::kBfly: from = lane ^ distance, good = bits_of(from <= highest); break;
      case Shuffle::kIdx: from = lowest | (distance & ~segment), good = bits_of(from <= highest); break;
    }
    from = ((from & good) | (lane & ~good)) & 31U;
    store_vector(out + at, gather_words(reinterpret_cast<const std::byte*>(a), from * 4U));
    valid |= sign_bits(good) << at;
  }
  store_lanes(warp.at<U32>(in.r[0]), out, mask);
  set_predicate(warp, in.r[1], valid, mask);
  return Flow::kNext;
}

enum class Vote { kAll, kAny, kUniform };
template <Vote kVote>
Flow vote(Warp& warp, const Decoded& in, U32 mask) {
  const U32* members = warp.at<const U32>(in.r[2]);
  if (!gather(warp, in, mask, members)) return Flow::kStop;
  const U32 p = warp.predicate(in, 1);
  U32 out = 0;
  each_lane(mask, [&](int l) {
    const U32 who = members[l] & mask, yes = p & who;
    const bool holds = kVote == Vote::kAll   ? yes == who
                       : kVote == Vote::kAny ? yes != 0
                                             : yes == who || yes == 0;
    out |= U32{holds} << l;
  });
  set_predicate(warp, in.r[0], out, mask);
  return Flow::kNext;
}

Flow ballot(Warp& warp, const Decoded& in, U32 mask) {
  const U32* members = warp.at<const U32>(in.r[2]);
  if (!gather(warp, in, mask, members)) return Flow::kStop;
  const U32 p = warp.predicate(in, 1);
  U32* d = warp.at<U32>(in.r[0]);
  each_lane(mask, [&](int l) { d[l] = p & members[l] & mask; });
  return Flow::kNext;
}

Flow activemask(Warp& warp, const Decoded& in, U32 mask) {
  U32* d = warp.at<U32>(in.r[0]);
  each_lane(mask, [&](int l) { d[l] = mask; });
  return Flow::kNext;
}

template <class T>
Flow match_any(Warp& warp, const Decoded& in, U32 mask) {
  const U32* members = warp.at<const U32>(in.r[2]);
  if (!gather(warp, in, mask, members)) return Flow::kStop;
  alignas(64) U32 out[kLanes] = {};
  const T* a = warp.at<const T>(in.r[1]);
  each_lane(mask,
            [&](int l) { each_lane(members[l] & mask, [&](int k) { out[l] |= U32{a[k] == a[l]} << k; }); });
  store_lanes(warp.at<U32>(in.r[0]), out, mask);
  return Flow::kNext;
}
template <class T>
Flow match_all(Warp& warp, const Decoded& in, U32 mask) {
  const U32* members = warp.at<const U32>(in.r[3]);
  if (!gather(warp, in, mask, members)) return Flow::kStop;
  alignas(64) U32 out[kLanes] = {};
  const T* a = warp.at<const T>(in.r[2]);
  U32 same = 0;
  each_lane(mask, [&](int l) {
    bool all = true;
    each_lane(members[l] & mask, [&](int k) { all &= a[k] == a[l]; });
    out[l] = all ? members[l] & mask : 0;
    same |= U32{all} << l;
  });
  store_lanes(warp.at<U32>(in.r[0]), out, mask);
  set_predicate(warp, in.r[1], same, mask);
  return Flow::kNext;
}

struct Sum {
  template <class T>
  T operator()(T a, T b) const {
    return static_cast<T>(static_cast<U32>(a) + static_cast<U32>(b));
  }
};
struct Least {
  template <class T>
  T operator()(T a, T b) const {
    return std::min(a, b);
  }
};
struct Most {
  template <class T>
  T operator()(T a, T b) const {
    return std::max(a, b);
  }
};
struct And {
  U32 operator()(U32 a, U32 b) const { return a & b; }
};
struct Or {
  U32 operator()(U32 a, U32 b) const { return a | b; }
};
struct Xor {
  U32 operator()(U32 a, U32 b) const { return a ^ b; }
};

template <class F, class T>
Flow redux(Warp& warp, const Decoded& in, U32 mask) {
  const U32* members = warp.at<const U32>(in.r[2]);
  if (!gather(warp, in, mask, members)) return Flow::kStop;
  alignas(64) T out[kLanes] = {};
  const T* a = warp.at<const T>(in.r[1]);
  each_lane(mask, [&](int l) {
    const U32 who = members[l] & mask;
    if (who == 0) return;
    T value = a[std::countr_zero(who)];
    each_lane(who & (who - 1), [&](int k) { value = F{}(value, a[k]); });
    out[l] = value;
  });
  store_lanes(warp.at<T>(in.r[0]), out, mask);
  return Flow::kNext;
}

Flow elect(Warp& warp, const Decoded& in, U32 mask) {
  if (!gather(warp, in, mask, warp.at<const U32>(in.r[2]))) return Flow::kStop;
  const auto leader = std::countr_zero(mask);
  U32* d = warp.at<U32>(in.r[0]);
  each_lane(mask, [&](int l) { d[l] = static_cast<U32>(leader); });
  set_predicate(warp, in.r[1], U32{1} << leader, mask);
  return Flow::kNext;
}

Flow warp_barrier(Warp& warp, const Decoded& in, U32 mask) {
  return gather(warp, in, mask, warp.at<const U32>(in.r[0])) ? Flow::kNext : Flow::kStop;
}

template <class F>
Handler select_typed(const Form& form) {
  return form.type() == Type::kS32 ? &redux<F, S32> : &redux<F, U32>;
}

Handler select_redux(const Form& form) {
  if (form.has("add")) return select_typed<Sum>(form);
  if (form.has("min")) return select_typed<Least>(form);
  if (form.has("max")) return select_typed<Most>(form);
  if (form.has("and")) return &redux<And, U32>;
  return form.has("or") ? &redux<Or, U32> : &redux<Xor, U32>;
}

}  // namespace

Handler select_warp(const Form& form) {
  const std::string_view op = form.row->opcode;
  const bool wide = form.type() == Type::kB64;
  if (op == "shfl") {
    if (form.has("up")) return &shfl<Shuffle::kUp>;
    if (form.has("down")) return &shfl<Shuffle::kDown>;
    return form.has("bfly") ? &shfl<Shuffle::kBfly> : &shfl<Shuffle::kIdx>;
  }
  if (op == "vote") {
    if (form.has("ballot")) return &ballot;
    return form.has("all") ? &vote<Vote::kAll> : form.has("any") ? &vote<Vote::kAny> : &vote<Vote::kUniform>;
  }
  if (op == "activemask") return &activemask;
  if (op == "match" && form.has("any")) return wide ? &match_any<U64> : &match_any<U32>;
  if (op == "match") return wide ? &match_all<U64> : &match_all<U32>;
  if (op == "redux") return select_redux(form);
  if (op == "elect") return &elect;
  return op == "bar" ? &warp_barrier : nullptr;
}

}  // namespace intarsia::ptx
