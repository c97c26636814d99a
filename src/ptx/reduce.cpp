// Reductions that copies do: the same operations as red's, on values in memory.
#include <cstring>

#include "base/error.h"
#include "ptx/bulk.h"
#include "ptx/combine.h"

namespace intarsia::ptx {
namespace {

template <class F, class T>
void one(std::byte* to, const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  combine<F, T>(to, value, value);
}

template <class F>
void integer(Type type, std::byte* to, const std::byte* from) {
  switch (type) {
    case Type::kS32: return one<F, S32>(to, from);
    case Type::kS64: return one<F, S64>(to, from);
    case Type::kU64:
    case Type::kB64: return one<F, U64>(to, from);
    default: return one<F, U32>(to, from);
  }
}

void add(Type type, std::byte* to, const std::byte* from) {
  switch (type) {
    case Type::kF16: return one<AddHalf<false>, U16>(to, from);
    case Type::kBF16: return one<AddHalf<true>, U16>(to, from);
    case Type::kF32: return one<AddFloat<float>, U32>(to, from);
    case Type::kF64: return one<AddFloat<double>, U64>(to, from);
    case Type::kS32: return one<Add, U32>(to, from);
    case Type::kS64: return one<Add, U64>(to, from);
    default: return integer<Add>(type, to, from);
  }
}

template <bool kMax>
void extremum(Type type, std::byte* to, const std::byte* from) {
  if (type == Type::kF16) return one<ExtremeHalf<false, kMax>, U16>(to, from);
  if (type == Type::kBF16) return one<ExtremeHalf<true, kMax>, U16>(to, from);
  if (kMax) return integer<Max>(type, to, from);
  return integer<Min>(type, to, from);
}

}  // namespace

void reduce(Reduction op, Type type, std::byte* to, const std::byte* from) {
  switch (op) {
    case Reduction::kAdd: return add(type, to, from);
    case Reduction::kMin: return extremum<false>(type, to, from);
    case Reduction::kMax: return extremum<true>(type, to, from);
    case Reduction::kInc: return one<Inc, U32>(to, from);
    case Reduction::kDec: return one<Dec, U32>(to, from);
    case Reduction::kAnd: return integer<And>(type, to, from);
    case Reduction::kOr: return integer<Or>(type, to, from);
    case Reduction::kXor: return integer<Xor>(type, to, from);
    case Reduction::kNone: check(false, "a copy without a reduction");
  }
}

}  // namespace intarsia::ptx
