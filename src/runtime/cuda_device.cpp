#include "runtime/cuda_device.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <mutex>

#include "base/error.h"

namespace intarsia::runtime {
namespace {

using cuda::Driver, cuda::StreamHandle;

StreamHandle handle(Stream stream) { return static_cast<StreamHandle>(stream); }
cuda::Address address(const void* memory) { return reinterpret_cast<cuda::Address>(memory); }

class CudaEvent final : public Event {
 public:
  explicit CudaEvent(const Driver& driver) : driver_(driver) {
    driver_.check(driver_.event_create(&handle_, cuda::kEventDisableTiming), "making an event");
  }
  ~CudaEvent() override { driver_.event_destroy(handle_); }
  cuda::EventHandle get() const { return handle_; }

 private:
  const Driver& driver_;
  cuda::EventHandle handle_ = nullptr;
};

struct CudaCode final : LoadedCode {
  explicit CudaCode(const Driver& d) : driver(d) {}
  ~CudaCode() override {
    if (module != nullptr) driver.module_unload(module);
  }
  const Driver& driver;
  cuda::Module module = nullptr;
  cuda::Function function = nullptr;
};

std::string form_name(Image::Form form) {
  constexpr const char* kNames[] = {"?",      "x86-64 image", "cubin",       "fatbin", "PTX",
                                    "symbol", "CUDA source",  "kernel text", "kernel"};
  return kNames[static_cast<int>(form)];
}

// "sm_90a" is 90, specific; "compute_80" is 80.
int architecture(const std::string& target, bool& specific) {
  const std::size_t digits = target.find_first_of("0123456789");
  if (digits == std::string::npos) return 0;
  int value = 0;
  std::from_chars(target.data() + digits, target.data() + target.size(), value);
  specific = !target.empty() && (target.back() == 'a' || target.back() == 'f');
  return value;
}

// The .version of PTX text: "8.3".
std::string ptx_version(const std::string& text) {
  const std::size_t at = text.find(".version");
  if (at == std::string::npos) return "?";
  const std::size_t from = text.find_first_not_of(" \t", at + 8), to = text.find_first_of(" \t\r\n", from);
  return text.substr(from, to - from);
}

// NVIDIA's table "PTX ISA release history": CUDA 11.x knows 7.x; 12.0 to 12.5 know 8.0 to 8.5, then it lags
// by one; 13.x knows 9.x.
int newest_ptx(int driver_version) {
  const int major = driver_version / 1000, minor = driver_version % 1000 / 10;
  if (major >= 13) return 90 + 10 * (major - 13) + minor;
  if (major == 12) return 80 + (minor <= 5 ? minor : minor - 1);
  return major == 11 ? 70 + minor : 0;
}

}  // namespace

int suitability(Image::Form form, const std::string& target, int capability) {
  bool specific = false;
  const int made_for = architecture(target, specific);
  switch (form) {
    case Image::Form::kCubin:
      if (target.empty()) return 1;
      if (specific ? made_for != capability : made_for / 10 != capability / 10 || made_for > capability)
        return 0;
      return 10000 + made_for * 2 + specific;
    case Image::Form::kFatbin: return 5000;
    case Image::Form::kPtx:
      if (specific ? made_for != capability : made_for > capability) return 0;
      return 1000 + made_for * 2 + specific;
    default: return 0;
  }
}

CudaDevice::CudaDevice(const Driver& driver, int ordinal)
    : Device(Kind::kCuda, ordinal, "cuda:" + std::to_string(ordinal), "", {}), driver_(driver) {
  cuda::DeviceHandle device = 0;
  driver_.check(driver_.device_get(&device, ordinal), name());
  const auto attribute = [&](int which) {
    int value = 0;
    driver_.check(driver_.device_attribute(&value, which, device), name());
    return value;
  };
  char product[256] = {};
  driver_.check(driver_.device_name(product, sizeof product, device), name());
  product_ = product;
  capability_ = attribute(cuda::kComputeMajor) * 10 + attribute(cuda::kComputeMinor);
  multiprocessors_ = attribute(cuda::kMultiprocessors);
  l2_bytes_ = attribute(cuda::kL2Bytes);
  Limits limits;
  for (int a = 0; a < 3; ++a)
    limits.block[static_cast<std::size_t>(a)] = attribute(cuda::kMaxBlockX + a),
    limits.grid[static_cast<std::size_t>(a)] = attribute(cuda::kMaxGridX + a);
  limits.threads = attribute(cuda::kMaxThreadsPerBlock);
  limits.shared_bytes = attribute(cuda::kMaxSharedOptIn);
  limits.ptx_version = newest_ptx(driver_version());
  describe("sm_" + std::to_string(capability_) + (capability_ >= 90 ? "a" : ""), limits);
  driver_.check(driver_.retain_context(&context_, device), name());
  cuda::MemoryPool pool = nullptr;
  std::uint64_t keep_all = UINT64_MAX;  // freed memory stays for the next call
  if (driver_.default_pool(&pool, device) == 0)
    driver_.pool_set(pool, cuda::kPoolReleaseThreshold, &keep_all);
}

void CudaDevice::enter() const { driver_.check(driver_.set_context(context_), name()); }

void* CudaDevice::allocate(std::size_t bytes, Stream stream) {
  enter();
  cuda::Address memory = 0;
  const cuda::Result result = driver_.allocate(&memory, std::max<std::size_t>(bytes, 1), handle(stream));
  if (result == cuda::kOutOfMemory)
    throw UserError(fmt::format("out of memory: {} has no {} bytes for a tensor", name(), bytes));
  driver_.check(result, fmt::format("allocating {} bytes on {}", bytes, name()));
  return reinterpret_cast<void*>(memory);
}

void CudaDevice::free(void* memory, std::size_t, Stream stream) noexcept {
  if (driver_.set_context(context_) == 0) driver_.free(address(memory), handle(stream));
}

void CudaDevice::copy(void* to, const void* from, std::size_t bytes, Stream stream) {
  if (bytes == 0) return;
  enter();
  driver_.check(driver_.copy(address(to), address(from), bytes, handle(stream)),
                fmt::format("copying {} bytes on {}", bytes, name()));
}

void CudaDevice::copy_rows(void* to, std::int64_t to_pitch, const void* from, std::int64_t from_pitch,
                           std::int64_t bytes, std::int64_t rows, Stream stream) {
  if (bytes == 0 || rows == 0) return;
  enter();
  cuda::Copy2D copy{};
  copy.source_kind = copy.target_kind = cuda::kMemoryUnified;
  copy.source_device = address(from), copy.source_pitch = static_cast<std::size_t>(from_pitch);
  copy.target_device = address(to), copy.target_pitch = static_cast<std::size_t>(to_pitch);
  copy.width = static_cast<std::size_t>(bytes), copy.height = static_cast<std::size_t>(rows);
  driver_.check(driver_.copy_2d(&copy, handle(stream)), fmt::format("copying {} rows on {}", rows, name()));
}

void CudaDevice::memset(void* to, std::uint32_t pattern, int width, std::size_t bytes, Stream stream) {
  if (bytes == 0) return;
  enter();
  const std::size_t count = bytes / static_cast<std::size_t>(width);
  const auto set = [&] {
    switch (width) {
      case 1: return driver_.set_8(address(to), static_cast<unsigned char>(pattern), count, handle(stream));
      case 2: return driver_.set_16(address(to), static_cast<unsigned short>(pattern), count, handle(stream));
      default: return driver_.set_32(address(to), pattern, count, handle(stream));
    }
  };
  driver_.check(set(), "memset on " + name());
}

std::shared_ptr<Event> CudaDevice::record(Stream stream) {
  enter();
  auto event = std::make_shared<CudaEvent>(driver_);
  driver_.check(driver_.event_record(event->get(), handle(stream)), "recording an event on " + name());
  return event;
}

void CudaDevice::wait(Stream stream, const Event& event) {
  const auto* awaited = dynamic_cast<const CudaEvent*>(&event);
  if (awaited == nullptr) return;  // of a CPU: has happened
  enter();
  driver_.check(driver_.stream_wait(handle(stream), awaited->get(), 0), "waiting for an event on " + name());
}

void CudaDevice::synchronize(Stream stream) {
  enter();
  driver_.check(driver_.stream_synchronize(handle(stream)), "running on " + name());
}

std::vector<LoadedCodeRef> CudaDevice::load(const Program& program) {
  enter();
  std::vector<LoadedCodeRef> loaded;
  for (const Code& code : program.codes) loaded.push_back(load_code(program, code));
  return loaded;
}

LoadedCodeRef CudaDevice::load_code(const Program& program, const Code& code) {
  const Image* best = nullptr;
  std::string given;
  for (const Image& image : code.images) {
    given += (given.empty() ? "" : ", ") + form_name(image.form) +
             (image.target.empty() ? "" : " for " + image.target);
    if (suitability(image.form, image.target, capability_) >
        (best == nullptr ? 0 : suitability(best->form, best->target, capability_)))
      best = &image;
  }
  if (best == nullptr)
    throw Unsupported(
        fmt::format("{} ({}) cannot run '{}': its images are {}; wanted a cubin for it, or PTX for it or an "
                    "older architecture",
                    name(), target(), code.entry, given.empty() ? "none" : given));
  const std::string& data = program.data_of(*best);
  auto loaded = std::make_shared<CudaCode>(driver_);
  char log[8192] = {};
  int options[] = {cuda::kJitErrorLog, cuda::kJitErrorLogBytes};
  void* values[] = {log, reinterpret_cast<void*>(sizeof log)};
  const cuda::Result result = driver_.module_load(&loaded->module, data.c_str(), 2, options, values);
  if (result == cuda::kUnsupportedPtxVersion)
    throw Unsupported(
        fmt::format("'{}' is PTX {}, which the driver (CUDA {}.{}) does not know: ask its compiler for an "
                    "older PTX version",
                    code.entry, ptx_version(data), driver_.version / 1000, driver_.version % 1000 / 10));
  if (result != 0)
    throw UserError(fmt::format("{} does not load the {} of '{}': {}\n{}", name(), form_name(best->form),
                                code.entry, driver_.describe(result), log));
  driver_.check(driver_.module_function(&loaded->function, loaded->module, code.entry.c_str()),
                fmt::format("entry '{}'", code.entry));
  return loaded;
}

void CudaDevice::launch(const LaunchRequest& request, Stream stream) {
  enter();
  const auto* code = dynamic_cast<const CudaCode*>(&request.code);
  check(code != nullptr, std::string(request.name) + ": the code was loaded by another device");
  constexpr std::int64_t kDefaultShared = 48 << 10;
  const Geometry& g = request.geometry;
  const auto what = [&] { return fmt::format("launching {} on {}", request.name, name()); };
  if (g.shared_bytes > kDefaultShared)
    driver_.check(driver_.function_set(code->function, cuda::kFunctionMaxDynamicShared,
                                       static_cast<int>(g.shared_bytes)),
                  what());
  std::vector<void*> parameters(request.sizes.size());
  for (std::size_t i = 0; i < parameters.size(); ++i)
    parameters[i] = request.sizes[i] > 8 ? reinterpret_cast<void*>(request.places[i]) : &request.places[i];
  cuda::LaunchAttribute attributes[3] = {};
  unsigned count = 0;
  if (g.flags & 1) attributes[count].id = cuda::kAttributeCooperative, attributes[count++].value.number = 1;
  if (g.flags & 2)
    attributes[count].id = cuda::kAttributeProgrammaticLaunch, attributes[count++].value.number = 1;
  const auto u = [](std::int64_t v) { return static_cast<unsigned>(v); };
  if (g.cluster[0] * g.cluster[1] * g.cluster[2] > 1) {
    attributes[count].id = cuda::kAttributeCluster;
    attributes[count++].value.cluster = {u(g.cluster[0]), u(g.cluster[1]), u(g.cluster[2])};
  }
  if (count == 0) {
    driver_.check(
        driver_.launch(code->function, u(g.grid[0]), u(g.grid[1]), u(g.grid[2]), u(g.block[0]), u(g.block[1]),
                       u(g.block[2]), u(g.shared_bytes), handle(stream), parameters.data(), nullptr),
        what());
    return;
  }
  const cuda::LaunchConfiguration configuration = {
      u(g.grid[0]),  u(g.grid[1]),      u(g.grid[2]),   u(g.block[0]), u(g.block[1]),
      u(g.block[2]), u(g.shared_bytes), handle(stream), attributes,    count};
  driver_.check(driver_.launch_configured(&configuration, code->function, parameters.data(), nullptr),
                what());
}

int cuda_device_count() {
  const Driver* driver = cuda::driver();
  int count = 0;
  if (driver != nullptr) driver->device_count(&count);
  return count;
}

CudaDevice& cuda_device(int ordinal) {
  std::string why;
  const Driver* driver = cuda::driver(&why);
  if (driver == nullptr) throw UserError("cuda:" + std::to_string(ordinal) + " is not there: " + why);
  static std::mutex* const mutex = new std::mutex;
  static auto* const devices = new std::vector<std::unique_ptr<CudaDevice>>;
  const std::scoped_lock lock(*mutex);
  const int count = cuda_device_count();
  if (ordinal < 0 || ordinal >= count)
    throw UserError(fmt::format("cuda:{} is not there: this machine has {} CUDA device{}", ordinal, count,
                                count == 1 ? "" : "s"));
  devices->resize(static_cast<std::size_t>(count));
  auto& device = (*devices)[static_cast<std::size_t>(ordinal)];
  if (device == nullptr) device = std::make_unique<CudaDevice>(*driver, ordinal);
  return *device;
}

}  // namespace intarsia::runtime
