#include "plugins/foreign_code.h"

#include <fmt/format.h>

#include <charconv>

#include "base/error.h"
#include "ptx/launch.h"

namespace intarsia::plugins {
namespace {

using runtime::Image;

struct Architecture {  // of "sm_90a": 90, 'a'
  int number = 0;
  char suffix = 0;
};
Architecture architecture(std::string_view target) {
  Architecture out;
  for (std::string_view prefix : {"sm_", "compute_"})
    if (target.starts_with(prefix)) {
      target.remove_prefix(prefix.size());
      const auto [end, error] = std::from_chars(target.data(), target.data() + target.size(), out.number);
      if (error == std::errc() && end != target.data() + target.size()) out.suffix = *end;
      return out;
    }
  return out;
}

// Whether PTX of `made_for` runs on `device`; a number without a suffix is a minimum, one with a suffix
// exact.
bool runs_on(std::string_view made_for, std::string_view device) {
  const Architecture code = architecture(made_for), machine = architecture(device);
  if (code.number == 0 || machine.number == 0) return true;
  return code.suffix == 0 ? code.number <= machine.number
                          : code.number == machine.number && code.suffix == machine.suffix;
}

void check_version(const BuildContext& context, const ptx::Module& module) {
  const int known = context.machine.ptx_version, made = module.version_major * 10 + module.version_minor;
  if (context.machine.cpu || known == 0 || made <= known) return;
  throw UserError(
      fmt::format("{}: its PTX is of ISA {}.{}, but the device's driver knows up to {}.{}; ask the compiler "
                  "of the PTX for "
                  "{}.{} (Triton: ptx_version={}), or install a newer driver",
                  context.who, module.version_major, module.version_minor, known / 10, known % 10, known / 10,
                  known % 10, known));
}

ForeignCode from_ptx(const BuildContext& context, const std::string& text, const std::string& entry) {
  ForeignCode out;
  try {
    auto module = std::make_shared<ptx::Module>(ptx::parse(text, "its PTX"));
    out.entry = &module->entry(entry);
    if (context.machine.cpu)
      static_cast<void>(ptx::Program(*module, entry));  // the interpreter knows every word of it
    out.module = std::move(module);
  } catch (const UserError& e) { throw UserError(fmt::format("{}: {}", context.who, e.what())); }
  check_version(context, *out.module);
  if (!context.machine.cpu && !runs_on(out.module->target, context.target))
    throw Unsupported(fmt::format("{}: its PTX is for {}, the device is {}", context.who, out.module->target,
                                  context.target));
  out.code.entry = out.entry->name;
  out.code.images.push_back({Image::Form::kPtx, out.module->target, text, 1});
  return out;
}

ForeignCode from_binary(const BuildContext& context, const Binary& binary, const std::string& entry) {
  if (context.machine.cpu)
    throw Unsupported(context.who + ": its code is a cubin, which runs on a GPU alone");
  ForeignCode out;
  out.code.entry = entry;
  const bool cubin = binary.bytes.starts_with(
      "\x7f"
      "ELF");
  out.code.images.push_back({cubin ? Image::Form::kCubin : Image::Form::kFatbin,
                             cubin ? std::string(context.target) : "", binary.bytes, 1});
  return out;
}

ForeignCode from_cuda(const BuildContext& context, const CudaSource& source, const std::string& entry) {
  if (!context.cuda_compiler)
    throw Unsupported(context.who + ": its code is CUDA C++, and this process has no compiler for it");
  const std::string names[] = {entry};
  CudaModule module;
  try {
    module = context.cuda_compiler(source, names, context.target,
                                   context.machine.cpu ? 0 : context.machine.ptx_version);
  } catch (const Unsupported&) { throw; } catch (const UserError& e) {
    const bool is_cuda = source.text.find("__global__") != std::string::npos;
    throw UserError(fmt::format("{}: {}{}", context.who,
                                is_cuda
                                    ? ""
                                    : "its code begins neither as PTX does (.version) nor as a cubin, so it "
                                      "was taken for CUDA C++: ",
                                e.what()));
  }
  return from_ptx(context, module.ptx, module.entries.empty() ? entry : module.entries[0]);
}

}  // namespace

ForeignCode foreign_code(const BuildContext& context, const LaunchStep& launch) {
  std::string reasons;
  for (const CodeForm& form : launch.codes) {
    try {
      if (const auto* p = std::get_if<PtxText>(&form)) return from_ptx(context, p->text, launch.entry);
      if (const auto* b = std::get_if<Binary>(&form)) return from_binary(context, *b, launch.entry);
      if (const auto* c = std::get_if<CudaSource>(&form)) return from_cuda(context, *c, launch.entry);
    } catch (const Unsupported& e) { reasons += (reasons.empty() ? "" : "\n") + std::string(e.what()); }
  }
  if (reasons.empty())
    throw UserError(fmt::format("{}: the launch of '{}' has no code", context.who, launch.entry));
  throw Unsupported(reasons);
}

void check_launch(const BuildContext& context, const std::string& entry, const KernelLaunchParams& p) {
  constexpr std::int64_t kMaxGridX = 2147483647, kMaxGridYZ = 65535;
  const Dim grid[] = {p.grid_x, p.grid_y, p.grid_z};
  for (int i = 0; i < 3; ++i) {
    const Interval at = grid[i].bounds();
    const std::int64_t most = i == 0 ? kMaxGridX : kMaxGridYZ;
    if (at.max < 0)
      throw UserError(fmt::format("{}: grid_{} of '{}' is {}, which is negative", context.who, "xyz"[i],
                                  entry, grid[i].str()));
    if (at.min > most)
      throw UserError(fmt::format("{}: grid_{} of '{}' is {}; at most {} are possible", context.who, "xyz"[i],
                                  entry, grid[i].str(), most));
  }
  const std::int64_t shared = p.shared_mem.bounds().min;
  if (!context.machine.cpu && context.machine.shared_bytes > 0 && shared > context.machine.shared_bytes)
    throw UserError(fmt::format("{}: '{}' asks for {} bytes of shared memory, the device has {} per block",
                                context.who, entry, p.shared_mem.str(), context.machine.shared_bytes));
}

}  // namespace intarsia::plugins
