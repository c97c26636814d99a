// Shuffles, votes, matches, reductions and matrices, worked out lane by lane.
#include <array>

#include "threads.h"

namespace intarsia::ptx::random {
namespace {

using Lanes = std::array<Thread*, 32>;
std::size_t index(int i) { return static_cast<std::size_t>(i); }

// The threads of one warp, by lane; null where none takes part.
template <class F>
void by_warp(const Threads& threads, F f) {
  for (std::size_t i = 0; i < threads.size();) {
    std::array<Thread*, 32> lanes{};
    const std::uint32_t warp = threads[i]->number / 32, block = threads[i]->block;
    for (; i < threads.size() && threads[i]->number / 32 == warp && threads[i]->block == block; ++i)
      lanes[threads[i]->number % 32] = threads[i];
    f(lanes);
  }
}

void shuffle(const Statement& s, const Threads& threads) {
  by_warp(threads, [&](const std::array<Thread*, 32>& lanes) {
    U64 values[32] = {};
    for (std::size_t l = 0; l < 32; ++l) values[l] = lanes[l] == nullptr ? 0 : lanes[l]->read('r', s.from[0]);
    for (int l = 0; l < 32; ++l) {
      Thread* t = lanes[static_cast<std::size_t>(l)];
      if (t == nullptr) continue;
      const int distance = static_cast<int>(t->read('r', s.from[1]) & 31), segment = s.amount >> 8 & 31,
                clamp = s.amount & 31;
      const int highest = (l & segment) | (clamp & ~segment);
      int from = s.form == 0   ? l - distance
                 : s.form == 1 ? l + distance
                 : s.form == 2 ? l ^ distance
                               : (l & segment) | (distance & ~segment);
      if (s.shared && lanes[static_cast<std::size_t>(from)] == nullptr) from = l;
      const bool valid = s.form == 0 ? from >= highest : from <= highest;
      t->at('r', s.to) = values[valid ? from : l];
      if (s.to_predicate >= 0) t->at('p', s.to_predicate) = valid;
    }
  });
}

using Values = std::vector<std::pair<std::size_t, U64>>;
U64 voted(int form, const Values& values) {
  U64 ballot = 0, all = 0;
  for (const auto& [l, value] : values) ballot |= value << l, all |= U64{1} << l;
  return form == 0   ? ballot == all
         : form == 1 ? ballot != 0
         : form == 2 ? ballot == 0 || ballot == all
                     : ballot;
}
U64 reduced(int form, const Values& values) {
  U64 out = values[0].second;
  for (std::size_t i = 1; i < values.size(); ++i) out = combined(kReductions[form], out, values[i].second);
  return out;
}
void match(const Statement& s, const std::array<Thread*, 32>& lanes, const Values& values) {
  for (const auto& [l, value] : values) {
    U64 same = 0;
    bool all = true;
    for (const auto& [k, other] : values)
      same |= static_cast<U64>(other == value) << k, all &= other == value;
    lanes[l]->at('r', s.to) = s.form == 0 || all ? same : 0;
    if (s.form == 1) lanes[l]->at('p', s.to_predicate) = all;
  }
}

void of_warp(const Statement& s, const Threads& threads) {
  by_warp(threads, [&](const std::array<Thread*, 32>& lanes) {
    std::vector<std::pair<std::size_t, U64>> values;  // lane and value
    for (std::size_t l = 0; l < 32; ++l)
      if (lanes[l] != nullptr)
        values.emplace_back(l, lanes[l]->read(s.what == What::kVote     ? 'p'
                                              : s.what == What::kReduce ? 'r'
                                                                        : s.letter,
                                              s.from[0]));
    if (s.what == What::kMatch)
      match(s, lanes, values);
    else
      for (const auto& [l, value] : values)
        lanes[l]->at(s.letter, s.to) =
            s.what == What::kVote ? voted(s.form, values) : reduced(s.form, values);
  });
}

void matrix(const Statement& s, const Lanes& lanes) {
  std::array<U64, 32> stored{};
  for (std::size_t l = 0; l < 32; ++l) stored[l] = lanes[l]->read('d', s.from[0]);
  for (int i = 0; i < 1 << s.form % 3; ++i)
    for (int l = 0; l < 32; ++l) {
      U64 out = 0;
      for (int k = 0; k < 2; ++k) {
        const int row = s.form < 3 ? l / 4 : 2 * (l % 4) + k, column = s.form < 3 ? 2 * (l % 4) + k : l / 4;
        const int place = 8 * (((8 * i + row) ^ s.amount) & 15) + column;
        out |= (stored[index(place / 4)] >> (16 * (place % 4)) & 0xFFFF) << (16 * k);
      }
      lanes[index(l)]->at('r', s.to + i) = out;
    }
}

// Eight rows of a matrix, half by half, over those that the warp stored.
void store(const Statement& s, const Lanes& lanes) {
  std::array<U64, 32> stored{};
  for (std::size_t l = 0; l < 32; ++l) stored[l] = lanes[l]->read('d', s.from[0]);
  for (int i = 0; i < 1 << s.form % 2; ++i)
    for (int l = 0; l < 32; ++l)
      for (int k = 0; k < 2; ++k) {
        const int row = s.form < 2 ? l / 4 : 2 * (l % 4) + k, column = s.form < 2 ? 2 * (l % 4) + k : l / 4;
        const int place = 8 * (((8 * i + row) ^ s.amount) & 15) + column, at = 16 * (place % 4);
        const U64 half = lanes[index(l)]->at('r', s.from[1].index + i) >> (16 * k) & 0xFFFF;
        U64& word = stored[index(place / 4)];
        word = (word & ~(U64{0xFFFF} << at)) | half << at;
      }
  for (int l = 0; l < 32; ++l) lanes[index(l)]->at('d', s.to) = stored[index(l)];
}

void transpose(const Statement& s, const Lanes& lanes) {
  std::array<U64, 32> given{};
  for (std::size_t l = 0; l < 32; ++l) given[l] = lanes[l]->read('r', s.from[0]);
  for (int l = 0; l < 32; ++l) {
    U64 out = 0;
    for (int k = 0; k < 2; ++k) {
      const int row = 2 * (l % 4) + k, column = l / 4;
      out |= (given[index(4 * row + column / 2)] >> (16 * (column % 2)) & 0xFFFF) << (16 * k);
    }
    lanes[index(l)]->at('r', s.to) = out;
  }
}

// Which lane and register hold an element, as the PTX ISA draws the fragments of integers. `tall`: rows of
// eight that a fragment has.
S128 element(const Lanes& lanes, int first, int line, int k, Integer type, int tall) {
  const int word = 32 / type.bits, lane = 4 * (line % 8) + k % (4 * word) / word,
            reg = line / 8 + k / (4 * word) * tall;
  return value_of(type, lanes[index(lane)]->at('r', first + reg) >> (type.bits * (k % word)));
}

void product(const Statement& s, const Lanes& lanes) {
  const ProductForm& form = product_forms()[index(s.form)];
  const int rows = form.c_words == 2 ? 8 : 16, depth = form.b_words * 128 / form.bits;
  const Integer a{"", form.bits, form.a_signed}, b{"", form.bits, form.b_signed};
  constexpr Integer kSum{"", 32, true};
  std::array<std::array<U64, 4>, 32> out{};
  for (int l = 0; l < 32; ++l)
    for (int i = 0; i < form.c_words; ++i) {
      const int row = l / 4 + 8 * (i / 2), column = 2 * (l % 4) + i % 2;
      S128 sum = value_of(kSum, lanes[index(l)]->at('r', s.from[2].index + i));
      for (int k = 0; k < depth; ++k)
        sum += element(lanes, s.from[0].index, row, k, a, rows / 8) *
               element(lanes, s.from[1].index, column, k, b, 1);
      out[index(l)][index(i)] = form.saturate ? clamp_to(kSum, sum) : cut(kSum, sum);
    }
  for (int l = 0; l < 32; ++l)
    for (int i = 0; i < form.c_words; ++i) lanes[index(l)]->at('r', s.to + i) = out[index(l)][index(i)];
}

}  // namespace

void evaluate_warps(const Statement& s, const Threads& threads) {
  switch (s.what) {
    case What::kShuffle: shuffle(s, threads); return;
    case What::kMatrix: by_warp(threads, [&](const Lanes& lanes) { matrix(s, lanes); }); return;
    case What::kStore: by_warp(threads, [&](const Lanes& lanes) { store(s, lanes); }); return;
    case What::kTranspose: by_warp(threads, [&](const Lanes& lanes) { transpose(s, lanes); }); return;
    case What::kProduct: by_warp(threads, [&](const Lanes& lanes) { product(s, lanes); }); return;
    default: of_warp(s, threads);
  }
}

}  // namespace intarsia::ptx::random
