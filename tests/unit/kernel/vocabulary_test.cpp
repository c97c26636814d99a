#include <gtest/gtest.h>

#include "kernel/vocabulary.h"

#include <cmath>
#include <map>

#include "support/kernel_host.h"

namespace intarsia::kernel {
namespace {

using Extents = std::vector<std::int64_t>;

// ---- promotion
// ----------------------------------------------------------------------------------------------------

DType d(std::string_view text) { return dtype_named(text); }

TEST(Promotion, MatrixOfArithmetic) {
  // Written out by hand from the rules, not from the table of the code.
  const std::vector<std::string> names = {"bool", "i8",  "u8",     "i16",  "u16", "i32", "u32",
                                          "i64",  "u64", "f8e4m3", "bf16", "f16", "f32", "f64"};
  const std::vector<std::vector<std::string>> want = {
      {"bool", "i8", "u8", "i16", "u16", "i32", "u32", "i64", "u64", "-", "f32", "f16", "f32", "f64"},
      {"i8", "i8", "u8", "i16", "u16", "i32", "u32", "i64", "u64", "-", "f32", "f16", "f32", "f64"},
      {"u8", "u8", "u8", "i16", "u16", "i32", "u32", "i64", "u64", "-", "f32", "f16", "f32", "f64"},
      {"i16", "i16", "i16", "i16", "u16", "i32", "u32", "i64", "u64", "-", "f32", "f16", "f32", "f64"},
      {"u16", "u16", "u16", "u16", "u16", "i32", "u32", "i64", "u64", "-", "f32", "f16", "f32", "f64"},
      {"i32", "i32", "i32", "i32", "i32", "i32", "u32", "i64", "u64", "-", "f32", "f16", "f32", "f64"},
      {"u32", "u32", "u32", "u32", "u32", "u32", "u32", "i64", "u64", "-", "f32", "f16", "f32", "f64"},
      {"i64", "i64", "i64", "i64", "i64", "i64", "i64", "i64", "u64", "-", "f32", "f16", "f32", "f64"},
      {"u64", "u64", "u64", "u64", "u64", "u64", "u64", "u64", "u64", "-", "f32", "f16", "f32", "f64"},
      {"-", "-", "-", "-", "-", "-", "-", "-", "-", "f8e4m3", "f32", "f16", "f32", "f64"},
      {"f32", "f32", "f32", "f32", "f32", "f32", "f32", "f32", "f32", "f32", "bf16", "f16", "f32", "f64"},
      {"f16", "f16", "f16", "f16", "f16", "f16", "f16", "f16", "f16", "f16", "f16", "f16", "f32", "f64"},
      {"f32", "f32", "f32", "f32", "f32", "f32", "f32", "f32", "f32", "f32", "f32", "f32", "f32", "f64"},
      {"f64", "f64", "f64", "f64", "f64", "f64", "f64", "f64", "f64", "f64", "f64", "f64", "f64", "f64"},
  };
  for (std::size_t i = 0; i < names.size(); ++i)
    for (std::size_t j = 0; j < names.size(); ++j) {
      std::string got;
      try {
        got = name(promote(d(names[i]), d(names[j])));
      } catch (const UserError&) { got = "-"; }
      EXPECT_EQ(got, want[i][j]) << names[i] << " and " << names[j];
    }
  EXPECT_EQ(promote(d("f8e4m3"), d("f8e5m2")), d("f16"));
}

TEST(Promotion, EveryRowOfTheTableIsReachedAndSymmetric) {
  std::map<const PromotionRow*, int> reached;
  for (int i = 1; i <= 17; ++i)
    for (int j = 1; j <= 17; ++j) {
      const auto a = static_cast<DType>(i), b = static_cast<DType>(j);
      for (const PromotionRow& row : promotion_table()) {
        if (!((row.left & only(a)) && (row.right & only(b))) &&
            !((row.left & only(b)) && (row.right & only(a))))
          continue;
        ++reached[&row];
        if (row.result == PromotionRow::Result::kThis) { EXPECT_EQ(promote(a, b), row.dtype); }
        if (row.result == PromotionRow::Result::kRefused) {
          EXPECT_THROW(promote(a, b), UserError);
        } else {
          EXPECT_EQ(promote(a, b), promote(b, a));
        }
        break;
      }
    }
  EXPECT_EQ(reached.size(), promotion_table().size());
}

TEST(Promotion, NumbersYieldToValues) {
  EXPECT_EQ(promote(d("i8"), Literal(std::int64_t{3})), d("i8"));
  EXPECT_EQ(promote(d("f16"), Literal(2.0)), d("f16"));
  EXPECT_EQ(promote(d("i32"), Literal(1.5)), d("f32"));
  EXPECT_EQ(promote(d("bool"), Literal(std::int64_t{1})), d("i32"));
  EXPECT_EQ(promote(d("f16"), Literal(2.0), Promotion::kTrueDivide), d("f32"));
  EXPECT_EQ(promote(d("i32"), d("i32"), Promotion::kTrueDivide), d("f32"));
  EXPECT_EQ(promote(d("i8"), d("i64"), Promotion::kShift), d("i8"));
  EXPECT_EQ(error_of([] { promote(DType::kU8, Literal(std::int64_t{-1})); }), "-1 does not fit u8");
  EXPECT_EQ(error_of([] { promote(DType::kI8, Literal(std::int64_t{200})); }), "200 does not fit i8");
  EXPECT_EQ(error_of([] { promote(DType::kI8, DType::kU8, Promotion::kDivide); }),
            "division of i8 and u8: the signs differ, cast one of them");
  EXPECT_EQ(error_of([] { promote(DType::kF32, DType::kI32, Promotion::kBitwise); }),
            "bitwise operations take integers; got f32");
  EXPECT_EQ(dtype_of(Literal(std::int64_t{1} << 31)), d("u32"));
  EXPECT_EQ(dtype_of(Literal(std::int64_t{-1} << 32)), d("i64"));
  EXPECT_EQ(dtype_of(Literal(~std::uint64_t{0})), d("u64"));
  EXPECT_EQ(dtype_of(Literal(1e-40)), d("f64"));
  EXPECT_EQ(dtype_of(Literal(HUGE_VAL)), d("f32"));
}

// ---- values
// -------------------------------------------------------------------------------------------------------

// Runs `make` once and gives what its block holds.
std::vector<double> evaluate(const std::function<ValueId(Vocabulary&)>& make) {
  Kernel k;
  k.name = "value";
  Builder b(k);
  Vocabulary v(b);
  const ValueId r = make(v);
  const Type t = b.type(r);
  const ValueId y = b.param("y", Role::kOutput, 0, pointer(t.dtype)).value;
  const Extents line = {count(t)};
  v.store(v.binary(BinaryOp::kAdd, y, b.arange(0, count(t))), b.reshape(r, line));
  verify(k);
  Array out(t.dtype, count(t));
  const HostTensor tensors[] = {out.as(Role::kOutput, 0)};
  interpret(k, tensors, {});
  return out.values();
}
std::string refusal(const std::function<void(Vocabulary&)>& f) {
  Kernel k;
  Builder b(k);
  Vocabulary v(b);
  return error_of([&] { f(v); });
}
using V = std::vector<double>;

TEST(Vocabulary, ArithmeticPromotesAndBroadcasts) {
  EXPECT_EQ(evaluate([](Vocabulary& v) { return v.binary(BinaryOp::kTrueDivide, v.arange(1, 4), 2); }),
            (V{0.5, 1, 1.5}));
  EXPECT_EQ(evaluate([](Vocabulary& v) { return v.binary(BinaryOp::kFloorDivide, v.arange(-3, 3), 2); }),
            (V{-1, -1, 0, 0, 0, 1}));
  EXPECT_EQ(evaluate([](Vocabulary& v) { return v.binary(BinaryOp::kRemainder, v.arange(-3, 3), 2); }),
            (V{-1, 0, -1, 0, 1, 0}));
  EXPECT_EQ(evaluate([](Vocabulary& v) {
              const int column[] = {1};
              return v.binary(BinaryOp::kMul, v.expand_dims(v.arange(1, 3), column), v.arange(1, 4));
            }),
            (V{1, 2, 3, 2, 4, 6}));
  EXPECT_EQ(evaluate([](Vocabulary& v) {
              return v.where(v.binary(BinaryOp::kLess, v.arange(0, 4), 2), 1.5, v.arange(0, 4));
            }),
            (V{1.5, 1.5, 2, 3}));
  EXPECT_EQ(evaluate([](Vocabulary& v) { return v.cdiv(v.arange(0, 6), 4); }), (V{0, 1, 1, 1, 1, 2}));
  EXPECT_EQ(evaluate([](Vocabulary& v) { return v.clamp(v.full(Extents{1}, NAN, DType::kF32), 0.0, 1.0); }),
            (V{0}));
  EXPECT_EQ(evaluate([](Vocabulary& v) { return v.binary(BinaryOp::kAdd, v.value(true), v.value(true)); }),
            (V{2}));
  EXPECT_EQ(evaluate([](Vocabulary& v) { return v.sigmoid(v.full(Extents{1}, 0, DType::kF16)); }), (V{0.5}));
}

TEST(Vocabulary, ReductionsAndScans) {
  EXPECT_EQ(evaluate([](Vocabulary& v) { return v.sum(v.full(Extents{3, 4}, true, DType::kBool), 1); }),
            (V{4, 4, 4}));
  EXPECT_EQ(evaluate([](Vocabulary& v) { return v.sum(v.arange(0, 10), {}); }), (V{45}));
  EXPECT_EQ(evaluate([](Vocabulary& v) { return v.max(v.reshape(v.arange(0, 6), Extents{2, 3}), -1); }),
            (V{2, 5}));
  EXPECT_EQ(evaluate([](Vocabulary& v) { return v.xor_sum(v.arange(0, 8), 0); }), (V{0}));
  EXPECT_EQ(evaluate([](Vocabulary& v) { return v.cumsum(v.full(Extents{4}, true, DType::kBool), 0); }),
            (V{1, 2, 3, 4}));
  EXPECT_EQ(evaluate([](Vocabulary& v) { return v.cumprod(v.arange(1, 5), 0, true); }), (V{24, 24, 12, 4}));
  const auto nan_at = [](Vocabulary& v, std::int64_t at) {
    return v.where(v.binary(BinaryOp::kGreaterEqual, v.arange(0, 6), at), double{NAN},
                   v.cast(v.arange(0, 6), DType::kF32));
  };
  EXPECT_EQ(evaluate([&](Vocabulary& v) { return v.argmax(nan_at(v, 6), 0); }), (V{5}));
  EXPECT_EQ(evaluate([&](Vocabulary& v) { return v.argmax(nan_at(v, 3), 0); }), (V{3}));
  EXPECT_EQ(evaluate([&](Vocabulary& v) { return v.argmin(nan_at(v, 4), 0); }), (V{4}));
  EXPECT_EQ(evaluate([&](Vocabulary& v) { return v.max(nan_at(v, 4), 0); }), (V{3}));
  EXPECT_EQ(evaluate([](Vocabulary& v) { return v.argmax(v.full(Extents{5}, 7, DType::kI8), 0); }), (V{0}));
}

TEST(Vocabulary, Shapes) {
  EXPECT_EQ(evaluate([](Vocabulary& v) { return v.trans(v.reshape(v.arange(0, 6), Extents{2, 3})); }),
            (V{0, 3, 1, 4, 2, 5}));
  EXPECT_EQ(evaluate([](Vocabulary& v) { return v.interleave(v.arange(0, 3), v.arange(10, 13)); }),
            (V{0, 10, 1, 11, 2, 12}));
  EXPECT_EQ(evaluate([](Vocabulary& v) { return v.cat(v.arange(0, 2), v.arange(5, 7)); }), (V{0, 1, 5, 6}));
  EXPECT_EQ(evaluate([](Vocabulary& v) { return v.flip(v.reshape(v.arange(0, 6), Extents{2, 3}), 1); }),
            (V{2, 1, 0, 5, 4, 3}));
  EXPECT_EQ(evaluate([](Vocabulary& v) { return v.split(v.reshape(v.arange(0, 6), Extents{3, 2}))[1]; }),
            (V{1, 3, 5}));
}

TEST(Vocabulary, RandomNumbersAreTritons) {
  const auto integers = [](std::int64_t seed) {
    return evaluate([seed](Vocabulary& v) { return v.randint(seed, v.arange(0, 4)); });
  };
  EXPECT_EQ(integers(0), (V{0x6627e8d5, 0xf8e4cca4, 0x04faa329, 0xc990ef29}));
  EXPECT_EQ(integers(42), (V{0x9ceaf053, 0xfcdb2127, 0xd36c0225, 0xbac70475}));
  EXPECT_EQ(integers(0xffffffff), (V{0xf60ba7e1, 0x87c8813c, 0xf66e31ea, 0x807cb2da}));
  EXPECT_EQ(integers((std::int64_t{1} << 40) + 7), (V{0x33f7def9, 0x5e025d46, 0x4bff9d26, 0x8a50e7d9}));
  const V uniform = evaluate([](Vocabulary& v) { return v.rand(0, v.arange(0, 4)); });
  const V want = {.79809290, .05551759, .03889884, .42526442};
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(uniform[i], want[i], 1e-7);
}

// A 3 x 4 tensor read by a block of 2 x 4 that starts at row 2, column 1.
TEST(Vocabulary, BlockPointersCheckTheAxesTheyAreTold) {
  Kernel k;
  k.name = "blocks";
  Builder b(k);
  Vocabulary v(b);
  const ValueId x = b.param("x", Role::kInput, 0, pointer(DType::kF32)).value;
  const ValueId y = b.param("y", Role::kOutput, 0, pointer(DType::kF32)).value;
  const Operand extents[] = {3, 4}, strides[] = {4, 1}, start[] = {0, 0}, by[] = {2, 1}, whole[] = {2, 4},
                row[] = {4, 1};
  const Extents block = {2, 4};
  const BlockPointer from = v.advance(v.make_block_pointer(x, extents, strides, start, block), by);
  const int both[] = {0, -1};
  v.store(v.make_block_pointer(y, whole, row, start, block), v.load(from, both, -1), {});
  verify(k);
  Array in(DType::kF32, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}), out(DType::kF32, 8);
  const HostTensor tensors[] = {in.as(Role::kInput, 0), out.as(Role::kOutput, 0)};
  interpret(k, tensors, {});
  EXPECT_EQ(out.values(), (V{9, 10, 11, -1, -1, -1, -1, -1}));
  EXPECT_EQ(refusal([](Vocabulary& w) {
              const ValueId p = w.b.param("p", Role::kInput, 0, pointer(DType::kF32)).value;
              const Operand one[] = {1};
              const int third[] = {3};
              const Extents line = {8};
              w.load(w.make_block_pointer(p, one, one, one, line), third);
            }),
            "boundary check of axis 3 of 1");
}

TEST(Vocabulary, Predicates) {
  const auto of = [](double x, ValueId (Vocabulary::*f)(const Operand&)) {
    return evaluate([&](Vocabulary& v) { return (v.*f)(v.full(Extents{1}, x, DType::kF32)); })[0];
  };
  for (double x : {0.0, 1e30, -1.5}) {
    EXPECT_EQ(of(x, &Vocabulary::is_finite), 1);
    EXPECT_EQ(of(x, &Vocabulary::is_nan), 0);
  }
  EXPECT_EQ(of(NAN, &Vocabulary::is_nan), 1);
  EXPECT_EQ(of(NAN, &Vocabulary::is_finite), 0);
  EXPECT_EQ(of(-HUGE_VAL, &Vocabulary::is_inf), 1);
  EXPECT_EQ(of(HUGE_VAL, &Vocabulary::is_finite), 0);
}

TEST(Vocabulary, Errors) {
  EXPECT_EQ(refusal([](Vocabulary& v) { v.unary(Fn::kNot, v.value(Operand(1.5))); }),
            "~ takes integers and bools; got f32");
  EXPECT_EQ(refusal([](Vocabulary& v) { v.unary(Fn::kExp, v.arange(0, 4)); }),
            "exp takes floats; got i32[4]: cast it first");
  EXPECT_EQ(refusal([](Vocabulary& v) { v.binary(BinaryOp::kAdd, v.arange(0, 4), v.arange(0, 8)); }),
            "i32[4] and i32[8] cannot be broadcast together: extents must be equal or 1");
  EXPECT_EQ(refusal([](Vocabulary& v) { v.load(v.arange(0, 4)); }), "load needs a pointer; got i32[4]");
  EXPECT_EQ(refusal([](Vocabulary& v) { v.binary(BinaryOp::kFloorDivide, 1.5, 2.0); }),
            "// takes integers; got f32: use / and floor");
  EXPECT_EQ(refusal([](Vocabulary& v) { v.condition(v.arange(0, 4)); }),
            "a condition is a scalar; got i32[4]: reduce it, or use where");
  EXPECT_EQ(refusal([](Vocabulary& v) {
              const ValueId p = v.b.param("p", Role::kInput, 0, pointer(DType::kF32)).value;
              v.load(p, v.arange(0, 4));
            }),
            "a mask is bool; got i32[4]: compare it with something");
  EXPECT_EQ(refusal([](Vocabulary& v) {
              const ValueId p = v.b.param("p", Role::kInput, 0, pointer(DType::kF32)).value;
              v.binary(BinaryOp::kAdd, p, 1.5);
            }),
            "a pointer moves by integers; got f32");
}

}  // namespace
}  // namespace intarsia::kernel
