// f16, bf16 and fp8.
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_fp8.h>

extern "C" __global__ void half_math(const __half* x, const __half* z, __half* y, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  const __half a = x[i], b = z[i];
  __half* out = y + i * 8;
  out[0] = __hadd(a, b);
  out[1] = __hmul(a, b);
  out[2] = __hfma(a, b, a);
  out[3] = __hmax(a, b);
  out[4] = __hmin_nan(a, b);
  out[5] = __float2half_rz(__half2float(a) * 1.001f);
  out[6] = __hlt(a, b) ? __hneg(a) : __habs(b);
  out[7] = __hadd_sat(a, b);
}

extern "C" __global__ void half2_math(const __half2* x, const __half2* z, __half2* y, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  const __half2 a = x[i], b = z[i];
  y[i * 4] = __hfma2(a, b, b);
  y[i * 4 + 1] = __hmax2(__hadd2_rn(a, b), __hmul2_rn(a, b));
  y[i * 4 + 2] = __hsub2_rn(a, b);
  y[i * 4 + 3] = __hfma2_relu(a, b, a);
}

extern "C" __global__ void bfloat_math(const __nv_bfloat16* x, const __nv_bfloat16* z, __nv_bfloat16* y, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  const __nv_bfloat16 a = x[i], b = z[i];
  __nv_bfloat16* out = y + i * 8;
  out[0] = __hadd(a, b);
  out[1] = __hmul(a, b);
  out[2] = __hfma(a, b, a);
  out[3] = __hmax(a, b);
  out[4] = __float2bfloat16_rz(__bfloat162float(a) * 1.001f);
  out[5] = __float2bfloat16(__bfloat162float(a) * 1.001f);
  out[6] = __hgt(a, b) ? a : b;
  out[7] = __double2bfloat16(static_cast<double>(__bfloat162float(a)) * 1.0009765625);
}

extern "C" __global__ void fp8_round_trip(const float* x, unsigned char* codes, float* y, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  const __nv_fp8_e4m3 a(x[i]);
  const __nv_fp8_e5m2 b(x[i]);
  codes[2 * i] = a.__x;
  codes[2 * i + 1] = b.__x;
  y[2 * i] = static_cast<float>(a);
  y[2 * i + 1] = static_cast<float>(b);
}
