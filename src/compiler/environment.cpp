#include "compiler/environment.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>

#include "graph/passes/passes.h"

namespace intarsia::compiler {
namespace {

std::set<std::string> names_in(const char* list) {
  std::set<std::string> out;
  std::string_view rest = list ? list : "";
  while (!rest.empty()) {
    const std::string_view name = rest.substr(0, rest.find(','));
    if (!name.empty()) out.emplace(name);
    rest.remove_prefix(std::min(rest.size(), name.size() + 1));
  }
  return out;
}

std::string known_passes() {
  std::string known;
  for (const graph::Pass& pass : graph::all_passes())
    known += (known.empty() ? "" : ", ") + std::string(pass.name);
  return known;
}
}  // namespace

Options options_from(const char* disable, const char* print) {
  Options options;
  options.disabled = names_in(disable);
  for (const std::string& name : options.disabled)
    if (!graph::find_pass(name))
      throw UserError(
          fmt::format("INTARSIA_DISABLE: there is no pass '{}'; there are {}", name, known_passes()));
  const std::set<std::string> stages = names_in(print);
  for (const std::string& name : stages)
    if (name != "all" && name != "schedule" && name != "program" && !graph::find_pass(name))
      throw UserError(
          fmt::format("INTARSIA_PRINT: there is no stage '{}'; there are {}, schedule, program, all", name,
                      known_passes()));
  if (!stages.empty())
    options.observer = [stages](std::string_view stage, const std::function<std::string()>& text) {
      if (!stages.contains("all") && !stages.contains(std::string(stage))) return;
      std::fprintf(stderr, "---- after %s\n%s\n", std::string(stage).c_str(), text().c_str());
    };
  return options;
}

Options options_from_environment() {
  return options_from(std::getenv("INTARSIA_DISABLE"), std::getenv("INTARSIA_PRINT"));
}

}  // namespace intarsia::compiler
