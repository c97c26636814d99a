#include "target/nvrtc.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>

#include "base/error.h"

namespace intarsia::target {

// The functions used here, as nvrtc.h declares them; nvrtcProgram is a pointer, nvrtcResult an int.
struct Nvrtc::Api {
  using Program = void*;
  void* library = nullptr;
  int (*version)(int*, int*) = nullptr;
  const char* (*error_text)(int) = nullptr;
  int (*create)(Program*, const char*, const char*, int, const char* const*, const char* const*) = nullptr;
  int (*destroy)(Program*) = nullptr;
  int (*add_name)(Program, const char*) = nullptr;
  int (*compile)(Program, int, const char* const*) = nullptr;
  int (*log_size)(Program, std::size_t*) = nullptr;
  int (*log)(Program, char*) = nullptr;
  int (*ptx_size)(Program, std::size_t*) = nullptr;
  int (*ptx)(Program, char*) = nullptr;
  int (*lowered_name)(Program, const char*, const char**) = nullptr;

  template <class F>
  void get(F& function, const char* name) {
    function = reinterpret_cast<F>(dlsym(library, name));
    if (!function) throw Unsupported(fmt::format("this NVRTC has no function {}", name));
  }
  void require(int result, const char* what) const {
    if (result != 0) throw UserError(fmt::format("NVRTC: {}: {}", what, error_text(result)));
  }
};

namespace {

namespace fs = std::filesystem;

std::vector<std::string> candidates(std::span<const std::string> folders) {
  constexpr const char* kNames[] = {"libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so"};
  std::vector<std::string> out;
  const auto in_folder = [&](const fs::path& folder) {
    std::error_code ignored;
    for (const char* name : kNames)
      if (fs::exists(folder / name, ignored)) out.push_back((folder / name).string());
  };
  if (const char* file = std::getenv("INTARSIA_NVRTC")) out.emplace_back(file);
  for (const char* variable : {"CUDA_HOME", "CUDA_PATH"})
    if (const char* root = std::getenv(variable))
      for (const char* below : {"lib64", "lib"}) in_folder(fs::path(root) / below);
  out.insert(out.end(), std::begin(kNames), std::end(kNames));
  for (const std::string& folder : folders)
    for (const char* below : {"", "lib", "lib64"}) in_folder(fs::path(folder) / below);
  return out;
}

// A PTX architecture for a target; a CPU's interpreter takes any, sm_80 is the oldest we make code for.
std::string architecture(std::string_view target) {
  if (!target.starts_with("sm_") && !target.starts_with("compute_")) return "compute_80";
  return "compute_" + std::string(target.substr(target.find('_') + 1));
}

struct Program {  // destroyed whatever happens
  void* handle = nullptr;
  int (*destroy)(void**);
  explicit Program(int (*d)(void**)) : destroy(d) {}
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program() {
    if (handle) destroy(&handle);
  }
};

// Text of a size the library tells first; without the 0 at its end.
template <class Size, class Get>
std::string text_of(void* program, Size size, Get get) {
  std::size_t n = 0;
  if (size(program, &n) != 0 || n == 0) return {};
  std::string out(n, '\0');
  if (get(program, out.data()) != 0) return {};
  while (!out.empty() && (out.back() == '\0' || out.back() == '\n')) out.pop_back();
  return out;
}

}  // namespace

std::shared_ptr<const Nvrtc> Nvrtc::load(std::span<const std::string> folders) {
  const std::vector<std::string> all = candidates(folders);
  for (const std::string& name : all)
    if (void* library = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL))
      return std::shared_ptr<const Nvrtc>(new Nvrtc(library));
  std::string places;
  for (const std::string& name : all) places += (places.empty() ? "" : ", ") + name;
  throw Unsupported(
      "CUDA C++ needs NVRTC, which is not found; install a CUDA toolkit or the package nvidia-cuda-nvrtc, or "
      "let "
      "INTARSIA_NVRTC name the library (tried: " +
      places + ")");
}

Nvrtc::Nvrtc(void* library) : api_(std::make_unique<Api>()) {
  Api& a = *api_;
  a.library = library;
  a.get(a.version, "nvrtcVersion"), a.get(a.error_text, "nvrtcGetErrorString");
  a.get(a.create, "nvrtcCreateProgram"), a.get(a.destroy, "nvrtcDestroyProgram");
  a.get(a.add_name, "nvrtcAddNameExpression"), a.get(a.lowered_name, "nvrtcGetLoweredName");
  a.get(a.compile, "nvrtcCompileProgram");
  a.get(a.log_size, "nvrtcGetProgramLogSize"), a.get(a.log, "nvrtcGetProgramLog");
  a.get(a.ptx_size, "nvrtcGetPTXSize"), a.get(a.ptx, "nvrtcGetPTX");
  int major = 0, minor = 0;
  a.require(a.version(&major, &minor), "version");
  version_ = major * 10 + minor;
  Dl_info info{};
  if (!dladdr(reinterpret_cast<void*>(a.version), &info) || !info.dli_fname) return;
  path_ = info.dli_fname;
  std::error_code ignored;
  const fs::path folder = fs::weakly_canonical(path_, ignored).parent_path();
  for (const fs::path& root : {folder.parent_path(), folder.parent_path().parent_path(),
                               folder.parent_path().parent_path().parent_path()})
    if (fs::exists(root / "include" / "cuda_fp16.h", ignored)) {
      include_paths_.push_back((root / "include").string());
      break;
    }
}

Nvrtc::~Nvrtc() = default;  // the library stays: its threads and caches do not survive a dlclose

std::vector<std::string> Nvrtc::flags(const CudaProgram& p) const {
  std::vector<std::string> out = {"--gpu-architecture=" + architecture(p.target)};
  for (const std::string& define : p.defines) out.push_back("-D" + define);
  for (const std::string& path : p.include_paths) out.push_back("-I" + path);
  for (const std::string& path : include_paths_) out.push_back("-I" + path);
  out.insert(out.end(), p.options.begin(), p.options.end());
  return out;
}

CudaPtx Nvrtc::compile(const CudaProgram& p) const {
  std::vector<const char*> header_names, header_texts, options;
  for (const auto& [name, text] : p.headers)
    header_names.push_back(name.c_str()), header_texts.push_back(text.c_str());
  const std::vector<std::string> flags = this->flags(p);
  for (const std::string& f : flags) options.push_back(f.c_str());
  Program program(api_->destroy);
  api_->require(api_->create(&program.handle, p.text.c_str(), p.name.c_str(),
                             static_cast<int>(header_texts.size()), header_texts.data(), header_names.data()),
                "creating a program");
  for (const std::string& name : p.names)
    api_->require(api_->add_name(program.handle, name.c_str()), name.c_str());
  const int result = api_->compile(program.handle, static_cast<int>(options.size()), options.data());
  CudaPtx out;
  out.log = text_of(program.handle, api_->log_size, api_->log);
  if (result != 0)
    throw UserError(fmt::format("CUDA C++ does not compile ({}):\n{}", api_->error_text(result), out.log));
  out.text = text_of(program.handle, api_->ptx_size, api_->ptx);
  for (const std::string& name : p.names) {
    const char* lowered = nullptr;
    api_->require(api_->lowered_name(program.handle, name.c_str(), &lowered), name.c_str());
    out.entries.emplace_back(lowered);
  }
  return out;
}

}  // namespace intarsia::target
