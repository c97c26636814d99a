// Cones: the element functions between values and the tensors they are made from, as one function.
#pragma once
#include <set>
#include <string>
#include <vector>

#include "schedule/compose.h"
#include "schedule/nodes.h"

namespace intarsia::schedule {

constexpr std::uint32_t kNone = UINT32_MAX;

// A graph, what its nodes run as, and which values get memory.
struct Facts {
  const graph::Graph& graph;
  const std::vector<NodeWork>& work;
  std::vector<char> kept;             // per value: stands in memory where somebody else reads it
  std::vector<std::uint32_t> scalar;  // per value: number of the call's scalar it is, or kNone
  std::vector<char> fixed =
      {};  // per value: element functions of weights and literals, and of static extents

  std::uint32_t node_of(std::uint32_t value) const { return graph.values()[value].node; }
  const ops::TensorType& type(std::uint32_t value) const { return graph.values()[value].type; }
  bool is_element(std::uint32_t value) const {
    return node_of(value) != graph::Value::kNoNode && work[node_of(value)].kind == NodeWork::Kind::kElement;
  }
};

// Numbers of tensors and scalars as the kernels of a unit see them: ports, by first use.
struct Ports {
  std::vector<std::uint32_t> tensors;  // values
  std::vector<std::uint32_t> scalars;  // numbers of the call's
  std::uint32_t tensor(std::uint32_t value);
  std::uint32_t scalar(std::uint32_t number);
};

struct Cone {
  std::vector<std::uint32_t> nodes;  // in order
  std::vector<std::uint32_t> reads;  // values that are read: kept ones, inputs and scalars of the graph
};
// Behind `values`, down to what is kept and not in `inside`. Values that are no element node's are read.
Cone cone_of(const Facts& facts, std::span<const std::uint32_t> values, const std::set<std::uint32_t>& inside,
             std::size_t limit = SIZE_MAX);
int work_of(const Facts& facts, const Cone& cone);
std::string name_of(const Facts& facts, const Cone& cone);  // "mul_add_exp"

// The cone as one function over `space`, whose results are `values`.
kernel::Element element_of(const Facts& facts, std::span<const std::uint32_t> values,
                           const std::set<std::uint32_t>& inside, const Shape& space, Ports& ports);

// Extents without those of 1; [1] for a scalar.
Shape without_ones(const Shape& shape);

}  // namespace intarsia::schedule
