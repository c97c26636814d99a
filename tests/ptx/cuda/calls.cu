// Calls, recursion, function pointers, local memory, printf, assert.
#include <cassert>
#include <cstdio>

__device__ __noinline__ int fibonacci(int n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }

extern "C" __global__ void recursion(const int* x, int* y, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = fibonacci(x[i] & 7);
}

__device__ __noinline__ float twice(float v) { return v * 2; }
__device__ __noinline__ float square(float v) { return v * v; }
__device__ __noinline__ float negate(float v) { return -v; }
typedef float (*Function)(float);
__device__ Function functions[3] = {twice, square, negate};

extern "C" __global__ void pointers(const float* x, float* y, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = functions[i % 3](x[i]);
}

struct Pair { double first; int second; float third; };
__device__ __noinline__ Pair swap_parts(Pair p, int k) {
  Pair out;
  out.first = p.third + k;
  out.second = p.second ^ k;
  out.third = static_cast<float>(p.first);
  return out;
}
extern "C" __global__ void structs(const float* x, double* y, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  Pair p = {x[i], i, 2.0f * x[i]};
  p = swap_parts(p, 5);
  y[3 * i] = p.first;
  y[3 * i + 1] = p.second;
  y[3 * i + 2] = p.third;
}

extern "C" __global__ void local_array(const int* x, int* y, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  int sorted[8];
  for (int k = 0; k < 8; ++k) sorted[k] = x[(i + k * 7) % n];
  for (int a = 0; a < 8; ++a)
    for (int b = 0; b + 1 < 8 - a; ++b)
      if (sorted[b] > sorted[b + 1]) {
        const int t = sorted[b];
        sorted[b] = sorted[b + 1];
        sorted[b + 1] = t;
      }
  y[i] = sorted[(x[i] & 0x7fffffff) % 8];
}

__constant__ float table[8] = {1, 2, 4, 8, 16, 32, 64, 128};
extern "C" __global__ void constants(const int* x, float* y, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = table[x[i] & 7] + table[3];
}

extern "C" __global__ void switches(const int* x, int* y, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  int v = x[i];
  switch (v & 7) {
    case 0: v += 11; break;
    case 1: v *= 3; break;
    case 2: v ^= 0x55; break;
    case 3: v = v / 7; break;
    case 4: v -= 1000; break;
    case 5: v = ~v; break;
    default: v = v << 2;
  }
  y[i] = v;
}

extern "C" __global__ void prints(const int* x, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) printf("thread %d of %u: %5d %.3f %s %llx\n", i, blockDim.x, x[i] & 255, x[i] * 0.5, i % 2 ? "odd" : "even", 0x123456789aull + i);
}

extern "C" __global__ void asserts(const int* x, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) assert(x[i] >= 0 && "no negatives");
}
