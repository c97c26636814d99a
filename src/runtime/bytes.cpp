#include "runtime/fields.h"
#include "runtime/program.h"

namespace intarsia::runtime {
namespace {
constexpr std::string_view kMagic = "ITPG\1";
}

std::string to_bytes(const Program& program) {
  std::string out(kMagic);
  const std::vector<Symbol> symbols = symbols_of(program);
  Writer{out, symbols}.put(program);
  return out;
}

Program from_bytes(std::string_view bytes) {
  if (bytes.substr(0, kMagic.size()) != kMagic)
    throw UserError("these bytes are not a program of Intarsia, or one of another major version");
  Program program;
  std::vector<Symbol> symbols;
  Reader{bytes.substr(kMagic.size()), &symbols}.get(program);
  try {
    verify(program);
  } catch (const InternalError& error) { throw UserError(std::string("damaged engine: ") + error.what()); }
  return program;
}

}  // namespace intarsia::runtime
