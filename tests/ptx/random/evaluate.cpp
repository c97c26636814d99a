// What a program computes, statement by statement over all threads of a block: no warps, no masks, no text.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>

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

struct Thread {
  std::array<U64, kHalves> h{};
  std::array<U64, kWords> r{};
  std::array<U64, kLongs> d{};
  std::array<U64, kPredicates> p{};
  std::array<unsigned char, kScratch> local{};
  unsigned char* scratch = nullptr;
  std::uint32_t number = 0;  // in the block
  bool exited = false, broken = false;

  U64& at(char letter, int i) {
    const auto k = static_cast<std::size_t>(i);
    return letter == 'p' ? p[k] : letter == 'h' ? h[k] : letter == 'r' ? r[k] : d[k];
  }
  U64 read(char letter, const Source& s) { return s.index < 0 ? s.number : at(letter, s.index); }
};
using Threads = std::vector<Thread*>;

class Evaluator {
 public:
  Evaluator(const Program& program, unsigned char* cells, unsigned char* shared_cells)
      : program_(program), cells_(cells), shared_cells_(shared_cells) {}

  void run(const Statements& statements, const Threads& threads) {
    for (const Statement& s : statements) {
      Threads active;
      for (Thread* t : threads)
        if (!t->exited && !t->broken) active.push_back(t);
      if (active.empty()) return;
      run(s, active);
    }
  }

 private:
  const Program& program_;
  unsigned char* cells_;
  unsigned char* shared_cells_;

  static bool holds(const Statement& s, Thread& t) {
    return s.guard < 0 || (t.at('p', s.guard) != 0) != s.guard_negated;
  }

  void run(const Statement& s, const Threads& threads) {
    switch (s.what) {
      case What::kIf: branch(s, threads); return;
      case What::kLoop: loop(s, threads); return;
      case What::kSwitch: selection(s, threads); return;
      case What::kExchange: exchange(s, threads); return;
      case What::kShuffle: shuffle(s, threads); return;
      case What::kVote:
      case What::kMatch:
      case What::kReduce: of_warp(s, threads); return;
      case What::kBarrier: barrier(s, threads); return;
      default:
        for (Thread* t : threads) alone(s, *t);
    }
  }

  void alone(const Statement& s, Thread& t) {
    switch (s.what) {
      case What::kOperation: operation(s, t); return;
      case What::kBreak: t.broken = holds(s, t); return;
      case What::kExit: t.exited = holds(s, t); return;
      case What::kCall: call(s, t); return;
      case What::kAccess: access(s, t); return;
      case What::kConstant: t.at('r', s.to) = program_.table[t.read('r', s.from[0]) % kTable]; return;
      case What::kPrivate: owned(s, t); return;
      default: common(s, t);
    }
  }

  static void operation(const Statement& s, Thread& t) {
    const Operation& o = *s.operation;
    U64 in[4] = {};
    for (std::size_t i = 0; i < s.from.size(); ++i) in[i] = t.read(o.from[i], s.from[i]);
    U64& to = t.at(o.to, s.to);
    if (holds(s, t)) to = o.compute(in);
    to = canonical(o.nan, to);
  }

  void call(const Statement& s, Thread& t) {
    const bool second = s.guard >= 0 && t.at('p', s.guard) == 0;
    const Subroutine& f = program_.subroutines[static_cast<std::size_t>(s.guard < 0 ? s.form
                                                                        : second    ? 1
                                                                                    : 0)];
    Thread inside;
    inside.r[0] = t.read('r', s.from[0]);
    inside.d[0] = t.read('d', s.from[1]);
    for (std::size_t i = 1; i < kLongs; ++i) inside.d[i] = inside.d[0] ^ f.constants[i];
    for (std::size_t i = 1; i < kWords; ++i)
      inside.r[i] = (inside.r[0] + (f.constants[i] >> 32)) & low_bits(32);
    for (std::size_t i = 0; i < kHalves; ++i) inside.h[i] = (inside.r[0] ^ f.constants[i]) & low_bits(16);
    for (std::size_t i = 0; i < kPredicates; ++i) inside.p[i] = inside.r[i] >> 31;
    run(f.body, {&inside});
    t.at('d', s.to) = inside.at('d', f.result);
  }

  static void access(const Statement& s, Thread& t) {
    const AccessForm& form = kAccess[s.form];
    const auto bytes = static_cast<std::size_t>(form.bytes);
    unsigned char* at = (s.shared ? t.scratch : t.local.data()) +
                        (t.read('r', s.from[0]) & static_cast<U64>(kScratch - form.bytes * form.count));
    for (int i = 0; i < form.count; ++i, at += bytes) {
      U64& reg = t.at(form.letter, s.to + i);
      if (s.store) {
        std::memcpy(at, &reg, bytes);
        continue;
      }
      U64 value = 0;
      std::memcpy(&value, at, bytes);
      const int width = form.letter == 'h' ? 16 : form.letter == 'r' ? 32 : 64;
      reg = extended({"", 8 * form.bytes, form.is_signed}, value) & low_bits(width);
    }
  }

  static void owned(const Statement& s, Thread& t) {
    const std::size_t bytes = s.letter == 'd' ? 8 : 4;
    unsigned char* at = t.scratch + (t.read('r', s.from[0]) & (kScratch - bytes));
    U64 old = 0;
    std::memcpy(&old, at, bytes);
    const U64 now = apply_private(s.form, old, t.read(s.letter, s.from[1]), t.read(s.letter, s.from[2]));
    std::memcpy(at, &now, bytes);
    t.at(s.letter, s.to) = old;
  }

  void common(const Statement& s, Thread& t) {
    const std::size_t bytes = s.letter == 'd' ? 8 : 4;
    unsigned char* at = (s.shared ? shared_cells_ : cells_) + 8 * s.amount;
    U64 old = 0;
    std::memcpy(&old, at, bytes);
    const U64 now = apply_common(s.form, old, t.read(s.letter, s.from[0]));
    std::memcpy(at, &now, bytes);
  }

  void branch(const Statement& s, const Threads& threads) {
    Threads sides[2];
    for (Thread* t : threads) {
      const Condition& c = s.condition;
      const std::uint32_t at = c.on == Condition::On::kLanes ? t->number % 32 : t->number / 32;
      const bool yes = c.on == Condition::On::kPredicate ? (t->at('p', c.predicate) != 0) != c.negated
                                                         : (c.lanes >> at & 1) != 0;
      sides[yes ? 0 : 1].push_back(t);
    }
    for (std::size_t i = 0; i < 2; ++i) run(s.blocks[i], sides[i]);
  }

  void loop(const Statement& s, const Threads& threads) {
    std::vector<U64> left;
    for (Thread* t : threads)
      left.push_back(s.from.empty() ? static_cast<U64>(s.trips)
                                    : t->read('r', s.from[0]) & static_cast<U64>(s.trips));
    for (U64 trip = 0; trip < static_cast<U64>(s.trips); ++trip) {
      Threads active;
      for (std::size_t i = 0; i < threads.size(); ++i)
        if (trip < left[i] && !threads[i]->broken && !threads[i]->exited) active.push_back(threads[i]);
      run(s.blocks[0], active);
    }
    for (Thread* t : threads) t->broken = false;
  }

  void selection(const Statement& s, const Threads& threads) {
    Threads sides[4];
    for (Thread* t : threads) sides[t->read('r', s.from[0]) & 3].push_back(t);
    for (std::size_t i = 0; i < 4; ++i) run(s.blocks[i], sides[i]);
  }

  static void exchange(const Statement& s, const Threads& threads) {
    std::vector<U64> slots;
    for (Thread* t : threads) slots.push_back(t->read(s.letter, s.from[0]));
    for (Thread* t : threads) {
      const std::size_t turned = (t->number + static_cast<std::size_t>(s.amount)) % threads.size();
      t->at(s.letter, s.to) = slots[s.form == 1 ? threads.size() - 1 - turned : turned];
    }
  }

  static void barrier(const Statement& s, const Threads& threads) {
    U64 count = 0;
    for (Thread* t : threads) count += t->read('p', s.from[0]);
    for (Thread* t : threads)
      t->at(s.letter, s.to) = s.form == 0 ? count : s.form == 1 ? count == threads.size() : count != 0;
  }

  // The threads of one warp, by lane; null where none takes part.
  template <class F>
  static void by_warp(const Threads& threads, F f) {
    for (std::size_t i = 0; i < threads.size();) {
      std::array<Thread*, 32> lanes{};
      const std::uint32_t warp = threads[i]->number / 32;
      for (; i < threads.size() && threads[i]->number / 32 == warp; ++i)
        lanes[threads[i]->number % 32] = threads[i];
      f(lanes);
    }
  }

  static void shuffle(const Statement& s, const Threads& threads) {
    by_warp(threads, [&](const std::array<Thread*, 32>& lanes) {
      U64 values[32] = {};
      for (std::size_t l = 0; l < 32; ++l)
        values[l] = lanes[l] == nullptr ? 0 : lanes[l]->read('r', s.from[0]);
      for (int l = 0; l < 32; ++l) {
        Thread* t = lanes[static_cast<std::size_t>(l)];
        if (t == nullptr) continue;
        const int distance = static_cast<int>(t->read('r', s.from[1]) & 31), segment = s.amount >> 8 & 31,
                  clamp = s.amount & 31;
        const int highest = (l & segment) | (clamp & ~segment);
        int from = s.form == 0   ? l - distance
                   : s.form == 1 ? l + distance
                   : s.form == 2 ? l ^ distance
                                 : (l & segment) | (distance & ~segment);
        if (s.shared && lanes[static_cast<std::size_t>(from)] == nullptr) from = l;
        const bool valid = s.form == 0 ? from >= highest : from <= highest;
        t->at('r', s.to) = values[valid ? from : l];
        if (s.to_predicate >= 0) t->at('p', s.to_predicate) = valid;
      }
    });
  }

  static void of_warp(const Statement& s, const Threads& threads) {
    by_warp(threads, [&](const std::array<Thread*, 32>& lanes) {
      std::vector<std::pair<std::size_t, U64>> values;  // lane and value
      for (std::size_t l = 0; l < 32; ++l)
        if (lanes[l] != nullptr)
          values.emplace_back(l, lanes[l]->read(s.what == What::kVote     ? 'p'
                                                : s.what == What::kReduce ? 'r'
                                                                          : s.letter,
                                                s.from[0]));
      if (s.what == What::kMatch)
        match(s, lanes, values);
      else
        for (const auto& [l, value] : values)
          lanes[l]->at(s.letter, s.to) =
              s.what == What::kVote ? voted(s.form, values) : reduced(s.form, values);
    });
  }

  using Values = std::vector<std::pair<std::size_t, U64>>;
  static U64 voted(int form, const Values& values) {
    U64 ballot = 0, all = 0;
    for (const auto& [l, value] : values) ballot |= value << l, all |= U64{1} << l;
    return form == 0   ? ballot == all
           : form == 1 ? ballot != 0
           : form == 2 ? ballot == 0 || ballot == all
                       : ballot;
  }
  static U64 reduced(int form, const Values& values) {
    U64 out = values[0].second;
    for (std::size_t i = 1; i < values.size(); ++i) out = combined(kReductions[form], out, values[i].second);
    return out;
  }
  static void match(const Statement& s, const std::array<Thread*, 32>& lanes, const Values& values) {
    for (const auto& [l, value] : values) {
      U64 same = 0;
      bool all = true;
      for (const auto& [k, other] : values)
        same |= static_cast<U64>(other == value) << k, all &= other == value;
      lanes[l]->at('r', s.to) = s.form == 0 || all ? same : 0;
      if (s.form == 1) lanes[l]->at('p', s.to_predicate) = all;
    }
  }
};

void load(Thread& t, const unsigned char* in) {
  std::memcpy(t.d.data(), in, 8 * kLongs);
  for (std::size_t i = 0; i < kWords; ++i) std::memcpy(&t.r[i], in + 48 + 4 * i, 4);
  for (std::size_t i = 0; i < kHalves; ++i) std::memcpy(&t.h[i], in + 88 + 2 * i, 2);
  for (std::size_t i = 0; i < kPredicates; ++i) t.p[i] = t.r[i] >> 31;
  for (std::size_t i = 0; i < 8; ++i) std::memcpy(&t.local[8 * i], &t.d[i % kLongs], 8);
}

void store(const Thread& t, unsigned char* out) {
  std::memcpy(out, t.d.data(), 8 * kLongs);
  for (std::size_t i = 0; i < kWords; ++i) std::memcpy(out + 48 + 4 * i, &t.r[i], 4);
  for (std::size_t i = 0; i < kHalves; ++i) std::memcpy(out + 88 + 2 * i, &t.h[i], 2);
  std::uint32_t predicates = 0;
  for (std::size_t i = 0; i < kPredicates; ++i) predicates |= static_cast<std::uint32_t>(t.p[i]) << i;
  std::memcpy(out + 100, &predicates, 4);
}

std::string first_difference(const std::vector<unsigned char>& got, const std::vector<unsigned char>& wanted,
                             std::size_t each, std::size_t& at) {
  const auto [g, w] = std::mismatch(got.begin(), got.end(), wanted.begin(), wanted.end());
  if (g == got.end()) return {};
  at = static_cast<std::size_t>(g - got.begin());
  at -= at % each;
  U64 a = 0, b = 0;
  std::memcpy(&a, &got[at], each);
  std::memcpy(&b, &wanted[at], each);
  return fmt::format("{:#x}, not {:#x}", a, b);
}

}  // namespace

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

Memory inputs(const Program& p, std::uint64_t seed) {
  Choices choices(seed ^ 0x5DEECE66D);
  Memory m;
  const std::size_t threads = std::size_t{p.threads()} * p.blocks();
  m.in.resize(threads * kRecord);
  m.out.resize(threads * kRecord);
  m.scratch.resize(threads * kScratch);
  m.cells.resize(8 * kCells);
  m.shared_cells.resize(std::size_t{8} * kCells * p.blocks());
  for (std::size_t t = 0; t < threads; ++t)
    for (int i = 0; i < 22; ++i) {
      const int width = i < 6 ? 64 : i < 16 ? 32 : 16;
      const U64 value = choices.pattern(width);
      const std::size_t at = t * kRecord + static_cast<std::size_t>(i < 6    ? 8 * i
                                                                    : i < 16 ? 48 + 4 * (i - 6)
                                                                             : 88 + 2 * (i - 16));
      std::memcpy(&m.in[at], &value, static_cast<std::size_t>(width / 8));
    }
  for (auto* buffer : {&m.scratch, &m.cells, &m.shared_cells})
    for (std::size_t i = 0; i < buffer->size(); i += 8) {
      const U64 value = choices.pattern(64);
      std::memcpy(&(*buffer)[i], &value, 8);
    }
  return m;
}

void evaluate(const Program& p, Memory& m) {
  const std::size_t count = p.threads();
  for (std::size_t b = 0; b < p.blocks(); ++b) {
    std::vector<Thread> threads(count);
    Threads all;
    for (std::size_t t = 0; t < count; ++t) {
      const std::size_t number = b * count + t;
      load(threads[t], &m.in[number * kRecord]);
      threads[t].scratch = &m.scratch[number * kScratch];
      threads[t].number = static_cast<std::uint32_t>(t);
      all.push_back(&threads[t]);
    }
    Evaluator evaluator(p, m.cells.data(), &m.shared_cells[b * 8 * kCells]);
    evaluator.run(p.body, all);
    evaluator.run(p.tail, all);
    for (std::size_t t = 0; t < count; ++t) store(threads[t], &m.out[(b * count + t) * kRecord]);
  }
}

std::string difference(const Program& p, const Memory& got, const Memory& wanted) {
  std::size_t at = 0;
  // in the units of the widest thing that starts there
  if (std::string d = first_difference(got.out, wanted.out, 2, at); !d.empty()) {
    const std::size_t thread = at / kRecord, place = at % kRecord;
    std::string name = place < 48    ? fmt::format("%d{}", place / 8)
                       : place < 88  ? fmt::format("%r{}", (place - 48) / 4)
                       : place < 100 ? fmt::format("%h{}", (place - 88) / 2)
                                     : std::string("predicates");
    at -= place < 48 ? place % 8 : place < 88 ? place % 4 : 0;
    U64 a = 0, b = 0;
    const std::size_t each = place < 48 ? 8 : place < 88 ? 4 : place < 100 ? 2 : 4;
    std::memcpy(&a, &got.out[at], each);
    std::memcpy(&b, &wanted.out[at], each);
    return fmt::format("block {} thread {}: {} is {:#x}, not {:#x}", thread / p.threads(),
                       thread % p.threads(), name, a, b);
  }
  if (std::string d = first_difference(got.scratch, wanted.scratch, 4, at); !d.empty())
    return fmt::format("block {} thread {}: byte {} of scratch is {}", at / kScratch / p.threads(),
                       at / kScratch % p.threads(), at % kScratch, d);
  if (std::string d = first_difference(got.cells, wanted.cells, 8, at); !d.empty())
    return fmt::format("cell {} is {}", at / 8, d);
  if (std::string d = first_difference(got.shared_cells, wanted.shared_cells, 8, at); !d.empty())
    return fmt::format("block {}: shared cell {} is {}", at / 8 / kCells, at / 8 % kCells, d);
  return {};
}

}  // namespace intarsia::ptx::random
