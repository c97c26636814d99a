#include "runtime/ptx_code.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <vector>

#include "runtime/host.h"

namespace intarsia::runtime {
namespace {

int architecture_of(const std::string& target) {  // "sm_90a"
  int number = 0;
  const std::size_t digits = target.find_first_of("0123456789");
  if (digits != std::string::npos)
    std::from_chars(target.data() + digits, target.data() + target.size(), number);
  return number > 0 ? number : 90;
}

std::array<std::uint32_t, 3> narrow(const std::array<std::int64_t, 3>& extents, std::string_view step,
                                    const char* what) {
  std::array<std::uint32_t, 3> out{};
  for (std::size_t i = 0; i < 3; ++i) {
    const std::int64_t limit = i == 0 ? INT32_MAX : 65535;  // of every device so far
    if (extents[i] > limit)
      throw UserError(
          fmt::format("{}: {} extent {} is {}, at most {} are possible", step, what, i, extents[i], limit));
    out[i] = static_cast<std::uint32_t>(extents[i]);
  }
  return out;
}

// Whether the kernel is right is asked in full by plugin tests; here only what costs little and guards
// memory.
ptx::Checks launch_checks() {
  ptx::Checks checks;
  checks.uninitialised = checks.races = false;
  return checks;
}
}  // namespace

PtxCode::PtxCode(ptx::Program program, bool contract)
    : program_(std::move(program)),
      contract_(contract),
      architecture_(architecture_of(program_.module().target)) {}

void check_cpu_for_ptx(CpuLevel level) {
  if (level < CpuLevel::kV3)
    throw Unsupported(fmt::format("PTX runs on CPUs with AVX2 and FMA, which is x86-64-v3; this one is {}",
                                  level == CpuLevel::kV2 ? name(level) : "older than x86-64-v2"));
}

std::shared_ptr<const PtxCode> load_ptx(const Program& program, const Code& code, const Image& image) {
  check_cpu_for_ptx(host_cpu_level());
  ptx::Module module = ptx::parse(program.data_of(image), code.entry + ".ptx");
  return std::make_shared<const PtxCode>(ptx::Program(std::move(module), code.entry), image.contract != 0);
}

void PtxCode::run(const LaunchRequest& request, const intarsia_host& host) const {
  ptx::LaunchConfig config;
  config.grid = narrow(request.geometry.grid, request.name, "grid");
  config.block = narrow(request.geometry.block, request.name, "block");
  config.cluster = narrow(request.geometry.cluster, request.name, "cluster");
  config.shared_bytes = request.geometry.shared_bytes;
  config.device.architecture = architecture_;
  config.checks = launch_checks();
  config.contraction = contract_;
  config.parallel_for = [&](std::int64_t count, const std::function<void(std::int64_t)>& body) {
    parallel_for(host, count, 1, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t i = first; i < last; ++i) body(i);
    });
  };
  std::vector<ptx::Buffer> buffers;
  for (const BufferUse& use : request.buffers)
    buffers.push_back({use.address, use.bytes, use.access != Access::kRead, ""});
  config.buffers = buffers;
  std::vector<ptx::ArgumentValue> arguments;
  for (std::size_t i = 0; i < request.sizes.size(); ++i) {
    const bool by_value = request.sizes[i] > 8;
    arguments.push_back(
        {by_value ? reinterpret_cast<const void*>(request.places[i]) : &request.places[i], request.sizes[i]});
  }
  const ptx::LaunchResult result = ptx::run(program_, config, arguments);
  if (!result.printed.empty()) std::fwrite(result.printed.data(), 1, result.printed.size(), stdout);
  try {
    result.require_clean();
  } catch (const UserError& error) { throw UserError(fmt::format("{}: {}", request.name, error.what())); }
}

}  // namespace intarsia::runtime
