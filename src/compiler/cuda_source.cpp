#include "compiler/cuda_source.h"

#include <mutex>
#include <utility>

#include "target/nvrtc.h"

namespace intarsia::compiler {
namespace {

class Lazy {
 public:
  explicit Lazy(std::vector<std::string> folders) : folders_(std::move(folders)) {}
  std::shared_ptr<const target::Nvrtc> get() {
    const std::scoped_lock lock(mutex_);
    if (!nvrtc_) nvrtc_ = target::Nvrtc::load(folders_);
    return nvrtc_;
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> folders_;
  std::shared_ptr<const target::Nvrtc> nvrtc_;
};

}  // namespace

plugins::CudaCompiler nvrtc_compiler(std::vector<std::string> folders) {
  return [lazy = std::make_shared<Lazy>(std::move(folders))](const plugins::CudaSource& source,
                                                             std::span<const std::string> names,
                                                             std::string_view target, int) {
    target::CudaProgram program;
    program.text = source.text, program.name = source.name, program.include_paths = source.include_paths;
    program.defines = source.defines, program.options = source.options, program.headers = source.headers;
    program.target = target;
    for (const std::string& name : names)
      if (!name.empty()) program.names.push_back(name);
    target::CudaPtx ptx = lazy->get()->compile(program);
    return plugins::CudaModule{std::move(ptx.text), std::move(ptx.entries)};
  };
}

}  // namespace intarsia::compiler
