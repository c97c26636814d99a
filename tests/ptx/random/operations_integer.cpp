// Integer arithmetic, computed in 128 bits.
#include <fmt/format.h>

#include "operations.h"

namespace intarsia::ptx::random {
namespace {

constexpr Integer kIntegers[] = {{"u16", 16, false}, {"s16", 16, true},  {"u32", 32, false},
                                 {"s32", 32, true},  {"u64", 64, false}, {"s64", 64, true}};

using Exact = std::function<S128(S128 a, S128 b, S128 c)>;

// An operation of `count` operands of one type; `wraps`: the result is cut, else it is clamped.
Operation simple(const std::string& name, Integer t, std::size_t count, Exact f, bool wraps = true) {
  const char c = letter(t.bits);
  return {written(name + "." + t.name, count), std::string(count, c), c, 'i', ' ', [=](const U64* x) {
            const S128 value =
                f(value_of(t, x[0]), count > 1 ? value_of(t, x[1]) : 0, count > 2 ? value_of(t, x[2]) : 0);
            return wraps ? cut(t, value) : clamp_to(t, value);
          }};
}

S128 absolute(S128 a) { return a < 0 ? -a : a; }
// The upper half of a product; both fit 128 bits, as signed or, for u64, as unsigned numbers.
S128 high_of(Integer t, S128 a, S128 b) {
  if (!t.is_signed) return static_cast<S128>((static_cast<U128>(a) * static_cast<U128>(b)) >> t.bits);
  return (a * b) >> t.bits;
}
S128 product(S128 a, S128 b) { return static_cast<S128>(static_cast<U128>(a) * static_cast<U128>(b)); }

// ptxas 13.0 makes b of a - (a - b), whatever saturates, and leaves out the .sat of a float conversion of
// what did.
Operation saturated(Operation o) {
  o = as_bits(std::move(o));
  o.text.replace(o.text.find("$2"), 2, "u");
  o.text = fmt::format("{{ .reg .b32 u; xor.b32 u, %zr, $2; {} }}", o.text);
  return o;
}

Kind basic() {
  Kind out{"integer", {}};
  auto& l = out.operations;
  for (const Integer t : kIntegers) {
    l.push_back(simple("add", t, 2, [](S128 a, S128 b, S128) { return a + b; }));
    l.push_back(simple("sub", t, 2, [](S128 a, S128 b, S128) { return a - b; }));
    l.push_back(simple("min", t, 2, [](S128 a, S128 b, S128) { return a < b ? a : b; }));
    l.push_back(simple("max", t, 2, [](S128 a, S128 b, S128) { return a < b ? b : a; }));
    l.push_back(simple("sad", t, 3, [](S128 a, S128 b, S128 c) { return c + absolute(a - b); }));
    if (!t.is_signed) continue;
    // ptxas 13.0 lets what follows read -(-32768) as 32768
    l.push_back(as_bits(simple("neg", t, 1, [](S128 a, S128, S128) { return -a; })));
    l.push_back(as_bits(simple("abs", t, 1, [](S128 a, S128, S128) { return absolute(a); })));
  }
  const Integer s32 = kIntegers[3];
  l.push_back(saturated(simple("add.sat", s32, 2, [](S128 a, S128 b, S128) { return a + b; }, false)));
  l.push_back(saturated(simple("sub.sat", s32, 2, [](S128 a, S128 b, S128) { return a - b; }, false)));
  l.push_back(simple("min.relu", s32, 2, [](S128 a, S128 b, S128) {
    return a < 0 || b < 0 ? 0 : a < b ? a : b;
  }));
  l.push_back(simple("max.relu", s32, 2, [](S128 a, S128 b, S128) {
    const S128 most = a < b ? b : a;
    return most < 0 ? 0 : most;
  }));
  return out;
}

Operation wide(Integer t, bool add) {
  const Integer twice{"", 2 * t.bits, t.is_signed};
  const char c = letter(t.bits), d = letter(twice.bits);
  return {written(fmt::format("{}.wide.{}", add ? "mad" : "mul", t.name), add ? 3 : 2),
          add ? std::string{c, c, d} : std::string{c, c},
          d,
          'i',
          ' ',
          [=](const U64* x) {
            const S128 sum = value_of(t, x[0]) * value_of(t, x[1]) + (add ? value_of(twice, x[2]) : 0);
            return cut(twice, sum);
          }};
}

Operation short_product(Integer t, bool high, bool add) {
  Operation o = simple(fmt::format("{}24.{}", add ? "mad" : "mul", high ? "hi" : "lo"), t, add ? 3 : 2,
                       [=](S128 a, S128 b, S128 c) {
                         const Integer narrow{"", 24, t.is_signed};
                         const S128 p =
                             value_of(narrow, static_cast<U64>(a)) * value_of(narrow, static_cast<U64>(b));
                         return (high ? p >> 16 : p) + (add ? c : 0);
                       });
  return high && add ? as_bits(std::move(o)) : o;
}

Kind products() {
  Kind out{"product", {}};
  auto& l = out.operations;
  for (const Integer t : kIntegers) {
    l.push_back(simple("mul.lo", t, 2, [](S128 a, S128 b, S128) { return product(a, b); }));
    l.push_back(simple("mul.hi", t, 2, [=](S128 a, S128 b, S128) { return high_of(t, a, b); }));
    l.push_back(simple("mad.lo", t, 3, [](S128 a, S128 b, S128 c) { return product(a, b) + c; }));
    // ptxas 13.0 makes one of several turns of a loop of them, of a product that is several times as large
    l.push_back(
        as_bits(simple("mad.hi", t, 3, [=](S128 a, S128 b, S128 c) { return high_of(t, a, b) + c; })));
    if (t.bits == 64) continue;
    l.push_back(wide(t, false));
    l.push_back(wide(t, true));
    for (int k = 0; k < 4 && t.bits == 32; ++k) l.push_back(short_product(t, (k & 1) != 0, (k & 2) != 0));
  }
  l.push_back(as_bits(simple(
      "mad.hi.sat", kIntegers[3], 3, [](S128 a, S128 b, S128 c) { return high_of(kIntegers[3], a, b) + c; },
      false)));
  return out;
}

// The divisor is made odd: what division by zero gives is open.
Operation divided(Integer t, bool remainder) {
  const char c = letter(t.bits);
  return {fmt::format("{{ .reg .b{0} odd; or.b{0} odd, $2, 1; {1}.{2} $0, $1, odd; }}", t.bits,
                      remainder ? "rem" : "div", t.name),
          std::string(2, c),
          c,
          ' ',
          ' ',
          [=](const U64* x) {
            const S128 a = value_of(t, x[0]), b = value_of(t, x[1] | 1);
            return cut(t, remainder ? a % b : a / b);
          }};
}

// A pair of instructions joined by the carry; operands and results are the 32-bit halves of 64 bits.
Operation carried(const char* first, const char* second, std::function<U64(U64 a, U64 b)> f) {
  return {fmt::format("{{ .reg .b32 al, ah, bl, bh; mov.b64 {{al, ah}}, $1; mov.b64 {{bl, bh}}, $2; "
                      "{} al, al, bl; {} ah, ah, bh; mov.b64 $0, {{al, ah}}; }}",
                      first, second),
          "dd",
          'd',
          ' ',
          ' ',
          [=](const U64* x) { return f(x[0], x[1]); }};
}

Kind divisions() {
  Kind out{"division", {}};
  auto& l = out.operations;
  for (const Integer t : kIntegers)
    for (const bool remainder : {false, true}) l.push_back(divided(t, remainder));
  return out;
}

Kind carries() {
  Kind out{"carry", {}};
  auto& l = out.operations;
  l.push_back(carried("add.cc.u32", "addc.u32", [](U64 a, U64 b) { return a + b; }));
  l.push_back(carried("sub.cc.s32", "subc.s32", [](U64 a, U64 b) { return a - b; }));
  l.push_back(
      {"{ .reg .b32 lo, hi; mad.lo.cc.u32 lo, $1, $2, $3; madc.hi.u32 hi, $1, $2, $4; "
       "mov.b64 $0, {lo, hi}; }",
       "rrrr", 'd', ' ', ' ', [](const U64* x) { return x[0] * x[1] + (x[2] | x[3] << 32); }});
  l.push_back({"{ .reg .b64 lo, hi; add.cc.u64 lo, $1, $2; addc.u64 hi, $3, 0; xor.b64 $0, lo, hi; }", "ddd",
               'd', ' ', ' ', [](const U64* x) {
                 const U64 low = x[0] + x[1];
                 return low ^ (x[2] + (low < x[0] ? 1 : 0));
               }});
  return out;
}

U64 dot(const U64* x, bool a_signed, bool b_signed, int a_bits, int b_shift) {
  const Integer a{"", a_bits, a_signed}, b{"", 8, b_signed};
  S128 sum = static_cast<S128>(x[2]);
  for (int i = 0; i < 32 / a_bits; ++i)
    sum += value_of(a, x[0] >> (a_bits * i)) * value_of(b, x[1] >> (b_shift + 8 * i));
  return cut({"", 32, false}, sum);
}

Kind dots() {
  Kind out{"dot", {}};
  const char* const names[] = {"u32", "s32"};
  for (int k = 0; k < 4; ++k) {
    const bool a = (k & 1) != 0, b = (k & 2) != 0;
    const auto add = [&](const char* form, int bits, int shift) {
      out.operations.push_back({written(fmt::format("{}.{}.{}", form, names[a], names[b]), 3), "rrr", 'r',
                                'i', ' ', [=](const U64* x) { return dot(x, a, b, bits, shift); }});
    };
    add("dp4a", 8, 0);
    add("dp2a.lo", 16, 0);
    add("dp2a.hi", 16, 16);
  }
  return out;
}

Operation halves(const std::string& name, Integer t, Exact f) {
  return {written(name, 2), "rr", 'r', ' ', ' ', [=](const U64* x) {
            U64 out = 0;
            for (int s = 0; s < 32; s += 16)
              out |= cut(t, f(value_of(t, x[0] >> s), value_of(t, x[1] >> s), 0)) << s;
            return out;
          }};
}

Kind pairs() {
  Kind out{"integer pair", {}};
  for (int i = 0; i < 2; ++i) {
    const Integer t = kIntegers[i];
    const auto add = [&](const char* form, Exact f) {
      out.operations.push_back(halves(fmt::format("{}.{}x2", form, t.name), t, std::move(f)));
    };
    add("add", [](S128 a, S128 b, S128) { return a + b; });
    add("min", [](S128 a, S128 b, S128) { return a < b ? a : b; });
    add("max", [](S128 a, S128 b, S128) { return a < b ? b : a; });
    if (!t.is_signed) continue;
    add("min.relu", [](S128 a, S128 b, S128) { return a < 0 || b < 0 ? 0 : a < b ? a : b; });
    add("max.relu", [](S128 a, S128 b, S128) { return a < 0 && b < 0 ? 0 : a < b ? b : a; });
  }
  return out;
}

}  // namespace

std::string written(const std::string& form, std::size_t operands) {
  std::string out = form + " $0";
  for (std::size_t i = 1; i <= operands; ++i) out += fmt::format(", ${}", i);
  return out + ";";
}

Operation as_bits(Operation o) {
  o.text.replace(o.text.find("$0"), 2, "t");
  o.text = fmt::format("{{ .reg .b{0} t; {1} $gxor.b{0} $0, t, %z{2}; }}",
                       o.to == 'h'   ? 16
                       : o.to == 'r' ? 32
                                     : 64,
                       o.text, o.to);
  return o;
}

void add_integer_operations(Kinds& kinds) {
  for (Kind kind : {basic(), products(), divisions(), carries(), dots(), pairs()})
    kinds.push_back(std::move(kind));
}

const Kinds& operations() {
  static const Kinds all = [] {
    Kinds kinds;
    add_integer_operations(kinds);
    add_bit_operations(kinds);
    add_float_operations(kinds);
    add_half_operations(kinds);
    add_compare_operations(kinds);
    add_convert_operations(kinds);
    add_video_operations(kinds);
    return kinds;
  }();
  return all;
}

}  // namespace intarsia::ptx::random
