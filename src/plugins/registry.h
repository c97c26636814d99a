// Registry: the plugins there are, by id; their implementations stand in a table beside the built-ins'.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "plugins/cuda_compiler.h"
#include "plugins/plugin_def.h"
#include "runtime/host_functions.h"

namespace intarsia::plugins {

// One registration, immutable. Graphs hold `op`, so that nothing done to the registry breaks them. Every
// change makes a new plugin with a new op, so that whoever remembers results by op never meets what was
// replaced.
struct Plugin {
  PluginDef def;
  ops::OpRef op;
};
using PluginRef = std::shared_ptr<const Plugin>;

// Safe from many threads. A call that throws changes nothing.
class Registry {
 public:
  explicit Registry(schedule::ImplementationTable table = {});
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;
  ~Registry();

  // Registers a plugin. An id that was defined at the same place is replaced and keeps implementations that
  // were added on their own; UserError: bad schema, or defined at another place (both are shown).
  PluginRef add(PluginDef def);
  // Adds to a plugin; the same name from the same place replaces. UserError: unknown id, another place.
  void add_aot_impl(std::string_view id, AotImplDef def);
  void add_impl(std::string_view id, ImplDef def);
  void set_autotune(std::string_view id, Autotune autotune, Place place);
  void set_reference(std::string_view id, Reference reference);
  bool unregister(std::string_view id);  // false: there was none

  PluginRef find(std::string_view id) const;  // nothing: unknown
  PluginRef get(std::string_view id) const;   // UserError: unknown, with near matches
  std::vector<std::string> ids() const;       // sorted

  // This implementation goes before all others of the plugin; empty: as registered.
  void prefer(std::string_view id, std::string_view implementation);

  schedule::ImplementationTable table() const;  // a handle: what it shows follows the registry
  // What programs with host steps name; an executable takes its functions from here when it is made.
  std::shared_ptr<runtime::HostFunctions> host_functions() const;
  void set_cuda_compiler(CudaCompiler compiler);
  void set_cuda_compiler_if_missing(CudaCompiler compiler);
  void set_debug_log(std::function<void(const std::string&)> log);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The registry of this process.
Registry& default_registry();

}  // namespace intarsia::plugins
