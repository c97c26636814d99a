// Executables on the CPU with entries written in C++: inputs, dims, memory, steps, errors, threads.
#include "runtime/executable.h"

#include <gtest/gtest.h>

#include <cstring>
#include <numeric>
#include <thread>

#include "base/error.h"
#include "runtime/cpu_device.h"
#include "runtime/host.h"

namespace intarsia::runtime {
namespace {

constexpr std::int64_t kBlock = 256;

// (x, y, n): y[i] = x[i] + 1, 256 elements per program.
void add_one(const std::uint64_t* args, std::int64_t first, std::int64_t last) {
  const auto* x = reinterpret_cast<const float*>(args[0]);
  auto* y = reinterpret_cast<float*>(args[1]);
  const auto n = static_cast<std::int64_t>(args[2]);
  for (std::int64_t i = first * kBlock; i < std::min(n, last * kBlock); ++i) y[i] = x[i] + 1;
}
// (y, s): writes the scalar's f32 bits.
void put_scalar(const std::uint64_t* args, std::int64_t, std::int64_t) {
  std::memcpy(reinterpret_cast<void*>(args[0]), &args[1], 4);
}
// (x, n, count): how many are positive.
void count_positive(const std::uint64_t* args, std::int64_t, std::int64_t) {
  const auto* x = reinterpret_cast<const float*>(args[0]);
  std::int64_t count = 0;
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(args[1]); ++i) count += x[i] > 0;
  *reinterpret_cast<std::int64_t*>(args[2]) = count;
}

CpuDevice& device() {
  static CpuDevice* const cpu = new CpuDevice(
      default_host(), {{"add_one", add_one}, {"put_scalar", put_scalar}, {"count_positive", count_positive}});
  return *cpu;
}

Argument on(BufferId id, Access access = Access::kRead) {
  Argument a;
  a.kind = Argument::Kind::kBuffer, a.buffer = id, a.access = access;
  return a;
}
Argument value(DimId id, DType dtype = DType::kI64, std::string name = "n") {
  Argument a;
  a.kind = Argument::Kind::kDim, a.value = id, a.dtype = dtype, a.name = std::move(name);
  return a;
}
Step step(std::string name, Step::Body body) {
  Step s;
  s.name = std::move(name), s.body = std::move(body);
  return s;
}
CodeId symbol_code(Program& p, const std::string& name) {
  Code code;
  code.entry = name;
  code.images = {{Image::Form::kSymbol, "", name}};
  return p.add(code);
}

const Dim kN = Dim::symbol("n", {.min = 0, .max = 1 << 24});

// One symbol n, an input x[n] and an output y[n].
Program one_to_one() {
  Program p;
  p.symbols = {{{"n", {.min = 0, .max = 1 << 24}}, SymbolDef::Source::kInputExtent, 0, 0}};
  Buffer b;
  b.name = "x", b.kind = Buffer::Kind::kInput, b.dtype = DType::kF32, b.shape = {p.dim(kN)},
  b.bytes = p.dim(kN * 4);
  p.add(b);
  b.name = "y", b.kind = Buffer::Kind::kOutput;
  p.add(b);
  return p;
}
BufferId temporary(Program& p, const Dim& bytes, std::uint32_t first, std::uint32_t last) {
  Buffer b;
  b.name = "t" + std::to_string(p.buffers.size()), b.bytes = p.dim(bytes), b.first = first, b.last = last;
  return p.add(b);
}
Step add_one_step(Program& p, CodeId code, BufferId from, BufferId to) {
  Launch launch;
  launch.code = code, launch.grid = {p.dim(cdiv(kN, kBlock))};
  launch.arguments = {on(from), on(to, Access::kWrite), value(p.dim(kN))};
  return step("add_one", launch);
}
Program add_ones(std::uint32_t times) {
  Program p = one_to_one();
  const CodeId code = symbol_code(p, "add_one");
  BufferId from{0};
  for (std::uint32_t i = 0; i < times; ++i) {
    const BufferId to = i + 1 == times ? BufferId{1} : temporary(p, kN * 4, i, i + 1);
    p.steps.push_back(add_one_step(p, code, from, to));
    from = to;
  }
  return p;
}

DeviceTensor floats(std::int64_t n, float first = 0) {
  DeviceTensor t = DeviceTensor::make(device(), DType::kF32, {n});
  std::iota(static_cast<float*>(t.data), static_cast<float*>(t.data) + n, first);
  return t;
}
float at(const DeviceTensor& t, std::int64_t i) { return static_cast<const float*>(t.data)[i]; }

template <class F>
std::string error_of(F&& f) {
  try {
    f();
  } catch (const UserError& e) { return e.what(); }
  return "no error";
}
std::string run_error(const Executable& exe, const std::vector<DeviceTensor>& inputs) {
  return error_of([&] { exe.run(inputs); });
}

TEST(Executable, RunsAtEverySize) {
  const auto exe = Executable::make(add_ones(3), device());
  for (const std::int64_t n : {0, 1, 255, 256, 257, 1000000, 257}) {
    const DeviceTensor x = floats(n);
    const auto out = exe->run(std::vector{x});
    ASSERT_EQ(out.size(), 1u);
    EXPECT_EQ(out[0].extents, Extents({n}));
    for (std::int64_t i = 0; i < n; i += std::max<std::int64_t>(1, n / 1000))
      ASSERT_EQ(at(out[0], i), static_cast<float>(i) + 3);
    if (n) EXPECT_EQ(at(out[0], n - 1), static_cast<float>(n - 1) + 3);
  }
}

TEST(Executable, WritesIntoTheCallersTensor) {
  const auto exe = Executable::make(add_ones(1), device());
  const DeviceTensor x = floats(10), y = floats(10, 100);
  std::vector<DeviceTensor> out = {y};
  exe->run_into(std::vector{x}, out);
  EXPECT_EQ(out[0].data, y.data);
  EXPECT_EQ(at(y, 9), 10.0f);
  out = {floats(11)};
  EXPECT_EQ(error_of([&] { exe->run_into(std::vector{x}, out); }),
            "output 0 ('y') is f32[11], the executable makes f32[10]");
}

TEST(Executable, NamesWhatDoesNotFit) {
  const auto exe = Executable::make(add_ones(1), device());
  EXPECT_EQ(run_error(*exe, {}), "the executable takes 1 inputs, given are 0");
  EXPECT_EQ(run_error(*exe, {DeviceTensor::make(device(), DType::kF64, {3})}),
            "input 0 ('x') is f64[3], wanted f32[n]");
  EXPECT_EQ(run_error(*exe, {DeviceTensor::make(device(), DType::kF32, {3, 1})}),
            "input 0 ('x') is f32[3, 1], wanted f32[n]");
  EXPECT_EQ(run_error(*exe, {DeviceTensor::make(device(), DType::kF32, {(1 << 24) + 1})}),
            "axis 0 of input 0 ('x') is 16777217: dimension n must lie in 0..16777216");
  CpuDevice other(default_host());
  EXPECT_NE(run_error(*exe, {DeviceTensor::make(other, DType::kF32, {3})}).find("input 0 is on cpu"),
            std::string::npos);
}

TEST(Executable, ChecksDerivedExtentsAndRequirements) {
  Program p = one_to_one();
  Buffer b;
  b.name = "w", b.kind = Buffer::Kind::kInput, b.port = 1, b.dtype = DType::kF32, b.shape = {p.dim(kN * 2)};
  p.add(b);
  p.requirements = {{p.guard({{kN % 2, Condition::Relation::kEqual, 0}})[0], "rows must be even", 1}};
  p.lines = {"", "model.py:7"};
  const auto exe = Executable::make(p, device());
  EXPECT_EQ(run_error(*exe, {floats(4), floats(9)}),
            "input 1 ('w') is f32[9], wanted f32[2*n]: axis 0 must be 8");
  EXPECT_EQ(run_error(*exe, {floats(3), floats(6)}), "model.py:7: rows must be even (1 against 0)");
  EXPECT_EQ(run_error(*exe, {floats(4), floats(8)}), "no error");
}

TEST(Executable, ScalarThatDoesNotFitIsAnErrorBeforeTheLaunch) {
  Program p = one_to_one();
  Launch launch;
  launch.code = symbol_code(p, "add_one"), launch.grid = {p.dim(1)};
  launch.arguments = {on({0}), on({1}, Access::kWrite), value(p.dim(kN * 1000000), DType::kI32, "stride")};
  p.steps.push_back(step("example::plugin", launch));
  const auto exe = Executable::make(p, device());
  EXPECT_EQ(run_error(*exe, {floats(0)}), "no error");
  EXPECT_EQ(run_error(*exe, {floats(3000)}),
            "example::plugin: argument 'stride' is 3000000000, which does not fit its type i32; declare the "
            "parameter with 64 "
            "bits");
}

TEST(Executable, LaunchLimits) {
  Program p = one_to_one();
  Launch launch;
  launch.code = symbol_code(p, "add_one"), launch.grid = {p.dim(kN)}, launch.block = {p.dim(kN + 1)};
  launch.arguments = {on({0}), on({1}, Access::kWrite), value(p.dim(kN))};
  p.steps.push_back(step("example::plugin", launch));
  const auto exe = Executable::make(p, device());
  EXPECT_EQ(run_error(*exe, {floats(0)}), "no error");  // an empty grid is skipped
  EXPECT_EQ(run_error(*exe, {floats(1024)}),
            "example::plugin: a block of 1025 x 1 x 1 threads, at most 1024 are possible on cpu");
}

TEST(Executable, ScalarsArriveAsBits) {
  Program p = one_to_one();
  Argument scalar;
  scalar.kind = Argument::Kind::kScalar, scalar.dtype = DType::kF32, scalar.constant = 1, scalar.name = "s";
  Launch launch;
  launch.code = symbol_code(p, "put_scalar"), launch.grid = {p.dim(1)},
  launch.arguments = {on({1}, Access::kWrite), scalar};
  p.steps.push_back(step("put", launch));
  const auto exe = Executable::make(p, device());
  const float f = 2.5f;
  std::uint64_t scalars[2] = {7, 0};
  std::memcpy(&scalars[1], &f, 4);
  EXPECT_EQ(at(exe->run(std::vector{floats(1)}, scalars)[0], 0), 2.5f);
  EXPECT_EQ(error_of([&] { exe->run(std::vector{floats(1)}, std::span(scalars, 1)); }),
            "put: scalar 1 ('s') is not given");
}

TEST(Executable, MemsetCopyInsideAndConstants) {
  Program p = one_to_one();
  const BufferId t = temporary(p, 32, 0, 3);
  Buffer piece;
  piece.name = "piece", piece.bytes = p.dim(8), piece.inside = t, piece.offset = p.dim(8), piece.last = 3;
  const BufferId part = p.add(piece);
  Buffer constant;
  constant.name = "c", constant.kind = Buffer::Kind::kConstant, constant.bytes = p.dim(4);
  const float nine = 9;
  constant.data.assign(reinterpret_cast<const char*>(&nine), 4);
  const BufferId c = p.add(constant);
  Argument later = on(part, Access::kWrite);
  later.value = p.dim(4);
  p.steps.push_back(step("zero", Memset{on(t, Access::kWrite), 0x40000000, 4, p.dim(32)}));  // 2.0f
  p.steps.push_back(step("c", Copy{on(c), later, p.dim(4), {}, {}, {}, ""}));
  p.steps.push_back(step("out", Copy{on(t), on({1}, Access::kWrite), p.dim(16), {}, {}, {}, ""}));
  const auto out = Executable::make(p, device())->run(std::vector{floats(4)});
  EXPECT_EQ(std::vector<float>(static_cast<float*>(out[0].data), static_cast<float*>(out[0].data) + 4),
            (std::vector<float>{2, 2, 2, 9}));
}

Program choice() {
  Program p = one_to_one();
  const auto set = [&](std::string name, std::uint32_t bits, const Guard& guard) {
    return Alternative{std::move(name),
                       p.guard(guard),
                       {step("set", Memset{on({1}, Access::kWrite), bits, 4, p.dim(kN * 4)})}};
  };
  Choose choose;
  choose.key = "k";
  choose.alternatives = {set("small", 0x3f800000, {{kN, Condition::Relation::kLess, 4}}),
                         set("middle", 0x40000000, {{kN, Condition::Relation::kLess, 10}}),
                         set("also", 0x40400000, {{kN, Condition::Relation::kLess, 10}})};
  p.steps.push_back(step("choose", choose));
  return p;
}

TEST(Executable, ChoosesByGuardAndByTuningRecords) {
  Program p = choice();
  const auto first = [&](const Executable& exe, std::int64_t n) {
    return at(exe.run(std::vector{floats(n)})[0], 0);
  };
  const auto plain = Executable::make(p, device());
  EXPECT_EQ(first(*plain, 3), 1.0f);
  EXPECT_EQ(first(*plain, 5), 2.0f);
  EXPECT_EQ(run_error(*plain, {floats(12)}), "choose: no alternative is made for these extents (n = 12)");
  p.tuning = {{"k", "elsewhere", "also", {}, 1},
              {"k", device().target(), "also", p.guard({{kN, Condition::Relation::kLess, 6}}), 1}};
  const auto tuned = Executable::make(p, device());
  EXPECT_EQ(first(*tuned, 3), 3.0f);
  EXPECT_EQ(first(*tuned, 5), 3.0f);
  EXPECT_EQ(first(*tuned, 7), 2.0f);
}

TEST(Executable, WaitsForAnExtent) {
  Program p = one_to_one();
  const Dim count = Dim::symbol("count", {.min = 0, .max = 1 << 24});
  p.symbols.push_back({{"count", {.min = 0, .max = 1 << 24}}, SymbolDef::Source::kWait, 0, 0});
  p.buffers[1].shape = {p.dim(count)}, p.buffers[1].bytes = p.dim(count * 4);
  const BufferId t = temporary(p, 8, 0, 1);
  Launch launch;
  launch.code = symbol_code(p, "count_positive"), launch.grid = {p.dim(1)};
  launch.arguments = {on({0}), value(p.dim(kN)), on(t, Access::kWrite)};
  Argument from = on(t);
  from.dtype = DType::kI64;
  p.steps.push_back(step("count", launch));
  p.steps.push_back(step("read", Wait{{{from, {1}, p.dim(kN)}}}));
  p.steps.push_back(step("set", Memset{on({1}, Access::kWrite), 0x40000000, 4, p.dim(count * 4)}));
  const auto exe = Executable::make(p, device());
  for (int round = 0; round < 3; ++round) {
    const auto out = exe->run(std::vector{floats(10, -3)});
    EXPECT_EQ(out[0].extents, Extents({6}));
    EXPECT_EQ(at(out[0], 5), 2.0f);
  }
}

TEST(Executable, LoopsWithACounterAndExchangedBuffers) {
  Program p = one_to_one();
  p.symbols.push_back({{"i", {}}, SymbolDef::Source::kCounter, 0, 0});
  const Dim i = Dim::symbol("i");
  const CodeId code = symbol_code(p, "add_one");
  const BufferId a = temporary(p, kN * 4, 0, 2), b = temporary(p, kN * 4, 0, 2);
  p.steps.push_back(step("in", Copy{on({0}), on(a, Access::kWrite), p.dim(kN * 4), {}, {}, {}, ""}));
  While loop;
  loop.condition = {step("nothing", Memset{on(b, Access::kWrite), 0, 1, p.dim(0)})};
  loop.again = p.guard({{i, Condition::Relation::kLess, 5}});
  loop.body = {add_one_step(p, code, a, b)};
  loop.swaps = {{a, b}};
  loop.counter = {1};
  p.steps.push_back(step("loop", loop));
  p.steps.push_back(step("out", Copy{on(a), on({1}, Access::kWrite), p.dim(kN * 4), {}, {}, {}, ""}));
  const auto exe = Executable::make(p, device());
  for (int round = 0; round < 2; ++round) EXPECT_EQ(at(exe->run(std::vector{floats(300)})[0], 299), 304.0f);
}

TEST(Executable, CallsFunctionsOfTheProcess) {
  Program p = one_to_one();
  Call call;
  call.library = "host", call.function = "example::f";
  Argument k;
  k.kind = Argument::Kind::kConstant, k.dtype = DType::kI32, k.constant = 5, k.name = "k";
  call.arguments = {on({0}), on({1}, Access::kWrite), k};
  p.steps.push_back(step("example::f", call));
  EXPECT_EQ(error_of([&] { Executable::make(p, device()); }),
            "example::f: this process has no function 'example::f' of library 'host'; register the plugin "
            "that brings it");
  ExecutableOptions options;
  options.functions.add("host", "example::f", [](const CallRequest& r) {
    const auto* x = static_cast<const float*>(r.arguments[0].data);
    auto* y = static_cast<float*>(r.arguments[1].data);
    EXPECT_EQ(r.arguments[0].extents.size(), 1u);
    EXPECT_EQ(r.arguments[1].access, Access::kWrite);
    for (std::int64_t i = 0; i < r.arguments[0].extents[0]; ++i)
      y[i] = x[i] * static_cast<float>(r.arguments[2].bits);
  });
  EXPECT_EQ(at(Executable::make(p, device(), options)->run(std::vector{floats(3)})[0], 2), 10.0f);
}

TEST(Executable, PreparesWeightsOnceAndKeepsStates) {
  Program p = one_to_one();
  const CodeId code = symbol_code(p, "add_one");
  const auto add = [&](const char* name, Buffer::Kind kind) {
    Buffer b;
    b.name = name, b.kind = kind, b.bytes = p.dim(16), b.dtype = DType::kF32;
    return p.add(b);
  };
  const BufferId weight = add("w", Buffer::Kind::kWeight), derived = add("d", Buffer::Kind::kDerived),
                 state = add("s", Buffer::Kind::kState);
  const auto add_one_of_four = [&](BufferId from, BufferId to) {
    Launch launch;
    launch.code = code, launch.grid = {p.dim(1)},
    launch.arguments = {on(from), on(to, Access::kUpdate), value(p.dim(4))};
    return step("add", launch);
  };
  p.prepare = {add_one_of_four(weight, derived)};
  p.init = {step("zero", Memset{on(state, Access::kWrite), 0, 1, p.dim(16)})};
  p.steps = {add_one_of_four(state, state),
             step("out", Copy{on(state), on({1}, Access::kWrite), p.dim(8), {}, {}, {}, ""}),
             step("out", Copy{on(derived),
                              [&] {
                                Argument a = on({1}, Access::kWrite);
                                a.value = p.dim(8);
                                return a;
                              }(),
                              p.dim(8),
                              {},
                              {},
                              {},
                              ""})};
  EXPECT_EQ(error_of([&] { Executable::make(p, device()); }), "weight 'w' is not given");
  ExecutableOptions options;
  options.weights = {{"w", floats(4, 10)}};
  const auto exe = Executable::make(p, device(), options);
  for (int round = 1; round < 4; ++round) {
    const auto out = exe->run(std::vector{floats(4)});
    EXPECT_EQ(at(out[0], 0), static_cast<float>(round));
    EXPECT_EQ(at(out[0], 3), 12.0f);
  }
}

TEST(Executable, SaysWhyACodeCannotRun) {
  Program p = add_ones(1);
  p.codes[0].images = {{Image::Form::kCubin, "sm_90a", "..."}};
  EXPECT_EQ(error_of([&] { Executable::make(p, device()); }),
            "the CPU cannot run 'add_one': its images are cubin for sm_90a; wanted an x86-64 image, PTX or a "
            "symbol");
  p.codes[0].images = {{Image::Form::kSymbol, "", "nowhere"}};
  EXPECT_NE(error_of([&] { Executable::make(p, device()); }).find("'nowhere' is no symbol of this process"),
            std::string::npos);
}

TEST(Executable, IsSharedByThreads) {
  const auto exe = Executable::make(add_ones(3), device());
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&exe, t] {
      for (int i = 0; i < 50; ++i) {
        const std::int64_t n = 1 + (i * 37 + t * 11) % 3000;
        const auto out = exe->run(std::vector{floats(n, static_cast<float>(t))});
        ASSERT_EQ(at(out[0], n - 1), static_cast<float>(n - 1 + t + 3));
      }
    });
  for (auto& t : threads) t.join();
}

}  // namespace
}  // namespace intarsia::runtime
