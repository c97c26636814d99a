// Numbers of PTX worked out in plain integers and doubles: the rules that random programs are judged by.
#pragma once
#include <cstdint>

namespace intarsia::ptx::random {

using U64 = std::uint64_t;
__extension__ typedef unsigned __int128 U128;
__extension__ typedef __int128 S128;

struct Integer {
  const char* name;
  int bits;
  bool is_signed;
};
constexpr U64 low_bits(int count) { return count >= 64 ? ~U64{0} : (U64{1} << count) - 1; }
S128 value_of(Integer type, U64 bits);   // of the low bits, extended by the type's sign
U64 cut(Integer type, S128 value);       // wraps
U64 clamp_to(Integer type, S128 value);  // saturates
U64 extended(Integer type, U64 bits);    // the low bits, extended to 64

enum class Rounding : std::uint8_t { kNearest, kZero, kDown, kUp };
struct Mode {
  const char* name;  // "rn"
  Rounding rounding;
};
inline constexpr Mode kModes[] = {
    {"rn", Rounding::kNearest}, {"rz", Rounding::kZero}, {"rm", Rounding::kDown}, {"rp", Rounding::kUp}};

// A binary format of at most 32 bits. e4m3 has no infinity.
struct Format {
  const char* name;
  int exponent_bits, fraction_bits;
  bool infinities = true;
};
inline constexpr Format kF16{"f16", 5, 10}, kBF16{"bf16", 8, 7}, kF32{"f32", 8, 23}, kTF32{"tf32", 8, 10},
    kE4M3{"e4m3", 4, 3, false}, kE5M2{"e5m2", 5, 2};

double decode(const Format& format, U64 bits);
// Rounds once. An f64 that was itself rounded to odd may be given. NaN: all ones behind the sign bit.
U64 encode(const Format& format, double value, Rounding rounding);
bool is_nan(const Format& format, U64 bits);
// Whether `value` rounds to less than the least normal number, if exponents had no least: what .ftz flushes.
bool is_tiny(const Format& format, double value, Rounding rounding);
double largest(const Format& format);

double rounded_integral(double value, Rounding rounding);
double to_odd(long double value);       // an f64, its last bit set where it is not exact
double sum_to_odd(double a, double b);  // a + b, likewise

enum class Basic : std::uint8_t { kAdd, kSub, kMul, kDiv, kSqrt, kFma };
float compute(Basic operation, Rounding rounding, float a, float b, float c);
double compute(Basic operation, Rounding rounding, double a, double b, double c);
float narrowed(long double value, Rounding rounding);
double narrowed_f64(long double value, Rounding rounding);

}  // namespace intarsia::ptx::random
