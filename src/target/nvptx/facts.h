// Facts about NVIDIA architectures, as data. A new one is a row.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>

namespace intarsia::target::nvptx {

struct Facts {
  std::string_view name;        // what .target says
  int lowest_version;           // PTX ISA times ten
  std::int64_t shared_kib;      // a block may have once it opts in
  bool small_float_arithmetic;  // f16, bf16 and NaN-propagating min and max in hardware; copies into shared
                                // memory
  bool clusters;                // of blocks, and copies of tiles by descriptor
  bool async_dot;               // products that read shared memory
  std::int64_t l2_mib;          // of the board that is meant
  std::int32_t multiprocessors;
};

// Bytes of shared memory that a block may declare, everywhere.
inline constexpr std::int64_t kStaticShared = 48 << 10;

// Shared memory from NVIDIA's CUDA programming guide, "Compute capabilities". The boards: T4, A100, RTX 3090,
// RTX 4090, H100, B200, RTX 5090.
inline constexpr Facts kFacts[] = {
    {"sm_75", 63, 64, false, false, false, 4, 40},    {"sm_80", 70, 163, true, false, false, 40, 108},
    {"sm_86", 71, 99, true, false, false, 6, 82},     {"sm_89", 78, 99, true, false, false, 72, 128},
    {"sm_90", 78, 227, true, true, false, 50, 132},   {"sm_90a", 80, 227, true, true, true, 50, 132},
    {"sm_100", 86, 227, true, true, false, 126, 148}, {"sm_100a", 86, 227, true, true, false, 126, 148},
    {"sm_120", 87, 99, true, true, false, 96, 170},
};

const Facts* find_facts(std::string_view name);  // null: none of them

}  // namespace intarsia::target::nvptx
