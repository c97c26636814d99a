#include "native.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.h"
#include "compiler/target.h"
#include "intarsia/intarsia.h"
#include "runtime/cpu_device.h"
#include "runtime/host.h"
#include "target/cpu/compile.h"
#include "target/nvptx/compile.h"

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

CudaKernel::CudaKernel(kernel::Kernel kernel, int ordinal, int warps)
    : device_(&Device::named("cuda:" + std::to_string(ordinal)).get()),
      name_(kernel.name),
      threads_(32 * warps) {
  kernel.warps = warps;
  const compiler::Target target = compiler::target_of(*device_);
  runtime::Program program;
  program.target = target.name;
  runtime::Code code;
  code.entry = kernel.name;
  code.images.push_back({.form = runtime::Image::Form::kPtx,
                         .target = target.name,
                         .data = target::compile_ptx(kernel, {.architecture = target.name})});
  runtime::Launch launch;
  launch.code = program.add(std::move(code)), launch.grid = {program.dim(1)},
  launch.block = {program.dim(threads_)};
  runtime::Step step;
  step.name = kernel.name, step.body = std::move(launch);
  program.steps.push_back(std::move(step));
  code_ = device_->load(program).at(0);
  for (const kernel::Slot& slot : kernel::parameter_list(kernel))
    sizes_.push_back(slot.kind == kernel::Slot::Kind::kAddress
                         ? 8
                         : static_cast<std::uint32_t>(std::max(1, bits(slot.dtype) / 8)));
}

void CudaKernel::launch(std::span<const std::uint64_t> places,
                        const std::array<std::int64_t, 3>& grid) const {
  if (grid[0] * grid[1] * grid[2] == 0) return;
  for (std::size_t axis = 0; axis < 3; ++axis)
    if (grid[axis] > device_->limits().grid[axis])
      throw UserError(fmt::format("the grid of {} has the extent {} on axis {}; {} takes at most {}", name_,
                                  grid[axis], axis, device_->name(), device_->limits().grid[axis]));
  std::vector<std::uint64_t> arguments(places.begin(), places.end());
  arguments.resize(arguments.size() + 3);
  const runtime::Geometry geometry{.grid = grid, .block = {threads_, 1, 1}};
  device_->launch({.code = *code_,
                   .name = name_,
                   .geometry = geometry,
                   .places = arguments,
                   .sizes = sizes_,
                   .buffers = {}},
                  nullptr);
}

}  // namespace intarsia::python
