// Copies that arrive at an mbarrier, memory taken from the stack, a barrier of the whole grid, packing to few bits.
#include <cooperative_groups.h>
namespace cg = cooperative_groups;

__device__ unsigned shared_address(const void* p) { return static_cast<unsigned>(__cvta_generic_to_shared(p)); }

// cp.async by all threads; the phase of a barrier ends when all copies have come. Three tiles, each with its barrier.
extern "C" __global__ void async_arrive(const int* x, int* y) {
  __shared__ __align__(16) int buffer[3][64 * 4];
  __shared__ __align__(8) unsigned long long full[3];
  const int t = threadIdx.x;
  if (t < 3) asm volatile("mbarrier.init.shared.b64 [%0], 64;" ::"r"(shared_address(&full[t])));
  __syncthreads();
  unsigned long long token[3];
  for (int i = 0; i < 3; ++i) {
    const unsigned to = shared_address(&buffer[i][t * 4]), barrier = shared_address(&full[i]);
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(to), "l"(x + i * 256 + t * 4) : "memory");
    if (i < 2) asm volatile("cp.async.mbarrier.arrive.shared.b64 [%0];" ::"r"(barrier) : "memory");  // counts itself
    asm volatile("mbarrier.arrive.shared.b64 %0, [%1];" : "=l"(token[i]) : "r"(barrier) : "memory");
    if (i == 2) asm volatile("cp.async.wait_all;" ::: "memory");
  }
  int sum = 0;
  for (int i = 0; i < 3; ++i) {
    unsigned done = 0;
    for (int tries = 0; tries < 1 << 20 && !done; ++tries)
      asm volatile("{.reg .pred p; mbarrier.test_wait.shared.b64 p, [%1], %2; selp.u32 %0, 1, 0, p;}" : "=r"(done) : "r"(shared_address(&full[i])), "l"(token[i]) : "memory");
    if (i == 2) __syncthreads();
    sum += (i + 1) * buffer[i][(t * 7 + i) % 256] + static_cast<int>(done);
  }
  y[t] = sum;
}
extern "C" __global__ void async_arrive_alone(const int* x, int* y) {
  __shared__ __align__(16) int buffer[64 * 4];
  __shared__ __align__(8) unsigned long long full;
  const int t = threadIdx.x;
  if (t == 0) asm volatile("mbarrier.init.shared.b64 [%0], 64;" ::"r"(shared_address(&full)));
  __syncthreads();
  asm volatile("cp.async.ca.shared.global [%0], [%1], 8;" ::"r"(shared_address(&buffer[t * 4])), "l"(x + t * 4) : "memory");
  asm volatile("cp.async.ca.shared.global [%0], [%1], 8;" ::"r"(shared_address(&buffer[t * 4 + 2])), "l"(x + t * 4 + 2) : "memory");
  asm volatile("cp.async.mbarrier.arrive.noinc.shared.b64 [%0];" ::"r"(shared_address(&full)) : "memory");
  unsigned done = 0;
  for (int tries = 0; tries < 1 << 20 && !done; ++tries)
    asm volatile("{.reg .pred p; mbarrier.test_wait.parity.shared.b64 p, [%1], 0; selp.u32 %0, 1, 0, p;}" : "=r"(done) : "r"(shared_address(&full)) : "memory");
  y[t] = buffer[(t * 5 + 3) % 256] + static_cast<int>(done);
}

// Stack memory of a size known when it runs.
extern "C" __global__ void stack_memory(const int* x, int* y, int n) {
  const int t = threadIdx.x, count = t % 7 + 1;
  int sum = 0;
  for (int round = 0; round < 3; ++round) {
    int* kept = static_cast<int*>(alloca(count * sizeof(int)));
    for (int i = 0; i < count; ++i) kept[i] = x[(t + i * round) % n];
    for (int i = 0; i < count; ++i) sum += kept[count - 1 - i] * (i + 1);
  }
  y[t] = sum;
}

// All blocks wait for all.
extern "C" __global__ void grid_barrier(const int* x, int* y, int* scratch) {
  const cg::grid_group grid = cg::this_grid();
  const unsigned long long i = grid.thread_rank(), n = grid.size();
  scratch[i] = x[i] * 3;
  grid.sync();
  const int other = scratch[n - 1 - i];
  grid.sync();
  scratch[i] = other + 1;
  grid.sync();
  y[i] = scratch[(i + 100) % n] + static_cast<int>(grid.num_blocks());
}

extern "C" __global__ void pack_bits(const int* x, const int* z, int* y, int n) {
  const int t = blockIdx.x * blockDim.x + threadIdx.x;
  if (t >= n) return;
  const int a = x[t] >> (t % 28), b = z[t] >> (t % 27), c = x[(t + 1) % n];
  int d;
  asm("cvt.pack.sat.u8.s32.b32 %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(b), "r"(c));
  y[t] = d;
  asm("cvt.pack.sat.u4.s32.b32 %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(b), "r"(c));
  y[n + t] = d;
  asm("cvt.pack.sat.s4.s32.b32 %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(b), "r"(c));
  y[2 * n + t] = d;
  asm("cvt.pack.sat.u2.s32.b32 %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(b), "r"(c));
  y[3 * n + t] = d;
  asm("cvt.pack.sat.s2.s32.b32 %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(b), "r"(c));
  y[4 * n + t] = d;
  asm("mad24.hi.sat.s32 %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(b), "r"(c));
  y[5 * n + t] = d;
}
