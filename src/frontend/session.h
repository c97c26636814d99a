// What a process remembers between evaluations: the compiler, the structures it has seen, the default device.
#pragma once
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "compiler/compiler.h"
#include "frontend/structure.h"

namespace intarsia::frontend {

class Session {
 public:
  Session();
  static Session& current();  // of the process

  // Computes what is not computed yet.
  void evaluate(std::span<const Tensor> tensors);
  // Calls with the value of an output, which must have been evaluated.
  runtime::DeviceTensor value(Record& record, std::uint32_t port);
  std::vector<runtime::DeviceTensor> interpret(std::span<const Tensor> tensors);
  Executable compile(std::span<const Tensor> placeholders, std::span<const Tensor> results,
                     std::span<const InputInfo> inputs);

  Device default_device() const;
  void set_default_device(Device device);
  const std::vector<Device>& devices() const { return devices_; }
  compiler::Compiler& compiler() { return compiler_; }

 private:
  using ExecutableRef = std::shared_ptr<const runtime::Executable>;
  struct Known {  // a structure that was compiled
    std::vector<std::uint64_t> words;
    std::vector<std::int64_t> extents;  // it holds for; empty: for all
    std::vector<std::string> attributes;
    bool symbolic = false;
    runtime::Device* device = nullptr;
    ExecutableRef executable;
  };
  struct Work {  // one evaluation
    std::vector<Record::Input> roots;
    Structure structure;
    std::vector<runtime::DeviceTensor> inputs, outputs;
    std::vector<std::uint64_t> scalars;
  };

  void prepare(std::span<const Tensor> tensors, Work& work);
  ExecutableRef find(const Structure& structure, const runtime::Device& device) const;
  ExecutableRef make(const Snapshot& snapshot, runtime::Device& device, bool& symbolic);
  void remember(const Work& work, const Snapshot& snapshot, runtime::Device& device, bool symbolic,
                ExecutableRef executable);
  void publish(Work& work, std::vector<Record::Input>& garbage);

  mutable std::mutex mutex_;
  std::uint64_t visits_ = 0;
  std::unordered_multimap<std::uint64_t, Known> known_;
  compiler::Compiler compiler_;
  compiler::Options options_;
  std::vector<Device> devices_;
  std::atomic<runtime::Device*> default_device_;
};

}  // namespace intarsia::frontend
