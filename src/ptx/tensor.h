// Products of tensor cores: exact by the rule of the imitated architecture, or summed in f32.
//
// The rule (MMA-Sim, arXiv 2511.10909, confirmed for sm_90 by tests/ptx): the products of one step and the
// addend are truncated toward zero to a number of fraction bits below the largest exponent among them (the
// products' exponents not normalised), summed exactly, and truncated to f32. A step is the whole k on Hopper
// with 25 bits, half of it on Ampere with 24. On Hopper fp8 in a wgmma keeps 13 bits, in the result too; an
// mma of fp8 is two instructions over f16: the first sums from 0 the products whose k modulo 4 is 0 or 1, the
// second adds the others, and the addend is added last (what ptxas makes of it, and an H100's answers agree).
#pragma once
#include <cstdint>
#include <span>

#include "ptx/opcodes.h"

namespace intarsia::ptx {

// A number as significand * 2^exponent, its exponent field not below the format's least.
struct Scaled {
  std::int32_t significand = 0;  // signed
  std::int16_t exponent = 0;     // of the format: the value of its leading bit's place
  enum class Kind : std::uint8_t { kFinite, kInfinite, kNan } kind = Kind::kFinite;
  bool negative = false;
};
Scaled scaled(Type type, std::uint32_t bits);  // of kF16, kBF16, kTF32, kE4M3, kE5M2
int fraction_bits(Type type);

struct TensorRule {
  int bits = 25;         // fraction bits kept below the largest exponent
  int step = 64;         // products summed at once
  int result_bits = 23;  // fraction bits of a step's result
  bool apart = false;  // steps are instructions of their own, from 0, and the addend is added to their result
  bool fast = false;   // f32 sums instead
};
TensorRule tensor_rule(int architecture, Type type, bool warp_group, bool exact);

// a · b + c, as f32 bits; a and b are of the types given.
std::uint32_t dot(Type a_type, std::span<const Scaled> a, Type b_type, std::span<const Scaled> b,
                  std::uint32_t c, const TensorRule& rule);
// The same with c and the result in f16.
std::uint16_t dot_f16(Type a_type, std::span<const Scaled> a, Type b_type, std::span<const Scaled> b,
                      std::uint16_t c, const TensorRule& rule);

}  // namespace intarsia::ptx
