// Implementations of plugins as the scheduler's table holds them.
#pragma once
#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "plugins/cuda_compiler.h"
#include "plugins/registry.h"
#include "runtime/host_functions.h"
#include "schedule/implementation.h"

namespace intarsia::plugins {

// What every plugin of a registry shares.
class Environment {
 public:
  void set_cuda_compiler(CudaCompiler compiler) {
    const std::scoped_lock lock(mutex_);
    cuda_compiler_ = std::move(compiler);
  }
  CudaCompiler cuda_compiler() const {  // may be empty
    const std::scoped_lock lock(mutex_);
    return cuda_compiler_;
  }
  runtime::HostFunctions& host_functions() { return host_functions_; }
  std::uint64_t next_serial() {
    return next_serial_.fetch_add(1) + 1;
  }  // of registrations and bodies; never 0

 private:
  mutable std::mutex mutex_;
  CudaCompiler cuda_compiler_;
  runtime::HostFunctions host_functions_;
  std::atomic<std::uint64_t> next_serial_{0};
};

// One per aot_impl, impl and reference of the plugin.
std::vector<schedule::Implementation> implementations(const PluginRef& plugin,
                                                      const std::shared_ptr<Environment>& environment);

}  // namespace intarsia::plugins
