// What users read: places with a caret, numbers beside tensors, printed tensors.
#include <gtest/gtest.h>

#include <limits>

#include "error_text.h"
#include "intarsia/intarsia.h"

namespace intarsia {
namespace {

TEST(Messages, NumbersBesideTensors) {
  const Tensor i32 = iota({2}, 0, DType::kI32), f32 = iota({2}), u8 = iota({2}, 0, DType::kU8),
               f16 = iota({2}, 0, DType::kF16);
  EXPECT_EQ(message([&] { i32 + 1.5; }),
            "the number 1.5 beside a tensor of i32: a float does not become an integer by itself; cast the "
            "tensor, or write an integer");
  EXPECT_EQ(message([&] { u8 + 256; }), "the integer 256 does not fit u8");
  EXPECT_EQ(message([&] { u8 + -1; }), "the integer -1 does not fit u8");
  EXPECT_EQ(message([&] { f16 * 70000.0; }), "the number 70000.0 is too large for f16");
  EXPECT_EQ(message([&] { f32 + 16777217; }),
            "the integer 16777217 is not exact in f32; write 16777217.0 to have it rounded");
  EXPECT_EQ(message([&] { f32 + 16777217.0; }), "no error");
  EXPECT_EQ(message([&] { i32 + f32; }),
            "add: input 'rhs' is f32 but input 'lhs' is i32: they must have one dtype; cast one of them");
  EXPECT_EQ((1 + i32).dtype(), DType::kI32);
  EXPECT_EQ((f16 + 1).dtype(), DType::kF16);
}

TEST(Messages, OperatorsAndPluginsThatAreNotThere) {
  const Operand x = iota({2});
  EXPECT_NE(message([&] { apply("sofmax", {&x, 1}, {}, Caller()); }).find("softmax"), std::string::npos);
  EXPECT_NE(message([&] { plugin("example::nothing", {x}); }).find("example::nothing"), std::string::npos);
  EXPECT_NE(message([&] { softmax(x, 4); }).find("'dim' is 4"), std::string::npos);
  EXPECT_EQ(message([&] { Tensor().eval(); }),
            "an empty Tensor was used: it was declared, but nothing was assigned to it");
  EXPECT_EQ(message([&] { iota({2}).item(); }), "a tensor of shape [2] has 2 elements; wanted is one");
  EXPECT_EQ(message([&] { static_cast<void>(static_cast<bool>(iota({2}))); }),
            "a tensor of shape [2] is neither true nor false: it has 2 elements");
  EXPECT_EQ(error_of([&] { Device::named("npu"); }).substr(0, 38), "there is no device 'npu'; there are cp");
}

TEST(Print, ReadsLikeNumPy) {
  EXPECT_EQ(iota({3}).str(), "tensor([0., 1., 2.], dtype=f32, shape=[3], device=cpu)");
  EXPECT_EQ((iota({2, 2}, 1, DType::kI32) * 100).str(),
            "tensor([[  0, 100],\n        [  0, 100]], dtype=i32, shape=[2, 2], device=cpu)");
  EXPECT_EQ(full({}, 2.5).str(), "tensor(2.5, dtype=f32, shape=[], device=cpu)");
  EXPECT_EQ(iota({0}).str(), "tensor([], dtype=f32, shape=[0], device=cpu)");
  EXPECT_EQ((iota({2}) > 0).str(), "tensor([false,  true], dtype=bool, shape=[2], device=cpu)");
  const float odd[] = {1.0f / 3, -1e20f, std::numeric_limits<float>::quiet_NaN(),
                       std::numeric_limits<float>::infinity()};
  const std::int64_t shape[] = {4};
  EXPECT_EQ(Tensor::from_host<float>(std::span<const float>(odd), shape).str(),
            "tensor([0.33333334,     -1e+20,        nan,        inf], dtype=f32, shape=[4], device=cpu)");
  EXPECT_EQ(iota({2000}).str(),
            "tensor([   0.,    1.,    2., ..., 1997., 1998., 1999.], dtype=f32, shape=[2000], device=cpu)");
}

TEST(FromHost, ChecksCounts) {
  const float data[3] = {};
  const std::int64_t shape[] = {2, 2};
  EXPECT_NE(error_of([&] {
              Tensor::from_host<float>(std::span<const float>(data), shape);
            }).find("the shape needs 4 elements, given are 3"),
            std::string::npos);
}

}  // namespace
}  // namespace intarsia
