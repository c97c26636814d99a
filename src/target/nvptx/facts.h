// Facts about NVIDIA architectures, as data. A new one is a row.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>

namespace intarsia::target::nvptx {

struct Facts {
  std::string_view name;        // what .target says
  int lowest_version;           // PTX ISA times ten
  std::int64_t static_shared;   // bytes a block may declare
  std::int64_t dynamic_shared;  // bytes a block may have once it opts in
  bool small_float_arithmetic;  // f16, bf16 and NaN-propagating min and max in hardware
};

inline constexpr Facts kFacts[] = {
    {"sm_75", 63, 48 << 10, 64 << 10, false},  {"sm_80", 70, 48 << 10, 163 << 10, true},
    {"sm_86", 71, 48 << 10, 99 << 10, true},   {"sm_89", 78, 48 << 10, 99 << 10, true},
    {"sm_90", 78, 48 << 10, 227 << 10, true},  {"sm_90a", 80, 48 << 10, 227 << 10, true},
    {"sm_100", 86, 48 << 10, 227 << 10, true}, {"sm_100a", 86, 48 << 10, 227 << 10, true},
    {"sm_120", 87, 48 << 10, 99 << 10, true},
};

const Facts* find_facts(std::string_view name);  // null: none of them

}  // namespace intarsia::target::nvptx
