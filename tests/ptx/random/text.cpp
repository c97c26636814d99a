// A program as PTX.
#include <fmt/format.h>

#include "program.h"

namespace intarsia::ptx::random {
namespace {

// Where an element of `bytes` lies: a word picks one of those in the first 32 or all 64 bytes.
std::string offset_of(int word, int bytes) {
  return fmt::format("and.b32 at, %r{}, {}; cvt.u64.u32 offset, at;", word, kScratch - bytes);
}

int width_of(char letter) { return letter == 'h' ? 16 : letter == 'r' ? 32 : 64; }

class Writer {
 public:
  explicit Writer(const Program& program) : program_(program) {}
  std::string out;

  void statements(const Statements& all) {
    for (const Statement& s : all) statement(s);
  }
  void statement(const Statement& s);
  void operation(const Statement& s);
  void store_registers();
  int counters() const { return counters_; }

 private:
  const Program& program_;
  int labels_ = 0, counters_ = 0;
  std::vector<std::string> loop_ends_;

  template <class... A>
  void line(fmt::format_string<A...> format, A&&... arguments) {
    out += "  " + fmt::format(format, std::forward<A>(arguments)...) + "\n";
  }
  std::string label() { return fmt::format("L{}", labels_++); }
  static std::string guard(int predicate, bool negated) {
    return predicate < 0 ? "" : fmt::format("@{}%p{} ", negated ? "!" : "", predicate);
  }
  std::string members(std::uint32_t lanes) const {
    return program_.threads() % 32 == 0 ? fmt::format("{:#x}", lanes) : "members";
  }
  std::string members_first(std::uint32_t lanes) const {
    return program_.threads() % 32 == 0
               ? ""
               : fmt::format(".reg .b32 members; and.b32 members, %present, {:#x}; ", lanes);
  }
  void canonical(char nan, const std::string& reg);
  void branch(const Statement& s);
  void loop(const Statement& s);
  void selection(const Statement& s);
  void call(const Statement& s);
  void access(const Statement& s);
  void exchange(const Statement& s);
  void shuffle(const Statement& s);
  void of_warp(const Statement& s);
  void owned(const Statement& s);
  void float_atomic(const Statement& s);
  void copy(const Statement& s);
  void take_turned(const Statement& s);
  void hand_over(const Statement& s);
  void matrix(const Statement& s);
  void product(const Statement& s);
  void common(const Statement& s);
};

std::string number(char how, char c, U64 bits) {
  if (how == 'f' && c == 'r') return fmt::format("0f{:08X}", bits);
  if (how == 'd') return fmt::format("0d{:016X}", bits);
  return fmt::format("{:#x}", bits);
}

void Writer::canonical(char nan, const std::string& reg) {
  if (nan == 'H' || nan == 'B') {
    line(
        "{{ .reg .b16 lo, hi; .reg .pred q; mov.b32 {{lo, hi}}, {}; setp.nan.{} q, lo, lo; @q mov.b16 lo, "
        "0x7fff;",
        reg, nan == 'H' ? "f16" : "bf16");
    line("  setp.nan.{} q, hi, hi; @q mov.b16 hi, 0x7fff; mov.b32 {}, {{lo, hi}}; }}",
         nan == 'H' ? "f16" : "bf16", reg);
    return;
  }
  const char* type = nan == 'f' ? "f32" : nan == 'd' ? "f64" : nan == 'h' ? "f16" : "bf16";
  const char* value = nan == 'f'   ? "b32 {}, 0x7fffffff"
                      : nan == 'd' ? "b64 {}, 0x7fffffffffffffff"
                                   : "b16 {}, 0x7fff";
  line("{{ .reg .pred q; setp.nan.{} q, {}, {}; @q mov.{}; }}", type, reg, reg,
       fmt::format(fmt::runtime(value), reg));
}

void Writer::operation(const Statement& s) {
  const Operation& o = *s.operation;
  std::string text = o.text;
  const auto put = [&](std::size_t i, const std::string& what) {
    const std::string key = fmt::format("${}", i);
    for (std::size_t at = text.find(key); at != std::string::npos; at = text.find(key))
      text.replace(at, key.size(), what);
  };
  const std::string to = fmt::format("%{}{}", o.to, s.to);
  put(0, to);
  for (std::size_t i = 0; i < s.from.size(); ++i)
    put(i + 1, s.from[i].index < 0 ? number(o.immediate, o.from[i], s.from[i].number)
                                   : fmt::format("%{}{}", o.from[i], s.from[i].index));
  line("{}{}", guard(s.guard, s.guard_negated), text);
  if (o.nan != ' ') canonical(o.nan, to);
}

void Writer::branch(const Statement& s) {
  const std::string otherwise = label(), end = label();
  const Condition& c = s.condition;
  if (c.on == Condition::On::kPredicate) {
    line("@{}%p{} bra {};", c.negated ? "" : "!", c.predicate, otherwise);
  } else {
    line(
        "{{ .reg .b32 t; .reg .pred q; shr.b32 t, {:#x}, {}; and.b32 t, t, 1; setp.eq.u32 q, t, 0; @q bra "
        "{}; }}",
        c.lanes, c.on == Condition::On::kLanes ? "%lane" : "%warp", otherwise);
  }
  statements(s.blocks[0]);
  line("bra {};", end);
  out += otherwise + ":\n";
  statements(s.blocks[1]);
  out += end + ":\n";
}

void Writer::loop(const Statement& s) {
  const std::string start = label(), end = label();
  const int counter = counters_++;
  if (s.from.empty())
    line("mov.b32 %n{}, {};", counter, s.trips);
  else
    line("and.b32 %n{}, %r{}, {};", counter, s.from[0].index, s.trips);
  out += start + ":\n";
  line("{{ .reg .pred q; setp.eq.u32 q, %n{}, 0; @q bra {}; }}", counter, end);
  loop_ends_.push_back(end);
  statements(s.blocks[0]);
  loop_ends_.pop_back();
  line("sub.u32 %n{}, %n{}, 1;", counter, counter);
  line("bra {};", start);
  out += end + ":\n";
}

void Writer::selection(const Statement& s) {
  const std::string list = label(), end = label();
  std::string names[4];
  for (std::string& name : names) name = label();
  line("{{ .reg .b32 t; and.b32 t, %r{}, 3;", s.from[0].index);
  out += fmt::format("{}: .branchtargets {}, {}, {}, {};\n", list, names[0], names[1], names[2], names[3]);
  line("brx.idx t, {}; }}", list);
  for (std::size_t i = 0; i < 4; ++i) {
    out += names[i] + ":\n";
    statements(s.blocks[i]);
    line("bra {};", end);
  }
  out += end + ":\n";
}

void Writer::call(const Statement& s) {
  line("{{ .param .b32 a; .param .b64 b; .param .b64 c;");
  line("  st.param.b32 [a], %r{}; st.param.b64 [b], %d{};", s.from[0].index, s.from[1].index);
  if (s.guard < 0) {
    line("  call.uni (c), {}_f{}, (a, b);", program_.name, s.form);
  } else {
    const std::string prototype = label();
    line("  .reg .b64 one, two; mov.u64 one, {}_f0; mov.u64 two, {}_f1; selp.b64 one, one, two, %p{};",
         program_.name, program_.name, s.guard);
    out += prototype + ": .callprototype (.param .b64 _) _ (.param .b32 _, .param .b64 _);\n";
    line("  call (c), one, (a, b), {};", prototype);
  }
  line("  ld.param.b64 %d{}, [c]; }}", s.to);
}

void Writer::access(const Statement& s) {
  const AccessForm& form = access_forms()[static_cast<std::size_t>(s.form)];
  std::string registers = fmt::format("%{}{}", form.letter, s.to);
  for (int i = 1; i < form.count; ++i) registers += fmt::format(", %{}{}", form.letter, s.to + i);
  if (form.count > 1) registers = "{" + registers + "}";
  line("{{ .reg .b32 at; .reg .b64 offset, base; {}", offset_of(s.from[0].index, form.bytes * form.count));
  const bool generic = s.amount == 1;
  const char* space = generic ? "" : s.shared ? ".global" : ".local";
  if (s.shared)
    line("  add.u64 base, %scratch, offset;");
  else if (generic)
    line("  mov.u64 base, loc; cvta.local.u64 base, base; add.u64 base, base, offset;");
  else
    line("  mov.u64 base, loc; add.u64 base, base, offset;");
  const std::string how = s.store ? kStores[s.trips] : kLoads[s.trips];
  const bool cached = s.trips >= 4 && s.trips < 7;  // a cache operator stands behind the space
  const std::string qualified = cached ? space + how : how + space;
  if (s.store)
    line("  st{}.{} [base], {}; }}", qualified, form.type, registers);
  else
    line("  ld{}.{} {}, [base]; }}", qualified, form.type, registers);
}

// The slot of another thread, between barriers.
void Writer::take_turned(const Statement& s) {
  const std::uint32_t threads = program_.threads();
  line("  add.u32 other, %thread, {}; setp.ge.u32 q, other, {}; @q sub.u32 other, other, {};", s.amount,
       threads, threads);
  if (s.form == 1) line("  sub.u32 other, {}, other;", threads - 1);
  line("  mov.u32 at, slots; mad.lo.u32 at, other, 8, at; ld.shared.b{} %{}{}, [at]; {} 0; }}",
       width_of(s.letter), s.letter, s.to, s.amount % 2 == 0 ? "bar.sync" : "barrier.sync");
}

void Writer::exchange(const Statement& s) {
  line("{{ .reg .b32 at, other; .reg .pred q; mov.u32 at, slots; mad.lo.u32 at, %thread, 8, at;");
  line("  st.shared.b{} [at], %{}{}; bar.sync 0;", width_of(s.letter), s.letter, s.from[0].index);
  take_turned(s);
}

void Writer::copy(const Statement& s) {
  line("{{ .reg .b32 at, other; .reg .pred q; mov.u32 at, slots; mad.lo.u32 at, %thread, 8, at;");
  line(
      "  cp.async.ca.shared.global [at], [%in+{}], 8; cp.async.commit_group; cp.async.wait_group 0; bar.sync "
      "0;",
      8 * s.from[0].index % 48);
  take_turned(s);
}

void Writer::hand_over(const Statement& s) {
  const std::string taking = label(), end = label();
  const std::uint32_t threads = program_.threads();
  const int width = width_of(s.letter);
  line(
      "{{ .reg .b32 at; .reg .pred q; mov.u32 at, slots; mad.lo.u32 at, %thread, 8, at; setp.ge.u32 q, "
      "%thread, {}; @q bra {};",
      threads / 2, taking);
  line("  st.shared.b{} [at], %{}{}; bar.arrive 2, {}; bra {};", width, s.letter, s.from[0].index, threads,
       end);
  line("{}:", taking);
  line("  bar.sync 2, {}; sub.u32 at, at, {}; ld.shared.b{} %{}{}, [at]; }}", threads, 4 * threads, width,
       s.letter, s.to);
  out += end + ":\n";
  line("bar.sync 0;");
}

// 256 bytes of the slots are a warp's own: 16 rows of 16 bytes.
void Writer::matrix(const Statement& s) {
  const int count = 1 << s.form % 3;
  std::string to = fmt::format("%r{}", s.to);
  for (int i = 1; i < count; ++i) to += fmt::format(", %r{}", s.to + i);
  line(
      "{{ .reg .b32 at, row; mov.u32 at, slots; mad.lo.u32 at, %thread, 8, at; st.shared.b64 [at], %d{}; "
      "bar.warp.sync -1;",
      s.from[0].index);
  line(
      "  xor.b32 row, %lane, {}; and.b32 row, row, 15; mov.u32 at, slots; mad.lo.u32 at, %warp, 256, at; "
      "mad.lo.u32 at, row, 16, at;",
      s.amount);
  line("  ldmatrix.sync.aligned.m8n8.x{}{}.shared.b16 {{{}}}, [at]; bar.warp.sync -1; }}", count,
       s.form < 3 ? "" : ".trans", to);
}

void Writer::product(const Statement& s) {
  const ProductForm& form = product_forms()[static_cast<std::size_t>(s.form)];
  const auto words = [](int first, int count) {
    std::string all = fmt::format("{{%r{}", first);
    for (int i = 1; i < count; ++i) all += fmt::format(", %r{}", first + i);
    return all + "}";
  };
  line("mma.sync.aligned.{} {}, {}, {}, {};", form.type, words(s.to, form.c_words),
       words(s.from[0].index, form.a_words), words(s.from[1].index, form.b_words),
       words(s.from[2].index, form.c_words));
}

void Writer::shuffle(const Statement& s) {
  const std::string to =
      fmt::format("%r{}{}", s.to, s.to_predicate < 0 ? "" : fmt::format("|%p{}", s.to_predicate));
  const std::string distance =
      s.from[1].index < 0 ? fmt::format("{}", s.from[1].number) : fmt::format("%r{}", s.from[1].index);
  if (!s.shared) {
    line("shfl.sync.{}.b32 {}, %r{}, {}, {:#x}, {:#x};", kShuffles[s.form], to, s.from[0].index, distance,
         s.amount, s.lanes);
    return;
  }
  line(
      "{{ {}.reg .b32 from, t; .reg .pred q; and.b32 from, {}, 31; shr.b32 t, {}, from; and.b32 t, t, 1; "
      "setp.eq.u32 q, t, 0;",
      members_first(s.lanes), distance, members(s.lanes));
  line("  @q mov.b32 from, %lane; shfl.sync.idx.b32 {}, %r{}, from, 31, {}; }}", to, s.from[0].index,
       members(s.lanes));
}

void Writer::of_warp(const Statement& s) {
  const std::string first = members_first(s.lanes), who = members(s.lanes);
  switch (s.what) {
    case What::kVote:
      line("{{ {}vote.sync.{} %{}{}, %p{}, {}; }}", first,
           s.form == 3 ? std::string("ballot.b32") : fmt::format("{}.pred", kVotes[s.form]), s.letter, s.to,
           s.from[0].index, who);
      break;
    case What::kMatch:
      line("{{ {}match.{}.sync.b{} %r{}{}, %{}{}, {}; }}", first, s.form == 0 ? "any" : "all",
           s.letter == 'd' ? 64 : 32, s.to, s.form == 0 ? "" : fmt::format("|%p{}", s.to_predicate), s.letter,
           s.from[0].index, who);
      break;
    default:
      line("{{ {}redux.sync.{} %r{}, %r{}, {}; }}", first, kReductions[s.form], s.to, s.from[0].index, who);
  }
}

void Writer::owned(const Statement& s) {
  const AtomicForm& form = private_forms()[static_cast<std::size_t>(s.form)];
  const std::string name = form.operation;
  const bool two = name.starts_with("cas");
  line("{{ .reg .b32 at; .reg .b64 offset, base; {} add.u64 base, %scratch, offset;",
       offset_of(s.from[0].index, s.letter == 'd' ? 8 : 4));
  line("  atom.global.{} %{}{}, [base], %{}{}{}; }}", name, s.letter, s.to, s.letter, s.from[1].index,
       two ? fmt::format(", %{}{}", s.letter, s.from[2].index) : "");
}

void Writer::float_atomic(const Statement& s) {
  const AtomicForm& form = float_forms()[static_cast<std::size_t>(s.form)];
  const int width = width_of(s.letter);
  const U64 mask = below_two(s.form, low_bits(width));
  if (s.shared)
    line("{{ .reg .b32 base; mov.u32 base, slots; mad.lo.u32 base, %thread, 8, base;");
  else
    line("{{ .reg .b32 at; .reg .b64 offset, base; {} add.u64 base, %scratch, offset;",
         offset_of(s.from[0].index, width / 8));
  line("  .reg .b{} a, b; and.b{} a, %{}{}, {:#x}; and.b{} b, %{}{}, {:#x};", width, width, s.letter,
       s.from[1].index, mask, width, s.letter, s.from[2].index, mask);
  const char* space = s.shared ? "shared" : "global";
  line("  st.{}.b{} [base], a; atom.{}.{} %{}{}, [base], b; ld.{}.b{} a, [base]; xor.b{} %{}{}, %{}{}, a; }}",
       space, width, space, form.operation, s.letter, s.to, space, width, width, s.letter, s.to, s.letter,
       s.to);
}

void Writer::common(const Statement& s) {
  const char* name = common_forms()[static_cast<std::size_t>(s.form)].operation;
  if (s.shared)
    line("red.shared.{} [cells+{}], %{}{};", name, 8 * s.amount, s.letter, s.from[0].index);
  else
    line("red.relaxed.gpu.global.{} [%cells+{}], %{}{};", name, 8 * s.amount, s.letter, s.from[0].index);
}

void Writer::statement(const Statement& s) {
  switch (s.what) {
    case What::kOperation: operation(s); break;
    case What::kIf: branch(s); break;
    case What::kLoop: loop(s); break;
    case What::kSwitch: selection(s); break;
    case What::kBreak: line("{}bra {};", guard(s.guard, s.guard_negated), loop_ends_.back()); break;
    case What::kExit: {
      const std::string stays = label();
      line("{}bra {};", guard(s.guard, !s.guard_negated), stays);
      store_registers();
      line("exit;");
      out += stays + ":\n";
      break;
    }
    case What::kCall: call(s); break;
    case What::kAccess: access(s); break;
    case What::kConstant:
      line(
          "{{ .reg .b32 at; .reg .b64 base, offset; and.b32 at, %r{}, {}; mul.wide.u32 offset, at, 4; "
          "mov.u64 base, {}_table;",
          s.from[0].index, kTable - 1, program_.name);
      line("  add.u64 base, base, offset; ld.const.b32 %r{}, [base]; }}", s.to);
      break;
    case What::kExchange: exchange(s); break;
    case What::kShuffle: shuffle(s); break;
    case What::kVote:
    case What::kMatch:
    case What::kReduce: of_warp(s); break;
    case What::kBarrier:
      line("bar.red.{} %{}{}, 0, %p{};", kBarriers[s.form], s.letter, s.to, s.from[0].index);
      break;
    case What::kPrivate: owned(s); break;
    case What::kCommon: common(s); break;
    case What::kFloatAtomic: float_atomic(s); break;
    case What::kCopy: copy(s); break;
    case What::kHandOver: hand_over(s); break;
    case What::kMatrix: matrix(s); break;
    case What::kTranspose:
      line("movmatrix.sync.aligned.m8n8.trans.b16 %r{}, %r{};", s.to, s.from[0].index);
      break;
    case What::kProduct: product(s); break;
  }
}

void Writer::store_registers() {
  for (int i = 0; i < kLongs; ++i) line("st.global.b64 [%out+{}], %d{};", 8 * i, i);
  for (int i = 0; i < kWords; ++i) line("st.global.b32 [%out+{}], %r{};", 48 + 4 * i, i);
  for (int i = 0; i < kHalves; ++i) line("st.global.b16 [%out+{}], %h{};", 88 + 2 * i, i);
  line("{{ .reg .b32 t, u; mov.b32 u, 0;");
  for (int i = 0; i < kPredicates; ++i) line("  selp.b32 t, {}, 0, %p{}; or.b32 u, u, t;", 1 << i, i);
  line("  st.global.b32 [%out+100], u; }}");
}

std::string registers(int counters) {
  return fmt::format(
      "  .reg .pred %p<{}>; .reg .b16 %h<{}>; .reg .b32 %r<{}>; .reg .b64 %d<{}>; .reg .b32 %n<{}>;\n",
      kPredicates, kHalves, kWords, kLongs, counters + 1);
}

std::string subroutine(const Program& p, std::size_t index) {
  const Subroutine& s = p.subroutines[index];
  Writer w(p);
  w.statements(s.body);
  std::string out = fmt::format(".func (.param .b64 c) {}_f{}(.param .b32 a, .param .b64 b) {{\n{}", p.name,
                                index, registers(w.counters()));
  out += "  ld.param.b32 %r0, [a]; ld.param.b64 %d0, [b];\n";
  for (int i = 1; i < kLongs; ++i)
    out += fmt::format("  xor.b64 %d{}, %d0, {:#x};\n", i, s.constants[static_cast<std::size_t>(i)]);
  for (int i = 1; i < kWords; ++i)
    out += fmt::format("  add.u32 %r{}, %r0, {:#x};\n", i, s.constants[static_cast<std::size_t>(i)] >> 32);
  for (int i = 0; i < kHalves; ++i)
    out += fmt::format("  cvt.u16.u32 %h{}, %r0; xor.b16 %h{}, %h{}, {:#x};\n", i, i, i,
                       s.constants[static_cast<std::size_t>(i)] & 0xFFFF);
  for (int i = 0; i < kPredicates; ++i) out += fmt::format("  setp.lt.s32 %p{}, %r{}, 0;\n", i, i);
  return out + w.out + fmt::format("  st.param.b64 [c], %d{};\n  ret;\n}}\n", s.result);
}

const char* const kPrologue =
    R"(  .reg .b32 %thread, %lane, %warp, %present, %gid; .reg .b64 %in, %out, %scratch, %cells, %dump;
  .local .align 16 .b8 loc[64];
  mov.u32 %thread, %tid.z; { .reg .b32 t, x, y; mov.u32 x, %ntid.x; mov.u32 y, %ntid.y; mov.u32 t, %tid.y;
    mad.lo.u32 %thread, %thread, y, t; mov.u32 t, %tid.x; mad.lo.u32 %thread, %thread, x, t; }
  and.b32 %lane, %thread, 31; shr.u32 %warp, %thread, 5;
  { .reg .b32 x, y; mov.u32 x, %ctaid.x; mov.u32 y, %ctaid.y; mov.u32 %gid, %nctaid.x; mad.lo.u32 %gid, y, %gid, x; }
  ld.param.u64 %in, [in]; ld.param.u64 %out, [out]; ld.param.u64 %scratch, [scratch]; ld.param.u64 %cells, [global_cells];
  ld.param.u64 %dump, [dump]; cvta.to.global.u64 %in, %in; cvta.to.global.u64 %out, %out; cvta.to.global.u64 %scratch, %scratch;
  cvta.to.global.u64 %cells, %cells; cvta.to.global.u64 %dump, %dump;
)";

std::string prologue(const Program& p) {
  const std::uint32_t threads = p.threads(), rest = threads % 32;
  std::string out = kPrologue;
  out += fmt::format(
      "  mov.b32 %present, -1;\n  {{ .reg .pred q; setp.eq.u32 q, %warp, {}; @q mov.b32 %present, {:#x}; "
      "}}\n",
      threads / 32, (1U << rest) - 1);
  out += fmt::format(
      "  {{ .reg .b64 t; .reg .pred q; mul.wide.u32 t, %gid, {}; add.u64 %dump, %dump, t; mul.wide.u32 t, "
      "%thread, 8;\n"
      "    add.u64 %dump, %dump, t; setp.lt.u32 q, %thread, {}; @!q bra HERE;\n"
      "    .reg .b32 at; mov.u32 at, cells; mad.lo.u32 at, %thread, 8, at; ld.global.b64 t, [%dump]; "
      "st.shared.b64 [at], t; }}\n"
      "HERE:\n  bar.sync 0;\n",
      8 * kCells, kCells);
  out += fmt::format("  mad.lo.u32 %gid, %gid, {}, %thread;\n", threads);
  for (const char* name : {"in", "out"})
    out += fmt::format("  {{ .reg .b64 t; mul.wide.u32 t, %gid, {}; add.u64 %{}, %{}, t; }}\n", kRecord, name,
                       name);
  out += fmt::format("  {{ .reg .b64 t; mul.wide.u32 t, %gid, {}; add.u64 %scratch, %scratch, t; }}\n",
                     kScratch);
  for (int i = 0; i < kLongs; ++i) out += fmt::format("  ld.global.b64 %d{}, [%in+{}];\n", i, 8 * i);
  for (int i = 0; i < kWords; ++i) out += fmt::format("  ld.global.b32 %r{}, [%in+{}];\n", i, 48 + 4 * i);
  for (int i = 0; i < kHalves; ++i) out += fmt::format("  ld.global.b16 %h{}, [%in+{}];\n", i, 88 + 2 * i);
  for (int i = 0; i < kPredicates; ++i) out += fmt::format("  setp.lt.s32 %p{}, %r{}, 0;\n", i, i);
  for (int i = 0; i < 8; ++i) out += fmt::format("  st.local.b64 [loc+{}], %d{};\n", 8 * i, i % kLongs);
  return out;
}

}  // namespace

std::string header() { return ".version 8.3\n.target sm_90\n.address_size 64\n"; }

std::string text(const Program& p) {
  std::string out = fmt::format(".const .align 4 .b32 {}_table[{}] = {{", p.name, kTable);
  for (std::size_t i = 0; i < kTable; ++i) out += fmt::format("{}{:#x}", i == 0 ? "" : ", ", p.table[i]);
  out += "};\n";
  for (std::size_t i = 0; i < p.subroutines.size(); ++i) out += subroutine(p, i);
  Writer w(p);
  w.statements(p.body);
  w.out += fmt::format(
      "  bar.sync 0;\n  {{ .reg .b64 t; .reg .b32 at; .reg .pred q; setp.lt.u32 q, %thread, {}; @!q bra "
      "DUMPED;\n"
      "    mov.u32 at, cells; mad.lo.u32 at, %thread, 8, at; ld.shared.b64 t, [at]; st.global.b64 [%dump], "
      "t; }}\nDUMPED:\n",
      kCells);
  w.statements(p.tail);
  w.store_registers();
  out += fmt::format(
      ".visible .entry {}(.param .u64 in, .param .u64 out, .param .u64 scratch, .param .u64 global_cells, "
      ".param .u64 dump) {{\n"
      "{}  .shared .align 16 .b8 slots[{}]; .shared .align 8 .b8 cells[{}];\n",
      p.name, registers(w.counters()), 8 * p.threads(), 8 * kCells);
  return out + prologue(p) + w.out + "  ret;\n}\n";
}

std::string written(const Statement& s) {
  static const Program none;
  if (s.what == What::kBreak || s.what == What::kExit) return "break or exit";
  Writer w(none);
  w.statement(s);
  return w.out;
}

}  // namespace intarsia::ptx::random
