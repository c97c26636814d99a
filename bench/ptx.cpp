// The PTX interpreter beside plain C++ of the same computations: minimum of interleaved runs, and one against
// two threads. Prints JSON rows; results that differ from the plain code's end it.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "base/convert.h"
#include "ptx/launch.h"
#include "ptx/native.h"

namespace {

using namespace intarsia;
using Launched = std::function<void()>;

struct Array {
  std::string name;
  std::vector<float> f32;
  std::vector<std::uint16_t> f16;
  bool output = false;
  void* data() { return f16.empty() ? static_cast<void*>(f32.data()) : static_cast<void*>(f16.data()); }
  std::int64_t bytes() const { return static_cast<std::int64_t>(f32.size() * 4 + f16.size() * 2); }
};

Array input(const std::string& name, std::size_t count, bool half = false) {
  std::mt19937 random(static_cast<unsigned>(count + name.size()));
  std::uniform_real_distribution<float> next(-2, 2);
  Array out{name, {}, {}, false};
  for (std::size_t i = 0; i < count; ++i) {
    if (half)
      out.f16.push_back(f64_to_f16(static_cast<double>(next(random))));
    else
      out.f32.push_back(next(random));
  }
  return out;
}
Array output(std::size_t count) { return {"y", std::vector<float>(count), {}, true}; }

struct Work {
  std::string name, entry;
  std::array<std::uint32_t, 3> grid, block;
  std::vector<Array> arrays;
  int size = 0;  // the scalar parameter; 0: none
  std::function<void(std::vector<Array>&, float*)> native;
  double tolerance = 0;
};

std::vector<Work> works() {
  constexpr std::size_t kMillion = 1 << 20;
  std::vector<Work> out;
  out.push_back({"add-one, 2^20 f32",
                 "add_one",
                 {4096, 1, 1},
                 {256, 1, 1},
                 {input("x", kMillion), output(kMillion)},
                 1 << 20,
                 [](auto& a, float* y) { bench::add_one(a[0].f32.data(), y, 1 << 20); },
                 0});
  out.push_back({"softmax 1024 x 1024",
                 "softmax",
                 {1024, 1, 1},
                 {256, 1, 1},
                 {input("x", kMillion), output(kMillion)},
                 0,
                 [](auto& a, float* y) { bench::softmax(a[0].f32.data(), y); },
                 1e-5});
  out.push_back(
      {"layer norm 1024 x 1024",
       "layer_norm",
       {1024, 1, 1},
       {256, 1, 1},
       {input("x", kMillion), input("weight", 1024), input("bias", 1024), output(kMillion)},
       0,
       [](auto& a, float* y) { bench::layer_norm(a[0].f32.data(), a[1].f32.data(), a[2].f32.data(), y); },
       1e-4});
  out.push_back({"tiled matmul 256^3",
                 "tiled_matmul",
                 {16, 16, 1},
                 {16, 16, 1},
                 {input("a", 1 << 16), input("b", 1 << 16), output(1 << 16)},
                 256,
                 [](auto& a, float* y) { bench::matmul(a[0].f32.data(), a[1].f32.data(), y, 256); },
                 1e-3});
  out.push_back({"mma.sync GEMM 512^3, f16",
                 "mma_matmul",
                 {8, 8, 1},
                 {128, 1, 1},
                 {input("a", 1 << 18, true), input("b", 1 << 18, true), output(1 << 18)},
                 512,
                 [](auto& a, float* y) { bench::half_matmul(a[0].f16.data(), a[1].f16.data(), y, 512); },
                 1e-2});
  return out;
}

// The second thread of a host's pool: between launches it waits.
class Helper {
 public:
  Helper() : thread_([this] { work(); }) {}
  ~Helper() {
    begin(nullptr);
    thread_.join();
  }
  Helper(const Helper&) = delete;
  Helper& operator=(const Helper&) = delete;
  void begin(const std::function<void()>* job) {
    job_ = job;
    ++begun_;
    begun_.notify_one();
  }
  void join() {
    for (int done = done_; done != begun_; done = done_) done_.wait(done);
  }

 private:
  void work() {
    for (int turn = 0;;) {
      begun_.wait(turn);
      turn = begun_;
      if (job_ == nullptr) return;
      (*job_)();
      done_ = turn;
      done_.notify_one();
    }
  }
  const std::function<void()>* job_ = nullptr;
  std::atomic<int> begun_{0}, done_{0};
  std::thread thread_;  // last: it uses the others
};

class Runner {
 public:
  Runner(Work& work, const std::string& text)
      : work_(work),
        program_(ptx::parse(text, "kernels.ptx"), work.entry),
        expected_(work.arrays.back().f32.size()) {
    work_.native(work_.arrays, expected_.data());
    for (Array& a : work_.arrays) places_.push_back(reinterpret_cast<std::uint64_t>(a.data()));
    for (std::uint64_t& p : places_) arguments_.push_back({&p, 8});
    if (work_.size != 0) arguments_.push_back({&work_.size, 4});
    for (Array& a : work_.arrays) buffers_.push_back({a.data(), a.bytes(), a.output, a.name});
    for (ptx::Buffer& b : buffers_) b.initialised = !b.writable;
  }

  double native() {
    return timed([&] { work_.native(work_.arrays, native_result()); });
  }

  double interpreted(const ptx::Checks& checks, bool exact, bool both, bool wall) {
    ptx::LaunchConfig config;
    config.grid = work_.grid;
    config.block = work_.block;
    config.checks = checks;
    config.buffers = buffers_;
    config.exact_tensor_cores = exact;
    if (both)
      config.parallel_for = [&](std::int64_t count, const std::function<void(std::int64_t)>& body) {
        std::atomic<std::int64_t> next{0};
        const auto worker = [&] {
          for (std::int64_t i = next++; i < count; i = next++) body(i);
        };
        const std::function<void()> job = worker;
        helper_.begin(&job);
        worker();
        helper_.join();
      };
    std::ranges::fill(work_.arrays.back().f32, std::numeric_limits<float>::quiet_NaN());
    const auto launch = [&] { ptx::run(program_, config, arguments_).require_clean(); };
    if (wall) launch();  // a thread that slept for long comes back slowly
    const double seconds = wall ? elapsed(launch) : timed(launch);
    compare();
    return seconds;
  }

 private:
  static double processor_seconds() {
    timespec t{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
  }

  // Of this thread's processor: other work of the machine must not count.
  template <class F>
  static double timed(F f) {
    const double start = processor_seconds();
    f();
    return processor_seconds() - start;
  }
  template <class F>
  static double elapsed(F f) {
    const auto start = std::chrono::steady_clock::now();
    f();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }

  float* native_result() { return expected_.data(); }

  void compare() const {
    const std::vector<float>& got = work_.arrays.back().f32;
    for (std::size_t i = 0; i < got.size(); ++i)
      if (!(std::fabs(got[i] - expected_[i]) <=
            static_cast<float>(work_.tolerance) * std::max(1.0F, std::fabs(expected_[i])))) {
        fmt::print(stderr, "{}: element {} is {}, plain C++ has {}\n", work_.name, i, got[i], expected_[i]);
        std::exit(1);
      }
  }

  Helper helper_;
  Work& work_;
  ptx::Program program_;
  std::vector<float> expected_;
  std::vector<std::uint64_t> places_;
  std::vector<ptx::ArgumentValue> arguments_;
  std::vector<ptx::Buffer> buffers_;
};

struct Variant {
  std::string name;
  bool checked, exact, both;  // both: on two threads
  bool wall;                  // elapsed time, not the processor's
  double best = std::numeric_limits<double>::infinity();
};

std::string measured(Work& work, const std::string& text, int rounds) {
  Runner runner(work, text);
  const bool matrix = work.entry == "mma_matmul";
  std::vector<Variant> variants{{"no checks", false, false, false, false},
                                {"all checks", true, false, false, false},
                                {"one thread", false, false, false, true},
                                {"two threads", false, false, true, true}};
  if (matrix) {
    variants.push_back({"exact, no checks", false, true, false, false});
    variants.push_back({"exact, all checks", true, true, false, false});
  }
  double native = std::numeric_limits<double>::infinity();
  for (int round = 0; round < rounds; ++round) {
    native = std::min(native, runner.native());
    for (Variant& v : variants)
      v.best = std::min(v.best, runner.interpreted(v.checked ? ptx::Checks{} : ptx::Checks::none(), v.exact,
                                                   v.both, v.wall));
  }
  std::string times, ratios;
  for (const Variant& v : variants) {
    times += fmt::format(", \"{}\": {:.4g}", v.name, v.best * 1e3);
    if (!v.wall)
      ratios += fmt::format("{}\"{}\": {:.3g}", ratios.empty() ? "" : ", ", v.name, v.best / native);
  }
  return fmt::format(
      "{{\"work\": \"{}{}\", \"ms\": {{\"g++ -O3\": {:.4g}{}}}, \"of g++\": {{{}}}, \"one thread / two\": "
      "{:.3g}}}",
      work.name, matrix ? ", fast mode" : "", native * 1e3, times, ratios,
      variants[2].best / variants[3].best);
}

}  // namespace

// bench_ptx [ROUNDS] [WORK]
int main(int argc, char** argv) {
  std::ifstream in(INTARSIA_BENCH_PTX, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 10;
  std::string rows;
  for (Work& work : works())
    if (argc < 3 || work.entry == argv[2]) rows += (rows.empty() ? "" : ", ") + measured(work, text, rounds);
  fmt::print("[{}]\n", rows);
}
