#include "frontend/session.h"

#include <fmt/format.h>

#include <algorithm>

#include "compiler/environment.h"
#include "frontend/apply.h"
#include "frontend/executable.h"
#include "graph/interpret.h"
#include "ops/host.h"
#include "plugins/op.h"
#include "runtime/cpu_device.h"

namespace intarsia::frontend {
namespace {

bool is_ready(const Record::Input& root) {
  return root.record->output(root.port).ready.load(std::memory_order_acquire);
}

runtime::DeviceTensor moved_to(runtime::Device& device, const runtime::DeviceTensor& tensor) {
  runtime::Device& from = tensor.storage->device();
  if (&from == &device) return tensor;
  runtime::DeviceTensor out = runtime::DeviceTensor::make(device, tensor.dtype, tensor.extents);
  runtime::Device& mover = device.kind() == runtime::Device::Kind::kCpu ? from : device;
  from.synchronize(tensor.storage->stream());
  mover.copy(out.data, tensor.data, static_cast<std::size_t>(tensor.bytes()), nullptr);
  mover.synchronize(nullptr);
  return out;
}

ops::HostTensor host_view(const runtime::DeviceTensor& t) {
  return {t.dtype, {t.extents.begin(), t.extents.end()}, t.data};
}

// Whether the functions of plugins read what they read when the plugins were called: else what was compiled
// is not what the structure's words say.
bool reads_the_same(const Snapshot& snapshot) {
  return std::ranges::all_of(snapshot.items, [](const Item& item) {
    const Record& record = *item.record;
    return item.leaf || record.kind != Record::Kind::kNode || !record.op->self ||
           record.bits == plugins::fingerprint(*record.op);
  });
}

// What infer says on dims must be what it said on numbers, without new conditions: then the structure holds
// for all extents.
bool holds_for_all(const BuiltGraph& built, const Snapshot& snapshot) {
  if (!built.graph.requirements().empty()) return false;
  std::vector<Symbol> symbols(built.graph.symbols().begin(), built.graph.symbols().end());
  std::vector<Dim> values;
  for (const Symbol& s : symbols) values.emplace_back(s.range.opt);
  for (std::size_t i = 0; i < snapshot.roots.size(); ++i) {
    const Item& item = snapshot.items[snapshot.roots[i].item];
    const Shape& eager = item.record->output(item.leaf ? item.port : snapshot.roots[i].port).type.shape;
    const Shape& general = built.graph.type(built.graph.results()[i]).shape;
    if (eager.size() != general.size()) return false;
    for (std::size_t a = 0; a < eager.size(); ++a)
      if (!identical(substitute(general[a], symbols, values), eager[a])) return false;
  }
  return true;
}
}  // namespace

runtime::DeviceTensor move_to(runtime::Device& device, const runtime::DeviceTensor& tensor) {
  return moved_to(device, tensor);
}

Session::Session()
    : compiler_(plugins::default_registry()),
      options_(compiler::options_from_environment()),
      devices_(find_devices()) {
  default_device_ = &devices_[devices_.size() > 1 ? 1 : 0].get();  // the first CUDA device, if there is one
}

Session& Session::current() {
  static Session* const session =
      new Session;  // tensors in static objects may outlive every order of destruction
  return *session;
}

Device Session::default_device() const { return Device(*default_device_.load(std::memory_order_relaxed)); }
void Session::set_default_device(Device device) { default_device_ = &device.get(); }

void Session::prepare(std::span<const Tensor> tensors, Work& work) {
  for (const Tensor& tensor : tensors) {
    const Record::Input root{tensor.record(), tensor.port()};
    if (!is_ready(root)) work.roots.push_back(root);
  }
  if (work.roots.empty()) return;
  flatten(work.roots, ++visits_, work.structure);
  for (const Item& item : work.structure.items) {
    if (item.leaf)
      work.inputs.push_back(item.record->output(item.port).value);
    else if (item.record->kind == Record::Kind::kNumber && !item.record->literal)
      work.scalars.push_back(item.record->bits);
    else if (item.record->kind == Record::Kind::kPlaceholder)
      throw UserError("this tensor stands for an argument while a function is compiled: it has no value yet");
  }
}

Session::ExecutableRef Session::find(const Structure& structure, const runtime::Device& device) const {
  const auto [first, last] = known_.equal_range(structure.hash);
  for (auto at = first; at != last; ++at) {
    const Known& known = at->second;
    if (known.device != &device || known.words != structure.words) continue;
    if (!known.symbolic && known.extents != structure.symbol_extents) continue;
    auto text = known.attributes.begin();
    const bool same = std::all_of(structure.items.begin(), structure.items.end(), [&](const Item& item) {
      return item.record->attribute_text.empty() || item.leaf || *text++ == item.record->attribute_text;
    });
    if (same) return known.executable;
  }
  return nullptr;
}

Session::ExecutableRef Session::make(const Snapshot& snapshot, runtime::Device& device, bool& symbolic) {
  if (symbolic) {
    try {
      const BuiltGraph built = build_graph(snapshot, {.symbolic = true});
      if (holds_for_all(built, snapshot))
        return compiler_.compile(built.graph, built.lines, device, options_);
    } catch (const InternalError&) { throw; } catch (const std::exception&) {
      // A rule, or a plugin's function, needs the numbers: they become part of the structure. What is wrong
      // with them too is wrong below.
    }
    symbolic = false;
  }
  const BuiltGraph built = build_graph(snapshot, {});
  return compiler_.compile(built.graph, built.lines, device, options_);
}

void Session::remember(const Work& work, const Snapshot& snapshot, runtime::Device& device, bool symbolic,
                       ExecutableRef executable) {
  Known known;
  known.words = work.structure.words;
  known.symbolic = symbolic, known.device = &device, known.executable = std::move(executable);
  if (!symbolic) known.extents = snapshot.symbol_extents;
  for (const Item& item : snapshot.items) {
    if (item.leaf || item.record->attribute_text.empty()) continue;
    known.attributes.push_back(item.record->attribute_text);
  }
  constexpr std::size_t kRemembered = 4096;
  if (known_.size() >= kRemembered) known_.clear();
  known_.emplace(work.structure.hash, std::move(known));
}

void Session::publish(Work& work, std::vector<Record::Input>& garbage) {
  for (std::size_t i = 0; i < work.roots.size(); ++i) {
    Record& record = *work.roots[i].record;
    Record::Output& output = record.output(work.roots[i].port);
    if (output.ready.load(std::memory_order_relaxed)) continue;  // another thread was faster
    output.value = std::move(work.outputs[i]);
    output.ready.store(true, std::memory_order_release);
    bool all = true;
    for (std::uint32_t o = 0; o < record.num_outputs; ++o)
      all = all && record.output(o).ready.load(std::memory_order_relaxed);
    if (!all) continue;
    std::move(record.inputs.begin(), record.inputs.end(), std::back_inserter(garbage));
    record.inputs.clear();
  }
}

void Session::evaluate(std::span<const Tensor> tensors) {
  thread_local Work scratch;
  Work work = std::move(scratch);
  const struct Return {
    Work& work;
    Work& scratch;
    ~Return() {
      work.roots.clear(), work.inputs.clear(), work.outputs.clear(), work.scalars.clear(),
          work.structure.clear();
      scratch = std::move(work);
    }
  } give_back{work, scratch};
  runtime::Device& device = *default_device_.load(std::memory_order_relaxed);
  ExecutableRef executable;
  Snapshot copy;
  {
    const std::scoped_lock lock(mutex_);
    prepare(tensors, work);
    if (work.roots.empty()) return;
    executable = find(work.structure, device);
    if (!executable) copy = snapshot(work.structure);
  }
  if (!executable) {
    bool symbolic = !copy.symbol_extents.empty();
    executable = make(copy, device, symbolic);
    if (reads_the_same(copy)) {
      const std::scoped_lock lock(mutex_);
      remember(work, copy, device, symbolic, executable);
    }
  }
  for (runtime::DeviceTensor& input : work.inputs) input = moved_to(device, input);
  work.outputs.resize(work.roots.size());
  executable->run_into(work.inputs, work.outputs, work.scalars);
  std::vector<Record::Input> garbage;
  const std::scoped_lock lock(mutex_);
  publish(work, garbage);
}

runtime::DeviceTensor Session::value(Record& record, std::uint32_t port) {
  check(record.output(port).ready.load(std::memory_order_acquire), "a value is read before it is evaluated");
  return record.output(port).value;  // written once, before `ready`
}

std::vector<runtime::DeviceTensor> Session::interpret(std::span<const Tensor> tensors) {
  Work work;
  Snapshot copy;
  {
    const std::scoped_lock lock(mutex_);
    for (const Tensor& tensor : tensors) work.roots.push_back({tensor.record(), tensor.port()});
    flatten(work.roots, ++visits_, work.structure);
    copy = snapshot(work.structure);
  }
  const BuiltGraph built = build_graph(copy, {});
  std::vector<runtime::DeviceTensor> keep;
  std::vector<ops::HostTensor> inputs;
  std::vector<std::uint64_t> bits;
  bits.reserve(copy.items.size());
  for (const Item& item : copy.items) {
    if (item.leaf) {
      keep.push_back(moved_to(runtime::cpu_device(), value(*item.record, item.port)));
      inputs.push_back(host_view(keep.back()));
    } else if (item.record->kind == Record::Kind::kNumber && !item.record->literal) {
      bits.push_back(item.record->bits);
      inputs.push_back({item.record->first.type.dtype, {}, &bits.back()});
    }
  }
  std::vector<runtime::DeviceTensor> out;
  for (ops::OwnedTensor& result : graph::interpret(built.graph, inputs)) {
    out.push_back(
        runtime::DeviceTensor::make(runtime::cpu_device(), result.dtype, runtime::Extents(result.extents)));
    std::copy(result.bytes.begin(), result.bytes.end(), static_cast<std::byte*>(out.back().data));
  }
  return out;
}

Executable Session::compile(std::span<const Tensor> placeholders, std::span<const Tensor> results,
                            std::span<const InputInfo> inputs) {
  Work work;
  Snapshot copy;
  {
    const std::scoped_lock lock(mutex_);
    for (const Tensor& tensor : results) work.roots.push_back({tensor.record(), tensor.port()});
    flatten(work.roots, ++visits_, work.structure);
    copy = snapshot(work.structure);
  }
  return compile_snapshot(copy, placeholders, inputs, *default_device_.load(), compiler_, options_);
}

}  // namespace intarsia::frontend
