// Random boxes of random tensors, loaded, stored and reduced by tensor maps: the same for the test and for
// the program that asks a GPU.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

namespace intarsia::ptx::boxes {

constexpr int kCount = 1000, kMemory = 1 << 16, kWords = 1 << 15;
constexpr const char* kEntries[] = {"tma_dump", "put",     "put_add", "put_min", "put_max",
                                    "put_inc",  "put_dec", "put_and", "put_or",  "put_xor"};
constexpr int kElement[] = {1, 2, 4, 4, 8, 8, 2, 4, 8, 2, 4, 4, 4};  // bytes, by type

struct Box {
  int seed = 0, entry = 0;  // of kEntries; 0: a load
  int type = 0, swizzle = 0, fill = 0, rank = 1;
  std::vector<std::int64_t> shape, strides;
  std::vector<std::int32_t> box, steps, at;
  std::int32_t words = 0, bytes = 0;  // of shared memory that are looked at; that come

  bool loads() const { return entry == 0; }
  const char* file() const { return loads() ? "tma" : "boxes"; }
};

inline std::uint64_t mix(std::uint64_t seed) {  // splitmix64
  std::uint64_t z = seed + 0x9E3779B97F4A7C15ULL;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

class Dice {
 public:
  explicit Dice(int seed) : state_(mix(static_cast<std::uint64_t>(seed))) {}
  int pick(int low, int high) {
    state_ = mix(state_);
    return low + static_cast<int>(state_ % static_cast<std::uint64_t>(high - low + 1));
  }

 private:
  std::uint64_t state_;
};

// Mostly a type that the operation has; sometimes any.
inline int type_for(int entry, Dice& dice) {
  static const std::vector<int> kSums{2, 3, 4, 6, 7, 8, 9}, kOrders{2, 3, 4, 5, 6, 9}, kBits{2, 3, 4};
  if (entry < 2 || dice.pick(0, 7) == 0) return dice.pick(0, 12);
  if (entry == 5 || entry == 6) return 2;
  const std::vector<int>& from = entry == 2 ? kSums : entry < 5 ? kOrders : kBits;
  return from[static_cast<std::size_t>(dice.pick(0, static_cast<int>(from.size()) - 1))];
}

// Dimension `d`, and where the box begins: what is loaded may begin below 0.
inline void add_dimension(Box& b, int d, Dice& dice, std::int64_t& stride) {
  const int each = kElement[b.type], span = b.swizzle == 0 ? 96 : 16 << b.swizzle;
  std::int64_t extent = dice.pick(1, d == 0 ? 60 : d < 3 ? 6 : 3);
  if (stride * extent > 60000) extent = 1;
  b.shape.push_back(extent);
  b.box.push_back(d == 0 ? 16 * dice.pick(1, span / 16) / each : dice.pick(1, 4));
  const int most = d == 0 ? std::min(b.box[0], 3) : b.box.back();
  b.steps.push_back(dice.pick(0, 2) != 0 ? 1 : dice.pick(1, most));
  stride = (stride * extent + 15) / 16 * 16 + (dice.pick(0, 3) == 0 ? 16 : 0);
  if (d + 1 < b.rank) b.strides.push_back(stride);
  const int end = static_cast<int>(extent);
  b.at.push_back(d == 0 ? 16 / each * dice.pick(b.loads() ? -2 : 0, end * each / 16 + 1)
                        : dice.pick(b.loads() ? -4 : 0, end));
}

inline Box make(int seed) {
  Dice dice(seed);
  Box b;
  b.seed = seed;
  b.entry = dice.pick(0, 1) == 0 ? 0 : dice.pick(1, 9);
  b.type = type_for(b.entry, dice);
  b.rank = dice.pick(1, 5);
  b.swizzle = dice.pick(0, 3);
  b.fill = b.type >= 6 ? dice.pick(0, 1) : 0;
  std::int64_t stride = kElement[b.type];
  int rows = 1;
  for (int d = 0; d < b.rank; ++d) {
    add_dimension(b, d, dice, stride);
    const auto i = static_cast<std::size_t>(d);
    if (d > 0) rows *= (b.box[i] + b.steps[i] - 1) / b.steps[i];
  }
  const int inner = b.box[0] * kElement[b.type],
            pitch = std::max(inner, b.swizzle == 0 ? 0 : 16 << b.swizzle);
  b.bytes = rows * inner;
  b.words = (rows * pitch + 128) / 4;
  return b;
}

// The tensor's memory before the launch; numbers that are added to are finite.
inline std::vector<unsigned char> contents(const Box& b) {
  std::vector<unsigned char> out(kMemory);
  for (std::uint64_t i = 0; i < kMemory; i += 8) {
    const std::uint64_t r = mix(static_cast<std::uint64_t>(b.seed) * 1000003 + i);
    std::memcpy(out.data() + i, &r, 8);
  }
  for (std::size_t i = 1; b.entry >= 2 && i < out.size(); i += 2) out[i] &= 0xBF;
  return out;
}

// Of what a launch leaves (FNV-1a); 0 stands for one that ends in an error.
inline std::uint64_t hash(const unsigned char* bytes, std::size_t count) {
  std::uint64_t out = 14695981039346656037ULL;
  for (std::size_t i = 0; i < count; ++i) out = (out ^ bytes[i]) * 1099511628211ULL;
  return out;
}

}  // namespace intarsia::ptx::boxes
