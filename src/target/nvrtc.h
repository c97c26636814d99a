// CUDA C++ to PTX by NVRTC, which is looked for when it is first needed and is no part of a build.
#pragma once
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace intarsia::target {

struct CudaProgram {
  std::string text;
  std::string name = "plugin.cu";  // in messages
  std::vector<std::string> include_paths = {}, defines = {}, options = {};
  std::vector<std::pair<std::string, std::string>> headers = {};  // name, text
  std::vector<std::string> names =
      {};                        // name expressions, "add<float>": kept, and told as the PTX calls them
  std::string_view target = {};  // "sm_90a"; a CPU's name: PTX for the interpreter
};
struct CudaPtx {
  std::string text;
  std::vector<std::string> entries;  // of CudaProgram::names, in order
  std::string log;                   // warnings
};

class Nvrtc {
 public:
  // Looks where INTARSIA_NVRTC (a file), CUDA_HOME and CUDA_PATH say, then where the system looks, then into
  // `folders` (packages, whose NVRTC is often newer than the driver). Unsupported: not found, with the
  // places.
  static std::shared_ptr<const Nvrtc> load(std::span<const std::string> folders = {});
  ~Nvrtc();

  int version() const { return version_; }            // 130 is 13.0
  const std::string& path() const { return path_; }   // of the library
  CudaPtx compile(const CudaProgram& program) const;  // UserError: the compiler's log

 private:
  struct Api;
  explicit Nvrtc(void* library);
  std::vector<std::string> flags(const CudaProgram& program) const;

  std::unique_ptr<Api> api_;
  int version_ = 0;
  std::string path_;
  std::vector<std::string> include_paths_;  // the toolkit's own
};

}  // namespace intarsia::target
