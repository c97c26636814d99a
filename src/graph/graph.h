// The tensor graph: what to compute, as nodes in execution order over values that are numbered once.
//
// There is one door, `add`: it binds attributes and infers types, so that a node without a valid type cannot
// exist. A graph only grows; passes build a new one (rewrite.h).
#pragma once
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "ops/op_def.h"

namespace intarsia::graph {

using ops::TensorType;

struct ValueId {
  std::uint32_t index = 0;
  friend bool operator==(ValueId, ValueId) = default;
};

enum class InputKind : std::uint8_t {
  kTensor = 1,
  kScalar,  // a number given at the call: rank 0, passed by value
  kWeight,  // data with a name, replaceable without compiling again; never folded
};

struct Input {
  std::string name;
  InputKind kind = InputKind::kTensor;
  ValueId value;
  std::shared_ptr<const void>
      data;  // of a weight, row-major; null where the text was parsed, or the data come later
};

struct Node {
  ops::OpRef op;
  std::vector<ValueId> inputs;
  Attributes attributes;  // bound: defaults are there
  ValueId first;          // its outputs are first, first + 1, ...
  std::uint32_t num_outputs = 0;
  std::uint32_t serial =
      0;                   // names its data-dependent extents ("t7.size0"); kept when a pass copies the node
  std::uint32_t line = 0;  // whatever the front end numbers lines by; 0: none

  ValueId output(std::uint32_t port = 0) const { return {first.index + port}; }
};

struct Value {
  static constexpr std::uint32_t kNoNode = ~std::uint32_t{0};
  TensorType type;
  std::uint32_t node = kNoNode;  // that computes it; kNoNode: a graph input
  std::uint32_t port = 0;        // output of the node, or number of the graph input
};

// An extent that is known once the value `size` has been computed.
struct DataExtent {
  Dim symbol, upper;
  ValueId size;
};

class Graph {
 public:
  // UserError: the name is taken or empty, a scalar with axes, one dimension name with two ranges.
  ValueId add_input(std::string name, TensorType type, InputKind kind = InputKind::kTensor);
  ValueId add_weight(std::string name, TensorType type, std::shared_ptr<const void> data = nullptr);

  // The first output; the others follow it. UserError of bind and infer, and for a dimension that no input
  // has.
  ValueId add(const ops::OpRef& op, std::span<const ValueId> inputs, const Attributes& attributes = {},
              std::uint32_t line = 0);
  ValueId add(const ops::OpDef& builtin, std::initializer_list<ValueId> inputs,
              const Attributes& attributes = {}) {
    return add(ops::ref(builtin), {inputs.begin(), inputs.size()}, attributes);
  }
  ValueId add_copy(const Node& node,
                   std::span<const ValueId> inputs);  // of a node of another graph: serial and line stay

  void set_results(std::vector<ValueId> results);
  void require(const ops::Requirement& requirement);  // kept once

  std::span<const Input> inputs() const { return inputs_; }
  std::span<const Node> nodes() const { return nodes_; }
  std::span<const Value> values() const { return values_; }
  std::span<const ValueId> results() const { return results_; }
  std::span<const Symbol> symbols() const {
    return symbols_;
  }  // of the inputs and of data extents, sorted by name
  std::span<const ops::Requirement> requirements() const { return requirements_; }
  std::span<const DataExtent> data_extents() const { return data_extents_; }

  const Value& value(ValueId id) const { return values_[id.index]; }
  const TensorType& type(ValueId id) const { return values_[id.index].type; }
  const Node* producer(ValueId id) const;  // null: a graph input
  const Input* find_input(std::string_view name) const;

 private:
  ValueId insert(Node node);
  void declare(const Symbol& symbol, const std::string& where);
  void check_symbols(const Node& node, const TensorType& type) const;

  std::vector<Input> inputs_;
  std::vector<Node> nodes_;
  std::vector<Value> values_;
  std::vector<ValueId> results_;
  std::vector<Symbol> symbols_;
  std::vector<ops::Requirement> requirements_;
  std::vector<DataExtent> data_extents_;
  std::unordered_map<std::string, std::uint32_t> input_names_;
  std::unordered_multimap<std::uint64_t, std::uint32_t> requirement_hashes_;
  std::uint32_t next_serial_ = 0;
};

bool identical(const TensorType& a, const TensorType& b);
std::string text(const TensorType& type);  // "f32[n, 4]"; extents are postfix dims

}  // namespace intarsia::graph
