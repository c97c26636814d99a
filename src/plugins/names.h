// Rules for ids and names of plugins, checked while a C++ program compiles where they are literals.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace intarsia::plugins {

constexpr bool is_identifier(std::string_view text) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  if (text.empty() || !letter(text[0])) return false;
  for (char c : text)
    if (!letter(c) && !(c >= '0' && c <= '9')) return false;
  return true;
}

// The namespaces of others, in any case of letters.
constexpr bool is_reserved_namespace(std::string_view text) {
  for (std::string_view reserved : {"std", "trt", "tensorrt", "intarsia"}) {
    bool same = text.size() == reserved.size();
    for (std::size_t i = 0; same && i < text.size(); ++i)
      same = (text[i] >= 'A' && text[i] <= 'Z' ? static_cast<char>(text[i] - 'A' + 'a') : text[i]) ==
             reserved[i];
    if (same) return true;
  }
  return false;
}

// Which rule an id breaks; empty: none.
constexpr std::string_view id_problem(std::string_view id) {
  const std::size_t at = id.find("::");
  if (at == std::string_view::npos) return "it has no '::'";
  const std::string_view space = id.substr(0, at), name = id.substr(at + 2);
  if (name.find("::") != std::string_view::npos) return "it has more than one '::'";
  if (space.empty()) return "its namespace is empty";
  if (name.empty()) return "its name is empty";
  if (!is_identifier(space))
    return "its namespace is not letters, digits and '_' starting with a letter or '_'";
  if (!is_identifier(name)) return "its name is not letters, digits and '_' starting with a letter or '_'";
  if (is_reserved_namespace(space)) return "its namespace is reserved";
  return {};
}

// Names the framework itself gives to parameters of a plugin's functions.
constexpr bool is_reserved_parameter(std::string_view name) {
  return name == "outputs" || name == "stream" || name == "tactic";
}

void check_id(std::string_view id);  // UserError with the rule and the expected form

// The names closest to `wanted`, nearest first; empty if nothing is near.
std::vector<std::string> near_matches(std::string_view wanted, std::span<const std::string> names);
// " (did you mean 'a' or 'b'?)", or nothing.
std::string suggestion(std::string_view wanted, std::span<const std::string> names);

}  // namespace intarsia::plugins
