// sm_90 alone: wgmma of every type, with every swizzle, from registers and from shared memory. Operands are
// whatever lies in shared memory: only where the instruction finds its elements matters.
#include <cstdint>

__device__ unsigned shared_address(const void* p) { return static_cast<unsigned>(__cvta_generic_to_shared(p)); }
__device__ unsigned long long descriptor(unsigned address, unsigned leading, unsigned stride, unsigned swizzle) {
  return static_cast<unsigned long long>((address & 0x3FFFF) >> 4) | static_cast<unsigned long long>(leading >> 4) << 16 | static_cast<unsigned long long>(stride >> 4) << 32 |
         static_cast<unsigned long long>(swizzle) << 62;
}
__device__ void begin() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
__device__ void end() { asm volatile("wgmma.commit_group.sync.aligned;\nwgmma.wait_group.sync.aligned 0;" ::: "memory"); }

// 32 KiB: A in the first half, B in the second.
__device__ void fill(uint32_t* tile, const uint32_t* x, uint32_t mask) {
  for (int i = threadIdx.x; i < 8192; i += 128) tile[i] = x[i] & mask;
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
  __syncthreads();
}
template <class T, int n>
__device__ void keep(T* out, int which, const T (&d)[n]) {
  for (int i = 0; i < n; ++i) out[(which * 128 + threadIdx.x) * n + i] = d[i];
}

__device__ void bf16_rows(float (&d)[8], unsigned long long a, unsigned long long b, int add) {
  asm volatile("{.reg .pred p; setp.ne.b32 p, %10, 0;\nwgmma.mma_async.sync.aligned.m64n16k16.f32.bf16.bf16 {%0, %1, %2, %3, %4, %5, %6, %7}, %8, %9, p, 1, 1, 0, 0;}" : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]) : "l"(a), "l"(b), "r"(add));
}
__device__ void bf16_columns(float (&d)[8], unsigned long long a, unsigned long long b, int add) {
  asm volatile("{.reg .pred p; setp.ne.b32 p, %10, 0;\nwgmma.mma_async.sync.aligned.m64n16k16.f32.bf16.bf16 {%0, %1, %2, %3, %4, %5, %6, %7}, %8, %9, p, 1, 1, 1, 1;}" : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]) : "l"(a), "l"(b), "r"(add));
}
__device__ void bf16_mixed(float (&d)[8], unsigned long long a, unsigned long long b, int add) {
  asm volatile("{.reg .pred p; setp.ne.b32 p, %10, 0;\nwgmma.mma_async.sync.aligned.m64n16k16.f32.bf16.bf16 {%0, %1, %2, %3, %4, %5, %6, %7}, %8, %9, p, -1, 1, 1, 0;}" : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]) : "l"(a), "l"(b), "r"(add));
}
__device__ void bf16_registers(float (&d)[8], const unsigned (&a)[4], unsigned long long b, int add) {
  asm volatile("{.reg .pred p; setp.ne.b32 p, %13, 0;\nwgmma.mma_async.sync.aligned.m64n16k16.f32.bf16.bf16 {%0, %1, %2, %3, %4, %5, %6, %7}, {%8, %9, %10, %11}, %12, p, 1, 1, 1;}" : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(add));
}
__device__ void f16_wide(float (&d)[8], unsigned long long a, unsigned long long b, int add) {
  asm volatile("{.reg .pred p; setp.ne.b32 p, %10, 0;\nwgmma.mma_async.sync.aligned.m64n16k16.f32.f16.f16 {%0, %1, %2, %3, %4, %5, %6, %7}, %8, %9, p, 1, -1, 0, 0;}" : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]) : "l"(a), "l"(b), "r"(add));
}
__device__ void f16_narrow(unsigned (&d)[4], unsigned long long a, unsigned long long b, int add) {
  asm volatile("{.reg .pred p; setp.ne.b32 p, %6, 0;\nwgmma.mma_async.sync.aligned.m64n16k16.f16.f16.f16 {%0, %1, %2, %3}, %4, %5, p, 1, 1, 0, 0;}" : "+r"(d[0]), "+r"(d[1]), "+r"(d[2]), "+r"(d[3]) : "l"(a), "l"(b), "r"(add));
}
__device__ void tf32_rows(float (&d)[8], unsigned long long a, unsigned long long b, int add) {
  asm volatile("{.reg .pred p; setp.ne.b32 p, %10, 0;\nwgmma.mma_async.sync.aligned.m64n16k8.f32.tf32.tf32 {%0, %1, %2, %3, %4, %5, %6, %7}, %8, %9, p, 1, 1;}" : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]) : "l"(a), "l"(b), "r"(add));
}
__device__ void tf32_registers(float (&d)[8], const unsigned (&a)[4], unsigned long long b, int add) {
  asm volatile("{.reg .pred p; setp.ne.b32 p, %13, 0;\nwgmma.mma_async.sync.aligned.m64n16k8.f32.tf32.tf32 {%0, %1, %2, %3, %4, %5, %6, %7}, {%8, %9, %10, %11}, %12, p, 1, 1;}" : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(add));
}
__device__ void e4m3_e4m3(float (&d)[8], unsigned long long a, unsigned long long b, int add) {
  asm volatile("{.reg .pred p; setp.ne.b32 p, %10, 0;\nwgmma.mma_async.sync.aligned.m64n16k32.f32.e4m3.e4m3 {%0, %1, %2, %3, %4, %5, %6, %7}, %8, %9, p, 1, 1;}" : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]) : "l"(a), "l"(b), "r"(add));
}
__device__ void e4m3_e5m2(float (&d)[8], unsigned long long a, unsigned long long b, int add) {
  asm volatile("{.reg .pred p; setp.ne.b32 p, %10, 0;\nwgmma.mma_async.sync.aligned.m64n16k32.f32.e4m3.e5m2 {%0, %1, %2, %3, %4, %5, %6, %7}, %8, %9, p, 1, 1;}" : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]) : "l"(a), "l"(b), "r"(add));
}
__device__ void e5m2_e4m3(float (&d)[8], unsigned long long a, unsigned long long b, int add) {
  asm volatile("{.reg .pred p; setp.ne.b32 p, %10, 0;\nwgmma.mma_async.sync.aligned.m64n16k32.f32.e5m2.e4m3 {%0, %1, %2, %3, %4, %5, %6, %7}, %8, %9, p, 1, 1;}" : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]) : "l"(a), "l"(b), "r"(add));
}
__device__ void e5m2_e5m2(float (&d)[8], unsigned long long a, unsigned long long b, int add) {
  asm volatile("{.reg .pred p; setp.ne.b32 p, %10, 0;\nwgmma.mma_async.sync.aligned.m64n16k32.f32.e5m2.e5m2 {%0, %1, %2, %3, %4, %5, %6, %7}, %8, %9, p, 1, 1;}" : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]) : "l"(a), "l"(b), "r"(add));
}
__device__ void e4m3_narrow(unsigned (&d)[4], unsigned long long a, unsigned long long b, int add) {
  asm volatile("{.reg .pred p; setp.ne.b32 p, %6, 0;\nwgmma.mma_async.sync.aligned.m64n16k32.f16.e4m3.e5m2 {%0, %1, %2, %3}, %4, %5, p, 1, 1;}" : "+r"(d[0]), "+r"(d[1]), "+r"(d[2]), "+r"(d[3]) : "l"(a), "l"(b), "r"(add));
}
__device__ void e4m3_registers(float (&d)[8], const unsigned (&a)[4], unsigned long long b, int add) {
  asm volatile("{.reg .pred p; setp.ne.b32 p, %13, 0;\nwgmma.mma_async.sync.aligned.m64n16k32.f32.e4m3.e4m3 {%0, %1, %2, %3, %4, %5, %6, %7}, {%8, %9, %10, %11}, %12, p, 1, 1;}" : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3]), "+f"(d[4]), "+f"(d[5]), "+f"(d[6]), "+f"(d[7]) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(add));
}
__device__ void s8_u8(unsigned (&d)[8], unsigned long long a, unsigned long long b, int add) {
  asm volatile("{.reg .pred p; setp.ne.b32 p, %10, 0;\nwgmma.mma_async.sync.aligned.m64n16k32.s32.s8.u8 {%0, %1, %2, %3, %4, %5, %6, %7}, %8, %9, p;}" : "+r"(d[0]), "+r"(d[1]), "+r"(d[2]), "+r"(d[3]), "+r"(d[4]), "+r"(d[5]), "+r"(d[6]), "+r"(d[7]) : "l"(a), "l"(b), "r"(add));
}
__device__ void u8_s8(unsigned (&d)[8], unsigned long long a, unsigned long long b, int add) {
  asm volatile("{.reg .pred p; setp.ne.b32 p, %10, 0;\nwgmma.mma_async.sync.aligned.m64n16k32.satfinite.s32.u8.s8 {%0, %1, %2, %3, %4, %5, %6, %7}, %8, %9, p;}" : "+r"(d[0]), "+r"(d[1]), "+r"(d[2]), "+r"(d[3]), "+r"(d[4]), "+r"(d[5]), "+r"(d[6]), "+r"(d[7]) : "l"(a), "l"(b), "r"(add));
}
__device__ void s8_registers(unsigned (&d)[8], const unsigned (&a)[4], unsigned long long b, int add) {
  asm volatile("{.reg .pred p; setp.ne.b32 p, %13, 0;\nwgmma.mma_async.sync.aligned.m64n16k32.s32.s8.s8 {%0, %1, %2, %3, %4, %5, %6, %7}, {%8, %9, %10, %11}, %12, p;}" : "+r"(d[0]), "+r"(d[1]), "+r"(d[2]), "+r"(d[3]), "+r"(d[4]), "+r"(d[5]), "+r"(d[6]), "+r"(d[7]) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(add));
}

// Offsets of a swizzle: its number in the descriptor, its bytes.
struct Swizzle {
  unsigned number, bytes;
};
__device__ Swizzle swizzle(int i) { return i == 0 ? Swizzle{0, 0} : i == 1 ? Swizzle{1, 128} : i == 2 ? Swizzle{2, 64} : Swizzle{3, 32}; }
// Rows along k, and along m or n.
__device__ unsigned long long rows(unsigned address, int i) {
  const Swizzle s = swizzle(i);
  return s.bytes == 0 ? descriptor(address, 128, 256, 0) : descriptor(address, 16, 8 * s.bytes, s.number);
}
__device__ unsigned long long columns(unsigned address, int i) {
  const Swizzle s = swizzle(i);
  return s.bytes == 0 ? descriptor(address, 2048, 128, 0) : descriptor(address, 16 * s.bytes, 8 * s.bytes, s.number);
}

extern "C" __global__ void __launch_bounds__(128) wgmma_bf16(const uint32_t* x, float* out) {
  __shared__ __align__(1024) uint32_t tile[8192];
  fill(tile, x, ~0u);
  const unsigned a = shared_address(tile), b = a + 16384;
  for (int i = 0; i < 4; ++i) {
    float d[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    begin();
    bf16_rows(d, rows(a, i), rows(b, i), i % 2);
    bf16_rows(d, rows(a + 32, i), rows(b + 32, i), 1);
    end();
    keep(out, i, d);
    begin();
    bf16_columns(d, columns(a, i), columns(b, i), 1);
    end();
    keep(out, 4 + i, d);
    begin();
    bf16_mixed(d, columns(a + 4096, i), rows(b + 2048, i), 0);
    end();
    keep(out, 8 + i, d);
    const unsigned registers[4] = {tile[threadIdx.x], tile[threadIdx.x + 200], tile[threadIdx.x + 400], tile[threadIdx.x + 600]};
    begin();
    bf16_registers(d, registers, columns(b, i), 1);
    end();
    keep(out, 12 + i, d);
  }
}

extern "C" __global__ void __launch_bounds__(128) wgmma_f16(const uint32_t* x, float* out, unsigned* narrow) {
  __shared__ __align__(1024) uint32_t tile[8192];
  fill(tile, x, ~0u);
  const unsigned a = shared_address(tile), b = a + 16384;
  float d[8] = {};
  begin();
  f16_wide(d, rows(a, 1), rows(b, 2), 1);
  end();
  keep(out, 0, d);
  unsigned h[4] = {0x3C003C00, 0x40004000, 0, 0x7BFF0001};
  begin();
  f16_narrow(h, rows(a, 3), rows(b, 0), 1);
  f16_narrow(h, rows(a + 2048, 3), rows(b + 1024, 0), 1);
  end();
  keep(narrow, 0, h);
}

extern "C" __global__ void __launch_bounds__(128) wgmma_tf32(const uint32_t* x, float* out) {
  __shared__ __align__(1024) uint32_t tile[8192];
  fill(tile, x, ~0u);
  const unsigned a = shared_address(tile), b = a + 16384;
  for (int i = 0; i < 4; ++i) {
    float d[8] = {};
    begin();
    tf32_rows(d, rows(a, i), rows(b, i), 1);
    tf32_rows(d, rows(a + 1024, i), rows(b + 512, i), 1);
    end();
    keep(out, i, d);
  }
  float d[8] = {0.5f, -0.5f, 1e6f, -1e-6f};
  const unsigned registers[4] = {tile[threadIdx.x], tile[threadIdx.x + 200], tile[threadIdx.x + 400], tile[threadIdx.x + 600]};
  begin();
  tf32_registers(d, registers, rows(b, 1), 1);
  end();
  keep(out, 4, d);
}

extern "C" __global__ void __launch_bounds__(128) wgmma_fp8(const uint32_t* x, float* out, unsigned* narrow) {
  __shared__ __align__(1024) uint32_t tile[8192];
  fill(tile, x, 0xFAFAFAFA);  // no NaN of either format
  const unsigned a = shared_address(tile), b = a + 16384;
  float d[8] = {1, -1, 100, -100, 0.125f, 1e-9f, 0, -0.0f};
  begin();
  e4m3_e4m3(d, rows(a, 1), rows(b, 1), 1);
  end();
  keep(out, 0, d);
  begin();
  e4m3_e5m2(d, rows(a + 1024, 2), rows(b, 3), 0);
  e4m3_e5m2(d, rows(a + 2048, 2), rows(b, 3), 1);
  end();
  keep(out, 1, d);
  begin();
  e5m2_e4m3(d, rows(a + 1024, 0), rows(b, 2), 0);
  end();
  keep(out, 2, d);
  begin();
  e5m2_e5m2(d, rows(a + 3072, 1), rows(b + 1024, 1), 0);
  e5m2_e5m2(d, rows(a + 4096, 1), rows(b + 1024, 1), 1);
  end();
  keep(out, 3, d);
  const unsigned registers[4] = {tile[threadIdx.x], tile[threadIdx.x + 200], tile[threadIdx.x + 400], tile[threadIdx.x + 600]};
  begin();
  e4m3_registers(d, registers, rows(b, 1), 0);
  end();
  keep(out, 4, d);
  unsigned h[4] = {};
  begin();
  e4m3_narrow(h, rows(a, 1), rows(b, 1), 1);
  end();
  keep(narrow, 0, h);
}

extern "C" __global__ void __launch_bounds__(128) wgmma_s8(const uint32_t* x, unsigned* out) {
  __shared__ __align__(1024) uint32_t tile[8192];
  fill(tile, x, ~0u);
  const unsigned a = shared_address(tile), b = a + 16384;
  unsigned d[8] = {0x7FFFFF00, 0x80000010, 3, 4, 5, 6, 7, 8};
  begin();
  s8_u8(d, rows(a, 1), rows(b, 1), 1);
  end();
  keep(out, 0, d);
  unsigned e[8] = {0x7FFFFF00, 0x80000010, 0x7FFFFFFF, 0x80000000, 0x7FFF0000, 0x80010000, 7, 8};
  begin();
  u8_s8(e, rows(a, 3), rows(b, 2), 1);
  end();
  keep(out, 1, e);
  const unsigned registers[4] = {tile[threadIdx.x], tile[threadIdx.x + 200], tile[threadIdx.x + 400], tile[threadIdx.x + 600]};
  begin();
  s8_registers(d, registers, rows(b, 0), 0);
  end();
  keep(out, 2, d);
}
