#include "kernel/definition.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "kernel/kernel.h"
#include "kernel/roles.h"
#include "kernel/scope.h"

namespace intarsia::kernel {
namespace {

bool is_name(std::string_view text) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  return !text.empty() && letter(text[0]) &&
         std::ranges::all_of(text, [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

ValueId parameter(Builder& b, const Parameter& p, DType dtype) {
  switch (p.kind) {
    case Parameter::Kind::kPointer: return b.param(p.name, Role::kInput, 0, pointer(dtype)).value;
    case Parameter::Kind::kScalar: return b.param(p.name, Role::kScalar, 0, scalar(dtype)).value;
    case Parameter::Kind::kView: break;
  }
  Shape extents;
  for (int a = 0; a < p.rank; ++a) extents.push_back(Dim::symbol(fmt::format("{}.e{}", p.name, a)));
  return b.view(p.name, Role::kInput, 0, dtype, std::move(extents));
}

}  // namespace

Head declare(std::string_view declaration, std::vector<Parameter> parameters, std::string line) {
  const std::size_t open = declaration.find('(');
  Head head{std::string(trimmed(declaration.substr(0, open))), std::move(parameters), std::move(line)};
  if (!is_name(head.name))
    throw UserError(fmt::format("{}: '{}' is no name of a kernel", head.line, head.name));
  for (std::size_t n = 0; n < head.parameters.size(); ++n) head.parameters[n].name = fmt::format("p{}", n);
  if (open == std::string_view::npos) return head;
  std::string_view rest = trimmed(declaration.substr(open + 1));
  if (!rest.ends_with(')'))
    throw UserError(fmt::format("{}: '{}' does not end in ')'", head.line, declaration));
  rest.remove_suffix(1);
  std::vector<std::string> names;
  while (!trimmed(rest).empty()) {
    const std::size_t comma = rest.find(',');
    names.emplace_back(trimmed(rest.substr(0, comma)));
    if (!is_name(names.back()))
      throw UserError(fmt::format("{}: '{}' is no name of a parameter", head.line, names.back()));
    rest = comma == std::string_view::npos ? "" : rest.substr(comma + 1);
  }
  if (names.size() != head.parameters.size())
    throw UserError(fmt::format("{}: {} names {} parameters; its function has {} that are no constants",
                                head.line, head.name, names.size(), head.parameters.size()));
  for (std::size_t n = 0; n < names.size(); ++n) head.parameters[n].name = names[n];
  return head;
}

Kernel Definition::build(std::span<const DType> dtypes) const {
  if (!dtypes.empty() && dtypes.size() != head_.parameters.size())
    throw UserError(fmt::format("{} has {} parameters; {} dtypes are given", head_.name,
                                head_.parameters.size(), dtypes.size()));
  Kernel k;
  k.name = head_.name;
  Builder b(k);
  b.line(head_.line);
  std::vector<ValueId> values;
  for (std::size_t n = 0; n < head_.parameters.size(); ++n) {
    const Parameter& p = head_.parameters[n];
    const DType given = dtypes.empty() ? p.dtype : dtypes[n];
    if (given == DType{0})
      throw UserError(fmt::format("{}: the dtype of {} is open: build it with dtypes", head_.name, p.name));
    if (p.dtype != DType{0} && p.dtype != given)
      throw UserError(fmt::format("{}: {} is declared {}; got {}", head_.name, p.name,
                                  intarsia::name(p.dtype), intarsia::name(given)));
    values.push_back(parameter(b, p, given));
  }
  Vocabulary vocabulary(b);
  const Scope scope(vocabulary);
  body_(vocabulary, values);
  infer_roles(k);
  verify(k);
  return k;
}

}  // namespace intarsia::kernel
