// The computations of kernels.cu in plain C++, compiled by g++ -O3 -march=x86-64-v3 whatever compiles the
// rest.
#pragma once
#include <cstdint>

namespace intarsia::bench {

void add_one(const float* x, float* y, int n);
void softmax(const float* x, float* y);                                             // 1024 x 1024
void layer_norm(const float* x, const float* weight, const float* bias, float* y);  // 1024 x 1024
void matmul(const float* a, const float* b, float* c, int n);
void half_matmul(const std::uint16_t* a, const std::uint16_t* b, float* c, int n);  // f16 in

}  // namespace intarsia::bench
