// Writes decompositions: floats of 16 bits are computed in f32, numbers are rank-0 tensors that broadcast.
#pragma once
#include <initializer_list>
#include <vector>

#include "ops/op_def.h"

namespace intarsia::ops {

class Expansion {
 public:
  using Value = GraphBuilder::Value;

  Expansion(GraphBuilder& graph, DType dtype)
      : graph_(graph),
        outer_(dtype),
        inner_(dtype == DType::kF16 || dtype == DType::kBF16 ? DType::kF32 : dtype) {}

  Value add(const OpDef& op, std::initializer_list<Value> inputs, const Attributes& attributes = {}) {
    return graph_.add(op, {inputs.begin(), inputs.size()}, attributes)[0];
  }
  Value number(double value);  // in the dtype of the computation
  Value widen(Value value) { return cast(value, inner_); }
  Value narrow(Value value) { return cast(value, outer_); }
  Value cast(Value value, DType dtype);
  TensorType type(Value value) const { return graph_.type(value); }

 private:
  GraphBuilder& graph_;
  DType outer_, inner_;
};

}  // namespace intarsia::ops
