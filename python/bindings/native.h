// A kernel compiled for this machine, and its launch over the host's parallel loop.
#pragma once
#include <array>
#include <cstdint>
#include <span>

#include "kernel/kernel.h"
#include "runtime/cpu_image.h"

namespace intarsia::python {

class NativeKernel {
 public:
  // For grids of one axis alone (`is_line`), which saves finding out each program's place, or for any.
  NativeKernel(kernel::Kernel kernel, bool is_line);

  // `places`: one per parameter, as docs/kernel-ir.md has them. Empty grids run nothing.
  void launch(std::span<const std::uint64_t> places, const std::array<std::int64_t, 3>& grid) const;

 private:
  runtime::CpuImage image_;
  runtime::CpuImage::Entry entry_;
};

}  // namespace intarsia::python
