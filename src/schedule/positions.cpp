#include "schedule/positions.h"

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "kernel/element.h"

namespace intarsia::schedule {
namespace {

struct Term {  // coefficient * product of factors, none of which is a sum
  std::int64_t coefficient = 1;
  std::vector<Dim> factors = {};
};
using Sum = std::vector<Term>;

Dim value(const Term& t) {
  Dim d = t.coefficient;
  for (const Dim& f : t.factors) d = d * f;
  return d;
}
Dim value(const Sum& s) {
  Dim d = 0;
  for (const Term& t : s) d = d + value(t);
  return d;
}
bool same_factors(const Term& a, const Term& b) {
  return a.factors.size() == b.factors.size() &&
         std::equal(a.factors.begin(), a.factors.end(), b.factors.begin(),
                    [](auto& x, auto& y) { return identical(x, y); });
}
void sort_factors(Term& t) {
  std::sort(t.factors.begin(), t.factors.end(), [](const Dim& a, const Dim& b) { return compare(a, b) < 0; });
}
Sum product(const Sum& a, const Sum& b) {
  Sum out;
  for (const Term& x : a)
    for (const Term& y : b) {
      Term t{x.coefficient * y.coefficient, x.factors};
      t.factors.insert(t.factors.end(), y.factors.begin(), y.factors.end());
      sort_factors(t);
      out.push_back(std::move(t));
    }
  return out;
}

std::optional<std::size_t> axis_of(const std::string& symbol) {
  if (!symbol.starts_with("_x")) return std::nullopt;
  return static_cast<std::size_t>(std::stoul(symbol.substr(2)));
}

// Walks the words of a Dim with sums on the stack. `symbol(Symbol)` and `divide(Dim, Dim)` give what stands
// for these.
template <class OnSymbol, class OnDivide>
Sum walk(const Dim& d, const OnSymbol& symbol, const OnDivide& divide);

Sum terms(const Dim& d) {
  return walk(
      d, [](const Symbol& s) { return Sum{{1, {Dim::symbol(s.name, s.range)}}}; },
      [](const Dim& a, const Dim& b) { return Sum{{1, {a / b}}}; });
}

template <class OnSymbol, class OnDivide>
Sum walk(const Dim& d, const OnSymbol& symbol, const OnDivide& divide) {
  std::vector<Symbol> symbols;
  collect_symbols(d, symbols);
  std::vector<std::int64_t> words;
  d.append_words(words, symbols);
  std::vector<Sum> stack;
  const auto pop = [&] {
    Sum s = std::move(stack.back());
    stack.pop_back();
    return s;
  };
  const auto atom = [](Dim v) {
    return v.is_constant() ? Sum{{v.constant(), {}}} : Sum{{1, {std::move(v)}}};
  };
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto op = static_cast<DimOp>(words[i]);
    if (op == DimOp::kConstant) {
      stack.push_back({{words[++i], {}}});
      continue;
    }
    if (op == DimOp::kSymbol) {
      stack.push_back(symbol(symbols[static_cast<std::size_t>(words[++i])]));
      continue;
    }
    const Sum c = op == DimOp::kSelect ? pop() : Sum{};
    const Sum b = pop();
    Sum a = pop();
    switch (op) {
      case DimOp::kAdd: a.insert(a.end(), b.begin(), b.end()), stack.push_back(std::move(a)); break;
      case DimOp::kMultiply: stack.push_back(product(a, b)); break;
      case DimOp::kFloorDiv: stack.push_back(divide(value(a), value(b))); break;
      case DimOp::kMin: stack.push_back(atom(min(value(a), value(b)))); break;
      case DimOp::kMax: stack.push_back(atom(max(value(a), value(b)))); break;
      case DimOp::kEqual: stack.push_back(atom(equal(value(a), value(b)))); break;
      case DimOp::kLess: stack.push_back(atom(less(value(a), value(b)))); break;
      default: stack.push_back(atom(select(value(a), value(b), value(c)))); break;
    }
  }
  check(stack.size() == 1, "a dim leaves one value");
  return pop();
}

std::optional<Term> divided(const Term& t, const Term& by) {
  if (by.coefficient == 0 || t.coefficient % by.coefficient != 0) return std::nullopt;
  Term out{t.coefficient / by.coefficient, t.factors};
  for (const Dim& f : by.factors) {
    const auto at =
        std::find_if(out.factors.begin(), out.factors.end(), [&](const Dim& x) { return identical(x, f); });
    if (at == out.factors.end()) return std::nullopt;
    out.factors.erase(at);
  }
  return out;
}

// Numerator and divisor of a dim that is one floor quotient.
std::optional<std::pair<Dim, Dim>> quotient_parts(const Dim& d) {
  std::optional<std::pair<Dim, Dim>> last;
  std::size_t count = 0;
  const Sum s = walk(
      d, [](const Symbol& x) { return Sum{{1, {Dim::symbol(x.name, x.range)}}}; },
      [&](const Dim& a, const Dim& b) {
        ++count, last = {a, b};
        return Sum{{1, {a / b}}};
      });
  const bool one = s.size() == 1 && s[0].coefficient == 1 && s[0].factors.size() == 1 && count > 0;
  return one && identical(last->first / last->second, d) ? last : std::nullopt;
}

bool never_negative(const Term& t) {
  return t.coefficient >= 0 &&
         std::all_of(t.factors.begin(), t.factors.end(), [](const Dim& f) { return f.bounds().min >= 0; });
}

// u - v*(u // v) inside a sum: taken out, and what it is at most is given back.
std::optional<Dim> take_remainder(Sum& s, std::size_t negative) {
  const Term t = s[negative];
  for (std::size_t n = 0; n < t.factors.size(); ++n) {
    const auto parts = quotient_parts(t.factors[n]);
    if (!parts) continue;
    const Sum v = terms(parts->second);
    if (v.size() != 1) continue;
    Term others{-t.coefficient, t.factors};
    others.factors.erase(others.factors.begin() + static_cast<std::ptrdiff_t>(n));
    const auto scale = divided(others, v[0]);
    if (!scale || !never_negative(*scale)) continue;
    Sum rest = s;
    rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(negative));
    bool whole = true;
    for (const Term& u : product({*scale}, terms(parts->first))) {
      const auto at = std::find_if(rest.begin(), rest.end(), [&](const Term& x) {
        return same_factors(x, u) && x.coefficient >= u.coefficient;
      });
      if (at == rest.end()) {
        whole = false;
        break;
      }
      at->coefficient -= u.coefficient;
    }
    if (!whole) continue;
    std::erase_if(rest, [](const Term& x) { return x.coefficient == 0; });
    s = std::move(rest);
    return value(*scale) * (parts->second - 1);
  }
  return std::nullopt;
}

// A value the sum never exceeds over the space, or nothing where it may be negative or is not known to grow
// with its axes.
std::optional<Dim> largest(Sum s, const Shape& space) {
  Dim most = 0;
  for (std::size_t n = 0; n < s.size();) {
    if (s[n].coefficient >= 0) {
      ++n;
      continue;
    }
    const auto bound = take_remainder(s, n);
    if (!bound) return std::nullopt;
    most = most + *bound, n = 0;
  }
  bool grows = true;
  const auto last_of = [&](const Symbol& x) {
    const auto a = axis_of(x.name);
    return a && *a < space.size() ? terms(space[*a] - 1) : Sum{{1, {Dim::symbol(x.name, x.range)}}};
  };
  for (const Term& t : s) {
    if (!never_negative(t)) return std::nullopt;
    for (const Dim& f : t.factors) {
      const auto parts = mentions_axes(f) ? quotient_parts(f) : std::nullopt;
      if (!parts) continue;
      for (const Term& u : terms(parts->first)) grows &= never_negative(u);
      grows &= !mentions_axes(parts->second);
    }
    most = most + value(walk(value(t), last_of, [](const Dim& a, const Dim& b) { return terms(a / b); }));
  }
  return grows ? std::optional(most) : std::nullopt;
}

struct Divided {
  Dim quotient, remainder;
};
Divided divide(const Dim& a, const Dim& b, const Shape& space) {
  const Sum by = terms(b);
  if (by.size() == 1) {
    Sum whole, rest;
    for (const Term& t : terms(a)) {
      if (const auto q = divided(t, by[0]))
        whole.push_back(*q);
      else
        rest.push_back(t);
    }
    const auto most = largest(rest, space);
    const Dim r = value(rest);
    if (most && known_less(*most, b) == Known::kYes) return {value(whole), r};
    const Dim q = rest.empty() ? Dim(0) : r / b;
    return {value(whole) + q, r - b * q};
  }
  const Dim q = a / b;
  return {q, a - b * q};
}
}  // namespace

bool mentions_axes(const Dim& d) {
  std::vector<Symbol> symbols;
  collect_symbols(d, symbols);
  return std::any_of(symbols.begin(), symbols.end(),
                     [](const Symbol& s) { return axis_of(s.name).has_value(); });
}

bool stays_below(const Dim& offset, const Shape& space, const Dim& count) {
  const auto most = largest(terms(offset), space);
  return most && known_less(*most, count) == Known::kYes;
}

Shape row_major_strides(const Shape& extents) {
  Shape s(extents.size(), Dim(1));
  for (std::size_t a = extents.size(); a-- > 1;) s[a - 1] = s[a] * extents[a];
  return s;
}
Dim row_major(const Shape& extents) {
  const Shape s = row_major_strides(extents);
  Dim d = 0;
  for (std::size_t a = 0; a < s.size(); ++a)
    if (!identical(extents[a], 1)) d = d + kernel::axis(static_cast<int>(a)) * s[a];
  return d;
}
bool is_row_major(const Dim& offset, const Shape& extents) { return identical(offset, row_major(extents)); }

std::vector<Dim> coordinates(const Dim& offset, const Shape& tensor, const Shape& space) {
  std::vector<Dim> out(tensor.size(), Dim(0));
  const Shape strides = row_major_strides(tensor);
  Dim rest = offset;
  std::size_t first = 0;
  while (first < tensor.size() && identical(tensor[first], 1)) ++first;
  for (std::size_t a = first; a < tensor.size(); ++a) {
    if (identical(tensor[a], 1)) continue;
    const Divided d = identical(strides[a], 1) ? Divided{rest, 0} : divide(rest, strides[a], space);
    out[a] = d.quotient, rest = d.remainder;
  }
  return out;
}

Dim move_offset(const Dim& offset, std::span<const Dim> coordinates, const Shape& space) {
  const auto symbol = [&](const Symbol& s) {
    const auto a = axis_of(s.name);
    if (!a) return Sum{{1, {Dim::symbol(s.name, s.range)}}};
    check(*a < coordinates.size(), "an offset is over the axes of its space");
    return terms(coordinates[*a]);
  };
  return value(
      walk(offset, symbol, [&](const Dim& a, const Dim& b) { return terms(divide(a, b, space).quotient); }));
}

std::optional<Affine> affine(const Dim& offset, std::size_t rank) {
  Affine out{0, std::vector<Dim>(rank, Dim(0))};
  for (const Term& t : terms(offset)) {
    std::optional<std::size_t> axis;
    Term others{t.coefficient, {}};
    for (const Dim& f : t.factors) {
      std::size_t a = 0;
      while (a < rank && !identical(f, kernel::axis(static_cast<int>(a)))) ++a;
      if (a == rank) {
        others.factors.push_back(f);
        continue;
      }
      if (axis) return std::nullopt;
      axis = a;
    }
    const Dim v = value(others);
    if (mentions_axes(v)) return std::nullopt;
    if (axis)
      out.strides[*axis] = out.strides[*axis] + v;
    else
      out.start = out.start + v;
  }
  return out;
}

}  // namespace intarsia::schedule
