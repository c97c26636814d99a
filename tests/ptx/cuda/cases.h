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
  // kInOut: has contents like kIn, is compared like kOut. kMap: a tensor map, of type m by value, of type p
  // through a pointer. kText: no argument, but what printf wrote, `count` bytes with zeros at the end.
  enum Kind { kIn, kOut, kInOut, kScalar, kMap, kText } kind;
  char type;  // f d: floats; e: floats with special values; h q: f16, bf16 bits; i l: integers; b: bytes; z:
              // zeros
  std::int64_t count;  // elements; of a scalar: the value; of a map: which of the case's
  double real = 0;     // of a scalar f

  bool hidden = false;  // memory that only a tensor map reaches: no parameter

  bool parameter() const { return kind != kText && !hidden; }
  bool compared() const { return kind == kOut || kind == kInOut || kind == kText; }
};

// A tensor map over argument `buffer`, with the numbers of cuTensorMapEncodeTiled.
struct MapSpec {
  int buffer;
  int type;
  std::vector<std::int64_t> shape, strides;
  std::vector<std::int32_t> box, steps;
  int swizzle = 0, fill = 0;
};

// Elements of an out buffer where the GPU does not do what the PTX ISA says, and we follow the ISA.
struct Deviation {
  std::size_t argument;
  std::int64_t first, count;
  const char* why;
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
  std::vector<MapSpec> maps = {};
  const char* label = "";  // where an entry has several cases
  bool cooperative = false;
  std::vector<Deviation> deviations = {};
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
        (argument.kind == Argument::kOut || argument.kind == Argument::kText) && argument.type != 'z'
            ? 0
            : element(argument.type, index, i);
    std::memcpy(out.data() + static_cast<std::size_t>(i) * each, &value, each);
  }
  return out;
}

inline Argument in(char type, std::int64_t count) { return {Argument::kIn, type, count}; }
inline Argument out(char type, std::int64_t count) { return {Argument::kOut, type, count}; }
inline Argument changed(char type, std::int64_t count) { return {Argument::kInOut, type, count}; }
inline Argument map(std::int64_t which) { return {Argument::kMap, 'm', which}; }
inline Argument text(std::int64_t count) { return {Argument::kText, 'b', count}; }
inline Argument integer(std::int64_t value) { return {Argument::kScalar, 'i', value}; }
inline Argument real(double value) { return {Argument::kScalar, 'f', 0, value}; }

inline std::vector<Case> first_cases() {
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

// Types of cuTensorMapEncodeTiled.
enum {
  kMapU8 = 0,
  kMapS32 = 3,
  kMapU64 = 4,
  kMapF16 = 6,
  kMapF32,
  kMapF64,
  kMapBF16,
  kMapF32Ftz,
  kMapTF32,
  kMapTF32Ftz
};

// What a box looks like in shared memory: `words` of it are kept and whether it came; it has `bytes`.
inline Case dump(const char* label, Argument tensor, MapSpec spec, std::int64_t words, std::int64_t bytes,
                 std::vector<std::int32_t> at, bool pointer = false) {
  Argument to = map(0);
  if (pointer) to.type = 'p';
  Case c{"tma",
         pointer ? "tma_dump_global" : "tma_dump",
         {1, 1, 1},
         {64, 1, 1},
         words * 4 + 1024,
         {to, out('i', words + 1), integer(words), integer(bytes),
          integer(static_cast<std::int64_t>(at.size()))},
         0,
         "sm90"};
  at.resize(5);
  for (const std::int32_t x : at) c.arguments.push_back(integer(x));
  // The tensor is no parameter of the kernel, but the map's memory: it stands last.
  spec.buffer = static_cast<int>(c.arguments.size());
  tensor.hidden = true;
  c.arguments.push_back(tensor);
  c.maps = {spec};
  c.label = label;
  return c;
}

inline std::vector<Case> dumps() {
  const auto flat = [](int type, std::vector<std::int32_t> box, int swizzle = 0, int fill = 0) {
    return MapSpec{0, type, {40, 20}, {160}, std::move(box), {}, swizzle, fill};
  };
  const auto half = [](std::vector<std::int32_t> box, int swizzle, int fill = 0) {
    return MapSpec{0, kMapBF16, {72, 40}, {144}, std::move(box), {}, swizzle, fill};
  };
  const Argument f32 = in('f', 800), special = in('e', 800), bf16 = in('q', 2880);
  std::vector<Case> all = {
      dump("inside", f32, flat(kMapF32, {16, 8}), 160, 512, {4, 2}),
      dump("before", f32, flat(kMapF32, {16, 8}), 160, 512, {-4, -2}),
      dump("after", f32, flat(kMapF32, {16, 8}), 160, 512, {32, 15}),
      dump("far", f32, flat(kMapF32, {16, 8}), 160, 512, {1000, -1000}),
      dump("nan_f32", f32, flat(kMapF32, {16, 8}, 0, 1), 160, 512, {32, 15}),
      dump("nan_bf16", bf16, half({16, 8}, 0, 1), 96, 256, {64, 36}),
      dump("nan_f16", in('h', 2880), {0, kMapF16, {72, 40}, {144}, {16, 8}, {}, 0, 1}, 96, 256, {-8, 36}),
      dump("nan_f64", in('d', 180), {0, kMapF64, {18, 10}, {144}, {4, 4}, {}, 0, 1}, 48, 128, {16, 8}),
      dump("swizzle_128", bf16, half({64, 16}, 3), 576, 2048, {8, 5}),
      dump("swizzle_64", bf16, half({32, 16}, 2), 320, 1024, {8, 5}),
      dump("swizzle_32", bf16, half({16, 16}, 1), 192, 512, {8, 5}),
      dump("swizzle_128_of_64", bf16, half({32, 12}, 3), 512, 768, {8, 5}),
      dump("swizzle_64_of_32", bf16, half({16, 12}, 2), 256, 384, {8, 5}),
      dump("swizzle_32_of_16", bf16, half({8, 12}, 1), 128, 192, {8, 5}),
      dump("swizzle_edge", bf16, half({64, 16}, 3), 576, 2048, {-8, 33}),
      dump("bytes", in('b', 1872), {0, kMapU8, {200, 9}, {208}, {48, 5}, {}, 0, 0}, 80, 240, {176, -1}),
      dump("steps", f32, {0, kMapF32, {40, 20}, {160}, {16, 9}, {1, 2}, 0, 0}, 128, 320, {4, 13}),
      dump("steps_of_3", f32, {0, kMapF32, {40, 20}, {160}, {16, 9}, {1, 3}, 0, 0}, 96, 192, {-4, -4}),
      dump("line", f32, {0, kMapF32, {700}, {}, {64}, {}, 0, 0}, 80, 256, {660}),
      dump("three", in('h', 720), {0, kMapF16, {22, 6, 5}, {48, 288}, {8, 4, 3}, {}, 0, 0}, 64, 192,
           {16, -1, 3}),
      dump("four", in('i', 576),
           {0, kMapS32, {10, 4, 4, 3}, {48, 192, 768}, {4, 3, 2, 2}, {1, 1, 2, 1}, 0, 0}, 64, 96,
           {8, 2, 1, 1}),
      dump("five", in('i', 576),
           {0, kMapS32, {7, 3, 4, 3, 2}, {32, 96, 384, 1152}, {4, 2, 3, 2, 2}, {}, 0, 0}, 112, 384,
           {4, 2, 1, 2, 0}),
      dump("three_swizzled", f32, {0, kMapF32, {36, 5, 4}, {144, 720}, {32, 3, 3}, {}, 3, 0}, 320, 1152,
           {8, 1, 2}),
      dump("flush", special, flat(kMapF32Ftz, {32, 20}), 656, 2560, {0, 0}),
      dump("tf32", special, flat(kMapTF32, {32, 20}), 656, 2560, {0, 0}),
      dump("tf32_flush", special, flat(kMapTF32Ftz, {32, 20}), 656, 2560, {0, 0}),
      dump("doubles", in('l', 400), {0, kMapU64, {40, 10}, {320}, {16, 8}, {}, 3, 0}, 272, 1024, {30, 4}),
      dump("pointer", bf16, half({64, 16}, 3), 576, 2048, {8, 5}, true),
  };
  return all;
}

inline std::vector<Case> tensor_cases() {
  std::vector<Case> all = dumps();
  const auto ninety = [&](const char* file, const char* entry, std::uint32_t grid_x, std::uint32_t grid_y,
                          std::uint32_t threads, std::int64_t shared, std::vector<Argument> arguments,
                          std::vector<MapSpec> maps = {}) -> Case& {
    all.push_back(
        {file, entry, {grid_x, grid_y, 1}, {threads, 1, 1}, shared, std::move(arguments), 0, "sm90"});
    all.back().maps = std::move(maps);
    return all.back();
  };
  const auto behind = [](Argument a) {  // reached by a map alone
    a.hidden = true;
    return a;
  };
  ninety(
      "tma", "tma_transpose", 3, 2, 128, 0,
      {map(0), map(1), behind(in('f', 72 * 45)), behind(out('f', 72 * 48))},
      {{2, kMapF32, {72, 45}, {288}, {32, 32}, {}, 3, 0}, {3, kMapF32, {45, 72}, {192}, {32, 32}, {}, 3, 0}});
  ninety(
      "tma", "tma_reduce", 3, 1, 64, 0,
      {map(0), map(1), map(2), behind(changed('i', 480)), behind(changed('i', 480)), behind(out('f', 480))},
      {{3, kMapS32, {40, 12}, {160}, {32, 8}, {}, 0, 0},
       {4, kMapS32, {40, 12}, {160}, {32, 8}, {}, 0, 0},
       {5, kMapF32, {40, 12}, {160}, {32, 8}, {}, 0, 0}});
  ninety("tma", "bulk_reduce", 1, 1, 64, 0,
         {changed('i', 128), changed('i', 128), changed('f', 64), changed('q', 128), out('i', 64)});
  ninety("tma", "tma_multicast", 4, 1, 64, 0, {map(0), in('i', 128), out('i', 256), behind(in('i', 1024))},
         {{3, kMapS32, {64, 16}, {256}, {32, 8}, {}, 3, 0}})
      .cluster[0] = 2;
  ninety("tma", "tma_matmul", 2, 2, 384, 3 * 24576 + 32768,
         {map(0), map(1), map(2), integer(136), behind(in('q', 200 * 136)), behind(in('q', 96 * 136)),
          behind(out('f', 200 * 96))},
         {{4, kMapBF16, {136, 200}, {272}, {64, 128}, {}, 3, 0},
          {5, kMapBF16, {136, 96}, {272}, {64, 64}, {}, 3, 0},
          {6, kMapF32, {96, 200}, {384}, {32, 64}, {}, 3, 0}});
  ninety("wgmma", "wgmma_bf16", 1, 1, 128, 0, {in('q', 16384), out('f', 16384)});
  ninety("wgmma", "wgmma_f16", 1, 1, 128, 0, {in('h', 16384), out('f', 1024), out('i', 512)});
  ninety("wgmma", "wgmma_tf32", 1, 1, 128, 0, {in('f', 8192), out('f', 5120)});
  ninety("wgmma", "wgmma_fp8", 1, 1, 128, 0, {in('i', 8192), out('f', 5120), out('i', 512)});
  ninety("wgmma", "wgmma_s8", 1, 1, 128, 0, {in('i', 8192), out('i', 3072)});
  ninety("ninety", "mma_f64", 1, 1, 32, 0, {in('d', 512), out('d', 384)});
  ninety("ninety", "vector_atomics", 1, 1, 64, 0,
         {changed('f', 256), changed('h', 1536), in('f', 256), out('f', 384), out('i', 320)});
  return all;
}

inline std::vector<Case> cases() {
  std::vector<Case> all = first_cases();
  const std::int64_t n = 500;
  const auto both = [&](const char* file, const char* entry, std::uint32_t grid, std::uint32_t threads,
                        std::vector<Argument> arguments) {
    all.push_back({file, entry, {grid, 1, 1}, {threads, 1, 1}, 0, std::move(arguments)});
  };
  both("video", "video_scalar", 2, 256, {in('i', n), in('i', n), out('i', 24 * n), integer(n)});
  all.back().deviations = {{2, 8 * n, n, "vadd.sat of words into a half leaves zeros in the half"},
                           {2, 15 * n, n, "vmad.sat.shr7 of unsigned halves takes its addend with a sign"}};
  both("video", "video_packed", 2, 256, {in('i', n), in('i', n), out('i', 24 * n), integer(n)});
  both("subbyte", "wmma_s4", 1, 32, {in('i', 64), in('i', 64), changed('i', 128)});
  both("subbyte", "wmma_b1", 1, 32, {in('i', 32), in('i', 32), out('i', 128)});
  both("subbyte", "mma_b1", 1, 32, {in('i', 192), out('i', 640)});
  both("subbyte", "lop3_predicate", 2, 256, {in('i', n), out('i', 3 * n), integer(n)});
  both("groups", "group_reduce", 2, 256, {in('i', n), out('i', 8 * n), integer(n)});
  both("groups", "prints", 1, 32, {in('i', 32), out('i', 32), text(8192)});
  for (Case& c : tensor_cases()) all.push_back(std::move(c));
  both("further", "async_arrive", 1, 64, {in('i', 768), out('i', 64)});
  both("further", "async_arrive_alone", 1, 64, {in('i', 256), out('i', 64)});
  both("further", "stack_memory", 1, 64, {in('i', n), out('i', 64), integer(n)});
  both("further", "grid_barrier", 4, 128, {in('i', 512), out('i', 512), out('i', 512)});
  all.back().cooperative = true;
  both("further", "pack_bits", 2, 256, {in('i', n), in('i', n), out('i', 6 * n), integer(n)});
  both("ninety", "mma_f8", 1, 32, {in('i', 192), out('i', 384)});
  all.back().only = "sm90";
  both("ninety", "fma_outside", 2, 256, {in('i', n), out('i', 4 * n), integer(n)});
  all.back().only = "sm90";
  both("ninety", "wide", 1, 64, {in('l', 128), out('l', 258)});
  all.back().only = "sm90";
  both("tma", "tma_stages", 2, 128, {map(0), integer(5), out('f', 64 * 36)});
  all.back().arguments.back().hidden = true;
  all.back().maps = {{2, kMapF32, {64, 36}, {256}, {32, 8}, {}, 0, 0}};
  all.back().only = "sm90";
  both("tma", "wgmma_relay", 1, 256, {in('h', 5 * 1152), out('f', 512), integer(5)});
  all.back().only = "sm90";
  both("libraries", "sort_blocks", 2, 128, {in('i', 1024), in('f', 1024), out('i', 1024), out('f', 1024)});
  both("libraries", "scan_and_reduce", 8, 128, {in('i', 1024), out('i', 1024), out('i', 8)});
  both("libraries", "pipelined", 1, 128, {in('f', 1280), out('f', 128), integer(10)});
  both("libraries", "barriers", 1, 128, {in('i', 128), out('i', 128)});
  both("libraries", "references", 2, 64, {out('i', 2), out('f', 1), out('l', 1)});
  both("libraries", "tiles_of_16", 1, 64, {in('i', 64), out('i', 192)});
  both("libraries", "complex_numbers", 1, 128, {in('f', 256), out('f', 256)});
  all.back().tolerance = 1e-5;  // products and sums are contracted
  return all;
}

}  // namespace intarsia::ptx::cuda_cases
