// atom and red. Lanes of a warp go in order; between blocks the host's atomics order them.
#include "ptx/combine.h"
#include "ptx/memory.h"
#include "ptx/select.h"

namespace intarsia::ptx {
namespace {

// r[0] (where there is a result), address in r[1], values in r[2], r[3].
template <class T>
struct BitsOf {
  using Type = std::make_unsigned_t<T>;
};
template <>
struct BitsOf<Wide> {
  using Type = Wide;
};

template <class F, class T, Space kSpace>
Flow atomic(Warp& warp, const Decoded& in, U32 mask) {
  using B = typename BitsOf<T>::Type;
  Access access;
  access.mask = mask;
  access.writes = access.reads = access.atomic = true;
  access.update = !std::is_same_v<F, Exch>;
  access.bytes = sizeof(T);
  make_addresses(warp, in, 1, access);
  resolve(warp, in, kSpace, access);
  const T* b = warp.at<const T>(in.r[2]);
  const T* c = warp.at<const T>(in.r[3]);
  T* d = in.count != 0 ? warp.at<T>(in.r[0]) : nullptr;
  U32 stored = 0;
  each_lane(mask, [&](int l) {
    B old{};
    if ((access.mask >> l & 1) != 0) {
      auto* place = reinterpret_cast<std::byte*>(access.address[l]);
      if constexpr (std::is_same_v<T, Wide>)
        old = combine_wide<F>(place, b[l], c[l]);
      else
        old = combine<F, T>(place, b[l], c[l]);
    }
    if (!std::is_same_v<F, Cas> || old == static_cast<B>(b[l])) stored |= U32{1} << l;
    if (d != nullptr) d[l] = static_cast<T>(old);
  });
  strong_order(warp, access, stored & access.mask, (in.small & kReleases) != 0);
  return Flow::kNext;
}

// A vector of values, each an atomic of its own. in.count: how many, bit 7: with results.
template <class F, class T, Space kSpace>
Flow atomics(Warp& warp, const Decoded& in, U32 mask) {
  const auto count = static_cast<std::size_t>(in.count & 0x7F);
  Access access;
  access.mask = mask;
  access.writes = access.reads = access.atomic = access.update = true;
  access.bytes = static_cast<U32>(sizeof(T) * count);
  make_addresses(warp, in, 1, access);
  resolve(warp, in, kSpace, access);
  const Ref* refs = warp.frame->code->refs.data() + in.extra;
  each_lane(mask, [&](int l) {
    std::array<T, 8> values{};  // a result may go to the register of a later value
    for (std::size_t k = 0; k < count; ++k) values[k] = warp.at<const T>(refs[k])[l];
    for (std::size_t k = 0; k < count; ++k) {
      const T value = values[k];
      T old = 0;
      if ((access.mask >> l & 1) != 0)
        old = combine<F, T>(reinterpret_cast<std::byte*>(access.address[l]) + k * sizeof(T), value, value);
      if ((in.count & 0x80) != 0) warp.at<T>(refs[count + k])[l] = old;
    }
  });
  return Flow::kNext;
}

template <class F, class T>
Handler vector_in_space(const Form& form) {
  return form.space() == Space::kGlobal ? &atomics<F, T, Space::kGlobal> : &atomics<F, T, Space::kGeneric>;
}
template <bool kBrain>
Handler select_halves(const Form& form, bool pairs) {
  if (pairs)
    return form.has("add")   ? vector_in_space<Pairwise<AddHalf<kBrain>>, U32>(form)
           : form.has("min") ? vector_in_space<Pairwise<ExtremeHalf<kBrain, false>>, U32>(form)
                             : vector_in_space<Pairwise<ExtremeHalf<kBrain, true>>, U32>(form);
  return form.has("add")   ? vector_in_space<AddHalf<kBrain>, U16>(form)
         : form.has("min") ? vector_in_space<ExtremeHalf<kBrain, false>, U16>(form)
                           : vector_in_space<ExtremeHalf<kBrain, true>, U16>(form);
}
Handler select_vector(const Form& form) {
  switch (form.type()) {
    case Type::kF32: return vector_in_space<AddFlushed, U32>(form);
    case Type::kF16: return select_halves<false>(form, false);
    case Type::kBF16: return select_halves<true>(form, false);
    case Type::kF16x2: return select_halves<false>(form, true);
    default: return select_halves<true>(form, true);
  }
}

template <class F, class T>
Handler in_space(const Form& form) {
  switch (form.space()) {
    case Space::kShared: return &atomic<F, T, Space::kShared>;
    case Space::kGlobal: return &atomic<F, T, Space::kGlobal>;
    default: return &atomic<F, T, Space::kGeneric>;
  }
}
template <class F>
Handler typed(const Form& form) {
  return by_integer(form.type(), [&]<class T>() -> Handler { return in_space<F, T>(form); });
}
template <class F>
Handler exchange(const Form& form) {
  return form.type() == Type::kB128 ? in_space<F, Wide>(form) : typed<F>(form);
}

Handler select_add(const Form& form) {
  switch (form.type()) {
    case Type::kF32:
      return form.space() == Space::kShared ? in_space<AddFloat<float>, U32>(form)
                                            : in_space<AddFlushed, U32>(form);
    case Type::kF64: return in_space<AddFloat<double>, U64>(form);
    case Type::kF16: return in_space<AddHalf<false>, U16>(form);
    case Type::kBF16: return in_space<AddHalf<true>, U16>(form);
    case Type::kF16x2: return in_space<Pairwise<AddHalf<false>>, U32>(form);
    case Type::kBF16x2: return in_space<Pairwise<AddHalf<true>>, U32>(form);
    case Type::kS32: return in_space<Add, U32>(form);
    case Type::kS64: return in_space<Add, U64>(form);
    default: return typed<Add>(form);
  }
}

}  // namespace

Handler select_atomic(const Form& form) {
  if (form.vector() > 1) return select_vector(form);
  if (form.has("exch")) return exchange<Exch>(form);
  if (form.has("cas")) return exchange<Cas>(form);
  if (form.has("and")) return typed<And>(form);
  if (form.has("or")) return typed<Or>(form);
  if (form.has("xor")) return typed<Xor>(form);
  if (form.has("add")) return select_add(form);
  if (form.has("min")) return typed<Min>(form);
  if (form.has("max")) return typed<Max>(form);
  if (form.has("inc")) return in_space<Inc, U32>(form);
  return form.has("dec") ? in_space<Dec, U32>(form) : nullptr;
}

}  // namespace intarsia::ptx
