// atom and red. Lanes of a warp go in order; between blocks the host's atomics order them.
#include <cstring>

#include "ptx/memory.h"
#include "ptx/numbers.h"
#include "ptx/select.h"

namespace intarsia::ptx {
namespace {

struct Exch {
  template <class T>
  T operator()(T, T b, T) const {
    return b;
  }
};
struct Cas {
  template <class T>
  T operator()(T old, T compare, T value) const {
    return old == compare ? value : old;
  }
};
struct And {
  template <class T>
  T operator()(T a, T b, T) const {
    return a & b;
  }
};
struct Or {
  template <class T>
  T operator()(T a, T b, T) const {
    return a | b;
  }
};
struct Xor {
  template <class T>
  T operator()(T a, T b, T) const {
    return a ^ b;
  }
};
struct Add {
  template <class T>
  T operator()(T a, T b, T) const {
    return static_cast<T>(a + b);
  }
};
struct Min {
  template <class T>
  T operator()(T a, T b, T) const {
    return b < a ? b : a;
  }
};
struct Max {
  template <class T>
  T operator()(T a, T b, T) const {
    return a < b ? b : a;
  }
};
struct Inc {
  U32 operator()(U32 a, U32 b, U32) const { return a >= b ? 0 : a + 1; }
};
struct Dec {
  U32 operator()(U32 a, U32 b, U32) const { return a == 0 || a > b ? b : a - 1; }
};

template <class T>
struct AddFloat {  // T: float or double, on bits B
  template <class B>
  B operator()(B a, B b, B) const {
    const T sum = std::bit_cast<T>(a) + std::bit_cast<T>(b);
    if constexpr (sizeof(T) == 4)
      return std::bit_cast<B>(canonical(sum));
    else
      return std::bit_cast<B>(sum);
  }
};
template <bool kBrain>
struct AddHalf {
  U16 operator()(U16 a, U16 b, U16) const {
    if (kBrain)
      return to_bf16(
          to_odd(fma_odd(static_cast<double>(bf16_value(a)), 1, static_cast<double>(bf16_value(b)))));
    return to_f16(f16_value(a) + f16_value(b));
  }
};
template <bool kBrain>
struct AddPair {
  U32 operator()(U32 a, U32 b, U32) const {
    const AddHalf<kBrain> add;
    return add(static_cast<U16>(a), static_cast<U16>(b), 0) |
           U32{add(static_cast<U16>(a >> 16), static_cast<U16>(b >> 16), 0)} << 16;
  }
};

// r[0] (where there is a result), address in r[1], values in r[2], r[3].
template <class F, class T, Space kSpace>
Flow atomic(Warp& warp, const Decoded& in, U32 mask) {
  using B = std::make_unsigned_t<T>;
  Access access;
  access.mask = mask;
  access.writes = access.reads = access.atomic = true;
  access.bytes = sizeof(T);
  make_addresses(warp, in, 1, access);
  resolve(warp, in, kSpace, access);
  const T* b = warp.at<const T>(in.r[2]);
  const T* c = warp.at<const T>(in.r[3]);
  T* d = in.count != 0 ? warp.at<T>(in.r[0]) : nullptr;
  each_lane(mask, [&](int l) {
    B old = 0;
    if ((access.mask >> l & 1) != 0) {
      auto* place = reinterpret_cast<B*>(access.address[l]);
      old = __atomic_load_n(place, __ATOMIC_RELAXED);
      B next;
      do next = static_cast<B>(F{}(static_cast<T>(old), b[l], c[l]));
      while (!__atomic_compare_exchange_n(place, &old, next, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
    }
    if (d != nullptr) d[l] = static_cast<T>(old);
  });
  return Flow::kNext;
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

Handler select_add(const Form& form) {
  switch (form.type()) {
    case Type::kF32: return in_space<AddFloat<float>, U32>(form);
    case Type::kF64: return in_space<AddFloat<double>, U64>(form);
    case Type::kF16: return in_space<AddHalf<false>, U16>(form);
    case Type::kBF16: return in_space<AddHalf<true>, U16>(form);
    case Type::kF16x2: return in_space<AddPair<false>, U32>(form);
    case Type::kBF16x2: return in_space<AddPair<true>, U32>(form);
    case Type::kS32: return in_space<Add, U32>(form);
    case Type::kS64: return in_space<Add, U64>(form);
    default: return typed<Add>(form);
  }
}

}  // namespace

Handler select_atomic(const Form& form) {
  if (form.has("exch")) return typed<Exch>(form);
  if (form.has("cas")) return typed<Cas>(form);
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
