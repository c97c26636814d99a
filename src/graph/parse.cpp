#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

#include "base/error.h"
#include "graph/print.h"
#include "ops/attribute_text.h"
#include "ops/ops.h"

namespace intarsia::graph {
namespace {

class Parser {
 public:
  Parser(std::string_view text, const FindOp& find_op) : text_(text), rest_(text), find_op_(find_op) {}

  Graph run() {
    try {
      version();
      while (word_is("symbol")) symbol();
      header();
      while (!word_is("return")) node();
      results();
      skip();
      if (!rest_.empty()) throw UserError("text follows the graph");
      return std::move(graph_);
    } catch (const UserError& e) { throw UserError(where() + e.what()); }
  }

 private:
  std::string where() const {
    const std::string_view before = text_.substr(0, text_.size() - rest_.size());
    const auto line = std::count(before.begin(), before.end(), '\n') + 1;
    const std::size_t start = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
    return fmt::format("{}:{}: ", line, before.size() - start + 1);
  }

  void skip() {
    for (;;) {
      rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size()));
      if (rest_.empty() || rest_[0] != '#') return;
      rest_.remove_prefix(std::min(rest_.find('\n'), rest_.size()));
    }
  }
  std::string_view peek_word() {
    skip();
    std::size_t length = 0;
    const auto part = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
             c == '.' || c == ':';
    };
    while (length < rest_.size() && part(rest_[length])) ++length;
    while (length > 0 && rest_[length - 1] == ':') --length;  // "x: f32[]", but "vendor::op"
    return rest_.substr(0, length);
  }
  bool word_is(std::string_view wanted) { return peek_word() == wanted; }
  std::string_view word(std::string_view what) {
    const std::string_view w = peek_word();
    if (w.empty()) throw UserError(fmt::format("{} is missing", what));
    rest_.remove_prefix(w.size());
    return w;
  }
  bool take(std::string_view symbol) {
    skip();
    if (!rest_.starts_with(symbol)) return false;
    rest_.remove_prefix(symbol.size());
    return true;
  }
  void expect(std::string_view symbol) {
    if (!take(symbol)) throw UserError(fmt::format("'{}' is missing", symbol));
  }
  template <class T>
  T number() {
    skip();
    T value{};
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (error != std::errc()) throw UserError("a number is missing");
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return value;
  }

  void version() {
    if (!word_is("intarsia.graph")) return;
    (void)word("");
    if (const auto version = number<int>(); version != 1)
      throw UserError(fmt::format("graph text of version {}; this build reads version 1", version));
  }
  void symbol() {
    (void)word("");
    const std::string name(word("the name of a dimension"));
    Range range;
    range.min = number<std::int64_t>();
    expect("..");
    skip();
    if (!rest_.empty() && (rest_[0] == '-' || (rest_[0] >= '0' && rest_[0] <= '9')))
      range.max = number<std::int64_t>();
    if (word_is("multiple")) (void)word(""), range.multiple = number<std::int64_t>();
    if (word_is("opt")) (void)word(""), range.opt = number<std::int64_t>();
    (void)Dim::symbol(name, range);
    if (std::any_of(symbols_.begin(), symbols_.end(), [&](const Symbol& s) { return s.name == name; }))
      throw UserError(fmt::format("dimension {} is declared twice", name));
    symbols_.push_back({name, range});
  }
  std::string input_name() {
    skip();
    if (rest_.empty() || rest_[0] != '"') return std::string(word("the name of an input"));
    return std::get<std::string>(ops::parse_attribute_prefix(rest_));
  }
  TensorType type() {
    const std::string_view t = word("a dtype");
    const DType dtype = dtype_named(t);
    if (dtype == DType{0}) throw UserError(fmt::format("'{}' is no dtype", t));
    skip();
    if (rest_.empty() || rest_[0] != '[') throw UserError("'[' is missing");
    return {dtype, std::get<Shape>(ops::parse_attribute_prefix(rest_, symbols_))};
  }
  void header() {
    if (word("'graph'") != "graph") throw UserError("'graph' is missing");
    expect("(");
    for (bool first = true; !take(")"); first = false) {
      if (!first) expect(",");
      std::string name = input_name();
      expect(":");
      InputKind kind = InputKind::kTensor;
      if (word_is("scalar"))
        (void)word(""), kind = InputKind::kScalar;
      else if (word_is("weight"))
        (void)word(""), kind = InputKind::kWeight;
      graph_.add_input(std::move(name), type(), kind);
    }
    expect("{");
  }

  ValueId value() {
    skip();
    if (take("%")) {
      const auto number_given = number<std::uint32_t>();
      const std::size_t computed = graph_.values().size() - graph_.inputs().size();
      if (number_given >= computed) throw UserError(fmt::format("%{} is not computed yet", number_given));
      return {static_cast<std::uint32_t>(graph_.inputs().size()) + number_given};
    }
    const std::string name = input_name();
    const Input* input = graph_.find_input(name);
    if (!input) throw UserError(fmt::format("there is no input '{}'", name));
    return input->value;
  }
  ops::OpRef op() {
    const std::string_view id = word("an operator");
    if (const ops::OpDef* builtin = ops::find(id)) return ops::ref(*builtin);
    if (ops::OpRef found = find_op_ ? find_op_(id) : nullptr) return found;
    return ops::ref(ops::get(id));
  }
  Attributes attributes() {
    Attributes list;
    if (!take("{")) return list;
    for (bool first = true; !take("}"); first = false) {
      if (!first) expect(",");
      std::string name(word("the name of an attribute"));
      expect("=");
      if (list.find(name)) throw UserError(fmt::format("attribute '{}' is given twice", name));
      skip();
      list.set(std::move(name), ops::parse_attribute_prefix(rest_, symbols_));
    }
    return list;
  }
  void node() {
    std::uint32_t outputs = 0;
    const auto computed = static_cast<std::uint32_t>(graph_.values().size() - graph_.inputs().size());
    while (take("%")) {
      if (const auto given = number<std::uint32_t>(); given != computed + outputs)
        throw UserError(fmt::format("%{} is out of order, %{} comes next", given, computed + outputs));
      ++outputs;
      if (!take(",")) {
        expect("=");
        break;
      }
    }
    skip();
    const std::string_view start = rest_;
    Node n{op(), {}, {}, {}, 0, static_cast<std::uint32_t>(graph_.nodes().size()), 0};
    if (take("@")) n.serial = number<std::uint32_t>();
    expect("(");
    std::vector<ValueId> inputs;
    for (bool first = true; !take(")"); first = false) {
      if (!first) expect(",");
      inputs.push_back(value());
    }
    const Attributes given = attributes();
    const std::string_view end = std::exchange(rest_, start);  // errors from here on are about the whole node
    add(n, inputs, given, outputs);
    rest_ = end;
    if (take(":")) types(graph_.nodes().back());
  }
  void add(Node& n, std::span<const ValueId> inputs, const Attributes& given, std::uint32_t outputs) {
    n.attributes = ops::bind(*n.op, given);
    const std::size_t extents = graph_.data_extents().size();
    graph_.add_copy(n, inputs);
    for (std::size_t i = extents; i < graph_.data_extents().size(); ++i)
      collect_symbols(graph_.data_extents()[i].symbol, symbols_);
    const std::uint32_t has = graph_.nodes().back().num_outputs;
    if (has != outputs)
      throw UserError(
          fmt::format("{} has {} output{}, the text names {}", n.op->id, has, has == 1 ? "" : "s", outputs));
  }
  void types(const Node& n) {
    for (std::uint32_t port = 0; port < n.num_outputs; ++port) {
      if (port != 0) expect(",");
      const TensorType given = type(), inferred = graph_.type(n.output(port));
      if (!identical(given, inferred))
        throw UserError(fmt::format("{} gives {}, the text says {}", n.op->id, text(inferred), text(given)));
    }
  }
  void results() {
    (void)word("");
    std::vector<ValueId> list;
    for (bool first = true; !take("}"); first = false) {
      if (!first) expect(",");
      list.push_back(value());
    }
    graph_.set_results(std::move(list));
  }

  std::string_view text_, rest_;
  const FindOp& find_op_;
  std::vector<Symbol> symbols_;
  Graph graph_;
};

}  // namespace

Graph parse(std::string_view text, const FindOp& find_op) { return Parser(text, find_op).run(); }

}  // namespace intarsia::graph
