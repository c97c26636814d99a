// Every row of the opcode table has a case in tests/ptx/conformance, in both dialects; what is near a form
// and not one is refused.
#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <set>

#include "conformance.h"
#include "ptx/opcodes.h"
#include "support.h"

namespace intarsia::ptx {
namespace {

namespace fs = std::filesystem;
using namespace test;

std::vector<fs::path> files(const std::string& extension) {
  std::vector<fs::path> out;
  for (const auto& entry :
       fs::directory_iterator(fs::path(INTARSIA_SOURCE_DIR) / "tests" / "ptx" / "conformance"))
    if (entry.path().extension() == extension && entry.path().stem() != "exceptions")
      out.push_back(entry.path());
  std::sort(out.begin(), out.end());
  return out;
}

constexpr Dialect kDialects[] = {Dialect::kTyped, Dialect::kUntyped};
const char* shown(Dialect d) { return d == Dialect::kTyped ? "typed" : "untyped"; }

class PtxTables : public testing::TestWithParam<fs::path> {};
class PtxKernels : public testing::TestWithParam<fs::path> {};

TEST_P(PtxTables, GiveWhatWasComputedWithoutThem) {
  const std::vector<TableCase> cases = read_table(GetParam());
  EXPECT_FALSE(cases.empty());
  for (const TableCase& c : cases)
    for (const Dialect dialect : kDialects) {
      std::string wrong;
      const std::string error = error_of([&] { wrong = failure_of(c, dialect); });
      if (error != "no error") wrong = error;
      EXPECT_EQ(wrong, "") << GetParam().filename().string() << ":" << c.line << " (" << shown(dialect)
                           << "): " << c.form;
    }
}

// A predicate where a number belongs, or the other way round.
TEST_P(PtxTables, RefuseAnOperandOfAnotherKind) {
  for (const TableCase& c : read_table(GetParam())) {
    const bool any = std::any_of(c.holes.begin(), c.holes.end(),
                                 [](const TableCase::Hole& h) { return h.role == 'i' || h.role == 'o'; });
    if (!any) continue;
    const std::string error =
        error_of([&] { Program(parse(kernel_of(c, Dialect::kTyped, true), "case"), "k"); });
    EXPECT_NE(error.find(fmt::format("case:{}: operand", kTemplateLine)), std::string::npos)
        << GetParam().filename().string() << ":" << c.line << ": " << c.form << "\n"
        << error;
  }
}

TEST_P(PtxKernels, WriteWhatTheirCommentsSay) {
  const KernelCase c = read_kernel(GetParam());
  EXPECT_FALSE(c.out.empty() && c.reports.empty());
  for (const Dialect dialect : kDialects) {
    std::string wrong;
    const std::string error = error_of([&] { wrong = failure_of(c, dialect); });
    if (error != "no error") wrong = error;
    EXPECT_EQ(wrong, "") << GetParam().filename().string() << " (" << shown(dialect) << ")";
  }
}

std::string stem(const testing::TestParamInfo<fs::path>& info) { return info.param.stem().string(); }
INSTANTIATE_TEST_SUITE_P(Conformance, PtxTables, testing::ValuesIn(files(".txt")), stem);
INSTANTIATE_TEST_SUITE_P(Conformance, PtxKernels, testing::ValuesIn(files(".ptx")), stem);

std::string name_of(const Row& row) { return fmt::format("{} {}", row.opcode, row.modifiers); }

// Forms that a case executes, by row.
std::map<std::string, std::set<std::string>> covered() {
  std::map<std::string, std::set<std::string>> out;
  const auto note = [&](const Module& module, int line) {
    for (const Function& f : module.functions)
      for (const Instruction& in : f.body) {
        if (line != 0 && in.place.line != line) continue;
        const Form form = match(module, f, in);
        out[name_of(*form.row)].insert(form.text());
      }
  };
  for (const fs::path& path : files(".txt"))
    for (const TableCase& c : read_table(path))
      note(parse(kernel_of(c, Dialect::kUntyped), path.filename().string()), kTemplateLine);
  for (const fs::path& path : files(".ptx")) note(parse(read_kernel(path).text, path.filename().string()), 0);
  return out;
}

// exceptions.txt: rows without a case, each "OPCODE MODIFIERS -- where it is tested instead".
std::set<std::string> exceptions() {
  std::ifstream in(fs::path(INTARSIA_SOURCE_DIR) / "tests" / "ptx" / "conformance" / "exceptions.txt");
  std::set<std::string> out;
  for (std::string line; std::getline(in, line);)
    if (!line.empty() && line[0] != '#') out.insert(line.substr(0, line.find(" -- ")));
  return out;
}

TEST(PtxConformance, EveryRowOfTheOpcodeTableHasACase) {
  const auto all = covered();
  const std::set<std::string> known = exceptions();
  std::set<std::string> rows;
  for (const Row& row : opcode_table()) {
    const std::string name = name_of(row);
    rows.insert(name);
    if (known.count(name) == 0) EXPECT_EQ(all.count(name), 1U) << "no case for: " << name;
  }
  for (const std::string& name : known) {
    EXPECT_EQ(rows.count(name), 1U) << "exceptions.txt names what is no row: " << name;
    EXPECT_EQ(all.count(name), 0U) << "exceptions.txt names what has a case: " << name;
  }
}

TEST(PtxConformance, AWordTooManyIsRefusedWithAFormThatIsListed) {
  const auto modifiers_of = [](const std::string& form) {
    std::vector<std::string_view> out;
    for (std::size_t dot = form.find('.'); dot != std::string::npos;) {
      const std::size_t next = form.find('.', dot + 1);
      out.push_back(std::string_view(form).substr(dot + 1, next - dot - 1));
      dot = next;
    }
    return out;
  };
  for (const auto& [row, forms] : covered())
    for (const std::string& form : forms) {
      const std::string opcode = form.substr(0, form.find('.'));
      std::vector<std::string_view> modifiers = modifiers_of(form);
      modifiers.push_back("bogus");
      EXPECT_EQ(match_modifiers(opcode, modifiers).row, nullptr) << form;
      const std::string nearest = nearest_form(opcode, modifiers);
      EXPECT_NE(match_modifiers(opcode, modifiers_of(nearest)).row, nullptr) << form << ": " << nearest;
    }
}

}  // namespace
}  // namespace intarsia::ptx
