// Module level: header, files, variables and functions.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "ptx/parser.h"

namespace intarsia::ptx {
namespace {

class ModuleParser {
 public:
  explicit ModuleParser(Cursor cursor) : cursor_(cursor) {}

  void run() {
    if (!cursor_.at_dotted("version")) cursor_.expected("'.version'");
    while (cursor_.peek().kind != Token::Kind::kEnd) {
      if (cursor_.peek().kind != Token::Kind::kDotted) cursor_.expected("a directive, as .entry or .global");
      directive();
    }
    resolve_aliases();
  }

 private:
  void directive() {
    const Token token = cursor_.take();
    const std::string_view text = token.text;
    if (text == "version") return version();
    if (text == "target") return target();
    if (text == "address_size") return address_size();
    if (text == "file") return file();
    if (text == "loc") return parse_loc(cursor_);
    if (text == "section") return section();
    if (text == "pragma") return skip_statement();
    if (text == "alias") return alias(token.line);
    if (text == "visible" || text == "weak" || text == "common") return;
    if (text == "extern") {
      external_ = true;
      return;
    }
    if (text == "entry" || text == "func") {
      function(text == "entry", token.line);
    } else if (const Space space = variable_space(text); space != Space::kGeneric) {
      variables(space);
    } else {
      cursor_.fail_at(
          token.line,
          fmt::format("expected a directive of a module, as .entry or .global, found '.{}'", text));
    }
    external_ = false;
  }

  // .alias other_name, function;
  void alias(std::int32_t line) {
    Alias out;
    out.line = line;
    out.name = cursor_.expect_word("the other name of a function");
    cursor_.expect_mark(',');
    out.target = cursor_.expect_word("the function's name");
    cursor_.expect_mark(';');
    aliases_.push_back(std::move(out));
  }

  // Uses of the other name become uses of the function.
  void resolve_aliases() {
    Module& module = cursor_.module();
    for (const Alias& a : aliases_) {
      const Function* target = module.find(a.target);
      const Function* other = module.find(a.name);
      if (target == nullptr || target->declaration || target->entry)
        cursor_.fail_at(a.line, fmt::format("'{}' is no function with a body", a.target));
      if (other != nullptr && !other->declaration)
        cursor_.fail_at(a.line, fmt::format("'{}' has a body of its own", a.name));
      for (Function& f : module.functions)
        for (Instruction& in : f.body)
          for (Operand& o : in.operands) rename(o, a);
      for (Variable& v : module.variables)
        for (Variable::Relocation& r : v.relocations)
          if (r.symbol == a.name) r.symbol = a.target;
    }
  }

  void version() {
    const Token token = cursor_.take();
    Module& module = cursor_.module();
    const char* end = token.text.data() + token.text.size();
    const auto major = std::from_chars(token.text.data(), end, module.version_major);
    if (token.kind != Token::Kind::kFloat || major.ec != std::errc() || major.ptr == end ||
        *major.ptr != '.' || std::from_chars(major.ptr + 1, end, module.version_minor).ptr != end)
      cursor_.fail_at(token.line, fmt::format("expected a version as 8.7, found '{}'", token.text));
  }

  void target() {
    cursor_.module().target = cursor_.expect_word("a target as sm_90a");
    while (cursor_.accept_mark(',')) cursor_.expect_word("a target option");
  }

  void address_size() {
    const std::int32_t line = cursor_.peek().line;
    const std::int64_t bits = cursor_.expect_integer("an address size");
    if (bits != 64)
      cursor_.fail_at(line, fmt::format("addresses of {} bits are not supported; expected 64", bits));
  }

  void file() {
    const std::int64_t number = cursor_.expect_integer("a file number", 0, INT32_MAX);
    if (cursor_.peek().kind != Token::Kind::kString) cursor_.expected("a file name in quotes");
    cursor_.module().files[static_cast<std::int32_t>(number)] = std::string(cursor_.take().text);
    while (cursor_.accept_mark(',')) cursor_.expect_integer("a time stamp or size");
  }

  void section() {
    cursor_.take();  // .debug_…
    cursor_.expect_mark('{');
    while (!cursor_.at_mark('}')) {
      if (cursor_.peek().kind == Token::Kind::kEnd) cursor_.expected("'}' at the section's end");
      cursor_.take();
    }
    cursor_.take();
  }

  void skip_statement() {
    while (!cursor_.at_mark(';')) {
      if (cursor_.peek().kind == Token::Kind::kEnd) cursor_.expected("';'");
      cursor_.take();
    }
    cursor_.take();
  }

  void variables(Space space) {
    do {
      Variable variable = parse_variable(cursor_, space);
      variable.external = external_;
      redeclared(variable);
    } while (cursor_.accept_mark(','));
    cursor_.expect_mark(';');
  }

  void redeclared(Variable& variable) {
    std::vector<Variable>& all = cursor_.module().variables;
    const auto old =
        std::find_if(all.begin(), all.end(), [&](const Variable& v) { return v.name == variable.name; });
    if (old == all.end()) {
      all.push_back(std::move(variable));
    } else if (old->external || variable.external) {
      if (old->external) *old = std::move(variable);
    } else {
      cursor_.fail_at(variable.line,
                      fmt::format("'{}' is declared twice; first in line {}", variable.name, old->line));
    }
  }

  void function(bool entry, std::int32_t line) {
    Function function;
    function.entry = entry;
    function.line = line;
    if (!entry) {
      attributes();
      if (cursor_.at_mark('(')) function.returns = parse_params(cursor_);
    }
    function.name = cursor_.expect_word(entry ? "the entry's name" : "the function's name");
    if (cursor_.at_mark('(')) function.params = parse_params(cursor_);
    performance_directives(function);
    if (cursor_.accept_mark(';')) {
      function.declaration = true;
    } else {
      cursor_.expect_mark('{');
      BodyParser(cursor_, function).run();
    }
    add(std::move(function));
  }

  void attributes() {
    while (cursor_.accept_dotted("attribute")) {
      cursor_.expect_mark('(');
      while (!cursor_.accept_mark(')')) {
        if (cursor_.peek().kind == Token::Kind::kEnd) cursor_.expected("')'");
        cursor_.take();
      }
    }
  }

  void add(Function function) {
    std::vector<Function>& all = cursor_.module().functions;
    const auto old =
        std::find_if(all.begin(), all.end(), [&](const Function& f) { return f.name == function.name; });
    if (old == all.end()) {
      all.push_back(std::move(function));
    } else if (old->declaration) {
      *old = std::move(function);
    } else if (!function.declaration) {
      cursor_.fail_at(function.line,
                      fmt::format("'{}' is defined twice; first in line {}", function.name, old->line));
    }
  }

  std::array<std::int32_t, 3> triple(const char* what) {
    std::array<std::int32_t, 3> out = {1, 1, 1};
    for (std::size_t i = 0; i < 3; ++i) {
      out[i] = static_cast<std::int32_t>(cursor_.expect_integer(what, 1, INT32_MAX));
      if (!cursor_.accept_mark(',')) break;
    }
    return out;
  }

  void performance_directives(Function& function) {
    for (;; cursor_.accept_mark(',')) {
      if (cursor_.peek().kind != Token::Kind::kDotted) return;
      const Token token = cursor_.take();
      if (token.text == "reqntid") {
        function.reqntid = triple("an extent of .reqntid");
      } else if (token.text == "maxntid") {
        function.maxntid = triple("an extent of .maxntid");
      } else if (token.text == "reqnctapercluster") {
        function.cluster = triple("an extent of .reqnctapercluster");
      } else if (token.text == "minnctapersm") {
        function.minnctapersm =
            static_cast<std::int32_t>(cursor_.expect_integer(".minnctapersm", 0, INT32_MAX));
      } else if (token.text == "maxnreg") {
        function.maxnreg = static_cast<std::int32_t>(cursor_.expect_integer(".maxnreg", 0, INT32_MAX));
      } else if (token.text == "maxnctapersm" || token.text == "maxclusterrank" ||
                 token.text == "abi_preserve" || token.text == "abi_preserve_control") {
        cursor_.expect_integer("a number", 0, INT32_MAX);
      } else if (token.text == "explicitcluster" || token.text == "blocksareclusters") {
        function.explicit_cluster = true;
      } else if (token.text == "pragma") {
        skip_statement();
      } else if (token.text != "noreturn" && token.text != "unified") {
        cursor_.fail_at(
            token.line,
            fmt::format("expected a directive of a function, as .reqntid, found '.{}'", token.text));
      }
    }
  }

  struct Alias {
    std::string name, target;
    std::int32_t line = 0;
  };
  static void rename(Operand& o, const Alias& a) {
    if (o.kind == Operand::Kind::kSymbol && o.name == a.name) o.name = a.target;
    for (Operand& element : o.elements) rename(element, a);
  }

  Cursor cursor_;
  std::vector<Alias> aliases_;
  bool external_ = false;
};

}  // namespace

Module parse(std::string_view text, std::string_view source) {
  Module module;
  module.source = source;
  module.text = text.substr(0, text.find('\0'));
  module.line_starts.push_back(0);
  for (std::size_t i = 0; i < module.text.size(); ++i)
    if (module.text[i] == '\n') module.line_starts.push_back(static_cast<std::int64_t>(i) + 1);
  const std::vector<Token> all = tokens(module);
  ModuleParser(Cursor(module, all)).run();
  return module;
}

}  // namespace intarsia::ptx
