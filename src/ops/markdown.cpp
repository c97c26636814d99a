#include <fmt/format.h>

#include "ops/attribute_text.h"
#include "ops/ops.h"

namespace intarsia::ops {
namespace {

// "f16, bf16 or f32"-like text for a port: its own set, or the port it must agree with.
template <class Port>
std::string dtype_rule(const OpDef& op, const Port& port) {
  for (const Input& other : op.inputs) {
    if (static_cast<const void*>(&other) == static_cast<const void*>(&port)) break;
    if (port.type_variable >= 0 && other.type_variable == port.type_variable)
      return fmt::format("the dtype of `{}`", other.name);
  }
  return port.dtypes == 0 ? "as the shape rule says" : text(port.dtypes);
}

std::string choices(const AttributeDef& a) {
  std::string s;
  for (const std::string_view choice : a.choices)
    s += fmt::format("{}`{}`", s.empty() ? "; one of " : ", ", quoted(choice));
  return s;
}

}  // namespace

std::string markdown(const OpDef& op) {
  std::string s = fmt::format("## {}\n\n`{}`\n\n{}\n", op.id, signature(op), op.summary);
  if (!op.doc.empty()) s += fmt::format("\n{}\n", op.doc);
  s += "\n| | | dtype | |\n|---|---|---|---|\n";
  for (const Input& i : op.inputs)
    s += fmt::format("| input{} | `{}` | {} | {} |\n",
                     i.variadic   ? "s"
                     : i.optional ? ", optional"
                                  : "",
                     i.name, dtype_rule(op, i), i.doc);
  for (const AttributeDef& a : op.attributes)
    s += fmt::format("| attribute | `{}` | {} | {}{} |\n", a.name, kind_name(a.kind), a.doc, choices(a));
  for (const Output& o : op.outputs) s += fmt::format("| output | | {} | {} |\n", dtype_rule(op, o), o.doc);
  if (!op.example.empty()) s += fmt::format("\n```python\n{}\n```\n", op.example);
  return s;
}

std::string markdown() {
  std::string s =
      "# Operators\n\n"
      "Generated from the table in `src/ops` by `intarsia-opt --docs`; a test compares. Rules of all of "
      "them: two tensors of one operator never\n"
      "have different dtypes unless the table says so (nothing is promoted; `cast` converts). Shapes of "
      "several inputs broadcast as NumPy's: axes\n"
      "align at the right, an extent of 1 stretches. Negative axes count from the end. Where an extent is "
      "not known yet, what would be an error\n"
      "becomes a requirement that is checked at the call. Floats follow IEEE 754: NaN compares false and is "
      "never lost.\n\n"
      "```python\nimport intarsia as ia\n```\n";
  for (const OpDef* op : all()) s += "\n" + markdown(*op);
  return s;
}

}  // namespace intarsia::ops
