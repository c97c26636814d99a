// What people call rather than write: CUB's block algorithms, libcu++'s barriers, pipelines and atomics, memcpy_async.
#include <cooperative_groups.h>
#include <cooperative_groups/memcpy_async.h>
#include <cooperative_groups/scan.h>

#include <cub/cub.cuh>
#include <cuda/atomic>
#include <cuda/barrier>
#include <cuda/pipeline>
#include <cuda/std/complex>

namespace cg = cooperative_groups;

extern "C" __global__ void sort_blocks(const int* x, const float* v, int* y, float* w) {
  using Sort = cub::BlockRadixSort<int, 128, 4, float>;
  __shared__ typename Sort::TempStorage storage;
  int keys[4];
  float values[4];
  cub::LoadDirectBlocked(threadIdx.x, x + blockIdx.x * 512, keys);
  cub::LoadDirectBlocked(threadIdx.x, v + blockIdx.x * 512, values);
  Sort(storage).Sort(keys, values);
  cub::StoreDirectBlocked(threadIdx.x, y + blockIdx.x * 512, keys);
  cub::StoreDirectBlocked(threadIdx.x, w + blockIdx.x * 512, values);
}

extern "C" __global__ void scan_and_reduce(const int* x, int* sums, int* most) {
  using Scan = cub::BlockScan<int, 128, cub::BLOCK_SCAN_WARP_SCANS>;
  using Reduce = cub::BlockReduce<int, 128>;
  __shared__ union {
    typename Scan::TempStorage scan;
    typename Reduce::TempStorage reduce;
  } storage;
  const int at = blockIdx.x * 128 + threadIdx.x, value = x[at];
  int sum;
  Scan(storage.scan).InclusiveSum(value, sum);
  __syncthreads();
  const int largest = Reduce(storage.reduce).Reduce(value, cuda::maximum<>{});
  sums[at] = sum;
  if (threadIdx.x == 0) most[blockIdx.x] = largest;
}

extern "C" __global__ void pipelined(const float* x, float* y, int tiles) {
  constexpr int kStages = 2;
  __shared__ alignas(128) float buffer[kStages][128];
  __shared__ cuda::pipeline_shared_state<cuda::thread_scope_block, kStages> state;
  const auto block = cg::this_thread_block();
  auto pipeline = cuda::make_pipeline(block, &state);
  float sum = 0;
  for (int tile = 0, ahead = 0; tile < tiles; ++tile) {
    for (; ahead < tiles && ahead < tile + kStages; ++ahead) {
      pipeline.producer_acquire();
      cuda::memcpy_async(block, buffer[ahead % kStages], x + ahead * 128, cuda::aligned_size_t<16>(512), pipeline);
      pipeline.producer_commit();
    }
    pipeline.consumer_wait();
    sum = __fadd_rn(sum, __fmul_rn(buffer[tile % kStages][threadIdx.x], tile + 1));
    pipeline.consumer_release();
  }
  y[threadIdx.x] = sum;
}

extern "C" __global__ void barriers(const int* x, int* y) {
  __shared__ cuda::barrier<cuda::thread_scope_block> barrier;
  __shared__ int shared[128];
  if (threadIdx.x == 0) init(&barrier, blockDim.x);
  __syncthreads();
  int value = x[threadIdx.x];
  for (int round = 0; round < 5; ++round) {
    shared[threadIdx.x] = value;
    barrier.arrive_and_wait();
    value += shared[(threadIdx.x + 37) % 128];
    barrier.arrive_and_wait();
  }
  y[threadIdx.x] = value;
}

extern "C" __global__ void references(int* y, float* f, unsigned long long* u) {
  cuda::atomic_ref<int, cuda::thread_scope_device>(y[0]).fetch_add(threadIdx.x, cuda::memory_order_relaxed);
  cuda::atomic_ref<int, cuda::thread_scope_device>(y[1]).fetch_max(threadIdx.x * 7 % 101);
  cuda::atomic_ref<float, cuda::thread_scope_device>(f[0]).fetch_add(0.5f);
  cuda::atomic_ref<unsigned long long, cuda::thread_scope_system> power(u[0]);
  unsigned long long seen = power.load();
  while (!power.compare_exchange_weak(seen, seen * 3 + 1)) {}
}

extern "C" __global__ void tiles_of_16(const int* x, int* y) {
  const auto block = cg::this_thread_block();
  const auto tile = cg::tiled_partition<16>(block);
  const int value = x[block.thread_rank()];
  y[block.thread_rank()] = cg::inclusive_scan(tile, value);
  const auto equals = cg::labeled_partition(tile, value & 3);
  y[block.size() + block.thread_rank()] = equals.size() * 100 + equals.thread_rank();
  const auto alike = cg::binary_partition(tile, (value & 1) != 0);
  y[2 * block.size() + block.thread_rank()] = alike.shfl(value, alike.size() - 1);
}

extern "C" __global__ void complex_numbers(const float* x, float* y) {
  const cuda::std::complex<float> z(x[2 * threadIdx.x], x[2 * threadIdx.x + 1]), w = z * z / (z + 5.0f) + cuda::std::conj(z);
  y[2 * threadIdx.x] = w.real(), y[2 * threadIdx.x + 1] = w.imag();
}
