// Operand kinds and widths of every instruction, by its row of the opcode table.
#include <fmt/format.h>

#include <algorithm>

#include "ptx/opcodes.h"
#include "ptx/syntax.h"

namespace intarsia::ptx {
namespace {

using Kind = Operand::Kind;

class Checker {
 public:
  Checker(const Module& module, const Function& function, const Instruction& in, const Form& form)
      : module_(module), function_(function), in_(in), form_(form) {}

  void run() {
    if (form_.row->operands == "c") return call();
    if (form_.row->family != Family::kVideo)
      for (position_ = 0; position_ < in_.operands.size(); ++position_) whole(in_.operands[position_]);
    const std::size_t fewest = form_.fewest(), most = form_.most();
    if (in_.operands.size() < fewest || in_.operands.size() > most)
      bad(fmt::format("'{}' takes {} operands, {} are given", form_.text(),
                      fewest == most ? fmt::format("{}", fewest) : fmt::format("{} to {}", fewest, most),
                      in_.operands.size()));
    position_ = 0;
    for (std::string_view word : form_.words(in_.operands.size())) {
      operand(word, in_.operands[position_]);
      ++position_;
    }
  }

 private:
  [[noreturn]] void bad(const std::string& what) const { fail(module_, in_.place.line, what); }
  [[noreturn]] void bad_operand(const std::string& wanted) const {
    bad(fmt::format("operand {} of '{}': expected {}", position_ + 1, form_.text(), wanted));
  }

  Type register_type(const Operand& o) const {
    return function_.registers[static_cast<std::size_t>(o.index)].type;
  }

  // Parts of registers and their negatives are for video instructions.
  void whole(const Operand& o) const {
    if (o.kind == Kind::kRegister && (!o.name.empty() || (o.negated && register_type(o) != Type::kPred)))
      bad_operand(fmt::format("'{}' alone", shown(o)));
    for (const Operand& element : o.elements) whole(element);
  }

  void part(const Operand& o, bool destination) const {
    if (o.kind == Kind::kInteger && !destination) return;
    if (o.kind != Kind::kRegister) bad_operand("a register of 32 bits, or a part of one");
    width_of(o, 32);
  }

  void operand(std::string_view word, const Operand& o) {
    const std::size_t index =
        word.back() >= '0' && word.back() <= '9' ? static_cast<std::size_t>(word.back() - '0') : 0;
    const int width = bits(form_.type(index));
    switch (word.front()) {
      case 'd':
        return word == "dp" ? with_predicate(o, width) : destination(o, word == "dw" ? 2 * width : width);
      case 'D': return word == "Dp" ? with_predicate(o, 32) : destination(o, 32);
      case 'E': return destination(o, 64);
      case 'Z': return o.kind == Kind::kSink ? void() : destination(o, 64);
      case 'z': return o.kind == Kind::kSink ? void() : destination(o, width);
      case 's': return source(o, word == "sw" ? 2 * width : width);
      case 'u': return source(o, 32);
      case 'h': return source(o, 16);
      case 'U': return source(o, 64);
      case 'i':
        if (o.kind != Kind::kInteger) bad_operand("an integer");
        return;
      case 'e': return wide(o, bits(form_.type(0)));
      case 'f': return wide(o, bits(form_.type(word == "fd" ? 0 : 1)), word == "fd");
      case 'p': return predicate_destination(word, o);
      case 'q': return predicate(o);
      case 'm': return address(o, form_.space());
      case 'k': return address(o, Space::kShared);
      case 'g': return address(o, Space::kGlobal);
      case 'T': return tensor(o);
      case 'a':
      case 'A':
        if (word == "aw" && !o.name.empty()) bad_operand("a whole register");
        return part(o, word.front() == 'A');
      case 'r': return o.kind == Kind::kRegister && register_type(o) == Type::kPred ? void() : source(o, 32);
      case 'v':
      case 'w': return memory_value(o, width, word.front() == 'v');
      case 'x': return move_source(o, width);
      case 'y': return move_destination(o, width);
      case 't':
        if (o.kind != Kind::kLabel && o.kind != Kind::kSymbol) bad_operand("a label");
        return;
      case 'n': return registers(o);
      default: bad_operand("something else");
    }
  }

  void destination(const Operand& o, int width) const {
    if (o.kind == Kind::kSink && width == 32) return;
    if (o.kind != Kind::kRegister || o.negated) bad_operand(fmt::format("a register of {} bits", width));
    width_of(o, width);
  }

  void width_of(const Operand& o, int width) const {
    const Type type = register_type(o);
    if (bits(type) == width && (type == Type::kPred) == (width == 1)) return;
    bad_operand(width == 1
                    ? fmt::format("a predicate, found '{}' of .{}", shown(o), name(type))
                    : fmt::format("a register of {} bits, found '{}' of .{}", width, shown(o), name(type)));
  }

  std::string shown(const Operand& o) const {
    return function_.registers[static_cast<std::size_t>(o.index)].name;
  }

  void source(const Operand& o, int width) const {
    if (o.kind == Kind::kInteger || o.kind == Kind::kFloat || o.kind == Kind::kSpecial) return;
    if (o.kind != Kind::kRegister || o.negated)
      bad_operand(fmt::format("a register of {} bits or a number", width));
    width_of(o, width);
  }

  void wide(const Operand& o, int width, bool only_register = false) const {
    if (!only_register && (o.kind == Kind::kInteger || o.kind == Kind::kFloat)) return;
    if (o.kind == Kind::kSink && only_register) return;
    if (o.kind != Kind::kRegister || bits(register_type(o)) < width || register_type(o) == Type::kPred)
      bad_operand(fmt::format("a register of at least {} bits", width));
  }

  void predicate(const Operand& o) const {
    if (o.kind == Kind::kInteger) return;
    if (o.kind != Kind::kRegister) bad_operand("a predicate");
    width_of(o, 1);
  }

  void with_predicate(const Operand& o, int width) const {
    if (o.kind != Kind::kPair) return destination(o, width);
    if (o.elements[0].kind != Kind::kSink) destination(o.elements[0], width);
    if (o.elements[1].kind != Kind::kSink) destination(o.elements[1], 1);
  }

  void predicate_destination(std::string_view word, const Operand& o) const {
    if (o.kind == Kind::kPair && word == "pp") {
      for (const Operand& element : o.elements)
        if (element.kind != Kind::kSink) destination(element, 1);
      return;
    }
    destination(o, 1);
  }

  void tensor(const Operand& o) const {
    if (o.kind != Kind::kAddress || o.elements.size() != 2 || o.elements[1].kind != Kind::kVector)
      bad_operand("a tensor map and coordinates in brackets, as [%rd1, {%r1, %r2}]");
    Operand map = o;
    map.elements.pop_back();
    address(map, Space::kGeneric);
    const std::vector<Operand>& coordinates = o.elements[1].elements;
    if (static_cast<int>(coordinates.size()) != form_.dimensions())
      bad_operand(fmt::format("{} coordinates, found {}", form_.dimensions(), coordinates.size()));
    for (const Operand& coordinate : coordinates) source(coordinate, 32);
  }

  void address(const Operand& o, Space space) const {
    if (o.kind != Kind::kAddress || o.elements.size() > 1) bad_operand("an address in brackets");
    if (o.elements.empty() || o.elements[0].kind == Kind::kSymbol) return;
    const Operand& base = o.elements[0];
    if (base.kind != Kind::kRegister) bad_operand("a register or a variable as the address");
    const int width = bits(register_type(base));
    const bool narrow =
        space == Space::kShared || space == Space::kLocal || space == Space::kConst || space == Space::kParam;
    if (width != 64 && !(width == 32 && narrow))
      bad_operand(fmt::format("an address of {} bits, found '{}' of .{}", narrow ? "32 or 64" : "64",
                              shown(base), name(register_type(base))));
  }

  void memory_value(const Operand& o, int width, bool loads) const {
    const int count = form_.vector();
    if (count == 1 && o.kind != Kind::kVector) return wide(o, width, loads);
    if (o.kind != Kind::kVector || static_cast<int>(o.elements.size()) != count)
      bad_operand(count == 1 ? std::string("one register") : fmt::format("a vector of {} registers", count));
    for (const Operand& element : o.elements) wide(element, width, loads);
  }

  void move_source(const Operand& o, int width) const {
    if (o.kind == Kind::kVector) return pieces(o, width, false);
    if (o.kind == Kind::kSymbol) {
      if (width < 32) bad_operand("a register of 32 or 64 bits for an address");
      return;
    }
    source(o, width);
  }

  void move_destination(const Operand& o, int width) const {
    if (o.kind == Kind::kVector) return pieces(o, width, true);
    destination(o, width);
  }

  void pieces(const Operand& o, int width, bool sinks) const {
    const auto count = static_cast<int>(o.elements.size());
    if (count < 2 || count > 4 || count == 3) bad_operand("a vector of 2 or 4 registers");
    for (const Operand& element : o.elements)
      if (!(sinks && element.kind == Kind::kSink)) source(element, width / count);
  }

  void registers(const Operand& o) const {
    if (o.kind == Kind::kRegister) return;
    if (o.kind != Kind::kVector) bad_operand("a vector of registers");
    for (const Operand& element : o.elements)
      if (element.kind != Kind::kRegister || register_type(element) == Type::kPred)
        bad_operand("a vector of registers");
  }

  void call() const {
    const std::vector<Operand>& o = in_.operands;
    const std::size_t target = !o.empty() && o[0].kind == Kind::kList ? 1 : 0;
    if (o.size() <= target) bad("a call needs the function's name");
    const Operand& f = o[target];
    if (f.kind == Kind::kRegister) {
      if (o.size() != target + 3 && o.size() != target + 2)
        bad("an indirect call needs its prototype's name");
      return;
    }
    if (f.kind != Kind::kSymbol) bad("expected a function's name or a register to call");
  }

  const Module& module_;
  const Function& function_;
  const Instruction& in_;
  const Form& form_;
  std::size_t position_ = 0;
};

}  // namespace

Form match(const Module& module, const Function& function, const Instruction& in) {
  const std::vector<std::string_view> modifiers(in.modifiers.begin(), in.modifiers.end());
  Form form = match_modifiers(in.opcode, modifiers);
  if (form.row == nullptr) {
    std::string text = in.opcode;
    for (const std::string& m : in.modifiers) text += "." + m;
    if (const std::string_view reason = refusal(in.opcode, modifiers); !reason.empty())
      fail(module, in.place.line, fmt::format("'{}' is not executed here: {}", text, reason));
    fail(module, in.place.line,
         fmt::format("'{}' is not in the opcode table; the nearest form is '{}'", text,
                     nearest_form(in.opcode, modifiers)));
  }
  Checker(module, function, in, form).run();
  return form;
}

void verify(const Module& module) {
  for (const Function& function : module.functions)
    for (const Instruction& in : function.body) match(module, function, in);
}

}  // namespace intarsia::ptx
