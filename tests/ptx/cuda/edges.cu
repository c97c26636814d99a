// Single instructions on awkward bits: NaNs with payloads, denormals, shifts and fields out of range.
#define APPLY1(at, op, c) { unsigned d; asm(op " %0, %1;" : "=" c(d) : c(a)); out[at] = d; }
#define APPLY2(at, op) { unsigned d; asm(op " %0, %1, %2;" : "=r"(d) : "r"(a), "r"(b)); out[at] = d; }
#define APPLY3(at, op) { unsigned d; asm(op " %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(b), "r"(c)); out[at] = d; }

__device__ unsigned awkward(unsigned r) {
  const unsigned list[16] = {0x7fc00001, 0xffc12345, 0x7f800001, 0x00000001, 0x80000001, 0x007fffff, 0x00800000, 0x7f800000,
                             0xff800000, 0x3f800000, 0xbf800000, 0x7f7fffff, 0x80000000, 0x00000000, 0x34000000, 0x0b800000};
  return r & 16 ? list[r >> 8 & 15] : r;
}

extern "C" __global__ void edges_f32(const unsigned* x, const unsigned* z, unsigned* y, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  const unsigned a = awkward(x[i]), b = awkward(z[i]), c = awkward(x[i] * 7 + z[i]);
  unsigned* out = y + i * 32;
  APPLY2(0, "add.rn.f32") APPLY2(1, "mul.rn.f32") APPLY3(2, "fma.rn.f32") APPLY2(3, "add.rn.ftz.f32") APPLY2(4, "mul.rn.ftz.f32")
  APPLY3(5, "fma.rn.ftz.f32") APPLY3(6, "fma.rn.sat.f32") APPLY2(7, "min.f32") APPLY2(8, "max.ftz.f32") APPLY2(9, "min.NaN.f32")
  APPLY2(10, "max.ftz.NaN.f32") APPLY1(11, "neg.f32", "r") APPLY1(12, "abs.ftz.f32", "r") APPLY2(13, "div.rn.f32") APPLY1(14, "sqrt.rn.f32", "r")
  APPLY1(15, "rcp.rn.ftz.f32", "r") APPLY1(16, "cvt.rni.f32.f32", "r") APPLY1(17, "cvt.sat.f32.f32", "r") APPLY1(18, "cvt.ftz.f32.f32", "r")
  APPLY1(19, "cvt.rna.tf32.f32", "r") APPLY2(20, "cvt.rn.f16x2.f32") APPLY2(21, "cvt.rz.bf16x2.f32") APPLY2(22, "cvt.rn.relu.bf16x2.f32")
  APPLY1(23, "cvt.rzi.s32.f32", "r") APPLY1(24, "cvt.rni.ftz.u32.f32", "r") APPLY2(25, "sub.rz.f32") APPLY2(26, "add.rm.ftz.f32") APPLY3(27, "fma.rp.f32")
  APPLY2(28, "mul.rz.ftz.f32") APPLY2(29, "copysign.f32") APPLY2(30, "max.f32") APPLY2(31, "div.rp.f32")
}

extern "C" __global__ void edges_half(const unsigned* x, const unsigned* z, unsigned* y, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  const unsigned a = x[i], b = z[i], c = x[i] * 7 + z[i];
  unsigned* out = y + i * 24;
  APPLY2(0, "add.rn.f16x2") APPLY2(1, "mul.rn.f16x2") APPLY3(2, "fma.rn.f16x2") APPLY3(3, "fma.rn.relu.f16x2") APPLY3(4, "fma.rn.sat.f16x2")
  APPLY2(5, "min.f16x2") APPLY2(6, "max.NaN.f16x2") APPLY1(7, "neg.f16x2", "r") APPLY1(8, "abs.f16x2", "r") APPLY2(9, "add.rn.ftz.f16x2")
  APPLY3(10, "fma.rn.bf16x2") APPLY3(11, "fma.rn.relu.bf16x2") APPLY2(12, "max.bf16x2") APPLY2(13, "min.NaN.bf16x2") APPLY1(14, "neg.bf16x2", "r")
  APPLY1(15, "abs.bf16x2", "r") APPLY3(16, "fma.rn.ftz.f16x2")
  const unsigned short h = a, k = b;
  unsigned d;
  unsigned short s;
  asm("cvt.f32.f16 %0, %1;" : "=r"(d) : "h"(h));
  out[17] = d;
  asm("cvt.rn.f16.s32 %0, %1;" : "=h"(s) : "r"(a >> 12));
  out[18] = s;
  asm("cvt.rzi.s16.f16 %0, %1;" : "=h"(s) : "h"(h));
  out[19] = s;
  asm("{.reg .pred p; setp.ltu.f16 p, %1, %2; selp.u32 %0, 1, 0, p;}" : "=r"(d) : "h"(h), "h"(k));
  out[20] = d;
  asm("cvt.rni.f16.f16 %0, %1;" : "=h"(s) : "h"(h));
  out[21] = s;
  asm("cvt.rzi.u32.f16 %0, %1;" : "=r"(d) : "h"(h));
  out[22] = d;
  asm("{.reg .pred p, q; setp.gt.f16x2 p|q, %1, %2; selp.u32 %0, 1, 0, p; @q add.u32 %0, %0, 2;}" : "=r"(d) : "r"(a), "r"(b));
  out[23] = d;
}

extern "C" __global__ void edges_bits(const unsigned* x, const unsigned* z, unsigned* y, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  const unsigned a = x[i], b = z[i] % 80, c = z[i] >> 8 & 63;
  unsigned* out = y + i * 32;
  APPLY2(0, "shl.b32") APPLY2(1, "shr.u32") APPLY2(2, "shr.s32") APPLY3(3, "bfe.u32") APPLY3(4, "bfe.s32")
  { unsigned d; asm("bfi.b32 %0, %1, %2, %3, %4;" : "=r"(d) : "r"(a), "r"(~a), "r"(b), "r"(c)); out[5] = d; }
  APPLY1(6, "bfind.u32", "r") APPLY1(7, "bfind.s32", "r") APPLY1(8, "bfind.shiftamt.s32", "r") APPLY2(9, "bmsk.clamp.b32") APPLY2(10, "bmsk.wrap.b32")
  APPLY2(11, "szext.clamp.s32") APPLY2(12, "szext.wrap.u32") APPLY3(13, "shf.l.clamp.b32") APPLY3(14, "shf.r.wrap.b32") APPLY3(15, "prmt.b32")
  APPLY3(16, "prmt.b32.f4e") APPLY3(17, "prmt.b32.b4e") APPLY3(18, "prmt.b32.rc8") APPLY3(19, "prmt.b32.ecl") APPLY3(20, "prmt.b32.ecr") APPLY3(21, "prmt.b32.rc16")
  APPLY1(22, "cnot.b32", "r") APPLY3(23, "sad.s32") APPLY2(24, "mul24.hi.s32") APPLY3(25, "mad24.lo.u32") APPLY3(26, "mad.hi.sat.s32")
  APPLY2(27, "add.sat.s32") APPLY2(28, "sub.sat.s32") APPLY3(29, "dp2a.lo.s32.u32") APPLY3(30, "dp2a.hi.u32.s32")
  { unsigned d; asm("lop3.b32 %0, %1, %2, %3, 0x6a;" : "=r"(d) : "r"(a), "r"(b), "r"(c)); out[31] = d; }
}

extern "C" __global__ void edges_divide(const int* x, const int* z, unsigned* y, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  const int a = x[i], b = z[i] % 4 - 1;
  unsigned* out = y + i * 8;
  out[0] = static_cast<unsigned>(a) / static_cast<unsigned>(b);
  out[1] = static_cast<unsigned>(a) % static_cast<unsigned>(b);
  out[2] = b == 0 ? 0 : a / b;
  out[3] = b == 0 ? 0 : a % b;
  out[4] = __vadd4(a, b) ^ __vcmpgts2(a, b);
  unsigned d, e;
  asm("{add.cc.u32 %0, %2, %3; addc.u32 %1, %3, 0;}" : "=r"(d), "=r"(e) : "r"(a), "r"(z[i]));
  out[5] = d ^ e * 3;
  asm("{sub.cc.u32 %0, %2, %3; subc.u32 %1, %3, 0;}" : "=r"(d), "=r"(e) : "r"(a), "r"(z[i]));
  out[6] = d ^ e * 3;
  asm("{mad.lo.cc.u32 %0, %2, %3, %2; madc.hi.u32 %1, %2, %3, 0;}" : "=r"(d), "=r"(e) : "r"(a), "r"(z[i]));
  out[7] = d ^ e * 3;
}
