// What the shape rules of several operators share: broadcasting, axes, slices.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "ops/op_def.h"

namespace intarsia::ops {

constexpr DTypes kSignedInts = only(DType::kI8) | only(DType::kI16) | only(DType::kI32) | only(DType::kI64);
constexpr DTypes kUnsignedInts = only(DType::kU8) | only(DType::kU16) | only(DType::kU32) | only(DType::kU64);
constexpr DTypes kIntegers = kSignedInts | kUnsignedInts;  // what arithmetic takes: i4 and u4 are for storage
constexpr DTypes kNumbers = kFloats | kIntegers;
constexpr DTypes kBoolOnly = only(DType::kBool);

// NumPy's rule: axes align at the right, an extent known to be 1 stretches, all others must be equal. Two
// extents of which neither is known to be 1 leave a requirement.
Shape broadcast(InferContext& context, std::span<const Shape> shapes);
void infer_broadcast(InferContext& context);  // of all inputs: the one output's shape
void infer_same(InferContext& context);       // the output has the shape of input 0

// The axis counted from the front; UserError unless -rank <= axis < rank.
std::size_t normal_axis(const OpDef& op, std::int64_t axis, std::size_t rank,
                        std::string_view attribute = "dim");
std::size_t normal_axis(std::int64_t axis, std::size_t rank);  // of an attribute that infer accepted

// Axes named by the list attribute `dim`, counted from the front, sorted; all axes where it is absent.
// UserError: repeated.
std::vector<std::size_t> reduced_axes(const OpDef& op, const Attributes& attributes, std::size_t rank);

// One axis of a slice after Python's rules: out[i] = in[begin + i * step], 0 <= i < extent.
struct SliceAxis {
  Dim begin, extent;
  std::int64_t step;
};
std::vector<SliceAxis> slice_axes(const Shape& input, const Attributes& attributes);

}  // namespace intarsia::ops
