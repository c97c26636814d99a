// The table of built-in operators.
#pragma once
#include <span>
#include <string>
#include <string_view>

#include "ops/op_def.h"

namespace intarsia::ops {

#define INTARSIA_OP(id, constant) extern const OpDef constant;
#include "ops/ops.inc"
#undef INTARSIA_OP

std::span<const OpDef* const> all();     // sorted by id
const OpDef* find(std::string_view id);  // null where there is none

// find, or UserError with the nearest names.
const OpDef& get(std::string_view id);

// "softmax(input, dim=None)": the function users call. Inputs first, then attributes, as Python writes them.
std::string signature(const OpDef& op);

std::string markdown();  // the reference of all operators
std::string markdown(const OpDef& op);

}  // namespace intarsia::ops
