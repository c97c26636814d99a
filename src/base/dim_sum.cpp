// Sums in normal form: intervals, merging, bounds, and what is known of an expression once it is built.
#include <algorithm>
#include <numeric>

#include "base/dim_expr.h"
#include "base/error.h"

namespace intarsia::detail {
namespace {

[[noreturn]] void overflow(const char* what) {
  throw UserError(std::string("a ") + what + " of extents does not fit 64 bits");
}
std::uint64_t mix(std::uint64_t h, std::uint64_t v) { return ((h ^ v) * 0x9E3779B97F4A7C15ull) ^ (h >> 29); }
std::uint64_t mix(std::uint64_t h, std::int64_t v) { return mix(h, static_cast<std::uint64_t>(v)); }
std::int64_t magnitude(std::int64_t v) { return v == kLow ? 1 : std::abs(v); }

bool unbounded(std::int64_t v) { return v == kLow || v == kHigh; }
std::int64_t add_end(std::int64_t a, std::int64_t b, std::int64_t none) {
  std::int64_t r;
  return unbounded(a) || unbounded(b) || __builtin_add_overflow(a, b, &r) ? none : r;
}
std::int64_t multiply_end(std::int64_t a, std::int64_t b) {
  if (a == 0 || b == 0) return 0;
  const std::int64_t limit = (a < 0) == (b < 0) ? kHigh : kLow;
  std::int64_t r;
  return unbounded(a) || unbounded(b) || __builtin_mul_overflow(a, b, &r) ? limit : r;
}
std::int64_t divide_end(std::int64_t a, std::int64_t b) {
  if (unbounded(b)) return (a < 0) == (b < 0) || a == 0 ? 0 : -1;
  if (unbounded(a)) return (a < 0) == (b < 0) ? kHigh : kLow;
  return checked_floor_div(a, b);
}
Interval hull(const std::int64_t (&v)[4]) {
  return {*std::min_element(v, v + 4), *std::max_element(v, v + 4)};
}
Interval intersect(Interval a, Interval b) { return {std::max(a.min, b.min), std::min(a.max, b.max)}; }

Interval term_bounds(const Term& t) {
  Interval r{t.coefficient, t.coefficient};
  for (std::size_t i = 0; i < t.factors.size(); ++i) {
    Interval f = t.factors[i]->bounds;
    if (i + 1 < t.factors.size() && t.factors[i] == t.factors[i + 1]) {  // a square is never negative
      f = multiply(f, f);
      f.min = std::max<std::int64_t>(f.min, 0);
      ++i;
    }
    r = multiply(r, f);
  }
  return r;
}
Interval sum_bounds(const Sum& s) {
  Interval r{s.constant, s.constant};
  for (const Term& t : s.terms) r = add(r, term_bounds(t));
  return r;
}

// The quotient a // c inside a term k*c*(a // c), c a positive constant.
const Atom* quotient_of(const Term& t) {
  if (t.factors.size() != 1 || t.factors[0]->op != DimOp::kFloorDiv || !t.factors[0]->b.is_constant())
    return nullptr;
  const std::int64_t c = t.factors[0]->b.constant();
  return c > 0 && t.coefficient != 0 && t.coefficient % c == 0 ? t.factors[0].get() : nullptr;
}
bool contains_part(const Sum& s, const Term& part, std::int64_t k) {
  return std::any_of(s.terms.begin(), s.terms.end(), [&](const Term& mine) {
    return compare_factors(mine.factors, part.factors) == 0 &&
           (mine.coefficient < 0) == (multiply_end(k, part.coefficient) < 0);
  });
}

// k*a - k*c*(a // c) is k times a remainder: worth c - 1 instead of the width of a.
Interval remainder_bounds(Sum s) {
  Interval extra{0, 0};
  for (bool again = true; again;) {
    again = false;
    for (const Term& t : s.terms) {
      const Atom* q = quotient_of(t);
      if (!q || t.coefficient == kLow) continue;
      const std::int64_t c = q->b.constant(), k = -(t.coefficient / c);
      const Sum a = open(q->a);
      if (a.terms.empty()) continue;
      if (!std::all_of(a.terms.begin(), a.terms.end(), [&](const Term& p) { return contains_part(s, p, k); }))
        continue;
      extra = add(extra, multiply({k, k}, {0, c - 1}));
      const Term quotient = t;
      s = add_scaled(add_scaled(s, {0, {quotient}}, -1), a, -k);
      again = true;
      break;
    }
  }
  return add(sum_bounds(s), extra);
}

bool mentions(const std::vector<Term>& terms, const AtomRef& atom) {
  return std::any_of(terms.begin(), terms.end(), [&](const Term& t) {
    return std::any_of(t.factors.begin(), t.factors.end(),
                       [&](const AtomRef& f) { return compare_factors({f}, {atom}) == 0; });
  });
}

// A product that cancelled leaves only the errors of its factors: a term 0*f for each that is not total and
// stands nowhere else.
void keep_errors(Sum& s) {
  std::vector<Term> kept, gone;
  for (Term& t : s.terms) (t.coefficient != 0 ? kept : gone).push_back(std::move(t));
  s.terms = std::move(kept);
  for (const Term& t : gone)
    for (const AtomRef& f : t.factors)
      if (!f->total && !mentions(s.terms, f)) s = add_scaled(s, {0, {{0, {f}}}}, 1);
}

void describe_term(const Term& t, Expr& e) {
  std::int64_t m = magnitude(t.coefficient);
  e.hash = mix(e.hash, t.coefficient);
  for (const AtomRef& f : t.factors) {
    e.hash = mix(e.hash, f->hash);
    e.depth = std::max(e.depth, f->depth);
    e.total &= f->total;
    if (__builtin_mul_overflow(m, f->multiple, &m)) m = magnitude(t.coefficient);
  }
  e.multiple = common_divisor(e.multiple, m);
}

int compare_symbols(const Symbol& x, const Symbol& y) {
  if (const int c = x.name.compare(y.name)) return c;
  if (x.range.min != y.range.min || x.range.max != y.range.max || x.range.multiple != y.range.multiple)
    throw UserError("dimension " + x.name + " has two ranges: one name stands for one extent");
  return 0;
}
int compare_atoms(const AtomRef& x, const AtomRef& y) {
  if (x == y) return 0;
  if (x->op != y->op) return x->op < y->op ? -1 : 1;
  if (x->op == DimOp::kSymbol) return compare_symbols(x->symbol, y->symbol);
  if (const int c = compare(x->a, y->a)) return c;
  if (const int c = compare(x->b, y->b)) return c;
  return compare(x->c, y->c);
}

}  // namespace

std::int64_t checked_add(std::int64_t a, std::int64_t b) {
  std::int64_t r;
  if (__builtin_add_overflow(a, b, &r)) overflow("sum");
  return r;
}
std::int64_t checked_multiply(std::int64_t a, std::int64_t b) {
  std::int64_t r;
  if (__builtin_mul_overflow(a, b, &r)) overflow("product");
  return r;
}
std::int64_t checked_floor_div(std::int64_t a, std::int64_t b) {
  if (b == 0) throw UserError("division of an extent by zero");
  if (a == kLow && b == -1) overflow("quotient");
  return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);
}
std::int64_t common_divisor(std::int64_t a, std::int64_t b) {
  return a == kLow || b == kLow ? 1 : std::gcd(a, b);  // the lowest int64 has no absolute value
}

Interval add(Interval a, Interval b) { return {add_end(a.min, b.min, kLow), add_end(a.max, b.max, kHigh)}; }
Interval multiply(Interval a, Interval b) {
  return hull({multiply_end(a.min, b.min), multiply_end(a.min, b.max), multiply_end(a.max, b.min),
               multiply_end(a.max, b.max)});
}
Interval divide(Interval a, Interval b) {
  if (b.min <= 0 && b.max >= 0) {
    if (a.min == 0 && a.max == 0) return {0, 0};  // 0 // b is 0 wherever it has a value
    if (b.min < 0) return {kLow, kHigh};
    b.min = 1;  // division by zero has no value, so it does not widen the bounds
    if (b.max == 0) return {kLow, kHigh};
  }
  return hull({divide_end(a.min, b.min), divide_end(a.min, b.max), divide_end(a.max, b.min),
               divide_end(a.max, b.max)});
}

int compare_factors(const std::vector<AtomRef>& x, const std::vector<AtomRef>& y) {
  for (std::size_t i = 0; i < std::min(x.size(), y.size()); ++i)
    if (const int c = compare_atoms(x[i], y[i])) return c;
  return x.size() == y.size() ? 0 : (x.size() < y.size() ? -1 : 1);
}
bool is_total(const std::vector<AtomRef>& factors) {
  return std::all_of(factors.begin(), factors.end(), [](const AtomRef& f) { return f->total; });
}
bool is_total(const Dim& d) { return d.is_constant() || d.expr()->total; }

Sum open(const Dim& d) { return d.is_constant() ? Sum{d.constant(), {}} : d.expr()->sum; }

Sum add_scaled(const Sum& x, const Sum& y, std::int64_t scale) {
  Sum r{checked_add(x.constant, checked_multiply(y.constant, scale)), {}};
  r.terms.reserve(x.terms.size() + y.terms.size());
  auto i = x.terms.begin(), j = y.terms.begin();
  while (i != x.terms.end() || j != y.terms.end()) {
    const int c = i == x.terms.end() ? 1 : j == y.terms.end() ? -1 : compare_factors(i->factors, j->factors);
    if (c < 0) {
      r.terms.push_back(*i++);
      continue;
    }
    std::int64_t k = checked_multiply(j->coefficient, scale);
    if (c == 0) k = checked_add((i++)->coefficient, k);
    if (k != 0 || !is_total(j->factors)) r.terms.push_back({k, j->factors});
    ++j;
  }
  return r;
}

Dim close(Sum s) {
  if (std::any_of(s.terms.begin(), s.terms.end(), [](const Term& t) { return t.coefficient == 0; }))
    keep_errors(s);
  if (s.terms.empty()) return s.constant;
  if (s.terms.size() > Dim::kMaxTerms)
    throw UserError("an extent expression has more than " + std::to_string(Dim::kMaxTerms) + " terms");
  auto e = std::make_unique<Expr>();
  e->hash = mix(0x7219, s.constant);
  e->multiple = magnitude(s.constant);
  bool remainders = false;
  for (const Term& t : s.terms) {
    describe_term(t, *e);
    remainders |= quotient_of(t) != nullptr;
  }
  e->bounds = sum_bounds(s);
  if (remainders && s.terms.size() > 1) e->bounds = intersect(e->bounds, remainder_bounds(s));
  if (e->total && e->bounds.min == e->bounds.max && !unbounded(e->bounds.min)) return e->bounds.min;
  e->multiple = std::max<std::int64_t>(e->multiple, 1);
  e->sum = std::move(s);
  return Expr::wrap(e.release());
}

Dim from_atom(Atom atom) {
  for (const Dim* d : {&atom.a, &atom.b, &atom.c}) {
    if (d->is_constant()) continue;
    atom.depth = std::max(atom.depth, d->expr()->depth + 1);
    atom.total &= d->expr()->total;
  }
  if (atom.depth > Dim::kMaxDepth)
    throw UserError("an extent expression is nested deeper than " + std::to_string(Dim::kMaxDepth));
  std::uint64_t h = mix(0x51ed, static_cast<std::int64_t>(atom.op));
  for (const char c : atom.symbol.name) h = mix(h, static_cast<std::uint64_t>(static_cast<unsigned char>(c)));
  h = mix(mix(mix(h, atom.symbol.range.min), atom.symbol.range.max), atom.symbol.range.multiple);
  atom.hash = mix(mix(mix(h, atom.a.hash()), atom.b.hash()), atom.c.hash());
  Sum s;
  s.terms.push_back({1, {std::make_shared<const Atom>(std::move(atom))}});
  return close(std::move(s));
}

}  // namespace intarsia::detail
