// The operations random programs are made of: how each is written, and what it computes.
//
// Only operations whose result PTX fixes to the bit. Where it leaves the payload of a NaN open, `nan` names
// the format whose NaNs a program must make canonical before they are compared.
#pragma once
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "arithmetic.h"

namespace intarsia::ptx::random {

// Registers: 'p' a predicate, 'h' 16, 'r' 32, 'd' 64 untyped bits.
using Function = std::function<U64(const U64* operands)>;

// %zh, %zr and %zd (of 16, 32 and 64 bits) are zeros and %no is false, though an assembler cannot know it: a
// value that they are put over is just bits to it. README.md says where ptxas needs that.
struct Operation {
  std::string text;  // "add.s32 $0, $1, $2;", with $g where a guard goes if not at its start
  std::string from;  // a register letter per operand
  char to = 'r';
  char immediate = ' ';  // how an operand may stand as a number: 'i', 'f' (0f…), 'd' (0d…), ' ' not
  char nan = ' ';        // of the result: 'f', 'd', 'h' (f16), 'b' (bf16), 'H', 'B' (pairs), ' ' none open
  Function compute;
};

// Operations of one kind: a program picks the kind first.
struct Kind {
  std::string name;
  std::vector<Operation> operations;
  bool alone = false;   // tried one by one, and in no program
  bool guarded = true;  // whether programs may guard them: ptxas 13.0 loses the guard of set and testp
};
using Kinds = std::vector<Kind>;

const Kinds& operations();

void add_integer_operations(Kinds& kinds);
void add_bit_operations(Kinds& kinds);
void add_float_operations(Kinds& kinds);
void add_half_operations(Kinds& kinds);
void add_compare_operations(Kinds& kinds);
void add_convert_operations(Kinds& kinds);
void add_video_operations(Kinds& kinds);

Operation as_bits(Operation o);  // its result put under a zero

constexpr char letter(int bits) { return bits == 16 ? 'h' : bits == 32 ? 'r' : 'd'; }
// "add.s32" over three operands: "add.s32 $0, $1, $2, $3;"
std::string written(const std::string& form, std::size_t operands);

}  // namespace intarsia::ptx::random
