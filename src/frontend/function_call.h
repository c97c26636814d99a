// What the written functions call: arguments of C++ as attributes.
#pragma once
#include "frontend/apply.h"

namespace intarsia::frontend {

template <class T>
AttributeValue as_attribute(const T& v) {
  return v;
}
template <class T>
AttributeValue as_attribute(const std::optional<T>& v) {
  return v ? AttributeValue(*v) : AttributeValue();
}
inline AttributeValue as_attribute(const Number& v) {
  return std::visit([](auto n) { return AttributeValue(n); }, v);
}

inline Tensor call(const ops::OpDef& op, const Attributes& attributes, const Caller& caller) {
  return apply_one(op, std::span<const Operand>(), attributes, caller);
}
inline Tensor call_list(const ops::OpDef& op, const std::vector<Operand>& inputs,
                        const Attributes& attributes = {}) {
  return apply_one(op, inputs, attributes, inputs.empty() ? Caller() : inputs[0].caller());
}

}  // namespace intarsia::frontend
