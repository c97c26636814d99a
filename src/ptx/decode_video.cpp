// Steps of video instructions: which parts of their registers they read and write.
#include <fmt/format.h>

#include "ptx/decode.h"

namespace intarsia::ptx {

using Kind = Operand::Kind;

namespace {

using Op = VideoShape::Op;

Op op_of(std::string_view opcode) {
  constexpr std::pair<std::string_view, Op> kNames[] = {
      {"vadd", Op::kAdd}, {"vsub", Op::kSub},      {"vabsdiff", Op::kAbsDiff}, {"vmin", Op::kMin},
      {"vmax", Op::kMax}, {"vavrg", Op::kAverage}, {"vshl", Op::kShl},         {"vshr", Op::kShr},
      {"vset", Op::kSet}, {"vmad", Op::kMad}};
  if (opcode.back() == '2' || opcode.back() == '4') opcode.remove_suffix(1);
  for (const auto& [name, op] : kNames)
    if (name == opcode) return op;
  return Op::kAdd;
}

VideoShape shape_of(const Form& form) {
  VideoShape out{};
  const std::string_view opcode = form.row->opcode;
  out.op = op_of(opcode);
  out.lanes = opcode.back() == '2' ? 2 : opcode.back() == '4' ? 4 : 1;
  const std::size_t first = out.op == Op::kSet ? 0 : 1;  // of the sources' types
  out.d_signed = first == 1 && form.type(0) == Type::kS32;
  out.a_signed = form.type(first) == Type::kS32;
  out.b_signed = form.type(first + 1) == Type::kS32;
  out.saturate = form.has("sat");
  out.wrap = form.has("wrap");
  out.plus_one = form.has("po");
  out.shift = form.has("shr7") ? 7 : form.has("shr15") ? 15 : 0;
  using Second = VideoShape::Second;
  out.second = form.has("add")   ? Second::kAdd
               : form.has("min") ? Second::kMin
               : form.has("max") ? Second::kMax
                                 : Second::kNone;
  constexpr std::string_view kCompares[] = {"eq", "ne", "lt", "le", "gt", "ge"};
  for (std::size_t i = 0; i < std::size(kCompares); ++i)
    if (form.has(kCompares[i])) out.compare = static_cast<VideoShape::Compare>(i);
  for (std::uint8_t i = 0; i < 4; ++i) {
    out.a_lanes[i] = i;
    out.b_lanes[i] = static_cast<std::uint8_t>(out.lanes + i);
  }
  return out;
}

// "b2" or "h1"; 255: neither.
std::uint8_t part_of(const std::string& text) {
  if (text.empty()) return VideoShape::kWhole;
  const int number = text.size() == 2 ? text[1] - '0' : -1;
  if (text[0] == 'b' && number >= 0 && number < 4) return static_cast<std::uint8_t>(number);
  if (text[0] == 'h' && number >= 0 && number < 2) return static_cast<std::uint8_t>(4 + number);
  return 255;
}

// "h10" or "b3210", the last digit for lane 0.
bool lanes_of(const std::string& text, int lanes, std::array<std::uint8_t, 4>& out) {
  if (text.empty()) return true;
  if (text[0] != (lanes == 2 ? 'h' : 'b') || static_cast<int>(text.size()) != lanes + 1) return false;
  for (int i = 0; i < lanes; ++i) {
    const int digit = text[static_cast<std::size_t>(lanes - i)] - '0';
    if (digit < 0 || digit >= 2 * lanes) return false;
    out[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(digit);
  }
  return true;
}

// "h1", "b310": the lanes named.
bool mask_of(const std::string& text, int lanes, std::uint8_t& out) {
  if (text.empty()) return true;
  if (text[0] != (lanes == 2 ? 'h' : 'b') || text.size() < 2) return false;
  out = 0;
  for (std::size_t i = 1; i < text.size(); ++i) {
    const int digit = text[i] - '0';
    if (digit < 0 || digit >= lanes) return false;
    out |= static_cast<std::uint8_t>(1 << digit);
  }
  return true;
}

}  // namespace

// r: d, a, b, c.
void Decoder::video(const Form& form, const Instruction& in) {
  VideoShape shape = shape_of(form);
  const std::vector<Operand>& o = in.operands;
  bool known = true;
  if (shape.lanes > 1) {
    known = mask_of(o[0].name, shape.lanes, shape.mask) && lanes_of(o[1].name, shape.lanes, shape.a_lanes) &&
            lanes_of(o[2].name, shape.lanes, shape.b_lanes);
  } else {
    shape.d_part = part_of(o[0].name);
    shape.a_part = part_of(o[1].name);
    shape.b_part = part_of(o[2].name);
    known = shape.d_part != 255 && shape.a_part != 255 && shape.b_part != 255;
    const bool merges = shape.d_part != VideoShape::kWhole,
               needs_c = merges || shape.second != VideoShape::Second::kNone;
    if (shape.op == Op::kMad ? merges : merges && shape.second != VideoShape::Second::kNone)
      bad(in, "a part of a register cannot be the destination of this form");
    if (shape.op != Op::kMad && needs_c != (o.size() == 4))
      bad(in, needs_c ? "this form needs a fourth operand" : "this form has three operands");
  }
  if (!known) bad(in, "no such part of a register");
  const bool mad = shape.op == Op::kMad;
  if (!mad && (o[1].negated || o[2].negated)) bad(in, "only vmad negates an operand");
  if (!mad && o.size() == 4 && (!o[3].name.empty() || o[3].negated))
    bad(in, "the last operand is a whole register");
  shape.negate_product = o[1].negated != o[2].negated;
  shape.negate_c = mad && o[3].negated;
  Decoded step;
  step.r[0] = destination(o[0], 32);
  for (std::size_t k = 1; k < 4; ++k)
    step.r[k] = k < o.size() ? source(o[k], 32, Type::kB32) : constant(0, 32);
  step.immediate = static_cast<std::int64_t>(code_.videos.size());
  code_.videos.push_back(shape);
  step.run = select_video(form);
  emit(form, in, step);
}

}  // namespace intarsia::ptx
