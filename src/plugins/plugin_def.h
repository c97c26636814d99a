// PluginDef: everything that defines a plugin, whichever language it was written in.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/capabilities.h"
#include "ops/op_def.h"
#include "plugins/attributes.h"
#include "plugins/autotune.h"
#include "plugins/code.h"
#include "schedule/implementation.h"

namespace intarsia::plugins {

// Where something was defined. Two definitions are from one place if `identity` is equal: a cell that runs
// again, a module loaded again.
struct Place {
  std::string text = {};      // shown: "plugin.py:12"
  std::string identity = {};  // compared; empty: the text
  const std::string& key() const { return identity.empty() ? text : identity; }
};

struct InputSpec {
  std::string name;
  DTypes dtypes = kAnyType;
  bool variadic = false;  // one or more; only the last input
  std::string doc = {};
};
struct OutputSpec {
  std::string name;  // empty: out0, out1, ...
  std::string doc = {};
};

// Descriptors in, descriptors out. Runs when the tensor is made; extents are constants or symbols.
using ShapeRule =
    std::function<std::vector<TensorDesc>(std::span<const TensorDesc> inputs, const Attributes&)>;

struct AotRequest {
  std::span<const TensorDesc> inputs;
  const Attributes& attributes;
  std::span<const TensorDesc> outputs;
  std::int64_t tactic = 0;
  std::string_view target;  // "x86-64-v4", "sm_90a"
  const kernel::Capabilities& machine;
};
using AotImpl = std::function<Steps(const AotRequest&)>;

struct ImplRequest {  // at run time
  std::span<const Tensor> inputs;
  const Attributes& attributes;
  std::span<const Tensor> outputs;
  std::uintptr_t stream = 0;  // 0 on a CPU
  std::int64_t tactic = 0;
};
using Impl = std::function<void(const ImplRequest&)>;

using Autotune = std::function<std::vector<AutoTuneCombination>(
    std::span<const TensorDesc> inputs, const Attributes&, std::span<const TensorDesc> outputs)>;
using Reference = std::function<void(ops::ReferenceContext&)>;

using Machine = schedule::Implementation::Machine;

struct AotImplDef {
  AotImpl body;
  std::string name = "aot_impl";  // unique for the plugin
  Place place = {};
  Machine machine = Machine::kAny;
  int priority = 0;
  bool takes_tactic = true;
  // Changes when what the body reads from outside (globals of a notebook) does; absent: it never does.
  std::function<std::uint64_t()> fingerprint = {};
};
struct ImplDef {
  Impl body;
  std::string name = "impl";
  Place place = {};
  Machine machine = Machine::kAny;
  int priority = -100;  // an aot_impl is taken where there is one
  bool takes_tactic = true;
};

struct PluginDef {
  std::string id;
  std::vector<InputSpec> inputs = {};
  std::vector<AttributeSpec> attributes = {};
  std::vector<OutputSpec> outputs = {};
  Place place = {};
  ShapeRule shape_rule = {};
  std::string summary = {}, doc = {};
  // May be given here or added to the registry later.
  std::vector<AotImplDef> aot_impls = {};
  std::vector<ImplDef> impls = {};
  Autotune autotune = {};
  Reference reference = {};
};

// The schema as one line: "example::p(Tensor x, Tensor... ys, int block_size = 256) -> (Tensor out0)".
std::string schema_text(const PluginDef& def);
// UserError: plugin, port or attribute, rule.
void check_def(const PluginDef& def);

}  // namespace intarsia::plugins
