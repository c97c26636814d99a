#include "intarsia/language.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "kernel/element.h"
#include "support/kernel_host.h"

namespace intarsia {
namespace {

namespace tl = intarsia::language;
using kernel::Array, kernel::HostTensor, kernel::Kernel, kernel::Role, kernel::error_of;
using V = std::vector<double>;

const auto kAddOne = tl::kernel(
    "add_kernel(x, n, y)", [](tl::Ptr<float> x, tl::I32 n, tl::Ptr<float> y, tl::Const<"BLOCK_SIZE"> block) {
      auto i = tl::program_id(0) * block + tl::arange(0, block);
      auto inside = i < n;
      tl::store(y + i, tl::load(x + i, inside) + 1.0f, inside);
    });

V random_values(std::size_t n, unsigned seed = 1) {
  std::mt19937 g(seed);
  V out(n);
  for (double& v : out)
    v = static_cast<double>(static_cast<float>(static_cast<double>(g() % 4001) / 1000.0 - 2.0));
  return out;
}

TEST(Language, ParametersStandInOrderOfDeclaration) {
  const Kernel k = kAddOne(tl::set<"BLOCK_SIZE">(256));
  ASSERT_EQ(k.params.size(), 3u);
  EXPECT_EQ(k.name, "add_kernel");
  EXPECT_EQ(k.params[0].name, "x");
  EXPECT_EQ(k.params[0].role, Role::kInput);
  EXPECT_EQ(k.params[1].name, "n");
  EXPECT_EQ(k.params[1].role, Role::kScalar);
  EXPECT_EQ(k.params[2].name, "y");
  EXPECT_EQ(k.params[2].role, Role::kOutput);
  EXPECT_EQ(k.params[2].port, 0u);
  bool here = false;
  for (const std::string& l : k.lines) here |= l.find("language_test.cpp:2") != std::string::npos;
  EXPECT_TRUE(here);
}

TEST(Language, AddOne) {
  Kernel k = kAddOne(tl::set<"BLOCK_SIZE">(64));
  for (std::int64_t n : {0, 1, 63, 64, 65, 1000}) {
    k.grid[0] = cdiv(Dim(n), 64);
    Array x(DType::kF32, random_values(static_cast<std::size_t>(n))), y(DType::kF32, n);
    const HostTensor t[] = {x.as(Role::kInput, 0), y.as(Role::kOutput, 0)};
    const std::uint64_t scalars[] = {static_cast<std::uint64_t>(n)};
    interpret(k, t, {}, scalars);
    for (std::int64_t i = 0; i < n; ++i)
      ASSERT_EQ(y.get(i), static_cast<double>(static_cast<float>(x.get(i)) + 1.0f));
  }
}

TEST(Language, AddOneIsAnElementFunction) {  // once n is bound to the number of elements
  Kernel k = kAddOne(tl::set<"BLOCK_SIZE">(64));
  const Dim n = Dim::symbol("n");
  k.params[1].role = Role::kDim, k.params[1].dim = n;
  k.params[0].extents = k.params[2].extents = {n};
  k.grid[0] = cdiv(n, 64);
  kernel::Element e;
  EXPECT_EQ(kernel::extract(k, e), "");
  EXPECT_EQ(e.inputs.size(), 1u);
}

TEST(Language, DtypesMayBeBoundLate) {
  const auto twice = tl::kernel("twice(x, y)", [](tl::Ptr<> x, tl::Ptr<> y, tl::Const<"N"> n) {
    auto i = tl::arange(0, n);
    tl::store(y + i, tl::load(x + i) * 2);
  });
  const kernel::Definition d = twice(tl::set<"N">(8));
  for (DType t : {DType::kI8, DType::kF16, DType::kBF16, DType::kF64, DType::kI64}) {
    const DType both[] = {t, t};
    const Kernel k = d.build(both);
    Array x(t, {1, 2, 3, 4, 5, 6, 7, -8}), y(t, 8);
    const HostTensor tensors[] = {x.as(Role::kInput, 0), y.as(Role::kOutput, 0)};
    interpret(k, tensors, {});
    EXPECT_EQ(y.values(), (V{2, 4, 6, 8, 10, 12, 14, -16})) << name(t);
  }
  EXPECT_EQ(error_of([&] { d.build(); }), "twice: the dtype of x is open: build it with dtypes");
  const DType wrong[] = {DType::kF32, DType::kI32, DType::kF16};
  EXPECT_EQ(error_of([&] { kAddOne(tl::set<"BLOCK_SIZE">(8)).build(wrong); }),
            "add_kernel: y is declared f32; got f16");
}

const auto kSoftmax = tl::kernel("softmax(y, x, columns)", [](tl::Ptr<float> y, tl::Ptr<float> x,
                                                              tl::I32 columns, tl::Const<"BLOCK"> block) {
  auto row = tl::program_id(0), i = tl::arange(0, block);
  auto inside = i < columns;
  auto v = tl::load(x + row * columns + i, inside, -std::numeric_limits<double>::infinity());
  auto e = tl::exp(v - tl::max(v, 0));
  tl::store(y + row * columns + i, e / tl::sum(e, 0), inside);
});

TEST(Language, Softmax) {
  const std::int64_t rows = 5, columns = 37;
  Kernel k = kSoftmax(tl::set<"BLOCK">(64));
  k.grid[0] = rows;
  Array x(DType::kF32, random_values(static_cast<std::size_t>(rows * columns))),
      y(DType::kF32, rows * columns);
  const HostTensor t[] = {x.as(Role::kInput, 0), y.as(Role::kOutput, 0)};
  const std::uint64_t scalars[] = {static_cast<std::uint64_t>(columns)};
  interpret(k, t, {}, scalars);
  for (std::int64_t r = 0; r < rows; ++r) {
    double top = -HUGE_VAL, sum = 0;
    for (std::int64_t c = 0; c < columns; ++c) top = std::max(top, x.get(r * columns + c));
    for (std::int64_t c = 0; c < columns; ++c) sum += std::exp(x.get(r * columns + c) - top);
    for (std::int64_t c = 0; c < columns; ++c)
      EXPECT_NEAR(y.get(r * columns + c), std::exp(x.get(r * columns + c) - top) / sum, 1e-6);
  }
}

// Rows longer than a block: three passes.
const auto kLayerNorm = tl::kernel(
    "layer_norm(x, weight, bias, y, columns, eps)",
    [](tl::Ptr<float> x, tl::Ptr<float> weight, tl::Ptr<float> bias, tl::Ptr<float> y, tl::I32 columns,
       tl::F32 eps, tl::Const<"BLOCK"> block) {
      auto row = tl::program_id(0) * columns;
      auto lanes = tl::arange(0, block);
      auto zero = tl::zeros({block}, DType::kF32);
      auto sum = tl::for_(0, columns, block, zero, [&](tl::Value c, tl::Value acc) {
        auto i = c + lanes;
        return acc + tl::load(x + row + i, i < columns);
      });
      auto mean = tl::sum(sum, 0) / columns;
      auto squares = tl::for_(0, columns, block, zero, [&](tl::Value c, tl::Value acc) {
        auto i = c + lanes;
        auto d = tl::where(i < columns, tl::load(x + row + i, i < columns) - mean, 0.0f);
        return acc + d * d;
      });
      auto scale = tl::rsqrt(tl::sum(squares, 0) / columns + eps);
      tl::for_(0, columns, block, [&](tl::Value c) {
        auto i = c + lanes;
        auto inside = i < columns;
        auto v = (tl::load(x + row + i, inside) - mean) * scale;
        tl::store(y + row + i, v * tl::load(weight + i, inside) + tl::load(bias + i, inside), inside);
      });
    });

TEST(Language, LayerNorm) {
  const std::int64_t rows = 3, columns = 70;
  Kernel k = kLayerNorm(tl::set<"BLOCK">(32));
  k.grid[0] = rows;
  Array x(DType::kF32, random_values(static_cast<std::size_t>(rows * columns))),
      y(DType::kF32, rows * columns);
  Array w(DType::kF32, random_values(static_cast<std::size_t>(columns), 2)),
      bias(DType::kF32, random_values(static_cast<std::size_t>(columns), 3));
  const HostTensor t[] = {x.as(Role::kInput, 0), w.as(Role::kInput, 1), bias.as(Role::kInput, 2),
                          y.as(Role::kOutput, 0)};
  const std::uint64_t scalars[] = {static_cast<std::uint64_t>(columns), bits_from_float(DType::kF32, 1e-5)};
  interpret(k, t, {}, scalars);
  for (std::int64_t r = 0; r < rows; ++r) {
    double mean = 0, variance = 0;
    for (std::int64_t c = 0; c < columns; ++c) mean += x.get(r * columns + c) / static_cast<double>(columns);
    for (std::int64_t c = 0; c < columns; ++c)
      variance += std::pow(x.get(r * columns + c) - mean, 2) / static_cast<double>(columns);
    for (std::int64_t c = 0; c < columns; ++c)
      EXPECT_NEAR(y.get(r * columns + c),
                  (x.get(r * columns + c) - mean) / std::sqrt(variance + 1e-5) * w.get(c) + bias.get(c),
                  2e-5);
  }
}

const auto kMatmul = tl::kernel("matmul(a, b, c)", [](tl::View<float, 2> a, tl::View<float, 2> b,
                                                      tl::View<float, 2> c, tl::Const<"BM"> bm,
                                                      tl::Const<"BN"> bn, tl::Const<"BK"> bk) {
  auto m = tl::program_id(0) * bm, n = tl::program_id(1) * bn;
  auto acc = tl::for_(0, a.extent(1), bk, tl::zeros({bm, bn}, DType::kF32), [&](tl::Value k, tl::Value sum) {
    return tl::dot(a.load({m, k}, {bm, bk}), b.load({k, n}, {bk, bn}), sum);
  });
  c.store({m, n}, acc);
});

TEST(Language, MatmulOnViews) {
  Kernel k = kMatmul(tl::set<"BM">(8), tl::set<"BN">(16), tl::set<"BK">(4));
  EXPECT_EQ(k.params[2].role, Role::kOutput);
  const std::int64_t m = 13, n = 21, inner = 11;
  k.grid = {cdiv(Dim(m), 8), cdiv(Dim(n), 16), 1};
  Array a(DType::kF32, random_values(static_cast<std::size_t>(m * inner))),
      b(DType::kF32, random_values(static_cast<std::size_t>(inner * n), 2)), c(DType::kF32, m * n);
  const HostTensor t[] = {a.as(Role::kInput, 0), b.as(Role::kInput, 1), c.as(Role::kOutput, 0)};
  interpret(k, t, {{"a.e0", m}, {"a.e1", inner}, {"b.e0", inner}, {"b.e1", n}, {"c.e0", m}, {"c.e1", n}});
  for (std::int64_t i = 0; i < m; ++i)
    for (std::int64_t j = 0; j < n; ++j) {
      double sum = 0;
      for (std::int64_t z = 0; z < inner; ++z) sum += a.get(i * inner + z) * b.get(z * n + j);
      EXPECT_NEAR(c.get(i * n + j), sum, 1e-5);
    }
}

TEST(Language, DescriptorsBranchesWhileAndAtomics) {
  const auto f =
      tl::kernel("mixed(x, y, total)", [](tl::Ptr<float> x, tl::Ptr<float> y, tl::Ptr<std::int32_t> total) {
        auto in = tl::make_tensor_descriptor(x, {3, 5}, {5, 1}, {2, 4});
        auto out = tl::make_tensor_descriptor(y, {3, 5}, {5, 1}, {2, 4});
        auto r = tl::program_id(0) * 2, c = tl::program_id(1) * 4;
        auto v = in.load({r, c});
        auto odd = tl::program_id(1) == 1;
        auto w = tl::if_(odd, [&] { return -v; }, [&] { return v * 2; });
        out.store({r, c}, w);
        auto steps = tl::while_(
            std::tuple(tl::program_id(0) + 1, tl::cast(0, DType::kI32)),
            [](tl::Value a, tl::Value) { return a < 10; },
            [](tl::Value a, tl::Value n) { return std::tuple(a * 2, n + 1); });
        tl::atomic_add(total, std::get<1>(steps));
      });
  Kernel k = f();
  EXPECT_EQ(k.params[2].role, Role::kInOut);
  k.grid = {2, 2, 1};
  Array x(DType::kF32, random_values(15)), y(DType::kF32, 15), total(DType::kI32, {0});
  const HostTensor t[] = {x.as(Role::kInput, 0), y.as(Role::kOutput, 0), total.as(Role::kInOut, 0)};
  interpret(k, t, {});
  for (std::int64_t i = 0; i < 15; ++i) EXPECT_EQ(y.get(i), i % 5 == 4 ? -x.get(i) : 2 * x.get(i));
  EXPECT_EQ(total.get(0), 2 * 4 + 2 * 3);  // 1 2 4 8 16, and 2 4 8 16
}

TEST(Language, ReducesAndScansOfSeveralBlocks) {
  const auto f =
      tl::kernel("welford(x, y, z)", [](tl::Ptr<float> x, tl::Ptr<float> y, tl::Ptr<std::int32_t> z) {
        auto i = tl::arange(0, 8);
        auto v = tl::load(x + i);
        // mean and count, combined pairwise
        auto both = tl::reduce(std::array<tl::Value, 2>{v, tl::full({8}, 1.0, DType::kF32)}, 0,
                               [](std::array<tl::Value, 2> l, std::array<tl::Value, 2> r) {
                                 auto n = l[1] + r[1];
                                 return std::array<tl::Value, 2>{(l[0] * l[1] + r[0] * r[1]) / n, n};
                               });
        tl::store(y, both[0]);
        auto largest = tl::associative_scan(v.to(DType::kI32), 0,
                                            [](tl::Value l, tl::Value r) { return tl::maximum(l, r); });
        tl::store(z + i, largest | tl::isnan(v).to(DType::kI32));
      });
  Array x(DType::kF32, {1, 3, 2, 5, 4, 6, 0, 7}), y(DType::kF32, 1), z(DType::kI32, 8);
  const HostTensor t[] = {x.as(Role::kInput, 0), y.as(Role::kOutput, 0), z.as(Role::kOutput, 1)};
  interpret(f(), t, {});
  EXPECT_EQ(y.get(0), 3.5);
  EXPECT_EQ(z.values(), (V{1, 3, 3, 5, 5, 6, 6, 7}));
}

TEST(Language, ErrorsPointAtTheExpression) {
  const auto bad = tl::kernel("bad(x)", [](tl::Ptr<float> x, tl::Const<"N"> n) {
    auto v = tl::load(x + tl::arange(0, n));
    tl::store(x + tl::arange(0, 2 * n), v);
  });
  const std::string what = error_of([&] { bad(tl::set<"N">(4)).build(); });
  EXPECT_NE(what.find("language_test.cpp:"), std::string::npos) << what;
  EXPECT_NE(what.find(": ptr f32[8] and f32[4] cannot be broadcast together: extents must be equal or 1"),
            std::string::npos)
      << what;
  EXPECT_EQ(what.find("language_test.cpp", what.find("language_test.cpp") + 1), std::string::npos)
      << "the line stands once";
  EXPECT_NE(error_of([] { tl::program_id(0); }).find("no kernel is being written here"), std::string::npos);
  EXPECT_NE(error_of([] {
              tl::kernel("f(a, b)", [](tl::Ptr<float>) {});
            }).find("f names 2 parameters; its function has 1 that are no constants"),
            std::string::npos);
}

}  // namespace
}  // namespace intarsia
