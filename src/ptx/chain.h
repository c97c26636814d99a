// Steps with no way in or out between them, which a whole warp goes through as one.
#pragma once
#include <vector>

#include "ptx/machine.h"

namespace intarsia::ptx {

struct ChainStep {
  enum class Kind : std::uint8_t {
    kNone,  // fits into no chain
    kCall,  // its own handler, which must return kNext
    kBase,  // no step: where the loads that follow find their words
    kDots,  // no step: products whose steps follow too, to be run one by one where that must be
    kWords,
    kFma,
    kAdd,
    kSub,
    kMul
  } kind = Kind::kNone;
  std::uint8_t base = 0;               // of kBase and kWords: which of the chain's
  std::uint32_t offset = 0;            // of kWords: bytes beyond the base's least address
  std::uint32_t bytes = 0;             // of kBase: to the end of the last word
  std::int64_t least = 0;              // of kBase: the least offset from the register
  std::uint32_t first = 0, count = 0;  // of kDots: which of Chains::dots
  const Decoded* step = nullptr;
  Handler run = nullptr;  // of kCall
};

// x and y loaded from two bases, and d = x y + c. Registers are offsets into the frame's.
struct Dot {
  std::uint32_t x_offset = 0, y_offset = 0, x = 0, y = 0, d = 0;
  Ref c;
};

struct Chain {
  static constexpr std::uint8_t kMostBases = 4;
  Handler alone = nullptr;  // of the first step, where it is run by itself
  std::vector<ChainStep> steps;
  std::uint32_t count = 0;        // of instructions' steps
  const Decoded* next = nullptr;  // after the chain
};

struct Chains {
  std::vector<Chain> all;
  std::vector<Dot> dots;
};

ChainStep::Kind chain_kind(const Form& form);  // but for loads that are kWords
Flow run_chain(Warp& warp, const Decoded& in, std::uint32_t mask);

}  // namespace intarsia::ptx
