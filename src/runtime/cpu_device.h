// The CPU as a device: images of machine code run over the host's parallel loop, PTX in the interpreter.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "intarsia/runtime.h"
#include "runtime/device.h"

namespace intarsia::runtime {

// Runs the programs first <= p < last of a launch; docs/kernel-ir.md says what `args` holds.
using CpuFunction = void (*)(const std::uint64_t* args, std::int64_t first, std::int64_t last);

// Code that runs on the calling thread and those of the host.
class CpuCode : public LoadedCode {
 public:
  virtual void run(const LaunchRequest& request, const intarsia_host& host) const = 0;
};

class CpuDevice final : public Device {
 public:
  // `symbols`: entries of this process, by the name in images of form kSymbol.
  explicit CpuDevice(const intarsia_host& host, std::map<std::string, CpuFunction> symbols = {});

  const intarsia_host& host() const { return host_; }

  void* allocate(std::size_t bytes, Stream stream) override;
  void free(void* memory, std::size_t bytes, Stream stream) noexcept override;
  void copy(void* to, const void* from, std::size_t bytes, Stream stream) override;
  void copy_rows(void* to, std::int64_t to_pitch, const void* from, std::int64_t from_pitch,
                 std::int64_t bytes, std::int64_t rows, Stream stream) override;
  void memset(void* to, std::uint32_t pattern, int width, std::size_t bytes, Stream stream) override;
  std::shared_ptr<Event> record(Stream) override { return nullptr; }
  void wait(Stream, const Event&) override {}
  void synchronize(Stream) override {}
  std::vector<LoadedCodeRef> load(const Program& program) override;
  void launch(const LaunchRequest& request, Stream stream) override;

 private:
  class Loader;

  intarsia_host host_;
  std::map<std::string, CpuFunction> symbols_;
};

// The CPU of this process, on the host that intarsia_set_host gave or the default. Lives as long as the
// process.
CpuDevice& cpu_device();
bool give_host(const intarsia_host& host);  // false: cpu_device() was called already

}  // namespace intarsia::runtime
