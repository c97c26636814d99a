// Kernels as PTX: assembled where ptxas is installed, executed by the PTX interpreter and held against the
// kernel interpreter.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>

#include "base/convert.h"
#include "base/error.h"
#include "kernel/interpret.h"
#include "kernel/kernel.h"
#include "ptx/launch.h"
#include "target/nvptx/compile.h"

namespace intarsia::target {
namespace {

using kernel::Builder;
using kernel::Fn;
using kernel::Kernel;
using kernel::Opcode;
using kernel::Role;
using kernel::ValueId;

// ---- kernels
// -------------------------------------------------------------------------------------------------------

const Symbol kN{"n", {}};
Dim n() { return Dim::symbol("n"); }

// y = f(x) on pointers with a mask, as in the guide.
Kernel pointers(DType t, std::int64_t block, const std::function<ValueId(Builder&, ValueId)>& f) {
  Kernel k;
  k.name = "pointwise";
  Builder b(k);
  auto& x = b.param("x", Role::kInput, 0, kernel::pointer(t));
  x.extents = {n()};
  const ValueId px = x.value;
  auto& count = b.param("n_elements", Role::kDim, 0, kernel::scalar(DType::kI32));
  count.dim = n();
  const ValueId size = count.value;
  auto& y = b.param("y", Role::kOutput, 0, kernel::pointer(t));
  y.extents = {n()};
  const ValueId py = y.value;
  const std::int64_t shape[] = {block};
  const ValueId start = b.cast(
      b.binary(Fn::kMul, b.program_id(0), b.constant(block, kernel::scalar(DType::kI64))), DType::kI32);
  const ValueId offsets = b.binary(Fn::kAdd, b.broadcast(start, shape), b.arange(0, block, DType::kI32));
  const ValueId mask = b.compare(Fn::kLt, offsets, b.broadcast(size, shape));
  const ValueId loaded = b.load_at(b.pointer_add(b.broadcast(px, shape), offsets), mask);
  b.store_at(b.pointer_add(b.broadcast(py, shape), offsets), f(b, loaded), mask);
  k.grid = {cdiv(n(), block), 1, 1};
  verify(k);
  return k;
}

ValueId add_one(Builder& b, ValueId x) { return b.binary(Fn::kAdd, x, b.constant(1, b.type(x))); }

// Rows of [4, n] whose columns fit one block: (x - max) exponentiated over its sum.
Kernel softmax_rows(std::int64_t width, int warps) {
  Kernel k;
  k.name = "softmax";
  k.warps = warps;
  Builder b(k);
  const ValueId x = b.view("x", Role::kInput, 0, DType::kF32, {4, n()}),
                y = b.view("y", Role::kOutput, 0, DType::kF32, {4, n()});
  const ValueId at[] = {b.program_id(0), b.constant(0, kernel::scalar(DType::kI64))};
  const std::int64_t shape[] = {1, width};
  const ValueId v = b.load(x, at, shape, -INFINITY);
  const ValueId e = b.unary(Fn::kExp, b.binary(Fn::kSub, v, b.broadcast(b.reduce(Fn::kMax, v, 1), shape)));
  b.store(y, b.binary(Fn::kDiv, e, b.broadcast(b.reduce(Fn::kAdd, e, 1), shape)), at);
  k.grid = {4, 1, 1};
  verify(k);
  return k;
}

// Sums over the first axis of blocks of [rows, 64], and the running sum along it.
Kernel column_sums(std::int64_t rows, bool scan) {
  Kernel k;
  k.name = scan ? "running" : "columns";
  Builder b(k);
  const Dim r = n();
  const Shape result = scan ? Shape{r, 64} : Shape{1, 64};
  const ValueId x = b.view("x", Role::kInput, 0, DType::kI32, {r, 64}),
                y = b.view("y", Role::kOutput, 0, DType::kI32, result);
  const ValueId zero = b.constant(0, kernel::scalar(DType::kI64));
  const ValueId at[] = {zero, zero};
  const std::int64_t shape[] = {rows, 64};
  const ValueId v = b.load(x, at, shape);
  b.store(y, scan ? b.scan(Fn::kAdd, v, 0) : b.reduce(Fn::kAdd, v, 0), at);
  verify(k);
  return k;
}

// Index of the first largest element of a row, by a region over (value, index).
Kernel argmax(std::int64_t width) {
  Kernel k;
  k.name = "argmax";
  Builder b(k);
  const ValueId x = b.view("x", Role::kInput, 0, DType::kF32, {4, n()}),
                y = b.view("y", Role::kOutput, 0, DType::kI64, {4, 1});
  const ValueId at[] = {b.program_id(0), b.constant(0, kernel::scalar(DType::kI64))};
  const std::int64_t shape[] = {1, width};
  const ValueId pair[] = {b.load(x, at, shape, -INFINITY), b.reshape(b.arange(0, width), shape)};
  const auto best = b.reduce(pair, 1, [&](std::span<const ValueId> l, std::span<const ValueId> r) {
    const ValueId right =
        b.binary(Fn::kOr, b.compare(Fn::kGt, r[0], l[0]),
                 b.binary(Fn::kAnd, b.compare(Fn::kEq, r[0], l[0]), b.compare(Fn::kLt, r[1], l[1])));
    return Builder::Values{b.select(right, r[0], l[0]), b.select(right, r[1], l[1])};
  });
  b.store(y, best[1], at);
  k.grid = {4, 1, 1};
  verify(k);
  return k;
}

// [n, 48] x [48, 40] in tiles of 32 x 32, k in steps of 16.
Kernel matmul(DType t) {
  Kernel k;
  k.name = "matmul";
  Builder b(k);
  const ValueId x = b.view("a", Role::kInput, 0, t, {n(), 48}), y = b.view("b", Role::kInput, 1, t, {48, 40});
  const DType sum = t == DType::kF16 ? DType::kF32 : t;
  const ValueId out = b.view("c", Role::kOutput, 0, sum, {n(), 40});
  const auto i64 = [&](std::int64_t v) { return b.constant(v, kernel::scalar(DType::kI64)); };
  const ValueId row = b.binary(Fn::kMul, b.program_id(0), i64(32)),
                column = b.binary(Fn::kMul, b.program_id(1), i64(32));
  const ValueId start[] = {b.constant(0, kernel::block(sum, {32, 32}))};
  const std::int64_t left[] = {32, 16}, right[] = {16, 32};
  const auto total = b.for_(i64(0), i64(48), i64(16), start, [&](ValueId i, std::span<const ValueId> acc) {
    const ValueId at_a[] = {row, i}, at_b[] = {i, column};
    return Builder::Values{b.dot(b.load(x, at_a, left), b.load(y, at_b, right), acc[0])};
  });
  const ValueId at[] = {row, column};
  b.store(out, total[0], at);
  k.grid = {cdiv(n(), 32), 2, 1};
  verify(k);
  return k;
}

// ---- running them
// --------------------------------------------------------------------------------------------------

struct Tensor {
  Role role;
  std::uint32_t port;
  DType dtype;
  std::vector<std::byte> bytes;
  std::int64_t count;
};
Tensor tensor(Role role, std::uint32_t port, DType t, std::int64_t count) {
  return {role, port, t, std::vector<std::byte>(static_cast<std::size_t>(bytes_of(t, count))), count};
}
Tensor filled(std::uint32_t port, DType t, std::int64_t count, std::uint64_t seed = 1) {
  Tensor x = tensor(Role::kInput, port, t, count);
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal(0, 2);
  for (std::int64_t i = 0; i < count; ++i)
    store_bits(t, x.bytes.data(), i,
               is_float(t) ? bits_from_float(t, normal(random))
                           : bits_from_int(t, static_cast<std::int64_t>(random() % 200) - 100));
  return x;
}

void interpret_kernel(const Kernel& k, std::vector<Tensor>& tensors, std::int64_t extent) {
  std::vector<kernel::HostTensor> host;
  for (Tensor& t : tensors) host.push_back({t.role, t.port, t.dtype, t.count, t.bytes.data()});
  interpret(k, host, {{"n", extent}});
}

void interpret_ptx(const Kernel& k, const std::string& text, std::vector<Tensor>& tensors,
                   std::int64_t extent) {
  const ptx::Program program(ptx::parse(text), k.name);
  std::vector<std::uint64_t> words;
  std::vector<ptx::Buffer> buffers;
  std::vector<ptx::ArgumentValue> arguments;
  const auto slots = parameter_list(k);
  const auto evaluate = [&](const Dim& d) {
    const DimProgram one(std::span(&d, 1), std::span(&kN, 1));
    auto v = one.make_slots();
    v[0] = extent;
    one.evaluate(v);
    return one.value(0, v);
  };
  for (const kernel::Slot& s : slots) {
    if (s.kind != kernel::Slot::Kind::kAddress) {
      words.push_back(static_cast<std::uint64_t>(evaluate(s.value)));
      continue;
    }
    for (Tensor& t : tensors)
      if (t.role == k.params[s.param].role && t.port == k.params[s.param].port) {
        words.push_back(std::bit_cast<std::uint64_t>(t.bytes.data()));
        buffers.push_back({t.bytes.data(), static_cast<std::int64_t>(t.bytes.size()), t.role != Role::kInput,
                           k.params[s.param].name});
      }
  }
  ASSERT_EQ(words.size(), slots.size());
  for (std::size_t i = 0; i < words.size(); ++i)
    arguments.push_back(
        {&words[i], slots[i].kind == kernel::Slot::Kind::kAddress ? 8 : bits(slots[i].dtype) / 8});
  ptx::LaunchConfig config;
  for (std::size_t a = 0; a < 3; ++a) config.grid[a] = static_cast<std::uint32_t>(evaluate(k.grid[a]));
  if (config.grid[0] == 0) return;
  config.block = {static_cast<std::uint32_t>(32 * k.warps), 1, 1};
  config.buffers = buffers;
  config.contraction = false;
  const ptx::LaunchResult result = ptx::run(program, config, arguments);
  for (const ptx::Report& r : result.reports) ADD_FAILURE() << r.text();
}

std::string find_ptxas() {
  for (const char* variable : {"CUDA_HOME", "CUDA_PATH"})
    if (const char* home = std::getenv(variable); home != nullptr)
      if (const std::string path = std::string(home) + "/bin/ptxas"; std::filesystem::exists(path))
        return path;
  std::string path = std::getenv("PATH") != nullptr ? std::getenv("PATH") : "";
  while (!path.empty()) {
    const std::string folder = path.substr(0, path.find(':'));
    path.erase(0, folder.size() + 1);
    if (std::filesystem::exists(folder + "/ptxas")) return folder + "/ptxas";
  }
  return "";
}

void assemble(const std::string& text, const std::string& architecture) {
  const std::string ptxas = find_ptxas();
  if (ptxas.empty()) return;
  const auto folder = std::filesystem::temp_directory_path() / ("intarsia_ptx_" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "k.ptx") << text;
  const std::string command = ptxas + " -arch=" + architecture + " -v " + (folder / "k.ptx").string() +
                              " -o " + (folder / "k.cubin").string() + " 2>" + (folder / "log").string();
  const int code = std::system(command.c_str());
  std::ifstream log(folder / "log");
  const std::string said((std::istreambuf_iterator<char>(log)), {});
  EXPECT_EQ(code, 0) << said << "\n" << text;
  EXPECT_NE(said.find("0 bytes spill stores"), std::string::npos) << said;
  std::filesystem::remove_all(folder);
}

// Bits of the result of both interpreters, for both architectures.
void expect_equal(const Kernel& k, std::vector<Tensor> tensors, std::int64_t extent, double tolerance = 0) {
  std::vector<Tensor> want = tensors;
  interpret_kernel(k, want, extent);
  for (const char* architecture : {"sm_80", "sm_90a"}) {
    const std::string text = compile_ptx(k, {.architecture = architecture});
    assemble(text, architecture);
    std::vector<Tensor> got = tensors;
    interpret_ptx(k, text, got, extent);
    for (std::size_t t = 0; t < got.size(); ++t)
      for (std::int64_t i = 0; i < got[t].count; ++i) {
        const std::uint64_t x = load_bits(got[t].dtype, got[t].bytes.data(), i),
                            y = load_bits(want[t].dtype, want[t].bytes.data(), i);
        if (x == y) continue;
        ASSERT_TRUE(tolerance > 0 && is_float(got[t].dtype))
            << k.name << " " << architecture << " element " << i << ": " << x << " is not " << y;
        const double a = float_from_bits(got[t].dtype, x), b = float_from_bits(got[t].dtype, y);
        ASSERT_LE(std::abs(a - b), tolerance * std::max(1.0, std::abs(b))) << k.name << " element " << i;
      }
  }
}

TEST(Ptx, PointersWithMasksAtEveryEdge) {
  for (const DType t :
       {DType::kF32, DType::kF16, DType::kBF16, DType::kI32, DType::kI64, DType::kF64, DType::kU8})
    for (const std::int64_t extent : {0, 1, 255, 256, 257, 3000})
      expect_equal(pointers(t, 1024, add_one), {filled(0, t, extent), tensor(Role::kOutput, 0, t, extent)},
                   extent);
}

TEST(Ptx, BlocksSmallerThanTheThreadsAndOddOnes) {
  for (const std::int64_t block : {1, 7, 64, 96, 1000})
    expect_equal(pointers(DType::kF32, block, add_one),
                 {filled(0, DType::kF32, 333), tensor(Role::kOutput, 0, DType::kF32, 333)}, 333);
}

TEST(Ptx, NeighboursAreLoadedTogether) {
  const std::string text = compile_ptx(pointers(DType::kF32, 1024, add_one));
  EXPECT_NE(text.find("ld.global.v4"), std::string::npos) << text;
  EXPECT_NE(text.find("st.global.v4"), std::string::npos) << text;
  EXPECT_NE(text.find(".reqntid 128"), std::string::npos) << text;
}

TEST(Ptx, TranscendentalsAreThoseOfTheCpu) {
  const Kernel k = pointers(DType::kF32, 512, [](Builder& b, ValueId x) {
    return b.unary(Fn::kErf, b.unary(Fn::kTanh, b.unary(Fn::kExp, x)));
  });
  expect_equal(k, {filled(0, DType::kF32, 700), tensor(Role::kOutput, 0, DType::kF32, 700)}, 700, 4e-7);
}

TEST(Ptx, RowsReduceOverTheBlock) {
  for (const int warps : {1, 4, 8})
    for (const std::int64_t columns : {1, 33, 200, 256})
      expect_equal(softmax_rows(256, warps),
                   {filled(0, DType::kF32, 4 * columns), tensor(Role::kOutput, 0, DType::kF32, 4 * columns)},
                   columns, 1e-6);
}

TEST(Ptx, LinesReduceAndScan) {
  for (const std::int64_t rows : {1, 5, 16}) {
    expect_equal(column_sums(16, false),
                 {filled(0, DType::kI32, rows * 64), tensor(Role::kOutput, 0, DType::kI32, 64)}, rows);
    expect_equal(column_sums(16, true),
                 {filled(0, DType::kI32, rows * 64), tensor(Role::kOutput, 0, DType::kI32, rows * 64)}, rows);
  }
}

TEST(Ptx, SeveralValuesReduceTogether) {
  for (const std::int64_t columns : {1, 100, 512})
    expect_equal(argmax(512), {filled(0, DType::kF32, 4 * columns), tensor(Role::kOutput, 0, DType::kI64, 4)},
                 columns);
}

TEST(Ptx, ProductsLoopOverTheirDepth) {
  for (const DType t : {DType::kF32, DType::kF16, DType::kI32})
    expect_equal(matmul(t),
                 {filled(0, t, 70 * 48), filled(1, t, 48 * 40, 2),
                  tensor(Role::kOutput, 0, t == DType::kF16 ? DType::kF32 : t, 70 * 40)},
                 70, 1e-5);
}

TEST(Ptx, ErrorsNameWhatWasGiven) {
  Kernel k = pointers(DType::kF32, 64, add_one);
  const auto message = [&](const PtxOptions& options) -> std::string {
    try {
      compile_ptx(k, options);
    } catch (const UserError& e) { return e.what(); }
    return "no error";
  };
  EXPECT_EQ(message({.architecture = "sm_1"}).substr(0, 51),
            "GPU architecture 'sm_1' is unknown; known are sm_75");
  EXPECT_EQ(message({.architecture = "sm_90a", .version = 70}),
            "PTX version 7.0 is below 8.0, which sm_90a needs");
  EXPECT_EQ(ptx_name("relu+ns::op"), "relu_ns__op");
  EXPECT_EQ(ptx_name("2d"), "_2d");
  k.name = "a+b";
  EXPECT_EQ(message({}), "'a+b' is not a name PTX allows: letters, digits, _ and $");
}

}  // namespace
}  // namespace intarsia::target
