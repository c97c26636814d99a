// Dims as text for people, and as postfix text and words for IR, the C ABI and engine files.
#include <algorithm>
#include <charconv>

#include "base/dim_expr.h"
#include "base/error.h"

namespace intarsia {
namespace {

using detail::add_scaled, detail::Atom, detail::close, detail::kLow, detail::open, detail::Sum, detail::Term;

constexpr std::string_view kOperatorText[] = {"", "", "+", "*", "//", "min", "max", "==", "<", "?"};
constexpr std::int64_t kLastOperator = static_cast<std::int64_t>(DimOp::kSelect);

// ---- for people
// ----------------------------------------------------------------------------------------------------

std::string infix(const Dim& d, bool nested);

bool leads_negative(const Dim& d) {
  if (d.is_constant()) return d.constant() < 0;
  return d.expr()->sum.terms[0].coefficient < 0;
}

// max(x, y) or, where its negation reads better, -min(-x, -y); sign is that of the term it stands in.
std::string extremum(const Atom& a, bool negated) {
  const char* name = negated ? "min(" : "max(";
  const auto one = [&](const Dim& d) { return infix(negated ? -d : d, false); };
  const bool swap = a.a.is_constant();  // constants stand first in the normal form and read better last
  return name + one(swap ? a.b : a.a) + ", " + one(swap ? a.a : a.b) + ")";
}
bool reads_as_min(const Atom& a, std::int64_t coefficient) {
  return coefficient < 0 && coefficient != kLow && (leads_negative(a.a) || leads_negative(a.b));
}
// -((-a) // b) is cdiv(a, b).
bool reads_as_cdiv(const Atom& a, std::int64_t coefficient) {
  return coefficient < 0 && coefficient != kLow && leads_negative(a.a) && !a.b.is_constant();
}

std::string atom_text(const Atom& a) {
  switch (a.op) {
    case DimOp::kSymbol: return a.symbol.name;
    case DimOp::kMax: return extremum(a, false);
    case DimOp::kSelect:
      return "select(" + infix(a.a, false) + ", " + infix(a.b, false) + ", " + infix(a.c, false) + ")";
    default: return "(" + infix(a.a, true) + " // " + infix(a.b, true) + ")";
  }
}

std::string term_text(const Term& t, std::int64_t& sign) {
  std::int64_t k = t.coefficient;
  std::string s;
  if (t.factors.size() == 1 && t.factors[0]->op == DimOp::kMax && reads_as_min(*t.factors[0], k)) {
    s = extremum(*t.factors[0], true), k = -k;
  } else if (t.factors.size() == 1 && t.factors[0]->op == DimOp::kFloorDiv &&
             reads_as_cdiv(*t.factors[0], k)) {
    s = "cdiv(" + infix(-t.factors[0]->a, false) + ", " + infix(t.factors[0]->b, false) + ")", k = -k;
  } else {
    for (std::size_t i = 0; i < t.factors.size(); ++i) s += (i ? "*" : "") + atom_text(*t.factors[i]);
  }
  sign = k < 0 && k != kLow ? -1 : 1;
  if (k * sign != 1) s = std::to_string(k * sign) + "*" + s;
  return s;
}

// k*a - k*b*(a // b) reads k*(a % b). Takes the parts out of the sum.
bool take_remainder(Sum& s, std::string& text, std::int64_t& sign) {
  for (const Term& t : s.terms) {
    const auto& f = t.factors;
    const auto at = std::find_if(f.begin(), f.end(), [](const auto& x) { return x->op == DimOp::kFloorDiv; });
    if (at == f.end() || t.coefficient == 0) continue;
    const Dim a = (*at)->a, b = (*at)->b;
    if (a.is_constant()) continue;
    const std::int64_t lead = open(a).terms[0].coefficient;
    const auto mine = std::find_if(s.terms.begin(), s.terms.end(), [&](const Term& x) {
      return detail::compare_factors(x.factors, open(a).terms[0].factors) == 0;
    });
    if (mine == s.terms.end() || lead == 0 || mine->coefficient % lead != 0) continue;
    const std::int64_t k = mine->coefficient / lead;
    const Sum rest = add_scaled(s, open(a % b), -k);
    if (k == 0 || k == kLow || rest.terms.size() >= s.terms.size()) continue;
    const std::vector<detail::AtomRef> quotient = f;  // its error is said by the remainder
    s = rest;
    std::erase_if(s.terms, [&](const Term& x) {
      return x.coefficient == 0 && detail::compare_factors(x.factors, quotient) == 0;
    });
    sign = k < 0 ? -1 : 1;
    text = (k * sign == 1 ? "" : std::to_string(k * sign) + "*") + "(" + infix(a, true) + " % " +
           infix(b, true) + ")";
    return true;
  }
  return false;
}

std::string infix(const Dim& d, bool nested) {
  if (d.is_constant()) return std::to_string(d.constant());
  Sum s = d.expr()->sum;
  std::string out, text;
  std::int64_t sign = 1;
  int parts = 0;
  const auto join = [&] {
    out += parts++ ? (sign < 0 ? " - " : " + ") + text : (sign < 0 ? "-" : "") + text;
  };
  while (take_remainder(s, text, sign)) join();
  for (const Term& t : s.terms) text = term_text(t, sign), join();
  if (s.constant != 0 || parts == 0) {
    sign = s.constant < 0 && s.constant != kLow ? -1 : 1;
    text = std::to_string(s.constant * sign), join();
  }
  return nested && parts > 1 ? "(" + out + ")" : out;
}

// ---- postfix
// -------------------------------------------------------------------------------------------------------

struct TextEmit {
  std::string out;
  void word(std::string_view w) { out.append(out.empty() ? "" : " ").append(w); }
  void constant(std::int64_t v) { word(std::to_string(v)); }
  void symbol(const Symbol& s) { word(s.name); }
  void op(DimOp o) { word(kOperatorText[static_cast<int>(o)]); }
};

struct WordEmit {
  std::vector<std::int64_t>& out;
  std::span<const Symbol> symbols;
  void constant(std::int64_t v) {
    out.push_back(static_cast<std::int64_t>(DimOp::kConstant)), out.push_back(v);
  }
  void symbol(const Symbol& s) {
    const auto at =
        std::find_if(symbols.begin(), symbols.end(), [&](const Symbol& x) { return x.name == s.name; });
    if (at == symbols.end()) throw UserError("dimension " + s.name + " is not declared here");
    out.push_back(static_cast<std::int64_t>(DimOp::kSymbol)), out.push_back(at - symbols.begin());
  }
  void op(DimOp o) { out.push_back(static_cast<std::int64_t>(o)); }
};

struct Stack {
  static constexpr std::size_t kMaxValues = 4096;
  std::vector<Dim> values;

  void push(Dim d) {
    if (values.size() == kMaxValues)
      throw UserError("malformed extent program: too many values wait for an operator");
    values.push_back(std::move(d));
  }
  Dim pop() {
    if (values.empty()) throw UserError("malformed extent program: an operator lacks operands");
    Dim d = std::move(values.back());
    values.pop_back();
    return d;
  }
  void apply(DimOp op) {
    const Dim c = op == DimOp::kSelect ? pop() : Dim();
    const Dim b = pop(), a = pop();
    push(detail::apply(op, a, b, c));
  }
  Dim result() {
    if (values.size() != 1) throw UserError("malformed extent program: it must leave one value");
    return std::move(values[0]);
  }
};

}  // namespace

namespace {
bool wrapped(std::string_view s) {  // one pair of parentheses around all of it
  if (s.size() < 2 || s.front() != '(') return false;
  int depth = 0;
  for (std::size_t i = 0; i + 1 < s.size(); ++i) {
    depth += s[i] == '(' ? 1 : s[i] == ')' ? -1 : 0;
    if (depth == 0) return false;
  }
  return true;
}
}  // namespace

std::string Dim::str() const {
  const std::string s = infix(*this, false);
  return wrapped(s) ? s.substr(1, s.size() - 2) : s;
}

std::string Dim::postfix() const {
  TextEmit e;
  detail::walk(*this, e);
  return e.out;
}

void Dim::append_words(std::vector<std::int64_t>& out, std::span<const Symbol> symbols) const {
  WordEmit e{out, symbols};
  detail::walk(*this, e);
}

Dim Dim::parse_postfix(std::string_view text, std::span<const Symbol> symbols) {
  Stack stack;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    std::int64_t value = 0;
    const auto [end, bad] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (bad == std::errc() && end == word.data() + word.size()) {
      stack.push(value);
      continue;
    }
    const auto op = std::find(std::begin(kOperatorText) + 2, std::end(kOperatorText), word);
    if (op != std::end(kOperatorText)) {
      stack.apply(static_cast<DimOp>(op - kOperatorText));
      continue;
    }
    const auto s =
        std::find_if(symbols.begin(), symbols.end(), [&](const Symbol& x) { return x.name == word; });
    if (s == symbols.end())
      throw UserError("'" + std::string(word) +
                      "' is neither a number, an operator nor a declared dimension");
    stack.push(symbol(s->name, s->range));
  }
  return stack.result();
}

Dim Dim::from_words(std::span<const std::int64_t> words, std::span<const Symbol> symbols) {
  Stack stack;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] < 0 || words[i] > kLastOperator)
      throw UserError("malformed extent program: unknown operator");
    const auto op = static_cast<DimOp>(words[i]);
    if (op != DimOp::kConstant && op != DimOp::kSymbol) {
      stack.apply(op);
      continue;
    }
    if (i + 1 == words.size()) throw UserError("malformed extent program: it ends early");
    const std::int64_t v = words[++i];
    if (op == DimOp::kConstant) {
      stack.push(v);
      continue;
    }
    if (v < 0 || v >= static_cast<std::int64_t>(symbols.size()))
      throw UserError("malformed extent program: no dimension " + std::to_string(v));
    const Symbol& s = symbols[static_cast<std::size_t>(v)];
    stack.push(symbol(s.name, s.range));
  }
  return stack.result();
}

}  // namespace intarsia
