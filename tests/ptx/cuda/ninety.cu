// sm_90 alone: f64 products of every shape, atomics on vectors.
#include <cuda_fp16.h>

extern "C" __global__ void mma_f64(const double* x, double* y) {
  const int l = threadIdx.x;
  double a[8], b[4], d[4];
  for (int i = 0; i < 8; ++i) a[i] = x[l * 8 + i];
  for (int i = 0; i < 4; ++i) b[i] = x[256 + l * 4 + i], d[i] = x[384 + l * 4 + i];
  asm("mma.sync.aligned.m16n8k4.row.col.f64.f64.f64.f64 {%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};" : "+d"(d[0]), "+d"(d[1]), "+d"(d[2]), "+d"(d[3]) : "d"(a[0]), "d"(a[1]), "d"(b[0]));
  for (int i = 0; i < 4; ++i) y[l * 12 + i] = d[i];
  asm("mma.sync.aligned.m16n8k8.row.col.f64.f64.f64.f64 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+d"(d[0]), "+d"(d[1]), "+d"(d[2]), "+d"(d[3]) : "d"(a[0]), "d"(a[1]), "d"(a[2]), "d"(a[3]), "d"(b[0]), "d"(b[1]));
  for (int i = 0; i < 4; ++i) y[l * 12 + 4 + i] = d[i];
  asm("mma.sync.aligned.m16n8k16.row.col.f64.f64.f64.f64 {%0, %1, %2, %3}, {%4, %5, %6, %7, %8, %9, %10, %11}, {%12, %13, %14, %15}, {%0, %1, %2, %3};"
      : "+d"(d[0]), "+d"(d[1]), "+d"(d[2]), "+d"(d[3])
      : "d"(a[0]), "d"(a[1]), "d"(a[2]), "d"(a[3]), "d"(a[4]), "d"(a[5]), "d"(a[6]), "d"(a[7]), "d"(b[0]), "d"(b[1]), "d"(b[2]), "d"(b[3]));
  for (int i = 0; i < 4; ++i) y[l * 12 + 8 + i] = d[i];
}

// Each thread has a vector of its own, so that the order of additions does not matter.
extern "C" __global__ void vector_atomics(float* f, unsigned* h, const float* x, float* old, unsigned* words) {
  const int t = threadIdx.x;
  const float a = x[t], b = x[t + 64], c = x[t + 128], d = x[t + 192];
  float o[4];
  asm volatile("atom.global.add.v4.f32 {%0, %1, %2, %3}, [%4], {%5, %6, %7, %8};" : "=f"(o[0]), "=f"(o[1]), "=f"(o[2]), "=f"(o[3]) : "l"(f + 4 * t), "f"(a), "f"(b), "f"(c), "f"(d) : "memory");
  for (int i = 0; i < 4; ++i) old[t * 6 + i] = o[i];
  asm volatile("red.global.add.v2.f32 [%0], {%1, %2};" ::"l"(f + 4 * t + 2), "f"(b), "f"(a) : "memory");
  asm volatile("atom.relaxed.gpu.global.add.v2.f32 {%0, %1}, [%2], {%3, %4};" : "=f"(o[0]), "=f"(o[1]) : "l"(f + 4 * t), "f"(d), "f"(c) : "memory");
  for (int i = 0; i < 2; ++i) old[t * 6 + 4 + i] = o[i];
  unsigned* p = h + t * 12;
  const __half ha = __float2half(a), hb = __float2half(b);
  const unsigned short sa = __half_as_ushort(ha), sb = __half_as_ushort(hb);
  asm volatile("red.global.add.noftz.v8.f16 [%0], {%1, %2, %1, %2, %1, %2, %2, %1};" ::"l"(p), "h"(sa), "h"(sb) : "memory");
  asm volatile("red.global.max.noftz.v4.bf16 [%0], {%1, %2, %1, %2};" ::"l"(p + 4), "h"(sa), "h"(sb) : "memory");
  asm volatile("red.global.min.noftz.v2.f16x2 [%0], {%1, %2};" ::"l"(p + 6), "r"(sa | sb << 16), "r"(sb | sb << 16) : "memory");
  unsigned q[4];
  asm volatile("atom.global.add.noftz.v4.bf16x2 {%0, %1, %2, %3}, [%4], {%5, %6, %5, %6};" : "=r"(q[0]), "=r"(q[1]), "=r"(q[2]), "=r"(q[3]) : "l"(p + 8), "r"(sa | sb << 16), "r"(sb | sa << 16) : "memory");
  unsigned short s[2];
  asm volatile("atom.global.min.noftz.v2.f16 {%0, %1}, [%2], {%3, %4};" : "=h"(s[0]), "=h"(s[1]) : "l"(p + 6), "h"(sa), "h"(sb) : "memory");
  for (int i = 0; i < 4; ++i) words[t * 5 + i] = q[i];
  words[t * 5 + 4] = s[0] | s[1] << 16;
}

// f8 products in the shapes that are not m16n8k32 to f32.
extern "C" __global__ void mma_f8(const unsigned* x, unsigned* y) {
  const int l = threadIdx.x;
  unsigned a[4], b[2], d[4] = {};
  for (int i = 0; i < 4; ++i) a[i] = x[l * 4 + i] & 0xFAFAFAFA;  // no NaN of either format
  for (int i = 0; i < 2; ++i) b[i] = x[128 + l * 2 + i] & 0xFAFAFAFA;
  asm("mma.sync.aligned.m16n8k16.row.col.f32.e4m3.e5m2.f32 {%0, %1, %2, %3}, {%4, %5}, {%6}, {%7, %7, %7, %7};" : "=r"(d[0]), "=r"(d[1]), "=r"(d[2]), "=r"(d[3]) : "r"(a[0]), "r"(a[1]), "r"(b[0]), "r"(0x3F000000));
  for (int i = 0; i < 4; ++i) y[l * 12 + i] = d[i];
  asm("mma.sync.aligned.m16n8k32.row.col.f16.e4m3.e4m3.f16 {%0, %1}, {%2, %3, %4, %5}, {%6, %7}, {%8, %8};" : "=r"(d[0]), "=r"(d[1]) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]), "r"(0x3C00BC00));
  y[l * 12 + 4] = d[0], y[l * 12 + 5] = d[1];
  asm("mma.sync.aligned.m16n8k16.row.col.f16.e5m2.e4m3.f16 {%0, %1}, {%2, %3}, {%4}, {%5, %5};" : "=r"(d[0]), "=r"(d[1]) : "r"(a[0]), "r"(a[1]), "r"(b[0]), "r"(0));
  y[l * 12 + 6] = d[0], y[l * 12 + 7] = d[1];
  asm("mma.sync.aligned.m16n8k32.row.col.f32.e5m2.e5m2.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%10, %10, %10, %10};"
      : "=r"(d[0]), "=r"(d[1]), "=r"(d[2]), "=r"(d[3]) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]), "r"(0x80000000));
  for (int i = 0; i < 4; ++i) y[l * 12 + 8 + i] = d[i];
}

// Products of what lay outside a tensor count as nothing: 0x7FF7 of either sign.
extern "C" __global__ void fma_outside(const unsigned* x, unsigned* y, int n) {
  const int t = blockIdx.x * blockDim.x + threadIdx.x;
  if (t >= n) return;
  const unsigned nans[] = {0x7FF77FF7, 0x7FFF7FFF, 0xFFF7FFF7, 0x7E007FF7, 0x7FF77FC0, 0x7F817F81};
  const unsigned a = t % 4 == 0 ? nans[t / 4 % 6] : x[t], b = t % 4 == 1 ? nans[t / 4 % 6] : x[(t + 1) % n], c = t % 4 == 2 ? nans[t / 4 % 6] : x[(t + 2) % n];
  unsigned d[4];
  asm("fma.rn.oob.f16x2 %0, %1, %2, %3;" : "=r"(d[0]) : "r"(a), "r"(b), "r"(c));
  asm("fma.rn.oob.relu.f16x2 %0, %1, %2, %3;" : "=r"(d[1]) : "r"(a), "r"(b), "r"(c));
  asm("fma.rn.oob.bf16x2 %0, %1, %2, %3;" : "=r"(d[2]) : "r"(a), "r"(b), "r"(c));
  asm("fma.rn.oob.relu.bf16x2 %0, %1, %2, %3;" : "=r"(d[3]) : "r"(a), "r"(b), "r"(c));
  for (int i = 0; i < 4; ++i) y[i * n + t] = d[i];
}

// 128 bits at once, in global and shared memory.
extern "C" __global__ void wide(const ulonglong2* x, ulonglong2* y) {
  __shared__ __align__(16) ulonglong2 tile[64];
  const int t = threadIdx.x;
  const unsigned at = static_cast<unsigned>(__cvta_generic_to_shared(&tile[t])), first = static_cast<unsigned>(__cvta_generic_to_shared(&tile[0]));
  ulonglong2 a, b;
  unsigned won;
  asm volatile("{.reg .b128 v; ld.global.nc.b128 v, [%2]; st.shared.b128 [%3], v; mov.b128 {%0, %1}, v;}" : "=l"(a.x), "=l"(a.y) : "l"(x + t), "r"(at) : "memory");
  __syncthreads();
  // Counts up to 64 in both halves of one cell, and the other way from 0 in another.
  for (bool done = false; !done;) {
    asm volatile(
        "{.reg .b128 v, w, old; ld.relaxed.gpu.global.b128 v, [%3]; .reg .b64 l, h; mov.b128 {l, h}, v; add.u64 l, l, 1; sub.u64 h, h, 1; mov.b128 w, {l, h};\n"
        "atom.relaxed.gpu.global.cas.b128 old, [%3], v, w; mov.b128 {%0, %1}, old; mov.b128 {l, h}, v; .reg .pred p; setp.eq.u64 p, l, %0; selp.u32 %2, 1, 0, p;}"
        : "=l"(b.x), "=l"(b.y), "=r"(won) : "l"(y + 128) : "memory");
    done = won != 0;
  }
  if (t == 0)
    asm volatile("{.reg .b128 v, w; ld.shared.b128 v, [%2+16]; atom.shared.exch.b128 w, [%3], v; mov.b128 {%0, %1}, w;}" : "=l"(b.x), "=l"(b.y) : "r"(at), "r"(first) : "memory");
  else
    b = a;
  __syncthreads();
  asm volatile("{.reg .b128 v; ld.shared.b128 v, [%0]; st.global.b128 [%1], v;}" ::"r"(at), "l"(y + t) : "memory");
  y[64 + t] = b;
}
