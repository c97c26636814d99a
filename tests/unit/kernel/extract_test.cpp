// Which kernels are element functions, and what is said of those that are not.
#include <gtest/gtest.h>

#include "kernel/element.h"
#include "support/kernel_host.h"
#include "support/kernels.h"

namespace intarsia::kernel {
namespace {

constexpr DType F = DType::kF32, H = DType::kF16;
const Dim &M = kDims.m, &N = kDims.n;
const Port x{2, F, {M, N}}, y{3, F, {M, N}}, bias{4, F, {N}, At::kColumn}, scale{5, F, {M, 1}, At::kRow};

std::string why_not(const Kernel& k) {
  const std::string before = print(k);
  Element e;
  const std::string why = extract(k, e);
  EXPECT_EQ(print(k), before);
  if (!why.empty()) { EXPECT_TRUE(e.inputs.empty()); }
  return why;
}
std::string reading(At at) { return why_not(plugin("p", {{2, F, {M, N}, at}}, {y}, scale_relu)); }
std::string with(const PluginOptions& o) { return why_not(plugin("p", {x}, {y}, scale_relu, o)); }
// Offsets of the operands of what a kernel is.
std::vector<std::string> offsets(const Kernel& k) {
  Element e;
  EXPECT_EQ(extract(k, e), "");
  std::vector<std::string> out;
  for (const auto& o : e.inputs) out.push_back(o.param.name + " " + o.offset.str());
  return out;
}
using Texts = std::vector<std::string>;

TEST(Extract, OperandsFollowTheElement) {
  EXPECT_EQ(offsets(plugin("p", {x, bias, scale}, {y},
                           [](Builder& b, Values v, ValueId p) {
                             return Values{add(b, {v[0], b.binary(Fn::kMul, v[1], v[2])}, p)};
                           })),
            (Texts{"t2 _x0", "t4 _x0 % N", "t5 _x0 // N"}));
  EXPECT_EQ(offsets(plugin_2d("p", {x, bias, scale}, {y},
                              [](Builder& b, Values v, ValueId p) {
                                return add(b, {v[0], b.binary(Fn::kMul, v[1], v[2])}, p);
                              })),
            (Texts{"t2 N*_x0 + _x1", "t4 _x1", "t5 _x0"}));
  EXPECT_EQ(
      offsets(views_2d(
          "p", {x, bias, scale}, {y},
          [](Builder& b, Values v, ValueId p) { return add(b, {v[0], b.binary(Fn::kMul, v[1], v[2])}, p); },
          3, 5, true)),
      (Texts{"t2 N*_x0 + _x1", "t4 _x1", "t5 _x0"}));
  EXPECT_EQ(offsets(twice_3d({0, F, {4, M, N}}, {1, F, {4, M, N}})), (Texts{"t0 M*N*_x0 + N*_x1 + _x2"}));
}

TEST(Extract, EveryTilingGivesTheSameFunction) {
  for (bool swapped : {false, true})
    for (std::int64_t bm : {1, 2, 16})
      for (std::int64_t bn : {1, 7, 64}) {
        EXPECT_EQ(offsets(plugin_2d("p", {x, bias}, {y}, add, bm, bn, swapped)),
                  (Texts{"t2 N*_x0 + _x1", "t4 _x1"}));
        EXPECT_EQ(offsets(views_2d("p", {x, bias}, {y}, add, bm, bn, swapped)),
                  (Texts{"t2 N*_x0 + _x1", "t4 _x1"}));
      }
  for (std::int64_t width : {1, 33, 256})
    EXPECT_EQ(offsets(plugin("p", {x}, {y}, scale_relu, {.width = width, .n = N * M})), (Texts{"t2 _x0"}));
}

TEST(Extract, ReadsAnywhereOfWhatIsNotStoredHere) {
  EXPECT_EQ(reading(At::kNext), "");
  EXPECT_EQ(reading(At::kReversed), "");
  EXPECT_EQ(reading(At::kTransposed), "");
  EXPECT_EQ(offsets(plugin("p", {{4, F, {1}, At::kZero}}, {y}, scale_relu)), (Texts{"t4 0"}));
}

TEST(Extract, WhereAnElementStandsIsAnOperand) {
  const Kernel k = plugin("p", {x}, {y}, [](Builder& b, Values v, ValueId i) -> Values {
    return {b.binary(Fn::kAdd, v[0], b.cast(i, F))};
  });
  Element e;
  ASSERT_EQ(extract(k, e), "");
  ASSERT_EQ(e.inputs.size(), 2u);
  EXPECT_EQ(e.inputs[1].param.role, Role::kDim);
  EXPECT_EQ(e.inputs[1].dtype, DType::kI64);
  EXPECT_EQ(e.inputs[1].offset.str(), "_x0");
  // a causal mask: column <= row
  const Kernel causal = plugin("p", {x}, {y}, [](Builder& b, Values v, ValueId i) -> Values {
    const ValueId n = b.broadcast_like(b.dim(N), i);
    return {b.select(b.compare(Fn::kLe, b.binary(Fn::kRem, i, n), b.binary(Fn::kDiv, i, n)), v[0],
                     number(b, 0, v[0]))};
  });
  EXPECT_EQ(offsets(causal), (Texts{"position _x0 % N", "position _x0 // N", "t2 _x0"}));
}

TEST(Extract, APositionIsDividedOnlyByWhatIsNotZero) {
  // N may be 0, but then there is no element; the row is 0 in the first one, so the body divides by it.
  const Kernel by_row = plugin("p", {x}, {y}, [](Builder& b, Values v, ValueId i) -> Values {
    const ValueId n = b.broadcast_like(b.dim(N), i);
    const ValueId rest = b.binary(Fn::kRem, b.binary(Fn::kRem, i, n), b.binary(Fn::kDiv, i, n));
    return {b.binary(Fn::kAdd, v[0], b.cast(rest, F))};
  });
  EXPECT_EQ(offsets(by_row), (Texts{"t2 _x0", "position _x0 % N", "position _x0 // N"}));
  const Dim other = Dim::symbol("other", {.min = 0, .max = 64});
  const Kernel by_other = plugin("p", {x}, {y}, [&](Builder& b, Values v, ValueId i) -> Values {
    const ValueId rest = b.binary(Fn::kRem, i, b.broadcast_like(b.dim(other), i));
    return {b.binary(Fn::kAdd, v[0], b.cast(rest, F))};
  });
  EXPECT_EQ(offsets(by_other), (Texts{"t2 _x0", "position _x0", "position other"}));
}

TEST(Extract, BodiesKeepTheirInstructions) {
  const Kernel k = plugin("p", {x}, {y, {7, H, {M, N}}}, [](Builder& b, Values v, ValueId p) -> Values {
    const ValueId g = gelu(b, v, p)[0];
    return {g, b.cast(b.select(b.compare(Fn::kLt, g, v[0]), g, v[0]), H)};
  });
  Element e;
  ASSERT_EQ(extract(k, e), "");
  EXPECT_EQ(e.outputs.size(), 2u);
  EXPECT_EQ(e.outputs[1].dtype, H);
  EXPECT_EQ(e.inputs.size(), 1u);
}

TEST(Extract, SixteenBitPositionsAreRefusedWhereTheyMayWrap) {
  EXPECT_EQ(with({.index = DType::kI32}), "");  // M * N is at most 2^24
  const Dim wide = Dim::symbol("wide", {.min = 0, .max = std::int64_t{1} << 40});
  EXPECT_EQ(why_not(plugin("p", {{0, F, {wide}}}, {{1, F, {wide}}}, scale_relu,
                           {.columns = 1, .rows = 1, .index = DType::kI32})),
            "a store: 64*_p0 is not known to stay in the range of i32");
}

TEST(Extract, RefusalsSayWhy) {
  EXPECT_EQ(reading(At::kProgram),
            "t2 is read at _p0, which depends on the program, not only on the element");
  EXPECT_EQ(with({.n = Dim::symbol("n", {.max = 1 << 20})}),
            "the grid has (n + 63) // 64 programs where t3 needs (M*N + 63) // 64");
  EXPECT_EQ(with({.n = M * N - 1}), "the grid has (M*N + 62) // 64 programs where t3 needs (M*N + 63) // 64");
  EXPECT_EQ(with({.grid = M * N / 64}), "the grid has M*N // 64 programs where t3 needs (M*N + 63) // 64");
  EXPECT_EQ(with({.store_mask = false}), "the store of t3 is not masked at the edge M*N");
  EXPECT_EQ(with({.data_mask = true}), "the store of t3: masked by data");
  EXPECT_EQ(with({.shorter_load = true}),
            "the load of t2 is masked by _x0 < M*N - 1, which is not known to be the edge of [M*N]");
  EXPECT_EQ(with({.in_place = true}), "t3 is read and written in place");
  EXPECT_EQ(with({.loop = true}), "for is no work on single elements");
  EXPECT_EQ(with({.gather = true}), "gather is no work on single elements");
  EXPECT_EQ(with({.twice = true}), "t3 is stored in two places");
  EXPECT_EQ(why_not(plugin("p", {x}, {y, {7, F, {M, 1}}},
                           [](Builder&, Values v, ValueId) -> Values { return {v[0], v[0]}; })),
            "outputs differ in extents: [M*N] and [M]");
  EXPECT_EQ(
      why_not(plugin("p", {x}, {y},
                     [](Builder& b, Values v, ValueId) -> Values {
                       return {b.binary(Fn::kSub, v[0], b.broadcast_like(b.reduce(Fn::kMax, v[0], 0), v[0]))};
                     })),
      "reduce is no work on single elements");
  EXPECT_EQ(why_not(matmul({0, F, {M, kDims.k}}, {1, F, {kDims.k, N}}, x)),
            "for is no work on single elements");
  Kernel none = plugin("p", {x}, {y}, scale_relu);
  std::erase_if(none.regions[0].body, [&](InstId i) { return none[i].opcode == Opcode::kStore; });
  EXPECT_EQ(why_not(none), "nothing is stored");
}

TEST(Extract, DataMayNotDecideWhatIsAccessed) {
  Kernel k;
  k.name = "gather";
  Builder b(k);
  Param& p = b.param("where", Role::kInput, 0, pointer(DType::kI64));
  p.extents = {64};
  const ValueId at = p.value;
  Param& q = b.param("y", Role::kOutput, 0, pointer(F));
  q.extents = {64};
  const ValueId out = q.value;
  const ValueId i = b.arange(0, 64);
  const ValueId index = b.load_at(b.pointer_add(at, i));
  Param& r = b.param("x", Role::kInput, 1, pointer(F));
  r.extents = {64};
  b.store_at(b.pointer_add(out, i), b.load_at(b.pointer_add(r.value, index)));
  EXPECT_EQ(why_not(k), "a load: data decides what is accessed");
}

TEST(Extract, DeepBodiesNeedNoStack) {
  const Kernel k = plugin("p", {x}, {y}, [](Builder& b, Values v, ValueId) -> Values {
    ValueId r = v[0];
    for (int n = 0; n < 100000; ++n) r = b.unary(Fn::kNeg, r);
    return {r};
  });
  Element e;
  EXPECT_EQ(extract(k, e), "");
  EXPECT_GT(e.body.insts.size(), 100000u);
}

}  // namespace
}  // namespace intarsia::kernel
