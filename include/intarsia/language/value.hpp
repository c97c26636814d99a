// Values of the tile language: blocks, scalars and pointers, with operators that promote and broadcast.
#pragma once
#include <algorithm>
#include <concepts>
#include <cstddef>
#include <source_location>
#include <vector>

#include "base/convert.h"
#include "kernel/scope.h"

namespace intarsia::language {

using kernel::BinaryOp;
using Extents = std::vector<std::int64_t>;
using Location = std::source_location;

// A name as a template argument: Const<"BLOCK_SIZE">.
template <std::size_t n>
struct Name {
  char text[n];
  constexpr Name(const char (&literal)[n]) { std::copy_n(literal, n, text); }  // NOLINT: literals are names
  constexpr std::string_view view() const { return {text, n - 1}; }
};

// A constant of the specialisation, a plain C++ number inside the kernel.
template <Name name, class T = std::int64_t>
struct Const {
  T value;
  constexpr operator T() const { return value; }  // NOLINT: it stands for its number
};

struct Arg;
class Value;
namespace detail {
Value binary(BinaryOp op, const Arg& a, const Arg& b);
Value quotient(const Arg& a, const Arg& b);
Value negative(const Arg& a);
Value logical_not(const Arg& a);
Value complement(const Arg& a);
}  // namespace detail

class Value {
 public:
  explicit Value(kernel::ValueId id) : id_(id) {}
  kernel::ValueId id() const { return id_; }

  const kernel::Type& type(Location at = Location::current()) const {
    return kernel::Scope::current(at).type(id_);
  }
  DType dtype(Location at = Location::current()) const { return type(at).dtype; }
  Extents shape(Location at = Location::current()) const { return kernel::extents_of(type(at)); }
  Value to(DType dtype, Location at = Location::current()) const;

  // Found through Value alone, so that one operand may be a number and numbers keep their own arithmetic.
  friend Value operator+(const Arg& a, const Arg& b) { return detail::binary(BinaryOp::kAdd, a, b); }
  friend Value operator-(const Arg& a, const Arg& b) { return detail::binary(BinaryOp::kSub, a, b); }
  friend Value operator*(const Arg& a, const Arg& b) { return detail::binary(BinaryOp::kMul, a, b); }
  friend Value operator%(const Arg& a, const Arg& b) { return detail::binary(BinaryOp::kRemainder, a, b); }
  friend Value operator&(const Arg& a, const Arg& b) { return detail::binary(BinaryOp::kAnd, a, b); }
  friend Value operator|(const Arg& a, const Arg& b) { return detail::binary(BinaryOp::kOr, a, b); }
  friend Value operator^(const Arg& a, const Arg& b) { return detail::binary(BinaryOp::kXor, a, b); }
  friend Value operator<<(const Arg& a, const Arg& b) { return detail::binary(BinaryOp::kShiftLeft, a, b); }
  friend Value operator>>(const Arg& a, const Arg& b) { return detail::binary(BinaryOp::kShiftRight, a, b); }
  friend Value operator==(const Arg& a, const Arg& b) { return detail::binary(BinaryOp::kEqual, a, b); }
  friend Value operator!=(const Arg& a, const Arg& b) { return detail::binary(BinaryOp::kNotEqual, a, b); }
  friend Value operator<(const Arg& a, const Arg& b) { return detail::binary(BinaryOp::kLess, a, b); }
  friend Value operator<=(const Arg& a, const Arg& b) { return detail::binary(BinaryOp::kLessEqual, a, b); }
  friend Value operator>(const Arg& a, const Arg& b) { return detail::binary(BinaryOp::kGreater, a, b); }
  friend Value operator>=(const Arg& a, const Arg& b) {
    return detail::binary(BinaryOp::kGreaterEqual, a, b);
  }
  // As in C++: integers divide to integers, towards zero (Triton's `//`); fdiv gives f32.
  friend Value operator/(const Arg& a, const Arg& b) { return detail::quotient(a, b); }
  friend Value operator-(const Arg& a) { return detail::negative(a); }
  friend Value operator!(const Arg& a) { return detail::logical_not(a); }
  friend Value operator~(const Arg& a) { return detail::complement(a); }

 private:
  kernel::ValueId id_;
};

// An operand: a value or a number, and where it stands (operators have no other way to know).
struct Arg {
  kernel::Operand operand;
  Location at;

  Arg(const Value& v, Location where = Location::current()) : operand(v.id()), at(where) {}  // NOLINT
  template <class T>
    requires std::integral<T> || std::floating_point<T>
  Arg(T number, Location where = Location::current()) : operand(number), at(where) {}  // NOLINT
  template <Name name, class T>
  Arg(Const<name, T> c, Location where = Location::current()) : operand(c.value), at(where) {}  // NOLINT
};

namespace detail {
// Runs f on the kernel that is being written; what goes wrong gets the line.
template <class F>
auto at_line(const Location& at, F f) {
  try {
    return f(kernel::Scope::current(at));
  } catch (const std::exception& e) { kernel::rethrow_at(at, e); }
}
inline const Location& where(const Arg& a, const Arg& b) {
  return a.operand.value() && !b.operand.value() ? a.at : b.at;
}
inline Value binary(BinaryOp op, const Arg& a, const Arg& b) {
  return at_line(where(a, b),
                 [&](kernel::Vocabulary& v) { return Value(v.binary(op, a.operand, b.operand)); });
}
inline Value quotient(const Arg& a, const Arg& b) {
  return at_line(where(a, b), [&](kernel::Vocabulary& v) {
    const auto real = [&](const kernel::Operand& o) {
      return is_float(o.value() ? v.type(*o.value()).dtype : kernel::dtype_of(*o.number()));
    };
    const bool floats = real(a.operand) || real(b.operand);
    return Value(v.binary(floats ? BinaryOp::kTrueDivide : BinaryOp::kFloorDivide, a.operand, b.operand));
  });
}
inline Value negative(const Arg& a) {
  return at_line(a.at, [&](kernel::Vocabulary& v) { return Value(v.negative(a.operand)); });
}
inline Value logical_not(const Arg& a) {
  return at_line(a.at, [&](kernel::Vocabulary& v) { return Value(v.logical_not(a.operand)); });
}
inline Value complement(const Arg& a) {
  return at_line(a.at, [&](kernel::Vocabulary& v) { return Value(v.unary(kernel::Fn::kNot, a.operand)); });
}
}  // namespace detail

inline Value Value::to(DType dtype, Location at) const {
  return detail::at_line(at, [&](kernel::Vocabulary& v) { return Value(v.cast(id_, dtype)); });
}

}  // namespace intarsia::language
