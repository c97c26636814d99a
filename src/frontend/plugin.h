// Calls of registered plugins, for front ends that know more of an attribute than its value.
#pragma once
#include <span>
#include <string_view>
#include <vector>

#include "intarsia/intarsia.h"
#include "plugins/attributes.h"

namespace intarsia::frontend {

// One tensor per output. UserError: unknown id (with near matches), attributes that are unknown, missing or
// ill-typed, dtypes and shapes that do not fit what was registered.
std::vector<Tensor> call_plugin(std::string_view id, std::span<const Operand> inputs,
                                std::span<const plugins::GivenAttribute> attributes, const Caller& caller);

}  // namespace intarsia::frontend
