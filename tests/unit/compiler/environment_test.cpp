#include "compiler/environment.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace intarsia::compiler {
namespace {

std::string error_of(const char* disable, const char* print) {
  try {
    options_from(disable, print);
  } catch (const UserError& error) { return error.what(); }
  return "no error";
}

TEST(Environment, NamesPassesAndStages) {
  EXPECT_TRUE(options_from(nullptr, nullptr).disabled.empty());
  EXPECT_FALSE(options_from(nullptr, "").observer);
  EXPECT_EQ(options_from("decompose,,fold_literals", nullptr).disabled,
            (std::set<std::string>{"decompose", "fold_literals"}));
  EXPECT_TRUE(options_from(nullptr, "schedule,decompose").observer);
  EXPECT_EQ(error_of("decomposed", nullptr)
                .find("INTARSIA_DISABLE: there is no pass 'decomposed'; there are decompose, "),
            0u);
  EXPECT_EQ(error_of(nullptr, "kernels").find("INTARSIA_PRINT: there is no stage 'kernels'"), 0u);
}

}  // namespace
}  // namespace intarsia::compiler
