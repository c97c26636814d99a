// The variants that statements count, and what the atomic ones compute.
#include <algorithm>
#include <bit>

#include "program.h"

namespace intarsia::ptx::random {
namespace {

constexpr AccessForm kAccess[] = {
    {"u8", 'r', 1, 1, false},     {"s8", 'r', 1, 1, true},      {"u16", 'r', 2, 1, false},
    {"s16", 'r', 2, 1, true},     {"b16", 'h', 2, 1, false},    {"b32", 'r', 4, 1, false},
    {"b64", 'd', 8, 1, false},    {"v2.b32", 'r', 4, 2, false}, {"v4.b32", 'r', 4, 4, false},
    {"v2.b64", 'd', 8, 2, false}, {"v2.b16", 'h', 2, 2, false}, {"v4.b16", 'h', 2, 4, false},
    {"v4.u8", 'r', 1, 4, false},  {"v2.s8", 'h', 1, 2, true},   {"s32", 'd', 4, 1, true},
    {"u32", 'd', 4, 1, false},    {"s16", 'd', 2, 1, true},     {"f32", 'r', 4, 1, false},
    {"f64", 'd', 8, 1, false},    {"v4.f32", 'r', 4, 4, false}};
constexpr AtomicForm kCommon[] = {{"add.u32", 'r'}, {"add.u64", 'd'}, {"and.b32", 'r'}, {"or.b32", 'r'},
                                  {"xor.b32", 'r'}, {"min.u32", 'r'}, {"max.u32", 'r'}, {"min.s32", 'r'},
                                  {"max.s32", 'r'}, {"and.b64", 'd'}, {"or.b64", 'd'},  {"xor.b64", 'd'},
                                  {"min.u64", 'd'}, {"max.u64", 'd'}, {"min.s64", 'd'}, {"max.s64", 'd'}};
constexpr AtomicForm kPrivate[] = {{"exch.b32", 'r'}, {"exch.b64", 'd'}, {"cas.b32", 'r'}, {"cas.b64", 'd'},
                                   {"add.u32", 'r'},  {"add.u64", 'd'},  {"inc.u32", 'r'}, {"dec.u32", 'r'},
                                   {"min.s32", 'r'},  {"max.u32", 'r'},  {"and.b32", 'r'}, {"or.b64", 'd'},
                                   {"xor.b32", 'r'},  {"min.u64", 'd'},  {"max.s64", 'd'}};

constexpr AtomicForm kFloats[] = {{"add.f32", 'r'},          {"add.f64", 'd'},       {"add.noftz.f16x2", 'r'},
                                  {"add.noftz.bf16x2", 'r'}, {"add.noftz.f16", 'h'}, {"add.noftz.bf16", 'h'}};
constexpr ProductForm kProducts[] = {
    {"m8n8k16.row.col.s32.s8.s8.s32", 1, 1, 2, true, true, false},
    {"m8n8k16.row.col.satfinite.s32.s8.u8.s32", 1, 1, 2, true, false, true},
    {"m16n8k16.row.col.s32.u8.u8.s32", 2, 1, 4, false, false, false},
    {"m16n8k16.row.col.satfinite.s32.u8.s8.s32", 2, 1, 4, false, true, true},
    {"m16n8k32.row.col.s32.s8.s8.s32", 4, 2, 4, true, true, false},
    {"m16n8k32.row.col.satfinite.s32.u8.u8.s32", 4, 2, 4, false, false, true},
    {"m8n8k32.row.col.s32.s4.s4.s32", 1, 1, 2, true, true, false, 4},
    {"m16n8k32.row.col.s32.u4.s4.s32", 2, 1, 4, false, true, false, 4},
    {"m16n8k64.row.col.s32.s4.u4.s32", 4, 2, 4, true, false, false, 4},
    {"m16n8k128.row.col.s32.b1.b1.s32.and.popc", 2, 1, 4, false, false, false, 1},
    {"m16n8k256.row.col.s32.b1.b1.s32.and.popc", 4, 2, 4, false, false, false, 1}};

}  // namespace

U64 combined(std::string_view name, U64 a, U64 b) {
  const bool wide = name.ends_with("64"), is_signed = name[name.size() - 3] == 's';
  const Integer t{"", wide ? 64 : 32, is_signed};
  const S128 x = value_of(t, a), y = value_of(t, b);
  if (name.starts_with("add")) return cut(t, x + y);
  if (name.starts_with("and")) return cut(t, x & y);
  if (name.starts_with("or")) return cut(t, x | y);
  if (name.starts_with("xor")) return cut(t, x ^ y);
  return cut(t, name.starts_with("min") ? std::min(x, y) : std::max(x, y));
}

bool contains(const Statement& s, const std::function<bool(const Statement&)>& what) {
  std::vector<const Statement*> left{&s};
  while (!left.empty()) {
    const Statement* at = left.back();
    left.pop_back();
    if (what(*at)) return true;
    for (const Statements& block : at->blocks)
      for (const Statement& inside : block) left.push_back(&inside);
  }
  return false;
}

std::span<const AtomicForm> float_forms() { return kFloats; }
std::span<const ProductForm> product_forms() { return kProducts; }

U64 below_two(int form, U64 x) {
  constexpr U64 kMasks[] = {0xBFFFFFFF, 0xBFFFFFFFFFFFFFFF, 0xBFFFBFFF, 0xBFFFBFFF, 0xBFFF, 0xBFFF};
  return x & kMasks[form];
}

// f32 in global memory flushes, in shared memory it does not.
U64 apply_float(int form, bool shared, U64 a, U64 b) {
  const Format& format = form == 2 || form == 4 ? kF16 : kBF16;
  const auto half = [&](int at) {
    const U64 x = a >> at & 0xFFFF, y = b >> at & 0xFFFF;
    return encode(format, sum_to_odd(decode(format, x), decode(format, y)), Rounding::kNearest) << at;
  };
  const auto flushed = [&](U64 x) { return shared || (x & 0x7F800000) != 0 ? x : x & 0x80000000; };
  if (form == 0)
    return flushed(
        encode(kF32, sum_to_odd(decode(kF32, flushed(a)), decode(kF32, flushed(b))), Rounding::kNearest));
  if (form == 1)
    return std::bit_cast<U64>(
        compute(Basic::kAdd, Rounding::kNearest, std::bit_cast<double>(a), std::bit_cast<double>(b), 0.0));
  return form < 4 ? half(0) | half(16) : half(0);
}

std::span<const AccessForm> access_forms() { return kAccess; }
std::span<const AtomicForm> common_forms() { return kCommon; }
std::span<const AtomicForm> private_forms() { return kPrivate; }
U64 apply_common(int form, U64 old, U64 value) { return combined(kCommon[form].operation, old, value); }
U64 apply_private(int form, U64 old, U64 value, U64 second) {
  const std::string_view name = kPrivate[form].operation;
  if (name.starts_with("exch")) return value;
  if (name.starts_with("cas")) return old == value ? second : old;
  if (name.starts_with("inc")) return old >= value ? 0 : old + 1;
  if (name.starts_with("dec")) return old == 0 || old > value ? value : old - 1;
  return combined(name, old, value);
}

U64 canonical(char nan, U64 x) {
  switch (nan) {
    case 'f': return is_nan(kF32, x) ? 0x7FFFFFFF : x;
    case 'd': return (x & low_bits(63)) > 0x7FF0000000000000 ? low_bits(63) : x;
    case 'h': return is_nan(kF16, x) ? 0x7FFF : x;
    case 'b': return is_nan(kBF16, x) ? 0x7FFF : x;
    case 'H': return canonical('h', x & 0xFFFF) | canonical('h', x >> 16) << 16;
    case 'B': return canonical('b', x & 0xFFFF) | canonical('b', x >> 16) << 16;
    default: return x;
  }
}

}  // namespace intarsia::ptx::random
