// Asks a GPU for the answers: answer FOLDER ARCH OUT runs every case's FOLDER/FILE.ARCH.ptx and writes the
// bytes of all its out buffers, case by case. Needs the driver alone: g++ -O1 -std=c++20 answer.cpp -ldl.
#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <stdexcept>

#include "cases.h"

namespace {

void* driver = nullptr;

template <class... A>
void call(const char* name, A... arguments) {
  auto* f = reinterpret_cast<int (*)(A...)>(dlsym(driver, name));
  const int error = f == nullptr ? -1 : f(arguments...);
  if (error != 0) throw std::runtime_error(std::string(name) + ": error " + std::to_string(error));
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

using intarsia::ptx::cuda_cases::Argument;
using intarsia::ptx::cuda_cases::Case;
using intarsia::ptx::cuda_cases::MapSpec;

struct alignas(64) Map {
  char bytes[128];
};

Map encoded(const MapSpec& spec, Pointer address) {
  Map map;
  unsigned box[5] = {1, 1, 1, 1, 1}, steps[5] = {1, 1, 1, 1, 1};
  unsigned long long shape[5] = {}, strides[5] = {};
  for (std::size_t d = 0; d < spec.shape.size(); ++d) {
    shape[d] = static_cast<unsigned long long>(spec.shape[d]);
    box[d] = static_cast<unsigned>(spec.box[d]);
    if (d < spec.strides.size()) strides[d] = static_cast<unsigned long long>(spec.strides[d]);
    if (!spec.steps.empty()) steps[d] = static_cast<unsigned>(spec.steps[d]);
  }
  call("cuTensorMapEncodeTiled", &map, spec.type, static_cast<unsigned>(spec.shape.size()),
       reinterpret_cast<void*>(address), static_cast<const unsigned long long*>(shape),
       static_cast<const unsigned long long*>(strides), static_cast<const unsigned*>(box),
       static_cast<const unsigned*>(steps), 0, spec.swizzle, 0, spec.fill);
  return map;
}

// Everything a launch needs, on the device.
struct Prepared {
  std::vector<Pointer> places;
  std::vector<std::vector<unsigned char>> host;
  std::vector<Map> maps;
  std::vector<void*> values;

  explicit Prepared(const Case& c)
      : places(c.arguments.size()), host(c.arguments.size()), maps(c.arguments.size()) {
    for (std::size_t i = 0; i < c.arguments.size(); ++i) prepare(c.arguments[i], i);
    for (std::size_t i = 0; i < c.arguments.size(); ++i) {
      const Argument& a = c.arguments[i];
      void* value = &places[i];
      if (a.kind == Argument::kMap) {
        const MapSpec& spec = c.maps[static_cast<std::size_t>(a.count)];
        maps[i] = encoded(spec, places[static_cast<std::size_t>(spec.buffer)]);
        if (a.type == 'p') {
          call("cuMemAlloc_v2", &places[i], sizeof(Map));
          call("cuMemcpyHtoD_v2", places[i], static_cast<const void*>(&maps[i]), sizeof(Map));
        } else {
          value = &maps[i];
        }
      }
      if (a.parameter()) values.push_back(value);
    }
  }

 private:
  void prepare(const Argument& a, std::size_t i) {
    if (a.kind == Argument::kMap || a.kind == Argument::kText) return;
    if (a.kind == Argument::kScalar) {
      const float f = static_cast<float>(a.real);
      if (a.type == 'f')
        std::memcpy(&places[i], &f, 4);
      else
        places[i] = static_cast<Pointer>(a.count);
      return;
    }
    host[i] = contents(a, static_cast<int>(i));
    call("cuMemAlloc_v2", &places[i], host[i].size());
    call("cuMemcpyHtoD_v2", places[i], static_cast<const void*>(host[i].data()), host[i].size());
  }
};

void launch(const Case& c, void* function, Prepared& prepared) {
  LaunchAttribute attributes[2] = {};
  unsigned count = 0;
  if (c.cluster[0] * c.cluster[1] * c.cluster[2] > 1)
    attributes[count++] = {4, 0, c.cluster[0], c.cluster[1], c.cluster[2], {}};
  if (c.cooperative) attributes[count++] = {2, 0, 1, 0, 0, {}};
  LaunchConfig config{{c.grid[0], c.grid[1], c.grid[2]},
                      {c.block[0], c.block[1], c.block[2]},
                      static_cast<unsigned>(c.shared),
                      nullptr,
                      attributes,
                      count};
  if (c.shared > 49152) call("cuFuncSetAttribute", function, 8, static_cast<int>(c.shared));
  call("cuLaunchKernelEx", &config, function, prepared.values.data(), static_cast<void**>(nullptr));
  call("cuCtxSynchronize");
}

// Where the process's output goes for a while.
class Capture {
 public:
  Capture() {
    std::fflush(nullptr);
    before_ = dup(1);
    file_ = std::tmpfile();
    dup2(fileno(file_), 1);
  }
  ~Capture() {
    std::fflush(nullptr);
    dup2(before_, 1);
    close(before_);
    std::fclose(file_);
  }
  std::string text() {
    std::fflush(nullptr);
    std::string out(static_cast<std::size_t>(lseek(fileno(file_), 0, SEEK_END)), '\0');
    if (pread(fileno(file_), out.data(), out.size(), 0) != static_cast<ssize_t>(out.size()))
      throw std::runtime_error("the output cannot be read back");
    return out;
  }

 private:
  int before_;
  std::FILE* file_;
};

// What a case answers; where it fails, bytes that no kernel writes and the reason.
using Answer = std::vector<std::vector<unsigned char>>;

Answer ask(const Case& c, void* module) {
  void* function = nullptr;
  call("cuModuleGetFunction", &function, module, c.entry);
  Prepared prepared(c);
  std::string text = [&] {
    Capture capture;
    launch(c, function, prepared);
    return capture.text();
  }();
  Answer out;
  for (std::size_t i = 0; i < c.arguments.size(); ++i) {
    if (!c.arguments[i].compared()) continue;
    std::vector<unsigned char> bytes = prepared.host[i];
    if (c.arguments[i].kind == Argument::kText) {
      text.resize(static_cast<std::size_t>(c.arguments[i].count));
      bytes.assign(text.begin(), text.end());
    } else {
      call("cuMemcpyDtoH_v2", static_cast<void*>(bytes.data()), prepared.places[i], bytes.size());
    }
    out.push_back(std::move(bytes));
  }
  return out;
}

Answer no_answer(const Case& c) {
  Answer out;
  for (const Argument& a : c.arguments)
    if (a.compared())
      out.emplace_back(static_cast<std::size_t>(a.count) * intarsia::ptx::cuda_cases::bytes_of(a.type), 0xDD);
  return out;
}

class Asker {
 public:
  Asker(std::string folder, std::string arch) : folder_(std::move(folder)), arch_(std::move(arch)) {
    driver = dlopen("libcuda.so.1", RTLD_NOW);
    if (driver == nullptr) throw std::runtime_error("there is no libcuda.so.1");
    void* context = nullptr;
    int device = 0;
    call("cuInit", 0U);
    call("cuDeviceGet", &device, 0);
    call("cuDevicePrimaryCtxRetain", &context, device);
    call("cuCtxSetCurrent", context);
  }

  Answer run(const Case& c) { return ask(c, module(folder_ + "/" + c.file + "." + arch_ + ".ptx")); }

 private:
  void* module(const std::string& path) {
    if (modules_.count(path) == 0) {
      std::ifstream in(path, std::ios::binary);
      const std::string text{std::istreambuf_iterator<char>(in), {}};
      void* loaded = nullptr;
      call("cuModuleLoadData", &loaded, static_cast<const void*>(text.c_str()));
      modules_[path] = loaded;
    }
    return modules_[path];
  }

  std::string folder_, arch_;
  std::map<std::string, void*> modules_;
};

void write(const std::string& path, const Answer& answer) {
  std::ofstream out(path, std::ios::binary | std::ios::app);
  for (const auto& bytes : answer)
    out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

// Asks for the cases from `first` on until one fails, in a process of its own: an error of a kernel ends all
// that its process can do with the device. Says through `done` after each case that it was written.
[[noreturn]] void ask_from(const std::vector<Case>& cases, std::size_t first, char** words, int done) {
  try {
    Asker asker(words[1], words[2]);
    for (std::size_t i = first; i < cases.size(); ++i) {
      std::printf("%s %s %s\n", cases[i].file, cases[i].entry, cases[i].label);
      std::fflush(stdout);
      write(words[3], asker.run(cases[i]));
      if (::write(done, ".", 1) != 1) _exit(5);
    }
    _exit(0);
  } catch (const std::exception& error) {
    std::printf("  FAILED: %s\n", error.what());
    std::fflush(stdout);
    _exit(1);
  }
}

}  // namespace

int main(int count, char** words) {
  if (count != 4) return 2;
  std::vector<Case> cases;
  for (const Case& c : intarsia::ptx::cuda_cases::cases())
    if (c.only == nullptr || std::string(c.only) == words[2]) cases.push_back(c);
  std::ofstream(words[3], std::ios::binary).close();
  std::size_t failed = 0;
  for (std::size_t first = 0; first < cases.size();) {
    int ends[2];
    if (pipe(ends) != 0) return 4;
    const pid_t child = fork();
    if (child == 0) ask_from(cases, first, words, ends[1]);
    close(ends[1]);
    char mark;
    while (read(ends[0], &mark, 1) == 1) ++first;
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    if (first == cases.size()) break;
    write(words[3], no_answer(cases[first++]));
    ++failed;
  }
  std::printf("%zu cases, %zu failed\n", cases.size(), failed);
}
