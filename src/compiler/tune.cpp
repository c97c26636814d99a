#include "compiler/tune.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <optional>

#include "base/error.h"

namespace intarsia::compiler {
namespace {

using Load = std::function<std::shared_ptr<const runtime::Executable>(runtime::Program)>;
using Clock = std::chrono::steady_clock;

struct Keyed {
  std::string key;
  std::vector<std::string> names;
};

std::vector<Keyed> keyed_choices(const runtime::Program& program) {
  std::vector<Keyed> out;
  for_each_step(program.steps, [&](const runtime::Step& step) {
    const auto* choose = std::get_if<runtime::Choose>(&step.body);
    if (!choose || choose->key.empty() || choose->alternatives.size() < 2) return;
    if (std::any_of(out.begin(), out.end(), [&](const Keyed& k) { return k.key == choose->key; })) return;
    Keyed keyed{choose->key, {}};
    for (const runtime::Alternative& a : choose->alternatives) keyed.names.push_back(a.name);
    out.push_back(std::move(keyed));
  });
  return out;
}

// The extent to tune for: what the user named, else something of middling size.
std::int64_t tuned_value(const Range& range) {
  if (range.opt > 0) return range.opt;
  constexpr std::int64_t kMiddling = 256;
  const std::int64_t value = std::clamp<std::int64_t>(kMiddling, range.min, range.max);
  return value / range.multiple * range.multiple;
}

std::vector<runtime::DeviceTensor> sample_inputs(const runtime::Program& program, runtime::Device& device) {
  const std::vector<Symbol> symbols = symbols_of(program);
  const DimProgram dims(program.dims, symbols);
  std::vector<std::int64_t> slots = dims.make_slots();
  for (std::size_t i = 0; i < symbols.size(); ++i) slots[i] = tuned_value(symbols[i].range);
  dims.evaluate(slots);
  std::vector<runtime::DeviceTensor> inputs;
  for (const runtime::Buffer& buffer : program.buffers) {
    if (buffer.kind != runtime::Buffer::Kind::kInput) continue;
    std::vector<std::int64_t> extents;
    for (const runtime::DimId d : buffer.shape) extents.push_back(dims.value(d.index, slots));
    if (inputs.size() <= buffer.port) inputs.resize(buffer.port + 1);
    auto tensor = runtime::DeviceTensor::make(device, buffer.dtype, runtime::Extents(extents));
    device.memset(tensor.data, 0, 1, static_cast<std::size_t>(tensor.bytes()), nullptr);
    inputs[buffer.port] = std::move(tensor);
  }
  return inputs;
}

std::size_t count_scalars(const runtime::Program& program) {
  std::size_t count = 0;
  for_each_step(program.steps, [&](const runtime::Step& step) {
    const auto see = [&](const runtime::Argument& a) {
      if (a.kind == runtime::Argument::Kind::kScalar)
        count = std::max(count, static_cast<std::size_t>(a.constant) + 1);
    };
    if (const auto* launch = std::get_if<runtime::Launch>(&step.body))
      std::for_each(launch->arguments.begin(), launch->arguments.end(), see);
    if (const auto* call = std::get_if<runtime::Call>(&step.body))
      std::for_each(call->arguments.begin(), call->arguments.end(), see);
  });
  return count;
}

// The best of some runs, in microseconds; the first warms up. Nothing where it fails.
std::optional<double> time_of(const runtime::Executable& executable,
                              std::span<const runtime::DeviceTensor> inputs,
                              std::span<const std::uint64_t> scalars) {
  constexpr int kRuns = 8;
  constexpr double kEnough = 50e3;  // microseconds in all
  double best = std::numeric_limits<double>::infinity(), total = 0;
  try {
    for (int run = 0; run <= kRuns && total < kEnough; ++run) {
      const auto start = Clock::now();
      executable.run(inputs, scalars);
      executable.device().synchronize(nullptr);
      const double us = std::chrono::duration<double, std::micro>(Clock::now() - start).count();
      if (run > 0 || us > kEnough) best = std::min(best, us);
      total += us;
    }
  } catch (const UserError&) { return std::nullopt; }
  return best;
}
}  // namespace

void tune(runtime::Program& program, runtime::Device& device, const Load& load) {
  const std::vector<Keyed> choices = keyed_choices(program);
  if (choices.empty()) return;
  const std::vector<runtime::DeviceTensor> inputs = sample_inputs(program, device);
  const std::vector<std::uint64_t> scalars(count_scalars(program));
  for (const Keyed& choice : choices) {
    std::optional<runtime::Tuning> best;
    for (const std::string& name : choice.names) {
      runtime::Program forced = program;
      forced.tuning.insert(forced.tuning.begin(), {choice.key, device.target(), name, {}, 0});
      const auto time = time_of(*load(std::move(forced)), inputs, scalars);
      if (time && (!best || *time < best->microseconds))
        best = {choice.key, device.target(), name, {}, *time};
    }
    if (best) program.tuning.push_back(*best);
  }
}

}  // namespace intarsia::compiler
