#include "compiler/target.h"

#include <unistd.h>

#include <algorithm>
#include <thread>

#include "base/error.h"

namespace intarsia::compiler {
namespace {

struct Row {
  std::string_view name;
  kernel::Capabilities machine;
};

constexpr kernel::Capabilities gpu(std::int64_t shared_kib, std::int64_t l2_mib,
                                   std::int32_t multiprocessors) {
  kernel::Capabilities c;
  c.cpu = false;
  c.vector_bytes = 16;
  c.threads_per_program = 128;
  c.shared_bytes = shared_kib << 10;
  c.l2_bytes = l2_mib << 20;
  c.multiprocessors = multiprocessors;
  c.registers_per_thread = 255;
  c.async_copy = true;
  return c;
}
constexpr kernel::Capabilities hopper(std::int64_t l2_mib, std::int32_t multiprocessors, bool async_dot) {
  kernel::Capabilities c = gpu(227, l2_mib, multiprocessors);
  c.tensor_map = c.clusters = true;
  c.async_dot = async_dot;
  return c;
}
constexpr kernel::Capabilities cpu(std::int32_t vector_bytes, std::int64_t l2_mib) {
  kernel::Capabilities c;
  c.vector_bytes = vector_bytes;
  c.l2_bytes = l2_mib << 20;
  return c;
}

// Shared memory from NVIDIA's CUDA programming guide, "Compute capabilities"; the rest of the boards that are
// meant: A100, RTX 3090, RTX 4090, H100, B200.
// What PTX their drivers know is not known before one is there.
constexpr Row kRows[] = {
    {"x86-64-v2", cpu(16, 1)},         {"x86-64-v3", cpu(32, 1)},         {"x86-64-v4", cpu(64, 2)},
    {"sm_80", gpu(163, 40, 108)},      {"sm_86", gpu(99, 6, 82)},         {"sm_89", gpu(99, 72, 128)},
    {"sm_90", hopper(50, 132, false)}, {"sm_90a", hopper(50, 132, true)}, {"sm_100", hopper(126, 148, false)},
};

std::string_view cpu_level() {
  __builtin_cpu_init();
  if (__builtin_cpu_supports("x86-64-v4")) return "x86-64-v4";
  if (__builtin_cpu_supports("x86-64-v3")) return "x86-64-v3";
  return "x86-64-v2";
}
}  // namespace

std::optional<Target> described_target(std::string_view name) {
  for (const Row& row : kRows)
    if (row.name == name) return Target{std::string(name), row.machine};
  return std::nullopt;
}

std::vector<std::string> described_targets() {
  std::vector<std::string> names;
  for (const Row& row : kRows) names.emplace_back(row.name);
  return names;
}

Target host_target() {
  Target target = *described_target(cpu_level());
  const long l2 = sysconf(_SC_LEVEL2_CACHE_SIZE);
  if (l2 > 0) target.machine.l2_bytes = l2;
  target.machine.multiprocessors =
      static_cast<std::int32_t>(std::max(1u, std::thread::hardware_concurrency()));
  return target;
}

Target target_of(const runtime::Device& device) {
  if (device.kind() == runtime::Device::Kind::kCpu) return host_target();
  const std::string& name = device.target();
  auto target = described_target(name);
  if (!target && name.ends_with('a')) target = described_target(name.substr(0, name.size() - 1));
  if (!target) target = described_target("sm_90");  // a newer GPU has at least this
  target->name = name;
  target->machine.shared_bytes = device.limits().shared_bytes;
  if (device.limits().ptx_version != 0) target->machine.ptx_version = device.limits().ptx_version;
  return *target;
}

}  // namespace intarsia::compiler
