// Bytes as the decisions of a random PTX program: the interpreter must follow its tree, and report nothing.
#include <cstddef>
#include <cstdint>
#include <span>

#include "../tests/ptx/random/interpret.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace intarsia::ptx::random;
  Choices choices(std::span(data, size));
  const Program program = generate(choices, "k");
  Memory wanted = inputs(program, size), got = wanted;
  evaluate(program, wanted);
  if (!interpret(program, got).empty() || !difference(program, got, wanted).empty()) __builtin_trap();
  return 0;
}
