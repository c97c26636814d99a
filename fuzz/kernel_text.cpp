// Kernel text from anywhere: either UserError, or a kernel that verifies and prints itself back.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "kernel/element.h"
#include "kernel/kernel.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace intarsia;
  try {
    const kernel::Kernel k = kernel::parse({reinterpret_cast<const char*>(data), size});
    const std::string text = kernel::print(k);
    const kernel::Kernel back = kernel::parse(text);
    check(kernel::print(back) == text, "text parses to what it prints");
    check(kernel::digest(back) == kernel::digest(k), "and has its digest");
    check(parameter_list(k).size() == parameter_list(back).size(), "and its parameter list");
    kernel::Element e;
    (void)kernel::extract(k, e);
  } catch (const UserError&) {}
  return 0;
}
