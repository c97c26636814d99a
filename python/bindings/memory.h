// Memory of arrays that others own: NumPy, PyTorch, anything with DLPack or the buffer protocol.
#pragma once
#include <nanobind/nanobind.h>

#include <cstdint>
#include <vector>

#include "base/dtype.h"

namespace intarsia::python {

struct Memory {
  void* data = nullptr;
  DType dtype{};
  std::vector<std::int64_t> shape, strides;  // in elements
  int device_type = 1, device_id = 0;        // as DLPack numbers them: 1 the CPU, 2 CUDA
  bool read_only = false;
  nanobind::object owner;  // keeps the memory alive

  std::int64_t numel() const;
  bool is_contiguous() const;
};

// UserError: no array, or of a dtype we do not have.
Memory memory_of(nanobind::handle array);

// An object with __dlpack__ over memory that `owner` keeps alive. No strides: row-major, contiguous.
nanobind::object dlpack_of(void* data, DType dtype, const std::vector<std::int64_t>& shape,
                           const std::vector<std::int64_t>& strides, int device_type, int device_id,
                           nanobind::handle owner);

}  // namespace intarsia::python
