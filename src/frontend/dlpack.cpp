#include "intarsia/dlpack.h"

#include <fmt/format.h>

#include <array>
#include <cstring>
#include <memory>

#include "base/convert.h"
#include "frontend/apply.h"
#include "runtime/cpu_device.h"
#include "runtime/cuda_device.h"

namespace intarsia::dlpack {
namespace {

DType dtype_of(const DLDataType& type) {
  const auto among = [&](std::array<DType, 4> by_width) {  // 8, 16, 32, 64 bits
    for (const DType t : by_width)
      if (is_known(t) && bits(t) == type.bits) return t;
    return DType{};
  };
  constexpr DType kNone{};
  DType found{};
  switch (type.code) {
    case kInt: found = among({DType::kI8, DType::kI16, DType::kI32, DType::kI64}); break;
    case kUInt: found = among({DType::kU8, DType::kU16, DType::kU32, DType::kU64}); break;
    case kFloat: found = among({DType::kF16, DType::kF32, DType::kF64, kNone}); break;
    case kBfloat: found = among({DType::kBF16, kNone, kNone, kNone}); break;
    case kBool: found = among({DType::kBool, kNone, kNone, kNone}); break;
    case kFloat8E4M3FN: found = among({DType::kF8E4M3, kNone, kNone, kNone}); break;
    case kFloat8E5M2: found = among({DType::kF8E5M2, kNone, kNone, kNone}); break;
    default: break;
  }
  if (!is_known(found) || type.lanes != 1)
    throw UserError(fmt::format("from_dlpack: there is no dtype for elements of code {}, {} bits, {} lanes",
                                type.code, type.bits, type.lanes));
  return found;
}

DLDataType type_of(DType dtype) {
  const auto width = static_cast<std::uint8_t>(bits(dtype));
  if (width < 8)
    throw UserError(fmt::format("to_dlpack: DLPack has no packed {}; cast the tensor first", name(dtype)));
  if (dtype == DType::kBool) return {kBool, width, 1};
  if (dtype == DType::kBF16) return {kBfloat, width, 1};
  if (dtype == DType::kF8E4M3) return {kFloat8E4M3FN, width, 1};
  if (dtype == DType::kF8E5M2) return {kFloat8E5M2, width, 1};
  if (is_float(dtype)) return {kFloat, width, 1};
  return {is_unsigned_int(dtype) ? kUInt : kInt, width, 1};
}

runtime::Device& device_of(const DLDevice& device) {
  if (device.type == kCpu || device.type == kCudaHost) return runtime::cpu_device();
  if (device.type == kCuda || device.type == kCudaManaged) return runtime::cuda_device(device.id);
  throw UserError(fmt::format(
      "from_dlpack: the data is on a device of type {}; supported are 1 (CPU) and 2 (CUDA)", device.type));
}

bool is_row_major(const DLTensor& t) {
  std::int64_t stride = 1;
  if (!t.strides) return true;
  for (std::int32_t a = t.ndim; a-- > 0;) {
    if (t.shape[a] == 0) return true;
    if (t.shape[a] != 1 && t.strides[a] != stride) return false;
    stride *= t.shape[a];
  }
  return true;
}

// Element by element, in row-major order of the result.
void gather(const DLTensor& from, char* to, std::int64_t width) {
  const char* data = static_cast<const char*>(from.data) + from.byte_offset;
  std::array<std::int64_t, runtime::Extents::kMaxRank> at{};
  std::int64_t count = 1;
  for (std::int32_t a = 0; a < from.ndim; ++a) count *= from.shape[a];
  for (std::int64_t i = 0; i < count; ++i) {
    std::int64_t offset = 0;
    for (std::int32_t a = 0; a < from.ndim; ++a) offset += at[static_cast<std::size_t>(a)] * from.strides[a];
    std::memcpy(to + i * width, data + offset * width, static_cast<std::size_t>(width));
    for (std::int32_t a = from.ndim; a-- > 0;) {
      if (++at[static_cast<std::size_t>(a)] < from.shape[a]) break;
      at[static_cast<std::size_t>(a)] = 0;
    }
  }
}

template <class Managed>
struct Deleter {
  void operator()(Managed* m) const {
    if (m->deleter) m->deleter(m);
  }
};

template <class Managed>
Tensor import(Managed* managed, const Caller& caller) {
  std::unique_ptr<Managed, Deleter<Managed>> owner(managed);
  const DLTensor& t = managed->tensor;
  runtime::Device& device = device_of(t.device);
  const DType dtype = dtype_of(t.dtype);
  const runtime::Extents extents(std::span<const std::int64_t>(t.shape, static_cast<std::size_t>(t.ndim)));
  if (!is_row_major(t)) {
    if (device.kind() != runtime::Device::Kind::kCpu)
      throw Unsupported("from_dlpack: strided data on a GPU; make it contiguous first");
    runtime::DeviceTensor dense = runtime::DeviceTensor::make(device, dtype, extents);
    gather(t, static_cast<char*>(dense.data), bits(dtype) / 8);
    return Tensor::from_device(std::move(dense), caller);
  }
  runtime::DeviceTensor view;
  view.data = static_cast<char*>(t.data) + t.byte_offset;
  view.dtype = dtype, view.extents = extents;
  const auto release = [](void* context) noexcept { Deleter<Managed>()(static_cast<Managed*>(context)); };
  view.storage =
      runtime::Storage::wrap(device, view.data, static_cast<std::size_t>(view.bytes()), release, managed);
  (void)owner.release();
  return Tensor::from_device(std::move(view), caller);
}

template <class Managed>
Tensor import_at(Managed* managed, const Caller& caller) {
  try {
    return import(managed, caller);
  } catch (const Unsupported& error) {
    throw Unsupported(caller.show() + error.what());
  } catch (const UserError& error) { frontend::throw_at(caller, error.what()); }
}

struct Exported {
  ManagedTensorVersioned managed{};
  runtime::DeviceTensor tensor;
  std::array<std::int64_t, runtime::Extents::kMaxRank> shape{}, strides{};
};

void order(runtime::Device& device, const runtime::DeviceTensor& tensor,
           std::optional<runtime::Stream> stream) {
  if (!stream)
    device.synchronize(tensor.storage->stream());
  else if (tensor.storage->ready())
    device.wait(*stream, *tensor.storage->ready());
}
}  // namespace

ManagedTensorVersioned* to_dlpack(const Tensor& tensor, std::optional<runtime::Stream> stream,
                                  Caller caller) {
  auto out = std::make_unique<Exported>();
  out->tensor = tensor.data(caller);
  runtime::Device& device = out->tensor.storage->device();
  order(device, out->tensor, stream);
  const std::size_t rank = out->tensor.extents.size();
  std::copy(out->tensor.extents.begin(), out->tensor.extents.end(), out->shape.begin());
  for (std::size_t a = rank; a-- > 0;)
    out->strides[a] = a + 1 == rank ? 1 : out->strides[a + 1] * out->shape[a + 1];
  DLTensor& t = out->managed.tensor;
  try {
    t.dtype = type_of(tensor.dtype());
  } catch (const UserError& error) { frontend::throw_at(caller, error.what()); }
  t.data = out->tensor.data;
  t.device = {device.kind() == runtime::Device::Kind::kCpu ? kCpu : kCuda, device.ordinal()};
  t.ndim = static_cast<std::int32_t>(rank);
  t.shape = out->shape.data(), t.strides = out->strides.data();
  out->managed.version = {1, 0};
  out->managed.flags = kReadOnly;
  out->managed.manager = out.get();
  out->managed.deleter = [](ManagedTensorVersioned* self) { delete static_cast<Exported*>(self->manager); };
  return &out.release()->managed;
}

Tensor from_dlpack(ManagedTensorVersioned* managed, Caller caller) {
  if (managed->version.major != 1) {
    const std::uint32_t major = managed->version.major;
    if (managed->deleter) managed->deleter(managed);
    frontend::throw_at(caller,
                       fmt::format("from_dlpack: the data is of DLPack version {}, supported is 1", major));
  }
  return import_at(managed, caller);
}

Tensor from_dlpack(ManagedTensor* managed, Caller caller) { return import_at(managed, caller); }

}  // namespace intarsia::dlpack
