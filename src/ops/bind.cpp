#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "ops/attribute_text.h"
#include "ops/op_def.h"
#include "ops/suggest.h"

namespace intarsia::ops {
namespace {

[[noreturn]] void refuse(const OpDef& op, std::string_view attribute, const std::string& what) {
  throw UserError(fmt::format("{}: attribute '{}' {}", op.id, attribute, what));
}

std::string shown(const AttributeValue& value) {
  std::string s = text(value);
  if (s.size() > 80) s = s.substr(0, 77) + "...";
  return s;
}

bool all_constant(const Shape& shape) {
  return std::all_of(shape.begin(), shape.end(), [](const Dim& d) { return d.is_constant(); });
}

// A value of a neighbouring type that means the same; the value itself where there is none.
AttributeValue widen(AttributeKind wanted, const AttributeValue& given) {
  const auto* integer = std::get_if<std::int64_t>(&given);
  const auto* real = std::get_if<double>(&given);
  const auto* ints = std::get_if<std::vector<std::int64_t>>(&given);
  const auto* shape = std::get_if<Shape>(&given);
  switch (wanted) {
    case AttributeKind::kFloat:
      if (integer && std::abs(*integer) <= (std::int64_t{1} << 53)) return static_cast<double>(*integer);
      break;
    case AttributeKind::kFloats:
      if (real) return std::vector<double>{*real};
      if (ints) return std::vector<double>(ints->begin(), ints->end());
      break;
    case AttributeKind::kInts:
      if (integer) return std::vector<std::int64_t>{*integer};
      if (shape && all_constant(*shape)) {
        std::vector<std::int64_t> list;
        for (const Dim& d : *shape) list.push_back(d.constant());
        return list;
      }
      break;
    case AttributeKind::kShape:
      if (integer) return Shape{Dim(*integer)};
      if (ints) {
        Shape s;
        for (const std::int64_t extent : *ints) s.push_back(extent);
        return s;
      }
      break;
    default: break;
  }
  return given;
}

bool fits(AttributeKind wanted, const AttributeValue& value) {
  if (wanted == AttributeKind::kNumber)
    return std::holds_alternative<bool>(value) || std::holds_alternative<std::int64_t>(value) ||
           std::holds_alternative<double>(value);
  return value.index() == static_cast<std::size_t>(wanted);
}

AttributeValue bind_one(const OpDef& op, const AttributeDef& def, const AttributeValue& given) {
  AttributeValue value = widen(def.kind, given);
  if (!fits(def.kind, value))
    refuse(op, def.name,
           fmt::format("must be {}, was given {} ({})", kind_name(def.kind), kind_name(given), shown(given)));
  if (def.choices.empty() || def.kind != AttributeKind::kString) return value;
  const std::string& chosen = std::get<std::string>(value);
  if (std::find(def.choices.begin(), def.choices.end(), chosen) != def.choices.end()) return value;
  std::string choices;
  for (const std::string_view choice : def.choices) choices += (choices.empty() ? "" : ", ") + quoted(choice);
  refuse(op, def.name,
         fmt::format("must be one of {}, was given {}{}", choices, shown(value),
                     did_you_mean(chosen, def.choices)));
}

void refuse_unknown(const OpDef& op, const Attributes& given) {
  for (const auto& [attribute, value] : given) {
    std::vector<std::string_view> known;
    for (const AttributeDef& def : op.attributes) known.push_back(def.name);
    if (std::find(known.begin(), known.end(), attribute) != known.end()) continue;
    std::string list;
    for (const std::string_view name : known) list += fmt::format("{}'{}'", list.empty() ? "" : ", ", name);
    throw UserError(fmt::format("{}: there is no attribute '{}'{}{}", op.id, attribute,
                                did_you_mean(attribute, known),
                                list.empty() ? " (it has none)" : " (it has " + list + ")"));
  }
}

}  // namespace

Attributes bind(const OpDef& op, const Attributes& given) {
  refuse_unknown(op, given);
  Attributes bound;
  for (const AttributeDef& def : op.attributes) {
    const AttributeValue* value = given.find(def.name);
    const bool absent = !value || std::holds_alternative<std::monostate>(*value);
    if (!absent)
      bound.set(std::string(def.name), bind_one(op, def, *value));
    else if (def.required)
      refuse(op, def.name, fmt::format("is missing; it must be {}", kind_name(def.kind)));
    else if (!def.fallback.empty())
      bound.set(std::string(def.name), bind_one(op, def, parse_attribute(def.fallback)));
  }
  return bound;
}

}  // namespace intarsia::ops
