// Many dims as straight-line code over slots: [symbols | constants | results].
#include <algorithm>
#include <map>
#include <tuple>

#include "base/dim_expr.h"
#include "base/error.h"

namespace intarsia {
namespace {

using Code = std::tuple<DimOp, std::uint32_t, std::uint32_t, std::uint32_t>;

// Walks dims twice: once to number the constants, once to write code in which equal operations share a slot.
struct Compiler {
  std::span<const Symbol> symbols;
  std::map<std::int64_t, std::uint32_t> constants = {};
  std::map<Code, std::uint32_t> seen = {};
  std::vector<Code> code = {};
  std::vector<std::uint32_t> stack = {};
  bool counting = true;

  std::uint32_t first_result() const { return static_cast<std::uint32_t>(symbols.size() + constants.size()); }
  std::uint32_t pop() {
    const std::uint32_t slot = stack.back();
    stack.pop_back();
    return slot;
  }
  void constant(std::int64_t v) { stack.push_back(constants.emplace(v, first_result()).first->second); }
  void symbol(const Symbol& s) {
    const auto at =
        std::find_if(symbols.begin(), symbols.end(), [&](const Symbol& x) { return x.name == s.name; });
    if (at == symbols.end()) throw UserError("dimension " + s.name + " has no value here");
    stack.push_back(static_cast<std::uint32_t>(at - symbols.begin()));
  }
  void op(DimOp o) {
    const std::uint32_t c = o == DimOp::kSelect ? pop() : 0, b = pop(), a = pop();
    if (counting) return stack.push_back(0);
    const auto next = static_cast<std::uint32_t>(first_result() + code.size());
    const auto [at, fresh] = seen.emplace(Code{o, a, b, c}, next);
    if (fresh) code.emplace_back(o, a, b, c);
    stack.push_back(at->second);
  }
};

}  // namespace

bool detail::compute(DimOp op, std::int64_t a, std::int64_t b, std::int64_t c, std::int64_t& r) {
  switch (op) {
    case DimOp::kAdd: return __builtin_add_overflow(a, b, &r);
    case DimOp::kMultiply: return __builtin_mul_overflow(a, b, &r);
    case DimOp::kFloorDiv:
      r = 0;
      if (b == 0 || (a == kLow && b == -1)) return true;
      r = a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);
      return false;
    case DimOp::kMin: r = std::min(a, b); return false;
    case DimOp::kMax: r = std::max(a, b); return false;
    case DimOp::kEqual: r = a == b; return false;
    case DimOp::kLess: r = a < b; return false;
    case DimOp::kSelect: r = a != 0 ? b : c; return false;
    case DimOp::kConstant:
    case DimOp::kSymbol: break;
  }
  r = 0;
  return true;
}

DimProgram::DimProgram(std::span<const Dim> dims, std::span<const Symbol> symbols)
    : dims_(dims.begin(), dims.end()), symbols_(symbols.begin(), symbols.end()) {
  Compiler compiler{symbols_};
  for (const Dim& d : dims) detail::walk(d, compiler);
  compiler.counting = false;
  for (const Dim& d : dims) {
    detail::walk(d, compiler);
    roots_.push_back(compiler.stack.back());
  }
  first_ = compiler.first_result();
  initial_.resize(first_ + compiler.code.size());
  for (const auto& [value, slot] : compiler.constants) initial_[slot] = value;
  for (const auto& [op, a, b, c] : compiler.code) {
    std::int32_t shift = -1;  // division by a power of two is a shift, of negative numbers too
    if (op == DimOp::kFloorDiv && b >= symbols_.size() && b < first_ && initial_[b] > 0 &&
        (initial_[b] & (initial_[b] - 1)) == 0)
      shift = __builtin_ctzll(static_cast<unsigned long long>(initial_[b]));
    code_.push_back({op, a, b, c, shift});
  }
}

void DimProgram::evaluate(std::span<std::int64_t> slots) const {
  std::int64_t* v = slots.data();
  std::int64_t* out = v + first_;
  bool bad = false;
  for (const Instruction& i : code_) {
    if (i.shift >= 0)
      *out++ = v[i.a] >> i.shift;
    else
      bad |= detail::compute(i.op, v[i.a], v[i.b], v[i.c], *out++);
  }
  if (bad) explain(slots);
}

// An error counts only if it reaches a root: select forgives the value it does not take.
void DimProgram::explain(std::span<const std::int64_t> slots) const {
  std::vector<char> bad(slots.size(), 0);
  for (std::size_t k = 0; k < code_.size(); ++k) {
    const Instruction& i = code_[k];
    std::int64_t ignored;
    if (i.op == DimOp::kSelect)
      bad[first_ + k] = bad[i.a] || bad[slots[i.a] != 0 ? i.b : i.c];
    else
      bad[first_ + k] = bad[i.a] || bad[i.b] ||
                        (i.shift < 0 && detail::compute(i.op, slots[i.a], slots[i.b], slots[i.c], ignored));
  }
  for (std::size_t d = 0; d < roots_.size(); ++d) {
    if (!bad[roots_[d]]) continue;
    std::string where;
    for (std::size_t s = 0; s < symbols_.size(); ++s)
      where += (s ? ", " : " for ") + symbols_[s].name + " = " + std::to_string(slots[s]);
    throw UserError(dims_[d].str() + " has no value (division by zero or 64-bit overflow)" + where);
  }
}

}  // namespace intarsia
