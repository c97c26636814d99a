// Shared memory, barriers, atomics.
extern "C" __global__ void block_sum(const float* x, float* y, int n) {
  __shared__ float part[256];
  const int t = threadIdx.x, i = blockIdx.x * blockDim.x + t;
  part[t] = i < n ? x[i] : 0.0f;
  __syncthreads();
  for (int d = 128; d > 0; d >>= 1) {
    if (t < d) part[t] += part[t + d];
    __syncthreads();
  }
  if (t == 0) y[blockIdx.x] = part[0];
}

extern "C" __global__ void block_scan(const int* x, int* y, int n) {
  extern __shared__ int buffer[];
  const int t = threadIdx.x, i = blockIdx.x * blockDim.x + t;
  int at = 0;
  buffer[t] = i < n ? x[i] : 0;
  __syncthreads();
  for (int d = 1; d < blockDim.x; d <<= 1) {
    buffer[(1 - at) * blockDim.x + t] = buffer[at * blockDim.x + t] + (t >= d ? buffer[at * blockDim.x + t - d] : 0);
    at = 1 - at;
    __syncthreads();
  }
  if (i < n) y[i] = buffer[at * blockDim.x + t];
}

extern "C" __global__ void histogram(const int* x, unsigned* bins, int n) {
  __shared__ unsigned local[64];
  if (threadIdx.x < 64) local[threadIdx.x] = 0;
  __syncthreads();
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) atomicAdd(&local[x[i] & 63], 1u);
  __syncthreads();
  if (threadIdx.x < 64) atomicAdd(&bins[threadIdx.x], local[threadIdx.x]);
}

extern "C" __global__ void transpose(const float* x, float* y, int rows, int cols) {
  __shared__ float tile[32][33];
  int c = blockIdx.x * 32 + threadIdx.x, r = blockIdx.y * 32 + threadIdx.y;
  for (int k = 0; k < 32; k += 8)
    if (r + k < rows && c < cols) tile[threadIdx.y + k][threadIdx.x] = x[(r + k) * cols + c];
  __syncthreads();
  c = blockIdx.y * 32 + threadIdx.x;
  r = blockIdx.x * 32 + threadIdx.y;
  for (int k = 0; k < 32; k += 8)
    if (r + k < cols && c < rows) y[(r + k) * rows + c] = tile[threadIdx.x][threadIdx.y + k];
}

extern "C" __global__ void matmul_tiled(const float* a, const float* b, float* c, int n) {
  __shared__ float ta[16][16], tb[16][16];
  const int x = threadIdx.x, y = threadIdx.y, col = blockIdx.x * 16 + x, row = blockIdx.y * 16 + y;
  float sum = 0;
  for (int k = 0; k < n; k += 16) {
    ta[y][x] = row < n && k + x < n ? a[row * n + k + x] : 0.0f;
    tb[y][x] = col < n && k + y < n ? b[(k + y) * n + col] : 0.0f;
    __syncthreads();
    for (int j = 0; j < 16; ++j) sum = fmaf(ta[y][j], tb[j][x], sum);
    __syncthreads();
  }
  if (row < n && col < n) c[row * n + col] = sum;
}

// The last block to come sums what all wrote.
__device__ unsigned blocks_done = 0;
extern "C" __global__ void grid_sum(const int* x, int* partial, int* y, int n) {
  __shared__ int sum;
  __shared__ bool last;
  if (threadIdx.x == 0) sum = 0;
  __syncthreads();
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) atomicAdd(&sum, x[i] & 0xffff);
  __syncthreads();
  if (threadIdx.x == 0) {
    partial[blockIdx.x] = sum;
    __threadfence();
    last = atomicInc(&blocks_done, gridDim.x - 1) == gridDim.x - 1;
  }
  __syncthreads();
  if (last && threadIdx.x == 0) {
    int all = 0;
    for (unsigned b = 0; b < gridDim.x; ++b) all += reinterpret_cast<volatile int*>(partial)[b];
    *y = all;
  }
}

extern "C" __global__ void atomics(const int* x, int* y, unsigned long long* wide, double* real, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  const int v = x[i];
  atomicMin(&y[0], v);
  atomicMax(&y[1], v);
  atomicAnd(&y[2], v | 0xff);
  atomicOr(&y[3], v & 0xff00);
  atomicXor(&y[4], v);
  atomicSub(&y[5], v & 15);
  atomicAdd(&wide[0], static_cast<unsigned long long>(v));
  atomicMax(&wide[1], static_cast<unsigned long long>(static_cast<unsigned>(v)));
  atomicAdd(&real[0], static_cast<double>(v & 1023));
  int old = y[6], seen;
  do {
    seen = old;
    old = atomicCAS(&y[6], seen, seen + (v & 3));
  } while (old != seen);
}
