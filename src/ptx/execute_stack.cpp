// alloca, stacksave, stackrestore: local memory above the function's own variables, thread by thread.
#include <fmt/format.h>

#include "ptx/lanes.h"
#include "ptx/select.h"

namespace intarsia::ptx {
namespace {

U32 top(const Frame& frame, int lane) {
  return frame.local_base + frame.code->local_bytes + frame.stack[static_cast<std::size_t>(lane)];
}

// r: pointer into local memory, bytes. in.immediate: alignment.
template <class T>
Flow allocate(Warp& warp, const Decoded& in, U32 mask) {
  Frame& frame = *warp.frame;
  const U64 limit = warp.block->launch->image->lane_local_bytes;
  const auto align = static_cast<U64>(in.immediate);
  const T* bytes = warp.at<const T>(in.r[1]);
  each_lane(mask, [&](int l) {
    const U64 begin = (top(frame, l) + align - 1) / align * align, size = U64{bytes[l]};
    if (size > limit || begin + size > limit) {
      report(warp, in, Report::Kind::kStack, U32{1} << l,
             fmt::format("alloca of {} bytes where {} of {} are taken", size, begin, limit));
      warp.at<T>(in.r[0])[l] = 0;
      return;
    }
    warp.at<T>(in.r[0])[l] = static_cast<T>(begin);
    frame.stack[static_cast<std::size_t>(l)] += static_cast<U32>(begin + size) - top(frame, l);
  });
  return Flow::kNext;
}

template <class T>
Flow save(Warp& warp, const Decoded& in, U32 mask) {
  each_lane(mask, [&](int l) { warp.at<T>(in.r[0])[l] = top(*warp.frame, l); });
  return Flow::kNext;
}

template <class T>
Flow restore(Warp& warp, const Decoded& in, U32 mask) {
  Frame& frame = *warp.frame;
  const T* to = warp.at<const T>(in.r[0]);
  each_lane(mask, [&](int l) {
    U32& taken = frame.stack[static_cast<std::size_t>(l)];
    const U64 own = top(frame, l) - taken;
    if (to[l] < own || to[l] > own + taken) {
      report(warp, in, Report::Kind::kStack, U32{1} << l,
             fmt::format("stackrestore to byte {}; the function's stack is bytes {} to {}", to[l], own,
                         own + taken));
      return;
    }
    taken = static_cast<U32>(to[l] - own);
  });
  return Flow::kNext;
}

template <class T>
Handler typed(std::string_view opcode) {
  if (opcode == "alloca") return &allocate<T>;
  return opcode == "stacksave" ? &save<T> : &restore<T>;
}

}  // namespace

Handler select_stack(const Form& form) {
  return form.type() == Type::kU64 ? typed<U64>(form.row->opcode) : typed<U32>(form.row->opcode);
}

}  // namespace intarsia::ptx
