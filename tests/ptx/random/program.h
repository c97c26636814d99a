// A random PTX kernel as a tree: written as PTX by `text`, worked out in plain C++ by `evaluate`.
//
// Every thread loads its registers from `in`, runs the statements and stores all registers to `out`. What a
// program does is fixed by PTX to the bit whatever the order of its threads: threads meet only in shared
// memory between barriers, in operations of a whole warp whose lanes are known, and in atomic operations
// whose result no order changes. Lanes diverge anywhere else.
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "operations.h"

namespace intarsia::ptx::random {

constexpr int kHalves = 6, kWords = 10, kLongs = 6, kPredicates = 5;
constexpr int kRecord = 128;  // bytes of a thread in `in` and `out`: longs, words, halves, predicates
constexpr int kScratch = 64;  // bytes of a thread in `scratch`, and of its local memory
constexpr int kCells = 8;   // 64-bit words changed by atomics: of the grid, and of each block's shared memory
constexpr int kTable = 16;  // 32-bit words of constant memory
constexpr std::uint32_t kAllLanes = 0xFFFFFFFF;

// Decisions from a seed, or from bytes (and zeros once they are used up).
class Choices {
 public:
  explicit Choices(std::uint64_t seed) : state_(seed) {}
  explicit Choices(std::span<const std::uint8_t> bytes) : bytes_(bytes), from_bytes_(true) {}
  std::uint32_t below(std::uint32_t limit);
  bool one_in(std::uint32_t count) { return below(count) == count - 1; }
  U64 bits();
  U64 pattern(int width);  // random bits, small numbers or special floats

 private:
  std::uint64_t state_ = 0;
  std::span<const std::uint8_t> bytes_;
  bool from_bytes_ = false;
};

struct Source {
  int index = 0;  // of a register, -1: the number below
  U64 number = 0;
};

enum class What : std::uint8_t {
  kOperation,
  kIf,
  kLoop,
  kSwitch,
  kBreak,
  kExit,
  kCall,
  kAccess,    // of local or scratch memory, at an address from a word
  kConstant,  // a load from constant memory
  kExchange,  // through shared memory, between two barriers
  kShuffle,
  kVote,
  kMatch,
  kReduce,
  kBarrier,      // bar.red
  kPrivate,      // an atomic on the thread's own scratch or shared memory
  kCommon,       // an atomic on a cell
  kFloatAtomic,  // a float atomic on the thread's own scratch or shared memory
  kCopy,         // an exchange whose shared memory cp.async fills from `in`
  kArrive,       // an exchange behind an mbarrier that every thread arrives at
  kBulk,         // an exchange whose shared memory a bulk copy fills from `in`
  kRemote,       // what the same thread of the other block of the cluster holds
  kHandOver,     // from the lower half of the warps to the upper one, by bar.arrive and bar.sync
  kMatrix,       // ldmatrix of what the warp stored
  kStore,        // what stmatrix leaves of it
  kFence,        // nothing that can be seen
  kTranspose,    // movmatrix
  kProduct       // mma of integers
};

struct Condition {
  enum class On : std::uint8_t { kPredicate, kLanes, kWarp } on = On::kPredicate;
  int predicate = 0;
  bool negated = false;
  std::uint32_t lanes = kAllLanes;  // of kLanes: true there; of kWarp: bits of the warp's index
};

struct Statement {
  What what = What::kOperation;
  const Operation* operation = nullptr;
  char letter = 'r';  // of what is moved
  int to = 0, to_predicate = -1, guard = -1;
  bool guard_negated = false, store = false, shared = false;
  std::vector<Source> from;
  Condition condition;
  int trips = 0;  // of kLoop: a number, or at most that many by word `from[0]`
  int form = 0;   // which variant: see access_forms and the rest below
  int amount = 0;
  std::uint32_t lanes = kAllLanes;  // that execute it
  std::vector<std::vector<Statement>> blocks;
};
using Statements = std::vector<Statement>;
bool contains(const Statement& s, const std::function<bool(const Statement&)>& what);  // itself included

struct Subroutine {  // (b32, b64) -> b64, on registers of its own
  Statements body;
  std::array<U64, 16> constants{};
  int result = 0;
};

struct Program {
  std::string name;
  std::array<std::uint32_t, 3> block{}, grid{};
  std::uint32_t cluster = 1;  // blocks of one, along x
  Statements body;
  Statements tail;  // run last, when nothing of a warp or block follows: some threads may exit before its end
  std::vector<Subroutine> subroutines;
  std::array<std::uint32_t, kTable> table{};
  std::array<int, kCells> cells{}, shared_cells{};  // the operation on each: of common_forms
  std::uint32_t threads() const { return block[0] * block[1] * block[2]; }
  std::uint32_t blocks() const { return grid[0] * grid[1] * grid[2]; }
};

// `limit`: only that many of the outermost statements, to find the first one that matters.
Program generate(Choices& choices, const std::string& name, std::size_t limit = 1000);

std::string header();                             // .version, .target
std::string text(const Program& program);         // the entry and what it needs, without the header
std::string written(const Statement& statement);  // its first line, for reports

// The buffers of a launch.
struct Memory {
  std::vector<unsigned char> in, out, scratch, cells, shared_cells;
  bool operator==(const Memory&) const = default;
};
Memory inputs(const Program& program, std::uint64_t seed);
void evaluate(const Program& program, Memory& memory);
// The first byte that differs, as block, thread and register; empty where all agree.
std::string difference(const Program& program, const Memory& got, const Memory& wanted);
// The thread, counted over the grid, whose registers or scratch memory are the first to differ; 0 if none.
std::size_t differing_thread(const Memory& got, const Memory& wanted);

// ---- the variants a statement's `form` counts
struct AccessForm {
  const char* type;  // "v2.b32"
  char letter;
  int bytes, count;  // of one element, elements
  bool is_signed;
};
std::span<const AccessForm> access_forms();
struct AtomicForm {
  const char* operation;  // "add.u32"
  char letter;
};
std::span<const AtomicForm> common_forms();   // no order changes the result
std::span<const AtomicForm> private_forms();  // with the old value as result
std::span<const AtomicForm> float_forms();    // add, of numbers below two
U64 apply_float(int form, bool shared, U64 old, U64 value);
U64 below_two(int form, U64 bits);  // a bit of each exponent is cleared: no infinities, no NaNs
U64 combined(std::string_view operation, U64 a, U64 b);  // "add.u32", …
U64 apply_common(int form, U64 old, U64 value);
U64 apply_private(int form, U64 old, U64 value, U64 second);
inline constexpr const char* kVotes[] = {"all", "any", "uni", "ballot"};
inline constexpr const char* kShuffles[] = {"up", "down", "bfly", "idx"};
inline constexpr const char* kReductions[] = {"add.u32", "add.s32", "min.u32", "max.u32", "min.s32",
                                              "max.s32", "and.b32", "or.b32",  "xor.b32"};
struct ProductForm {
  const char* type;  // "m16n8k32.row.col.s32.s8.u8.s32"
  int a_words, b_words, c_words;
  bool a_signed, b_signed, saturate;
  int bits = 8;  // of an element of a or b
};
std::span<const ProductForm> product_forms();
inline constexpr const char* kLoads[] = {"",    ".volatile", ".relaxed.gpu", ".acquire.cta",
                                         ".cg", ".cs",       ".ca",          ".weak"};
inline constexpr const char* kStores[] = {"",    ".volatile", ".relaxed.sys", ".release.gpu",
                                          ".cg", ".cs",       ".wb",          ".weak"};
inline constexpr const char* kFences[] = {
    "fence.acq_rel.cta", "fence.acq_rel.gpu", "fence.sc.cta",      "fence.acq_rel.cluster",
    "membar.cta",        "membar.gl",         "fence.proxy.async", "fence.proxy.async.shared::cta",
    "nanosleep.u32 20"};
inline constexpr const char* kBarriers[] = {"popc.u32", "and.pred", "or.pred"};

U64 canonical(char nan, U64 bits);  // a NaN of that format becomes the one all agree on

}  // namespace intarsia::ptx::random
