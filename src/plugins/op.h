// The OpDef of a plugin, and how its user's functions are called.
#pragma once
#include <string>
#include <string_view>

#include "base/error.h"
#include "plugins/plugin_def.h"

namespace intarsia::plugins {

// Keeps what it needs of the definition. UserError where check_def or ops::check_schema finds a fault.
// `serial` tells one registration from another.
ops::OpRef make_op(const PluginDef& def, std::uint64_t serial);

// Of one registration of a plugin, and never used again, as an address may be; 0: a built-in.
std::uint64_t serial(const ops::OpDef& op);

// Of what a plugin's functions read from outside just now (globals of a notebook); 0 where they read nothing.
// Calls the user's language: never under a lock.
std::uint64_t fingerprint(const ops::OpDef& op);

std::string input_name(std::span<const InputSpec> inputs,
                       std::size_t i);  // "xs[2]": the third of variadic inputs
std::string output_name(std::span<const OutputSpec> outputs, std::size_t i);

// An error text preceded by the plugin's id and the stage, once; a division by zero names the attributes that
// are 0.
std::string staged(std::string_view id, std::string_view stage, std::string_view what,
                   const Attributes& attributes);

// Calls a user's function. Its UserError gets the plugin's id and the stage; other exceptions pass as they
// are.
template <class Call>
auto in_stage(std::string_view id, std::string_view stage, const Attributes& attributes, const Call& call) {
  try {
    return call();
  } catch (const Unsupported& e) {
    throw Unsupported(staged(id, stage, e.what(), attributes));
  } catch (const UserError& e) { throw UserError(staged(id, stage, e.what(), attributes)); }
}

}  // namespace intarsia::plugins
