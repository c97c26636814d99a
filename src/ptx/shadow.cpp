// Checking an access against what its memory's shadow knows, and noting it.
#include "ptx/shadow.h"

#include <fmt/format.h>

#include <algorithm>

#include "ptx/memory.h"
#include "ptx/vectors.h"

// Blocks on two threads may meet in one cell: what is found then depends on who came first, as on a device.
#if defined(__clang__) || defined(__GNUC__)
#define INTARSIA_CELLS __attribute__((no_sanitize("thread")))
#else
#define INTARSIA_CELLS
#endif

namespace intarsia::ptx {
namespace {

constexpr U32 kThreadMask = 0x3FFU << kThreadShift, kWarpMask = 0x3E0U << kThreadShift;

U32 thread_of_cell(U32 cell) { return (cell & kThreadMask) >> kThreadShift; }
bool same_thread(U32 a, U32 b) { return ((a ^ b) & kThreadMask) == 0; }
bool same_warp(U32 a, U32 b) { return ((a ^ b) & kWarpMask) == 0; }

U32 least(const std::vector<U32>& times) {
  U32 out = times[0];
  for (const U32 t : times) out = std::min(out, t);
  return out;
}

// Everything a block knows of others, through all that published what it read.
void resolve_known(Block& block) {
  BlockOrder& order = block.order;
  if (!order.stale) return;
  order.stale = false;
  std::vector<const SyncNode*> work;
  for (const auto& [address, node] : order.known) work.push_back(node);
  while (!work.empty()) {
    const SyncNode* node = work.back();
    work.pop_back();
    if (!order.met.insert(node).second) continue;
    std::vector<U32>& seen = order.resolved[node->block];
    seen.resize(std::max(seen.size(), node->seen.size()));
    for (std::size_t i = 0; i < node->seen.size(); ++i) seen[i] = std::max(seen[i], node->seen[i]);
    work.insert(work.end(), node->before.begin(), node->before.end());
  }
}

bool known_through_others(Block& block, std::int64_t other, U32 thread, U32 time) {
  if (block.order.known.empty()) return false;
  resolve_known(block);
  const auto found = block.order.resolved.find(other);
  return found != block.order.resolved.end() && thread / kLanes < found->second.size() &&
         time < found->second[thread / kLanes];
}

bool seen_within(const Warp& warp, U32 thread, U32 time) {
  return thread / kLanes < warp.seen.size() && time < warp.seen[thread / kLanes];
}

// Cells of shared memory: stamps are times of the block's warps.
struct SharedOrder {
  Warp& warp;
  U32 now, bound;
  explicit SharedOrder(Warp& w)
      : warp(w), now(w.seen[static_cast<std::size_t>(w.index)]), bound(least(w.seen) << kStampShift) {}
  bool operator()(U32 cell, U32 mine) const {
    return cell < bound || same_thread(cell, mine) ||
           seen_within(warp, thread_of_cell(cell), cell >> kStampShift) ||
           known_through_others(*warp.block, warp.block->linear, thread_of_cell(cell), cell >> kStampShift);
  }
  std::string whom(U32 cell) const { return thread_name(*warp.block, cell); }
};

U32 segment_of(Warp& warp) {
  const U32 time = warp.seen[static_cast<std::size_t>(warp.index)];
  auto& segments = warp.block->order.segments;
  for (std::size_t i = segments.size(); i-- > 0 && i + 8 > segments.size();)
    if (segments[i].first == time) return segments[i].second;
  GlobalShadow& global = *warp.block->launch->shadow;
  const U32 id = global.next_segment.fetch_add(1, std::memory_order_relaxed);
  if (id >= kMostStamps) {
    global.next_segment.store(kMostStamps, std::memory_order_relaxed);
    return 0;
  }
  global.segments.set(id, {warp.block->linear, time});
  segments.emplace_back(time, id);
  return id;
}

// Cells of global memory: stamps are segments.
struct GlobalOrder {
  Warp& warp;
  U32 now, bound = 1U << kStampShift;
  explicit GlobalOrder(Warp& w) : warp(w), now(segment_of(w)) {}
  bool operator()(U32 cell, U32 mine) const {
    if (cell < bound) return true;
    const U32 stamp = cell >> kStampShift, thread = thread_of_cell(cell);
    Block& block = *warp.block;
    const Segment segment = block.launch->shadow->segments.at(stamp);
    if (segment.block == block.linear)
      return same_thread(cell, mine) || stamp < block.order.first_segment ||
             seen_within(warp, thread, segment.time) ||
             known_through_others(block, segment.block, thread, segment.time);
    const std::int64_t cluster = cluster_of(block, segment.block);
    return cluster == cluster_of(block, block.linear) ||
           known_through_others(block, segment.block, thread, segment.time);
  }
  std::string whom(U32 cell) const {
    const LaunchConfig& c = *warp.block->launch->config;
    const Segment segment = warp.block->launch->shadow->segments.at(cell >> kStampShift);
    const auto b = static_cast<U64>(segment.block);
    const U32 t = thread_of_cell(cell);
    const std::string thread = fmt::format("thread ({}, {}, {})", t % c.block[0], t / c.block[0] % c.block[1],
                                           t / c.block[0] / c.block[1]);
    if (segment.block == warp.block->linear) return thread;
    return fmt::format("{} of block ({}, {}, {})", thread, b % c.grid[0], b / c.grid[0] % c.grid[1],
                       b / c.grid[0] / c.grid[1]);
  }

 private:
  // Blocks of a cluster synchronise in ways that are not followed: they count as ordered.
  static std::int64_t cluster_of(const Block& block, std::int64_t linear) {
    const LaunchConfig& c = *block.launch->config;
    if (c.cluster == std::array<U32, 3>{1, 1, 1}) return linear;
    const auto at = static_cast<U64>(linear);
    const U64 x = at % c.grid[0] / c.cluster[0], y = at / c.grid[0] % c.grid[1] / c.cluster[1],
              z = at / c.grid[0] / c.grid[1] / c.cluster[2];
    return static_cast<std::int64_t>(x + c.grid[0] * (y + c.grid[1] * z));
  }
};

enum class Hazard : U8 {
  kNone,
  kUninitialised,
  kPendingCopy,
  kPendingRead,
  kReadAfterWrite,
  kWriteAfterWrite,
  kWriteAfterRead
};

struct Found {
  Hazard hazard = Hazard::kNone;
  U32 cell = 0;
};

// Strong accesses do not race with each other. Of global memory, plain reads beside them are let pass too:
// loops around compare-and-swap begin with one.
bool beside(U32 wrote, const Access& access, const Shadow& s) {
  return (wrote & kStrongCell) != 0 && (access.atomic || (s.base != 0 && !access.writes));
}

// One granule, one lane: `mine` is the cell this access would leave.
template <class Order>
INTARSIA_CELLS Found touch(const Order& order, Shadow& s, U64 i, U32 mine, const Access& access) {
  Found found;
  const U32 wrote = s.write[i];
  const bool pending = wrote >= kPending,
             wants = access.reads && !access.lands && (!access.atomic || access.update);
  if (pending && !access.lands) {
    found = {Hazard::kPendingCopy, wrote};
  } else if (wrote == 0) {
    if (wants && !s.initialised) found = {Hazard::kUninitialised, 0};
  } else if (s.races && !access.lands && !beside(wrote, access, s) && !order(wrote, mine)) {
    found = {access.writes ? Hazard::kWriteAfterWrite : Hazard::kReadAfterWrite, wrote};
  }
  const U32 read = s.read[i];
  const bool taken = read >= kPending && !access.lands;
  if (access.writes) {
    if (taken && found.hazard == Hazard::kNone) found = {Hazard::kPendingRead, read};
    if (s.races && !access.lands && found.hazard == Hazard::kNone)
      for (const U32 reader : {read, s.other[i]})
        if (reader != 0 && !(access.atomic && (s.base != 0 || (reader & kStrongCell) != 0)) &&
            !order(reader, mine))
          found = {Hazard::kWriteAfterRead, reader};
    s.write[i] = access.begins ? kPending | (mine & kThreadMask) : mine;
    if (read != 0) s.read[i] = 0;
    if (s.other[i] != 0) s.other[i] = 0;
  } else if (s.races || access.lands) {
    const U32 other = s.other[i];
    if (!taken && (read == 0 || access.lands || order(read, mine)))
      s.read[i] = mine;
    else if (other == 0 || order(other, mine) || (same_warp(other, read) && !same_warp(mine, read)))
      s.other[i] = mine;
  }
  return found;
}

// The value a store of `lane` brings, or what is at its place.
bool same_bytes(const Warp& warp, const Access& access, int lane, const std::byte* place) {
  if (access.rows != nullptr)
    return std::memcmp(access.rows + static_cast<U32>(lane) * access.bytes, place, access.bytes) == 0;
  for (U32 k = 0; k < access.elements; ++k) {
    const std::byte* value = warp.at<const std::byte>(access.values[k]);
    const U32 width = access.bytes / access.elements, stride = access.element;
    if (std::memcmp(value + static_cast<U32>(lane) * stride, place + k * width, width) != 0) return false;
  }
  return true;
}
bool same_value(const Warp& warp, const Access& access, int lane, int other) {
  if (access.rows != nullptr)
    return same_bytes(warp, access, lane, access.rows + static_cast<U32>(other) * access.bytes);
  for (U32 k = 0; k < access.elements; ++k) {
    const std::byte* value = warp.at<const std::byte>(access.values[k]);
    const U32 width = access.bytes / access.elements, stride = access.element;
    if (std::memcmp(value + static_cast<U32>(lane) * stride, value + static_cast<U32>(other) * stride,
                    width) != 0)
      return false;
  }
  return true;
}

// Writes that bring what is there already harm nobody.
bool harmless(const Warp& warp, const Access& access, U32 cell, U32 mine, int lane, const std::byte* memory,
              const U64* offsets) {
  if ((access.elements == 0 && access.rows == nullptr) || access.atomic) return false;
  const U32 other = thread_of_cell(cell) % kLanes;
  const bool together = same_warp(cell, mine) && cell >> kStampShift == mine >> kStampShift &&
                        (access.mask >> other & 1) != 0 && offsets[other] == offsets[lane];
  return together ? same_value(warp, access, lane, static_cast<int>(other))
                  : same_bytes(warp, access, lane, memory + offsets[lane]);
}

struct Where {
  const char* memory;  // what messages call it
  const std::byte* data;
  bool uninitialised, races, copies;  // what is reported
  const std::string* buffer = nullptr;
};

template <class Order>
void tell(const Order& order, const Decoded& in, const Found& found, const Where& place, U64 offset,
          int lane) {
  Warp& warp = order.warp;
  const U32 bit = U32{1} << lane;
  const std::string where = place.buffer != nullptr
                                ? fmt::format("byte {} of '{}'", offset, *place.buffer)
                                : fmt::format("byte {} of {} memory", offset, place.memory);
  switch (found.hazard) {
    case Hazard::kUninitialised:
      if (place.uninitialised)
        report(warp, in, Report::Kind::kUninitialised, bit,
               fmt::format("read of {}, which nothing wrote", where));
      return;
    case Hazard::kPendingCopy:
      if (place.copies)
        report(warp, in, Report::Kind::kAsync, bit,
               fmt::format("{} is where an asynchronous copy lands that was not waited for", where));
      return;
    case Hazard::kPendingRead:
      if (place.copies)
        report(warp, in, Report::Kind::kAsync, bit,
               fmt::format("write of {}, which an asynchronous copy may still read: nothing waited for it",
                           where));
      return;
    case Hazard::kReadAfterWrite:
      return report(
          warp, in, Report::Kind::kRace, bit,
          fmt::format("read of {}, which {} writes with no barrier between", where, order.whom(found.cell)));
    case Hazard::kWriteAfterWrite:
      return report(
          warp, in, Report::Kind::kRace, bit,
          fmt::format("write of {}, which {} writes with no barrier between", where, order.whom(found.cell)));
    case Hazard::kWriteAfterRead:
      return report(
          warp, in, Report::Kind::kRace, bit,
          fmt::format("write of {}, which {} reads with no barrier between", where, order.whom(found.cell)));
    case Hazard::kNone: return;
  }
}

template <class Order>
void touch_lanes(const Order& order, const Decoded& in, Shadow& s, const Access& access, const U64* offsets,
                 const Where& place) {
  Warp& warp = order.warp;
  warp.touched = true;
  const U32 first = (order.now << kStampShift) | static_cast<U32>(warp.index * kLanes) << kThreadShift |
                    (access.atomic ? kStrongCell : 0) | (access.async ? kAsyncCell : 0);
  each_lane(access.mask, [&](int lane) {
    const U32 mine = order.now == 0 ? kLongAgo : first + (static_cast<U32>(lane) << kThreadShift);
    const U64 from = offsets[lane] >> s.shift, to = (offsets[lane] + access.bytes - 1) >> s.shift;
    bool told = false;
    for (U64 i = from; i <= to; ++i) {
      const Found found = touch(order, s, i, mine, access);
      if (found.hazard == Hazard::kNone || told) continue;
      if (found.hazard == Hazard::kWriteAfterWrite &&
          harmless(warp, access, found.cell, mine, lane, place.data, offsets))
        continue;
      told = true;
      tell(order, in, found, place, std::max(offsets[lane], i << s.shift), lane);
    }
  });
}

// Where cells need a closer look: not before `bound`, and not of this very thread and time.
[[gnu::always_inline]] inline U32x8 doubtful(const U32x8& cells, const U32x8& mine, U32 bound) {
  return bits_of(cells >= bound) & bits_of((cells ^ mine) >= 4);
}

// Cells of a whole warp side by side, `kEach` of a lane.
template <int kEach>
INTARSIA_CELLS bool run_cells(Shadow& s, U64 at, U32 first, U32 bound, bool writes, bool wants) {
  constexpr U64 kCells = kLanes * kEach;
  U32* write = s.write + at;
  U32* read = s.read + at;
  U32* other = s.other + at;
  const U32 floor = wants && !s.initialised ? 1 : 0;
  const U32x8 start = ((kEight / kEach) << kThreadShift) + first;
  constexpr U32 kStep = (8 / kEach) << kThreadShift;
  U32x8 bad{}, mine = start, used{};
  for (U64 i = 0; i < kCells; i += 8, mine += kStep) {
    const auto w = load_vector<U32x8>(write + i);
    bad |= doubtful(w, mine, bound) | bits_of(w < floor);
  }
  mine = start;
  if (s.races) {
    for (U64 i = 0; i < kCells; i += 8, mine += kStep) {
      const auto r = load_vector<U32x8>(read + i);
      bad |= doubtful(r, mine, bound);
      used |= r;
    }
    mine = start;
    if (writes)
      for (U64 i = 0; i < kCells; i += 8, mine += kStep) {
        const auto o = load_vector<U32x8>(other + i);
        bad |= doubtful(o, mine, bound);
        used |= o;
      }
    mine = start;
  }
  if (any_bit(bad)) return false;
  if (!writes && !s.races) return true;
  U32* to = writes ? write : read;
  for (U64 i = 0; i < kCells; i += 8, mine += kStep) store_vector(to + i, mine);
  if (writes && any_bit(used)) {
    std::fill_n(read, kCells, 0);
    std::fill_n(other, kCells, 0);
  }
  return true;
}

// A read joins those that are remembered, as in `touch`; nothing is doubtful about it.
INTARSIA_CELLS void note_read(U32& read, U32& other, U32 mine, U32 bound) {
  if (read < bound || (same_thread(read, mine) && read < kPending))
    read = mine;
  else if (other < bound || same_thread(other, mine) || (same_warp(other, read) && !same_warp(mine, read)))
    other = mine;
}
INTARSIA_CELLS void note_reads(U32* read, U32* other, const U32x8& mine, U32 bound) {
  const auto r = load_vector<U32x8>(read), o = load_vector<U32x8>(other);
  const U32x8 free = bits_of(r < bound) | (bits_of(((r ^ mine) & kThreadMask) == 0) & bits_of(r < kPending));
  const U32x8 room = bits_of(o < bound) | bits_of(((o ^ mine) & kThreadMask) == 0) |
                     (bits_of(((o ^ r) & kWarpMask) == 0) & bits_of(((mine ^ r) & kWarpMask) != 0));
  store_vector(read, (mine & free) | (r & ~free));
  const U32x8 second = room & ~free;
  store_vector(other, (mine & second) | (o & ~second));
}

U32 first_cell(const Warp& warp, U32 now) {
  return (now << kStampShift) | static_cast<U32>(warp.index * kLanes) << kThreadShift;
}

}  // namespace

void Shadow::allocate(std::uint64_t bytes) {
  cells_ = (bytes + (U64{1} << shift) - 1) >> shift;
  if (cells_ > allocated_) {
    memory_.reset(static_cast<U32*>(std::calloc(3 * cells_, sizeof(U32))));
    allocated_ = cells_;
  }
  write = memory_.get();
  read = write + cells_;
  other = read + cells_;
}

// Memory of nothing but zeros costs no pages until it is used.
void Segments::reserve(std::uint32_t count) {
  memory_.reset(static_cast<Segment*>(std::calloc(count, sizeof(Segment))));
}

// The fences order a segment before the cells that name it: those are plain memory, read and written by
// vectors.
void Segments::set(std::uint32_t stamp, Segment segment) {
  std::atomic_ref(memory_[stamp].block).store(segment.block, std::memory_order_relaxed);
  std::atomic_ref(memory_[stamp].time).store(segment.time, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_release);
}

Segment Segments::at(std::uint32_t stamp) const {
  std::atomic_thread_fence(std::memory_order_acquire);
  return {std::atomic_ref(memory_[stamp].block).load(std::memory_order_relaxed),
          std::atomic_ref(memory_[stamp].time).load(std::memory_order_relaxed)};
}

void Shadow::clear() { std::fill_n(write, 3 * cells_, 0); }

void shadow(Warp& warp, const Decoded& in, Block& owner, const Access& access, const U64* offsets) {
  const Checks& checks = warp.block->checks;
  Shadow& s = owner.shadow;
  const Where place{"shared", owner.shared.data(), checks.uninitialised, checks.races, checks.copies};
  if (&owner == warp.block) return touch_lanes(SharedOrder(warp), in, s, access, offsets, place);
  // Memory of another block of the cluster: only what nothing wrote is found.
  each_lane(access.mask, [&](int lane) {
    for (U64 i = offsets[lane] >> s.shift; i <= (offsets[lane] + access.bytes - 1) >> s.shift; ++i) {
      if (access.writes) s.write[i] = kLongAgo;
      if (access.reads && !access.atomic && s.write[i] == 0 && checks.uninitialised)
        report(warp, in, Report::Kind::kUninitialised, U32{1} << lane,
               fmt::format("read of byte {} of shared memory, which nothing wrote", i << s.shift));
    }
  });
}

void shadow_global(Warp& warp, const Decoded& in, const Range& range, const Access& access) {
  U64 offsets[kLanes];
  for (int l = 0; l < kLanes; ++l) offsets[l] = access.address[l] - range.begin;
  const Where place{"global", reinterpret_cast<const std::byte*>(range.begin), true, true, true, range.name};
  touch_lanes(GlobalOrder(warp), in, *range.shadow, access, offsets, place);
}

bool shadow_run(Warp& warp, Shadow& s, U64 offset, const Access& access) {
  const U32 each = access.bytes >> s.shift;
  if (each == 0 || (offset & ((U64{1} << s.shift) - 1)) != 0) return false;
  const bool own = s.base == 0;
  const U32 now = own ? warp.seen[static_cast<std::size_t>(warp.index)] : segment_of(warp);
  if (now == 0) return false;
  const U32 bound = own ? least(warp.seen) << kStampShift : 1U << kStampShift;
  warp.touched = true;
  const U32 first = first_cell(warp, now);
  const U64 at = offset >> s.shift;
  switch (each) {
    case 1: return run_cells<1>(s, at, first, bound, access.writes, access.reads);
    case 2: return run_cells<2>(s, at, first, bound, access.writes, access.reads);
    case 4: return run_cells<4>(s, at, first, bound, access.writes, access.reads);
    default: return false;
  }
}

INTARSIA_CELLS bool shadow_eights(Warp& warp, Shadow& s, const U32* offsets) {
  if (s.shift != 2) return false;
  const U32 bound = least(warp.seen) << kStampShift,
            first = first_cell(warp, warp.seen[static_cast<std::size_t>(warp.index)]);
  const U32 floor = s.initialised ? 0 : 1;
  U32x8 bad{};
  for (int group = 0; group < kLanes; group += 8) {
    const U32* o = offsets + group;
    const auto all = load_vector<U32x8>(o);
    const U32* write = s.write + (o[0] >> 2);
    if (o[1] == o[0]) {
      bad |= all ^ o[0];
      bad[0] |= U32{write[0] >= bound} | U32{write[0] < floor};
    } else {
      if (any_bit(all ^ (kEight * 4 + o[0]))) return false;
      const auto w = load_vector<U32x8>(write);
      bad |= bits_of(w >= bound) | bits_of(w < floor);
    }
  }
  if (any_bit(bad)) return false;
  warp.touched = true;
  if (!s.races) return true;
  for (int group = 0; group < kLanes; group += 8) {
    const U32* o = offsets + group;
    U32* read = s.read + (o[0] >> 2);
    U32* other = s.other + (o[0] >> 2);
    const U32 base = first + (static_cast<U32>(group) << kThreadShift);
    if (o[1] == o[0]) {
      note_read(*read, *other, base, bound);
      note_read(*read, *other, base + (1U << kThreadShift), bound);
    } else {
      note_reads(read, other, (kEight << kThreadShift) + base, bound);
    }
  }
  return true;
}

bool is_ordered(Warp& warp, U32 cell, U32 mine) { return SharedOrder(warp)(cell, mine); }

std::string thread_name(const Block& block, U32 cell) {
  const Warp& warp = *block.warps[thread_of_cell(cell) / kLanes];
  const auto t = thread_of(warp, static_cast<int>(thread_of_cell(cell) % kLanes));
  return fmt::format("thread ({}, {}, {})", t[0], t[1], t[2]);
}

}  // namespace intarsia::ptx
