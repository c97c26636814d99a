// A kernel compiled for this machine, and its launch over the host's parallel loop.
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "kernel/kernel.h"
#include "runtime/cpu_image.h"
#include "runtime/device.h"

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

// A kernel compiled for a CUDA device and loaded there. Launches go to the device's default stream.
class CudaKernel {
 public:
  CudaKernel(kernel::Kernel kernel, int ordinal, int warps);
  void launch(std::span<const std::uint64_t> places, const std::array<std::int64_t, 3>& grid) const;

 private:
  runtime::Device* device_;
  runtime::LoadedCodeRef code_;
  std::string name_;
  std::int64_t threads_;
  std::vector<std::uint32_t> sizes_;  // of each parameter, in bytes
};

}  // namespace intarsia::python
