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

std::optional<std::size_t> transposed_axis(const kernel::Element& e) {
  const std::size_t last = e.space.size() - 1;
  for (const auto& o : e.inputs) {
    if (o.param.role != kernel::Role::kInput) continue;
    const auto form = affine(o.offset, e.space.size());
    if (!form || identical(form->strides[last], 0) || identical(form->strides[last], 1)) continue;
    for (std::size_t a = 0; a < last; ++a)
      if (identical(form->strides[a], 1)) return a;
  }
  return std::nullopt;
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

// Both ways within the lines of a first cache: neighbours in memory are read before they leave it.
std::vector<std::int64_t> compact(const Shape& space, std::size_t axis) {
  std::vector<std::int64_t> block(space.size(), 1);
  const auto size = [](const Dim& extent, std::int64_t most) {
    return static_cast<std::int64_t>(
        std::bit_ceil(static_cast<std::uint64_t>(std::clamp<std::int64_t>(extent.bounds().max, 1, most))));
  };
  block[axis] = size(space[axis], 64);
  block.back() = size(space.back(), 16);
  return block;
}
}  // namespace

std::vector<Blocking> choose_blocks(const kernel::Element& e, const kernel::Capabilities& machine) {
  const Shape& space = e.space;
  if (const auto axis = transposed_axis(e)) return {{{}, compact(space, *axis)}};
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
