#include "ptx/prologue.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace intarsia::ptx {
namespace {

using Kind = Operand::Kind;
using Set = std::vector<bool>;

template <std::size_t N>
bool one_of(std::string_view word, const std::array<std::string_view, N>& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// Opcodes whose first operand is a destination and nothing else.
constexpr std::array<std::string_view, 49> kDestinationFirst = {
    "mov",  "ld",    "add",  "sub",   "mul",   "mad",      "fma",  "div",  "rem",  "rcp",
    "sqrt", "rsqrt", "ex2",  "lg2",   "sin",   "cos",      "tanh", "min",  "max",  "abs",
    "neg",  "and",   "or",   "xor",   "not",   "cnot",     "shl",  "shr",  "shf",  "lop3",
    "prmt", "bfe",   "bfi",  "bfind", "popc",  "clz",      "brev", "cvt",  "cvta", "setp",
    "set",  "selp",  "slct", "mul24", "mad24", "isspacep", "sad",  "dp4a", "dp2a"};
// Lanes of these read what others hold.
constexpr std::array<std::string_view, 11> kAcrossLanes = {
    "shfl", "vote", "match", "redux", "mma", "wmma", "wgmma", "ldmatrix", "stmatrix", "movmatrix", "elect"};
// Integer work that gives a result for all bits.
constexpr std::array<std::string_view, 19> kPure = {"mov", "ld",  "cvta", "add", "sub", "mul", "mad",
                                                    "shl", "shr", "and",  "or",  "xor", "not", "min",
                                                    "max", "neg", "cvt",  "rem", "div"};
constexpr std::array<std::string_view, 10> kSteadySpecials = {
    "%laneid",      "%warpid",      "%nwarpid",     "%lanemask_eq",       "%lanemask_le",
    "%lanemask_lt", "%lanemask_ge", "%lanemask_gt", "%dynamic_smem_size", "%total_smem_size"};

template <class F>
void each_register(const Operand& operand, F f) {
  if (operand.kind == Kind::kRegister) f(static_cast<std::size_t>(operand.index));
  for (const Operand& element : operand.elements) {
    if (element.kind == Kind::kRegister) f(static_cast<std::size_t>(element.index));
    for (const Operand& inner : element.elements)
      if (inner.kind == Kind::kRegister) f(static_cast<std::size_t>(inner.index));
  }
}

// Registers an instruction surely reads, perhaps reads or perhaps writes, and surely writes.
template <class Read, class Write>
void each_use(const Instruction& in, Read read, Write write) {
  const bool destination = !in.operands.empty() && in.operands[0].kind != Kind::kAddress;
  const bool only = destination && one_of(in.opcode, kDestinationFirst);
  for (std::size_t k = 0; k < in.operands.size(); ++k) {
    if (k == 0 && destination) each_register(in.operands[0], write);
    if (k != 0 || !only) each_register(in.operands[k], read);
  }
  if (in.guard >= 0) read(static_cast<std::size_t>(in.guard));
}

bool steady(const Operand& o, const Set& invariant_registers) {
  switch (o.kind) {
    case Kind::kInteger: return true;
    case Kind::kRegister: return !o.negated && invariant_registers[static_cast<std::size_t>(o.index)];
    case Kind::kSpecial:
      return o.name.starts_with("%tid.") || o.name.starts_with("%ntid.") || o.name.starts_with("%nctaid.") ||
             one_of(o.name, kSteadySpecials);
    default: return false;
  }
}

bool is_float(const std::string& modifier) {
  return modifier.find('f') == 0 || modifier.find("bf16") == 0 || modifier.find("tf32") == 0 ||
         modifier.find("e4m3") == 0 || modifier.find("e5m2") == 0 || modifier == "cc" || modifier == "pred" ||
         modifier == "b128";
}

bool is_invariant(const Function& f, const Instruction& in, const Set& registers) {
  if (in.guard >= 0 || in.operands.size() < 2 || in.operands[0].kind != Kind::kRegister) return false;
  if (!one_of(in.opcode, kPure) || std::any_of(in.modifiers.begin(), in.modifiers.end(), is_float))
    return false;
  if (in.opcode == "ld") {
    const bool param = std::find(in.modifiers.begin(), in.modifiers.end(), "param") != in.modifiers.end();
    const Operand& from = in.operands[1];
    if (!param || from.elements.size() != 1 || from.elements[0].kind != Kind::kSymbol) return false;
    return std::any_of(f.params.begin(), f.params.end(),
                       [&](const Variable& v) { return v.name == from.elements[0].name; });
  }
  return std::all_of(in.operands.begin() + 1, in.operands.end(),
                     [&](const Operand& o) { return steady(o, registers); });
}

std::vector<std::vector<std::size_t>> successors(const Function& f) {
  const std::size_t end = f.body.size();
  std::vector<std::vector<std::size_t>> out(end);
  for (std::size_t i = 0; i < end; ++i) {
    const Instruction& in = f.body[i];
    if (in.opcode == "bra") out[i].push_back(static_cast<std::size_t>(in.operands[0].index));
    if (in.opcode == "brx")
      if (const auto found = f.branch_targets.find(in.operands[1].name); found != f.branch_targets.end())
        for (const std::int32_t t : found->second) out[i].push_back(static_cast<std::size_t>(t));
    const bool leaves = in.opcode == "bra" || in.opcode == "brx" || in.opcode == "ret" || in.opcode == "exit";
    if (!leaves || in.guard >= 0) out[i].push_back(i + 1);
  }
  return out;
}

// Registers that are live where the function begins: the usual backward flow, a register a pass.
Set live_at_entry(const Function& f) {
  const std::size_t count = f.registers.size(), end = f.body.size();
  const auto next = successors(f);
  std::vector<std::vector<std::size_t>> before(end + 1);
  for (std::size_t i = 0; i < end; ++i)
    for (const std::size_t n : next[i]) before[n].push_back(i);
  std::vector<std::vector<std::size_t>> reads(count);
  std::vector<std::vector<std::size_t>> writes(count);
  for (std::size_t i = 0; i < end; ++i)
    each_use(
        f.body[i], [&](std::size_t r) { reads[r].push_back(i); },
        [&](std::size_t r) {
          if (f.body[i].guard < 0) writes[r].push_back(i);
        });
  Set live(count), reached(end + 1), stops(end + 1);
  std::vector<std::size_t> work, touched;
  for (std::size_t r = 0; r < count; ++r) {
    for (const std::size_t w : writes[r]) stops[w] = true;
    work = reads[r];
    while (!work.empty() && !live[r]) {
      const std::size_t i = work.back();
      work.pop_back();
      live[r] = i == 0;
      for (const std::size_t b : before[i]) {
        if (stops[b] || reached[b]) continue;
        reached[b] = true;
        touched.push_back(b);
        work.push_back(b);
      }
    }
    for (const std::size_t t : touched) reached[t] = false;
    touched.clear();
    for (const std::size_t w : writes[r]) stops[w] = false;
  }
  return live;
}

}  // namespace

Prologue find_prologue(const Function& f) {
  Prologue out;
  out.live = live_at_entry(f);
  std::vector<std::int32_t> written(f.registers.size());
  std::vector<std::size_t> first_read(f.registers.size(), f.body.size());
  for (std::size_t i = 0; i < f.body.size(); ++i) {
    const Instruction& in = f.body[i];
    const bool across = one_of(in.opcode, kAcrossLanes);
    each_use(
        in,
        [&](std::size_t r) {
          first_read[r] = std::min(first_read[r], i);
          if (across) out.live[r] = true;
        },
        [&](std::size_t r) { ++written[r]; });
  }
  Set registers(f.registers.size());
  for (const Instruction& in : f.body) {
    const auto i = static_cast<std::size_t>(&in - f.body.data());
    bool invariant = is_invariant(f, in, registers);
    if (invariant) {
      const auto to = static_cast<std::size_t>(in.operands[0].index);
      invariant = written[to] == 1 && first_read[to] > i;
      registers[to] = invariant;
      if (invariant) out.live[to] = false;
    }
    out.invariant.push_back(invariant);
  }
  return out;
}

}  // namespace intarsia::ptx
