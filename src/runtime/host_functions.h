// Functions of this process, which a Call of library "host" names: bodies of plugins that no engine file can
// hold.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/dtype.h"

namespace intarsia::runtime {

struct HostTensor {  // row-major and contiguous, on the device of the step
  DType dtype{};
  std::vector<std::int64_t> shape;
  void* data = nullptr;
};
struct HostCall {
  std::span<const HostTensor> tensors;  // in the order of Call::arguments; dtype and shape are the buffers'
  std::uintptr_t stream = 0;            // 0 on a CPU
};
using HostFunction = std::function<void(const HostCall&)>;
using HostFunctionRef = std::shared_ptr<const HostFunction>;

// By name, held weakly: an executable takes a reference to what it calls when it is made, whoever defined the
// function keeps it until then. Safe from many threads.
class HostFunctions {
 public:
  void add(std::string name, const HostFunctionRef& function);
  HostFunctionRef find(std::string_view name) const;  // UserError: unknown, or gone

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::weak_ptr<const HostFunction>, std::less<>> functions_;
};

}  // namespace intarsia::runtime
