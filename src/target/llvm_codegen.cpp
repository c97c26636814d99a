#include "target/llvm_codegen.h"

#include <llvm/IR/LegacyPassManager.h>
#include <llvm/IR/Module.h>
#include <llvm/IR/Verifier.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Target/TargetMachine.h>
#include <llvm/TargetParser/Host.h>

#include <mutex>

#include "base/error.h"

namespace intarsia::target {
namespace {

// Code arrives vectorised and tiled, so these passes give the speed of O3 in a tenth of its time.
constexpr const char* kPipeline =
    "function(sroa,early-cse,instcombine<no-verify-fixpoint>,loop-mssa(licm),simplifycfg,early-cse)";

void initialise_llvm() {
  static std::once_flag once;
  std::call_once(once, [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
    LLVMInitializeNVPTXTargetInfo();
    LLVMInitializeNVPTXTarget();
    LLVMInitializeNVPTXTargetMC();
    LLVMInitializeNVPTXAsmPrinter();
  });
}

}  // namespace

Codegen::Codegen(const Machine& machine) {
  initialise_llvm();
  const llvm::Triple triple(machine.triple);
  std::string error;
  const llvm::Target* target = llvm::TargetRegistry::lookupTarget(triple, error);
  check(target != nullptr, "LLVM: " + error);
  llvm::TargetOptions options;
  options.AllowFPOpFusion = llvm::FPOpFusion::Strict;  // nothing is contracted
  options.FunctionSections = false;
  const auto model = machine.position_independent ? std::optional(llvm::Reloc::PIC_) : std::nullopt;
  machine_.reset(target->createTargetMachine(triple, machine.cpu, machine.features, options, model,
                                             llvm::CodeModel::Small, llvm::CodeGenOptLevel::Default));
  check(machine_ != nullptr, "LLVM has no machine " + machine.cpu);
}

Codegen::~Codegen() = default;

void Codegen::prepare(llvm::Module& module) const {
  module.setTargetTriple(machine_->getTargetTriple());
  module.setDataLayout(machine_->createDataLayout());
}

void Codegen::optimise(llvm::Module& module) const {
  std::string error;
  llvm::raw_string_ostream stream(error);
  check(!llvm::verifyModule(module, &stream), "emitted LLVM IR is malformed: " + error);
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager components;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder(machine_.get());
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  llvm::ModulePassManager passes;
  if (llvm::Error failed = builder.parsePassPipeline(passes, kPipeline))
    throw InternalError("LLVM pipeline: " + llvm::toString(std::move(failed)));
  passes.run(module, modules);
}

std::string Codegen::generate(llvm::Module& module, Output output) const {
  llvm::SmallString<0> bytes;
  llvm::raw_svector_ostream stream(bytes);
  llvm::legacy::PassManager passes;
  const auto kind =
      output == Output::kObject ? llvm::CodeGenFileType::ObjectFile : llvm::CodeGenFileType::AssemblyFile;
  check(!machine_->addPassesToEmitFile(passes, stream, nullptr, kind), "LLVM cannot emit this kind of file");
  passes.run(module);
  return std::string(bytes);
}

std::string host_cpu_features() {
  std::string text;
  for (const auto& feature : llvm::sys::getHostCPUFeatures())
    text += (text.empty() ? "" : ",") + std::string(feature.second ? "+" : "-") + feature.first().str();
  return text;
}

}  // namespace intarsia::target
