// What an evaluation costs beside the work itself, and how near x + 1 on big tensors comes to a copy.
#include <benchmark/benchmark.h>

#include <cstring>
#include <functional>
#include <memory>
#include <numeric>
#include <vector>

#include "intarsia/intarsia.h"

namespace {

namespace ia = intarsia;

ia::Tensor tensor(std::vector<std::int64_t> shape) {
  const std::int64_t count =
      std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
  return ia::Tensor::from_host<float>(std::vector<float>(static_cast<std::size_t>(count), 0.5f), shape);
}

// The peer of an evaluation: a call that cannot be inlined, with a result of its own.
void function(benchmark::State& state) {
  const std::vector<float> x(4, 0.5f);
  const std::function<std::unique_ptr<float[]>(const float*)> f = [](const float* in) {
    auto out = std::make_unique<float[]>(4);
    for (int i = 0; i < 4; ++i) out[static_cast<std::size_t>(i)] = in[i] + 1;
    return out;
  };
  for (auto _ : state) benchmark::DoNotOptimize(f(x.data()));
}
BENCHMARK(function);

void evaluate_again(benchmark::State& state) {
  const ia::Tensor x = tensor({2, 2});
  int i = 0;
  for (auto _ : state) benchmark::DoNotOptimize((x + ++i).eval());
}
BENCHMARK(evaluate_again);

void call_executable(benchmark::State& state) {
  const ia::Tensor x = tensor({2, 2});
  const auto f = [](std::span<const ia::Tensor> in) { return std::vector<ia::Tensor>{in[0] + 1}; };
  const ia::Executable exe = ia::compile(f, {ia::InputInfo{{2, 2}}});
  for (auto _ : state) benchmark::DoNotOptimize(exe({x}));
}
BENCHMARK(call_executable);

// Every round is a chain of another make: bits of a counter say add or multiply.
void evaluate_new_structure(benchmark::State& state) {
  const ia::Tensor x = tensor({64, 64});
  unsigned structure = 1u << 8;
  for (auto _ : state) {
    ia::Tensor y = x;
    for (unsigned bits = structure++; bits > 1; bits >>= 1) y = bits & 1 ? y + 1 : y * 2;
    y.eval();
  }
}
BENCHMARK(evaluate_new_structure)->Unit(benchmark::kMillisecond)->Iterations(20);

void copy(benchmark::State& state) {
  const std::vector<float> from(static_cast<std::size_t>(state.range(0)), 0.5f);
  std::vector<float> to(from.size());
  for (auto _ : state) {
    std::memcpy(to.data(), from.data(), from.size() * 4);
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * state.range(0) * 8);
}
BENCHMARK(copy)->Arg(1 << 24)->Unit(benchmark::kMillisecond)->UseRealTime();

void add_one(benchmark::State& state) {
  const ia::Tensor x = tensor({state.range(0)});
  (x + 1).eval();  // compiles, and leaves a result's memory in the pool
  for (auto _ : state) (x + 1).eval();
  state.SetBytesProcessed(state.iterations() * state.range(0) * 8);
}
BENCHMARK(add_one)->Arg(1 << 24)->Unit(benchmark::kMillisecond)->UseRealTime();

void gelu(benchmark::State& state) {
  const ia::Tensor x = tensor({state.range(0)});
  const char* const form = state.range(1) ? "tanh" : "none";
  ia::gelu(x * 1.1 + 0.3, form).eval();
  for (auto _ : state) ia::gelu(x * 1.1 + 0.3, form).eval();
  state.SetBytesProcessed(state.iterations() * state.range(0) * 8);
}
BENCHMARK(gelu)->Args({1 << 24, 0})->Args({1 << 24, 1})->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
