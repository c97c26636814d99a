#include <fmt/format.h>

#include <array>

#include "base/error.h"
#include "ptx/lanes.h"

namespace intarsia::ptx {

std::string_view name(Report::Kind kind) {
  constexpr std::array<std::string_view, 17> kNames = {"out-of-bounds access",
                                                       "store to read-only memory",
                                                       "out-of-bounds shared access",
                                                       "out-of-bounds local access",
                                                       "misaligned access",
                                                       "uninitialised read",
                                                       "race",
                                                       "divergent barrier",
                                                       "membermask",
                                                       "deadlock",
                                                       "trap",
                                                       "assertion",
                                                       "stack overflow",
                                                       "hang",
                                                       "bad address",
                                                       "unfinished copy",
                                                       "unsupported"};
  return kNames[static_cast<std::size_t>(kind)];
}

std::array<std::uint32_t, 3> thread_of(const Warp& warp, int lane) {
  const auto l = static_cast<std::size_t>(lane);
  return {warp.tid[0][l], warp.tid[1][l], warp.tid[2][l]};
}

void report(Warp& warp, const Decoded& in, Report::Kind kind, U32 lanes, const std::string& what) {
  Worker& worker = *warp.block->worker;
  for (Finding& f : worker.findings)
    if (f.kind == kind && f.step == &in) {
      f.count += std::popcount(lanes);
      return;
    }
  const int lane = lanes == 0 ? 0 : std::countr_zero(lanes);
  worker.findings.push_back({kind, warp.frame->code, &in, warp.block->linear, warp.block->id,
                             thread_of(warp, lane), what, std::popcount(lanes)});
}

std::string Report::text() const {
  std::string out = fmt::format(
      "{} in kernel {}, block ({}, {}, {}), thread ({}, {}, {}): {}\n  PTX line {}: {}", name(kind), kernel,
      block[0], block[1], block[2], thread[0], thread[1], thread[2], what, line, instruction);
  if (!source.empty()) out += fmt::format("\n  source: {}", source);
  if (count > 1) out += fmt::format("\n  {} threads", count);
  return out;
}

void LaunchResult::require_clean() const {
  if (reports.empty()) return;
  std::string all;
  for (const Report& r : reports) all += (all.empty() ? "" : "\n") + r.text();
  throw UserError(all);
}

}  // namespace intarsia::ptx
