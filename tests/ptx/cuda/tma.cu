// sm_90 alone: boxes of tensors by tensor maps, in pipelines, to several blocks of a cluster, back and reduced.
#include <cuda_bf16.h>

struct alignas(64) Map {
  char bytes[128];
};

__device__ unsigned shared_address(const void* p) { return static_cast<unsigned>(__cvta_generic_to_shared(p)); }
__device__ void init(unsigned long long& barrier, unsigned count) { asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(shared_address(&barrier)), "r"(count)); }
__device__ void expect(unsigned long long& barrier, unsigned bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(shared_address(&barrier)), "r"(bytes) : "memory");
}
__device__ void arrive(unsigned long long& barrier) { asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(shared_address(&barrier)) : "memory"); }
// Gives up after a while: a wrong number of bytes becomes a wrong answer, not a kernel that hangs.
__device__ bool wait(unsigned long long& barrier, unsigned parity) {
  for (int tries = 0; tries < 1 << 22; ++tries) {
    unsigned done;
    asm volatile("{.reg .pred p; mbarrier.test_wait.parity.shared::cta.b64 p, [%1], %2; selp.u32 %0, 1, 0, p;}" : "=r"(done) : "r"(shared_address(&barrier)), "r"(parity) : "memory");
    if (done) return true;
  }
  return false;
}
__device__ void fence_barriers() { asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory"); }
__device__ void fence_copies() { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }
__device__ void commit_and_wait() {
  asm volatile("cp.async.bulk.commit_group;");
  asm volatile("cp.async.bulk.wait_group 0;" ::: "memory");
}
__device__ void load_2d(void* to, const Map* map, int x, int y, unsigned long long& barrier) {
  asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3}], [%4];" ::"r"(shared_address(to)), "l"(map), "r"(x), "r"(y),
               "r"(shared_address(&barrier)) : "memory");
}
__device__ void store_2d(const Map* map, int x, int y, const void* from) {
  asm volatile("cp.async.bulk.tensor.2d.global.shared::cta.tile.bulk_group [%0, {%1, %2}], [%3];" ::"l"(map), "r"(x), "r"(y), "r"(shared_address(from)) : "memory");
}

// What a box of `rank` dimensions at (x, y, z, v, w) looks like in shared memory.
__device__ void dump(const Map* map, unsigned* out, int words, int bytes, int rank, int x, int y, int z, int v, int w) {
  extern __shared__ __align__(1024) unsigned box[];
  __shared__ __align__(8) unsigned long long full;
  const int t = threadIdx.x;
  for (int i = t; i < words; i += blockDim.x) box[i] = 0xABABABAB;
  if (t == 0) init(full, 1), fence_barriers();
  fence_copies();
  __syncthreads();
  const unsigned to = shared_address(box), barrier = shared_address(&full);
  if (t == 0) {
    expect(full, bytes);
    if (rank == 1) asm volatile("cp.async.bulk.tensor.1d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, {%2}], [%3];" ::"r"(to), "l"(map), "r"(x), "r"(barrier) : "memory");
    if (rank == 2) load_2d(box, map, x, y, full);
    if (rank == 3)
      asm volatile("cp.async.bulk.tensor.3d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3, %4}], [%5];" ::"r"(to), "l"(map), "r"(x), "r"(y), "r"(z), "r"(barrier) : "memory");
    if (rank == 4)
      asm volatile("cp.async.bulk.tensor.4d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3, %4, %5}], [%6];" ::"r"(to), "l"(map), "r"(x), "r"(y), "r"(z), "r"(v), "r"(barrier)
                   : "memory");
    if (rank == 5)
      asm volatile("cp.async.bulk.tensor.5d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3, %4, %5, %6}], [%7];" ::"r"(to), "l"(map), "r"(x), "r"(y), "r"(z), "r"(v), "r"(w),
                   "r"(barrier) : "memory");
  }
  const bool came = wait(full, 0);
  __syncthreads();
  for (int i = t; i < words; i += blockDim.x) out[i] = box[i];
  if (t == 0) out[words] = came;
}
extern "C" __global__ void tma_dump(const __grid_constant__ Map map, unsigned* out, int words, int bytes, int rank, int x, int y, int z, int v, int w) {
  dump(&map, out, words, bytes, rank, x, y, z, v, w);
}
// The map through a pointer.
extern "C" __global__ void tma_dump_global(const Map* map, unsigned* out, int words, int bytes, int rank, int x, int y, int z, int v, int w) {
  asm volatile("prefetch.tensormap [%0];" ::"l"(map));
  asm volatile("fence.proxy.tensormap::generic.acquire.sys [%0], 128;" ::"l"(map) : "memory");
  dump(map, out, words, bytes, rank, x, y, z, v, w);
}

// A tile through shared memory with 128 bytes of swizzle, transposed by the threads, and out by another map.
extern "C" __global__ void tma_transpose(const __grid_constant__ Map from, const __grid_constant__ Map to) {
  __shared__ __align__(1024) float in[32][32], out[32][32];
  __shared__ __align__(8) unsigned long long full;
  const int t = threadIdx.x, x = blockIdx.x * 32, y = blockIdx.y * 32;
  if (t == 0) init(full, 1), fence_barriers();
  __syncthreads();
  if (t == 0) expect(full, sizeof in), load_2d(in, &from, x, y, full);
  wait(full, 0);
  for (int i = t; i < 1024; i += blockDim.x) {
    const int row = i / 32, column = i % 32;
    out[column][(row / 4 ^ column % 8) * 4 + row % 4] = in[row][(column / 4 ^ row % 8) * 4 + column % 4];
  }
  fence_copies();
  __syncthreads();
  if (t == 0) store_2d(&to, y, x, out), commit_and_wait();
}

// Reductions into a tensor: each block adds, then takes minima.
template <class T>
__device__ void reduce_boxes(const Map* sums, const Map* least, T scale) {
  __shared__ __align__(128) T box[8][32];
  const int t = threadIdx.x;
  for (int i = t; i < 256; i += blockDim.x) box[i / 32][i % 32] = static_cast<T>(i % 37 - 5 + static_cast<int>(blockIdx.x)) * scale;
  fence_copies();
  __syncthreads();
  if (t == 0) {
    asm volatile("cp.reduce.async.bulk.tensor.2d.global.shared::cta.add.tile.bulk_group [%0, {%1, %2}], [%3];" ::"l"(sums), "r"(28), "r"(2), "r"(shared_address(box)) : "memory");
    if (least != nullptr)
      asm volatile("cp.reduce.async.bulk.tensor.2d.global.shared::cta.min.tile.bulk_group [%0, {%1, %2}], [%3];" ::"l"(least), "r"(8), "r"(6), "r"(shared_address(box)) : "memory");
    commit_and_wait();
  }
}
extern "C" __global__ void tma_reduce(const __grid_constant__ Map sums, const __grid_constant__ Map least, const __grid_constant__ Map floats) {
  reduce_boxes<int>(&sums, &least, 3);
  __syncthreads();
  reduce_boxes<float>(&floats, nullptr, 0.25f);
}

// cp.reduce.async.bulk without a tensor map, to global memory and to shared memory, which a GPU does only in a cluster.
extern "C" __global__ void __cluster_dims__(1, 1, 1) bulk_reduce(int* sums, unsigned* bits, float* floats, __nv_bfloat16* halves, unsigned* out) {
  __shared__ __align__(128) int numbers[64];
  __shared__ __align__(128) float reals[64];
  __shared__ __align__(128) __nv_bfloat16 narrow[64];
  __shared__ __align__(128) unsigned target[64];
  __shared__ __align__(8) unsigned long long full;
  const int t = threadIdx.x;
  numbers[t] = t * 7 - 100;
  reals[t] = t * 0.5f;
  narrow[t] = __float2bfloat16(t * 0.25f);
  target[t] = t % 5;
  if (t == 0) init(full, 1), fence_barriers();
  fence_copies();
  __syncthreads();
  if (t == 0) {
    asm volatile("cp.reduce.async.bulk.global.shared::cta.bulk_group.add.s32 [%0], [%1], 256;" ::"l"(sums), "r"(shared_address(numbers)) : "memory");
    asm volatile("cp.reduce.async.bulk.global.shared::cta.bulk_group.max.s32 [%0], [%1], 256;" ::"l"(sums + 64), "r"(shared_address(numbers)) : "memory");
    asm volatile("cp.reduce.async.bulk.global.shared::cta.bulk_group.xor.b32 [%0], [%1], 256;" ::"l"(bits), "r"(shared_address(numbers)) : "memory");
    asm volatile("cp.reduce.async.bulk.global.shared::cta.bulk_group.inc.u32 [%0], [%1], 256;" ::"l"(bits + 64), "r"(shared_address(numbers)) : "memory");
    asm volatile("cp.reduce.async.bulk.global.shared::cta.bulk_group.add.f32 [%0], [%1], 256;" ::"l"(floats), "r"(shared_address(reals)) : "memory");
    asm volatile("cp.reduce.async.bulk.global.shared::cta.bulk_group.add.noftz.bf16 [%0], [%1], 128;" ::"l"(halves), "r"(shared_address(narrow)) : "memory");
    asm volatile("cp.reduce.async.bulk.global.shared::cta.bulk_group.min.bf16 [%0], [%1], 128;" ::"l"(halves + 64), "r"(shared_address(narrow)) : "memory");
    commit_and_wait();
    expect(full, 256);
    asm volatile("cp.reduce.async.bulk.shared::cluster.shared::cta.mbarrier::complete_tx::bytes.add.u32 [%0], [%1], 256, [%2];" ::"r"(shared_address(target)), "r"(shared_address(numbers)),
                 "r"(shared_address(&full)) : "memory");
  }
  wait(full, 0);
  out[t] = target[t];
}

// Both blocks of a cluster get the rows that either asked for; then they write into each other's memory.
extern "C" __global__ void __cluster_dims__(2, 1, 1) tma_multicast(const __grid_constant__ Map map, const int* x, int* y) {
  __shared__ __align__(1024) int rows[2][8][32];
  __shared__ __align__(16) int copied[2][32], sent[64], counts[4];
  __shared__ __align__(8) unsigned long long full, later;
  const int t = threadIdx.x;
  unsigned rank;
  asm("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
  if (t == 0) init(full, 1), init(later, 1), fence_barriers();
  if (t < 4) counts[t] = 1000 * t;
  __syncthreads();
  if (t == 0) {
    expect(full, sizeof rows + sizeof copied);
    expect(later, 64 * 4 + 32 * 4);
  }
  asm volatile("barrier.cluster.arrive.aligned;\nbarrier.cluster.wait.aligned;" ::: "memory");
  if (t == 0) {
    const unsigned short both = 3;
    asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes.multicast::cluster [%0], [%1, {%2, %3}], [%4], %5;" ::"r"(shared_address(rows[rank])), "l"(&map),
                 "r"(static_cast<int>(blockIdx.x / 2) * 32), "r"(static_cast<int>(rank) * 8), "r"(shared_address(&full)), "h"(both) : "memory");
    asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.multicast::cluster [%0], [%1], 128, [%2], %3;" ::"r"(shared_address(copied[rank])), "l"(x + 32 * blockIdx.x),
                 "r"(shared_address(&full)), "h"(both) : "memory");
  }
  unsigned other, signal, count;
  asm("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(other) : "r"(shared_address(&sent[t])), "r"(rank ^ 1));
  asm("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(count) : "r"(shared_address(&counts[t % 4])), "r"(rank ^ 1));
  asm("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(signal) : "r"(shared_address(&later)), "r"(rank ^ 1));
  if (t < 32)
    asm volatile("st.async.shared::cluster.mbarrier::complete_tx::bytes.u32 [%0], %1, [%2];" ::"r"(other), "r"(t * 3 + 100 * blockIdx.x), "r"(signal) : "memory");
  else if (t < 48)
    asm volatile("st.async.shared::cluster.mbarrier::complete_tx::bytes.v2.b32 [%0], {%1, %2}, [%3];" ::"r"(other + (t - 32) * 4), "r"(t), "r"(-t), "r"(signal) : "memory");
  if (t < 32) asm volatile("red.async.relaxed.cluster.shared::cluster.mbarrier::complete_tx::bytes.add.u32 [%0], %1, [%2];" ::"r"(count), "r"(t), "r"(signal) : "memory");
  wait(full, 0);
  wait(later, 0);
  int sum = sent[t] + copied[t / 32][t % 32];
  for (int r = 0; r < 16; ++r) {
    const int chunk = t % 32 / 4 ^ r % 8;  // 128 bytes of swizzle
    sum += (r + 1) * rows[r / 8][r % 8][chunk * 4 + t % 4];
  }
  y[blockIdx.x * 64 + t] = sum + (t < 4 ? counts[t] : 0);
  asm volatile("barrier.cluster.arrive.aligned;\nbarrier.cluster.wait.aligned;" ::: "memory");
}

__device__ unsigned long long descriptor(unsigned address, unsigned leading, unsigned stride, unsigned swizzle) {
  return static_cast<unsigned long long>((address & 0x3FFFF) >> 4) | static_cast<unsigned long long>(leading >> 4) << 16 | static_cast<unsigned long long>(stride >> 4) << 32 |
         static_cast<unsigned long long>(swizzle) << 62;
}

// C = A B', 128 x 64 a block: warps 0-3 ask for tiles, warps 4-11 multiply them; three stages; C leaves by a map.
extern "C" __global__ void __launch_bounds__(384, 1) tma_matmul(const __grid_constant__ Map a, const __grid_constant__ Map b, const __grid_constant__ Map c, int k_extent) {
  extern __shared__ __align__(1024) unsigned char tiles[];
  __shared__ __align__(8) unsigned long long full[3], empty[3];
  constexpr int kA = 128 * 64 * 2, kB = 64 * 64 * 2, kStage = kA + kB;
  float* result = reinterpret_cast<float*>(tiles + 3 * kStage);
  const int t = threadIdx.x, group = t / 128, steps = (k_extent + 63) / 64, row = blockIdx.y * 128, column = blockIdx.x * 64;
  if (t == 0) {
    for (int s = 0; s < 3; ++s) init(full[s], 1), init(empty[s], 2);
    fence_barriers();
  }
  __syncthreads();
  if (group == 0) {
    asm volatile("setmaxnreg.dec.sync.aligned.u32 40;");
    if (t == 0)
      for (int i = 0; i < steps; ++i) {
        const int s = i % 3;
        wait(empty[s], (i / 3 & 1) ^ 1);
        expect(full[s], kStage);
        load_2d(tiles + s * kStage, &a, i * 64, row, full[s]);
        load_2d(tiles + s * kStage + kA, &b, i * 64, column, full[s]);
      }
    return;
  }
  asm volatile("setmaxnreg.inc.sync.aligned.u32 200;");
  float d[32];
  for (int i = 0; i < steps; ++i) {
    const int s = i % 3;
    wait(full[s], i / 3 & 1);
    const unsigned at = shared_address(tiles + s * kStage);
    asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
    for (int k = 0; k < 4; ++k) {
      const unsigned long long da = descriptor(at + (group - 1) * 64 * 128 + k * 32, 16, 1024, 1), db = descriptor(at + kA + k * 32, 16, 1024, 1);
      asm volatile(
          "{.reg .pred p; setp.ne.b32 p, %34, 0;\n"
          "wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 {%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, "
          "%30, %31}, %32, %33, p, 1, 1, 0, 0;}"
          : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]), "+f"(d[8]), "+f"(d[9]), "+f"(d[10]), "+f"(d[11]), "+f"(d[12]), "+f"(d[13]), "+f"(d[14]),
            "+f"(d[15]), "+f"(d[16]), "+f"(d[17]), "+f"(d[18]), "+f"(d[19]), "+f"(d[20]), "+f"(d[21]), "+f"(d[22]), "+f"(d[23]), "+f"(d[24]), "+f"(d[25]), "+f"(d[26]), "+f"(d[27]), "+f"(d[28]),
            "+f"(d[29]), "+f"(d[30]), "+f"(d[31])
          : "l"(da), "l"(db), "r"(i + k));
    }
    asm volatile("wgmma.commit_group.sync.aligned;\nwgmma.wait_group.sync.aligned 0;" ::: "memory");
    if (t % 128 == 0) arrive(empty[s]);
  }
  const int lane = t % 32, warp = t % 128 / 32;
  float* mine = result + (group - 1) * 64 * 64;  // two boxes of 32 columns
  for (int j = 0; j < 32; ++j) {
    const int r = warp * 16 + lane / 4 + 8 * (j / 2 % 2), col = j / 4 * 8 + lane % 4 * 2 + j % 2;
    mine[col / 32 * 64 * 32 + r * 32 + (col % 32 / 4 ^ r % 8) * 4 + col % 4] = d[j];
  }
  fence_copies();
  asm volatile("bar.sync %0, 128;" ::"r"(group));
  if (t % 128 == 0) {
    store_2d(&c, column, row + (group - 1) * 64, mine);
    store_2d(&c, column + 32, row + (group - 1) * 64, mine + 64 * 32);
    commit_and_wait();
  }
}

// An epilogue in two stages: a tile is written while the one before it leaves; one thread begins the copies and waits for their sources.
extern "C" __global__ void tma_stages(const __grid_constant__ Map to, int tiles) {
  __shared__ __align__(128) float stage[2][8][32];
  const int t = threadIdx.x;
  for (int i = 0; i < tiles; ++i) {
    if (t == 0) asm volatile("cp.async.bulk.wait_group.read 1;" ::: "memory");
    __syncthreads();
    for (int e = t; e < 256; e += blockDim.x) stage[i % 2][e / 32][e % 32] = e * 0.5f + i * 1000 + blockIdx.x * 0.25f;
    fence_copies();
    __syncthreads();
    if (t == 0) {
      store_2d(&to, blockIdx.x * 32, i * 8, stage[i % 2]);
      asm volatile("cp.async.bulk.commit_group;");
    }
  }
  if (t == 0) asm volatile("cp.async.bulk.wait_group.read 0;" ::: "memory");
}

// Four warps write matrices and hand them over at mbarriers, four others multiply them; nobody meets at a barrier in between.
extern "C" __global__ void wgmma_relay(const unsigned* x, float* y, int rounds) {
  __shared__ __align__(128) unsigned a[2][512], b[2][64];  // 64 x 16 and 8 x 16 f16 in core matrices of 128 bytes
  __shared__ __align__(8) unsigned long long full[2], empty[2];
  const int t = threadIdx.x;
  if (t == 0) {
    for (int s = 0; s < 2; ++s) init(full[s], 128), init(empty[s], 4);
    fence_barriers();
  }
  __syncthreads();
  if (t >= 128) {
    for (int i = 0; i < rounds; ++i) {
      const int s = i % 2, w = t - 128;
      wait(empty[s], (i / 2 & 1) ^ 1);
      for (int k = 0; k < 4; ++k) a[s][k * 128 + w] = x[i * 576 + k * 128 + w];
      if (w < 64) b[s][w] = x[i * 576 + 512 + w];
      fence_copies();
      arrive(full[s]);
    }
    return;
  }
  float d[4];
  for (int i = 0; i < rounds; ++i) {
    const int s = i % 2;
    wait(full[s], i / 2 & 1);
    asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
    asm volatile("{.reg .pred p; setp.ne.b32 p, %6, 0;\nwgmma.mma_async.sync.aligned.m64n8k16.f32.f16.f16 {%0, %1, %2, %3}, %4, %5, p, 1, 1, 0, 0;}"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                 : "l"(descriptor(shared_address(a[s]), 128, 256, 0)), "l"(descriptor(shared_address(b[s]), 128, 256, 0)), "r"(i));
    asm volatile("wgmma.commit_group.sync.aligned;\nwgmma.wait_group.sync.aligned 0;" ::: "memory");
    __syncwarp();
    if (t % 32 == 0) arrive(empty[s]);
  }
  for (int j = 0; j < 4; ++j) y[j * 128 + t] = d[j];
}
