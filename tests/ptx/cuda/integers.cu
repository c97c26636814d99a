// Integer arithmetic and bits.
extern "C" __global__ void integer_math(const int* x, const int* z, unsigned* y, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  const int a = x[i], b = z[i];
  const unsigned ua = a, ub = b;
  unsigned* out = y + i * 16;
  out[0] = a / (b | 1) + a % (b | 1);
  out[1] = ua / (ub | 1) + ua % (ub | 1);
  out[2] = __mulhi(a, b);
  out[3] = __umulhi(ua, ub);
  out[4] = __clz(a) + 64 * __popc(b) + 4096 * __ffs(a);
  out[5] = __brev(ua);
  out[6] = __funnelshift_l(ua, ub, 7) ^ __funnelshift_rc(ua, ub, 40);
  out[7] = __byte_perm(ua, ub, 0x5173);
  out[8] = __dp4a(a, b, 3) + __dp4a(ua, ub, 5u);
  out[9] = __sad(a, b, 7u) + __usad(ua, ub, 9u);
  out[10] = __mul24(a, b) + __umul24(ua, ub);
  out[11] = min(a, b) ^ max(ua, ub);
  out[12] = abs(a) + (a >> 3) + (ua >> 5) + (a << (b & 31));
  out[13] = __vadd2(ua, ub) ^ __vmaxs2(ua, ub);
  out[14] = (ua & ub) | (~ua & 0x12345678u);
  out[15] = ((ua >> 9) & 0x7f) + static_cast<unsigned>(static_cast<short>(a));
}

extern "C" __global__ void wide_math(const long long* x, const long long* z, long long* y, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  const long long a = x[i], b = z[i];
  const unsigned long long ua = a, ub = b;
  long long* out = y + i * 8;
  out[0] = a / (b | 1);
  out[1] = ua % (ub | 1);
  out[2] = __mul64hi(a, b);
  out[3] = static_cast<long long>(__umul64hi(ua, ub));
  out[4] = __clzll(a) + __popcll(b) + __ffsll(a);
  out[5] = static_cast<long long>(__brevll(ua));
  out[6] = (a >> (b & 63)) ^ static_cast<long long>(ua << (ub & 63));
  const unsigned __int128 product = static_cast<unsigned __int128>(ua) * ub + ua;
  out[7] = static_cast<long long>(product >> 64) - static_cast<long long>(product);
}

// int4 weights, two to a byte.
extern "C" __global__ void unpack_int4(const unsigned* packed, float* y, float scale, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  const unsigned word = packed[i];
  for (int k = 0; k < 8; ++k) {
    const int q = static_cast<int>(word << (28 - 4 * k)) >> 28;
    y[i * 8 + k] = scale * static_cast<float>(q);
  }
}
