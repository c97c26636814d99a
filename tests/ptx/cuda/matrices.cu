// Tensor cores through mma.sync and wmma, ldmatrix, and cp.async pipelines.
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <mma.h>
namespace wmma = nvcuda::wmma;

extern "C" __global__ void wmma_f16(const __half* a, const __half* b, float* c) {
  wmma::fragment<wmma::matrix_a, 16, 16, 16, __half, wmma::row_major> fa;
  wmma::fragment<wmma::matrix_b, 16, 16, 16, __half, wmma::col_major> fb;
  wmma::fragment<wmma::accumulator, 16, 16, 16, float> fc;
  wmma::fill_fragment(fc, 0.0f);
  for (int k = 0; k < 64; k += 16) {
    wmma::load_matrix_sync(fa, a + k, 64);
    wmma::load_matrix_sync(fb, b + k, 64);
    wmma::mma_sync(fc, fa, fb, fc);
  }
  for (int i = 0; i < fc.num_elements; ++i) fc.x[i] = fmaxf(fc.x[i], -2.0f);
  wmma::store_matrix_sync(c, fc, 16, wmma::mem_row_major);
}

extern "C" __global__ void wmma_s8(const signed char* a, const signed char* b, int* c) {
  wmma::fragment<wmma::matrix_a, 32, 8, 16, signed char, wmma::row_major> fa;
  wmma::fragment<wmma::matrix_b, 32, 8, 16, signed char, wmma::row_major> fb;
  wmma::fragment<wmma::accumulator, 32, 8, 16, int> fc;
  wmma::fill_fragment(fc, 3);
  wmma::load_matrix_sync(fa, a, 16);
  wmma::load_matrix_sync(fb, b, 16);
  wmma::mma_sync(fc, fa, fb, fc);
  wmma::store_matrix_sync(c, fc, 16, wmma::mem_row_major);
}

// D of every kind of mma, one lane's registers after another.
extern "C" __global__ void mma_kinds(const unsigned* x, const unsigned* h, const double* f, unsigned* y, double* yd) {
  const int l = threadIdx.x;
  unsigned a[4], b[2], d[4];
  for (int i = 0; i < 4; ++i) a[i] = h[l * 4 + i];
  for (int i = 0; i < 2; ++i) b[i] = h[128 + l * 2 + i];
  asm("mma.sync.aligned.m16n8k16.row.col.f16.f16.f16.f16 {%0,%1}, {%2,%3,%4,%5}, {%6,%7}, {%8,%9};"
      : "=r"(d[0]), "=r"(d[1]) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]), "r"(a[1]), "r"(a[2]));
  y[l * 24] = d[0], y[l * 24 + 1] = d[1];
  asm("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5}, {%6}, {%7,%7,%7,%7};"
      : "=r"(d[0]), "=r"(d[1]), "=r"(d[2]), "=r"(d[3]) : "r"(a[0]), "r"(a[1]), "r"(b[0]), "r"(0));
  for (int i = 0; i < 4; ++i) y[l * 24 + 2 + i] = d[i];
  for (int i = 0; i < 4; ++i) a[i] = x[l * 4 + i];
  for (int i = 0; i < 2; ++i) b[i] = x[128 + l * 2 + i];
  asm("mma.sync.aligned.m16n8k16.row.col.s32.u8.s8.s32 {%0,%1,%2,%3}, {%4,%5}, {%6}, {%7,%7,%7,%7};"
      : "=r"(d[0]), "=r"(d[1]), "=r"(d[2]), "=r"(d[3]) : "r"(a[0]), "r"(a[1]), "r"(b[0]), "r"(7));
  for (int i = 0; i < 4; ++i) y[l * 24 + 6 + i] = d[i];
  asm("mma.sync.aligned.m16n8k64.row.col.satfinite.s32.s4.u4.s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%10,%10,%10,%10};"
      : "=r"(d[0]), "=r"(d[1]), "=r"(d[2]), "=r"(d[3]) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]), "r"(0x7fffff00));
  for (int i = 0; i < 4; ++i) y[l * 24 + 10 + i] = d[i];
  asm("mma.sync.aligned.m8n8k16.row.col.s32.s8.s8.s32 {%0,%1}, {%2}, {%3}, {%4,%4};" : "=r"(d[0]), "=r"(d[1]) : "r"(a[0]), "r"(b[0]), "r"(1));
  y[l * 24 + 14] = d[0], y[l * 24 + 15] = d[1];
  double e0, e1;
  asm("mma.sync.aligned.m8n8k4.row.col.f64.f64.f64.f64 {%0,%1}, {%2}, {%3}, {%4,%4};" : "=d"(e0), "=d"(e1) : "d"(f[l]), "d"(f[32 + l]), "d"(f[64 + l]));
  yd[l * 2] = e0, yd[l * 2 + 1] = e1;
  asm("movmatrix.sync.aligned.m8n8.trans.b16 %0, %1;" : "=r"(d[0]) : "r"(a[0]));
  y[l * 24 + 16] = d[0];
}

// 64 x 64 x 64, four warps, ldmatrix from shared memory that cp.async fills two stages ahead.
extern "C" __global__ void pipeline(const __nv_bfloat16* a, const __nv_bfloat16* b, float* c) {
  __shared__ __align__(16) __nv_bfloat16 sa[2][64][24], sb[2][16][72];
  const int t = threadIdx.x, warp = t / 32, lane = t % 32;
  float acc[8][4] = {};
  const auto load = [&](int stage, int k) {
    const int row = t / 2, part = t % 2 * 8;
    unsigned to = static_cast<unsigned>(__cvta_generic_to_shared(&sa[stage][row][part]));
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(to), "l"(a + row * 64 + k + part));
    const int kr = t / 8, kc = t % 8 * 8;
    to = static_cast<unsigned>(__cvta_generic_to_shared(&sb[stage][kr][kc]));
    asm volatile("cp.async.ca.shared.global [%0], [%1], 16;" ::"r"(to), "l"(b + (k + kr) * 64 + kc));
    asm volatile("cp.async.commit_group;");
  };
  load(0, 0);
  for (int k = 0; k < 64; k += 16) {
    const int stage = k / 16 % 2;
    if (k + 16 < 64) {
      load(1 - stage, k + 16);
      asm volatile("cp.async.wait_group 1;");
    } else {
      asm volatile("cp.async.wait_group 0;");
    }
    __syncthreads();
    unsigned fa[4];
    unsigned from = static_cast<unsigned>(__cvta_generic_to_shared(&sa[stage][warp * 16 + lane % 16][lane / 16 * 8]));
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];" : "=r"(fa[0]), "=r"(fa[1]), "=r"(fa[2]), "=r"(fa[3]) : "r"(from));
    for (int j = 0; j < 8; ++j) {
      unsigned fb[2];
      from = static_cast<unsigned>(__cvta_generic_to_shared(&sb[stage][lane % 16][j * 8]));
      asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0,%1}, [%2];" : "=r"(fb[0]), "=r"(fb[1]) : "r"(from));
      asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                   : "+f"(acc[j][0]), "+f"(acc[j][1]), "+f"(acc[j][2]), "+f"(acc[j][3]) : "r"(fa[0]), "r"(fa[1]), "r"(fa[2]), "r"(fa[3]), "r"(fb[0]), "r"(fb[1]));
    }
    __syncthreads();
  }
  for (int j = 0; j < 8; ++j)
    for (int i = 0; i < 4; ++i) c[(warp * 16 + lane / 4 + i / 2 * 8) * 64 + j * 8 + lane % 4 * 2 + i % 2] = acc[j][i];
}
