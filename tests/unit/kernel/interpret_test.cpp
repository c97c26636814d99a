#include <gtest/gtest.h>

#include "kernel/interpret.h"

#include <cmath>
#include <limits>

#include "support/kernel_host.h"

namespace intarsia::kernel {
namespace {

const Dim n = Dim::symbol("n", {.min = 0, .max = 1 << 20});

// y[i] = f(x[i]) through pointers, blocks of 16, masked by i < limit.
template <class F>
Kernel pointwise(DType from, DType to, F f, bool masked = true) {
  Kernel k;
  k.name = "pointwise";
  Builder b(k);
  b.line("p.py:1:1");
  const ValueId x = b.param("x", Role::kInput, 0, pointer(from)).value;
  const ValueId y = b.param("y", Role::kOutput, 0, pointer(to)).value;
  const std::int64_t e[] = {16};
  const ValueId base = b.binary(Fn::kMul, b.program_id(0), b.constant(16, scalar(DType::kI64)));
  const ValueId i = b.binary(Fn::kAdd, b.broadcast(base, e), b.arange(0, 16));
  const ValueId mask = b.compare(Fn::kLt, i, b.broadcast(b.dim(n), e));
  const auto m = masked ? std::optional(mask) : std::nullopt;
  b.store_at(b.pointer_add(y, i), f(b, b.load_at(b.pointer_add(x, i), m)), m);
  k.grid = {cdiv(n, 16), 1, 1};
  verify(k);
  return k;
}
std::vector<double> run(const Kernel& k, Array x, DType to, std::int64_t count = -1) {
  Array y(to, count < 0 ? x.count : count);
  const HostTensor t[] = {x.as(Role::kInput, 0), y.as(Role::kOutput, 0)};
  interpret(k, t, {{"n", x.count}});
  return y.values();
}
double one(Fn fn, DType t, double a, double b) {
  return run(
      pointwise(t, t, [&](Builder& x, ValueId v) { return x.binary(fn, v, x.constant(b, x.type(v))); }),
      Array(t, {a}), t)[0];
}
double one(Fn fn, DType t, double a) {
  return run(pointwise(t, t, [&](Builder& x, ValueId v) { return x.unary(fn, v); }), Array(t, {a}), t)[0];
}
double converted(DType from, DType to, double a) {
  return run(pointwise(from, to, [&](Builder& x, ValueId v) { return x.cast(v, to); }), Array(from, {a}),
             to)[0];
}

TEST(Interpret, IntegersWrapAndDivideTotally) {
  EXPECT_EQ(one(Fn::kAdd, DType::kI8, 127, 1), -128);
  EXPECT_EQ(one(Fn::kSub, DType::kU8, 0, 1), 255);
  EXPECT_EQ(one(Fn::kMul, DType::kI32, 65536, 65536), 0);
  EXPECT_EQ(one(Fn::kDiv, DType::kI32, -7, 2), -3);
  EXPECT_EQ(one(Fn::kRem, DType::kI32, -7, 2), -1);
  EXPECT_EQ(one(Fn::kFloorDiv, DType::kI32, -7, 2), -4);
  EXPECT_EQ(one(Fn::kFloorMod, DType::kI32, -7, 2), 1);
  EXPECT_EQ(one(Fn::kFloorMod, DType::kI32, 7, -2), -1);
  for (Fn fn : {Fn::kDiv, Fn::kRem, Fn::kFloorDiv, Fn::kFloorMod})
    EXPECT_EQ(one(fn, DType::kI16, 5, 0), 0) << text_of(fn);
  EXPECT_EQ(one(Fn::kDiv, DType::kI8, -128, -1), -128);
  EXPECT_EQ(one(Fn::kRem, DType::kI32, -2147483648.0, -1), 0);
  EXPECT_EQ(one(Fn::kShl, DType::kI32, 1, 31), -2147483648.0);
  EXPECT_EQ(one(Fn::kShl, DType::kI32, 1, 32), 0);
  EXPECT_EQ(one(Fn::kShr, DType::kI32, -8, 1), -4);
  EXPECT_EQ(one(Fn::kShr, DType::kU8, 128, 7), 1);
  EXPECT_EQ(one(Fn::kShr, DType::kI32, -8, -1), 0);
  EXPECT_EQ(one(Fn::kAbs, DType::kI8, -128), -128);
  EXPECT_EQ(one(Fn::kNot, DType::kBool, 0), 1);
  EXPECT_EQ(one(Fn::kNot, DType::kU8, 1), 254);
}

TEST(Interpret, FloatsKeepZerosNansAndRounding) {
  const double nan = std::nan(""), inf = std::numeric_limits<double>::infinity();
  EXPECT_TRUE(std::isnan(one(Fn::kMax, DType::kF32, nan, 1)));
  EXPECT_TRUE(std::isnan(one(Fn::kMin, DType::kF32, 1, nan)));
  EXPECT_EQ(one(Fn::kMaxNum, DType::kF32, nan, 1), 1);
  EXPECT_EQ(one(Fn::kMinNum, DType::kF32, 1, nan), 1);
  EXPECT_TRUE(std::signbit(one(Fn::kMin, DType::kF32, 0.0, -0.0)));
  EXPECT_FALSE(std::signbit(one(Fn::kMax, DType::kF32, -0.0, 0.0)));
  EXPECT_EQ(one(Fn::kAdd, DType::kF16, 2048, 1), 2048);  // ties to even
  EXPECT_EQ(one(Fn::kAdd, DType::kBF16, 256, 3), 260);
  EXPECT_EQ(one(Fn::kMul, DType::kF16, 65504, 2), inf);
  EXPECT_EQ(one(Fn::kMul, DType::kF8E4M3, 448, 2), 448);  // saturates
  EXPECT_EQ(one(Fn::kRound, DType::kF32, 2.5), 2);
  EXPECT_EQ(one(Fn::kTrunc, DType::kF32, -2.5), -2);
  EXPECT_EQ(one(Fn::kFloorMod, DType::kF32, -1, 3), 2);
  EXPECT_EQ(one(Fn::kRem, DType::kF32, -1, 3), -1);
  EXPECT_TRUE(std::isnan(one(Fn::kLog, DType::kF32, -1)));
  EXPECT_EQ(one(Fn::kLog, DType::kF32, 0), -inf);
  EXPECT_EQ(one(Fn::kExp, DType::kF32, -inf), 0);
  EXPECT_EQ(one(Fn::kExp, DType::kF32, 1), static_cast<double>(static_cast<float>(std::exp(1.0))));
  EXPECT_EQ(one(Fn::kSqrt, DType::kF64, 2), std::sqrt(2.0));
}

TEST(Interpret, CastsFollowTheirTable) {
  EXPECT_EQ(converted(DType::kF32, DType::kI8, 300), 127);
  EXPECT_EQ(converted(DType::kF32, DType::kU8, -3), 0);
  EXPECT_EQ(converted(DType::kF32, DType::kI32, std::nan("")), 0);
  EXPECT_EQ(converted(DType::kF32, DType::kI32, -2.9), -2);
  EXPECT_EQ(converted(DType::kI32, DType::kI8, 300), 44);
  EXPECT_EQ(converted(DType::kF32, DType::kBool, std::nan("")), 1);
  EXPECT_EQ(converted(DType::kBool, DType::kF16, 1), 1);
  EXPECT_EQ(converted(DType::kF32, DType::kF8E5M2, 1e9), 57344);
  EXPECT_EQ(converted(DType::kI4, DType::kI32, -8), -8);
}

TEST(Interpret, EveryExtentIncludingNone) {
  const Kernel k = pointwise(DType::kF32, DType::kF32, [](Builder& b, ValueId v) {
    return b.binary(Fn::kAdd, v, b.constant(1, b.type(v)));
  });
  for (std::int64_t size : {0, 1, 15, 16, 17, 100}) {
    Array x(DType::kF32, size);
    for (std::int64_t i = 0; i < size; ++i) x.set(i, static_cast<double>(i));
    const auto y = run(k, x, DType::kF32);
    for (std::int64_t i = 0; i < size; ++i)
      EXPECT_EQ(y[static_cast<std::size_t>(i)], static_cast<double>(i + 1));
  }
}

TEST(Interpret, TrapsSayWhatAndWhere) {
  const auto same = [](Builder&, ValueId v) { return v; };
  const Kernel masked = pointwise(DType::kF32, DType::kF32, same),
               open = pointwise(DType::kF32, DType::kF32, same, false);
  const Array x(DType::kF32, std::vector<double>(20, 1.0));
  EXPECT_EQ(error_of([&] { run(open, x, DType::kF32); }),
            "pointwise: load reads x[20], outside its 20 elements [program (1, 0, 0), lane 4, p.py:1:1]");
  EXPECT_EQ(error_of([&] { run(masked, x, DType::kF32, 19); }),
            "pointwise: store writes y[19], outside its 19 elements [program (1, 0, 0), lane 3, p.py:1:1]");
  EXPECT_EQ(error_of([&] { run(masked, x, DType::kF32, 21); }),
            "pointwise: y[20] was not written by any program");
  Array a = x, y(DType::kF32, 21);
  const HostTensor t[] = {a.as(Role::kInput, 0), y.as(Role::kOutput, 0)};
  interpret(masked, t, {{"n", 20}}, {}, {.outputs_written = false});
  EXPECT_EQ(y.get(19), 1);
  EXPECT_EQ(error_of([&] { interpret(masked, t, {}); }), "pointwise: no value for the symbol n");
  EXPECT_EQ(error_of([&] { interpret(masked, std::span(t, 1), {{"n", 20}}); }),
            "pointwise: no tensor for output 0 (y)");
}

// Every program, or every lane of one, stores to y[at].
Kernel racing(bool lanes, bool atomic) {
  Kernel k;
  k.name = "racing";
  Builder b(k);
  const ValueId y = b.param("y", Role::kInOut, 0, pointer(DType::kI32)).value;
  const std::int64_t e[] = {4};
  const ValueId zero = b.constant(0, lanes ? block(DType::kI64, e) : scalar(DType::kI64));
  const ValueId one = b.constant(1, with_dtype(b.type(zero), DType::kI32));
  const ValueId p = b.pointer_add(y, zero);
  if (atomic)
    b.atomic(Fn::kAdd, p, std::span(&one, 1));
  else
    b.store_at(p, one);
  k.grid = {lanes ? 1 : 3, 1, 1};
  verify(k);
  return k;
}

TEST(Interpret, WritesWithoutAnOrderAreFound) {
  Array y(DType::kI32, {0});
  const HostTensor t[] = {y.as(Role::kInOut, 0)};
  EXPECT_EQ(error_of([&] { interpret(racing(true, false), t, {}); }),
            "racing: store writes y[0] in two lanes [program (0, 0, 0), lane 1]");
  EXPECT_EQ(
      error_of([&] { interpret(racing(false, false), t, {}); }),
      "racing: store writes y[0], which program 0 writes, without an order [program (1, 0, 0), lane 0]");
  interpret(racing(false, false), t, {}, {}, {.races = false});
  y.set(0, 0);
  interpret(racing(true, true), t, {});
  EXPECT_EQ(y.get(0), 4);
  interpret(racing(false, true), t, {});
  EXPECT_EQ(y.get(0), 7);
}

TEST(Interpret, ReductionsScansAndSeveralOperands) {
  Kernel k;
  k.name = "sums";
  Builder b(k);
  const ValueId x = b.view("x", Role::kInput, 0, DType::kF32, {2, 4});
  const ValueId out = b.view("sum", Role::kOutput, 0, DType::kF32, {2, 1});
  const ValueId where = b.view("where", Role::kOutput, 1, DType::kI32, {2, 1});
  const ValueId running = b.view("running", Role::kOutput, 2, DType::kF32, {2, 4});
  const ValueId z = b.constant(0, scalar(DType::kI64));
  const ValueId at[] = {z, z};
  const std::int64_t e[] = {2, 4}, row[] = {1, 4};
  const ValueId v = b.load(x, at, e);
  b.store(out, b.reduce(Fn::kAdd, v, 1), at);
  const ValueId columns = b.broadcast(b.reshape(b.arange(0, 4, DType::kI32), row), e);
  const ValueId pair[] = {v, columns};
  b.store(where,
          b.reduce(pair, 1,
                   [&](auto l, auto r) -> Builder::Values {
                     const ValueId first = b.compare(Fn::kGe, l[0], r[0]);
                     return {b.select(first, l[0], r[0]), b.select(first, l[1], r[1])};
                   })[1],
          at);
  b.store(running, b.scan(Fn::kAdd, v, 1, true), at);
  verify(k);
  Array in(DType::kF32, {1, 5, 5, 2, -1, -2, -3, -4}), s(DType::kF32, 2), w(DType::kI32, 2),
      r(DType::kF32, 8);
  const HostTensor t[] = {in.as(Role::kInput, 0), s.as(Role::kOutput, 0), w.as(Role::kOutput, 1),
                          r.as(Role::kOutput, 2)};
  interpret(k, t, {});
  EXPECT_EQ(s.values(), (std::vector<double>{13, -10}));
  EXPECT_EQ(w.values(), (std::vector<double>{1, 0}));
  EXPECT_EQ(r.values(), (std::vector<double>{13, 12, 7, 2, -10, -9, -7, -4}));
}

TEST(Interpret, ControlFlowShapesAndDot) {
  Kernel k;
  k.name = "control";
  Builder b(k);
  const ValueId y = b.view("y", Role::kOutput, 0, DType::kI64, {2, 2});
  const auto whole = [&](std::int64_t v) { return b.constant(v, scalar(DType::kI64)); };
  const ValueId start[] = {whole(1)};
  // doubles until past 100: 128; then counts down by a branch
  const ValueId power = b.while_(
      start, [&](auto c) { return b.compare(Fn::kLt, c[0], whole(100)); },
      [&](auto c) -> Builder::Values { return {b.binary(Fn::kAdd, c[0], c[0])}; })[0];
  const ValueId sum = b.for_(whole(0), whole(10), whole(3), start, [&](ValueId i, auto c) -> Builder::Values {
    return b.if_(
        b.compare(Fn::kGt, i, whole(3)), [&]() -> Builder::Values { return {b.binary(Fn::kAdd, c[0], i)}; },
        [&]() -> Builder::Values { return {c[0]}; });
  })[0];
  const std::int64_t e[] = {2, 2}, four[] = {4};
  const ValueId pair[] = {power, sum};
  const ValueId both = b.join(pair);
  const ValueId m =
      b.broadcast(b.reshape(both, std::vector<std::int64_t>{1, 2}), e);  // [[128, 16], [128, 16]]
  const int order[] = {1, 0};
  const ValueId p = b.dot(m, b.transpose(m, order), b.reshape(b.arange(0, 4), e));
  const ValueId picked = b.gather(
      b.reshape(p, four), b.binary(Fn::kSub, b.constant(3, block(DType::kI64, four)), b.arange(0, 4)), 0);
  const ValueId z = whole(0), at[] = {z, z};
  b.store(y, b.reshape(picked, e), at);
  verify(k);
  Array out(DType::kI64, 4);
  const HostTensor t[] = {out.as(Role::kOutput, 0)};
  interpret(k, t, {});
  const double d = 128 * 128 + 16 * 16;
  EXPECT_EQ(out.values(), (std::vector<double>{d + 3, d + 2, d + 1, d}));
}

TEST(Interpret, ViewsClipAndPackedElements) {
  Kernel k;
  k.name = "views";
  Builder b(k);
  const ValueId x = b.param("x", Role::kInput, 0, pointer(DType::kI4)).value;
  const ValueId y = b.view("y", Role::kOutput, 0, DType::kI4, {3, 2});
  const auto whole = [&](std::int64_t v) { return b.constant(v, scalar(DType::kI64)); };
  const ValueId extents[] = {b.dim(3), b.dim(2)}, strides[] = {whole(1), whole(3)};  // a transposed view
  const ValueId view = b.make_view(x, extents, strides);
  const ValueId at[] = {whole(0), whole(0)};
  const std::int64_t e[] = {4, 2};
  const ValueId v = b.load(view, at, e, -8);
  b.store(y, b.clip(b.binary(Fn::kAdd, v, b.constant(1, b.type(v))), view, at, -8), at);
  b.assert_(b.compare(Fn::kEq, b.view_extent(view, 0), whole(3)));
  verify(k);
  Array in(DType::kI4, {1, 2, 3, 4, 5, 6}), out(DType::kI4, 6);
  const HostTensor t[] = {in.as(Role::kInput, 0), out.as(Role::kOutput, 0)};
  interpret(k, t, {});
  EXPECT_EQ(out.values(), (std::vector<double>{2, 5, 3, 6, 4, 7}));
}

}  // namespace
}  // namespace intarsia::kernel
