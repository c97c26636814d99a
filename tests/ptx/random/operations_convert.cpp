// cvt between every pair of types, and the packed conversions.
#include <fmt/format.h>

#include <bit>
#include <cmath>

#include "operations.h"

namespace intarsia::ptx::random {
namespace {

constexpr Integer kIntegers[] = {{"u8", 8, false},   {"s8", 8, true},    {"u16", 16, false},
                                 {"s16", 16, true},  {"u32", 32, false}, {"s32", 32, true},
                                 {"u64", 64, false}, {"s64", 64, true}};
constexpr Mode kIntegral[] = {
    {"rni", Rounding::kNearest}, {"rzi", Rounding::kZero}, {"rmi", Rounding::kDown}, {"rpi", Rounding::kUp}};

// f64 is no Format: its bits are a host double.
struct Real {
  const char* name;
  char letter, nan;
  const Format* format;  // null: f64
  double value(U64 x) const { return format == nullptr ? std::bit_cast<double>(x) : decode(*format, x); }
};
constexpr Real kReals[] = {{"f16", 'h', 'h', &kF16},
                           {"bf16", 'h', 'b', &kBF16},
                           {"f32", 'r', 'f', &kF32},
                           {"f64", 'd', 'd', nullptr}};

// A register holds the narrow integers extended.
char held_in(Integer t) { return t.bits == 8 ? 'h' : letter(t.bits); }
U64 in_register(Integer t, U64 value) { return extended(t, value) & low_bits(std::max(t.bits, 16)); }

// Where every value fits there is no .sat.
bool always_fits(Integer to, Integer from) {
  return from.is_signed ? to.is_signed && to.bits >= from.bits
                        : to.bits - (to.is_signed ? 1 : 0) >= from.bits;
}

Kind between_integers() {
  Kind out{"cvt integers", {}};
  for (const Integer to : kIntegers)
    for (const Integer from : kIntegers)
      for (const bool saturate : {false, true}) {
        if (saturate && always_fits(to, from)) continue;
        Operation o{written(fmt::format("cvt{}.{}.{}", saturate ? ".sat" : "", to.name, from.name), 1),
                    {held_in(from)},
                    held_in(to),
                    ' ',
                    ' ',
                    [=](const U64* x) {
                      const S128 v = value_of(from, x[0]);
                      return in_register(to, saturate ? clamp_to(to, v) : cut(to, v));
                    }};
        // ptxas 13.0 then leaves out the .sat of a float conversion of it
        out.operations.push_back(saturate ? as_bits(std::move(o)) : std::move(o));
      }
  return out;
}

U64 to_integer(const Real& from, Integer to, Rounding rounding, bool flush, U64 x) {
  double v = from.value(x);
  if (v != v) return in_register(to, from.format == nullptr || to.bits == 64 ? U64{1} << (to.bits - 1) : 0);
  if (flush && std::fabs(v) < 0x1p-126) v = 0;
  v = rounded_integral(v, rounding);
  if (v >= 0x1p64) v = 0x1p64;
  if (v <= -0x1p64) v = -0x1p64;
  return in_register(to, clamp_to(to, static_cast<S128>(v)));
}

// ptxas 13.0 makes one conversion of two, where both formats of 16 bits are one to it and NaNs of the first
// are lost: what conversions from floats to integers and to 16-bit floats give passes under a zero.
Operation half_as_bits(Operation o) { return o.to == 'h' ? as_bits(std::move(o)) : o; }

Kind to_integers() {
  Kind out{"cvt to integer", {}};
  for (const Real& from : kReals)
    for (const Integer to : kIntegers)
      for (const Mode& mode : kIntegral)
        for (const bool flush : {false, true}) {
          if ((flush && from.letter != 'r') || (from.nan == 'b' && to.bits == 8)) continue;
          out.operations.push_back(as_bits(
              {written(fmt::format("cvt.{}{}.{}.{}", mode.name, flush ? ".ftz" : "", to.name, from.name), 1),
               {from.letter},
               held_in(to),
               ' ',
               ' ',
               [=](const U64* x) { return to_integer(from, to, mode.rounding, flush, x[0]); }}));
        }
  return out;
}

U64 encode_integer(const Real& to, Rounding rounding, S128 value) {
  const auto exact = static_cast<long double>(value);  // at most 64 bits
  return to.format == nullptr ? std::bit_cast<U64>(narrowed_f64(exact, rounding))
                              : encode(*to.format, to_odd(exact), rounding);
}

Kind from_integers() {
  Kind out{"cvt from integer", {}};
  for (const Real& to : kReals)
    for (const Integer from : kIntegers)
      for (const Mode& mode : kModes) {
        if (to.nan == 'b' && from.bits == 8) continue;
        out.operations.push_back(half_as_bits(
            {written(fmt::format("cvt.{}.{}.{}", mode.name, to.name, from.name), 1),
             {held_in(from)},
             to.letter,
             ' ',
             ' ',
             [=](const U64* x) { return encode_integer(to, mode.rounding, value_of(from, x[0])); }}));
      }
  return out;
}

U64 flushed(const Format& f, U64 x) {
  const U64 exponent = low_bits(f.exponent_bits) << f.fraction_bits,
            sign = U64{1} << (f.exponent_bits + f.fraction_bits);
  return (x & exponent) == 0 ? x & sign : x;
}

struct Conversion {
  Real to, from;
  Rounding rounding = Rounding::kNearest;
  bool flush = false, saturate = false, relu = false, integral = false, finite = false;
};

int fraction_bits(const Real& r) { return r.format == nullptr ? 52 : r.format->fraction_bits; }
int all_bits(const Real& r) { return r.letter == 'h' ? 16 : r.letter == 'r' ? 32 : 64; }

// What an H100 makes of a NaN: from and to f64 it keeps the sign and the upper bits, from bf16 to f32 all
// bits; else it has one NaN.
U64 converted_nan(const Conversion& c, U64 x) {
  const bool keeps = (c.from.format == nullptr || c.to.format == nullptr) && !c.flush;
  if (c.from.nan == 'b' && c.to.nan == 'f') return x << 16;
  if (c.flush && c.to.format == nullptr) return 0x7FFFFFFFE0000000;
  if (!keeps && c.from.format != nullptr) return low_bits(all_bits(c.to) - 1);
  const int to = fraction_bits(c.to), from = fraction_bits(c.from);
  const U64 fraction = x & low_bits(from),
            moved = to >= from ? fraction << (to - from) : fraction >> (from - to);
  const U64 sign = x >> (all_bits(c.from) - 1) << (all_bits(c.to) - 1);
  const U64 infinity = low_bits(all_bits(c.to) - 1) & ~low_bits(to);
  return sign | infinity | U64{1} << (to - 1) | moved;
}

// Narrowing to f16 flushes nothing.
U64 convert(const Conversion& c, U64 x) {
  if (c.flush && c.from.letter == 'r' && c.to.nan != 'h') x = flushed(kF32, x);
  if (const double given = c.from.value(x); given != given && !c.saturate) return converted_nan(c, x);
  double v = c.from.value(x);
  if (c.integral && v == v) v = rounded_integral(v, c.rounding);
  if (c.saturate) v = !(v > 0) ? 0.0 : v > 1 ? 1.0 : v;
  if (c.relu && v <= 0) v = 0;
  if (c.to.format == nullptr) return std::bit_cast<U64>(v);
  if (c.flush && c.to.letter == 'r' && is_tiny(kF32, v, c.rounding)) v = std::copysign(0.0, v);
  const U64 bits = encode(*c.to.format, v, c.rounding);
  return c.finite && std::isinf(decode(*c.to.format, bits)) ? bits - 1 : bits;
}

void add_conversion(Kind& kind, const std::string& form, const Conversion& c) {
  const bool loose = !c.saturate && (c.to.format == nullptr || c.from.format == nullptr || c.from.nan == 'b');
  kind.operations.push_back(half_as_bits(
      {written(form, 1), {c.from.letter}, c.to.letter, ' ', loose ? c.to.nan : ' ', [=](const U64* x) {
         return convert(c, x[0]);
       }}));
}

Kind between_floats() {
  Kind out{"cvt floats", {}};
  const Real f16 = kReals[0], bf16 = kReals[1], f32 = kReals[2], f64 = kReals[3];
  for (const bool flush : {false, true})
    for (const bool saturate : {false, true}) {
      const std::string more = fmt::format("{}{}", flush ? ".ftz" : "", saturate ? ".sat" : "");
      add_conversion(out, fmt::format("cvt{}.f64.f32", more),
                     {f64, f32, Rounding::kNearest, flush, saturate});
      add_conversion(out, fmt::format("cvt{}.f32.f16", more),
                     {f32, f16, Rounding::kNearest, flush, saturate});
      for (const Mode& m : kModes) {
        add_conversion(out, fmt::format("cvt.{}{}.f32.f64", m.name, more),
                       {f32, f64, m.rounding, flush, saturate});
        add_conversion(out, fmt::format("cvt.{}{}.f16.f32", m.name, more),
                       {f16, f32, m.rounding, flush, saturate});
        if (!flush)
          add_conversion(out, fmt::format("cvt.{}{}.f16.f64", m.name, more),
                         {f16, f64, m.rounding, false, saturate});
      }
      if (!flush)
        add_conversion(out, fmt::format("cvt{}.f64.f16", more),
                       {f64, f16, Rounding::kNearest, false, saturate});
    }
  for (const Mode& m : kModes) {
    add_conversion(out, fmt::format("cvt.{}.bf16.f64", m.name), {bf16, f64, m.rounding});
    add_conversion(out, fmt::format("cvt.{}.bf16.f32", m.name), {bf16, f32, m.rounding});
    add_conversion(out, fmt::format("cvt.{}.bf16.f16", m.name), {bf16, f16, m.rounding});
    add_conversion(out, fmt::format("cvt.{}.f16.bf16", m.name), {f16, bf16, m.rounding});
  }
  add_conversion(out, "cvt.f32.bf16", {f32, bf16});
  add_conversion(out, "cvt.f64.bf16", {f64, bf16});
  for (const Real& to : {f16, bf16})
    for (int m = 0; m < 2; ++m) {
      const Rounding rounding = kModes[m].rounding;
      add_conversion(out, fmt::format("cvt.{}.relu.{}.f32", kModes[m].name, to.name),
                     {to, f32, rounding, false, false, true});
      for (const bool relu : {false, true})
        add_conversion(out,
                       fmt::format("cvt.{}.satfinite{}.{}.f32", kModes[m].name, relu ? ".relu" : "", to.name),
                       {to, f32, rounding, false, false, relu, false, true});
    }
  return out;
}

Kind integral() {
  Kind out{"cvt integral", {}};
  for (const Real& t : kReals)
    for (const Mode& m : kIntegral)
      for (const bool flush : {false, true})
        for (const bool saturate : {false, true}) {
          if ((flush && t.letter != 'r') || (saturate && t.nan == 'b')) continue;
          Conversion c{t, t, m.rounding, flush, saturate, false, true};
          out.operations.push_back({written(fmt::format("cvt.{}{}{}.{}.{}", m.name, flush ? ".ftz" : "",
                                                        saturate ? ".sat" : "", t.name, t.name),
                                            1),
                                    {t.letter},
                                    t.letter,
                                    ' ',
                                    saturate ? ' ' : t.nan,
                                    [=](const U64* x) { return convert(c, x[0]); }});
        }
  return out;
}

// e4m3 and e5m2 saturate at the largest finite value; a NaN is 0x7F.
U64 to_narrow(const Format& f, double v, bool relu) {
  if (v != v) return 0x7F;
  if (relu && v <= 0) v = 0;
  const double most = largest(f), finite = v > most ? most : v < -most ? -most : v;
  const U64 out = encode(f, finite, Rounding::kNearest);
  return decode(f, out) == v || std::fabs(decode(f, out)) <= most ? out : encode(f, finite, Rounding::kZero);
}

void add_narrow(Kind& kind, const Format& f) {
  for (const bool relu : {false, true}) {
    const char* more = relu ? ".relu" : "";
    // ptxas 13.0 packs such a pair beside another half, and loses that one
    kind.operations.push_back(as_bits({written(fmt::format("cvt.rn.satfinite{}.{}x2.f32", more, f.name), 2),
                                       "rr", 'h', ' ', ' ', [=](const U64* x) {
                                         return to_narrow(f, decode(kF32, x[1]), relu) |
                                                to_narrow(f, decode(kF32, x[0]), relu) << 8;
                                       }}));
    kind.operations.push_back(as_bits({written(fmt::format("cvt.rn.satfinite{}.{}x2.f16x2", more, f.name), 1),
                                       "r", 'h', ' ', ' ', [=](const U64* x) {
                                         return to_narrow(f, decode(kF16, x[0] & 0xFFFF), relu) |
                                                to_narrow(f, decode(kF16, x[0] >> 16), relu) << 8;
                                       }}));
    kind.operations.push_back(
        {written(fmt::format("cvt.rn{}.f16x2.{}x2", more, f.name), 1), "h", 'r', ' ', ' ', [=](const U64* x) {
           U64 out = 0;
           for (int i = 0; i < 2; ++i) {
             const double v = decode(f, x[0] >> (8 * i) & 255);
             out |= encode(kF16, relu && v <= 0 ? 0 : v, Rounding::kNearest) << (16 * i);
           }
           return out;
         }});
  }
}

// tf32 lies in the upper bits of an f32; a NaN is 0x7fffe000, but for .rna, which cuts it.
Kind narrowed_words() {
  Kind out{"cvt tf32", {}, true};
  for (int k = 0; k < 4; ++k) {
    const Mode m = kModes[k & 1];
    const bool relu = (k & 2) != 0;
    out.operations.push_back({written(fmt::format("cvt.{}{}.tf32.f32", m.name, relu ? ".relu" : ""), 1), "r",
                              'r', ' ', 'f', [=](const U64* x) {
                                double v = decode(kF32, x[0]);
                                if (relu && v <= 0) v = 0;
                                return v != v ? 0x7FFFE000 : encode(kTF32, v, m.rounding) << 13;
                              }});
  }
  out.operations.push_back({written("cvt.rna.tf32.f32", 1), "r", 'r', ' ', 'f', [](const U64* x) {
                              return (x[0] & 0x7F800000) == 0x7F800000
                                         ? x[0] & 0xFFFFE000
                                         : (x[0] + 0x1000) & 0xFFFFE000;  // half: away from zero
                            }});
  return out;
}

Kind packed() {
  Kind out{"cvt packed", {}};
  for (const Real& to : {kReals[0], kReals[1]})
    for (int k = 0; k < 8; ++k) {
      const Mode m = kModes[k & 1];
      const bool relu = (k & 2) != 0, finite = (k & 4) != 0;
      const Conversion c{to, kReals[2], m.rounding, false, false, relu, false, finite};
      out.operations.push_back({written(fmt::format("cvt.{}{}{}.{}x2.f32", m.name, finite ? ".satfinite" : "",
                                                    relu ? ".relu" : "", to.name),
                                        2),
                                "rr", 'r', ' ', ' ',
                                [=](const U64* x) { return convert(c, x[0]) << 16 | convert(c, x[1]); }});
    }
  add_narrow(out, kE4M3);
  add_narrow(out, kE5M2);
  for (const Integer t : {kIntegers[2], kIntegers[3]})
    out.operations.push_back(
        {written(fmt::format("cvt.pack.sat.{}.s32", t.name), 2), "rr", 'r', ' ', ' ', [=](const U64* x) {
           return clamp_to(t, value_of(kIntegers[5], x[1])) | clamp_to(t, value_of(kIntegers[5], x[0])) << 16;
         }});
  for (const Integer t : {kIntegers[0], kIntegers[1]})
    out.operations.push_back(
        {written(fmt::format("cvt.pack.sat.{}.s32.b32", t.name), 3), "rrr", 'r', ' ', ' ', [=](const U64* x) {
           return (clamp_to(t, value_of(kIntegers[5], x[1])) |
                   clamp_to(t, value_of(kIntegers[5], x[0])) << 8 | x[2] << 16) &
                  low_bits(32);
         }});
  return out;
}

}  // namespace

void add_convert_operations(Kinds& kinds) {
  for (Kind kind : {between_integers(), to_integers(), from_integers(), between_floats(), integral(),
                    packed(), narrowed_words()})
    kinds.push_back(std::move(kind));
}

}  // namespace intarsia::ptx::random
