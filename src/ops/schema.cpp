#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "ops/attribute_text.h"
#include "ops/op_def.h"

namespace intarsia::ops {
namespace {

void require(const OpDef& op, bool holds, const std::string& what) {
  if (!holds) throw UserError(fmt::format("operator '{}': {}", op.id, what));
}

bool is_identifier(std::string_view s) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  return !s.empty() && letter(s[0]) &&
         std::all_of(s.begin(), s.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

void check_inputs(const OpDef& op) {
  for (std::size_t i = 0; i < op.inputs.size(); ++i) {
    const Input& port = op.inputs[i];
    require(op, is_identifier(port.name),
            fmt::format("input {} has no name that is an identifier ('{}')", i, port.name));
    require(op, port.dtypes != 0, fmt::format("input '{}' takes no dtype at all", port.name));
    require(op, !port.variadic || i + 1 == op.inputs.size(),
            fmt::format("input '{}' is variadic but not the last", port.name));
    require(op, port.type_variable < 8,
            fmt::format("input '{}' has type variable {}, the last one is 7", port.name, port.type_variable));
    require(op, i == 0 || !op.inputs[i - 1].optional || port.optional || port.variadic,
            fmt::format("required input '{}' follows an optional one", port.name));
  }
}

void check_outputs(const OpDef& op) {
  require(op, !op.outputs.empty() || op.effect != Effect::kPure, "it has no output and no effect");
  for (const Output& port : op.outputs) {
    require(op, is_identifier(port.name),
            fmt::format("an output has no name that is an identifier ('{}')", port.name));
    require(op, port.alias_of < static_cast<int>(op.inputs.size()),
            fmt::format("output '{}' aliases input {}, there are {}", port.name, port.alias_of,
                        op.inputs.size()));
    const bool bound = std::any_of(op.inputs.begin(), op.inputs.end(),
                                   [&](const Input& i) { return i.type_variable == port.type_variable; });
    require(op, port.type_variable < 0 || bound,
            fmt::format("no input binds the type variable of output '{}'", port.name));
  }
}

void check_attributes(const OpDef& op) {
  for (const AttributeDef& def : op.attributes) {
    require(op, is_identifier(def.name),
            fmt::format("an attribute has no name that is an identifier ('{}')", def.name));
    require(op, def.choices.empty() || def.kind == AttributeKind::kString,
            fmt::format("attribute '{}' has choices but is {}", def.name, kind_name(def.kind)));
    require(op, !def.required || def.fallback.empty(),
            fmt::format("attribute '{}' is required and has a default", def.name));
    if (def.fallback.empty()) continue;
    try {
      const OpDef alone{.id = op.id, .attributes = {&def, 1}};
      (void)bind(alone, {});
    } catch (const UserError& e) {
      require(op, false, fmt::format("the default of attribute '{}' is wrong: {}", def.name, e.what()));
    }
  }
}

void check_names(const OpDef& op) {
  std::vector<std::string_view> names;
  for (const Input& i : op.inputs) names.push_back(i.name);
  for (const AttributeDef& a : op.attributes) names.push_back(a.name);
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice != names.end())
    require(op, false, fmt::format("two inputs or attributes are called '{}'", *twice));
  std::vector<std::string_view> order(op.parameters.begin(), op.parameters.end());
  std::sort(order.begin(), order.end());
  require(op, order.empty() || order == names, "its parameters are not its inputs and attributes, each once");
}

}  // namespace

void check_schema(const OpDef& op) {
  require(op, !op.id.empty(), "an operator needs an id");
  require(op, op.infer != nullptr, "it has no shape rule");
  check_inputs(op);
  check_outputs(op);
  check_attributes(op);
  check_names(op);
}

OpRef ref(std::shared_ptr<OwnedOp> op) {
  op->def.inputs = op->inputs, op->def.attributes = op->attributes, op->def.outputs = op->outputs;
  op->def.self = op->self.get();
  check_schema(op->def);
  const OpDef* def = &op->def;
  return OpRef(std::move(op), def);
}

}  // namespace intarsia::ops
