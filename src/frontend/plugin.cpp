// Calls of registered plugins.
#include "frontend/plugin.h"

#include "frontend/apply.h"
#include "plugins/registry.h"

namespace intarsia {

namespace frontend {

std::vector<Tensor> call_plugin(std::string_view id, std::span<const Operand> inputs,
                                std::span<const plugins::GivenAttribute> attributes, const Caller& caller) {
  plugins::PluginRef plugin;
  Attributes bound;
  try {
    plugin = plugins::default_registry().get(id);
    bound = plugins::bind_attributes(plugin->def.id, plugin->def.attributes, attributes);
  } catch (const UserError& error) { throw_at(caller, error.what()); }
  return apply(plugin->op, inputs, bound, caller);
}

}  // namespace frontend

std::vector<Tensor> plugins_call(std::string_view id, std::span<const Operand> inputs,
                                 const Attributes& attributes, const Caller& caller) {
  std::vector<plugins::GivenAttribute> given;
  for (const auto& [name, value] : attributes) given.push_back({name, value});
  return frontend::call_plugin(id, inputs, given, caller);
}

Tensor plugin(std::string_view id, std::initializer_list<Operand> inputs, const Attributes& attributes,
              const Caller& caller) {
  std::vector<Tensor> out = plugins_call(id, {inputs.begin(), inputs.size()}, attributes, caller);
  if (out.size() != 1)
    frontend::throw_at(caller, std::string(id) + " has " + std::to_string(out.size()) +
                                   " outputs: call plugins_call, which returns them all");
  return std::move(out[0]);
}

}  // namespace intarsia
