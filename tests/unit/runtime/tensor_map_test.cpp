// Tensor maps of the CPU device.
#include "runtime/tensor_map.h"

#include <gtest/gtest.h>

#include <cstring>

#include "base/error.h"
#include "runtime/cpu_device.h"

namespace intarsia::runtime {
namespace {

ptx::TensorMapSpec spec(const void* data) {
  ptx::TensorMapSpec out;
  out.type = tensor_map_type(DType::kBF16);
  out.data = data;
  out.shape = {64, 8};
  out.strides = {128};
  out.box = {64, 4};
  out.swizzle = ptx::TensorMapSwizzle::k128Bytes;
  return out;
}

TEST(TensorMap, TheCpuGetsTheInterpretersForm) {
  alignas(16) static std::array<std::byte, 1024> data;
  const ptx::TensorMap map = encode_tensor_map(cpu_device(), spec(data.data()));
  ptx::TensorMapFields fields;
  std::memcpy(&fields, map.bytes.data(), sizeof fields);
  EXPECT_TRUE(fields.valid());
  EXPECT_EQ(fields.rank, 2);
  EXPECT_EQ(fields.address, reinterpret_cast<std::uintptr_t>(data.data()));
  EXPECT_EQ(fields.box_bytes(), 64 * 4 * 2);
}

TEST(TensorMap, ADescriptionThatBreaksARuleIsRefusedOnEveryDevice) {
  alignas(16) static std::array<std::byte, 1024> data;
  ptx::TensorMapSpec wide = spec(data.data());
  wide.box[0] = 128;
  try {
    encode_tensor_map(cpu_device(), wide);
    ADD_FAILURE() << "nothing was thrown";
  } catch (const UserError& error) {
    EXPECT_STREQ(error.what(),
                 "tensor map: dimension 0 of the box has 256 bytes; a swizzle of 128 bytes allows 128");
  }
}

TEST(TensorMap, ElementsOfADtypeKeepTheirWidth) {
  for (const DType t : {DType::kBool, DType::kI8, DType::kU8, DType::kF8E4M3, DType::kF8E5M2, DType::kI16,
                        DType::kU16, DType::kI32, DType::kU32, DType::kI64, DType::kU64, DType::kF16,
                        DType::kBF16, DType::kF32, DType::kF64})
    EXPECT_EQ(ptx::bytes_of(tensor_map_type(t)) * 8, bits(t)) << name(t);
  EXPECT_THROW(tensor_map_type(DType::kI4), UserError);
  EXPECT_THROW(tensor_map_type(DType::kU4), UserError);
}

}  // namespace
}  // namespace intarsia::runtime
