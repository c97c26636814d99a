#include "runtime/cuda_driver.h"

#include <dlfcn.h>

#include "base/error.h"

namespace intarsia::runtime::cuda {
namespace {

struct Found {
  Driver driver;
  std::string problem;  // empty: usable
};

Found find() {
  Found found;
  void* library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    found.problem = "there is no NVIDIA driver (libcuda.so.1) on this machine";
    return found;
  }
#define INTARSIA_CUDA_LOAD(member, symbol, ...)                                                   \
  found.driver.member = reinterpret_cast<decltype(found.driver.member)>(dlsym(library, #symbol)); \
  if (found.driver.member == nullptr && found.problem.empty())                                    \
    found.problem = "the NVIDIA driver is too old: it has no " #symbol;
  INTARSIA_CUDA_FUNCTIONS(INTARSIA_CUDA_LOAD)
#undef INTARSIA_CUDA_LOAD
  found.driver.encode_tiled =
      reinterpret_cast<decltype(found.driver.encode_tiled)>(dlsym(library, "cuTensorMapEncodeTiled"));
  if (!found.problem.empty()) return found;
  if (const Result result = found.driver.init(0); result != 0) {
    found.problem = "the NVIDIA driver does not start: " + found.driver.describe(result);
    return found;
  }
  int devices = 0;
  if (found.driver.device_count(&devices) != 0 || devices == 0)
    found.problem = "the NVIDIA driver sees no device";
  found.driver.driver_version(&found.driver.version);
  return found;
}

}  // namespace

std::string Driver::describe(Result result) const {
  const char *name = nullptr, *text = nullptr;
  error_name(result, &name);
  error_text(result, &text);
  return std::string(name != nullptr ? name : "CUDA error " + std::to_string(result)) +
         (text != nullptr ? ": " + std::string(text) : "");
}

void Driver::check(Result result, const std::string& what) const {
  if (result != 0) throw UserError(what + ": " + describe(result));
}

const Driver* driver(std::string* why) {
  static const Found* const found = new Found(find());  // kept: devices of the process use it until the end
  if (found->problem.empty()) return &found->driver;
  if (why != nullptr) *why = found->problem;
  return nullptr;
}

}  // namespace intarsia::runtime::cuda
