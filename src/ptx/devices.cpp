// What is known of the devices a launch may imitate, and the names of the checks.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>

#include "base/error.h"
#include "ptx/launch.h"

namespace intarsia::ptx {
namespace {

struct DeviceRow {
  int architecture;
  std::int64_t shared_bytes;  // per block, opted in; of the CUDA C++ Programming Guide's compute capabilities
  std::int32_t multiprocessors;  // of the largest product
};
constexpr std::array kDevices = {
    DeviceRow{75, 65536, 72},    DeviceRow{80, 166912, 108},  DeviceRow{86, 101376, 84},
    DeviceRow{87, 166912, 16},   DeviceRow{89, 101376, 142},  DeviceRow{90, 232448, 132},
    DeviceRow{100, 232448, 148}, DeviceRow{103, 232448, 160}, DeviceRow{120, 101376, 188},
};

struct CheckRow {
  std::string_view name;
  bool Checks::* field;
};
// A name may stand for several fields.
constexpr std::array kChecks = {
    CheckRow{"bounds", &Checks::global_bounds},
    CheckRow{"bounds", &Checks::shared_bounds},
    CheckRow{"alignment", &Checks::alignment},
    CheckRow{"uninitialised", &Checks::uninitialised},
    CheckRow{"uninitialised", &Checks::global_uninitialised},
    CheckRow{"races", &Checks::races},
    CheckRow{"races", &Checks::global_races},
    CheckRow{"divergence", &Checks::divergence},
    CheckRow{"members", &Checks::members},
    CheckRow{"copies", &Checks::copies},
};

void set_named(Checks& checks, std::string_view name, bool on) {
  bool found = name == "all" || name == "none";
  if (name == "none") on = !on;
  for (const CheckRow& row : kChecks)
    if (found || row.name == name) checks.*row.field = on;
  for (const CheckRow& row : kChecks) found = found || row.name == name;
  if (!found)
    throw UserError(fmt::format("no check is called '{}'; there are all, none, {}", name,
                                fmt::join(check_names(), ", ")));
}

}  // namespace

Device device_of(int architecture) {
  std::string known;
  for (const DeviceRow& row : kDevices) {
    known += fmt::format("{}sm_{}", known.empty() ? "" : ", ", row.architecture);
    if (row.architecture != architecture) continue;
    Device out;
    out.architecture = architecture;
    out.shared_bytes = row.shared_bytes;
    out.multiprocessors = row.multiprocessors;
    return out;
  }
  throw UserError(fmt::format("no device of architecture sm_{} is known; there are {}", architecture, known));
}

std::vector<std::string_view> check_names() {
  std::vector<std::string_view> out;
  for (const CheckRow& row : kChecks)
    if (out.empty() || out.back() != row.name) out.push_back(row.name);
  return out;
}

Checks checks_named(std::string_view list) {
  Checks checks = Checks::none();
  if (list.starts_with('-')) set_named(checks, "all", true);
  while (!list.empty()) {
    std::string_view name = list.substr(0, list.find(','));
    list.remove_prefix(std::min(name.size() + 1, list.size()));
    const bool off = name.starts_with('-');
    if (off) name.remove_prefix(1);
    set_named(checks, name, !off);
  }
  return checks;
}

}  // namespace intarsia::ptx
