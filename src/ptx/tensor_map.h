// Tensor maps of the interpreter: how cp.async.bulk.tensor finds the elements of a box.
//
// NVIDIA's form is known to its driver alone, so the interpreter has one of its own, of the same size. A
// kernel gets it as a GPU's kernel does: by value (.param .align 64 .b8 map[128]) or through a pointer.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace intarsia::ptx {

// Numbers as the driver's cuTensorMapEncodeTiled has them.
enum class TensorMapType : std::uint8_t {
  kU8,
  kU16,
  kU32,
  kS32,
  kU64,
  kS64,
  kF16,
  kF32,
  kF64,
  kBF16,
  kF32Ftz,  // denormals are copied as zeros
  kTF32,    // rounded to tf32 when loaded
  kTF32Ftz
};
int bytes_of(TensorMapType type);
bool is_float(TensorMapType type);

enum class TensorMapSwizzle : std::uint8_t { kNone, k32Bytes, k64Bytes, k128Bytes };
enum class TensorMapFill : std::uint8_t { kZeros, kNan };  // of elements outside the tensor

// A tensor in global memory and the box that one copy moves. Dimension 0 is the one whose elements are side
// by side, as in the coordinates of the instruction.
struct TensorMapSpec {
  TensorMapType type = TensorMapType::kF32;
  const void* data = nullptr;               // at a multiple of 16
  std::vector<std::int64_t> shape;          // elements; 1 to 5 dimensions of 1 to 2^32
  std::vector<std::int64_t> strides;        // bytes, of dimensions 1 and up: multiples of 16 below 2^40
  std::vector<std::int32_t> box;            // elements that a copy spans, 1 to 256 in each dimension
  std::vector<std::int32_t> element_steps;  // every step-th element is copied, 1 to 8; empty: all ones
  TensorMapSwizzle swizzle = TensorMapSwizzle::kNone;
  TensorMapFill fill = TensorMapFill::kZeros;
};

// The 128 bytes a kernel gets.
struct alignas(128) TensorMap {
  std::array<std::byte, 128> bytes{};
};

// UserError names the first rule of the driver that the description breaks.
void check_tensor_map(const TensorMapSpec& spec);
TensorMap encode_tensor_map(const TensorMapSpec& spec);

// What the interpreter reads in the 128 bytes; tensormap.replace writes it back.
struct TensorMapFields {
  static constexpr std::uint64_t kMagic = 0x50414D4953524154;  // what marks the bytes as ours
  std::uint64_t magic = 0, address = 0;
  std::array<std::uint64_t, 5> shape{};
  std::array<std::uint64_t, 4> strides{};
  std::array<std::uint16_t, 5> box{};
  std::array<std::uint8_t, 5> steps{};
  std::uint8_t rank = 0, type = 0, swizzle = 0, fill = 0, interleave = 0;

  // What 128 bytes say: zeros, as kernels that make their maps with tensormap.replace begin, are a map of one
  // element.
  static TensorMapFields of(const TensorMap& map);
  bool valid() const;              // made here, and every field in its range
  int element_bytes() const;       // of one element
  int count(int d) const;          // elements of dimension d that a copy moves
  std::int64_t box_bytes() const;  // what a copy moves: what its mbarrier must expect
};
static_assert(sizeof(TensorMapFields) <= sizeof(TensorMap));

}  // namespace intarsia::ptx
