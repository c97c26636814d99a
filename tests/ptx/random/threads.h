// Threads while a program is evaluated, and what they do as warps.
#pragma once
#include <array>
#include <vector>

#include "program.h"

namespace intarsia::ptx::random {

struct Thread {
  std::array<U64, kHalves> h{};
  std::array<U64, kWords> r{};
  std::array<U64, kLongs> d{};
  std::array<U64, kPredicates> p{};
  std::array<unsigned char, kScratch> local{};
  unsigned char* scratch = nullptr;
  unsigned char* shared_cells = nullptr;
  const unsigned char* in = nullptr;
  std::uint32_t number = 0, block = 0;  // in its block, in the grid
  bool exited = false, broken = false;

  U64& at(char letter, int i) {
    const auto k = static_cast<std::size_t>(i);
    return letter == 'p' ? p[k] : letter == 'h' ? h[k] : letter == 'r' ? r[k] : d[k];
  }
  U64 read(char letter, const Source& s) { return s.index < 0 ? s.number : at(letter, s.index); }
};
using Threads = std::vector<Thread*>;

// Statements of whole warps, over the threads of a block that take part.
void evaluate_warps(const Statement& statement, const Threads& threads);

}  // namespace intarsia::ptx::random
