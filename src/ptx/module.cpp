#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "ptx/ptx.h"

namespace intarsia::ptx {

std::string_view Module::line_text(std::int32_t line) const {
  if (line < 1 || static_cast<std::size_t>(line) > line_starts.size()) return {};
  const auto start = static_cast<std::size_t>(line_starts[static_cast<std::size_t>(line) - 1]);
  std::string_view out = std::string_view(text).substr(start);
  out = out.substr(0, out.find('\n'));
  const std::size_t first = out.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return out.substr(first, out.find_last_not_of(" \t\r") - first + 1);
}

const Function* Module::find(std::string_view function) const {
  for (const Function& f : functions)
    if (f.name == function) return &f;
  return nullptr;
}

std::vector<const Entry*> Module::entries() const {
  std::vector<const Entry*> out;
  for (const Function& f : functions)
    if (f.entry && !f.declaration) out.push_back(&f);
  return out;
}

const Entry& Module::entry(std::string_view name) const {
  const std::vector<const Entry*> all = entries();
  if (name.empty() && all.size() == 1) return *all.front();
  std::vector<std::string_view> names;
  for (const Entry* e : all) {
    if (e->name == name) return *e;
    names.push_back(e->name);
  }
  throw UserError(fmt::format("{} has no entry '{}'; it has {}", source, name,
                              names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "))));
}

std::string Module::source_place(std::int32_t loc) const {
  if (loc < 0 || static_cast<std::size_t>(loc) >= locations.size()) return {};
  const Location& location = locations[static_cast<std::size_t>(loc)];
  const auto file = files.find(location.file);
  return fmt::format("{}:{}:{}", file == files.end() ? fmt::format("file {}", location.file) : file->second,
                     location.line, location.column);
}

}  // namespace intarsia::ptx
