// Operands of a step: registers, constants, addresses.
#include <fmt/format.h>

#include <bit>
#include <cmath>

#include "base/convert.h"
#include "base/error.h"
#include "ptx/decode.h"
#include "ptx/memory.h"

namespace intarsia::ptx {

using Kind = Operand::Kind;

Ref Decoder::constant(std::uint64_t value, int width) {
  const auto [found, added] = constants_.emplace(std::pair{value, width}, Ref{});
  if (added) {
    std::vector<std::byte>& bytes = image_.constants;
    bytes.resize((bytes.size() + 63) / 64 * 64);
    found->second = Ref{static_cast<std::uint32_t>(bytes.size()) | Ref::kConstant};
    const std::size_t each = width == 1 ? 4 : static_cast<std::size_t>(width) / 8;
    for (int l = 0; l < (width == 1 ? 1 : kLanes); ++l)
      for (std::size_t i = 0; i < each; ++i)
        bytes.push_back(static_cast<std::byte>(i < 8 ? value >> (8 * i) : 0));
  }
  return found->second;
}

// Where results go that nobody wants.
Ref Decoder::scratch(int width) {
  const auto found = scratch_.find(width);
  return found != scratch_.end() ? found->second : scratch_.emplace(width, allocate(width)).first->second;
}

int Decoder::width_of(const Operand& o, int otherwise) const {
  if (o.kind != Kind::kRegister) return std::max(otherwise, 16);
  return bits(function_.registers[static_cast<std::size_t>(o.index)].type);
}

// A number as the bits of a register: 0f… and 0d… keep their bits where the widths agree.
std::uint64_t Decoder::immediate_bits(const Operand& o, int width, Type type) const {
  if (o.kind == Kind::kInteger) {
    if (type == Type::kF32) return std::bit_cast<std::uint32_t>(static_cast<float>(o.integer));
    if (type == Type::kF64) return std::bit_cast<std::uint64_t>(static_cast<double>(o.integer));
    return width >= 64 ? static_cast<std::uint64_t>(o.integer)
                       : static_cast<std::uint64_t>(o.integer) & ((std::uint64_t{1} << width) - 1);
  }
  if (o.float_bits == width) return static_cast<std::uint64_t>(o.integer);
  if (width == 64) return std::bit_cast<std::uint64_t>(o.real);
  if (type == Type::kBF16) return f64_to_bf16(o.real);
  if (width == 16) return f64_to_f16(o.real);
  return std::bit_cast<std::uint32_t>(static_cast<float>(o.real));
}

Ref Decoder::source(const Operand& o, int width, Type type) {
  if (o.kind == Kind::kRegister) return registers_[static_cast<std::size_t>(o.index)];
  if (o.kind != Kind::kSpecial) return constant(immediate_bits(o, width, type), width);
  Decoded step;
  const int own = special_width(o.name, step.immediate);
  if (own == 0)
    throw UserError(fmt::format("{}: special register '{}' is not known", image_.module.source, o.name));
  step.r[0] = allocate(width);
  step.run = select_special(width);
  code_.steps.push_back(step);
  return step.r[0];
}

Ref Decoder::destination(const Operand& o, int width) {
  return o.kind == Kind::kRegister ? registers_[static_cast<std::size_t>(o.index)] : scratch(width);
}

Ref Decoder::predicate_source(const Operand& o) {
  if (o.kind == Kind::kRegister) return registers_[static_cast<std::size_t>(o.index)];
  return constant(o.integer != 0 ? kAll : 0, 1);
}

std::uint32_t Decoder::list(const std::vector<Operand>& operands, int width, Type type, bool destinations) {
  std::vector<Ref> refs;
  for (const Operand& o : operands) {
    const int own = width_of(o, width);
    refs.push_back(destinations ? destination(o, own) : source(o, own, type));
  }
  const auto first = static_cast<std::uint32_t>(code_.refs.size());
  code_.refs.insert(code_.refs.end(), refs.begin(), refs.end());
  return first;
}

// The address of a variable within its own space; global and constant memory has host addresses.
std::uint64_t Decoder::symbol_address(const std::string& name, bool& frame_local) const {
  frame_local = false;
  if (const auto local = locals_.find(name); local != locals_.end()) {
    frame_local = true;
    return local->second;
  }
  if (const auto param = kernel_params_.find(name); param != kernel_params_.end())
    return static_cast<std::uint64_t>(param->second);
  for (const std::string& key : {function_.name + "/" + name, name}) {
    if (const auto shared = image_.shared.find(key); shared != image_.shared.end())
      return static_cast<std::uint64_t>(shared->second);
    for (const Storage& s : image_.storage)
      if (s.name == key) return reinterpret_cast<std::uint64_t>(s.data);
  }
  if (const auto code = image_.code_index.find(name); code != image_.code_index.end())
    return kFunctionWindow + 16 * static_cast<std::uint64_t>(code->second);
  throw UserError(fmt::format("{}: the address of '{}' cannot be taken", image_.module.source, name));
}

Space Decoder::space_of_symbol(const std::string& name) const {
  if (locals_.count(name) != 0) return Space::kLocal;
  if (kernel_params_.count(name) != 0) return Space::kParam;
  return image_.shared.count(name) + image_.shared.count(function_.name + "/" + name) != 0 ? Space::kShared
                                                                                           : Space::kGlobal;
}

// r[at], immediate and small's low half of a step with an address.
void Decoder::address(const Operand& o, Space space, std::size_t at, Decoded& step) {
  step.immediate = o.integer;
  step.small = kAbsolute;
  if (o.elements.empty()) return;
  const Operand& base = o.elements[0];
  if (base.kind == Kind::kRegister) {
    step.r[at] = registers_[static_cast<std::size_t>(base.index)];
    step.small = width_of(base, 64) == 64 ? kRegister64 : kRegister32;
    return;
  }
  bool frame_local = false;
  step.immediate += static_cast<std::int64_t>(symbol_address(base.name, frame_local));
  if (frame_local) step.small = kLocalSymbol;
  if (space == Space::kGeneric) step.immediate += window_of(space_of_symbol(base.name));
}

CallSite::Copy Decoder::param_storage(const std::string& name, const Instruction& in) const {
  const auto found = params_.find(name);
  if (found == params_.end()) bad(in, fmt::format("'{}' is no .param variable of this function", name));
  return found->second;
}

}  // namespace intarsia::ptx
