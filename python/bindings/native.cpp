#include "native.h"

#include <algorithm>

#include "base/error.h"
#include "runtime/cpu_device.h"
#include "runtime/host.h"
#include "target/cpu/compile.h"

namespace intarsia::python {

namespace {

runtime::CpuImage compiled(kernel::Kernel& kernel, bool is_line) {
  kernel.grid = {Dim::symbol("grid_x"), 1, 1};
  if (!is_line) kernel.grid[1] = Dim::symbol("grid_y"), kernel.grid[2] = Dim::symbol("grid_z");
  return runtime::CpuImage::load(target::compile_cpu(std::span(&kernel, 1), {.level = target::host_level()}));
}

}  // namespace

NativeKernel::NativeKernel(kernel::Kernel kernel, bool is_line)
    : image_(compiled(kernel, is_line)), entry_(image_.entry(kernel.name)) {
  check(kernel::parameter_list(kernel).size() == kernel.params.size(),
        "a kernel made from Python has one machine argument per parameter");
}

void NativeKernel::launch(std::span<const std::uint64_t> places,
                          const std::array<std::int64_t, 3>& grid) const {
  std::vector<std::uint64_t> arguments(places.begin(), places.end());
  for (std::int64_t extent : grid) arguments.push_back(static_cast<std::uint64_t>(extent));
  const std::int64_t programs = grid[0] * grid[1] * grid[2];
  if (programs == 0) return;
  const std::int64_t grain = std::max<std::int64_t>(1, programs / 64);
  runtime::parallel_for(
      runtime::cpu_device().host(), programs, grain,
      [&](std::int64_t first, std::int64_t last) { entry_(arguments.data(), first, last); });
}

}  // namespace intarsia::python
