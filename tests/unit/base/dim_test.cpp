#include "base/dim.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace intarsia {
namespace {

std::string message(const auto& action) {
  try {
    action();
  } catch (const UserError& e) { return e.what(); }
  return "no error";
}

std::int64_t value(const Dim& d, std::vector<std::pair<Symbol, std::int64_t>> at) {
  std::vector<Symbol> symbols;
  for (const auto& [s, v] : at) symbols.push_back(s);
  const DimProgram program(std::span(&d, 1), symbols);
  std::vector<std::int64_t> slots = program.make_slots();
  for (std::size_t i = 0; i < at.size(); ++i) slots[i] = at[i].second;
  program.evaluate(slots);
  return program.value(0, slots);
}

class Dims : public testing::Test {
 protected:
  Dim n = Dim::symbol("n"), m = Dim::symbol("m"), k = Dim::symbol("k", {.min = 1});
  Dim a = Dim::symbol("a", {.min = 0, .max = 4096, .multiple = 16});
  Symbol sn{"n", {}}, sm{"m", {}}, sk{"k", {.min = 1}};
};

TEST_F(Dims, EqualValuesHaveOneForm) {
  EXPECT_TRUE(identical(2 * n, n + n));
  EXPECT_TRUE(identical((n + m) * (n - m), n * n - m * m));
  EXPECT_TRUE(identical(cdiv(n, 256), (n + 255) / 256));
  EXPECT_TRUE(identical((n + 512) / 256, n / 256 + 2));
  EXPECT_TRUE(identical((2 * n + 4) / 8, (n + 2) / 4));
  EXPECT_TRUE(identical(n / 4 / 8, n / 32));
  EXPECT_TRUE(identical(m * k / k, m));
  EXPECT_TRUE(identical((n + k * m) / k, n / k + m));
  EXPECT_TRUE(identical(n / m / k, n / (m * k)));
  EXPECT_TRUE(identical(min(n, m), min(m, n)));
  EXPECT_TRUE(identical(a / 16 * 16, a));
  EXPECT_TRUE(identical(align_up(a, 16), a));
}

TEST_F(Dims, ErrorsAreNeverFoldedAway) {
  const Dim quotient = n / m;
  EXPECT_FALSE((quotient - quotient).is_constant());
  EXPECT_FALSE((0 * quotient).is_constant());
  EXPECT_FALSE(identical(n * m / m, n));
  EXPECT_EQ(message([&] { value(0 * quotient, {{sn, 3}, {sm, 0}}); }),
            "0*(n // m) has no value (division by zero or 64-bit overflow) for n = 3, m = 0");
  EXPECT_EQ(value(n * m / m, {{sn, 3}, {sm, 2}}), 3);
  EXPECT_EQ(message([&] { n / 0; }), "division of n by zero");
  EXPECT_EQ(message([&] { cdiv(n, 0); }), "division of n by zero");
  EXPECT_EQ(message([&] { cdiv(7, 0); }), "division of 7 by zero");
}

TEST_F(Dims, SelectForgivesAnErrorInTheValueNotTaken) {
  const Dim safe = select(m, n / m, -1);
  EXPECT_EQ(value(safe, {{sn, 9}, {sm, 2}}), 4);
  EXPECT_EQ(value(safe, {{sn, 9}, {sm, 0}}), -1);
}

TEST_F(Dims, DivisionRoundsTowardsMinusInfinity) {
  EXPECT_EQ((Dim(-7) / 2).constant(), -4);
  EXPECT_EQ((Dim(-7) % 2).constant(), 1);
  EXPECT_EQ((Dim(7) % -2).constant(), -1);
  EXPECT_EQ(cdiv(-7, 2).constant(), -3);
  EXPECT_EQ(value((-n) / 2, {{sn, 7}}), -4);
  EXPECT_EQ(value(n % -4, {{sn, 7}}), -1);
}

TEST_F(Dims, OverflowIsAnErrorAndNeverWraps) {
  const Dim big = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(message([&] { big + 1; }), "a sum of extents does not fit 64 bits");
  EXPECT_EQ(message([&] { big * 2; }), "a product of extents does not fit 64 bits");
  EXPECT_EQ(message([&] { Dim(std::numeric_limits<std::int64_t>::min()) / -1; }),
            "a quotient of extents does not fit 64 bits");
  EXPECT_EQ(message([&] { value(n * n, {{sn, 1ll << 40}}); }),
            "n*n has no value (division by zero or 64-bit overflow) for n = 1099511627776");
}

TEST_F(Dims, BoundsAndDivisorsFollow) {
  const Dim d = Dim::symbol("d", {.min = 3, .max = 10});
  EXPECT_EQ((2 * d - 1).bounds().min, 5);
  EXPECT_EQ((2 * d - 1).bounds().max, 19);
  EXPECT_EQ((n % 8).bounds().max, 7);
  EXPECT_EQ((n % 8).bounds().min, 0);
  EXPECT_EQ(align_up(n, 256).multiple(), 256);
  EXPECT_EQ((a + 8).multiple(), 8);
  EXPECT_TRUE((d / 16).is_constant());
  EXPECT_EQ(less(d, 11).constant(), 1);
  EXPECT_EQ(equal(2 * n, 3).constant(), 0);
}

TEST_F(Dims, KnownAnswersAndUnknownOnes) {
  EXPECT_EQ(known_equal(n + 1, n), Known::kNo);
  EXPECT_EQ(known_equal(n, m), Known::kUnknown);
  EXPECT_EQ(known_less(n, n + 1), Known::kYes);
  EXPECT_EQ(known_less(a, 4097), Known::kYes);
  EXPECT_EQ(known_equal(2 * n, 5), Known::kNo);
}

TEST_F(Dims, BranchingOnTheUnknownIsAnErrorThatSuggestsSelect) {
  EXPECT_TRUE(n + 1 == 1 + n);
  EXPECT_TRUE(n < n + 1);
  EXPECT_EQ(message([&] { (void)(n == 3); }),
            "whether n == 3 is not known here: use select(condition, a, b), or a guard");
  EXPECT_EQ(message([&] { (void)n.constant(); }),
            "the value of n is not known here: use select(condition, a, b), or a guard");
}

TEST_F(Dims, OneNameWithTwoRangesIsAnErrorWhereTheyMeet) {
  const Dim other = Dim::symbol("n", {.min = 1});
  EXPECT_FALSE(identical(n, other));
  EXPECT_EQ(message([&] { n + other; }), "dimension n has two ranges: one name stands for one extent");
  EXPECT_TRUE(identical(n, Dim::symbol("n", {.opt = 512})));
}

TEST_F(Dims, ReadsAsAPersonWouldWriteIt) {
  EXPECT_EQ(cdiv(n, 256).str(), "(n + 255) // 256");
  EXPECT_EQ((n % 16).str(), "n % 16");
  EXPECT_EQ((3 * (n % 16) + m).str(), "3*(n % 16) + m");
  EXPECT_EQ(min(n, 5).str(), "min(n, 5)");
  EXPECT_EQ(max(n - m, 0).str(), "max(-m + n, 0)");
  EXPECT_EQ(cdiv(n, m).str(), "cdiv(n, m)");
  EXPECT_EQ((1 - n).str(), "-n + 1");
  EXPECT_EQ(select(m, n, 0).str(), "select(m, n, 0)");
  EXPECT_EQ((Shape{2, n, 4 * m}).str(), "[2, n, 4*m]");
}

TEST_F(Dims, BadNamesRangesAndHugeExpressionsAreRefused) {
  EXPECT_EQ(message([] { Dim::symbol("2n"); }), "'2n' is not a name for a dimension");
  EXPECT_EQ(message([] { Dim::symbol("n", {.min = 5, .max = 4}); }),
            "dimension n has an empty range: min 5, max 4");
  EXPECT_EQ(message([&] {
              Dim deep = n;
              for (int i = 0; i < 100; ++i) deep = max(deep, m + i) / (n + 1);
            }),
            "an extent expression is nested deeper than 64");
  EXPECT_EQ(message([&] {
              Dim wide = 0;
              for (int i = 0; i < 200; ++i) wide = wide + Dim::symbol("x" + std::to_string(i));
            }),
            "an extent expression has more than 128 terms");
  EXPECT_EQ(message([&] {
              Dim high = n;
              for (int i = 0; i < 20; ++i) high = high * n;
            }),
            "an extent expression multiplies more than 16 factors");
}

TEST_F(Dims, MalformedTextAndWordsAreRefused) {
  const Symbol symbols[] = {sn};
  const auto words = [&](std::vector<std::int64_t> w) {
    return message([&] { Dim::from_words(w, symbols); });
  };
  EXPECT_EQ(message([&] { Dim::parse_postfix("n m +", symbols); }),
            "'m' is neither a number, an operator nor a declared dimension");
  EXPECT_EQ(message([&] { Dim::parse_postfix("n +", symbols); }),
            "malformed extent program: an operator lacks operands");
  EXPECT_EQ(message([&] { Dim::parse_postfix("n n", symbols); }),
            "malformed extent program: it must leave one value");
  EXPECT_EQ(words({1, 4}), "malformed extent program: no dimension 4");
  EXPECT_EQ(words({99}), "malformed extent program: unknown operator");
  EXPECT_EQ(words({0}), "malformed extent program: it ends early");
}

TEST_F(Dims, SubstitutionNormalisesAgain) {
  const Symbol from[] = {sn, sm};
  const Dim to[] = {16 * k, Dim(4)};
  EXPECT_TRUE(identical(substitute(n / 16 + m, from, to), k + 4));
}

TEST(Guard, ReadsAsASentence) {
  const Dim n = Dim::symbol("n");
  const Guard g = {{n, Condition::Relation::kLessEqual, 4096}, {n % 16, Condition::Relation::kEqual, 0}};
  EXPECT_EQ(g.str(), "n <= 4096 and n % 16 == 0");
  EXPECT_EQ(Guard{}.str(), "always");
  EXPECT_EQ(known(g), Known::kUnknown);
  EXPECT_EQ(known(Guard{{n, Condition::Relation::kLess, n}}), Known::kNo);
  EXPECT_EQ(known(Guard{{n, Condition::Relation::kNotEqual, n + 1}}), Known::kYes);
}

}  // namespace
}  // namespace intarsia
