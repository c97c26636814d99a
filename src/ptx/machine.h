// The state of a running grid: plain data, so that any warp can be resumed after any instruction.
//
// A register is 32 lanes of its width, side by side; a predicate is a mask of 32 bits. A warp is a set of
// fragments: lanes that share a place. One runs, the lowest in the order of flow.h, so that lanes meet again
// at the post-dominator of their divergence or before.
#pragma once
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "ptx/launch.h"
#include "ptx/opcodes.h"
#include "ptx/shadow.h"
#include "ptx/tensor_map.h"

namespace intarsia::ptx {

constexpr int kLanes = 32;
constexpr std::uint32_t kAll = ~std::uint32_t{0};

// Generic addresses of memory that is not the process's own. User pointers are below 2^47.
constexpr std::uint64_t kSharedWindow = std::uint64_t{1} << 56;
constexpr std::uint64_t kLocalWindow = std::uint64_t{2} << 56;
constexpr std::uint64_t kParamWindow = std::uint64_t{3} << 56;
constexpr std::uint64_t kFunctionWindow = std::uint64_t{4} << 56;
constexpr std::uint64_t kWindowBytes = std::uint64_t{1} << 32;
constexpr int kRankShift =
    24;  // shared addresses: rank + 1 of a block of the cluster above this bit, 0 for the own

struct Warp;
struct Decoded;
struct Chains;
enum class Flow : std::uint8_t {
  kNext,
  kJump,
  kStop
};  // kJump: the pc is set; kStop: the fragment does not go on
using Handler = Flow (*)(Warp&, const Decoded&, std::uint32_t mask);

// Where an operand is: an offset into the frame's registers, or into the constants.
struct Ref {
  std::uint32_t value = 0;
  static constexpr std::uint32_t kConstant = std::uint32_t{1} << 31;
};

// An instruction ready to run. Destinations come first in `r`, then sources.
struct Decoded {
  Handler run = nullptr;
  std::array<Ref, 6> r{};
  Ref guard{};
  std::uint32_t inexact = 0;   // of Image::inexact_names, where kInexact
  std::int64_t immediate = 0;  // address offset, special register, barrier shape: the handler's
  std::uint32_t extra = 0;     // of Code::refs or Code::targets: the handler's
  std::uint32_t order = 0;     // of its basic block
  std::uint8_t flags = 0;
  std::uint8_t negated = 0;           // bit k: predicate source r[k] is negated
  std::uint8_t small = 0, count = 0;  // the handler's
  std::uint16_t skip = 1;             // steps to the next one that is not of Code::invariant
  std::uint16_t chain = 0;            // the one that begins here, where `run` is run_chain
};
enum : std::uint8_t { kGuarded = 1, kGuardNegated = 2, kLeader = 4, kInexact = 8 };

// A place a function is called from: where its parameters lie in the caller's frame.
struct CallSite {
  struct Copy {
    Ref from;  // of the caller
    std::uint32_t bytes = 0;
  };
  std::int32_t callee = -1;  // index into Image::codes; -1: by address, or a function of the system
  enum class System : std::uint8_t { kNone, kPrintf, kAssert } system = System::kNone;
  std::vector<Copy> params, returns;
};

// Of a tensor-core instruction. Types: D, A, B, C.
struct MatrixShape {
  int m = 0, n = 0, k = 0;
  std::array<Type, 4> types{};
  int d_registers = 0, a_registers = 0, b_registers = 0, c_registers = 0;
  bool saturate = false;
  int scale_a = 1, scale_b = 1;  // of wgmma
  bool transpose_a = false, transpose_b = false;
};

// Of a video instruction: on one value, or on two halves or four bytes.
struct VideoShape {
  enum class Op : std::uint8_t { kAdd, kSub, kAbsDiff, kMin, kMax, kAverage, kShl, kShr, kSet, kMad } op;
  enum class Second : std::uint8_t { kNone, kAdd, kMin, kMax } second = Second::kNone;
  enum class Compare : std::uint8_t { kEq, kNe, kLt, kLe, kGt, kGe } compare = Compare::kEq;
  static constexpr std::uint8_t kWhole = 6;  // a part: byte 0 to 3, half 4 or 5, the whole word
  std::uint8_t lanes = 1;
  bool d_signed = false, a_signed = false, b_signed = false, saturate = false;
  bool wrap = false;                                                // of kShl, kShr
  bool negate_product = false, negate_c = false, plus_one = false;  // of kMad
  std::uint8_t shift = 0;                                           // of kMad
  std::uint8_t d_part = kWhole, a_part = kWhole, b_part = kWhole;   // of one lane
  std::uint8_t mask = 0xF;                                          // of several: the lanes that are written
  std::array<std::uint8_t, 4> a_lanes{}, b_lanes{};  // of several: which of a's and b's pieces, side by side
};

// A function decoded.
struct Code {
  const Function* function = nullptr;
  std::vector<Decoded> steps;
  std::vector<std::int32_t> instruction;            // step -> index into Function::body
  std::vector<Ref> refs;                            // long operand lists
  std::vector<std::vector<std::uint32_t>> targets;  // of brx.idx, in steps
  std::uint32_t register_bytes = 0;
  std::uint32_t local_bytes = 0;
  std::vector<CallSite> calls;
  std::vector<MatrixShape> matrices;
  std::vector<Ref> registers;            // by index into Function::registers
  std::vector<std::uint32_t> invariant;  // steps whose results no block changes: run once a warp
  std::uint32_t start = 0;               // the first step that is not one of them
  std::vector<std::pair<std::uint32_t, std::uint32_t>> cleared;  // (offset, bytes) that may be read unwritten
  std::vector<VideoShape> videos;
  std::shared_ptr<const Chains> chains;
  bool allocates = false;                       // uses alloca
  std::vector<CallSite::Copy> params, returns;  // of a .func: per-lane storage in its own registers
};

struct Storage {  // of a module variable
  std::string name;
  std::shared_ptr<std::byte[]> memory;  // programs of one module may share it
  std::byte* data = nullptr;            // aligned
  std::int64_t bytes = 0;
  bool constant = false, inherited = false;
};

struct Image {
  Module module;
  const Entry* entry = nullptr;
  std::vector<std::unique_ptr<Code>> codes;  // codes[0] is the entry
  std::unordered_map<std::string, std::int32_t> code_index;
  std::vector<std::byte> constants;
  const std::byte* aligned_constants = nullptr;                 // the same, at a multiple of 64
  std::map<std::pair<std::uint64_t, int>, Ref> constant_index;  // (bits, width) -> place
  std::vector<Parameter> parameters;
  const Image* sibling = nullptr;  // while it is built
  std::vector<Storage> storage;
  std::unordered_map<std::string, std::int64_t> shared;  // variable -> offset; dynamic ones follow the rest
  std::int64_t static_shared = 0;
  std::uint32_t lane_local_bytes = 0;                      // local memory of one thread
  std::vector<std::string> inexact_names;                  // by id: Decoded's forms that carry kInexact
  std::uint32_t shared_granule = 16, global_granule = 16;  // the least bytes an instruction touches there
};

struct Frame {
  const Code* code = nullptr;
  std::byte* registers = nullptr;
  Frame* caller = nullptr;
  const Decoded* return_to = nullptr;
  std::uint32_t lanes = 0;  // that have not returned
  std::uint32_t depth = 0;
  std::uint32_t local_base = 0;
  std::array<std::uint32_t, kLanes> stack{};  // bytes that alloca has taken above the function's own
  std::vector<std::byte> memory;
};

enum class Wait : std::uint8_t {
  kReady,
  kLanes,
  kBarrier,
  kRetry
};  // kRetry: polls something another warp does
struct Fragment {
  const Decoded* pc = nullptr;
  Frame* frame = nullptr;
  std::uint32_t lanes = 0;
  Wait wait = Wait::kReady;
  std::uint64_t stamp = 0;  // when it ran last
  std::uint32_t barrier = 0;
};

// A copy that was begun and not waited for.
struct PendingCopy {
  int lane = 0;
  std::uint64_t group = 0, to = 0;  // to: in shared memory
  std::uint64_t number = 0;         // of the warp's copies so far
  std::uint8_t bytes = 0;
  const Decoded* step = nullptr;
  std::array<std::byte, 16> data{};
};

struct Block;

struct Warp {
  std::array<std::byte*, 2> base{};  // registers of the frame, constants
  const Decoded* pc = nullptr;
  std::uint32_t lanes = 0;    // of the running fragment
  std::uint32_t live = 0;     // lanes that have not exited
  std::uint32_t threads = 0;  // lanes that are threads of the block
  Frame* frame = nullptr;
  Block* block = nullptr;
  bool forced = false;  // run on although lanes it waits for cannot come
  std::int32_t index = 0;
  std::int32_t parked = 0;  // fragments besides the running one
  std::array<Fragment, kLanes> fragments{};
  std::int32_t held = 0;     // basic blocks for which the fragment is not exchanged
  std::int64_t quantum = 0;  // jumps left before others get a turn
  std::uint64_t clock = 0;
  std::vector<std::uint32_t> seen;  // vector clock: what of each warp happened before now
  bool touched = false;             // shadowed memory, since its own time last advanced
  std::array<std::array<std::uint32_t, kLanes>, 3> tid{};
  std::deque<Frame> frames;
  std::vector<PendingCopy> copies;
  std::uint64_t copies_begun = 0;
  std::array<std::uint64_t, kLanes> copy_groups{}, bulk_groups{};
  bool traced = false;                       // LaunchConfig::trace names it
  bool chained = true;                       // runs of steps go as one
  bool polled = false;                       // its last turn ended with a wait that failed
  std::uint32_t cluster_phase[kLanes] = {};  // at the arrival of each lane
  std::unique_ptr<std::byte[], decltype(&std::free)> local{nullptr, &std::free};

  template <class T>
  T* at(Ref ref) const {
    return reinterpret_cast<T*>(base[ref.value >> 31] + (ref.value & ~Ref::kConstant));
  }
  std::uint32_t predicate(const Decoded& in, int k) const {
    return *at<std::uint32_t>(in.r[static_cast<std::size_t>(k)]) ^ (in.negated >> k & 1 ? kAll : 0);
  }
};

enum class Reduction : std::uint8_t { kNone, kAdd, kMin, kMax, kInc, kDec, kAnd, kOr, kXor };

// A bulk copy that was begun: it lands when its mbarrier or its group is waited for.
struct BulkCopy {
  // kArrive: an arrival when the cp.async copies of the thread with numbers below `from` have landed.
  enum class Kind : std::uint8_t { kBytes, kTensor, kValue, kArrive } kind = Kind::kBytes;
  std::uint64_t barrier = 0;  // shared address; 0 for a group's
  std::uint64_t to = 0, from = 0;
  std::uint32_t bytes = 0;
  bool to_global = false, from_shared = false;
  Reduction reduction = Reduction::kNone;
  Type type = Type::kNone;  // of the reduction
  std::int32_t warp = 0, lane = 0;
  std::uint64_t group = 0;
  const Decoded* step = nullptr;
  TensorMapFields map;  // of kTensor, with the coordinates of the box's first element
  std::array<std::int32_t, 5> at{};
  std::array<std::byte, 32> value{};              // of kValue
  std::shared_ptr<std::vector<std::byte>> taken;  // its source, when a wait_group.read has let it be read
};

// Blocks that run together.
struct Cluster {
  std::vector<Block*> blocks;
  std::int32_t arrived = 0;
  std::uint32_t phase = 0;
  void reset() {
    blocks.clear();
    arrived = 0;
    phase = 0;
  }
};

struct Barrier {
  std::int32_t arrived = 0, expected = 0;
  std::uint32_t all = kAll, any = 0, count = 0;  // of bar.red
  std::vector<std::uint32_t> clock;              // what the arrivals had seen
  void reset() {
    arrived = expected = 0;
    all = kAll;
    any = count = 0;
    clock.clear();
  }
};

struct Launch;
struct Worker;

struct Block {
  const Launch* launch = nullptr;
  Worker* worker = nullptr;
  std::array<std::uint32_t, 3> id{};
  std::int64_t linear = 0;
  std::vector<std::unique_ptr<Warp>> warps;
  std::vector<std::byte> shared;
  Checks checks;          // the launch's
  Shadow shadow;          // of shared memory; no cells where nothing needs it
  bool shadowed = false;  // that, or global memory has one
  BlockOrder order;       // in relation to other blocks
  std::array<Barrier, 16> barriers;
  std::int64_t steps = 0;
  bool progress = false;  // since the scheduler last looked
  std::int32_t idle = 0;  // turns in which every warp only polled
  std::shared_ptr<Cluster> cluster;
  std::uint32_t rank = 0;
  std::vector<BulkCopy> bulk;
  std::vector<std::uint32_t> async_fenced;  // what of each warp was before a fence.proxy.async
  std::unordered_map<std::uint64_t, std::vector<std::uint32_t>> barrier_clocks;  // of mbarriers, by address
};

// What one host thread gathers while it runs blocks.
struct Finding {
  Report::Kind kind;
  const Code* code;
  const Decoded* step;
  std::int64_t block;  // the first block's linear index
  std::array<std::uint32_t, 3> block_id, thread;
  std::string what;
  std::int64_t count;
};
struct alignas(128) Worker {  // of no other's cache lines
  std::vector<Finding> findings;
  std::vector<std::uint8_t> inexact;                          // by id
  std::vector<std::pair<std::int64_t, std::string>> printed;  // by block
  std::int64_t steps = 0;
  std::vector<std::unique_ptr<Block>> blocks;  // kept for reuse
  std::vector<TraceStep> trace;
  std::size_t recent = 0;  // of Launch::ranges: the one found last
  bool stop = false;       // a trap ends the launch
};

struct Range {
  std::uint64_t begin, end;
  bool writable, initialised;
  const std::string* name;
  Shadow* shadow = nullptr;  // null where neither races nor unwritten places are looked for
};

struct Launch {
  const Image* image = nullptr;
  const LaunchConfig* config = nullptr;
  const std::byte* constants = nullptr;
  std::vector<std::byte> params;
  std::vector<Range> ranges;             // by begin
  std::unique_ptr<GlobalShadow> shadow;  // where a range has one
  std::int64_t shared_bytes = 0;         // static and dynamic
  std::int32_t threads = 0;              // per block
  std::int64_t clusters = 0, chunk = 1;  // how many a thread takes at a time
  mutable std::atomic<bool> stop{false};
  alignas(128) mutable std::atomic<std::int64_t> next{0};           // the first cluster nobody took
  alignas(64) mutable std::array<std::uint64_t, 8> grid_barrier{};  // of cooperative groups' grid.sync()
};

// Records a finding once per kind and place; `lane` is the first of `lanes`.
void report(Warp& warp, const Decoded& in, Report::Kind kind, std::uint32_t lanes, const std::string& what);
std::array<std::uint32_t, 3> thread_of(const Warp& warp, int lane);

// ---- the warp's fragments (fragments.cpp)
void start_warp(Warp& warp);
bool next_fragment(Warp& warp, bool rotate);  // false: nothing of this warp can run
void load_fragment(Warp& warp, const Fragment& fragment);
Flow branch(Warp& warp, const Decoded& in, std::uint32_t taken, const Decoded* target);
Flow leave(Warp& warp, const Decoded& in, std::uint32_t lanes);  // lanes exit
Flow call(Warp& warp, const Decoded& in, std::uint32_t lanes, const Code& callee);
Flow give_back(Warp& warp, const Decoded& in, std::uint32_t lanes);  // lanes return
// Whether the fragment must wait for lanes of `need` that are elsewhere; if they cannot come, false and
// `missing`.
bool wait_for_lanes(Warp& warp, std::uint32_t mask, std::uint32_t need, std::uint32_t& missing);
void park_at_barrier(Warp& warp, std::uint32_t barrier);

// ---- blocks (block.cpp, barrier.cpp)
void run_warp(Warp& warp);
enum class Turn : std::uint8_t { kEnded, kOver, kIdle };  // kIdle: every warp only polls
Turn run_block(Block& block, std::int64_t budget);
void report_deadlock(Block& block);
void barrier_left(Block& block);  // lanes exited: barriers of the whole block may be complete

}  // namespace intarsia::ptx
