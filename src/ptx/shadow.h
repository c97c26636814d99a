// Shadows of memory: who touched what last, and what orders two accesses.
//
// A warp's time advances where lanes or warps synchronise; `Warp::seen` is its vector clock over the warps of
// its block. Between blocks a strong write (atom, red, st with .volatile, .relaxed or .release) publishes
// what was before the block's last fence, or before the write itself where it releases; a strong read of that
// place makes it known to the reader's block.
#pragma once
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace intarsia::ptx {

struct Warp;
struct Decoded;
struct Block;
struct Range;
struct Access;

// A cell stands for a granule of memory: stamp << 12 | thread << 2 | flags; 0 where nothing touched it. Of
// shared memory the stamp is the warp's time, of global memory a segment: a time of a block.
constexpr std::uint32_t kStampShift = 12, kThreadShift = 2, kStrongCell = 1;
constexpr std::uint32_t kAsyncCell = 2;  // written by the async proxy
constexpr std::uint32_t kLongAgo = 2;    // touched, before everything that is checked
// This stamp: a copy that was begun will land here or, of a read, take what is here.
constexpr std::uint32_t kMostStamps = 0xFFFFF;
constexpr std::uint32_t kPending = kMostStamps << kStampShift;

struct Shadow {
  // The last write, and of the reads since the first one and one of another thread, if possible of another
  // warp.
  std::uint32_t *write = nullptr, *read = nullptr, *other = nullptr;
  std::uint32_t shift = 0;  // bytes of a granule, as a power of two
  bool initialised = true;  // by who launched
  bool races = false;
  std::uint64_t base = 0;  // the address of the first byte; 0 in shared memory

  void allocate(std::uint64_t bytes);
  void clear();
  std::uint64_t cells() const { return cells_; }

 private:
  std::uint64_t cells_ = 0, allocated_ = 0;
  std::unique_ptr<std::uint32_t[], decltype(&std::free)> memory_{nullptr, &std::free};
};

struct SyncNode {  // a write that published, and what its block knew then
  std::int64_t block = 0;
  std::vector<std::uint32_t> seen;
  std::vector<const SyncNode*> before;
};

struct Segment {
  std::int64_t block = 0;
  std::uint32_t time = 0;
};

// The segments of a launch by their stamps. A block adds one before it writes its stamp into a cell; who
// finds the stamp there, on another thread, reads the segment.
class Segments {
 public:
  void reserve(std::uint32_t count);
  void set(std::uint32_t stamp, Segment segment);
  Segment at(std::uint32_t stamp) const;

 private:
  std::unique_ptr<Segment[], decltype(&std::free)> memory_{nullptr, &std::free};
};

// What all blocks of a launch share.
struct GlobalShadow {
  std::deque<Shadow> shadows;  // of the ranges
  Segments segments;
  std::atomic<std::uint32_t> next_segment{1};
  std::atomic<bool> published{false};
  std::mutex mutex;  // of what follows
  std::deque<SyncNode> nodes;
  std::unordered_map<std::uint64_t, const SyncNode*> flags;  // by address
};

// A block in relation to the others.
struct BlockOrder {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> segments;  // (time, segment), the newest last
  std::uint32_t first_segment = 0;                                // older ones are ordered
  std::vector<std::uint32_t> fenced;  // what was before a fence of one of its warps
  std::vector<std::pair<std::uint64_t, const SyncNode*>> known;           // by address
  std::unordered_map<std::int64_t, std::vector<std::uint32_t>> resolved;  // of `known`, by block
  std::unordered_set<const SyncNode*> met;                                // in `resolved` already
  bool stale = false;
};

// Checks an access and notes it. Cells of lanes: `offsets` into the shadow's memory.
void shadow(Warp& warp, const Decoded& in, Block& owner, const Access& access, const std::uint64_t* offsets);
void shadow_global(Warp& warp, const Decoded& in, const Range& range, const Access& access);
// The same for lanes whose bytes follow each other from `offset` on. False: something is to be reported, or
// cannot be told so fast; nothing is noted then.
bool shadow_run(Warp& warp, Shadow& shadow, std::uint64_t offset, const Access& access);
// 4-byte reads of shared memory, where eight lanes at a time follow each other or read one place.
bool shadow_eights(Warp& warp, Shadow& shadow, const std::uint32_t* offsets);

// A copy into shared memory was begun by `lane`: nobody may touch the place until it landed.
void note_copy(Warp& warp, const Decoded& in, int lane, std::uint64_t address, std::uint32_t bytes);
// The async proxy reads shared memory of the block for `lane`: what threads wrote there must be behind a
// fence.proxy.async.
void note_source(Warp& warp, const Decoded& in, int lane, std::uint64_t offset, std::uint32_t bytes);
// Nobody may write there until a Use::kTake of the place says that the reading has ended.
void keep_source(Warp& warp, int lane, std::uint64_t offset, std::uint32_t bytes);
void fence_async(Warp& warp);  // fence.proxy.async
// What `cell` says of shared memory is ordered before an access of this warp that would leave `mine`.
bool is_ordered(Warp& warp, std::uint32_t cell, std::uint32_t mine);
std::string thread_name(const Block& block, std::uint32_t cell);

// The lanes or warps met: what each did before is before what follows.
void advance(Warp& warp);
void advance_all(Block& block);  // all of the block met
void fence_order(Warp& warp);
// After a strong access, `stored` the lanes that wrote: it orders blocks and warps.
void strong_order(Warp& warp, const Access& access, std::uint32_t stored, bool releases);

}  // namespace intarsia::ptx
