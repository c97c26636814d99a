// Kernels as machine code, one thread, beside a copy of the same bytes. Bytes per second count what is read
// and written once.
#include <benchmark/benchmark.h>

#include <cmath>
#include <cstring>
#include <memory>
#include <random>
#include <vector>

#include "kernel/kernel.h"
#include "runtime/cpu_image.h"
#include "target/cpu/compile.h"

namespace {

using namespace intarsia;
using kernel::Builder;
using kernel::Fn;
using kernel::Kernel;
using kernel::Role;
using kernel::ValueId;
using Values = std::vector<ValueId>;
using Extents = std::vector<std::int64_t>;

constexpr DType kF = DType::kF32;

struct Memory {
  std::size_t count;
  float* data;
  explicit Memory(std::size_t n)
      : count(n), data(static_cast<float*>(std::aligned_alloc(4096, (n * 4 + 4095) / 4096 * 4096))) {
    std::mt19937 random(1);
    std::uniform_real_distribution<float> next(-3, 3);
    for (std::size_t i = 0; i < n; ++i) data[i] = i < 65536 ? next(random) : data[i - 65536];
  }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  ~Memory() { std::free(data); }
  std::uint64_t address() const { return reinterpret_cast<std::uint64_t>(data); }
};

ValueId index_of(Builder& b, std::int64_t v) { return b.constant(v, kernel::scalar(DType::kI64)); }

template <class Body>
Kernel rows_of(const std::string& name, std::int64_t n, std::int64_t block, const Body& body) {
  Kernel k;
  k.name = name;
  Builder b(k);
  const ValueId x = b.view("x", Role::kInput, 0, kF, {n}), y = b.view("y", Role::kOutput, 0, kF, {n});
  const Values at = {b.binary(Fn::kMul, b.program_id(0), index_of(b, block))};
  b.store(y, body(b, b.load(x, at, Extents{block})), at);
  k.grid = {cdiv(Dim(n), block), 1, 1};
  return k;
}

ValueId number(Builder& b, double v, ValueId like) { return b.constant(v, b.type(like)); }
ValueId add(Builder& b, ValueId x, ValueId y) { return b.binary(Fn::kAdd, x, y); }
ValueId mul(Builder& b, ValueId x, ValueId y) { return b.binary(Fn::kMul, x, y); }

ValueId gelu_erf(Builder& b, ValueId v) {
  const ValueId x = add(b, mul(b, v, number(b, 1.1, v)), number(b, 0.3, v));
  const ValueId e = b.unary(Fn::kErf, mul(b, x, number(b, M_SQRT1_2, v)));
  return mul(b, mul(b, x, number(b, 0.5, v)), add(b, e, number(b, 1, v)));
}
ValueId gelu_tanh(Builder& b, ValueId v) {
  const ValueId x = add(b, mul(b, v, number(b, 1.1, v)), number(b, 0.3, v));
  const ValueId cubed = mul(b, mul(b, x, x), mul(b, x, number(b, 0.044715, v)));
  const ValueId t = b.unary(Fn::kTanh, mul(b, add(b, x, cubed), number(b, 0.7978845608028654, v)));
  return mul(b, mul(b, x, number(b, 0.5, v)), add(b, t, number(b, 1, v)));
}

// The guide's kernel over pointers.
Kernel add_kernel(std::int64_t n) {
  Kernel k;
  k.name = "add_kernel";
  Builder b(k);
  const ValueId x = b.param("x", Role::kInput, 0, {.kind = kernel::Type::Kind::kPointer, .dtype = kF}).value;
  kernel::Param& size = b.param("n", Role::kDim, 0, kernel::scalar(DType::kI32));
  size.dim = Dim(n);
  const ValueId limit = size.value;
  const ValueId y = b.param("y", Role::kOutput, 0, {.kind = kernel::Type::Kind::kPointer, .dtype = kF}).value;
  const ValueId at =
      add(b, b.broadcast(mul(b, b.program_id(0), index_of(b, 256)), Extents{256}), b.arange(0, 256));
  const ValueId mask = b.compare(Fn::kLt, at, b.broadcast(b.cast(limit, DType::kI64), Extents{256}));
  const ValueId v = b.load_at(b.pointer_add(x, at), mask);
  b.store_at(b.pointer_add(y, at), add(b, v, number(b, 1, v)), mask);
  k.grid = {cdiv(Dim(n), 256), 1, 1};
  return k;
}

Kernel softmax(std::int64_t rows, std::int64_t columns) {
  Kernel k;
  k.name = "softmax";
  Builder b(k);
  const ValueId x = b.view("x", Role::kInput, 0, kF, {rows, columns}),
                y = b.view("y", Role::kOutput, 0, kF, {rows, columns});
  const Values at = {b.program_id(0), index_of(b, 0)};
  const ValueId v = b.load(x, at, Extents{1, columns}, -INFINITY);
  const ValueId e = b.unary(Fn::kExp, b.binary(Fn::kSub, v, b.broadcast_like(b.reduce(Fn::kMax, v, 1), v)));
  b.store(y, b.binary(Fn::kDiv, e, b.broadcast_like(b.reduce(Fn::kAdd, e, 1), e)), at);
  k.grid = {rows, 1, 1};
  return k;
}

Kernel layer_norm(std::int64_t rows, std::int64_t columns) {
  Kernel k;
  k.name = "layer_norm";
  Builder b(k);
  const ValueId x = b.view("x", Role::kInput, 0, kF, {rows, columns}),
                w = b.view("w", Role::kInput, 1, kF, {columns}),
                c = b.view("b", Role::kInput, 2, kF, {columns}),
                y = b.view("y", Role::kOutput, 0, kF, {rows, columns});
  const Values at = {b.program_id(0), index_of(b, 0)}, start = {index_of(b, 0)};
  const Extents row = {1, columns}, line = {columns}, one = {1, 1};
  const ValueId v = b.load(x, at, row);
  const ValueId count = b.constant(static_cast<double>(columns), kernel::block(kF, one));
  const ValueId mean = b.binary(Fn::kDiv, b.reduce(Fn::kAdd, v, 1), count);
  const ValueId d = b.binary(Fn::kSub, v, b.broadcast(mean, row));
  const ValueId variance = b.binary(Fn::kDiv, b.reduce(Fn::kAdd, mul(b, d, d), 1), count);
  const ValueId scale = b.unary(Fn::kRsqrt, add(b, variance, b.constant(1e-5, kernel::block(kF, one))));
  const ValueId normal = mul(b, d, b.broadcast(scale, row));
  const auto of_columns = [&](ValueId view) { return b.reshape(b.load(view, start, line), row); };
  b.store(y, add(b, mul(b, normal, of_columns(w)), of_columns(c)), at);
  k.grid = {rows, 1, 1};
  return k;
}

Kernel matmul(std::int64_t n, std::int64_t bm, std::int64_t bn, std::int64_t bk) {
  Kernel k;
  k.name = "matmul";
  Builder b(k);
  const ValueId x = b.view("a", Role::kInput, 0, kF, {n, n}), w = b.view("b", Role::kInput, 1, kF, {n, n}),
                y = b.view("c", Role::kOutput, 0, kF, {n, n});
  const ValueId row = mul(b, b.program_id(0), index_of(b, bm)),
                column = mul(b, b.program_id(1), index_of(b, bn));
  const Values zero = {b.constant(0.0, kernel::block(kF, Extents{bm, bn}))};
  const Values total = b.for_(
      index_of(b, 0), index_of(b, n), index_of(b, bk), zero, [&](ValueId i, std::span<const ValueId> acc) {
        const Values left = {row, i}, right = {i, column};
        return Values{b.dot(b.load(x, left, Extents{bm, bk}), b.load(w, right, Extents{bk, bn}), acc[0])};
      });
  const Values at = {row, column};
  b.store(y, total[0], at);
  k.grid = {cdiv(Dim(n), bm), cdiv(Dim(n), bn), 1};
  return k;
}

void run(benchmark::State& state, const Kernel& k, std::vector<std::uint64_t> arguments, double bytes,
         double flops = 0) {
  kernel::verify(k);
  const std::string level =
      state.range(0) == 0 ? target::host_level() : "x86-64-v" + std::to_string(state.range(0));
  const runtime::CpuImage image =
      runtime::CpuImage::load(target::compile_cpu(std::span(&k, 1), {.level = level}));
  const auto entry = image.entry(k.name);
  std::int64_t programs = 1;
  for (const Dim& g : k.grid) {
    arguments.push_back(static_cast<std::uint64_t>(g.constant()));
    programs *= g.constant();
  }
  for (auto _ : state) entry(arguments.data(), 0, programs);
  state.SetLabel(level);
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes * static_cast<double>(state.iterations())));
  if (flops > 0)
    state.counters["flop/s"] = benchmark::Counter(flops, benchmark::Counter::kIsIterationInvariantRate);
}

constexpr std::int64_t kLong = 1 << 24;
constexpr double kTwice = 8.0 * kLong;

void copy(benchmark::State& state) {
  const Memory x(kLong), y(kLong);
  for (auto _ : state) {
    std::memcpy(y.data, x.data, kLong * 4);
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(kTwice) * state.iterations());
}

template <class Body>
void pointwise(benchmark::State& state, const Body& body, std::int64_t n) {
  const Memory x(static_cast<std::size_t>(n)), y(static_cast<std::size_t>(n));
  run(state, rows_of("pointwise", n, 1024, body), {x.address(), y.address()}, 8.0 * static_cast<double>(n));
}
void add_one_long(benchmark::State& state) {
  pointwise(state, [](Builder& b, ValueId v) { return add(b, v, number(b, 1, v)); }, kLong);
}
void gelu_erf_long(benchmark::State& state) { pointwise(state, gelu_erf, kLong); }
void gelu_tanh_long(benchmark::State& state) { pointwise(state, gelu_tanh, kLong); }
void gelu_erf_near(benchmark::State& state) { pointwise(state, gelu_erf, 4096); }
void gelu_tanh_near(benchmark::State& state) { pointwise(state, gelu_tanh, 4096); }
void exp_near(benchmark::State& state) {
  pointwise(state, [](Builder& b, ValueId v) { return b.unary(Fn::kExp, v); }, 4096);
}
void guide_kernel(benchmark::State& state) {
  const std::int64_t n = 1 << 20;
  const Memory x(n), y(n);
  const Kernel k = add_kernel(n);
  std::vector<std::uint64_t> arguments;
  for (const kernel::Slot& slot : kernel::parameter_list(k))
    arguments.push_back(
        slot.kind == kernel::Slot::Kind::kAddress ? (arguments.empty() ? x.address() : y.address()) : n);
  run(state, k, arguments, 8.0 * n);
}
void add_one_near(benchmark::State& state) {
  pointwise(state, [](Builder& b, ValueId v) { return add(b, v, number(b, 1, v)); }, 1 << 20);
}
void softmax_4096(benchmark::State& state) {
  const Memory x(kLong), y(kLong);
  run(state, softmax(4096, 4096), {x.address(), y.address()}, kTwice);
}
void softmax_64(benchmark::State& state) {
  const Memory x(kLong), y(kLong);
  run(state, softmax(kLong / 64, 64), {x.address(), y.address()}, kTwice);
}
void layer_norm_4096(benchmark::State& state) {
  const Memory x(kLong), w(4096), b(4096), y(kLong);
  run(state, layer_norm(4096, 4096), {x.address(), w.address(), b.address(), y.address()}, kTwice);
}
void matmul_1024(benchmark::State& state) {
  const Memory a(1 << 20), b(1 << 20), c(1 << 20);
  run(state, matmul(1024, state.range(1), state.range(2), state.range(3)),
      {a.address(), b.address(), c.address()}, 12.0 * (1 << 20), 2.0 * 1024 * 1024 * 1024);
}

void compile(benchmark::State& state, const Kernel& k) {
  for (auto _ : state)
    benchmark::DoNotOptimize(target::compile_cpu(std::span(&k, 1), {.level = target::host_level()}));
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  benchmark::RegisterBenchmark("copy", copy)->Unit(benchmark::kMicrosecond);
  const auto both_levels = [](const char* name, void (*run)(benchmark::State&)) {
    benchmark::RegisterBenchmark(name, run)->Arg(3)->Arg(0)->Unit(
        benchmark::kMicrosecond);  // 0: the machine's own
  };
  both_levels("add_one_long", add_one_long);
  both_levels("gelu_erf_long", gelu_erf_long);
  both_levels("gelu_tanh_long", gelu_tanh_long);
  both_levels("gelu_erf_near", gelu_erf_near);
  both_levels("gelu_tanh_near", gelu_tanh_near);
  both_levels("exp_near", exp_near);
  both_levels("guide_kernel", guide_kernel);
  both_levels("add_one_near", add_one_near);
  both_levels("softmax_4096", softmax_4096);
  both_levels("softmax_64", softmax_64);
  both_levels("layer_norm_4096", layer_norm_4096);
  benchmark::RegisterBenchmark("matmul_1024", matmul_1024)
      ->ArgsProduct({{3, 0}, {32, 96, 128}, {128, 256}, {128, 256}})
      ->Unit(benchmark::kMillisecond);
  const auto compiles = [](const char* name, const Kernel& k) {
    benchmark::RegisterBenchmark(name, [k](benchmark::State& state) {
      compile(state, k);
    })->Unit(benchmark::kMillisecond);
  };
  compiles("compile/add_kernel", add_kernel(1 << 20));
  compiles("compile/gelu_erf", rows_of("gelu", kLong, 8192, gelu_erf));
  compiles("compile/softmax", softmax(4096, 4096));
  compiles("compile/matmul", matmul(1024, 128, 256, 256));
  benchmark::RunSpecifiedBenchmarks();
}
