// Tensor cores on one and four bits, f64 in one shape; lop3 with a predicate.
#include <mma.h>
namespace wmma = nvcuda::wmma;
using namespace nvcuda::wmma::experimental;

extern "C" __global__ void wmma_s4(const int* a, const int* b, int* c) {
  wmma::fragment<wmma::matrix_a, 8, 8, 32, precision::s4, wmma::row_major> fa;
  wmma::fragment<wmma::matrix_b, 8, 8, 32, precision::s4, wmma::col_major> fb;
  wmma::fragment<wmma::accumulator, 8, 8, 32, int> fc;
  wmma::load_matrix_sync(fc, c, 8, wmma::mem_row_major);
  for (int k = 0; k < 2; ++k) {
    wmma::load_matrix_sync(fa, a + k * 4, 64);
    wmma::load_matrix_sync(fb, b + k * 4, 64);
    wmma::mma_sync(fc, fa, fb, fc);
  }
  wmma::store_matrix_sync(c, fc, 8, wmma::mem_row_major);
  wmma::fragment<wmma::matrix_a, 8, 8, 32, precision::u4, wmma::row_major> ua;
  wmma::fragment<wmma::matrix_b, 8, 8, 32, precision::u4, wmma::col_major> ub;
  wmma::fill_fragment(fc, 0x7FFFFF00);
  wmma::load_matrix_sync(ua, a, 32);
  wmma::load_matrix_sync(ub, b, 32);
  wmma::mma_sync(fc, ua, ub, fc, true);
  wmma::store_matrix_sync(c + 64, fc, 8, wmma::mem_col_major);
}

extern "C" __global__ void wmma_b1(const unsigned* a, const unsigned* b, int* c) {
  wmma::fragment<wmma::matrix_a, 8, 8, 128, precision::b1, wmma::row_major> fa;
  wmma::fragment<wmma::matrix_b, 8, 8, 128, precision::b1, wmma::col_major> fb;
  wmma::fragment<wmma::accumulator, 8, 8, 128, int> fc;
  wmma::fill_fragment(fc, 5);
  wmma::load_matrix_sync(fa, a, 128);
  wmma::load_matrix_sync(fb, b, 128);
  wmma::bmma_sync(fc, fa, fb, fc);
  wmma::store_matrix_sync(c, fc, 8, wmma::mem_row_major);
  wmma::bmma_sync(fc, fa, fb, fc, bmmaBitOpAND);
  wmma::store_matrix_sync(c + 64, fc, 8, wmma::mem_row_major);
}

extern "C" __global__ void mma_b1(const unsigned* x, unsigned* y) {
  const int l = threadIdx.x;
  unsigned a[4], b[2], d[4];
  for (int i = 0; i < 4; ++i) a[i] = x[l * 4 + i];
  for (int i = 0; i < 2; ++i) b[i] = x[128 + l * 2 + i];
  unsigned* out = y + l * 20;
  asm("mma.sync.aligned.m8n8k128.row.col.s32.b1.b1.s32.xor.popc {%0, %1}, {%2}, {%3}, {%4, %4};" : "=r"(d[0]), "=r"(d[1]) : "r"(a[0]), "r"(b[0]), "r"(3));
  out[0] = d[0], out[1] = d[1];
  asm("mma.sync.aligned.m8n8k128.row.col.s32.b1.b1.s32.and.popc {%0, %1}, {%2}, {%3}, {%4, %4};" : "=r"(d[0]), "=r"(d[1]) : "r"(a[0]), "r"(b[0]), "r"(3));
  out[2] = d[0], out[3] = d[1];
  asm("mma.sync.aligned.m16n8k128.row.col.s32.b1.b1.s32.xor.popc {%0, %1, %2, %3}, {%4, %5}, {%6}, {%7, %7, %7, %7};" : "=r"(d[0]), "=r"(d[1]), "=r"(d[2]), "=r"(d[3]) : "r"(a[0]), "r"(a[1]), "r"(b[0]), "r"(-7));
  for (int i = 0; i < 4; ++i) out[4 + i] = d[i];
  asm("mma.sync.aligned.m16n8k256.row.col.s32.b1.b1.s32.and.popc {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%10, %10, %10, %10};"
      : "=r"(d[0]), "=r"(d[1]), "=r"(d[2]), "=r"(d[3]) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]), "r"(0));
  for (int i = 0; i < 4; ++i) out[8 + i] = d[i];
  asm("mma.sync.aligned.m16n8k256.row.col.s32.b1.b1.s32.xor.popc {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%10, %10, %10, %10};"
      : "=r"(d[0]), "=r"(d[1]), "=r"(d[2]), "=r"(d[3]) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]), "r"(0x7FFFFFFF));
  for (int i = 0; i < 4; ++i) out[12 + i] = d[i];
  asm("mma.sync.aligned.m8n8k32.row.col.s32.s4.u4.s32 {%0, %1}, {%2}, {%3}, {%4, %4};" : "=r"(d[0]), "=r"(d[1]) : "r"(a[0]), "r"(b[0]), "r"(1));
  out[16] = d[0], out[17] = d[1];
}

extern "C" __global__ void lop3_predicate(const unsigned* x, unsigned* y, int n) {
  const int t = blockIdx.x * blockDim.x + threadIdx.x;
  if (t >= n) return;
  const unsigned a = x[t], b = x[(t + 1) % n], c = t % 3 == 0 ? 0 : ~0u;
  unsigned d, p, q;
  asm("{.reg .pred p, q; setp.ne.u32 q, %5, 0; lop3.or.b32 %0|p, %2, %3, %4, 0x80, q; selp.u32 %1, 1, 0, p;}" : "=r"(d), "=r"(p) : "r"(a), "r"(b), "r"(c), "r"(t % 2));
  asm("{.reg .pred p, q; setp.ne.u32 q, %4, 0; lop3.and.b32 _|p, %1, %2, %3, 0x96, !q; selp.u32 %0, 1, 0, p;}" : "=r"(q) : "r"(a), "r"(a), "r"(c), "r"(t % 2));
  y[t] = d, y[n + t] = p, y[2 * n + t] = q;
}
