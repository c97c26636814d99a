// The launches of the CUDA kernels here, shared by the test and by the program that asks a GPU for the
// answers.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace intarsia::ptx::cuda_cases {

struct Argument {
  enum Kind { kIn, kOut, kScalar } kind;
  char type;  // f d: floats; e: floats with special values; h q: f16, bf16 bits; i l: integers; b: bytes; z:
              // zeros
  std::int64_t count;  // elements; of a scalar: the value
  double real = 0;     // of a scalar f
};

struct Case {
  const char* file;
  const char* entry;
  std::uint32_t grid[3], block[3];
  std::int64_t shared;
  std::vector<Argument> arguments;
  double tolerance = 0;        // relative; used only where an inexact form ran
  const char* only = nullptr;  // "sm90": not compiled for others
  std::uint32_t cluster[3] = {1, 1, 1};
};

inline std::uint64_t random_bits(std::uint64_t seed) {  // splitmix64
  std::uint64_t z = seed + 0x9E3779B97F4A7C15ULL;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

inline std::size_t bytes_of(char type) {
  return type == 'd' || type == 'l' || type == 'D' ? 8 : type == 'h' || type == 'q' ? 2 : type == 'b' ? 1 : 4;
}

// Element `i` of argument `a`: values around zero, or for 'e' and 'D' every eighth one special.
inline std::uint64_t element(char type, int a, std::int64_t i) {
  const std::uint64_t r =
      random_bits(static_cast<std::uint64_t>(a) * 1000003 + static_cast<std::uint64_t>(i));
  const double uniform = static_cast<double>(r >> 11) * 0x1p-53, centred = 8 * uniform - 4;
  const auto f32 = [](float x) {
    std::uint32_t u;
    std::memcpy(&u, &x, 4);
    return std::uint64_t{u};
  };
  const auto f64 = [](double x) {
    std::uint64_t u;
    std::memcpy(&u, &x, 8);
    return u;
  };
  static const double specials[] = {0.0,   -0.0, INFINITY, -INFINITY,    NAN,   1e-40,    3e9,    -1e19,
                                    65504, 0.5,  -1.5,     2147483648.0, 1e-45, 0x1p-126, 3.4e38, 255.5};
  switch (type) {
    case 'f': return f32(static_cast<float>(centred));
    case 'e': return f32(static_cast<float>(i % 8 == 3 ? specials[r % 16] : centred));
    case 'd': return f64(centred);
    case 'D': return f64(i % 8 == 3 ? specials[r % 16] : centred);
    case 'h': return (r >> 40 & 0x83FF) | (11 + r % 8) << 10;
    case 'q': return (r >> 40 & 0x807F) | (122 + r % 8) << 7;
    case 'z': return 0;
    default: return r;
  }
}

inline std::vector<unsigned char> contents(const Argument& argument, int index) {
  const std::size_t each = bytes_of(argument.type);
  std::vector<unsigned char> out(static_cast<std::size_t>(argument.count) * each);
  for (std::int64_t i = 0; i < argument.count; ++i) {
    const std::uint64_t value =
        argument.kind == Argument::kOut && argument.type != 'z' ? 0 : element(argument.type, index, i);
    std::memcpy(out.data() + static_cast<std::size_t>(i) * each, &value, each);
  }
  return out;
}

inline Argument in(char type, std::int64_t count) { return {Argument::kIn, type, count}; }
inline Argument out(char type, std::int64_t count) { return {Argument::kOut, type, count}; }
inline Argument integer(std::int64_t value) { return {Argument::kScalar, 'i', value}; }
inline Argument real(double value) { return {Argument::kScalar, 'f', 0, value}; }

inline std::vector<Case> cases() {
  const std::int64_t n = 500;  // two blocks of 256, the last one ragged
  return {
      {"elementwise",
       "axpy",
       {2, 1, 1},
       {256, 1, 1},
       0,
       {in('e', n), out('f', n), real(1.5), integer(n)},
       0x1p-23},
      {"elementwise", "silu", {2, 1, 1}, {256, 1, 1}, 0, {in('e', n), out('f', n), integer(n)}, 0x1p-21},
      {"elementwise", "gelu", {2, 1, 1}, {256, 1, 1}, 0, {in('e', n), out('f', n), integer(n)}, 0x1p-21},
      {"elementwise",
       "scale4",
       {1, 1, 1},
       {64, 1, 1},
       0,
       {in('e', 800), out('f', 800), real(0.3), integer(200)}},
      {"libdevice",
       "functions_f32",
       {2, 1, 1},
       {256, 1, 1},
       0,
       {in('e', n), out('f', 16 * n), integer(n)},
       0x1p-20},
      {"libdevice",
       "functions_f64",
       {2, 1, 1},
       {256, 1, 1},
       0,
       {in('D', n), out('d', 8 * n), integer(n)},
       0x1p-48},
      {"rounding",
       "rounding_f32",
       {2, 1, 1},
       {256, 1, 1},
       0,
       {in('e', n), in('e', n), out('f', 16 * n), integer(n)}},
      {"rounding",
       "rounding_f64",
       {2, 1, 1},
       {256, 1, 1},
       0,
       {in('D', n), in('D', n), out('d', 8 * n), integer(n)}},
      {"rounding",
       "conversions",
       {2, 1, 1},
       {256, 1, 1},
       0,
       {in('e', n), in('D', n), out('l', 16 * n), integer(n)}},
      {"integers",
       "integer_math",
       {2, 1, 1},
       {256, 1, 1},
       0,
       {in('i', n), in('i', n), out('i', 16 * n), integer(n)}},
      {"integers",
       "wide_math",
       {2, 1, 1},
       {256, 1, 1},
       0,
       {in('l', n), in('l', n), out('l', 8 * n), integer(n)}},
      {"integers",
       "unpack_int4",
       {2, 1, 1},
       {256, 1, 1},
       0,
       {in('i', n), out('f', 8 * n), real(0.125), integer(n)}},
      {"halves",
       "half_math",
       {2, 1, 1},
       {256, 1, 1},
       0,
       {in('h', n), in('h', n), out('h', 8 * n), integer(n)}},
      {"halves",
       "half2_math",
       {2, 1, 1},
       {256, 1, 1},
       0,
       {in('h', 2 * n), in('h', 2 * n), out('h', 8 * n), integer(n)}},
      {"halves",
       "bfloat_math",
       {2, 1, 1},
       {256, 1, 1},
       0,
       {in('q', n), in('q', n), out('q', 8 * n), integer(n)}},
      {"halves",
       "fp8_round_trip",
       {2, 1, 1},
       {256, 1, 1},
       0,
       {in('e', n), out('b', 2 * n), out('f', 2 * n), integer(n)}},
      {"warps", "warp_sum", {2, 1, 1}, {256, 1, 1}, 0, {in('f', n), out('f', 16), integer(n)}},
      {"warps", "warp_scan", {2, 1, 1}, {256, 1, 1}, 0, {in('i', n), out('i', n), integer(n)}},
      {"warps", "votes", {2, 1, 1}, {256, 1, 1}, 0, {in('i', 512), out('i', 8 * 512), integer(512)}},
      {"warps", "divergent_loop", {2, 1, 1}, {256, 1, 1}, 0, {in('i', n), out('i', n), integer(n)}},
      {"warps", "tiles", {2, 1, 1}, {256, 1, 1}, 0, {in('i', n), out('i', n), integer(n)}},
      {"blocks", "block_sum", {2, 1, 1}, {256, 1, 1}, 0, {in('f', n), out('f', 2), integer(n)}},
      {"blocks", "block_scan", {2, 1, 1}, {256, 1, 1}, 2048, {in('i', n), out('i', n), integer(n)}},
      {"blocks", "histogram", {2, 1, 1}, {128, 1, 1}, 0, {in('i', n), out('i', 64), integer(n)}},
      {"blocks",
       "transpose",
       {3, 2, 1},
       {32, 8, 1},
       0,
       {in('f', 45 * 70), out('f', 45 * 70), integer(45), integer(70)}},
      {"blocks",
       "matmul_tiled",
       {3, 3, 1},
       {16, 16, 1},
       0,
       {in('f', 1600), in('f', 1600), out('f', 1600), integer(40)}},
      {"blocks", "grid_sum", {4, 1, 1}, {128, 1, 1}, 0, {in('i', n), out('i', 4), out('i', 1), integer(n)}},
      {"blocks",
       "atomics",
       {2, 1, 1},
       {256, 1, 1},
       0,
       {in('i', n), out('i', 8), out('l', 2), out('d', 1), integer(n)}},
      {"calls", "recursion", {2, 1, 1}, {256, 1, 1}, 0, {in('i', n), out('i', n), integer(n)}},
      {"calls", "pointers", {2, 1, 1}, {256, 1, 1}, 0, {in('f', n), out('f', n), integer(n)}},
      {"calls", "structs", {2, 1, 1}, {256, 1, 1}, 0, {in('f', n), out('d', 3 * n), integer(n)}},
      {"calls", "local_array", {2, 1, 1}, {256, 1, 1}, 0, {in('i', n), out('i', n), integer(n)}},
      {"calls", "constants", {2, 1, 1}, {256, 1, 1}, 0, {in('i', n), out('f', n), integer(n)}},
      {"calls", "switches", {2, 1, 1}, {256, 1, 1}, 0, {in('i', n), out('i', n), integer(n)}},
      {"edges",
       "edges_f32",
       {2, 1, 1},
       {256, 1, 1},
       0,
       {in('i', n), in('i', n), out('i', 32 * n), integer(n)}},
      {"edges",
       "edges_half",
       {2, 1, 1},
       {256, 1, 1},
       0,
       {in('i', n), in('i', n), out('i', 24 * n), integer(n)}},
      {"edges",
       "edges_bits",
       {2, 1, 1},
       {256, 1, 1},
       0,
       {in('i', n), in('i', n), out('i', 32 * n), integer(n)}},
      {"edges",
       "edges_divide",
       {2, 1, 1},
       {256, 1, 1},
       0,
       {in('i', n), in('i', n), out('i', 8 * n), integer(n)}},
      {"matrices", "wmma_f16", {1, 1, 1}, {32, 1, 1}, 0, {in('h', 1024), in('h', 1024), out('f', 256)}},
      {"matrices", "wmma_s8", {1, 1, 1}, {32, 1, 1}, 0, {in('b', 512), in('b', 256), out('i', 512)}},
      {"matrices",
       "mma_kinds",
       {1, 1, 1},
       {32, 1, 1},
       0,
       {in('i', 192), in('h', 384), in('d', 96), out('i', 768), out('d', 64)}},
      {"matrices", "pipeline", {1, 1, 1}, {128, 1, 1}, 0, {in('q', 4096), in('q', 4096), out('f', 4096)}},
      {"hopper",
       "bulk_copy",
       {1, 1, 1},
       {128, 1, 1},
       0,
       {in('f', 128 * 9), out('f', 128), integer(9)},
       0,
       "sm90"},
      {"hopper",
       "producer_consumer",
       {1, 1, 1},
       {96, 1, 1},
       0,
       {in('i', 640), out('i', 64), integer(640)},
       0,
       "sm90"},
      {"hopper",
       "cluster_sum",
       {4, 1, 1},
       {64, 1, 1},
       0,
       {in('i', 256), out('i', 256)},
       0,
       "sm90",
       {2, 1, 1}},
      {"hopper",
       "library_barrier",
       {1, 1, 1},
       {128, 1, 1},
       0,
       {in('i', 128), out('i', 128), integer(128)},
       0,
       "sm90"},
      {"hopper", "fp8_mma", {1, 1, 1}, {32, 1, 1}, 0, {in('i', 128), in('i', 64), out('f', 256)}, 0, "sm90"},
  };
}

}  // namespace intarsia::ptx::cuda_cases
