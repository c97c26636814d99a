// Shuffles, votes, matches, reductions of a warp.
#include <cooperative_groups.h>
#include <cooperative_groups/reduce.h>
namespace cg = cooperative_groups;

extern "C" __global__ void warp_sum(const float* x, float* y, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  float v = i < n ? x[i] : 0.0f;
  for (int d = 16; d > 0; d >>= 1) v += __shfl_xor_sync(0xffffffffu, v, d);
  if ((threadIdx.x & 31) == 0) y[i / 32] = v;
}

extern "C" __global__ void warp_scan(const int* x, int* y, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x, lane = threadIdx.x & 31;
  int v = i < n ? x[i] : 0;
  for (int d = 1; d < 32; d <<= 1) {
    const int other = __shfl_up_sync(0xffffffffu, v, d);
    if (lane >= d) v += other;
  }
  const int more = __shfl_sync(0xffffffffu, v, lane / 8, 8) + __shfl_down_sync(0xffffffffu, v, 3, 16);
  if (i < n) y[i] = v + more;
}

extern "C" __global__ void votes(const int* x, unsigned* y, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  const int v = i < n ? x[i] & 7 : 9;
  unsigned* out = y + (i < n ? i : 0) * 8;
  const unsigned ballot = __ballot_sync(0xffffffffu, v > 3);
  const int any = __any_sync(0xffffffffu, v == 0), all = __all_sync(0xffffffffu, v < 10);
  const unsigned same = __match_any_sync(0xffffffffu, v);
  int agree = 0;
  const unsigned everyone = __match_all_sync(0xffffffffu, v >> 3, &agree);
  const unsigned sum = __reduce_add_sync(0xffffffffu, v), most = __reduce_max_sync(0xffffffffu, v), bits = __reduce_or_sync(0xffffffffu, v);
  if (i >= n) return;
  out[0] = ballot;
  out[1] = any + 2 * all + 4 * agree;
  out[2] = same;
  out[3] = everyone;
  out[4] = sum;
  out[5] = most;
  out[6] = bits;
  out[7] = __activemask();
}

// Lanes leave a loop one by one and meet again.
extern "C" __global__ void divergent_loop(const int* x, int* y, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  int steps = 0;
  unsigned v = i < n ? x[i] & 1023 : 1;
  while (v > 1) {
    v = (v & 1) ? 3 * v + 1 : v / 2;
    ++steps;
  }
  const int most = __reduce_max_sync(0xffffffffu, steps);
  if (i < n) y[i] = steps * 1000 + most;
}

extern "C" __global__ void tiles(const int* x, int* y, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  const auto tile = cg::tiled_partition<8>(cg::this_thread_block());
  const int v = i < n ? x[i] & 255 : 0;
  const int sum = cg::reduce(tile, v, cg::plus<int>()), first = tile.shfl(v, 0);
  if (i < n) y[i] = sum * 256 + first;
}
