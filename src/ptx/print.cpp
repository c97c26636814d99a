// A module as text that parses back to the same module (scopes flattened, names made unique).
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <unordered_map>

#include "ptx/opcodes.h"

namespace intarsia::ptx {
namespace {

using Kind = Operand::Kind;

// mul, add and sub of floats without a rounding may be fused by ptxas; with .rn they may not.
bool needs_rounding(const Instruction& in) {
  if (in.opcode != "mul" && in.opcode != "add" && in.opcode != "sub") return false;
  bool is_float = false;
  for (const std::string& m : in.modifiers) {
    if (m == "rn" || m == "rz" || m == "rm" || m == "rp") return false;
    is_float |= m == "f32" || m == "f64" || m == "f16" || m == "f16x2" || m == "bf16" || m == "bf16x2";
  }
  return is_float;
}

class Printer {
 public:
  Printer(const Module& module, const PrintOptions& options) : module_(module), options_(options) {}

  std::string run() {
    out_ += fmt::format(".version {}.{}\n.target {}\n.address_size {}\n", module_.version_major,
                        module_.version_minor, module_.target, module_.address_size);
    for (const auto& [number, file] : module_.files) out_ += fmt::format(".file {} \"{}\"\n", number, file);
    for (const Variable& v : module_.variables) {
      out_ += v.external ? ".extern ." : ".visible .";
      out_ += fmt::format("{} {}{};\n", name(v.space), declaration(v), initialiser(v));
    }
    for (const Function& f : module_.functions) function(f);
    return std::move(out_);
  }

 private:
  std::string declaration(const Variable& v) const {
    std::string out = fmt::format(".align {} .{} ", v.align, name(v.type));
    if (v.pointer) {
      out = fmt::format(".{} .ptr ", name(v.type));
      if (v.pointee != Space::kGeneric) out += fmt::format(".{} ", name(v.pointee));
      out += fmt::format(".align {} ", v.pointee_align);
    }
    out += v.name;
    if (v.bytes * 8 != bits(v.type))
      out += v.bytes == 0 ? "[]" : fmt::format("[{}]", v.bytes * 8 / bits(v.type));
    return out;
  }

  static std::string initialiser(const Variable& v) {
    if (v.data.empty()) return {};
    const std::size_t width = static_cast<std::size_t>(bits(v.type)) / 8;
    std::vector<std::string> parts;
    for (std::size_t at = 0; at < v.data.size(); at += width) parts.push_back(element(v, at, width));
    if (v.bytes == static_cast<std::int64_t>(width)) return fmt::format(" = {}", parts[0]);
    return fmt::format(" = {{{}}}", fmt::join(parts, ", "));
  }

  static std::string element(const Variable& v, std::size_t at, std::size_t width) {
    for (const Variable::Relocation& r : v.relocations)
      if (r.offset == static_cast<std::int64_t>(at))
        return r.addend == 0 ? r.symbol : fmt::format("{}{:+}", r.symbol, r.addend);
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < width && at + i < v.data.size(); ++i)
      value |= std::uint64_t{v.data[at + i]} << (8 * i);
    if (v.type == Type::kF32) return fmt::format("0f{:08X}", value);
    if (v.type == Type::kF64) return fmt::format("0d{:016X}", value);
    return fmt::format("{}", value);
  }

  std::string params(const std::vector<Variable>& list) const {
    std::vector<std::string> parts;
    for (const Variable& v : list) parts.push_back(fmt::format(".param {}", declaration(v)));
    return fmt::format("({})", fmt::join(parts, ", "));
  }

  void function(const Function& f) {
    if (f.declaration) out_ += ".extern ";
    if (!f.declaration) out_ += ".visible ";
    out_ += f.entry ? ".entry " : ".func ";
    if (!f.returns.empty()) out_ += params(f.returns) + " ";
    out_ += f.name + params(f.params) + "\n";
    const auto triple = [&](const char* directive, const std::optional<std::array<std::int32_t, 3>>& value) {
      if (value) out_ += fmt::format("{} {}\n", directive, fmt::join(*value, ", "));
    };
    triple(".reqntid", f.reqntid);
    triple(".maxntid", f.maxntid);
    triple(".reqnctapercluster", f.cluster);
    if (f.explicit_cluster) out_ += ".explicitcluster\n";
    if (f.minnctapersm) out_ += fmt::format(".minnctapersm {}\n", *f.minnctapersm);
    if (f.maxnreg) out_ += fmt::format(".maxnreg {}\n", *f.maxnreg);
    if (f.declaration) {
      out_ += ";\n";
      return;
    }
    out_ += "{\n";
    body(f);
    out_ += "}\n";
  }

  void body(const Function& f) {
    std::unordered_map<std::string, int> uses;
    names_.clear();
    types_.clear();
    for (const Register& r : f.registers) {
      const int n = uses[r.name]++;
      types_.push_back(r.type);
      names_.push_back(n == 0 ? r.name : fmt::format("{}${}", r.name, n));
      out_ += fmt::format("\t.reg .{} {};\n", name(r.type), names_.back());
    }
    for (const Variable& v : f.locals)
      out_ += fmt::format("\t.{} {}{};\n", name(v.space), declaration(v), initialiser(v));
    labels_.assign(f.body.size() + 1, {});
    for (const auto& [label, at] : f.labels) labels_[static_cast<std::size_t>(at)].push_back(label);
    for (const auto& [label, prototype] : f.prototypes)
      out_ += fmt::format("\t{}: .callprototype {} _ {};\n", label, params(prototype.returns),
                          params(prototype.params));
    for (const auto& [label, targets] : f.branch_targets) {
      std::vector<std::string> parts;
      for (std::int32_t t : targets) parts.push_back(labels_[static_cast<std::size_t>(t)].front());
      out_ += fmt::format("\t{}: .branchtargets {};\n", label, fmt::join(parts, ", "));
    }
    loc_ = -1;
    for (std::size_t i = 0; i <= f.body.size(); ++i) {
      for (const std::string& label : labels_[i]) out_ += label + ":\n";
      if (i < f.body.size()) instruction(f.body[i]);
    }
  }

  void instruction(const Instruction& in) {
    if (in.place.loc != loc_ && in.place.loc >= 0) {
      const Location& l = module_.locations[static_cast<std::size_t>(in.place.loc)];
      out_ += fmt::format("\t.loc {} {} {}\n", l.file, l.line, l.column);
    }
    loc_ = in.place.loc;
    out_ += '\t';
    if (in.guard >= 0)
      out_ += fmt::format("@{}{} ", in.guard_negated ? "!" : "", names_[static_cast<std::size_t>(in.guard)]);
    out_ += in.opcode;
    if (!options_.contraction && needs_rounding(in)) out_ += ".rn";
    for (const std::string& m : in.modifiers) out_ += "." + m;
    for (std::size_t i = 0; i < in.operands.size(); ++i) {
      out_ += i == 0 ? " " : ", ";
      out_ += operand(in.operands[i]);
    }
    out_ += ";\n";
  }

  std::string elements(const Operand& o, const char* between, std::size_t first = 0) const {
    std::string out;
    for (std::size_t i = first; i < o.elements.size(); ++i) {
      if (i > first) out += between;
      out += operand(o.elements[i]);
    }
    return out;
  }

  std::string register_text(const Operand& o) const {
    const std::string& text = names_[static_cast<std::size_t>(o.index)];
    const bool predicate = types_[static_cast<std::size_t>(o.index)] == Type::kPred;
    return fmt::format("{}{}{}{}",
                       !o.negated  ? ""
                       : predicate ? "!"
                                   : "-",
                       text, o.name.empty() ? "" : ".", o.name);
  }

  std::string operand(const Operand& o) const {
    switch (o.kind) {
      case Kind::kRegister: return register_text(o);
      case Kind::kInteger: return fmt::format("{}", o.integer);
      case Kind::kFloat:
        if (o.float_bits == 32) return fmt::format("0f{:08X}", static_cast<std::uint32_t>(o.integer));
        if (o.float_bits == 64) return fmt::format("0d{:016X}", static_cast<std::uint64_t>(o.integer));
        return fmt::format("{:.17e}", o.real);
      case Kind::kSymbol: return o.integer == 0 ? o.name : fmt::format("{}{:+}", o.name, o.integer);
      case Kind::kSpecial: return o.name;
      case Kind::kLabel: return labels_[static_cast<std::size_t>(o.index)].front();
      case Kind::kVector: return fmt::format("{{{}}}", elements(o, ", "));
      case Kind::kList: return fmt::format("({})", elements(o, ", "));
      case Kind::kPair: return elements(o, "|");
      case Kind::kSink: return "_";
      case Kind::kAddress: return address(o);
    }
    return {};
  }

  std::string address(const Operand& o) const {
    if (o.elements.empty()) return fmt::format("[{}]", o.integer);
    std::string out = "[" + operand(o.elements[0]);
    if (o.integer != 0) out += fmt::format("+{}", o.integer);
    if (o.elements.size() > 1) out += ", " + elements(o, ", ", 1);
    return out + "]";
  }

  const Module& module_;
  const PrintOptions& options_;
  std::string out_;
  std::vector<std::string> names_;  // of the function's registers
  std::vector<Type> types_;
  std::vector<std::vector<std::string>> labels_;
  std::int32_t loc_ = -1;
};

}  // namespace

std::string print(const Module& module, const PrintOptions& options) {
  return Printer(module, options).run();
}

}  // namespace intarsia::ptx
