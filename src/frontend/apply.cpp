#include "frontend/apply.h"

#include <fmt/format.h>

#include <algorithm>

#include "frontend/numbers.h"
#include "ops/attribute_text.h"
#include "ops/ops.h"
#include "plugins/op.h"
#include "plugins/registry.h"

namespace intarsia::frontend {
namespace {

const ops::Input& port_of(const ops::OpDef& op, std::size_t input) {
  return op.inputs[std::min(input, op.inputs.size() - 1)];
}

// The dtype a number takes: of the first tensor with its type variable, else of the numbers among themselves.
DType dtype_beside(const ops::OpDef& op, std::span<const Operand> inputs, std::size_t at) {
  const int variable = port_of(op, at).type_variable;
  DType natural = natural_dtype(inputs[at].number_value());
  if (variable < 0) return natural;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (port_of(op, i).type_variable != variable) continue;
    if (const Tensor* tensor = inputs[i].tensor()) return tensor->dtype();
    natural = std::max(natural, natural_dtype(inputs[i].number_value()));  // bool < integers < floats
  }
  return natural;
}

RecordRef number_record(const ops::OpDef& op, std::span<const Operand> inputs, std::size_t at,
                        const Caller& caller) {
  const DType dtype = dtype_beside(op, inputs, at);
  RecordRef record = make_record(Record::Kind::kNumber, 1, caller);
  record->bits = number_bits(inputs[at].number_value(), dtype);
  record->literal = &op == &ops::kPow && at == 1;  // an exponent decides which code is best
  record->first.type.dtype = dtype;
  return record;
}

// Types of a call, held in place: most operators have one or two inputs.
class InputTypes {
 public:
  void add(const ops::TensorType& type) { types_.push_back(type); }
  std::span<const ops::TensorType> span() const { return types_; }

 private:
  std::vector<ops::TensorType> types_;
};

std::vector<Tensor> record_call(const ops::OpRef& op, std::span<const Operand> inputs,
                                const Attributes& attributes, const Caller& caller) {
  std::vector<Record::Input> operands;
  std::vector<ops::TensorType> types;
  operands.reserve(inputs.size()), types.reserve(inputs.size());
  if (inputs.size() > op->inputs.size() && (op->inputs.empty() || !op->inputs.back().variadic))
    throw UserError(fmt::format("{} takes {} input{}, was given {}", op->id, op->inputs.size(),
                                op->inputs.size() == 1 ? "" : "s", inputs.size()));
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (const Tensor* tensor = inputs[i].tensor())
      operands.push_back({tensor->record(), tensor->port()});
    else
      operands.push_back({number_record(*op, inputs, i, caller), 0});
    types.push_back(operands.back().record->output(operands.back().port).type);
  }
  Attributes bound = ops::bind(*op, attributes);
  ops::InferContext::Result inferred = ops::infer_bound(*op, types, bound);
  if (!inferred.data_extents.empty())
    throw Unsupported(fmt::format("{}: extents that depend on data are not supported yet", op->id));
  RecordRef record =
      make_record(Record::Kind::kNode, static_cast<std::uint32_t>(inferred.outputs.size()), caller);
  record->op = op;
  if (op->self) record->bits = plugins::fingerprint(*op);
  record->inputs = std::move(operands);
  if (bound.begin() != bound.end())
    for (const auto& [name, value] : bound)
      record->attribute_text += fmt::format("{}={};", name, ops::text(value));
  record->attributes = std::move(bound);
  std::vector<Tensor> out;
  for (std::uint32_t i = 0; i < record->num_outputs; ++i) {
    record->output(i).type = std::move(inferred.outputs[i]);
    out.emplace_back(record, i);
  }
  return out;
}
}  // namespace

void throw_at(const Caller& caller, const std::string& message) { throw UserError(caller.show() + message); }

std::vector<Tensor> apply(const ops::OpRef& op, std::span<const Operand> inputs, const Attributes& attributes,
                          const Caller& caller) {
  try {
    return record_call(op, inputs, attributes, caller);
  } catch (const Unsupported& error) {
    throw Unsupported(caller.show() + error.what());
  } catch (const UserError& error) { throw_at(caller, error.what()); }
}

Tensor apply_one(const ops::OpDef& op, std::span<const Operand> inputs, const Attributes& attributes,
                 const Caller& caller) {
  return std::move(apply(ops::ref(op), inputs, attributes, caller)[0]);
}

Tensor apply_one(const ops::OpDef& op, std::initializer_list<Operand> inputs, const Attributes& attributes) {
  return apply_one(op, {inputs.begin(), inputs.size()}, attributes, inputs.begin()->caller());
}

}  // namespace intarsia::frontend

namespace intarsia {

std::vector<Tensor> apply(std::string_view op, std::span<const Operand> inputs, const Attributes& attributes,
                          const Caller& caller) {
  const ops::OpDef* found = ops::find(op);
  try {
    if (!found) found = &ops::get(op);
  } catch (const UserError& error) { frontend::throw_at(caller, error.what()); }
  return frontend::apply(ops::ref(*found), inputs, attributes, caller);
}

Tensor operator+(const Operand& a, const Operand& b) { return frontend::apply_one(ops::kAdd, {a, b}); }
Tensor operator-(const Operand& a, const Operand& b) { return frontend::apply_one(ops::kSub, {a, b}); }
Tensor operator*(const Operand& a, const Operand& b) { return frontend::apply_one(ops::kMul, {a, b}); }
Tensor operator/(const Operand& a, const Operand& b) { return frontend::apply_one(ops::kDiv, {a, b}); }
Tensor operator%(const Operand& a, const Operand& b) { return frontend::apply_one(ops::kMod, {a, b}); }
Tensor operator-(const Operand& a) { return frontend::apply_one(ops::kNeg, {a}); }
Tensor operator==(const Operand& a, const Operand& b) { return frontend::apply_one(ops::kEqual, {a, b}); }
Tensor operator!=(const Operand& a, const Operand& b) { return frontend::apply_one(ops::kNotEqual, {a, b}); }
Tensor operator<(const Operand& a, const Operand& b) { return frontend::apply_one(ops::kLess, {a, b}); }
Tensor operator<=(const Operand& a, const Operand& b) { return frontend::apply_one(ops::kLessEqual, {a, b}); }
Tensor operator>(const Operand& a, const Operand& b) { return frontend::apply_one(ops::kGreater, {a, b}); }
Tensor operator>=(const Operand& a, const Operand& b) {
  return frontend::apply_one(ops::kGreaterEqual, {a, b});
}

}  // namespace intarsia
