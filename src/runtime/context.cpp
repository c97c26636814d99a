#include "runtime/context.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "runtime/step_runner.h"

namespace intarsia::runtime {
namespace {
std::string describe(const Prepared& p, const InputPort& port) {
  std::string out = std::string(name(port.dtype)) + "[";
  for (std::size_t i = 0; i < port.axes.size(); ++i)
    out += (i ? ", " : "") + p.program.dims[port.axes[i].dim].str();
  return out + "]";
}
std::string describe(const DeviceTensor& t) {
  return fmt::format("{}[{}]", name(t.dtype), fmt::join(t.extents.begin(), t.extents.end(), ", "));
}
[[noreturn]] void mismatch(const Prepared& p, std::size_t port, const DeviceTensor& given,
                           const std::string& why) {
  const InputPort& in = p.inputs[port];
  throw UserError(fmt::format("input {} ('{}') is {}, wanted {}{}", port, p.program.buffers[in.buffer].name,
                              describe(given), describe(p, in), why));
}
bool holds(std::int64_t a, Condition::Relation relation, std::int64_t b) {
  switch (relation) {
    case Condition::Relation::kEqual: return a == b;
    case Condition::Relation::kNotEqual: return a != b;
    case Condition::Relation::kLess: return a < b;
    case Condition::Relation::kLessEqual: return a <= b;
  }
  return false;
}
}  // namespace

bool all_hold(const Prepared& p, const std::vector<GuardTerm>& guard, std::span<const std::int64_t> slots) {
  for (const GuardTerm& term : guard)
    if (!holds(p.value(term.left, slots), term.relation, p.value(term.right, slots))) return false;
  return true;
}

Context::Context(const Prepared& prepared) : p_(prepared), slots_(prepared.dims.make_slots()) {
  addresses_.resize(p_.program.buffers.size());
  for (const auto& [buffer, tensor] : p_.fixed) addresses_[buffer] = tensor.data;
}

bool Context::same_extents(std::span<const DeviceTensor> inputs,
                           std::span<const std::uint64_t> scalars) const {
  const std::int64_t* at = extents_.data();
  for (const DeviceTensor& input : inputs)
    for (const std::int64_t e : input.extents)
      if (*at++ != e) return false;
  for (const std::uint32_t s : p_.scalar_symbols)
    if (*at++ != static_cast<std::int64_t>(scalars[p_.program.symbols[s].port])) return false;
  return true;
}

void Context::bind(std::span<const DeviceTensor> inputs, std::span<const std::uint64_t> scalars,
                   Stream stream) {
  if (inputs.size() != p_.inputs.size())
    throw UserError(
        fmt::format("the executable takes {} inputs, given are {}", p_.inputs.size(), inputs.size()));
  scalars_ = scalars, stream_ = stream;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const InputPort& port = p_.inputs[i];
    const DeviceTensor& input = inputs[i];
    if (input.dtype != port.dtype || input.extents.size() != port.axes.size()) mismatch(p_, i, input, "");
    if (&input.storage->device() != p_.device)
      throw UserError(fmt::format("input {} is on {}, the executable runs on {}", i,
                                  input.storage->device().name(), p_.device->name()));
    if (input.storage->ready() && input.storage->stream() != stream)
      p_.device->wait(stream, *input.storage->ready());
    addresses_[port.buffer] = input.data;
  }
  for (const std::uint32_t s : p_.scalar_symbols)
    if (p_.program.symbols[s].port >= scalars.size()) throw UserError("too few scalars are given");
  if (!solved_ || !same_extents(inputs, scalars)) solve(inputs, scalars);
}

void Context::set_symbol(std::uint32_t symbol, std::int64_t value, const std::string& who) {
  const auto& [name, range] = p_.program.symbols[symbol].symbol;
  if (value < range.min || value > range.max)
    throw UserError(
        fmt::format("{} is {}: dimension {} must lie in {}..{}", who, value, name, range.min, range.max));
  if (range.multiple > 1 && value % range.multiple)
    throw UserError(
        fmt::format("{} is {}: dimension {} must be a multiple of {}", who, value, name, range.multiple));
  slots_[symbol] = value;
}

void Context::solve(std::span<const DeviceTensor> inputs, std::span<const std::uint64_t> scalars) {
  solved_ = false;
  extents_.clear();
  for (std::size_t i = 0; i < inputs.size(); ++i)
    for (std::size_t a = 0; a < inputs[i].extents.size(); ++a) {
      const InputPort& port = p_.inputs[i];
      extents_.push_back(inputs[i].extents[a]);
      if (port.axes[a].rule == InputAxis::Rule::kSolve)
        set_symbol(port.axes[a].symbol, inputs[i].extents[a],
                   fmt::format("axis {} of input {} ('{}')", a, i, p_.program.buffers[port.buffer].name));
    }
  for (const std::uint32_t s : p_.scalar_symbols) {
    const std::uint32_t number = p_.program.symbols[s].port;
    extents_.push_back(static_cast<std::int64_t>(scalars[number]));
    set_symbol(s, extents_.back(), fmt::format("scalar {}", number));
  }
  set_upper_bounds();
  p_.dims.evaluate(slots_);
  check_extents(inputs);
  check_requirements();
  plan_memory();
  solved_ = true;
}

// Until a read is done, its upper bound stands for it.
void Context::set_upper_bounds() {
  for (std::size_t r = 0; r < p_.uppers.size(); ++r) {
    std::vector<std::int64_t> slots = p_.uppers[r].make_slots();
    std::copy_n(slots_.begin(), p_.program.symbols.size(), slots.begin());
    p_.uppers[r].evaluate(slots);
    slots_[p_.read_symbols[r]] = p_.uppers[r].value(0, slots);
  }
}

void Context::check_extents(std::span<const DeviceTensor> inputs) const {
  for (std::size_t i = 0; i < inputs.size(); ++i)
    for (std::size_t a = 0; a < inputs[i].extents.size(); ++a) {
      const std::int64_t wanted = p_.dims.value(p_.inputs[i].axes[a].dim, slots_);
      if (wanted != inputs[i].extents[a])
        mismatch(p_, i, inputs[i], fmt::format(": axis {} must be {}", a, wanted));
    }
}

void Context::check_requirements() const {
  for (const Requirement& r : p_.program.requirements) {
    const std::int64_t left = p_.value(r.holds.left, slots_), right = p_.value(r.holds.right, slots_);
    if (holds(left, r.holds.relation, right)) continue;
    const std::string& line = p_.program.lines[r.line];
    throw UserError(
        fmt::format("{}{}{} ({} against {})", line, line.empty() ? "" : ": ", r.text, left, right));
  }
}

void Context::plan_memory() {
  std::vector<std::int64_t> sizes;
  for (const std::uint32_t t : p_.temporaries) sizes.push_back(p_.value(p_.program.buffers[t].bytes, slots_));
  constexpr std::size_t kRemembered = 64;
  auto at = plans_.find(sizes);
  if (at == plans_.end()) {
    std::vector<Lifetime> lifetimes;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      const Buffer& b = p_.program.buffers[p_.temporaries[i]];
      lifetimes.push_back({sizes[i], static_cast<std::int64_t>(b.align), b.first, b.last});
    }
    if (plans_.size() >= kRemembered) plans_.clear();
    at = plans_.emplace(std::move(sizes), pack(lifetimes)).first;
  }
  plan_ = &at->second;
}

Extents Context::extents_of(const Buffer& buffer) const {
  std::array<std::int64_t, Extents::kMaxRank> values{};
  if (buffer.shape.size() > values.size()) throw UserError("a tensor has at most 8 dimensions");
  for (std::size_t a = 0; a < buffer.shape.size(); ++a) values[a] = p_.value(buffer.shape[a], slots_);
  return Extents(std::span<const std::int64_t>(values.data(), buffer.shape.size()));
}

void Context::make_outputs(std::span<DeviceTensor> outputs) {
  if (outputs.size() != p_.outputs.size())
    throw UserError(
        fmt::format("the executable has {} outputs, asked for are {}", p_.outputs.size(), outputs.size()));
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const Buffer& buffer = p_.program.buffers[p_.outputs[i]];
    const Extents extents = extents_of(buffer);
    DeviceTensor& out = outputs[i];
    if (!out.storage)
      out = DeviceTensor::make(*p_.device, buffer.dtype, extents, stream_);
    else if (out.dtype != buffer.dtype || !(out.extents == extents))
      throw UserError(fmt::format("output {} ('{}') is {}, the executable makes {}[{}]", i, buffer.name,
                                  describe(out), name(buffer.dtype),
                                  fmt::join(extents.begin(), extents.end(), ", ")));
    addresses_[p_.outputs[i]] = out.data;
  }
  if (!p_.temporaries.empty()) {
    arena_ = Storage::allocate(*p_.device, static_cast<std::size_t>(plan_->bytes), stream_);
    for (std::size_t i = 0; i < p_.temporaries.size(); ++i)
      addresses_[p_.temporaries[i]] = static_cast<char*>(arena_->data()) + plan_->offsets[i];
  }
  place_inside();
}

// After a read the extents are exact, and what a stream will have written is ready at an event.
void Context::finish_outputs(std::span<DeviceTensor> outputs) {
  const std::shared_ptr<Event> done = p_.device->record(stream_);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (!p_.uppers.empty()) outputs[i].extents = extents_of(p_.program.buffers[p_.outputs[i]]);
    if (done) outputs[i].storage->set_ready(done, stream_);
  }
}

void Context::call(std::span<const DeviceTensor> inputs, std::span<DeviceTensor> outputs,
                   std::span<const std::uint64_t> scalars, Stream stream) {
  bind(inputs, scalars, stream);
  make_outputs(outputs);
  if (!states_made_) make_states();
  run(p_.steps);
  finish_outputs(outputs);
}

void Context::place_inside() {
  for (const std::uint32_t i : p_.inside) {
    const Buffer& b = p_.program.buffers[i];
    const std::int64_t offset = b.offset ? p_.value(b.offset, slots_) : 0;
    addresses_[i] = static_cast<char*>(addresses_[b.inside.index]) + offset;
  }
}

void Context::make_states() {
  states_made_ = true;
  for (std::uint32_t i = 0; i < p_.program.buffers.size(); ++i) {
    const Buffer& b = p_.program.buffers[i];
    if (b.kind != Buffer::Kind::kState || b.inside) continue;
    const std::int64_t bytes = p_.value(b.bytes, slots_);
    states_.push_back(DeviceTensor::make(*p_.device, DType::kU8, Extents{bytes}));
    addresses_[i] = states_.back().data;
  }
  place_inside();
  run(p_.init);
}

void Context::run(const PreparedSteps& steps) { StepRunner(*this).list(steps); }

void Context::release() {
  arena_ = {};
  scalars_ = {};
}

}  // namespace intarsia::runtime
