// The parameter list of an entry, and what its body does with each parameter.
#include <algorithm>
#include <bit>
#include <unordered_map>

#include "base/error.h"
#include "ptx/ptx.h"

namespace intarsia::ptx {
namespace {

constexpr std::int32_t kMaxTracked = 64;  // parameters whose flow is followed; later ones are never inferred

// Which parameters' values may stand in each register: `whole` reached it by moves alone, `part` by
// additions.
struct Origins {
  std::uint64_t whole = 0, part = 0;
};

bool is_memory(const Instruction& in) {
  return in.opcode == "ld" || in.opcode == "ldu" || in.opcode == "st" || in.opcode == "atom" ||
         in.opcode == "red" || in.opcode == "cp" || in.opcode == "prefetch" || in.opcode == "prefetchu" ||
         in.opcode == "ldmatrix" || in.opcode == "stmatrix" || in.opcode == "wmma" ||
         in.opcode == "multimem" || in.opcode == "applypriority" || in.opcode == "discard";
}

bool has(const Instruction& in, std::string_view modifier) {
  return std::find(in.modifiers.begin(), in.modifiers.end(), modifier) != in.modifiers.end();
}

class Flow {
 public:
  explicit Flow(const Entry& entry) : entry_(entry), registers_(entry.registers.size()) {
    for (std::size_t i = 0; i < entry.params.size(); ++i)
      index_.emplace(entry.params[i].name, static_cast<int>(i));
  }

  void run(std::vector<Parameter>& list) {
    for (bool changed = true; changed;) {
      changed = false;
      for (const Instruction& in : entry_.body) changed |= step(in);
    }
    for (const Instruction& in : entry_.body) {
      for (const Operand& operand : in.operands) note_reads(operand, list);
    }
    std::uint64_t strong = declared(list);
    for (const Instruction& in : entry_.body) strong |= strong_uses(in);
    std::uint64_t pointers = strong, written = 0;
    for (const Instruction& in : entry_.body) weak_uses(in, strong, pointers, written);
    for (std::size_t i = 0; i < list.size() && i < kMaxTracked; ++i) {
      if (list[i].pointer == Parameter::Pointer::kNo && list[i].bytes == 8 && (pointers >> i & 1) != 0)
        list[i].pointer = Parameter::Pointer::kInferred;
      list[i].written = (written >> i & 1) != 0;
    }
  }

 private:
  static std::uint64_t declared(const std::vector<Parameter>& list) {
    std::uint64_t out = 0;
    for (std::size_t i = 0; i < list.size() && i < kMaxTracked; ++i)
      if (list[i].pointer == Parameter::Pointer::kDeclared) out |= std::uint64_t{1} << i;
    return out;
  }

  Origins of(const Operand& operand) const {
    if (operand.kind == Operand::Kind::kRegister) return registers_[static_cast<std::size_t>(operand.index)];
    return {};
  }

  int parameter(const Operand& operand) const {
    const auto found = index_.find(operand.name);
    return operand.kind == Operand::Kind::kSymbol && found != index_.end() ? found->second : -1;
  }

  bool merge(const Operand& to, Origins origins) {
    if (to.kind != Operand::Kind::kRegister) return false;
    Origins& at = registers_[static_cast<std::size_t>(to.index)];
    const bool changed = (origins.whole & ~at.whole) != 0 || (origins.part & ~at.part) != 0;
    at.whole |= origins.whole;
    at.part |= origins.part;
    return changed;
  }

  bool step(const Instruction& in) {
    const std::vector<Operand>& o = in.operands;
    if (o.size() < 2) return false;
    if (in.opcode == "ld" && has(in, "param")) return load(o);
    if (in.opcode == "mov" || in.opcode == "cvta") return merge(o[0], of(o[1]));
    if (in.opcode == "selp" && o.size() == 4) {
      const bool first = merge(o[0], of(o[1]));
      return merge(o[0], of(o[2])) || first;
    }
    Origins sum;
    if ((in.opcode == "add" || in.opcode == "sub") && o.size() == 3) {
      sum = of(o[1]);
      if (in.opcode == "add") sum = {sum.whole | of(o[2]).whole, sum.part | of(o[2]).part};
    } else if (in.opcode == "mad" && o.size() == 4) {
      sum = of(o[3]);
    } else if ((in.opcode == "and" || in.opcode == "or") && o.size() == 3) {
      sum = of(o[1]);
    }
    return merge(o[0], {0, sum.whole | sum.part});
  }

  bool load(const std::vector<Operand>& o) {
    if (o[1].kind != Operand::Kind::kAddress || o[1].elements.empty() || o[1].integer != 0) return false;
    const int index = parameter(o[1].elements[0]);
    return index >= 0 && index < kMaxTracked && merge(o[0], {std::uint64_t{1} << index, 0});
  }

  void note_reads(const Operand& operand, std::vector<Parameter>& list) const {
    if (const int index = parameter(operand); index >= 0) list[static_cast<std::size_t>(index)].read = true;
    for (const Operand& element : operand.elements) note_reads(element, list);
  }

  std::uint64_t strong_uses(const Instruction& in) const {
    if (in.opcode == "cvta" && in.operands.size() == 2) return of(in.operands[1]).whole;
    std::uint64_t out = 0;
    if (is_memory(in))
      for (const Operand& operand : in.operands)
        if (operand.kind == Operand::Kind::kAddress && !operand.elements.empty())
          out |= of(operand.elements[0]).whole;
    return out;
  }

  // An address that is a sum: the parameters in it known to be pointers, or all where none is.
  void weak_uses(const Instruction& in, std::uint64_t strong, std::uint64_t& pointers,
                 std::uint64_t& written) const {
    if (!is_memory(in)) return;
    bool first = true;
    for (const Operand& operand : in.operands) {
      if (operand.kind != Operand::Kind::kAddress || operand.elements.empty()) continue;
      const Origins origins = of(operand.elements[0]);
      const std::uint64_t all = origins.whole | origins.part;
      const std::uint64_t meant = (all & strong) != 0 ? all & strong : all;
      pointers |= meant;
      if (first && (in.opcode == "st" || in.opcode == "atom" || in.opcode == "red" || in.opcode == "cp" ||
                    (in.opcode == "wmma" && has(in, "store"))))
        written |= meant;
      first = false;
    }
  }

  const Entry& entry_;
  std::vector<Origins> registers_;
  std::unordered_map<std::string_view, int> index_;
};

}  // namespace

std::vector<Parameter> parameter_list(const Entry& entry) {
  std::vector<Parameter> out;
  std::int64_t offset = 0;
  for (const Variable& v : entry.params) {
    Parameter p;
    p.name = v.name;
    p.bytes = v.bytes;
    p.align = v.align;
    offset = (offset + v.align - 1) / v.align * v.align;
    p.offset = offset;
    offset += v.bytes;
    p.type = v.bytes == bits(v.type) / 8 ? v.type : Type::kNone;
    if (v.pointer) p.pointer = Parameter::Pointer::kDeclared;
    out.push_back(std::move(p));
  }
  Flow(entry).run(out);
  return out;
}

std::int64_t parameter_bytes(const Entry& entry) {
  std::int64_t offset = 0;
  for (const Variable& v : entry.params) offset = (offset + v.align - 1) / v.align * v.align + v.bytes;
  return offset;
}

}  // namespace intarsia::ptx
