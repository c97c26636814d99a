// The parser, the printer, the parameter list and the opcode table.
#include <fmt/format.h>

#include <filesystem>

#include "ptx/opcodes.h"
#include "support.h"

namespace intarsia::ptx {
namespace {

using test::error_of;
using test::kHeader;

std::vector<std::string> corpus() {
  std::vector<std::string> out;
  for (const auto& f :
       std::filesystem::directory_iterator(std::string(INTARSIA_SOURCE_DIR) + "/tests/ptx/corpus"))
    if (f.path().extension() == ".ptx") out.push_back("corpus/" + f.path().filename().string());
  return out;
}

std::string kernel(const std::string& body, const std::string& params = ".param .u64 p") {
  return fmt::format("{}.visible .entry k({})\n{{\n{}\n}}\n", kHeader, params, body);
}

std::string verify_error(const std::string& body) {
  return error_of([&] { verify(parse(kernel(body), "k.ptx")); });
}

TEST(PtxParse, EveryKernelOfTheCorpusParsesAndPrintsBack) {
  const std::vector<std::string> files = corpus();
  ASSERT_EQ(files.size(), 20U);
  for (const std::string& path : files) {
    SCOPED_TRACE(path);
    const Module module = parse(test::file(path), path);
    const std::string printed = print(module);
    const Module again = parse(printed, path);
    EXPECT_EQ(print(again), printed);
    ASSERT_EQ(again.entries().size(), module.entries().size());
    EXPECT_EQ(again.entry("").body.size(), module.entry("").body.size());
  }
}

TEST(PtxParse, TheHeaderAndTheEntryOfATritonKernel) {
  const Module module = parse(test::file("corpus/softmax_rows_f32.sm80.ptx"), "softmax.ptx");
  EXPECT_EQ(module.version_major, 8);
  EXPECT_EQ(module.version_minor, 7);
  EXPECT_EQ(module.target, "sm_80");
  const Entry& entry = module.entry("softmax_rows");
  EXPECT_EQ(entry.reqntid, (std::array<std::int32_t, 3>{128, 1, 1}));
  ASSERT_EQ(module.variables.size(), 1U);
  EXPECT_EQ(module.variables[0].name, "global_smem");
  EXPECT_TRUE(module.variables[0].external);
  EXPECT_EQ(module.variables[0].bytes, 0);
  EXPECT_EQ(module.source_place(entry.body.front().place.loc), "triton_ptx.py:23:0");
  EXPECT_EQ(module.line_text(20), ".reqntid 128");
}

TEST(PtxParse, NestedScopesRedeclareRegistersAndLabels) {
  const Module module = parse(kernel(R"(
    .reg .b32 %r<3>;
    mov.b32 %r1, 1;
    { .reg .b32 t; .reg .b64 %r1; mov.b32 t, 2; mov.b64 %r1, 3; bra L; L: mov.b32 %r2, t; }
    { .reg .b32 t; mov.b32 t, %r1; bra L; L: mov.b32 %r2, t; })"));
  const Entry& entry = module.entry("");
  ASSERT_EQ(entry.body.size(), 8U);
  EXPECT_NE(entry.body[0].operands[0].index, entry.body[2].operands[0].index);
  EXPECT_NE(entry.body[1].operands[0].index, entry.body[5].operands[0].index);
  EXPECT_EQ(entry.body[0].operands[0].index, entry.body[5].operands[1].index);
  EXPECT_EQ(entry.body[3].operands[0].index, 4);
  EXPECT_EQ(entry.body[6].operands[0].index, 7);
  EXPECT_EQ(print(parse(print(module))), print(module));
}

TEST(PtxParse, OperandsOfEveryKind) {
  const Module module = parse(kernel(R"(
    .reg .pred %p<4>; .reg .b32 %r<9>; .reg .f32 %f<5>; .reg .b64 %rd<4>;
    .shared .align 16 .b8 tile[64];
    @!%p1 ld.global.v2.b32 { %r1, %r2 }, [ %rd1 + -8 ];
    setp.lt.and.s32 %p1|%p2, %r1, -5, !%p3;
    mov.f32 %f1, 0f3F800000;
    mov.f32 %f2, 1.5e1;
    mov.u32 %r3, tile+4;
    ld.shared.b32 %r4, [tile+12];
    mov.u32 %r5, %tid.x;
    shl.b32 %r6, %r5, 0x1F;)"));
  const Entry& entry = module.entry("");
  EXPECT_TRUE(entry.body[0].guard_negated);
  EXPECT_EQ(entry.body[0].operands[0].elements.size(), 2U);
  EXPECT_EQ(entry.body[0].operands[1].integer, -8);
  EXPECT_EQ(entry.body[1].operands[0].kind, Operand::Kind::kPair);
  EXPECT_EQ(entry.body[1].operands[2].integer, -5);
  EXPECT_TRUE(entry.body[1].operands[3].negated);
  EXPECT_EQ(entry.body[2].operands[1].real, 1.0);
  EXPECT_EQ(entry.body[3].operands[1].real, 15.0);
  EXPECT_EQ(entry.body[4].operands[1].integer, 4);
  EXPECT_EQ(entry.body[5].operands[1].integer, 12);
  EXPECT_EQ(entry.body[6].operands[1].name, "%tid.x");
  EXPECT_EQ(entry.body[7].operands[2].integer, 31);
  verify(module);
}

TEST(PtxParse, VariablesWithInitialisers) {
  const Module module = parse(std::string(kHeader) + R"(
    .global .align 4 .u32 table[4] = {1, 0x10, -1};
    .global .align 8 .u64 where[2] = {generic(table), table+8};
    .const .f32 pi = 0f40490FDB;
    .visible .entry k() { ret; })");
  ASSERT_EQ(module.variables.size(), 3U);
  EXPECT_EQ(module.variables[0].bytes, 16);
  EXPECT_EQ(module.variables[0].data.size(), 12U);
  EXPECT_EQ(module.variables[1].relocations[1].addend, 8);
  EXPECT_EQ(print(parse(print(module))), print(module));
}

TEST(PtxParse, DebugSectionsAndLocationsAreReadPast) {
  const Module module = parse(std::string(kHeader) + R"(
    .file 1 "k.py"
    .visible .entry k() { .loc 1 7 3, function_name $L__info0, inlined_at 1 9 5
      ret; }
    .section .debug_info { .b32 12
      .b8 1 $L__info0: .b64 4 }
    .section .debug_macinfo { })");
  EXPECT_EQ(module.source_place(module.entry("k").body[0].place.loc), "k.py:7:3");
}

TEST(PtxParse, ContractionOffPrintsRoundings) {
  const Module module =
      parse(kernel(".reg .f32 %f<4>; .reg .b32 %r<3>; mul.f32 %f1, %f2, %f3; add.ftz.f32 %f1, %f1, %f2;"
                   " sub.rz.f32 %f1, %f1, %f2; add.s32 %r1, %r2, 1;"));
  const std::string printed = print(module, {.contraction = false});
  EXPECT_NE(printed.find("mul.rn.f32 "), std::string::npos);
  EXPECT_NE(printed.find("add.rn.ftz.f32 "), std::string::npos);
  EXPECT_NE(printed.find("sub.rz.f32 "), std::string::npos);
  EXPECT_NE(printed.find("add.s32 "), std::string::npos);
}

TEST(PtxParameters, OfATritonKernelWithScratchPointers) {
  const Module module = parse(test::file("corpus/add_one_f32.sm90.ptx"));
  const std::vector<Parameter> list = parameter_list(module.entry("add_one"));
  ASSERT_EQ(list.size(), 5U);
  EXPECT_EQ(list[0].name, "add_one_param_0");
  EXPECT_EQ(list[0].pointer, Parameter::Pointer::kDeclared);
  EXPECT_EQ(list[1].bytes, 4);
  EXPECT_EQ(list[1].offset, 8);
  EXPECT_EQ(list[1].pointer, Parameter::Pointer::kNo);
  EXPECT_EQ(list[2].offset, 16);
  EXPECT_TRUE(list[0].read && list[1].read && list[2].read);
  EXPECT_FALSE(list[3].read || list[4].read);
  EXPECT_FALSE(list[0].written);
  EXPECT_TRUE(list[2].written);
  EXPECT_EQ(parameter_bytes(module.entry("add_one")), 40);
}

TEST(PtxParameters, PointersAreInferredFromUse) {
  const Module module =
      parse(kernel(R"(
      .reg .b64 %rd<9>; .reg .b32 %r<4>;
      ld.param.u64 %rd1, [a]; ld.param.u64 %rd2, [b]; ld.param.u64 %rd3, [n]; ld.param.u64 %rd8, [raw];
      cvta.to.global.u64 %rd4, %rd1;
      add.s64 %rd5, %rd4, %rd3;
      ld.global.u32 %r1, [%rd5];
      st.global.u32 [%rd2+4], %r1;
      mad.wide.u32 %rd6, %r1, 4, %rd8;
      atom.global.add.u32 %r2, [%rd6], 1;)",
                   ".param .u64 a, .param .u64 b, .param .u64 n, .param .align 4 .b8 s[12], "
                   ".param .u64 raw, .param .u64 unused"));
  const std::vector<Parameter> list = parameter_list(module.entry("k"));
  using enum Parameter::Pointer;
  EXPECT_EQ(list[0].pointer, kInferred);
  EXPECT_EQ(list[1].pointer, kInferred);
  EXPECT_EQ(list[2].pointer, kNo);
  EXPECT_EQ(list[3].type, Type::kNone);
  EXPECT_EQ(list[3].bytes, 12);
  EXPECT_EQ(list[4].offset, 40);
  EXPECT_EQ(list[4].pointer, kInferred);
  EXPECT_EQ(list[5].pointer, kNo);
  EXPECT_FALSE(list[0].written);
  EXPECT_TRUE(list[1].written && list[4].written);
  EXPECT_FALSE(list[5].read);
}

TEST(PtxErrors, NameTheLineItsTextAndWhatWasExpected) {
  EXPECT_EQ(error_of([] { parse("", "x.ptx"); }),
            "x.ptx:1: expected '.version', found the end of the text\n  ");
  EXPECT_EQ(error_of([] { parse(".version 8\n", "x.ptx"); }),
            "x.ptx:1: expected a version as 8.7, found '8'\n  .version 8");
  EXPECT_EQ(error_of([] { parse(std::string(kHeader) + ".address_size 32", "x.ptx"); }),
            "x.ptx:4: addresses of 32 bits are not supported; expected 64\n  .address_size 32");
  EXPECT_EQ(error_of([] { parse(kernel(".reg .b32 %r<2>;\n mov.b32 %r1, %r7"), "x.ptx"); }),
            "x.ptx:8: expected ',' or ';', found '}'\n  }");
  EXPECT_EQ(error_of([] { parse(kernel("bra NOWHERE;"), "x.ptx"); }),
            "x.ptx:6: 'NOWHERE' is not declared\n  bra NOWHERE;");
  EXPECT_EQ(error_of([] { parse(kernel("@%p1 ret;"), "x.ptx"); }),
            "x.ptx:6: predicate '%p1' is not declared\n  @%p1 ret;");
  EXPECT_EQ(error_of([] { parse(kernel("/* open"), "x.ptx"); }),
            "x.ptx:6: this comment does not end\n  /* open");
  EXPECT_EQ(error_of([] { parse(kernel("mov.f32 _, 0f3F8;"), "x.ptx"); }),
            "x.ptx:6: '0f3F8' is no float: expected 8 hexadecimal digits\n  mov.f32 _, 0f3F8;");
  EXPECT_EQ(error_of([] { parse(kernel("").substr(0, 79), "x.ptx"); }).substr(0, 53),
            "x.ptx:6: expected an instruction, a label, a directiv");
  EXPECT_EQ(error_of([] { parse(kernel("ret;"), "x.ptx").entry("add"); }),
            "x.ptx has no entry 'add'; it has k");
}

TEST(PtxErrors, AnUnlistedFormNamesTheNearest) {
  const std::string regs = ".reg .b32 %r<4>; .reg .b64 %rd<4>; .reg .pred %p<3>; .reg .b16 %rs<3>;\n";
  EXPECT_EQ(verify_error(regs + "add.sat.u32 %r1, %r2, %r3;"),
            "k.ptx:7: 'add.sat.u32' is not in the opcode table; the nearest form is 'add.sat.s32'\n"
            "  add.sat.u32 %r1, %r2, %r3;");
  EXPECT_EQ(verify_error(regs + "setp.leq.s32 %p1, %r2, %r3;").substr(0, 84),
            "k.ptx:7: 'setp.leq.s32' is not in the opcode table; the nearest form is 'setp.eq.s32");
  EXPECT_EQ(verify_error(regs + "adds.s32 %r1, %r2, %r3;").substr(0, 76),
            "k.ptx:7: 'adds.s32' is not in the opcode table; the nearest form is 'add.s32");
  EXPECT_EQ(verify_error(regs + "ex2.f32 %r1, %r2;").substr(0, 80),
            "k.ptx:7: 'ex2.f32' is not in the opcode table; the nearest form is 'ex2.approx.f");
}

TEST(PtxErrors, OperandsAreCheckedAgainstTheTable) {
  const std::string regs = ".reg .b32 %r<4>; .reg .b64 %rd<4>; .reg .pred %p<3>; .reg .b16 %rs<3>;\n";
  EXPECT_EQ(verify_error(regs + "add.s32 %rd1, %r2, %r3;"),
            "k.ptx:7: operand 1 of 'add.s32': expected a register of 32 bits, found '%rd1' of .b64\n"
            "  add.s32 %rd1, %r2, %r3;");
  EXPECT_EQ(verify_error(regs + "add.s32 %r1, %r2;"),
            "k.ptx:7: 'add.s32' takes 3 operands, 2 are given\n  add.s32 %r1, %r2;");
  EXPECT_EQ(verify_error(regs + "ld.global.b32 %r1, [%r2];"),
            "k.ptx:7: operand 2 of 'ld.global.b32': expected an address of 64 bits, found '%r2' of .b32\n"
            "  ld.global.b32 %r1, [%r2];");
  EXPECT_EQ(verify_error(regs + "selp.b32 %r1, %r2, %r3, %r1;").substr(0, 71),
            "k.ptx:7: operand 4 of 'selp.b32': expected a predicate, found '%r1' of ");
  EXPECT_EQ(verify_error(regs + "ld.global.v4.b32 {%r1, %r2}, [%rd1];").substr(0, 77),
            "k.ptx:7: operand 1 of 'ld.global.v4.b32': expected a vector of 4 registers\n  ");
  EXPECT_EQ(
      verify_error(regs + "ld.shared.b32 %r1, [%rd2]; ld.global.u16 %r1, [%rd1]; mul.wide.s32 %rd1, %r1, 4;"),
      "no error");
}

TEST(PtxTable, EveryRowMatchesAFormOfItsOwn) {
  for (const Row& row : opcode_table()) {
    std::vector<std::string_view> shortest, longest;
    for (const Group& group : groups(row)) {
      ASSERT_FALSE(group.alternatives.empty()) << row.opcode << " " << row.modifiers;
      if (!group.optional) shortest.push_back(group.alternatives.front());
      longest.push_back(group.alternatives.back());
    }
    EXPECT_NE(match_modifiers(row.opcode, shortest).row, nullptr) << row.opcode << " " << row.modifiers;
    EXPECT_NE(match_modifiers(row.opcode, longest).row, nullptr) << row.opcode << " " << row.modifiers;
  }
}

}  // namespace
}  // namespace intarsia::ptx
