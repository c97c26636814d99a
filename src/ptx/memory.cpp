#include "ptx/memory.h"

#include <fmt/format.h>

#include <algorithm>

#include "ptx/vectors.h"

namespace intarsia::ptx {
namespace {

// The last range that begins at or before `address`.
const Range* find_range(const Launch& launch, U64 address) {
  const auto after = std::upper_bound(launch.ranges.begin(), launch.ranges.end(), address,
                                      [](U64 a, const Range& r) { return a < r.begin; });
  return after == launch.ranges.begin() ? nullptr : &*(after - 1);
}

// The range that holds `address`; mostly the one that was found last.
const Range* range_of(const Warp& warp, U64 address) {
  const Launch& launch = *warp.block->launch;
  Worker& worker = *warp.block->worker;
  if (worker.recent < launch.ranges.size()) {
    const Range& range = launch.ranges[worker.recent];
    if (address - range.begin < range.end - range.begin) return &range;
  }
  const Range* range = find_range(launch, address);
  if (range == nullptr || address >= range->end) return nullptr;
  worker.recent = static_cast<std::size_t>(range - launch.ranges.data());
  return range;
}

std::string verb(const Access& access) {
  return access.atomic ? "atomic operation on" : access.writes ? "store of" : "load of";
}

// Where an address lies, in words.
std::string described(const Launch& launch, U64 address) {
  const Range* below = find_range(launch, address);
  if (below != nullptr && address >= below->end)
    return fmt::format("{} bytes after the end of '{}' ({} bytes)", address - below->end, *below->name,
                       below->end - below->begin);
  if (below != nullptr)
    return fmt::format("at byte {} of '{}' ({} bytes)", address - below->begin, *below->name,
                       below->end - below->begin);
  if (!launch.ranges.empty())
    return fmt::format("{} bytes before the start of '{}'", launch.ranges[0].begin - address,
                       *launch.ranges[0].name);
  return fmt::format("at address {:#x}", address);
}

void check_lane(Warp& warp, const Decoded& in, Access& access, int lane) {
  const Launch& launch = *warp.block->launch;
  const U64 address = access.address[lane];
  const Range* range = find_range(launch, address);
  const U32 bit = U32{1} << lane;
  if (range == nullptr || address + access.bytes > range->end) {
    access.mask &= ~bit;
    report(warp, in, Report::Kind::kGlobalBounds, bit,
           fmt::format("{} {} bytes {}", verb(access), access.bytes, described(launch, address)));
  } else if (access.writes && !range->writable) {
    access.mask &= ~bit;
    report(warp, in, Report::Kind::kReadOnly, bit,
           fmt::format("{} {} bytes in '{}', which is read-only", verb(access), access.bytes, *range->name));
  }
}

// One range holds all lanes: the common case.
bool all_inside(const Access& access, const Range& range) {
  if (access.writes && !range.writable) return false;
  const U64 size = range.end - range.begin;
  if (size < access.bytes) return false;
  const U64 limit = size - access.bytes;
  if (access.mask == kAll) {
    U64 outside = 0;
    for (int l = 0; l < kLanes; ++l) outside |= static_cast<U64>(access.address[l] - range.begin > limit);
    return outside == 0;
  }
  for (U32 left = access.mask; left != 0; left &= left - 1)
    if (access.address[std::countr_zero(left)] - range.begin > limit) return false;
  return true;
}

void check_bounds(Warp& warp, const Decoded& in, Access& access) {
  const LaunchConfig& config = *warp.block->launch->config;
  if (!config.checks.global_bounds || !config.buffers || access.mask == 0) return;
  const Range* range = range_of(warp, access.address[std::countr_zero(access.mask)]);
  if (range != nullptr && all_inside(access, *range)) return;
  each_lane(access.mask, [&](int lane) { check_lane(warp, in, access, lane); });
}

// Lanes by the range they touch.
void check_shadows(Warp& warp, const Decoded& in, const Access& access) {
  U32 left = access.mask;
  while (left != 0) {
    const Range* range = range_of(warp, access.address[std::countr_zero(left)]);
    Access part = access;
    part.mask = 0;
    each_lane(left, [&](int l) {
      if (range_of(warp, access.address[l]) == range) part.mask |= U32{1} << l;
    });
    left &= ~part.mask;
    if (range == nullptr || range->shadow == nullptr) continue;
    each_lane(part.mask, [&](int l) {
      if (part.address[l] + part.bytes > range->end) part.mask &= ~(U32{1} << l);
    });
    if (part.mask != 0) shadow_global(warp, in, *range, part);
  }
}

void check_global(Warp& warp, const Decoded& in, Access& access) {
  check_bounds(warp, in, access);
  if (warp.block->launch->shadow != nullptr && !warp.block->launch->ranges.empty())
    check_shadows(warp, in, access);
}

void check_alignment(Warp& warp, const Decoded& in, Access& access) {
  U64 low = 0;
  if (access.mask == kAll) {
    for (int l = 0; l < kLanes; ++l) low |= access.address[l];
  } else {
    each_lane(access.mask, [&](int l) { low |= access.address[l]; });
  }
  if ((low & (access.bytes - 1)) == 0) return;
  each_lane(access.mask, [&](int l) {
    if ((access.address[l] & (access.bytes - 1)) == 0) return;
    access.mask &= ~(U32{1} << l);
    report(warp, in, Report::Kind::kAlignment, U32{1} << l,
           fmt::format("{} {} bytes at an address that is {} past a multiple of {}", verb(access),
                       access.bytes, access.address[l] & (access.bytes - 1), access.bytes));
  });
}

// Offsets into an area of `size` bytes. Always checked: the area is ours; `checked` says whether it is
// reported.
void check_area(Warp& warp, const Decoded& in, Access& access, U64 size, Report::Kind kind, const char* what,
                bool checked) {
  if (access.mask == kAll && access.bytes <= size) {
    U64 outside = 0;
    for (const U64 address : access.address) outside |= static_cast<U64>(address > size - access.bytes);
    if (outside == 0) return;
  }
  each_lane(access.mask, [&](int l) {
    if (access.address[l] <= size && access.bytes <= size - access.address[l]) return;
    access.mask &= ~(U32{1} << l);
    if (checked)
      report(warp, in, kind, U32{1} << l,
             fmt::format("{} {} bytes at byte {} of {} bytes of {} memory", verb(access), access.bytes,
                         static_cast<std::int64_t>(access.address[l]), size, what));
  });
}

// Shared addresses with a rank belong to another block of the cluster.
Block* owner_of(Warp& warp, U64 address) {
  const U64 rank = address >> kRankShift;
  if (rank == 0) return warp.block;
  const Cluster* cluster = warp.block->cluster.get();
  return cluster != nullptr && rank <= cluster->blocks.size() ? cluster->blocks[rank - 1] : nullptr;
}

void resolve_shared_of(Warp& warp, const Decoded& in, Access& access, Block& owner) {
  check_area(warp, in, access, owner.shared.size(), Report::Kind::kSharedBounds, "shared",
             warp.block->checks.shared_bounds);
  if (owner.shadow.cells() != 0) shadow(warp, in, owner, access, access.address);
  const auto base = reinterpret_cast<U64>(owner.shared.data());
  for (U64& address : access.address) address += base;
}

void resolve_shared(Warp& warp, const Decoded& in, Access& access) {
  U64 ranks = 0;
  if (access.mask == kAll) {
    for (const U64 address : access.address) ranks |= address >> kRankShift;
  } else {
    each_lane(access.mask, [&](int l) { ranks |= access.address[l] >> kRankShift; });
  }
  if (ranks == 0) return resolve_shared_of(warp, in, access, *warp.block);
  U32 left = access.mask, done = 0;
  Access whole = access;
  while (left != 0) {
    const U64 first = access.address[std::countr_zero(left)] >> kRankShift;
    Access part = access;
    part.mask = 0;
    each_lane(left, [&](int l) {
      if (access.address[l] >> kRankShift != first) return;
      part.mask |= U32{1} << l;
      part.address[l] &= (U64{1} << kRankShift) - 1;
    });
    left &= ~part.mask;
    Block* owner = owner_of(warp, first << kRankShift);
    if (owner == nullptr) {
      report(warp, in, Report::Kind::kSharedBounds, part.mask,
             fmt::format("{} shared memory of block {} of the cluster, which there is not", verb(access),
                         static_cast<std::int64_t>(first) - 1));
      continue;
    }
    resolve_shared_of(warp, in, part, *owner);
    each_lane(part.mask, [&](int l) { whole.address[l] = part.address[l]; });
    done |= part.mask;
  }
  whole.mask = done;
  access = whole;
}

void resolve_local(Warp& warp, const Decoded& in, Access& access) {
  const U64 stride = warp.block->launch->image->lane_local_bytes;
  check_area(warp, in, access, stride, Report::Kind::kLocalBounds, "local",
             warp.block->launch->config->checks.shared_bounds);
  const auto base = reinterpret_cast<U64>(warp.local.get());
  for (int l = 0; l < kLanes; ++l) access.address[l] += base + static_cast<U64>(l) * stride;
}

void resolve_param(Warp& warp, const Decoded& in, Access& access) {
  const Launch& launch = *warp.block->launch;
  check_area(warp, in, access, launch.params.size(), Report::Kind::kLocalBounds, "parameter",
             launch.config->checks.shared_bounds);
  for (U64& address : access.address) address += reinterpret_cast<U64>(launch.params.data());
}

Space space_of(U64 address) {
  switch (address >> 56) {
    case kSharedWindow >> 56: return Space::kShared;
    case kLocalWindow >> 56: return Space::kLocal;
    case kParamWindow >> 56: return Space::kParam;
    default: return Space::kGlobal;
  }
}

// Lanes of generic addresses, one space at a time.
void resolve_generic(Warp& warp, const Decoded& in, Access& access) {
  const Access given = access;
  U32 left = access.mask;
  access.mask = 0;
  while (left != 0) {
    const Space space = space_of(given.address[std::countr_zero(left)]);
    Access part = given;
    part.mask = 0;
    each_lane(left, [&](int l) {
      if (space_of(given.address[l]) != space) return;
      part.mask |= U32{1} << l;
      if (space != Space::kGlobal) part.address[l] &= (U64{1} << 56) - 1;
    });
    left &= ~part.mask;
    resolve(warp, in, space, part);
    each_lane(part.mask, [&](int l) { access.address[l] = part.address[l]; });
    access.mask |= part.mask;
  }
}

// Where the lanes' bytes begin, if they follow each other.
bool run_begins(const Warp& warp, const Decoded& in, U32 bytes, U64& begin) {
  const auto offset = static_cast<U64>(in.immediate);
  if ((in.small & 15) == kRegister64) {
    const U64* base = warp.at<const U64>(in.r[1]);
    if (base[kLanes - 1] - base[0] != U64{kLanes - 1} * bytes) return false;
    U64x4 want = kFour * U64{bytes} + base[0], off{};
    for (int l = 0; l < kLanes; l += 4, want += U64{4} * bytes) off |= load_vector<U64x4>(base + l) ^ want;
    begin = base[0] + offset;
    return !any_bit(off);
  }
  if ((in.small & 15) != kRegister32) return false;
  const U32* base = warp.at<const U32>(in.r[1]);
  if (base[kLanes - 1] - base[0] != (kLanes - 1) * bytes) return false;
  U32x8 want = kEight * bytes + base[0], off{};
  for (int l = 0; l < kLanes; l += 8, want += 8 * bytes) off |= load_vector<U32x8>(base + l) ^ want;
  begin = static_cast<U32>(base[0] + static_cast<U32>(offset));
  return !any_bit(off);
}

std::byte* shared_run(Warp& warp, Access& access, U64 begin) {
  Block& block = *warp.block;
  const U64 bytes = U64{access.bytes} * kLanes;
  if (begin > block.shared.size() || bytes > block.shared.size() - begin) return nullptr;
  if (block.shadow.cells() != 0 && !shadow_run(warp, block.shadow, begin, access)) return nullptr;
  return block.shared.data() + begin;
}

std::byte* global_run(Warp& warp, Access& access, U64 begin) {
  const Block& block = *warp.block;
  const bool bounded = block.checks.global_bounds && block.launch->config->buffers;
  if (bounded || block.launch->shadow != nullptr) {
    const Range* range = range_of(warp, begin);
    if (range == nullptr) return bounded ? nullptr : reinterpret_cast<std::byte*>(begin);
    if (U64{access.bytes} * kLanes > range->end - begin || (bounded && access.writes && !range->writable))
      return nullptr;
    if (range->shadow != nullptr && !shadow_run(warp, *range->shadow, begin - range->begin, access))
      return nullptr;
  }
  return reinterpret_cast<std::byte*>(begin);
}

}  // namespace

std::byte* resolve_run(Warp& warp, const Decoded& in, Space space, Access& access) {
  U64 begin = 0;
  if (access.mask != kAll || !run_begins(warp, in, access.bytes, begin)) return nullptr;
  if ((begin & (access.bytes - 1)) != 0 && warp.block->checks.alignment) return nullptr;
  if (space == Space::kGeneric) {
    space = space_of(begin);
    if (space != Space::kGlobal) begin &= (U64{1} << 56) - 1;
  }
  if (space == Space::kShared) return shared_run(warp, access, begin);
  return space == Space::kGlobal || space == Space::kConst ? global_run(warp, access, begin) : nullptr;
}

bool resolve_eights(Warp& warp, const Decoded& in, Space space, U32 bytes,
                    const std::byte* (&begin)[kLanes / 8]) {
  if ((in.small & 15) != kRegister64 || (space != Space::kGlobal && space != Space::kGeneric)) return false;
  const Block& block = *warp.block;
  const bool bounded = block.checks.global_bounds && block.launch->config->buffers;
  const U64* base = warp.at<const U64>(in.r[1]);
  const U64x4 steps = kFour * U64{bytes};
  U64x4 off{};
  for (int l = 0; l < kLanes; l += 8) {
    off |= load_vector<U64x4>(base + l) ^ (steps + base[l]);
    off |= load_vector<U64x4>(base + l + 4) ^ (steps + (base[l] + 4 * U64{bytes}));
  }
  if (any_bit(off)) return false;
  for (int g = 0; g < kLanes / 8; ++g) {
    const U64 at = base[8 * g] + static_cast<U64>(in.immediate);
    if (((at & (bytes - 1)) != 0 && block.checks.alignment) || space_of(at) != Space::kGlobal) return false;
    if (bounded || block.launch->shadow != nullptr) {
      const Range* range = range_of(warp, at);
      if (range == nullptr || range->shadow != nullptr || U64{8} * bytes > range->end - at) return false;
    }
    begin[g] = reinterpret_cast<const std::byte*>(at);
  }
  return true;
}

void make_addresses(const Warp& warp, const Decoded& in, int at, Access& access) {
  const auto offset = static_cast<U64>(in.immediate);
  const Ref ref = in.r[static_cast<std::size_t>(at)];
  switch (in.small & 15) {
    case kRegister64: {
      const U64* base = warp.at<const U64>(ref);
      for (int l = 0; l < kLanes; ++l) access.address[l] = base[l] + offset;
      return;
    }
    case kRegister32: {
      const U32* base = warp.at<const U32>(ref);
      for (int l = 0; l < kLanes; ++l)
        access.address[l] = static_cast<U32>(base[l] + static_cast<U32>(offset));
      return;
    }
    case kLocalSymbol: std::fill_n(access.address, kLanes, offset + warp.frame->local_base); return;
    default: std::fill_n(access.address, kLanes, offset);
  }
}

void resolve(Warp& warp, const Decoded& in, Space space, Access& access) {
  if (access.mask == 0) return;
  if (space == Space::kGeneric) return resolve_generic(warp, in, access);
  if (warp.block->checks.alignment && access.bytes > 1) check_alignment(warp, in, access);
  switch (space) {
    case Space::kShared: return resolve_shared(warp, in, access);
    case Space::kLocal: return resolve_local(warp, in, access);
    case Space::kParam: return resolve_param(warp, in, access);
    default: return check_global(warp, in, access);
  }
}

std::byte* resolve_one(Warp& warp, const Decoded& in, Space space, int lane, U64 address, U32 bytes,
                       Use use) {
  Access access;
  std::fill_n(access.address, kLanes, address);
  access.mask = U32{1} << lane;
  access.reads = use == Use::kRead || use == Use::kAtomic || use == Use::kTake;
  access.writes = use != Use::kRead && use != Use::kTake;
  access.atomic = use == Use::kAtomic;
  access.begins = use == Use::kBegin && warp.block->checks.copies;
  access.lands = access.async = use == Use::kTake || use == Use::kLand;
  access.bytes = bytes;
  resolve(warp, in, space, access);
  return access.mask == 0 ? nullptr : reinterpret_cast<std::byte*>(access.address[lane]);
}

bool is_inside(const Launch& launch, U64 address, U64 bytes, bool writes) {
  const Range* range = find_range(launch, address);
  if (range != nullptr && range->shadow != nullptr) return false;
  if (!launch.config->checks.global_bounds || !launch.config->buffers) return true;
  return range != nullptr && address + bytes <= range->end && (range->writable || !writes);
}

}  // namespace intarsia::ptx
