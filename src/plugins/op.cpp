#include "plugins/op.h"

#include <fmt/format.h>

namespace intarsia::plugins {
namespace {

struct OpSelf {
  std::string id;
  std::vector<InputSpec> inputs;
  std::vector<OutputSpec> outputs;
  ShapeRule shape_rule;
  Reference reference;
  std::uint64_t serial;
  std::vector<std::function<std::uint64_t()>> fingerprints = {};
};

// An output that shares an input's memory is that input afterwards, and no other output is.
void check_alias(const OpSelf& self, std::span<const TensorDesc> inputs, std::span<const TensorDesc> outputs,
                 std::size_t i) {
  const TensorDesc& desc = outputs[i];
  if (desc.alias_of() < 0) return;
  const TensorDesc& input = inputs[static_cast<std::size_t>(desc.alias_of())];
  const std::string name = output_name(self.outputs, i);
  if (desc.str() != input.str())
    throw UserError(fmt::format("{}: output '{}' is {}, but shares the memory of input '{}', which is {}",
                                self.id, name, desc.str(), input.name(), input.str()));
  for (std::size_t other = 0; other < i; ++other)
    if (outputs[other].alias_of() == desc.alias_of())
      throw UserError(fmt::format("{}: outputs '{}' and '{}' both share the memory of input '{}'", self.id,
                                  output_name(self.outputs, other), name, input.name()));
}

void check_output(const OpSelf& self, std::size_t i, const TensorDesc& desc) {
  const std::string name = output_name(self.outputs, i);
  if (!is_known(desc.dtype())) throw UserError(fmt::format("{}: output '{}' has no dtype", self.id, name));
  for (const Dim& d : desc.shape())
    if (d.bounds().max < 0)
      throw UserError(fmt::format("{}: output '{}' has shape {}; an extent is not negative", self.id, name,
                                  desc.shape().str()));
}

void infer(ops::InferContext& context) {
  const OpSelf& self = *static_cast<const OpSelf*>(context.op().self);
  std::vector<TensorDesc> inputs;
  for (std::size_t i = 0; i < context.size(); ++i) {
    const ops::TensorType& t = context.in(i);
    inputs.push_back(
        TensorDesc(t.dtype, t.shape)
            .bound({Port::Kind::kInput, static_cast<std::uint32_t>(i)}, input_name(self.inputs, i)));
  }
  if (inputs.size() < self.inputs.size())  // variadic: one or more
    throw UserError(
        fmt::format("{}: input '{}' needs at least one tensor", self.id, self.inputs.back().name));
  const std::vector<TensorDesc> outputs = in_stage(self.id, "shape rule", context.attributes(), [&] {
    return self.shape_rule(inputs, context.attributes());
  });
  if (outputs.size() != self.outputs.size())
    throw UserError(fmt::format("{}: its shape rule returned {} descriptor{}, the schema has {} output{}",
                                self.id, outputs.size(), outputs.size() == 1 ? "" : "s", self.outputs.size(),
                                self.outputs.size() == 1 ? "" : "s"));
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    check_output(self, i, outputs[i]);
    check_alias(self, inputs, outputs, i);
    context.out(outputs[i].shape(), outputs[i].dtype());
  }
}

void reference(ops::ReferenceContext& context) {
  static_cast<const OpSelf*>(context.op.self)->reference(context);
}

// Strings of an OwnedOp, reserved before anything points into them.
class Strings {
 public:
  Strings(ops::OwnedOp& op, std::size_t count) : op_(op) { op_.strings.reserve(count); }
  std::string_view keep(std::string text) {
    check(op_.strings.size() < op_.strings.capacity(), "strings of an operator do not move");
    return op_.strings.emplace_back(std::move(text));
  }

 private:
  ops::OwnedOp& op_;
};

}  // namespace

std::uint64_t serial(const ops::OpDef& op) {
  return op.infer == infer ? static_cast<const OpSelf*>(op.self)->serial : 0;
}

std::uint64_t fingerprint(const ops::OpDef& op) {
  std::uint64_t all = 0;
  if (op.infer == infer)
    for (const auto& one : static_cast<const OpSelf*>(op.self)->fingerprints)
      all = (all ^ one()) * 0x9E3779B97F4A7C15ull;
  return all;
}

std::string input_name(std::span<const InputSpec> inputs, std::size_t i) {
  if (inputs.empty()) return fmt::format("input {}", i);
  const std::size_t last = inputs.size() - 1;
  if (!inputs[last].variadic || i < last) return inputs[std::min(i, last)].name;
  return fmt::format("{}[{}]", inputs[last].name, i - last);
}

std::string output_name(std::span<const OutputSpec> outputs, std::size_t i) {
  return i < outputs.size() && !outputs[i].name.empty() ? outputs[i].name : fmt::format("out{}", i);
}

std::string staged(std::string_view id, std::string_view stage, std::string_view what,
                   const Attributes& attributes) {
  if (what.starts_with(fmt::format("{}: ", id))) return std::string(what);
  std::string out = fmt::format("{}: in its {}: {}", id, stage, what);
  if (what.find("zero") != std::string_view::npos)
    for (const auto& [name, value] : attributes)
      if (const auto* i = std::get_if<std::int64_t>(&value); i && *i == 0)
        out += fmt::format(" (attribute '{}' is 0)", name);
  return out;
}

ops::OpRef make_op(const PluginDef& def, std::uint64_t serial) {
  check_def(def);
  auto op = std::make_shared<ops::OwnedOp>();
  auto self = std::make_shared<OpSelf>(
      OpSelf{def.id, def.inputs, def.outputs, def.shape_rule, def.reference, serial});
  for (const AotImplDef& a : def.aot_impls)
    if (a.fingerprint) self->fingerprints.push_back(a.fingerprint);
  op->self = std::move(self);
  Strings strings(*op, 3 + 2 * (def.inputs.size() + def.outputs.size()) + 2 * def.attributes.size());
  for (const InputSpec& i : def.inputs) {
    ops::Input port;
    port.name = strings.keep(i.name), port.doc = strings.keep(i.doc), port.dtypes = i.dtypes,
    port.variadic = i.variadic;
    op->inputs.push_back(port);
  }
  for (const AttributeSpec& a : def.attributes) {
    ops::AttributeDef attribute;
    attribute.name = strings.keep(a.name), attribute.kind = a.type.kind;
    attribute.doc = strings.keep(a.doc);
    attribute.required = a.required();  // defaults are filled in by bind_attributes
    op->attributes.push_back(attribute);
  }
  for (std::size_t i = 0; i < def.outputs.size(); ++i) {
    ops::Output port;
    port.name = strings.keep(output_name(def.outputs, i)), port.doc = strings.keep(def.outputs[i].doc);
    op->outputs.push_back(port);
  }
  op->def.id = strings.keep(def.id), op->def.summary = strings.keep(def.summary),
  op->def.doc = strings.keep(def.doc);
  op->def.infer = infer;
  if (def.reference) op->def.reference = reference;
  return ops::ref(std::move(op));
}

}  // namespace intarsia::plugins
