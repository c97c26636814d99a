// mma.sync of f16 and bf16 in fast mode: f32 sums in the order of k, eight columns at a time.
#include "ptx/matrix.h"
#include "ptx/numbers.h"
#include "ptx/vectors.h"

namespace intarsia::ptx {
namespace {

constexpr int kMostSteps = 16;  // k

// Eight halves as f32.
template <bool kBrain>
[[gnu::always_inline]] inline F32x8 widen(const U16* from) {
#ifdef __F16C__
  const __m128i halves = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  const __m256 wide = kBrain ? _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(halves), 16))
                             : _mm256_cvtph_ps(halves);
  return load_vector<F32x8>(&wide);
#else
  F32x8 out{};
  for (int i = 0; i < 8; ++i) out[i] = kBrain ? bf16_value(from[i]) : f16_value(from[i]);
  return out;
#endif
}

// Rows become columns.
[[gnu::always_inline]] inline void transpose(const F32x8 (&in)[8], F32x8 (&out)[8]) {
  F32x8 pairs[8], quads[8];
  for (int i = 0; i < 8; i += 2) {
    pairs[i] = __builtin_shufflevector(in[i], in[i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
    pairs[i + 1] = __builtin_shufflevector(in[i], in[i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
  }
  for (int i = 0; i < 8; i += 4)
    for (int j = 0; j < 2; ++j) {
      quads[i + 2 * j] = __builtin_shufflevector(pairs[i + j], pairs[i + j + 2], 0, 1, 8, 9, 4, 5, 12, 13);
      quads[i + 2 * j + 1] =
          __builtin_shufflevector(pairs[i + j], pairs[i + j + 2], 2, 3, 10, 11, 6, 7, 14, 15);
    }
  for (int i = 0; i < 4; ++i) {
    out[i] = __builtin_shufflevector(quads[i], quads[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
    out[i + 4] = __builtin_shufflevector(quads[i], quads[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
  }
}

// A fragment's register is 8 x 8 halves: lane 4 g + t holds columns 2 t and 2 t + 1 of row g.
template <bool kBrain>
void multiply(Warp& warp, const MatrixOperands& o, int registers) {
  alignas(32) float a[16][kMostSteps];
  F32x8 b[kMostSteps];
  const int steps = 8 * registers;
  for (int r = 0; r < 2 * registers; ++r) {
    const U16* from = warp.at<const U16>(o.a[r]);
    for (int g = 0; g < 8; ++g) store_vector(&a[g + 8 * (r % 2)][8 * (r / 2)], widen<kBrain>(from + 8 * g));
  }
  for (int r = 0; r < registers; ++r) {
    const U16* from = warp.at<const U16>(o.b[r]);
    F32x8 columns[8], rows[8];
    for (int g = 0; g < 8; ++g) columns[g] = widen<kBrain>(from + 8 * g);
    transpose(columns, rows);
    for (int k = 0; k < 8; ++k) b[8 * r + k] = rows[k];
  }
  F32x8 sums[16];
  for (int half = 0; half < 2; ++half) {
    const float* even = warp.at<const float>(o.c[2 * half]);
    const float* odd = warp.at<const float>(o.c[2 * half + 1]);
    for (int g = 0; g < 8; ++g)
      sums[8 * half + g] = __builtin_shufflevector(load_vector<F32x4>(even + 4 * g),
                                                   load_vector<F32x4>(odd + 4 * g), 0, 4, 1, 5, 2, 6, 3, 7);
  }
  for (int row = 0; row < 16; row += 4) {
    F32x8 s0 = sums[row], s1 = sums[row + 1], s2 = sums[row + 2], s3 = sums[row + 3];
    for (int k = 0; k < steps; ++k) {
      s0 += a[row][k] * b[k];
      s1 += a[row + 1][k] * b[k];
      s2 += a[row + 2][k] * b[k];
      s3 += a[row + 3][k] * b[k];
    }
    sums[row] = s0, sums[row + 1] = s1, sums[row + 2] = s2, sums[row + 3] = s3;
  }
  for (int half = 0; half < 2; ++half) {
    float* even = warp.at<float>(o.d[2 * half]);
    float* odd = warp.at<float>(o.d[2 * half + 1]);
    for (int g = 0; g < 8; ++g) {
      const auto bits = load_vector<U32x8>(&sums[8 * half + g]);
      const U32x8 nan = bits_of((bits & 0x7FFFFFFFU) > 0x7F800000U);
      const U32x8 row = (bits & ~nan) | (nan & kNanF32);
      const auto values = load_vector<F32x8>(&row);
      store_vector(even + 4 * g, __builtin_shufflevector(values, values, 0, 2, 4, 6));
      store_vector(odd + 4 * g, __builtin_shufflevector(values, values, 1, 3, 5, 7));
    }
  }
}

}  // namespace

bool mma_fast(Warp& warp, const MatrixShape& s, const MatrixOperands& operands) {
  const bool brain = s.types[1] == Type::kBF16;
  if ((!brain && s.types[1] != Type::kF16) || s.types[2] != s.types[1] || s.types[0] != Type::kF32 ||
      s.types[3] != Type::kF32 || s.m != 16 || s.n != 8 || s.k > kMostSteps)
    return false;
  if (brain)
    multiply<true>(warp, operands, s.b_registers);
  else
    multiply<false>(warp, operands, s.b_registers);
  return true;
}

}  // namespace intarsia::ptx
