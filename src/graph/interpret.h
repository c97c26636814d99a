// Runs a graph through the references of its operators: slow, exact, and the oracle of everything that
// compiles graphs.
#pragma once
#include <functional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "graph/graph.h"
#include "ops/host.h"

namespace intarsia::graph {

// Values of symbols, found by matching the extents at hand with those of the graph's inputs.
// UserError: another dtype, rank or extent, a value outside its range, a requirement that does not hold; it
// names the input.
class Extents {
 public:
  Extents(const Graph& graph, std::span<const ops::HostTensor> inputs);  // one per graph input, in order
  std::int64_t value(const Dim& dim) const;
  std::vector<std::int64_t> values(const Shape& shape) const;
  void set(const Dim& symbol, std::int64_t value);  // of data

 private:
  std::string values_text(const Condition& condition) const;
  void bind(const Dim& extent, std::int64_t value, const std::string& input);
  std::vector<Symbol> symbols_;
  std::vector<Dim> known_;
};

// Called in place of a reference, for operators that have none.
using RunOp = std::function<void(const ops::OpDef&, ops::ReferenceContext&)>;

// `inputs`: one per graph input that brings no data of its own, in order. Unsupported: an operator without a
// reference.
std::vector<ops::OwnedTensor> interpret(const Graph& graph, std::span<const ops::HostTensor> inputs,
                                        const RunOp& run_op = {});

}  // namespace intarsia::graph
