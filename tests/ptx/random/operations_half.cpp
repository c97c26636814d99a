// f16 and bf16, alone and in pairs: computed to odd in f64 and rounded once.
#include <fmt/format.h>

#include <cmath>

#include "operations.h"

namespace intarsia::ptx::random {
namespace {

constexpr U64 kNan = 0x7FFF;

struct Variant {
  bool flush = false, saturate = false, relu = false;
};

U64 flushed(const Format& f, U64 x) {
  return (x & low_bits(f.exponent_bits) << f.fraction_bits) == 0 ? x & 0x8000 : x;
}

using Exact = std::function<double(double a, double b, double c)>;

U64 framed(const Format& format, const Variant& v, const Exact& exact, const U64* x, std::size_t count) {
  double in[3] = {};
  for (std::size_t i = 0; i < count; ++i)
    in[i] = decode(format, v.flush ? flushed(format, x[i] & 0xFFFF) : x[i] & 0xFFFF);
  double r = exact(in[0], in[1], in[2]);
  if (v.saturate) r = !(r > 0) ? 0.0 : r > 1 ? 1.0 : r;
  if (v.relu && r <= 0) r = 0;
  if (v.flush && is_tiny(format, r, Rounding::kNearest)) r = std::copysign(0.0, r);
  return encode(format, r, Rounding::kNearest);
}

// The operation alone and on pairs.
void add(Kind& kind, const std::string& form, const Format& format, std::size_t count, char nan,
         const std::function<U64(const U64*)>& one) {
  const char pair_nan = nan == 'h' ? 'H' : nan == 'b' ? 'B' : ' ';
  kind.operations.push_back(
      {written(fmt::format("{}.{}", form, format.name), count), std::string(count, 'h'), 'h', ' ', nan, one});
  kind.operations.push_back({written(fmt::format("{}.{}x2", form, format.name), count),
                             std::string(count, 'r'), 'r', ' ', pair_nan, [=](const U64* x) {
                               U64 low[3] = {}, high[3] = {};
                               for (std::size_t i = 0; i < count; ++i)
                                 low[i] = x[i] & 0xFFFF, high[i] = x[i] >> 16;
                               return one(low) | one(high) << 16;
                             }});
}

void add_arithmetic(Kind& kind, const Format& format, const Variant& v) {
  const std::string suffix =
      fmt::format("{}{}{}", v.flush ? ".ftz" : "", v.saturate ? ".sat" : "", v.relu ? ".relu" : "");
  const auto with = [&](const char* name, std::size_t count, Exact exact) {
    add(kind, fmt::format("{}.rn{}", name, suffix), format, count, ' ',
        [=](const U64* x) { return framed(format, v, exact, x, count); });
  };
  // products of 11 bits are exact in f64; sums may not be
  with("fma", 3, [](double a, double b, double c) { return sum_to_odd(a * b, c); });
  if (v.relu) return;
  with("add", 2, [](double a, double b, double) { return sum_to_odd(a, b); });
  with("sub", 2, [](double a, double b, double) { return sum_to_odd(a, -b); });
  with("mul", 2, [](double a, double b, double) { return a * b; });
}

Kind arithmetic(const Format& format, bool flushes) {
  Kind out{format.name, {}};
  for (int k = 0; k < (flushes ? 4 : 1); ++k)
    add_arithmetic(out, format, {(k & 1) != 0, (k & 2) != 0, false});
  for (int k = 0; k < (flushes ? 2 : 1); ++k) add_arithmetic(out, format, {(k & 1) != 0, false, true});
  return out;
}

struct Extreme {
  bool most, nan, flush, sign;
};
U64 extreme(const Format& f, const Extreme& e, U64 a, U64 b) {
  if (e.flush) a = flushed(f, a), b = flushed(f, b);
  const U64 sign = (a ^ b) & 0x8000;
  if (e.sign) a &= 0x7FFF, b &= 0x7FFF;
  const bool a_nan = is_nan(f, a), b_nan = is_nan(f, b);
  if ((a_nan && b_nan) || (e.nan && (a_nan || b_nan))) return kNan;
  const double x = decode(f, a), y = decode(f, b);
  const bool a_below = x < y || (x == y && (a & 0x8000) != 0);
  const U64 out = a_nan ? b : b_nan ? a : a_below != e.most ? a : b;
  return e.sign ? (out & 0x7FFF) | sign : out;
}

Kind extremes() {
  Kind out{"half extreme", {}};
  for (const Format& format : {kF16, kBF16})
    for (int k = 0; k < 16; ++k) {
      const Extreme e{(k & 1) != 0, (k & 2) != 0, (k & 4) != 0, (k & 8) != 0};
      if (e.flush && format.exponent_bits == 8) continue;
      add(out,
          fmt::format("{}{}{}{}", e.most ? "max" : "min", e.flush ? ".ftz" : "", e.nan ? ".NaN" : "",
                      e.sign ? ".xorsign.abs" : ""),
          format, 2, format.exponent_bits == 5 ? 'h' : 'b',
          [=](const U64* x) { return extreme(format, e, x[0], x[1]); });
    }
  return out;
}

Kind signs() {
  Kind out{"half sign", {}};
  for (const Format& format : {kF16, kBF16})
    for (int k = 0; k < (format.exponent_bits == 5 ? 4 : 2); ++k) {
      const bool absolute = (k & 1) != 0, flush = (k & 2) != 0;
      add(out, fmt::format("{}{}", absolute ? "abs" : "neg", flush ? ".ftz" : ""), format, 1,
          format.exponent_bits == 5 ? 'h' : 'b', [=](const U64* x) -> U64 {
            const U64 a = flush ? flushed(format, x[0]) : x[0];
            if (is_nan(format, a)) return kNan;
            return absolute ? a & 0x7FFF : a ^ 0x8000;
          });
      if (!absolute) continue;
      // ptxas 13.0 leaves out what follows an f32 operation with .sat: no sign, it takes it, in either half
      std::string& pair = out.operations.back().text;
      pair.replace(pair.find("$1"), 2, "t");
      pair = fmt::format("{{ .reg .b32 t; xor.b32 t, $1, %zr; {} }}", pair);
    }
  return out;
}

}  // namespace

void add_half_operations(Kinds& kinds) {
  for (Kind kind : {arithmetic(kF16, true), arithmetic(kBF16, false), extremes(), signs()})
    kinds.push_back(std::move(kind));
}

}  // namespace intarsia::ptx::random
