#include "runtime/executable.h"

#include <array>
#include <atomic>

#include "runtime/context.h"
#include "runtime/prepare.h"

namespace intarsia::runtime {

void FunctionTable::add(std::string library, std::string function, CallFunction body) {
  functions_[{std::move(library), std::move(function)}] = std::move(body);
}

const CallFunction* FunctionTable::find(std::string_view library, std::string_view function) const {
  const auto at = functions_.find({std::string(library), std::string(function)});
  return at == functions_.end() ? nullptr : &at->second;
}

// Contexts wait in places that a call takes from and gives back to without a lock.
struct Executable::State {
  std::unique_ptr<Prepared> prepared;
  mutable std::array<std::atomic<Context*>, 16> idle{};

  ~State() {
    for (auto& place : idle) delete place.load();
  }
  Context* take() const {
    for (auto& place : idle)
      if (place.load(std::memory_order_relaxed))
        if (Context* c = place.exchange(nullptr, std::memory_order_acquire)) return c;
    return new Context(*prepared);
  }
  void give(Context* context) const noexcept {
    context->release();
    for (auto& place : idle) {
      Context* none = nullptr;
      if (place.compare_exchange_strong(none, context, std::memory_order_release, std::memory_order_relaxed))
        return;
    }
    delete context;
  }
};

namespace {
template <class State>
struct Lease {
  const State& state;
  Context* context = state.take();
  ~Lease() { state.give(context); }
};
}  // namespace

Executable::Executable(std::unique_ptr<State> state) : state_(std::move(state)) {}
Executable::~Executable() = default;

std::shared_ptr<const Executable> Executable::make(Program program, Device& device,
                                                   ExecutableOptions options) {
  auto state = std::make_unique<State>();
  state->prepared = prepare(std::move(program), device, std::move(options));
  if (!state->prepared->prepare.empty()) {
    Context context(*state->prepared);
    context.run(state->prepared->prepare);
    device.synchronize(nullptr);
  }
  return std::shared_ptr<const Executable>(new Executable(std::move(state)));
}

const Program& Executable::program() const { return state_->prepared->program; }
Device& Executable::device() const { return *state_->prepared->device; }
std::size_t Executable::num_inputs() const { return state_->prepared->inputs.size(); }
std::size_t Executable::num_outputs() const { return state_->prepared->outputs.size(); }

std::vector<DeviceTensor> Executable::run(std::span<const DeviceTensor> inputs,
                                          std::span<const std::uint64_t> scalars, Stream stream) const {
  std::vector<DeviceTensor> outputs(num_outputs());
  run_into(inputs, outputs, scalars, stream);
  return outputs;
}

void Executable::run_into(std::span<const DeviceTensor> inputs, std::span<DeviceTensor> outputs,
                          std::span<const std::uint64_t> scalars, Stream stream) const {
  Lease<State> lease{*state_};
  lease.context->call(inputs, outputs, scalars, stream);
}

}  // namespace intarsia::runtime
