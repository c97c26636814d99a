#include "base/dim.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <map>
#include <memory>
#include <numeric>
#include <optional>

#include "base/error.h"

namespace intarsia {
namespace {
constexpr std::int64_t kLow = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kHigh = std::numeric_limits<std::int64_t>::max();
[[noreturn]] void overflow(const char* what) {
  throw UserError(std::string("integer overflow in ") + what + " of extents");
}
std::int64_t add(std::int64_t a, std::int64_t b) {
  std::int64_t r;
  if (__builtin_add_overflow(a, b, &r)) overflow("sum");
  return r;
}
std::int64_t mul(std::int64_t a, std::int64_t b) {
  std::int64_t r;
  if (__builtin_mul_overflow(a, b, &r)) overflow("product");
  return r;
}
std::int64_t floor_div(std::int64_t a, std::int64_t b) {
  if (b == 0) throw UserError("division of an extent by zero");
  if (a == kLow && b == -1) overflow("quotient");
  const std::int64_t q = a / b;
  return q - ((a % b != 0 && (a < 0) != (b < 0)) ? 1 : 0);
}
std::int64_t gcd(std::int64_t a,
                 std::int64_t b) {  // the lowest int64 has no absolute value: 1 is always a divisor
  return a == kLow || b == kLow ? 1 : std::gcd(a, b);
}
std::uint64_t mix(std::uint64_t h, std::uint64_t v) { return (h ^ v) * 0x9E3779B97F4A7C15ull ^ (h >> 29); }

// Interval ends saturate: kLow and kHigh mean "no bound".
std::int64_t add_end(std::int64_t a, std::int64_t b, std::int64_t none) {
  if (a == kLow || a == kHigh || b == kLow || b == kHigh) return none;
  std::int64_t r;
  return __builtin_add_overflow(a, b, &r) ? none : r;
}
Interval add(Interval a, Interval b) { return {add_end(a.min, b.min, kLow), add_end(a.max, b.max, kHigh)}; }
std::int64_t mul_end(std::int64_t a, std::int64_t b) {
  if (a == 0 || b == 0) return 0;
  const std::int64_t limit = (a < 0) == (b < 0) ? kHigh : kLow;
  if (a == kLow || a == kHigh || b == kLow || b == kHigh) return limit;
  std::int64_t r;
  return __builtin_mul_overflow(a, b, &r) ? limit : r;
}
Interval mul(Interval a, Interval b) {
  const std::int64_t v[] = {mul_end(a.min, b.min), mul_end(a.min, b.max), mul_end(a.max, b.min),
                            mul_end(a.max, b.max)};
  return {*std::min_element(v, v + 4), *std::max_element(v, v + 4)};
}
std::int64_t div_end(std::int64_t a, std::int64_t b) {
  if (b == kHigh || b == kLow) return (a < 0) == (b < 0) || a == 0 ? 0 : -1;
  if (a == kHigh || a == kLow) return (a < 0) == (b < 0) ? kHigh : kLow;
  return floor_div(a, b);
}
Interval div(Interval a, Interval b) {
  if (b.min <= 0 && b.max >= 0) return {kLow, kHigh};
  const std::int64_t v[] = {div_end(a.min, b.min), div_end(a.min, b.max), div_end(a.max, b.min),
                            div_end(a.max, b.max)};
  return {*std::min_element(v, v + 4), *std::max_element(v, v + 4)};
}
Interval intersect(Interval a, Interval b) { return {std::max(a.min, b.min), std::min(a.max, b.max)}; }
bool allowed_name(std::string_view s) {
  if (s.empty() || (s[0] >= '0' && s[0] <= '9') || s[0] == '.' || s == "min" || s == "max") return false;
  return std::all_of(s.begin(), s.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
  });
}
}  // namespace

namespace detail {
struct Atom {
  DimOp op;
  Symbol symbol;
  Dim a, b, c;
  Interval bounds{kLow, kHigh};
  std::int64_t multiple = 1;
  std::uint64_t hash = 0;
  int depth = 1;
};
using AtomRef = std::shared_ptr<const Atom>;

struct Term {
  std::int64_t coefficient;
  std::vector<AtomRef> factors;  // sorted
};

struct Expr {
  mutable std::atomic<std::uint32_t> refs{1};
  std::int64_t constant = 0;
  std::vector<Term> terms;  // sorted, not empty
  Interval bounds{kLow, kHigh};
  std::int64_t multiple = 1;
  std::uint64_t hash = 0;
  int depth = 0;

  static Dim wrap(const Expr* e) {
    Dim d;
    d.expr_ = e;
    return d;
  }
};
}  // namespace detail

using detail::Atom, detail::AtomRef, detail::Expr, detail::Term;

void Dim::retain() const noexcept { expr_->refs.fetch_add(1, std::memory_order_relaxed); }
void Dim::release() noexcept {
  if (expr_->refs.fetch_sub(1, std::memory_order_acq_rel) == 1) delete expr_;
}

namespace {
int compare_atoms(const AtomRef& x, const AtomRef& y) {
  if (x == y) return 0;
  if (x->op != y->op) return x->op < y->op ? -1 : 1;
  if (x->op == DimOp::kSymbol) {
    if (int c = x->symbol.name.compare(y->symbol.name)) return c;
    const Range &r = x->symbol.range, &s = y->symbol.range;
    const std::int64_t u[] = {r.min, r.max, r.multiple}, v[] = {s.min, s.max, s.multiple};
    for (int i = 0; i < 3; ++i)
      if (u[i] != v[i]) return u[i] < v[i] ? -1 : 1;
    return 0;
  }
  if (int c = compare(x->a, y->a)) return c;
  if (int c = compare(x->b, y->b)) return c;
  return compare(x->c, y->c);
}
int compare_factors(const std::vector<AtomRef>& x, const std::vector<AtomRef>& y) {
  for (std::size_t i = 0; i < std::min(x.size(), y.size()); ++i)
    if (int c = compare_atoms(x[i], y[i])) return c;
  return x.size() == y.size() ? 0 : (x.size() < y.size() ? -1 : 1);
}

struct Sum {  // a Dim opened for arithmetic
  std::int64_t constant = 0;
  std::vector<Term> terms;
};
Sum open(const Dim& d) {
  return d.is_constant() ? Sum{d.constant(), {}} : Sum{d.expr()->constant, d.expr()->terms};
}

Interval term_bounds(const Term& t) {
  Interval r{t.coefficient, t.coefficient};
  for (std::size_t i = 0; i < t.factors.size(); ++i) {
    Interval f = t.factors[i]->bounds;
    if (i + 1 < t.factors.size() && t.factors[i] == t.factors[i + 1]) {  // a square is never negative
      f = mul(f, f);
      f.min = std::max<std::int64_t>(f.min, 0);
      ++i;
    }
    r = mul(r, f);
  }
  return r;
}
Interval sum_bounds(const Sum& s) {
  Interval r{s.constant, s.constant};
  for (const Term& t : s.terms) r = add(r, term_bounds(t));
  return r;
}
Sum add_sums(const Sum& x, const Sum& y, std::int64_t scale);

// The quotient a // c inside a term k*c*(a // c), c a positive constant.
const Atom* quotient_of(const Term& t) {
  if (t.factors.size() != 1 || t.factors[0]->op != DimOp::kFloorDiv || !t.factors[0]->b.is_constant())
    return nullptr;
  const std::int64_t c = t.factors[0]->b.constant();
  return c > 0 && t.coefficient % c == 0 ? t.factors[0].get() : nullptr;
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
      const bool present =
          !a.terms.empty() && std::all_of(a.terms.begin(), a.terms.end(), [&](const Term& part) {
            return std::any_of(s.terms.begin(), s.terms.end(), [&](const Term& mine) {
              return compare_factors(mine.factors, part.factors) == 0 &&
                     (mine.coefficient < 0) == (mul_end(k, part.coefficient) < 0);
            });
          });
      if (!present) continue;
      extra = add(extra, mul({k, k}, {0, c - 1}));
      const Term quotient{t.coefficient, t.factors};
      s = add_sums(add_sums(s, {0, {quotient}}, -1), a, -k);
      again = true;
      break;
    }
  }
  return add(sum_bounds(s), extra);
}

Dim close(Sum s) {
  if (s.terms.empty()) return s.constant;
  if (s.terms.size() > Dim::kMaxTerms) throw UserError("extent expression has more than 128 terms");
  if (s.constant == 0 && s.terms.size() == 1 && s.terms[0].coefficient == 0) return 0;
  auto e = std::make_unique<Expr>();
  e->constant = s.constant;
  e->hash = mix(0x7219, static_cast<std::uint64_t>(s.constant));
  e->multiple = s.constant == kLow ? 1 : std::abs(s.constant);
  bool remainders = false;
  for (const Term& t : s.terms) {
    std::int64_t m = t.coefficient == kLow ? 1 : std::abs(t.coefficient);
    e->hash = mix(e->hash, static_cast<std::uint64_t>(t.coefficient));
    for (const AtomRef& f : t.factors) {
      e->hash = mix(e->hash, f->hash);
      e->depth = std::max(e->depth, f->depth);
      if (__builtin_mul_overflow(m, f->multiple, &m)) m = t.coefficient == kLow ? 1 : std::abs(t.coefficient);
    }
    e->multiple = gcd(e->multiple, m);
    remainders |= quotient_of(t) != nullptr;
  }
  e->bounds = sum_bounds(s);
  if (remainders && s.terms.size() > 1) e->bounds = intersect(e->bounds, remainder_bounds(s));
  e->terms = std::move(s.terms);
  return Expr::wrap(e.release());
}

Sum add_sums(const Sum& x, const Sum& y, std::int64_t scale) {  // x + scale * y
  Sum r{add(x.constant, mul(y.constant, scale)), {}};
  r.terms.reserve(x.terms.size() + y.terms.size());
  auto i = x.terms.begin(), j = y.terms.begin();
  while (i != x.terms.end() || j != y.terms.end()) {
    const int c = i == x.terms.end() ? 1 : j == y.terms.end() ? -1 : compare_factors(i->factors, j->factors);
    if (c < 0) {
      r.terms.push_back(*i++);
      continue;
    }
    if (c > 0) {
      r.terms.push_back({mul(j->coefficient, scale), j->factors});
      ++j;
      continue;
    }
    const std::int64_t k = add(i->coefficient, mul(j->coefficient, scale));
    if (k != 0) r.terms.push_back({k, i->factors});
    ++i, ++j;
  }
  return r;
}

Dim from_atom(Atom atom) {
  for (const Dim* d : {&atom.a, &atom.b, &atom.c})
    if (!d->is_constant()) atom.depth = std::max(atom.depth, d->expr()->depth + 1);
  if (atom.depth > Dim::kMaxDepth) throw UserError("extent expression is nested deeper than 64");
  std::uint64_t h = mix(0x51ed, static_cast<std::uint64_t>(atom.op));
  for (char ch : atom.symbol.name) h = mix(h, static_cast<unsigned char>(ch));
  h = mix(mix(mix(h, static_cast<std::uint64_t>(atom.symbol.range.min)),
              static_cast<std::uint64_t>(atom.symbol.range.max)),
          static_cast<std::uint64_t>(atom.symbol.range.multiple));
  atom.hash = mix(mix(mix(h, atom.a.hash()), atom.b.hash()), atom.c.hash());
  if (atom.bounds.min == atom.bounds.max) return atom.bounds.min;
  return close({0, {Term{1, {std::make_shared<const Atom>(std::move(atom))}}}});
}
}  // namespace

Dim Dim::symbol(std::string_view name, Range range) {
  if (!allowed_name(name)) throw UserError("'" + std::string(name) + "' is not a name for a dimension");
  if (range.min > range.max || range.multiple < 1)
    throw UserError("dimension " + std::string(name) + " has an empty range: min " +
                    std::to_string(range.min) + ", max " + std::to_string(range.max));
  return from_atom(
      {DimOp::kSymbol, {std::string(name), range}, {}, {}, {}, {range.min, range.max}, range.multiple});
}
std::int64_t Dim::constant() const {
  if (!is_constant()) throw UserError("the value of " + str() + " is not known here: use select, or a guard");
  return value_;
}
Interval Dim::bounds() const { return expr_ ? expr_->bounds : Interval{value_, value_}; }
std::int64_t Dim::multiple() const { return expr_ ? expr_->multiple : value_ == kLow ? 1 : std::abs(value_); }
std::uint64_t Dim::hash() const {
  return mix(expr_ ? expr_->hash : 0x17, static_cast<std::uint64_t>(value_));
}

int compare(const Dim& a, const Dim& b) {
  if (a.expr() == b.expr() && !a.is_constant()) return 0;
  if (a.is_constant() != b.is_constant()) return a.is_constant() ? -1 : 1;
  if (a.is_constant()) return a.constant() == b.constant() ? 0 : (a.constant() < b.constant() ? -1 : 1);
  const Expr &x = *a.expr(), &y = *b.expr();
  for (std::size_t i = 0; i < std::min(x.terms.size(), y.terms.size()); ++i) {
    if (int c = compare_factors(x.terms[i].factors, y.terms[i].factors)) return c;
    if (x.terms[i].coefficient != y.terms[i].coefficient)
      return x.terms[i].coefficient < y.terms[i].coefficient ? -1 : 1;
  }
  if (x.terms.size() != y.terms.size()) return x.terms.size() < y.terms.size() ? -1 : 1;
  return x.constant == y.constant ? 0 : (x.constant < y.constant ? -1 : 1);
}
bool identical(const Dim& a, const Dim& b) { return a.hash() == b.hash() && compare(a, b) == 0; }

Dim operator+(const Dim& a, const Dim& b) {
  if (a.is_constant() && b.is_constant()) return add(a.constant(), b.constant());
  if (a.is_constant() && a.constant() == 0) return b;
  if (b.is_constant() && b.constant() == 0) return a;
  return close(add_sums(open(a), open(b), 1));
}
Dim operator-(const Dim& a, const Dim& b) {
  if (a.is_constant() && b.is_constant() && b.constant() != kLow) return add(a.constant(), -b.constant());
  return close(add_sums(open(a), open(b), -1));
}
Dim operator-(const Dim& a) { return 0 - a; }

Dim operator*(const Dim& a, const Dim& b) {
  if (a.is_constant() && b.is_constant()) return mul(a.constant(), b.constant());
  if (a.is_constant()) return b * a;
  if (b.is_constant()) {  // the common case, without searching
    const std::int64_t k = b.constant();
    if (k == 0) return 0;
    if (k == 1) return a;
    Sum s = open(a);
    s.constant = mul(s.constant, k);
    bool whole = false;
    for (Term& t : s.terms) t.coefficient = mul(t.coefficient, k), whole |= quotient_of(t) != nullptr;
    if (!whole) return close(std::move(s));
  }
  const Sum x = open(a), y = open(b);
  if (x.terms.size() * y.terms.size() > Dim::kMaxTerms)
    throw UserError("extent expression has more than 128 terms");
  Sum total{mul(x.constant, y.constant), {}};
  const auto one = [&](std::int64_t k, const std::vector<AtomRef>& p, const std::vector<AtomRef>& q) {
    if (k == 0) return;
    Term t{k, {}};
    std::merge(p.begin(), p.end(), q.begin(), q.end(), std::back_inserter(t.factors),
               [](const AtomRef& u, const AtomRef& v) { return compare_atoms(u, v) < 0; });
    if (t.factors.size() > 16) throw UserError("extent expression multiplies more than 16 factors");
    const Atom* quotient = quotient_of(t);  // c * (a // c) is a where c divides a
    if (quotient && quotient->a.multiple() % quotient->b.constant() == 0)
      total = add_sums(total, open(quotient->a), k / quotient->b.constant());
    else
      total = add_sums(total, {0, {t}}, 1);
  };
  for (const Term& t : x.terms) one(mul(t.coefficient, y.constant), t.factors, {});
  for (const Term& t : y.terms) one(mul(t.coefficient, x.constant), t.factors, {});
  for (const Term& t : x.terms)
    for (const Term& u : y.terms) one(mul(t.coefficient, u.coefficient), t.factors, u.factors);
  return close(std::move(total));
}

Dim operator/(const Dim& a, const Dim& b) {
  if (b.is_constant() && b.constant() == 0) throw UserError("division of " + a.str() + " by zero");
  if (a.is_constant() && b.is_constant()) return floor_div(a.constant(), b.constant());
  if (a.is_constant() && a.constant() == 0 && (b.bounds().min > 0 || b.bounds().max < 0)) return 0;
  if (b.is_constant() && b.constant() < 0 && b.constant() != kLow) return (-a) / -b.constant();
  Dim quotient = 0, rest = a, divisor = b;
  if (b.is_constant() && b.constant() > 0) {  // whole multiples leave the division, a common factor goes
    const std::int64_t c = b.constant();
    Sum whole, left;
    const Sum s = open(a);
    whole.constant = floor_div(s.constant, c);
    left.constant = s.constant - whole.constant * c;
    std::int64_t common = c;
    for (const Term& t : s.terms) {
      if (t.coefficient % c == 0)
        whole.terms.push_back({t.coefficient / c, t.factors});
      else
        left.terms.push_back(t), common = gcd(common, t.coefficient);
    }
    for (Term& t : left.terms) t.coefficient /= common;
    left.constant = floor_div(left.constant, common);
    quotient = close(std::move(whole));
    rest = close(std::move(left));
    divisor = c / common;
    if (divisor.constant() == 1) return quotient + rest;
    const Sum inner = open(rest);  // (x // p) // q is x // (p * q)
    if (inner.constant == 0 && inner.terms.size() == 1 && inner.terms[0].coefficient == 1 &&
        inner.terms[0].factors.size() == 1) {
      const Atom& atom = *inner.terms[0].factors[0];
      std::int64_t product;
      if (atom.op == DimOp::kFloorDiv && atom.b.is_constant() && atom.b.constant() > 0 &&
          !__builtin_mul_overflow(atom.b.constant(), divisor.constant(), &product))
        return quotient + atom.a / product;
    }
  } else if (b.bounds().min > 0 && !b.is_constant()) {  // (n * m) // m is n, where m cannot be 0
    const Sum d = open(b), s = open(a);
    if (d.constant == 0 && d.terms.size() == 1 && d.terms[0].coefficient == 1) {
      Sum whole, left{s.constant, {}};
      for (const Term& t : s.terms) {
        const auto& f = d.terms[0].factors;
        Term q{t.coefficient, {}};
        std::set_difference(t.factors.begin(), t.factors.end(), f.begin(), f.end(),
                            std::back_inserter(q.factors),
                            [](const AtomRef& u, const AtomRef& v) { return compare_atoms(u, v) < 0; });
        if (q.factors.size() + f.size() != t.factors.size())
          left.terms.push_back(t);
        else if (q.factors.empty())
          whole.constant = add(whole.constant, q.coefficient);
        else
          whole = add_sums(whole, {0, {q}}, 1);
      }
      quotient = close(std::move(whole));
      rest = close(std::move(left));
    }
  }
  const Interval range = div(rest.bounds(), divisor.bounds());
  if (range.min == range.max) return quotient + range.min;
  const std::int64_t m = divisor.is_constant() && rest.multiple() % divisor.constant() == 0
                             ? rest.multiple() / divisor.constant()
                             : 1;
  return quotient + from_atom({DimOp::kFloorDiv, {}, rest, divisor, {}, range, m});
}
Dim operator%(const Dim& a, const Dim& b) { return a - b * (a / b); }
Dim cdiv(const Dim& a, const Dim& b) {
  if (b.is_constant() && b.constant() > 0) return (a + (b.constant() - 1)) / b;
  return b.bounds().min > 0 ? (a + (b - 1)) / b : -((-a) / b);
}
Dim align_up(const Dim& a, std::int64_t multiple) { return cdiv(a, multiple) * multiple; }

namespace {
Dim extreme(DimOp op, const Dim& a, const Dim& b) {
  const bool least = op == DimOp::kMin;
  const Interval x = a.bounds(), y = b.bounds();
  if (identical(a, b)) return a;
  if (x.max <= y.min && x.max != kHigh) return least ? a : b;
  if (y.max <= x.min && y.max != kHigh) return least ? b : a;
  const Interval range = least ? Interval{std::min(x.min, y.min), std::min(x.max, y.max)}
                               : Interval{std::max(x.min, y.min), std::max(x.max, y.max)};
  const bool in_order = compare(a, b) < 0;
  return from_atom({op,
                    {},
                    in_order ? a : b,
                    in_order ? b : a,
                    {},
                    range,
                    std::max<std::int64_t>(gcd(a.multiple(), b.multiple()), 1)});
}
}  // namespace
Dim min(const Dim& a, const Dim& b) { return extreme(DimOp::kMin, a, b); }
Dim max(const Dim& a, const Dim& b) { return extreme(DimOp::kMax, a, b); }

Known known_equal(const Dim& a, const Dim& b) {
  if (identical(a, b)) return Known::kYes;
  try {
    const Dim d = a - b;
    if (d.is_constant()) return d.constant() == 0 ? Known::kYes : Known::kNo;
    if (d.bounds().min > 0 || d.bounds().max < 0) return Known::kNo;
    const Dim symbols = d - d.expr()->constant;  // 2 * n is never 3
    if (const std::int64_t m = symbols.multiple(); m > 1 && d.expr()->constant % m != 0) return Known::kNo;
  } catch (const UserError&) {  // the difference does not fit: nothing is known
  }
  return Known::kUnknown;
}
Known known_less(const Dim& a, const Dim& b) {
  if (identical(a, b)) return Known::kNo;
  if (a.bounds().max < b.bounds().min) return Known::kYes;
  if (a.bounds().min >= b.bounds().max) return Known::kNo;
  try {
    const Interval d = (a - b).bounds();
    if (d.max < 0) return Known::kYes;
    if (d.min >= 0) return Known::kNo;
  } catch (const UserError&) {}
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

Dim equal(const Dim& a, const Dim& b) {
  if (const Known k = known_equal(a, b); k != Known::kUnknown) return k == Known::kYes ? 1 : 0;
  const bool in_order = compare(a, b) < 0;
  return from_atom({DimOp::kEqual, {}, in_order ? a : b, in_order ? b : a, {}, {0, 1}});
}
Dim less(const Dim& a, const Dim& b) {
  if (const Known k = known_less(a, b); k != Known::kUnknown) return k == Known::kYes ? 1 : 0;
  return from_atom({DimOp::kLess, {}, a, b, {}, {0, 1}});
}
Dim select(const Dim& condition, const Dim& if_true, const Dim& if_false) {
  if (known_equal(condition, 0) == Known::kYes) return if_false;
  if (known_equal(condition, 0) == Known::kNo || identical(if_true, if_false)) return if_true;
  const Interval x = if_true.bounds(), y = if_false.bounds();
  return from_atom({DimOp::kSelect,
                    {},
                    condition,
                    if_true,
                    if_false,
                    {std::min(x.min, y.min), std::max(x.max, y.max)},
                    std::max<std::int64_t>(gcd(if_true.multiple(), if_false.multiple()), 1)});
}

// Conditions
// -------------------------------------------------------------------------------------------------------
namespace {
Known negate(Known k) { return k == Known::kUnknown ? k : k == Known::kYes ? Known::kNo : Known::kYes; }
}  // namespace
std::string Condition::str() const {
  static constexpr const char* kText[] = {"?", " == ", " != ", " < ", " <= "};
  return left.str() + kText[static_cast<int>(relation)] + right.str();
}
Known known(const Condition& c) {
  switch (c.relation) {
    case Condition::Relation::kEqual: return known_equal(c.left, c.right);
    case Condition::Relation::kNotEqual: return negate(known_equal(c.left, c.right));
    case Condition::Relation::kLess: return known_less(c.left, c.right);
    case Condition::Relation::kLessEqual: return negate(known_less(c.right, c.left));
  }
  return Known::kUnknown;
}
Dim as_dim(const Condition& c) {
  switch (c.relation) {
    case Condition::Relation::kEqual: return equal(c.left, c.right);
    case Condition::Relation::kNotEqual: return 1 - equal(c.left, c.right);
    case Condition::Relation::kLess: return less(c.left, c.right);
    case Condition::Relation::kLessEqual: return 1 - less(c.right, c.left);
  }
  throw InternalError("a condition without a relation");
}
std::string Guard::str() const {
  std::string s;
  for (const Condition& c : *this) s += (s.empty() ? "" : " and ") + c.str();
  return s.empty() ? "always" : s;
}
Known known(const Guard& guard) {
  Known all = Known::kYes;
  for (const Condition& c : guard) {
    const Known k = known(c);
    if (k == Known::kNo) return k;
    if (k == Known::kUnknown) all = k;
  }
  return all;
}
bool identical(const Condition& a, const Condition& b) {
  return a.relation == b.relation && identical(a.left, b.left) && identical(a.right, b.right);
}
bool identical(const Guard& a, const Guard& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const Condition& x, const Condition& y) { return identical(x, y); });
}

// Text and words
// ---------------------------------------------------------------------------------------------------
namespace {
template <class Emit>
void walk(const Dim& d, Emit& emit);
template <class Emit>
void walk_atom(const Atom& a, Emit& emit) {
  if (a.op == DimOp::kSymbol) return emit.symbol(a.symbol);
  walk(a.a, emit);
  walk(a.b, emit);
  if (a.op == DimOp::kSelect) walk(a.c, emit);
  emit.op(a.op);
}
template <class Emit>
void walk(const Dim& d, Emit& emit) {
  if (d.is_constant()) return emit.constant(d.constant());
  bool first = true;
  for (const Term& t : d.expr()->terms) {
    walk_atom(*t.factors[0], emit);
    for (std::size_t i = 1; i < t.factors.size(); ++i)
      walk_atom(*t.factors[i], emit), emit.op(DimOp::kMultiply);
    if (t.coefficient != 1) emit.constant(t.coefficient), emit.op(DimOp::kMultiply);
    if (!first) emit.op(DimOp::kAdd);
    first = false;
  }
  if (d.expr()->constant != 0) emit.constant(d.expr()->constant), emit.op(DimOp::kAdd);
}
constexpr const char* kOpText[] = {"", "", "+", "*", "//", "min", "max", "==", "<", "?"};
struct TextEmit {
  std::string out;
  void word(std::string_view w) { out += (out.empty() ? "" : " ") + std::string(w); }
  void constant(std::int64_t v) { word(std::to_string(v)); }
  void symbol(const Symbol& s) { word(s.name); }
  void op(DimOp o) { word(kOpText[static_cast<int>(o)]); }
};
struct WordEmit {
  std::vector<std::int64_t>& out;
  std::span<const Symbol> symbols;
  void constant(std::int64_t v) { out.push_back(0), out.push_back(v); }
  void symbol(const Symbol& s) {
    for (std::size_t i = 0; i < symbols.size(); ++i)
      if (symbols[i].name == s.name) return out.push_back(1), out.push_back(static_cast<std::int64_t>(i));
    throw UserError("dimension " + s.name + " is not declared here");
  }
  void op(DimOp o) { out.push_back(static_cast<std::int64_t>(o)); }
};
struct Stack {
  std::vector<Dim> values;
  Dim pop() {
    if (values.empty()) throw UserError("malformed extent program: an operator lacks operands");
    Dim d = std::move(values.back());
    values.pop_back();
    return d;
  }
  void apply(DimOp op) {
    Dim c = op == DimOp::kSelect ? pop() : Dim(), b = pop(), a = pop();
    switch (op) {
      case DimOp::kAdd: return values.push_back(a + b);
      case DimOp::kMultiply: return values.push_back(a * b);
      case DimOp::kFloorDiv: return values.push_back(a / b);
      case DimOp::kMin: return values.push_back(min(a, b));
      case DimOp::kMax: return values.push_back(max(a, b));
      case DimOp::kEqual: return values.push_back(equal(a, b));
      case DimOp::kLess: return values.push_back(less(a, b));
      case DimOp::kSelect: return values.push_back(select(a, b, c));
      case DimOp::kConstant:
      case DimOp::kSymbol: break;
    }
    throw UserError("malformed extent program: unknown operator");
  }
  Dim result() {
    if (values.size() != 1) throw UserError("malformed extent program: it must leave one value");
    return values[0];
  }
};
std::string infix(const Dim& d, bool nested);
std::string infix_atom(const Atom& a) {
  if (a.op == DimOp::kSymbol) return a.symbol.name;
  if (a.op == DimOp::kMin || a.op == DimOp::kMax)
    return std::string(kOpText[static_cast<int>(a.op)]) + "(" + infix(a.a, false) + ", " + infix(a.b, false) +
           ")";
  if (a.op == DimOp::kSelect)
    return "(" + infix(a.a, false) + " ? " + infix(a.b, false) + " : " + infix(a.c, false) + ")";
  return "(" + infix(a.a, true) + " " + kOpText[static_cast<int>(a.op)] + " " + infix(a.b, true) + ")";
}
std::string infix(const Dim& d, bool nested) {
  if (d.is_constant()) return std::to_string(d.constant());
  std::string s;
  for (const Term& t : d.expr()->terms) {
    std::int64_t k = t.coefficient;
    if (!s.empty()) {
      s += k < 0 && k != kLow ? " - " : " + ";
      k = k < 0 && k != kLow ? -k : k;
    }
    if (k != 1) s += std::to_string(k) + "*";
    for (std::size_t i = 0; i < t.factors.size(); ++i) s += (i ? "*" : "") + infix_atom(*t.factors[i]);
  }
  const std::int64_t c = d.expr()->constant;
  if (c != 0) s += (c < 0 && c != kLow ? " - " : " + ") + std::to_string(c < 0 && c != kLow ? -c : c);
  return nested && (d.expr()->terms.size() > 1 || c != 0) ? "(" + s + ")" : s;
}
}  // namespace

std::string Dim::str() const {
  std::string s = infix(*this, false);
  if (s.size() > 2 && s.front() == '(' && s.find(')') == s.size() - 1) return s.substr(1, s.size() - 2);
  return s;
}
std::string Dim::postfix() const {
  TextEmit e;
  walk(*this, e);
  return e.out;
}
void Dim::append_words(std::vector<std::int64_t>& out, std::span<const Symbol> symbols) const {
  WordEmit e{out, symbols};
  walk(*this, e);
}

Dim Dim::parse_postfix(std::string_view text, std::span<const Symbol> symbols) {
  Stack stack;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    std::int64_t value = 0;
    if (auto [end, bad] = std::from_chars(word.data(), word.data() + word.size(), value);
        bad == std::errc() && end == word.data() + word.size()) {
      stack.values.push_back(value);
      continue;
    }
    const auto op = std::find(std::begin(kOpText) + 2, std::end(kOpText), word);
    if (op != std::end(kOpText)) {
      stack.apply(static_cast<DimOp>(op - kOpText));
      continue;
    }
    const auto s =
        std::find_if(symbols.begin(), symbols.end(), [&](const Symbol& x) { return x.name == word; });
    if (s == symbols.end())
      throw UserError("'" + std::string(word) +
                      "' is neither a number, an operator nor a declared dimension");
    stack.values.push_back(symbol(s->name, s->range));
  }
  return stack.result();
}
Dim Dim::from_words(std::span<const std::int64_t> words, std::span<const Symbol> symbols) {
  Stack stack;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == 0 || words[i] == 1) {
      if (i + 1 == words.size()) throw UserError("malformed extent program: it ends early");
      const std::int64_t v = words[++i];
      if (words[i - 1] == 0) {
        stack.values.push_back(v);
        continue;
      }
      if (v < 0 || v >= static_cast<std::int64_t>(symbols.size()))
        throw UserError("malformed extent program: no such dimension");
      stack.values.push_back(
          symbol(symbols[static_cast<std::size_t>(v)].name, symbols[static_cast<std::size_t>(v)].range));
    } else {
      if (words[i] < 2 || words[i] > 9) throw UserError("malformed extent program: unknown operator");
      stack.apply(static_cast<DimOp>(words[i]));
    }
  }
  return stack.result();
}

namespace {
template <class Visit>
void visit_symbols(const Dim& d, const Visit& visit) {
  if (d.is_constant()) return;
  for (const Term& t : d.expr()->terms)
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
  Dim total = dim.expr()->constant;
  for (const Term& t : dim.expr()->terms) {
    Dim product = t.coefficient;
    for (const AtomRef& f : t.factors) {
      Dim value;
      if (f->op == DimOp::kSymbol) {
        value = Dim::symbol(f->symbol.name, f->symbol.range);
        for (std::size_t i = 0; i < from.size(); ++i)
          if (from[i].name == f->symbol.name) value = to[i];
      } else {
        Stack s{{substitute(f->a, from, to), substitute(f->b, from, to)}};
        if (f->op == DimOp::kSelect) s.values.push_back(substitute(f->c, from, to));
        s.apply(f->op);
        value = s.result();
      }
      product = product * value;
    }
    total = total + product;
  }
  return total;
}

Dim Shape::numel() const {
  Dim n = 1;
  for (const Dim& d : *this) n = n * d;
  return n;
}
std::string Shape::str() const {
  std::string s = "[";
  for (std::size_t i = 0; i < size(); ++i) s += (i ? ", " : "") + (*this)[i].str();
  return s + "]";
}
bool identical(const Shape& a, const Shape& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const Dim& x, const Dim& y) { return identical(x, y); });
}
Known known_equal(const Shape& a, const Shape& b) {
  if (a.size() != b.size()) return Known::kNo;
  Known all = Known::kYes;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const Known k = known_equal(a[i], b[i]);
    if (k == Known::kNo) return k;
    if (k == Known::kUnknown) all = k;
  }
  return all;
}

// Programs
// ---------------------------------------------------------------------------------------------------------
namespace {
struct Code {
  DimOp op;
  std::uint32_t a, b, c;
  auto operator<=>(const Code&) const = default;
};
struct CodeEmit {  // slots are numbered [symbols | constants | results]; constants are counted in a first
                   // walk
  std::span<const Symbol> symbols;
  std::map<std::int64_t, std::uint32_t>& constants;
  std::map<Code, std::uint32_t>* seen;
  std::vector<Code>* code;
  std::vector<std::uint32_t> stack;
  void constant(std::int64_t v) {
    const auto at = constants.emplace(v, static_cast<std::uint32_t>(symbols.size() + constants.size())).first;
    stack.push_back(at->second);
  }
  void symbol(const Symbol& s) {
    for (std::uint32_t i = 0; i < symbols.size(); ++i)
      if (symbols[i].name == s.name) return stack.push_back(i);
    throw UserError("dimension " + s.name + " has no value here");
  }
  void op(DimOp o) {
    Code i{o, 0, 0, 0};
    if (o == DimOp::kSelect) i.c = stack.back(), stack.pop_back();
    i.b = stack.back(), stack.pop_back();
    i.a = stack.back(), stack.pop_back();
    if (!code) return stack.push_back(0);
    const auto [at, fresh] =
        seen->emplace(i, static_cast<std::uint32_t>(symbols.size() + constants.size() + code->size()));
    if (fresh) code->push_back(i);
    stack.push_back(at->second);
  }
};
// Also the meaning of each operator: true if the result does not exist.
inline bool compute(DimOp op, std::int64_t a, std::int64_t b, std::int64_t c, std::int64_t& r) {
  switch (op) {
    case DimOp::kAdd: return __builtin_add_overflow(a, b, &r);
    case DimOp::kMultiply: return __builtin_mul_overflow(a, b, &r);
    case DimOp::kFloorDiv:
      if (b == 0 || (a == kLow && b == -1)) {
        r = 0;
        return true;
      }
      r = a / b - ((a % b != 0 && (a < 0) != (b < 0)) ? 1 : 0);
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
}  // namespace

DimProgram::DimProgram(std::span<const Dim> dims, std::span<const Symbol> symbols)
    : dims_(dims.begin(), dims.end()), symbols_(symbols.begin(), symbols.end()) {
  std::map<std::int64_t, std::uint32_t> constants;
  CodeEmit count{symbols, constants, nullptr, nullptr, {}};
  for (const Dim& d : dims) walk(d, count);
  first_ = symbols.size() + constants.size();
  std::map<Code, std::uint32_t> seen;
  std::vector<Code> code;
  for (const Dim& d : dims) {
    CodeEmit emit{symbols, constants, &seen, &code, {}};
    walk(d, emit);
    roots_.push_back(emit.stack.back());
  }
  initial_.resize(first_ + code.size());
  for (const auto& [value, slot] : constants) initial_[slot] = value;
  for (const Code& i : code) {
    std::int32_t shift = -1;  // a division by a power of two is a shift, negative numbers included
    if (i.op == DimOp::kFloorDiv && i.b >= symbols.size() && i.b < first_ && initial_[i.b] > 0 &&
        (initial_[i.b] & (initial_[i.b] - 1)) == 0)
      shift = __builtin_ctzll(static_cast<unsigned long long>(initial_[i.b]));
    code_.push_back({i.op, i.a, i.b, i.c, shift});
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
      bad |= compute(i.op, v[i.a], v[i.b], v[i.c], *out++);
  }
  if (bad) explain(slots);
}
void DimProgram::explain(std::span<const std::int64_t> slots) const {
  std::vector<char> bad(slots.size(), 0);
  for (std::size_t k = 0; k < code_.size(); ++k) {
    const Instruction& i = code_[k];
    std::int64_t ignored;
    if (i.op == DimOp::kSelect)
      bad[first_ + k] = bad[i.a] || bad[slots[i.a] != 0 ? i.b : i.c];
    else
      bad[first_ + k] =
          bad[i.a] || bad[i.b] || (i.shift < 0 && compute(i.op, slots[i.a], slots[i.b], slots[i.c], ignored));
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
