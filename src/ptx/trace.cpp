#include "ptx/trace.h"

#include <fmt/format.h>

#include <cmath>

#include "base/convert.h"
#include "ptx/lanes.h"

namespace intarsia::ptx {
namespace {

using Kind = Operand::Kind;

bool is_destination(std::string_view word, std::size_t position, const Form& form) {
  if (word == "n") return position == 0 && form.row->opcode != "stmatrix" && !form.has("store");
  return word == "fd" || std::string_view("dDEzZpvy").find(word.front()) != std::string_view::npos;
}

Type type_of_word(std::string_view word, std::size_t position, const Form& form) {
  switch (word.front()) {
    case 'u':
    case 'D': return Type::kU32;
    case 'p':
    case 'q': return Type::kPred;
    case 'm':
    case 'g':
    case 'k':
    case 'U':
    case 'E':
    case 'Z': return Type::kB64;
    case 'n': return form.type(position < 4 ? position : 0);
    default: break;
  }
  const bool second = word.back() == '1' || word == "f";
  return form.type(second ? 1 : 0);
}

std::string shown(std::uint64_t bits, Type type) {
  switch (type) {
    case Type::kPred: return bits != 0 ? "1" : "0";
    case Type::kF32: return fmt::format("{}", std::bit_cast<float>(static_cast<U32>(bits)));
    case Type::kF64: return fmt::format("{}", std::bit_cast<double>(bits));
    case Type::kF16: return fmt::format("{}", f16_to_f32(static_cast<U16>(bits)));
    case Type::kBF16: return fmt::format("{}", bf16_to_f32(static_cast<U16>(bits)));
    case Type::kU8:
    case Type::kU16:
    case Type::kU32:
    case Type::kU64: return fmt::format("{}", bits);
    case Type::kS8: return fmt::format("{}", static_cast<S8>(bits));
    case Type::kS16: return fmt::format("{}", static_cast<S16>(bits));
    case Type::kS32: return fmt::format("{}", static_cast<S32>(bits));
    case Type::kS64: return fmt::format("{}", static_cast<S64>(bits));
    default: return fmt::format("{:#x}", bits);
  }
}

}  // namespace

void Tracer::fill(TraceValue& value, std::int32_t index) const {
  const auto at = static_cast<std::size_t>(index);
  const int width = ptx::bits(code_->function->registers[at].type);
  const std::byte* from = frame_->registers + code_->registers[at].value;
  const auto bytes = static_cast<std::size_t>(width) / 8;
  for (std::size_t l = 0; l < kLanes; ++l) {
    value.bits[l] = 0;
    if (width == 1) {
      U32 mask;
      std::memcpy(&mask, from, 4);
      value.bits[l] = mask >> l & 1;
    } else {
      std::memcpy(&value.bits[l], from + l * bytes, std::min<std::size_t>(bytes, 8));
    }
  }
}

void Tracer::add_register(std::int32_t index, Type type, bool written) {
  const Register& r = code_->function->registers[static_cast<std::size_t>(index)];
  const bool fits = type != Type::kNone && (type == Type::kPred) == (r.type == Type::kPred) &&
                    ptx::bits(type) <= ptx::bits(r.type);
  registers_.push_back(index);
  TraceValue& value = step_.values.emplace_back();
  value.name = r.name;
  value.type = fits ? type : r.type;
  value.written = written;
  fill(value, index);
}

void Tracer::add(const Operand& o, Type type, bool written) {
  if (o.kind == Kind::kRegister) return add_register(o.index, type, written);
  const bool address = o.kind == Kind::kAddress;
  for (std::size_t i = 0; i < o.elements.size(); ++i) {
    const bool predicate = o.kind == Kind::kPair && i == 1;
    const Operand& element = o.elements[i];
    if (element.kind == Kind::kRegister)
      add_register(element.index, predicate ? Type::kPred : type, written && !address);
  }
}

void Tracer::begin(const Instruction& in) {
  const Module& module = warp_.block->launch->image->module;
  step_ = {};
  registers_.clear();
  step_.line = in.place.line;
  step_.instruction = module.line_text(in.place.line);
  step_.source = module.source_place(in.place.loc);
  const std::vector<std::string_view> modifiers(in.modifiers.begin(), in.modifiers.end());
  const Form form = match_modifiers(in.opcode, modifiers);
  step_.opcode = form.text();
  if (in.guard >= 0) add_register(in.guard, Type::kPred, false);
  const std::vector<std::string_view> words = form.words(in.operands.size());
  for (std::size_t i = 0; i < in.operands.size() && i < words.size(); ++i)
    if (words[i] != "c" && words[i] != "t")
      add(in.operands[i], type_of_word(words[i], i, form), is_destination(words[i], i, form));
}

void Tracer::before(const Decoded& in, std::uint32_t mask) {
  frame_ = warp_.frame;
  code_ = frame_->code;
  const auto at = static_cast<std::size_t>(&in - code_->steps.data());
  if (at + 1 == code_->steps.size()) return;  // the return at the end, which no line says
  const std::int32_t index = code_->instruction[at];
  if (at == 0 || code_->instruction[at - 1] != index || step_.line == 0)
    begin(code_->function->body[static_cast<std::size_t>(index)]);
  step_.lanes = mask;
}

void Tracer::after(const Decoded& in) {
  const auto at = static_cast<std::size_t>(&in - code_->steps.data());
  if (at + 1 == code_->steps.size()) return;
  const bool last = at + 2 == code_->steps.size() || code_->instruction[at + 1] != code_->instruction[at];
  std::vector<TraceStep>& out = warp_.block->worker->trace;
  if (!last || out.size() >= warp_.block->launch->config->trace->most) return;
  for (std::size_t i = 0; i < step_.values.size(); ++i)
    if (step_.values[i].written) fill(step_.values[i], registers_[i]);
  out.push_back(std::move(step_));
  step_ = {};
}

std::string TraceStep::text() const {
  std::string out = fmt::format("{:>5}  {}", line, instruction);
  if (lanes == 0) return out + "   no lane";
  if (lanes != kAll) out += fmt::format("   lanes {:#010x}", lanes);
  for (const TraceValue& v : values) {
    out += fmt::format("\n         {} {}", v.name, v.written ? "<-" : "=");
    const auto first = v.bits[static_cast<std::size_t>(std::countr_zero(lanes))];
    bool same = true;
    each_lane(lanes, [&](int l) { same = same && v.bits[static_cast<std::size_t>(l)] == first; });
    if (same && std::popcount(lanes) > 1) {
      out += fmt::format(" {} in each lane", shown(first, v.type));
      continue;
    }
    each_lane(lanes, [&](int l) { out += " " + shown(v.bits[static_cast<std::size_t>(l)], v.type); });
  }
  return out;
}

}  // namespace intarsia::ptx
