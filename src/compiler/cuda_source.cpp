#include "compiler/cuda_source.h"

#include <memory>
#include <mutex>
#include <utility>

#include "target/nvrtc.h"

namespace intarsia::compiler {

plugins::CudaCompiler nvrtc_compiler(std::vector<std::string> folders) {
  struct Found {
    std::vector<std::string> folders;
    std::mutex mutex;
    std::shared_ptr<const target::Nvrtc> nvrtc;
  };
  const auto found = std::make_shared<Found>();
  found->folders = std::move(folders);
  return [found](const plugins::CudaSource& source, std::span<const std::string> names,
                 std::string_view target, int) {
    {
      const std::scoped_lock lock(found->mutex);
      if (!found->nvrtc) found->nvrtc = target::Nvrtc::load(found->folders);
    }
    target::CudaProgram program;
    program.text = source.text, program.name = source.name;
    program.include_paths = source.include_paths, program.defines = source.defines,
    program.options = source.options;
    program.headers = source.headers;
    for (const std::string& name : names)
      if (!name.empty()) program.names.push_back(name);  // none: the only kernel there is
    program.target = target;
    target::CudaPtx ptx = found->nvrtc->compile(program);
    return plugins::CudaModule{std::move(ptx.text), std::move(ptx.entries)};
  };
}

}  // namespace intarsia::compiler
