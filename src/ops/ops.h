// The table of built-in operators.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ops/op_def.h"

namespace intarsia::ops {

#define INTARSIA_OP(id, constant) extern const OpDef constant;
#include "ops/ops.inc"
#undef INTARSIA_OP

std::span<const OpDef* const> all();     // sorted by id
const OpDef* find(std::string_view id);  // null where there is none

// find, or UserError with the nearest names.
const OpDef& get(std::string_view id);

// The function users call: its parameters in order, each an input or an attribute.
struct Parameter {
  std::string_view name;
  const Input* input = nullptr;
  const AttributeDef* attribute = nullptr;
};
std::vector<Parameter> parameters(const OpDef& op);
std::string signature(const OpDef& op);  // "softmax(input, dim=None)", as Python writes it

std::string markdown();  // the reference of all operators
std::string markdown(const OpDef& op);

}  // namespace intarsia::ops
