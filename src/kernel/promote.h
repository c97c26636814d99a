// Which dtype an operation of the tile language computes in: one table, and the rule for numbers written in a
// kernel.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <variant>

#include "base/dtype.h"

namespace intarsia::kernel {

// A number known while the kernel is built. Integers above the range of i64 are u64.
using Literal = std::variant<bool, std::int64_t, std::uint64_t, double>;

// The kinds of operations that promote differently.
enum class Promotion : std::uint8_t {
  kArithmetic,  // + - *, minimum, maximum, where, comparisons
  kBitwise,     // & | ^: no floats
  kShift,       // << >>: the left operand's dtype, integers
  kTrueDivide,  // /: integers give f32; f16 and bf16 compute in f32
  kDivide,      // // and %: f16 and bf16 compute in f32; integers of one sign
};

// One row: an operand in `left` and one in `right`, in either order. The first row that fits decides.
struct PromotionRow {
  DTypes left, right;
  enum class Result : std::uint8_t { kThis, kSame, kWiderInt, kRefused } result;
  DType dtype;  // of kThis
};
std::span<const PromotionRow> promotion_table();

// Both operands are values. UserError: no row fits, or signs differ under a division.
DType promote(DType a, DType b, Promotion how = Promotion::kArithmetic);
// One operand is a number: the value's dtype wins unless the number's kind (bool < int < float) is higher.
// UserError: the number is negative or too large for an integer result.
DType promote(DType value, const Literal& number, Promotion how = Promotion::kArithmetic);

// The dtype of a number alone: bool; i32, u32, i64 or u64, the first that holds it; f32, or f64 where the
// magnitude is outside f32's normal numbers.
DType dtype_of(const Literal& number);
std::string str(const Literal& number);

}  // namespace intarsia::kernel
