#include "writer.h"

namespace intarsia::ptx::random {
namespace {

// Where an element of `bytes` lies: a word picks one of those in the first 32 or all 64 bytes.
std::string offset_of(int word, int bytes) {
  return fmt::format("and.b32 at, %r{}, {}; cvt.u64.u32 offset, at;", word, kScratch - bytes);
}

}  // namespace

void Writer::access(const Statement& s) {
  const AccessForm& form = access_forms()[static_cast<std::size_t>(s.form)];
  // ptxas 13.0 converts a float where part of its register is stored
  const bool part = s.store && 8 * form.bytes < width_of(form.letter);
  std::string registers, parts;
  for (int i = 0; i < form.count; ++i) {
    const std::string one = fmt::format("%{}{}", form.letter, s.to + i);
    registers += (i == 0 ? "" : ", ") + (part ? fmt::format("part{}", i) : one);
    if (part)
      parts += fmt::format(" .reg .b{0} part{1}; xor.b{0} part{1}, {2}, %z{3};", width_of(form.letter), i,
                           one, form.letter);
  }
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
  if (part) line(" {}", parts);
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

void Writer::wait_for_phase() {
  const std::string again = label();
  out += again + ":\n";
  line("  mbarrier.try_wait.parity.shared.b64 q, [bar], %phase; @!q bra {}; xor.b32 %phase, %phase, 1;",
       again);
}

void Writer::arrive(const Statement& s) {
  line(
      "{{ .reg .b32 at, other; .reg .pred q; .reg .b64 state; mov.u32 at, slots; mad.lo.u32 at, %thread, 8, "
      "at;");
  line("  st.shared.b{} [at], %{}{}; mbarrier.arrive.shared.b64 state, [bar];", width_of(s.letter), s.letter,
       s.from[0].index);
  wait_for_phase();
  take_turned(s);
}

// The copy takes what stands at the start of the block's part of `in`.
void Writer::bulk(const Statement& s) {
  const std::uint32_t bytes = 8 * program_.threads();
  line(
      "{{ .reg .b32 at, other, to, barrier; .reg .pred q, first; .reg .b64 state, offset, from; mov.u32 to, "
      "slots; mov.u32 barrier, bar;");
  line(
      "  fence.proxy.async.shared::cta; bar.sync 0; setp.eq.u32 first, %thread, 0; mul.wide.u32 offset, "
      "%thread, {}; sub.u64 from, %in, offset;",
      kRecord);
  line(
      "  @first mbarrier.arrive.expect_tx.shared.b64 state, [bar], {}; @!first mbarrier.arrive.shared.b64 "
      "state, [bar];",
      bytes);
  line(
      "  @first cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [to], [from], {}, "
      "[barrier];",
      bytes);
  wait_for_phase();
  take_turned(s);
}

void Writer::remote(const Statement& s) {
  line("{{ .reg .b32 at, rank; mov.u32 at, slots; mad.lo.u32 at, %thread, 8, at; st.shared.b{} [at], %{}{};",
       width_of(s.letter), s.letter, s.from[0].index);
  line(
      "  barrier.cluster.arrive.release; barrier.cluster.wait.acquire; mov.u32 rank, %cluster_ctarank; "
      "xor.b32 rank, rank, 1;");
  line("  mapa.shared::cluster.u32 at, at, rank; ld.shared::cluster.b{} %{}{}, [at];", width_of(s.letter),
       s.letter, s.to);
  line("  barrier.cluster.arrive; barrier.cluster.wait; }}");
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

void Writer::store_matrix(const Statement& s) {
  const int count = 1 << s.form % 2;
  std::string from = fmt::format("%r{}", s.from[1].index);
  for (int i = 1; i < count; ++i) from += fmt::format(", %r{}", s.from[1].index + i);
  line(
      "{{ .reg .b32 own, at, row; mov.u32 own, slots; mad.lo.u32 own, %thread, 8, own; st.shared.b64 [own], "
      "%d{}; bar.warp.sync -1;",
      s.from[0].index);
  line(
      "  xor.b32 row, %lane, {}; and.b32 row, row, 15; mov.u32 at, slots; mad.lo.u32 at, %warp, 256, at; "
      "mad.lo.u32 at, row, 16, at;",
      s.amount);
  line(
      "  stmatrix.sync.aligned.m8n8.x{}{}.shared.b16 [at], {{{}}}; bar.warp.sync -1; ld.shared.b64 %d{}, "
      "[own]; bar.warp.sync -1; }}",
      count, s.form < 2 ? "" : ".trans", from, s.to);
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
  // ptxas 13.0 leaves a shuffle of one value in all lanes out, and takes its predicate to be true
  if (!s.shared) {
    line("{{ .reg .b32 given; xor.b32 given, %r{}, %zr; shfl.sync.{}.b32 {}, given, {}, {:#x}, {:#x}; }}",
         s.from[0].index, kShuffles[s.form], to, distance, s.amount, s.lanes);
    return;
  }
  line(
      "{{ {}.reg .b32 from, t; .reg .pred q; and.b32 from, {}, 31; shr.b32 t, {}, from; and.b32 t, t, 1; "
      "setp.eq.u32 q, t, 0;",
      members_first(s.lanes), distance, members(s.lanes));
  line(
      "  @q mov.b32 from, %lane; .reg .b32 given; xor.b32 given, %r{}, %zr; shfl.sync.idx.b32 {}, given, "
      "from, 31, {}; }}",
      s.from[0].index, to, members(s.lanes));
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
  const int width = width_of(s.letter);
  if (s.shared) {
    line("{{ .reg .b32 base; .reg .b{} old, now; mov.u32 base, slots; mad.lo.u32 base, %thread, 8, base;",
         width);
    line("  st.shared.b{} [base], %{}{}; atom.shared.{} old, [base], %{}{}{}; ld.shared.b{} now, [base];",
         width, s.letter, s.from[1].index, name, s.letter, s.from[2].index,
         two ? fmt::format(", %{}{}", s.letter, s.from[1].index) : "", width);
    line("  xor.b{} %{}{}, old, now; }}", width, s.letter, s.to);
    return;
  }
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

}  // namespace intarsia::ptx::random
