// Scalar functions of kernels on the bits of one element: the exact arithmetic of docs/kernel-ir.md.
#pragma once
#include <cstdint>

#include "base/dtype.h"
#include "kernel/opcodes.h"

namespace intarsia::kernel {

using UnaryFn = std::uint64_t (*)(std::uint64_t);
using BinaryFn = std::uint64_t (*)(std::uint64_t, std::uint64_t);
using CompareFn = bool (*)(std::uint64_t, std::uint64_t);
using TernaryFn = std::uint64_t (*)(std::uint64_t, std::uint64_t, std::uint64_t);

// Null: the function is not defined for the dtype (rules.h says the same).
UnaryFn unary_function(Fn fn, DType dtype);
BinaryFn binary_function(Fn fn, DType dtype);
CompareFn compare_function(Fn fn, DType dtype);
TernaryFn fma_function(DType dtype);

// The element's bits of a `constant` or `fill` (which hold floats as f64).
std::uint64_t element_bits(DType dtype, std::int64_t constant_bits);

}  // namespace intarsia::kernel
