// Graphs as text that parses back to the same graph; the same graph always gives the same text.
//
//   intarsia.graph 1
//   symbol n 0..1024 multiple 8 opt 64
//   graph(x: f32[n, 4], s: scalar f32[], w: weight f32[4, 8]) {
//     %0 = matmul(x, w) : f32[n, 8]
//     %1 = mul(%0, s) : f32[n, 8]
//     return %1
//   }
//
// `#` starts a comment. Version line, types of results and attributes with a default may be left out; types
// that are given are checked. The data of weights and the lines of nodes are not part of the text.
#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "graph/graph.h"

namespace intarsia::graph {

std::string print(const Graph& graph);

// The text without the names of inputs that are no weights and without what follows from the rest: equal
// keys, equal graphs.
std::string key_text(const Graph& graph);

// How a plugin's operator is found; null where there is none. Built-ins are found first.
using FindOp = std::function<ops::OpRef(std::string_view id)>;

// UserError "line:column: what" for text that is none.
Graph parse(std::string_view text, const FindOp& find_op = {});

}  // namespace intarsia::graph
