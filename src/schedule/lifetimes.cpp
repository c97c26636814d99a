#include <algorithm>

#include "runtime/fields.h"
#include "schedule/schedule.h"

namespace intarsia::schedule {

void set_lifetimes(runtime::Program& program) {
  using runtime::Buffer;
  std::vector<char> seen(program.buffers.size(), 0);
  for (std::uint32_t i = 0; i < program.steps.size(); ++i)
    for_each_id(program.steps[i], [&](const auto& id) {
      if constexpr (std::is_same_v<std::decay_t<decltype(id)>, runtime::BufferId>) {
        if (!id) return;
        std::uint32_t at = id.index;
        while (program.buffers[at].inside) at = program.buffers[at].inside.index;
        Buffer& b = program.buffers[at];
        if (b.kind != Buffer::Kind::kTemporary) return;
        if (!seen[at]) b.first = i, seen[at] = 1;
        b.last = i;
      }
    });
}

}  // namespace intarsia::schedule
