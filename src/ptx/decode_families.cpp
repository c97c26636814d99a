// Steps of the families whose operands are not plain registers.
#include <fmt/format.h>

#include "base/error.h"
#include "ptx/decode.h"
#include "ptx/memory.h"
#include "ptx/system.h"

namespace intarsia::ptx {

using Kind = Operand::Kind;

namespace {

// Whether an access orders others, for Decoded::small.
std::uint8_t strength(const Form& form) {
  const bool releases = form.has("release") || form.has("acq_rel");
  const bool strong = releases || form.has("volatile") || form.has("relaxed") || form.has("acquire");
  return static_cast<std::uint8_t>((strong ? kStrong : 0) | (releases ? kReleases : 0));
}

}  // namespace

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
  step.small |= strength(form);
  const bool by_register = !frame_param && step.small != kAbsolute;
  step.run = select_memory(form, register_width, frame_param, by_register);
  const bool words = !stores && form.space() == Space::kShared && width == 32 && register_width == 32 &&
                     step.count <= 4 && step.small <= kRegister64;
  emit(form, in, step, words ? ChainStep::Kind::kWords : chain_kind(form));
}

// A kernel's parameters are read at places known here.
void Decoder::kernel_param_bounds(const Form& form, const Instruction& in, const Decoded& step,
                                  std::int64_t count) const {
  if (form.space() != Space::kParam) return;
  if (form.row->opcode == "st") bad(in, "a kernel's parameters cannot be stored to");
  if (step.small != kAbsolute) return;  // checked as it runs
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
  const std::size_t first = result ? 2 : 1;
  if (form.vector() > 1) {  // in.extra: values, then results
    step.extra = list(in.operands[first].elements, width, form.type(), false);
    if (result) list(in.operands[0].elements, width, form.type(), true);
    step.count = static_cast<std::uint8_t>(form.vector() | (result ? 0x80 : 0));
    step.run = select_atomic(form);
    return emit(form, in, step);
  }
  if (result) step.r[0] = destination(in.operands[0], width);
  step.count = result;
  step.r[2] = step.r[3] = source(in.operands[first], width, form.type());
  if (form.has("cas")) step.r[3] = source(in.operands[first + 1], width, form.type());
  step.small |= kStrong | strength(form);
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

}  // namespace intarsia::ptx
