// Video instructions, as the pseudocode of the PTX ISA has them.
#include <algorithm>

#include "ptx/lanes.h"
#include "ptx/select.h"

namespace intarsia::ptx {
namespace {

using Op = VideoShape::Op;
using Second = VideoShape::Second;

// `width` bits of `bits` from bit `at`.
S64 extract(U64 bits, int at, int width, bool is_signed) {
  const U64 field = bits >> at << (64 - width);
  return is_signed ? static_cast<S64>(field) >> (64 - width) : static_cast<S64>(field >> (64 - width));
}

struct Part {
  int at, width;
};
Part part(U8 which) {
  if (which < 4) return {8 * which, 8};
  return which == VideoShape::kWhole ? Part{0, 32} : Part{16 * (which - 4), 16};
}
S64 pick(U32 value, U8 which, bool is_signed) {
  const Part p = part(which);
  return extract(value, p.at, p.width, is_signed);
}

S64 clamp_to(S64 value, int width, bool is_signed) {
  const S64 top = (S64{1} << (is_signed ? width - 1 : width)) - 1;
  return std::clamp(value, is_signed ? -top - 1 : S64{0}, top);
}

bool holds(VideoShape::Compare compare, S64 a, S64 b) {
  using enum VideoShape::Compare;
  switch (compare) {
    case kEq: return a == b;
    case kNe: return a != b;
    case kLt: return a < b;
    case kLe: return a <= b;
    case kGt: return a > b;
    default: return a >= b;
  }
}

// Arithmetic of one lane, before saturation.
S64 operate(const VideoShape& s, S64 a, S64 b) {
  switch (s.op) {
    case Op::kAdd: return a + b;
    case Op::kSub: return a - b;
    case Op::kAbsDiff: return a < b ? b - a : a - b;
    case Op::kMin: return std::min(a, b);
    case Op::kMax: return std::max(a, b);
    case Op::kAverage: return a + b >= 0 ? (a + b + 1) >> 1 : (a + b) >> 1;
    case Op::kShl: return static_cast<S64>(static_cast<U64>(a) << (s.wrap ? b & 31 : std::min<S64>(b, 32)));
    case Op::kShr: return a >> (s.wrap ? b & 31 : std::min<S64>(b, 32));
    default: return holds(s.compare, a, b) ? 1 : 0;
  }
}

U32 one_value(const VideoShape& s, U32 a, U32 b, U32 c) {
  S64 value = operate(s, pick(a, s.a_part, s.a_signed), pick(b, s.b_part, s.b_signed));
  const Part to = part(s.d_part);
  // What is saturated has 34 bits; only a shift makes more.
  if (s.saturate)
    value = clamp_to(static_cast<S64>(static_cast<U64>(value) << 30) >> 30, to.width, s.d_signed);
  const auto t = static_cast<U32>(value);
  // Compared before the value is cut to 32 bits.
  const S64 wide_c = s.d_signed ? S64{static_cast<S32>(c)} : S64{c};
  const bool c_less = s.d_signed ? wide_c < value : static_cast<U64>(wide_c) < static_cast<U64>(value);
  if (s.second == Second::kAdd) return t + c;
  if (s.second == Second::kMin) return c_less ? c : t;
  if (s.second == Second::kMax) return c_less ? t : c;
  if (to.width == 32) return t;
  const U32 field = ((U32{1} << to.width) - 1) << to.at;
  return (c & ~field) | (t << to.at & field);
}

// Halves or bytes: selected from a's and b's, and put beside c's or added to c.
U32 several(const VideoShape& s, U32 a, U32 b, U32 c) {
  const int width = 32 / s.lanes;
  const U64 pool = a | U64{b} << 32;
  U32 out = s.second == Second::kAdd ? c : 0;
  for (std::size_t i = 0; i < s.lanes; ++i) {
    const int at = width * static_cast<int>(i);
    const U32 field = ((U32{1} << width) - 1) << at;
    if ((s.mask >> i & 1) == 0) {
      if (s.second != Second::kAdd) out |= c & field;
      continue;
    }
    S64 value = operate(s, extract(pool, width * s.a_lanes[i], width, s.a_signed),
                        extract(pool, width * s.b_lanes[i], width, s.b_signed));
    if (s.saturate) value = clamp_to(value, width, s.d_signed);
    if (s.second == Second::kAdd)
      out += static_cast<U32>(value);
    else
      out |= static_cast<U32>(value) << at & field;
  }
  return out;
}

U32 multiply_add(const VideoShape& s, U32 a, U32 b, U32 c) {
  const bool is_signed = s.a_signed || s.b_signed || s.negate_product || s.negate_c;
  __extension__ using Wide = __int128;
  Wide sum = Wide{pick(a, s.a_part, s.a_signed)} * pick(b, s.b_part, s.b_signed);
  if (s.negate_product) sum = ~sum;
  if (s.negate_c && !s.negate_product) c = ~c;
  sum += is_signed ? Wide{static_cast<S32>(c)} : Wide{c};
  if (s.plus_one || s.negate_product || s.negate_c) sum += 1;
  sum >>= s.shift;
  if (s.saturate) {
    const Wide low = is_signed ? Wide{INT32_MIN} : Wide{0},
               high = is_signed ? Wide{INT32_MAX} : Wide{UINT32_MAX};
    sum = std::clamp(sum, low, high);
  }
  return static_cast<U32>(sum);
}

template <U32 (*kRun)(const VideoShape&, U32, U32, U32)>
Flow each(Warp& warp, const Decoded& in, U32 mask) {
  const VideoShape& shape = warp.frame->code->videos[static_cast<std::size_t>(in.immediate)];
  U32* d = warp.at<U32>(in.r[0]);
  const U32 *a = warp.at<const U32>(in.r[1]), *b = warp.at<const U32>(in.r[2]),
            *c = warp.at<const U32>(in.r[3]);
  each_lane(mask, [&](int l) { d[l] = kRun(shape, a[l], b[l], c[l]); });
  return Flow::kNext;
}

}  // namespace

Handler select_video(const Form& form) {
  const std::string_view op = form.row->opcode;
  if (op == "vmad") return &each<&multiply_add>;
  return op.back() == '2' || op.back() == '4' ? &each<&several> : &each<&one_value>;
}

}  // namespace intarsia::ptx
