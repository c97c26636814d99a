// What a program computes, statement by statement over all threads of a block: no warps, no masks, no text.
#include <cstring>

#include "threads.h"

namespace intarsia::ptx::random {
namespace {

class Evaluator {
 public:
  Evaluator(const Program& program, unsigned char* cells) : program_(program), cells_(cells) {}

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

  static bool holds(const Statement& s, Thread& t) {
    return s.guard < 0 || (t.at('p', s.guard) != 0) != s.guard_negated;
  }

  void run(const Statement& s, const Threads& threads) {
    switch (s.what) {
      case What::kIf: branch(s, threads); return;
      case What::kLoop: loop(s, threads); return;
      case What::kSwitch: selection(s, threads); return;
      case What::kExchange:
      case What::kArrive:
      case What::kBarrier:
      case What::kCopy:
      case What::kBulk:
      case What::kHandOver: by_block(s, threads); return;
      case What::kRemote: remote(s, threads); return;
      case What::kShuffle:
      case What::kVote:
      case What::kMatch:
      case What::kReduce:
      case What::kMatrix:
      case What::kStore:
      case What::kTranspose:
      case What::kProduct: evaluate_warps(s, threads); return;
      default:
        for (Thread* t : threads) alone(s, *t);
    }
  }

  void alone(const Statement& s, Thread& t) {
    switch (s.what) {
      case What::kOperation: operation(s, t); return;
      case What::kBreak: t.broken = holds(s, t); return;
      case What::kFence: return;
      case What::kExit: t.exited = holds(s, t); return;
      case What::kCall: call(s, t); return;
      case What::kAccess: access(s, t); return;
      case What::kConstant: t.at('r', s.to) = program_.table[t.read('r', s.from[0]) % kTable]; return;
      case What::kPrivate: owned(s, t); return;
      case What::kFloatAtomic: float_atomic(s, t); return;
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
    const AccessForm& form = access_forms()[static_cast<std::size_t>(s.form)];
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
    if (s.shared) {  // the old value is `from[1]`, seen again in what the new one differs by
      const U64 old = t.read(s.letter, s.from[1]);
      t.at(s.letter, s.to) =
          old ^ apply_private(s.form, old, t.read(s.letter, s.from[2]), t.read(s.letter, s.from[1]));
      return;
    }
    const std::size_t bytes = s.letter == 'd' ? 8 : 4;
    unsigned char* at = t.scratch + (t.read('r', s.from[0]) & (kScratch - bytes));
    U64 old = 0;
    std::memcpy(&old, at, bytes);
    const U64 now = apply_private(s.form, old, t.read(s.letter, s.from[1]), t.read(s.letter, s.from[2]));
    std::memcpy(at, &now, bytes);
    t.at(s.letter, s.to) = old;
  }

  static void float_atomic(const Statement& s, Thread& t) {
    const U64 old = below_two(s.form, t.read(s.letter, s.from[1])),
              value = below_two(s.form, t.read(s.letter, s.from[2]));
    const U64 now = apply_float(s.form, s.shared, old, value);
    const std::size_t bytes = s.letter == 'h' ? 2 : s.letter == 'r' ? 4 : 8;
    if (!s.shared) std::memcpy(t.scratch + (t.read('r', s.from[0]) & (kScratch - bytes)), &now, bytes);
    t.at(s.letter, s.to) = old ^ now;
  }

  void common(const Statement& s, Thread& t) {
    const std::size_t bytes = s.letter == 'd' ? 8 : 4;
    unsigned char* at = (s.shared ? t.shared_cells : cells_) + 8 * s.amount;
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

  // Block by block: all threads of one take part.
  void by_block(const Statement& s, const Threads& threads) const {
    for (std::size_t i = 0; i < threads.size(); i += program_.threads()) {
      const Threads block(threads.begin() + static_cast<std::ptrdiff_t>(i),
                          threads.begin() + static_cast<std::ptrdiff_t>(i + program_.threads()));
      if (s.what == What::kBarrier) barrier(s, block);
      if (s.what == What::kExchange || s.what == What::kArrive) exchange(s, block);
      if (s.what == What::kCopy) copy(s, block);
      if (s.what == What::kBulk) bulk(s, block);
      if (s.what == What::kHandOver) hand_over(s, block);
    }
  }

  static void remote(const Statement& s, const Threads& threads) {
    const std::size_t half = threads.size() / 2;
    std::vector<U64> held;
    for (Thread* t : threads) held.push_back(t->read(s.letter, s.from[0]));
    for (std::size_t i = 0; i < threads.size(); ++i)
      threads[i]->at(s.letter, s.to) = held[(i + half) % threads.size()];
  }

  static void bulk(const Statement& s, const Threads& threads) {
    std::vector<U64> slots(threads.size());
    std::memcpy(slots.data(), threads[0]->in, 8 * slots.size());
    const int width = s.letter == 'h' ? 16 : s.letter == 'r' ? 32 : 64;
    for (U64& slot : slots) slot &= low_bits(width);
    take_turned(s, threads, slots);
  }

  static void exchange(const Statement& s, const Threads& threads) {
    std::vector<U64> slots;
    for (Thread* t : threads) slots.push_back(t->read(s.letter, s.from[0]));
    take_turned(s, threads, slots);
  }
  static void copy(const Statement& s, const Threads& threads) {
    std::vector<U64> slots(threads.size());
    for (std::size_t i = 0; i < threads.size(); ++i)
      std::memcpy(&slots[i], threads[i]->in + 8 * s.from[0].index % 48, s.letter == 'd' ? 8 : 4);
    take_turned(s, threads, slots);
  }
  static void hand_over(const Statement& s, const Threads& threads) {
    const std::size_t half = threads.size() / 2;
    for (std::size_t i = 0; i < half; ++i)
      threads[half + i]->at(s.letter, s.to) = threads[i]->read(s.letter, s.from[0]);
  }
  static void take_turned(const Statement& s, const Threads& threads, const std::vector<U64>& slots) {
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

}  // namespace

void evaluate(const Program& p, Memory& m) {
  const std::size_t count = p.threads(), together = count * p.cluster;
  for (std::size_t first = 0; first < count * p.blocks(); first += together) {
    std::vector<Thread> threads(together);
    Threads all;
    for (std::size_t t = 0; t < together; ++t) {
      const std::size_t number = first + t;
      load(threads[t], &m.in[number * kRecord]);
      threads[t].in = &m.in[number * kRecord];
      threads[t].scratch = &m.scratch[number * kScratch];
      threads[t].shared_cells = &m.shared_cells[number / count * 8 * kCells];
      threads[t].number = static_cast<std::uint32_t>(t % count);
      threads[t].block = static_cast<std::uint32_t>(number / count);
      all.push_back(&threads[t]);
    }
    Evaluator evaluator(p, m.cells.data());
    evaluator.run(p.body, all);
    evaluator.run(p.tail, all);
    for (std::size_t t = 0; t < together; ++t) store(threads[t], &m.out[(first + t) * kRecord]);
  }
}

}  // namespace intarsia::ptx::random
