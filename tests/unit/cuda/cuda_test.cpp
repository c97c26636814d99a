// The CUDA device where there is no GPU: what it says, and which image it would take. ./dev gpu runs the rest
// on one.
#include <gtest/gtest.h>

#include "base/error.h"
#include "runtime/cuda_device.h"

namespace intarsia::runtime {
namespace {

TEST(Cuda, ADeviceThatIsNotThereSaysWhy) {
  if (cuda_device_count() > 0) GTEST_SKIP() << "this machine has a GPU";
  try {
    cuda_device(0);
    FAIL() << "there is no device";
  } catch (const UserError& e) {
    EXPECT_TRUE(std::string(e.what()).starts_with("cuda:0 is not there: ")) << e.what();
  }
}

TEST(Cuda, TheNearestImageIsTaken) {
  using Form = Image::Form;
  EXPECT_EQ(suitability(Form::kX86, "x86-64-v3", 90), 0);
  EXPECT_EQ(suitability(Form::kCudaSource, "", 90), 0);
  EXPECT_GT(suitability(Form::kCubin, "sm_90", 90), suitability(Form::kPtx, "sm_90a", 90));
  EXPECT_GT(suitability(Form::kPtx, "sm_90a", 90), suitability(Form::kPtx, "compute_80", 90));
  EXPECT_GT(suitability(Form::kPtx, "compute_80", 90), suitability(Form::kPtx, "sm_75", 90));
}

TEST(Cuda, CodeForOneArchitectureNeverRunsOnAnother) {
  using Form = Image::Form;
  EXPECT_EQ(suitability(Form::kPtx, "sm_90a", 100), 0);
  EXPECT_EQ(suitability(Form::kPtx, "compute_90", 80), 0);
  EXPECT_EQ(suitability(Form::kCubin, "sm_80", 90), 0);
  EXPECT_GT(suitability(Form::kCubin, "sm_80", 86), 0);
  EXPECT_EQ(suitability(Form::kCubin, "sm_86", 80), 0);
}

}  // namespace
}  // namespace intarsia::runtime
