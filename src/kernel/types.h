// Types of values in a kernel: blocks, pointers, views, and what asynchronous copies need.
#pragma once
#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include "base/dtype.h"

namespace intarsia::kernel {

struct Type {
  enum class Kind : std::uint8_t {
    kBlock,    // values of dtype; rank 0 is a scalar
    kPointer,  // block of addresses of dtype
    kView,     // a tensor in memory, with extents and strides; `rank` only
    kRing,     // `stages` slots of this block in shared memory
    kSlot,     // one of them, filled: an operand of dot, or loaded
    kToken,    // work in flight
  };
  static constexpr int kMaxRank = 6;
  static constexpr std::int64_t kMaxElements = 1 << 24;

  Kind kind = Kind::kBlock;
  DType dtype = DType::kF32;
  std::uint8_t rank = 0;
  std::uint8_t stages = 0;
  std::int16_t layout = -1;                      // into Kernel::layouts once a target has chosen
  std::array<std::int32_t, kMaxRank> extents{};  // of a block, pointer block, slot; unused ones are 0
  bool operator==(const Type&) const = default;

  std::span<const std::int32_t> shape() const { return {extents.data(), rank}; }
};

// UserError: more than 6 axes, an extent below 1, more than 2^24 elements.
Type block(DType dtype, std::span<const std::int64_t> extents);
inline Type block(DType dtype, std::initializer_list<std::int64_t> extents) {
  return block(dtype, std::span(extents.begin(), extents.size()));
}
inline Type scalar(DType dtype) { return {.dtype = dtype}; }
inline Type pointer(DType pointee) { return {.kind = Type::Kind::kPointer, .dtype = pointee}; }
inline Type with_dtype(Type type, DType dtype) {
  type.dtype = dtype;
  return type;
}
inline Type with_kind(Type type, Type::Kind kind) {
  type.kind = kind;
  return type;
}
inline Type without_shape(Type type) {
  type.rank = 0, type.extents = {};
  return type;
}

std::int64_t count(const Type& type);  // elements of a block
std::vector<std::int64_t> extents_of(const Type& type);
inline bool same_shape(const Type& a, const Type& b) { return a.rank == b.rank && a.extents == b.extents; }
std::string str(const Type& type);  // f32[64, 128], ptr f32[64], view f32 x2, ring 4 x bf16[128, 64]

// A map over GF(2) from (register, lane, warp, program) bits to element coordinates; one basis vector per
// bit.
struct Layout {
  std::string space;
  std::vector<std::array<std::int32_t, Type::kMaxRank>> bases;
};

}  // namespace intarsia::kernel
