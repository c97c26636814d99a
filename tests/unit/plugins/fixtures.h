// A registry of one test, the guide's kernel, and questions a scheduler would ask.
#pragma once
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "kernel/builder.h"
#include "kernel/kernel.h"
#include "plugins/registry.h"

namespace intarsia::plugins {

// What the call throws; "no error" if nothing.
template <class Call>
std::string error_of(const Call& call) {
  try {
    call();
  } catch (const UserError& e) { return e.what(); }
  return "no error";
}

// add_kernel(x_ptr: ptr T, n_elements: i32, y_ptr: ptr T): y = x + 1 under a mask.
inline KernelCode add_kernel(std::int64_t block_size, DType dtype = DType::kF32,
                             std::string name = "add_kernel") {
  using kernel::Fn, kernel::Role, kernel::ValueId;
  auto k = std::make_shared<kernel::Kernel>();
  k->name = std::move(name);
  kernel::Builder b(*k);
  const kernel::Type pointer{.kind = kernel::Type::Kind::kPointer, .dtype = dtype};
  const ValueId x = b.param("x_ptr", Role::kScalar, 0, pointer).value;
  const ValueId n = b.param("n_elements", Role::kScalar, 0, kernel::scalar(DType::kI32)).value;
  const ValueId y = b.param("y_ptr", Role::kScalar, 0, pointer).value;
  const std::int64_t lanes[] = {block_size};
  const ValueId start =
      b.binary(Fn::kMul, b.program_id(0), b.constant(block_size, kernel::scalar(DType::kI64)));
  const ValueId i = b.binary(Fn::kAdd, b.broadcast(start, lanes), b.arange(0, block_size));
  const ValueId inside = b.compare(Fn::kLt, i, b.broadcast(b.cast(n, DType::kI64), lanes));
  const ValueId loaded = b.load_at(b.pointer_add(b.broadcast(x, lanes), i), inside);
  const ValueId sum = b.binary(Fn::kAdd, loaded, b.broadcast(b.constant(1, kernel::scalar(dtype)), lanes));
  b.store_at(b.pointer_add(b.broadcast(y, lanes), i), sum, inside);
  return k;
}

inline Steps launch_of(KernelCode k, std::vector<KernelArgument> arguments, Dim grid) {
  LaunchStep launch;
  launch.entry = k->name, launch.codes = {std::move(k)}, launch.arguments = std::move(arguments),
  launch.params.grid_x = std::move(grid);
  Steps out;
  out.add(std::move(launch));
  return out;
}

// The guide's plugin.
inline PluginDef add_plugin(std::string id = "example::elemwise_add_plugin") {
  PluginDef def;
  def.id = std::move(id);
  def.inputs = {{.name = "inp0"}};
  def.attributes = {{.name = "block_size", .type = {.kind = ops::AttributeKind::kInt}}};
  def.outputs = {{}};
  def.place = {"plugin.cpp:10"};
  def.shape_rule = [](std::span<const TensorDesc> in, const Attributes&) {
    return std::vector<TensorDesc>{in[0].like()};
  };
  return def;
}

inline Steps add_aot(const AotRequest& r) {
  const std::int64_t block = r.attributes.get<std::int64_t>("block_size");
  const Dim n = r.inputs[0].numel();
  return launch_of(add_kernel(block, r.inputs[0].dtype()), {r.inputs[0], n, r.outputs[0]}, cdiv(n, block));
}

// One node of an operator, as the scheduler would ask about it.
class Node {
 public:
  Node(ops::OpRef op, std::vector<ops::TensorType> inputs, Attributes attributes = {})
      : op_(std::move(op)), attributes_(std::move(attributes)), inputs_(std::move(inputs)) {
    outputs_ = ops::infer(*op_, inputs_, attributes_).outputs;
    for (std::size_t i = 0; i < inputs_.size(); ++i) sources_.push_back(-1 - static_cast<std::int32_t>(i));
    nodes_.push_back({op_.get(), &attributes_, inputs_, outputs_, sources_});
  }
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  const std::vector<ops::TensorType>& outputs() const { return outputs_; }
  schedule::Query query() const { return {nodes_, inputs_, outputs_, machine, target, {}, {}}; }
  std::vector<schedule::Choice> choose(const Registry& registry,
                                       std::vector<schedule::Rejected>* rejected = nullptr) const {
    return schedule::choose(registry.table(), query(), false, rejected);
  }
  schedule::Built build(const Registry& registry) const {
    std::vector<schedule::Rejected> rejected;
    const auto choices = choose(registry, &rejected);
    if (choices.empty()) throw UserError(rejected.empty() ? "nothing is registered" : rejected[0].reason);
    return choices[0].implementation->build(*choices[0].implementation, query(), choices[0].tactics[0]);
  }

  kernel::Capabilities machine;
  std::string target = "x86-64-v3";

 private:
  ops::OpRef op_;
  Attributes attributes_;
  std::vector<ops::TensorType> inputs_, outputs_;
  std::vector<std::int32_t> sources_;
  std::vector<schedule::QueryNode> nodes_;
};

inline kernel::Capabilities gpu() {
  kernel::Capabilities c;
  c.cpu = false, c.shared_bytes = 101376, c.ptx_version = 84, c.threads_per_program = 128;
  return c;
}

}  // namespace intarsia::plugins
