// The closed opcode table: every form this library reads, with its modifiers and operands.
//
// A row's modifiers are groups in PTX's order: alternatives joined by '|', '?' before a group that may be
// left out, '@' before a named set of types (below). Its operands are words:
//   d s      destination register, source (register or immediate) of the width of type 0; d1 s1: of type 1, …
//   dw sw    of twice the width of type 0        u h U  source of 32, 16, 64 bits       i  immediate integer
//   e f      register or immediate at least as wide as type 0, 1 (cvt); fd: destination so of type 0
//   p pp     destination predicate, or p|q       q      source predicate, which '!' may negate
//   p_       the first of p|q alone
//   dp Dp    a destination, or destination|predicate
//   m        address          v w  destination, source of a load or store: a vector where .v2 .v4 .v8 stands
//   x y      mov's source, destination           z      destination register or _ of the width of type 0
//   t        label            c    the operands of a call      D E  32-bit destination, 64-bit destination
//   n        a vector of registers, or one: decoding checks how many
//   g k      address in global, in shared memory     Z  64-bit destination or _
//   A a      destination, source of 32 bits or a part of it (%r1.b0, of vmad also -%r1); aw: not a part
//   T        [tensor map, {coordinates}]
//     r    a 32-bit size or a predicate (cp.async)
// '?' before a word: the operand may be missing.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ptx/ptx.h"

namespace intarsia::ptx {

// The source file of src/ptx that executes a form.
enum class Family : std::uint8_t {
  kInteger,
  kBits,
  kFloat,
  kHalf,
  kApprox,
  kCompare,
  kMove,
  kConvert,
  kMemory,
  kAtomic,
  kControl,
  kWarp,
  kBarrier,
  kMatrix,
  kAsync,
  kHint,
  kVideo,
  kStack
};

struct Row {
  std::string_view opcode;
  std::string_view modifiers;
  std::string_view operands;
  Family family;
};
std::span<const Row> opcode_table();

// What is known and not executed: an opcode alone, or with one of some modifiers (joined by '|').
struct Refused {
  std::string_view opcode, modifiers, reason;
};
std::span<const Refused> refused();
std::span<const Row> simple_rows();  // the table's parts
std::span<const Row> memory_rows();
std::span<const Row> matrix_rows();
std::span<const Row> async_rows();
std::span<const Row> video_rows();

// An instruction seen through its row.
struct Form {
  const Row* row = nullptr;
  std::vector<std::string_view> modifiers;
  std::vector<Type> types;  // the modifiers that are types, in order

  bool has(std::string_view modifier) const;
  Type type(std::size_t i = 0) const { return i < types.size() ? types[i] : Type::kNone; }
  int vector() const { return has("v2") ? 2 : has("v4") ? 4 : has("v8") ? 8 : 1; }
  Space space() const;
  int dimensions() const;    // of .1d to .5d; 0 without
  std::string text() const;  // "add.sat.s32"
  // The row's words for so many operands, without '?'. A policy (?U) stands where .L2::cache_hint does, a
  // predicate (?q) where the form combines with one; other words with '?' take what is left, from the left.
  // Empty where the number does not fit: then it must be within `fewest` and `most`.
  std::vector<std::string_view> words(std::size_t operands) const;
  std::size_t fewest() const;
  std::size_t most() const;

 private:
  std::vector<std::string_view> settled() const;
};

struct Group {
  bool optional = false;
  std::vector<std::string_view> alternatives;
};
std::vector<Group> groups(const Row& row);

// Resolves and checks one instruction; throws UserError with the nearest listed form.
Form match(const Module& module, const Function& function, const Instruction& instruction);
// The row alone: for tests that walk the table. No row: `row` is null.
Form match_modifiers(std::string_view opcode, const std::vector<std::string_view>& modifiers);
// Why a form that is in no row is refused; "" where that is all there is to say.
std::string_view refusal(std::string_view opcode, const std::vector<std::string_view>& modifiers);
std::string nearest_form(std::string_view opcode, const std::vector<std::string_view>& modifiers);

}  // namespace intarsia::ptx
