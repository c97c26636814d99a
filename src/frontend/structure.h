// The records behind some tensors as a list in execution order, and the key of that structure: what to
// compute without the numbers at hand.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "frontend/record.h"
#include "graph/graph.h"

namespace intarsia::frontend {

// One record, in execution order. Data leaves are (record, port); everything else is a whole record.
struct Item {
  Record* record = nullptr;
  std::uint32_t port = 0;
  bool leaf = false;  // its value is there
  std::uint32_t first_operand = 0, num_operands = 0;
};
struct Operand32 {  // item and port
  std::uint32_t item = 0, port = 0;
};

// Everything borrowed from records that the caller keeps alive; made and read under the session's lock.
struct Structure {
  std::vector<Item> items;
  std::vector<Operand32> operands;
  std::vector<Operand32> roots;
  std::vector<std::uint64_t> words;          // equal words (and attribute texts): one structure
  std::vector<std::int64_t> symbol_extents;  // the extent behind each symbol of the words
  std::uint64_t hash = 0;

  void clear();
};

// Walks from `roots` to what is evaluated. `visit` is a number no walk used before.
void flatten(std::span<const Record::Input> roots, std::uint64_t visit, Structure& out);
std::uint64_t hash_words(std::span<const std::uint64_t> words);

// A copy that outlives the lock.
struct Snapshot {
  std::vector<RecordRef> keep;
  std::vector<Item> items;
  std::vector<Operand32> operands, roots;
  std::vector<std::int64_t> symbol_extents;
};
Snapshot snapshot(const Structure& structure);

struct GraphOptions {
  bool symbolic = false;                      // extents other than 0 and 1 become dims
  bool numbers_are_inputs = true;             // and data too; else numbers are literals, data weights
  std::span<const Tensor> placeholders = {};  // the first inputs, in order
  std::span<const std::string> names = {};    // of them
};
struct BuiltGraph {
  graph::Graph graph;
  std::vector<std::string> lines = {""};       // by Node::line
  std::vector<runtime::DeviceTensor> weights;  // data of the graph's weights, in order
};
// UserError of infer: then the structure does not hold for all extents.
BuiltGraph build_graph(const Snapshot& snapshot, const GraphOptions& options);

}  // namespace intarsia::frontend
