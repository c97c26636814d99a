// Tokens of PTX text, and the error every reader of it throws.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ptx/ptx.h"

namespace intarsia::ptx {

struct Token {
  enum class Kind : std::uint8_t { kWord, kDotted, kInteger, kFloat, kString, kMark, kEnd };
  Kind kind = Kind::kEnd;
  std::uint8_t float_bits = 0;  // 32 or 64 for 0f… and 0d…
  bool after_blank = true;      // whether blanks stand before it: `add .s32` and `%tid.x` differ
  std::int32_t line = 0;
  std::string_view text;  // of a kDotted without its dot; of a kMark one character
  std::int64_t integer = 0;
  double real = 0;
};

// "FILE:12: what was wrong" and the line's own text below.
[[noreturn]] void fail(const Module& module, std::int32_t line, const std::string& what);

// The whole text as tokens, the last a kEnd. Comments are dropped.
std::vector<Token> tokens(const Module& module);

}  // namespace intarsia::ptx
