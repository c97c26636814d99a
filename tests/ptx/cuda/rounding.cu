// Directed rounding, saturation, conversions, minima and maxima at their edges.
extern "C" __global__ void rounding_f32(const float* x, const float* z, float* y, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  const float a = x[i], b = z[i];
  float* out = y + i * 16;
  out[0] = __fadd_rz(a, b);
  out[1] = __fadd_rd(a, b);
  out[2] = __fadd_ru(a, b);
  out[3] = __fmul_rz(a, b);
  out[4] = __fmul_rd(a, b);
  out[5] = __fmul_ru(a, b);
  out[6] = __fdiv_rz(a, b);
  out[7] = __fdiv_ru(a, b);
  out[8] = __fsqrt_rd(fabsf(a));
  out[9] = __frcp_ru(b);
  out[10] = __fmaf_rz(a, b, a);
  out[11] = __fmaf_rd(a, b, b);
  out[12] = __saturatef(a);
  out[13] = fminf(a, b);
  out[14] = fmaxf(a, b);
  out[15] = __fadd_rn(__fmul_rn(a, b), a);
}

extern "C" __global__ void rounding_f64(const double* x, const double* z, double* y, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  const double a = x[i], b = z[i];
  double* out = y + i * 8;
  out[0] = __dadd_rz(a, b);
  out[1] = __dadd_ru(a, b);
  out[2] = __dmul_rd(a, b);
  out[3] = __ddiv_rz(a, b);
  out[4] = __dsqrt_ru(fabs(a));
  out[5] = __fma_rd(a, b, a);
  out[6] = fmin(a, b);
  out[7] = static_cast<double>(__double2float_rz(a)) + __drcp_rn(b);
}

extern "C" __global__ void conversions(const float* x, const double* z, long long* y, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  const float f = x[i];
  const double d = z[i];
  long long* out = y + i * 16;
  out[0] = __float2int_rn(f);
  out[1] = __float2int_rz(f);
  out[2] = __float2int_rd(f);
  out[3] = __float2int_ru(f);
  out[4] = __float2uint_rz(f);
  out[5] = __float2ll_rn(f);
  out[6] = static_cast<long long>(__float2ull_rz(f));
  out[7] = __double2int_rn(d);
  out[8] = __double2ll_rd(d);
  out[9] = static_cast<long long>(__double2ull_ru(d));
  out[10] = __float_as_int(__int2float_rn(static_cast<int>(d)));
  out[11] = __float_as_int(__ll2float_rz(static_cast<long long>(d) * 1000003));
  out[12] = __float_as_int(__double2float_rn(d));
  out[13] = __float_as_int(__double2float_ru(d));
  out[14] = __double_as_longlong(__ll2double_rd(static_cast<long long>(d) * 9007199254740993));
  out[15] = static_cast<signed char>(f) + static_cast<unsigned short>(static_cast<int>(f));
}
