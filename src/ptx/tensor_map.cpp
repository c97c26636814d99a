#include "ptx/tensor_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/error.h"

namespace intarsia::ptx {
namespace {

constexpr std::int64_t kMostExtent = std::int64_t{1} << 32, kMostStride = std::int64_t{1} << 40;
constexpr int kSwizzleBytes[] = {0, 32, 64, 128};
constexpr std::int64_t kMostBoxBytes = 227 << 10;

[[noreturn]] void refuse(const std::string& what) { throw UserError("tensor map: " + what); }

void check_sizes(const TensorMapSpec& s) {
  const std::size_t rank = s.shape.size();
  if (rank < 1 || rank > 5) refuse(fmt::format("{} dimensions; 1 to 5 are possible", rank));
  if (s.strides.size() != rank - 1)
    refuse(fmt::format("{} strides for {} dimensions; dimension 0 has none, the others have one each",
                       s.strides.size(), rank));
  if (s.box.size() != rank)
    refuse(fmt::format("a box of {} dimensions for a tensor of {}", s.box.size(), rank));
  if (!s.element_steps.empty() && s.element_steps.size() != rank)
    refuse(fmt::format("{} element steps for {} dimensions", s.element_steps.size(), rank));
}

void check_dimension(const TensorMapSpec& s, std::size_t d) {
  if (s.shape[d] < 1 || s.shape[d] > kMostExtent)
    refuse(fmt::format("extent {} of dimension {}; 1 to 2^32 are possible", s.shape[d], d));
  if (s.box[d] < 1 || s.box[d] > 256)
    refuse(fmt::format("a box of {} in dimension {}; 1 to 256 are possible", s.box[d], d));
  if (!s.element_steps.empty() && (s.element_steps[d] < 1 || s.element_steps[d] > 8))
    refuse(fmt::format("element step {} of dimension {}; 1 to 8 are possible", s.element_steps[d], d));
  if (d == 0) return;
  const std::int64_t stride = s.strides[d - 1];
  if (stride < 0 || stride % 16 != 0 || stride >= kMostStride)
    refuse(fmt::format("a stride of {} bytes in dimension {}; it must be a multiple of 16 below 2^40", stride,
                       d));
}

// As the driver counts: without the rest of an extent that its step does not divide.
void check_box(const TensorMapSpec& s) {
  std::int64_t bytes = bytes_of(s.type);
  for (std::size_t d = 0; d < s.box.size(); ++d)
    bytes *= s.box[d] / (s.element_steps.empty() ? 1 : s.element_steps[d]);
  if (bytes > kMostBoxBytes)
    refuse(fmt::format("a box of {} bytes; shared memory of a block has {}", bytes, kMostBoxBytes));
}

}  // namespace

int bytes_of(TensorMapType type) {
  switch (type) {
    case TensorMapType::kU8: return 1;
    case TensorMapType::kU16:
    case TensorMapType::kF16:
    case TensorMapType::kBF16: return 2;
    case TensorMapType::kU64:
    case TensorMapType::kS64:
    case TensorMapType::kF64: return 8;
    default: return 4;
  }
}

bool is_float(TensorMapType type) { return type >= TensorMapType::kF16; }

void check_tensor_map(const TensorMapSpec& s) {
  check_sizes(s);
  if (reinterpret_cast<std::uintptr_t>(s.data) % 16 != 0)
    refuse(fmt::format("the tensor begins at {}, which is no multiple of 16", fmt::ptr(s.data)));
  for (std::size_t d = 0; d < s.shape.size(); ++d) check_dimension(s, d);
  const int inner = s.box[0] * bytes_of(s.type), span = kSwizzleBytes[static_cast<int>(s.swizzle)];
  if (inner % 16 != 0)
    refuse(fmt::format("dimension 0 of the box has {} bytes; it must be a multiple of 16", inner));
  if (span != 0 && inner > span)
    refuse(fmt::format("dimension 0 of the box has {} bytes; a swizzle of {} bytes allows {}", inner, span,
                       span));
  check_box(s);
  if (s.fill == TensorMapFill::kNan && !is_float(s.type))
    refuse("elements outside are to be NaN, but the elements are integers");
}

TensorMapFields TensorMapFields::of(const TensorMap& map) {
  TensorMapFields out;
  if (std::ranges::all_of(map.bytes, [](std::byte b) { return b == std::byte{0}; })) {
    out.magic = kMagic, out.rank = 1;
    out.shape.fill(1), out.box.fill(1), out.steps.fill(1);
  } else {
    std::memcpy(&out, map.bytes.data(), sizeof out);
  }
  return out;
}

TensorMap encode_tensor_map(const TensorMapSpec& s) {
  check_tensor_map(s);
  TensorMapFields f = TensorMapFields::of({});
  f.address = reinterpret_cast<std::uintptr_t>(s.data);
  f.rank = static_cast<std::uint8_t>(s.shape.size());
  f.type = static_cast<std::uint8_t>(s.type);
  f.swizzle = static_cast<std::uint8_t>(s.swizzle);
  f.fill = static_cast<std::uint8_t>(s.fill);
  for (std::size_t d = 0; d < s.shape.size(); ++d) {
    f.shape[d] = static_cast<std::uint64_t>(s.shape[d]);
    f.box[d] = static_cast<std::uint16_t>(s.box[d]);
    if (d > 0) f.strides[d - 1] = static_cast<std::uint64_t>(s.strides[d - 1]);
    if (d > 0 && !s.element_steps.empty()) f.steps[d] = static_cast<std::uint8_t>(s.element_steps[d]);
  }
  TensorMap out;
  std::memcpy(out.bytes.data(), &f, sizeof f);
  return out;
}

bool TensorMapFields::valid() const {
  if (magic != kMagic || rank < 1 || rank > 5 || type > 12 || swizzle > 3 || fill > 1 || interleave != 0)
    return false;
  for (std::size_t d = 0; d < 5; ++d)
    if (box[d] < 1 || box[d] > 256 || steps[d] < 1 || steps[d] > 8) return false;
  const int inner = box[0] * element_bytes(), span = kSwizzleBytes[swizzle];
  return address % 16 == 0 && inner % 16 == 0 && (span == 0 || inner <= span);
}

int TensorMapFields::element_bytes() const { return bytes_of(static_cast<TensorMapType>(type)); }

int TensorMapFields::count(int d) const {
  const auto i = static_cast<std::size_t>(d);
  return d == 0 ? box[0] : (box[i] + steps[i] - 1) / steps[i];
}

std::int64_t TensorMapFields::box_bytes() const {
  std::int64_t out = element_bytes();
  for (int d = 0; d < rank; ++d) out *= count(d);
  return out;
}

}  // namespace intarsia::ptx
