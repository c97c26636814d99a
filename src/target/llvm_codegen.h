// From an LLVM module to object code or assembly: the one place that sees LLVM's passes and targets.
#pragma once
#include <memory>
#include <string>

namespace llvm {
class Module;
class TargetMachine;
}  // namespace llvm

namespace intarsia::target {

struct Machine {
  std::string triple, cpu, features;
  bool position_independent = false;
};
enum class Output { kObject, kAssembly };

// The kernels of one compilation share one of these; it is not for several threads at once.
class Codegen {
 public:
  explicit Codegen(const Machine& machine);  // InternalError: LLVM does not know the machine
  ~Codegen();
  Codegen(const Codegen&) = delete;
  Codegen& operator=(const Codegen&) = delete;

  void prepare(llvm::Module& module) const;   // sets triple and data layout: before code is emitted
  void optimise(llvm::Module& module) const;  // verifies, then the light pipeline
  std::string generate(llvm::Module& module, Output output) const;  // bytes of an ELF object, or text

 private:
  std::unique_ptr<llvm::TargetMachine> machine_;
};

std::string host_cpu_features();  // of this machine, as LLVM names them: "+avx2,-avx512f,..."

}  // namespace intarsia::target
