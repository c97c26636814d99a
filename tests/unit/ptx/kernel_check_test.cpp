// The broken kernels of tests/ptx/checks are caught at the thread and line the table names; the legal ones
// run clean.
#include <algorithm>

#include "../../ptx/checks/kernels.h"
#include "ptx/launch.h"
#include "support.h"

namespace intarsia::ptx {
namespace {

using check_kernels::Kernel;
const std::string kFolder = std::string(INTARSIA_SOURCE_DIR) + "/tests/ptx/checks";

// The line that carries the mark.
int marked_line(const std::string& text) {
  const std::size_t at = text.find("// <-");
  return at == std::string::npos
             ? 0
             : 1 + static_cast<int>(
                       std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n'));
}

LaunchResult launched(const Kernel& k, const std::string& text) {
  const Program program(parse(text, k.name + ".ptx"), "k");
  std::vector<std::uint32_t> p(check_kernels::kWords), q(check_kernels::kWords);
  for (std::uint32_t i = 0; i < p.size(); ++i) p[i] = i;
  const std::uint64_t places[] = {reinterpret_cast<std::uint64_t>(p.data()),
                                  reinterpret_cast<std::uint64_t>(q.data())};
  const std::vector<ArgumentValue> arguments{{&places[0], 8}, {&places[1], 8}};
  const std::vector<Buffer> buffers{{p.data(), 256, false, "p"}, {q.data(), 256, true, "q", k.set}};
  LaunchConfig config;
  config.grid = {k.grid, 1, 1};
  config.block = {k.block, 1, 1};
  config.shared_bytes = k.shared;
  config.buffers = buffers;
  config.max_steps = 1 << 20;
  return run(program, config, arguments);
}

class PtxKernelChecks : public testing::TestWithParam<Kernel> {};

TEST_P(PtxKernelChecks, IsReportedAsTheTableSays) {
  const Kernel& k = GetParam();
  if (k.report.starts_with("later:")) GTEST_SKIP() << "not checked yet";
  const std::string text = check_kernels::text_of(kFolder + "/" + k.name + ".ptx");
  if (k.report == "launch") {
    EXPECT_NE(test::error_of([&] { launched(k, text); }), "no error");
    return;
  }
  const LaunchResult result = launched(k, text);
  std::string all;
  for (const Report& r : result.reports) all += r.text() + "\n";
  if (k.report.empty()) {
    EXPECT_EQ(all, "");
    return;
  }
  std::string kind = k.report;
  std::replace(kind.begin(), kind.end(), '_', ' ');
  const bool told = std::any_of(result.reports.begin(), result.reports.end(), [&](const Report& r) {
    return name(r.kind) == kind && r.line == marked_line(text) && r.block[0] == k.at_block &&
           r.thread[0] == k.at_thread;
  });
  EXPECT_TRUE(told) << "wanted " << kind << " in line " << marked_line(text) << "; reports:\n" << all;
  for (const Report& r : result.reports) EXPECT_EQ(name(r.kind), kind) << r.text();
}

INSTANTIATE_TEST_SUITE_P(Kernels, PtxKernelChecks, testing::ValuesIn(check_kernels::kernels(kFolder)),
                         [](const auto& info) {
                           std::string name = info.param.name;
                           std::replace(name.begin(), name.end(), '/', '_');
                           return name;
                         });

}  // namespace
}  // namespace intarsia::ptx
