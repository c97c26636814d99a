// Steps of the families whose operands are not plain registers.
#include <fmt/format.h>

#include "base/error.h"
#include "ptx/decode.h"
#include "ptx/matrix.h"
#include "ptx/memory.h"
#include "ptx/system.h"

namespace intarsia::ptx {

using Kind = Operand::Kind;

void Decoder::move(const Form& form, const Instruction& in) {
  const int width = bits(form.type());
  if (in.operands.size() == 2 && in.operands[1].kind == Kind::kSymbol) {
    Decoded step;
    bool frame_local = false;
    const std::uint64_t value =
        symbol_address(in.operands[1].name, frame_local) + static_cast<std::uint64_t>(in.operands[1].integer);
    step.r[0] = destination(in.operands[0], width);
    step.immediate = static_cast<std::int64_t>(value);
    if (form.row->opcode == "cvta") step.immediate += window_of(form.space());
    step.run = select_address(width, frame_local);
    return emit(form, in, step);
  }
  const bool packs = in.operands[1].kind == Kind::kVector, unpacks = in.operands[0].kind == Kind::kVector;
  if (packs || unpacks) {
    Decoded step;
    const std::vector<Operand>& pieces = in.operands[packs ? 1 : 0].elements;
    const auto count = static_cast<int>(pieces.size());
    step.extra = list(pieces, width / count, Type::kNone, unpacks);
    step.r[0] = packs ? destination(in.operands[0], width) : source(in.operands[1], width, form.type());
    step.run = packs ? select_pack(count, width) : select_unpack(count, width);
    return emit(form, in, step);
  }
  if (in.operands[1].kind == Kind::kSpecial) {
    Decoded step;
    if (special_width(in.operands[1].name, step.immediate) == 0)
      bad(in, fmt::format("special register '{}' is not known", in.operands[1].name));
    step.r[0] = destination(in.operands[0], width);
    step.run = select_special(width);
    return emit(form, in, step);
  }
  Bound bound;
  if (form.row->opcode == "mov" && form.type() != Type::kPred) {
    bound.refs = {destination(in.operands[0], width), source(in.operands[1], width, form.type())};
  } else if (form.row->opcode == "cvta") {
    bound.refs = {destination(in.operands[0], width), source(in.operands[1], width, form.type())};
    bound.immediate = window_of(form.space());
  } else {
    bound = bind(form, in);
    if (form.row->opcode == "isspacep") bound.immediate = window_of(form.space());
  }
  Decoded step = step_of(form, bound);
  step.run = select_move(form);
  emit(form, in, step);
}

// ld: value, address. st: address, value. A policy after them is ignored.
void Decoder::memory(const Form& form, const Instruction& in) {
  const bool stores = form.row->opcode == "st";
  const Operand& where = in.operands[stores ? 0 : 1];
  const Operand& value = in.operands[stores ? 1 : 0];
  const std::vector<Operand> values =
      value.kind == Kind::kVector ? value.elements : std::vector<Operand>{value};
  const int width = std::max(bits(form.type()), 16);
  int register_width = 0;
  for (const Operand& o : values) {
    if (o.kind != Kind::kRegister) continue;
    if (register_width != 0 && register_width != width_of(o, width))
      bad(in, "the registers of a vector must be of one width");
    register_width = width_of(o, width);
  }
  if (register_width == 0) register_width = width;
  Decoded step;
  step.extra = list(values, register_width, form.type(), !stores);
  step.count = static_cast<std::uint8_t>(values.size());
  const bool symbol = !where.elements.empty() && where.elements[0].kind == Kind::kSymbol;
  const bool frame_param =
      form.space() == Space::kParam && symbol && params_.count(where.elements[0].name) != 0;
  if (frame_param) {
    const CallSite::Copy storage = param_storage(where.elements[0].name, in);
    const std::int64_t bytes = bits(form.type()) / 8 * static_cast<std::int64_t>(values.size());
    if (where.integer < 0 || where.integer + bytes > storage.bytes)
      bad(in, fmt::format("bytes {} to {} of a parameter of {} bytes", where.integer, where.integer + bytes,
                          storage.bytes));
    step.r[1] = storage.from;
    step.immediate = where.integer | static_cast<std::int64_t>(storage.bytes) << 32;
  } else {
    address(where, form.space(), 1, step);
    kernel_param_bounds(form, in, step, static_cast<std::int64_t>(values.size()));
  }
  step.run = select_memory(form, register_width, frame_param);
  emit(form, in, step);
}

// A kernel's parameters are read at places known here.
void Decoder::kernel_param_bounds(const Form& form, const Instruction& in, const Decoded& step,
                                  std::int64_t count) const {
  if (form.space() != Space::kParam) return;
  if (form.row->opcode == "st") bad(in, "a kernel's parameters cannot be stored to");
  if (step.small != kAbsolute)
    bad(in, "a kernel's parameters are addressed by name; a register as their address is not supported");
  const std::int64_t bytes = bits(form.type()) / 8 * count, size = parameter_bytes(*image_.entry);
  if (step.immediate < 0 || step.immediate + bytes > size)
    bad(in, fmt::format("bytes {} to {} of {} bytes of parameters", step.immediate, step.immediate + bytes,
                        size));
}

void Decoder::atomic(const Form& form, const Instruction& in) {
  const bool result = form.row->opcode == "atom";
  const int width = bits(form.type());
  Decoded step;
  address(in.operands[result ? 1 : 0], form.space(), 1, step);
  if (result) step.r[0] = destination(in.operands[0], width);
  step.count = result;
  const std::size_t first = result ? 2 : 1;
  step.r[2] = step.r[3] = source(in.operands[first], width, form.type());
  if (form.has("cas")) step.r[3] = source(in.operands[first + 1], width, form.type());
  step.run = select_atomic(form);
  emit(form, in, step);
}

void Decoder::hint(const Form& form, const Instruction& in) {
  Decoded step;
  if (form.row->opcode == "createpolicy") step.r[0] = destination(in.operands[0], 64);
  step.run = select_hint(form);
  emit(form, in, step);
}

void Decoder::branch(const Form& form, const Instruction& in) {
  Decoded step;
  if (form.row->opcode == "bra") jumps_.emplace_back(code_.steps.size(), in.operands[0].index);
  if (form.row->opcode == "bra" && in.operands[0].kind != Kind::kLabel)
    bad(in, "expected a label to branch to");
  if (form.row->opcode == "brx") {
    const auto targets = function_.branch_targets.find(in.operands[1].name);
    if (targets == function_.branch_targets.end())
      bad(in, fmt::format("'{}' names no .branchtargets", in.operands[1].name));
    step.r[0] = source(in.operands[0], 32, Type::kU32);
    switches_.emplace_back(code_.steps.size(), targets->second);
  }
  step.run = select_control(form);
  emit(form, in, step);
}

void Decoder::call(const Form& form, const Instruction& in) {
  std::size_t at = 0;
  CallSite site;
  const auto storages = [&](const Operand& list) {
    std::vector<CallSite::Copy> out;
    for (const Operand& o : list.elements) {
      if (o.kind != Kind::kSymbol) bad(in, "parameters of a call must be .param variables");
      out.push_back(param_storage(o.name, in));
    }
    return out;
  };
  if (in.operands[0].kind == Kind::kList) site.returns = storages(in.operands[at++]);
  const Operand& target = in.operands[at++];
  if (at < in.operands.size() && in.operands[at].kind == Kind::kList) site.params = storages(in.operands[at]);
  Decoded step;
  step.run = select_control(form);
  if (target.kind == Kind::kRegister) {
    step.run = select_indirect_call();
    step.r[0] = registers_[static_cast<std::size_t>(target.index)];
  } else if (const auto code = image_.code_index.find(target.name); code != image_.code_index.end()) {
    site.callee = code->second;
  } else {
    site.system = system_function(target.name);
    if (site.system == CallSite::System::kNone)
      bad(in, fmt::format("function '{}' has no body in this module and is none the system provides "
                          "(vprintf, __assertfail)",
                          target.name));
  }
  step.extra = static_cast<std::uint32_t>(code_.calls.size());
  code_.calls.push_back(std::move(site));
  emit(form, in, step);
}

void Decoder::barrier(const Form& form, const Instruction& in) {
  const Bound bound = bind(form, in);
  Decoded step = step_of(form, bound);
  step.run = select_barrier(form);
  if (!form.has("warp")) {
    const std::size_t without = form.has("red") ? 3 : form.has("arrive") ? 1 : 1;
    configure_barrier(form, bound.refs.size() > without, step);
  }
  emit(form, in, step);
}

// The registers of a fragment; `count` of them are needed.
void Decoder::fragment(const Instruction& in, const Operand& o, int count, int width, std::vector<Ref>& out) {
  const std::vector<Operand> elements = o.kind == Kind::kVector ? o.elements : std::vector<Operand>{o};
  if (static_cast<int>(elements.size()) != count)
    bad(in, fmt::format("a fragment of {} registers; this shape needs {}", elements.size(), count));
  for (const Operand& e : elements) {
    if (e.kind != Kind::kRegister || width_of(e, 0) != width)
      bad(in, fmt::format("a fragment's registers must have {} bits", width));
    out.push_back(registers_[static_cast<std::size_t>(e.index)]);
  }
}

void Decoder::matrix(const Form& form, const Instruction& in) {
  const std::string_view op = form.row->opcode;
  if (op == "movmatrix") {
    Decoded step = step_of(form, bind(form, in));
    step.run = select_mma(form);
    return emit(form, in, step);
  }
  if (op == "ldmatrix" || op == "stmatrix") return matrix_rows(form, in);
  if (op == "wgmma") return warp_group(form, in);
  const MatrixShape shape = matrix_shape(form);
  const int width = form.type() == Type::kF64 ? 64 : 32;
  std::vector<Ref> refs;
  fragment(in, in.operands[0], shape.d_registers, width, refs);
  fragment(in, in.operands[1], shape.a_registers, width, refs);
  fragment(in, in.operands[2], shape.b_registers, width, refs);
  fragment(in, in.operands[3], shape.c_registers, width, refs);
  Decoded step;
  step.extra = static_cast<std::uint32_t>(code_.refs.size());
  code_.refs.insert(code_.refs.end(), refs.begin(), refs.end());
  step.immediate = static_cast<std::int64_t>(code_.matrices.size());
  code_.matrices.push_back(shape);
  step.run = select_mma(form);
  emit(form, in, step);
}

void Decoder::matrix_rows(const Form& form, const Instruction& in) {
  const bool loads = form.row->opcode == "ldmatrix";
  Decoded step;
  step.count = form.has("x4") ? 4 : form.has("x2") ? 2 : 1;
  address(in.operands[loads ? 1 : 0], form.space(), 0, step);
  if (form.space() == Space::kShared) step.small |= 16;
  std::vector<Ref> refs;
  fragment(in, in.operands[loads ? 0 : 1], step.count, 32, refs);
  step.extra = static_cast<std::uint32_t>(code_.refs.size());
  code_.refs.insert(code_.refs.end(), refs.begin(), refs.end());
  step.run = select_ldmatrix(form);
  emit(form, in, step);
}

// d, a (registers or descriptor), b descriptor, scale-d, then numbers: scales, and transpositions of 16-bit
// operands.
void Decoder::warp_group(const Form& form, const Instruction& in) {
  MatrixShape shape = matrix_shape(form);
  const bool registers = in.operands[1].kind == Kind::kVector;
  std::vector<std::int64_t> numbers;
  for (std::size_t i = 4; i < in.operands.size(); ++i) numbers.push_back(in.operands[i].integer);
  if (numbers.size() >= 2) {
    shape.scale_a = static_cast<int>(numbers[0]);
    shape.scale_b = static_cast<int>(numbers[1]);
  }
  if (registers && numbers.size() == 3) shape.transpose_b = numbers[2] != 0;
  if (!registers && numbers.size() == 4) {
    shape.transpose_a = numbers[2] != 0;
    shape.transpose_b = numbers[3] != 0;
  }
  shape.a_registers = registers ? 4 : 0;
  shape.d_registers = shape.n / (shape.types[0] == Type::kF16 ? 4 : 2);
  std::vector<Ref> refs;
  fragment(in, in.operands[0], shape.d_registers, 32, refs);
  if (registers) fragment(in, in.operands[1], 4, 32, refs);
  Decoded step;
  step.r[0] = registers ? Ref{} : source(in.operands[1], 64, Type::kB64);
  step.r[1] = source(in.operands[2], 64, Type::kB64);
  step.r[2] = predicate_source(in.operands[3]);
  if (in.operands[3].negated) step.negated = 4;
  step.extra = static_cast<std::uint32_t>(code_.refs.size());
  code_.refs.insert(code_.refs.end(), refs.begin(), refs.end());
  step.immediate = static_cast<std::int64_t>(code_.matrices.size());
  code_.matrices.push_back(shape);
  step.run = select_wgmma(form);
  emit(form, in, step);
}

void Decoder::async(const Form& form, const Instruction& in) {
  Decoded step;
  bool predicate = false;
  if (form.has("wait_group")) step.immediate = in.operands[0].integer;
  if (form.has("wait_all")) step.immediate = -1;
  if (form.has("global")) {
    const std::int64_t bytes = in.operands[2].integer;
    if (bytes != 4 && bytes != 8 && bytes != 16)
      bad(in, fmt::format("a copy of {} bytes; 4, 8 and 16 are possible", bytes));
    Decoded from;
    address(in.operands[1], Space::kGlobal, 1, from);
    if (from.small != kRegister64) bad(in, "expected a register as the global address");
    address(in.operands[0], Space::kShared, 0, step);
    step.r[1] = from.r[1];
    step.immediate = (step.immediate & 0xFFFFFFFF) | from.immediate << 32;
    step.count = static_cast<std::uint8_t>(bytes);
    predicate =
        in.operands.size() > 3 && in.operands[3].kind == Kind::kRegister && width_of(in.operands[3], 32) == 1;
    step.r[2] = in.operands.size() > 3 ? source(in.operands[3], 32, Type::kU32)
                                       : constant(static_cast<std::uint64_t>(bytes), 32);
    if (predicate && in.operands[3].negated) step.negated = 4;
  }
  step.run = select_copy(form, predicate);
  emit(form, in, step);
}

}  // namespace intarsia::ptx
