// Steps of copies that run beside the threads, of mbarriers and of tensor maps.
#include <fmt/format.h>

#include "ptx/bulk.h"
#include "ptx/decode.h"
#include "ptx/matrix.h"
#include "ptx/memory.h"

namespace intarsia::ptx {

using Kind = Operand::Kind;

namespace {

BulkDetail detail_of(const Form& form) {
  constexpr std::pair<std::string_view, Reduction> kNames[] = {
      {"add", Reduction::kAdd}, {"min", Reduction::kMin}, {"max", Reduction::kMax}, {"inc", Reduction::kInc},
      {"dec", Reduction::kDec}, {"and", Reduction::kAnd}, {"or", Reduction::kOr},   {"xor", Reduction::kXor}};
  BulkDetail out;
  out.type = form.type();
  for (const auto& [name, op] : kNames)
    if (form.has(name)) out.op = op;
  return out;
}

std::uint8_t flags_of(const Form& form) {
  const bool to_global = form.has("bulk_group");
  return static_cast<std::uint8_t>((to_global ? kToGlobal : kHasBarrier) |
                                   (!to_global && !form.has("global") ? kFromShared : 0) |
                                   (form.has("multicast::cluster") ? kMulticast : 0));
}

}  // namespace

// r[k] of a bulk copy: the whole address in a register; small bit k: it has 64 bits.
void Decoder::whole_address(const Form& form, const Instruction& in, const Operand& o, Space space,
                            std::size_t k, Decoded& step) {
  Decoded made;
  address(o, space, 0, made);
  const bool wide = made.small != kRegister32;
  if (wide) step.small |= static_cast<std::uint8_t>(1U << k);
  if (made.small == kLocalSymbol) bad(in, "a copy from or to local memory");
  if (made.small == kAbsolute) {
    step.r[k] = constant(static_cast<std::uint64_t>(made.immediate), 64);
  } else if (made.immediate == 0) {
    step.r[k] = made.r[0];
  } else {
    Decoded sum;
    sum.r = {allocate(wide ? 64 : 32), made.r[0],
             constant(static_cast<std::uint64_t>(made.immediate) & (wide ? ~std::uint64_t{0} : 0xFFFFFFFF),
                      wide ? 64 : 32)};
    sum.run = select_integer(match_modifiers("add", {wide ? "u64" : "u32"}));
    step.r[k] = sum.r[0];
    emit(form, in, sum);
  }
}

// cp.async.bulk, cp.reduce.async.bulk.
void Decoder::bulk(const Form& form, const Instruction& in) {
  Decoded step;
  step.count = flags_of(form);
  const std::vector<Operand>& o = in.operands;
  whole_address(form, in, o[0], (step.count & kToGlobal) != 0 ? Space::kGlobal : Space::kShared, 0, step);
  whole_address(form, in, o[1],
                (step.count & (kToGlobal | kFromShared)) != 0 ? Space::kShared : Space::kGlobal, 1, step);
  step.r[2] = source(o[2], 32, Type::kU32);
  if ((step.count & kHasBarrier) != 0) whole_address(form, in, o[3], Space::kShared, 3, step);
  if ((step.count & kMulticast) != 0) step.r[4] = source(o[4], 16, Type::kU16);
  step.immediate = detail_of(form).word();
  step.run = select_bulk(form);
  emit(form, in, step);
}

// cp.async.bulk.tensor, cp.reduce.async.bulk.tensor.
void Decoder::tensor(const Form& form, const Instruction& in) {
  Decoded step;
  step.count = flags_of(form);
  const bool stores = (step.count & kToGlobal) != 0;
  const Operand& map = in.operands[stores ? 0 : 1];
  whole_address(form, in, in.operands[stores ? 1 : 0], Space::kShared, 0, step);
  whole_address(form, in, map, Space::kGeneric, 1, step);
  if (!stores) whole_address(form, in, in.operands[2], Space::kShared, 3, step);
  if ((step.count & kMulticast) != 0) step.r[4] = source(in.operands[3], 16, Type::kU16);
  step.extra = list(map.elements[1].elements, 32, Type::kS32, false);
  BulkDetail detail = detail_of(form);
  detail.count = static_cast<std::uint8_t>(form.dimensions());
  step.immediate = detail.word();
  step.run = select_tensor(form);
  emit(form, in, step);
}

// st.async, red.async.
void Decoder::remote(const Form& form, const Instruction& in) {
  Decoded step;
  step.count = kHasBarrier;
  const Operand& value = in.operands[1];
  const std::vector<Operand> values =
      value.kind == Kind::kVector ? value.elements : std::vector<Operand>{value};
  const int width = bits(form.type());
  whole_address(form, in, in.operands[0], Space::kShared, 0, step);
  whole_address(form, in, in.operands[2], Space::kShared, 3, step);
  step.extra = list(values, width, form.type(), false);
  BulkDetail detail = detail_of(form);
  detail.count = static_cast<std::uint8_t>(values.size());
  detail.bytes = static_cast<std::uint8_t>(width / 8);
  step.immediate = detail.word();
  step.run = select_bulk(form);
  emit(form, in, step);
}

void Decoder::tensor_map(const Form& form, const Instruction& in) {
  Decoded step;
  const std::vector<Operand>& o = in.operands;
  if (form.has("cp_fenceproxy")) {
    if (o[2].integer != 128) bad(in, "a tensor map has 128 bytes");
    whole_address(form, in, o[0], Space::kGlobal, 0, step);
    whole_address(form, in, o[1], Space::kShared, 1, step);
  } else {
    const bool wide = form.has("b64");
    whole_address(form, in, o[0], form.space(), 1, step);
    step.r[2] = source(o.back(), wide ? 64 : 32, wide ? Type::kU64 : Type::kU32);
    if (wide) step.small |= 4;
    if (form.space() == Space::kShared) step.small |= 16;
    if (form.space() == Space::kGlobal) step.small |= 32;
    if (o.size() == 3) step.immediate = o[1].integer;
    if (step.immediate < 0 || step.immediate > 4) bad(in, "a tensor map has dimensions 0 to 4");
    step.count = tensor_map_field(form);
  }
  step.run = select_tensor(form);
  emit(form, in, step);
}

// mbarriers and clusters. r[at] is the address of an mbarrier; small bit 4: in shared memory.
void Decoder::asynchronous(const Form& form, const Instruction& in) {
  const std::string_view op = form.row->opcode;
  Decoded step;
  if (op == "mbarrier" && !form.has("pending_count")) {
    const bool result = form.has("arrive") || form.has("arrive_drop"),
               waits = form.has("test_wait") || form.has("try_wait");
    const std::size_t at = result || waits ? 1 : 0;
    address(in.operands[at], form.space(), at, step);
    if (form.space() == Space::kShared) step.small |= 16;
    if (result) step.r[0] = destination(in.operands[0], 64);
    if (waits) step.r[0] = destination(in.operands[0], 1);
    const bool parity = form.has("parity");
    if (in.operands.size() > at + 1)
      step.r[at + 1] = source(in.operands[at + 1], waits && !parity ? 64 : 32, Type::kNone);
    else if (result)
      step.r[2] = constant(1, 32);
    step.count = arrive_kind(form);
  } else if (form.has("mbarrier")) {
    address(in.operands[0], form.space(), 0, step);
    if (form.space() == Space::kShared) step.small |= 16;
    step.count = form.has("noinc") ? 1 : 0;
  } else if (form.has("wait_group")) {
    step.immediate = in.operands[0].integer;
    step.count = form.has("read") ? 1 : 0;
  } else {
    step = step_of(form, bind(form, in));
    if (op == "mapa") step.count = form.has("shared::cluster") ? 0 : 1;
  }
  step.run = select_async(form);
  emit(form, in, step);
}

void Decoder::async(const Form& form, const Instruction& in) {
  const std::string_view op = form.row->opcode;
  if (op == "tensormap") return tensor_map(form, in);
  if (op == "st" || op == "red") return remote(form, in);
  const bool moves = !form.has("commit_group") && !form.has("wait_group");
  if (op == "cp" && form.has("bulk") && moves) return form.has("tensor") ? tensor(form, in) : bulk(form, in);
  if (op != "cp" || form.has("bulk") || form.has("mbarrier")) return asynchronous(form, in);
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
