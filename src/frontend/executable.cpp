#include "frontend/executable.h"

#include <fmt/format.h>

#include "frontend/apply.h"
#include "frontend/session.h"

namespace intarsia {

struct Executable::State {
  std::shared_ptr<const runtime::Executable> executable;
  std::vector<InputInfo> inputs;
};

const std::vector<InputInfo>& Executable::input_infos() const { return state_->inputs; }
std::string Executable::str() const { return print(state_->executable->program()); }

std::vector<Tensor> Executable::operator()(std::span<const Tensor> inputs, Caller caller) const {
  eval(inputs, caller);
  std::vector<runtime::DeviceTensor> data;
  data.reserve(inputs.size());
  for (const Tensor& input : inputs)
    data.push_back(frontend::move_to(state_->executable->device(), input.data(caller)));
  std::vector<Tensor> out;
  try {
    for (runtime::DeviceTensor& result : state_->executable->run(data))
      out.push_back(Tensor::from_device(std::move(result), caller));
  } catch (const UserError& error) { frontend::throw_at(caller, error.what()); }
  return out;
}

namespace {
Dim dim_of(const DimensionInfo& info) {
  if (const auto* extent = std::get_if<std::int64_t>(&info)) {
    if (*extent < 0)
      throw UserError(fmt::format("an input has the extent {}: an extent cannot be negative", *extent));
    return *extent;
  }
  const auto& named = std::get<NamedDimension>(info);
  if (named.min < 0 || named.opt < named.min || named.max < named.opt)
    throw UserError(fmt::format("dimension {} has min {}, opt {}, max {}; wanted 0 <= min <= opt <= max",
                                named.name, named.min, named.opt, named.max));
  return Dim::symbol(named.name,
                     {.min = named.min, .max = named.max, .multiple = named.multiple, .opt = named.opt});
}
}  // namespace

std::vector<Tensor> make_placeholders(std::span<const InputInfo> inputs, const Caller& caller) {
  std::vector<Tensor> out;
  try {
    for (const InputInfo& info : inputs) {
      auto record = frontend::make_record(frontend::Record::Kind::kPlaceholder, 1, caller);
      record->bits = out.size();
      record->first.type.dtype = info.dtype;
      for (const DimensionInfo& extent : info.shape) record->first.type.shape.push_back(dim_of(extent));
      out.emplace_back(std::move(record));
    }
  } catch (const UserError& error) { frontend::throw_at(caller, error.what()); }
  return out;
}

Executable compile_traced(std::span<const Tensor> placeholders, std::span<const Tensor> results,
                          std::span<const InputInfo> inputs, const Caller& caller) {
  try {
    return frontend::Session::current().compile(placeholders, results, inputs);
  } catch (const Unsupported& error) {
    throw Unsupported(caller.show() + error.what());
  } catch (const UserError& error) { frontend::throw_at(caller, error.what()); }
}

Executable compile(const Function& function, std::span<const InputInfo> inputs, Caller caller) {
  const std::vector<Tensor> placeholders = make_placeholders(inputs, caller);
  return compile_traced(placeholders, function(placeholders), inputs, caller);
}

namespace frontend {

Executable compile_snapshot(const Snapshot& snapshot, std::span<const Tensor> placeholders,
                            std::span<const InputInfo> inputs, runtime::Device& device,
                            compiler::Compiler& compiler, const compiler::Options& options) {
  std::vector<std::string> names;
  for (const InputInfo& info : inputs)
    names.push_back(info.name.empty() ? fmt::format("arg{}", names.size()) : info.name);
  const BuiltGraph built =
      build_graph(snapshot, {.numbers_are_inputs = false, .placeholders = placeholders, .names = names});
  std::map<std::string, runtime::DeviceTensor> weights;
  for (const runtime::DeviceTensor& weight : built.weights)
    weights.emplace(fmt::format("weight.{}", weights.size()), move_to(device, weight));
  auto state = std::make_shared<Executable::State>();
  state->executable = compiler.compile(built.graph, built.lines, device, options, weights);
  state->inputs.assign(inputs.begin(), inputs.end());
  return Executable(std::move(state));
}

}  // namespace frontend
}  // namespace intarsia
