// ldmatrix and stmatrix: rows of 8 x 8 matrices of 16-bit elements between shared memory and fragments.
#include <fmt/format.h>

#include "ptx/matrix.h"
#include "ptx/memory.h"
#include "ptx/select.h"

namespace intarsia::ptx {
namespace {

// Lanes 8 i … 8 i + 7 hold the addresses of matrix i's rows. Host addresses of the rows; 0 where a check
// failed. `brings`: what is written, row after row.
void rows_of(Warp& warp, const Decoded& in, const std::byte* brings, int matrices, U64* rows) {
  Access access;
  access.mask = matrices == 4 ? kAll : (U32{1} << (8 * matrices)) - 1;
  access.mask &= warp.lanes;
  access.writes = brings != nullptr;
  access.reads = brings == nullptr;
  access.rows = brings;
  access.bytes = 16;
  make_addresses(warp, in, 0, access);
  const U32 wanted = access.mask;
  resolve(warp, in, (in.small & 16) != 0 ? Space::kShared : Space::kGeneric, access);
  each_lane(wanted, [&](int l) { rows[l] = (access.mask >> l & 1) != 0 ? access.address[l] : 0; });
}

template <bool kTransposed>
Flow ldmatrix(Warp& warp, const Decoded& in, U32 mask) {
  if (!gather_warp(warp, in, mask)) return Flow::kStop;
  U64 rows[kLanes] = {};
  rows_of(warp, in, nullptr, in.count, rows);
  const Ref* to = warp.frame->code->refs.data() + in.extra;
  for (int i = 0; i < in.count; ++i) {
    U16 m[8][8] = {};
    for (int r = 0; r < 8; ++r)
      if (rows[8 * i + r] != 0) std::memcpy(m[r], reinterpret_cast<const void*>(rows[8 * i + r]), 16);
    U32* d = warp.at<U32>(to[i]);
    for (int l = 0; l < kLanes; ++l) {
      const int g = l / 4, t = l % 4 * 2;
      d[l] = kTransposed ? m[t][g] | U32{m[t + 1][g]} << 16 : m[g][t] | U32{m[g][t + 1]} << 16;
    }
  }
  return Flow::kNext;
}

template <bool kTransposed>
Flow stmatrix(Warp& warp, const Decoded& in, U32 mask) {
  if (!gather_warp(warp, in, mask)) return Flow::kStop;
  U16 m[4][8][8];
  const Ref* from = warp.frame->code->refs.data() + in.extra;
  for (int i = 0; i < in.count; ++i) {
    const U32* s = warp.at<const U32>(from[i]);
    for (int l = 0; l < kLanes; ++l)
      for (int e = 0; e < 2; ++e) {
        const int g = l / 4, t = l % 4 * 2 + e;
        (kTransposed ? m[i][t][g] : m[i][g][t]) = static_cast<U16>(s[l] >> (16 * e));
      }
  }
  U64 rows[kLanes] = {};
  rows_of(warp, in, reinterpret_cast<const std::byte*>(m), in.count, rows);
  for (int l = 0; l < 8 * in.count; ++l)
    if (rows[l] != 0) std::memcpy(reinterpret_cast<void*>(rows[l]), m[l / 8][l % 8], 16);
  return Flow::kNext;
}

}  // namespace

bool gather_warp(Warp& warp, const Decoded& in, U32 mask) {
  U32 missing = 0;
  if (wait_for_lanes(warp, mask, warp.live, missing)) return false;
  if (missing != 0 && warp.block->launch->config->checks.members)
    report(warp, in, Report::Kind::kMembers, mask,
           fmt::format("needs the whole warp; lanes {:#010x} do not come here", missing));
  return true;
}

Handler select_ldmatrix(const Form& form) {
  const bool trans = form.has("trans");
  if (form.row->opcode == "ldmatrix") return trans ? &ldmatrix<true> : &ldmatrix<false>;
  return trans ? &stmatrix<true> : &stmatrix<false>;
}

}  // namespace intarsia::ptx
