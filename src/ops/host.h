// Tensors in host memory, as references read and write them: one element at a time, by number, in higher
// precision.
#pragma once
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/convert.h"
#include "ops/op_def.h"

namespace intarsia::ops {

struct OwnedTensor {
  DType dtype{};
  std::vector<std::int64_t> extents;
  std::vector<std::byte> bytes;
  HostTensor view() { return {dtype, extents, bytes.data()}; }
};
OwnedTensor make_tensor(DType dtype, std::vector<std::int64_t> extents);  // of zeros. UserError: too large

std::int64_t numel(std::span<const std::int64_t> extents);
inline std::int64_t numel(const HostTensor& t) { return numel(t.extents); }

// An element as the number class that arithmetic on its dtype uses: double, int64 (bool too) or uint64.
template <class T>
T read(const HostTensor& t, std::int64_t index) {
  const std::uint64_t bits = load_bits(t.dtype, t.data, index);
  if constexpr (std::same_as<T, double>)
    return float_from_bits(t.dtype, bits);
  else
    return static_cast<T>(int_from_bits(t.dtype, bits));
}
// Rounds once, or wraps.
template <class T>
void write(const HostTensor& t, std::int64_t index, T value) {
  if constexpr (std::same_as<T, double>)
    store_bits(t.dtype, t.data, index, bits_from_float(t.dtype, value));
  else
    store_bits(t.dtype, t.data, index, bits_from_int(t.dtype, static_cast<std::int64_t>(value)));
}
template <class F>
void with_number_class(DType t, F&& f) {
  if (is_float(t))
    f(double{});
  else if (is_unsigned_int(t))
    f(std::uint64_t{});
  else
    f(std::int64_t{});
}
inline void copy_element(const HostTensor& from, std::int64_t i, const HostTensor& to, std::int64_t j) {
  store_bits(to.dtype, to.data, j, load_bits(from.dtype, from.data, i));
}

std::vector<std::int64_t> strides_of(std::span<const std::int64_t> extents);  // in elements, row-major
// Strides that walk `t` as if it had `extents`: 0 where it stretches.
std::vector<std::int64_t> stretched_strides(const HostTensor& t, std::span<const std::int64_t> extents);
std::vector<std::int64_t> position(std::int64_t linear, std::span<const std::int64_t> extents);
std::int64_t offset(std::span<const std::int64_t> position, std::span<const std::int64_t> strides);

}  // namespace intarsia::ops
