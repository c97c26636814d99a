// Branches, calls, ends.
#include <fmt/format.h>

#include "ptx/lanes.h"
#include "ptx/select.h"
#include "ptx/system.h"

namespace intarsia::ptx {
namespace {

Flow bra(Warp& warp, const Decoded& in, U32 mask) {
  return branch(warp, in, mask, warp.frame->code->steps.data() + in.immediate);
}

// r[0]: the index; in.extra: of Code::targets. Lanes with another target wait as fragments of their own.
Flow brx(Warp& warp, const Decoded& in, U32 mask) {
  const std::vector<std::uint32_t>& targets = warp.frame->code->targets[in.extra];
  const U32* index = warp.at<const U32>(in.r[0]);
  const U32 first = index[std::countr_zero(mask)];
  U32 same = 0;
  each_lane(mask, [&](int l) { same |= U32{index[l] == first} << l; });
  if (first >= targets.size()) {
    report(warp, in, Report::Kind::kAddress, same,
           fmt::format("brx.idx with index {}; the list has {} labels", first, targets.size()));
    warp.block->worker->stop = true;
    return leave(warp, in, same);
  }
  const U32 others = warp.lanes & ~same;
  const Decoded* target = warp.frame->code->steps.data() + targets[first];
  if (others == 0) return branch(warp, in, same, target);
  warp.fragments[static_cast<std::size_t>(warp.parked++)] = {&in,          warp.frame, others,
                                                             Wait::kReady, warp.clock, 0};
  warp.lanes = same;
  return branch(warp, in, same, target);
}

Flow ret(Warp& warp, const Decoded& in, U32 mask) {
  const Frame& frame = *warp.frame;
  if (frame.caller != nullptr) {
    const CallSite& site = frame.caller->code->calls[(frame.return_to - 1)->extra];
    for (std::size_t i = 0; i < site.returns.size() && i < frame.code->returns.size(); ++i)
      copy_param(warp.at<const std::byte>(frame.code->returns[i].from), frame.code->returns[i].bytes,
                 frame.caller->registers + site.returns[i].from.value, site.returns[i].bytes, mask);
  }
  return give_back(warp, in, mask);
}

Flow enter_callee(Warp& warp, const Decoded& in, U32 mask, const Code& callee) {
  const CallSite& site = warp.frame->code->calls[in.extra];
  Frame* caller = warp.frame;
  const Flow flow = call(warp, in, mask, callee);
  if (warp.frame == caller) return flow;  // no stack left
  for (std::size_t i = 0; i < site.params.size() && i < callee.params.size(); ++i)
    copy_param(caller->registers + site.params[i].from.value, site.params[i].bytes,
               warp.at<std::byte>(callee.params[i].from), callee.params[i].bytes, mask);
  return flow;
}

Flow call_direct(Warp& warp, const Decoded& in, U32 mask) {
  const CallSite& site = warp.frame->code->calls[in.extra];
  if (site.system != CallSite::System::kNone) return call_system(warp, in, mask, site);
  return enter_callee(warp, in, mask,
                      *warp.block->launch->image->codes[static_cast<std::size_t>(site.callee)]);
}

// r[0]: the address, kFunctionWindow + 16 * index of the code. One target at a time.
Flow call_indirect(Warp& warp, const Decoded& in, U32 mask) {
  const U64* address = warp.at<const U64>(in.r[0]);
  const U64 first = address[std::countr_zero(mask)];
  U32 same = 0;
  each_lane(mask, [&](int l) { same |= U32{address[l] == first} << l; });
  const auto& codes = warp.block->launch->image->codes;
  const U64 index = (first - kFunctionWindow) / 16;
  if (first < kFunctionWindow || first % 16 != 0 || index == 0 || index >= codes.size()) {
    report(warp, in, Report::Kind::kAddress, same,
           fmt::format("call of address {:#x}, where no function is", first));
    warp.block->worker->stop = true;
    return leave(warp, in, same);
  }
  if (mask != same) {  // the other targets come again to this instruction
    warp.fragments[static_cast<std::size_t>(warp.parked++)] = {&in,          warp.frame, mask & ~same,
                                                               Wait::kReady, warp.clock, 0};
    warp.lanes &= ~(mask & ~same);
  }
  return enter_callee(warp, in, same, *codes[index]);
}

Flow exit(Warp& warp, const Decoded& in, U32 mask) { return leave(warp, in, mask); }

Flow trap(Warp& warp, const Decoded& in, U32 mask) {
  report(warp, in, Report::Kind::kTrap, mask, "trap");
  warp.block->worker->stop = true;
  return leave(warp, in, mask);
}

}  // namespace

// `bytes` of each lane that both sides have.
void copy_param(const std::byte* from, U32 from_bytes, std::byte* to, U32 to_bytes, U32 mask) {
  const U32 bytes = std::min(from_bytes, to_bytes);
  each_lane(mask, [&](int l) {
    std::memcpy(to + static_cast<U32>(l) * to_bytes, from + static_cast<U32>(l) * from_bytes, bytes);
  });
}

Handler select_control(const Form& form) {
  const std::string_view op = form.row->opcode;
  if (op == "bra") return &bra;
  if (op == "brx") return &brx;
  if (op == "call") return &call_direct;
  if (op == "ret") return &ret;
  if (op == "exit") return &exit;
  return op == "trap" || op == "brkpt" ? &trap : nullptr;
}
Handler select_indirect_call() { return &call_indirect; }

}  // namespace intarsia::ptx
