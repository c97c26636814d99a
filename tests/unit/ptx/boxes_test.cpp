// Random boxes of random tensors against an H100 (tests/ptx/cuda/boxes.h): what it left, and what it ended in
// an error for.
#include "../../ptx/cuda/boxes.h"

#include <fmt/format.h>

#include <cstring>

#include "ptx/launch.h"
#include "ptx/tensor_map.h"
#include "support.h"

namespace intarsia::ptx {
namespace {

using boxes::Box;

std::string described(const Box& b) {
  std::string out = fmt::format("seed {}: {} of type {}, swizzle {}, fill {}", b.seed,
                                boxes::kEntries[b.entry], b.type, b.swizzle, b.fill);
  for (std::size_t d = 0; d < b.shape.size(); ++d)
    out += fmt::format("; {} + {} by {} of {}", b.at[d], b.box[d], b.steps[d], b.shape[d]);
  return out;
}

TensorMap map_of(const Box& b, const std::vector<unsigned char>& memory) {
  TensorMapSpec spec;
  spec.type = static_cast<TensorMapType>(b.type);
  spec.data = memory.data();
  spec.shape = b.shape;
  spec.strides = b.strides;
  spec.box = b.box;
  spec.element_steps = b.steps;
  spec.swizzle = static_cast<TensorMapSwizzle>(b.swizzle);
  spec.fill = static_cast<TensorMapFill>(b.fill);
  return encode_tensor_map(spec);
}

// The hash as the GPU's; 0 where something is reported.
std::uint64_t hash_of(const Program& program, const Box& b) {
  std::vector<unsigned char> memory = boxes::contents(b), words(4 * boxes::kWords);
  const TensorMap map = map_of(b, memory);
  const auto place = reinterpret_cast<std::uint64_t>(words.data());
  std::array<std::int32_t, 5> at{};
  std::copy(b.at.begin(), b.at.end(), at.begin());
  std::vector<ArgumentValue> arguments{{&map, 128}};
  if (b.loads()) arguments.push_back({&place, 8});
  arguments.push_back({&b.words, 4});
  if (b.loads()) arguments.push_back({&b.bytes, 4});
  arguments.push_back({&b.rank, 4});
  for (const std::int32_t& x : at) arguments.push_back({&x, 4});
  const std::vector<Buffer> buffers{
      {memory.data(), static_cast<std::int64_t>(memory.size()), !b.loads(), "tensor"},
      {words.data(), static_cast<std::int64_t>(words.size()), true, "words"}};
  LaunchConfig config;
  config.block = {64, 1, 1};
  config.shared_bytes = b.words * 4 + 1024;
  config.buffers = buffers;
  if (!run(program, config, arguments).reports.empty()) return 0;
  const std::vector<unsigned char>& out = b.loads() ? words : memory;
  return boxes::hash(out.data(), b.loads() ? static_cast<std::size_t>(b.words + 1) * 4 : out.size());
}

TEST(PtxBoxes, AreWhatAnH100MakesOfThem) {
  std::vector<Program> programs;
  for (int entry = 0; entry < static_cast<int>(std::size(boxes::kEntries)); ++entry) {
    Box b;
    b.entry = entry;
    programs.emplace_back(parse(test::file(fmt::format("cuda/{}.sm90.ptx", b.file()))),
                          boxes::kEntries[entry]);
  }
  const std::string answers = test::file("cuda/boxes.sm90.bin");
  ASSERT_EQ(answers.size(), std::size_t{8 * boxes::kCount});
  for (int seed = 0; seed < boxes::kCount; ++seed) {
    const Box b = boxes::make(seed);
    std::uint64_t want = 0;
    std::memcpy(&want, answers.data() + static_cast<std::size_t>(seed) * 8, 8);
    EXPECT_EQ(hash_of(programs[static_cast<std::size_t>(b.entry)], b), want) << described(b);
  }
}

}  // namespace
}  // namespace intarsia::ptx
