// wgmma: four warps multiply 64 rows by a matrix in shared memory. Each warp does its 16 rows when it comes
// to the instruction; commit and wait then have nothing left to do.
#include <fmt/format.h>

#include "ptx/matrix.h"
#include "ptx/memory.h"
#include "ptx/numbers.h"
#include "ptx/select.h"

namespace intarsia::ptx {
namespace {

constexpr int kMostK = 32;

// The matrix descriptor of PTX: start, leading and stride offsets in units of 16 bytes, swizzle.
struct Descriptor {
  U64 start, leading, stride;
  int swizzle;  // bytes: 0, 32, 64, 128
  explicit Descriptor(U64 bits)
      : start((bits & 0x3FFF) << 4), leading((bits >> 16 & 0x3FFF) << 4), stride((bits >> 32 & 0x3FFF) << 4) {
    constexpr int kSwizzles[] = {0, 128, 64, 32};
    swizzle = kSwizzles[bits >> 62];
  }

  // The byte of element (outer, k): `outer` is a row of A or a column of B.
  U64 address(int outer, int k, int bytes, bool outer_contiguous) const {
    const auto o = static_cast<U64>(outer), at = static_cast<U64>(k);
    if (swizzle == 0) {
      if (!outer_contiguous)
        return start + o / 8 * stride + at * static_cast<U64>(bytes) / 16 * leading + o % 8 * 16 +
               at * static_cast<U64>(bytes) % 16;
      return start + o / 8 * stride + at / 8 * leading + at % 8 * 16 + o % 8 * 2;
    }
    const auto width = static_cast<U64>(swizzle);
    U64 linear = 0;
    if (!outer_contiguous)
      linear = start + o / 8 * stride + o % 8 * width + at * static_cast<U64>(bytes);
    else
      linear = start + o * 2 / width * leading + at / 8 * stride + at % 8 * width + o * 2 % width;
    return linear ^ ((linear >> 7 & (width / 16 - 1)) << 4);
  }
};

int bytes_of(Type type) {
  return type == Type::kTF32 ? 4 : type == Type::kF16 || type == Type::kBF16 ? 2 : 1;
}

// Reads an element of shared memory; out of bounds is reported and reads 0.
U32 read(Warp& warp, const Decoded& in, U64 address, int bytes) {
  const std::vector<std::byte>& shared = warp.block->shared;
  if (address + static_cast<U64>(bytes) > shared.size()) {
    if (warp.block->launch->config->checks.shared_bounds)
      report(warp, in, Report::Kind::kSharedBounds, 1,
             fmt::format("the matrix descriptor reaches byte {} of {} bytes of shared memory", address,
                         shared.size()));
    return 0;
  }
  U32 out = 0;
  std::memcpy(&out, shared.data() + address, static_cast<std::size_t>(bytes));
  return out;
}

// Tells the shadow of the rows (or columns) first … first + count - 1 that are read.
void note_matrix(Warp& warp, const Decoded& in, const Descriptor& d, int first, int count, int k_extent,
                 int bytes, bool outer_contiguous) {
  if (warp.block->shadow.cells() == 0) return;
  const int piece = 16 / bytes, outer_step = outer_contiguous ? piece : 1,
            k_step = outer_contiguous ? 1 : piece;
  for (int outer = first; outer < first + count; outer += outer_step)
    for (int k = 0; k < k_extent; k += k_step)
      note_source(warp, in, 0, d.address(outer, k, bytes, outer_contiguous), 16);
}

struct Sources {
  std::vector<U32> a, b;  // bits: 16 rows, n columns, kMostK apart
};

void read_sources(Warp& warp, const Decoded& in, const MatrixShape& s, Sources& out) {
  const int bytes = bytes_of(s.types[1]);
  out.a.assign(16 * kMostK, 0);
  out.b.assign(static_cast<std::size_t>(s.n) * kMostK, 0);
  const Ref* refs = warp.frame->code->refs.data() + in.extra + s.d_registers;
  if (s.a_registers != 0) {
    const int per = 4 / bytes;
    for (int r = 0; r < 4; ++r)
      for (int l = 0; l < kLanes; ++l)
        for (int e = 0; e < per; ++e)
          out.a[static_cast<std::size_t>((l / 4 + 8 * (r % 2)) * kMostK + l % 4 * per + e +
                                         4 * per * (r / 2))] =
              bytes == 4 ? warp.at<const U32>(refs[r])[l]
                         : warp.at<const U32>(refs[r])[l] >> (8 * bytes * e) & ((1U << (8 * bytes)) - 1);
  } else {
    const Descriptor a(warp.at<const U64>(in.r[0])[0]);
    const int first = warp.index % 4 * 16;
    note_matrix(warp, in, a, first, 16, s.k, bytes, s.transpose_a);
    for (int row = 0; row < 16; ++row)
      for (int k = 0; k < s.k; ++k)
        out.a[static_cast<std::size_t>(row * kMostK + k)] =
            read(warp, in, a.address(first + row, k, bytes, s.transpose_a), bytes);
  }
  const Descriptor b(warp.at<const U64>(in.r[1])[0]);
  note_matrix(warp, in, b, 0, s.n, s.k, bytes, s.transpose_b);
  for (int col = 0; col < s.n; ++col)
    for (int k = 0; k < s.k; ++k)
      out.b[static_cast<std::size_t>(col * kMostK + k)] =
          read(warp, in, b.address(col, k, bytes, s.transpose_b), bytes);
}

std::vector<Scaled> scaled_all(Type type, const std::vector<U32>& bits, int sign) {
  std::vector<Scaled> out(bits.size());
  for (std::size_t i = 0; i < bits.size(); ++i) {
    out[i] = scaled(type, bits[i]);
    if (sign < 0) {
      out[i].significand = -out[i].significand;
      out[i].negative = !out[i].negative;
    }
  }
  return out;
}

// Register r of lane l is row and column of the warp's 16 x n part.
int row_of(int lane, int r) { return lane / 4 + 8 * (r / 2 % 2); }
int column_of(int lane, int r) { return r / 4 * 8 + lane % 4 * 2 + r % 2; }

Flow float_group(Warp& warp, const Decoded& in, U32 mask) {
  if (!gather_warp(warp, in, mask)) return Flow::kStop;
  const MatrixShape& s = warp.frame->code->matrices[static_cast<std::size_t>(in.immediate)];
  const LaunchConfig& config = *warp.block->launch->config;
  const TensorRule rule =
      tensor_rule(config.device.architecture, s.types[1], true, config.exact_tensor_cores);
  Sources sources;
  read_sources(warp, in, s, sources);
  const std::vector<Scaled> a = scaled_all(s.types[1], sources.a, s.scale_a),
                            b = scaled_all(s.types[2], sources.b, s.scale_b);
  const bool add = (warp.predicate(in, 2) & 1) != 0, narrow = s.types[0] == Type::kF16;
  const Ref* d = warp.frame->code->refs.data() + in.extra;
  const auto k = static_cast<std::size_t>(s.k);
  for (int r = 0; r < s.n / 2; ++r)
    for (int l = 0; l < kLanes; ++l) {
      U32& place = warp.at<U32>(d[narrow ? r / 2 : r])[l];
      const int shift = narrow ? 16 * (r % 2) : 0;
      U32 c = 0;
      if (add) c = narrow ? std::bit_cast<U32>(f16_value(static_cast<U16>(place >> shift))) : place;
      const U32 value = dot(s.types[1], {&a[static_cast<std::size_t>(row_of(l, r) * kMostK)], k}, s.types[2],
                            {&b[static_cast<std::size_t>(column_of(l, r) * kMostK)], k}, c, rule);
      place =
          narrow ? (place & ~(0xFFFFU << shift)) | U32{to_f16(std::bit_cast<float>(value))} << shift : value;
    }
  return Flow::kNext;
}

Flow integer_group(Warp& warp, const Decoded& in, U32 mask) {
  if (!gather_warp(warp, in, mask)) return Flow::kStop;
  const MatrixShape& s = warp.frame->code->matrices[static_cast<std::size_t>(in.immediate)];
  Sources sources;
  read_sources(warp, in, s, sources);
  const bool add = (warp.predicate(in, 2) & 1) != 0;
  const Ref* d = warp.frame->code->refs.data() + in.extra;
  const auto value = [](Type type, U32 bits) {
    return type == Type::kS8 ? S64{static_cast<S8>(bits)} : S64{static_cast<U8>(bits)};
  };
  for (int r = 0; r < s.n / 2; ++r)
    for (int l = 0; l < kLanes; ++l) {
      U32& place = warp.at<U32>(d[r])[l];
      S64 sum = add ? static_cast<S32>(place) : 0;
      for (int k = 0; k < s.k; ++k)
        sum += value(s.types[1], sources.a[static_cast<std::size_t>(row_of(l, r) * kMostK + k)]) *
               value(s.types[2], sources.b[static_cast<std::size_t>(column_of(l, r) * kMostK + k)]);
      if (s.saturate) sum = std::min<S64>(std::max<S64>(sum, INT32_MIN), INT32_MAX);
      place = static_cast<U32>(sum);
    }
  return Flow::kNext;
}

}  // namespace

Handler select_wgmma(const Form& form) { return form.type() == Type::kS32 ? &integer_group : &float_group; }

}  // namespace intarsia::ptx
