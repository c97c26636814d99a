// Symbolic 64-bit integers: extents, grids, sizes, offsets and guards, all in one normal form.
//
//   Dim n = Dim::symbol("n", {.min = 1, .max = 4096});
//   Dim grid = cdiv(n, 256);                 // (n + 255) // 256
//   known_equal(n * 2 - n, n)                // Known::kYes
//
// Meaning. Every Dim is a mathematical integer that must fit 64 bits; a value that does not is an error, when
// it is built (constants) or evaluated (symbols), and never wraps. `//` and `%` round towards minus infinity;
// dividing by zero is an error. Comparisons are integers 0 and 1, so a guard is a Dim too.
//
// Normal form: a constant plus a sum of coefficient * product of atoms, terms and factors sorted. Atoms are
// symbols, floor quotients, max and select; everything else is spelled with them (a % b is a - b*(a // b),
// min(a, b) is -max(-a, -b), less(a, b) is min(max(b - a, 0), 1)), so that one value has one form and aligned
// sizes keep their divisor. Equal normal forms are equal integers; the converse is not promised. No fold
// drops an error: 0*(n // m) stays what it is if m may be 0.
//
// Three questions of equality: `identical` (one normal form: tables, hashes), `known_equal` (a proof, never
// wrong), `==` (for branching: the answer if known, else an error).
//
// A Dim is an immutable value of 16 bytes, safe to copy between threads. There is no builder and no global
// state: a symbol is its name, and one name with two ranges is an error where they meet.
#pragma once
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace intarsia {

enum class Known : std::uint8_t { kNo, kYes, kUnknown };

// What is known of a symbol. `opt` is the value to tune for (0: none given) and no part of its identity.
struct Range {
  std::int64_t min = 0;
  std::int64_t max = std::numeric_limits<std::int64_t>::max();  // the maximum stands for "no bound"
  std::int64_t multiple = 1;                                    // always divisible by this
  std::int64_t opt = 0;
};

struct Interval {
  std::int64_t min, max;
};  // the two ends of int64 stand for "no bound"

struct Symbol {
  std::string name;  // [A-Za-z_][A-Za-z0-9_.]*
  Range range;
};

// Numbers are part of the C ABI and of the engine format.
enum class DimOp : std::int64_t {
  kConstant = 0,
  kSymbol = 1,  // followed by the value, or by the index in a symbol table
  kAdd = 2,
  kMultiply = 3,
  kFloorDiv = 4,
  kMin = 5,
  kMax = 6,
  kEqual = 7,
  kLess = 8,
  kSelect = 9,  // condition, value if not 0, value if 0; an error in the value not taken does not count
};

namespace detail {
struct Expr;
}

class Dim {
 public:
  // Beyond them: UserError, so that hostile dims cannot exhaust stack or memory.
  static constexpr std::size_t kMaxDepth = 64, kMaxTerms = 128, kMaxFactors = 16;

  constexpr Dim() = default;                            // 0
  constexpr Dim(std::int64_t value) : value_(value) {}  // NOLINT: an integer is a Dim
  constexpr Dim(int value) : value_(value) {}           // NOLINT: and so that literals are not ambiguous
  static Dim symbol(std::string_view name, Range range = {});  // UserError for a bad name or an empty range

  Dim(const Dim& other) noexcept : value_(other.value_), expr_(other.expr_) {
    if (expr_) retain();
  }
  Dim(Dim&& other) noexcept : value_(other.value_), expr_(std::exchange(other.expr_, nullptr)) {}
  Dim& operator=(Dim other) noexcept {
    std::swap(value_, other.value_);
    std::swap(expr_, other.expr_);
    return *this;
  }
  constexpr ~Dim() {
    if (expr_) release();
  }

  bool is_constant() const { return expr_ == nullptr; }
  std::int64_t constant() const;  // UserError, with the expression, if it is not known
  Interval bounds() const;        // every value lies inside; computed when built, free to ask
  std::int64_t multiple() const;  // every value is divisible by this (0 for the constant 0)
  std::uint64_t hash() const;     // same on every machine and run

  std::string str() const;      // infix, for people: "(n + 255) // 256"
  std::string postfix() const;  // for IR text: "n 255 + 256 //"
  static Dim parse_postfix(std::string_view text, std::span<const Symbol> symbols);
  void append_words(std::vector<std::int64_t>& out, std::span<const Symbol> symbols) const;  // C ABI, engine
  static Dim from_words(std::span<const std::int64_t> words,
                        std::span<const Symbol> symbols);  // hostile input is UserError

  const detail::Expr* expr() const { return expr_; }  // for dim.cpp

 private:
  friend struct detail::Expr;
  void retain() const noexcept;
  void release() noexcept;

  std::int64_t value_ = 0;
  const detail::Expr* expr_ = nullptr;  // shared, immutable; null for a constant
};

Dim operator+(const Dim& a, const Dim& b);
Dim operator-(const Dim& a, const Dim& b);
Dim operator-(const Dim& a);
Dim operator*(const Dim& a, const Dim& b);
Dim operator/(const Dim& a, const Dim& b);  // floor division; spelled // in text
Dim operator%(const Dim& a, const Dim& b);  // floor remainder: the sign of b
Dim cdiv(const Dim& a, const Dim& b);       // smallest integer not below a / b, for b of either sign
Dim align_up(const Dim& a, std::int64_t multiple);
Dim min(const Dim& a, const Dim& b);
Dim max(const Dim& a, const Dim& b);
Dim equal(const Dim& a, const Dim& b);  // 0 or 1, as integers usable in arithmetic
Dim less(const Dim& a, const Dim& b);
inline Dim not_less(const Dim& a, const Dim& b) { return 1 - less(a, b); }
inline Dim both(const Dim& a, const Dim& b) { return a * b; }  // of conditions
Dim select(const Dim& condition, const Dim& if_true, const Dim& if_false);

bool identical(const Dim& a, const Dim& b);  // same normal form; what tables and hashes use
int compare(const Dim& a, const Dim& b);     // a total order, for sorting; says nothing about values
Known known_equal(const Dim& a, const Dim& b);
Known known_less(const Dim& a, const Dim& b);

// For branching: the answer if it is known, else UserError that suggests select() or a guard. Never for
// tables: `identical`.
bool operator==(const Dim& a, const Dim& b);
bool operator<(const Dim& a, const Dim& b);
inline bool operator!=(const Dim& a, const Dim& b) { return !(a == b); }
inline bool operator>(const Dim& a, const Dim& b) { return b < a; }
inline bool operator<=(const Dim& a, const Dim& b) { return !(b < a); }
inline bool operator>=(const Dim& a, const Dim& b) { return !(a < b); }

// A fact about dims that a call must satisfy, as people read it: "n <= 4096". Numbers are part of the engine
// format.
struct Condition {
  enum class Relation : std::uint8_t { kEqual = 1, kNotEqual, kLess, kLessEqual };
  Dim left;
  Relation relation = Relation::kEqual;
  Dim right;
  std::string str() const;
};
Known known(const Condition& condition);
Dim as_dim(const Condition& condition);  // 0 or 1

// All of them hold; the empty guard always does.
struct Guard : std::vector<Condition> {
  using std::vector<Condition>::vector;
  std::string str() const;  // "n <= 4096 and n % 16 == 0"; "always"
};
Known known(const Guard& guard);
bool identical(const Condition& a, const Condition& b);
bool identical(const Guard& a, const Guard& b);

// Symbols a dim mentions, added to `out` once each, sorted by name.
void collect_symbols(const Dim& dim, std::vector<Symbol>& out);
// Every symbol `from[i]` replaced by `to[i]`, normalised again: binds a kernel's own symbols, tightens a
// range.
Dim substitute(const Dim& dim, std::span<const Symbol> from, std::span<const Dim> to);

// Extents, outermost first. Empty is a scalar.
struct Shape : std::vector<Dim> {
  using std::vector<Dim>::vector;
  Dim numel() const;
  std::string str() const;  // [2, n, 4]
};
bool identical(const Shape& a, const Shape& b);
Known known_equal(const Shape& a, const Shape& b);

// Many dims as straight-line code: each common part computed once, no allocation, no recursion.
class DimProgram {
 public:
  DimProgram() = default;
  DimProgram(std::span<const Dim> dims,
             std::span<const Symbol> symbols);  // UserError: a symbol that is not listed

  // Working memory of one caller: symbols' values first (write these), then what evaluate computes.
  std::vector<std::int64_t> make_slots() const { return initial_; }
  // Throws UserError naming the dim and the symbols' values: overflow, division by zero.
  void evaluate(std::span<std::int64_t> slots) const;
  std::int64_t value(std::size_t dim, std::span<const std::int64_t> slots) const {
    return slots[roots_[dim]];
  }
  std::size_t slot(std::size_t dim) const { return roots_[dim]; }

 private:
  struct Instruction {
    DimOp op;
    std::uint32_t a, b, c;
    std::int32_t shift;
  };  // result i goes to slot first_ + i
  void explain(std::span<const std::int64_t> slots) const;  // slow path: finds out whether an error counts

  std::vector<std::int64_t> initial_;
  std::vector<Instruction> code_;
  std::vector<std::uint32_t> roots_;
  std::vector<Dim> dims_;
  std::vector<Symbol> symbols_;
  std::size_t first_ = 0;
};

}  // namespace intarsia
