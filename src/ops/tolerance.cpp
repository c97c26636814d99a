#include "ops/tolerance.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "ops/attribute_text.h"
#include "ops/host.h"

namespace intarsia::ops {
namespace {

std::string type_difference(const HostTensor& actual, const HostTensor& expected) {
  if (actual.dtype != expected.dtype)
    return fmt::format("dtype is {}, expected {}", name(actual.dtype), name(expected.dtype));
  if (actual.extents == expected.extents) return {};
  return fmt::format("shape is {}, expected {}", Shape(actual.extents.begin(), actual.extents.end()).str(),
                     Shape(expected.extents.begin(), expected.extents.end()).str());
}

std::string element_difference(const HostTensor& actual, const HostTensor& expected, std::int64_t i) {
  const auto shown = [&](const HostTensor& t) {
    return is_float(t.dtype) ? text(AttributeValue(read<double>(t, i)))
                             : text(AttributeValue(read<std::int64_t>(t, i)));
  };
  const auto at = position(i, expected.extents);
  return fmt::format("element {} is {}, expected {}", Shape(at.begin(), at.end()).str(), shown(actual),
                     shown(expected));
}

bool is_nan(const HostTensor& t, std::int64_t i) {
  return is_float(t.dtype) && std::isnan(read<double>(t, i));
}

constexpr std::string_view kSums[] = {"cumsum", "gelu", "layer_norm", "matmul", "mean", "silu", "sum", "var"};

}  // namespace

Tolerance tolerance(const OpDef& op, DType t) {
  Tolerance allowed = tolerance(t);
  if (std::find(std::begin(kSums), std::end(kSums), op.id) != std::end(kSums)) allowed.scale = 1;
  return allowed;
}

std::string bit_difference(const HostTensor& actual, const HostTensor& expected) {
  if (std::string s = type_difference(actual, expected); !s.empty()) return s;
  for (std::int64_t i = 0; i < numel(expected); ++i) {
    if (load_bits(actual.dtype, actual.data, i) == load_bits(expected.dtype, expected.data, i)) continue;
    if (!is_nan(actual, i) || !is_nan(expected, i)) return element_difference(actual, expected, i);
  }
  return {};
}

std::string difference(const HostTensor& actual, const HostTensor& expected, const Tolerance& allowed) {
  if (!is_float(expected.dtype)) return bit_difference(actual, expected);
  if (std::string s = type_difference(actual, expected); !s.empty()) return s;
  double error = 0, size = 0, worst = 0, largest = 0;
  std::int64_t worst_at = 0;
  for (std::int64_t i = 0; i < numel(expected); ++i) {
    const auto a = read<double>(actual, i), e = read<double>(expected, i);
    if (std::isnan(a) && std::isnan(e)) continue;
    if (!std::isfinite(a) || !std::isfinite(e)) {
      if (a == e) continue;
      return element_difference(actual, expected, i);
    }
    const double off = std::fabs(a - e);
    if (off > worst) worst = off, worst_at = i;
    error = std::hypot(error, off), size = std::hypot(size, e), largest = std::max(largest, std::fabs(e));
  }
  size = std::max(size, allowed.scale), largest = std::max(largest, allowed.scale);
  if (error <= allowed.norm * size && worst <= allowed.largest * largest) return {};
  return fmt::format(
      "{}: relative error {:.3g} in the 2-norm (allowed {:.3g}), {:.3g} of the largest element (allowed "
      "{:.3g})",
      element_difference(actual, expected, worst_at), error / size, allowed.norm, worst / largest,
      allowed.largest);
}

std::string difference(const HostTensor& actual, const HostTensor& expected) {
  return difference(actual, expected, tolerance(expected.dtype));
}

}  // namespace intarsia::ops
