#include <fmt/format.h>

#include "fixtures.h"
#include "kernel/element.h"

namespace intarsia::plugins {
namespace {

// PTX of one entry with these parameters, each read once and written through where it is the last pointer.
std::string ptx(const std::string& params, const std::string& body = "ret;",
                const std::string& head = ".version 8.4\n.target sm_80\n",
                const std::string& directives = "") {
  return head + ".address_size 64\n.visible .entry add_kernel(" + params + ")" + directives +
         "\n{\n  .reg .b64 %rd<9>; .reg .b32 %r<9>;\n  " + body + "\n}\n";
}
constexpr const char* kThree = ".param .u64 p0, .param .u32 p1, .param .u64 p2";
constexpr const char* kReadAll =
    "ld.param.u64 %rd1, [p0]; ld.param.u32 %r1, [p1]; ld.param.u64 %rd2, [p2]; st.global.u32 [%rd2], %r1; "
    "ret;";

struct Question {
  std::vector<ops::TensorType> inputs = {{DType::kF32, {Dim::symbol("n")}}};
  kernel::Capabilities machine = gpu();
  std::string target = "sm_90a";
  std::int64_t block_size = 256;
  CudaCompiler compiler = {};
};

// What building the guide's plugin with this body says, or gives.
schedule::Built build_with(AotImpl body, const Question& question = {}) {
  Registry registry;
  if (question.compiler) registry.set_cuda_compiler(question.compiler);
  PluginDef def = add_plugin("t::p");
  def.aot_impls.push_back({.body = std::move(body)});
  Node node(registry.add(def)->op, question.inputs, {{"block_size", question.block_size}});
  node.machine = question.machine, node.target = question.target;
  return node.build(registry);
}
std::string error_with(const AotImpl& body, const Question& question = {}) {
  return error_of([&] { build_with(body, question); });
}

AotImpl with_kernel(KernelCode k, std::vector<KernelArgument> extra, KernelLaunchParams params = {}) {
  return [=](const AotRequest&) { return aot_result(k->name, k, params, extra); };
}
AotImpl with_ptx(std::string text,
                 std::vector<KernelArgument> extra = {SymInt{Dim::symbol("n"), DType::kI32}},
                 KernelLaunchParams params = {.block_x = 128}) {
  return [=](const AotRequest&) { return aot_result("add_kernel", code_of_text(text), params, extra); };
}
const KernelArgument kN = SymInt{Dim::symbol("n"), DType::kI32};
const KernelLaunchParams k128 = {.block_x = 128};

TEST(BindKernel, RolesAndExtentsMakeItPointwise) {
  const schedule::Built built = build_with([](const AotRequest& r) {
    KernelLaunchParams p;
    p.grid_x = cdiv(r.inputs[0].numel(), 256), p.block_x = 128;
    return aot_result("add_kernel", add_kernel(256), p, {SymInt{r.inputs[0].numel(), DType::kI32}});
  });
  const kernel::Kernel& k = std::get<schedule::Kernels>(built).variants.at(0).body;
  kernel::verify(k);
  kernel::Element element;
  EXPECT_EQ(kernel::extract(k, element), "");
  EXPECT_TRUE(identical(element.space, Shape{Dim::symbol("n")}));
}

TEST(BindKernel, OneMoreOneFewerAForgottenOutput) {
  EXPECT_EQ(error_with(with_kernel(add_kernel(256), {}, k128)),
            "t::p: 'add_kernel' has 3 parameters, but 2 arguments are bound to them\n"
            "     parameter        argument\n"
            "   0 x_ptr: ptr f32   inp0: f32[n]\n"
            "   1 n_elements: i32  out0: f32[n]  <- a tensor, where a scalar is wanted\n"
            "   2 y_ptr: ptr f32   -             <- nothing is bound to it");
  EXPECT_EQ(error_with(with_kernel(add_kernel(256), {kN, 7}, k128)),
            "t::p: 'add_kernel' has 3 parameters, but 4 arguments are bound to them\n"
            "     parameter        argument\n"
            "   0 x_ptr: ptr f32   inp0: f32[n]\n"
            "   1 n_elements: i32  n: i32\n"
            "   2 y_ptr: ptr f32   7             <- a scalar, where a tensor is wanted\n"
            "   3 -                out0: f32[n]  <- no parameter takes it");
  EXPECT_EQ(error_with([](const AotRequest& r) {
              return launch_of(add_kernel(256), {r.inputs[0], 4, r.inputs[0]}, 1);
            }),
            "t::p: the arguments do not match the parameters of 'add_kernel'\n"
            "     parameter        argument\n"
            "   0 x_ptr: ptr f32   inp0: f32[n]\n"
            "   1 n_elements: i32  4\n"
            "   2 y_ptr: ptr f32   inp0: f32[n]  <- the kernel writes it, but it is an input");
}

TEST(BindKernel, SizesAndDtypes) {
  EXPECT_EQ(error_with(with_kernel(add_kernel(256), {SymInt{Dim::symbol("n"), DType::kI64}}, k128)),
            "t::p: the arguments do not match the parameters of 'add_kernel'\n"
            "     parameter        argument\n"
            "   0 x_ptr: ptr f32   inp0: f32[n]\n"
            "   1 n_elements: i32  n: i64        <- i64 (8 bytes), where i32 (4 bytes) is wanted\n"
            "   2 y_ptr: ptr f32   out0: f32[n]");
  EXPECT_EQ(error_with(with_kernel(add_kernel(256, DType::kF16), {kN}, k128)),
            "t::p: the arguments do not match the parameters of 'add_kernel'\n"
            "     parameter        argument\n"
            "   0 x_ptr: ptr f16   inp0: f32[n]  <- the kernel takes f16, the tensor is f32\n"
            "   1 n_elements: i32  n: i32\n"
            "   2 y_ptr: ptr f16   out0: f32[n]  <- the kernel takes f16, the tensor is f32");
  EXPECT_NE(error_with(with_kernel(add_kernel(256), {1.5}, k128))
                .find("1.5           <- a float, where an integer is wanted"),
            std::string::npos);
}

TEST(BindKernel, AScalarThatCannotFit) {
  const Dim huge = Dim::symbol("n", {.min = std::int64_t{1} << 33});
  Question q;
  q.inputs = {{DType::kF32, {5'000'000'000}}};
  EXPECT_EQ(error_with(
                [](const AotRequest& r) {
                  return launch_of(add_kernel(256), {r.inputs[0], r.inputs[0].numel(), r.outputs[0]}, 1);
                },
                q),
            "t::p: argument 'n_elements' of 'add_kernel' is 5000000000, which does not fit i32");
  q.inputs = {{DType::kF32, {huge}}};
  EXPECT_EQ(error_with(
                [](const AotRequest& r) {
                  return launch_of(add_kernel(256), {r.inputs[0], r.inputs[0].numel(), r.outputs[0]}, 1);
                },
                q),
            "t::p: argument 'n_elements' of 'add_kernel' is n (at least 8589934592), which does not fit i32");
}

TEST(BindKernel, TheBlockIsTheKernels) {
  EXPECT_EQ(error_with(with_kernel(add_kernel(256), {kN}, {.block_x = 96})),
            "t::p: the block of 'add_kernel' has 96 threads, but it is compiled for 128 (4 warps)");
}

TEST(BindKernel, NumbersBecomeConstants) {
  auto k = std::make_shared<kernel::Kernel>();
  k->name = "scale";
  kernel::Builder b(*k);
  const kernel::Type pointer{.kind = kernel::Type::Kind::kPointer, .dtype = DType::kF32};
  const auto alpha = b.param("alpha", kernel::Role::kScalar, 0, kernel::scalar(DType::kF32)).value;
  const auto x = b.param("x", kernel::Role::kScalar, 0, pointer).value,
             y = b.param("y", kernel::Role::kScalar, 0, pointer).value;
  b.store_at(y, b.binary(kernel::Fn::kMul, b.load_at(x), alpha));
  const auto body = [&](const AotRequest& r) { return launch_of(k, {0.1, r.inputs[0], r.outputs[0]}, 1); };
  const schedule::Built built = build_with(body, {.inputs = {{DType::kF32, {1}}}});
  const kernel::Kernel& bound = std::get<schedule::Kernels>(built).variants.at(0).body;
  kernel::verify(bound);
  EXPECT_EQ(bound.params.size(), 2u);
  EXPECT_NE(print(bound).find("constant bits=0.10000000149011612 : f32"), std::string::npos) << print(bound);
}

TEST(BindForeign, TheGuidesOrder) {
  const schedule::Built built = build_with(with_ptx(ptx(kThree, kReadAll)));
  const runtime::Program& p = std::get<schedule::Steps>(built).program;
  const auto& launch = std::get<runtime::Launch>(p.steps.at(0).body);
  ASSERT_EQ(launch.arguments.size(), 3u);
  EXPECT_EQ(launch.arguments[0].access, runtime::Access::kRead);
  EXPECT_EQ(launch.arguments[1].kind, runtime::Argument::Kind::kDim);
  EXPECT_EQ(launch.arguments[1].dtype, DType::kI32);
  EXPECT_EQ(launch.arguments[2].access, runtime::Access::kWrite);
  EXPECT_EQ(p.codes.at(0).entry, "add_kernel");
  EXPECT_EQ(p.codes[0].params.at(1).bytes, 4u);
  EXPECT_EQ(p.codes[0].images.at(0).target, "sm_80");
  EXPECT_EQ(p.dims[launch.block.at(0).index].str(), "128");
}

TEST(BindForeign, AnyOrderAndTypedScalars) {
  const std::string text =
      ptx(".param .u64 y, .param .u32 n, .param .u64 x, .param .f32 alpha, .param .u8 flag, .param .s64 k",
          "ld.param.u64 %rd1, [y]; ld.param.u32 %r1, [n]; st.global.u32 [%rd1], %r1; ret;");
  const schedule::Built built = build_with([&](const AotRequest& r) {
    LaunchStep launch;
    launch.entry = "add_kernel", launch.codes = {code_of_text(text)}, launch.params = k128;
    launch.arguments = {r.outputs[0], r.inputs[0].numel(), r.inputs[0], 0.5, true, r.inputs[0].numel()};
    Steps out;
    out.add(launch);
    return out;
  });
  const auto& a =
      std::get<runtime::Launch>(std::get<schedule::Steps>(built).program.steps.at(0).body).arguments;
  EXPECT_EQ(a[1].dtype, DType::kI32);
  EXPECT_EQ(a[3].dtype, DType::kF32);
  EXPECT_EQ(a[3].constant, 0x3f000000u);
  EXPECT_EQ(a[4].constant, 1u);
  EXPECT_EQ(a[5].dtype, DType::kI64);
}

TEST(BindForeign, OneMoreOneFewerWrongSize) {
  EXPECT_EQ(error_with(with_ptx(ptx(kThree, kReadAll), {})),
            "t::p: 'add_kernel' has 3 parameters, but 2 arguments are bound to them\n"
            "     parameter  argument\n"
            "   0 p0: .u64   inp0: f32[n]\n"
            "   1 p1: .u32   out0: f32[n]  <- an address (8 bytes), where 4 are wanted\n"
            "   2 p2: .u64   -             <- nothing is bound to it");
  EXPECT_EQ(error_with(with_ptx(ptx(kThree, kReadAll), {kN, kN})),
            "t::p: 'add_kernel' has 3 parameters, but 4 arguments are bound to them\n"
            "     parameter  argument\n"
            "   0 p0: .u64   inp0: f32[n]\n"
            "   1 p1: .u32   n: i32\n"
            "   2 p2: .u64   n: i32        <- i32 (4 bytes), where 8 are wanted\n"
            "   3 -          out0: f32[n]  <- no parameter takes it");
  EXPECT_EQ(error_with(with_ptx(ptx(kThree, kReadAll), {SymInt{Dim::symbol("n"), DType::kI64}})),
            "t::p: the arguments do not match the parameters of 'add_kernel'\n"
            "     parameter  argument\n"
            "   0 p0: .u64   inp0: f32[n]\n"
            "   1 p1: .u32   n: i64        <- i64 (8 bytes), where 4 are wanted\n"
            "   2 p2: .u64   out0: f32[n]");
}

TEST(BindForeign, SurplusScratchIsNullOnlyIfNeverRead) {
  const std::string five =
      std::string(kThree) + ", .param .u64 .ptr .global .align 1 p3, .param .u64 .ptr .global .align 1 p4";
  const schedule::Built built = build_with(with_ptx(ptx(five, kReadAll)));
  const auto& a =
      std::get<runtime::Launch>(std::get<schedule::Steps>(built).program.steps.at(0).body).arguments;
  ASSERT_EQ(a.size(), 5u);
  EXPECT_EQ(a[4].kind, runtime::Argument::Kind::kNull);
  const std::string reads = "ld.param.u64 %rd3, [p3]; ld.global.u32 %r2, [%rd3]; " + std::string(kReadAll);
  EXPECT_EQ(error_with(with_ptx(ptx(five, reads))),
            "t::p: 'add_kernel' has 5 parameters, but 3 arguments are bound to them\n"
            "     parameter  argument\n"
            "   0 p0: .u64   inp0: f32[n]\n"
            "   1 p1: .u32   n: i32\n"
            "   2 p2: .u64   out0: f32[n]\n"
            "   3 p3: ptr    -                        <- nothing is bound to it\n"
            "   4 p4: ptr    null (it is never read)");
}

TEST(BindForeign, AnInputThatIsWrittenIsFound) {
  EXPECT_EQ(error_with([](const AotRequest& r) {
              LaunchStep launch;
              launch.entry = "add_kernel", launch.codes = {code_of_text(ptx(kThree, kReadAll))},
              launch.params = k128;
              launch.arguments = {r.outputs[0], kN, r.inputs[0]};
              Steps out;
              out.add(launch);
              return out;
            }),
            "t::p: the arguments do not match the parameters of 'add_kernel'\n"
            "     parameter  argument\n"
            "   0 p0: .u64   out0: f32[n]\n"
            "   1 p1: .u32   n: i32\n"
            "   2 p2: .u64   inp0: f32[n]  <- the kernel writes it, but it is an input");
}

TEST(BindForeign, MangledNamesTellDtypes) {
  const auto mangled = [](const std::string& name, const std::string& text) {
    std::string out = text;
    out.replace(out.find("add_kernel"), 10, name);
    return [=](const AotRequest&) { return aot_result("", code_of_text(out), k128, {kN}); };
  };
  EXPECT_EQ(error_with(mangled("_Z3addPKfiPf", ptx(kThree, kReadAll))), "no error");
  EXPECT_EQ(error_with(mangled("_Z3addIfEvPKT_iPS0_", ptx(kThree, kReadAll))), "no error")
      << "template parameters name nothing";
  EXPECT_EQ(error_with(mangled("_Z3addPK6__halfiPS_", ptx(kThree, kReadAll))),
            "t::p: the arguments do not match the parameters of '_Z3addPK6__halfiPS_'\n"
            "     parameter    argument\n"
            "   0 p0: ptr f16  inp0: f32[n]  <- the kernel takes f16, the tensor is f32\n"
            "   1 p1: .u32     n: i32\n"
            "   2 p2: ptr f16  out0: f32[n]  <- the kernel takes f16, the tensor is f32");
}

TEST(BindForeign, BlocksAgainstWhatTheCodeWasMadeFor) {
  const auto block = [](const std::string& directives, KernelLaunchParams p) {
    return error_with(with_ptx(ptx(kThree, kReadAll, ".version 8.4\n.target sm_80\n", directives), {kN}, p));
  };
  EXPECT_EQ(block(" .reqntid 128, 1, 1", {.block_x = 96}),
            "t::p: the block of 'add_kernel' is (96, 1, 1), but its PTX requires (128, 1, 1) (.reqntid)");
  EXPECT_EQ(block(" .maxntid 128, 1, 1", {.block_x = 256}),
            "t::p: the block of 'add_kernel' has 256 threads, but its PTX allows 128 (.maxntid)");
  EXPECT_EQ(block("", {.block_x = 1024, .block_y = 2}),
            "t::p: the block of 'add_kernel' has 2048 threads; a block has at most 1024");
  EXPECT_EQ(block("", {.block_x = 0}), "t::p: block_x of 'add_kernel' is 0; a block has at least one thread");
  EXPECT_EQ(block("", {.block_x = 1024}), "no error");
}

TEST(BindForeign, GeometryBeyondTheDevice) {
  const auto with = [](KernelLaunchParams p) { return error_with(with_ptx(ptx(kThree, kReadAll), {kN}, p)); };
  EXPECT_EQ(with({.block_x = 32, .shared_mem = 200000}),
            "t::p: 'add_kernel' asks for 200000 bytes of shared memory, the device has 101376 per block");
  EXPECT_EQ(with({.grid_y = 65536, .block_x = 32}),
            "t::p: grid_y of 'add_kernel' is 65536; at most 65535 are possible");
  EXPECT_EQ(with({.grid_x = 0, .block_x = 32}), "no error") << "an empty grid is skipped";
}

TEST(BindForeign, VersionsArchitecturesEntries) {
  EXPECT_EQ(error_with(with_ptx(ptx(kThree, kReadAll, ".version 9.1\n.target sm_80\n"))),
            "t::p: its PTX is of ISA 9.1, but the device's driver knows up to 8.4; ask the compiler of the "
            "PTX for 8.4 (Triton: "
            "ptx_version=84), or install a newer driver");
  EXPECT_EQ(error_with(with_ptx(ptx(kThree, kReadAll, ".version 8.4\n.target sm_100\n"))),
            "t::p: its PTX is for sm_100, the device is sm_90a");
  Question q;
  q.target = "sm_90";
  EXPECT_EQ(error_with(with_ptx(ptx(kThree, kReadAll, ".version 8.4\n.target sm_90a\n")), q),
            "t::p: its PTX is for sm_90a, the device is sm_90");
  EXPECT_EQ(error_with([](const AotRequest&) {
              return aot_result("other", code_of_text(ptx(kThree, kReadAll)), k128, {kN});
            }),
            "t::p: its PTX has no entry 'other'; it has add_kernel");
  EXPECT_EQ(error_with(with_ptx(".version 8.4\n.target sm_80\nbroken")).substr(0, 15), "t::p: its PTX:3");
  Question cpu;
  cpu.machine = {}, cpu.target = "x86-64-v3";
  EXPECT_EQ(error_with(with_ptx(ptx(kThree, kReadAll, ".version 9.1\n.target sm_100a\n")), cpu), "no error")
      << "the interpreter runs it";
  EXPECT_EQ(error_with(with_ptx("\x7f"
                                "ELF..."),
                       cpu),
            "t::p: its code is a cubin, which runs on a GPU alone");
  EXPECT_EQ(error_with(with_ptx("\x7f"
                                "ELF...")),
            "no error");
}

TEST(BindForeign, BlockSizeZeroNamesTheAttribute) {
  Question q;
  q.block_size = 0;
  EXPECT_EQ(error_with(
                [](const AotRequest& r) {
                  return launch_of(add_kernel(256), {r.inputs[0], r.inputs[0].numel(), r.outputs[0]},
                                   cdiv(r.inputs[0].numel(), r.attributes.get<std::int64_t>("block_size")));
                },
                q)
                    .find("(attribute 'block_size' is 0)") != std::string::npos,
            true);
}

TEST(BindForeign, CudaSourceGoesThroughTheCompiler) {
  const auto body = [](const AotRequest&) {
    return aot_result("add<float>", CudaSource{.text = "template <class T> ..."}, k128, {kN});
  };
  EXPECT_EQ(error_with(body), "t::p: its code is CUDA C++, and this process has no compiler for it");
  Question q;
  q.compiler = [](const CudaSource& source, std::span<const std::string> names, std::string_view target,
                  int version) {
    EXPECT_EQ(source.text, "template <class T> ...");
    EXPECT_EQ(names[0], "add<float>");
    EXPECT_EQ(target, "sm_90a");
    EXPECT_EQ(version, 84);
    return CudaModule{ptx(kThree, kReadAll), {"add_kernel"}};
  };
  EXPECT_EQ(error_with(body, q), "no error");
  q.compiler = [](const CudaSource&, std::span<const std::string>, std::string_view, int) -> CudaModule {
    throw UserError("CUDA C++ does not compile");
  };
  EXPECT_EQ(
      error_with(with_ptx("mov.u32 %r1, 3;"), q),
      "t::p: its code begins neither as PTX does (.version) nor as a cubin, so it was taken for CUDA C++: "
      "CUDA C++ does not compile");
  EXPECT_EQ(error_with(with_ptx("__global__ void f() {"), q), "t::p: CUDA C++ does not compile");
}

TEST(BindForeign, WordsThatAreNoPtxAreFoundWhereTheInterpreterRunsThem) {
  const std::string text = ptx(kThree, "ld.param.q64 %rd1, [p0]; ret;");
  Question cpu;
  cpu.machine = {}, cpu.target = "x86-64-v3";
  EXPECT_EQ(error_with(with_ptx(text), cpu).substr(0, 65),
            "t::p: its PTX:7: 'ld.param.q64' is not in the opcode table; the n");
}

TEST(BindForeign, UnchangedPtxOfOurOwnStaysAKernel) {
  const auto body = [](const AotRequest&) {
    return aot_result("add_kernel", PtxText{"whatever it was printed as", add_kernel(256)}, k128, {kN});
  };
  EXPECT_TRUE(std::holds_alternative<schedule::Kernels>(build_with(body)));
}

TEST(Code, FormsAreToldApartByTheirFirstBytes) {
  EXPECT_TRUE(std::holds_alternative<PtxText>(code_of_text("//\n// Generated\n\n.version 8.4\n")));
  EXPECT_TRUE(std::holds_alternative<PtxText>(code_of_text("/* x */ .version 8.4")));
  EXPECT_TRUE(std::holds_alternative<CudaSource>(code_of_text("extern \"C\" __global__ void f() {}")));
  EXPECT_TRUE(std::holds_alternative<CudaSource>(code_of_text("/*")));
  EXPECT_TRUE(
      std::holds_alternative<Binary>(code_of_text("\x7f"
                                                  "ELF")));
  EXPECT_TRUE(std::holds_alternative<Binary>(code_of_text("\x50\xed\x55\xba")));
  EXPECT_EQ(std::get<PtxText>(code_of_text(std::string(".version 8.4\0\0", 14))).text, ".version 8.4");
}

}  // namespace
}  // namespace intarsia::plugins
