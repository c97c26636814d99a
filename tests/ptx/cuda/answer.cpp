// Asks a GPU for the answers: answer FOLDER ARCH OUT runs every case's FOLDER/FILE.ARCH.ptx and writes the
// bytes of all its out buffers, case by case. Needs the driver alone: g++ -O1 -std=c++20 answer.cpp -ldl.
#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>

#include "cases.h"

namespace {

void* driver = nullptr;

template <class... A>
void call(const char* name, A... arguments) {
  auto* f = reinterpret_cast<int (*)(A...)>(dlsym(driver, name));
  const int error = f == nullptr ? -1 : f(arguments...);
  if (error != 0) {
    std::fprintf(stderr, "%s: error %d\n", name, error);
    std::exit(1);
  }
}

using Pointer = unsigned long long;
struct LaunchAttribute {
  int id, pad;
  unsigned x, y, z;
  char rest[52];
};
struct LaunchConfig {
  unsigned grid[3], block[3], shared;
  void* stream;
  LaunchAttribute* attributes;
  unsigned count;
};

void run(const intarsia::ptx::cuda_cases::Case& c, void* module, std::ofstream& out) {
  using intarsia::ptx::cuda_cases::Argument;
  void* function = nullptr;
  call("cuModuleGetFunction", &function, module, c.entry);
  std::vector<Pointer> places(c.arguments.size());
  std::vector<std::vector<unsigned char>> host(c.arguments.size());
  std::vector<void*> values(c.arguments.size());
  for (std::size_t i = 0; i < c.arguments.size(); ++i) {
    const Argument& a = c.arguments[i];
    if (a.kind == Argument::kScalar) {
      const float f = static_cast<float>(a.real);
      if (a.type == 'f')
        std::memcpy(&places[i], &f, 4);
      else
        places[i] = static_cast<Pointer>(a.count);
    } else {
      host[i] = contents(a, static_cast<int>(i));
      call("cuMemAlloc_v2", &places[i], host[i].size());
      call("cuMemcpyHtoD_v2", places[i], static_cast<const void*>(host[i].data()), host[i].size());
    }
    values[i] = &places[i];
  }
  LaunchAttribute cluster{4, 0, c.cluster[0], c.cluster[1], c.cluster[2], {}};
  LaunchConfig config{{c.grid[0], c.grid[1], c.grid[2]},
                      {c.block[0], c.block[1], c.block[2]},
                      static_cast<unsigned>(c.shared),
                      nullptr,
                      &cluster,
                      c.cluster[0] * c.cluster[1] * c.cluster[2] > 1 ? 1U : 0U};
  if (c.shared > 49152) call("cuFuncSetAttribute", function, 8, static_cast<int>(c.shared));
  call("cuLaunchKernelEx", &config, function, values.data(), static_cast<void**>(nullptr));
  call("cuCtxSynchronize");
  for (std::size_t i = 0; i < c.arguments.size(); ++i) {
    if (c.arguments[i].kind != Argument::kOut) continue;
    call("cuMemcpyDtoH_v2", static_cast<void*>(host[i].data()), places[i], host[i].size());
    out.write(reinterpret_cast<const char*>(host[i].data()), static_cast<std::streamsize>(host[i].size()));
  }
}

}  // namespace

int main(int count, char** words) {
  if (count != 4) return 2;
  driver = dlopen("libcuda.so.1", RTLD_NOW);
  if (driver == nullptr) return 3;
  void* context = nullptr;
  int device = 0;
  call("cuInit", 0U);
  call("cuDeviceGet", &device, 0);
  call("cuDevicePrimaryCtxRetain", &context, device);
  call("cuCtxSetCurrent", context);
  std::ofstream out(words[3], std::ios::binary);
  std::map<std::string, void*> modules;
  for (const auto& c : intarsia::ptx::cuda_cases::cases()) {
    if (c.only != nullptr && std::string(c.only) != words[2]) continue;
    const std::string path = std::string(words[1]) + "/" + c.file + "." + words[2] + ".ptx";
    if (modules.count(path) == 0) {
      std::ifstream in(path, std::ios::binary);
      const std::string text{std::istreambuf_iterator<char>(in), {}};
      call("cuModuleLoadData", &modules[path], static_cast<const void*>(text.c_str()));
    }
    std::printf("%s %s\n", c.file, c.entry);
    run(c, modules[path], out);
  }
}
