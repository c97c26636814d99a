// The devices of this process.
#include <fmt/format.h>

#include "frontend/executable.h"
#include "frontend/session.h"
#include "runtime/cpu_device.h"
#include "runtime/cuda_device.h"

namespace intarsia {

const std::string& Device::name() const { return device_->name(); }
Device Device::cpu() { return Device(runtime::cpu_device()); }
std::vector<Device> Device::all() { return frontend::Session::current().devices(); }

Device Device::named(std::string_view name) {
  const std::string_view wanted = name == "cuda" || name == "gpu" ? "cuda:0" : name;
  std::string known;
  for (const Device& device : all()) {
    if (device.name() == wanted) return device;
    known += (known.empty() ? "" : ", ") + device.name();
  }
  throw UserError(fmt::format("there is no device '{}'; there are {}", name, known));
}

Device default_device() { return frontend::Session::current().default_device(); }
void set_default_device(Device device) { frontend::Session::current().set_default_device(device); }

namespace frontend {
std::vector<Device> find_devices() {
  std::vector<Device> devices = {Device::cpu()};
  for (int i = 0; i < runtime::cuda_device_count(); ++i) devices.emplace_back(runtime::cuda_device(i));
  return devices;
}
}  // namespace frontend

}  // namespace intarsia
