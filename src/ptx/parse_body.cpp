// Function bodies: scopes, registers, labels, statements.
#include <fmt/format.h>

#include <charconv>

#include "ptx/parser.h"

namespace intarsia::ptx {

BodyParser::BodyParser(Cursor& cursor, Function& function) : cursor_(cursor), function_(function) {
  scopes_.emplace_back();
  for (const auto* list : {&function.params, &function.returns})
    for (const Variable& v : *list) scopes_[0].variables.emplace(v.name, v.name);
}

// The opening brace is taken already.
void BodyParser::run() {
  for (;;) {
    if (cursor_.accept_mark('}')) {
      if (scope_ == 0) break;
      scope_ = scopes_[static_cast<std::size_t>(scope_)].parent;
    } else if (cursor_.accept_mark('{')) {
      scopes_.emplace_back().parent = scope_;
      scope_ = static_cast<int>(scopes_.size()) - 1;
    } else {
      statement();
    }
  }
  resolve_labels();
}

void BodyParser::statement() {
  const Token& token = cursor_.peek();
  if (cursor_.accept_mark(';')) return;
  if (token.kind == Token::Kind::kDotted) return directive();
  if (token.kind == Token::Kind::kWord && cursor_.at_mark(':', 1)) return label(cursor_.take());
  if (token.kind == Token::Kind::kWord || cursor_.at_mark('@')) return instruction();
  cursor_.expected("an instruction, a label, a directive or '}'");
}

void BodyParser::directive() {
  const Token token = cursor_.peek();
  if (token.text == "reg") return registers();
  if (token.text == "loc") {
    cursor_.take();
    return parse_loc(cursor_);
  }
  if (token.text == "pragma") {
    while (!cursor_.accept_mark(';')) {
      if (cursor_.peek().kind == Token::Kind::kEnd) cursor_.expected("';'");
      cursor_.take();
    }
    return;
  }
  const Space space = variable_space(token.text);
  if (space == Space::kGeneric) cursor_.expected("a directive of a body, as .reg, .shared or .loc");
  local_variable(space);
}

void BodyParser::registers() {
  cursor_.take();
  if (cursor_.peek().kind != Token::Kind::kDotted) cursor_.expected("the register's type, as .b32");
  const Token type_token = cursor_.take();
  const Type type = type_named(type_token.text);
  if (type == Type::kNone)
    cursor_.fail_at(type_token.line,
                    fmt::format("'.{}' is no register type; expected one as .b32 or .pred", type_token.text));
  do {
    const std::string name = cursor_.expect_word("a register's name");
    if (cursor_.accept_mark('<')) {
      const std::int64_t count = cursor_.expect_integer("a number of registers", 0, 1 << 24);
      cursor_.expect_mark('>');
      scopes_[static_cast<std::size_t>(scope_)].ranges.push_back({name, count, type});
    } else {
      declare_register(name, type);
    }
  } while (cursor_.accept_mark(','));
  cursor_.expect_mark(';');
}

void BodyParser::declare_register(const std::string& name, Type type) {
  const auto index = static_cast<std::int32_t>(function_.registers.size());
  if (!scopes_[static_cast<std::size_t>(scope_)].registers.emplace(name, index).second)
    cursor_.fail_at(cursor_.peek().line, fmt::format("register '{}' is declared twice in one scope", name));
  function_.registers.push_back({name, type});
}

void BodyParser::local_variable(Space space) {
  cursor_.take();
  do {
    Variable variable = parse_variable(cursor_, space);
    const std::string declared = variable.name;
    const int uses = variable_uses_[declared]++;
    if (uses > 0) variable.name += fmt::format("${}", uses);
    if (!scopes_[static_cast<std::size_t>(scope_)].variables.emplace(declared, variable.name).second)
      cursor_.fail_at(variable.line, fmt::format("'{}' is declared twice in one scope", declared));
    function_.locals.push_back(std::move(variable));
  } while (cursor_.accept_mark(','));
  cursor_.expect_mark(';');
}

void BodyParser::label(const Token& token) {
  cursor_.expect_mark(':');
  const std::string name(token.text);
  if (cursor_.at_dotted("branchtargets") || cursor_.at_dotted("calltargets") ||
      cursor_.at_dotted("callprototype"))
    return labelled_directive(name);
  const auto here = static_cast<std::int32_t>(function_.body.size());
  if (!scopes_[static_cast<std::size_t>(scope_)].labels.emplace(name, here).second)
    cursor_.fail_at(token.line, fmt::format("label '{}' stands twice in one scope", name));
  std::string unique = name;
  for (int n = 1; !function_.labels.emplace(unique, here).second; ++n) unique = fmt::format("{}${}", name, n);
}

void BodyParser::labelled_directive(const std::string& name) {
  const Token token = cursor_.take();
  if (token.text == "callprototype") {
    Prototype& prototype = function_.prototypes[name];
    if (cursor_.at_mark('(')) prototype.returns = parse_params(cursor_);
    cursor_.expect_word("'_' or a name");
    if (cursor_.at_mark('(')) prototype.params = parse_params(cursor_);
    cursor_.accept_dotted("noreturn");
  } else {
    Targets targets{name, {}, scope_, token.line};
    do targets.labels.push_back(cursor_.expect_word("a label"));
    while (cursor_.accept_mark(','));
    if (token.text == "branchtargets") targets_.push_back(std::move(targets));
  }
  cursor_.expect_mark(';');
}

void BodyParser::guard(Instruction& instruction) {
  if (!cursor_.accept_mark('@')) return;
  instruction.guard_negated = cursor_.accept_mark('!');
  const std::int32_t line = cursor_.peek().line;
  const std::string name = cursor_.expect_word("a predicate register after '@'");
  instruction.guard = find_register(name);
  if (instruction.guard < 0) cursor_.fail_at(line, fmt::format("predicate '{}' is not declared", name));
  if (function_.registers[static_cast<std::size_t>(instruction.guard)].type != Type::kPred)
    cursor_.fail_at(
        line, fmt::format("'{}' after '@' is a .{} register; expected a .pred", name,
                          ptx::name(function_.registers[static_cast<std::size_t>(instruction.guard)].type)));
}

void BodyParser::instruction() {
  Instruction instruction;
  guard(instruction);
  instruction.place = {cursor_.peek().line, static_cast<std::int32_t>(cursor_.module().locations.size()) - 1};
  instruction.opcode = cursor_.expect_word("an opcode");
  while (cursor_.peek().kind == Token::Kind::kDotted) instruction.modifiers.emplace_back(cursor_.take().text);
  if (!cursor_.accept_mark(';')) { instruction.operands = list(';', 0); }
  function_.body.push_back(std::move(instruction));
  instruction_scopes_.push_back(scope_);
}

// Operands up to and with `end`.
std::vector<Operand> BodyParser::list(char end, int depth) {
  std::vector<Operand> out;
  if (cursor_.accept_mark(end)) return out;
  do out.push_back(operand(depth));
  while (cursor_.accept_mark(','));
  if (!cursor_.accept_mark(end)) cursor_.expected(fmt::format("',' or '{}'", end));
  return out;
}

Operand BodyParser::operand(int depth) {
  if (depth > 3) cursor_.expected("an operand less deeply nested");
  Operand out;
  if (cursor_.accept_mark('{')) {
    out.kind = Operand::Kind::kVector;
    out.elements = list('}', depth + 1);
    return out;
  }
  if (cursor_.accept_mark('(')) {
    out.kind = Operand::Kind::kList;
    out.elements = list(')', depth + 1);
    return out;
  }
  if (cursor_.at_mark('[')) return address(depth);
  if (cursor_.accept_mark('!')) {
    out = word_operand();
    if (out.kind != Operand::Kind::kRegister) cursor_.expected("a predicate register after '!'");
    out.negated = true;
    return out;
  }
  if (cursor_.at_mark('-') && cursor_.peek(1).kind == Token::Kind::kWord) {
    cursor_.take();
    out = word_operand();
    if (out.kind != Operand::Kind::kRegister ||
        function_.registers[static_cast<std::size_t>(out.index)].type == Type::kPred)
      cursor_.expected("a register after '-'");
    out.negated = true;
    return out;
  }
  if (cursor_.peek().kind != Token::Kind::kWord) return number_operand();
  out = word_operand();
  if (cursor_.accept_mark('|')) {
    Operand pair;
    pair.kind = Operand::Kind::kPair;
    pair.elements.push_back(std::move(out));
    pair.elements.push_back(word_operand());
    return pair;
  }
  return out;
}

Operand BodyParser::number_operand() {
  Operand out;
  const bool minus = cursor_.at_mark('-');
  if (cursor_.peek(minus ? 1 : 0).kind == Token::Kind::kFloat) {
    if (minus) cursor_.take();
    const Token token = cursor_.take();
    out.kind = Operand::Kind::kFloat;
    out.real = minus ? -token.real : token.real;
    out.integer = token.integer;
    out.float_bits = token.float_bits;
    if (minus && token.float_bits != 0)
      out.integer ^= std::int64_t(std::uint64_t{1} << (token.float_bits - 1));
    return out;
  }
  out.kind = Operand::Kind::kInteger;
  out.integer = cursor_.expect_integer("an operand");
  return out;
}

// An optional "+4", "-4" or "+-4".
std::int64_t BodyParser::plus_integer() {
  if (cursor_.accept_mark('+')) return cursor_.expect_integer("an offset");
  return cursor_.at_mark('-') ? cursor_.expect_integer("an offset") : 0;
}

Operand BodyParser::word_operand() {
  Operand out;
  const std::string word = cursor_.expect_word("a register or a name");
  if (word == "_") return out;
  out.index = find_register(word);
  if (out.index >= 0) {
    out.kind = Operand::Kind::kRegister;
    if (cursor_.peek().kind == Token::Kind::kDotted) out.name = cursor_.take().text;  // a part: %r1.b0
    return out;
  }
  if (word.front() == '%') {
    out.kind = Operand::Kind::kSpecial;
    out.name = word;
    if (cursor_.peek().kind == Token::Kind::kDotted) out.name += fmt::format(".{}", cursor_.take().text);
    return out;
  }
  if (word == "WARP_SZ") {
    out.kind = Operand::Kind::kInteger;
    out.integer = 32;
    return out;
  }
  out.kind = Operand::Kind::kSymbol;
  out.name = variable_name(word);
  out.integer = plus_integer();
  return out;
}

// [base + 4], [symbol], [4096], [base, {x, y}] (a tensor's coordinates).
Operand BodyParser::address(int depth) {
  cursor_.expect_mark('[');
  Operand out;
  out.kind = Operand::Kind::kAddress;
  if (cursor_.peek().kind == Token::Kind::kWord) {
    out.elements.push_back(word_operand());
    Operand& base = out.elements.front();
    if (base.kind == Operand::Kind::kSymbol) std::swap(out.integer, base.integer);
    out.integer = static_cast<std::int64_t>(static_cast<std::uint64_t>(out.integer) +
                                            static_cast<std::uint64_t>(plus_integer()));
  } else {
    out.integer = cursor_.expect_integer("an address");
  }
  while (cursor_.accept_mark(',')) out.elements.push_back(operand(depth + 1));
  cursor_.expect_mark(']');
  return out;
}

std::int32_t BodyParser::find_register(const std::string& name) {
  std::size_t digits = name.size();
  while (digits > 0 && name[digits - 1] >= '0' && name[digits - 1] <= '9') --digits;
  std::int64_t number = -1;
  if (digits < name.size() && (name[digits] != '0' || digits + 1 == name.size()))
    std::from_chars(name.data() + digits, name.data() + name.size(), number);
  for (int at = scope_; at >= 0; at = scopes_[static_cast<std::size_t>(at)].parent) {
    Scope& scope = scopes_[static_cast<std::size_t>(at)];
    if (const auto found = scope.registers.find(name); found != scope.registers.end()) return found->second;
    for (const Range& range : scope.ranges) {
      if (number < 0 || number >= range.count || name.compare(0, digits, range.prefix) != 0) continue;
      const auto index = static_cast<std::int32_t>(function_.registers.size());
      scope.registers.emplace(name, index);
      function_.registers.push_back({name, range.type});
      return index;
    }
  }
  return -1;
}

std::string BodyParser::variable_name(const std::string& name) const {
  for (int at = scope_; at >= 0; at = scopes_[static_cast<std::size_t>(at)].parent) {
    const Scope& scope = scopes_[static_cast<std::size_t>(at)];
    if (const auto found = scope.variables.find(name); found != scope.variables.end()) return found->second;
  }
  return name;
}

std::int32_t BodyParser::find_label(int scope, const std::string& name) const {
  for (int at = scope; at >= 0; at = scopes_[static_cast<std::size_t>(at)].parent) {
    const auto& labels = scopes_[static_cast<std::size_t>(at)].labels;
    if (const auto found = labels.find(name); found != labels.end()) return found->second;
  }
  return -1;
}

bool BodyParser::declared(const std::string& name) const {
  if (name == function_.name || cursor_.module().find(name) != nullptr) return true;
  for (const auto* list : {&function_.locals, &function_.params, &function_.returns})
    for (const Variable& v : *list)
      if (v.name == name) return true;
  for (const Variable& v : cursor_.module().variables)
    if (v.name == name) return true;
  return function_.prototypes.count(name) != 0 || function_.branch_targets.count(name) != 0;
}

void BodyParser::resolve(Operand& operand, const Instruction& instruction, int scope) {
  if (operand.kind == Operand::Kind::kSymbol) {
    const std::int32_t target = find_label(scope, operand.name);
    if (target >= 0 && (instruction.opcode == "bra" || !declared(operand.name))) {
      operand.kind = Operand::Kind::kLabel;
      operand.index = target;
    } else if (!declared(operand.name)) {
      cursor_.fail_at(instruction.place.line, fmt::format("'{}' is not declared", operand.name));
    }
  }
  for (Operand& element : operand.elements) resolve(element, instruction, scope);
}

void BodyParser::resolve_labels() {
  for (const Targets& targets : targets_) {
    std::vector<std::int32_t>& out = function_.branch_targets[targets.name];
    for (const std::string& name : targets.labels) {
      out.push_back(find_label(targets.scope, name));
      if (out.back() < 0)
        cursor_.fail_at(targets.line, fmt::format("label '{}' does not stand in this function", name));
    }
  }
  for (std::size_t i = 0; i < function_.body.size(); ++i)
    for (Operand& operand : function_.body[i].operands)
      resolve(operand, function_.body[i], instruction_scopes_[i]);
}

}  // namespace intarsia::ptx
