#include "runtime/storage.h"

#include "runtime/device.h"

namespace intarsia::runtime {

std::int64_t Extents::numel() const {
  std::int64_t n = 1;
  for (const std::int64_t e : *this)
    if (__builtin_mul_overflow(n, e, &n)) throw UserError("a tensor's number of elements exceeds 64 bits");
  return n;
}

std::int64_t checked_bytes(DType dtype, std::int64_t count) {
  std::int64_t total = 0;
  if (__builtin_mul_overflow(count, static_cast<std::int64_t>(bits(dtype)), &total) || total > INT64_MAX - 7)
    throw UserError("a tensor's size exceeds 64 bits");
  return (total + 7) / 8;
}

StorageRef Storage::allocate(Device& device, std::size_t bytes, Stream stream) {
  void* memory = device.allocate(bytes, stream);
  auto* storage = new Storage(device, memory, bytes);
  storage->stream_ = stream;
  return StorageRef(storage);
}

StorageRef Storage::wrap(Device& device, void* data, std::size_t bytes, Release release, void* context) {
  auto* storage = new Storage(device, data, bytes);
  storage->release_ = release, storage->context_ = context;
  if (!release) storage->release_ = [](void*) noexcept {};
  return StorageRef(storage);
}

Storage::~Storage() {
  if (release_)
    release_(context_);
  else
    device_->free(data_, bytes_, stream_);
}

DeviceTensor DeviceTensor::make(Device& device, DType dtype, Extents extents, Stream stream) {
  DeviceTensor tensor;
  tensor.storage =
      Storage::allocate(device, static_cast<std::size_t>(checked_bytes(dtype, extents.numel())), stream);
  tensor.data = tensor.storage->data();
  tensor.dtype = dtype;
  tensor.extents = extents;
  return tensor;
}

}  // namespace intarsia::runtime
