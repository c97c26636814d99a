// Errors show the user's line with a caret; the file of "the user" is written by the test.
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>

#include "error_text.h"
#include "intarsia/intarsia.h"

namespace intarsia {
namespace {

std::string add_these(const Tensor& x, const Tensor& y) {
  return error_of([&] {
  // clang-format off
#line 2 "intarsia_caret_test_user.cpp"
    Tensor z = x + y;
#line 19 "caret_test.cpp"
    // clang-format on
  });
}

// Where a compiler says that an operand of `    Tensor z = x + y;` stands: clang at the operand that was
// converted, g++ at the last token before the call, whichever was.
#ifdef __clang__
constexpr int kColumn = 16;
#else
constexpr int kColumn = 20;
#endif

TEST(Caret, StandsUnderTheOperand) {
  const Tensor x = iota({2, 2}), y = iota({3});
  const std::string place = "intarsia_caret_test_user.cpp:2:" + std::to_string(kColumn) + "\n";
  const std::string told =
      "add: shapes [2, 2] and [3] do not broadcast: extents 2 and 3 of axis -1 must be equal, or one of them "
      "1";
  std::remove("intarsia_caret_test_user.cpp");
  EXPECT_EQ(add_these(x, y), place + told);  // the file cannot be read
  std::ofstream("intarsia_caret_test_user.cpp") << "// a program\n    Tensor z = x + y;\n";
  EXPECT_EQ(add_these(x, y),
            place + "    Tensor z = x + y;\n" + std::string(kColumn - 1, ' ') + "^\n" + told);
  std::remove("intarsia_caret_test_user.cpp");
}

struct Notebook final : CallSite {
  std::string place() const override { return "cell 3"; }
  std::string show() const override { return "cell 3\n    x + y\n    ^\n"; }
};

TEST(Caret, AnotherFrontEndShowsItsOwn) {
  const Caller caller(std::make_shared<Notebook>());
  const Operand operands[] = {{iota({2}), caller}, {iota({3}), caller}};
  EXPECT_EQ(error_of([&] { apply("add", operands, {}, caller); }).substr(0, 36),
            "cell 3\n    x + y\n    ^\nadd: shapes [");
}

}  // namespace
}  // namespace intarsia
