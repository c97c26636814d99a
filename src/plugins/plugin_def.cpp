#include "plugins/plugin_def.h"

#include <fmt/format.h>

#include <set>

#include "plugins/names.h"

namespace intarsia::plugins {
namespace {

std::string output_name(const PluginDef& def, std::size_t i) {
  return def.outputs[i].name.empty() ? fmt::format("out{}", i) : def.outputs[i].name;
}

void check_name(const PluginDef& def, const char* what, const std::string& name,
                std::set<std::string>& seen) {
  if (!is_identifier(name))
    throw UserError(
        fmt::format("{}: {} '{}': a name is letters, digits and '_' and starts with a letter or '_'", def.id,
                    what, name));
  if (is_reserved_parameter(name))
    throw UserError(
        fmt::format("{}: {} '{}': the names outputs, stream and tactic are reserved", def.id, what, name));
  if (!seen.insert(name).second)
    throw UserError(fmt::format("{}: {} '{}': the name is used twice", def.id, what, name));
}

void check_attribute(const PluginDef& def, const AttributeSpec& spec) {
  using Kind = ops::AttributeKind;
  const auto fail = [&](const char* why) {
    throw UserError(fmt::format("{}: attribute '{}' ({}): {}", def.id, spec.name, spec.type.str(), why));
  };
  if (spec.type.kind < Kind::kBool || spec.type.kind > Kind::kArray) fail("it has no type");
  if (spec.type.kind == Kind::kArray && !is_known(spec.type.dtype))
    fail("an array needs the dtype of its elements");
  if (!spec.type.choices.empty() && spec.type.kind != Kind::kString) fail("only a str has choices");
  if (!spec.fallback || spec.fallback->index() == 0) return;
  GivenAttribute given{spec.name, *spec.fallback, 1, "the default " + to_text(*spec.fallback)};
  (void)coerce(def.id, spec, given);
}

}  // namespace

void check_def(const PluginDef& def) {
  check_id(def.id);
  if (!def.shape_rule)
    throw UserError(def.id + ": a plugin needs a shape rule, from descriptors of inputs to those of outputs");
  std::set<std::string> seen;
  for (std::size_t i = 0; i < def.inputs.size(); ++i) {
    check_name(def, "input", def.inputs[i].name, seen);
    if (def.inputs[i].variadic && i + 1 != def.inputs.size())
      throw UserError(
          fmt::format("{}: input '{}' is variadic; only the last input may be", def.id, def.inputs[i].name));
  }
  for (const AttributeSpec& a : def.attributes)
    check_name(def, "attribute", a.name, seen), check_attribute(def, a);
  if (def.outputs.empty()) throw UserError(def.id + ": a plugin needs an output");
  std::set<std::string> outputs;
  for (std::size_t i = 0; i < def.outputs.size(); ++i)
    check_name(def, "output", output_name(def, i), outputs);
}

std::string schema_text(const PluginDef& def) {
  std::string out = def.id + "(";
  bool first = true;
  const auto item = [&](const std::string& text) { out += (first ? "" : ", ") + text, first = false; };
  for (const InputSpec& i : def.inputs) item((i.variadic ? "Tensor... " : "Tensor ") + i.name);
  for (const AttributeSpec& a : def.attributes)
    item(a.type.str() + " " + a.name + (a.fallback ? " = " + to_text(*a.fallback) : ""));
  out += ") -> (", first = true;
  for (std::size_t i = 0; i < def.outputs.size(); ++i) item("Tensor " + output_name(def, i));
  return out + ")";
}

}  // namespace intarsia::plugins
