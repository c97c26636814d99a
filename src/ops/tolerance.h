// How near a computed tensor must be to its reference: the one table of tolerances, per dtype.
#pragma once
#include <string>

#include "ops/op_def.h"

namespace intarsia::ops {

// Errors allowed, in higher precision: |actual - expected| in the 2-norm, relative to |expected|, and the
// largest one, relative to the largest element expected. Both sizes count as at least `scale`: a sum that
// cancels is small beside its terms. Integers and bools must be equal.
struct Tolerance {
  double norm = 0, largest = 0, scale = 0;
};
constexpr Tolerance tolerance(DType t) {
  switch (t) {
    case DType::kF64: return {1e-13, 1e-12};
    case DType::kF32: return {2e-6, 1e-5};
    case DType::kF16: return {1e-3, 4e-3};
    case DType::kBF16: return {8e-3, 3e-2};
    case DType::kF8E4M3: return {7e-2, 1.5e-1};
    case DType::kF8E5M2: return {1.3e-1, 3e-1};
    default: return {};
  }
}

// With scale 1 for operators that add up terms; meant for operands of about that size, as the grid's are.
Tolerance tolerance(const OpDef& op, DType t);

// Empty if near enough; else what differs and where. NaN must meet NaN, an infinity the same infinity.
std::string difference(const HostTensor& actual, const HostTensor& expected, const Tolerance& allowed);
std::string difference(const HostTensor& actual, const HostTensor& expected);      // the table's tolerance
std::string bit_difference(const HostTensor& actual, const HostTensor& expected);  // any NaN meets any NaN

}  // namespace intarsia::ops
