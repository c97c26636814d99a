#include "runtime/host_functions.h"

#include "base/error.h"

namespace intarsia::runtime {

void HostFunctions::add(std::string name, const HostFunctionRef& function) {
  const std::scoped_lock lock(mutex_);
  std::erase_if(functions_, [](const auto& item) { return item.second.expired(); });
  functions_.insert_or_assign(std::move(name), function);
}

HostFunctionRef HostFunctions::find(std::string_view name) const {
  HostFunctionRef found;
  {
    const std::scoped_lock lock(mutex_);
    if (const auto at = functions_.find(name); at != functions_.end()) found = at->second.lock();
  }
  if (!found)
    throw UserError(
        "function '" + std::string(name) +
        "' is not known to this process; a step that calls it runs only where its plugin is registered");
  return found;
}

}  // namespace intarsia::runtime
