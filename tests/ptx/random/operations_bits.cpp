// Logic, shifts and fields, computed bit by bit.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "operations.h"

namespace intarsia::ptx::random {
namespace {

bool bit(U64 x, U64 at) { return at < 64 && (x >> at & 1) != 0; }

Kind logic() {
  Kind out{"logic", {}};
  auto& l = out.operations;
  for (const int bits : {1, 16, 32, 64}) {
    const char c = bits == 1 ? 'p' : letter(bits), immediate = bits == 1 ? ' ' : 'i';
    const std::string type = bits == 1 ? "pred" : fmt::format("b{}", bits);
    const U64 all = low_bits(bits);
    l.push_back(
        {written("and." + type, 2), {c, c}, c, immediate, ' ', [](const U64* x) { return x[0] & x[1]; }});
    l.push_back(
        {written("or." + type, 2), {c, c}, c, immediate, ' ', [](const U64* x) { return x[0] | x[1]; }});
    l.push_back(
        {written("xor." + type, 2), {c, c}, c, immediate, ' ', [](const U64* x) { return x[0] ^ x[1]; }});
    l.push_back({written("not." + type, 1), {c}, c, ' ', ' ', [=](const U64* x) { return ~x[0] & all; }});
    if (bits == 1) continue;
    // ptxas 13.0 takes its 1 for a 1.0 where a float operation follows
    l.push_back(as_bits({written("cnot." + type, 1), {c}, c, ' ', ' ', [](const U64* x) -> U64 {
                           return x[0] == 0 ? 1 : 0;
                         }}));
  }
  for (const int table : {0x96, 0xE8, 0xCA, 0x1B, 0x7F, 0x00, 0xD2}) {
    l.push_back(
        {fmt::format("lop3.b32 $0, $1, $2, $3, {:#x};", table), "rrr", 'r', 'i', ' ', [=](const U64* x) {
           U64 d = 0;
           for (U64 i = 0; i < 32; ++i) {
             const int row = (bit(x[0], i) ? 4 : 0) + (bit(x[1], i) ? 2 : 0) + (bit(x[2], i) ? 1 : 0);
             d |= static_cast<U64>(table >> row & 1) << i;
           }
           return d;
         }});
  }
  return out;
}

// ptxas 13.0 takes the number of places of a 16-bit shift modulo 2^16 where it is written as a number.
// And it converts the places of a 64-bit shift where an f32 operation left them.
Operation shift(const char* form, Integer t, bool left) {
  const char c = letter(t.bits);
  return {t.bits == 64
              ? fmt::format("{{ .reg .b32 places; xor.b32 places, %zr, $2; {} $0, $1, places; }}", form)
              : written(form, 2),
          {c, 'r'},
          c,
          t.bits == 16 ? ' ' : 'i',
          ' ',
          [=](const U64* x) {
            const int n = static_cast<int>(std::min<U64>(x[1], 64));
            return cut(t, left ? static_cast<S128>(static_cast<U128>(x[0]) << n) : value_of(t, x[0]) >> n);
          }};
}

Kind shifts() {
  Kind out{"shift", {}};
  auto& l = out.operations;
  for (const int bits : {16, 32, 64}) {
    l.push_back(shift(fmt::format("shl.b{}", bits).c_str(), {"", bits, false}, true));
    l.push_back(shift(fmt::format("shr.u{}", bits).c_str(), {"", bits, false}, false));
    l.push_back(shift(fmt::format("shr.s{}", bits).c_str(), {"", bits, true}, false));
    // near the width more often than chance would have it
    for (Operation o : {shift(fmt::format("shl.b{}", bits).c_str(), {"", bits, false}, true),
                        shift(fmt::format("shr.s{}", bits).c_str(), {"", bits, true}, false)}) {
      const Function f = o.compute;
      o.text =
          fmt::format("{{ .reg .b32 n; and.b32 n, $2, 127; {} }}", o.text.replace(o.text.find("$2"), 2, "n"));
      o.immediate = ' ';
      o.compute = [f](const U64* x) {
        const U64 y[] = {x[0], x[1] & 127};
        return f(y);
      };
      l.push_back(std::move(o));
    }
  }
  for (int k = 0; k < 4; ++k) {
    const bool left = (k & 1) != 0, wrap = (k & 2) != 0;
    l.push_back({fmt::format("{{ .reg .b32 n; and.b32 n, $3, 63; shf.{}.{}.b32 $0, $1, $2, n; }}",
                             left ? "l" : "r", wrap ? "wrap" : "clamp"),
                 "rrr", 'r', ' ', ' ', [=](const U64* x) {
                   const U64 n = wrap ? x[2] & 31 : std::min<U64>(x[2] & 63, 32), both = x[1] << 32 | x[0];
                   return (left ? static_cast<U64>(static_cast<U128>(both) << n >> 32) : both >> n) &
                          low_bits(32);
                 }});
  }
  return out;
}

U64 extracted(Integer t, U64 a, U64 position, U64 length) {
  const U64 pos = position & 255, len = length & 255, top = static_cast<U64>(t.bits) - 1;
  const bool sign = t.is_signed && len != 0 && bit(a, std::min(pos + len - 1, top));
  U64 out = 0;
  for (U64 i = 0; i <= top; ++i)
    out |= static_cast<U64>(i < len && pos + i <= top ? bit(a, pos + i) : sign) << i;
  return out;
}
U64 inserted(int bits, const U64* x) {
  const U64 pos = x[2] & 255, len = x[3] & 255;
  U64 out = x[1];
  for (U64 i = 0; i < len && pos + i < static_cast<U64>(bits); ++i)
    out = (out & ~(U64{1} << (pos + i))) | static_cast<U64>(bit(x[0], i)) << (pos + i);
  return out;
}
U64 found(Integer t, U64 a, bool shift) {
  const bool negative = t.is_signed && bit(a, static_cast<U64>(t.bits) - 1);
  for (int i = t.bits - 1; i >= 0; --i)
    if (bit(a, static_cast<U64>(i)) != negative) return static_cast<U64>(shift ? t.bits - 1 - i : i);
  return low_bits(32);
}

Kind fields() {
  Kind out{"field", {}};
  auto& l = out.operations;
  constexpr Integer kTypes[] = {{"u32", 32, false}, {"s32", 32, true}, {"u64", 64, false}, {"s64", 64, true}};
  for (const Integer t : kTypes) {
    const char c = letter(t.bits);
    l.push_back(
        {fmt::format("{{ .reg .b32 n, m; and.b32 n, $2, 127; and.b32 m, $3, 127; bfe.{} $0, $1, n, m; }}",
                     t.name),
         {c, 'r', 'r'},
         c,
         ' ',
         ' ',
         [=](const U64* x) { return extracted(t, x[0], x[1] & 127, x[2] & 127); }});
    if (t.bits == 32)  // with more than 8 bits of position and length, which PTX leaves open for 64
      l.push_back({written(fmt::format("bfe.{}", t.name), 3), {c, 'r', 'r'}, c, ' ', ' ', [=](const U64* x) {
                     return extracted(t, x[0], x[1], x[2]);
                   }});
    for (const bool amount : {false, true})
      l.push_back({written(fmt::format("bfind{}.{}", amount ? ".shiftamt" : "", t.name), 1),
                   {c},
                   'r',
                   ' ',
                   ' ',
                   [=](const U64* x) { return found(t, x[0], amount); }});
    if (t.is_signed) continue;
    const int bits = t.bits;
    l.push_back(
        {fmt::format(
             "{{ .reg .b32 n, m; and.b32 n, $3, 127; and.b32 m, $4, 127; bfi.b{} $0, $1, $2, n, m; }}", bits),
         {c, c, 'r', 'r'},
         c,
         ' ',
         ' ',
         [=](const U64* x) {
           const U64 y[] = {x[0], x[1], x[2] & 127, x[3] & 127};
           return inserted(bits, y);
         }});
    const auto count = [&](const char* form, Function f) {
      l.push_back({written(fmt::format("{}.b{}", form, bits), 1), {c}, 'r', ' ', ' ', std::move(f)});
    };
    count("popc", [=](const U64* x) {
      U64 n = 0;
      for (U64 i = 0; i < static_cast<U64>(bits); ++i) n += bit(x[0], i);
      return n;
    });
    count("clz", [=](const U64* x) {
      U64 n = 0;
      while (n < static_cast<U64>(bits) && !bit(x[0], static_cast<U64>(bits) - 1 - n)) ++n;
      return n;
    });
    l.push_back({written(fmt::format("brev.b{}", bits), 1), {c}, c, ' ', ' ', [=](const U64* x) {
                   U64 d = 0;
                   for (U64 i = 0; i < static_cast<U64>(bits); ++i)
                     d |= static_cast<U64>(bit(x[0], i)) << (static_cast<U64>(bits) - 1 - i);
                   return d;
                 }});
  }
  return out;
}

U64 permuted(U64 a, U64 b, U64 selector) {
  const U64 both = b << 32 | a;
  U64 out = 0;
  for (int i = 0; i < 4; ++i) {
    const U64 pick = selector >> (4 * i) & 15, byte = both >> (8 * (pick & 7)) & 255;
    out |= ((pick & 8) != 0 ? (byte >= 128 ? 255 : 0) : byte) << (8 * i);
  }
  return out;
}

// The modes of prmt, from the table of the PTX ISA: the bytes of the result, lowest first.
U64 permuted_by_mode(int mode, U64 a, U64 b, U64 c) {
  const U64 n = c & 3;
  U64 out = 0;
  for (U64 i = 0; i < 4; ++i) {
    const U64 picks[] = {n + i, (n + 8 - i) & 7, n, std::max(n, i), std::min(n, i), (n & 1) * 2 + (i & 1)};
    out |= ((b << 32 | a) >> (8 * picks[mode]) & 255) << (8 * i);
  }
  return out;
}

Kind bytes() {
  Kind out{"byte", {}};
  auto& l = out.operations;
  l.push_back({written("prmt.b32", 3), "rrr", 'r', 'i', ' ',
               [](const U64* x) { return permuted(x[0], x[1], x[2]); }});
  const char* const modes[] = {"f4e", "b4e", "rc8", "ecl", "ecr", "rc16"};
  for (int m = 0; m < 6; ++m)
    l.push_back({written(fmt::format("prmt.b32.{}", modes[m]), 3), "rrr", 'r', 'i', ' ',
                 [=](const U64* x) { return permuted_by_mode(m, x[0], x[1], x[2]); }});
  l.push_back({"mov.b32 $0, {$1, $2};", "hh", 'r', ' ', ' ', [](const U64* x) { return x[0] | x[1] << 16; }});
  l.push_back({"mov.b64 $0, {$1, $2};", "rr", 'd', ' ', ' ', [](const U64* x) { return x[0] | x[1] << 32; }});
  l.push_back({"mov.b64 $0, {$1, $2, $3, $4};", "hhhh", 'd', ' ', ' ',
               [](const U64* x) { return x[0] | x[1] << 16 | x[2] << 32 | x[3] << 48; }});
  l.push_back(
      {"{ .reg .b32 t; mov.b64 {t, $0}, $1; }", "d", 'r', ' ', ' ', [](const U64* x) { return x[0] >> 32; }});
  l.push_back(
      {"{ .reg .b16 t; mov.b32 {t, $0}, $1; }", "r", 'h', ' ', ' ', [](const U64* x) { return x[0] >> 16; }});
  l.push_back({"{ .reg .b16 t; mov.b32 {$0, t}, $1; }", "r", 'h', ' ', ' ',
               [](const U64* x) { return x[0] & 0xFFFF; }});
  return out;
}

// The place of the n-th set bit from `base`, upwards or downwards.
U64 nth_set(U64 mask, int base, int n) {
  if (n == 0) return bit(mask, static_cast<U64>(base)) ? static_cast<U64>(base) : low_bits(32);
  int left = n < 0 ? -n : n;
  for (int at = base; at >= 0 && at < 32; at += n < 0 ? -1 : 1)
    if (bit(mask, static_cast<U64>(at)) && --left == 0) return static_cast<U64>(at);
  return low_bits(32);
}

Kind masks() {
  Kind out{"mask", {}};
  auto& l = out.operations;
  l.push_back(
      {"{ .reg .b32 b, n; and.b32 b, $2, 31; and.b32 n, $3, 15; sub.s32 n, n, 7; fns.b32 $0, $1, b, n; }",
       "rrr", 'r', ' ', ' ', [](const U64* x) {
         return nth_set(x[0], static_cast<int>(x[1] & 31), static_cast<int>(x[2] & 15) - 7);
       }});
  for (const bool wrap : {false, true}) {
    const char* how = wrap ? "wrap" : "clamp";
    l.push_back(
        {fmt::format("{{ .reg .b32 n, m; and.b32 n, $1, 63; and.b32 m, $2, 63; bmsk.{}.b32 $0, n, m; }}",
                     how),
         "rr", 'r', ' ', ' ', [=](const U64* x) -> U64 {
           const U64 n = x[0] & (wrap ? 31 : 63), m = x[1] & (wrap ? 31 : 63);
           return n > 31 ? 0 : low_bits(static_cast<int>(m)) << n & low_bits(32);
         }});
    for (const bool is_signed : {false, true})
      l.push_back({fmt::format("{{ .reg .b32 n; and.b32 n, $2, 63; szext.{}.{} $0, $1, n; }}", how,
                               is_signed ? "s32" : "u32"),
                   "rr", 'r', ' ', ' ', [=](const U64* x) -> U64 {
                     const int n = static_cast<int>(x[1] & (wrap ? 31 : 63));
                     if (n == 0) return 0;
                     return extended({"", std::min(n, 32), is_signed}, x[0]) & low_bits(32);
                   }});
  }
  return out;
}

}  // namespace

void add_bit_operations(Kinds& kinds) {
  for (Kind kind : {logic(), shifts(), fields(), bytes(), masks()}) kinds.push_back(std::move(kind));
}

}  // namespace intarsia::ptx::random
