// mma.sync: fragments of the lanes to matrices, products, and back.
#include <cmath>

#include "ptx/matrix.h"
#include "ptx/numbers.h"
#include "ptx/select.h"

namespace intarsia::ptx {
namespace {

constexpr int kMostK = 64;

// Lane 4 g + t holds, per register, consecutive k of row (or column) g: PTX ISA, "Matrix fragments".
int element_bits(Type type) {
  switch (type) {
    case Type::kF64: return 64;
    case Type::kTF32: return 32;
    case Type::kF16:
    case Type::kBF16: return 16;
    case Type::kS4:
    case Type::kU4: return 4;
    case Type::kB1: return 1;
    default: return 8;
  }
}

struct Place {
  int outer, k;
};
// Element `e` of register `r` of a fragment with `rows` rows (columns of B: 8).
Place place(int lane, int r, int e, int per_register, int rows) {
  const int halves = rows / 8;
  return {lane / 4 + 8 * (r % halves), lane % 4 * per_register + e + 4 * per_register * (r / halves)};
}

bool is_f8(Type type) { return type == Type::kE4M3 || type == Type::kE5M2; }

// fp8 runs as two f16 products of half the extent: the first takes the even pairs of bytes of each register.
int step_order(Type type, int k, int extent) {
  if (!is_f8(type)) return k;
  return k % 4 / 2 * (extent / 2) + k / 16 * 8 + k % 16 / 4 * 2 + k % 2;
}

template <class Out, class Read>
void unpack(Warp& warp, const Ref* refs, int registers, Type type, int rows, Out* out, Read read) {
  const int extent = registers / (rows / 8) * 4 * (32 / element_bits(type));
  const int width = element_bits(type), per = 32 / width;
  for (int r = 0; r < registers; ++r) {
    const U32* from = warp.at<const U32>(refs[r]);
    for (int l = 0; l < kLanes; ++l)
      for (int e = 0; e < per; ++e) {
        const Place p = place(l, r, e, per, rows);
        out[p.outer * kMostK + step_order(type, p.k, extent)] =
            read(width == 32 ? from[l] : from[l] >> (e * width) & ((1U << width) - 1));
      }
  }
}

S32 small_integer(Type type, U32 bits) {
  switch (type) {
    case Type::kS8: return static_cast<S8>(bits);
    case Type::kU8: return static_cast<U8>(bits);
    case Type::kS4: return static_cast<S32>(bits << 28) >> 28;
    default: return static_cast<S32>(bits);
  }
}

// f: (row, column, old bits) -> new bits, over a C or D fragment of 32-bit elements. D may name registers of
// C.
template <class F>
void each_result(Warp& warp, const MatrixShape& s, const Ref* d, const Ref* c, F f) {
  U32 out[4][kLanes];
  for (int r = 0; r < s.m / 4; ++r) {
    const U32* old = warp.at<const U32>(c[r]);
    for (int l = 0; l < kLanes; ++l) out[r][l] = f(l / 4 + 8 * (r / 2), l % 4 * 2 + r % 2, old[l]);
  }
  for (int r = 0; r < s.m / 4; ++r) std::memcpy(warp.at<U32>(d[r]), out[r], sizeof out[r]);
}

using Operands = MatrixOperands;
Operands operands(const Warp& warp, const Decoded& in, const MatrixShape& s) {
  const Ref* refs = warp.frame->code->refs.data() + in.extra;
  return {refs, refs + s.d_registers, refs + s.d_registers + s.a_registers,
          refs + s.d_registers + s.a_registers + s.b_registers};
}

// C in registers of f32 or of pairs of f16 to f32, and D back.
void half_results(Warp& warp, const MatrixShape& s, const Operands& o, const Scaled* a, const Scaled* b,
                  const TensorRule& rule) {
  const bool narrow_c = s.types[3] == Type::kF16, narrow_d = s.types[0] == Type::kF16;
  float result[16][8];
  const auto k = static_cast<std::size_t>(s.k);
  for (int l = 0; l < kLanes; ++l)
    for (int i = 0; i < 4; ++i) {
      const int row = l / 4 + 8 * (i / 2), col = l % 4 * 2 + i % 2;
      const U32 old = narrow_c ? std::bit_cast<U32>(f16_value(
                                     static_cast<U16>(warp.at<const U32>(o.c[i / 2])[l] >> (16 * (i % 2)))))
                               : warp.at<const U32>(o.c[i])[l];
      const std::span<const Scaled> x(a + row * kMostK, k), y(b + col * kMostK, k);
      result[row][col] =
          narrow_c && narrow_d
              ? f16_value(dot_f16(s.types[1], x, s.types[2], y, to_f16(std::bit_cast<float>(old)), rule))
              : std::bit_cast<float>(dot(s.types[1], x, s.types[2], y, old, rule));
    }
  for (int l = 0; l < kLanes; ++l)
    for (int i = 0; i < 4; ++i) {
      const float value = result[l / 4 + 8 * (i / 2)][l % 4 * 2 + i % 2];
      if (!narrow_d) {
        warp.at<float>(o.d[i])[l] = value;
        continue;
      }
      U32& pair = warp.at<U32>(o.d[i / 2])[l];
      const int shift = 16 * (i % 2);
      pair = (pair & ~(0xFFFFU << shift)) | U32{to_f16(value)} << shift;
    }
}

Flow mma_float(Warp& warp, const Decoded& in, U32) {
  const MatrixShape& s = warp.frame->code->matrices[static_cast<std::size_t>(in.immediate)];
  const Operands o = operands(warp, in, s);
  const LaunchConfig& config = *warp.block->launch->config;
  TensorRule rule = tensor_rule(config.device.architecture, s.types[1], false, config.exact_tensor_cores);
  rule.apart = is_f8(s.types[1]) && config.device.architecture >= 90;
  if (rule.apart) rule.step = s.k / 2;
  if (rule.fast && mma_fast(warp, s, o)) return Flow::kNext;
  Scaled a[16 * kMostK], b[8 * kMostK];
  unpack(warp, o.a, s.a_registers, s.types[1], s.m, a, [&](U32 bits) { return scaled(s.types[1], bits); });
  unpack(warp, o.b, s.b_registers, s.types[2], 8, b, [&](U32 bits) { return scaled(s.types[2], bits); });
  half_results(warp, s, o, a, b, rule);
  return Flow::kNext;
}

Flow mma_integer(Warp& warp, const Decoded& in, U32) {
  const MatrixShape& s = warp.frame->code->matrices[static_cast<std::size_t>(in.immediate)];
  const Operands o = operands(warp, in, s);
  S32 a[16 * kMostK], b[8 * kMostK];
  unpack(warp, o.a, s.a_registers, s.types[1], s.m, a,
         [&](U32 bits) { return small_integer(s.types[1], bits); });
  unpack(warp, o.b, s.b_registers, s.types[2], 8, b,
         [&](U32 bits) { return small_integer(s.types[2], bits); });
  each_result(warp, s, o.d, o.c, [&](int row, int col, U32 old) {
    S64 sum = static_cast<S32>(old);
    for (int k = 0; k < s.k; ++k) sum += S64{a[row * kMostK + k]} * b[col * kMostK + k];
    if (s.saturate) sum = std::min<S64>(std::max<S64>(sum, INT32_MIN), INT32_MAX);
    return static_cast<U32>(sum);
  });
  return Flow::kNext;
}

// Single bits, 32 of them at a time: how many products are 1.
template <bool kXor>
Flow mma_bits(Warp& warp, const Decoded& in, U32) {
  const MatrixShape& s = warp.frame->code->matrices[static_cast<std::size_t>(in.immediate)];
  const Operands o = operands(warp, in, s);
  U32 a[16 * kMostK], b[8 * kMostK];
  const auto same = [](U32 bits) { return bits; };
  unpack(warp, o.a, s.a_registers, Type::kTF32, s.m, a, same);  // words as tf32's k
  unpack(warp, o.b, s.b_registers, Type::kTF32, 8, b, same);
  each_result(warp, s, o.d, o.c, [&](int row, int col, U32 old) {
    for (int k = 0; k < s.k / 32; ++k) {
      const U32 x = a[row * kMostK + k], y = b[col * kMostK + k];
      old += static_cast<U32>(std::popcount(kXor ? x ^ y : x & y));
    }
    return old;
  });
  return Flow::kNext;
}

// f64: fused multiply-adds in the order of k.
Flow mma_double(Warp& warp, const Decoded& in, U32) {
  const MatrixShape& s = warp.frame->code->matrices[static_cast<std::size_t>(in.immediate)];
  const Operands o = operands(warp, in, s);
  double a[16][16], b[8][16], d[16][8];
  for (int l = 0; l < kLanes; ++l) {
    for (int r = 0; r < s.a_registers; ++r) {
      const Place p = place(l, r, 0, 1, s.m);
      a[p.outer][p.k] = warp.at<const double>(o.a[r])[l];
    }
    for (int r = 0; r < s.b_registers; ++r) b[l / 4][l % 4 + 4 * r] = warp.at<const double>(o.b[r])[l];
  }
  for (int l = 0; l < kLanes; ++l)
    for (int r = 0; r < s.m / 4; ++r) {
      const int row = l / 4 + 8 * (r / 2), col = l % 4 * 2 + r % 2;
      double sum = warp.at<const double>(o.c[r])[l];
      for (int k = 0; k < s.k; ++k) sum = std::fma(a[row][k], b[col][k], sum);
      d[row][col] = sum;
    }
  for (int l = 0; l < kLanes; ++l)
    for (int r = 0; r < s.m / 4; ++r) warp.at<double>(o.d[r])[l] = d[l / 4 + 8 * (r / 2)][l % 4 * 2 + r % 2];
  return Flow::kNext;
}

// Tensor cores need the whole warp.
template <Handler kRun>
Flow whole_warp(Warp& warp, const Decoded& in, U32 mask) {
  return gather_warp(warp, in, mask) ? kRun(warp, in, mask) : Flow::kStop;
}

Flow movmatrix(Warp& warp, const Decoded& in, U32) {
  U16 m[8][8];
  U32* d = warp.at<U32>(in.r[0]);
  const U32* a = warp.at<const U32>(in.r[1]);
  for (int l = 0; l < kLanes; ++l)
    for (int e = 0; e < 2; ++e) m[l / 4][l % 4 * 2 + e] = static_cast<U16>(a[l] >> (16 * e));
  for (int l = 0; l < kLanes; ++l) d[l] = m[l % 4 * 2][l / 4] | U32{m[l % 4 * 2 + 1][l / 4]} << 16;
  return Flow::kNext;
}

}  // namespace

MatrixShape matrix_shape(const Form& form) {
  MatrixShape s;
  for (std::string_view m : form.modifiers) {
    const std::size_t n = m.find('n'), k = m.find('k');
    if (m.front() != 'm' || n == std::string_view::npos || k == std::string_view::npos || m[1] < '0' ||
        m[1] > '9')
      continue;
    s.m = std::stoi(std::string(m.substr(1, n - 1)));
    s.n = std::stoi(std::string(m.substr(n + 1, k - n - 1)));
    s.k = std::stoi(std::string(m.substr(k + 1)));
  }
  for (std::size_t i = 0; i < 4; ++i) s.types[i] = form.type(i);
  s.saturate = form.has("satfinite");
  const int width = element_bits(s.types[1]), holder = std::max(width, 32);
  s.a_registers = s.m * s.k * width / holder / kLanes;
  s.b_registers = s.n * s.k * width / holder / kLanes;
  s.d_registers = s.m * s.n * (s.types[0] == Type::kF16 ? 16 : 32) / 32 / kLanes;
  s.c_registers = s.m * s.n * (s.types[3] == Type::kF16 ? 16 : 32) / 32 / kLanes;
  return s;
}

Handler select_mma(const Form& form) {
  if (form.row->opcode == "movmatrix") return &whole_warp<&movmatrix>;
  if (form.type() == Type::kF64) return &whole_warp<&mma_double>;
  if (form.type(1) == Type::kB1)
    return form.has("xor") ? &whole_warp<&mma_bits<true>> : &whole_warp<&mma_bits<false>>;
  return form.type() == Type::kS32 ? &whole_warp<&mma_integer> : &whole_warp<&mma_float>;
}

}  // namespace intarsia::ptx
