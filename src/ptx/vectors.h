// Eight or four lanes at a time, for what compilers do not vectorise by themselves.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>

#ifdef __AVX2__
#include <immintrin.h>
#endif

namespace intarsia::ptx {

using U32x8 = std::uint32_t __attribute__((vector_size(32)));
using U64x4 = std::uint64_t __attribute__((vector_size(32)));
using F32x8 = float __attribute__((vector_size(32)));
using F32x4 = float __attribute__((vector_size(16)));

constexpr U32x8 kEight = {0, 1, 2, 3, 4, 5, 6, 7};
constexpr U64x4 kFour = {0, 1, 2, 3};

template <class V, class T>
inline V load_vector(const T* from) {
  V out;
  std::memcpy(&out, from, sizeof out);
  return out;
}
template <class V, class T>
inline void store_vector(T* to, const V& value) {
  std::memcpy(to, &value, sizeof value);
}

// Of a comparison: all ones where it holds.
template <class B>
inline U32x8 bits_of(const B& comparison) {
  U32x8 out;
  std::memcpy(&out, &comparison, sizeof out);
  return out;
}

template <class V>
inline bool any_bit(const V& v) {
  const auto w = load_vector<U64x4>(&v);
#ifdef __AVX2__
  const __m256i all = load_vector<__m256i>(&w);
  return _mm256_testz_si256(all, all) == 0;
#else
  return (w[0] | w[1] | w[2] | w[3]) != 0;
#endif
}

// Bit i: the highest bit of lane i.
inline std::uint32_t sign_bits(const U32x8& v) {
#ifdef __AVX2__
  return static_cast<std::uint32_t>(_mm256_movemask_ps(load_vector<__m256>(&v)));
#else
  std::uint32_t out = 0;
  for (int i = 0; i < 8; ++i) out |= (v[i] >> 31) << i;
  return out;
#endif
}

// Four bytes from `base` + each offset.
inline U32x8 gather_words(const std::byte* base, const U32x8& offsets) {
  U32x8 out;
#ifdef __AVX2__
  const __m256i got =
      _mm256_i32gather_epi32(reinterpret_cast<const int*>(base), load_vector<__m256i>(&offsets), 1);
  std::memcpy(&out, &got, sizeof out);
#else
  for (int i = 0; i < 8; ++i) {
    std::uint32_t word;
    std::memcpy(&word, base + offsets[i], sizeof word);
    out[i] = word;
  }
#endif
  return out;
}

// Lane i: lane from[i] of `v`.
inline U32x8 permuted(const U32x8& v, const U32x8& from) {
  U32x8 out;
#ifdef __AVX2__
  const __m256i got = _mm256_permutevar8x32_epi32(load_vector<__m256i>(&v), load_vector<__m256i>(&from));
  std::memcpy(&out, &got, sizeof out);
#else
  for (int i = 0; i < 8; ++i) out[i] = v[from[i]];
#endif
  return out;
}

// Rounded once.
inline F32x8 multiply_add(const F32x8& a, const F32x8& b, const F32x8& c) {
  F32x8 out;
#ifdef __FMA__
  const __m256 sum =
      _mm256_fmadd_ps(load_vector<__m256>(&a), load_vector<__m256>(&b), load_vector<__m256>(&c));
  std::memcpy(&out, &sum, sizeof out);
#else
  for (int i = 0; i < 8; ++i) out[i] = std::fma(a[i], b[i], c[i]);
#endif
  return out;
}

}  // namespace intarsia::ptx
