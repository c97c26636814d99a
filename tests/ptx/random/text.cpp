// A program as PTX.
#include <fmt/format.h>

#include "writer.h"

namespace intarsia::ptx::random {
namespace {

std::string number(char how, char c, U64 bits) {
  if (how == 'f' && c == 'r') return fmt::format("0f{:08X}", bits);
  if (how == 'd') return fmt::format("0d{:016X}", bits);
  return fmt::format("{:#x}", bits);
}

}  // namespace

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
  const std::string condition = guard(s.guard, s.guard_negated);
  if (const std::size_t at = text.find("$g"); at != std::string::npos)
    line("{}", text.replace(at, 2, condition));
  else
    line("{}{}", condition, text);
  if (o.nan != ' ') canonical(o.nan, to);
}

// ptxas 13.0 goes on believing in what a branch says of its predicate where a loop writes that anew, and
// breaks down over a call by pointer of what it then takes to be unreachable.
void Writer::jump(int predicate, bool negated, const std::string& to) {
  line("{{ .reg .pred q; xor.pred q, %p{}, %no; @{}q bra {}; }}", predicate, negated ? "!" : "", to);
}

void Writer::branch(const Statement& s) {
  const std::string otherwise = label(), end = label();
  const Condition& c = s.condition;
  if (c.on == Condition::On::kPredicate) {
    jump(c.predicate, !c.negated, otherwise);
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
  // ptxas 13.0 joins the loop of a shared atomic with one around it, and counts its turns once for all lanes
  const bool joined = contains(s, [](const Statement& inside) {
    return inside.shared && (inside.what == What::kCommon || inside.what == What::kPrivate ||
                             inside.what == What::kFloatAtomic);
  });
  if (joined && s.from.empty())
    line("xor.b32 %n{}, %zr, {};", counter, s.trips);
  else if (joined)
    line("and.b32 %n{0}, %r{1}, {2}; xor.b32 %n{0}, %n{0}, %zr;", counter, s.from[0].index, s.trips);
  else if (s.from.empty())
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
  line("{{ .param .b32 give_a; .param .b64 give_b; .param .b64 take;");
  line("  st.param.b32 [give_a], %r{}; st.param.b64 [give_b], %d{};", s.from[0].index, s.from[1].index);
  if (s.guard < 0) {
    line("  call.uni (take), {}_f{}, (give_a, give_b);", program_.name, s.form);
  } else {
    const std::string prototype = label();
    line(
        "  .reg .b64 one; .reg .b64 at; mov.u64 at, {}_entries; @!%p{} add.u64 at, at, 8; ld.global.u64 one, "
        "[at];",
        program_.name, s.guard);
    out += prototype + ": .callprototype (.param .b64 _) _ (.param .b32 _, .param .b64 _);\n";
    line("  call (take), one, (give_a, give_b), {};", prototype);
  }
  line("  ld.param.b64 %d{}, [take]; }}", s.to);
}

void Writer::statement(const Statement& s) {
  switch (s.what) {
    case What::kOperation: operation(s); break;
    case What::kIf: branch(s); break;
    case What::kLoop: loop(s); break;
    case What::kSwitch: selection(s); break;
    case What::kBreak: jump(s.guard, s.guard_negated, loop_ends_.back()); break;
    case What::kExit: {
      const std::string stays = label();
      jump(s.guard, !s.guard_negated, stays);
      leave();
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
    case What::kArrive: arrive(s); break;
    case What::kBulk: bulk(s); break;
    case What::kRemote: remote(s); break;
    case What::kHandOver: hand_over(s); break;
    case What::kMatrix: matrix(s); break;
    case What::kStore: store_matrix(s); break;
    case What::kFence: line("{};", kFences[s.form]); break;
    case What::kTranspose:
      // ptxas 13.0 takes what it makes of one value in all lanes to be one value in all lanes
      line("{{ .reg .b32 t; xor.b32 t, %r{}, %zr; movmatrix.sync.aligned.m8n8.trans.b16 %r{}, t; }}",
           s.from[0].index, s.to);
      break;
    case What::kProduct: product(s); break;
  }
}

// Ends the thread, or the subroutine.
void Writer::leave() {
  if (subroutine_ != nullptr) {
    line("st.param.b64 [c], %d{}; ret;", subroutine_->result);
    return;
  }
  store_registers();
  line("exit;");
}

void Writer::store_registers() {
  for (int i = 0; i < kLongs; ++i) line("st.global.b64 [%out+{}], %d{};", 8 * i, i);
  for (int i = 0; i < kWords; ++i) line("st.global.b32 [%out+{}], %r{};", 48 + 4 * i, i);
  for (int i = 0; i < kHalves; ++i) line("st.global.b16 [%out+{}], %h{};", 88 + 2 * i, i);
  line("{{ .reg .b32 t, u; mov.b32 u, 0;");
  for (int i = 0; i < kPredicates; ++i) line("  selp.b32 t, {}, 0, %p{}; or.b32 u, u, t;", 1 << i, i);
  line("  st.global.b32 [%out+100], u; }}");
}

namespace {

// Zeros that no assembler knows to be zeros: what lies at `where`.
std::string zeros(const std::string& where) {
  return fmt::format(
      "  .reg .b16 %zh; .reg .b32 %zr; .reg .b64 %zd; .reg .pred %no;\n"
      "  ld.global.b64 %zd, [{}]; cvt.u32.u64 %zr, %zd; cvt.u16.u64 %zh, %zd; setp.ne.u64 %no, %zd, 0;\n",
      where);
}

std::string registers(int counters) {
  return fmt::format(
      "  .reg .pred %p<{}>; .reg .b16 %h<{}>; .reg .b32 %r<{}>; .reg .b64 %d<{}>; .reg .b32 %n<{}>;\n",
      kPredicates, kHalves, kWords, kLongs, counters + 1);
}

std::string subroutine(const Program& p, std::size_t index) {
  const Subroutine& s = p.subroutines[index];
  Writer w(p, &s);
  w.statements(s.body);
  std::string out = fmt::format(".func (.param .b64 c) {}_f{}(.param .b32 a, .param .b64 b) {{\n{}", p.name,
                                index, registers(w.counters()));
  out += "  ld.param.b32 %r0, [a]; ld.param.b64 %d0, [b];\n" + zeros(p.name + "_zero");
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
    R"(  .reg .b32 %thread, %lane, %warp, %present, %gid, %phase; .reg .b64 %in, %out, %scratch, %cells, %dump;
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
      "HERE:\n  mov.b32 %phase, 0; {{ .reg .pred q; setp.eq.u32 q, %thread, 0; "
      "@q mbarrier.init.shared.b64 [bar], {}; @q fence.mbarrier_init.release.cluster; }}\n  bar.sync 0;\n",
      8 * kCells, kCells, threads);
  out += fmt::format("  mad.lo.u32 %gid, %gid, {}, %thread;\n", threads);
  for (const char* name : {"in", "out"})
    out += fmt::format("  {{ .reg .b64 t; mul.wide.u32 t, %gid, {}; add.u64 %{}, %{}, t; }}\n", kRecord, name,
                       name);
  out += fmt::format("  {{ .reg .b64 t; mul.wide.u32 t, %gid, {}; add.u64 %scratch, %scratch, t; }}\n",
                     kScratch);
  out += zeros("%in+104");
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
  if (!p.subroutines.empty()) out += fmt::format(".global .align 8 .u64 {}_zero = 0;\n", p.name);
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
  if (w.out.find("_entries") !=
      std::string::npos)  // from memory, as ptxas may break down over pointers it can follow
    out += fmt::format(".global .align 8 .u64 {0}_entries[2] = {{{0}_f0, {0}_f1}};\n", p.name);
  out += fmt::format(
      ".visible .entry {}(.param .u64 in, .param .u64 out, .param .u64 scratch, .param .u64 global_cells, "
      ".param .u64 dump){} {{\n"
      "{}  .shared .align 16 .b8 slots[{}]; .shared .align 8 .b8 cells[{}];\n"
      "  .shared .align 8 .b64 bar;\n",
      p.name, p.cluster > 1 ? "\n.reqnctapercluster 2, 1, 1" : "", registers(w.counters()), 8 * p.threads(),
      8 * kCells);
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
