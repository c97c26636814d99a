// Scalar and SIMD video instructions, lop3 that also gives a predicate, bits of a wider sum.
#define OUT(i, text, ...)                                             \
  {                                                                   \
    int d = 0;                                                        \
    asm(text : "=r"(d) : __VA_ARGS__);                                \
    y[(i) * n + t] = d;                                               \
  }
#define ABC "r"(a), "r"(b), "r"(c)

extern "C" __global__ void video_scalar(const int* x, const int* z, int* y, int n) {
  const int t = blockIdx.x * blockDim.x + threadIdx.x;
  if (t >= n) return;
  const int a = x[t], b = z[t], c = x[n - 1 - t] ^ z[t];
  OUT(0, "vadd.s32.s32.s32 %0, %1, %2;", "r"(a), "r"(b))
  OUT(1, "vadd.s32.u32.s32.sat %0, %1.b0, %2.h1;", "r"(a), "r"(b))
  OUT(2, "vsub.u32.u32.u32.sat.add %0, %1, %2, %3;", ABC)
  OUT(3, "vsub.s32.s32.u32.min %0, %1.b3, %2.b1, %3;", ABC)
  OUT(4, "vabsdiff.u32.s32.s32.add %0, %1.h0, %2.h1, %3;", ABC)
  OUT(5, "vmin.s32.s32.s32 %0, %1.h1, %2.b2;", "r"(a), "r"(b))
  OUT(6, "vmax.u32.u32.u32.max %0, %1.b1, %2, %3;", ABC)
  OUT(7, "vadd.u32.u32.u32.sat %0.b2, %1.b0, %2.b1, %3;", ABC)
  OUT(8, "vadd.s32.s32.s32.sat %0.h1, %1, %2, %3;", ABC)
  OUT(9, "vsub.s32.u32.u32 %0.b0, %1.b1, %2.b2, %3;", ABC)
  OUT(10, "vshl.u32.u32.u32.clamp %0, %1, %2.b0;", "r"(a), "r"(b))
  OUT(11, "vshl.u32.u32.u32.wrap.add %0, %1.h0, %2, %3;", ABC)
  OUT(12, "vshr.s32.s32.u32.wrap %0, %1, %2;", "r"(a), "r"(b))
  OUT(13, "vshr.u32.u32.u32.clamp.min %0, %1, %2.b1, %3;", ABC)
  OUT(14, "vmad.s32.s32.s32 %0, %1.h0, %2.h1, %3;", ABC)
  OUT(15, "vmad.u32.u32.u32.sat.shr7 %0, %1.h0, %2.h1, %3;", ABC)
  OUT(16, "vmad.s32.s32.s32.shr15 %0, %1.b3, -%2.h0, %3;", ABC)
  OUT(17, "vmad.u32.u32.u32.po %0, %1.b0, %2.b1, %3;", ABC)
  OUT(18, "vset.s32.u32.lt %0, %1, %2;", "r"(a), "r"(b))
  OUT(19, "vset.u32.u32.ge.add %0, %1.b0, %2.b0, %3;", ABC)
  OUT(20, "vset.s32.s32.ne %0.b1, %1.h0, %2.h0, %3;", ABC)
  OUT(21, "vmad.s32.u32.s32.sat %0, %1.h1, %2.b3, %3;", ABC)
  OUT(22, "vabsdiff.s32.u32.u32.max %0, %1, %2, %3;", ABC)
  OUT(23, "vmin.u32.s32.s32.sat.add %0, %1, %2.b3, %3;", ABC)
}

extern "C" __global__ void video_packed(const int* x, const int* z, int* y, int n) {
  const int t = blockIdx.x * blockDim.x + threadIdx.x;
  if (t >= n) return;
  const int a = x[t], b = z[t], c = x[n - 1 - t] ^ z[t];
  OUT(0, "vadd2.s32.s32.s32 %0, %1, %2, %3;", ABC)
  OUT(1, "vadd2.u32.u32.u32.sat %0.h1, %1.h10, %2.h32, %3;", ABC)
  OUT(2, "vsub2.s32.s32.s32.sat %0, %1.h02, %2.h31, %3;", ABC)
  OUT(3, "vavrg2.s32.s32.s32 %0, %1, %2, %3;", ABC)
  OUT(4, "vavrg2.u32.u32.u32.add %0, %1, %2, %3;", ABC)
  OUT(5, "vabsdiff2.u32.s32.s32.add %0, %1, %2, %3;", ABC)
  OUT(6, "vmin2.s32.s32.s32 %0, %1, %2, %3;", ABC)
  OUT(7, "vmax2.u32.u32.u32 %0.h0, %1, %2, %3;", ABC)
  OUT(8, "vset2.s32.s32.gt %0, %1, %2, %3;", ABC)
  OUT(9, "vset2.u32.u32.le.add %0, %1, %2, %3;", ABC)
  OUT(10, "vadd4.u32.u32.u32 %0, %1, %2, %3;", ABC)
  OUT(11, "vadd4.s32.s32.s32.sat %0, %1.b0246, %2.b7531, %3;", ABC)
  OUT(12, "vsub4.u32.u32.u32.add %0, %1, %2, %3;", ABC)
  OUT(13, "vavrg4.u32.u32.u32 %0, %1, %2, %3;", ABC)
  OUT(14, "vabsdiff4.u32.u32.u32.add %0, %1, %2, %3;", ABC)
  OUT(15, "vmin4.s32.s32.s32 %0.b210, %1, %2, %3;", ABC)
  OUT(16, "vmax4.u32.u32.s32.sat %0.b31, %1, %2, %3;", ABC)
  OUT(17, "vset4.u32.u32.ne %0, %1, %2, %3;", ABC)
  OUT(18, "vset4.s32.s32.lt.add %0, %1, %2, %3;", ABC)
  OUT(19, "vsub2.u32.s32.u32.sat %0, %1, %2, %3;", ABC)
  OUT(20, "vavrg4.s32.s32.s32 %0, %1, %2, %3;", ABC)
  OUT(21, "vavrg2.s32.u32.s32 %0, %1, %2, %3;", ABC)
  OUT(22, "vabsdiff4.s32.s32.s32.sat %0, %1, %2, %3;", ABC)
  OUT(23, "vadd4.u32.s32.s32.sat %0, %1, %2, %3;", ABC)
}
