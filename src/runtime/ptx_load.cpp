// intarsia/ptx.h: PTX for those who have nothing but it. Here, because launches use the host's threads.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <fstream>
#include <iterator>
#include <map>
#include <mutex>

#include "base/error.h"
#include "intarsia/ptx.h"
#include "runtime/cpu_device.h"
#include "runtime/host.h"

namespace intarsia::ptx {
namespace {

void over_host(std::int64_t count, const std::function<void(std::int64_t)>& body) {
  runtime::parallel_for(runtime::cpu_device().host(), count, 1, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t i = first; i < last; ++i) body(i);
  });
}

}  // namespace

struct LoadedModule::State {
  std::vector<Module> modules;
  int architecture = 90;
  std::mutex mutex;
  std::map<std::string, Program, std::less<>> programs;  // made when they are asked for
};

Argument Argument::memory(const void* data, std::int64_t bytes, bool writable, bool initialised) {
  Argument out(nullptr);
  out.memory_ = data;
  out.memory_bytes_ = bytes;
  out.writable_ = writable;
  out.initialised_ = initialised;
  return out;
}

Argument Argument::bytes(std::span<const std::byte> value) {
  Argument out(nullptr);
  out.is_memory_ = false;
  out.value_.assign(value.begin(), value.end());
  return out;
}

Argument Argument::tensor_map(const TensorMapSpec& spec, std::int64_t bytes, bool writable) {
  const TensorMap map = encode_tensor_map(spec);
  Argument out = Argument::bytes(map.bytes);
  out.memory_ = spec.data;
  out.memory_bytes_ = bytes;
  out.writable_ = writable;
  return out;
}

LaunchResult Kernel::launch(LaunchConfig config, std::span<const Argument> arguments) const {
  const std::vector<Parameter> declared = parameters();
  std::vector<ArgumentValue> values;
  std::vector<Buffer> buffers;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const Argument& a = arguments[i];
    values.push_back({a.data(), a.size()});
    if (!a.has_buffer()) continue;
    const bool known = i < declared.size();
    if (known && a.is_memory() && declared[i].bytes != 8)
      throw UserError(fmt::format("kernel {}: parameter {} ('{}') is a value of {} bytes; memory is given",
                                  name(), i, declared[i].name, declared[i].bytes));
    buffers.push_back(a.buffer(known ? declared[i].name : fmt::format("argument {}", i)));
  }
  if (!config.buffers) config.buffers = buffers;
  if (!config.parallel_for) config.parallel_for = over_host;
  return run(program_, config, values);
}

std::vector<std::string> LoadedModule::entries() const {
  std::vector<std::string> out;
  for (const Module& m : state_->modules)
    for (const Entry* e : m.entries()) out.push_back(e->name);
  return out;
}

Kernel LoadedModule::operator[](std::string_view entry) const {
  const std::vector<std::string> all = entries();
  if (entry.empty() && all.size() == 1) entry = all.front();
  for (const Module& m : state_->modules)
    for (const Entry* e : m.entries()) {
      if (e->name != entry) continue;
      const std::scoped_lock lock(state_->mutex);
      if (const auto known = state_->programs.find(entry); known != state_->programs.end())
        return Kernel(known->second);
      // Any program of the same text has the memory of its variables.
      const Program* sibling = nullptr;
      for (const auto& [name, program] : state_->programs)
        if (m.find(name) != nullptr) sibling = &program;
      Program made = sibling != nullptr ? Program(m, entry, *sibling) : Program(m, entry);
      return Kernel(state_->programs.emplace(entry, std::move(made)).first->second);
    }
  throw UserError(fmt::format("{} has no entry '{}'; it has {}", state_->modules.front().source, entry,
                              all.empty() ? "none" : fmt::format("{}", fmt::join(all, ", "))));
}

const std::vector<Module>& LoadedModule::modules() const { return state_->modules; }
int LoadedModule::architecture() const { return state_->architecture; }

LoadedModule load(std::string_view bytes, const LoadOptions& options) {
  auto state = std::make_shared<LoadedModule::State>();
  state->architecture = device_of(options.architecture).architecture;
  for (const std::string& text : ptx_texts(bytes, options.architecture, options.source))
    state->modules.push_back(parse(text, options.source));
  return LoadedModule(std::move(state));
}

LoadedModule load_file(const std::string& path, int architecture) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw UserError(fmt::format("{} cannot be read", path));
  const std::string bytes{std::istreambuf_iterator<char>(in), {}};
  return load(bytes, {path, architecture});
}

}  // namespace intarsia::ptx
