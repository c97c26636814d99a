// Extent programs as words and as text: hostile input is a UserError, never a crash, and what decodes encodes
// again.
#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/dim.h"
#include "base/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace intarsia;
  const Symbol symbols[] = {{"n", {}}, {"m", {.min = 1, .max = 64}}, {"k", {.min = -8, .multiple = 4}}};
  const auto round_trip = [&](const Dim& d) {
    std::vector<std::int64_t> words;
    d.append_words(words, symbols);
    check(identical(Dim::from_words(words, symbols), d), "words decode to what they encode");
    check(identical(Dim::parse_postfix(d.postfix(), symbols), d), "text parses to what it prints");
    (void)d.str();
    const DimProgram program(std::span(&d, 1), symbols);
    auto slots = program.make_slots();
    slots[0] = 5, slots[1] = 3, slots[2] = 8;
    program.evaluate(slots);
  };
  if (size == 0) return 0;
  try {
    if (data[0] % 2) {
      round_trip(Dim::parse_postfix({reinterpret_cast<const char*>(data) + 1, size - 1}, symbols));
    } else {
      std::vector<std::int64_t> words;
      for (std::size_t i = 1; i < size; ++i) words.push_back(static_cast<std::int8_t>(data[i]));
      round_trip(Dim::from_words(words, symbols));
    }
  } catch (const UserError&) {}
  return 0;
}
