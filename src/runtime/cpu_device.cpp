#include "runtime/cpu_device.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <mutex>

#include "runtime/cpu_image.h"
#include "runtime/host.h"
#include "runtime/ptx_code.h"

namespace intarsia::runtime {
namespace {

// A launch that touches less than this runs on the calling thread: waking another one would cost more.
constexpr std::int64_t kInlineBytes = 128 << 10;
constexpr std::int64_t kPartBytes = 64 << 10;  // of one part of a parallel loop, at least

class MachineCode final : public CpuCode {
 public:
  MachineCode(CpuFunction function, std::shared_ptr<const void> image)
      : function_(function), image_(std::move(image)) {}

  void run(const LaunchRequest& request, const intarsia_host& host) const override {
    const auto& grid = request.geometry.grid;
    std::copy(grid.begin(), grid.end(), request.places.end() - 3);
    const std::int64_t programs = grid[0] * grid[1] * grid[2];
    std::int64_t bytes = 0;
    for (const BufferUse& use : request.buffers) bytes += use.bytes;
    const std::uint64_t* places = request.places.data();
    if (programs == 1 || bytes <= kInlineBytes) return function_(places, 0, programs);
    const std::int64_t parts = std::max<std::int64_t>(bytes / kPartBytes, 1);
    const auto body = [&](std::int64_t first, std::int64_t last) { function_(places, first, last); };
    parallel_for(host, programs, std::max<std::int64_t>(programs / parts, 1), body);
  }

 private:
  CpuFunction function_;
  std::shared_ptr<const void> image_;  // keeps it mapped
};

std::string forms_of(const Code& code) {
  std::string out;
  for (const Image& image : code.images)
    out += (out.empty() ? "" : ", ") + std::string(name(image.form)) +
           (image.target.empty() ? "" : " for " + image.target);
  return out.empty() ? "none" : out;
}

// "library:version:name", or "name" alone where the process gave an entry of that name.
CpuFunction symbol_named(const std::map<std::string, CpuFunction>& symbols, const std::string& text) {
  if (const auto at = symbols.find(text); at != symbols.end()) return at->second;
  const std::size_t first = text.find(':'), last = text.rfind(':');
  if (first == std::string::npos || first == last)
    throw UserError(
        fmt::format("'{}' is no symbol of this process, and does not read library:version:name", text));
  void* library = dlopen(text.substr(0, first).c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) throw UserError(fmt::format("cannot load the library of '{}': {}", text, dlerror()));
  void* symbol = dlsym(library, text.c_str() + last + 1);
  if (!symbol)
    throw UserError(
        fmt::format("library {} has no function {}", text.substr(0, first), text.substr(last + 1)));
  return reinterpret_cast<CpuFunction>(symbol);
}

Limits cpu_limits() {
  constexpr std::int64_t kMany = INT64_MAX;
  return {{kMany, kMany, kMany}, {1024, 1024, 64}, 1024, 227 << 10};
}
}  // namespace

CpuDevice::CpuDevice(const intarsia_host& host, std::map<std::string, CpuFunction> symbols)
    : Device(Kind::kCpu, 0, "cpu", "x86-64", cpu_limits()),
      host_(complete(host)),
      symbols_(std::move(symbols)) {}

void* CpuDevice::allocate(std::size_t bytes, Stream) {
  void* memory = host_.alloc(host_.user, std::max<std::size_t>(bytes, 1));
  if (!memory) throw UserError(fmt::format("out of memory: the host has no {} bytes for a tensor", bytes));
  return memory;
}

void CpuDevice::free(void* memory, std::size_t bytes, Stream) noexcept {
  host_.free(host_.user, memory, std::max<std::size_t>(bytes, 1));
}

void CpuDevice::copy(void* to, const void* from, std::size_t bytes, Stream) {
  if (bytes) std::memcpy(to, from, bytes);
}

void CpuDevice::copy_rows(void* to, std::int64_t to_pitch, const void* from, std::int64_t from_pitch,
                          std::int64_t bytes, std::int64_t rows, Stream) {
  for (std::int64_t r = 0; r < rows; ++r)
    std::memcpy(static_cast<char*>(to) + r * to_pitch, static_cast<const char*>(from) + r * from_pitch,
                static_cast<std::size_t>(bytes));
}

void CpuDevice::memset(void* to, std::uint32_t pattern, int width, std::size_t bytes, Stream) {
  auto* at = static_cast<char*>(to);
  if (width == 1) {
    std::memset(at, static_cast<int>(pattern & 255), bytes);
    return;
  }
  for (std::size_t i = 0; i < bytes; i += static_cast<std::size_t>(width))
    std::memcpy(at + i, &pattern, std::min(bytes - i, static_cast<std::size_t>(width)));
}

// Loads the codes of one program; an image that several codes share is mapped once.
class CpuDevice::Loader {
 public:
  Loader(const CpuDevice& device, const Program& program) : device_(device), program_(program) {}

  LoadedCodeRef load(const Code& code) {
    for (const Image::Form form : {Image::Form::kX86, Image::Form::kSymbol, Image::Form::kPtx})
      for (const Image& image : code.images)
        if (image.form == form) return load(code, image);
    throw Unsupported(
        fmt::format("the CPU cannot run '{}': its images are {}; wanted an x86-64 image, PTX or a symbol",
                    code.entry, forms_of(code)));
  }

 private:
  LoadedCodeRef load(const Code& code, const Image& image) {
    const std::string& data = program_.data_of(image);
    if (image.form == Image::Form::kSymbol)
      return std::make_shared<MachineCode>(symbol_named(device_.symbols_, data), nullptr);
    if (image.form == Image::Form::kPtx) return load_ptx(program_, code, image);
    std::shared_ptr<const CpuImage>& mapped = images_[data.data()];
    if (!mapped) mapped = std::make_shared<const CpuImage>(CpuImage::load(data));
    return std::make_shared<MachineCode>(mapped->entry(code.entry), mapped);
  }

  const CpuDevice& device_;
  const Program& program_;
  std::map<const char*, std::shared_ptr<const CpuImage>> images_;
};

std::vector<LoadedCodeRef> CpuDevice::load(const Program& program) {
  std::vector<LoadedCodeRef> loaded;
  Loader loader(*this, program);
  for (const Code& code : program.codes) loaded.push_back(loader.load(code));
  return loaded;
}

void CpuDevice::launch(const LaunchRequest& request, Stream) {
  const auto* code = dynamic_cast<const CpuCode*>(&request.code);
  check(code != nullptr, "the code was loaded by another device");
  code->run(request, host_);
}

namespace {
// The host that the process's CPU uses: may be given until it is asked for.
class ProcessHost {
 public:
  bool give(const intarsia_host& host) {
    const std::scoped_lock lock(mutex_);
    if (used_) return false;
    host_ = host;
    return true;
  }
  intarsia_host use() {
    const std::scoped_lock lock(mutex_);
    used_ = true;
    return host_;
  }
  static ProcessHost& instance() {
    static ProcessHost host;
    return host;
  }

 private:
  std::mutex mutex_;
  intarsia_host host_ = default_host();
  bool used_ = false;
};
}  // namespace

CpuDevice& cpu_device() {
  static CpuDevice* const device = new CpuDevice(ProcessHost::instance().use());
  return *device;
}

bool give_host(const intarsia_host& host) { return ProcessHost::instance().give(host); }

}  // namespace intarsia::runtime

int intarsia_set_host(const intarsia_host* host) {
  // A caller that was built with an earlier header gives fewer functions.
  intarsia_host whole{};
  if (host) std::memcpy(&whole, host, std::min(host->size, sizeof whole));
  return intarsia::runtime::give_host(whole) ? 0 : 1;
}
