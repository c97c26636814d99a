#include "plugins/implementation.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "plugins/build.h"
#include "plugins/op.h"

namespace intarsia::plugins {
namespace {

using schedule::Answer;
using schedule::Built;
using schedule::Implementation;
using schedule::Query;
using schedule::Tactic;

std::string key_of(const Dim& d) {
  std::string out = d.postfix();
  std::vector<Symbol> symbols;
  collect_symbols(d, symbols);
  for (const Symbol& s : symbols)
    out += fmt::format(" {}:{}:{}:{}", s.name, s.range.min, s.range.max, s.range.multiple);
  return out;
}

std::string key_of(const AttributeValue& v) {
  if (const auto* b = std::get_if<Bytes>(&v)) return "b" + b->data;
  if (const auto* a = std::get_if<Array>(&v)) return "a" + std::string(name(a->dtype)) + a->data;
  if (const auto* d = std::get_if<double>(&v)) return fmt::format("d{:a}", *d);
  return std::to_string(v.index()) + to_text(v);
}

// Everything of a query that may change what a plugin's function returns.
std::string key_of(const Query& q, std::int64_t tactic, std::uint64_t fingerprint) {
  const schedule::QueryNode& node = q.node();
  std::string out = fmt::format("{} {} {} {} {} {}", q.target, q.machine.cpu, q.machine.shared_bytes,
                                q.machine.ptx_version, tactic, fingerprint);
  for (const auto& types : {node.inputs, node.outputs})
    for (const ops::TensorType& t : types) {
      out += fmt::format("|{}", name(t.dtype));
      for (const Dim& d : t.shape) out += "," + key_of(d);
    }
  for (const auto& [attribute, value] : *node.attributes) {
    const std::string text = key_of(value);
    out += fmt::format("|{}={}:{}", attribute, text.size(), text);
  }
  return out;
}

std::uint64_t hash(std::string_view text) {
  std::uint64_t h = 0xcbf29ce484222325ull;
  for (unsigned char c : text) h = (h ^ c) * 0x100000001b3ull;
  return h;
}

// What an implementation of a plugin is behind the scheduler's function pointers.
class Body {
 public:
  Body(PluginRef plugin, std::string name, std::shared_ptr<Environment> environment)
      : plugin_(std::move(plugin)), name_(std::move(name)), environment_(std::move(environment)) {
    serial_ = environment_->next_serial();
  }
  virtual ~Body() = default;

  const PluginDef& def() const { return plugin_->def; }
  virtual bool takes_tactic() const = 0;
  virtual std::uint64_t fingerprint() const { return 0; }

  // Remembered: the user's function runs once per question.
  Built built(const Query& q, std::int64_t tactic) const {
    const std::string key = key_of(q, tactic, fingerprint());
    {
      const std::scoped_lock lock(mutex_);
      if (const auto at = memo_.find(key); at != memo_.end()) return *at->second;
    }
    Ports ports(*this, q);
    BuildContext context{def().id,
                         ports.inputs,
                         ports.outputs,
                         ports.aliases,
                         q.machine,
                         q.target,
                         environment_->cuda_compiler(),
                         fmt::format("{}/{}/{}/{:016x}", def().id, name_, serial_, hash(key)),
                         tactic};
    BuildResult result = build(steps(ports, q, tactic), context);
    check_for_node(result.built, q);
    const std::scoped_lock lock(mutex_);
    for (auto& [name, function] : result.host_functions) {
      environment_->host_functions().add(name, function);
      functions_.insert_or_assign(name, std::move(function));
    }
    if (memo_.size() >= kMaxMemo) memo_.clear();
    memo_.insert_or_assign(key, std::make_shared<const Built>(result.built));
    return std::move(result.built);
  }

  // The tactics of this question that build, in the author's order. UserError: none does (with every reason).
  std::vector<Tactic> tactics(const Query& q) const {
    std::vector<std::int64_t> ids = advertised(q);
    if (ids.empty()) ids = {0};
    std::vector<Tactic> out;
    std::string reasons;
    for (std::int64_t id : ids) {
      if (ids.size() > 1) try {
          (void)built(q, id);
        } catch (const std::exception& e) {
          reasons += fmt::format("\n  tactic {}: {}", id, e.what());
          continue;
        }
      out.push_back({id, {}, id == 0 ? "" : fmt::format("tactic {}", id)});
    }
    if (out.empty())
      throw UserError(fmt::format("{}: no tactic of '{}' can be built:{}", def().id, name_, reasons));
    return out;
  }

  Answer applies(const Query& q) const {
    if (std::string why = refused_by_autotune(q); !why.empty()) return Answer::no(std::move(why));
    try {
      (void)built(q, tactics(q)[0].id);
      return Answer::yes();
    } catch (const Unsupported& e) { return Answer::no(e.what()); }
  }

  // The ports of what was built are the node's, whatever group was asked about.
  void check_for_node(const Built& built, const Query& q) const {
    const Query own{q.nodes.first(1), q.node().inputs, q.node().outputs, q.machine, q.target,
                    q.options,        q.tile};
    schedule::check_built(built, own, def().id);
  }

 protected:
  struct Ports {
    std::vector<TensorDesc> inputs, outputs;
    std::vector<Alias> aliases;
    Ports(const Body& body, const Query& q) {
      const auto add = [](auto& list, std::span<const ops::TensorType> types, Port::Kind kind,
                          const auto& name) {
        for (std::size_t i = 0; i < types.size(); ++i)
          list.push_back(TensorDesc(types[i].dtype, types[i].shape)
                             .bound({kind, static_cast<std::uint32_t>(i)}, name(i)));
      };
      add(inputs, q.node().inputs, Port::Kind::kInput,
          [&](std::size_t i) { return input_name(body.def().inputs, i); });
      add(outputs, q.node().outputs, Port::Kind::kOutput,
          [&](std::size_t i) { return output_name(body.def().outputs, i); });
      const Attributes& attributes = *q.node().attributes;
      const std::vector<TensorDesc> said = in_stage(
          body.def().id, "shape rule", attributes, [&] { return body.def().shape_rule(inputs, attributes); });
      for (std::uint32_t i = 0; i < said.size(); ++i)
        if (said[i].alias_of() >= 0) share(static_cast<std::uint32_t>(said[i].alias_of()), i, said[i]);
    }

   private:
    // From here on the input is the output: the one buffer that the plugin's code sees.
    void share(std::uint32_t input, std::uint32_t output, const TensorDesc& alias) {
      const Port port{Port::Kind::kOutput, output};
      aliases.push_back({input, output});
      inputs[input] = inputs[input].bound(port, inputs[input].name());
      outputs[output] = alias.bound(port, outputs[output].name());
    }
  };
  virtual Steps steps(const Ports& ports, const Query& q, std::int64_t tactic) const = 0;

  std::vector<TunedPorts> tuned(const Query& q) const {
    if (!def().autotune) return {};
    const Ports ports(*this, q);
    const Attributes& attributes = *q.node().attributes;
    return in_stage(def().id, "autotune", attributes, [&] {
      return expand(def().autotune(ports.inputs, attributes, ports.outputs), ports.inputs.size(),
                    ports.outputs.size());
    });
  }

  // Whether the dtypes of the node are those of the choice, in row-major memory.
  static bool suits(const TunedPorts& choice, const Query& q) {
    const std::size_t inputs = q.node().inputs.size();
    for (std::size_t i = 0; i < choice.ports.size(); ++i) {
      const DType is = i < inputs ? q.node().inputs[i].dtype : q.node().outputs[i - inputs].dtype;
      if (choice.ports[i].layout != "LINEAR" ||
          (choice.ports[i].dtype != DType{0} && choice.ports[i].dtype != is))
        return false;
    }
    return true;
  }

  std::vector<std::int64_t> advertised(const Query& q) const {
    std::vector<std::int64_t> out;
    for (const TunedPorts& choice : tuned(q)) {
      if (!suits(choice, q)) continue;
      for (std::int64_t t : choice.tactics)
        if (std::find(out.begin(), out.end(), t) == out.end()) out.push_back(t);
    }
    if (!out.empty() && !takes_tactic())
      throw UserError(fmt::format("{}: its autotune advertises tactics, but '{}' takes no parameter 'tactic'",
                                  def().id, name_));
    return out;
  }

  std::string refused_by_autotune(const Query& q) const {
    const std::vector<TunedPorts> choices = tuned(q);
    if (choices.empty() ||
        std::any_of(choices.begin(), choices.end(), [&](const TunedPorts& c) { return suits(c, q); }))
      return {};
    std::string out = fmt::format("{}: its autotune offers", def().id);
    for (std::size_t n = 0; n < choices.size(); ++n) {
      out += n ? "; (" : " (";
      for (std::size_t i = 0; i < choices[n].ports.size(); ++i)
        out += fmt::format("{}{} {}", i ? ", " : "",
                           choices[n].ports[i].dtype == DType{0} ? "any" : name(choices[n].ports[i].dtype),
                           choices[n].ports[i].layout);
      out += ")";
    }
    out += ", the graph has (";
    bool first = true;
    for (const auto& types : {q.node().inputs, q.node().outputs})
      for (const ops::TensorType& t : types)
        out += fmt::format("{}{} LINEAR", std::exchange(first, false) ? "" : ", ", name(t.dtype));
    return out + ")";
  }

  static constexpr std::size_t kMaxMemo = 256;
  PluginRef plugin_;
  std::string name_;
  std::shared_ptr<Environment> environment_;
  std::uint64_t serial_ = 0;
  mutable std::mutex mutex_;
  mutable std::map<std::string, std::shared_ptr<const Built>> memo_;
  mutable std::map<std::string, runtime::HostFunctionRef> functions_;
};

class AotBody : public Body {
 public:
  AotBody(const PluginRef& plugin, const AotImplDef& aot, std::shared_ptr<Environment> environment)
      : Body(plugin, aot.name, std::move(environment)), aot_(aot) {}
  bool takes_tactic() const override { return aot_.takes_tactic; }
  std::uint64_t fingerprint() const override { return aot_.fingerprint ? aot_.fingerprint() : 0; }

 protected:
  Steps steps(const Ports& ports, const Query& q, std::int64_t tactic) const override {
    const Attributes& attributes = *q.node().attributes;
    return in_stage(def().id, aot_.name, attributes, [&] {
      return aot_.body({ports.inputs, attributes, ports.outputs, tactic, q.target, q.machine});
    });
  }

 private:
  AotImplDef aot_;
};

// One host step over all ports.
class ImplBody : public Body {
 public:
  ImplBody(const PluginRef& plugin, const ImplDef& impl, std::shared_ptr<Environment> environment)
      : Body(plugin, impl.name, std::move(environment)), impl_(impl) {}
  bool takes_tactic() const override { return impl_.takes_tactic; }

 protected:
  Steps steps(const Ports& ports, const Query& q, std::int64_t) const override {
    HostStep step;
    step.name = impl_.name, step.inputs = ports.inputs, step.outputs = ports.outputs;
    step.function = [body = impl_.body, attributes = *q.node().attributes](const HostCall& call) {
      body({call.inputs, attributes, call.outputs, call.stream, call.tactic});
    };
    Steps out;
    out.add(std::move(step));
    return out;
  }

 private:
  ImplDef impl_;
};

class ReferenceBody : public Body {
 public:
  ReferenceBody(const PluginRef& plugin, std::shared_ptr<Environment> environment)
      : Body(plugin, "reference", std::move(environment)) {}
  bool takes_tactic() const override { return true; }

 protected:
  Steps steps(const Ports& ports, const Query& q, std::int64_t) const override {
    HostStep step;
    step.name = "reference", step.inputs = ports.inputs, step.outputs = ports.outputs;
    step.function = [plugin = plugin_, attributes = *q.node().attributes](const HostCall& call) {
      std::vector<ops::HostTensor> inputs, outputs;
      for (const Tensor& t : call.inputs) inputs.push_back({t.dtype, t.shape, t.data});
      for (const Tensor& t : call.outputs) outputs.push_back({t.dtype, t.shape, t.data});
      ops::ReferenceContext context{*plugin->op, attributes, inputs, outputs};
      plugin->def.reference(context);
    };
    Steps out;
    out.add(std::move(step));
    return out;
  }
};

const Body& body(const Implementation& i) { return *static_cast<const Body*>(i.self.get()); }

Implementation make(const PluginDef& def, std::string name, Machine machine, int priority, bool ahead_of_time,
                    std::shared_ptr<const Body> self) {
  Implementation i;
  i.name = std::move(name), i.op = def.id, i.machine = machine, i.priority = priority,
  i.ahead_of_time = ahead_of_time;
  i.applies = [](const Implementation& self, const Query& q) { return body(self).applies(q); };
  i.build = [](const Implementation& self, const Query& q, const Tactic& t) {
    return body(self).built(q, t.id);
  };
  i.tactics = [](const Implementation& self, const Query& q) { return body(self).tactics(q); };
  i.digest = [](const Implementation& self, const Query& q, const Tactic& t) {
    return schedule::digest_of_built(body(self).built(q, t.id));
  };
  i.self = std::move(self);
  return i;
}

}  // namespace

std::vector<Implementation> implementations(const PluginRef& plugin,
                                            const std::shared_ptr<Environment>& environment) {
  const PluginDef& def = plugin->def;
  std::vector<Implementation> out;
  for (const AotImplDef& a : def.aot_impls)
    out.push_back(
        make(def, a.name, a.machine, a.priority, true, std::make_shared<AotBody>(plugin, a, environment)));
  for (const ImplDef& i : def.impls)
    out.push_back(
        make(def, i.name, i.machine, i.priority, false, std::make_shared<ImplBody>(plugin, i, environment)));
  if (def.reference)
    out.push_back(make(def, "reference", Machine::kCpu, -1000, false,
                       std::make_shared<ReferenceBody>(plugin, environment)));
  return out;
}

}  // namespace intarsia::plugins
