#include "frontend/structure.h"

#include <algorithm>

#include "plugins/op.h"

namespace intarsia::frontend {
namespace {

std::uint64_t mix(std::uint64_t h, std::uint64_t v) {
  h = (h ^ v) * 0x9E3779B97F4A7C15ull;
  return h ^ (h >> 29);
}
std::uint64_t hash_text(std::string_view text) {
  std::uint64_t h = 14695981039346656037ull;
  for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 1099511628211ull;
  return h;
}

enum Word : std::uint64_t { kLeaf = 1, kNumber, kLiteral, kNode, kPlaceholder, kRoots };

class Flattener {
 public:
  Flattener(std::uint64_t visit, Structure& out) : visit_(visit), out_(out) {}

  void run(std::span<const Record::Input> roots) {
    for (const Record::Input& root : roots) walk(root.record.get(), root.port);
    out_.words.push_back(kRoots);
    for (const Record::Input& root : roots) {
      out_.roots.push_back(place_of(root.record.get(), root.port));
      out_.words.push_back(word_of(out_.roots.back()));
    }
    out_.hash = hash_words(out_.words);
  }

 private:
  struct Frame {
    Record* record;
    std::size_t next = 0;
  };
  static bool is_node(Record* record, std::uint32_t port) {
    return record->kind == Record::Kind::kNode && !record->output(port).ready.load(std::memory_order_relaxed);
  }
  static std::uint64_t word_of(Operand32 o) { return std::uint64_t{o.item} << 16 | o.port; }
  bool seen(const Record* record) const { return record->visit == visit_; }

  void walk(Record* root, std::uint32_t port) {
    if (!is_node(root, port)) {
      add_leaf(root, port);
      return;
    }
    if (seen(root)) return;
    stack_.push_back({root});
    while (!stack_.empty()) {
      Frame& frame = stack_.back();
      if (seen(frame.record)) {  // another path was here first
        stack_.pop_back();
        continue;
      }
      if (frame.next == frame.record->inputs.size()) {
        add_node(frame.record);
        stack_.pop_back();
        continue;
      }
      const Record::Input& input = frame.record->inputs[frame.next++];
      if (!is_node(input.record.get(), input.port))
        add_leaf(input.record.get(), input.port);
      else if (!seen(input.record.get()))
        stack_.push_back({input.record.get()});
    }
  }
  // A data leaf is one output: a node with several may be a leaf by one and a node by another.
  const Item* find_leaf(const Record* record, std::uint32_t port) const {
    for (const Item& item : out_.items)
      if (item.record == record && item.leaf && item.port == port) return &item;
    return nullptr;
  }
  Operand32 place_of(Record* record, std::uint32_t port) const {
    if (is_node(record, port)) return {record->place, port};
    if (record->num_outputs == 1) return {record->place, 0};
    return {static_cast<std::uint32_t>(find_leaf(record, port) - out_.items.data()), 0};
  }
  void add_leaf(Record* record, std::uint32_t port) {
    if (record->num_outputs == 1) {
      if (seen(record)) return;
      record->visit = visit_, record->place = static_cast<std::uint32_t>(out_.items.size());
    } else if (find_leaf(record, port)) {
      return;
    }
    const Record::Output& output = record->output(port);
    out_.items.push_back({record, port, output.ready.load(std::memory_order_relaxed), 0, 0});
    const std::uint64_t dtype = static_cast<std::uint64_t>(output.type.dtype) << 8;
    if (record->kind == Record::Kind::kNumber) {
      out_.words.push_back((record->literal ? kLiteral : kNumber) | dtype);
      if (record->literal) out_.words.push_back(record->bits);
      return;
    }
    const bool data = out_.items.back().leaf;
    out_.words.push_back((data ? kLeaf : kPlaceholder) | dtype |
                         std::uint64_t{output.type.shape.size()} << 16);
    if (!data) {
      out_.words.push_back(record->bits);
      return;
    }
    for (const Dim& extent : output.type.shape) out_.words.push_back(code_of(extent.constant()));
  }
  std::uint64_t code_of(std::int64_t extent) {
    if (extent < 2) return static_cast<std::uint64_t>(extent);
    auto& extents = out_.symbol_extents;
    const auto at = std::find(extents.begin(), extents.end(), extent);
    if (at == extents.end()) {
      extents.push_back(extent);
      return 1 + extents.size();
    }
    return 2 + static_cast<std::uint64_t>(at - extents.begin());
  }
  void add_node(Record* record) {
    const auto first = static_cast<std::uint32_t>(out_.operands.size());
    out_.words.push_back(kNode | std::uint64_t{record->inputs.size()} << 8);
    out_.words.push_back(reinterpret_cast<std::uint64_t>(record->op.get()));
    out_.words.push_back(record->attribute_text.empty() ? 0 : hash_text(record->attribute_text));
    for (const Record::Input& input : record->inputs) {
      out_.operands.push_back(place_of(input.record.get(), input.port));
      out_.words.push_back(word_of(out_.operands.back()));
    }
    if (record->op->self) {
      out_.words.push_back(plugins::serial(*record->op));
      out_.words.push_back(record->bits);
    }
    record->visit = visit_, record->place = static_cast<std::uint32_t>(out_.items.size());
    out_.items.push_back({record, 0, false, first, static_cast<std::uint32_t>(record->inputs.size())});
  }

  std::uint64_t visit_;
  Structure& out_;
  std::vector<Frame> stack_;
};

}  // namespace

std::uint64_t hash_words(std::span<const std::uint64_t> words) {
  std::uint64_t h = words.size();
  for (const std::uint64_t w : words) h = mix(h, w);
  return h;
}

void Structure::clear() {
  items.clear(), operands.clear(), roots.clear(), words.clear(), symbol_extents.clear();
  hash = 0;
}

void flatten(std::span<const Record::Input> roots, std::uint64_t visit, Structure& out) {
  out.clear();
  Flattener(visit, out).run(roots);
}

Snapshot snapshot(const Structure& structure) {
  Snapshot out;
  for (const Item& item : structure.items) {
    item.record->references.fetch_add(1, std::memory_order_relaxed);
    out.keep.emplace_back(item.record);
  }
  out.items = structure.items, out.operands = structure.operands, out.roots = structure.roots;
  out.symbol_extents = structure.symbol_extents;
  return out;
}

}  // namespace intarsia::frontend
