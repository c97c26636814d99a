#include "ops/op_def.h"

#include <array>

namespace intarsia::ops {

InferContext::InferContext(const OpDef& op, std::span<const TensorType> inputs, const Attributes& attributes,
                           std::span<const RegionType> regions, std::string_view unique_prefix)
    : op_(op), inputs_(inputs), attributes_(attributes), regions_(regions), prefix_(unique_prefix) {}
const TensorType& InferContext::in(std::size_t i) const {
  require(i < inputs_.size(), "has no input " + std::to_string(i));
  return inputs_[i];
}
const RegionType& InferContext::region(std::size_t i) const {
  require(i < regions_.size(), "has no body " + std::to_string(i));
  return regions_[i];
}
void InferContext::require(bool holds, const std::string& what) const {
  if (!holds) throw UserError(std::string(op_.id) + ": " + what);
}
void InferContext::require_rank(std::size_t input, std::size_t rank) const {
  require(in(input).shape.size() == rank, "input " + std::to_string(input) + " must have rank " + std::to_string(rank) +
                                              " but is " + in(input).shape.str());
}
void InferContext::require_equal(const Dim& a, const Dim& b, std::string_view what_a, std::string_view what_b) {
  const Known known = known_equal(a, b);
  if (known == Known::kYes) return;
  const std::string text = std::string(what_a) + " (" + a.str() + ") must equal " + std::string(what_b) + " (" + b.str() + ")";
  require(known != Known::kNo, text);
  if (known == Known::kUnknown) result_.requirements.push_back({{a, Condition::Relation::kEqual, b}, std::string(op_.id) + ": " + text});
}
void InferContext::out(Shape shape) { out(std::move(shape), DType{0}); }
void InferContext::out(Shape shape, DType dtype) { result_.outputs.push_back({dtype, std::move(shape)}); }
Dim InferContext::data_extent(const Dim& upper, int port) {
  const Dim symbol = Dim::symbol(prefix_ + ".size" + std::to_string(port), {.min = 0, .max = upper.bounds().max});
  result_.data_extents.push_back({symbol, upper, port});
  return symbol;
}
InferContext::Result InferContext::finish() {
  if (result_.outputs.size() != op_.outputs.size()) require(false, "infer gave " + std::to_string(result_.outputs.size()) + " outputs, the schema has " +
                                                            std::to_string(op_.outputs.size()));
  return std::move(result_);
}

InferContext::Result infer(const OpDef& op, std::span<const TensorType> inputs, const Attributes& attributes,
                           std::span<const RegionType> regions, std::string_view unique_prefix) {
  InferContext context(op, inputs, attributes, regions, unique_prefix);
  const bool variadic = !op.inputs.empty() && op.inputs.back().variadic;
  std::size_t required = 0;
  for (const Input& i : op.inputs) required += !i.optional && !i.variadic;
  if (inputs.size() < required || (!variadic && inputs.size() > op.inputs.size()))
    context.require(false, "takes " + std::to_string(required) + " inputs, was given " + std::to_string(inputs.size()));
  std::array<DType, 8> bound{};
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Input& port = op.inputs[std::min(i, op.inputs.size() - 1)];
    const DType t = inputs[i].dtype;
    if ((port.dtypes & only(t)) == 0) context.require(false, "input '" + std::string(port.name) + "' may not be " + std::string(name(t)));
    if (port.type_variable < 0) continue;
    DType& b = bound[static_cast<std::size_t>(port.type_variable)];
    if (b != DType{0} && b != t) context.require(false, "input '" + std::string(port.name) + "' is " + std::string(name(t)) + ", the one before is " + std::string(name(b)));
    b = t;
  }
  for (const AttributeDef& a : op.attributes) {
    const AttributeValue* v = attributes.find(a.name);
    context.require(v || !a.required, "attribute '" + std::string(a.name) + "' is missing");
    context.require(!v || v->index() == static_cast<std::size_t>(a.kind), "attribute '" + std::string(a.name) + "' has another type");
  }
  for (const auto& [given, value] : attributes) {
    bool known = false;
    for (const AttributeDef& a : op.attributes) known |= a.name == given;
    context.require(known, "has no attribute '" + given + "'");
  }
  op.infer(context);
  InferContext::Result result = context.finish();
  for (std::size_t i = 0; i < op.outputs.size(); ++i) {
    const Output& port = op.outputs[i];
    DType& t = result.outputs[i].dtype;
    const DType rule = port.type_variable >= 0 ? bound[static_cast<std::size_t>(port.type_variable)]
                       : port.dtypes != 0      ? static_cast<DType>(__builtin_ctzll(port.dtypes)) : DType{0};
    if (t == DType{0} && rule == DType{0}) context.require(false, "output '" + std::string(port.name) + "' has no dtype");
    if (t != DType{0} && rule != DType{0} && t != rule) context.require(false, "output '" + std::string(port.name) + "' breaks the dtype rule");
    if (t == DType{0}) t = rule;
  }
  return result;
}
void check_schema(const OpDef& op) {
  const auto require = [&](bool ok, const std::string& what) { if (!ok) throw UserError(std::string(op.id) + ": " + what); };
  require(!op.id.empty() && op.infer, "an operator needs an id and a shape rule");
  for (std::size_t i = 0; i < op.inputs.size(); ++i) {
    require(!op.inputs[i].variadic || i + 1 == op.inputs.size(), "only the last input may be variadic");
    require(op.inputs[i].type_variable < 8, "at most 8 type variables");
  }
  for (const Output& o : op.outputs) require(o.alias_of < static_cast<int>(op.inputs.size()), "output '" + std::string(o.name) + "' aliases no input");
}
OpRef ref(std::shared_ptr<OwnedOp> op) {
  op->def.inputs = op->inputs, op->def.attributes = op->attributes, op->def.outputs = op->outputs, op->def.self = op->self.get();
  check_schema(op->def);
  const OpDef* def = &op->def;
  return OpRef(std::move(op), def);
}

}  // namespace intarsia::ops
