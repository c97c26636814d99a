// wmma: fragments whose layout is ours to choose. Element e of a matrix lies in lane e / (elements per lane).
#include <cmath>

#include "ptx/matrix.h"
#include "ptx/memory.h"
#include "ptx/numbers.h"
#include "ptx/select.h"

namespace intarsia::ptx {
namespace {

int bytes_of(Type type) { return bits(type) / 8; }

Space space_of(const Decoded& in) {
  return (in.small & 16) != 0 ? Space::kShared : (in.small & 32) != 0 ? Space::kGlobal : Space::kGeneric;
}

// in.small's high bits: 1 shared, 2 global. Row-major matrices of rows x cols are read `stride` elements
// apart.
struct Tile {
  int rows, cols;
  bool by_columns;
};
Tile tile_of(const MatrixShape& s) {
  switch (s.scale_a) {  // which operand: 0 A, 1 B, 2 C or D
    case 0: return {s.m, s.k, s.transpose_a};
    case 1: return {s.k, s.n, s.transpose_a};
    default: return {s.m, s.n, s.transpose_a};
  }
}

// Reads or writes element j of a lane's fragment.
U64 get(const Warp& warp, const Ref* refs, int l, int j, int bytes) {
  if (bytes == 8) return warp.at<const U64>(refs[j])[l];
  const int per = 4 / bytes;
  const U32 word = warp.at<const U32>(refs[j / per])[l];
  return bytes == 4 ? word : word >> (8 * bytes * (j % per)) & ((1U << (8 * bytes)) - 1);
}
void put(const Warp& warp, const Ref* refs, int l, int j, int bytes, U64 value) {
  if (bytes == 8) {
    warp.at<U64>(refs[j])[l] = value;
    return;
  }
  const int per = 4 / bytes, shift = 8 * bytes * (j % per);
  U32& word = warp.at<U32>(refs[j / per])[l];
  word = bytes == 4 ? static_cast<U32>(value)
                    : (word & ~(((1U << (8 * bytes)) - 1) << shift)) | static_cast<U32>(value) << shift;
}

// r: address, stride. One element of all lanes at a time.
template <bool kStore>
Flow transfer(Warp& warp, const Decoded& in, U32 mask) {
  if (!gather_warp(warp, in, mask)) return Flow::kStop;
  const MatrixShape& s = warp.frame->code->matrices[in.count];
  const Ref* refs = warp.frame->code->refs.data() + in.extra;
  const int bytes = bytes_of(s.types[0]);
  const Space space = space_of(in);
  Access base;
  make_addresses(warp, in, 0, base);
  const U64 start = base.address[0], stride = warp.at<const U32>(in.r[1])[0];
  const Tile t = tile_of(s);
  const int per = t.rows * t.cols / kLanes;
  for (int j = 0; j < per; ++j) {
    Access access;
    access.mask = kAll;
    (kStore ? access.writes : access.reads) = true;
    access.bytes = static_cast<U32>(bytes);
    for (int l = 0; l < kLanes; ++l) {
      const int e = l * per + j, row = e / t.cols, col = e % t.cols;
      const U64 at = t.by_columns ? static_cast<U64>(col) * stride + static_cast<U64>(row)
                                  : static_cast<U64>(row) * stride + static_cast<U64>(col);
      access.address[l] = start + at * static_cast<U64>(bytes);
    }
    resolve(warp, in, space, access);
    each_lane(access.mask, [&](int l) {
      U64 value = kStore ? get(warp, refs, l, j, bytes) : 0;
      if (kStore)
        std::memcpy(reinterpret_cast<void*>(access.address[l]), &value, static_cast<std::size_t>(bytes));
      else
        std::memcpy(&value, reinterpret_cast<const void*>(access.address[l]),
                    static_cast<std::size_t>(bytes));
      if (!kStore) put(warp, refs, l, j, bytes, value);
    });
  }
  return Flow::kNext;
}

struct Matrices {
  std::vector<U64> a, b, c;  // rows of k, columns of k, rows of n
};

void collect(const Warp& warp, const MatrixShape& s, const Ref* a, const Ref* b, const Ref* c,
             Matrices& out) {
  const auto fill = [&](const Ref* refs, int count, int bytes, std::vector<U64>& to) {
    to.resize(static_cast<std::size_t>(count));
    const int per = count / kLanes;
    for (int e = 0; e < count; ++e)
      to[static_cast<std::size_t>(e)] = get(warp, refs, e / per, e % per, bytes);
  };
  std::vector<U64> by_rows;
  fill(a, s.m * s.k, bytes_of(s.types[1]), out.a);
  fill(b, s.k * s.n, bytes_of(s.types[2]), by_rows);
  fill(c, s.m * s.n, bytes_of(s.types[3]), out.c);
  out.b.resize(by_rows.size());
  for (int k = 0; k < s.k; ++k)
    for (int n = 0; n < s.n; ++n)
      out.b[static_cast<std::size_t>(n * s.k + k)] = by_rows[static_cast<std::size_t>(k * s.n + n)];
}

U64 product_integer(const MatrixShape& s, const U64* a, const U64* b, U64 c) {
  const auto value = [](Type type, U64 bits) {
    return type == Type::kS8 ? S64{static_cast<S8>(bits)} : S64{static_cast<U8>(bits)};
  };
  S64 sum = static_cast<S32>(c);
  for (int k = 0; k < s.k; ++k) sum += value(s.types[1], a[k]) * value(s.types[2], b[k]);
  if (s.saturate) sum = std::min<S64>(std::max<S64>(sum, INT32_MIN), INT32_MAX);
  return static_cast<U32>(sum);
}

U64 product_float(const MatrixShape& s, const U64* a, const U64* b, U64 c, const TensorRule& rule) {
  if (s.types[0] == Type::kF64) {
    auto sum = std::bit_cast<double>(c);
    for (int k = 0; k < s.k; ++k)
      sum = std::fma(std::bit_cast<double>(a[k]), std::bit_cast<double>(b[k]), sum);
    return std::bit_cast<U64>(sum);
  }
  std::array<Scaled, 16> x, y;
  const auto k = static_cast<std::size_t>(s.k);
  for (std::size_t i = 0; i < k; ++i) {
    x[i] = scaled(s.types[1], static_cast<U32>(a[i]));
    y[i] = scaled(s.types[2], static_cast<U32>(b[i]));
  }
  const U32 addend =
      s.types[3] == Type::kF16 ? std::bit_cast<U32>(f16_value(static_cast<U16>(c))) : static_cast<U32>(c);
  const U32 out = dot(s.types[1], {x.data(), k}, s.types[2], {y.data(), k}, addend, rule);
  return s.types[0] == Type::kF16 ? to_f16(std::bit_cast<float>(out)) : out;
}

Flow multiply(Warp& warp, const Decoded& in, U32 mask) {
  if (!gather_warp(warp, in, mask)) return Flow::kStop;
  const MatrixShape& s = warp.frame->code->matrices[in.count];
  const Ref* d = warp.frame->code->refs.data() + in.extra;
  const Ref *a = d + s.d_registers, *b = a + s.a_registers, *c = b + s.b_registers;
  const LaunchConfig& config = *warp.block->launch->config;
  const TensorRule rule =
      tensor_rule(config.device.architecture, s.types[1], false, config.exact_tensor_cores);
  Matrices m;
  collect(warp, s, a, b, c, m);
  const int per = s.m * s.n / kLanes, bytes = bytes_of(s.types[0]);
  for (int e = 0; e < s.m * s.n; ++e) {
    const U64* row = &m.a[static_cast<std::size_t>(e / s.n * s.k)];
    const U64* column = &m.b[static_cast<std::size_t>(e % s.n * s.k)];
    const U64 old = m.c[static_cast<std::size_t>(e)];
    put(warp, d, e / per, e % per, bytes,
        s.types[0] == Type::kS32 ? product_integer(s, row, column, old)
                                 : product_float(s, row, column, old, rule));
  }
  return Flow::kNext;
}

// Elements of less than a byte: eight rows of A, or columns of B, of four words each. Word e lies in lane e.
Flow transfer_words(Warp& warp, const Decoded& in, U32 mask) {
  if (!gather_warp(warp, in, mask)) return Flow::kStop;
  const MatrixShape& s = warp.frame->code->matrices[in.count];
  Access access;
  make_addresses(warp, in, 0, access);
  const U64 start = access.address[0];
  const U64 pitch = U64{warp.at<const U32>(in.r[1])[0]} * static_cast<U64>(bits(s.types[0])) / 8;
  access.mask = kAll;
  access.reads = true;
  access.bytes = 4;
  for (int l = 0; l < kLanes; ++l)
    access.address[l] = start + static_cast<U64>(l / 4) * pitch + static_cast<U64>(l % 4) * 4;
  resolve(warp, in, space_of(in), access);
  U32* to = warp.at<U32>(warp.frame->code->refs[in.extra]);
  each_lane(access.mask,
            [&](int l) { std::memcpy(&to[l], reinterpret_cast<const void*>(access.address[l]), 4); });
  return Flow::kNext;
}

S32 nibble(Type type, U32 word, int i) {
  const U32 field = word >> (4 * i) & 15;
  return type == Type::kS4 ? static_cast<S32>(field << 28) >> 28 : static_cast<S32>(field);
}

// kOperation: 's' products of numbers, 'x' and 'a' bits.
template <char kOperation>
Flow multiply_words(Warp& warp, const Decoded& in, U32 mask) {
  if (!gather_warp(warp, in, mask)) return Flow::kStop;
  const MatrixShape& s = warp.frame->code->matrices[in.count];
  const Ref* refs = warp.frame->code->refs.data() + in.extra;  // d d a b c c
  const U32 *a = warp.at<const U32>(refs[2]), *b = warp.at<const U32>(refs[3]);
  U32 out[64];
  for (int e = 0; e < 64; ++e) {
    S64 sum = static_cast<S32>(warp.at<const U32>(refs[4 + e % 2])[e / 2]);
    for (int w = 0; w < 4; ++w) {
      const U32 x = a[e / 8 * 4 + w], y = b[e % 8 * 4 + w];
      if (kOperation != 's') sum += std::popcount(kOperation == 'x' ? x ^ y : x & y);
      for (int i = 0; kOperation == 's' && i < 8; ++i)
        sum += nibble(s.types[1], x, i) * nibble(s.types[2], y, i);
    }
    if (s.saturate) sum = std::min<S64>(std::max<S64>(sum, INT32_MIN), INT32_MAX);
    out[e] = static_cast<U32>(sum);
  }
  for (int e = 0; e < 64; ++e) warp.at<U32>(refs[e % 2])[e / 2] = out[e];
  return Flow::kNext;
}

}  // namespace

Handler select_wmma(const Form& form) {
  const Type operand = form.type(form.has("mma") ? 1 : 0);
  if (operand == Type::kB1 || operand == Type::kS4 || operand == Type::kU4) {
    if (!form.has("mma")) return &transfer_words;
    return operand != Type::kB1 ? &multiply_words<'s'>
           : form.has("xor")    ? &multiply_words<'x'>
                                : &multiply_words<'a'>;
  }
  if (form.has("mma")) return &multiply;
  return form.has("store") ? &transfer<true> : &transfer<false>;
}

}  // namespace intarsia::ptx
