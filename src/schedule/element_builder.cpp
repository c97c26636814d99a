#include "schedule/element_builder.h"

#include <bit>

#include "base/error.h"
#include "schedule/positions.h"

namespace intarsia::schedule {
using kernel::Fn;
using kernel::Key;
using kernel::Opcode;

Dim stretched(const Shape& tensor, const Shape& space) {
  check(tensor.size() <= space.size(), "a tensor of higher rank stretches to nothing");
  if (identical(tensor, space)) return row_major(space);
  const Shape strides = row_major_strides(tensor);
  const std::size_t lead = space.size() - tensor.size();
  Dim offset = 0;
  for (std::size_t a = 0; a < tensor.size(); ++a)
    if (!identical(tensor[a], 1)) offset = offset + kernel::axis(static_cast<int>(a + lead)) * strides[a];
  return offset;
}

ElementBuilder::ElementBuilder(const Query& query) : query_(query) {
  element_.space = query.outputs[0].shape;
  element_.body.name = query.node().op->id;
  kernel::Builder(element_.body);  // makes the body's region
}

ElementBuilder::Value ElementBuilder::operand(kernel::Param param, DType dtype, const Dim& offset) {
  for (std::size_t n = 0; n < element_.inputs.size(); ++n) {
    const auto& o = element_.inputs[n];
    if (o.param.role == param.role && o.param.port == param.port && identical(o.offset, offset))
      return element_.body.params[n].value;
  }
  const auto port = static_cast<std::uint32_t>(element_.inputs.size());
  const Value v = kernel::Builder(element_.body)
                      .param(param.name, kernel::Role::kScalar, port, kernel::scalar(dtype))
                      .value;
  element_.inputs.push_back({std::move(param), dtype, offset});
  return v;
}

ElementBuilder::Value ElementBuilder::read(std::uint32_t input, const Dim& offset) {
  kernel::Param p{.name = "in" + std::to_string(input), .role = kernel::Role::kInput, .port = input};
  p.extents = query_.inputs[input].shape;
  return operand(std::move(p), query_.inputs[input].dtype, offset);
}
ElementBuilder::Value ElementBuilder::read(std::uint32_t input) {
  return read(input, stretched(query_.inputs[input].shape, element_.space));
}
ElementBuilder::Value ElementBuilder::position(const Dim& value) {
  return operand({.name = "at", .role = kernel::Role::kDim}, DType::kI64, value);
}

ElementBuilder::Value ElementBuilder::bits(std::int64_t bits, DType dtype) {
  return emit(Opcode::kConstant, {}, dtype, {Key::kBits, bits});
}
ElementBuilder::Value ElementBuilder::number(double value, DType dtype) {
  const bool real = (only(dtype) & (kFloats | only(DType::kF8E4M3) | only(DType::kF8E5M2))) != 0;
  return bits(real ? std::bit_cast<std::int64_t>(value) : static_cast<std::int64_t>(value), dtype);
}

ElementBuilder::Value ElementBuilder::emit(Opcode opcode, std::span<const Value> operands, DType dtype) {
  return kernel::Builder(element_.body).emit(opcode, operands, kernel::scalar(dtype));
}
ElementBuilder::Value ElementBuilder::emit(Opcode opcode, std::span<const Value> operands, DType dtype,
                                           kernel::Attr attr) {
  return kernel::Builder(element_.body).emit(opcode, operands, kernel::scalar(dtype), {attr});
}

ElementBuilder::Value ElementBuilder::unary(Fn fn, Value a) {
  return emit(Opcode::kUnary, std::span(&a, 1), type(a), {Key::kFn, static_cast<int>(fn)});
}
ElementBuilder::Value ElementBuilder::binary(Fn fn, Value a, Value b) {
  const Value in[] = {a, b};
  return emit(Opcode::kBinary, in, type(a), {Key::kFn, static_cast<int>(fn)});
}
ElementBuilder::Value ElementBuilder::compare(Fn fn, Value a, Value b) {
  const Value in[] = {a, b};
  return emit(Opcode::kCompare, in, DType::kBool, {Key::kFn, static_cast<int>(fn)});
}
ElementBuilder::Value ElementBuilder::select(Value condition, Value if_true, Value if_false) {
  const Value in[] = {condition, if_true, if_false};
  return emit(Opcode::kSelect, in, type(if_true));
}
ElementBuilder::Value ElementBuilder::cast(Value a, DType dtype) {
  return type(a) == dtype ? a : emit(Opcode::kCast, std::span(&a, 1), dtype);
}

kernel::Element ElementBuilder::finish(std::span<const Value> results) {
  kernel::Builder(element_.body).add(Opcode::kYield, results, {});
  for (std::size_t n = 0; n < results.size(); ++n) {
    kernel::Param p{.name = "out" + std::to_string(n),
                    .role = kernel::Role::kOutput,
                    .port = static_cast<std::uint32_t>(n)};
    p.extents = query_.outputs[n].shape;
    element_.outputs.push_back({std::move(p), type(results[n]), results[n]});
  }
  return std::move(element_);
}

}  // namespace intarsia::schedule
