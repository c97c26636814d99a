// mbarriers, clusters, and the waits that let bulk copies land.
#include <fmt/format.h>

#include "ptx/bulk.h"
#include "ptx/matrix.h"
#include "ptx/memory.h"
#include "ptx/select.h"

namespace intarsia::ptx {
namespace {

// An mbarrier's 64 bits, our own layout: arrivals still pending, arrivals expected, bytes still to come,
// phase.
struct State {
  U32 pending, expected;
  S32 bytes;
  bool phase;
  explicit State(U64 bits)
      : pending(bits & 0xFFFFF),
        expected(bits >> 20 & 0xFFFFF),
        bytes(static_cast<S32>(bits >> 40 & 0x3FFFFF) << 10 >> 10),
        phase(bits >> 63 != 0) {}
  U64 word() const {
    return pending | U64{expected} << 20 | (static_cast<U64>(static_cast<U32>(bytes)) & 0x3FFFFF) << 40 |
           U64{phase} << 63;
  }
  void settle() {  // the phase ends when all have come
    if (pending != 0 || bytes != 0) return;
    phase = !phase;
    pending = expected;
  }
};

void join(std::vector<U32>& to, const std::vector<U32>& from) {
  to.resize(std::max(to.size(), from.size()));
  for (std::size_t i = 0; i < from.size(); ++i) to[i] = std::max(to[i], from[i]);
}

template <class F>
void update(std::byte* at, F f) {
  U64 word;
  std::memcpy(&word, at, 8);
  State state(word);
  f(state);
  word = state.word();
  std::memcpy(at, &word, 8);
}

std::vector<U32>& clock_of(Warp& warp, const std::byte* at) {
  return warp.block->barrier_clocks[reinterpret_cast<U64>(at)];
}

void announce(Warp& warp, const std::byte* at) {
  ++warp.seen[static_cast<std::size_t>(warp.index)];
  join(clock_of(warp, at), warp.seen);
  for (Block* other : warp.block->cluster->blocks) other->progress = true;
}

// Lets the copies that signal this mbarrier land.
void land(Warp& warp, const std::byte* barrier) {
  for (Block* block : warp.block->cluster->blocks) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < block->bulk.size(); ++i) {
      const BulkCopy copy = block->bulk[i];
      if (copy.to_global || copy.barrier != reinterpret_cast<U64>(barrier)) {
        block->bulk[kept++] = copy;
        continue;
      }
      Warp& owner = *block->warps[static_cast<std::size_t>(copy.warp)];
      land_copy(owner, copy);
      update(reinterpret_cast<std::byte*>(copy.barrier), [&](State& s) {
        if (copy.kind == BulkCopy::Kind::kArrive) s.pending -= std::min<U32>(s.pending, 1);
        s.bytes -= static_cast<S32>(copy.bytes);
        s.settle();
      });
      announce(owner, barrier);
    }
    if (kept == block->bulk.size()) continue;
    block->bulk.resize(kept);
    keep_sources(*block);
  }
}

template <class F>
Flow each_barrier(Warp& warp, const Decoded& in, U32 mask, int at, F f) {
  Access access;
  make_addresses(warp, in, at, access);
  const Space space = (in.small & 16) != 0 ? Space::kShared : Space::kGeneric;
  each_lane(mask, [&](int l) {
    std::byte* where = resolve_one(warp, in, space, l, access.address[l], 8, Use::kAtomic);
    if (where != nullptr) f(l, where);
  });
  return Flow::kNext;
}

// r: address, count.
Flow init(Warp& warp, const Decoded& in, U32 mask) {
  const U32* count = warp.at<const U32>(in.r[1]);
  return each_barrier(warp, in, mask, 0, [&](int l, std::byte* at) {
    update(at, [&](State& s) {
      s.pending = s.expected = count[l] & 0xFFFFF;
      s.bytes = 0;
      s.phase = false;
    });
    announce(warp, at);
  });
}

Flow nothing(Warp&, const Decoded&, U32) { return Flow::kNext; }

// r: token, address, number; in.count: what the number is.
enum : U8 { kArrivals = 0, kBytes = 1, kDrop = 2 };
Flow arrive(Warp& warp, const Decoded& in, U32 mask) {
  U64* token = warp.at<U64>(in.r[0]);
  const U32* number = warp.at<const U32>(in.r[2]);
  return each_barrier(warp, in, mask, 1, [&](int l, std::byte* at) {
    const U32 arrivals = (in.count & kBytes) != 0 ? 1 : number[l];
    bool too_many = false;
    update(at, [&](State& s) {
      token[l] = s.word();
      if ((in.count & kBytes) != 0) s.bytes += static_cast<S32>(number[l]);
      too_many = arrivals > s.pending;
      s.pending -= std::min(arrivals, s.pending);
      if ((in.count & kDrop) != 0 && s.expected > 0) --s.expected;
      s.settle();
    });
    if (too_many)
      report(warp, in, Report::Kind::kAsync, U32{1} << l,
             "more arrivals at an mbarrier than its phase expects");
    announce(warp, at);
  });
}

// cp.async.mbarrier.arrive: arrives when the thread's copies have landed. in.count: the phase expects it
// already.
Flow arrive_later(Warp& warp, const Decoded& in, U32 mask) {
  return each_barrier(warp, in, mask, 0, [&](int l, std::byte* at) {
    if (in.count == 0) update(at, [](State& s) { ++s.pending; });
    BulkCopy copy;
    copy.kind = BulkCopy::Kind::kArrive;
    copy.barrier = reinterpret_cast<U64>(at);
    copy.from = warp.copies_begun;
    copy.warp = warp.index;
    copy.lane = l;
    copy.step = &in;
    warp.block->bulk.push_back(copy);
  });
}

// r: address, bytes. kSign: expected or completed.
template <int kSign>
Flow transaction(Warp& warp, const Decoded& in, U32 mask) {
  const U32* bytes = warp.at<const U32>(in.r[1]);
  return each_barrier(warp, in, mask, 0, [&](int l, std::byte* at) {
    update(at, [&](State& s) {
      s.bytes += kSign * static_cast<S32>(bytes[l]);
      if (kSign < 0) s.settle();
    });
    announce(warp, at);
  });
}

// r: predicate, address, token or parity. A wait that fails gives the other warps a turn.
template <bool kParity>
Flow wait(Warp& warp, const Decoded& in, U32 mask) {
  U32 done = 0;
  each_barrier(warp, in, mask, 1, [&](int l, std::byte* at) {
    const bool wanted =
        kParity ? (warp.at<const U32>(in.r[2])[l] & 1) != 0 : warp.at<const U64>(in.r[2])[l] >> 63 != 0;
    const auto unfinished = [&] {
      U64 word;
      std::memcpy(&word, at, 8);
      return State(word).phase == wanted;
    };
    if (unfinished()) land(warp, at);  // a wait that need not wait says nothing of the copies
    if (unfinished()) return;
    done |= U32{1} << l;
    join(warp.seen, clock_of(warp, at));
  });
  set_predicate(warp, in.r[0], done, mask);
  if (done != 0) return Flow::kNext;
  warp.pc = &in + 1;
  warp.polled = true;
  return Flow::kStop;
}

Flow pending_count(Warp& warp, const Decoded& in, U32 mask) {
  each_lane(mask, [&](int l) { warp.at<U32>(in.r[0])[l] = State(warp.at<const U64>(in.r[1])[l]).pending; });
  return Flow::kNext;
}

Flow bulk_commit(Warp& warp, const Decoded&, U32 mask) {
  each_lane(mask, [&](int l) { ++warp.bulk_groups[static_cast<std::size_t>(l)]; });
  return Flow::kNext;
}

// in.immediate: how many of the newest groups may stay unfinished; in.count: it is enough that their sources
// have been read.
Flow bulk_wait(Warp& warp, const Decoded& in, U32 mask) {
  std::vector<BulkCopy>& all = warp.block->bulk;
  bool any = false;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    BulkCopy copy = all[i];
    const bool due =
        copy.to_global && copy.warp == warp.index && (mask >> copy.lane & 1) != 0 &&
        copy.group + static_cast<U64>(in.immediate) < warp.bulk_groups[static_cast<std::size_t>(copy.lane)];
    any |= due;
    if (due && in.count == 0) {
      land_copy(warp, copy);
      continue;
    }
    if (due) take_source(warp, copy);
    all[kept++] = std::move(copy);
  }
  all.resize(kept);
  if (any) keep_sources(*warp.block);
  return Flow::kNext;
}

// mapa: the address of the same place in another block. Generic addresses keep their window.
template <class T>
Flow mapa(Warp& warp, const Decoded& in, U32 mask) {
  const T* from = warp.at<const T>(in.r[1]);
  const U32* rank = warp.at<const U32>(in.r[2]);
  T* d = warp.at<T>(in.r[0]);
  constexpr T kOffset = (T{1} << kRankShift) - 1;
  const auto window = static_cast<T>(sizeof(T) == 8 && in.count != 0 ? kSharedWindow : 0);
  each_lane(mask, [&](int l) {
    d[l] = static_cast<T>(window | (from[l] & kOffset) | static_cast<T>(rank[l] + 1) << kRankShift);
  });
  return Flow::kNext;
}
template <class T>
Flow getctarank(Warp& warp, const Decoded& in, U32 mask) {
  const T* from = warp.at<const T>(in.r[1]);
  each_lane(mask, [&](int l) {
    const auto rank = static_cast<U32>(from[l] >> kRankShift & 0xFF);
    warp.at<U32>(in.r[0])[l] = rank == 0 ? warp.block->rank : rank - 1;
  });
  return Flow::kNext;
}

std::int32_t live_threads(const Cluster& cluster) {
  std::int32_t out = 0;
  for (const Block* block : cluster.blocks)
    for (const auto& warp : block->warps) out += std::popcount(warp->live);
  return out;
}

Flow cluster_arrive(Warp& warp, const Decoded&, U32 mask) {
  Cluster& cluster = *warp.block->cluster;
  each_lane(mask, [&](int l) { warp.cluster_phase[l] = cluster.phase; });
  cluster.arrived += std::popcount(mask);
  ++warp.seen[static_cast<std::size_t>(warp.index)];
  join(warp.block->barrier_clocks[0], warp.seen);
  for (Block* block : cluster.blocks) block->progress = true;
  return Flow::kNext;
}

Flow cluster_wait(Warp& warp, const Decoded&, U32 mask) {
  Cluster& cluster = *warp.block->cluster;
  // lanes that left each other may stand at different barriers
  const auto waits = [&] {
    bool any = false;
    each_lane(mask, [&](int l) { any |= cluster.phase == warp.cluster_phase[l]; });
    return any;
  };
  if (waits() && cluster.arrived >= live_threads(cluster)) {
    cluster.arrived = 0;
    ++cluster.phase;
    for (Block* block : cluster.blocks) block->progress = true;
  }
  if (!waits()) {
    join(warp.seen, warp.block->barrier_clocks[0]);
    return Flow::kNext;
  }
  warp.polled = true;
  warp.quantum = 0;  // the warp's other lanes may have to arrive
  return Flow::kStop;
}

Handler select_mbarrier(const Form& form) {
  if (form.has("init")) return &init;
  if (form.has("inval")) return &nothing;
  if (form.has("arrive") || form.has("arrive_drop")) return &arrive;
  if (form.has("expect_tx")) return &transaction<1>;
  if (form.has("complete_tx")) return &transaction<-1>;
  if (form.has("pending_count")) return &pending_count;
  return form.has("parity") ? &wait<true> : &wait<false>;
}

}  // namespace

Handler select_async(const Form& form) {
  const std::string_view op = form.row->opcode;
  if (op == "mbarrier") return select_mbarrier(form);
  if (op == "mapa") return form.has("u64") ? &mapa<U64> : &mapa<U32>;
  if (op == "getctarank") return form.has("u64") ? &getctarank<U64> : &getctarank<U32>;
  if (op == "barrier") return form.has("arrive") ? &cluster_arrive : &cluster_wait;
  if (form.has("mbarrier")) return &arrive_later;
  if (form.has("commit_group")) return &bulk_commit;
  return &bulk_wait;
}

U8 arrive_kind(const Form& form) {
  return static_cast<U8>((form.has("expect_tx") ? kBytes : 0) | (form.has("arrive_drop") ? kDrop : 0));
}

}  // namespace intarsia::ptx
