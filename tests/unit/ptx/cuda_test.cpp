// Kernels in CUDA C++, compiled by nvcc for sm_80 and sm_90a (tests/ptx/cuda), against the answers of an
// H100.
//
// Where a launch executed no inexact form the bits must agree (any NaN for a NaN); else within the case's
// tolerance.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>

#include "../../ptx/cuda/cases.h"
#include "base/convert.h"
#include "ptx/launch.h"
#include "ptx/tensor_map.h"
#include "support.h"

namespace intarsia::ptx {
namespace cuda_cases {

void PrintTo(const Case& c, std::ostream* out) { *out << c.file << " " << c.entry << " " << c.label; }

}  // namespace cuda_cases
namespace {

using cuda_cases::Argument;
using cuda_cases::Case;

double value_of(char type, const unsigned char* at) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, at, cuda_cases::bytes_of(type));
  switch (type) {
    case 'f': return static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(bits)));
    case 'd': return std::bit_cast<double>(bits);
    case 'h': return static_cast<double>(f16_to_f32(static_cast<std::uint16_t>(bits)));
    case 'q': return static_cast<double>(bf16_to_f32(static_cast<std::uint16_t>(bits)));
    default: return static_cast<double>(bits);
  }
}

// The first difference, or nothing. `tolerance` is relative to the wanted value or 1, if that is larger; 0
// asks for bits.
std::string difference(char type, const std::vector<unsigned char>& got, const unsigned char* want,
                       double tolerance) {
  const std::size_t each = cuda_cases::bytes_of(type);
  for (std::size_t at = 0; at < got.size(); at += each) {
    if (std::memcmp(&got[at], want + at, each) == 0) continue;
    const double g = value_of(type, &got[at]), w = value_of(type, want + at);
    const bool real = type == 'f' || type == 'd' || type == 'h' || type == 'q';
    if (real && g != g && w != w) continue;
    if (real && tolerance > 0 && std::fabs(g - w) <= tolerance * std::max(1.0, std::fabs(w))) continue;
    return fmt::format("element {}: {} ({:#x}), the GPU has {} ({:#x})", at / each, g,
                       *reinterpret_cast<const std::uint32_t*>(&got[at / 4 * 4]), w,
                       *reinterpret_cast<const std::uint32_t*>(want + at / 4 * 4));
  }
  return {};
}

struct Launched {
  std::vector<std::vector<unsigned char>> storage;
  std::vector<std::uint64_t> places;
  std::vector<TensorMap> maps;
  std::vector<ArgumentValue> values;
  std::vector<Buffer> buffers;
  LaunchConfig config;

  explicit Launched(const Case& c)
      : storage(c.arguments.size()), places(c.arguments.size()), maps(c.arguments.size()) {
    for (std::size_t i = 0; i < c.arguments.size(); ++i) prepare(c.arguments[i], i);
    for (std::size_t i = 0; i < c.arguments.size(); ++i) {
      const Argument& a = c.arguments[i];
      ArgumentValue value{&places[i], a.kind == Argument::kScalar ? 4 : 8};
      if (a.kind == Argument::kMap) value = tensor_map(c.maps[static_cast<std::size_t>(a.count)], a.type, i);
      if (a.parameter()) values.push_back(value);
    }
    for (std::size_t i = 0; i < 3; ++i) {
      config.grid[i] = c.grid[i];
      config.block[i] = c.block[i];
      config.cluster[i] = c.cluster[i];
    }
    config.shared_bytes = c.shared;
    config.buffers = buffers;
  }

 private:
  void prepare(const Argument& a, std::size_t i) {
    if (a.kind == Argument::kMap || a.kind == Argument::kText) return;
    if (a.kind == Argument::kScalar) {
      const auto f = static_cast<float>(a.real);
      places[i] = static_cast<std::uint64_t>(a.count);
      if (a.type == 'f') std::memcpy(&places[i], &f, 4);
      return;
    }
    storage[i] = contents(a, static_cast<int>(i));
    places[i] = reinterpret_cast<std::uint64_t>(storage[i].data());
    buffers.push_back({storage[i].data(), static_cast<std::int64_t>(storage[i].size()), a.compared(),
                       fmt::format("argument {}", i)});
  }

  ArgumentValue tensor_map(const cuda_cases::MapSpec& given, char type, std::size_t i) {
    TensorMapSpec spec;
    spec.type = static_cast<TensorMapType>(given.type);
    spec.data = storage[static_cast<std::size_t>(given.buffer)].data();
    spec.shape = given.shape;
    spec.strides = given.strides;
    spec.box = given.box;
    spec.element_steps = given.steps;
    spec.swizzle = static_cast<TensorMapSwizzle>(given.swizzle);
    spec.fill = static_cast<TensorMapFill>(given.fill);
    maps[i] = encode_tensor_map(spec);
    if (type == 'm') return {&maps[i], 128};
    places[i] = reinterpret_cast<std::uint64_t>(&maps[i]);
    buffers.push_back({&maps[i], 128, false, "a tensor map"});
    return {&places[i], 8};
  }
};

// The answers of all cases of an architecture, side by side in the cases' order.
std::size_t answer_offset(const std::string& arch, const Case& wanted) {
  std::size_t at = 0;
  for (const Case& c : cuda_cases::cases()) {
    if (c.only != nullptr && arch != c.only) continue;
    if (std::string(c.file) == wanted.file && std::string(c.entry) == wanted.entry &&
        std::string(c.label) == wanted.label)
      return at;
    for (const Argument& a : c.arguments)
      if (a.compared()) at += static_cast<std::size_t>(a.count) * cuda_cases::bytes_of(a.type);
  }
  return at;
}

class PtxCuda : public testing::TestWithParam<std::tuple<Case, std::string>> {};

TEST_P(PtxCuda, AgreesWithTheGpu) {
  const auto& [c, arch] = GetParam();
  const std::string path = fmt::format("cuda/{}.{}.ptx", c.file, arch);
  const Program program(parse(test::file(path), path), c.entry);
  Launched launched(c);
  const LaunchResult result = run(program, launched.config, launched.values);
  for (const Report& r : result.reports) ADD_FAILURE() << r.text();
  Launched single(c);
  single.config.chains = false;
  EXPECT_EQ(run(program, single.config, single.values).inexact, result.inexact);
  EXPECT_EQ(single.storage, launched.storage);
  const std::string answers = test::file(fmt::format("cuda/answers.{}.bin", arch));
  std::size_t at = answer_offset(arch, c);
  if (at >= answers.size()) GTEST_SKIP() << "no GPU has answered this case yet";
  for (std::size_t i = 0; i < c.arguments.size(); ++i) {
    const Argument& a = c.arguments[i];
    if (!a.compared()) continue;
    std::vector<unsigned char>& got = launched.storage[i];
    if (a.kind == Argument::kText) {
      got.assign(result.printed.begin(), result.printed.end());
      got.resize(static_cast<std::size_t>(a.count));
    }
    ASSERT_LE(at + got.size(), answers.size());
    for (const cuda_cases::Deviation& d : c.deviations) {
      if (d.argument != i) continue;
      const std::size_t each = cuda_cases::bytes_of(a.type), first = static_cast<std::size_t>(d.first) * each,
                        size = static_cast<std::size_t>(d.count) * each;
      EXPECT_NE(answers.compare(at + first, size, reinterpret_cast<const char*>(&got[first]), size), 0)
          << "no deviation any more: " << d.why;
      std::memcpy(&got[first], answers.data() + at + first, size);
    }
    EXPECT_EQ(difference(a.type == 'z' ? 'i' : a.type, got,
                         reinterpret_cast<const unsigned char*>(answers.data()) + at,
                         result.inexact.empty() ? 0 : c.tolerance),
              "")
        << fmt::format("argument {}; inexact: {}", i, fmt::join(result.inexact, ", "));
    at += got.size();
  }
}

std::vector<std::tuple<Case, std::string>> all_cases() {
  std::vector<std::tuple<Case, std::string>> out;
  for (const Case& c : cuda_cases::cases())
    for (const char* arch : {"sm80", "sm90"})
      if (c.only == nullptr || std::string(c.only) == arch) out.emplace_back(c, arch);
  return out;
}

std::string case_name(const testing::TestParamInfo<std::tuple<Case, std::string>>& info) {
  const auto& [c, arch] = info.param;
  const std::string label = c.label;
  return fmt::format("{}_{}_{}{}", c.file, c.entry, label.empty() ? "" : label + "_", arch);
}

INSTANTIATE_TEST_SUITE_P(Kernels, PtxCuda, testing::ValuesIn(all_cases()), case_name);

TEST(PtxSystem, PrintfWritesThreadByThread) {
  const Program program(parse(test::file("cuda/calls.sm90.ptx")), "prints");
  std::vector<std::int32_t> x{5, 600, -1};
  const std::uint64_t pointer = reinterpret_cast<std::uint64_t>(x.data());
  const std::int32_t n = 3;
  const std::vector<ArgumentValue> arguments{{&pointer, 8}, {&n, 4}};
  LaunchConfig config;
  config.block = {64, 1, 1};
  const std::vector<Buffer> buffers{{x.data(), 12, false, "x"}};
  config.buffers = buffers;
  const LaunchResult result = run(program, config, arguments);
  result.require_clean();
  EXPECT_EQ(result.printed,
            "thread 0 of 64:     5 2.500 even 123456789a\n"
            "thread 1 of 64:    88 300.000 odd 123456789b\n"
            "thread 2 of 64:   255 -0.500 even 123456789c\n");
}

TEST(PtxSystem, AFailedAssertionIsReportedAndEndsTheLaunch) {
  const Program program(parse(test::file("cuda/calls.sm80.ptx")), "asserts");
  std::vector<std::int32_t> x{5, 6, -7, 8};
  const std::uint64_t pointer = reinterpret_cast<std::uint64_t>(x.data());
  const std::int32_t n = 4;
  const std::vector<ArgumentValue> arguments{{&pointer, 8}, {&n, 4}};
  LaunchConfig config;
  config.block = {32, 1, 1};
  const LaunchResult result = run(program, config, arguments);
  ASSERT_EQ(result.reports.size(), 1U);
  EXPECT_EQ(result.reports[0].kind, Report::Kind::kAssert);
  EXPECT_EQ(result.reports[0].thread[0], 2U);
  EXPECT_NE(result.reports[0].what.find("assertion `x[i] >= 0 && \"no negatives\"` failed in"),
            std::string::npos)
      << result.reports[0].text();
  EXPECT_NE(result.reports[0].source.find("calls.cu"), std::string::npos);
}

}  // namespace
}  // namespace intarsia::ptx
