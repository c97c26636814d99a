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
  explicit NativeKernel(const kernel::Kernel& kernel);

  // `places`: one per parameter, as docs/kernel-ir.md has them. Empty grids run nothing.
  void launch(std::span<const std::uint64_t> places, const std::array<std::int64_t, 3>& grid) const;

 private:
  runtime::CpuImage image_;
  runtime::CpuImage::Entry entry_;
  std::size_t places_;
};

}  // namespace intarsia::python
