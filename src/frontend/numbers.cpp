#include "frontend/numbers.h"

#include <fmt/format.h>

#include <cmath>

#include "base/convert.h"

namespace intarsia::frontend {

std::string text(const Number& number) {
  if (const bool* truth = std::get_if<bool>(&number)) return *truth ? "true" : "false";
  if (const auto* integer = std::get_if<std::int64_t>(&number)) return std::to_string(*integer);
  std::string out = fmt::format("{}", std::get<double>(number));
  if (out.find_first_not_of("0123456789-") == std::string::npos) out += ".0";
  return out;
}

std::uint64_t number_bits(const Number& number, DType dtype) {
  const std::string_view dtype_name = name(dtype);
  if (const auto* real = std::get_if<double>(&number)) {
    if (!is_float(dtype))
      throw UserError(
          fmt::format("the number {} beside a tensor of {}: a float does not become an integer by itself; "
                      "cast the tensor, or write an integer",
                      text(number), dtype_name));
    const std::uint64_t bits = bits_from_float(dtype, *real);
    const double back = float_from_bits(dtype, bits);
    const bool saturated = std::isfinite(*real) && (dtype == DType::kF8E4M3 || dtype == DType::kF8E5M2) &&
                           std::abs(back) < std::abs(*real) * 0.9;
    if ((std::isfinite(*real) && !std::isfinite(back)) || saturated)
      throw UserError(fmt::format("the number {} is too large for {}", text(number), dtype_name));
    return bits;
  }
  if (dtype == DType::kBool) {
    const bool* truth = std::get_if<bool>(&number);
    if (!truth)
      throw UserError(fmt::format(
          "the number {} beside a tensor of bool: write true or false, or cast the tensor", text(number)));
    return *truth;
  }
  const bool* truth = std::get_if<bool>(&number);
  const std::int64_t integer = truth ? *truth : std::get<std::int64_t>(number);
  if (is_float(dtype)) {
    const std::uint64_t bits = bits_from_float(dtype, static_cast<double>(integer));
    const double back = float_from_bits(dtype, bits);
    if (!(std::abs(back) < 9.3e18) || static_cast<std::int64_t>(back) != integer)
      throw UserError(fmt::format("the integer {} is not exact in {}; write {}.0 to have it rounded", integer,
                                  dtype_name, integer));
    return bits;
  }
  const std::uint64_t bits = bits_from_int(dtype, integer);
  if (int_from_bits(dtype, bits) != integer || (is_unsigned_int(dtype) && integer < 0))
    throw UserError(fmt::format("the integer {} does not fit {}", integer, dtype_name));
  return bits;
}

DType natural_dtype(const Number& number) {
  if (std::holds_alternative<bool>(number)) return DType::kBool;
  if (std::holds_alternative<double>(number)) return DType::kF32;
  const std::int64_t v = std::get<std::int64_t>(number);
  return v >= INT32_MIN && v <= INT32_MAX ? DType::kI32 : DType::kI64;
}

}  // namespace intarsia::frontend
