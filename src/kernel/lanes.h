// Blocks as the interpreter holds them, and the instructions that only move or combine lanes.
#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "kernel/types.h"

namespace intarsia::kernel {

using Bits = std::uint64_t;
using Coordinates = std::array<std::int64_t, Type::kMaxRank>;

struct Value {
  Type type = {};
  std::vector<Bits> bits = {};  // of each lane; pointers: the element's number, views: where they begin
  std::vector<std::uint32_t> memory = {};                // pointers and views: which tensor, by lane
  std::vector<std::int64_t> extents = {}, strides = {};  // views
};

// Calls at(lane, coordinates) for each lane, row-major.
template <class F>
void for_lanes(const Type& type, F at) {
  Coordinates c{};
  const auto n = static_cast<std::size_t>(count(type));
  for (std::size_t lane = 0; lane < n; ++lane) {
    at(lane, c);
    for (std::size_t a = type.rank; a-- > 0;) {
      if (++c[a] < type.extents[a]) break;
      c[a] = 0;
    }
  }
}

// Distance of neighbours along each axis of a block; 0 along an axis that stretches.
Coordinates steps(const Type& type);
std::size_t lane_at(const Coordinates& c, const Coordinates& steps, std::size_t rank);

// Lane c of r is the lane of `a` that lies c * steps after the first: broadcast and transpose.
void permute(const Value& a, const Coordinates& steps, Value& r);
void transpose(const Value& a, Bits order, Value& r);
void select(const Value& condition, const Value& a, const Value& b, Value& r);
void dot(const Value& a, const Value& b, const Value& acc, Value& r);  // from left to right

}  // namespace intarsia::kernel
