#include "ops/host.h"

#include "base/error.h"

namespace intarsia::ops {

OwnedTensor make_tensor(DType dtype, std::vector<std::int64_t> extents) {
  const std::int64_t count = numel(extents);
  if (count > (std::int64_t{1} << 48))
    throw UserError("a tensor of " + std::to_string(count) + " elements does not fit host memory");
  OwnedTensor t{dtype, std::move(extents), {}};
  t.bytes.resize(static_cast<std::size_t>(bytes_of(dtype, count)));
  return t;
}

std::int64_t numel(std::span<const std::int64_t> extents) {
  std::int64_t n = 1;
  for (const std::int64_t e : extents)
    if (__builtin_mul_overflow(n, e, &n)) throw UserError("the number of elements does not fit 64 bits");
  return n;
}

std::vector<std::int64_t> strides_of(std::span<const std::int64_t> extents) {
  std::vector<std::int64_t> strides(extents.size(), 1);
  for (std::size_t i = extents.size(); i-- > 1;) strides[i - 1] = strides[i] * extents[i];
  return strides;
}

std::vector<std::int64_t> stretched_strides(const HostTensor& t, std::span<const std::int64_t> extents) {
  const std::vector<std::int64_t> own = strides_of(t.extents);
  std::vector<std::int64_t> strides(extents.size(), 0);
  const std::size_t lead = extents.size() - own.size();
  for (std::size_t i = 0; i < own.size(); ++i) strides[lead + i] = t.extents[i] == 1 ? 0 : own[i];
  return strides;
}

std::vector<std::int64_t> position(std::int64_t linear, std::span<const std::int64_t> extents) {
  std::vector<std::int64_t> at(extents.size());
  for (std::size_t i = extents.size(); i-- > 0; linear /= extents[i]) at[i] = linear % extents[i];
  return at;
}

std::int64_t offset(std::span<const std::int64_t> position, std::span<const std::int64_t> strides) {
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < position.size(); ++i) sum += position[i] * strides[i];
  return sum;
}

}  // namespace intarsia::ops
