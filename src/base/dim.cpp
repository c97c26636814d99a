#include "base/dim.h"

#include <algorithm>
#include <optional>

#include "base/dim_expr.h"
#include "base/error.h"

namespace intarsia {

using detail::add_scaled, detail::Atom, detail::AtomRef, detail::close, detail::Expr, detail::from_atom,
    detail::is_total, detail::kHigh, detail::kLow, detail::open, detail::Sum, detail::Term;

namespace {

bool allowed_name(std::string_view s) {
  if (s.empty() || (s[0] >= '0' && s[0] <= '9') || s[0] == '.' || s == "min" || s == "max") return false;
  return std::all_of(s.begin(), s.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
  });
}

// The factors of `of` without those of `by`, if it has them all.
std::optional<std::vector<AtomRef>> without(const std::vector<AtomRef>& of, const std::vector<AtomRef>& by) {
  std::vector<AtomRef> rest;
  std::size_t used = 0;
  for (const AtomRef& f : of) {
    if (used < by.size() && detail::compare_factors({f}, {by[used]}) == 0)
      ++used;
    else
      rest.push_back(f);
  }
  if (used < by.size()) return std::nullopt;
  return rest;
}

void add_term(Sum& total, Term term) { total = add_scaled(total, Sum{0, {std::move(term)}}, 1); }

// c*(a // c) where c divides a is a; anything else stays a term.
void add_product(Sum& total, std::int64_t k, const std::vector<AtomRef>& p, const std::vector<AtomRef>& q) {
  Term t{k, {}};
  std::merge(p.begin(), p.end(), q.begin(), q.end(), std::back_inserter(t.factors),
             [](const AtomRef& u, const AtomRef& v) { return detail::compare_factors({u}, {v}) < 0; });
  if (t.factors.size() > Dim::kMaxFactors)
    throw UserError("an extent expression multiplies more than " + std::to_string(Dim::kMaxFactors) +
                    " factors");
  if (k == 0 && is_total(t.factors)) return;
  if (t.factors.size() == 1 && t.factors[0]->op == DimOp::kFloorDiv && t.factors[0]->b.is_constant()) {
    const std::int64_t c = t.factors[0]->b.constant();
    if (c > 0 && k % c == 0 && t.factors[0]->a.multiple() % c == 0) {
      total = add_scaled(total, open(t.factors[0]->a), k / c);
      return;
    }
  }
  add_term(total, std::move(t));
}

bool leads_negative(const Sum& s) { return s.terms.empty() ? s.constant < 0 : s.terms[0].coefficient < 0; }

std::int64_t multiple_of(const Term& t) { return close(Sum{0, {t}}).multiple(); }

// The quotient, if it is all there is of a Dim.
const Atom* only_quotient(const Dim& a) {
  if (a.is_constant()) return nullptr;
  const Sum& s = a.expr()->sum;
  if (s.constant != 0 || s.terms.size() != 1 || s.terms[0].coefficient != 1 || s.terms[0].factors.size() != 1)
    return nullptr;
  return s.terms[0].factors[0]->op == DimOp::kFloorDiv ? s.terms[0].factors[0].get() : nullptr;
}

Dim quotient_atom(const Dim& a, std::int64_t c) {
  if (const Atom* q = only_quotient(a)) return q->a / (q->b * c);  // (x // y) // c is x // (y*c)
  const Interval bounds = detail::divide(a.bounds(), {c, c});
  if (bounds.min == bounds.max && is_total(a)) return bounds.min;
  const std::int64_t multiple = a.multiple() % c == 0 ? std::max<std::int64_t>(a.multiple() / c, 1) : 1;
  return from_atom({.op = DimOp::kFloorDiv, .a = a, .b = c, .bounds = bounds, .multiple = multiple});
}

// a // c for a constant c > 0. What c divides leaves the quotient: coefficients at once, terms that are
// multiples of c as a quotient of their own. The rest is reduced and given a positive lead, so that cdiv(n,
// 256) and (n + 255) // 256 are one form: -x // c is -((x + c - 1) // c).
Dim divide_by_constant(const Dim& a, std::int64_t c) {
  if (c == 1) return a;
  const Sum all = open(a);
  Sum whole, exact, rest{all.constant, {}};
  for (const Term& t : all.terms) {
    if (t.coefficient % c == 0)
      whole.terms.push_back({t.coefficient / c, t.factors});
    else if (multiple_of(t) % c == 0)
      exact.terms.push_back(t);
    else
      rest.terms.push_back(t);
  }
  Dim result = close(whole);
  if (!exact.terms.empty()) result = result + quotient_atom(close(exact), c);
  std::int64_t g = c;
  for (const Term& t : rest.terms) g = detail::common_divisor(g, t.coefficient);
  for (Term& t : rest.terms) t.coefficient /= g;
  rest.constant = detail::checked_floor_div(rest.constant, g), c /= g;
  std::int64_t sign = 1;
  if (leads_negative(rest) && !rest.terms.empty()) rest = add_scaled(Sum{c - 1, {}}, rest, -1), sign = -1;
  const std::int64_t carried = detail::checked_floor_div(rest.constant, c);
  rest.constant -= carried * c;
  result = result + carried * sign;
  if (rest.terms.empty()) return result;
  return result + sign * (c == 1 ? close(rest) : quotient_atom(close(rest), c));
}

// a // b for one term b = k * factors: (x + b*q) // b is x // b + q.
Dim divide_by_term(const Dim& a, const Dim& b) {
  const Sum all = open(a);
  const Term by = open(b).terms[0];
  Sum whole, rest{all.constant, {}};
  for (const Term& t : all.terms) {
    const auto factors = t.coefficient % by.coefficient == 0 ? without(t.factors, by.factors) : std::nullopt;
    if (!factors)
      add_term(rest, t);
    else if (factors->empty())
      whole.constant = detail::checked_add(whole.constant, t.coefficient / by.coefficient);
    else
      add_term(whole, {t.coefficient / by.coefficient, *factors});
  }
  const Dim inner = close(rest);
  if (!whole.terms.empty() || whole.constant != 0) return close(whole) + inner / b;
  const bool nonzero = b.bounds().min > 0 || b.bounds().max < 0;
  const Interval bounds = detail::divide(inner.bounds(), b.bounds());
  if (nonzero && bounds.min == bounds.max && is_total(inner) && is_total(b)) return bounds.min;
  return from_atom({.op = DimOp::kFloorDiv, .a = inner, .b = b, .bounds = bounds, .total = nonzero});
}

}  // namespace

void Dim::retain() const noexcept { expr_->references.fetch_add(1, std::memory_order_relaxed); }
void Dim::release() noexcept {
  if (expr_->references.fetch_sub(1, std::memory_order_acq_rel) == 1) delete expr_;
}

Dim Dim::symbol(std::string_view name, Range range) {
  if (!allowed_name(name)) throw UserError("'" + std::string(name) + "' is not a name for a dimension");
  if (range.min > range.max || range.multiple < 1)
    throw UserError("dimension " + std::string(name) + " has an empty range: min " +
                    std::to_string(range.min) + ", max " + std::to_string(range.max));
  return from_atom({.op = DimOp::kSymbol,
                    .symbol = {std::string(name), range},
                    .bounds = {range.min, range.max},
                    .multiple = range.multiple});
}

std::int64_t Dim::constant() const {
  if (!is_constant())
    throw UserError("the value of " + str() + " is not known here: use select(condition, a, b), or a guard");
  return value_;
}
Interval Dim::bounds() const { return expr_ ? expr_->bounds : Interval{value_, value_}; }
std::int64_t Dim::multiple() const { return expr_ ? expr_->multiple : value_ == kLow ? 1 : std::abs(value_); }
std::uint64_t Dim::hash() const {
  const auto h = (static_cast<std::uint64_t>(value_) ^ (expr_ ? expr_->hash : 0x17)) * 0x9E3779B97F4A7C15ull;
  return h ^ (h >> 32);
}

int compare(const Dim& a, const Dim& b) {
  if (a.is_constant() != b.is_constant()) return a.is_constant() ? -1 : 1;
  if (a.is_constant()) return a.constant() == b.constant() ? 0 : (a.constant() < b.constant() ? -1 : 1);
  if (a.expr() == b.expr()) return 0;
  const Sum &x = a.expr()->sum, &y = b.expr()->sum;
  for (std::size_t i = 0; i < std::min(x.terms.size(), y.terms.size()); ++i) {
    if (const int c = detail::compare_factors(x.terms[i].factors, y.terms[i].factors)) return c;
    if (x.terms[i].coefficient != y.terms[i].coefficient)
      return x.terms[i].coefficient < y.terms[i].coefficient ? -1 : 1;
  }
  if (x.terms.size() != y.terms.size()) return x.terms.size() < y.terms.size() ? -1 : 1;
  return x.constant == y.constant ? 0 : (x.constant < y.constant ? -1 : 1);
}
bool identical(const Dim& a, const Dim& b) {
  if (a.is_constant() || b.is_constant())
    return a.is_constant() && b.is_constant() && a.constant() == b.constant();
  return a.expr() == b.expr() || (a.hash() == b.hash() && compare(a, b) == 0);
}

Dim operator+(const Dim& a, const Dim& b) {
  if (a.is_constant() && b.is_constant()) return detail::checked_add(a.constant(), b.constant());
  return close(add_scaled(open(a), open(b), 1));
}
Dim operator-(const Dim& a, const Dim& b) {
  if (a.is_constant() && b.is_constant()) {
    std::int64_t r;
    if (__builtin_sub_overflow(a.constant(), b.constant(), &r))
      throw UserError("a difference of extents does not fit 64 bits");
    return r;
  }
  return close(add_scaled(open(a), open(b), -1));
}
Dim operator-(const Dim& a) { return Dim(0) - a; }

Dim operator*(const Dim& a, const Dim& b) {
  if (a.is_constant() && b.is_constant()) return detail::checked_multiply(a.constant(), b.constant());
  const Sum x = open(a), y = open(b);
  if (x.terms.size() * y.terms.size() > Dim::kMaxTerms)
    throw UserError("an extent expression has more than " + std::to_string(Dim::kMaxTerms) + " terms");
  Sum total{detail::checked_multiply(x.constant, y.constant), {}};
  for (const Term& t : x.terms)
    add_product(total, detail::checked_multiply(t.coefficient, y.constant), t.factors, {});
  for (const Term& t : y.terms)
    add_product(total, detail::checked_multiply(t.coefficient, x.constant), t.factors, {});
  for (const Term& t : x.terms)
    for (const Term& u : y.terms)
      add_product(total, detail::checked_multiply(t.coefficient, u.coefficient), t.factors, u.factors);
  return close(std::move(total));
}

namespace {
void check_divisor(const Dim& a, const Dim& b) {
  if (identical(b, 0)) throw UserError("division of " + a.str() + " by zero");
}
}  // namespace

Dim operator/(const Dim& a, const Dim& b) {
  check_divisor(a, b);
  if (b.is_constant()) {
    if (a.is_constant()) return detail::checked_floor_div(a.constant(), b.constant());
    if (b.constant() < 0) return -a / -b;
  }
  // (x // y) // b is x // (y * b) for b > 0.
  if (const Atom* q = only_quotient(a); q && b.bounds().min > 0) return q->a / (q->b * b);
  if (b.is_constant()) return divide_by_constant(a, b.constant());
  const Sum by = open(b);
  if (by.terms.size() == 1 && by.constant == 0 && by.terms[0].coefficient != 0) return divide_by_term(a, b);
  const bool nonzero = b.bounds().min > 0 || b.bounds().max < 0;
  if (nonzero && identical(a, b) && is_total(b)) return 1;
  const Interval bounds = detail::divide(a.bounds(), b.bounds());
  if (nonzero && bounds.min == bounds.max && is_total(a) && is_total(b)) return bounds.min;
  return from_atom({.op = DimOp::kFloorDiv, .a = a, .b = b, .bounds = bounds, .total = nonzero});
}
Dim operator%(const Dim& a, const Dim& b) { return a - b * (a / b); }
Dim cdiv(const Dim& a, const Dim& b) {
  check_divisor(a, b);
  return -(-a / b);
}
Dim align_up(const Dim& a, std::int64_t multiple) { return cdiv(a, multiple) * multiple; }

Dim max(const Dim& a, const Dim& b) {
  if (identical(a, b)) return a;
  if (known_less(b, a) == Known::kNo && is_total(a)) return b;  // a <= b
  if (known_less(a, b) == Known::kNo && is_total(b)) return a;
  const bool in_order = compare(a, b) < 0;
  const Interval x = a.bounds(), y = b.bounds();
  return from_atom(
      {.op = DimOp::kMax,
       .a = in_order ? a : b,
       .b = in_order ? b : a,
       .bounds = {std::max(x.min, y.min), std::max(x.max, y.max)},
       .multiple = std::max<std::int64_t>(detail::common_divisor(a.multiple(), b.multiple()), 1)});
}
Dim min(const Dim& a, const Dim& b) { return -max(-a, -b); }

Dim less(const Dim& a, const Dim& b) {
  if (is_total(a) && is_total(b))
    if (const Known k = known_less(a, b); k != Known::kUnknown) return k == Known::kYes ? 1 : 0;
  return min(max(b - a, 0), 1);
}
Dim equal(const Dim& a, const Dim& b) {
  if (is_total(a) && is_total(b))
    if (const Known k = known_equal(a, b); k != Known::kUnknown) return k == Known::kYes ? 1 : 0;
  return 1 - less(a, b) - less(b, a);
}
Dim select(const Dim& condition, const Dim& if_true, const Dim& if_false) {
  if (is_total(condition)) {
    const Known zero = known_equal(condition, 0);
    if (zero == Known::kYes) return if_false;
    if (zero == Known::kNo || identical(if_true, if_false)) return if_true;
  }
  const Interval x = if_true.bounds(), y = if_false.bounds();
  return from_atom({.op = DimOp::kSelect,
                    .a = condition,
                    .b = if_true,
                    .c = if_false,
                    .bounds = {std::min(x.min, y.min), std::max(x.max, y.max)},
                    .multiple = std::max<std::int64_t>(
                        detail::common_divisor(if_true.multiple(), if_false.multiple()), 1)});
}

Known known_equal(const Dim& a, const Dim& b) {
  if (identical(a, b)) return Known::kYes;
  if (a.bounds().max < b.bounds().min || a.bounds().min > b.bounds().max) return Known::kNo;
  try {
    const Dim d = a - b;
    if (d.is_constant()) return d.constant() == 0 ? Known::kYes : Known::kNo;
    if (d.bounds().min == 0 && d.bounds().max == 0) return Known::kYes;
    if (d.bounds().min > 0 || d.bounds().max < 0) return Known::kNo;
    const std::int64_t constant = d.expr()->sum.constant;
    const std::int64_t m = (d - constant).multiple();  // 2*n is never 3
    if (m > 1 && constant % m != 0) return Known::kNo;
  } catch (const UserError&) {  // the difference does not fit: nothing is known
  }
  return Known::kUnknown;
}
Known known_less(const Dim& a, const Dim& b) {
  if (identical(a, b)) return Known::kNo;
  if (a.bounds().max < b.bounds().min) return Known::kYes;
  if (a.bounds().min >= b.bounds().max && a.bounds().min != kLow && b.bounds().max != kHigh)
    return Known::kNo;
  try {
    const Interval d = (a - b).bounds();
    if (d.max < 0) return Known::kYes;
    if (d.min >= 0) return Known::kNo;
  } catch (const UserError&) {  // as above
  }
  return Known::kUnknown;
}

namespace {
bool decided(Known k, const Dim& a, const char* relation, const Dim& b) {
  if (k == Known::kUnknown)
    throw UserError("whether " + a.str() + " " + relation + " " + b.str() +
                    " is not known here: use select(condition, a, b), or a guard");
  return k == Known::kYes;
}
}  // namespace
bool operator==(const Dim& a, const Dim& b) { return decided(known_equal(a, b), a, "==", b); }
bool operator<(const Dim& a, const Dim& b) { return decided(known_less(a, b), a, "<", b); }

Dim detail::apply(DimOp op, const Dim& a, const Dim& b, const Dim& c) {
  switch (op) {
    case DimOp::kAdd: return a + b;
    case DimOp::kMultiply: return a * b;
    case DimOp::kFloorDiv: return a / b;
    case DimOp::kMin: return min(a, b);
    case DimOp::kMax: return max(a, b);
    case DimOp::kEqual: return equal(a, b);
    case DimOp::kLess: return less(a, b);
    case DimOp::kSelect: return select(a, b, c);
    case DimOp::kConstant:
    case DimOp::kSymbol: break;
  }
  throw UserError("malformed extent program: unknown operator");
}

namespace {
template <class Visit>
void visit_symbols(const Dim& d, const Visit& visit) {
  if (d.is_constant()) return;
  for (const Term& t : d.expr()->sum.terms)
    for (const AtomRef& f : t.factors) {
      if (f->op == DimOp::kSymbol) visit(f->symbol);
      visit_symbols(f->a, visit), visit_symbols(f->b, visit), visit_symbols(f->c, visit);
    }
}
}  // namespace
void collect_symbols(const Dim& dim, std::vector<Symbol>& out) {
  visit_symbols(dim, [&](const Symbol& s) {
    const auto at = std::lower_bound(out.begin(), out.end(), s,
                                     [](const Symbol& x, const Symbol& y) { return x.name < y.name; });
    if (at == out.end() || at->name != s.name) out.insert(at, s);
  });
}

Dim substitute(const Dim& dim, std::span<const Symbol> from, std::span<const Dim> to) {
  if (dim.is_constant()) return dim;
  Dim total = dim.expr()->sum.constant;
  for (const Term& t : dim.expr()->sum.terms) {
    Dim product = t.coefficient;
    for (const AtomRef& f : t.factors) {
      if (f->op == DimOp::kSymbol) {
        const auto at =
            std::find_if(from.begin(), from.end(), [&](const Symbol& s) { return s.name == f->symbol.name; });
        product = product * (at == from.end() ? Dim::symbol(f->symbol.name, f->symbol.range)
                                              : to[static_cast<std::size_t>(at - from.begin())]);
      } else {
        product = product * detail::apply(f->op, substitute(f->a, from, to), substitute(f->b, from, to),
                                          substitute(f->c, from, to));
      }
    }
    total = total + product;
  }
  return total;
}

}  // namespace intarsia
