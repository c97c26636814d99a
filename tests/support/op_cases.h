// The grid of operator cases, made from the table: a new operator is in it the day it exists.
#pragma once
#include <string>
#include <vector>

#include "ops/host.h"
#include "ops/ops.h"

namespace intarsia::testing {

struct OpCase {
  std::string name;  // "add f32 [7] [1] wild"
  std::vector<ops::OwnedTensor> inputs;
  Attributes attributes;  // bound
  std::vector<ops::TensorType> outputs;
  bool wild = false;  // inputs hold NaN, ±inf, ±0 and denormals

  std::vector<ops::TensorType> input_types() const;
  std::vector<ops::HostTensor> input_views();
};

// Every dtype of the rule, extents 0, 1, odd and larger, attributes of every kind; the same on every run and
// machine. What infer refuses is left out.
std::vector<OpCase> cases_for(const ops::OpDef& op);

// The results by the reference, on outputs that were poisoned first.
std::vector<ops::OwnedTensor> reference(const ops::OpDef& op, OpCase& op_case);

// Random elements: small numbers, and special values among them if wild.
void fill(ops::OwnedTensor& tensor, std::uint64_t seed, bool wild);
void poison(ops::OwnedTensor& tensor);

}  // namespace intarsia::testing
