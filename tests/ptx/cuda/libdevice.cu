// Functions of CUDA's math library, as the compiler inlines them.
extern "C" __global__ void functions_f32(const float* x, float* y, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  const float v = x[i], p = fabsf(v) + 0.5f;
  float* out = y + i * 16;
  out[0] = logf(p);
  out[1] = log2f(p);
  out[2] = log1pf(p);
  out[3] = sinf(v);
  out[4] = cosf(v);
  out[5] = sqrtf(p);
  out[6] = v / p;
  out[7] = 1.0f / p;
  out[8] = expf(v);
  out[9] = tanhf(v);
  out[10] = powf(p, v);
  out[11] = atan2f(v, p);
  out[12] = rsqrtf(p);
  out[13] = cbrtf(v);
  out[14] = fmodf(v, 0.7f);
  out[15] = roundf(v) + rintf(v) + floorf(v) + ceilf(v) + truncf(v);
}

extern "C" __global__ void functions_f64(const double* x, double* y, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  const double v = x[i], p = fabs(v) + 0.5;
  double* out = y + i * 8;
  out[0] = exp(v);
  out[1] = log(p);
  out[2] = sin(v);
  out[3] = sqrt(p);
  out[4] = v / p;
  out[5] = fma(v, v, p);
  out[6] = pow(p, v);
  out[7] = tanh(v);
}
