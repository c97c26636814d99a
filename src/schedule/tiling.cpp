#include "schedule/tiling.h"

#include <algorithm>
#include <bit>
#include <optional>

#include "schedule/positions.h"

namespace intarsia::schedule {

Shape merged_space(const kernel::Element& e) {
  std::vector<std::optional<Affine>> forms;
  for (const auto& o : e.inputs)
    if (o.param.role != kernel::Role::kScalar) forms.push_back(affine(o.offset, e.space.size()));
  const auto merges = [&](std::size_t a) {  // axis a with the one after it
    return std::all_of(forms.begin(), forms.end(), [&](const std::optional<Affine>& f) {
      return f && identical(f->strides[a], f->strides[a + 1] * e.space[a + 1]);
    });
  };
  Shape out;
  for (std::size_t a = 0; a < e.space.size(); ++a) {
    if (!out.empty() && merges(a - 1))
      out.back() = out.back() * e.space[a];
    else
      out.push_back(e.space[a]);
  }
  if (out.size() > kernel::Type::kMaxRank) return {e.space.numel()};
  return out;
}

namespace {
constexpr std::int64_t kNarrow = 64;

// The last axis takes at most `widest`, the axes before it what is left of the elements of a program.
std::vector<std::int64_t> fill(const Shape& space, std::int64_t widest, const kernel::Capabilities& machine) {
  std::vector<std::int64_t> block(space.size(), 1);
  std::int64_t left = machine.cpu ? 8192 : 1024;
  for (std::size_t a = space.size(); a-- > 0 && left > 1;) {
    const bool last = a + 1 == space.size();
    const std::int64_t most = std::min(space[a].bounds().max, last ? std::min(widest, left) : left);
    const auto size = static_cast<std::uint64_t>(std::max<std::int64_t>(most, 1));
    const std::uint64_t whole = last ? (machine.cpu ? size : std::bit_ceil(size)) : std::bit_floor(size);
    block[a] = static_cast<std::int64_t>(whole);
    left /= block[a];
  }
  return block;
}
}  // namespace

std::vector<Blocking> choose_blocks(const Shape& space, const kernel::Capabilities& machine) {
  const Dim& row = space.back();
  if (space.size() == 1 || row.is_constant()) return {{{}, fill(space, INT64_MAX, machine)}};
  std::vector<Blocking> out;
  if (row.bounds().min <= kNarrow) out.push_back({{}, fill(space, kNarrow, machine)});
  if (row.bounds().max <= kNarrow) return out;
  if (!out.empty()) out[0].guard.push_back({row, Condition::Relation::kLessEqual, kNarrow});
  out.push_back({{}, fill(space, machine.cpu ? 1024 : 256, machine)});
  return out;
}

}  // namespace intarsia::schedule
