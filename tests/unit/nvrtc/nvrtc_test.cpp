#include "target/nvrtc.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "compiler/cuda_source.h"
#include "ptx/ptx.h"

namespace intarsia::target {
namespace {

// Skips, by name, where there is no NVRTC.
class NvrtcTest : public testing::Test {
 protected:
  void SetUp() override {
    try {
      nvrtc_ = Nvrtc::load();
    } catch (const Unsupported& e) { GTEST_SKIP() << e.what(); }
  }
  std::shared_ptr<const Nvrtc> nvrtc_;
};

constexpr const char* kAdd = R"(
template <class T> __global__ void add(const T* x, int n, T* y) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = x[i] + T(ONE);
})";

TEST_F(NvrtcTest, InstancesKeepTheirNames) {
  const CudaPtx ptx = nvrtc_->compile(
      {.text = kAdd, .defines = {"ONE=1"}, .names = {"add<float>", "add<int>"}, .target = "sm_80"});
  ASSERT_EQ(ptx.entries.size(), 2u);
  EXPECT_EQ(ptx.entries[0], "_Z3addIfEvPKT_iPS0_");
  const ptx::Module module = ptx::parse(ptx.text);
  EXPECT_EQ(module.target, "sm_80");
  EXPECT_EQ(ptx::parameter_list(module.entry(ptx.entries[1])).size(), 3u);
}

TEST_F(NvrtcTest, TheToolkitsHeadersAreFoundAndOwnOnesToo) {
  const CudaPtx ptx = nvrtc_->compile({.text = "#include <cuda_fp16.h>\n#include \"mine.h\"\nextern \"C\" "
                                               "__global__ void f(__half* y) { *y = __float2half(kMine); }",
                                       .headers = {{"mine.h", "constexpr float kMine = 2;"}},
                                       .target = "x86-64-v3"});
  EXPECT_EQ(ptx::parse(ptx.text).target, "sm_80") << "the interpreter's";
}

TEST_F(NvrtcTest, ErrorsAreTheCompilers) {
  try {
    (void)nvrtc_->compile({.text = "__global__ void f( {", .name = "broken.cu", .target = "sm_90a"});
    FAIL();
  } catch (const UserError& e) {
    EXPECT_NE(std::string(e.what()).find("broken.cu(1)"), std::string::npos) << e.what();
  }
}

TEST_F(NvrtcTest, AsAPluginsCompiler) {
  const std::string names[] = {"add<float>"};
  const plugins::CudaModule module =
      compiler::nvrtc_compiler()({.text = kAdd, .defines = {"ONE=2"}}, names, "sm_90a", 0);
  EXPECT_EQ(module.entries.at(0), "_Z3addIfEvPKT_iPS0_");
  EXPECT_EQ(ptx::parse(module.ptx).target, "sm_90a");
}

}  // namespace
}  // namespace intarsia::target
