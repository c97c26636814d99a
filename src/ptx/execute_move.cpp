// mov, cvta, isspacep, special registers.
#include <chrono>
#include <map>

#include "ptx/lanes.h"
#include "ptx/select.h"

namespace intarsia::ptx {
namespace {

template <class T>
Flow move(Warp& warp, const Decoded& in, U32 mask) {
  store_lanes(warp.at<T>(in.r[0]), warp.at<const T>(in.r[1]), mask);
  return Flow::kNext;
}

Flow move_predicate(Warp& warp, const Decoded& in, U32 mask) {
  set_predicate(warp, in.r[0], warp.predicate(in, 1), mask);
  return Flow::kNext;
}

// r[0] = {refs[extra], …}: the first piece is the lowest.
template <class T, class P, int kPieces>
Flow pack(Warp& warp, const Decoded& in, U32 mask) {
  T* d = warp.at<T>(in.r[0]);
  const Ref* from = warp.frame->code->refs.data() + in.extra;
  alignas(64) T out[kLanes] = {};
  for (int k = 0; k < kPieces; ++k) {
    const P* p = warp.at<const P>(from[k]);
    for (int l = 0; l < kLanes; ++l)
      out[l] = static_cast<T>(out[l] | static_cast<T>(static_cast<T>(p[l]) << (k * sizeof(P) * 8)));
  }
  store_lanes(d, out, mask);
  return Flow::kNext;
}
template <class T, class P, int kPieces>
Flow unpack(Warp& warp, const Decoded& in, U32 mask) {
  const T* s = warp.at<const T>(in.r[0]);
  alignas(64) T from[kLanes];
  std::memcpy(from, s, sizeof from);
  const Ref* to = warp.frame->code->refs.data() + in.extra;
  for (int k = 0; k < kPieces; ++k) {
    alignas(64) P out[kLanes];
    for (int l = 0; l < kLanes; ++l) out[l] = static_cast<P>(from[l] >> (k * sizeof(P) * 8));
    store_lanes(warp.at<P>(to[k]), out, mask);
  }
  return Flow::kNext;
}
Flow pack_wide(Warp& warp, const Decoded& in, U32 mask) {
  const Ref* from = warp.frame->code->refs.data() + in.extra;
  each_lane(mask,
            [&](int l) { warp.at<Wide>(in.r[0])[l] = {warp.at<U64>(from[0])[l], warp.at<U64>(from[1])[l]}; });
  return Flow::kNext;
}
Flow unpack_wide(Warp& warp, const Decoded& in, U32 mask) {
  const Ref* to = warp.frame->code->refs.data() + in.extra;
  each_lane(mask, [&](int l) {
    const Wide v = warp.at<Wide>(in.r[0])[l];
    warp.at<U64>(to[0])[l] = v.low;
    warp.at<U64>(to[1])[l] = v.high;
  });
  return Flow::kNext;
}

// in.immediate: the window's base, added or taken off.
template <class T, int kSign>
Flow shift_window(Warp& warp, const Decoded& in, U32 mask) {
  const U64* s = warp.at<const U64>(in.r[1]);
  U64* d = warp.at<U64>(in.r[0]);
  each_lane(mask, [&](int l) { d[l] = s[l] + static_cast<U64>(kSign * in.immediate); });
  return Flow::kNext;
}

// in.immediate: the window of the space, 0 for global and const memory. kOwn: and of this block.
template <bool kOwn>
Flow isspacep(Warp& warp, const Decoded& in, U32 mask) {
  const U64* s = warp.at<const U64>(in.r[1]);
  U32 out = 0;
  for (int l = 0; l < kLanes; ++l) {
    const U64 window = s[l] >> 56 << 56;
    const U64 rank = s[l] >> kRankShift & 0xFF;  // plus 1; 0 is the own block
    const bool own = !kOwn || rank == 0 || rank == warp.block->rank + 1;
    out |= U32{window == static_cast<U64>(in.immediate) && own} << l;
  }
  set_predicate(warp, in.r[0], out, mask);
  return Flow::kNext;
}

// The address of a variable; kFrame: of the frame's local memory.
template <class T, bool kFrame>
Flow variable_address(Warp& warp, const Decoded& in, U32 mask) {
  const auto value = static_cast<T>(static_cast<U64>(in.immediate) + (kFrame ? warp.frame->local_base : 0));
  each_lane(mask, [&](int l) { warp.at<T>(in.r[0])[l] = value; });
  return Flow::kNext;
}

enum Special : std::int64_t {
  kTidX,
  kTidY,
  kTidZ,
  kNtidX,
  kNtidY,
  kNtidZ,
  kCtaidX,
  kCtaidY,
  kCtaidZ,
  kNctaidX,
  kNctaidY,
  kNctaidZ,
  kLaneid,
  kWarpid,
  kNwarpid,
  kSmid,
  kNsmid,
  kGridid,
  kMaskEq,
  kMaskLe,
  kMaskLt,
  kMaskGe,
  kMaskGt,
  kClock,
  kClock64,
  kTimer,
  kTimerLow,
  kTimerHigh,
  kDynamicShared,
  kTotalShared,
  kClusterCtaidX,
  kClusterCtaidY,
  kClusterCtaidZ,
  kClusterNctaidX,
  kClusterNctaidY,
  kClusterNctaidZ,
  kClusterRank,
  kClusterSize,
  kClusterIdX,
  kClusterIdY,
  kClusterIdZ,
  kNclusterIdX,
  kNclusterIdY,
  kNclusterIdZ,
  kExplicit,
  kBarrierHigh,
  kBarrierLow,
  kZero
};

U64 timer() {
  return static_cast<U64>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                              std::chrono::system_clock::now().time_since_epoch())
                              .count());
}

U64 block_special(const Warp& warp, std::int64_t which) {
  const Block& block = *warp.block;
  const LaunchConfig& config = *block.launch->config;
  const auto axis = [&](std::int64_t first) { return static_cast<std::size_t>(which - first); };
  if (which >= kNtidX && which <= kNtidZ) return config.block[axis(kNtidX)];
  if (which >= kCtaidX && which <= kCtaidZ) return block.id[axis(kCtaidX)];
  if (which >= kNctaidX && which <= kNctaidZ) return config.grid[axis(kNctaidX)];
  if (which >= kClusterCtaidX && which <= kClusterCtaidZ)
    return block.id[axis(kClusterCtaidX)] % config.cluster[axis(kClusterCtaidX)];
  if (which >= kClusterNctaidX && which <= kClusterNctaidZ) return config.cluster[axis(kClusterNctaidX)];
  if (which >= kClusterIdX && which <= kClusterIdZ)
    return block.id[axis(kClusterIdX)] / config.cluster[axis(kClusterIdX)];
  if (which >= kNclusterIdX && which <= kNclusterIdZ)
    return config.grid[axis(kNclusterIdX)] / config.cluster[axis(kNclusterIdX)];
  switch (which) {
    case kWarpid: return static_cast<U64>(warp.index);
    case kNwarpid: return block.warps.size();
    case kSmid: return static_cast<U64>(block.linear % config.device.multiprocessors);
    case kNsmid: return static_cast<U64>(config.device.multiprocessors);
    case kClock:
    case kClock64: return static_cast<U64>(block.steps);
    case kTimer:
    case kTimerLow: return timer();
    case kTimerHigh: return timer() >> 32;
    case kDynamicShared: return static_cast<U64>(config.shared_bytes);
    case kTotalShared: return static_cast<U64>(block.launch->shared_bytes);
    case kClusterRank: return block.rank;
    case kClusterSize: return config.cluster[0] * config.cluster[1] * config.cluster[2];
    case kBarrierHigh: return reinterpret_cast<U64>(block.launch->grid_barrier.data()) >> 32;
    case kBarrierLow: return reinterpret_cast<U64>(block.launch->grid_barrier.data()) & 0xFFFFFFFF;
    case kExplicit: return config.cluster != std::array<U32, 3>{1, 1, 1};
    default: return 0;
  }
}

template <class T>
Flow special(Warp& warp, const Decoded& in, U32 mask) {
  alignas(64) T out[kLanes];
  const std::int64_t which = in.immediate;
  if (which <= kTidZ) {
    const auto& tid = warp.tid[static_cast<std::size_t>(which)];
    for (int l = 0; l < kLanes; ++l) out[l] = static_cast<T>(tid[static_cast<std::size_t>(l)]);
  } else if (which == kLaneid) {
    for (int l = 0; l < kLanes; ++l) out[l] = static_cast<T>(l);
  } else if (which >= kMaskEq && which <= kMaskGt) {
    for (int l = 0; l < kLanes; ++l) {
      const U32 one = U32{1} << l, below = one - 1;
      const U32 masks[] = {one, below | one, below, ~below, ~below & ~one};
      out[l] = static_cast<T>(masks[which - kMaskEq]);
    }
  } else {
    const U64 value = block_special(warp, which);
    for (int l = 0; l < kLanes; ++l) out[l] = static_cast<T>(value);
  }
  store_lanes(warp.at<T>(in.r[0]), out, mask);
  return Flow::kNext;
}

struct SpecialName {
  std::string_view name;
  std::int64_t which;
  int width;
};
constexpr SpecialName kSpecials[] = {{"%laneid", kLaneid, 32},
                                     {"%warpid", kWarpid, 32},
                                     {"%nwarpid", kNwarpid, 32},
                                     {"%smid", kSmid, 32},
                                     {"%nsmid", kNsmid, 32},
                                     {"%gridid", kGridid, 64},
                                     {"%lanemask_eq", kMaskEq, 32},
                                     {"%lanemask_le", kMaskLe, 32},
                                     {"%lanemask_lt", kMaskLt, 32},
                                     {"%lanemask_ge", kMaskGe, 32},
                                     {"%lanemask_gt", kMaskGt, 32},
                                     {"%clock", kClock, 32},
                                     {"%clock64", kClock64, 64},
                                     {"%clock_hi", kZero, 32},
                                     {"%globaltimer", kTimer, 64},
                                     {"%globaltimer_lo", kTimerLow, 32},
                                     {"%globaltimer_hi", kTimerHigh, 32},
                                     {"%dynamic_smem_size", kDynamicShared, 32},
                                     {"%total_smem_size", kTotalShared, 32},
                                     {"%cluster_ctarank", kClusterRank, 32},
                                     {"%cluster_nctarank", kClusterSize, 32},
                                     {"%aggr_smem_size", kTotalShared, 32},
                                     {"%reserved_smem_offset_begin", kZero, 32},
                                     {"%reserved_smem_offset_end", kZero, 32},
                                     {"%reserved_smem_offset_cap", kZero, 32},
                                     {"%current_graph_exec", kZero, 64},
                                     {"%envreg1", kBarrierHigh, 32},  // what cooperative groups read
                                     {"%envreg2", kBarrierLow, 32},
                                     {"%is_explicit_cluster", kExplicit, 1}};
constexpr SpecialName kVectors[] = {{"%tid.", kTidX, 32},
                                    {"%ntid.", kNtidX, 32},
                                    {"%ctaid.", kCtaidX, 32},
                                    {"%nctaid.", kNctaidX, 32},
                                    {"%cluster_ctaid.", kClusterCtaidX, 32},
                                    {"%cluster_nctaid.", kClusterNctaidX, 32},
                                    {"%clusterid.", kClusterIdX, 32},
                                    {"%nclusterid.", kNclusterIdX, 32}};

Flow special_predicate(Warp& warp, const Decoded& in, U32 mask) {
  set_predicate(warp, in.r[0], block_special(warp, in.immediate) != 0 ? kAll : 0, mask);
  return Flow::kNext;
}

}  // namespace

int special_width(const std::string& name, std::int64_t& which) {
  for (const SpecialName& s : kSpecials)
    if (s.name == name) {
      which = s.which;
      return s.width;
    }
  if (name.starts_with("%envreg") || name.starts_with("%pm")) {
    which = kZero;
    return name.ends_with("_64") ? 64 : 32;
  }
  for (const SpecialName& s : kVectors) {
    if (!name.starts_with(s.name) || name.size() != s.name.size() + 1) continue;
    const char axis = name.back();
    if (axis < 'x' || axis > 'z') continue;
    which = s.which + (axis - 'x');
    return 32;
  }
  return 0;
}

// Special registers are read at the width of where they go.
Handler select_special(int width) {
  if (width == 1) return &special_predicate;
  return by_width(width, []<class T>() -> Handler { return &special<T>; });
}

Handler select_pack(int pieces, int width) {
  if (width == 128) return pieces == 2 ? &pack_wide : nullptr;
  if (width == 64) return pieces == 2 ? &pack<U64, U32, 2> : &pack<U64, U16, 4>;
  if (width == 32) return pieces == 2 ? &pack<U32, U16, 2> : &pack<U32, U8, 4>;
  return width == 16 && pieces == 2 ? &pack<U16, U8, 2> : nullptr;
}
Handler select_unpack(int pieces, int width) {
  if (width == 128) return pieces == 2 ? &unpack_wide : nullptr;
  if (width == 64) return pieces == 2 ? &unpack<U64, U32, 2> : &unpack<U64, U16, 4>;
  if (width == 32) return pieces == 2 ? &unpack<U32, U16, 2> : &unpack<U32, U8, 4>;
  return width == 16 && pieces == 2 ? &unpack<U16, U8, 2> : nullptr;
}

Handler select_address(int width, bool frame_local) {
  if (width == 64) return frame_local ? &variable_address<U64, true> : &variable_address<U64, false>;
  return frame_local ? &variable_address<U32, true> : &variable_address<U32, false>;
}

std::int64_t window_of(Space space) {
  switch (space) {
    case Space::kShared: return static_cast<std::int64_t>(kSharedWindow);
    case Space::kLocal: return static_cast<std::int64_t>(kLocalWindow);
    case Space::kParam: return static_cast<std::int64_t>(kParamWindow);
    default: return 0;
  }
}

Handler select_move(const Form& form) {
  const std::string_view op = form.row->opcode;
  if (op == "isspacep") {
    const bool own = form.has("shared") || form.has("shared::cta");
    return own ? &isspacep<true> : &isspacep<false>;
  }
  if (op == "cvta") return form.has("to") ? &shift_window<U64, -1> : &shift_window<U64, 1>;
  if (op != "mov") return nullptr;
  if (form.type() == Type::kPred) return &move_predicate;
  if (form.type() == Type::kB128) return &move<Wide>;
  return by_width(bits(form.type()), []<class T>() -> Handler { return &move<T>; });
}

}  // namespace intarsia::ptx
