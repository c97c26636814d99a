// ld and st.
#include "ptx/memory.h"
#include "ptx/select.h"
#include "ptx/vectors.h"

namespace intarsia::ptx {
namespace {

// M: what memory holds; D: an element of the register. Sign or zero extension comes from M.
template <class M, class D>
void load_values(Warp& warp, const Decoded& in, const Access& access, int count) {
  const Ref* to = warp.frame->code->refs.data() + in.extra;
  for (int k = 0; k < count; ++k) {
    D* d = warp.at<D>(to[k]);
    const auto one = [&](int l) {
      M value;
      std::memcpy(&value, reinterpret_cast<const void*>(access.address[l] + static_cast<U64>(k) * sizeof(M)),
                  sizeof value);
      d[l] = static_cast<D>(value);
    };
    if (access.mask == kAll) {
      for (int l = 0; l < kLanes; ++l) one(l);
    } else {
      each_lane(access.mask, one);
    }
  }
}

// The lanes a check stopped read zeros.
template <class D>
void clear_values(Warp& warp, const Decoded& in, U32 mask, int count) {
  const Ref* to = warp.frame->code->refs.data() + in.extra;
  for (int k = 0; k < count; ++k) {
    D* d = warp.at<D>(to[k]);
    each_lane(mask, [&](int l) { d[l] = D{}; });
  }
}

// All lanes' values, side by side from `from` on.
template <class M, class D, int kCount>
void load_run(Warp& warp, const Ref* to, const std::byte* from) {
  if constexpr (kCount == 1 && sizeof(M) == sizeof(D)) {
    std::memcpy(warp.at<D>(to[0]), from, sizeof(M) * kLanes);
  } else {
    M values[kLanes * kCount];
    std::memcpy(values, from, sizeof values);
    for (int k = 0; k < kCount; ++k) {
      D* d = warp.at<D>(to[k]);
      for (int l = 0; l < kLanes; ++l) d[l] = static_cast<D>(values[l * kCount + k]);
    }
  }
}
template <class M, class D, int kCount>
void store_run(Warp& warp, const Ref* from, std::byte* to) {
  M values[kLanes * kCount];
  for (int k = 0; k < kCount; ++k) {
    const D* d = warp.at<const D>(from[k]);
    for (int l = 0; l < kLanes; ++l) values[l * kCount + k] = static_cast<M>(d[l]);
  }
  std::memcpy(to, values, sizeof values);
}

template <class M, class D>
bool load_side_by_side(Warp& warp, const Decoded& in, Space space) {
  if (in.count > 4) return false;
  Access access;
  access.mask = kAll;
  access.reads = true;
  access.bytes = static_cast<U32>(sizeof(M) * in.count);
  const std::byte* from = resolve_run(warp, in, space, access);
  if (from == nullptr) return false;
  const Ref* to = warp.frame->code->refs.data() + in.extra;
  switch (in.count) {
    case 1: load_run<M, D, 1>(warp, to, from); break;
    case 2: load_run<M, D, 2>(warp, to, from); break;
    default: load_run<M, D, 4>(warp, to, from);
  }
  return true;
}
template <class M, class D>
bool store_side_by_side(Warp& warp, const Decoded& in, Space space, Access& access) {
  if (in.count > 4) return false;
  std::byte* to = resolve_run(warp, in, space, access);
  if (to == nullptr) return false;
  const Ref* from = warp.frame->code->refs.data() + in.extra;
  switch (in.count) {
    case 1: store_run<M, D, 1>(warp, from, to); break;
    case 2: store_run<M, D, 2>(warp, from, to); break;
    default: store_run<M, D, 4>(warp, from, to);
  }
  return true;
}

// Eight words: of one place, side by side, or anywhere.
U32x8 read_words(const std::byte* memory, const U32* offsets) {
  const auto all = load_vector<U32x8>(offsets);
  const std::byte* first = memory + offsets[0];
  if (offsets[1] == offsets[0]) {
    if (any_bit(all ^ offsets[0])) return gather_words(memory, all);
    return U32x8{} + load_vector<U32>(first);
  }
  return any_bit(all ^ (kEight * 4 + offsets[0])) ? gather_words(memory, all) : load_vector<U32x8>(first);
}

// A whole warp's words of shared memory, wherever they are. False: `resolve` must tell.
bool load_shared_words(Warp& warp, const Decoded& in) {
  Block& block = *warp.block;
  if ((in.small & 15) != kRegister32 || block.shared.size() < sizeof(U32)) return false;
  const U32* base = warp.at<const U32>(in.r[1]);
  const auto offset = static_cast<U32>(in.immediate),
             last = static_cast<U32>(block.shared.size() - sizeof(U32)),
             low = block.checks.alignment ? 3U : 0U;
  alignas(64) U32 offsets[kLanes];
  U32x8 bad{};
  for (int l = 0; l < kLanes; l += 8) {
    const U32x8 o = load_vector<U32x8>(base + l) + offset;
    bad |= bits_of(o > last) | (o & low);
    store_vector(offsets + l, o);
  }
  if (any_bit(bad)) return false;
  if (block.shadow.cells() != 0 && !shadow_eights(warp, block.shadow, offsets)) return false;
  U32* d = warp.at<U32>(warp.frame->code->refs[in.extra]);
  const std::byte* memory = block.shared.data();
  for (int l = 0; l < kLanes; l += 8) store_vector(d + l, read_words(memory, offsets + l));
  return true;
}

// Eights of words side by side, as rows of blocks that are 8 or 16 threads wide are.
bool load_eights(Warp& warp, const Decoded& in, Space space) {
  const std::byte* from[kLanes / 8];
  if (!resolve_eights(warp, in, space, sizeof(U32), from)) return false;
  U32* d = warp.at<U32>(warp.frame->code->refs[in.extra]);
  for (int g = 0; g < kLanes / 8; ++g) store_vector(d + 8 * g, load_vector<U32x8>(from[g]));
  return true;
}

template <class M, class D, Space kSpace>
[[gnu::noinline]] Flow load_each(Warp& warp, const Decoded& in, U32 mask) {
  Access access;
  access.mask = mask;
  access.reads = true;
  access.bytes = static_cast<U32>(sizeof(M) * in.count);
  access.atomic = access.update = (in.small & kStrong) != 0;
  make_addresses(warp, in, 1, access);
  resolve(warp, in, kSpace, access);
  load_values<M, D>(warp, in, access, in.count);
  if ((in.small & kStrong) != 0) strong_order(warp, access, 0, false);
  if (access.mask != mask) [[unlikely]]
    clear_values<D>(warp, in, mask & ~access.mask, in.count);
  return Flow::kNext;
}

template <class M, class D, Space kSpace>
Flow load(Warp& warp, const Decoded& in, U32 mask) {
  if (mask == kAll && (in.small & kStrong) == 0 && kSpace != Space::kLocal) {
    if constexpr (kSpace == Space::kShared && sizeof(M) == 4 && sizeof(D) == 4)
      if (in.count == 1 && load_shared_words(warp, in)) return Flow::kNext;
    if (load_side_by_side<M, D>(warp, in, kSpace)) return Flow::kNext;
    if constexpr ((kSpace == Space::kGlobal || kSpace == Space::kGeneric) && sizeof(M) == 4 && sizeof(D) == 4)
      if (in.count == 1 && load_eights(warp, in, kSpace)) return Flow::kNext;
  }
  return load_each<M, D, kSpace>(warp, in, mask);
}

template <class M, class D, Space kSpace>
Flow store(Warp& warp, const Decoded& in, U32 mask) {
  Access access;
  access.mask = mask;
  access.writes = true;
  access.bytes = static_cast<U32>(sizeof(M) * in.count);
  if (mask == kAll && (in.small & kStrong) == 0 && kSpace != Space::kLocal &&
      store_side_by_side<M, D>(warp, in, kSpace, access))
    return Flow::kNext;
  const Ref* from = warp.frame->code->refs.data() + in.extra;
  access.atomic = (in.small & kStrong) != 0;
  access.element = sizeof(D);
  access.elements = in.count;
  access.values = from;
  make_addresses(warp, in, 1, access);
  resolve(warp, in, kSpace, access);
  for (int k = 0; k < in.count; ++k) {
    const D* d = warp.at<const D>(from[k]);
    each_lane(access.mask, [&](int l) {
      const auto value = static_cast<M>(d[l]);
      std::memcpy(reinterpret_cast<void*>(access.address[l] + static_cast<U64>(k) * sizeof(M)), &value,
                  sizeof value);
    });
  }
  if ((in.small & kStrong) != 0) strong_order(warp, access, access.mask, (in.small & kReleases) != 0);
  return Flow::kNext;
}

// A kernel's parameter: the same value in every lane.
template <class M, class D>
Flow load_param(Warp& warp, const Decoded& in, U32 mask) {
  const std::byte* from = warp.block->launch->params.data() + in.immediate;
  const Ref* to = warp.frame->code->refs.data() + in.extra;
  for (int k = 0; k < in.count; ++k) {
    M value;
    std::memcpy(&value, from + static_cast<std::size_t>(k) * sizeof(M), sizeof value);
    alignas(64) D out[kLanes];
    std::fill_n(out, kLanes, static_cast<D>(value));
    store_lanes(warp.at<D>(to[k]), out, mask);
  }
  return Flow::kNext;
}

// .param space of a call: bytes of each lane side by side, r[1] their start, in.immediate the offset and,
// above bit 32, the bytes of a lane.
template <class M, class D>
Flow load_frame_param(Warp& warp, const Decoded& in, U32 mask) {
  const std::byte* from = warp.at<const std::byte>(in.r[1]) + (in.immediate & 0xFFFFFFFF);
  const std::int64_t stride = in.immediate >> 32;
  const Ref* to = warp.frame->code->refs.data() + in.extra;
  for (int k = 0; k < in.count; ++k) {
    D* d = warp.at<D>(to[k]);
    each_lane(mask, [&](int l) {
      M value;
      std::memcpy(&value, from + l * stride + static_cast<std::size_t>(k) * sizeof(M), sizeof value);
      d[l] = static_cast<D>(value);
    });
  }
  return Flow::kNext;
}
template <class M, class D>
Flow store_frame_param(Warp& warp, const Decoded& in, U32 mask) {
  std::byte* to = warp.at<std::byte>(in.r[1]) + (in.immediate & 0xFFFFFFFF);
  const std::int64_t stride = in.immediate >> 32;
  const Ref* from = warp.frame->code->refs.data() + in.extra;
  for (int k = 0; k < in.count; ++k) {
    const D* d = warp.at<const D>(from[k]);
    each_lane(mask, [&](int l) {
      const auto value = static_cast<M>(d[l]);
      std::memcpy(to + l * stride + static_cast<std::size_t>(k) * sizeof(M), &value, sizeof value);
    });
  }
  return Flow::kNext;
}

enum class Kind { kLoad, kStore, kParam, kFrameLoad, kFrameStore };

template <class M, class D>
Handler by_kind(Kind kind, Space space) {
  if (kind == Kind::kParam) return &load_param<M, D>;
  if (kind == Kind::kFrameLoad) return &load_frame_param<M, D>;
  if (kind == Kind::kFrameStore) return &store_frame_param<M, D>;
  const bool loads = kind == Kind::kLoad;
  switch (space) {
    case Space::kShared: return loads ? &load<M, D, Space::kShared> : &store<M, D, Space::kShared>;
    case Space::kLocal: return loads ? &load<M, D, Space::kLocal> : &store<M, D, Space::kLocal>;
    case Space::kParam: return loads ? &load<M, D, Space::kParam> : nullptr;
    case Space::kGeneric: return loads ? &load<M, D, Space::kGeneric> : &store<M, D, Space::kGeneric>;
    default: return loads ? &load<M, D, Space::kGlobal> : &store<M, D, Space::kGlobal>;
  }
}

template <class M>
Handler by_register(Kind kind, Space space, int width) {
  return by_width(width, [&]<class D>() -> Handler {
    if constexpr (sizeof(D) < sizeof(M))
      return nullptr;
    else
      return by_kind<M, D>(kind, space);
  });
}

Handler by_type(Kind kind, const Form& form, int width) {
  const Space space = form.space();
  switch (form.type()) {
    case Type::kB8:
    case Type::kU8: return by_register<U8>(kind, space, width);
    case Type::kS8: return by_register<S8>(kind, space, width);
    case Type::kB16:
    case Type::kU16: return by_register<U16>(kind, space, width);
    case Type::kS16: return by_register<S16>(kind, space, width);
    case Type::kB32:
    case Type::kU32:
    case Type::kF32: return by_register<U32>(kind, space, width);
    case Type::kS32: return by_register<S32>(kind, space, width);
    case Type::kB128: return width == 128 && form.vector() == 1 ? by_kind<Wide, Wide>(kind, space) : nullptr;
    default: return by_register<U64>(kind, space, width);
  }
}

}  // namespace

Handler select_memory(const Form& form, int register_width, bool frame_param, bool by_register) {
  const bool stores = form.row->opcode == "st";
  if (frame_param) return by_type(stores ? Kind::kFrameStore : Kind::kFrameLoad, form, register_width);
  if (form.space() == Space::kParam && !by_register)
    return stores ? nullptr : by_type(Kind::kParam, form, register_width);
  return by_type(stores ? Kind::kStore : Kind::kLoad, form, register_width);
}

}  // namespace intarsia::ptx
