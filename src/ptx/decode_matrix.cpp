// Steps of tensor cores.
#include <fmt/format.h>

#include "ptx/decode.h"
#include "ptx/matrix.h"
#include "ptx/memory.h"

namespace intarsia::ptx {

using Kind = Operand::Kind;

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
  if (op == "wmma") return fragments(form, in);
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

// in.count of wmma's steps: which of the function's shapes.
void Decoder::fragments(const Form& form, const Instruction& in) {
  const auto registers = [&](const Operand& o) {
    return o.kind == Kind::kVector ? static_cast<int>(o.elements.size()) : 1;
  };
  const int width = form.has("f64") ? 64 : 32;
  MatrixShape shape = matrix_shape(form);
  Decoded step;
  std::vector<Ref> refs;
  if (form.has("mma")) {
    if (form.types.size() == 2) shape.types = {form.type(0), Type::kF16, Type::kF16, form.type(1)};
    shape.d_registers = registers(in.operands[0]);
    shape.a_registers = registers(in.operands[1]);
    shape.b_registers = registers(in.operands[2]);
    for (const Operand& o : in.operands) fragment(in, o, registers(o), width, refs);
  } else {
    const bool stores = form.has("store");
    shape.scale_a = form.has("a") ? 0 : form.has("b") ? 1 : 2;
    shape.transpose_a = form.has("col");
    address(in.operands[stores ? 0 : 1], form.space(), 0, step);
    step.small |= static_cast<std::uint8_t>(form.space() == Space::kShared   ? 16
                                            : form.space() == Space::kGlobal ? 32
                                                                             : 0);
    const Operand& o = in.operands[stores ? 1 : 0];
    fragment(in, o, registers(o), width, refs);
    const int leading = shape.scale_a == 0   ? (shape.transpose_a ? shape.m : shape.k)
                        : shape.scale_a == 1 ? (shape.transpose_a ? shape.k : shape.n)
                                             : (shape.transpose_a ? shape.m : shape.n);
    step.r[1] = in.operands.size() > 2 ? source(in.operands[2], 32, Type::kU32)
                                       : constant(static_cast<std::uint64_t>(leading), 32);
  }
  step.extra = static_cast<std::uint32_t>(code_.refs.size());
  code_.refs.insert(code_.refs.end(), refs.begin(), refs.end());
  if (code_.matrices.size() > 255) bad(in, "more than 256 tensor-core instructions in a function with wmma");
  step.count = static_cast<std::uint8_t>(code_.matrices.size());
  code_.matrices.push_back(shape);
  step.run = select_wmma(form);
  emit(form, in, step);
}

}  // namespace intarsia::ptx
