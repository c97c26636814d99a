#include "sweep.h"

#include <fmt/format.h>

namespace intarsia::ptx::random {
namespace {

int width_of(char letter) { return letter == 'p' ? 1 : letter == 'h' ? 16 : letter == 'r' ? 32 : 64; }

std::string load(char c, std::size_t i) {
  if (c == 'p')
    return fmt::format("  {{ .reg .b32 t; ld.global.b32 t, [%in+{}]; setp.ne.u32 %p{}, t, 0; }}\n", 8 * i, i);
  return fmt::format("  ld.global.b{} %{}{}, [%in+{}];\n", width_of(c), c, i, 8 * i);
}

}  // namespace

std::vector<Sweep> sweeps() {
  std::vector<Sweep> all;
  for (const Kind& kind : operations())
    for (const Operation& operation : kind.operations) {
      Sweep s{&operation, fmt::format("s{}", all.size()), {}, {}};
      Choices choices(all.size());
      for (std::uint32_t t = 0; t < kSweepThreads; ++t)
        for (std::size_t i = 0; i < 4; ++i) {
          const bool used = i < operation.from.size();
          s.in.push_back(used ? choices.pattern(width_of(operation.from[i])) &
                                    low_bits(width_of(operation.from[i]))
                              : 0);
        }
      s.out.resize(kSweepThreads);
      all.push_back(std::move(s));
    }
  return all;
}

std::string text(const Sweep& sweep) {
  const Operation& o = *sweep.operation;
  std::string out = fmt::format(
      ".visible .entry {}(.param .u64 in, .param .u64 out) {{\n"
      "  .reg .pred %p<4>; .reg .b16 %h<4>; .reg .b32 %r<4>; .reg .b64 %d<4>; .reg .b64 %in, %out; .reg "
      ".pred %pto;\n"
      "  .reg .b16 %hto; .reg .b32 %rto, %t; .reg .b64 %dto;\n"
      "  {{ .reg .b32 t, u; .reg .b64 a; mov.u32 t, %tid.x; mov.u32 u, %ctaid.x; mad.lo.u32 t, u, 128, t;\n"
      "    ld.param.u64 %in, [in]; ld.param.u64 %out, [out]; cvta.to.global.u64 %in, %in; cvta.to.global.u64 "
      "%out, %out;\n"
      "    mul.wide.u32 a, t, 32; add.u64 %in, %in, a; mul.wide.u32 a, t, 8; add.u64 %out, %out, a; }}\n",
      sweep.name);
  out +=
      "  .reg .b16 %zh; .reg .b32 %zr; .reg .b64 %zd; ld.global.b64 %zd, [%out]; cvt.u32.u64 %zr, %zd; "
      "cvt.u16.u64 %zh, %zd;\n";
  for (std::size_t i = 0; i < o.from.size(); ++i) out += load(o.from[i], i);
  std::string body = o.text;
  if (const std::size_t guard = body.find("$g"); guard != std::string::npos) body.erase(guard, 2);
  for (std::size_t at = body.find('$'); at != std::string::npos; at = body.find('$')) {
    const int i = body[at + 1] - '0';
    body.replace(at, 2,
                 i == 0 ? fmt::format("%{}to", o.to)
                        : fmt::format("%{}{}", o.from[static_cast<std::size_t>(i - 1)], i - 1));
  }
  out += "  " + body + "\n";
  if (o.to == 'p') return out + "  selp.b32 %t, 1, 0, %pto; st.global.b32 [%out], %t;\n  ret;\n}\n";
  return out + fmt::format("  st.global.b{} [%out], %{}to;\n  ret;\n}}\n", width_of(o.to), o.to);
}

U64 wanted(const Sweep& sweep, std::size_t thread) { return sweep.operation->compute(&sweep.in[4 * thread]); }

std::string difference(const Sweep& sweep) {
  int count = 0;
  std::string first;
  for (std::size_t t = 0; t < sweep.out.size(); ++t) {
    const U64 got = sweep.out[t], want = wanted(sweep, t);
    if (got != want && count++ == 0)
      first = fmt::format("{:#x}, {:#x}, {:#x}, {:#x}: {:#x}, not {:#x}", sweep.in[4 * t],
                          sweep.in[4 * t + 1], sweep.in[4 * t + 2], sweep.in[4 * t + 3], got, want);
  }
  return count == 0
             ? std::string()
             : fmt::format("{}: {} of {} differ; {}", sweep.operation->text, count, sweep.out.size(), first);
}

}  // namespace intarsia::ptx::random
