#include <algorithm>
#include <bit>

#include "program.h"

namespace intarsia::ptx::random {
namespace {

// How far the threads that run a statement are known to be together.
enum class Together : std::uint8_t { kBlock, kWarp, kNot };

struct Context {
  Together together = Together::kBlock;
  std::uint32_t lanes = kAllLanes;
  int depth = 0;
  bool subroutine = false, breakable = false, whole_warps = true, tail = false;
};

bool is_routine(const Operation& o) {
  const auto has = [&](const char* opcode) { return o.text.find(opcode) != std::string::npos; };
  return has("div.") || has("rem.") || has("sqrt.") || has("rcp.");
}

class Generator {
 public:
  explicit Generator(Choices& choices) : choices_(choices) {}

  Program program(const std::string& name, std::size_t limit) {
    Program p;
    p.name = name;
    constexpr std::array<std::uint32_t, 3> kBlocks[] = {{32, 1, 1}, {64, 1, 1}, {96, 1, 1},
                                                        {16, 4, 1}, {8, 4, 3},  {128, 1, 1},
                                                        {48, 1, 1}, {20, 1, 1}, {13, 5, 1}};
    p.block = kBlocks[choices_.below(9)];
    p.grid = {1 + choices_.below(3), 1 + choices_.below(2), 1};
    if (p.grid[0] == 2) p.cluster = 2;
    for (std::uint32_t& word : p.table) word = static_cast<std::uint32_t>(choices_.pattern(32));
    for (int& cell : p.cells)
      cell = static_cast<int>(choices_.below(static_cast<std::uint32_t>(common_forms().size())));
    for (int& cell : p.shared_cells)
      cell = static_cast<int>(choices_.below(static_cast<std::uint32_t>(common_forms().size())));
    const std::uint32_t subroutines = choices_.below(3);
    Context inside;
    inside.subroutine = true;
    inside.together = Together::kNot;
    routines_ = subroutines < 2;  // ptxas 13.0 breaks down over some in functions that are called by pointer
    for (std::uint32_t i = 0; i < subroutines; ++i) {
      Subroutine s;
      for (U64& c : s.constants) c = choices_.pattern(64);
      s.result = any(kLongs);
      subroutines_ = static_cast<int>(i);  // may call those before it
      s.body = statements(inside, 3 + choices_.below(6));
      p.subroutines.push_back(std::move(s));
    }
    subroutines_ = static_cast<int>(subroutines);
    routines_ = true;
    program_ = &p;
    budget_ = 90;
    Context outermost;
    outermost.whole_warps = p.threads() % 32 == 0;
    p.body = statements(outermost, 12 + choices_.below(24));
    if (choices_.one_in(2)) p.tail = tail(outermost);
    if (p.body.size() + p.tail.size() > limit) {
      p.tail.resize(limit > p.body.size() ? limit - p.body.size() : 0);
      p.body.resize(std::min(limit, p.body.size()));
    }
    return p;
  }

 private:
  Choices& choices_;
  const Program* program_ = nullptr;
  int subroutines_ = 0, budget_ = 60;
  bool routines_ = true;  // whether operations may be routines to an assembler

  int any(int count) { return static_cast<int>(choices_.below(static_cast<std::uint32_t>(count))); }
  static int registers(char letter) {
    return letter == 'p' ? kPredicates : letter == 'h' ? kHalves : letter == 'r' ? kWords : kLongs;
  }
  int any_register(char letter) { return any(registers(letter)); }
  Source source(char letter) { return {any_register(letter), 0}; }

  Statements statements(const Context& context, std::uint32_t count) {
    Statements out;
    for (std::uint32_t i = 0; i < count && budget_ > 0; ++i) out.push_back(statement(context));
    return out;
  }

  Statements tail(Context c) {
    c.tail = true;
    c.together = Together::kNot;
    Statements out;
    for (std::uint32_t i = 0, exits = 1 + choices_.below(3); i < exits; ++i) {
      out.push_back(jump(What::kExit));
      for (Statement& s : statements(c, 1 + choices_.below(3))) out.push_back(std::move(s));
    }
    return out;
  }

  Statement statement(const Context& c) {
    --budget_;
    const std::uint32_t pick = choices_.below(100);
    if (pick < 55 || c.depth > 3) return operation();
    if (pick < 62) return branch(c);
    if (pick < 66) return loop(c);
    if (pick < 68) return selection(c);
    if (pick < 70) return c.breakable ? jump(What::kBreak) : operation();
    if (pick < 74) return subroutines_ > 0 ? call() : c.subroutine ? jump(What::kExit) : operation();
    if (c.subroutine) return pick < 78 ? jump(What::kExit) : operation();
    if (pick < 80) return access();
    if (pick < 82) return choices_.one_in(3) ? fence() : constant();
    if (pick < 85) return owned();
    if (pick < 88) return common(c);
    if (c.together == Together::kNot) return operation();
    if (pick < 97) return of_warp(c);
    return c.together == Together::kBlock ? of_block() : of_warp(c);
  }

  Statement operation() {
    const Kinds& kinds = operations();
    const Kind* picked = &kinds[choices_.below(static_cast<std::uint32_t>(kinds.size()))];
    const Kind& kind = picked->alone ? kinds[0] : *picked;
    Statement s;
    s.operation = &kind.operations[choices_.below(static_cast<std::uint32_t>(kind.operations.size()))];
    if (!routines_ && is_routine(*s.operation)) s.operation = &kinds[0].operations[0];
    s.to = any_register(s.operation->to);
    for (const char c : s.operation->from) s.from.push_back(source(c));
    if (s.operation->immediate != ' ' && s.from.size() > 1 && choices_.one_in(6)) {
      const std::size_t at = 1 + choices_.below(static_cast<std::uint32_t>(s.from.size()) - 1);
      const char c = s.operation->from[at];
      if (c != 'p') s.from[at] = {-1, choices_.pattern(c == 'h' ? 16 : c == 'r' ? 32 : 64)};
    }
    const std::string& text = s.operation->text;
    if (((kind.guarded && text[0] != '{') || text.find("$g") != std::string::npos) && choices_.one_in(7)) {
      s.guard = any(kPredicates);
      s.guard_negated = choices_.one_in(2);
    }
    return s;
  }

  Statement branch(const Context& c) {
    Statement s;
    s.what = What::kIf;
    Context inside[2] = {c, c};
    const std::uint32_t pick = c.subroutine ? 0 : choices_.below(3);
    if (pick == 1) {
      s.condition.on = Condition::On::kLanes;
      constexpr std::uint32_t kSets[] = {0x0000FFFF, 0x55555555, 0x00000001, 0x7FFFFFFF, 0x0F0F00FF};
      s.condition.lanes =
          choices_.one_in(2) ? kSets[choices_.below(5)] : static_cast<std::uint32_t>(choices_.bits());
      inside[0].lanes &= s.condition.lanes;
      inside[1].lanes &= ~s.condition.lanes;
    } else if (pick == 2) {
      s.condition.on = Condition::On::kWarp;
      s.condition.lanes = choices_.below(15);
    } else {
      s.condition.predicate = any(kPredicates);
      s.condition.negated = choices_.one_in(2);
    }
    const bool alone = choices_.one_in(3);
    for (int i = 0; i < (alone ? 1 : 2); ++i) {
      ++inside[i].depth;
      inside[i].together = pick == 0                      ? Together::kNot
                           : c.together == Together::kNot ? Together::kNot
                                                          : Together::kWarp;
      s.blocks.push_back(statements(inside[i], 1 + choices_.below(5)));
    }
    if (alone) s.blocks.emplace_back();
    return s;
  }

  Statement loop(const Context& c) {
    Statement s;
    s.what = What::kLoop;
    Context inside = c;
    ++inside.depth;
    s.trips = static_cast<int>(1 + choices_.below(4));
    if (c.together == Together::kNot || choices_.one_in(2)) {
      s.trips = 3;
      s.from.push_back(source('r'));
      inside.together = Together::kNot;
      inside.breakable = true;
    } else {
      inside.breakable = false;
    }
    s.blocks.push_back(statements(inside, 1 + choices_.below(5)));
    return s;
  }

  Statement selection(const Context& c) {
    Statement s;
    s.what = What::kSwitch;
    Context inside = c;
    ++inside.depth;
    inside.together = Together::kNot;
    s.from.push_back(source('r'));
    for (int i = 0; i < 4; ++i) s.blocks.push_back(statements(inside, 1 + choices_.below(3)));
    return s;
  }

  Statement jump(What what) {
    Statement s;
    s.what = what;
    s.guard = any(kPredicates);
    s.guard_negated = choices_.one_in(2);
    return s;
  }

  Statement call() {
    Statement s;
    s.what = What::kCall;
    s.letter = 'd';
    s.to = any(kLongs);
    s.from = {source('r'), source('d')};
    s.form = any(subroutines_);
    if (subroutines_ > 1 && choices_.one_in(3)) s.guard = any(kPredicates);  // which one, by pointer
    return s;
  }

  Statement access() {
    Statement s;
    s.what = What::kAccess;
    s.form = any(static_cast<int>(access_forms().size()));
    const AccessForm& form = access_forms()[static_cast<std::size_t>(s.form)];
    s.letter = form.letter;
    s.store = choices_.one_in(2);
    s.shared = choices_.one_in(2);   // scratch rather than local memory
    s.amount = any(2);               // through a generic address
    if (s.shared) s.trips = any(8);  // with which order and cache operator
    s.from = {source('r')};
    s.to = any(registers(form.letter) - form.count + 1);  // the first of `count` registers
    return s;
  }

  Statement fence() {
    Statement s;
    s.what = What::kFence;
    s.form = any(9);
    return s;
  }

  Statement constant() {
    Statement s;
    s.what = What::kConstant;
    s.to = any(kWords);
    s.from = {source('r')};
    return s;
  }

  Statement owned() {
    Statement s;
    if (choices_.one_in(3)) {
      s.what = What::kFloatAtomic;
      s.form = any(static_cast<int>(float_forms().size()));
      s.shared = choices_.one_in(2);
      s.letter = float_forms()[static_cast<std::size_t>(s.form)].letter;
      s.to = any_register(s.letter);
      s.from = {source('r'), source(s.letter), source(s.letter)};
      return s;
    }
    s.what = What::kPrivate;
    s.shared = choices_.one_in(3);
    s.form = any(static_cast<int>(private_forms().size()));
    s.letter = private_forms()[static_cast<std::size_t>(s.form)].letter;
    s.to = any_register(s.letter);
    s.from = {source('r'), source(s.letter), source(s.letter)};
    return s;
  }

  Statement common(const Context& c) {
    Statement s;
    s.what = What::kCommon;
    s.shared = !c.tail && choices_.one_in(2);
    s.amount = any(kCells);
    s.form = (s.shared ? program_->shared_cells : program_->cells)[static_cast<std::size_t>(s.amount)];
    s.letter = common_forms()[static_cast<std::size_t>(s.form)].letter;
    s.from = {source(s.letter)};
    return s;
  }

  // What tensor cores and their neighbours do exactly; every lane takes part.
  Statement matrix() {
    Statement s;
    const int pick = any(5);
    s.what = pick < 2    ? What::kMatrix
             : pick == 2 ? What::kTranspose
             : pick == 3 ? What::kProduct
                         : What::kStore;
    s.to = any(s.what == What::kStore ? kLongs : kWords - 4);
    s.from = {source('d')};
    if (s.what == What::kMatrix) {
      s.form = any(6);  // x1, x2, x4, and the same transposed
      s.amount = any(16);
    } else if (s.what == What::kStore) {
      s.form = any(4);  // x1, x2, and the same transposed
      s.amount = any(16);
      s.from.push_back({any(kWords - 2), 0});
    } else if (s.what == What::kTranspose) {
      s.from = {source('r')};
    } else {
      s.form = any(static_cast<int>(product_forms().size()));
      s.from = {{any(kWords - 4), 0}, {any(kWords - 2), 0}, {any(kWords - 4), 0}};
    }
    return s;
  }

  Statement of_warp(const Context& c) {
    Statement s;
    s.lanes = c.lanes;
    if (c.lanes == kAllLanes && c.whole_warps && choices_.one_in(4)) return matrix();
    switch (choices_.below(5)) {
      case 0:
        s.what = What::kVote;
        s.form = any(4);
        s.letter = s.form == 3 ? 'r' : 'p';
        s.from = {source('p')};
        break;
      case 1:
        s.what = What::kMatch;
        s.form = any(2);  // any, all
        s.letter = choices_.one_in(2) ? 'd' : 'r';
        s.from = {source(s.letter)};
        s.to = any(kWords);
        if (s.form == 1) s.to_predicate = any(kPredicates);
        return s;
      case 2:
        s.what = What::kReduce;
        s.form = any(9);
        s.from = {source('r')};
        break;
      default: return shuffle(c);
    }
    s.to = any_register(s.letter);
    return s;
  }

  Statement shuffle(const Context& c) {
    Statement s;
    s.what = What::kShuffle;
    s.lanes = c.lanes;
    const bool whole = c.lanes == kAllLanes && c.whole_warps;
    s.form = whole ? any(4) : 3;
    s.shared = !whole;  // only from lanes that take part
    s.to = any(kWords);
    if (choices_.one_in(2)) s.to_predicate = any(kPredicates);
    s.from = {source('r'), choices_.one_in(3) ? source('r') : Source{-1, choices_.below(32)}};
    constexpr int kSegments[] = {0, 0, 0x10, 0x18, 0x1C, 0x1E, 0x0C};
    const int segment = kSegments[choices_.below(7)];
    s.amount = whole ? segment << 8 | (s.form == 0 ? 0 : any(4) == 0 ? any(32) : 31) : 31;
    return s;
  }

  What of_block_kind() {
    const std::uint32_t threads = program_->threads();
    switch (choices_.below(8)) {
      case 0: return What::kCopy;
      case 1: return What::kArrive;
      case 2: return threads % 2 == 0 ? What::kBulk : What::kArrive;
      case 3: return threads % 64 == 0 ? What::kHandOver : What::kExchange;
      case 4:
      case 5: return program_->cluster > 1 ? What::kRemote : What::kExchange;
      default: return What::kExchange;
    }
  }

  Statement of_block() {
    Statement s;
    if (choices_.one_in(3)) {
      s.what = What::kBarrier;
      s.form = any(3);
      s.letter = s.form == 0 ? 'r' : 'p';
      s.from = {source('p')};
    } else {
      s.what = of_block_kind();
      constexpr char kLetters[] = {'h', 'r', 'd'};
      s.letter = kLetters[choices_.below(3)];
      s.from = {source(s.letter)};
      s.form = any(2);  // turned by `amount`, or reversed as well
      s.amount = any(static_cast<int>(program_->threads()));
      if (s.what == What::kCopy) s.letter = choices_.one_in(2) ? 'd' : 'r';
      if (s.what == What::kCopy) s.from = {source(s.letter)};
    }
    s.to = any_register(s.letter);
    return s;
  }
};

}  // namespace

std::uint32_t Choices::below(std::uint32_t limit) {
  if (!from_bytes_) return static_cast<std::uint32_t>((bits() >> 32) * limit >> 32);
  std::uint32_t value = 0;
  for (std::uint32_t most = limit - 1; most != 0 && !bytes_.empty(); most >>= 8, bytes_ = bytes_.subspan(1))
    value = value << 8 | bytes_[0];
  return value % limit;
}

U64 Choices::bits() {
  if (from_bytes_) {
    U64 value = 0;
    for (int i = 0; i < 8 && !bytes_.empty(); ++i, bytes_ = bytes_.subspan(1)) value = value << 8 | bytes_[0];
    return value;
  }
  U64 z = state_ += 0x9E3779B97F4A7C15;  // splitmix64
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}

U64 Choices::pattern(int width) {
  const std::uint32_t pick = below(8);
  const U64 r = bits();
  if (pick < 3) return r & low_bits(width);
  if (pick == 3) return (r % 64) & low_bits(width);
  if (pick == 4) return (~(r % 64)) & low_bits(width);
  const Format& format = width == 16 ? ((r & 1) != 0 ? kF16 : kBF16) : kF32;
  const U64 top = width == 64 ? 0x7FF0000000000000 : low_bits(format.exponent_bits) << format.fraction_bits;
  const int fraction = width == 64 ? 52 : format.fraction_bits;
  const U64 sign = (r >> 1 & 1) << (width - 1), tail = r >> 8 & low_bits(fraction);
  const U64 specials[] = {0, top, top | 1, top | tail, tail, U64{1} << fraction, top - 1, 1};
  if (pick == 5) return sign | specials[r >> 2 & 7];
  // near one: exponents that sums and products do not swamp
  const U64 middle = top >> (fraction + 1);
  return sign | ((middle + (r >> 60)) - 6) << fraction |
         ((r & 4) != 0 ? tail : tail & ~low_bits(fraction - 3));
}

Program generate(Choices& choices, const std::string& name, std::size_t limit) {
  return Generator(choices).program(name, limit);
}

}  // namespace intarsia::ptx::random
