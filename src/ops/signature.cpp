#include <fmt/format.h>

#include "ops/attribute_text.h"
#include "ops/ops.h"

namespace intarsia::ops {
namespace {

// Default values as Python spells them.
std::string python_default(const AttributeDef& def) {
  if (def.fallback.empty()) return "None";
  if (def.fallback == "true") return "True";
  if (def.fallback == "false") return "False";
  return std::string(def.fallback);
}

}  // namespace

std::string signature(const OpDef& op) {
  std::string list;
  const auto separator = [&] { return list.empty() ? "" : ", "; };
  for (const Input& i : op.inputs)
    list += fmt::format("{}{}{}", separator(), i.name, i.optional ? "=None" : "");
  for (const AttributeDef& a : op.attributes)
    list += a.required ? fmt::format("{}{}", separator(), a.name)
                       : fmt::format("{}{}={}", separator(), a.name, python_default(a));
  return fmt::format("{}({})", op.id, list);
}

}  // namespace intarsia::ops
