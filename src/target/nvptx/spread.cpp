// Elements and threads: which element a thread's slot holds, and where a place is.
#include "target/nvptx/emitter.h"

namespace intarsia::target::nvptx {
namespace {
constexpr int kVectorElements = 4;  // 16 bytes of f32
}  // namespace

const Spread& Emitter::spread(const Type& type) {
  const auto [at, fresh] = spreads_.try_emplace(type.extents);
  Spread& s = at->second;
  if (!fresh) return s;
  s.count = count(type);
  while (s.vector < kVectorElements && s.count % (s.vector * 2) == 0 && s.count >= threads_ * s.vector * 2)
    s.vector *= 2;
  const std::int64_t round = threads_ * s.vector;
  const std::int64_t rounds = (s.count + round - 1) / round;
  s.slots = static_cast<int>(rounds * s.vector);
  s.full = s.count % round == 0;
  s.first = at_entry([&] { return ir_.CreateMul(thread_, i32(s.vector)); });
  return s;
}

Place Emitter::place_of(const Type& type, Value* element, int slot) {
  Place p;
  p.slot = slot;
  for (std::size_t a = type.rank; a-- > 0;) {
    if (type.extents[a] == 1) {
      p.at[a] = i32(0);
    } else if (a == 0) {
      p.at[a] = element;
    } else {
      p.at[a] = ir_.CreateURem(element, i32(type.extents[a]));
      element = ir_.CreateUDiv(element, i32(type.extents[a]));
    }
  }
  return p;
}

Place Emitter::own(const Type& type, int slot) {
  const auto [at, fresh] = places_.try_emplace({type.extents, slot});
  if (!fresh) return at->second;
  const Spread& s = spread(type);
  at->second = at_entry([&] {
    const std::int64_t offset = slot / s.vector * threads_ * s.vector + slot % s.vector;
    Value* element = ir_.CreateAdd(s.first, i32(offset));
    if (!s.full) {  // slots without an element stand at the last one, so that places are always valid
      element = ir_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, element, i32(s.count - 1));
    }
    return place_of(type, element, slot);
  });
  return at->second;
}

Value* Emitter::active(const Type& type, int slot) {
  const Spread& s = spread(type);
  if (s.full) return ir_.getTrue();
  const std::int64_t offset = slot / s.vector * threads_ * s.vector + slot % s.vector;
  if (offset + (threads_ - 1) * s.vector < s.count) return ir_.getTrue();
  return at_entry([&] { return ir_.CreateICmpSLT(ir_.CreateAdd(s.first, i32(offset)), i32(s.count)); });
}

Value* Emitter::element_of(const Type& type, const Place& at) {
  Value* element = nullptr;
  for (std::size_t a = 0; a < type.rank; ++a) {
    if (type.extents[a] == 1) continue;
    element =
        element == nullptr ? at.at[a] : ir_.CreateAdd(ir_.CreateMul(element, i32(type.extents[a])), at.at[a]);
  }
  return element == nullptr ? i32(0) : element;
}

}  // namespace intarsia::target::nvptx
