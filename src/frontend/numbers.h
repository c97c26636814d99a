// Numbers of the host language beside tensors: which dtype they take, and whether they fit it.
#pragma once
#include "intarsia/intarsia.h"

namespace intarsia::frontend {

// The bits of the number as a `dtype`. A float takes a float dtype, rounded; it may not overflow, and not
// meet an integer tensor. An integer must be exact. UserError says which number, which dtype and what to do.
std::uint64_t number_bits(const Number& number, DType dtype);

// Where no tensor says: f32, i32 (i64 where it needs it), bool.
DType natural_dtype(const Number& number);

std::string text(const Number& number);

}  // namespace intarsia::frontend
