// The kernel IR: how one program (a thread block, a chunk of a CPU loop) computes its block of the result.
//
// SSA over blocks of values. Everything is an index into a vector of the Kernel; regions hold the bodies of loops, branches,
// reductions and warp roles, so control is structured and a position is (region, place). Block extents are compile-time;
// extents of tensors are Dims of the launch: a view knows them, so bounds are part of the meaning of every access:
// a view_load outside reads `fill` (0), a view_store outside writes nothing.
//
// Fusion. Two kernels join where one view_stores and the other view_loads the same tensor with the same offsets and block:
// the load becomes the stored value. A kernel that only does elementwise work on one block shape is *pointwise* (pointwise.h) and can be
// re-tiled, so it moves into any access of a neighbour: prologue and epilogue of a dot, ends of a reduction, a plugin's kernel.
//
// Pipelines. A ring is `stages` slots of shared memory. ring_fill starts the asynchronous copy of a view's block into slot i mod stages
// once the slot is free; ring_wait gives slot i's content as a block operand; ring_release frees it. Software pipelining puts fill and wait in one
// loop; warp specialisation puts them in two regions of `roles`. dot_start, dot_wait keep products in flight.
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/dim.h"
#include "base/dtype.h"

namespace intarsia::kernel {

enum class ValueId : std::uint32_t {};
enum class InstId : std::uint32_t {};
enum class RegionId : std::uint32_t {};
constexpr auto index(auto id) { return static_cast<std::uint32_t>(id); }

// ---- types ---------------------------------------------------------------------------------------------------------

struct Type {
  enum class Kind : std::uint8_t {
    kBlock,    // values of dtype; rank 0 is a scalar
    kPointer,  // block of addresses of dtype
    kView,     // a tensor in memory, with extents and strides; `rank` only
    kRing,     // `stages` slots of this block in shared memory
    kSlot,     // one of them, filled: an operand of dot, or loaded
    kToken,    // work in flight
  };
  static constexpr int kMaxRank = 6;
  Kind kind = Kind::kBlock;
  DType dtype = DType::kF32;
  std::uint8_t rank = 0;
  std::uint8_t stages = 0;
  std::int16_t layout = -1;                       // into Kernel::layouts once a target has chosen
  std::array<std::int32_t, kMaxRank> extents{};   // of a block, pointer block, slot; unused ones are 0
  bool operator==(const Type&) const = default;
};
Type block(DType dtype, std::span<const std::int64_t> extents);
inline Type scalar(DType dtype) { return {.dtype = dtype}; }
std::string str(const Type& type);  // f32[64, 128], ptr f32[64], view f32 x2, ring 4 x bf16[128, 64], index

// A map over GF(2) from (register, lane, warp, program) bits to element coordinates; one basis vector per bit.
struct Layout { std::string space; std::vector<std::array<std::int32_t, Type::kMaxRank>> bases; };

// ---- instructions ----------------------------------------------------------------------------------------------------

// name, operands (-1: any), results (-1: by region), regions (-1: any), touches memory or order
#define INTARSIA_OPCODES(X)                                                                                                       \
  X(Constant, constant, 0, 1, 0, 0)      /* bits: of the dtype, splat */                                                       \
  X(DimValue, dim, 0, 1, 0, 0)           /* dim: index into Kernel::dims; an index scalar */                                   \
  X(ProgramId, program_id, 0, 1, 0, 0)   X(NumPrograms, num_programs, 0, 1, 0, 0) /* axis */                                   \
  X(Arange, arange, 0, 1, 0, 0)          /* start; extent from the type */                                                     \
  X(Broadcast, broadcast, 1, 1, 0, 0)    X(Reshape, reshape, 1, 1, 0, 0)   X(Transpose, transpose, 1, 1, 0, 0) /* order */      \
  X(Join, join, -1, 1, 0, 0)             X(Split, split, 1, -1, 0, 0)      X(Gather, gather, 2, 1, 0, 0)                         \
  X(Cast, cast, 1, 1, 0, 0)              X(Bitcast, bitcast, 1, 1, 0, 0)   X(Convert, convert_layout, 1, 1, 0, 0)               \
  X(Unary, unary, 1, 1, 0, 0)            X(Binary, binary, 2, 1, 0, 0)     X(Compare, compare, 2, 1, 0, 0) /* fn */             \
  X(Clip, clip, -1, 1, 0, 0)             /* value, view, offsets...; lanes outside the view become `fill` */                   \
  X(Select, select, 3, 1, 0, 0)          X(Fma, fma, 3, 1, 0, 0)                                                               \
  X(Reduce, reduce, -1, -1, 1, 0)        X(Scan, scan, -1, -1, 1, 0)       /* axis; the region combines two */                  \
  X(PointerAdd, pointer_add, 2, 1, 0, 0) X(Load, load, -1, 1, 0, 1)        X(Store, store, -1, 0, 0, 1) /* mask, other */       \
  X(Atomic, atomic, -1, 1, 0, 1)         /* fn, sem, scope */                                                                   \
  X(MakeView, make_view, -1, 1, 0, 0)    /* pointer, extents..., strides... */                                                  \
  X(ViewExtent, view_extent, 1, 1, 0, 0) X(ViewLoad, view_load, -1, 1, 0, 1) X(ViewStore, view_store, -1, 0, 0, 1)              \
  X(ViewAtomic, view_atomic, -1, 1, 0, 1)                                                                                      \
  X(Dot, dot, 3, 1, 0, 0)                X(DotStart, dot_start, 3, 2, 0, 1) X(DotWait, dot_wait, -1, -1, 0, 1) /* in_flight */   \
  X(Ring, ring, 0, 1, 0, 1)              X(RingFill, ring_fill, -1, 0, 0, 1) /* ring, i, view, offsets...; multicast */         \
  X(RingWait, ring_wait, 2, 1, 0, 1)     X(RingRelease, ring_release, 2, 0, 0, 1) /* ring, i */                                \
  X(SlotStore, slot_store, -1, 0, 0, 1)  /* block -> shared -> view, by bulk store where there is one */                        \
  X(Barrier, barrier, 0, 0, 0, 1)        /* scope, id, count */                                                                \
  X(For, for, -1, -1, 1, 1)              /* lo, hi, step, carried...; region (i, carried...) */                                 \
  X(While, while, -1, -1, 2, 1)          X(If, if, 1, -1, 2, 1)            X(Roles, roles, 0, 0, -1, 1) /* warps, registers */  \
  X(Yield, yield, -1, 0, 0, 1)           X(Assert, assert, 1, 0, 0, 1)     X(Print, print, -1, 0, 0, 1)                         \
  X(Assume, assume, 1, 0, 0, 1)          X(Random, random, -1, 1, 0, 0)    /* Philox: key, counter */

enum class Opcode : std::uint8_t {
#define INTARSIA_ENUM(name, text, operands, results, regions, effect) k##name,
  INTARSIA_OPCODES(INTARSIA_ENUM)
#undef INTARSIA_ENUM
};
struct OpcodeInfo { std::string_view name; int operands, results, regions; bool effect; };
const OpcodeInfo& info(Opcode opcode);

enum class Fn : std::uint8_t {  // of unary, binary, compare, atomic; text in kernel.cpp
  kNeg, kAbs, kExp, kExp2, kLog, kLog2, kSqrt, kRsqrt, kSin, kCos, kTanh, kErf, kFloor, kCeil, kNot,
  kAdd, kSub, kMul, kDiv, kRem, kMin, kMax, kMinNum, kMaxNum, kAnd, kOr, kXor, kShl, kShr, kPow,
  kEq, kNe, kLt, kLe, kGt, kGe, kExchange, kCompareExchange,
};

// Immediate facts of an instruction, a small sorted list: hints may be dropped by any pass, the others are meaning.
enum class Key : std::uint8_t {
  kBits, kDim, kAxis, kStart, kFn, kOrder, kFill, kPrecision, kInFlight, kSemantics, kScope, kBarrierId, kCount, kMulticast, kTransposed,
  kRoleWarps, kRoleRegisters,                                             // one per region of roles, packed 8 bits each
  kHintStages = 64, kHintUnroll, kHintCache, kHintEviction, kHintWarpSpecialize, kHintDivisible,  // 64 and above: hints
};
struct Attr { Key key; std::int64_t value; };

struct Range { std::uint32_t begin = 0, count = 0; };

struct Inst {
  Opcode opcode;
  Range operands;      // into Kernel::operands
  Range results;       // consecutive ValueIds
  Range regions;       // into Kernel::region_lists
  Range attrs;         // into Kernel::attrs
  std::uint32_t line = 0;
};
struct Region { std::vector<ValueId> params; std::vector<InstId> body; };  // ends in yield where it gives values

// ---- the kernel --------------------------------------------------------------------------------------------------------

enum class Role : std::uint8_t { kInput, kOutput, kInOut, kWorkspace, kState, kDim, kScalar };

// A parameter and what the launch binds to it. View parameters reach the target as a pointer and the extents and strides that are
// not constants; `dims` of the kernel arrive the same way. No front end and no plugin writes that list: parameter_list() does.
struct Param {
  std::string name;
  Role role;
  std::uint32_t port = 0;    // which input, output, workspace, state of the node; kScalar: which extra argument
  ValueId value{};
  Shape extents = {}, strides = {};  // of a view; no strides: row-major, contiguous
  Dim dim = {};              // kDim: the value, passed as the value's dtype
  std::int64_t align = 16;   // of the address: a fact, checked or guarded at launch
  std::uint32_t line = 0;
};

struct Kernel {
  std::string name;
  std::vector<Param> params;
  std::array<Dim, 3> grid = {1, 1, 1};   // programs, in the launch's symbols
  std::int32_t warps = 4, cluster = 1;   // a CPU ignores them
  std::vector<Dim> dims;                 // read by `dim` instructions
  std::vector<Type> values;              // by ValueId
  std::vector<Inst> insts;               // by InstId; a dead one is in no region
  std::vector<ValueId> operands;
  std::vector<RegionId> region_lists;
  std::vector<Attr> attrs;
  std::vector<Region> regions;           // 0 is the body
  std::vector<Layout> layouts;
  std::vector<std::string> lines;        // "model.py:41:8", by Inst::line; 0 is none

  const Inst& operator[](InstId i) const { return insts[index(i)]; }
  const Type& type(ValueId v) const { return values[index(v)]; }
  std::span<const ValueId> operands_of(const Inst& i) const { return {operands.data() + i.operands.begin, i.operands.count}; }
  std::span<const RegionId> regions_of(const Inst& i) const { return {region_lists.data() + i.regions.begin, i.regions.count}; }
  std::int64_t attr(const Inst& i, Key key, std::int64_t otherwise = 0) const;
};

std::string print(const Kernel& kernel);         // deterministic; what crosses the C ABI and is hashed
void verify(const Kernel& kernel);               // InternalError with the instruction; the list of checks is in kernel.cpp
std::uint64_t digest(const Kernel& kernel);      // of its text

// What a machine-level entry receives, in order. The step's arguments are made from the same list, so they cannot disagree.
struct Slot {
  enum class Kind : std::uint8_t { kAddress, kExtent, kStride, kDim, kScalar };
  Kind kind;
  std::uint32_t param;       // index into params; kDim of the kernel's table: UINT32_MAX
  DType dtype;
  Dim value;                 // kExtent, kStride, kDim
};
std::vector<Slot> parameter_list(const Kernel& kernel);

// Appends to one region at a time; types of results are computed here and nowhere else.
class Builder {
 public:
  explicit Builder(Kernel& kernel, RegionId region = RegionId{0});
  Param& param(std::string name, Role role, std::uint32_t port, Type type);
  ValueId view(std::string name, Role role, std::uint32_t port, DType dtype, Shape extents);
  ValueId emit(Opcode opcode, std::span<const ValueId> operands, Type result, std::initializer_list<Attr> attrs = {});
  InstId add(Opcode opcode, std::span<const ValueId> operands, std::span<const Type> results, std::span<const RegionId> regions = {},
             std::initializer_list<Attr> attrs = {});
  ValueId dim(const Dim& d);
  ValueId constant(double v, Type type);
  ValueId binary(Fn fn, ValueId a, ValueId b);
  ValueId unary(Fn fn, ValueId a);
  ValueId program_id(int axis);
  ValueId load(ValueId view, std::span<const ValueId> offsets, std::span<const std::int64_t> extents);
  void store(ValueId view, ValueId value, std::span<const ValueId> offsets);
  ValueId reduce(Fn fn, ValueId a, int axis);
  ValueId result(InstId i, std::uint32_t n = 0) const { return static_cast<ValueId>(kernel.insts[index(i)].results.begin + n); }
  RegionId region(std::span<const Type> params);  // new and empty
  RegionId at(RegionId where) { return std::exchange(current, where); }  // gives where it was
  void line(std::string text);

  Kernel& kernel;
  RegionId current;

 private:
  std::uint32_t line_ = 0;
};

}  // namespace intarsia::kernel
