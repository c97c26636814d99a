#include "ptx/decode.h"

#include <fmt/format.h>

#include "base/error.h"
#include "ptx/prologue.h"
#include "ptx/syntax.h"
#include "ptx/system.h"

namespace intarsia::ptx {

using Kind = Operand::Kind;

Decoder::Decoder(Image& image, Code& code)
    : image_(image),
      code_(code),
      function_(*code.function),
      flow_(flow_order(function_)),
      constants_(image.constant_index) {}

void Decoder::bad(const Instruction& in, const std::string& what) const {
  fail(image_.module, in.place.line, what);
}

void Decoder::run() {
  allocate(32);  // the carry, at offset 0
  place_registers();
  place_locals();
  for (std::size_t i = 0; i < function_.body.size(); ++i) {
    first_step_.push_back(static_cast<std::uint32_t>(code_.steps.size()));
    instruction(i);
    for (std::size_t s = first_step_.back(); s < code_.steps.size(); ++s) {
      code_.steps[s].order = flow_.order[i];
      code_.instruction.push_back(static_cast<std::int32_t>(i));
    }
    if (flow_.leader[i]) code_.steps[first_step_.back()].flags |= kLeader;
  }
  // The implicit return at the end.
  static const Row kReturn{"ret", "", "", Family::kControl};
  Form form;
  form.row = &kReturn;
  first_step_.push_back(static_cast<std::uint32_t>(code_.steps.size()));
  Decoded end;
  end.run = select_control(form);
  end.flags = kLeader;
  end.order = flow_.order.back();
  code_.steps.push_back(end);
  code_.instruction.push_back(std::max(0, static_cast<std::int32_t>(function_.body.size()) - 1));
  if (function_.entry) leave_out_invariant();
  for (const auto& [step, target] : jumps_)
    code_.steps[step].immediate = first_step_[static_cast<std::size_t>(target)];
  for (const auto& [step, targets] : switches_) {
    code_.steps[step].extra = static_cast<std::uint32_t>(code_.targets.size());
    std::vector<std::uint32_t>& out = code_.targets.emplace_back();
    for (std::int32_t t : targets) out.push_back(first_step_[static_cast<std::size_t>(t)]);
  }
  make_chains();
}

// Steps whose result is the same in every block run once: the others step over them, and what stood at one of
// them stands at the next.
void Decoder::leave_out_invariant() {
  const Prologue prologue = find_prologue(function_);
  std::vector<bool> out(code_.steps.size());
  for (std::size_t i = 0; i < function_.body.size(); ++i) {
    bool pure = prologue.invariant[i];
    for (std::size_t s = first_step_[i]; s < first_step_[i + 1]; ++s)
      pure = pure && (code_.steps[s].flags & ~kLeader) == 0;
    for (std::size_t s = first_step_[i]; pure && s < first_step_[i + 1]; ++s) {
      out[s] = true;
      code_.invariant.push_back(static_cast<std::uint32_t>(s));
    }
  }
  std::uint32_t next = static_cast<std::uint32_t>(code_.steps.size()) - 1;
  for (std::size_t s = code_.steps.size(); s-- > 0;) {
    Decoded& step = code_.steps[s];
    step.skip =
        static_cast<std::uint16_t>(std::min<std::size_t>(next - std::min<std::size_t>(s, next), 0xFFFF));
    if (out[s] && (step.flags & kLeader) != 0) code_.steps[next].flags |= kLeader;
    if (!out[s]) next = static_cast<std::uint32_t>(s);
    if (step.skip == 0) step.skip = 1;
  }
  for (std::uint32_t& first : first_step_)
    while (out[first]) ++first;
  while (out[code_.start]) ++code_.start;
  const auto clear = [&](std::uint32_t at, std::uint32_t bytes) {
    if (!code_.cleared.empty() && code_.cleared.back().first + code_.cleared.back().second >= at)
      code_.cleared.back().second = at + bytes - code_.cleared.back().first;
    else
      code_.cleared.emplace_back(at, bytes);
  };
  clear(0, 4);  // the carry
  for (std::size_t r = 0; r < registers_.size(); ++r) {
    const int width = bits(function_.registers[r].type);
    if (prologue.live[r])
      clear(registers_[r].value, width == 1 ? 4 : static_cast<std::uint32_t>(width) / 8 * kLanes);
  }
  for (const auto& [name, place] : params_)
    code_.cleared.emplace_back(place.from.value, place.bytes * kLanes);
}

Ref Decoder::allocate(int width) {
  const std::uint32_t bytes = width == 1 ? 4 : static_cast<std::uint32_t>(width) / 8 * kLanes;
  const std::uint32_t align = width == 1 ? 4 : 64;
  code_.register_bytes = (code_.register_bytes + align - 1) / align * align;
  const Ref out{code_.register_bytes};
  code_.register_bytes += bytes;
  return out;
}

void Decoder::place_registers() {
  for (const Register& r : function_.registers) registers_.push_back(allocate(bits(r.type)));
  code_.registers = registers_;
}

// .param variables of the body and a .func's own parameters: bytes per lane, in the registers.
void Decoder::place_locals() {
  const auto storage = [&](const Variable& v) {
    code_.register_bytes = (code_.register_bytes + 63) / 64 * 64;
    const CallSite::Copy out{Ref{code_.register_bytes}, static_cast<std::uint32_t>((v.bytes + 7) / 8 * 8)};
    code_.register_bytes += out.bytes * kLanes;
    params_.emplace(v.name, out);
    return out;
  };
  if (function_.entry) {
    for (const Parameter& p : image_.parameters) kernel_params_.emplace(p.name, p.offset);
  } else {
    for (const Variable& v : function_.params) code_.params.push_back(storage(v));
    for (const Variable& v : function_.returns) code_.returns.push_back(storage(v));
  }
  for (const Variable& v : function_.locals) {
    if (v.space == Space::kParam) storage(v);
    if (v.space != Space::kLocal) continue;
    const auto align = static_cast<std::uint32_t>(v.align);
    code_.local_bytes = (code_.local_bytes + align - 1) / align * align;
    locals_.emplace(v.name, code_.local_bytes);
    code_.local_bytes += static_cast<std::uint32_t>(v.bytes);
  }
}

void Decoder::instruction(std::size_t index) {
  const Instruction& in = function_.body[index];
  const Form form = match(image_.module, function_, in);
  switch (form.row->family) {
    case Family::kMove: return move(form, in);
    case Family::kMemory: return memory(form, in);
    case Family::kAtomic: return atomic(form, in);
    case Family::kHint: return hint(form, in);
    case Family::kControl: return form.row->opcode == "call" ? call(form, in) : branch(form, in);
    case Family::kBarrier: return barrier(form, in);
    case Family::kMatrix: return matrix(form, in);
    case Family::kAsync: return async(form, in);
    case Family::kVideo: return video(form, in);
    default: break;
  }
  const Bound bound = bind(form, in);
  Decoded step = step_of(form, bound);
  switch (form.row->family) {
    case Family::kInteger: step.run = select_integer(form); break;
    case Family::kBits: step.run = select_bits(form); break;
    case Family::kFloat: step.run = select_float(form); break;
    case Family::kHalf: step.run = select_half(form); break;
    case Family::kApprox: step.run = select_approx(form); break;
    case Family::kCompare:
      step.run = select_compare(form);
      step.small = form.has("and") ? 1 : form.has("or") ? 2 : form.has("xor") ? 3 : 0;
      if (form.row->opcode == "set") step.immediate = set_value(form);
      break;
    case Family::kConvert: {
      const Shape shape{{bound.widths[0], bound.widths[1]}};
      step.run = select_convert(form, shape);
      configure_convert(form, shape, step);
      break;
    }
    case Family::kWarp: step.run = select_warp(form); break;
    case Family::kStack:
      step.run = select_stack(form);
      if (step.immediate == 0) step.immediate = 8;
      code_.allocates = true;
      break;
    default: break;
  }
  emit(form, in, step);
}

Decoded Decoder::step_of(const Form&, const Bound& bound) {
  Decoded step;
  check(bound.refs.size() <= step.r.size(), "more operands than a step holds");
  std::copy(bound.refs.begin(), bound.refs.end(), step.r.begin());
  step.negated = bound.negated;
  step.immediate = bound.immediate;
  return step;
}

void Decoder::emit(const Form& form, const Instruction& in, Decoded step) {
  emit(form, in, step, chain_kind(form));
}
void Decoder::emit(const Form& form, const Instruction& in, Decoded step, ChainStep::Kind kind) {
  if (step.run == nullptr)
    bad(in, fmt::format("'{}' is listed in the opcode table but cannot be executed", form.text()));
  if (in.guard >= 0) {
    step.guard = registers_[static_cast<std::size_t>(in.guard)];
    step.flags |= static_cast<std::uint8_t>(kGuarded | (in.guard_negated ? kGuardNegated : 0));
  }
  if (is_inexact(form)) {
    step.flags |= kInexact;
    inexact_steps_.emplace_back(code_.steps.size(), form.text());
  }
  kinds_.resize(code_.steps.size(), ChainStep::Kind::kNone);  // steps that read special registers
  kinds_.push_back(in.guard >= 0 ? ChainStep::Kind::kNone : kind);
  code_.steps.push_back(step);
}

Decoder::Bound Decoder::bind(const Form& form, const Instruction& in) {
  Bound bound;
  std::size_t at = 0;
  for (std::string_view word : form.words(in.operands.size()))
    bind_word(form, word, in.operands[at++], bound);
  return bound;
}

void Decoder::bind_word(const Form& form, std::string_view word, const Operand& o, Bound& bound) {
  const std::size_t index =
      word.back() >= '0' && word.back() <= '9' ? static_cast<std::size_t>(word.back() - '0') : 0;
  const Type type = form.type(index);
  const int width = bits(type);
  const auto add = [&](Ref ref, int w) {
    bound.refs.push_back(ref);
    bound.widths.push_back(w);
  };
  const auto pair = [&](int w) {
    const bool both = o.kind == Kind::kPair;
    add(destination(both ? o.elements[0] : o, w), w);
    add(both ? destination(o.elements[1], 1) : scratch(1), 1);
  };
  switch (word.front()) {
    case 'd':
      if (word == "dp") return pair(width);
      return add(destination(o, word == "dw" ? 2 * width : width), width);
    case 'D': return word == "Dp" ? pair(32) : add(destination(o, 32), 32);
    case 'E': return add(destination(o, 64), 64);
    case 'z': return add(destination(o, width), width);
    case 's':
      return add(source(o, word == "sw" ? 2 * width : width, word == "sw" ? Type::kNone : type), width);
    case 'u': return add(source(o, 32, Type::kB32), 32);
    case 'U': return add(source(o, 64, Type::kB64), 64);
    case 'h': return add(source(o, 16, Type::kB16), 16);
    case 'i': bound.immediate = o.integer; return;
    case 'f': {
      const Type own = form.type(word == "fd" ? 0 : 1);
      const int w = width_of(o, bits(own));
      return word == "fd" ? add(destination(o, w), w) : add(source(o, w, own), w);
    }
    case 'p': return word == "p" ? add(destination(o, 1), 1) : pair(1);
    case 'q':
      if (o.negated) bound.negated |= static_cast<std::uint8_t>(1U << bound.refs.size());
      return add(predicate_source(o), 1);
    default: return;
  }
}

}  // namespace intarsia::ptx
