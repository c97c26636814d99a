#include "frontend/functions_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "ops/ops.h"

namespace intarsia::frontend {
namespace {

using ops::AttributeDef;
using ops::AttributeKind;
using ops::OpDef;

std::string value_type(AttributeKind kind) {
  switch (kind) {
    case AttributeKind::kBool: return "bool";
    case AttributeKind::kInt: return "std::int64_t";
    case AttributeKind::kFloat: return "double";
    case AttributeKind::kString: return "std::string";
    case AttributeKind::kDType: return "DType";
    case AttributeKind::kShape: return "Shape";
    case AttributeKind::kInts: return "std::vector<std::int64_t>";
    case AttributeKind::kFloats: return "std::vector<double>";
    case AttributeKind::kStrings: return "std::vector<std::string>";
    case AttributeKind::kBytes: return "Bytes";
    case AttributeKind::kArray: return "Array";
    case AttributeKind::kNumber: return "Number";
  }
  return "void";
}

bool is_optional(const AttributeDef& a) { return !a.required && a.fallback.empty(); }

std::string parameter_type(const AttributeDef& a) {
  const std::string type = value_type(a.kind);
  if (is_optional(a)) return "const std::optional<" + type + ">&";
  const bool small = a.kind == AttributeKind::kBool || a.kind == AttributeKind::kInt ||
                     a.kind == AttributeKind::kFloat || a.kind == AttributeKind::kDType ||
                     a.kind == AttributeKind::kNumber;
  return small ? type : "const " + type + "&";
}

std::string default_value(const AttributeDef& a) {
  if (is_optional(a)) return "{}";
  if (a.kind != AttributeKind::kDType) return std::string(a.fallback);
  std::string name(a.fallback);  // f32, f8e4m3 -> kF32, kF8E4M3
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return static_cast<char>(std::toupper(static_cast<unsigned char>(c))); });
  return "DType::k" + (name == "BOOL" ? "Bool" : name);
}

bool has_default(const ops::Parameter& p) { return p.attribute && !p.attribute->required; }

// C++ wants defaults at the end only; a schema may have a required attribute after one with a default.
std::vector<ops::Parameter> ordered(const OpDef& op) {
  std::vector<ops::Parameter> required, out;
  for (const ops::Parameter& p : ops::parameters(op)) (has_default(p) ? out : required).push_back(p);
  out.insert(out.begin(), required.begin(), required.end());
  return out;
}

bool is_variadic(const OpDef& op) { return !op.inputs.empty() && op.inputs.back().variadic; }

// constant is for literals that passes make: from_host is what users call.
bool is_for_users(const OpDef& op) { return op.id != "constant" && op.outputs.size() == 1; }

std::string function_name(const OpDef& op) { return std::string(op.id); }

std::string parameters(const OpDef& op, bool with_defaults) {
  std::string out;
  const auto add = [&](const std::string& text) { out += (out.empty() ? "" : ", ") + text; };
  for (const ops::Parameter& p : ordered(op)) {
    const std::string type = p.attribute         ? parameter_type(*p.attribute)
                             : p.input->variadic ? "const std::vector<Operand>&"
                                                 : "const Operand&";
    const bool shown = with_defaults && has_default(p);
    add(type + " " + std::string(p.name) + (shown ? " = " + default_value(*p.attribute) : ""));
  }
  if (op.inputs.empty())
    add(std::string("const Caller& caller") + (with_defaults ? " = std::source_location::current()" : ""));
  return out;
}

std::string body(const OpDef& op) {
  std::string inputs, attributes;
  if (is_variadic(op))
    inputs = std::string(op.inputs[0].name);
  else
    for (const ops::Input& input : op.inputs)
      inputs += (inputs.empty() ? "" : ", ") + std::string(input.name);
  for (const AttributeDef& a : op.attributes)
    attributes +=
        fmt::format("{}{{\"{}\", as_attribute({})}}", attributes.empty() ? "" : ", ", a.name, a.name);
  std::string constant;
#define INTARSIA_OP(text, variable) \
  if (op.id == #text) constant = "ops::" #variable;
#include "ops/ops.inc"
#undef INTARSIA_OP
  const std::string list = attributes.empty() ? "" : ", {" + attributes + "}";
  if (op.inputs.empty()) return fmt::format("return call({}, {{{}}}, caller);", constant, attributes);
  if (is_variadic(op)) return fmt::format("return call_list({}, {}{});", constant, inputs, list);
  return fmt::format("return frontend::apply_one({}, {{{}}}{});", constant, inputs, list);
}

template <class F>
void for_each_function(const F& f) {
  for (const OpDef* op : ops::all())
    if (is_for_users(*op)) f(*op);
}
}  // namespace

std::string functions_header() {
  std::string out =
      "// The operators as functions; written from the operator table (frontend/functions_text.h).\n"
      "// clang-format off\n#pragma once\n#include \"intarsia/intarsia.h\"\n\nnamespace intarsia {\n\n";
  for_each_function([&](const OpDef& op) {
    out += fmt::format("// {}\nTensor {}({});\n", op.summary, function_name(op), parameters(op, true));
  });
  return out + "\n}  // namespace intarsia\n";
}

std::string functions_source() {
  std::string out =
      "// The operators as functions; written from the operator table (frontend/functions_text.h).\n"
      "// clang-format off\n#include \"frontend/function_call.h\"\n#include \"ops/ops.h\"\n\n"
      "namespace intarsia {\n\nusing frontend::call;\nusing frontend::call_list;\nusing "
      "frontend::as_attribute;\n\n";
  for_each_function([&](const OpDef& op) {
    out += fmt::format("Tensor {}({}) {{ {} }}\n", function_name(op), parameters(op, false), body(op));
  });
  return out + "\n}  // namespace intarsia\n";
}

}  // namespace intarsia::frontend
