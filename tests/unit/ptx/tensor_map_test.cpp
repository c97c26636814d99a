// Tensor maps: their rules, and boxes against a plain copy of the elements.
#include "ptx/tensor_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <random>

#include "npz.h"
#include "ptx/launch.h"

namespace intarsia::ptx {
namespace {

using test::error_of;

alignas(128) std::array<std::byte, 1 << 16> memory;

TensorMapSpec plain() {
  TensorMapSpec s;
  s.type = TensorMapType::kF32;
  s.data = memory.data();
  s.shape = {40, 20};
  s.strides = {160};
  s.box = {16, 8};
  return s;
}

TEST(PtxTensorMap, EachRuleOfTheDriverHasItsMessage) {
  const auto message = [](auto change) {
    TensorMapSpec s = plain();
    change(s);
    return error_of([&] { encode_tensor_map(s); });
  };
  using S = TensorMapSpec&;
  EXPECT_EQ(message([](S) {}), "no error");
  EXPECT_EQ(message([](S s) { s.shape.clear(); }), "tensor map: 0 dimensions; 1 to 5 are possible");
  EXPECT_EQ(message([](S s) { s.shape.resize(6, 1); }), "tensor map: 6 dimensions; 1 to 5 are possible");
  EXPECT_EQ(message([](S s) { s.strides.clear(); }),
            "tensor map: 0 strides for 2 dimensions; dimension 0 has none, the others have one each");
  EXPECT_EQ(message([](S s) { s.box = {16}; }), "tensor map: a box of 1 dimensions for a tensor of 2");
  EXPECT_EQ(message([](S s) { s.element_steps = {1}; }), "tensor map: 1 element steps for 2 dimensions");
  EXPECT_NE(message([](S s) { s.data = memory.data() + 8; }).find("which is no multiple of 16"),
            std::string::npos);
  EXPECT_EQ(message([](S s) { s.shape[1] = 0; }),
            "tensor map: extent 0 of dimension 1; 1 to 2^32 are possible");
  EXPECT_EQ(message([](S s) { s.box[1] = 257; }),
            "tensor map: a box of 257 in dimension 1; 1 to 256 are possible");
  EXPECT_EQ(message([](S s) { s.element_steps = {1, 9}; }),
            "tensor map: element step 9 of dimension 1; 1 to 8 are possible");
  EXPECT_EQ(message([](S s) { s.strides[0] = 164; }),
            "tensor map: a stride of 164 bytes in dimension 1; it must be a multiple of 16 below 2^40");
  EXPECT_EQ(message([](S s) { s.box[0] = 7; }),
            "tensor map: dimension 0 of the box has 28 bytes; it must be a multiple of 16");
  EXPECT_EQ(message([](S s) { s.box = {256, 227}; }), "no error");
  EXPECT_EQ(message([](S s) { s.box = {256, 228}; }),
            "tensor map: a box of 233472 bytes; shared memory of a block has 232448");
  EXPECT_EQ(message([](S s) { s.swizzle = TensorMapSwizzle::k32Bytes; }),
            "tensor map: dimension 0 of the box has 64 bytes; a swizzle of 32 bytes allows 32");
  EXPECT_EQ(message([](S s) { s.type = TensorMapType::kS32, s.fill = TensorMapFill::kNan; }),
            "tensor map: elements outside are to be NaN, but the elements are integers");
}

// What tma_dump of tests/ptx/cuda writes: shared memory after a load, then whether the copy came.
struct Dump {
  std::vector<std::uint32_t> words;
  std::vector<Report> reports;
};
Dump dump(const TensorMap& map, std::int64_t words, std::int64_t bytes, std::int64_t buffer_bytes,
          std::vector<std::int32_t> at) {
  static const Program program(parse(test::file("cuda/tma.sm90.ptx"), "tma"), "tma_dump");
  Dump out;
  out.words.resize(static_cast<std::size_t>(words) + 1);
  const std::uint64_t place = reinterpret_cast<std::uint64_t>(out.words.data());
  std::vector<std::int32_t> numbers{static_cast<std::int32_t>(words), static_cast<std::int32_t>(bytes),
                                    static_cast<std::int32_t>(at.size())};
  at.resize(5);
  numbers.insert(numbers.end(), at.begin(), at.end());
  std::vector<ArgumentValue> arguments{{&map, 128}, {&place, 8}};
  for (const std::int32_t& n : numbers) arguments.push_back({&n, 4});
  const std::vector<Buffer> buffers{
      {memory.data(), buffer_bytes, false, "tensor"},
      {out.words.data(), static_cast<std::int64_t>(out.words.size() * 4), true, "out"}};
  LaunchConfig config;
  config.block = {64, 1, 1};
  config.shared_bytes = words * 4 + 1024;
  config.buffers = buffers;
  config.checks.uninitialised = true;
  out.reports = run(program, config, arguments).reports;
  return out;
}

// The same by one element after another. A row of 16-byte pieces is swizzled by the number of its 128 bytes.
std::vector<std::uint8_t> expected(const TensorMapSpec& s, const std::vector<std::int32_t>& at,
                                   std::size_t bytes) {
  std::vector<std::uint8_t> out(bytes, 0xAB);
  const int each = bytes_of(s.type);
  const std::size_t span = s.swizzle == TensorMapSwizzle::kNone ? 0 : 16U << static_cast<int>(s.swizzle);
  std::vector<int> counts, index(s.shape.size(), 0);
  for (std::size_t d = 0; d < s.shape.size(); ++d) {
    const int step = d == 0 || s.element_steps.empty() ? 1 : s.element_steps[d];
    counts.push_back((s.box[d] + step - 1) / step);
  }
  std::int64_t total = 1;
  for (const int c : counts) total *= c;
  for (std::int64_t n = 0; n < total; ++n) {
    std::int64_t rest = n, row = n / counts[0];
    bool inside = true;
    std::size_t from = 0;
    for (std::size_t d = 0; d < s.shape.size(); ++d) {
      const int step = d == 0 || s.element_steps.empty() ? 1 : s.element_steps[d];
      const std::int64_t x = at[d] + rest % counts[d] * step;
      rest /= counts[d];
      inside = inside && x >= 0 && x < s.shape[d];
      if (inside) from += static_cast<std::size_t>(x * (d == 0 ? each : s.strides[d - 1]));
    }
    const std::size_t pitch = std::max(span, static_cast<std::size_t>(counts[0] * each));
    std::size_t to = static_cast<std::size_t>(row) * pitch + static_cast<std::size_t>(n % counts[0] * each);
    if (span != 0) {
      const std::size_t piece = to / 16 % (span / 16), line = to / 128 % (span / 16);
      to = to / span * span + (piece ^ line) * 16 + to % 16;
    }
    for (int b = 0; b < each; ++b)
      out[to + static_cast<std::size_t>(b)] =
          inside ? static_cast<std::uint8_t>(memory[from + static_cast<std::size_t>(b)]) : 0;
  }
  return out;
}

TEST(PtxTensorMap, BoxesOfRandomTensorsAreTheirElements) {
  std::mt19937 random(5);
  const auto pick = [&](int low, int high) { return std::uniform_int_distribution<int>(low, high)(random); };
  for (std::byte& b : memory) b = static_cast<std::byte>(pick(0, 255));
  constexpr TensorMapType kTypes[] = {TensorMapType::kU8, TensorMapType::kBF16, TensorMapType::kS32,
                                      TensorMapType::kF64};
  for (int round = 0; round < 150; ++round) {
    TensorMapSpec s;
    s.type = kTypes[pick(0, 3)];
    s.data = memory.data();
    s.swizzle = static_cast<TensorMapSwizzle>(pick(0, 3));
    const int each = bytes_of(s.type), rank = pick(1, 5);
    const int span = s.swizzle == TensorMapSwizzle::kNone ? 64 : 16 << static_cast<int>(s.swizzle);
    std::int64_t stride = each;
    std::vector<std::int32_t> at;
    for (int d = 0; d < rank; ++d) {
      s.shape.push_back(pick(1, d == 0 ? 60 : 5));
      s.box.push_back(d == 0 ? 16 * pick(1, span / 16) / each : pick(1, 4));
      s.element_steps.push_back(pick(1, 3));
      stride = (stride * s.shape.back() + 15) / 16 * 16;
      if (d + 1 < rank) s.strides.push_back(stride);
      at.push_back(d == 0 ? 16 / each * pick(-2, s.shape[0] * each / 16) : pick(-4, s.shape.back()));
    }
    TensorMapFields fields;
    const TensorMap map = encode_tensor_map(s);
    std::memcpy(&fields, map.bytes.data(), sizeof fields);
    std::int64_t rows = 1;
    for (int d = 1; d < rank; ++d) rows *= fields.count(d);
    const std::int64_t words = (rows * std::max(span, s.box[0] * each) + 128) / 4;
    const Dump got = dump(map, words, fields.box_bytes(), 1 << 16, at);
    ASSERT_TRUE(got.reports.empty()) << round << ": " << got.reports[0].text();
    const std::vector<std::uint8_t> want = expected(s, at, static_cast<std::size_t>(words) * 4);
    ASSERT_EQ(std::memcmp(got.words.data(), want.data(), want.size()), 0)
        << fmt::format("round {}: rank {}, element bytes {}, swizzle {}", round, rank, each, span);
    ASSERT_EQ(got.words.back(), 1U);
  }
}

// Triton's kernels make their descriptors so: zeros, then every field they care about.
TEST(PtxTensorMap, KernelsMakeMapsOutOfZeros) {
  std::string text =
      ".version 8.3\n.target sm_90a\n.address_size 64\n"
      ".visible .entry make(.param .u64 map, .param .u64 tensor) {\n.reg .b64 %m, %t;\n"
      "ld.param.u64 %m, [map];\nld.param.u64 %t, [tensor];\n";
  const auto set = [&](std::string_view field, std::string_view rest, std::string_view type = "b32") {
    text += fmt::format("tensormap.replace.tile.{}.global.b1024.{} [%m], {};\n", field, type, rest);
  };
  set("global_address", "%t", "b64"), set("rank", "1"), set("global_stride", "0, 160", "b64");
  set("box_dim", "0, 16"), set("box_dim", "1, 8"), set("global_dim", "0, 40"), set("global_dim", "1, 20");
  set("element_stride", "0, 1"), set("element_stride", "1, 1"), set("elemtype", "7");
  TensorMap map;
  const std::uint64_t arguments[] = {reinterpret_cast<std::uint64_t>(&map),
                                     reinterpret_cast<std::uint64_t>(memory.data())};
  LaunchConfig config;
  const std::vector<Buffer> buffers{{&map, 128, true, "map"}};
  config.buffers = buffers;
  const std::vector<ArgumentValue> given{{&arguments[0], 8}, {&arguments[1], 8}};
  EXPECT_TRUE(run(Program(parse(text + "ret;\n}\n", "make"), "make"), config, given).reports.empty());

  for (std::size_t i = 0; i < memory.size(); ++i) memory[i] = static_cast<std::byte>(i * 7 + i / 256);
  const Dump got = dump(map, 128, 512, sizeof memory, {8, 3});
  EXPECT_TRUE(got.reports.empty());
  EXPECT_EQ(std::memcmp(got.words.data(), expected(plain(), {8, 3}, 512).data(), 512), 0);
}

TEST(PtxTensorMap, ABoxOutsideTheTensorIsFilled) {
  TensorMapSpec s = plain();
  for (const std::uint32_t word : dump(encode_tensor_map(s), 128, 512, 1 << 16, {-1000, 3}).words)
    EXPECT_LE(word, 1U);  // zeros, and the 1 that says that the copy came
  s.fill = TensorMapFill::kNan;
  const Dump got = dump(encode_tensor_map(s), 128, 512, 1 << 16, {4, 20});
  for (std::size_t i = 0; i < 128; ++i) EXPECT_EQ(got.words[i], 0x7FF77FF7U);
}

TEST(PtxTensorMap, ATensorThatIsLargerThanItsBufferIsReported) {
  const Dump got = dump(encode_tensor_map(plain()), 128, 512, 1600, {4, 6});
  ASSERT_EQ(got.reports.size(), 1U);
  EXPECT_EQ(got.reports[0].kind, Report::Kind::kGlobalBounds);
  EXPECT_NE(got.reports[0].text().find("after the end of 'tensor' (1600 bytes)"), std::string::npos)
      << got.reports[0].text();
}

bool mentions(const Dump& dump, std::string_view text) {
  for (const Report& r : dump.reports)
    if (r.kind == Report::Kind::kAddress && r.what.find(text) != std::string::npos) return true;
  return false;
}

TEST(PtxTensorMap, ABoxThatBeginsBetweenPiecesOf16BytesIsReported) {
  for (const std::int32_t x : {-3, 2, 1001}) {
    const Dump got = dump(encode_tensor_map(plain()), 128, 512, 1 << 16, {x, 2});
    ASSERT_FALSE(got.reports.empty()) << x;  // beside the copy that never comes
    const auto told = std::find_if(got.reports.begin(), got.reports.end(),
                                   [](const Report& r) { return r.kind == Report::Kind::kAlignment; });
    ASSERT_NE(told, got.reports.end());
    EXPECT_EQ(
        told->what,
        fmt::format("a box from element {} of dimension 0 on, byte {}; it must begin at a multiple of 16", x,
                    4 * x));
  }
}

TEST(PtxTensorMap, OtherBytesAndOtherRanksAreReported) {
  EXPECT_TRUE(mentions(dump(TensorMap{}, 128, 512, 1 << 16, {0, 0}),
                       "no tensor map of this runtime lies at this address"));
  EXPECT_TRUE(mentions(dump(encode_tensor_map(plain()), 128, 512, 1 << 16, {0, 0, 0}),
                       "3 coordinates for a tensor map of 2 dimensions"));
}

}  // namespace
}  // namespace intarsia::ptx
