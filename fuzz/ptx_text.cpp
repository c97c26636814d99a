// Any text either parses and verifies or is refused with a UserError; what parses prints and parses again.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "ptx/ptx.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 16384) return 0;
  try {
    const intarsia::ptx::Module module =
        intarsia::ptx::parse({reinterpret_cast<const char*>(data), size}, "fuzz");
    for (const intarsia::ptx::Entry* entry : module.entries()) intarsia::ptx::parameter_list(*entry);
    const std::string printed = intarsia::ptx::print(module);
    const std::string again = intarsia::ptx::print(intarsia::ptx::parse(printed, "printed"));
    if (again != printed) __builtin_trap();
    intarsia::ptx::verify(module);
  } catch (const intarsia::UserError&) {}
  return 0;
}
