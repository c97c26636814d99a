#include "plugins/names.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <numeric>

#include "base/error.h"

namespace intarsia::plugins {
namespace {

// Edits between two texts: insert, delete, replace, or exchange two neighbours. Letters differ in case for
// free.
std::size_t distance(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
  std::vector<std::size_t> before, last(b.size() + 1), row(b.size() + 1);
  std::iota(last.begin(), last.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = lower(a[i - 1]) == lower(b[j - 1]);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (same ? 0 : 1)});
      if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]))
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(last);
    last.swap(row);
    row.resize(b.size() + 1);
  }
  return last[b.size()];
}

}  // namespace

void check_id(std::string_view id) {
  const std::string_view problem = id_problem(id);
  if (!problem.empty())
    throw UserError(
        fmt::format("plugin id '{}': {}; an id is namespace::name, for example acme::gelu", id, problem));
}

std::vector<std::string> near_matches(std::string_view wanted, std::span<const std::string> names) {
  std::vector<std::pair<std::size_t, std::string>> near;
  for (const std::string& name : names) {
    const std::size_t edits = distance(wanted, name);
    if (edits <= std::max<std::size_t>(1, std::max(wanted.size(), name.size()) / 3))
      near.emplace_back(edits, name);
  }
  std::sort(near.begin(), near.end());
  if (near.size() > 3) near.resize(3);
  std::vector<std::string> out;
  for (auto& [edits, name] : near) out.push_back(std::move(name));
  return out;
}

std::string suggestion(std::string_view wanted, std::span<const std::string> names) {
  const std::vector<std::string> near = near_matches(wanted, names);
  if (near.empty()) return {};
  std::string out = " (did you mean '" + near[0] + "'";
  for (std::size_t i = 1; i < near.size(); ++i)
    out += (i + 1 == near.size() ? " or '" : ", '") + near[i] + "'";
  return out + "?)";
}

}  // namespace intarsia::plugins
