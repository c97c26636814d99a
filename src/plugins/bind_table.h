// Parameters and arguments side by side, for messages.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace intarsia::plugins {

struct BindRow {
  std::string parameter, argument;  // empty: there is none
  std::string problem = {};
};
// UserError: `what`, then the table. Rows without a partner get a problem of their own.
[[noreturn]] void throw_mismatch(std::string_view who, const std::string& what, std::vector<BindRow> rows);
bool any_problem(const std::vector<BindRow>& rows);

}  // namespace intarsia::plugins
