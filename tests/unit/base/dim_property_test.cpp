// Random expressions held against 128-bit arithmetic on the expression as it was written.
#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <random>

#include "base/dim.h"
#include "base/error.h"

namespace intarsia {
namespace {

__extension__ using Wide = __int128;

// A value, or nothing where the expression has none. Divisions by zero are errors of the expression; an
// overflow is one of the result alone, because sums may cancel.
using Value = std::optional<Wide>;

struct Written {  // the expression as written: evaluated without any normal form
  std::function<Value(const std::vector<std::int64_t>&)> at;
  Dim dim;
  std::string text;
  bool overflowed = false;  // building it left 64 bits: nothing to compare
};

Wide floor_div(Wide a, Wide b) { return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0); }

class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_(seed) {
    constexpr Range kRanges[] = {
        {}, {.min = 1, .max = 9}, {.min = -20, .max = 30}, {.min = 0, .max = 512, .multiple = 8}};
    for (int i = 0; i < 4; ++i) symbols.push_back({"s" + std::to_string(i), kRanges[i]});
  }

  Written expression(int depth) {
    if (depth == 0 || random_() % 5 == 0) return leaf();
    const Written a = expression(depth - 1), b = expression(depth - 1);
    switch (random_() % 9) {
      case 0:
      case 1:
        return binary(
            "+", a, b, [](Wide x, Wide y) -> Value { return x + y; }, [](auto& x, auto& y) { return x + y; });
      case 2:
        return binary(
            "-", a, b, [](Wide x, Wide y) -> Value { return x - y; }, [](auto& x, auto& y) { return x - y; });
      case 3:
        return binary(
            "*", a, b, [](Wide x, Wide y) -> Value { return x * y; }, [](auto& x, auto& y) { return x * y; });
      case 4: return binary("//", a, b, divide, [](auto& x, auto& y) { return x / y; });
      case 5: return binary("%", a, b, remainder, [](auto& x, auto& y) { return x % y; });
      case 6:
        return binary(
            "min", a, b, [](Wide x, Wide y) -> Value { return std::min(x, y); },
            [](auto& x, auto& y) { return min(x, y); });
      case 7:
        return binary(
            "<", a, b, [](Wide x, Wide y) -> Value { return x < y; },
            [](auto& x, auto& y) { return less(x, y); });
      default: return select_of(leaf(), a, b);
    }
  }

  std::vector<std::int64_t> values() {
    std::vector<std::int64_t> v;
    for (const Symbol& s : symbols) {
      const std::int64_t high = std::min<std::int64_t>(s.range.max, 1000), low = s.range.min;
      const auto x = low + static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(high - low + 1));
      v.push_back(x - x % s.range.multiple);
    }
    return v;
  }

  std::vector<Symbol> symbols;

 private:
  static Value divide(Wide a, Wide b) { return b == 0 ? Value{} : floor_div(a, b); }
  static Value remainder(Wide a, Wide b) { return b == 0 ? Value{} : a - b * floor_div(a, b); }

  Written leaf() {
    if (random_() % 3 == 0) {
      const auto c = static_cast<std::int64_t>(random_() % 41) - 20;
      return {[c](const auto&) -> Value { return c; }, c, std::to_string(c)};
    }
    const std::size_t i = random_() % symbols.size();
    return {[i](const auto& v) -> Value { return v[i]; }, Dim::symbol(symbols[i].name, symbols[i].range),
            symbols[i].name};
  }

  template <class Plain, class Ours>
  static Written binary(const char* name, const Written& a, const Written& b, Plain plain, Ours ours) {
    Written w;
    w.text = a.text + " " + b.text + " " + name;
    w.at = [=](const auto& v) -> Value {
      const Value x = a.at(v), y = b.at(v);
      return x && y ? plain(*x, *y) : Value{};
    };
    w.overflowed = a.overflowed || b.overflowed;
    try {
      if (!w.overflowed) w.dim = ours(a.dim, b.dim);
    } catch (const UserError&) {  // too large, or a constant divided by zero
      w.overflowed = true;
    }
    return w;
  }

  static Written select_of(const Written& c, const Written& a, const Written& b) {
    Written w;
    w.text = c.text + " " + a.text + " " + b.text + " ?";
    w.at = [=](const auto& v) -> Value {
      const Value x = c.at(v);
      return x ? (*x != 0 ? a.at(v) : b.at(v)) : Value{};
    };
    w.overflowed = a.overflowed || b.overflowed || c.overflowed;
    try {
      if (!w.overflowed) w.dim = select(c.dim, a.dim, b.dim);
    } catch (const UserError&) { w.overflowed = true; }
    return w;
  }

  std::mt19937_64 random_;
};

void expect_facts(const Dim& d, std::int64_t value) {
  EXPECT_LE(d.bounds().min, value) << d.str();
  EXPECT_GE(d.bounds().max, value) << d.str();
  if (d.multiple() > 1) EXPECT_EQ(value % d.multiple(), 0) << d.str();
}

void expect_answers(const Dim& a, const Dim& b, std::int64_t x, std::int64_t y) {
  if (const Known k = known_equal(a, b); k != Known::kUnknown)
    EXPECT_EQ(k == Known::kYes, x == y) << a.str() << " | " << b.str();
  if (const Known k = known_less(a, b); k != Known::kUnknown)
    EXPECT_EQ(k == Known::kYes, x < y) << a.str() << " | " << b.str();
}

TEST(DimProperty, ValuesFactsAndTextAreThoseOfTheExpressionAsWritten) {
  Generator g(7);
  int compared = 0, errors = 0;
  for (int round = 0; round < 30000; ++round) {
    const Written a = g.expression(4), b = g.expression(2);
    if (a.overflowed || b.overflowed) continue;
    const Dim dims[] = {a.dim, b.dim};
    EXPECT_TRUE(identical(Dim::parse_postfix(a.dim.postfix(), g.symbols), a.dim)) << a.dim.postfix();
    std::vector<std::int64_t> words;
    a.dim.append_words(words, g.symbols);
    EXPECT_TRUE(identical(Dim::from_words(words, g.symbols), a.dim));
    for (int i = 0; i < 5; ++i) {
      const auto v = g.values();
      for (const auto* w : {&a, &b}) {
        const DimProgram program(std::span(&w->dim, 1), g.symbols);
        auto slots = program.make_slots();
        std::copy(v.begin(), v.end(), slots.begin());
        const Value want = w->at(v);
        try {
          program.evaluate(slots);
          ASSERT_TRUE(want) << w->text << " lost an error in " << w->dim.str();
          ASSERT_EQ(static_cast<std::int64_t>(*want), program.value(0, slots))
              << w->text << " became " << w->dim.str();
          expect_facts(w->dim, program.value(0, slots));
          ++compared;
        } catch (const UserError&) {
          constexpr Wide kComfortable = Wide(1) << 40;
          if (want && *want < kComfortable && *want > -kComfortable)
            EXPECT_NE(w->dim.str().find("*"), std::string::npos) << w->dim.str();
          ++errors;
        }
      }
      const Value x = a.at(v), y = b.at(v);
      constexpr Wide kLimit = Wide(1) << 62;
      if (x && y && *x < kLimit && *x > -kLimit && *y < kLimit && *y > -kLimit)
        expect_answers(a.dim, b.dim, static_cast<std::int64_t>(*x), static_cast<std::int64_t>(*y));
    }
  }
  EXPECT_GT(compared, 150000);
  EXPECT_GT(errors, 1000);
}

}  // namespace
}  // namespace intarsia
