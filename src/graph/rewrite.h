// Builds a graph out of another: what every pass does instead of changing nodes in place.
#pragma once
#include <vector>

#include "graph/graph.h"

namespace intarsia::graph {

// Inputs come over at once, in order; nodes as the pass copies or replaces them; `finish` puts the new graph
// in place of the old.
class Rewrite {
 public:
  explicit Rewrite(Graph& graph);

  const Graph& from() const { return from_; }
  Graph& to() { return to_; }
  ValueId mapped(ValueId old) const { return map_[old.index]; }
  std::vector<ValueId> mapped_inputs(const Node& node) const;

  void copy(const Node& node);
  void replace(const Node& node, std::span<const ValueId> outputs);  // values of the new graph
  void finish();  // maps results; requirements survive where their dimensions do

 private:
  Graph& from_;
  Graph to_;
  std::vector<ValueId> map_;
};

}  // namespace intarsia::graph
