#include "compiler/cuda_source.h"

#include <memory>
#include <mutex>

#include "target/nvrtc.h"

namespace intarsia::compiler {

plugins::CudaCompiler nvrtc_compiler() {
  struct Found {
    std::mutex mutex;
    std::shared_ptr<const target::Nvrtc> nvrtc;
  };
  return
      [found = std::make_shared<Found>()](const plugins::CudaSource& source,
                                          std::span<const std::string> names, std::string_view target, int) {
        {
          const std::scoped_lock lock(found->mutex);
          if (!found->nvrtc) found->nvrtc = target::Nvrtc::load();
        }
        target::CudaProgram program;
        program.text = source.text, program.name = source.name;
        program.include_paths = source.include_paths, program.defines = source.defines,
        program.options = source.options;
        program.headers = source.headers;
        program.names.assign(names.begin(), names.end());
        program.target = target;
        target::CudaPtx ptx = found->nvrtc->compile(program);
        return plugins::CudaModule{std::move(ptx.text), std::move(ptx.entries)};
      };
}

}  // namespace intarsia::compiler
