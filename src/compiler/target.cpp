#include "compiler/target.h"

#include <unistd.h>

#include <algorithm>
#include <thread>

#include "base/error.h"
#include "target/nvptx/facts.h"

namespace intarsia::compiler {
namespace {

kernel::Capabilities gpu(const target::nvptx::Facts& facts) {
  kernel::Capabilities c;
  c.cpu = false;
  c.vector_bytes = 16;
  c.threads_per_program = 128;
  c.shared_bytes = facts.shared_kib << 10;
  c.l2_bytes = facts.l2_mib << 20;
  c.multiprocessors = facts.multiprocessors;
  c.registers_per_thread = 255;
  c.async_copy = facts.small_float_arithmetic;
  c.tensor_map = c.clusters = facts.clusters;
  c.async_dot = facts.async_dot;
  return c;
}

struct CpuRow {
  std::string_view name;
  std::int32_t vector_bytes;
  std::int64_t l2_mib;
};
constexpr CpuRow kCpus[] = {{"x86-64-v2", 16, 1}, {"x86-64-v3", 32, 1}, {"x86-64-v4", 64, 2}};

kernel::Capabilities cpu(const CpuRow& row) {
  kernel::Capabilities c;
  c.vector_bytes = row.vector_bytes;
  c.l2_bytes = row.l2_mib << 20;
  return c;
}

std::string_view cpu_level() {
  __builtin_cpu_init();
  if (__builtin_cpu_supports("x86-64-v4")) return "x86-64-v4";
  if (__builtin_cpu_supports("x86-64-v3")) return "x86-64-v3";
  return "x86-64-v2";
}
}  // namespace

std::optional<Target> described_target(std::string_view name) {
  for (const CpuRow& row : kCpus)
    if (row.name == name) return Target{std::string(name), cpu(row)};
  // What PTX the driver of a machine knows is not known before one is there.
  if (const target::nvptx::Facts* facts = target::nvptx::find_facts(name))
    return Target{std::string(name), gpu(*facts)};
  return std::nullopt;
}

std::vector<std::string> described_targets() {
  std::vector<std::string> names;
  for (const CpuRow& row : kCpus) names.emplace_back(row.name);
  for (const target::nvptx::Facts& facts : target::nvptx::kFacts) names.emplace_back(facts.name);
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
