#include <fmt/format.h>

#include <algorithm>

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

std::vector<Parameter> parameters(const OpDef& op) {
  std::vector<Parameter> list;
  for (const Input& i : op.inputs) list.push_back({i.name, &i, nullptr});
  for (const AttributeDef& a : op.attributes) list.push_back({a.name, nullptr, &a});
  const auto place = [&](const Parameter& p) {
    return std::find(op.parameters.begin(), op.parameters.end(), p.name) - op.parameters.begin();
  };
  if (!op.parameters.empty())
    std::sort(list.begin(), list.end(),
              [&](const Parameter& a, const Parameter& b) { return place(a) < place(b); });
  return list;
}

std::string signature(const OpDef& op) {
  std::string list;
  for (const Parameter& p : parameters(op)) {
    std::string fallback;
    if (p.input && p.input->optional) fallback = "=None";
    if (p.attribute && !p.attribute->required) fallback = "=" + python_default(*p.attribute);
    list += fmt::format("{}{}{}", list.empty() ? "" : ", ", p.name, fallback);
  }
  return fmt::format("{}({})", op.id, list);
}

}  // namespace intarsia::ops
