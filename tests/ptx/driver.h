// The CUDA driver, found when a program runs: what compares the interpreter with a GPU needs no toolkit to
// build.
#pragma once
#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

namespace intarsia::ptx::gpu {

class Failed : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class Driver {
 public:
  using Address = unsigned long long;

  // Throws Failed where there is no driver or no GPU.
  Driver() {
    library_ = dlopen("libcuda.so.1", RTLD_NOW);
    if (library_ == nullptr) throw Failed("no NVIDIA driver: libcuda.so.1 is not found");
    call("cuInit", 0U);
    int device = 0;
    call("cuDeviceGet", &device, 0);
    char name[256] = {};
    call("cuDeviceGetName", static_cast<char*>(name), 256, device);
    device_name_ = name;
    void* context = nullptr;
    call("cuDevicePrimaryCtxRetain", &context, device);
    call("cuCtxSetCurrent", context);
  }
  const std::string& device_name() const { return device_name_; }

  template <class... A>
  void call(const char* name, A... arguments) {
    auto* function = reinterpret_cast<int (*)(A...)>(dlsym(library_, name));
    const int error = function == nullptr ? -1 : function(arguments...);
    if (error != 0)
      throw Failed(std::string(name) + ": error " + std::to_string(error) + " " + explain(error));
  }

  // Throws Failed with the assembler's log. `level`: how far it optimises, 0 … 4.
  void* load(const std::string& ptx, std::size_t level = 4) {
    std::vector<char> log(16384);
    int options[] = {5, 6, 7};  // CU_JIT_ERROR_LOG_BUFFER, …_SIZE_BYTES, CU_JIT_OPTIMIZATION_LEVEL
    void* values[] = {log.data(), reinterpret_cast<void*>(log.size()), reinterpret_cast<void*>(level)};
    void* module = nullptr;
    try {
      call("cuModuleLoadDataEx", &module, static_cast<const void*>(ptx.c_str()), 3U,
           static_cast<int*>(options), static_cast<void**>(values));
    } catch (const Failed& failed) { throw Failed(std::string(failed.what()) + ": " + log.data()); }
    return module;
  }
  void unload(void* module) { call("cuModuleUnload", module); }
  void* entry(void* module, const char* name) {
    void* function = nullptr;
    call("cuModuleGetFunction", &function, module, name);
    return function;
  }

  Address allocate(std::size_t bytes) {
    Address at = 0;
    call("cuMemAlloc_v2", &at, bytes);
    return at;
  }
  void to_device(Address at, const void* from, std::size_t bytes) {
    call("cuMemcpyHtoD_v2", at, from, bytes);
  }
  void to_host(void* to, Address at, std::size_t bytes) { call("cuMemcpyDtoH_v2", to, at, bytes); }
  void launch(void* function, const unsigned* grid, const unsigned* block, unsigned shared,
              void** arguments) {
    call("cuLaunchKernel", function, grid[0], grid[1], grid[2], block[0], block[1], block[2], shared,
         static_cast<void*>(nullptr), arguments, static_cast<void**>(nullptr));
  }
  void synchronize() { call("cuCtxSynchronize"); }

 private:
  void* library_ = nullptr;
  std::string device_name_;

  std::string explain(int error) {
    auto* function = reinterpret_cast<int (*)(int, const char**)>(dlsym(library_, "cuGetErrorString"));
    const char* text = nullptr;
    if (function != nullptr) function(error, &text);
    return text == nullptr ? "" : text;
  }
};

}  // namespace intarsia::ptx::gpu
