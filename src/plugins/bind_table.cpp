#include "plugins/bind_table.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace intarsia::plugins {

bool any_problem(const std::vector<BindRow>& rows) {
  return std::any_of(rows.begin(), rows.end(), [](const BindRow& r) {
    return !r.problem.empty() || r.parameter.empty() || r.argument.empty();
  });
}

void throw_mismatch(std::string_view who, const std::string& what, std::vector<BindRow> rows) {
  std::size_t left = 9, right = 8;
  for (BindRow& r : rows) {
    if (r.parameter.empty()) r.parameter = "-", r.problem = "no parameter takes it";
    if (r.argument.empty()) r.argument = "-", r.problem = "nothing is bound to it";
    left = std::max(left, r.parameter.size()), right = std::max(right, r.argument.size());
  }
  std::string text =
      fmt::format("{}: {}\n     {:<{}}  {:<{}}", who, what, "parameter", left, "argument", right);
  while (text.back() == ' ') text.pop_back();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::string line =
        fmt::format("\n  {:>2} {:<{}}  {:<{}}", i, rows[i].parameter, left, rows[i].argument, right);
    if (rows[i].problem.empty())
      while (line.back() == ' ') line.pop_back();
    else
      line += "  <- " + rows[i].problem;
    text += line;
  }
  throw UserError(text);
}

}  // namespace intarsia::plugins
