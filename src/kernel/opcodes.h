// Opcodes, scalar functions and immediate facts of kernel instructions. Their meaning: docs/kernel-ir.md.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace intarsia::kernel {

// clang-format off
// name, text, operands (-1: any), results (-1: by regions), regions (-1: any), touches memory or order
#define INTARSIA_OPCODES(X)                                                                                  \
  X(Constant, constant, 0, 1, 0, 0)            /* bits: of the dtype, splat */                               \
  X(DimValue, dim, 0, 1, 0, 0)                 /* dim: index into Kernel::dims; an i64 scalar */             \
  X(ProgramId, program_id, 0, 1, 0, 0)         /* axis */                                                    \
  X(NumPrograms, num_programs, 0, 1, 0, 0)     /* axis */                                                    \
  X(Arange, arange, 0, 1, 0, 0)                /* start; extent from the type */                             \
  X(Broadcast, broadcast, 1, 1, 0, 0)                                                                        \
  X(Reshape, reshape, 1, 1, 0, 0)                                                                            \
  X(Transpose, transpose, 1, 1, 0, 0)          /* order */                                                   \
  X(Join, join, -1, 1, 0, 0)                   /* a new last axis over the operands */                       \
  X(Split, split, 1, -1, 0, 0)                 /* the last axis apart */                                     \
  X(Gather, gather, 2, 1, 0, 0)                /* axis */                                                    \
  X(Cast, cast, 1, 1, 0, 0)                                                                                  \
  X(Bitcast, bitcast, 1, 1, 0, 0)                                                                            \
  X(Convert, convert_layout, 1, 1, 0, 0)                                                                     \
  X(Unary, unary, 1, 1, 0, 0)                  /* fn */                                                      \
  X(Binary, binary, 2, 1, 0, 0)                /* fn */                                                      \
  X(Compare, compare, 2, 1, 0, 0)              /* fn */                                                      \
  X(Clip, clip, -1, 1, 0, 0)                   /* value, view, offsets...; outside the view: `fill` */       \
  X(Select, select, 3, 1, 0, 0)                                                                              \
  X(Fma, fma, 3, 1, 0, 0)                                                                                    \
  X(Reduce, reduce, -1, -1, -1, 0)             /* axis; fn, or a region that combines two */                 \
  X(Scan, scan, -1, -1, -1, 0)                 /* the same; reverse */                                       \
  X(PointerAdd, pointer_add, 2, 1, 0, 0)                                                                     \
  X(Load, load, -1, 1, 0, 1)                   /* pointer [mask [other]] */                                  \
  X(Store, store, -1, 0, 0, 1)                 /* pointer value [mask] */                                    \
  X(Atomic, atomic, -1, 1, 0, 1)               /* fn, semantics, scope; pointer value [mask] */              \
  X(MakeView, make_view, -1, 1, 0, 0)          /* pointer, extents..., strides... */                         \
  X(ViewExtent, view_extent, 1, 1, 0, 0)       /* axis */                                                    \
  X(ViewLoad, view_load, -1, 1, 0, 1)          /* view, offsets...; fill */                                  \
  X(ViewStore, view_store, -1, 0, 0, 1)        /* view, value, offsets... */                                 \
  X(ViewAtomic, view_atomic, -1, 1, 0, 1)      /* fn; view, value, offsets... */                             \
  X(Dot, dot, 3, 1, 0, 0)                      /* precision */                                               \
  X(DotStart, dot_start, 3, 2, 0, 1)                                                                         \
  X(DotWait, dot_wait, -1, -1, 0, 1)           /* in_flight */                                               \
  X(Ring, ring, 0, 1, 0, 1)                                                                                  \
  X(RingFill, ring_fill, -1, 0, 0, 1)          /* ring, i, view, offsets...; multicast */                    \
  X(RingWait, ring_wait, 2, 1, 0, 1)           /* ring, i */                                                 \
  X(RingRelease, ring_release, 2, 0, 0, 1)     /* ring, i */                                                 \
  X(SlotStore, slot_store, -1, 0, 0, 1)        /* block -> shared -> view, by bulk store where there is one */ \
  X(Barrier, barrier, 0, 0, 0, 1)              /* scope, id, count */                                        \
  X(For, for, -1, -1, 1, 1)                    /* lo, hi, step, carried...; region (i, carried...) */        \
  X(While, while, -1, -1, 2, 1)                /* carried...; region yields a bool, region the next */       \
  X(If, if, 1, -1, 2, 1)                                                                                     \
  X(Roles, roles, 0, 0, -1, 1)                 /* warps, registers */                                        \
  X(Yield, yield, -1, 0, 0, 1)                                                                               \
  X(Assert, assert, 1, 0, 0, 1)                                                                              \
  X(Print, print, -1, 0, 0, 1)                                                                               \
  X(Assume, assume, 1, 0, 0, 1)                                                                              \
  X(Random, random, -1, 1, 0, 0)               /* Philox: key, counter */

// Of unary, binary, compare, atomic, reduce, scan: name, text. Append only.
#define INTARSIA_FUNCTIONS(X)                                                                                \
  X(Neg, neg) X(Abs, abs) X(Exp, exp) X(Exp2, exp2) X(Log, log) X(Log2, log2) X(Sqrt, sqrt) X(Rsqrt, rsqrt)  \
  X(Sin, sin) X(Cos, cos) X(Tanh, tanh) X(Erf, erf) X(Floor, floor) X(Ceil, ceil) X(Not, not)                \
  X(Add, add) X(Sub, sub) X(Mul, mul) X(Div, div) X(Rem, rem) X(Min, min) X(Max, max)                        \
  X(MinNum, minnum) X(MaxNum, maxnum) X(And, and) X(Or, or) X(Xor, xor) X(Shl, shl) X(Shr, shr) X(Pow, pow)  \
  X(Eq, eq) X(Ne, ne) X(Lt, lt) X(Le, le) X(Gt, gt) X(Ge, ge)                                                \
  X(Exchange, exchange) X(CompareExchange, compare_exchange)                                                 \
  X(FloorDiv, floor_div) X(FloorMod, floor_mod) X(Round, round) X(Trunc, trunc)

// Immediate facts: a hint may be dropped by any pass, the others are meaning. Append only.
#define INTARSIA_KEYS(X)                                                                                     \
  X(Bits, bits) X(Dim, dim) X(Axis, axis) X(Start, start) X(Fn, fn) X(Order, order) X(Fill, fill)            \
  X(Precision, precision) X(InFlight, in_flight) X(Semantics, semantics) X(Scope, scope)                     \
  X(BarrierId, barrier) X(Count, count) X(Multicast, multicast) X(Transposed, transposed)                    \
  X(RoleWarps, warps) X(RoleRegisters, registers) /* one per region of roles, packed 8 bits each */          \
  X(Reverse, reverse)
#define INTARSIA_HINTS(X)                                                                                    \
  X(HintStages, stages) X(HintUnroll, unroll) X(HintCache, cache) X(HintEviction, eviction)                  \
  X(HintWarpSpecialize, warp_specialize) X(HintDivisible, divisible)
// clang-format on

enum class Opcode : std::uint8_t {
#define INTARSIA_ENUM(name, text, operands, results, regions, effect) k##name,
  INTARSIA_OPCODES(INTARSIA_ENUM)
#undef INTARSIA_ENUM
};
struct OpcodeInfo {
  std::string_view name;
  int operands, results, regions;
  bool effect;
};
const OpcodeInfo& info(Opcode opcode);
std::optional<Opcode> opcode_named(std::string_view text);

enum class Fn : std::uint8_t {
#define INTARSIA_ENUM(name, text) k##name,
  INTARSIA_FUNCTIONS(INTARSIA_ENUM)
#undef INTARSIA_ENUM
};
std::string_view text_of(Fn fn);
std::optional<Fn> function_named(std::string_view text);
bool is_known(Fn fn);

enum class Key : std::uint8_t {
#define INTARSIA_ENUM(name, text) k##name,
  INTARSIA_KEYS(INTARSIA_ENUM) kLastFact = 63,  // hints follow
  INTARSIA_HINTS(INTARSIA_ENUM)
#undef INTARSIA_ENUM
};
inline bool is_hint(Key key) { return key > Key::kLastFact; }
std::string_view text_of(Key key);
std::optional<Key> key_named(std::string_view text, bool hint);

// Values of Key::kSemantics, and of Key::kPrecision (of the operands of an f32 dot).
enum class Semantics : std::uint8_t { kRelaxed, kAcquire, kRelease, kAcquireRelease };
enum class Precision : std::uint8_t { kExact, kTf32, kTf32x3 };

}  // namespace intarsia::kernel
