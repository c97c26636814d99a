#include "kernel/opcodes.h"

#include <array>
#include <cstddef>

namespace intarsia::kernel {
namespace {

constexpr OpcodeInfo kOpcodes[] = {
#define INTARSIA_INFO(name, text, operands, results, regions, effect) \
  {#text, operands, results, regions, effect != 0},
    INTARSIA_OPCODES(INTARSIA_INFO)
#undef INTARSIA_INFO
};
#define INTARSIA_TEXT(name, text) #text,
constexpr std::string_view kFunctions[] = {INTARSIA_FUNCTIONS(INTARSIA_TEXT)};
constexpr std::string_view kKeys[] = {INTARSIA_KEYS(INTARSIA_TEXT)};
constexpr std::string_view kHints[] = {INTARSIA_HINTS(INTARSIA_TEXT)};
#undef INTARSIA_TEXT
constexpr std::size_t kFirstHint = static_cast<std::size_t>(Key::kLastFact) + 1;

template <std::size_t n>
std::optional<std::size_t> find(const std::string_view (&table)[n], std::string_view text) {
  for (std::size_t i = 0; i < n; ++i)
    if (table[i] == text) return i;
  return std::nullopt;
}

}  // namespace

const OpcodeInfo& info(Opcode opcode) { return kOpcodes[static_cast<std::size_t>(opcode)]; }

std::optional<Opcode> opcode_named(std::string_view text) {
  for (std::size_t i = 0; i < std::size(kOpcodes); ++i)
    if (kOpcodes[i].name == text) return static_cast<Opcode>(i);
  return std::nullopt;
}

std::string_view text_of(Fn fn) { return kFunctions[static_cast<std::size_t>(fn)]; }
bool is_known(Fn fn) { return static_cast<std::size_t>(fn) < std::size(kFunctions); }

std::optional<Fn> function_named(std::string_view text) {
  const auto i = find(kFunctions, text);
  return i ? std::optional(static_cast<Fn>(*i)) : std::nullopt;
}

std::string_view text_of(Key key) {
  const auto i = static_cast<std::size_t>(key);
  return is_hint(key) ? kHints[i - kFirstHint] : kKeys[i];
}

std::optional<Key> key_named(std::string_view text, bool hint) {
  const auto i = hint ? find(kHints, text) : find(kKeys, text);
  return i ? std::optional(static_cast<Key>(*i + (hint ? kFirstHint : 0))) : std::nullopt;
}

}  // namespace intarsia::kernel
