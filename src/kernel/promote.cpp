#include "kernel/promote.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "base/convert.h"
#include "base/error.h"

namespace intarsia::kernel {
namespace {

constexpr DTypes kF8 = only(DType::kF8E4M3) | only(DType::kF8E5M2);
constexpr DTypes kSigned =
    only(DType::kI4) | only(DType::kI8) | only(DType::kI16) | only(DType::kI32) | only(DType::kI64);
constexpr DTypes kUnsigned = only(DType::kBool) | only(DType::kU4) | only(DType::kU8) | only(DType::kU16) |
                             only(DType::kU32) | only(DType::kU64);
constexpr DTypes kInts = kSigned | kUnsigned;
using Result = PromotionRow::Result;

constexpr PromotionRow kTable[] = {
    {only(DType::kF64), kAnyType, Result::kThis, DType::kF64},
    {only(DType::kF32), kAnyType, Result::kThis, DType::kF32},
    {only(DType::kF16), kAnyType, Result::kThis, DType::kF16},  // bf16 + f16 is f16
    {only(DType::kBF16), only(DType::kBF16), Result::kThis, DType::kBF16},
    {only(DType::kBF16), kAnyType, Result::kThis, DType::kF32},
    {only(DType::kF8E4M3), only(DType::kF8E4M3), Result::kSame, {}},
    {only(DType::kF8E5M2), only(DType::kF8E5M2), Result::kSame, {}},
    {kF8, kF8, Result::kThis, DType::kF16},
    {kF8, kInts, Result::kRefused, {}},
    {kInts, kInts, Result::kWiderInt, {}},
};

int width(DType t) { return t == DType::kBool ? 1 : bits(t); }
bool is_unsigned(DType t) { return (only(t) & kUnsigned) != 0; }
// One sign: the wider. Mixed: the unsigned one if it is at least as wide.
DType wider(DType a, DType b) {
  if (is_unsigned(a) == is_unsigned(b)) return width(a) >= width(b) ? a : b;
  const DType u = is_unsigned(a) ? a : b, s = is_unsigned(a) ? b : a;
  return width(u) >= width(s) ? u : s;
}

DType by_table(DType a, DType b) {
  for (const PromotionRow& row : kTable) {
    const bool fits =
        ((row.left & only(a)) && (row.right & only(b))) || ((row.left & only(b)) && (row.right & only(a)));
    if (!fits) continue;
    switch (row.result) {
      case Result::kThis: return row.dtype;
      case Result::kSame: return a;
      case Result::kWiderInt: return wider(a, b);
      case Result::kRefused: break;
    }
    break;
  }
  throw UserError(fmt::format("{} and {} have no common dtype: cast one of them", name(a), name(b)));
}

DType after(DType common, Promotion how) {
  switch (how) {
    case Promotion::kArithmetic: return common;
    case Promotion::kBitwise:
    case Promotion::kShift:
      if (is_float(common))
        throw UserError(fmt::format("bitwise operations take integers; got {}", name(common)));
      return common;
    case Promotion::kTrueDivide:
      if (!is_float(common)) return DType::kF32;
      [[fallthrough]];
    case Promotion::kDivide: return common == DType::kF16 || common == DType::kBF16 ? DType::kF32 : common;
  }
  return common;
}

int kind(const Literal& number) { return number.index() == 0 ? 0 : number.index() == 3 ? 2 : 1; }
int kind(DType t) { return t == DType::kBool ? 0 : is_float(t) ? 2 : 1; }

bool holds(DType t, const Literal& number) {
  if (const auto* u = std::get_if<std::uint64_t>(&number)) {
    if (*u > INT64_MAX) return is_float(t) || t == DType::kU64;
    return holds(t, static_cast<std::int64_t>(*u));
  }
  const auto* i = std::get_if<std::int64_t>(&number);
  if (!i || !is_int(t)) return true;
  if (t == DType::kU64) return *i >= 0;
  return int_from_bits(t, bits_from_int(t, *i)) == *i;
}

}  // namespace

std::span<const PromotionRow> promotion_table() { return kTable; }

DType promote(DType a, DType b, Promotion how) {
  const bool divides = how == Promotion::kTrueDivide || how == Promotion::kDivide;
  if (how == Promotion::kShift) return after(is_float(b) ? b : a, how);
  if (divides && kind(a) == 1 && kind(b) == 1 && is_unsigned(a) != is_unsigned(b))
    throw UserError(
        fmt::format("division of {} and {}: the signs differ, cast one of them", name(a), name(b)));
  return after(by_table(a, b), how);
}

DType promote(DType value, const Literal& number, Promotion how) {
  if (kind(number) > kind(value)) return promote(value, dtype_of(number), how);
  if (!holds(value, number)) throw UserError(fmt::format("{} does not fit {}", str(number), name(value)));
  return after(value, how);
}

DType dtype_of(const Literal& number) {
  if (std::holds_alternative<bool>(number)) return DType::kBool;
  if (const auto* v = std::get_if<double>(&number)) {
    const double size = std::fabs(*v);
    const bool normal =
        size >= std::numeric_limits<float>::min() && size <= std::numeric_limits<float>::max();
    return normal || size == 0 || !std::isfinite(size) ? DType::kF32 : DType::kF64;
  }
  for (DType t : {DType::kI32, DType::kU32, DType::kI64})
    if (holds(t, number)) return t;
  return DType::kU64;
}

std::string str(const Literal& number) {
  return std::visit([](auto v) { return fmt::format("{}", v); }, number);
}

}  // namespace intarsia::kernel
