// What atomics and reductions do with the old value and the new one: on bits, so that all are alike.
#pragma once
#include "ptx/lanes.h"
#include "ptx/numbers.h"

namespace intarsia::ptx {

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

// f32 in global memory: the GPU's atomic unit flushes operands and sum (in shared memory they are kept).
struct AddFlushed {
  U32 operator()(U32 a, U32 b, U32) const {
    const float sum = flush(std::bit_cast<float>(a)) + flush(std::bit_cast<float>(b));
    return std::bit_cast<U32>(canonical(flush(sum)));
  }
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

template <bool kBrain, bool kMax>
struct ExtremeHalf {
  U16 operator()(U16 a, U16 b, U16) const {
    return kBrain ? to_bf16(extreme<kMax, false>(bf16_value(a), bf16_value(b)))
                  : to_f16(extreme<kMax, false>(f16_value(a), f16_value(b)));
  }
};

// F on both halves of a pair.
template <class F>
struct Pairwise {
  U32 operator()(U32 a, U32 b, U32) const {
    return F{}(static_cast<U16>(a), static_cast<U16>(b), 0) |
           U32{F{}(static_cast<U16>(a >> 16), static_cast<U16>(b >> 16), 0)} << 16;
  }
};

// F on the value at `place`, as one step for all threads of the host. The old value.
template <class F, class T>
std::make_unsigned_t<T> combine(std::byte* place, T b, T c) {
  using B = std::make_unsigned_t<T>;
  auto* at = reinterpret_cast<B*>(place);
  B old = __atomic_load_n(at, __ATOMIC_RELAXED), next;
  do next = static_cast<B>(F{}(static_cast<T>(old), b, c));
  while (!__atomic_compare_exchange_n(at, &old, next, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
  return old;
}
template <class F>
Wide combine_wide(std::byte* place, Wide b, Wide c) {
  __extension__ using Word = unsigned __int128;
  auto* at = reinterpret_cast<Word*>(place);
  Word seen, before;
  std::memcpy(&seen, place, sizeof seen);
  if (reinterpret_cast<U64>(place) % 16 != 0) {  // the host cannot, nor can a GPU: nobody checked
    const Wide next = F{}(std::bit_cast<Wide>(seen), b, c);
    std::memcpy(place, &next, sizeof next);
    return std::bit_cast<Wide>(seen);
  }
  do {
    before = seen;
    seen =
        __sync_val_compare_and_swap(at, before, std::bit_cast<Word>(F{}(std::bit_cast<Wide>(before), b, c)));
  } while (seen != before);
  return std::bit_cast<Wide>(seen);
}

}  // namespace intarsia::ptx
