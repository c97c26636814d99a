// Asks a GPU for the hashes of boxes.h: answer_boxes FOLDER FIRST LAST OUT runs seeds FIRST … LAST - 1 and
// writes eight bytes for each, zeros for one that ends in an error. g++ -O1 -std=c++20 answer_boxes.cpp -ldl.
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <map>

#include "../driver.h"
#include "boxes.h"

namespace {

using intarsia::ptx::boxes::Box;
using intarsia::ptx::gpu::Driver;

struct alignas(64) Map {
  char bytes[128];
};

Map encoded(Driver& driver, const Box& b, Driver::Address address) {
  Map map;
  unsigned box[5] = {1, 1, 1, 1, 1}, steps[5] = {1, 1, 1, 1, 1};
  unsigned long long shape[5] = {}, strides[5] = {};
  std::copy(b.shape.begin(), b.shape.end(), shape);
  std::copy(b.strides.begin(), b.strides.end(), strides);
  std::copy(b.box.begin(), b.box.end(), box);
  std::copy(b.steps.begin(), b.steps.end(), steps);
  driver.call("cuTensorMapEncodeTiled", &map, b.type, static_cast<unsigned>(b.rank),
              reinterpret_cast<void*>(address), static_cast<const unsigned long long*>(shape),
              static_cast<const unsigned long long*>(strides), static_cast<const unsigned*>(box),
              static_cast<const unsigned*>(steps), 0, b.swizzle, 0, b.fill);
  return map;
}

class Asker {
 public:
  explicit Asker(std::string folder) : folder_(std::move(folder)) {
    memory_ = driver_.allocate(intarsia::ptx::boxes::kMemory);
    words_ = driver_.allocate(4 * intarsia::ptx::boxes::kWords);
  }

  unsigned long long hash(Box b) {
    const std::vector<unsigned char> contents = intarsia::ptx::boxes::contents(b);
    driver_.to_device(memory_, contents.data(), contents.size());
    driver_.call("cuMemsetD8_v2", words_, static_cast<unsigned char>(0),
                 std::size_t{4 * intarsia::ptx::boxes::kWords});
    Map map = encoded(driver_, b, memory_);
    int at[5] = {};
    std::copy(b.at.begin(), b.at.end(), at);
    std::vector<void*> arguments{&map};
    if (b.loads()) arguments.push_back(&words_);
    arguments.push_back(&b.words);
    if (b.loads()) arguments.push_back(&b.bytes);
    arguments.push_back(&b.rank);
    for (int& x : at) arguments.push_back(&x);
    void* function = driver_.entry(module(b.file()), intarsia::ptx::boxes::kEntries[b.entry]);
    const unsigned grid[] = {1, 1, 1}, block[] = {64, 1, 1};
    const auto shared = static_cast<unsigned>(b.words * 4 + 1024);
    driver_.call("cuFuncSetAttribute", function, 8, static_cast<int>(shared));
    driver_.launch(function, grid, block, shared, arguments.data());
    driver_.synchronize();
    std::vector<unsigned char> out(b.loads() ? static_cast<std::size_t>(b.words + 1) * 4 : contents.size());
    driver_.to_host(out.data(), b.loads() ? words_ : memory_, out.size());
    return intarsia::ptx::boxes::hash(out.data(), out.size());
  }

 private:
  void* module(const std::string& file) {
    void*& loaded = modules_[file];
    if (loaded == nullptr) {
      std::ifstream in(folder_ + "/" + file + ".sm90.ptx", std::ios::binary);
      loaded = driver_.load({std::istreambuf_iterator<char>(in), {}});
    }
    return loaded;
  }

  Driver driver_;
  std::string folder_;
  std::map<std::string, void*> modules_;
  Driver::Address memory_ = 0, words_ = 0;
};

// From `first` on until one fails: its process can do no more with the device then.
[[noreturn]] void ask_from(const char* folder, int first, int last, int answers) {
  try {
    Asker asker(folder);
    for (int seed = first; seed < last; ++seed) {
      const unsigned long long hash = asker.hash(intarsia::ptx::boxes::make(seed));
      if (write(answers, &hash, 8) != 8) _exit(5);
    }
    _exit(0);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    _exit(1);
  }
}

}  // namespace

int main(int count, char** words) {
  if (count != 5) return 2;
  std::vector<unsigned long long> hashes;
  const int begin = std::atoi(words[2]), end = std::atoi(words[3]);
  for (int first = begin; first < end;) {
    int ends[2];
    if (pipe(ends) != 0) return 4;
    const pid_t child = fork();
    if (child == 0) ask_from(words[1], first, end, ends[1]);
    close(ends[1]);
    for (unsigned long long hash; read(ends[0], &hash, 8) == 8; ++first) hashes.push_back(hash);
    close(ends[0]);
    waitpid(child, nullptr, 0);
    if (first == end) break;
    hashes.push_back(0);
    ++first;
  }
  std::ofstream(words[4], std::ios::binary)
      .write(reinterpret_cast<const char*>(hashes.data()), static_cast<std::streamsize>(8 * hashes.size()));
  std::printf("%zu boxes, %d failed\n", hashes.size(),
              static_cast<int>(std::count(hashes.begin(), hashes.end(), 0ULL)));
}
