// Tensor maps for kernels of a device: what cp.async.bulk.tensor reads.
#pragma once
#include "base/dtype.h"
#include "ptx/tensor_map.h"
#include "runtime/device.h"

namespace intarsia::runtime {

// The elements of a tensor map for elements of a dtype: f8 and bool are bytes, i16 and i8 are taken as
// unsigned. UserError for dtypes of less than a byte.
ptx::TensorMapType tensor_map_type(DType dtype);

// The 128 bytes a kernel on `device` gets, by value or in memory at a multiple of 64. `spec.data` is an
// address of the device. UserError names the rule that the description breaks; Unsupported where the GPU or
// its driver has no tensor maps (they need sm_90 and CUDA 12).
ptx::TensorMap encode_tensor_map(const Device& device, const ptx::TensorMapSpec& spec);

}  // namespace intarsia::runtime
