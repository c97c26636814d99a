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

std::vector<std::int64_t> choose_block(const Shape& space, const kernel::Capabilities& machine) {
  const std::int64_t elements = machine.cpu ? 8192 : 1024, inner = machine.cpu ? 1024 : 256;
  std::vector<std::int64_t> block(space.size(), 1);
  std::int64_t left = elements;
  for (std::size_t a = space.size(); a-- > 0 && left > 1;) {
    const std::int64_t most = space[a].bounds().max;
    const std::int64_t whole = machine.cpu || most > left
                                   ? most
                                   : static_cast<std::int64_t>(std::bit_ceil(
                                         static_cast<std::uint64_t>(std::max<std::int64_t>(most, 1))));
    const bool last = a + 1 == space.size();
    const std::int64_t wanted = last && space.size() > 1 && !space[a].is_constant() ? inner : left;
    block[a] = std::max<std::int64_t>(std::min(whole, wanted), 1);
    left /= block[a];
    if (a + 1 < space.size())
      block[a] = static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(block[a])));
  }
  return block;
}

}  // namespace intarsia::schedule
