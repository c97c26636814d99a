// Runs a kernel as machine code and in the interpreter on equal memory, and compares every element.
#pragma once
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "harness.h"
#include "kernel/interpret.h"

namespace intarsia::test {

// Numbers where things go wrong first, then random ones.
inline double interesting(DType t, std::mt19937& random) {
  if (!is_float(t)) {
    constexpr double kSmall[] = {0, 1, -1, 2, 3, 7, 100, -128, 127};
    if (random() % 2 == 0) return kSmall[random() % std::size(kSmall)];
    return static_cast<double>(static_cast<std::int32_t>(random()));
  }
  constexpr double kSpecial[] = {0, -0.0, 1, -1, 0.5, INFINITY, -INFINITY, NAN, 1e-40, 3e38, -65504, 2.5};
  if (random() % 4 == 0) return kSpecial[random() % std::size(kSpecial)];
  return std::uniform_real_distribution<double>(-4, 4)(random);
}
inline double tame(DType t, std::mt19937& random) {
  if (!is_float(t)) return static_cast<double>(static_cast<int>(random() % 17) - 8);
  return std::uniform_real_distribution<double>(-2, 2)(random);
}
inline Tensor filled(DType t, std::int64_t count, std::mt19937& random,
                     double (*next)(DType, std::mt19937&) = tame) {
  Tensor out(t, count);
  for (std::int64_t i = 0; i < count; ++i) out.set(i, next(t, random));
  return out;
}

// The distance of two values in units of the last place of the dtype; 0 for two NaNs.
inline double ulps(DType t, std::uint64_t a, std::uint64_t b) {
  if (!is_float(t)) return a == b ? 0 : INFINITY;
  const double x = float_from_bits(t, a), y = float_from_bits(t, b);
  if (std::isnan(x) || std::isnan(y)) return std::isnan(x) && std::isnan(y) ? 0 : INFINITY;
  const auto ordered = [&](std::uint64_t bits) {
    const std::uint64_t sign = std::uint64_t{1} << (intarsia::bits(t) - 1);
    const auto size = static_cast<double>(bits & (sign - 1));
    return (bits & sign) != 0 ? -size : size;
  };
  return std::fabs(ordered(a) - ordered(b));
}

struct Tolerance {
  double ulps = 0;      // of each element ...
  double absolute = 0;  // ... or this far apart
};

// tensors by parameter, in order; outputs are compared.
inline void expect_equal_runs(const runtime::CpuImage& image, const Kernel& k, std::vector<Tensor> tensors,
                              const Symbols& symbols, const std::string& level, Tolerance tolerance = {},
                              std::span<const std::uint64_t> scalars = {}) {
  kernel::verify(k);
  std::vector<Tensor> wanted = tensors;
  std::vector<kernel::HostTensor> host;
  std::vector<Tensor*> pointers;
  std::size_t n = 0;
  for (const kernel::Param& p : k.params) {
    if (!kernel::is_memory(p.role)) continue;
    Tensor& t = wanted[n];
    host.push_back({.role = p.role, .port = p.port, .dtype = t.dtype, .count = t.count, .data = t.data()});
    pointers.push_back(&tensors[n++]);
  }
  const kernel::SymbolValues values(symbols.begin(), symbols.end());
  kernel::interpret(k, host, values, scalars, {.outputs_written = false});
  run(image, k, pointers, symbols, scalars, 2);
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    ASSERT_TRUE(tensors[i].guards_hold()) << k.name << " at " << level << " wrote outside tensor " << i;
    for (std::int64_t e = 0; e < tensors[i].count; ++e) {
      const std::uint64_t got = tensors[i].bits(e), want = wanted[i].bits(e);
      if (got == want || ulps(tensors[i].dtype, got, want) <= tolerance.ulps) continue;
      ASSERT_LE(std::fabs(tensors[i].at(e) - wanted[i].at(e)), tolerance.absolute)
          << k.name << " at " << level << ": tensor " << i << " element " << e << ": " << tensors[i].at(e)
          << " is not " << wanted[i].at(e);
    }
  }
}

inline void expect_equal_runs(const Kernel& k, std::vector<Tensor> tensors, const Symbols& symbols,
                              const std::string& level, Tolerance tolerance = {},
                              std::span<const std::uint64_t> scalars = {}) {
  kernel::verify(k);
  expect_equal_runs(load(std::span(&k, 1), level), k, std::move(tensors), symbols, level, tolerance, scalars);
}

}  // namespace intarsia::test
