// The buffers of a launch: what stands in them before, and how two of them differ after.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "program.h"

namespace intarsia::ptx::random {
namespace {

std::string first_difference(const std::vector<unsigned char>& got, const std::vector<unsigned char>& wanted,
                             std::size_t each, std::size_t& at) {
  const auto [g, w] = std::mismatch(got.begin(), got.end(), wanted.begin(), wanted.end());
  if (g == got.end()) return {};
  at = static_cast<std::size_t>(g - got.begin());
  at -= at % each;
  U64 a = 0, b = 0;
  std::memcpy(&a, &got[at], each);
  std::memcpy(&b, &wanted[at], each);
  return fmt::format("{:#x}, not {:#x}", a, b);
}

}  // namespace

Memory inputs(const Program& p, std::uint64_t seed) {
  Choices choices(seed ^ 0x5DEECE66D);
  Memory m;
  const std::size_t threads = std::size_t{p.threads()} * p.blocks();
  m.in.resize(threads * kRecord);
  m.out.resize(threads * kRecord);
  m.scratch.resize(threads * kScratch);
  m.cells.resize(8 * kCells);
  m.shared_cells.resize(std::size_t{8} * kCells * p.blocks());
  for (std::size_t t = 0; t < threads; ++t)
    for (int i = 0; i < 22; ++i) {
      const int width = i < 6 ? 64 : i < 16 ? 32 : 16;
      const U64 value = choices.pattern(width);
      const std::size_t at = t * kRecord + static_cast<std::size_t>(i < 6    ? 8 * i
                                                                    : i < 16 ? 48 + 4 * (i - 6)
                                                                             : 88 + 2 * (i - 16));
      std::memcpy(&m.in[at], &value, static_cast<std::size_t>(width / 8));
    }
  for (auto* buffer : {&m.scratch, &m.cells, &m.shared_cells})
    for (std::size_t i = 0; i < buffer->size(); i += 8) {
      const U64 value = choices.pattern(64);
      std::memcpy(&(*buffer)[i], &value, 8);
    }
  return m;
}

std::size_t differing_thread(const Memory& got, const Memory& wanted) {
  std::size_t at = 0;
  if (!first_difference(got.out, wanted.out, 2, at).empty()) return at / kRecord;
  return first_difference(got.scratch, wanted.scratch, 4, at).empty() ? 0 : at / kScratch;
}

std::string difference(const Program& p, const Memory& got, const Memory& wanted) {
  std::size_t at = 0;
  // in the units of the widest thing that starts there
  if (std::string d = first_difference(got.out, wanted.out, 2, at); !d.empty()) {
    const std::size_t thread = at / kRecord, place = at % kRecord;
    std::string name = place < 48    ? fmt::format("%d{}", place / 8)
                       : place < 88  ? fmt::format("%r{}", (place - 48) / 4)
                       : place < 100 ? fmt::format("%h{}", (place - 88) / 2)
                                     : std::string("predicates");
    at -= place < 48 ? place % 8 : place < 88 ? place % 4 : 0;
    U64 a = 0, b = 0;
    const std::size_t each = place < 48 ? 8 : place < 88 ? 4 : place < 100 ? 2 : 4;
    std::memcpy(&a, &got.out[at], each);
    std::memcpy(&b, &wanted.out[at], each);
    return fmt::format("block {} thread {}: {} is {:#x}, not {:#x}", thread / p.threads(),
                       thread % p.threads(), name, a, b);
  }
  if (std::string d = first_difference(got.scratch, wanted.scratch, 4, at); !d.empty())
    return fmt::format("block {} thread {}: byte {} of scratch is {}", at / kScratch / p.threads(),
                       at / kScratch % p.threads(), at % kScratch, d);
  if (std::string d = first_difference(got.cells, wanted.cells, 8, at); !d.empty())
    return fmt::format("cell {} is {}", at / 8, d);
  if (std::string d = first_difference(got.shared_cells, wanted.shared_cells, 8, at); !d.empty())
    return fmt::format("block {}: shared cell {} is {}", at / 8 / kCells, at / 8 % kCells, d);
  return {};
}

}  // namespace intarsia::ptx::random
