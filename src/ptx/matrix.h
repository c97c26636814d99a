// Tensor-core instructions: their shapes, and what their executors share.
#pragma once
#include "ptx/lanes.h"
#include "ptx/tensor.h"

namespace intarsia::ptx {

struct MatrixOperands {
  const Ref *d, *a, *b, *c;
};

MatrixShape matrix_shape(const Form& form);
// In fast mode, the shapes that are common; false: not one of them.
bool mma_fast(Warp& warp, const MatrixShape& shape, const MatrixOperands& operands);
// Waits for all live lanes of the warp; false: the fragment was parked.
bool gather_warp(Warp& warp, const Decoded& in, U32 mask);

Handler select_mma(const Form& form);
Handler select_ldmatrix(const Form& form);
Handler select_wgmma(const Form& form);
Handler select_wmma(const Form& form);
Handler select_async(const Form& form);
U8 arrive_kind(const Form& form);  // Decoded::count of mbarrier.arrive
Handler select_copy(const Form& form, bool predicate);

}  // namespace intarsia::ptx
