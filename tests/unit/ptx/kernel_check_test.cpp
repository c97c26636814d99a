// The broken kernels of tests/ptx/checks are caught at the thread and line the table names; the legal ones
// run clean.
#include <fmt/format.h>

#include <algorithm>

#include "../../ptx/checks/interpret.h"
#include "conformance.h"
#include "support.h"

namespace intarsia::ptx {
namespace {

using check_kernels::Kernel;
const std::string kFolder = std::string(INTARSIA_SOURCE_DIR) + "/tests/ptx/checks";

class PtxKernelChecks : public testing::TestWithParam<Kernel> {};

void expect_report(const Kernel& k, const std::string& text) {
  if (k.report == "launch") {
    EXPECT_NE(test::error_of([&] { check_kernels::interpret(k, text); }), "no error");
    return;
  }
  const LaunchResult result = check_kernels::interpret(k, text);
  std::string all;
  for (const Report& r : result.reports) all += r.text() + "\n";
  if (k.report.empty()) {
    EXPECT_EQ(all, "");
    return;
  }
  std::string kind = k.report;
  std::replace(kind.begin(), kind.end(), '_', ' ');
  const bool told = std::any_of(result.reports.begin(), result.reports.end(), [&](const Report& r) {
    return name(r.kind) == kind && r.line == check_kernels::marked_line(text) && r.block[0] == k.at_block &&
           r.thread[0] == k.at_thread;
  });
  EXPECT_TRUE(told) << "wanted " << kind << " in line " << check_kernels::marked_line(text) << "; reports:\n"
                    << all;
  for (const Report& r : result.reports) EXPECT_EQ(name(r.kind), kind) << r.text();
}

TEST_P(PtxKernelChecks, IsReportedAsTheTableSays) {
  const Kernel& k = GetParam();
  const std::string text = check_kernels::text_of(kFolder + "/" + k.name + ".ptx");
  expect_report(k, text);
  expect_report(k, test::untyped(text));
}

// A check that is off must not leave to another what it would have noted.
TEST_P(PtxKernelChecks, ALegalKernelIsCleanWithOneCheckOff) {
  const Kernel& k = GetParam();
  if (k.name.starts_with("broken/")) return;
  const std::string text = check_kernels::text_of(kFolder + "/" + k.name + ".ptx");
  for (const std::string_view off : check_names())
    for (const Report& r :
         check_kernels::interpret(k, text, checks_named(fmt::format("all,-{}", off))).reports)
      ADD_FAILURE() << "without " << off << ": " << r.text();
}

INSTANTIATE_TEST_SUITE_P(Kernels, PtxKernelChecks, testing::ValuesIn(check_kernels::kernels(kFolder)),
                         [](const auto& info) {
                           std::string name = info.param.name;
                           std::replace(name.begin(), name.end(), '/', '_');
                           return name;
                         });

}  // namespace
}  // namespace intarsia::ptx
