// Cooperative groups: reductions and scans of tiles, coalesced and labelled groups; printf.
#include <cooperative_groups.h>
#include <cooperative_groups/reduce.h>
#include <cooperative_groups/scan.h>
#include <cstdio>
namespace cg = cooperative_groups;

extern "C" __global__ void group_reduce(const int* x, int* y, int n) {
  const int t = blockIdx.x * blockDim.x + threadIdx.x, v = t < n ? x[t] : 0;
  const cg::thread_block block = cg::this_thread_block();
  const auto warp = cg::tiled_partition<32>(block);
  const auto eight = cg::tiled_partition<8>(block);
  const int sum = cg::reduce(warp, v, cg::plus<int>()), least = cg::reduce(eight, v, cg::less<int>());
  const int before = cg::exclusive_scan(eight, v % 100), most = cg::inclusive_scan(warp, v, cg::greater<int>());
  int count = 0, label = 0;
  if ((v & 3) != 0) {
    const cg::coalesced_group group = cg::coalesced_threads();
    count = group.size() * 100 + group.thread_rank();
    label = cg::reduce(cg::labeled_partition(group, v & 3), 1, cg::plus<int>());
  }
  const auto odd = cg::binary_partition(eight, (v >> 4 & 1) != 0);
  const int shuffled = warp.shfl_xor(v, 5) + static_cast<int>(eight.ballot(v < 0)) + odd.num_threads();
  if (t >= n) return;
  const int all[] = {sum, least, before, most, count, label, shuffled, static_cast<int>(warp.meta_group_rank())};
  for (int i = 0; i < 8; ++i) y[i * n + t] = all[i];
}

extern "C" __global__ void prints(const int* x, int* y) {
  const int t = threadIdx.x;
  for (int i = 0; i < 8; ++i) {
    if (t == i) {
      int r = printf("thread %d of %u: %5d|%-6d|%06d|%+d|% d\n", t, blockDim.x, x[t] % 1000, t, -t, t, t);
      r += 10 * printf("%x %X %o %#x %c%c%%\n", x[t], 0xBEEF + t, t + 8, 255, 'a' + t, '!');
      r += 100 * printf("%f %.3f %10.2e %g %G %a\n", t * 0.37, x[t] / 7.0, 1e10 * t, 1e-5 * t, 1.0 * t, 1.5 * t);
      r += 1000 * printf("%lld %llu %llx %ld %hd\n", x[t] * 4294967296LL, 1ULL << (60 + t % 4), 0x123456789ABCDEFULL, -5L * t, 70000 + t);
      r += 10000 * printf("[%s] [%8s] [%-8s] [%.2s] %*d\n", t % 2 ? "odd" : "even", "right", "left", "cut", 7, t);
      r += 100000 * printf("no arguments\n");
      y[t] = r;
    }
    __syncwarp();
  }
}
