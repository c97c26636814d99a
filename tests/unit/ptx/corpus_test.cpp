// Triton's kernels in the interpreter against the answers of an H100 (tests/ptx/corpus).
//
// Where a launch executed no inexact form the bits must agree. Else each case states its tolerance.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>

#include "base/convert.h"
#include "npz.h"
#include "ptx/launch.h"

namespace intarsia::ptx {
namespace {

struct Case {
  const char* file;
  std::array<std::uint32_t, 3> grid;
  std::int64_t shared;
  const char* type;  // of the output: f32, f16, bf16, i32
  double tolerance;  // relative to the largest magnitude of the row's neighbourhood; 0: bits
};

const std::map<std::string, test::Array>& goldens() {
  static const auto all = test::load_npz("corpus/ptx_shared.npz");
  return all;
}

// Arguments of a case: arrays become buffers, scalars stay bytes, two null pointers at the end.
struct Arguments {
  std::vector<std::vector<std::byte>> storage;
  std::vector<std::uint64_t> pointers;
  std::vector<ArgumentValue> values;
  std::vector<Buffer> buffers;

  explicit Arguments(const std::string& name) {
    for (int i = 0;; ++i) {
      const auto found = goldens().find(fmt::format("{}/in{}", name, i));
      if (found == goldens().end()) break;
      storage.push_back(found->second.data);
      scalar.push_back(found->second.shape.empty());
    }
    pointers.assign(storage.size() + 2, 0);
    for (std::size_t i = 0; i < storage.size(); ++i) {
      if (scalar[i]) {
        values.push_back({storage[i].data(), static_cast<std::int64_t>(storage[i].size())});
        continue;
      }
      pointers[i] = reinterpret_cast<std::uint64_t>(storage[i].data());
      values.push_back({&pointers[i], 8});
      buffers.push_back({storage[i].data(), static_cast<std::int64_t>(storage[i].size()), true,
                         fmt::format("argument {}", i)});
    }
    values.push_back({&pointers[storage.size()], 8});
    values.push_back({&pointers[storage.size() + 1], 8});
  }
  std::vector<bool> scalar;
};

double value_at(const std::vector<std::byte>& data, std::size_t i, const std::string& type) {
  if (type == "f32") return static_cast<double>(reinterpret_cast<const float*>(data.data())[i]);
  if (type == "i32") return reinterpret_cast<const std::int32_t*>(data.data())[i];
  const std::uint16_t h = reinterpret_cast<const std::uint16_t*>(data.data())[i];
  return static_cast<double>(type == "f16" ? f16_to_f32(h) : bf16_to_f32(h));
}

class PtxCorpus : public testing::TestWithParam<Case> {};

TEST_P(PtxCorpus, AgreesWithTheGpu) {
  const Case& c = GetParam();
  const Program program(parse(test::file(std::string("corpus/") + c.file), c.file), "");
  Arguments arguments(c.file);
  ASSERT_FALSE(arguments.values.empty());
  LaunchConfig config;
  config.grid = c.grid;
  config.block = {128, 1, 1};
  config.shared_bytes = c.shared;
  config.buffers = arguments.buffers;
  const LaunchResult result = run(program, config, arguments.values);
  for (const Report& r : result.reports) ADD_FAILURE() << r.text();
  const std::vector<std::byte>& got = arguments.storage.back();
  Arguments single(c.file);
  config.buffers = single.buffers;
  config.chains = false;
  const LaunchResult one_by_one = run(program, config, single.values);
  EXPECT_TRUE(got == single.storage.back());
  EXPECT_EQ(result.steps, one_by_one.steps);
  EXPECT_EQ(result.inexact, one_by_one.inexact);
  const std::vector<std::byte>& want = goldens().at(std::string(c.file) + "/out").data;
  ASSERT_EQ(got.size(), want.size());
  if (result.inexact.empty() || c.tolerance == 0) {
    EXPECT_EQ(std::memcmp(got.data(), want.data(), got.size()), 0)
        << fmt::format("inexact: {}", fmt::join(result.inexact, ", "));
    return;
  }
  double worst = 0, scale = 0;
  const std::size_t count = got.size() / (std::string(c.type) == "f32" ? 4 : 2);
  for (std::size_t i = 0; i < count; ++i) {
    scale = std::max(scale, std::fabs(value_at(want, i, c.type)));
    worst = std::max(worst, std::fabs(value_at(got, i, c.type) - value_at(want, i, c.type)));
  }
  EXPECT_LE(worst, c.tolerance * scale) << fmt::format("inexact: {}", fmt::join(result.inexact, ", "));
}

INSTANTIATE_TEST_SUITE_P(Kernels, PtxCorpus,
                         testing::Values(Case{"add_one_f32.sm80.ptx", {4, 1, 1}, 0, "f32", 0},
                                         Case{"add_one_f32.sm90.ptx", {4, 1, 1}, 0, "f32", 0},
                                         Case{"add_one_f16.sm80.ptx", {1, 1, 1}, 0, "f16", 0},
                                         Case{"add_one_f16.sm90.ptx", {1, 1, 1}, 0, "f16", 0},
                                         Case{"softmax_rows_f32.sm80.ptx", {7, 1, 1}, 16, "f32", 0x1p-21},
                                         Case{"softmax_rows_f32.sm90.ptx", {7, 1, 1}, 16, "f32", 0x1p-21},
                                         Case{"layernorm_rows_f32.sm80.ptx", {5, 1, 1}, 16, "f32", 0x1p-21},
                                         Case{"layernorm_rows_f32.sm90.ptx", {5, 1, 1}, 16, "f32", 0x1p-21},
                                         Case{"gelu_bias_bf16.sm80.ptx", {3, 1, 1}, 0, "bf16", 0x1p-8},
                                         Case{"cumsum_rows_i32.sm80.ptx", {4, 1, 1}, 64, "i32", 0},
                                         Case{"argmax_rows_f32.sm80.ptx", {6, 1, 1}, 32, "i32", 0},
                                         Case{"histogram_atomic_i32.sm80.ptx", {6, 1, 1}, 0, "i32", 0},
                                         Case{"histogram_atomic_i32.sm90.ptx", {6, 1, 1}, 0, "i32", 0},
                                         Case{"matmul_bf16.sm80.ptx", {2, 2, 1}, 32768, "bf16", 0},
                                         Case{"matmul_bf16.sm90.ptx", {2, 2, 1}, 32768, "bf16", 0},
                                         Case{"matmul_f32_small.sm80.ptx", {2, 2, 1}, 16384, "f32", 0},
                                         Case{"matmul_f32_small.sm90.ptx", {2, 2, 1}, 16384, "f32", 0},
                                         Case{"attention_f16.sm80.ptx", {3, 2, 1}, 16384, "f16", 0x1p-9},
                                         Case{"dropout_f32.sm80.ptx", {4, 1, 1}, 0, "f32", 0},
                                         Case{"dropout_f32.sm90.ptx", {4, 1, 1}, 0, "f32", 0}),
                         [](const auto& info) {
                           std::string name = info.param.file;
                           std::replace(name.begin(), name.end(), '.', '_');
                           return name;
                         });

}  // namespace
}  // namespace intarsia::ptx
