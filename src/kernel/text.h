// What the printer and the parser of kernel text share.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "kernel/ir.h"

namespace intarsia::kernel {

std::string quoted(std::string_view text);           // "a\"b"; control characters as \x0a
std::string number(DType dtype, std::int64_t bits);  // 3, 0.5, inf, nan.7ff8000000000000
std::string_view text_of(Role role);
std::optional<Role> role_named(std::string_view text);

}  // namespace intarsia::kernel
