// Fast tensor cores: where every sum is exact both ways of summing agree; what is no number stays one.
#include <fmt/format.h>

#include <cmath>
#include <random>

#include "base/convert.h"
#include "ptx/launch.h"
#include "support.h"

namespace intarsia::ptx {
namespace {

struct Shape {
  const char* name;
  const char* type;
  int a, b;  // registers
};

std::string registers(const char* name, int count) {
  std::string out;
  for (int i = 0; i < count; ++i) out += fmt::format("{}%{}{}", i == 0 ? "" : ", ", name, i);
  return "{" + out + "}";
}

// Each lane loads its registers of A, B and C side by side and stores those of D.
std::string text(const Shape& s) {
  std::string out = test::kHeader;
  out +=
      ".visible .entry k(.param .u64 in, .param .u64 out) {\n.reg .b32 %a<4>, %b<2>, %t; .reg .f32 %c<4>, "
      "%d<4>; "
      ".reg .b64 %in, %out, %o;\nld.param.u64 %in, [in]; ld.param.u64 %out, [out]; mov.u32 %t, %tid.x;\n"
      "mul.wide.u32 %o, %t, 4; add.s64 %in, %in, %o; add.s64 %out, %out, %o;\n";
  for (int i = 0; i < s.a; ++i) out += fmt::format("ld.global.b32 %a{}, [%in+{}];\n", i, 128 * i);
  for (int i = 0; i < s.b; ++i) out += fmt::format("ld.global.b32 %b{}, [%in+{}];\n", i, 128 * (4 + i));
  for (int i = 0; i < 4; ++i) out += fmt::format("ld.global.f32 %c{}, [%in+{}];\n", i, 128 * (6 + i));
  out += fmt::format("mma.sync.aligned.{}.row.col.f32.{}.{}.f32 {}, {}, {}, {};\n", s.name, s.type, s.type,
                     registers("d", 4), registers("a", s.a), registers("b", s.b), registers("c", 4));
  for (int i = 0; i < 4; ++i) out += fmt::format("st.global.f32 [%out+{}], %d{};\n", 128 * i, i);
  return out + "}\n";
}

std::vector<std::uint32_t> run_mode(const Shape& s, std::vector<std::uint32_t> in, bool exact) {
  std::vector<std::uint32_t> out(128);
  const std::uint64_t places[] = {reinterpret_cast<std::uint64_t>(in.data()),
                                  reinterpret_cast<std::uint64_t>(out.data())};
  const std::vector<ArgumentValue> arguments{{&places[0], 8}, {&places[1], 8}};
  LaunchConfig config;
  config.block = {32, 1, 1};
  config.exact_tensor_cores = exact;
  const LaunchResult result = run(Program(parse(text(s)), "k"), config, arguments);
  result.require_clean();
  EXPECT_EQ(result.inexact.empty(), exact);
  return out;
}

std::uint32_t half(const Shape& s, double x) {
  return std::string(s.type) == "f16" ? f64_to_f16(x)
                                      : std::bit_cast<std::uint32_t>(static_cast<float>(x)) >> 16;
}

std::vector<std::uint32_t> small_integers(const Shape& s) {
  std::mt19937 random(7);
  const auto next = [&] { return static_cast<double>(static_cast<int>(random() % 33) - 16); };
  std::vector<std::uint32_t> out;
  for (int i = 0; i < 6 * 32; ++i) {
    const std::uint32_t low = half(s, next());
    out.push_back(low | half(s, next()) << 16);
  }
  for (int i = 0; i < 4 * 32; ++i) out.push_back(std::bit_cast<std::uint32_t>(static_cast<float>(next())));
  return out;
}

const Shape kShapes[] = {{"m16n8k16", "f16", 4, 2},
                         {"m16n8k8", "f16", 2, 1},
                         {"m16n8k16", "bf16", 4, 2},
                         {"m16n8k8", "bf16", 2, 1}};

TEST(PtxFastMma, SmallIntegersAgreeWithTheExactRule) {
  for (const Shape& s : kShapes)
    EXPECT_EQ(run_mode(s, small_integers(s), false), run_mode(s, small_integers(s), true))
        << s.name << "." << s.type;
}

TEST(PtxFastMma, InfinitiesAndNansAgreeWithTheExactRule) {
  for (const Shape& s : kShapes) {
    std::vector<std::uint32_t> in = small_integers(s);
    in[0] = half(s, INFINITY);            // A, row 0
    in[32 * 1 + 5] = half(s, NAN);        // A, row 9
    in[32 * 4 + 9] = half(s, -INFINITY);  // B, column 2
    in[32 * 6 + 12] = 0x7F800000;         // C, row 3
    EXPECT_EQ(run_mode(s, in, false), run_mode(s, in, true)) << s.name << "." << s.type;
  }
}

}  // namespace
}  // namespace intarsia::ptx
