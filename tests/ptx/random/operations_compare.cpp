// Comparisons and selections.
#include <fmt/format.h>

#include <bit>
#include <cmath>

#include "operations.h"

namespace intarsia::ptx::random {
namespace {

// How two numbers stand to each other.
enum : unsigned { kLess = 1, kEqual = 2, kGreater = 4, kUnordered = 8 };

struct Comparison {
  const char* name;
  unsigned holds;
};
constexpr Comparison kOrdered[] = {{"eq", kEqual},   {"ne", kLess | kGreater},
                                   {"lt", kLess},    {"le", kLess | kEqual},
                                   {"gt", kGreater}, {"ge", kGreater | kEqual}};
constexpr Comparison kUnsigned[] = {
    {"lo", kLess}, {"ls", kLess | kEqual}, {"hi", kGreater}, {"hs", kGreater | kEqual}};
constexpr Comparison kFloating[] = {
    {"equ", kEqual | kUnordered},       {"neu", kLess | kGreater | kUnordered},
    {"ltu", kLess | kUnordered},        {"leu", kLess | kEqual | kUnordered},
    {"gtu", kGreater | kUnordered},     {"geu", kGreater | kEqual | kUnordered},
    {"num", kLess | kEqual | kGreater}, {"nan", kUnordered}};

struct Compared {
  std::string name;  // of the type, with .ftz before it
  char letter, immediate;
  std::function<unsigned(U64 a, U64 b)> relation;
  std::vector<Comparison> comparisons;
};

template <class T>
unsigned relation_of(T a, T b) {
  return a < b ? kLess : a > b ? kGreater : a == b ? kEqual : kUnordered;
}

std::vector<Compared> integers() {
  std::vector<Compared> out;
  for (const Integer t : {Integer{"u16", 16, false}, Integer{"s16", 16, true}, Integer{"u32", 32, false},
                          Integer{"s32", 32, true}, Integer{"u64", 64, false}, Integer{"s64", 64, true}}) {
    Compared c{t.name,
               letter(t.bits),
               'i',
               [=](U64 a, U64 b) { return relation_of(value_of(t, a), value_of(t, b)); },
               {std::begin(kOrdered), std::end(kOrdered)}};
    if (!t.is_signed) c.comparisons.insert(c.comparisons.end(), std::begin(kUnsigned), std::end(kUnsigned));
    out.push_back(std::move(c));
  }
  return out;
}

double read(const Format& f, U64 x, bool flush) {
  const double v = decode(f, x);
  return flush && std::fabs(v) < std::ldexp(1.0, 2 - (1 << (f.exponent_bits - 1))) ? 0.0 : v;
}

std::vector<Compared> floats() {
  std::vector<Comparison> all(std::begin(kOrdered), std::end(kOrdered));
  all.insert(all.end(), std::begin(kFloating), std::end(kFloating));
  std::vector<Compared> out;
  for (const bool flush : {false, true}) {
    out.push_back({flush ? "ftz.f32" : "f32", 'r', 'f',
                   [=](U64 a, U64 b) { return relation_of(read(kF32, a, flush), read(kF32, b, flush)); },
                   all});
    out.push_back({flush ? "ftz.f16" : "f16", 'h', ' ',
                   [=](U64 a, U64 b) { return relation_of(read(kF16, a, flush), read(kF16, b, flush)); },
                   all});
  }
  out.push_back({"f64", 'd', 'd',
                 [](U64 a, U64 b) { return relation_of(std::bit_cast<double>(a), std::bit_cast<double>(b)); },
                 all});
  out.push_back(
      {"bf16", 'h', ' ', [](U64 a, U64 b) { return relation_of(decode(kBF16, a), decode(kBF16, b)); }, all});
  return out;
}

void add_setp(Kind& kind, const Compared& c) {
  const std::string two(2, c.letter);
  for (const Comparison& comparison : c.comparisons) {
    const auto holds = [=, relation = c.relation](const U64* x) -> U64 {
      return (relation(x[0], x[1]) & comparison.holds) != 0;
    };
    const auto form = [&](const char* join) {
      return fmt::format("setp.{}{}.{}", comparison.name, join, c.name);
    };
    kind.operations.push_back({written(form(""), 2), two, 'p', c.immediate, ' ', holds});
    if (c.immediate != ' ')  // not of f16 and bf16
      kind.operations.push_back({fmt::format("{{ .reg .pred t; {} t|$0, $1, $2; }}", form("")), two, 'p', ' ',
                                 ' ', [=](const U64* x) { return holds(x) ^ 1; }});
    kind.operations.push_back(
        {written(form(".and"), 3), two + "p", 'p', ' ', ' ', [=](const U64* x) { return holds(x) & x[2]; }});
    kind.operations.push_back(
        {written(form(".or"), 3), two + "p", 'p', ' ', ' ', [=](const U64* x) { return holds(x) | x[2]; }});
    kind.operations.push_back({fmt::format("{} $0, $1, $2, !$3;", form(".xor")), two + "p", 'p', ' ', ' ',
                               [=](const U64* x) { return holds(x) ^ x[2] ^ 1; }});
  }
}

// set needs its type last: "ftz.f32" becomes ".ftz.u32.f32".
void add_set(Kind& kind, const Compared& c) {
  const bool flush = c.name.starts_with("ftz.");
  const std::string type = flush ? c.name.substr(4) : c.name;
  for (const Comparison& comparison : c.comparisons)
    for (const bool real : {false, true}) {
      if (real && c.letter == 'h') continue;
      const std::string form =
          fmt::format("set.{}{}.{}.{}", comparison.name, flush ? ".ftz" : "", real ? "f32" : "u32", type);
      Operation o{
          written(form, 2),
          std::string(2, c.letter),
          'r',
          c.immediate,
          ' ',
          [=, relation = c.relation](const U64* x) -> U64 {
            return (relation(x[0], x[1]) & comparison.holds) == 0 ? 0 : real ? 0x3F800000 : 0xFFFFFFFF;
          }};
      // ptxas 13.0 takes a 1.0 of set for the integer 1 or -1 where an integer operation follows
      kind.operations.push_back(real ? as_bits(std::move(o)) : std::move(o));
    }
}

// Both halves of a pair, as two predicates.
void add_pairs(Kind& kind, const Format& f) {
  std::vector<Comparison> all(std::begin(kOrdered), std::end(kOrdered));
  all.insert(all.end(), std::begin(kFloating), std::end(kFloating));
  for (const Comparison& c : all) {
    const auto holds = [=](U64 a, U64 b) { return (relation_of(decode(f, a), decode(f, b)) & c.holds) != 0; };
    kind.operations.push_back(
        {fmt::format("{{ .reg .pred t, u; .reg .b32 m; setp.{}.{}x2 t|u, $1, $2; selp.b32 $0, 1, 0, t; "
                     "selp.b32 m, 2, 0, u; or.b32 $0, $0, m; }}",
                     c.name, f.name),
         "rr", 'r', ' ', ' ', [=](const U64* x) -> U64 {
           return (holds(x[0] & 0xFFFF, x[1] & 0xFFFF) ? 1 : 0) + (holds(x[0] >> 16, x[1] >> 16) ? 2 : 0);
         }});
    const U64 one = f.exponent_bits == 5 ? 0x3C00 : 0x3F80;
    kind.operations.push_back(
        as_bits({written(fmt::format("set.{0}.{1}.{1}", c.name, f.name), 2), "hh", 'h', ' ', ' ',
                 [=](const U64* x) -> U64 { return holds(x[0], x[1]) ? one : 0; }}));
    kind.operations.push_back({written(fmt::format("set.{0}.{1}x2.{1}x2", c.name, f.name), 2), "rr", 'r', ' ',
                               ' ', [=](const U64* x) -> U64 {
                                 return (holds(x[0] & 0xFFFF, x[1] & 0xFFFF) ? one : 0) |
                                        (holds(x[0] >> 16, x[1] >> 16) ? one << 16 : 0);
                               }});
  }
}

Kind selections() {
  Kind out{"selection", {}};
  auto& l = out.operations;
  for (const int bits : {16, 32, 64}) {
    const char c = letter(bits);
    l.push_back({written(fmt::format("selp.b{}", bits), 3), {c, c, 'p'}, c, ' ', ' ', [](const U64* x) {
                   return x[2] != 0 ? x[0] : x[1];
                 }});
    l.push_back({written(fmt::format("slct.b{}.s32", bits), 3), {c, c, 'r'}, c, ' ', ' ', [](const U64* x) {
                   return (x[2] >> 31 & 1) == 0 ? x[0] : x[1];
                 }});
    for (const bool flush : {false, true})
      l.push_back({written(fmt::format("slct{}.b{}.f32", flush ? ".ftz" : "", bits), 3),
                   {c, c, 'r'},
                   c,
                   ' ',
                   ' ',
                   [=](const U64* x) { return read(kF32, x[2], flush) >= 0 ? x[0] : x[1]; }});
  }
  return out;
}

}  // namespace

void add_compare_operations(Kinds& kinds) {
  Kind integer{"compare integers", {}}, real{"compare floats", {}}, set{"set", {}, false, false};
  // ptxas 13.0 loses .ftz where it joins a comparison with another predicate
  Kind flushing{"compare flushed floats", {}, true};
  for (const Compared& c : integers()) add_setp(integer, c), add_set(set, c);
  for (const Compared& c : floats()) add_setp(c.name == "ftz.f32" ? flushing : real, c), add_set(set, c);
  Kind pairs{"compare pairs", {}, false, false};
  for (const Format& f : {kF16, kBF16}) add_pairs(pairs, f);
  for (Kind kind : {integer, real, flushing, pairs, set, selections()}) kinds.push_back(std::move(kind));
}

}  // namespace intarsia::ptx::random
