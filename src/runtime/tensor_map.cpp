#include "runtime/tensor_map.h"

#include <fmt/format.h>

#include "base/error.h"
#include "runtime/cuda_device.h"

namespace intarsia::runtime {
namespace {

ptx::TensorMap encode_on_gpu(const CudaDevice& device, const ptx::TensorMapSpec& spec) {
  const cuda::Driver& driver = device.driver();
  if (driver.encode_tiled == nullptr)
    throw Unsupported(fmt::format("{}: tensor maps need a driver of CUDA 12.0; this one is of {}.{}",
                                  device.name(), driver.version / 1000, driver.version / 10 % 100));
  if (device.compute_capability() < 90)
    throw Unsupported(
        fmt::format("{}: tensor maps need sm_90; this device is {}", device.name(), device.target()));
  std::array<std::uint64_t, 5> shape{}, strides{};
  std::array<unsigned, 5> box{}, steps{};
  for (std::size_t d = 0; d < spec.shape.size(); ++d) {
    shape[d] = static_cast<std::uint64_t>(spec.shape[d]);
    box[d] = static_cast<unsigned>(spec.box[d]);
    steps[d] = spec.element_steps.empty() ? 1 : static_cast<unsigned>(spec.element_steps[d]);
    if (d > 0) strides[d - 1] = static_cast<std::uint64_t>(spec.strides[d - 1]);
  }
  ptx::TensorMap out;
  driver.check(driver.encode_tiled(
                   out.bytes.data(), static_cast<int>(spec.type), static_cast<unsigned>(spec.shape.size()),
                   reinterpret_cast<cuda::Address>(spec.data), shape.data(), strides.data(), box.data(),
                   steps.data(), 0, static_cast<int>(spec.swizzle), 0, static_cast<int>(spec.fill)),
               device.name() + ": making a tensor map");
  return out;
}

}  // namespace

ptx::TensorMapType tensor_map_type(DType dtype) {
  using enum ptx::TensorMapType;
  switch (dtype) {
    case DType::kBool:
    case DType::kI8:
    case DType::kU8:
    case DType::kF8E4M3:
    case DType::kF8E5M2: return kU8;
    case DType::kI16:
    case DType::kU16: return kU16;
    case DType::kU32: return kU32;
    case DType::kI32: return kS32;
    case DType::kU64: return kU64;
    case DType::kI64: return kS64;
    case DType::kF16: return kF16;
    case DType::kBF16: return kBF16;
    case DType::kF32: return kF32;
    case DType::kF64: return kF64;
    default:
      throw UserError(fmt::format(
          "tensor map: elements of {} have less than a byte; pass the bytes that hold them", name(dtype)));
  }
}

ptx::TensorMap encode_tensor_map(const Device& device, const ptx::TensorMapSpec& spec) {
  ptx::check_tensor_map(spec);
  if (device.kind() == Device::Kind::kCpu) return ptx::encode_tensor_map(spec);
  return encode_on_gpu(static_cast<const CudaDevice&>(device), spec);
}

}  // namespace intarsia::runtime
