#include "native.h"

#include <immintrin.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace intarsia::bench {

void add_one(const float* x, float* y, int n) {
  for (int i = 0; i < n; ++i) y[i] = x[i] + 1.0f;
}

void softmax(const float* x, float* y) {
  for (int r = 0; r < 1024; ++r, x += 1024, y += 1024) {
    float most = x[0], total = 0;
    for (int i = 1; i < 1024; ++i) most = std::max(most, x[i]);
    for (int i = 0; i < 1024; ++i) total += y[i] = std::exp(x[i] - most);
    for (int i = 0; i < 1024; ++i) y[i] /= total;
  }
}

void layer_norm(const float* x, const float* weight, const float* bias, float* y) {
  for (int r = 0; r < 1024; ++r, x += 1024, y += 1024) {
    float total = 0, squares = 0;
    for (int i = 0; i < 1024; ++i) total += x[i];
    const float mean = total * (1.0f / 1024);
    for (int i = 0; i < 1024; ++i) squares += (x[i] - mean) * (x[i] - mean);
    const float scale = 1 / std::sqrt(squares * (1.0f / 1024) + 1e-5f);
    for (int i = 0; i < 1024; ++i) y[i] = (x[i] - mean) * scale * weight[i] + bias[i];
  }
}

void matmul(const float* a, const float* b, float* c, int n) {
  std::fill_n(c, static_cast<std::size_t>(n) * static_cast<std::size_t>(n), 0.0f);
  for (int i = 0; i < n; ++i)
    for (int k = 0; k < n; ++k)
      for (int j = 0; j < n; ++j) c[i * n + j] += a[i * n + k] * b[k * n + j];
}

void half_matmul(const std::uint16_t* a, const std::uint16_t* b, float* c, int n) {
  const auto count = static_cast<std::size_t>(n) * static_cast<std::size_t>(n);
  std::vector<float> left(count), right(count);
  for (std::size_t i = 0; i < count; ++i) left[i] = _cvtsh_ss(a[i]), right[i] = _cvtsh_ss(b[i]);
  matmul(left.data(), right.data(), c, n);
}

}  // namespace intarsia::bench
