// PTX images on the CPU device.
#include <gtest/gtest.h>

#include <numeric>

#include "base/error.h"
#include "runtime/cpu_device.h"
#include "runtime/executable.h"
#include "runtime/ptx_code.h"

namespace intarsia::runtime {
namespace {

// y[i] = x[i] + 1 for i < n; 128 threads a block.
constexpr const char* kAddOne = R"(
.version 8.0
.target sm_80
.address_size 64
.visible .entry add_one(.param .u64 x, .param .u64 y, .param .u32 n)
{
  .reg .pred %p<2>;
  .reg .b32 %r<6>;
  .reg .f32 %f<3>;
  .reg .b64 %rd<8>;
  ld.param.u64 %rd1, [x];
  ld.param.u64 %rd2, [y];
  ld.param.u32 %r1, [n];
  mov.u32 %r2, %ctaid.x;
  mov.u32 %r3, %ntid.x;
  mov.u32 %r4, %tid.x;
  mad.lo.s32 %r5, %r2, %r3, %r4;
  setp.ge.s32 %p1, %r5, %r1;
  @%p1 bra DONE;
  cvta.to.global.u64 %rd3, %rd1;
  cvta.to.global.u64 %rd4, %rd2;
  mul.wide.s32 %rd5, %r5, 4;
  add.s64 %rd6, %rd3, %rd5;
  add.s64 %rd7, %rd4, %rd5;
  ld.global.f32 %f1, [%rd6];
  add.f32 %f2, %f1, 0f3F800000;
  st.global.f32 [%rd7], %f2;
DONE:
  ret;
}
)";

Program add_one(const std::string& text, const Dim& count) {
  Program p;
  const Dim n = Dim::symbol("n", {.min = 0, .max = 1 << 20});
  p.symbols = {{{"n", {.min = 0, .max = 1 << 20}}, SymbolDef::Source::kInputExtent, 0, 0}};
  Buffer b;
  b.name = "x", b.kind = Buffer::Kind::kInput, b.dtype = DType::kF32, b.shape = {p.dim(n)},
  b.bytes = p.dim(n * 4);
  const BufferId x = p.add(b);
  b.name = "y", b.kind = Buffer::Kind::kOutput;
  const BufferId y = p.add(b);
  Code code;
  code.entry = "add_one";
  code.images = {{Image::Form::kPtx, "sm_80", text}};
  Launch launch;
  launch.code = p.add(code), launch.grid = {p.dim(cdiv(n, 128))}, launch.block = {p.dim(128)};
  const auto on = [](BufferId id, Access access) {
    Argument a;
    a.kind = Argument::Kind::kBuffer, a.buffer = id, a.access = access;
    return a;
  };
  Argument size;
  size.kind = Argument::Kind::kDim, size.dtype = DType::kI32, size.value = p.dim(count), size.name = "n";
  launch.arguments = {on(x, Access::kRead), on(y, Access::kWrite), size};
  Step step;
  step.name = "example::add_one", step.body = launch;
  p.steps = {step};
  return p;
}

std::vector<float> run(const Executable& exe, std::int64_t n) {
  DeviceTensor x = DeviceTensor::make(cpu_device(), DType::kF32, {n});
  std::iota(static_cast<float*>(x.data), static_cast<float*>(x.data) + n, 0.0f);
  const auto out = exe.run(std::vector{x});
  return {static_cast<float*>(out[0].data), static_cast<float*>(out[0].data) + n};
}

const Dim kN = Dim::symbol("n", {.min = 0, .max = 1 << 20});

TEST(PtxOnCpu, RunsAtEverySize) {
  const auto exe = Executable::make(add_one(kAddOne, kN), cpu_device());
  for (const std::int64_t n : {0, 1, 127, 128, 129, 5000}) {
    const std::vector<float> y = run(*exe, n);
    for (std::int64_t i = 0; i < n; ++i) ASSERT_EQ(y[static_cast<std::size_t>(i)], static_cast<float>(i) + 1);
  }
}

TEST(PtxOnCpu, ReportsAccessesOutsideItsBuffers) {
  const auto exe = Executable::make(add_one(kAddOne, kN + 5), cpu_device());
  try {
    run(*exe, 100);
    FAIL();
  } catch (const UserError& error) {
    const std::string text = error.what();
    EXPECT_EQ(text.find("example::add_one: "), 0u) << text;
    EXPECT_NE(text.find("ld.global.f32"), std::string::npos) << text;
  }
}

TEST(PtxOnCpu, TextThatIsNoneIsAnErrorWhenItIsLoaded) {
  EXPECT_THROW(Executable::make(add_one("hello", kN), cpu_device()), UserError);
  std::string other = kAddOne;
  other.replace(other.find("add_one"), 7, "add_two");
  EXPECT_THROW(Executable::make(add_one(other, kN), cpu_device()), UserError);
}

TEST(PtxOnCpu, NeedsTheLanesItIsCompiledFor) {
  EXPECT_NO_THROW(check_cpu_for_ptx(CpuLevel::kV3));
  for (const auto& [level, is] :
       {std::pair{CpuLevel::kV2, "x86-64-v2"}, {CpuLevel{0}, "older than x86-64-v2"}})
    try {
      check_cpu_for_ptx(level);
      FAIL() << is;
    } catch (const Unsupported& error) {
      EXPECT_EQ(error.what(),
                std::string("PTX runs on CPUs with AVX2 and FMA, which is x86-64-v3; this one is ") + is);
    }
}

}  // namespace
}  // namespace intarsia::runtime
