// Every form of the opcode table decodes to something that runs; docs/ptx-coverage.md is the table.
#include <fmt/format.h>

#include <cstdlib>

#include "npz.h"
#include "ptx/launch.h"
#include "ptx/opcodes.h"

namespace intarsia::ptx {
namespace {

using test::kHeader;

// An operand that fits a word of a row.
std::string operand(const Form& form, std::string_view word) {
  const std::size_t index =
      word.back() >= '0' && word.back() <= '9' ? static_cast<std::size_t>(word.back() - '0') : 0;
  const auto reg = [](int width) {
    return width == 1 ? "%p1" : width <= 16 ? "%h1" : width == 32 ? "%r1" : width == 64 ? "%d1" : "%q1";
  };
  const int width = bits(form.type(index));
  switch (word.front()) {
    case 'd': return reg(word == "dw" ? 2 * width : width);
    case 's': return reg(word == "sw" ? 2 * width : width);
    case 'z':
    case 'x':
    case 'y': return reg(width);
    case 'D':
    case 'u':
    case 'r': return "%r1";
    case 'E':
    case 'U':
    case 'Z': return "%d1";
    case 'h': return "%h1";
    case 'i': return form.row->opcode == "cp" ? "16" : form.has("cp_fenceproxy") ? "128" : "1";
    case 'f': return reg(std::max(16, bits(form.type(word == "fd" ? 0 : 1))));
    case 'p':
    case 'q': return "%p1";
    case 'm':
    case 'g':
    case 'k': return "[%d1]";
    case 'A': return "%r1";
    case 'a':
      if (word == "aw") return "%r1";
      return form.row->opcode.back() == '2' || form.row->opcode.back() == '4' ? "%r1" : "%r1.h1";
    case 'T': {
      std::string out = "[%d1, {%r1";
      for (int d = 1; d < form.dimensions(); ++d) out += ", %r1";
      return out + "}]";
    }
    case 't': return form.row->opcode == "brx" ? "targets" : "END";
    case 'v':
    case 'w': {
      std::string out = "{";
      for (int i = 0; i < form.vector(); ++i)
        out += fmt::format("{}{}", i == 0 ? "" : ", ", reg(std::max(16, width)));
      return out + "}";
    }
    default: return "?";
  }
}

// How many registers the operands of a tensor-core form have, in the order of its row.
std::vector<int> fragments(const Form& form) {
  const std::string text = form.text();
  const std::string_view op = form.row->opcode;
  if (op == "ldmatrix" || op == "stmatrix") return {form.has("x4") ? 4 : form.has("x2") ? 2 : 1};
  int m = 0, n = 0, k = 0;
  for (std::string_view word : form.modifiers)
    if (word.size() > 3 && word[0] == 'm' && word[1] >= '0' && word[1] <= '9')
      std::sscanf(std::string(word).c_str(), "m%dn%dk%d", &m, &n, &k);
  const auto width = [&](Type t) { return t == Type::kF64 ? 64 : t == Type::kTF32 ? 32 : bits(t); };
  if (op == "wgmma") return {n / (form.type() == Type::kF16 ? 4 : 2)};
  if (op == "wmma") {
    const auto registers = [&](int elements, Type t) {
      return std::max(1, elements * width(t) / 32 / std::max(32, width(t)));
    };
    if (form.has("load"))
      return {form.has("c")               ? registers(m * n, form.type())
              : form.type() == Type::kF16 ? 8
                                          : registers(form.has("a") ? m * k : k * n, form.type())};
    if (form.has("store")) return {registers(m * n, form.type())};
    const Type a = form.types.size() == 2 ? Type::kF16 : form.type(1),
               c = form.types.size() == 2 ? form.type(1) : form.type(3);
    return {registers(m * n, form.type()), a == Type::kF16 ? 8 : registers(m * k, a),
            a == Type::kF16 ? 8 : registers(k * n, a), registers(m * n, c)};
  }
  const int holder = std::max(32, width(form.type(1)));
  const auto results = [&](Type t) { return m * n * (t == Type::kF16 ? 16 : 32) / 32 / 32; };
  return {results(form.type(0)), m * k * width(form.type(1)) / holder / 32,
          n * k * width(form.type(2)) / holder / 32, results(form.type(3))};
}

std::string instruction(const Form& form) {
  std::string out = form.text();
  std::size_t at = 0, next = 0;
  const std::vector<int> counts = form.row->family == Family::kMatrix && form.row->opcode != "movmatrix"
                                      ? fragments(form)
                                      : std::vector<int>{};
  for (std::string_view word : form.words(form.fewest())) {
    out += at++ == 0 ? " " : ", ";
    if (word != "n") {
      out += operand(form, word);
      continue;
    }
    if (form.row->opcode == "wgmma" && next == 1) {
      out += "%d1";
      continue;
    }
    out += "{";
    for (int i = 0; i < counts.at(next); ++i)
      out += fmt::format("{}{}", i == 0 ? "" : ", ", form.has("f64") ? "%d1" : "%r1");
    out += "}";
    ++next;
  }
  return out;
}

// Each alternative of each group once, the other groups at their first; optional groups with and without.
std::vector<Form> forms_of(const Row& row) {
  const std::vector<Group> all = groups(row);
  std::vector<Form> out;
  const auto add = [&](std::size_t varied, std::size_t alternative, bool optional) {
    std::vector<std::string_view> modifiers;
    for (std::size_t g = 0; g < all.size(); ++g)
      if (g == varied)
        modifiers.push_back(all[g].alternatives[alternative]);
      else if (!all[g].optional || optional)
        modifiers.push_back(all[g].alternatives.front());
    const Form form = match_modifiers(row.opcode, modifiers);
    if (form.row != nullptr) out.push_back(form);
  };
  add(all.size(), 0, false);
  for (std::size_t g = 0; g < all.size(); ++g)
    for (std::size_t a = 0; a < all[g].alternatives.size(); ++a) add(g, a, false);
  return out;
}

TEST(PtxTable, EveryFormDecodes) {
  int count = 0;
  for (const Row& row : opcode_table()) {
    if (row.opcode == "call") continue;  // tests/ptx/cuda/calls.cu
    for (const Form& form : forms_of(row)) {
      const std::string line = instruction(form);
      const std::string text = fmt::format(
          "{}.visible .entry k(.param .u64 p) {{ .reg .pred %p<2>; .reg .b16 %h<2>; .reg .b32 %r<2>; .reg "
          ".b64 %d<2>; .reg .b128 %q<2>;\n"
          "targets: .branchtargets END;\n{};\nEND: ret; }}",
          kHeader, line);
      ++count;
      const std::string error = test::error_of([&] { Program(parse(text, "table"), "k"); });
      const bool kernel_parameter = form.space() == Space::kParam;  // only by name: tests/ptx/corpus
      if (!kernel_parameter) EXPECT_EQ(error, "no error") << line;
    }
  }
  EXPECT_GT(count, 1500);
}

std::string page() {
  std::string out =
      "# PTX coverage\n\nThe opcode table of `src/ptx` (`table_*.cpp`), one line a row; a test keeps this "
      "page equal to it. Groups of modifiers stand in order: "
      "alternatives are joined by `|`, `?` marks a group that may be left out, `@name` a set of alternatives "
      "(below). The order, scope and space of `atom` and `red` may stand anywhere. What is not listed is an "
      "error "
      "that names the nearest form.\n\n| Opcode | Modifiers | Operands |\n|---|---|---|\n";
  for (const Row& row : opcode_table()) {
    std::string modifiers(row.modifiers);
    for (std::size_t at = 0; (at = modifiers.find('|', at)) != std::string::npos; at += 2)
      modifiers.insert(at, "\\");
    out += fmt::format("| `{}` | {} | `{}` |\n", row.opcode,
                       modifiers.empty() ? "" : fmt::format("`{}`", modifiers), row.operands);
  }
  out +=
      "\n## What is refused\n\nKnown instructions that are not executed: an opcode, or an opcode with one of "
      "these modifiers. The error gives the reason.\n\n| Opcode | Modifiers | Reason |\n|---|---|---|\n";
  for (const Refused& r : refused()) {
    std::string modifiers(r.modifiers);
    for (std::size_t at = 0; (at = modifiers.find('|', at)) != std::string::npos; at += 2)
      modifiers.insert(at, "\\");
    out += fmt::format("| `{}` | {} | {} |\n", r.opcode,
                       modifiers.empty() ? "" : fmt::format("`{}`", modifiers), r.reason);
  }
  return out;
}

TEST(PtxTable, WhatIsRefusedSaysWhy) {
  for (const Refused& r : refused()) {
    const std::string modifier(r.modifiers.substr(0, r.modifiers.find('|')));
    const std::string form =
        fmt::format("{}{}", r.opcode, modifier.empty() ? ".any" : fmt::format(".{}", modifier));
    const std::string error = test::error_of(
        [&] { Program(parse(fmt::format("{}.visible .entry k() {{\n{};\n}}", kHeader, form), "k"), "k"); });
    EXPECT_NE(error.find(fmt::format("'{}' is not executed here: {}", form, r.reason)), std::string::npos)
        << error;
  }
}

TEST(PtxTable, TheCoveragePageIsTheTable) {
  const std::string path = std::string(INTARSIA_SOURCE_DIR) + "/docs/ptx-coverage.md";
  if (std::getenv("INTARSIA_BLESS") != nullptr) std::ofstream(path) << page();
  std::ifstream in(path);
  const std::string kept{std::istreambuf_iterator<char>(in), {}};
  EXPECT_EQ(kept, page()) << "run test_ptx with INTARSIA_BLESS=1 to write it";
}

// 256 random tiles of each shape, as an H100 multiplied them.
TEST(PtxTensorCores, AllTilesEqualTheGpus) {
  const auto goldens = test::load_npz("goldens/mma_sm90.npz");
  for (const char* shape : {"m16n8k16.f32.bf16.bf16.f32", "m16n8k16.f32.f16.f16.f32",
                            "m16n8k8.f32.tf32.tf32.f32", "m16n8k32.s32.s8.s8.s32"}) {
    SCOPED_TRACE(shape);
    const auto get = [&](const char* which) {
      return goldens.at(fmt::format("{}/{}", shape, which)).as<std::uint32_t>();
    };
    std::vector<std::uint32_t> a = get("a"), b = get("b"), c = get("c"), d = get("d"), got(d.size());
    std::string types = shape;
    types.insert(types.find('.'), ".row.col");
    const Program program(
        parse(
            fmt::format(R"({}.visible .entry k(.param .u64 a, .param .u64 b, .param .u64 c, .param .u64 d) {{
      .reg .b32 %r<20>; .reg .b64 %d<20>;
      ld.param.u64 %d1, [a]; ld.param.u64 %d2, [b]; ld.param.u64 %d3, [c]; ld.param.u64 %d4, [d];
      mov.u32 %r1, %tid.x; mov.u32 %r2, %ctaid.x; mad.lo.u32 %r1, %r2, 32, %r1;
      mul.wide.u32 %d5, %r1, 16; mul.wide.u32 %d6, %r1, 8;
      add.u64 %d1, %d1, %d5; add.u64 %d2, %d2, %d6; add.u64 %d3, %d3, %d5; add.u64 %d4, %d4, %d5;
      ld.global.v4.b32 {{%r4, %r5, %r6, %r7}}, [%d1]; ld.global.v2.b32 {{%r8, %r9}}, [%d2]; ld.global.v4.b32 {{%r10, %r11, %r12, %r13}}, [%d3];
      mma.sync.aligned.{} {{%r14, %r15, %r16, %r17}}, {{%r4, %r5, %r6, %r7}}, {{%r8, %r9}}, {{%r10, %r11, %r12, %r13}};
      st.global.v4.b32 [%d4], {{%r14, %r15, %r16, %r17}}; }})",
                        kHeader, types)),
        "k");
    const std::uint64_t places[] = {
        reinterpret_cast<std::uint64_t>(a.data()), reinterpret_cast<std::uint64_t>(b.data()),
        reinterpret_cast<std::uint64_t>(c.data()), reinterpret_cast<std::uint64_t>(got.data())};
    std::vector<ArgumentValue> arguments;
    for (const std::uint64_t& place : places) arguments.push_back({&place, 8});
    LaunchConfig config;
    config.grid = {static_cast<std::uint32_t>(d.size() / 128), 1, 1};
    config.block = {32, 1, 1};
    run(program, config, arguments).require_clean();
    EXPECT_EQ(got, d);
  }
}

}  // namespace
}  // namespace intarsia::ptx
