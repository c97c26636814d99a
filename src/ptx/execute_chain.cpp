// Running a chain: steps that a whole warp goes through as one, without a turn of the dispatcher for each.
//
// Where something is in the way (lanes missing, an address outside, a hazard), the step it stands at and
// those after it run by themselves: what they find and report is theirs.
#include "ptx/chain.h"
#include "ptx/memory.h"
#include "ptx/numbers.h"
#include "ptx/select.h"
#include "ptx/vectors.h"

namespace intarsia::ptx {
namespace {

using Kind = ChainStep::Kind;
constexpr int kGroups = kLanes / 8;

// Offsets of words in shared memory, eight lanes at a time: of one place, side by side, or anywhere.
enum Shape : U8 { kOne = 1, kRun = 2, kAny = 4 };
struct Places {
  alignas(64) U32 offsets[kLanes];
  U8 shape[kGroups];
  U8 shapes;  // all of them
};

// The least offset of each lane and whether it may not be; `last` is the greatest there may be.
U32 least_offsets(const Warp& warp, const ChainStep& s, U64 last, U32 low, Places& places) {
  const Decoded& in = *s.step;
  const auto least = static_cast<U64>(s.least);
  U32 bad = 0;
  switch (in.small & 15) {
    case kRegister32: {
      const U32* base = warp.at<const U32>(in.r[1]);
      const auto most = static_cast<U32>(last);
      for (int l = 0; l < kLanes; ++l) {
        const U32 o = base[l] + static_cast<U32>(least);
        places.offsets[l] = o;
        bad |= U32{o > most} | (o & low);
      }
      return bad;
    }
    case kRegister64: {
      const U64* base = warp.at<const U64>(in.r[1]);
      for (int l = 0; l < kLanes; ++l) {
        const U64 o = base[l] + least;
        places.offsets[l] = static_cast<U32>(o);
        bad |= U32{o > last} | (static_cast<U32>(o) & low);
      }
      return bad;
    }
    default:
      for (U32& o : places.offsets) o = static_cast<U32>(least);
      return U32{least > last} | (static_cast<U32>(least) & low);
  }
}

bool find_places(const Warp& warp, const ChainStep& s, Places& places) {
  const U64 size = warp.block->shared.size();
  if (size < s.bytes || size > kWindowBytes) return false;
  if (least_offsets(warp, s, size - s.bytes, 4 * s.step->count - 1U, places) != 0) return false;
  places.shapes = 0;
  for (int g = 0; g < kGroups; ++g) {
    const auto o = load_vector<U32x8>(places.offsets + 8 * g);
    const U32 first = places.offsets[8 * g];
    Shape shape = kAny;
    if (!any_bit(o ^ first))
      shape = kOne;
    else if (s.step->count == 1 && !any_bit(o ^ (kEight * 4 + first)))
      shape = kRun;
    places.shape[g] = shape;
    places.shapes |= shape;
  }
  return true;
}

U32x8 read_eight(const std::byte* memory, const U32* offsets, U8 shape) {
  if (shape == kOne) return U32x8{} + load_vector<U32>(memory + offsets[0]);
  if (shape == kRun) return load_vector<U32x8>(memory + offsets[0]);
  return gather_words(memory, load_vector<U32x8>(offsets));
}

bool shadow_words(Warp& warp, const ChainStep& s, const Places& places) {
  Shadow& shadow = warp.block->shadow;
  if (shadow.cells() == 0) return true;
  if (s.step->count != 1) return false;
  alignas(64) U32 offsets[kLanes];
  for (int l = 0; l < kLanes; ++l) offsets[l] = places.offsets[l] + s.offset;
  return shadow_eights(warp, shadow, offsets);
}

bool load_words(Warp& warp, const ChainStep& s, const Places& places) {
  if (!shadow_words(warp, s, places)) return false;
  const Ref* to = warp.frame->code->refs.data() + s.step->extra;
  for (int k = 0; k < s.step->count; ++k) {
    const std::byte* memory = warp.block->shared.data() + s.offset + 4 * k;
    U32* d = warp.at<U32>(to[k]);
    const U32* o = places.offsets;
    if (places.shapes == kOne) {
      for (int l = 0; l < kLanes; l += 8) store_vector(d + l, U32x8{} + load_vector<U32>(memory + o[l]));
    } else if (places.shapes == kRun) {
      for (int l = 0; l < kLanes; l += 8) store_vector(d + l, load_vector<U32x8>(memory + o[l]));
    } else {
      for (int g = 0; g < kGroups; ++g)
        store_vector(d + 8 * g, read_eight(memory, o + 8 * g, places.shape[g]));
    }
  }
  return true;
}

[[gnu::always_inline]] inline F32x8 one_nan(const F32x8& r) {
  const auto bits = load_vector<U32x8>(&r);
  const U32x8 nan = bits_of((bits & 0x7FFFFFFFU) > 0x7F800000U);
  const U32x8 out = (bits & ~nan) | (nan & kNanF32);
  return load_vector<F32x8>(&out);
}

template <class F>
[[gnu::always_inline]] inline void each_eight(Warp& warp, const Decoded& in, F f) {
  float* d = warp.at<float>(in.r[0]);
  const float* a = warp.at<const float>(in.r[1]);
  const float* b = warp.at<const float>(in.r[2]);
  const float* c = warp.at<const float>(in.r[3]);
  for (int l = 0; l < kLanes; l += 8)
    store_vector(d + l, one_nan(f(load_vector<F32x8>(a + l), load_vector<F32x8>(b + l), c + l)));
}

template <bool kSame>
[[gnu::always_inline]] inline F32x8 words(const std::byte* from) {
  const U32x8 bits = kSame ? U32x8{} + load_vector<U32>(from) : load_vector<U32x8>(from);
  return load_vector<F32x8>(&bits);
}

// The sum mostly stays where it is from one product to the next.
template <bool kSameX, bool kSameY>
void add_products(const Warp& warp, const Dot* dot, const Dot* end, const Places& x_at, const Places& y_at) {
  const std::byte* memory = warp.block->shared.data();
  const std::byte *x[kGroups], *y[kGroups];
  for (int g = 0; g < kGroups; ++g) x[g] = memory + x_at.offsets[8 * g], y[g] = memory + y_at.offsets[8 * g];
  std::byte* const registers = warp.base[0];
  F32x8 sums[kGroups];
  U32 sum = ~U32{0};
  for (; dot != end; ++dot) {
    const Dot d = *dot;
    if (d.c.value != sum)
      for (int g = 0; g < kGroups; ++g) sums[g] = load_vector<F32x8>(warp.at<const float>(d.c) + 8 * g);
    sum = d.d;
    for (int g = 0; g < kGroups; ++g) {
      const F32x8 a = words<kSameX>(x[g] + d.x_offset), b = words<kSameY>(y[g] + d.y_offset);
      sums[g] = one_nan(multiply_add(a, b, sums[g]));
      store_vector(registers + d.x + 32 * g, a);
      store_vector(registers + d.y + 32 * g, b);
      store_vector(registers + d.d + 32 * g, sums[g]);
    }
  }
}

// False: they must go one by one.
bool run_dots(const Warp& warp, const ChainStep& dots, const Places* places) {
  const ChainStep* s = &dots + 1;
  const Places &x = places[s[0].base], &y = places[s[1].base];
  const bool same_x = x.shapes == kOne, same_y = y.shapes == kOne;
  if (warp.block->shadow.cells() != 0 || (!same_x && x.shapes != kRun) || (!same_y && y.shapes != kRun))
    return false;
  const Dot* first = warp.frame->code->chains->dots.data() + dots.first;
  const Dot* end = first + dots.count;
  if (same_x)
    same_y ? add_products<true, true>(warp, first, end, x, y)
           : add_products<true, false>(warp, first, end, x, y);
  else
    same_y ? add_products<false, true>(warp, first, end, x, y)
           : add_products<false, false>(warp, first, end, x, y);
  return true;
}

bool run_step(Warp& warp, const ChainStep& s, Places* places) {
  const Decoded& in = *s.step;
  switch (s.kind) {
    case Kind::kBase: return find_places(warp, s, places[s.base]);
    case Kind::kWords: return load_words(warp, s, places[s.base]);
    case Kind::kFma:
      each_eight(warp, in,
                 [](F32x8 a, F32x8 b, const float* c) { return multiply_add(a, b, load_vector<F32x8>(c)); });
      return true;
    case Kind::kAdd: each_eight(warp, in, [](F32x8 a, F32x8 b, const float*) { return a + b; }); return true;
    case Kind::kSub: each_eight(warp, in, [](F32x8 a, F32x8 b, const float*) { return a - b; }); return true;
    case Kind::kMul: each_eight(warp, in, [](F32x8 a, F32x8 b, const float*) { return a * b; }); return true;
    default: s.run(warp, in, kAll); return true;
  }
}

}  // namespace

Flow run_chain(Warp& warp, const Decoded& in, U32 mask) {
  const Chain& chain = warp.frame->code->chains->all[in.chain];
  if (mask != kAll || !warp.chained) return chain.alone(warp, in, mask);
  Places places[Chain::kMostBases];
  std::int64_t done = 0;
  const ChainStep* const end = chain.steps.data() + chain.steps.size();
  for (const ChainStep* s = chain.steps.data(); s != end; ++s) {
    if (s->kind == Kind::kDots) {
      if (!run_dots(warp, *s, places)) continue;
      done += 3 * s->count;
      s += 3 * s->count;
      continue;
    }
    if (!run_step(warp, *s, places)) {
      if (done == 0) return chain.alone(warp, in, mask);
      while (s->kind == Kind::kBase || s->kind == Kind::kDots) ++s;
      warp.pc = s->step;
      warp.block->steps += done - 1;
      return Flow::kJump;
    }
    if (s->kind == Kind::kBase) continue;
    ++done;
    if ((s->step->flags & kInexact) != 0) warp.block->worker->inexact[s->step->inexact] = 1;
  }
  warp.pc = chain.next;
  warp.block->steps += chain.count - 1;
  return Flow::kJump;
}

}  // namespace intarsia::ptx
