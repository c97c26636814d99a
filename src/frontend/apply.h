// The one way an operator becomes a record: numbers take dtypes, attributes are bound, types inferred, at the
// user's line.
#pragma once
#include "frontend/record.h"

namespace intarsia::frontend {

// UserError is `message` preceded by the caller's place, line and caret.
[[noreturn]] void throw_at(const Caller& caller, const std::string& message);

std::vector<Tensor> apply(const ops::OpRef& op, std::span<const Operand> inputs, const Attributes& attributes,
                          const Caller& caller);
Tensor apply_one(const ops::OpDef& op, std::initializer_list<Operand> inputs,
                 const Attributes& attributes = {});
Tensor apply_one(const ops::OpDef& op, std::span<const Operand> inputs, const Attributes& attributes,
                 const Caller& caller);

}  // namespace intarsia::frontend
