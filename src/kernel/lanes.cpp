#include "kernel/lanes.h"

#include "base/convert.h"
#include "kernel/scalar.h"

namespace intarsia::kernel {

Coordinates steps(const Type& type) {
  Coordinates s{};
  std::int64_t n = 1;
  for (std::size_t a = type.rank; a-- > 0; n *= type.extents[a]) s[a] = type.extents[a] == 1 ? 0 : n;
  return s;
}

std::size_t lane_at(const Coordinates& c, const Coordinates& s, std::size_t rank) {
  std::int64_t at = 0;
  for (std::size_t a = 0; a < rank; ++a) at += c[a] * s[a];
  return static_cast<std::size_t>(at);
}

void permute(const Value& a, const Coordinates& s, Value& r) {
  const bool pointers = !a.memory.empty();
  if (pointers) r.memory.resize(r.bits.size());
  for_lanes(r.type, [&](std::size_t l, const Coordinates& c) {
    const std::size_t at = lane_at(c, s, r.type.rank);
    r.bits[l] = a.bits[at];
    if (pointers) r.memory[l] = a.memory[at];
  });
}

void transpose(const Value& a, Bits order, Value& r) {
  const Coordinates from = steps(a.type);
  Coordinates s{};
  for (std::size_t n = 0; n < r.type.rank; ++n) s[n] = from[order >> (4 * n) & 15];
  permute(a, s, r);
}

void select(const Value& c, const Value& a, const Value& b, Value& r) {
  if (!a.memory.empty()) r.memory.resize(r.bits.size());
  for (std::size_t l = 0; l < r.bits.size(); ++l) {
    const Value& taken = c.bits[l] ? a : b;
    r.bits[l] = taken.bits[l];
    if (!a.memory.empty()) r.memory[l] = taken.memory[l];
  }
}

void dot(const Value& a, const Value& b, const Value& acc, Value& r) {
  const DType t = r.type.dtype;
  const std::size_t rank = r.type.rank;
  const auto extent = [&](const Value& v, std::size_t from_end) {
    return static_cast<std::size_t>(v.type.extents[rank - from_end]);
  };
  const std::size_t rows = extent(r, 2), columns = extent(r, 1), inner = extent(a, 1);
  const auto widened = [&](const Value& v) {
    std::vector<Bits> out(v.bits.size());
    for (std::size_t l = 0; l < out.size(); ++l) out[l] = cast_bits(v.type.dtype, v.bits[l], t);
    return out;
  };
  const std::vector<Bits> left = widened(a), right = widened(b);
  const BinaryFn add = binary_function(Fn::kAdd, t), multiply = binary_function(Fn::kMul, t);
  r.bits = acc.bits;
  for (std::size_t l = 0; l < r.bits.size(); ++l) {
    const std::size_t batch = l / (rows * columns), row = l / columns % rows, column = l % columns;
    const Bits* x = left.data() + (batch * rows + row) * inner;
    const Bits* y = right.data() + batch * inner * columns + column;
    for (std::size_t z = 0; z < inner; ++z) r.bits[l] = add(r.bits[l], multiply(x[z], y[z * columns]));
  }
}

}  // namespace intarsia::kernel
