// The inside of a Dim: sums of products of atoms. For base/dim*.cpp alone.
#pragma once
#include <atomic>
#include <memory>
#include <vector>

#include "base/dim.h"

namespace intarsia::detail {

constexpr std::int64_t kLow = std::numeric_limits<std::int64_t>::min();  // as an end of an interval: no bound
constexpr std::int64_t kHigh = std::numeric_limits<std::int64_t>::max();

// What a sum is made of: a symbol, a // b, max(a, b) or select(a, b, c). Every other operator is spelled with
// these.
struct Atom {
  DimOp op;
  Symbol symbol = {};
  Dim a = {}, b = {}, c = {};
  Interval bounds{kLow, kHigh};
  std::int64_t multiple = 1;
  std::uint64_t hash = 0;
  std::size_t depth = 1;
  bool total = true;  // has a value whatever the symbols are; a fold may only drop what is total
};
using AtomRef = std::shared_ptr<const Atom>;

struct Term {
  std::int64_t coefficient;      // 0 only where a factor is not total: the term stays for its error
  std::vector<AtomRef> factors;  // sorted
};

struct Sum {
  std::int64_t constant = 0;
  std::vector<Term> terms = {};  // sorted by factors
};

struct Expr {
  mutable std::atomic<std::uint32_t> references{1};
  Sum sum;  // at least one term
  Interval bounds{kLow, kHigh};
  std::int64_t multiple = 1;
  std::uint64_t hash = 0;
  std::size_t depth = 0;
  bool total = true;

  static Dim wrap(const Expr* e) {
    Dim d;
    d.expr_ = e;
    return d;
  }
};

Sum open(const Dim& d);
Dim close(Sum sum);
Dim from_atom(Atom atom);
bool is_total(const Dim& d);
bool is_total(const std::vector<AtomRef>& factors);
Sum add_scaled(const Sum& x, const Sum& y, std::int64_t scale);  // x + scale * y

// Arithmetic on int64 that throws UserError instead of wrapping.
std::int64_t checked_add(std::int64_t a, std::int64_t b);
std::int64_t checked_multiply(std::int64_t a, std::int64_t b);
std::int64_t checked_floor_div(std::int64_t a, std::int64_t b);
std::int64_t common_divisor(std::int64_t a, std::int64_t b);

// Arithmetic on intervals, whose ends saturate: kLow and kHigh mean "no bound".
Interval add(Interval a, Interval b);
Interval multiply(Interval a, Interval b);
Interval divide(Interval a, Interval b);
int compare_factors(const std::vector<AtomRef>& x, const std::vector<AtomRef>& y);
Dim apply(DimOp op, const Dim& a, const Dim& b,
          const Dim& c);  // by its number; UserError for one that is no operator

// The value of an operator on numbers: true if there is none (division by zero, 64-bit overflow).
bool compute(DimOp op, std::int64_t a, std::int64_t b, std::int64_t c, std::int64_t& result);

// Calls emit.constant, emit.symbol and emit.op in postfix order.
template <class Emit>
void walk(const Dim& d, Emit& emit) {
  if (d.is_constant()) return emit.constant(d.constant());
  const Sum& sum = d.expr()->sum;
  bool first = true;
  for (const Term& t : sum.terms) {
    for (std::size_t i = 0; i < t.factors.size(); ++i) {
      const Atom& f = *t.factors[i];
      if (f.op == DimOp::kSymbol) {
        emit.symbol(f.symbol);
      } else {
        walk(f.a, emit), walk(f.b, emit);
        if (f.op == DimOp::kSelect) walk(f.c, emit);
        emit.op(f.op);
      }
      if (i > 0) emit.op(DimOp::kMultiply);
    }
    if (t.coefficient != 1) emit.constant(t.coefficient), emit.op(DimOp::kMultiply);
    if (!first) emit.op(DimOp::kAdd);
    first = false;
  }
  if (sum.constant != 0) emit.constant(sum.constant), emit.op(DimOp::kAdd);
}

}  // namespace intarsia::detail
