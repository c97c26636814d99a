#include <gtest/gtest.h>

#include "kernel/kernel.h"
#include "support/kernel_host.h"

namespace intarsia::kernel {
namespace {

Kernel copy_kernel() {
  Kernel k;
  k.name = "copy";
  Builder b(k);
  const Dim n = Dim::symbol("n");
  const ValueId x = b.view("x", Role::kInput, 0, DType::kF32, {n});
  const ValueId y = b.view("y", Role::kOutput, 0, DType::kF32, {n});
  const ValueId z = b.constant(0, scalar(DType::kI64));
  const std::int64_t e[] = {8};
  b.line("c.py:4:2");
  b.store(y, b.load(x, std::span(&z, 1), e), std::span(&z, 1));
  return k;
}
std::string problem(void (*damage)(Kernel&)) {
  Kernel k = copy_kernel();
  damage(k);
  return find_problem(k);
}

TEST(Verify, NamesWhatIsWrong) {
  EXPECT_EQ(find_problem(copy_kernel()), "");
  EXPECT_EQ(error_of([] {
              Kernel k = copy_kernel();
              k.params[0].extents.clear();
              verify(k);
            }),
            "kernel copy: input x: view f32 x1 has 0 extents");
  EXPECT_EQ(problem([](Kernel& k) { k.params[0].strides = {Dim(1), Dim(2)}; }),
            "input x: view f32 x1 has 2 strides");
  EXPECT_EQ(problem([](Kernel& k) { k.params[0].role = Role::kScalar; }),
            "scalar x: it is a scalar, not view f32 x1");
  EXPECT_EQ(problem([](Kernel& k) { k.params[1].role = Role::kInput; }), "input y is stored to");
  EXPECT_EQ(problem([](Kernel& k) { k.regions[0].body.pop_back(); }), "output y is never stored to");
  EXPECT_EQ(problem([](Kernel& k) { std::swap(k.regions[0].body[0], k.regions[0].body[1]); }),
            "an operand of view_load is not defined here (c.py:4:2)");
  EXPECT_EQ(problem([](Kernel& k) { k.regions[0].body.push_back(k.regions[0].body[0]); }),
            "an instruction stands in two places");
  EXPECT_EQ(problem([](Kernel& k) { k.values[3].dtype = DType::kF16; }),
            "view_load of f16[8] through view f32 x1: dtype and rank must agree (c.py:4:2)");
  EXPECT_EQ(problem([](Kernel& k) { k.insts[1].operands.count = 1; }),
            "view_load takes an offset per axis of view f32 x1; got 0 (c.py:4:2)");
  EXPECT_EQ(problem([](Kernel& k) { k.insts[1].operands.begin = 99; }),
            "an instruction points outside its tables");
  EXPECT_EQ(problem([](Kernel& k) { k.grid[0] = Dim::symbol("n", {.min = 3}); }), "symbol n has two ranges");
  EXPECT_EQ(problem([](Kernel& k) { Builder(k).add(Opcode::kYield, {}, {}); }),
            "yield ends a region of for, while, if, reduce or scan");
}

TEST(Verify, ValuesOfARegionAreNotSeenOutside) {
  Kernel k = copy_kernel();
  Builder b(k);
  const ValueId z = b.constant(0, scalar(DType::kI64)), ten = b.constant(10, scalar(DType::kI64));
  ValueId inside{};
  b.for_(z, ten, ten, {}, [&](ValueId i, auto) -> Builder::Values {
    inside = b.binary(Fn::kAdd, i, i);
    return {};
  });
  EXPECT_EQ(find_problem(k), "");
  b.binary(Fn::kAdd, inside, inside);
  EXPECT_EQ(find_problem(k), "an operand of binary is not defined here");
}

TEST(Verify, NestingIsBounded) {
  Kernel k = copy_kernel();
  Builder b(k);
  const ValueId c = b.constant(true, scalar(DType::kBool));
  RegionId inner{};
  for (int depth = 0; depth < 100; ++depth) {
    const RegionId regions[] = {b.region({}), b.region({})};
    b.add(Opcode::kIf, std::span(&c, 1), {}, regions);
    inner = regions[0];
    b.at(inner);
  }
  EXPECT_EQ(find_problem(k), "regions are nested deeper than 64");
}

TEST(Builder, SaysWhatDoesNotFit) {
  Kernel k;
  Builder b(k);
  const ValueId i = b.arange(0, 8), f = b.constant(1.5, block(DType::kF32, {8})),
                s = b.constant(1, scalar(DType::kF32));
  const std::int64_t six[] = {6}, sixteen[] = {16};
  EXPECT_EQ(error_of([&] { b.binary(Fn::kAdd, i, f); }),
            "add of i64[8] and f32[8]: they must be of one type");
  EXPECT_EQ(error_of([&] { b.unary(Fn::kExp, i); }), "exp is not defined for i64");
  EXPECT_EQ(error_of([&] { b.unary(Fn::kAdd, f); }), "add is no unary function");
  EXPECT_EQ(error_of([&] { b.constant(300, scalar(DType::kI8)); }), "300 does not fit i8");
  EXPECT_EQ(error_of([&] { b.constant(0.5, scalar(DType::kI32)); }), "0.5 does not fit i32");
  EXPECT_EQ(error_of([&] { b.broadcast(f, sixteen); }),
            "f32[8] cannot be broadcast to f32[16]: extents must be equal or 1");
  EXPECT_EQ(error_of([&] { b.reshape(f, six); }),
            "f32[8] cannot be reshaped to f32[6]: it has 8 elements, not 6");
  EXPECT_EQ(error_of([&] { b.reduce(Fn::kSub, f, 0); }), "reduce.sub needs a combining function or a region");
  EXPECT_EQ(error_of([&] { b.reduce(Fn::kAdd, f, 1); }), "reduce along axis 1 of f32[8]");
  EXPECT_EQ(error_of([&] { b.select(f, f, f); }),
            "the condition of select is bool, of the shape of f32[8]; got f32[8]");
  EXPECT_EQ(error_of([&] { b.load_at(f); }), "load needs pointers; got f32[8]");
  EXPECT_EQ(error_of([&] { b.dot(f, f, f); }),
            "dot of f32[8] and f32[8] into f32[8]: [m, k] and [k, n] into [m, n] is wanted");
  EXPECT_EQ(error_of([&] { b.program_id(3); }), "a grid has axes 0, 1 and 2; got 3");
  EXPECT_EQ(error_of([&] { b.if_(s, [] { return Builder::Values{}; }); }),
            "the condition of if is a bool scalar");
  const ValueId carried[] = {s};
  const ValueId z = b.constant(0, scalar(DType::kI64));
  EXPECT_EQ(
      error_of([&] { b.for_(z, z, z, carried, [&](ValueId x, auto) -> Builder::Values { return {x}; }); }),
      "value 0 of for changes its type from f32 to i64");
  EXPECT_EQ(error_of([] { block(DType::kF32, {1 << 20, 1 << 20}); }),
            "a block has at most 2^24 elements; got [1048576, 1048576]");
}

TEST(Builder, ConstantsAreExact) {
  Kernel k;
  Builder b(k);
  const auto bits = [&](ValueId) { return k.attr(k.insts.back(), Key::kBits); };
  EXPECT_EQ(bits(b.constant((std::int64_t{1} << 53) + 1, scalar(DType::kI64))), (std::int64_t{1} << 53) + 1);
  EXPECT_EQ(bits(b.constant(~std::uint64_t{0}, scalar(DType::kU64))), -1);
  EXPECT_EQ(bits(b.constant(0.1, scalar(DType::kF32))),
            constant_bits(DType::kF32, static_cast<double>(0.1f)));
}

}  // namespace
}  // namespace intarsia::kernel
