// What bench/ptx.cpp launches. kernels.ptx is what nvcc made of it:
//     nvcc -ptx -arch=sm_80 -lineinfo kernels.cu -o kernels.ptx
#include <cuda_fp16.h>

#include <cstdint>

extern "C" __global__ void add_one(const float* x, float* y, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = x[i] + 1.0f;
}

struct Sum {
  __device__ float operator()(float a, float b) const { return a + b; }
  static constexpr float kZero = 0;
};
struct Max {
  __device__ float operator()(float a, float b) const { return fmaxf(a, b); }
  static constexpr float kZero = -INFINITY;
};

// Over 256 threads; every thread gets the result.
template <class F>
__device__ float reduce(float v, float* shared) {
  for (int d = 16; d > 0; d /= 2) v = F{}(v, __shfl_xor_sync(~0u, v, d));
  __syncthreads();
  if (threadIdx.x % 32 == 0) shared[threadIdx.x / 32] = v;
  __syncthreads();
  v = threadIdx.x % 32 < 8 ? shared[threadIdx.x % 32] : F::kZero;
  for (int d = 4; d > 0; d /= 2) v = F{}(v, __shfl_xor_sync(~0u, v, d));
  return __shfl_sync(~0u, v, 0);
}

// A block per row of 1024.
extern "C" __global__ void softmax(const float* x, float* y) {
  __shared__ float shared[8];
  const float* row = x + blockIdx.x * 1024;
  float v[4], most = -INFINITY, total = 0;
  for (int i = 0; i < 4; ++i) most = fmaxf(most, v[i] = row[threadIdx.x + 256 * i]);
  most = reduce<Max>(most, shared);
  for (int i = 0; i < 4; ++i) total += v[i] = expf(v[i] - most);
  total = reduce<Sum>(total, shared);
  for (int i = 0; i < 4; ++i) y[blockIdx.x * 1024 + threadIdx.x + 256 * i] = v[i] / total;
}

extern "C" __global__ void layer_norm(const float4* x, const float4* weight, const float4* bias, float4* y) {
  __shared__ float shared[8];
  const float4 v = x[blockIdx.x * 256 + threadIdx.x];
  const float mean = reduce<Sum>(v.x + v.y + v.z + v.w, shared) * (1.0f / 1024);
  const float4 d = {v.x - mean, v.y - mean, v.z - mean, v.w - mean};
  const float variance = reduce<Sum>(d.x * d.x + d.y * d.y + d.z * d.z + d.w * d.w, shared) * (1.0f / 1024);
  const float scale = rsqrtf(variance + 1e-5f);
  const float4 w = weight[threadIdx.x], b = bias[threadIdx.x];
  y[blockIdx.x * 256 + threadIdx.x] = {d.x * scale * w.x + b.x, d.y * scale * w.y + b.y, d.z * scale * w.z + b.z,
                                       d.w * scale * w.w + b.w};
}

extern "C" __global__ void tiled_matmul(const float* a, const float* b, float* c, int n) {
  __shared__ float left[16][16], right[16][16];
  const int tx = threadIdx.x, ty = threadIdx.y, row = blockIdx.y * 16 + ty, column = blockIdx.x * 16 + tx;
  float sum = 0;
  for (int at = 0; at < n; at += 16) {
    left[ty][tx] = a[row * n + at + tx];
    right[ty][tx] = b[(at + ty) * n + column];
    __syncthreads();
    for (int k = 0; k < 16; ++k) sum += left[ty][k] * right[k][tx];
    __syncthreads();
  }
  c[row * n + column] = sum;
}

// 64 x 64 of C = A B by four warps, each 32 x 32; rows of the tiles are padded so that ldmatrix meets no bank twice.
extern "C" __global__ void mma_matmul(const __half* a, const __half* b, float* c, int n) {
  __shared__ __align__(16) __half left[64][40], right[32][72];
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, wr = warp / 2 * 32, wc = warp % 2 * 32;
  float sum[2][4][4] = {};
  for (int at = 0; at < n; at += 32) {
    for (int i = threadIdx.x; i < 256; i += 128) {
      *reinterpret_cast<uint4*>(&left[i / 4][i % 4 * 8]) =
          *reinterpret_cast<const uint4*>(a + (blockIdx.y * 64 + i / 4) * n + at + i % 4 * 8);
      *reinterpret_cast<uint4*>(&right[i / 8][i % 8 * 8]) =
          *reinterpret_cast<const uint4*>(b + (at + i / 8) * n + blockIdx.x * 64 + i % 8 * 8);
    }
    __syncthreads();
    for (int k = 0; k < 32; k += 16) {
      uint32_t x[2][4], w[4][2];
      for (int i = 0; i < 2; ++i) {
        const auto p = static_cast<uint32_t>(__cvta_generic_to_shared(&left[wr + 16 * i + lane % 16][k + lane / 16 * 8]));
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                     : "=r"(x[i][0]), "=r"(x[i][1]), "=r"(x[i][2]), "=r"(x[i][3]) : "r"(p) : "memory");
      }
      for (int j = 0; j < 4; ++j) {
        const auto p = static_cast<uint32_t>(__cvta_generic_to_shared(&right[k + lane % 16][wc + 8 * j]));
        asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0, %1}, [%2];"
                     : "=r"(w[j][0]), "=r"(w[j][1]) : "r"(p) : "memory");
      }
      for (int i = 0; i < 2; ++i)
        for (int j = 0; j < 4; ++j)
          asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                       : "+f"(sum[i][j][0]), "+f"(sum[i][j][1]), "+f"(sum[i][j][2]), "+f"(sum[i][j][3])
                       : "r"(x[i][0]), "r"(x[i][1]), "r"(x[i][2]), "r"(x[i][3]), "r"(w[j][0]), "r"(w[j][1]));
    }
    __syncthreads();
  }
  for (int i = 0; i < 2; ++i)
    for (int j = 0; j < 4; ++j)
      for (int h = 0; h < 2; ++h) {
        const int row = blockIdx.y * 64 + wr + 16 * i + lane / 4 + 8 * h, column = blockIdx.x * 64 + wc + 8 * j + lane % 4 * 2;
        *reinterpret_cast<float2*>(c + row * n + column) = {sum[i][j][2 * h], sum[i][j][2 * h + 1]};
      }
}
