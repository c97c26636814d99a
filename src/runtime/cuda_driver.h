// NVIDIA's driver, found when the process asks for it: the functions of its C interface that we call.
//
// Declared here so that neither building nor running needs a CUDA toolkit. Names, values and layouts are
// those of the driver API.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

namespace intarsia::runtime::cuda {

using Result = int;
using DeviceHandle = int;
using Address = std::uint64_t;
using Context = struct ContextTag*;
using Module = struct ModuleTag*;
using Function = struct FunctionTag*;
using StreamHandle = struct StreamTag*;
using EventHandle = struct EventTag*;
using MemoryPool = struct MemoryPoolTag*;

struct Copy2D {
  std::size_t source_x, source_y;
  int source_kind;
  const void* source_host;
  Address source_device;
  void* source_array;
  std::size_t source_pitch;
  std::size_t target_x, target_y;
  int target_kind;
  void* target_host;
  Address target_device;
  void* target_array;
  std::size_t target_pitch;
  std::size_t width, height;
};
constexpr int kMemoryUnified = 4;

struct LaunchAttribute {
  int id;
  char padding[4];
  union {
    char bytes[64];
    int number;
    struct {
      unsigned x, y, z;
    } cluster;
  } value;
};
struct LaunchConfiguration {
  unsigned grid_x, grid_y, grid_z, block_x, block_y, block_z, shared_bytes;
  StreamHandle stream;
  LaunchAttribute* attributes;
  unsigned count;
};
constexpr int kAttributeCooperative = 2, kAttributeCluster = 4, kAttributeProgrammaticLaunch = 6;

enum DeviceAttribute {
  kMaxThreadsPerBlock = 1,
  kMaxBlockX = 2,
  kMaxGridX = 5,
  kMultiprocessors = 16,
  kL2Bytes = 38,
  kComputeMajor = 75,
  kComputeMinor = 76,
  kMaxSharedOptIn = 97
};
constexpr int kFunctionMaxDynamicShared = 8;
constexpr int kPoolReleaseThreshold = 4;
constexpr int kJitErrorLog = 5, kJitErrorLogBytes = 6;
constexpr unsigned kEventDisableTiming = 2;
constexpr Result kUnsupportedPtxVersion = 222, kNoBinaryForGpu = 209, kInvalidPtx = 218, kOutOfMemory = 2;

// name of the member, symbol in the library, parameters
#define INTARSIA_CUDA_FUNCTIONS(X)                                                                          \
  X(init, cuInit, unsigned)                                                                                 \
  X(driver_version, cuDriverGetVersion, int*)                                                               \
  X(device_count, cuDeviceGetCount, int*)                                                                   \
  X(device_get, cuDeviceGet, DeviceHandle*, int)                                                            \
  X(device_name, cuDeviceGetName, char*, int, DeviceHandle)                                                 \
  X(device_attribute, cuDeviceGetAttribute, int*, int, DeviceHandle)                                        \
  X(default_pool, cuDeviceGetDefaultMemPool, MemoryPool*, DeviceHandle)                                     \
  X(pool_set, cuMemPoolSetAttribute, MemoryPool, int, void*)                                                \
  X(retain_context, cuDevicePrimaryCtxRetain, Context*, DeviceHandle)                                       \
  X(set_context, cuCtxSetCurrent, Context)                                                                  \
  X(allocate, cuMemAllocAsync, Address*, std::size_t, StreamHandle)                                         \
  X(free, cuMemFreeAsync, Address, StreamHandle)                                                            \
  X(copy, cuMemcpyAsync, Address, Address, std::size_t, StreamHandle)                                       \
  X(copy_2d, cuMemcpy2DAsync_v2, const Copy2D*, StreamHandle)                                               \
  X(set_8, cuMemsetD8Async, Address, unsigned char, std::size_t, StreamHandle)                              \
  X(set_16, cuMemsetD16Async, Address, unsigned short, std::size_t, StreamHandle)                           \
  X(set_32, cuMemsetD32Async, Address, unsigned, std::size_t, StreamHandle)                                 \
  X(event_create, cuEventCreate, EventHandle*, unsigned)                                                    \
  X(event_record, cuEventRecord, EventHandle, StreamHandle)                                                 \
  X(event_destroy, cuEventDestroy_v2, EventHandle)                                                          \
  X(stream_wait, cuStreamWaitEvent, StreamHandle, EventHandle, unsigned)                                    \
  X(stream_synchronize, cuStreamSynchronize, StreamHandle)                                                  \
  X(module_load, cuModuleLoadDataEx, Module*, const void*, unsigned, int*, void**)                          \
  X(module_unload, cuModuleUnload, Module)                                                                  \
  X(module_function, cuModuleGetFunction, Function*, Module, const char*)                                   \
  X(function_set, cuFuncSetAttribute, Function, int, int)                                                   \
  X(launch, cuLaunchKernel, Function, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, \
    StreamHandle, void**, void**)                                                                           \
  X(launch_configured, cuLaunchKernelEx, const LaunchConfiguration*, Function, void**, void**)              \
  X(error_name, cuGetErrorName, Result, const char**)                                                       \
  X(error_text, cuGetErrorString, Result, const char**)

struct Driver {
  // Since CUDA 12.0; null before.
  Result (*encode_tiled)(void* map, int type, unsigned rank, Address data, const std::uint64_t* shape,
                         const std::uint64_t* strides, const unsigned* box, const unsigned* element_steps,
                         int interleave, int swizzle, int promotion, int fill) = nullptr;
#define INTARSIA_CUDA_MEMBER(member, symbol, ...) Result (*member)(__VA_ARGS__) = nullptr;
  INTARSIA_CUDA_FUNCTIONS(INTARSIA_CUDA_MEMBER)
#undef INTARSIA_CUDA_MEMBER
  int version = 0;  // of CUDA times 1000 plus minor times 10: 13000 is 13.0

  // UserError "<what>: CUDA_ERROR_...: text" unless `result` is success.
  void check(Result result, const std::string& what) const;
  std::string describe(Result result) const;
};

// The driver of this machine, initialised; null where there is none or no device, with the reason in `why`.
const Driver* driver(std::string* why = nullptr);

}  // namespace intarsia::runtime::cuda
