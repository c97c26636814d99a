// Video instructions: arithmetic on halves and bytes, and on sums of them.
#include <fmt/format.h>

#include <algorithm>

#include "operations.h"

namespace intarsia::ptx::random {
namespace {

constexpr Integer kWordTypes[] = {{"u32", 32, false}, {"s32", 32, true}};

struct Selector {
  const char* name;
  int at, bits;
};
constexpr Selector kSelectors[] = {{"", 0, 32},    {".b0", 0, 8},  {".b1", 8, 8},  {".b2", 16, 8},
                                   {".b3", 24, 8}, {".h0", 0, 16}, {".h1", 16, 16}};

using Exact = std::function<S128(S128 a, S128 b)>;
struct Named {
  const char* name;
  Exact exact;
};

std::vector<Named> arithmetic() {
  return {{"add", [](S128 a, S128 b) { return a + b; }},
          {"sub", [](S128 a, S128 b) { return a - b; }},
          {"absdiff", [](S128 a, S128 b) { return a < b ? b - a : a - b; }},
          {"min", [](S128 a, S128 b) { return std::min(a, b); }},
          {"max", [](S128 a, S128 b) { return std::max(a, b); }}};
}

S128 part(Integer type, const Selector& s, U64 x) {
  return value_of({"", s.bits, type.is_signed}, x >> s.at);
}

// One value of a word, a half or a byte; then the second operation, if any, with c.
void add_scalar(Kind& kind, const Named& op) {
  constexpr const char* kSecond[] = {"", ".add", ".min", ".max"};
  for (int k = 0; k < 16; ++k) {
    const Integer d = kWordTypes[k & 1], a = kWordTypes[k >> 1 & 1], b = kWordTypes[k >> 2 & 1];
    const bool saturate = (k & 8) != 0;
    const Selector sa = kSelectors[k % 7], sb = kSelectors[(k * 3 + 2) % 7];
    // With .min or .max, ptxas 13.0 adds and subtracts in 32 bits, where PTX has 34.
    const bool in_words =
        (sa.bits == 32 || sb.bits == 32) && (op.name == std::string("add") || op.name == std::string("sub"));
    const int second = in_words && k % 4 > 1 ? 0 : k % 4;
    kind.operations.push_back(
        {fmt::format("v{}.{}.{}.{}{}{} $0, $1{}, $2{}{};", op.name, d.name, a.name, b.name,
                     saturate ? ".sat" : "", kSecond[second], sa.name, sb.name, second == 0 ? "" : ", $3"),
         second == 0 ? "rr" : "rrr", 'r', ' ', ' ', [=, exact = op.exact](const U64* x) {
           const S128 full = exact(part(a, sa, x[0]), part(b, sb, x[1]));
           const U64 t = saturate ? clamp_to(d, full) : cut(d, full);
           // compared before the sum is cut; a negative one, of unsigned results, counts as large
           const S128 c = value_of(d, x[2]), wide = saturate ? value_of(d, t) : full;
           const bool c_less = d.is_signed || wide >= 0 ? c < wide : true;
           return second == 0   ? t
                  : second == 1 ? cut(d, static_cast<S128>(t) + c)
                  : second == 2 ? (c_less ? cut(d, c) : t)
                                : (c_less ? t : cut(d, c));
         }});
  }
}

// Halves or bytes side by side.
void add_parallel(Kind& kind, const Named& op, int bits) {
  for (int k = 0; k < 16; ++k) {
    const Integer d = kWordTypes[k & 1], a = kWordTypes[k >> 1 & 1], b = kWordTypes[k >> 2 & 1];
    const bool saturate = (k & 8) != 0;
    kind.operations.push_back({written(fmt::format("v{}{}.{}.{}.{}{}", op.name, 32 / bits, d.name, a.name,
                                                   b.name, saturate ? ".sat" : ""),
                                       3),
                               "rrr", 'r', ' ', ' ', [=, exact = op.exact](const U64* x) {
                                 U64 out = 0;
                                 for (int at = 0; at < 32; at += bits) {
                                   const Selector s{"", at, bits};
                                   const Integer narrow{"", bits, d.is_signed};
                                   const S128 full = exact(part(a, s, x[0]), part(b, s, x[1]));
                                   out |= (saturate ? clamp_to(narrow, full) : cut(narrow, full)) << at;
                                 }
                                 return out;
                               }});
  }
}

// Shifts of a part, comparisons of two, and a product with a sum.
void add_rest(Kind& kind) {
  for (int k = 0; k < 16; ++k) {
    const Integer d = kWordTypes[k & 1], a = kWordTypes[k >> 1 & 1], b = kWordTypes[k >> 2 & 1];
    const bool high = (k & 8) != 0;
    const Selector sa = kSelectors[k % 7], sb = kSelectors[(k * 3 + 2) % 7];
    constexpr const char* kCompare[] = {"eq", "ne", "lt", "le", "gt", "ge"};
    const int compare = k % 6;
    kind.operations.push_back(
        {fmt::format("vset.{}.{}.{} $0, $1{}, $2{};", a.name, b.name, kCompare[compare], sa.name, sb.name),
         "rr", 'r', ' ', ' ', [=](const U64* x) -> U64 {
           const S128 p = part(a, sa, x[0]), q = part(b, sb, x[1]);
           const bool holds[] = {p == q, p != q, p<q, p <= q, p> q, p >= q};
           return holds[compare];
         }});
    const bool wrap = (k & 4) != 0;
    const auto shift = [=](bool left, const U64* x) {
      const int n = static_cast<int>(wrap ? x[1] & 31 : std::min<U64>(x[1], 32));
      const S128 v = part(a, sa, x[0]), full = left ? v * (static_cast<S128>(1) << n) : v >> n;
      return high ? clamp_to(d, value_of({"", 34, true}, static_cast<U64>(full))) : cut(d, full);
    };
    for (const bool left : {true, false})
      kind.operations.push_back(
          {fmt::format("{}.{}.{}.u32{}.{} $0, $1{}, $2;", left ? "vshl" : "vshr", d.name, a.name,
                       high ? ".sat" : "", wrap ? "wrap" : "clamp", sa.name),
           "rr", 'r', ' ', ' ', [=](const U64* x) { return shift(left, x); }});
    const Integer sum = kWordTypes[a.is_signed || b.is_signed ? 1 : 0];
    if (d.is_signed != sum.is_signed) continue;
    constexpr const char* kScale[] = {"", ".shr7", ".shr15"};
    const int scale = k % 3, amount = scale == 0 ? 0 : scale == 1 ? 7 : 15;
    // Above 32 bits ptxas 13.0 takes all words as signed: `c` of an unsigned sum, and whole unsigned
    // operands.
    const bool open = !sum.is_signed || (sa.bits == 32 && !a.is_signed) || (sb.bits == 32 && !b.is_signed);
    if (open && (scale != 0 || high)) continue;
    kind.operations.push_back({fmt::format("vmad.{}.{}.{}{}{} $0, $1{}, $2{}, $3;", d.name, a.name, b.name,
                                           high ? ".sat" : "", kScale[scale], sa.name, sb.name),
                               "rrr", 'r', ' ', ' ', [=](const U64* x) {
                                 const S128 full =
                                     (part(a, sa, x[0]) * part(b, sb, x[1]) + value_of(sum, x[2])) >> amount;
                                 return high ? clamp_to(sum, full) : cut(sum, full);
                               }});
  }
}

}  // namespace

void add_video_operations(Kinds& kinds) {
  Kind kind{"video", {}, true};
  for (const Named& op : arithmetic()) {
    add_scalar(kind, op);
    add_parallel(kind, op, 16);
    add_parallel(kind, op, 8);
  }
  add_rest(kind);
  kinds.push_back(std::move(kind));
}

}  // namespace intarsia::ptx::random
