// sm_90 alone (not compiled for sm_80): mbarriers, bulk copies, clusters, warp specialisation.
#include <cooperative_groups.h>
#include <cuda/barrier>
#include <cuda_fp8.h>
namespace cg = cooperative_groups;

__device__ unsigned shared_address(const void* p) { return static_cast<unsigned>(__cvta_generic_to_shared(p)); }

__device__ void wait_parity(unsigned barrier, unsigned parity) {
  asm volatile("{\n.reg .pred p;\nLOOP: mbarrier.try_wait.parity.shared::cta.b64 p, [%0], %1;\n@p bra DONE;\nbra LOOP;\nDONE:\n}" ::"r"(barrier), "r"(parity) : "memory");
}

// One thread asks for rows, all add them up.
extern "C" __global__ void bulk_copy(const float* x, float* y, int rows) {
  __shared__ __align__(128) float row[2][128];
  __shared__ __align__(8) unsigned long long full[2];
  const int t = threadIdx.x;
  if (t == 0) {
    asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;" ::"r"(shared_address(&full[0])));
    asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;" ::"r"(shared_address(&full[1])));
    asm volatile("fence.mbarrier_init.release.cluster;");
  }
  __syncthreads();
  const auto ask = [&](int r) {
    const unsigned barrier = shared_address(&full[r % 2]);
    asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], 512;" ::"r"(barrier) : "memory");
    asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], 512, [%2];" ::"r"(shared_address(row[r % 2])), "l"(x + r * 128),
                 "r"(barrier) : "memory");
  };
  if (t == 0) ask(0);
  float sum = 0;
  for (int r = 0; r < rows; ++r) {
    if (t == 0 && r + 1 < rows) ask(r + 1);
    wait_parity(shared_address(&full[r % 2]), r / 2 % 2);
    sum += row[r % 2][t];
    __syncthreads();
  }
  row[0][t] = sum;
  asm volatile("fence.proxy.async.shared::cta;");
  __syncthreads();
  if (t == 0) {
    asm volatile("cp.async.bulk.global.shared::cta.bulk_group [%0], [%1], 512;" ::"l"(y), "r"(shared_address(row[0])) : "memory");
    asm volatile("cp.async.bulk.commit_group;");
    asm volatile("cp.async.bulk.wait_group 0;" ::: "memory");
  }
}

// A producer warp and consumer warps that meet at mbarriers and named barriers.
extern "C" __global__ void producer_consumer(const int* x, int* y, int n) {
  __shared__ int buffer[64];
  __shared__ __align__(8) unsigned long long full, empty;
  const int t = threadIdx.x;
  if (t == 0) {
    asm volatile("mbarrier.init.shared::cta.b64 [%0], 32;" ::"r"(shared_address(&full)));
    asm volatile("mbarrier.init.shared::cta.b64 [%0], 64;" ::"r"(shared_address(&empty)));
  }
  __syncthreads();
  if (t < 32) {
    asm volatile("setmaxnreg.dec.sync.aligned.u32 24;");
    for (int i = 0; i * 64 < n; ++i) {
      if (i > 0) wait_parity(shared_address(&empty), (i - 1) % 2);
      buffer[t] = x[i * 64 + t];
      buffer[t + 32] = x[i * 64 + t + 32];
      asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(shared_address(&full)) : "memory");
    }
  } else {
    int sum = 0;
    for (int i = 0; i * 64 < n; ++i) {
      wait_parity(shared_address(&full), i % 2);
      sum += buffer[t - 32] * (i + 1);
      asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(shared_address(&empty)) : "memory");
    }
    asm volatile("bar.sync 1, 64;");
    y[t - 32] = sum;
  }
}

// Blocks of a cluster read each other's shared memory.
extern "C" __global__ void __cluster_dims__(2, 1, 1) cluster_sum(const int* x, int* y) {
  __shared__ int part[64];
  cg::cluster_group cluster = cg::this_cluster();
  const int t = threadIdx.x;
  part[t] = x[blockIdx.x * 64 + t];
  cluster.sync();
  const int* other = cluster.map_shared_rank(part, cluster.block_rank() ^ 1);
  const int sum = part[t] + 2 * other[63 - t];
  atomicAdd(cluster.map_shared_rank(&part[0], 0), 0);
  cluster.sync();
  y[blockIdx.x * 64 + t] = sum + 1000 * cluster.block_rank() + 10000 * cluster.num_blocks();
}

// cuda::barrier, as libcu++ writes it.
extern "C" __global__ void library_barrier(const int* x, int* y, int n) {
  __shared__ cuda::barrier<cuda::thread_scope_block> barrier;
  __shared__ int part[128];
  if (threadIdx.x == 0) init(&barrier, blockDim.x);
  __syncthreads();
  part[threadIdx.x] = x[threadIdx.x];
  barrier.arrive_and_wait();
  y[threadIdx.x] = part[(threadIdx.x + 1) % blockDim.x];
}

extern "C" __global__ void fp8_mma(const unsigned* a, const unsigned* b, float* c) {
  const int l = threadIdx.x;
  float d[4];
  asm("mma.sync.aligned.m16n8k32.row.col.f32.e4m3.e4m3.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%10,%10,%10,%10};"
      : "=f"(d[0]), "=f"(d[1]), "=f"(d[2]), "=f"(d[3]) : "r"(a[l * 4]), "r"(a[l * 4 + 1]), "r"(a[l * 4 + 2]), "r"(a[l * 4 + 3]), "r"(b[l * 2]), "r"(b[l * 2 + 1]), "f"(0.25f));
  for (int i = 0; i < 4; ++i) c[l * 8 + i] = d[i];
  asm("mma.sync.aligned.m16n8k32.row.col.f32.e5m2.e4m3.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%10,%10,%10,%10};"
      : "=f"(d[0]), "=f"(d[1]), "=f"(d[2]), "=f"(d[3]) : "r"(a[l * 4]), "r"(a[l * 4 + 1]), "r"(a[l * 4 + 2]), "r"(a[l * 4 + 3]), "r"(b[l * 2]), "r"(b[l * 2 + 1]), "f"(0.0f));
  for (int i = 0; i < 4; ++i) c[l * 8 + 4 + i] = d[i];
}
