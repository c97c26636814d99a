#include "plugins/registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <mutex>

#include "plugins/implementation.h"
#include "plugins/names.h"
#include "plugins/op.h"

namespace intarsia::plugins {
namespace {

std::string shown(const Place& place) {
  return place.text.empty() ? "a place that was not given" : place.text;
}

void check_place(const std::string& what, const Place& there, const Place& here) {
  if (there.key() != here.key())
    throw UserError(
        fmt::format("{} is defined at {} and again at {}; unregister the first, or choose another name", what,
                    shown(there), shown(here)));
}

// Replaces the one of the same name, or appends.
template <class Def>
void put(const std::string& id, std::vector<Def>& list, Def def) {
  if (!def.body) throw UserError(fmt::format("{}: implementation '{}' has no body", id, def.name));
  const auto at = std::find_if(list.begin(), list.end(), [&](const Def& d) { return d.name == def.name; });
  if (at == list.end()) {
    list.push_back(std::move(def));
    return;
  }
  check_place(fmt::format("{}: implementation '{}'", id, def.name), at->place, def.place);
  *at = std::move(def);
}

std::vector<std::string> names_of(const PluginDef& def) {
  std::vector<std::string> out;
  for (const auto& i : def.aot_impls) out.push_back(i.name);
  for (const auto& i : def.impls) out.push_back(i.name);
  if (def.reference) out.emplace_back("reference");
  return out;
}

}  // namespace

struct Registry::State {
  struct Row {
    PluginRef plugin;
    Place autotune_place;
    std::string preferred;
  };
  mutable std::mutex mutex;
  std::map<std::string, Row, std::less<>> rows;
  schedule::ImplementationTable table;
  std::shared_ptr<Environment> environment = std::make_shared<Environment>();
  std::function<void(const std::string&)> log;

  Row& row(std::string_view id) {
    const auto at = rows.find(id);
    if (at == rows.end()) unknown(id);
    return at->second;
  }
  [[noreturn]] void unknown(std::string_view id) const {
    check_id(id);
    std::vector<std::string> ids;
    for (const auto& [name, row] : rows) ids.push_back(name);
    throw UserError(fmt::format("there is no plugin '{}'{}{}", id, suggestion(id, ids),
                                ids.empty() ? "; no plugin is registered" : ""));
  }
  void hide(const Row& row) {
    for (const std::string& name : names_of(row.plugin->def)) table.remove(row.plugin->def.id, name);
  }
  // The table follows: what was there goes, what is there now comes. Nothing here throws for the user's
  // faults.
  void publish(Row& row, PluginRef next) {
    std::vector<schedule::Implementation> made = implementations(next, environment);
    if (row.plugin) hide(row);
    row.plugin = std::move(next);
    for (schedule::Implementation& i : made) {
      if (i.name == row.preferred) i.priority = 1 << 20;
      table.add(std::move(i), row.plugin->def.id);
    }
  }
  template <class Edit>
  void edit(std::string_view id, const Edit& change) {
    PluginRef old;  // users' functions are destroyed when nothing is locked
    const std::scoped_lock lock(mutex);
    Row& row = this->row(id);
    old = row.plugin;
    auto next = std::make_shared<Plugin>(*row.plugin);
    change(next->def, row);
    next->op = make_op(next->def, environment->next_serial());
    publish(row, std::move(next));
  }
};

Registry::Registry(schedule::ImplementationTable table) : state_(std::make_unique<State>()) {
  state_->table = std::move(table);
}
Registry::~Registry() = default;

PluginRef Registry::add(PluginDef def) {
  auto plugin = std::make_shared<Plugin>();
  std::vector<AotImplDef> aot_impls;
  std::vector<ImplDef> impls;
  for (AotImplDef& d : def.aot_impls) put(def.id, aot_impls, std::move(d));
  for (ImplDef& d : def.impls) put(def.id, impls, std::move(d));
  def.aot_impls = std::move(aot_impls), def.impls = std::move(impls);
  PluginRef old_plugin;
  const std::scoped_lock lock(state_->mutex);
  const auto at = state_->rows.find(def.id);
  if (at != state_->rows.end()) {
    old_plugin = at->second.plugin;
    const PluginDef& old = old_plugin->def;
    check_place("plugin '" + def.id + "'", old.place, def.place);
    for (const AotImplDef& d : old.aot_impls)
      if (std::none_of(def.aot_impls.begin(), def.aot_impls.end(), [&](auto& n) { return n.name == d.name; }))
        def.aot_impls.push_back(d);
    for (const ImplDef& d : old.impls)
      if (std::none_of(def.impls.begin(), def.impls.end(), [&](auto& n) { return n.name == d.name; }))
        def.impls.push_back(d);
    if (!def.autotune) def.autotune = old.autotune;
    if (!def.reference) def.reference = old.reference;
  }
  plugin->op = make_op(def, state_->environment->next_serial());
  plugin->def = std::move(def);
  if (at != state_->rows.end() && state_->log)
    state_->log(
        fmt::format("plugin '{}' is registered again from {}", plugin->def.id, shown(plugin->def.place)));
  State::Row fresh;
  State::Row& row = at != state_->rows.end() ? at->second : fresh;
  state_->publish(row, plugin);
  if (at == state_->rows.end()) state_->rows.emplace(plugin->def.id, std::move(fresh));
  return plugin;
}

void Registry::add_aot_impl(std::string_view id, AotImplDef def) {
  state_->edit(id, [&](PluginDef& plugin, auto&) { put(plugin.id, plugin.aot_impls, std::move(def)); });
}

void Registry::add_impl(std::string_view id, ImplDef def) {
  state_->edit(id, [&](PluginDef& plugin, auto&) { put(plugin.id, plugin.impls, std::move(def)); });
}

void Registry::set_autotune(std::string_view id, Autotune autotune, Place place) {
  state_->edit(id, [&](PluginDef& plugin, State::Row& row) {
    if (plugin.autotune) check_place(plugin.id + ": autotune", row.autotune_place, place);
    plugin.autotune = std::move(autotune), row.autotune_place = std::move(place);
  });
}

void Registry::set_reference(std::string_view id, Reference reference) {
  state_->edit(id, [&](PluginDef& plugin, auto&) { plugin.reference = std::move(reference); });
}

bool Registry::unregister(std::string_view id) {
  PluginRef old;
  const std::scoped_lock lock(state_->mutex);
  const auto at = state_->rows.find(id);
  if (at == state_->rows.end()) return false;
  state_->hide(at->second);
  old = at->second.plugin;
  state_->rows.erase(at);
  return true;
}

PluginRef Registry::find(std::string_view id) const {
  const std::scoped_lock lock(state_->mutex);
  const auto at = state_->rows.find(id);
  return at == state_->rows.end() ? nullptr : at->second.plugin;
}

PluginRef Registry::get(std::string_view id) const {
  const std::scoped_lock lock(state_->mutex);
  return state_->row(id).plugin;
}

std::vector<std::string> Registry::ids() const {
  const std::scoped_lock lock(state_->mutex);
  std::vector<std::string> out;
  for (const auto& [id, row] : state_->rows) out.push_back(id);
  return out;
}

void Registry::prefer(std::string_view id, std::string_view implementation) {
  PluginRef old;
  const std::scoped_lock lock(state_->mutex);
  State::Row& row = state_->row(id);
  const std::vector<std::string> names = names_of(row.plugin->def);
  if (!implementation.empty() && std::find(names.begin(), names.end(), implementation) == names.end()) {
    std::string list;
    for (const std::string& n : names) list += (list.empty() ? "'" : ", '") + n + "'";
    throw UserError(fmt::format("{}: has no implementation '{}'; it has {}", id, implementation,
                                list.empty() ? "none" : list));
  }
  old = row.plugin;
  auto next = std::make_shared<Plugin>(*row.plugin);
  next->op = make_op(next->def, state_->environment->next_serial());
  row.preferred = implementation;
  state_->publish(row, std::move(next));
}

schedule::ImplementationTable Registry::table() const { return state_->table; }

std::shared_ptr<runtime::HostFunctions> Registry::host_functions() const {
  return {state_->environment, &state_->environment->host_functions()};
}

void Registry::set_cuda_compiler(CudaCompiler compiler) {
  state_->environment->set_cuda_compiler(std::move(compiler));
}

void Registry::set_cuda_compiler_if_missing(CudaCompiler compiler) {
  if (!state_->environment->cuda_compiler()) set_cuda_compiler(std::move(compiler));
}

void Registry::set_debug_log(std::function<void(const std::string&)> log) {
  const std::scoped_lock lock(state_->mutex);
  state_->log = std::move(log);
}

Registry& default_registry() {
  static Registry registry;
  return registry;
}

}  // namespace intarsia::plugins
