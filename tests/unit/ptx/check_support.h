// What tests of the checks share: small kernels over two buffers, and what a launch reported.
#pragma once
#include <fmt/format.h>

#include "ptx/launch.h"
#include "support.h"

namespace intarsia::ptx::test {

// An entry k(p, q) over two buffers of 64 words; the body starts in line 10 of the text.
inline std::string kernel(const std::string& body, const std::string& shared = "") {
  return fmt::format(
      "{}{}\n.visible .entry k(.param .u64 p, .param .u64 q) {{\n"
      ".reg .pred %p<8>; .reg .b16 %h<8>; .reg .b32 %r<32>; .reg .b64 %rd<16>; .reg .f32 %f<8>;\n"
      "ld.param.u64 %rd1, [p]; ld.param.u64 %rd2, [q]; mov.u32 %r1, %tid.x; mov.u32 %r2, %ctaid.x;\n"
      "mul.wide.u32 %rd3, %r1, 4; add.s64 %rd4, %rd1, %rd3; add.s64 %rd5, %rd2, %rd3;\n"
      "shl.b32 %r3, %r1, 2;\n{}\n}}\n",
      kHeader, shared, body);
}
constexpr int kFirstLine = 10;

struct Outcome {
  LaunchResult result;
  std::vector<std::uint32_t> p, q;
};

inline Outcome launch(const std::string& text, std::uint32_t threads = 64, std::uint32_t grid = 1,
                      const Checks& checks = {}, std::int64_t shared = 0, bool initialised = true,
                      bool chains = true) {
  const Program program(parse(text, "k.ptx"), "k");
  Outcome out;
  out.p.resize(64);
  out.q.resize(64);
  for (std::uint32_t i = 0; i < 64; ++i) out.p[i] = i;
  const std::uint64_t places[] = {reinterpret_cast<std::uint64_t>(out.p.data()),
                                  reinterpret_cast<std::uint64_t>(out.q.data())};
  const std::vector<ArgumentValue> arguments{{&places[0], 8}, {&places[1], 8}};
  const std::vector<Buffer> buffers{{out.p.data(), 256, false, "p"},
                                    {out.q.data(), 256, true, "q", initialised}};
  LaunchConfig config;
  config.block = {threads, 1, 1};
  config.grid = {grid, 1, 1};
  config.buffers = buffers;
  config.checks = checks;
  config.shared_bytes = shared;
  config.max_steps = 1 << 26;
  config.chains = chains;
  out.result = run(program, config, arguments);
  return out;
}

inline void expect_one(const Outcome& o, Report::Kind kind, std::uint32_t thread, int line,
                       std::int64_t count, const std::string& what) {
  ASSERT_EQ(o.result.reports.size(), 1U) << [&] {
    std::string all;
    for (const Report& r : o.result.reports) all += r.text() + "\n";
    return all;
  }();
  const Report& r = o.result.reports[0];
  EXPECT_EQ(r.kind, kind) << r.text();
  EXPECT_EQ(r.thread[0], thread) << r.text();
  EXPECT_EQ(r.line, kFirstLine + line) << r.text();
  EXPECT_EQ(r.count, count) << r.text();
  EXPECT_NE(r.what.find(what), std::string::npos) << r.text();
}
inline void expect_clean(const Outcome& o) {
  for (const Report& r : o.result.reports) ADD_FAILURE() << r.text();
}

}  // namespace intarsia::ptx::test
