// Approximate operations against an H100's results (every 16th of the values it was asked): how often the
// bits are equal, and how far apart they are otherwise. We give the correctly rounded value.
#include <fmt/format.h>

#include <cmath>

#include "npz.h"
#include "ptx/launch.h"

namespace intarsia::ptx {
namespace {

struct Golden {
  const char* op;
  double least_equal;      // share of equal bits
  std::int64_t most_ulps;  // of finite results; sin and cos have an absolute bound instead
};

std::int64_t ordered(std::uint32_t bits) {
  const auto size = static_cast<std::int64_t>(bits & 0x7FFFFFFF);
  return (bits >> 31) != 0 ? -size : size;
}

class PtxApprox : public testing::TestWithParam<Golden> {};

TEST_P(PtxApprox, StaysWithinTheTable) {
  const Golden& golden = GetParam();
  const auto all = test::load_npz("goldens/approx_sm90.npz");
  const std::string op = golden.op;
  const bool two = op == "div.full.f32";
  const auto get = [&](const char* which) {
    return all.at(fmt::format("{}/{}", op, which)).as<std::uint32_t>();
  };
  std::vector<std::uint32_t> a = get(two ? "a" : "x"), b = two ? get("b") : a, want = get("y"),
                             got(want.size());
  const Program program(
      parse(fmt::format(R"({}.visible .entry k(.param .u64 a, .param .u64 b, .param .u64 y) {{
      .reg .b32 %r<9>; .reg .b64 %d<9>;
      ld.param.u64 %d1, [a]; ld.param.u64 %d2, [b]; ld.param.u64 %d3, [y];
      mov.u32 %r1, %tid.x; mov.u32 %r2, %ctaid.x; mad.lo.u32 %r1, %r2, 128, %r1; mul.wide.u32 %d4, %r1, 4;
      add.u64 %d1, %d1, %d4; add.u64 %d2, %d2, %d4; add.u64 %d3, %d3, %d4;
      ld.global.b32 %r3, [%d1]; ld.global.b32 %r4, [%d2];
      {} %r5, %r3{}; st.global.b32 [%d3], %r5; }})",
                        test::kHeader, op, two ? ", %r4" : "")),
      "k");
  ASSERT_EQ(want.size() % 128, 0U);
  const std::uint64_t places[] = {reinterpret_cast<std::uint64_t>(a.data()),
                                  reinterpret_cast<std::uint64_t>(b.data()),
                                  reinterpret_cast<std::uint64_t>(got.data())};
  const std::vector<ArgumentValue> arguments{{&places[0], 8}, {&places[1], 8}, {&places[2], 8}};
  LaunchConfig config;
  config.grid = {static_cast<std::uint32_t>(want.size() / 128), 1, 1};
  config.block = {128, 1, 1};
  const LaunchResult result = run(program, config, arguments);
  EXPECT_EQ(result.inexact, std::vector<std::string>{op});
  std::size_t equal = 0;
  std::int64_t worst = 0;
  for (std::size_t i = 0; i < want.size(); ++i) {
    const auto w = std::bit_cast<float>(want[i]), g = std::bit_cast<float>(got[i]);
    equal += want[i] == got[i];
    // sin and cos are promised inside [-pi, pi] alone, with an absolute error.
    const bool periodic = op.starts_with("sin") || op.starts_with("cos");
    if (periodic) {
      if (std::fabs(std::bit_cast<float>(a[i])) <= 3.1415927F)
        EXPECT_LE(std::fabs(w - g), 0x1p-20F) << std::bit_cast<float>(a[i]);
    } else if (std::isfinite(w) && std::isfinite(g)) {
      worst = std::max(worst, std::abs(ordered(want[i]) - ordered(got[i])));
    } else {
      EXPECT_EQ(want[i], got[i]) << a[i];
    }
  }
  EXPECT_GE(static_cast<double>(equal) / static_cast<double>(want.size()), golden.least_equal);
  EXPECT_LE(worst, golden.most_ulps);
  RecordProperty("equal",
                 fmt::format("{:.4f}", static_cast<double>(equal) / static_cast<double>(want.size())));
  RecordProperty("ulps", fmt::format("{}", worst));
}

INSTANTIATE_TEST_SUITE_P(
    Operations, PtxApprox,
    testing::Values(Golden{"cos.approx.f32", 0.183, 0}, Golden{"div.full.f32", 0.710, 2},
                    Golden{"ex2.approx.f32", 0.528, 2}, Golden{"ex2.approx.ftz.f32", 0.530, 2},
                    Golden{"lg2.approx.f32", 0.493, 65}, Golden{"rcp.approx.f32", 0.857, 1},
                    Golden{"rcp.approx.ftz.f32", 0.861, 1}, Golden{"rsqrt.approx.f32", 0.770, 1},
                    Golden{"sin.approx.f32", 0.222, 0}, Golden{"sqrt.approx.f32", 0.830, 1},
                    Golden{"tanh.approx.f32", 0.139, 122}),
    [](const auto& info) {
      std::string name = info.param.op;
      std::replace(name.begin(), name.end(), '.', '_');
      return name;
    });

}  // namespace
}  // namespace intarsia::ptx
