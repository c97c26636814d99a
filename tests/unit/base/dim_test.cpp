#include "base/dim.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace intarsia {
namespace {

TEST(Dim, BranchingOnTheUnknownIsAnErrorThatSuggestsSelect) {
  const Dim n = Dim::symbol("n");
  EXPECT_TRUE(n + 1 == 1 + n);
  EXPECT_TRUE(n < n + 1);
  try {
    (void)(n == 3);
    FAIL() << "branching on an unknown extent must be refused";
  } catch (const UserError& e) {
    EXPECT_STREQ(e.what(), "whether n == 3 is not known here: use select(condition, a, b), or a guard");
  }
}

TEST(Guard, ReadsAsASentence) {
  const Dim n = Dim::symbol("n");
  const Guard g = {{n, Condition::Relation::kLessEqual, 4096}, {n % 16, Condition::Relation::kEqual, 0}};
  EXPECT_EQ(g.str(), "n <= 4096 and n - 16*(n // 16) == 0");
  EXPECT_EQ(Guard{}.str(), "always");
}

}  // namespace
}  // namespace intarsia
