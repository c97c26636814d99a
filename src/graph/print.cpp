#include "graph/print.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <limits>

#include "ops/attribute_text.h"

namespace intarsia::graph {
namespace {

struct Style {
  bool key = false;  // only what equal graphs share
};

bool plain_name(std::string_view s) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  return !s.empty() && letter(s[0]) && s != "return" && std::all_of(s.begin(), s.end(), [&](char c) {
    return letter(c) || c == '.' || (c >= '0' && c <= '9');
  });
}

class Printer {
 public:
  Printer(const Graph& graph, Style style) : graph_(graph), style_(style) {}

  std::string run() {
    out_ = "intarsia.graph 1\n";
    symbols();
    header();
    for (const Node& n : graph_.nodes()) node(n);
    if (!style_.key)
      for (const ops::Requirement& r : graph_.requirements())
        out_ += fmt::format("  # requires {} ({})\n", r.holds.str(), r.text);
    out_ += "  return";
    list(graph_.results(), " ");
    return std::move(out_) + "\n}\n";
  }

 private:
  bool of_data(const Symbol& symbol) const {
    return std::any_of(graph_.data_extents().begin(), graph_.data_extents().end(), [&](const DataExtent& e) {
      return intarsia::identical(e.symbol, Dim::symbol(symbol.name, symbol.range));
    });
  }
  bool has_data_extent(const Node& n) const {
    return std::any_of(graph_.data_extents().begin(), graph_.data_extents().end(),
                       [&](const DataExtent& e) { return graph_.producer(e.size) == &n; });
  }
  void symbols() {
    for (const Symbol& s : graph_.symbols()) {
      if (!graph_.data_extents().empty() && of_data(s)) continue;
      out_ += fmt::format("symbol {} {}..", s.name, s.range.min);
      if (s.range.max != std::numeric_limits<std::int64_t>::max()) out_ += std::to_string(s.range.max);
      if (s.range.multiple != 1) out_ += fmt::format(" multiple {}", s.range.multiple);
      if (s.range.opt != 0) out_ += fmt::format(" opt {}", s.range.opt);
      out_ += '\n';
    }
  }
  void header() {
    out_ += "graph(";
    for (const Input& i : graph_.inputs()) {
      if (&i != graph_.inputs().data()) out_ += ", ";
      value(i.value);
      out_ += i.kind == InputKind::kScalar ? ": scalar " : i.kind == InputKind::kWeight ? ": weight " : ": ";
      out_ += text(graph_.type(i.value));
    }
    out_ += ") {\n";
  }
  void value(ValueId id) {
    const Value& v = graph_.value(id);
    if (v.node != Value::kNoNode) {
      fmt::format_to(std::back_inserter(out_), "%{}",
                     id.index - graph_.nodes()[0].first.index - inputs_between(id));
      return;
    }
    const Input& input = graph_.inputs()[v.port];
    if (style_.key && input.kind != InputKind::kWeight)
      out_ += fmt::format("x{}", v.port);
    else
      out_ += plain_name(input.name) ? input.name : ops::quoted(input.name);
  }
  // Inputs may be added while nodes are; results of nodes are numbered without them.
  std::uint32_t inputs_between(ValueId id) const {
    const std::uint32_t first = graph_.nodes()[0].first.index;
    const auto count = [&](std::uint32_t limit) {
      return static_cast<std::uint32_t>(
          std::partition_point(graph_.inputs().begin(), graph_.inputs().end(),
                               [&](const Input& i) { return i.value.index < limit; }) -
          graph_.inputs().begin());
    };
    return count(id.index) - count(first);
  }
  template <class Ids>
  void list(const Ids& ids, std::string_view before = "") {
    for (const ValueId id : ids) {
      out_ += before;
      before = ", ";
      value(id);
    }
  }
  void node(const Node& n) {
    out_ += "  ";
    for (std::uint32_t port = 0; port < n.num_outputs; ++port) {
      if (port != 0) out_ += ", ";
      value(n.output(port));
    }
    out_ += n.num_outputs == 0 ? "" : " = ";
    out_ += n.op->id;
    const auto index = static_cast<std::size_t>(&n - graph_.nodes().data());
    if (n.serial != index && has_data_extent(n)) out_ += fmt::format("@{}", n.serial);
    out_ += '(';
    list(n.inputs);
    out_ += ')';
    std::string_view before = " {";
    for (const auto& [name, attribute] : n.attributes) {
      fmt::format_to(std::back_inserter(out_), "{}{}={}", before, name, ops::text(attribute));
      before = ", ";
    }
    if (before == ", ") out_ += '}';
    if (!style_.key) types(n);
    out_ += '\n';
  }
  void types(const Node& n) {
    for (std::uint32_t port = 0; port < n.num_outputs; ++port) {
      out_ += port == 0 ? " : " : ", ";
      out_ += text(graph_.type(n.output(port)));
    }
  }

  const Graph& graph_;
  Style style_;
  std::string out_;
};

}  // namespace

std::string print(const Graph& graph) { return Printer(graph, {}).run(); }
std::string key_text(const Graph& graph) { return Printer(graph, {.key = true}).run(); }

}  // namespace intarsia::graph
