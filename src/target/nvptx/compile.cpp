#include "target/nvptx/compile.h"

#include <llvm/IR/Module.h>
#include <llvm/Support/raw_ostream.h>

#include <algorithm>

#include "base/error.h"
#include "target/llvm_codegen.h"
#include "target/nvptx/emitter.h"

namespace intarsia::target {
namespace {

const nvptx::Facts& facts_of(const PtxOptions& options) {
  const nvptx::Facts* facts = nvptx::find_facts(options.architecture);
  if (facts == nullptr) {
    std::string known;
    for (const nvptx::Facts& f : nvptx::kFacts) known += (known.empty() ? "" : ", ") + std::string(f.name);
    throw UserError("GPU architecture '" + options.architecture + "' is unknown; known are " + known);
  }
  if (options.version != 0 && options.version < facts->lowest_version)
    throw UserError(
        "PTX version " + std::to_string(options.version / 10) + "." + std::to_string(options.version % 10) +
        " is below " + std::to_string(facts->lowest_version / 10) + "." +
        std::to_string(facts->lowest_version % 10) + ", which " + options.architecture + " needs");
  return *facts;
}

class PtxCompiler {
 public:
  PtxCompiler(const kernel::Kernel& kernel, const PtxOptions& options)
      : facts_(facts_of(options)),
        codegen_({.triple = "nvptx64-nvidia-cuda",
                  .cpu = options.architecture,
                  .features = "+ptx" + std::to_string(options.version != 0 ? options.version
                                                                           : facts_.lowest_version)}),
        module_(kernel.name, context_) {
    if (!is_ptx_name(kernel.name))
      throw UserError("'" + kernel.name + "' is not a name PTX allows: letters, digits, _ and $");
    codegen_.prepare(module_);
    nvptx::Emitter(module_, kernel, facts_).emit();
    codegen_.optimise(module_);
  }

  std::string ptx() { return codegen_.generate(module_, Output::kAssembly); }
  std::string ir() const {
    std::string text;
    llvm::raw_string_ostream(text) << module_;
    return text;
  }

 private:
  const nvptx::Facts& facts_;
  llvm::LLVMContext context_;
  Codegen codegen_;
  llvm::Module module_;
};

}  // namespace

namespace {
bool is_ptx_letter(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '$';
}
bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }
}  // namespace

bool is_ptx_name(std::string_view name) {
  return !name.empty() && !is_digit(name[0]) && std::all_of(name.begin(), name.end(), is_ptx_letter);
}

std::string ptx_name(std::string_view name) {
  std::string out(name);
  for (char& c : out)
    if (!is_ptx_letter(c)) c = '_';
  return out.empty() || is_digit(out[0]) ? "_" + out : out;
}

std::string compile_ptx(const kernel::Kernel& kernel, const PtxOptions& options) {
  return PtxCompiler(kernel, options).ptx();
}
std::string ptx_llvm_ir(const kernel::Kernel& kernel, const PtxOptions& options) {
  return PtxCompiler(kernel, options).ir();
}

}  // namespace intarsia::target
