// From a program to what runs: code loaded, symbols given their sources, arguments looked up.
#include <fmt/format.h>

#include <algorithm>

#include "base/convert.h"
#include "runtime/context.h"
#include "runtime/prepare.h"

namespace intarsia::runtime {
namespace {

std::uint32_t width_of(const Argument& a) {
  using Kind = Argument::Kind;
  if (a.kind == Kind::kBytes) return static_cast<std::uint32_t>(a.bytes.size());
  if (a.kind == Kind::kTensorMap) return 128;
  if (a.kind == Kind::kDim || a.kind == Kind::kConstant || a.kind == Kind::kScalar)
    return static_cast<std::uint32_t>(bits(a.dtype) / 8);
  return 8;
}

PlacedArgument place(const Prepared& p, const Argument& a) {
  if (a.kind == Argument::Kind::kTensorMap)
    throw Unsupported("tensor maps are not supported by this runtime yet");
  PlacedArgument placed;
  placed.kind = a.kind, placed.access = a.access, placed.dtype = a.dtype, placed.constant = a.constant;
  placed.bytes = width_of(a), placed.buffer = a.buffer.index, placed.source = &a;
  if (a.value) placed.slot = static_cast<std::uint32_t>(p.dims.slot(a.value.index));
  return placed;
}

class StepPreparer {
 public:
  StepPreparer(const Prepared& p, const std::string& tuned_for) : p_(p), tuned_for_(tuned_for) {}

  PreparedSteps list(const std::vector<Step>& steps) const {
    PreparedSteps out;
    out.reserve(steps.size());
    for (const Step& step : steps) out.push_back(one(step));
    return out;
  }

 private:
  PreparedStep one(const Step& step) const {
    if (step.device != 0)
      throw Unsupported(step.name + ": a program of several devices is not supported yet");
    PreparedStep out;
    out.step = &step;
    const auto add = [&](const Argument& a) { out.arguments.push_back(place(p_, a)); };
    if (const auto* b = std::get_if<Launch>(&step.body))
      std::for_each(b->arguments.begin(), b->arguments.end(), add);
    if (const auto* b = std::get_if<Call>(&step.body)) {
      find_function(step, *b);
      std::for_each(b->arguments.begin(), b->arguments.end(), add);
    }
    if (const auto* b = std::get_if<Memset>(&step.body)) add(b->target);
    if (const auto* b = std::get_if<Copy>(&step.body)) add(b->from), add(b->to);
    if (const auto* b = std::get_if<Wait>(&step.body))
      for (const Read& read : b->reads) add(read.from);
    if (const auto* b = std::get_if<Choose>(&step.body)) choose(*b, out);
    if (const auto* b = std::get_if<While>(&step.body)) out.lists = {list(b->condition), list(b->body)};
    return out;
  }
  void choose(const Choose& choose, PreparedStep& out) const {
    for (const Alternative& a : choose.alternatives) out.lists.push_back(list(a.steps));
    if (choose.key.empty()) return;
    for (std::uint32_t t = 0; t < p_.program.tuning.size(); ++t) {
      const Tuning& record = p_.program.tuning[t];
      if (record.key != choose.key || record.device != tuned_for_) continue;
      for (std::uint32_t a = 0; a < choose.alternatives.size(); ++a)
        if (choose.alternatives[a].name == record.name) out.tuned.emplace_back(t, a);
    }
  }
  void find_function(const Step& step, const Call& call) const {
    if (p_.functions.find(call.library, call.function)) return;
    throw Unsupported(fmt::format(
        "{}: this process has no function '{}' of library '{}'; {}", step.name, call.function, call.library,
        call.library == "host" ? "register the plugin that brings it" : "is the library there?"));
  }

  const Prepared& p_;
  const std::string& tuned_for_;
};

void prepare_symbols(Prepared& p) {
  using Source = SymbolDef::Source;
  const std::vector<Symbol> symbols = symbols_of(p.program);
  p.dims = DimProgram(p.program.dims, symbols);
  for (std::uint32_t i = 0; i < p.program.symbols.size(); ++i) {
    const SymbolDef& s = p.program.symbols[i];
    if (s.source == Source::kFragment)
      throw Unsupported("dimension " + s.symbol.name + " is given by nothing: this program is a fragment");
    if (s.source == Source::kScalarInput) p.scalar_symbols.push_back(i);
  }
  for_each_step(p.program.steps, [&](const Step& step) {
    const auto* wait = std::get_if<Wait>(&step.body);
    if (!wait) return;
    for (const Read& read : wait->reads) {
      p.uppers.emplace_back(std::span(&p.program.dims[read.upper.index], 1), symbols);
      p.read_symbols.push_back(read.symbol.index);
    }
  });
}

InputPort input_port(const Prepared& p, std::uint32_t buffer) {
  const Buffer& b = p.program.buffers[buffer];
  InputPort port{buffer, b.dtype, {}};
  for (std::uint32_t axis = 0; axis < b.shape.size(); ++axis) {
    InputAxis out{InputAxis::Rule::kMatch, 0, b.shape[axis].index};
    for (std::uint32_t s = 0; s < p.program.symbols.size(); ++s) {
      const SymbolDef& def = p.program.symbols[s];
      if (def.source == SymbolDef::Source::kInputExtent && def.port == b.port && def.axis == axis)
        out.rule = InputAxis::Rule::kSolve, out.symbol = s;
    }
    port.axes.push_back(out);
  }
  return port;
}

std::uint32_t depth_of(const Program& program, std::uint32_t buffer) {
  std::uint32_t depth = 0;
  for (BufferId at = program.buffers[buffer].inside; at; at = program.buffers[at.index].inside) ++depth;
  return depth;
}

void prepare_buffers(Prepared& p) {
  using Kind = Buffer::Kind;
  std::map<std::uint32_t, std::uint32_t> inputs, outputs;
  for (std::uint32_t i = 0; i < p.program.buffers.size(); ++i) {
    const Buffer& b = p.program.buffers[i];
    if (b.kind == Kind::kInput) inputs[b.port] = i;
    if (b.kind == Kind::kOutput) outputs[b.port] = i;
    if (b.inside)
      p.inside.push_back(i);
    else if (b.kind == Kind::kTemporary)
      p.temporaries.push_back(i);
  }
  for (const auto& [port, buffer] : inputs) {
    if (port != p.inputs.size()) throw UserError(fmt::format("the program has no input {}", p.inputs.size()));
    p.inputs.push_back(input_port(p, buffer));
  }
  for (const auto& [port, buffer] : outputs) {
    if (port != p.outputs.size())
      throw UserError(fmt::format("the program has no output {}", p.outputs.size()));
    p.outputs.push_back(buffer);
  }
  std::sort(p.inside.begin(), p.inside.end(), [&](auto a, auto b) {
    return std::pair(depth_of(p.program, a), a) < std::pair(depth_of(p.program, b), b);
  });
}

// Constants and weights; derived buffers are made here and filled by `prepare`.
void prepare_fixed(Prepared& p, const std::map<std::string, DeviceTensor>& weights) {
  using Kind = Buffer::Kind;
  for (std::uint32_t i = 0; i < p.program.buffers.size(); ++i) {
    const Buffer& b = p.program.buffers[i];
    if (b.inside) continue;
    if (b.kind == Kind::kConstant) {
      DeviceTensor t =
          DeviceTensor::make(*p.device, DType::kU8, Extents{static_cast<std::int64_t>(b.data.size())});
      p.device->copy(t.data, b.data.data(), b.data.size(), nullptr);
      p.fixed.emplace_back(i, std::move(t));
    } else if (b.kind == Kind::kWeight) {
      const auto at = weights.find(b.name);
      if (at == weights.end()) throw UserError("weight '" + b.name + "' is not given");
      p.fixed.emplace_back(i, at->second);
    } else if (b.kind == Kind::kDerived) {
      const Dim& bytes = p.program.dims[b.bytes.index];
      check(bytes.is_constant(), "a derived buffer has a constant size");
      p.fixed.emplace_back(i, DeviceTensor::make(*p.device, DType::kU8, Extents{bytes.constant()}));
    }
  }
}
}  // namespace

std::unique_ptr<Prepared> prepare(Program program, Device& device, ExecutableOptions options) {
  verify(program);
  auto p = std::make_unique<Prepared>();
  p->program = std::move(program);
  p->device = &device;
  p->functions = std::move(options.functions);
  p->codes = device.load(p->program);
  prepare_symbols(*p);
  prepare_buffers(*p);
  prepare_fixed(*p, options.weights);
  const std::string tuned_for = options.tuned_for.empty() ? device.target() : options.tuned_for;
  const StepPreparer steps(*p, tuned_for);
  p->prepare = steps.list(p->program.prepare);
  p->init = steps.list(p->program.init);
  p->steps = steps.list(p->program.steps);
  return p;
}

}  // namespace intarsia::runtime
