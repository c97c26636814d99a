#include "kernel/positions.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/convert.h"

namespace intarsia::kernel {
namespace {

constexpr std::int64_t kLow = INT64_MIN, kHigh = INT64_MAX;

Symbol only_symbol(const Dim& d) {
  std::vector<Symbol> s;
  collect_symbols(d, s);
  return s.at(0);
}

__extension__ typedef __int128 Wide;

// Ends of int64 mean "no bound".
std::int64_t saturated(Wide v) {
  return v <= kLow ? kLow : v >= kHigh ? kHigh : static_cast<std::int64_t>(v);
}
std::int64_t sum(std::int64_t a, std::int64_t b, std::int64_t none) {
  return a == kLow || a == kHigh || b == kLow || b == kHigh ? none : saturated(static_cast<Wide>(a) + b);
}
Interval add(Interval a, Interval b) { return {sum(a.min, b.min, kLow), sum(a.max, b.max, kHigh)}; }
Interval negated(Interval a) { return {a.max == kHigh ? kLow : -a.max, a.min == kLow ? kHigh : -a.min}; }
Interval mul(Interval a, Interval b) {
  std::int64_t low = kHigh, high = kLow;
  for (std::int64_t x : {a.min, a.max})
    for (std::int64_t y : {b.min, b.max}) {
      const std::int64_t v = saturated(static_cast<Wide>(x) * y);
      low = std::min(low, v), high = std::max(high, v);
    }
  return {low, high};
}
Interval intersect(Interval a, Interval b) { return {std::max(a.min, b.min), std::min(a.max, b.max)}; }

// Whether a dtype holds every value. 64-bit integers hold what a Dim may be.
bool fits(Interval b, DType t) {
  if (t == DType::kI64) return true;
  if (t == DType::kU64) return b.min >= 0;
  if (!is_int(t)) return false;
  const int width = bits(t);
  const std::int64_t high =
      is_signed_int(t) ? (std::int64_t{1} << (width - 1)) - 1 : (std::int64_t{1} << width) - 1;
  return b.min >= (is_signed_int(t) ? -high - 1 : 0) && b.max <= high;
}

// Whether a tensor is empty where d is 0: d is the product of some of its extents that stand side by side.
bool is_run_of(const Dim& d, const Shape& extents) {
  for (std::size_t first = 0; first < extents.size(); ++first) {
    Dim product = 1;
    for (std::size_t last = first; last < extents.size(); ++last)
      if (product = product * extents[last]; known_equal(product, d) == Known::kYes) return true;
  }
  return false;
}

}  // namespace

Dim lane(int axis, std::int64_t extent) {
  return Dim::symbol(fmt::format("_l{}", axis), {.min = 0, .max = extent - 1});
}

void Substitution::set(const Dim& symbol, Dim value) {
  from_.push_back(only_symbol(symbol));
  to_.push_back(std::move(value));
}

void Substitution::prefer(const Dim& symbol, Dim value) {
  const std::string name = only_symbol(symbol).name;
  for (std::size_t n = 0; n < from_.size(); ++n)
    if (from_[n].name == name) {
      to_[n] = std::move(value);
      return;
    }
  set(symbol, std::move(value));
}

Dim Substitution::operator()(const Dim& d) const { return substitute(d, from_, to_); }

bool unit_reshape(const Type& from, const Type& to, std::vector<int>& axis) {
  axis.assign(from.rank, -1);
  std::size_t b = 0;
  for (std::size_t a = 0; a < from.rank; ++a) {
    if (from.extents[a] == 1) continue;
    while (b < to.rank && to.extents[b] == 1) ++b;
    if (b == to.rank || to.extents[b] != from.extents[a]) return false;
    axis[a] = static_cast<int>(b++);
  }
  while (b < to.rank && to.extents[b] == 1) ++b;
  return b == to.rank;
}

Positions::Positions(const Kernel& kernel)
    : k_(kernel),
      integers_(k_.values.size()),
      pointers_(k_.values.size()),
      masks_(k_.values.size()),
      params_(k_.values.size()),
      definitions_(k_.values.size()) {
  for (int a = 0; a < 3; ++a) {
    const Interval g = k_.grid[static_cast<std::size_t>(a)].bounds();
    const std::int64_t last = g.max == kHigh ? kHigh : std::max<std::int64_t>(g.max - 1, 0);
    programs_.push_back(last == 0 ? Dim(0) : Dim::symbol(fmt::format("_p{}", a), {.min = 0, .max = last}));
  }
  for (const Param& p : k_.params) {
    params_[index(p.value)] = &p;
    Integer& i = integers_[index(p.value)];
    if (p.role == Role::kDim)
      i = {true, p.dim, p.dim.bounds(), {}};  // whoever launches checks that it fits
    else
      i.why = p.name + " is no dim, but decides what is accessed";
    pointers_[index(p.value)] = {&p, 0, {}};
    masks_[index(p.value)].why = "the mask is a parameter";
  }
  for (InstId id : k_.regions[0].body) visit(k_[id]);
}

void Positions::visit(const Inst& i) {
  for (std::uint32_t n = 0; n < i.results.count; ++n) {
    const ValueId r = k_.result(i, n);
    definitions_[index(r)] = &i;
    const std::string name(info(i.opcode).name);
    const bool loads = i.opcode == Opcode::kLoad || i.opcode == Opcode::kViewLoad;
    integers_[index(r)].why = loads ? "data decides what is accessed" : name + " decides what is accessed";
    masks_[index(r)].why = loads ? "masked by data" : "its mask is not a comparison of positions";
    pointers_[index(r)].why = "a pointer comes from " + name;
  }
  if (i.results.count != 1) return;
  const Type& t = k_.type(k_.result(i));
  if (t.kind == Type::Kind::kPointer)
    pointer(i);
  else if (t.kind != Type::Kind::kBlock)
    return;
  else if (t.dtype == DType::kBool)
    mask(i);
  else if (is_int(t.dtype))
    integer(i);
}

Dim Positions::moved(const Inst& i, const Dim& d) const {
  const Type &from = k_.type(k_.operands_of(i)[0]), &to = k_.type(k_.result(i));
  if (d.is_constant() || i.opcode == Opcode::kBroadcast) return d;  // axes of extent 1 have no lane in d
  std::vector<int> axis(from.rank, -1);
  if (i.opcode == Opcode::kReshape)
    unit_reshape(from, to, axis);
  else
    for (std::size_t a = 0; a < to.rank; ++a)
      axis[static_cast<std::uint64_t>(k_.attr(i, Key::kOrder)) >> (4 * a) & 15] = static_cast<int>(a);
  Substitution s;
  for (std::size_t a = 0; a < axis.size(); ++a)
    if (axis[a] >= 0) s.set(lane(static_cast<int>(a), from.extents[a]), lane(axis[a], from.extents[a]));
  return s(d);
}

namespace {
bool moves_shape(const Kernel& k, const Inst& i) {
  if (i.opcode == Opcode::kBroadcast || i.opcode == Opcode::kTranspose) return true;
  std::vector<int> axis;
  return i.opcode == Opcode::kReshape && unit_reshape(k.type(k.operands_of(i)[0]), k.type(k.result(i)), axis);
}
}  // namespace

bool Positions::never_divides_by_zero(const Integer& divisor) const {
  return divisor.bounds.min > 0 || divisor.bounds.max < 0 ||
         std::ranges::any_of(
             k_.params,
             [&](const Param& p) { return p.role == Role::kOutput && is_run_of(divisor.value, p.extents); });
}

Positions::Integer Positions::binary(const Inst& i) const {
  const auto in = k_.operands_of(i);
  const Integer &x = integers_[index(in[0])], &y = integers_[index(in[1])];
  if (!x.known) return x;
  if (!y.known) return y;
  const bool divides =
      k_.fn(i) == Fn::kFloorDiv || k_.fn(i) == Fn::kFloorMod || k_.fn(i) == Fn::kDiv || k_.fn(i) == Fn::kRem;
  if (divides && !never_divides_by_zero(y))  // a kernel goes on with 0, a Dim has no value there
    return {.why = fmt::format("a division by {}, which may be 0, decides what is accessed", y.value.str())};
  const Dim &a = x.value, &b = y.value;
  const Interval p = x.bounds, q = y.bounds;
  const Interval quotient = p.min >= 0 && q.min >= 0 ? Interval{0, p.max} : Interval{kLow, kHigh};
  const Interval remainder =
      p.min >= 0 && q.min >= 0 ? Interval{0, std::min(p.max, q.max)} : Interval{kLow, kHigh};
  switch (k_.fn(i)) {
    case Fn::kAdd: return {true, a + b, add(p, q), {}};
    case Fn::kSub: return {true, a - b, add(p, negated(q)), {}};
    case Fn::kMul: return {true, a * b, mul(p, q), {}};
    case Fn::kMin: return {true, min(a, b), {std::min(p.min, q.min), std::min(p.max, q.max)}, {}};
    case Fn::kMax: return {true, max(a, b), {std::max(p.min, q.min), std::max(p.max, q.max)}, {}};
    case Fn::kFloorDiv: return {true, a / b, quotient, {}};
    case Fn::kFloorMod: return {true, a % b, remainder, {}};
    case Fn::kDiv:
    case Fn::kRem:  // truncation is floor only here
      if (p.min < 0 || q.min < 0)
        return {.why = "a division of what may be negative decides what is accessed"};
      return k_.fn(i) == Fn::kDiv ? Integer{true, a / b, quotient, {}} : Integer{true, a % b, remainder, {}};
    default: return {.why = std::string(text_of(k_.fn(i))) + " decides what is accessed"};
  }
}

void Positions::integer(const Inst& i) {
  const ValueId r = k_.result(i);
  Integer& out = integers_[index(r)];
  const auto in = k_.operands_of(i);
  const Type& t = k_.type(r);
  const auto axis = static_cast<std::size_t>(k_.attr(i, Key::kAxis));
  switch (i.opcode) {
    case Opcode::kConstant: out = {.known = true, .value = k_.attr(i, Key::kBits)}; break;
    case Opcode::kDimValue:
      out = {.known = true, .value = k_.dims[static_cast<std::size_t>(k_.attr(i, Key::kDim))]};
      break;
    case Opcode::kProgramId: out = {.known = true, .value = programs_[axis]}; break;
    case Opcode::kNumPrograms: out = {.known = true, .value = k_.grid[axis]}; break;
    case Opcode::kArange:
      out = {.known = true, .value = k_.attr(i, Key::kStart)};
      if (t.extents[0] > 1) out.value = out.value + lane(0, t.extents[0]);
      break;
    case Opcode::kCast:
      if (is_int(k_.type(in[0]).dtype)) out = integers_[index(in[0])];
      break;
    case Opcode::kBinary: out = binary(i); break;
    case Opcode::kBroadcast:
    case Opcode::kReshape:
    case Opcode::kTranspose:
      out = integers_[index(in[0])];
      if (!out.known) break;
      if (moves_shape(k_, i))
        out.value = moved(i, out.value);
      else
        out = {.why = "a reshape moves elements"};
      break;
    default: break;
  }
  if (!out.known) return;
  out.bounds = intersect(out.bounds, out.value.bounds());
  if (!fits(out.bounds, t.dtype))
    out = {.why = fmt::format("{} is not known to stay in the range of {}", out.value.str(), name(t.dtype))};
}

void Positions::mask(const Inst& i) {
  Mask& out = masks_[index(k_.result(i))];
  const auto in = k_.operands_of(i);
  using enum Condition::Relation;
  if (i.opcode == Opcode::kConstant && k_.attr(i, Key::kBits) != 0) out = {true, {}, {}};
  if (i.opcode == Opcode::kBinary && k_.fn(i) == Fn::kAnd) {
    const Mask &a = masks_[index(in[0])], &b = masks_[index(in[1])];
    out = a.known ? b : a;
    if (a.known && b.known)
      out.conditions.insert(out.conditions.end(), a.conditions.begin(), a.conditions.end());
  }
  if (moves_shape(k_, i)) {
    out = masks_[index(in[0])];
    for (Condition& c : out.conditions) c.left = moved(i, c.left), c.right = moved(i, c.right);
  }
  if (i.opcode != Opcode::kCompare) return;
  const Integer &x = integers_[index(in[0])], &y = integers_[index(in[1])];
  if (!x.known || !y.known) {
    const std::string& why = x.known ? y.why : x.why;
    out.why = why.starts_with("data") || !is_int(k_.type(in[0]).dtype) ? "masked by data"
                                                                       : "its mask is not known: " + why;
    return;
  }
  switch (k_.fn(i)) {
    case Fn::kLt: out = {true, {{x.value, kLess, y.value}}, {}}; break;
    case Fn::kLe: out = {true, {{x.value, kLess, y.value + 1}}, {}}; break;
    case Fn::kGt: out = {true, {{y.value, kLess, x.value}}, {}}; break;
    case Fn::kGe: out = {true, {{y.value, kLess, x.value + 1}}, {}}; break;
    default: break;
  }
}

void Positions::pointer(const Inst& i) {
  Pointer& out = pointers_[index(k_.result(i))];
  const auto in = k_.operands_of(i);
  if (moves_shape(k_, i)) {
    out = pointers_[index(in[0])];
    if (out.param) out.offset = moved(i, out.offset);
  }
  if (i.opcode != Opcode::kPointerAdd) return;
  const Integer& by = integers_[index(in[1])];
  out = pointers_[index(in[0])];
  if (!out.param) return;
  if (by.known)
    out.offset = out.offset + by.value;
  else
    out = {.why = by.why};
}

}  // namespace intarsia::kernel
