#include "target/cpu/compile.h"

#include <llvm/IR/Module.h>
#include <llvm/Support/raw_ostream.h>

#include <set>

#include "base/error.h"
#include "runtime/cpu_image.h"
#include "target/cpu/emit.h"
#include "target/cpu/linker.h"
#include "target/llvm_codegen.h"

namespace intarsia::target {
namespace {

runtime::CpuLevel level_of(const CpuOptions& options) {
  const runtime::CpuLevel level = runtime::cpu_level_named(options.level);
  if (level == runtime::CpuLevel{0})
    throw UserError("CPU level '" + options.level +
                    "' is unknown; levels are x86-64-v2, x86-64-v3 and x86-64-v4");
  return level;
}

class KernelCompiler {
 public:
  explicit KernelCompiler(const CpuOptions& options)
      : level_(level_of(options)),
        codegen_({.triple = "x86_64-unknown-linux-gnu",
                  .cpu = options.level,
                  .features = "",
                  .position_independent = true}) {}

  std::unique_ptr<llvm::Module> optimised(const kernel::Kernel& kernel) {
    auto module = std::make_unique<llvm::Module>(kernel.name, context_);
    codegen_.prepare(*module);
    cpu::emit_kernel(*module, kernel, level_);
    codegen_.optimise(*module);
    return module;
  }
  std::string output(const kernel::Kernel& kernel, Output kind) {
    return codegen_.generate(*optimised(kernel), kind);
  }
  runtime::CpuLevel level() const { return level_; }

 private:
  runtime::CpuLevel level_;
  llvm::LLVMContext context_;
  Codegen codegen_;
};

}  // namespace

std::string compile_cpu(std::span<const kernel::Kernel> kernels, const CpuOptions& options) {
  KernelCompiler compiler(options);
  std::set<std::string_view> names;
  std::vector<std::string> objects;
  for (const kernel::Kernel& kernel : kernels) {
    if (!names.insert(kernel.name).second) throw UserError("two kernels are named '" + kernel.name + "'");
    objects.push_back(compiler.output(kernel, Output::kObject));
  }
  return runtime::write_cpu_image(link_image(objects, compiler.level()));
}

std::string cpu_llvm_ir(const kernel::Kernel& kernel, const CpuOptions& options) {
  KernelCompiler compiler(options);
  std::string text;
  llvm::raw_string_ostream(text) << *compiler.optimised(kernel);
  return text;
}

std::string cpu_assembly(const kernel::Kernel& kernel, const CpuOptions& options) {
  return KernelCompiler(options).output(kernel, Output::kAssembly);
}

std::string host_level() {
  const runtime::CpuLevel level = runtime::host_cpu_level();
  if (level == runtime::CpuLevel{0})
    throw Unsupported("this processor is below x86-64-v2, the least that images are made for");
  return std::string(runtime::name(level));
}

}  // namespace intarsia::target
