#include "run_scheduled.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <random>
#include <set>

#include "base/error.h"
#include "graph/interpret.h"
#include "kernel/interpret.h"
#include "runtime/memory_plan.h"

namespace intarsia::schedule::testing {

const kernel::Capabilities& cpu() {
  static const kernel::Capabilities machine = {.cpu = true, .vector_bytes = 32};
  return machine;
}
const kernel::Capabilities& gpu() {
  static const kernel::Capabilities machine = {.cpu = false, .vector_bytes = 16, .threads_per_program = 128};
  return machine;
}
const ImplementationTable& builtins() {
  static const ImplementationTable table = [] {
    ImplementationTable t;
    add_builtins(t);
    return t;
  }();
  return table;
}

namespace {
using runtime::Buffer;

class Executor {
 public:
  Executor(const Scheduled& s, const graph::Graph& g, std::span<const ops::HostTensor> inputs)
      : s_(s), p_(s.program) {
    std::vector<ops::HostTensor> tensors;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (g.inputs()[i].kind == graph::InputKind::kScalar)
        scalars_.push_back(load_bits(inputs[i].dtype, inputs[i].data, 0));
      else if (g.inputs()[i].kind == graph::InputKind::kTensor)
        tensors.push_back(inputs[i]);
      else
        weights_[g.inputs()[i].name] = inputs[i];
    }
    for (const runtime::SymbolDef& d : p_.symbols) {
      symbols_.push_back(d.symbol);
      values_[d.symbol.name] = tensors.at(d.port).extents.at(d.axis);
    }
    program_ = DimProgram(p_.dims, symbols_);
    slots_ = program_.make_slots();
    for (std::size_t n = 0; n < symbols_.size(); ++n) slots_[n] = values_.at(symbols_[n].name);
    program_.evaluate(slots_);
    place(tensors);
  }

  std::vector<ops::OwnedTensor> run() {
    steps(p_.prepare);
    steps(p_.steps);
    return std::move(outputs_);
  }

 private:
  std::int64_t at(runtime::DimId id) const { return program_.value(id.index, slots_); }
  bool holds(const std::vector<runtime::GuardTerm>& guard) const {
    for (const runtime::GuardTerm& t : guard) {
      const Dim one = as_dim({at(t.left), t.relation, at(t.right)});
      if (one.constant() == 0) return false;
    }
    return true;
  }

  void place(const std::vector<ops::HostTensor>& inputs) {
    std::vector<runtime::Lifetime> lives;
    std::vector<std::size_t> who;
    memory_.resize(p_.buffers.size());
    for (std::size_t n = 0; n < p_.buffers.size(); ++n) {
      const Buffer& b = p_.buffers[n];
      if (b.kind != Buffer::Kind::kTemporary) continue;
      lives.push_back({at(b.bytes), b.align, b.first, b.last});
      who.push_back(n);
    }
    const runtime::MemoryPlan plan = runtime::pack(lives);
    arena_.assign(static_cast<std::size_t>(plan.bytes) + 1, std::byte{0xa5});
    for (std::size_t n = 0; n < who.size(); ++n) memory_[who[n]] = arena_.data() + plan.offsets[n];
    for (std::size_t n = 0; n < p_.buffers.size(); ++n) {
      const Buffer& b = p_.buffers[n];
      if (b.kind == Buffer::Kind::kInput) memory_[n] = inputs.at(b.port).data;
      if (b.kind == Buffer::Kind::kWeight) memory_[n] = weights_.at(b.name).data;
      if (b.kind == Buffer::Kind::kDerived)
        memory_[n] = derived_.emplace_back(static_cast<std::size_t>(at(b.bytes)) + 1).data();
      if (b.kind == Buffer::Kind::kConstant) memory_[n] = const_cast<char*>(b.data.data());
      if (b.kind != Buffer::Kind::kOutput) continue;
      if (outputs_.size() <= b.port) outputs_.resize(b.port + 1);
      std::vector<std::int64_t> extents;
      for (const runtime::DimId d : b.shape) extents.push_back(at(d));
      outputs_[b.port] = ops::make_tensor(b.dtype, extents);
    }
    for (std::size_t n = 0; n < p_.buffers.size(); ++n)
      if (p_.buffers[n].kind == Buffer::Kind::kOutput) memory_[n] = outputs_[p_.buffers[n].port].bytes.data();
  }

  std::byte* bytes_of(std::size_t buffer) const { return static_cast<std::byte*>(memory_[buffer]); }

  void steps(const std::vector<runtime::Step>& list) {
    for (const runtime::Step& s : list) {
      if (const auto* l = std::get_if<runtime::Launch>(&s.body))
        launch(*l);
      else if (const auto* c = std::get_if<runtime::Copy>(&s.body))
        std::copy_n(bytes_of(c->from.buffer.index), at(c->bytes), bytes_of(c->to.buffer.index));
      else if (const auto* m = std::get_if<runtime::Memset>(&s.body))
        std::fill_n(bytes_of(m->target.buffer.index), at(m->bytes), static_cast<std::byte>(m->pattern));
      else if (const auto* c = std::get_if<runtime::Choose>(&s.body))
        choose(*c);
      else
        FAIL() << s.name << ": this step does not run here";
    }
  }
  void choose(const runtime::Choose& c) {
    for (const runtime::Alternative& a : c.alternatives)
      if (holds(a.guard)) return steps(a.steps);
    FAIL() << "no alternative fits";
  }
  void launch(const runtime::Launch& l) {
    const auto index = std::stoull(p_.codes[l.code.index].images[0].data);
    const kernel::Kernel& k = s_.kernels[index];
    std::vector<kernel::HostTensor> tensors;
    std::vector<std::uint64_t> scalars;
    const auto list = parameter_list(k);
    ASSERT_EQ(list.size(), l.arguments.size());
    for (std::size_t n = 0; n < list.size(); ++n) {
      const runtime::Argument& a = l.arguments[n];
      if (list[n].param == UINT32_MAX) continue;
      const kernel::Param& p = k.params[list[n].param];
      if (a.kind == runtime::Argument::Kind::kScalar) {
        if (scalars.size() <= p.port) scalars.resize(p.port + 1);
        scalars[p.port] = scalars_.at(a.constant);
      }
      if (a.kind != runtime::Argument::Kind::kBuffer) continue;
      const Buffer& b = p_.buffers[a.buffer.index];
      const std::int64_t count = at(b.bytes) * 8 / bits(b.dtype);
      const bool handed_on = p.role == kernel::Role::kWorkspace && !written_.insert(a.buffer.index).second;
      bool known = false;
      for (const auto& t : tensors) known |= t.role == p.role && t.port == p.port;
      if (!known) tensors.push_back({p.role, p.port, b.dtype, count, memory_[a.buffer.index], handed_on});
    }
    kernel::interpret(k, tensors, values_, scalars);
  }

  const Scheduled& s_;
  const runtime::Program& p_;
  std::vector<Symbol> symbols_;
  kernel::SymbolValues values_;
  DimProgram program_;
  std::vector<std::int64_t> slots_;
  std::vector<std::uint64_t> scalars_;
  std::map<std::string, ops::HostTensor> weights_;
  std::vector<void*> memory_;
  std::set<std::uint32_t> written_;  // workspaces
  std::vector<std::byte> arena_;
  std::vector<std::vector<std::byte>> derived_;
  std::vector<ops::OwnedTensor> outputs_;
};

void expect_close(const ops::HostTensor& got, const ops::HostTensor& want, double tolerance,
                  const std::string& text) {
  ASSERT_EQ(got.dtype, want.dtype);
  ASSERT_EQ(got.extents, want.extents);
  int shown = 0;
  for (std::int64_t i = 0; i < ops::numel(want) && shown < 3; ++i) {
    const std::uint64_t a = load_bits(got.dtype, got.data, i), b = load_bits(want.dtype, want.data, i);
    if (a == b) continue;
    if (is_float(got.dtype)) {
      const double x = float_from_bits(got.dtype, a), y = float_from_bits(want.dtype, b);
      if ((std::isnan(x) && std::isnan(y)) || x == y) continue;
      if (std::isfinite(x) && std::isfinite(y) && std::abs(x - y) <= tolerance * std::max(1.0, std::abs(y)))
        continue;
      ADD_FAILURE() << "element " << i << ": " << x << ", expected " << y << "\n" << (shown ? "" : text);
    } else {
      ADD_FAILURE() << "element " << i << ": " << int_from_bits(got.dtype, a) << ", expected "
                    << int_from_bits(want.dtype, b) << "\n"
                    << (shown ? "" : text);
    }
    ++shown;
  }
}
}  // namespace

std::vector<ops::OwnedTensor> run(const Scheduled& scheduled, const graph::Graph& graph,
                                  std::span<const ops::HostTensor> inputs) {
  return Executor(scheduled, graph, inputs).run();
}

ops::OwnedTensor random_tensor(DType dtype, std::vector<std::int64_t> extents, std::uint64_t seed,
                               bool special) {
  ops::OwnedTensor t = ops::make_tensor(dtype, std::move(extents));
  std::mt19937_64 random(seed);
  constexpr double kInf = std::numeric_limits<double>::infinity();
  const double odd[] = {0.0, -0.0, 1.0, -1.0, kInf, -kInf, std::nan(""), 1e-40, 65504.0};
  for (std::int64_t i = 0; i < ops::numel(t.extents); ++i) {
    if (is_float(dtype)) {
      const double v = special && random() % 4 == 0
                           ? odd[random() % std::size(odd)]
                           : static_cast<double>(static_cast<std::int64_t>(random() % 4001) - 2000) / 500;
      ops::write(t.view(), i, v);
    } else {
      const auto v = static_cast<std::int64_t>(random() % 21) - 10;
      ops::write(t.view(), i, dtype == DType::kBool ? v & 1 : v);
    }
  }
  return t;
}

void expect_same(const graph::Graph& graph, const Scheduled& scheduled,
                 std::span<const ops::HostTensor> inputs, double tolerance) {
  auto want = graph::interpret(graph, inputs);
  auto got = run(scheduled, graph, inputs);
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t r = 0; r < want.size(); ++r)
    expect_close(got[r].view(), want[r].view(), tolerance, print(scheduled));
}

void expect_same(const graph::Graph& graph, std::span<const std::vector<std::int64_t>> extents,
                 double tolerance, const kernel::Capabilities& machine, std::uint64_t seed) {
  const Scheduled scheduled = schedule(graph, builtins(), machine);
  std::vector<ops::OwnedTensor> tensors;
  std::vector<ops::HostTensor> inputs;
  for (std::size_t i = 0; i < extents.size(); ++i)
    tensors.push_back(random_tensor(graph.type(graph.inputs()[i].value).dtype, extents[i], seed + i * 7919));
  for (ops::OwnedTensor& t : tensors) inputs.push_back(t.view());
  expect_same(graph, scheduled, inputs, tolerance);
}

}  // namespace intarsia::schedule::testing
