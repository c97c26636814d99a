// An NVIDIA GPU as a device, through the driver alone.
#pragma once
#include <memory>
#include <string>

#include "runtime/cuda_driver.h"
#include "runtime/device.h"

namespace intarsia::runtime {

class CudaDevice final : public Device {
 public:
  CudaDevice(const cuda::Driver& driver, int ordinal);

  int compute_capability() const { return capability_; }  // 90 is 9.0
  int multiprocessors() const { return multiprocessors_; }
  std::int64_t l2_bytes() const { return l2_bytes_; }
  const std::string& product() const { return product_; }  // "NVIDIA H100 80GB HBM3"
  int driver_version() const { return driver_.version; }
  const cuda::Driver& driver() const { return driver_; }

  void* allocate(std::size_t bytes, Stream stream) override;
  void free(void* memory, std::size_t bytes, Stream stream) noexcept override;
  void copy(void* to, const void* from, std::size_t bytes, Stream stream) override;
  void copy_rows(void* to, std::int64_t to_pitch, const void* from, std::int64_t from_pitch,
                 std::int64_t bytes, std::int64_t rows, Stream stream) override;
  void memset(void* to, std::uint32_t pattern, int width, std::size_t bytes, Stream stream) override;
  std::shared_ptr<Event> record(Stream stream) override;
  void wait(Stream stream, const Event& event) override;
  void synchronize(Stream stream) override;
  std::vector<LoadedCodeRef> load(const Program& program) override;
  void launch(const LaunchRequest& request, Stream stream) override;

 private:
  void enter() const;  // makes the device's context the calling thread's
  LoadedCodeRef load_code(const Program& program, const Code& code);

  const cuda::Driver& driver_;
  cuda::Context context_ = nullptr;
  int capability_ = 0, multiprocessors_ = 0;
  std::int64_t l2_bytes_ = 0;
  std::string product_;
};

// The GPUs of this machine; each lives as long as the process. UserError where the ordinal names none, with
// the reason.
int cuda_device_count();
CudaDevice& cuda_device(int ordinal = 0);

// How well an image for `target` ("sm_90a", "compute_80", "sm_80") suits a device of this capability; 0: it
// does not. Exact machine code beats text, and text for a nearer architecture beats older text; "a" targets
// fit their own capability alone.
int suitability(Image::Form form, const std::string& target, int capability);

}  // namespace intarsia::runtime
