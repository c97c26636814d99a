#include "ops/ops.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/error.h"
#include "ops/suggest.h"

namespace intarsia::ops {
namespace {

constexpr const OpDef* kTable[] = {
#define INTARSIA_OP(id, constant) &constant,
#include "ops/ops.inc"
#undef INTARSIA_OP
};

}  // namespace

std::span<const OpDef* const> all() { return kTable; }

const OpDef* find(std::string_view id) {
  const auto at = std::lower_bound(std::begin(kTable), std::end(kTable), id,
                                   [](const OpDef* op, std::string_view wanted) { return op->id < wanted; });
  return at != std::end(kTable) && (*at)->id == id ? *at : nullptr;
}

const OpDef& get(std::string_view id) {
  if (const OpDef* op = find(id)) return *op;
  std::vector<std::string_view> names;
  for (const OpDef* op : kTable) names.push_back(op->id);
  throw UserError(fmt::format("there is no operator '{}'{}", id, did_you_mean(id, names)));
}

}  // namespace intarsia::ops
