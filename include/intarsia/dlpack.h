// Tensors of other libraries, in and out without a copy: the structures of DLPack 1.x, and what takes and
// gives them.
//
// The structures have the layout of DLManagedTensorVersioned and DLManagedTensor
// (https://dmlc.github.io/dlpack), so that a pointer to one may be cast to the other.
#pragma once
#include <cstdint>
#include <optional>

#include "intarsia/intarsia.h"

namespace intarsia::dlpack {

enum DeviceType : std::int32_t { kCpu = 1, kCuda = 2, kCudaHost = 3, kCudaManaged = 13 };
enum TypeCode : std::uint8_t {
  kInt = 0,
  kUInt = 1,
  kFloat = 2,
  kBfloat = 4,
  kBool = 6,
  kFloat8E4M3FN = 10,
  kFloat8E5M2 = 12
};

struct DLDevice {
  std::int32_t type;
  std::int32_t id;
};
struct DLDataType {
  std::uint8_t code, bits;
  std::uint16_t lanes;
};
struct DLTensor {
  void* data;
  DLDevice device;
  std::int32_t ndim;
  DLDataType dtype;
  std::int64_t* shape;
  std::int64_t* strides;  // in elements; null: row-major
  std::uint64_t byte_offset;
};
struct ManagedTensor {
  DLTensor tensor;
  void* manager;
  void (*deleter)(ManagedTensor* self);
};
struct Version {
  std::uint32_t major, minor;
};
constexpr std::uint64_t kReadOnly = 1, kCopied = 2;  // flags
struct ManagedTensorVersioned {
  Version version;
  void* manager;
  void (*deleter)(ManagedTensorVersioned* self);
  std::uint64_t flags;
  DLTensor tensor;
};

// Evaluates; the caller calls the deleter once. On a GPU the data is ready in the order of `stream` (a
// CUstream), and without one when the function returns. It shares memory with the tensor: nobody may write to
// it.
ManagedTensorVersioned* to_dlpack(const Tensor& tensor, std::optional<runtime::Stream> stream = {},
                                  Caller caller = std::source_location::current());

// Takes the structure over: its deleter is called when the last tensor that needs the memory is gone, or at
// once where this throws. Row-major data is not copied, other strides are. UserError: a device or dtype that
// there is not, a newer major version.
Tensor from_dlpack(ManagedTensorVersioned* managed, Caller caller = std::source_location::current());
Tensor from_dlpack(ManagedTensor* managed, Caller caller = std::source_location::current());

}  // namespace intarsia::dlpack
