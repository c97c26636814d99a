// Conditions and shapes: small things said about several Dims.
#include <algorithm>

#include "base/dim.h"
#include "base/error.h"

namespace intarsia {
namespace {
Known negate(Known k) { return k == Known::kUnknown ? k : k == Known::kYes ? Known::kNo : Known::kYes; }

// All of them: one "no" decides, one "unknown" leaves it open.
template <class Items, class Ask>
Known all_known(const Items& items, const Ask& ask) {
  Known all = Known::kYes;
  for (const auto& item : items) {
    const Known k = ask(item);
    if (k == Known::kNo) return k;
    if (k == Known::kUnknown) all = k;
  }
  return all;
}
}  // namespace

std::string Condition::str() const {
  static constexpr const char* kText[] = {" ? ", " == ", " != ", " < ", " <= "};
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
  return all_known(guard, [](const Condition& c) { return known(c); });
}

bool identical(const Condition& a, const Condition& b) {
  return a.relation == b.relation && identical(a.left, b.left) && identical(a.right, b.right);
}
bool identical(const Guard& a, const Guard& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const Condition& x, const Condition& y) { return identical(x, y); });
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
  std::vector<Condition> equalities;
  for (std::size_t i = 0; i < a.size(); ++i) equalities.push_back({a[i], Condition::Relation::kEqual, b[i]});
  return all_known(equalities, [](const Condition& c) { return known(c); });
}

}  // namespace intarsia
