#include "plugins/build.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "kernel/roles.h"
#include "plugins/bind.h"
#include "plugins/foreign_code.h"

namespace intarsia::plugins {
namespace {

using runtime::Access;
using runtime::Argument;
using runtime::Buffer;
using runtime::BufferId;

std::vector<KernelArgument> arguments_of(const LaunchStep& launch, const BuildContext& context) {
  if (!launch.guide_order) return launch.arguments;
  std::vector<KernelArgument> out(context.inputs.begin(), context.inputs.end());
  out.insert(out.end(), launch.arguments.begin(), launch.arguments.end());
  out.insert(out.end(), context.outputs.begin(), context.outputs.end());
  return out;
}

// The kernel of our own a launch runs, if it has one.
KernelCode kernel_of(const LaunchStep& launch) {
  for (const CodeForm& code : launch.codes) {
    if (const auto* k = std::get_if<KernelCode>(&code)) return *k;
    if (const auto* p = std::get_if<PtxText>(&code); p && p->kernel) return p->kernel;
  }
  return nullptr;
}

// The outputs that a bound kernel stores to: one that is bound and only read is not among them.
std::vector<std::uint32_t> stored_outputs(kernel::Kernel k) {
  using kernel::Role;
  std::vector<std::optional<std::uint32_t>> port(k.params.size());
  for (std::size_t n = 0; n < k.params.size(); ++n) {
    if (k.params[n].role == Role::kOutput || k.params[n].role == Role::kInOut) port[n] = k.params[n].port;
    if (kernel::is_memory(k.params[n].role)) k.params[n].role = Role::kInput;
  }
  kernel::infer_roles(k);
  std::vector<std::uint32_t> out;
  for (std::size_t n = 0; n < k.params.size(); ++n)
    if (port[n] && k.params[n].role != Role::kInput) out.push_back(*port[n]);
  return out;
}

class ProgramBuilder {
 public:
  explicit ProgramBuilder(const BuildContext& context, const Steps& steps)
      : context_(context), steps_(steps) {
    program_.target = context.target;
    add_all(context.inputs, Buffer::Kind::kInput, inputs_);
    add_all(context.outputs, Buffer::Kind::kOutput, outputs_);
    for (const TensorDesc& t : steps.temporaries())
      temporaries_.push_back(add(t, Buffer::Kind::kTemporary, 0));
    written_.assign(context.outputs.size(), 0);
  }

  BuildResult run() {
    for (const Alias& alias : context_.aliases) start(alias);
    for (const PluginStep& step : steps_.steps()) std::visit([&](const auto& s) { one(s); }, step);
    const auto forgotten = std::find(written_.begin(), written_.end(), 0);
    if (forgotten != written_.end())
      throw UserError(
          fmt::format("{}: no step writes output '{}'", context_.who,
                      context_.outputs[static_cast<std::size_t>(forgotten - written_.begin())].name()));
    set_lifetimes();
    add_symbols();
    result_.built = schedule::Steps{std::move(program_), std::move(kernels_)};
    return std::move(result_);
  }

 private:
  void add_all(std::span<const TensorDesc> list, Buffer::Kind kind, std::vector<BufferId>& out) {
    for (const TensorDesc& t : list) out.push_back(add(t, kind, static_cast<std::uint32_t>(out.size())));
  }
  BufferId add(const TensorDesc& t, Buffer::Kind kind, std::uint32_t port) {
    Buffer b;
    b.name = t.name(), b.kind = kind, b.port = port, b.dtype = t.dtype();
    for (const Dim& d : t.shape()) b.shape.push_back(program_.dim(d));
    b.bytes = program_.dim(t.bytes());
    return program_.add(std::move(b));
  }

  BufferId buffer(const TensorDesc& t) const {
    const auto& table = t.port().kind == Port::Kind::kInput    ? inputs_
                        : t.port().kind == Port::Kind::kOutput ? outputs_
                                                               : temporaries_;
    if (t.port().kind == Port::Kind::kNone || t.port().index >= table.size())
      throw UserError(
          fmt::format("{}: {} is no input, output or temporary of this plugin", context_.who, t.str()));
    return table[t.port().index];
  }

  Argument argument(const TensorDesc& t, bool writes) {
    Argument a;
    a.kind = Argument::Kind::kBuffer, a.buffer = buffer(t), a.dtype = t.dtype(), a.name = t.name();
    if (t.port().kind == Port::Kind::kInput) {
      if (writes) throw UserError(fmt::format("{}: a step writes input '{}'", context_.who, t.name()));
      return a;
    }
    if (t.port().kind == Port::Kind::kTemporary) {
      a.access = Access::kUpdate;
    } else {
      a.access = written_[t.port().index] ? Access::kUpdate : Access::kWrite;
      if (writes) written_[t.port().index] = 1;
    }
    if (!writes) a.access = Access::kRead;
    return a;
  }

  void push(std::string name, runtime::Step::Body body) {
    runtime::Step step;
    step.name = context_.who + ": " + name, step.body = std::move(body);
    program_.steps.push_back(std::move(step));
  }

  void one(const LaunchStep& launch) {
    const std::vector<KernelArgument> arguments = arguments_of(launch, context_);
    if (const KernelCode code = kernel_of(launch)) {
      kernel::Kernel k = bind_kernel(context_.who, *code, arguments, launch);
      for (std::uint32_t port : stored_outputs(k)) written_[port] = 1;
      const runtime::CodeId id = schedule::add_code(program_, k, kernels_.size());
      runtime::Step step =
          schedule::launch_of(program_, id, k, {inputs_, outputs_, temporaries_, {}}, context_.machine);
      step.name = context_.who + ": " + k.name;
      program_.steps.push_back(std::move(step)), kernels_.push_back(std::move(k));
      return;
    }
    foreign(launch, arguments);
  }

  void foreign(const LaunchStep& launch, std::span<const KernelArgument> arguments) {
    const ForeignCode code = foreign_code(context_, launch);
    runtime::Launch out;
    runtime::Code record = code.code;
    if (code.entry) {
      check_block(context_.who, *code.entry, launch.params);
      for (const ForeignArgument& f : bind_foreign(context_.who, *code.entry, arguments)) {
        out.arguments.push_back(argument(f.argument));
        // What is bound says whether an integer of 64 bits is an address: code may leave one alone, and may
        // add offsets to another.
        const Argument::Kind kind = out.arguments.back().kind;
        record.params.push_back({static_cast<std::uint32_t>(f.parameter.declared.bytes),
                                 kind == Argument::Kind::kBuffer || kind == Argument::Kind::kNull,
                                 f.parameter.cpp.dtype, f.parameter.declared.name});
        if (out.arguments.back().name.empty()) out.arguments.back().name = f.parameter.declared.name;
      }
      record.params_known = 1;
    } else {
      for (const KernelArgument& a : arguments) out.arguments.push_back(argument(typed(a)));
    }
    out.code = program_.add(std::move(record));
    const KernelLaunchParams& p = launch.params;
    check_launch(context_, launch.entry, p);
    for (const Dim& d : {p.grid_x, p.grid_y, p.grid_z}) out.grid.push_back(program_.dim(d));
    for (const Dim& d : {p.block_x, p.block_y, p.block_z}) out.block.push_back(program_.dim(d));
    for (const Dim& d : p.cluster)
      if (!identical(p.cluster[0] * p.cluster[1] * p.cluster[2], 1)) out.cluster.push_back(program_.dim(d));
    if (!identical(p.shared_mem, 0)) out.shared_bytes = program_.dim(p.shared_mem);
    out.flags = (p.cooperative ? 1u : 0u) | (p.programmatic_dependent ? 2u : 0u);
    const std::string name = program_.codes[out.code.index].entry;
    push(name, std::move(out));
  }

  // Nothing is known of the parameters of a binary: a plain Dim is an i64, a plain number an f64.
  static KernelArgument typed(const KernelArgument& a) {
    KernelArgument out = a;
    if (const auto* d = std::get_if<Dim>(&a.value)) out.value = SymInt{*d, DType::kI64};
    if (const auto* d = std::get_if<double>(&a.value)) out.value = scalar_of(DType::kF64, *d);
    return out;
  }

  Argument argument(const KernelArgument& a) {
    if (const auto* t = std::get_if<TensorDesc>(&a.value))
      return argument(*t, t->port().kind != Port::Kind::kInput);
    Argument out;
    out.name = a.name;
    if (const auto* s = std::get_if<SymInt>(&a.value)) {
      out.kind = Argument::Kind::kDim, out.value = program_.dim(s->value), out.dtype = s->dtype;
    } else if (const auto* s = std::get_if<Scalar>(&a.value)) {
      out.kind = Argument::Kind::kConstant, out.constant = s->bits, out.dtype = s->dtype;
    } else if (const auto* b = std::get_if<std::string>(&a.value)) {
      out.kind = Argument::Kind::kBytes, out.bytes = *b;
    }
    return out;
  }

  // What others still read of the input stays as it is.
  void start(const Alias& alias) {
    const TensorDesc& to = context_.outputs[alias.output];
    runtime::Copy out;
    out.from.kind = Argument::Kind::kBuffer, out.from.buffer = inputs_[alias.input],
    out.from.dtype = to.dtype();
    out.to = argument(to, true), out.bytes = program_.dim(to.bytes());
    out.reason = context_.inputs[alias.input].name() + " is updated in place";
    push("copy of " + context_.inputs[alias.input].name(), std::move(out));
  }

  void one(const MemsetStep& m) {
    if (m.width != 1 && m.width != 2 && m.width != 4)
      throw UserError(
          fmt::format("{}: memset in units of {} bytes; 1, 2 or 4 are possible", context_.who, m.width));
    runtime::Memset out;
    out.target = argument(m.target, true), out.pattern = m.pattern, out.width = m.width,
    out.bytes = program_.dim(m.target.bytes());
    push("memset of " + m.target.name(), std::move(out));
  }

  void one(const CopyStep& c) {
    if (known_equal(c.from.bytes(), c.to.bytes()) == Known::kNo)
      throw UserError(fmt::format("{}: copy from {}: {} to {}: {}, which are of different size", context_.who,
                                  c.from.name(), c.from.str(), c.to.name(), c.to.str()));
    runtime::Copy out;
    out.from = argument(c.from, false), out.to = argument(c.to, true),
    out.bytes = program_.dim(c.from.bytes()), out.reason = "a step of the plugin";
    push("copy of " + c.from.name(), std::move(out));
  }

  void one(const HostStep& h) {
    if (!h.function) throw UserError(fmt::format("{}: host step '{}' has no function", context_.who, h.name));
    runtime::Call call;
    call.library = "host",
    call.function = fmt::format("{}/{}/{}", context_.host_prefix, program_.steps.size(), h.name),
    call.serialisable = 0;
    for (const TensorDesc& t : h.inputs) call.arguments.push_back(argument(t, false));
    for (const TensorDesc& t : h.outputs) {
      call.outputs.push_back(static_cast<std::uint32_t>(call.arguments.size()));
      call.arguments.push_back(argument(t, true));
    }
    result_.host_functions[call.function] = host_function(h, context_.tactic);
    push(h.name, std::move(call));
  }

  static runtime::HostFunctionRef host_function(const HostStep& h, std::int64_t tactic) {
    return std::make_shared<const runtime::HostFunction>(
        [function = h.function, inputs = h.inputs.size(), tactic](const runtime::HostCall& call) {
          HostCall out;
          out.stream = call.stream, out.tactic = tactic;
          for (std::size_t i = 0; i < call.tensors.size(); ++i) {
            const runtime::HostTensor& t = call.tensors[i];
            (i < inputs ? out.inputs : out.outputs).push_back({t.dtype, t.shape, t.data});
          }
          function(out);
        });
  }

  void set_lifetimes() {
    std::vector<char> seen(program_.buffers.size(), 0);
    for (std::uint32_t s = 0; s < program_.steps.size(); ++s) {
      const auto use = [&](const Argument& a) {
        if (a.kind != Argument::Kind::kBuffer) return;
        Buffer& b = program_.buffers[a.buffer.index];
        if (!seen[a.buffer.index]) b.first = s;
        b.last = s, seen[a.buffer.index] = 1;
      };
      const auto& body = program_.steps[s].body;
      if (const auto* l = std::get_if<runtime::Launch>(&body))
        std::for_each(l->arguments.begin(), l->arguments.end(), use);
      if (const auto* c = std::get_if<runtime::Call>(&body))
        std::for_each(c->arguments.begin(), c->arguments.end(), use);
      if (const auto* m = std::get_if<runtime::Memset>(&body)) use(m->target);
      if (const auto* c = std::get_if<runtime::Copy>(&body)) use(c->from), use(c->to);
    }
  }

  void add_symbols() {
    std::vector<Symbol> symbols;
    for (const Dim& d : program_.dims) collect_symbols(d, symbols);
    for (Symbol& s : symbols) {
      runtime::SymbolDef def;
      def.symbol = std::move(s);
      program_.symbols.push_back(std::move(def));
    }
  }

  const BuildContext& context_;
  const Steps& steps_;
  runtime::Program program_;
  std::vector<kernel::Kernel> kernels_;
  std::vector<BufferId> inputs_, outputs_, temporaries_;
  std::vector<char> written_;
  BuildResult result_;
};

// One launch of one kernel of our own takes its neighbours in: it goes to the scheduler as a kernel.
bool is_one_kernel(const Steps& steps) {
  if (steps.steps().size() != 1 || !steps.temporaries().empty()) return false;
  const auto* launch = std::get_if<LaunchStep>(&steps.steps()[0]);
  return launch && kernel_of(*launch);
}

}  // namespace

BuildResult build(const Steps& steps, const BuildContext& context) {
  if (steps.steps().empty()) throw UserError(context.who + ": the implementation returned no step");
  if (!is_one_kernel(steps) || !context.aliases.empty()) return ProgramBuilder(context, steps).run();
  const LaunchStep& launch = std::get<LaunchStep>(steps.steps()[0]);
  BuildResult out;
  kernel::Kernel k = bind_kernel(context.who, *kernel_of(launch), arguments_of(launch, context), launch);
  const std::vector<std::uint32_t> stored = stored_outputs(k);
  for (const TensorDesc& t : context.outputs)
    if (std::ranges::find(stored, t.port().index) == stored.end())
      throw UserError(fmt::format("{}: no step writes output '{}'", context.who, t.name()));
  out.built = schedule::Kernels{{{{}, std::move(k)}}};
  return out;
}

}  // namespace intarsia::plugins
