#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "ops/attribute_text.h"
#include "ops/op_def.h"

namespace intarsia::ops {
namespace {

constexpr std::size_t kMaxTypeVariables = 8;

struct Binding {
  DType dtype{};
  std::string_view port;  // the input that decided it
};
using Bindings = std::array<Binding, kMaxTypeVariables>;

const Input& port_of(const OpDef& op, std::size_t input) {
  return op.inputs[std::min(input, op.inputs.size() - 1)];
}

void check_count(const InferContext& context, std::size_t given) {
  const OpDef& op = context.op();
  const bool variadic = !op.inputs.empty() && op.inputs.back().variadic;
  const auto required = static_cast<std::size_t>(std::count_if(
      op.inputs.begin(), op.inputs.end(), [](const Input& i) { return !i.optional && !i.variadic; }));
  if (given >= required && (variadic || given <= op.inputs.size())) return;
  std::string names;
  for (const Input& i : op.inputs) names += fmt::format("{}{}", names.empty() ? "" : ", ", i.name);
  const std::string wanted = variadic ? fmt::format("at least {}", required)
                             : required < op.inputs.size()
                                 ? fmt::format("{} to {}", required, op.inputs.size())
                                 : std::to_string(required);
  context.require(false, fmt::format("takes {} input{} ({}), was given {}", wanted, wanted == "1" ? "" : "s",
                                     names, given));
}

Bindings bind_dtypes(const InferContext& context, std::span<const TensorType> inputs) {
  Bindings bound{};
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Input& port = port_of(context.op(), i);
    const DType t = inputs[i].dtype;
    if (!is_known(t) || (port.dtypes & only(t)) == 0)
      context.require(
          false, fmt::format("input '{}' may not be {}; it takes {}", port.name, name(t), text(port.dtypes)));
    if (port.type_variable < 0) continue;
    Binding& b = bound[static_cast<std::size_t>(port.type_variable)];
    if (b.dtype != DType{0} && b.dtype != t)
      context.require(
          false,
          fmt::format("input '{}' is {} but input '{}' is {}: they must have one dtype; cast one of them",
                      port.name, name(t), b.port, name(b.dtype)));
    if (b.dtype == DType{0}) b = {t, port.name};
  }
  return bound;
}

void apply_output_rule(const InferContext& context, const Bindings& bound, InferContext::Result& result) {
  for (std::size_t i = 0; i < result.outputs.size(); ++i) {
    const Output& port = context.op().outputs[i];
    DType& t = result.outputs[i].dtype;
    DType rule{};
    if (port.type_variable >= 0)
      rule = bound[static_cast<std::size_t>(port.type_variable)].dtype;
    else if (port.dtypes != 0 && (port.dtypes & (port.dtypes - 1)) == 0)
      rule = static_cast<DType>(__builtin_ctzll(port.dtypes));
    if (t == DType{0}) t = rule;
    if (t == DType{0})
      context.require(
          false, fmt::format("neither the schema nor the shape rule gives output '{}' a dtype", port.name));
    if ((rule != DType{0} && t != rule) || (port.dtypes != 0 && (port.dtypes & only(t)) == 0))
      context.require(false, fmt::format("output '{}' may not be {}; the schema says {}", port.name, name(t),
                                         rule != DType{0} ? std::string(name(rule)) : text(port.dtypes)));
  }
}

// An extent that cannot be is the user's mistake wherever it came from.
void check_extents(const InferContext& context, const InferContext::Result& result) {
  for (std::size_t i = 0; i < result.outputs.size(); ++i)
    for (const Dim& extent : result.outputs[i].shape)
      if (extent.bounds().max < 0)
        context.require(false, fmt::format("output '{}' would have shape {}: an extent cannot be negative",
                                           context.op().outputs[i].name, result.outputs[i].shape.str()));
}

}  // namespace

InferContext::Result infer_bound(const OpDef& op, std::span<const TensorType> inputs, const Attributes& bound,
                                 std::span<const RegionType> regions, std::string_view unique_prefix) {
  InferContext context(op, inputs, bound, regions, unique_prefix);
  check_count(context, inputs.size());
  const Bindings dtypes = bind_dtypes(context, inputs);
  op.infer(context);
  InferContext::Result result = context.finish();
  apply_output_rule(context, dtypes, result);
  check_extents(context, result);
  return result;
}

InferContext::Result infer(const OpDef& op, std::span<const TensorType> inputs, const Attributes& attributes,
                           std::span<const RegionType> regions, std::string_view unique_prefix) {
  return infer_bound(op, inputs, bind(op, attributes), regions, unique_prefix);
}

}  // namespace intarsia::ops
