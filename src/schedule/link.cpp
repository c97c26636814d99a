// Launches of kernels, and fragments over ports linked into a program over buffers.
#include <algorithm>

#include "base/error.h"
#include "runtime/fields.h"
#include "schedule/implementation.h"

namespace intarsia::schedule {

runtime::CodeId add_code(runtime::Program& program, const kernel::Kernel& kernel, std::size_t index) {
  runtime::Code code;
  code.entry = kernel.name;
  code.params_known = 1;
  for (const kernel::Slot& s : parameter_list(kernel)) {
    const bool pointer = s.kind == kernel::Slot::Kind::kAddress;
    runtime::Param p;
    p.pointer = pointer;
    p.dtype = s.dtype;
    p.bytes = pointer ? 8u : static_cast<std::uint32_t>(std::max(bits(s.dtype) / 8, 1));
    p.name = s.param != UINT32_MAX ? kernel.params[s.param].name : s.value.str();
    code.params.push_back(std::move(p));
  }
  code.images.push_back({runtime::Image::Form::kKernelIndex, "", std::to_string(index)});
  return program.add(std::move(code));
}

namespace {
runtime::Argument argument_of(runtime::Program& program, const kernel::Kernel& kernel,
                              const kernel::Slot& slot, const Binding& binding) {
  using kernel::Role;
  runtime::Argument a;
  a.dtype = slot.dtype;
  const kernel::Param* p = slot.param == UINT32_MAX ? nullptr : &kernel.params[slot.param];
  if (p) a.name = p->name;
  if (slot.kind == kernel::Slot::Kind::kScalar) {
    a.kind = runtime::Argument::Kind::kScalar;
    check(binding.scalars.empty() || p->port < binding.scalars.size(),
          kernel.name + ": nothing gives " + p->name);
    a.constant = binding.scalars.empty() ? p->port : binding.scalars[p->port];
  } else if (slot.kind == kernel::Slot::Kind::kAddress) {
    const auto table = p->role == Role::kInput                               ? binding.inputs
                       : p->role == Role::kOutput || p->role == Role::kInOut ? binding.outputs
                                                                             : binding.workspaces;
    check(p->port < table.size() && table[p->port], kernel.name + ": nothing is bound to " + p->name);
    a.kind = runtime::Argument::Kind::kBuffer;
    a.buffer = table[p->port];
    a.access = p->role == Role::kInput    ? runtime::Access::kRead
               : p->role == Role::kOutput ? runtime::Access::kWrite
                                          : runtime::Access::kUpdate;
  } else {
    a.kind = runtime::Argument::Kind::kDim;
    a.value = program.dim(slot.value);
    if (!p) a.name = slot.value.str();
  }
  return a;
}
}  // namespace

runtime::Step launch_of(runtime::Program& program, runtime::CodeId code, const kernel::Kernel& kernel,
                        const Binding& binding, const kernel::Capabilities& machine) {
  runtime::Launch launch;
  launch.code = code;
  for (const Dim& g : kernel.grid) launch.grid.push_back(program.dim(g));
  if (!machine.cpu) launch.block = {program.dim(kernel.warps * 32)};
  for (const kernel::Slot& s : parameter_list(kernel))
    launch.arguments.push_back(argument_of(program, kernel, s, binding));
  runtime::Step step;
  step.name = kernel.name;
  step.body = std::move(launch);
  return step;
}

namespace {
class Linker {
 public:
  Linker(runtime::Program& program, const runtime::Program& fragment) : to_(program), from_(fragment) {}

  void run(const Binding& binding, std::size_t first_kernel) {
    symbols();
    buffers(binding);
    codes(first_kernel);
    states_ = static_cast<std::uint32_t>(to_.states.size());
    maps_ = static_cast<std::uint32_t>(to_.maps.size());
    for (runtime::State s : from_.states) remap(s), to_.states.push_back(std::move(s));
    for (runtime::TensorMap m : from_.maps) remap(m), to_.maps.push_back(std::move(m));
    for (const std::string& l : from_.lines) lines_.push_back(line(l));
    move(from_.prepare, to_.prepare);
    move(from_.init, to_.init);
    move(from_.steps, to_.steps);
    for (runtime::Tuning t : from_.tuning) remap(t), to_.tuning.push_back(std::move(t));
    for (runtime::Requirement r : from_.requirements) {
      remap(r), r.line = r.line < lines_.size() ? lines_[r.line] : 0;
      to_.requirements.push_back(std::move(r));
    }
  }

 private:
  template <class T>
  void remap(T& record) {
    for_each_id(record, [this](auto& id) { this->one(id); });
  }
  void one(runtime::DimId& id) {
    if (id) id = to_.dim(from_.dims[id.index]);
  }
  void one(runtime::BufferId& id) {
    if (id) id = buffers_[id.index];
  }
  void one(runtime::SymbolId& id) {
    if (id) id = symbols_[id.index];
  }
  void one(runtime::CodeId& id) {
    if (id) id.index += codes_;
  }
  void one(runtime::StateId& id) {
    if (id) id.index += states_;
  }
  void one(runtime::TensorMapId& id) {
    if (id) id.index += maps_;
  }

  void symbols() {
    for (const runtime::SymbolDef& s : from_.symbols) {
      std::uint32_t at = 0;
      while (at < to_.symbols.size() && to_.symbols[at].symbol.name != s.symbol.name) ++at;
      const bool here = s.source != runtime::SymbolDef::Source::kFragment;
      if (at == to_.symbols.size())
        to_.symbols.push_back(s);
      else if (here)
        throw UserError("dimension " + s.symbol.name + " gets a value in two places");
      symbols_.push_back({at});
    }
  }
  void buffers(const Binding& binding) {
    using Kind = runtime::Buffer::Kind;
    const auto port = [](auto table, const runtime::Buffer& b) {
      check(b.port < table.size(), "nothing is bound to buffer " + b.name);
      return table[b.port];
    };
    std::vector<runtime::BufferId> added;
    for (const runtime::Buffer& b : from_.buffers) {
      if (b.kind == Kind::kInput)
        buffers_.push_back(port(binding.inputs, b));
      else if (b.kind == Kind::kOutput)
        buffers_.push_back(port(binding.outputs, b));
      else
        buffers_.push_back(to_.add(b)), added.push_back(buffers_.back());
    }
    for (const runtime::BufferId id : added) remap(to_.buffers[id.index]);
  }
  void codes(std::size_t first_kernel) {
    codes_ = static_cast<std::uint32_t>(to_.codes.size());
    const auto blobs = static_cast<std::uint32_t>(to_.blobs.size());
    to_.blobs.insert(to_.blobs.end(), from_.blobs.begin(), from_.blobs.end());
    for (runtime::Code c : from_.codes) {
      for (runtime::Image& i : c.images) {
        if (i.form == runtime::Image::Form::kKernelIndex)
          i.data = std::to_string(std::stoull(i.data) + first_kernel);
        if (i.blob != UINT32_MAX) i.blob += blobs;
      }
      to_.codes.push_back(std::move(c));
    }
  }
  std::uint32_t line(const std::string& text) {
    const auto at = std::find(to_.lines.begin(), to_.lines.end(), text);
    if (at != to_.lines.end()) return static_cast<std::uint32_t>(at - to_.lines.begin());
    to_.lines.push_back(text);
    return static_cast<std::uint32_t>(to_.lines.size() - 1);
  }
  void move(const std::vector<runtime::Step>& from, std::vector<runtime::Step>& to) {
    std::vector<runtime::Step> copies = from;
    for_each_step(copies, [this](runtime::Step& s) { s.line = s.line < lines_.size() ? lines_[s.line] : 0; });
    for (runtime::Step& s : copies) remap(s), to.push_back(std::move(s));
  }

  runtime::Program& to_;
  const runtime::Program& from_;
  std::vector<runtime::BufferId> buffers_;
  std::vector<runtime::SymbolId> symbols_;
  std::vector<std::uint32_t> lines_;
  std::uint32_t codes_ = 0, states_ = 0, maps_ = 0;
};
}  // namespace

void append(runtime::Program& program, const runtime::Program& fragment, const Binding& binding,
            std::size_t first_kernel) {
  Linker(program, fragment).run(binding, first_kernel);
}

}  // namespace intarsia::schedule
