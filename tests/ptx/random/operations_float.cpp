// f32 and f64: every rounding, with and without flushing and saturation.
#include <fmt/format.h>

#include <bit>
#include <cmath>

#include "operations.h"

namespace intarsia::ptx::random {
namespace {

constexpr U64 kNan32 = 0x7FFFFFFF, kSign32 = 0x80000000;

float single_of(U64 x) { return std::bit_cast<float>(static_cast<std::uint32_t>(x)); }
double double_of(U64 x) { return std::bit_cast<double>(x); }
U64 bits_of(float x) { return x != x ? kNan32 : std::bit_cast<std::uint32_t>(x); }
U64 flushed(U64 x) { return (x & 0x7F800000) == 0 ? x & kSign32 : x; }

struct Form {
  const char* name;
  Basic basic;
  std::size_t operands;
  bool saturates;  // whether .sat exists
};
constexpr Form kForms[] = {{"mad", Basic::kFma, 3, true},    {"add", Basic::kAdd, 2, true},
                           {"sub", Basic::kSub, 2, true},    {"mul", Basic::kMul, 2, true},
                           {"fma", Basic::kFma, 3, true},    {"div", Basic::kDiv, 2, false},
                           {"sqrt", Basic::kSqrt, 1, false}, {"rcp", Basic::kDiv, 1, false}};

struct Variant {
  Mode mode;
  bool flush, saturate;
};

// Of numbers of f32: to odd, or near enough for what is below the least one.
double exact(const Form& form, const float* in) {
  const double a = in[0], b = in[1], c = in[2];
  switch (form.basic) {
    case Basic::kAdd: return sum_to_odd(a, b);
    case Basic::kSub: return sum_to_odd(a, -b);
    case Basic::kMul: return a * b;
    case Basic::kFma: return sum_to_odd(a * b, c);
    case Basic::kSqrt: return std::sqrt(a);
    default: return form.operands == 1 ? 1 / a : a / b;
  }
}

U64 compute32(const Form& form, const Variant& v, const U64* x) {
  float in[3] = {};
  for (std::size_t i = 0; i < form.operands; ++i) in[i] = single_of(v.flush ? flushed(x[i]) : x[i]);
  const bool reciprocal = form.basic == Basic::kDiv && form.operands == 1;
  const float r =
      compute(form.basic, v.mode.rounding, reciprocal ? 1.0F : in[0], reciprocal ? in[0] : in[1], in[2]);
  U64 out = bits_of(r);
  if (v.flush && is_tiny(kF32, exact(form, in), v.mode.rounding)) out &= kSign32;
  if (v.saturate) out = bits_of(r != r || !(single_of(out) > 0) ? 0.0F : r > 1 ? 1.0F : single_of(out));
  return out;
}

Operation single(const Form& form, const Variant& v) {
  return {written(fmt::format("{}.{}{}{}.f32", form.name, v.mode.name, v.flush ? ".ftz" : "",
                              v.saturate ? ".sat" : ""),
                  form.operands),
          std::string(form.operands, 'r'),
          'r',
          'f',
          ' ',
          [=](const U64* x) { return compute32(form, v, x); }};
}

constexpr U64 kSign64 = U64{1} << 63, kQuiet64 = U64{1} << 51;
bool is_nan64(U64 x) { return (x & ~kSign64) > 0x7FF0000000000000; }

// The NaN of several operands that an H100 passes on; 0 where none is one. (Its division, a routine, takes
// the first.)
U64 passed_on(const Form& form, const U64* x) {
  if (form.basic != Basic::kDiv && form.operands > 1 && is_nan64(x[1])) return x[1] | kQuiet64;
  if (form.operands == 3 && is_nan64(x[2])) return x[2] | kQuiet64;
  for (std::size_t i = 0; i < form.operands; ++i)
    if (is_nan64(x[i])) return x[i] | kQuiet64;
  return 0;
}

Operation twofold(const Form& form, Mode mode) {
  const bool reciprocal = form.basic == Basic::kDiv && form.operands == 1;
  return {written(fmt::format("{}.{}.f64", form.name, mode.name), form.operands),
          std::string(form.operands, 'd'),
          'd',
          'd',
          'd',
          [=](const U64* x) {
            if (const U64 nan = passed_on(form, x); nan != 0) return nan;
            double in[3] = {};
            for (std::size_t i = 0; i < form.operands; ++i) in[i] = double_of(x[i]);
            return std::bit_cast<U64>(compute(form.basic, mode.rounding, reciprocal ? 1.0 : in[0],
                                              reciprocal ? in[0] : in[1], in[2]));
          }};
}

Kind singles() {
  Kind out{"f32", {}};
  for (const Form& form : kForms)
    for (const Mode& mode : kModes)
      for (const bool flush : {false, true})
        for (const bool saturate : {false, true})
          if (!saturate || form.saturates) out.operations.push_back(single(form, {mode, flush, saturate}));
  return out;
}
Kind doubles() {
  Kind out{"f64", {}};
  for (const Form& form : kForms)
    for (const Mode& mode : kModes) out.operations.push_back(twofold(form, mode));
  return out;
}

struct Extreme {
  bool most, nan, flush, sign;
};

// The larger or smaller number; -0 is below +0, and a number wins over a NaN unless `nan`.
U64 extreme(const Extreme& e, U64 a, U64 b) {
  if (e.flush) a = flushed(a), b = flushed(b);
  const U64 sign = (a ^ b) & kSign32;
  if (e.sign) a &= ~kSign32, b &= ~kSign32;
  const float x = single_of(a), y = single_of(b);
  const bool a_nan = x != x, b_nan = y != y;
  if ((a_nan && b_nan) || (e.nan && (a_nan || b_nan))) return kNan32;
  const bool a_below = x < y || (x == y && (a & kSign32) != 0);
  const U64 out = a_nan ? b : b_nan ? a : a_below != e.most ? a : b;
  return e.sign ? (out & ~kSign32) | sign : out;
}
U64 extreme64(bool most, U64 a, U64 b) {
  const double x = double_of(a), y = double_of(b);
  if (x != x) return y != y ? b | kQuiet64 : b;
  if (y != y) return a;
  return (x < y || (x == y && a >> 63 != 0)) != most ? a : b;
}

Kind extremes() {
  Kind out{"float extreme", {}};
  auto& l = out.operations;
  for (int k = 0; k < 16; ++k) {
    const Extreme e{(k & 1) != 0, (k & 2) != 0, (k & 4) != 0, (k & 8) != 0};
    l.push_back({written(fmt::format("{}{}{}{}.f32", e.most ? "max" : "min", e.flush ? ".ftz" : "",
                                     e.nan ? ".NaN" : "", e.sign ? ".xorsign.abs" : ""),
                         2),
                 "rr", 'r', 'f', 'f', [=](const U64* x) { return extreme(e, x[0], x[1]); }});
  }
  for (const bool most : {false, true})
    l.push_back({written(most ? "max.f64" : "min.f64", 2), "dd", 'd', 'd', 'd',
                 [=](const U64* x) { return extreme64(most, x[0], x[1]); }});
  return out;
}

Kind signs() {
  Kind out{"float sign", {}};
  auto& l = out.operations;
  for (const bool flush : {false, true})
    for (const bool absolute : {false, true})
      l.push_back({written(fmt::format("{}{}.f32", absolute ? "abs" : "neg", flush ? ".ftz" : ""), 1), "r",
                   'r', ' ', 'f', [=](const U64* x) {
                     const U64 a = flush ? flushed(x[0]) : x[0];
                     if ((a & ~kSign32) > 0x7F800000) return kNan32;
                     return absolute ? a & ~kSign32 : a ^ kSign32;
                   }});
  l.push_back({written("abs.f64", 1), "d", 'd', ' ', 'd',
               [](const U64* x) { return is_nan64(x[0]) ? x[0] | kQuiet64 : x[0] & ~kSign64; }});
  l.push_back({written("neg.f64", 1), "d", 'd', ' ', 'd',
               [](const U64* x) { return is_nan64(x[0]) ? x[0] | kQuiet64 : x[0] ^ kSign64; }});
  l.push_back({written("copysign.f32", 2), "rr", 'r', ' ', 'f',
               [](const U64* x) { return (x[1] & ~kSign32) | (x[0] & kSign32); }});
  l.push_back({written("copysign.f64", 2), "dd", 'd', ' ', 'd',
               [](const U64* x) { return (x[1] & ~(U64{1} << 63)) | (x[0] & U64{1} << 63); }});
  return out;
}

Kind tests() {
  Kind out{"float test", {}, false, false};
  struct Test {
    const char* name;
    bool nan, infinite, normal, subnormal, zero;
  };
  constexpr Test kTests[] = {
      {"finite", false, false, true, true, true},  {"infinite", false, true, false, false, false},
      {"number", false, true, true, true, true},   {"notanumber", true, false, false, false, false},
      {"normal", false, false, true, false, true}, {"subnormal", false, false, false, true, false}};
  for (const Test& t : kTests)
    for (const bool wide : {false, true})
      out.operations.push_back({written(fmt::format("testp.{}.{}", t.name, wide ? "f64" : "f32"), 1),
                                {wide ? 'd' : 'r'},
                                'p',
                                ' ',
                                ' ',
                                [=](const U64* x) -> U64 {
                                  switch (wide ? std::fpclassify(double_of(x[0]))
                                               : std::fpclassify(single_of(x[0]))) {
                                    case FP_NAN: return t.nan;
                                    case FP_INFINITE: return t.infinite;
                                    case FP_NORMAL: return t.normal;
                                    case FP_SUBNORMAL: return t.subnormal;
                                    default: return t.zero;
                                  }
                                }});
  return out;
}

}  // namespace

void add_float_operations(Kinds& kinds) {
  for (Kind kind : {singles(), doubles(), extremes(), signs(), tests()}) kinds.push_back(std::move(kind));
}

}  // namespace intarsia::ptx::random
