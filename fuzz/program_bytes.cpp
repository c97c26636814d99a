// Bytes of programs: hostile input is a UserError, and what is read is written the same.
#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "runtime/program.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace intarsia;
  try {
    const runtime::Program program = runtime::from_bytes({reinterpret_cast<const char*>(data), size});
    const std::string bytes = to_bytes(program);
    check(to_bytes(runtime::from_bytes(bytes)) == bytes, "bytes read to what they were written from");
    (void)print(program);
  } catch (const UserError&) {}
  return 0;
}
