// Reductions, scans, products, loops: kernels written by hand, against the interpreter.
#include "against_interpreter.h"

namespace intarsia::test {
namespace {

const Dim kM = Dim::symbol("m", {.min = 0, .max = 1 << 16}),
          kN = Dim::symbol("n", {.min = 0, .max = 1 << 16}),
          kK = Dim::symbol("k", {.min = 0, .max = 1 << 16});
using Extents = std::vector<std::int64_t>;
using Values = std::vector<ValueId>;

ValueId index_constant(Builder& b, std::int64_t v) { return b.constant(v, kernel::scalar(DType::kI64)); }

// Softmax over rows that fit a block of `columns`; outside the row is -inf.
Kernel softmax(DType t, std::int64_t columns) {
  Kit kit("softmax");
  Builder& b = kit.b;
  const ValueId x = b.view("x", Role::kInput, 0, t, {kM, kN}), y = b.view("y", Role::kOutput, 0, t, {kM, kN});
  const Values at = {b.program_id(0), index_constant(b, 0)};
  const Extents extents = {1, columns};
  const ValueId v = b.cast(b.load(x, at, extents, -INFINITY), DType::kF32);
  const ValueId e = b.unary(Fn::kExp, b.binary(Fn::kSub, v, b.broadcast_like(b.reduce(Fn::kMax, v, 1), v)));
  const ValueId out = b.binary(Fn::kDiv, e, b.broadcast_like(b.reduce(Fn::kAdd, e, 1), e));
  b.store(y, b.cast(out, t), at);
  kit.k.grid = {kM, 1, 1};
  return kit.k;
}

TEST(CpuBlocks, SoftmaxOfRowsInABlock) {
  std::mt19937 random(1);
  for (const std::string& level : levels())
    for (const DType t : {DType::kF32, DType::kF16, DType::kBF16})
      for (const std::int64_t columns : {8, 64, 100, 256}) {
        const Kernel k = softmax(t, columns);
        for (const std::int64_t n : {columns, columns - 1, std::int64_t{1}, columns / 2}) {
          std::vector<Tensor> tensors = {filled(t, 3 * n, random), Tensor(t, 3 * n)};
          expect_equal_runs(k, tensors, {{"m", 3}, {"n", n}}, level, {.ulps = t == DType::kF32 ? 16.0 : 1.0});
        }
      }
}

// Every function of a reduction, along either axis.
TEST(CpuBlocks, ReductionsAlongEachAxis) {
  std::mt19937 random(2);
  for (const std::string& level : levels())
    for (const DType t : {DType::kF32, DType::kF64, DType::kI32, DType::kI8, DType::kF16})
      for (const Fn fn : {Fn::kAdd, Fn::kMin, Fn::kMax})
        for (const auto& [rows, columns] :
             std::vector<std::pair<std::int64_t, std::int64_t>>{{1, 64}, {5, 33}, {16, 16}, {7, 1}, {3, 200}})
          for (const int axis : {0, 1}) {
            Kit kit("reduce");
            Builder& b = kit.b;
            const ValueId x = b.view("x", Role::kInput, 0, t, {rows, columns});
            const ValueId y =
                b.view("y", Role::kOutput, 0, t, {axis == 0 ? 1 : rows, axis == 1 ? 1 : columns});
            const Values zero = {index_constant(b, 0), index_constant(b, 0)};
            b.store(y, b.reduce(fn, b.load(x, zero, Extents{rows, columns}), axis), zero);
            std::vector<Tensor> tensors = {filled(t, rows * columns, random),
                                           Tensor(t, axis == 0 ? columns : rows)};
            // Sums of f16 round at every step, in whatever order: compare those loosely.
            const double loose = t == DType::kF16 ? 0.25 : t == DType::kF32 ? 1e-4 : 1e-12;
            expect_equal_runs(kit.k, tensors, {}, level,
                              {.absolute = fn == Fn::kAdd && is_float(t) ? loose : 0});
          }
}

// argmax as a reduction of (value, index) pairs: the first of equal maxima.
TEST(CpuBlocks, ArgmaxOfPairs) {
  std::mt19937 random(3);
  for (const std::string& level : levels())
    for (const std::int64_t n : {1, 2, 8, 31, 64, 257}) {
      Kit kit("argmax");
      Builder& b = kit.b;
      const ValueId x = b.view("x", Role::kInput, 0, DType::kF32, {4, n}),
                    y = b.view("y", Role::kOutput, 0, DType::kI32, {4, 1});
      const ValueId zero = index_constant(b, 0);
      const Values at = {zero, zero};
      const ValueId v = b.load(x, at, Extents{4, n});
      const ValueId line = b.broadcast(b.reshape(b.arange(0, n, DType::kI32), Extents{1, n}), Extents{4, n});
      const Values both = {v, line};
      const Values best =
          b.reduce(both, 1, [&](std::span<const ValueId> left, std::span<const ValueId> right) {
            const ValueId equal = b.compare(Fn::kEq, left[0], right[0]);
            const ValueId first = b.binary(Fn::kAnd, equal, b.compare(Fn::kLt, left[1], right[1]));
            const ValueId take = b.binary(Fn::kOr, b.compare(Fn::kGt, left[0], right[0]), first);
            return Values{b.select(take, left[0], right[0]), b.select(take, left[1], right[1])};
          });
      b.store(y, best[1], at);
      Tensor in(DType::kF32, 4 * n);
      for (std::int64_t i = 0; i < in.count; ++i) in.set(i, static_cast<double>(random() % 7));
      expect_equal_runs(kit.k, {in, Tensor(DType::kI32, 4)}, {}, level);
    }
}

TEST(CpuBlocks, ScansAlongEachAxisBothWays) {
  std::mt19937 random(4);
  for (const std::string& level : levels())
    for (const DType t : {DType::kI32, DType::kI64})
      for (const std::int64_t n : {1, 5, 64, 100})
        for (const int axis : {0, 1})
          for (const bool reverse : {false, true}) {
            Kit kit("scan");
            Builder& b = kit.b;
            const ValueId x = b.view("x", Role::kInput, 0, t, {6, n}),
                          y = b.view("y", Role::kOutput, 0, t, {6, n});
            const Values zero = {index_constant(b, 0), index_constant(b, 0)};
            b.store(y, b.scan(Fn::kAdd, b.load(x, zero, Extents{6, n}), axis, reverse), zero);
            expect_equal_runs(kit.k, {filled(t, 6 * n, random), Tensor(t, 6 * n)}, {}, level);
          }
}

// out = a x b, k in steps, with any extents.
Kernel matmul(DType t, DType sum, std::int64_t bm, std::int64_t bn, std::int64_t bk) {
  Kit kit("matmul");
  Builder& b = kit.b;
  const ValueId x = b.view("a", Role::kInput, 0, t, {kM, kK}), w = b.view("b", Role::kInput, 1, t, {kK, kN}),
                y = b.view("c", Role::kOutput, 0, sum, {kM, kN});
  const ValueId row = b.binary(Fn::kMul, b.program_id(0), index_constant(b, bm));
  const ValueId column = b.binary(Fn::kMul, b.program_id(1), index_constant(b, bn));
  const Values start = {b.constant(0, kernel::block(sum, Extents{bm, bn}))};
  const Values total = b.for_(
      index_constant(b, 0), b.dim(kK), index_constant(b, bk), start,
      [&](ValueId k, std::span<const ValueId> acc) {
        const Values left = {row, k}, right = {k, column};
        return Values{b.dot(b.load(x, left, Extents{bm, bk}), b.load(w, right, Extents{bk, bn}), acc[0])};
      });
  const Values at = {row, column};
  b.store(y, total[0], at);
  kit.k.grid = {cdiv(kM, bm), cdiv(kN, bn), 1};
  return kit.k;
}

TEST(CpuBlocks, MatmulOfAnyExtents) {
  std::mt19937 random(5);
  struct Case {
    DType t, sum;
  };
  for (const std::string& level : levels())
    for (const Case c :
         {Case{DType::kF32, DType::kF32}, Case{DType::kF64, DType::kF64}, Case{DType::kF16, DType::kF32},
          Case{DType::kBF16, DType::kF32}, Case{DType::kI8, DType::kI32}})
      for (const auto& [bm, bn, bk] :
           std::vector<std::array<std::int64_t, 3>>{{16, 32, 8}, {24, 48, 5}, {64, 64, 32}}) {
        const Kernel k = matmul(c.t, c.sum, bm, bn, bk);
        for (const auto& [m, n, depth] :
             std::vector<std::array<std::int64_t, 3>>{{1, 1, 1}, {17, 33, 9}, {64, 64, 64}, {30, 70, 0}}) {
          std::vector<Tensor> tensors = {filled(c.t, m * depth, random), filled(c.t, depth * n, random),
                                         Tensor(c.sum, m * n)};
          expect_equal_runs(k, tensors, {{"m", m}, {"n", n}, {"k", depth}}, level,
                            {.absolute = c.sum == DType::kI32   ? 0.0
                                         : c.sum == DType::kF64 ? 1e-12
                                                                : 1e-4});
        }
      }
}

// The matmul of Triton's tutorial: blocks of pointers that a loop carries and moves.
TEST(CpuBlocks, MatmulThatMovesItsPointers) {
  std::mt19937 random(8);
  constexpr std::int64_t kBm = 16, kBn = 32, kBk = 8;
  const DType i32 = DType::kI32;
  Kit kit("pointer_matmul");
  Builder& b = kit.b;
  const ValueId a = kit.pointer("a", Role::kInput, DType::kF32, 0),
                w = kit.pointer("b", Role::kInput, DType::kF32, 1),
                c = kit.pointer("c", Role::kOutput, DType::kF32, 0);
  const ValueId m = kit.size(kM), n = kit.size(kN), k = kit.size(kK);
  const auto line = [&](std::int64_t count, const Extents& extents) {
    return b.reshape(b.arange(0, count, i32), extents);
  };
  const auto start = [&](int axis, std::int64_t block) {
    return b.binary(Fn::kMul, b.cast(b.program_id(axis), i32), b.constant(block, kernel::scalar(i32)));
  };
  const auto wide = [&](ValueId v, std::int64_t r, std::int64_t s) { return b.broadcast(v, Extents{r, s}); };
  const ValueId rows = b.binary(Fn::kAdd, wide(start(0, kBm), kBm, 1), line(kBm, {kBm, 1}));
  const ValueId columns = b.binary(Fn::kAdd, wide(start(1, kBn), 1, kBn), line(kBn, {1, kBn}));
  const ValueId left_k = line(kBk, {1, kBk}), right_k = line(kBk, {kBk, 1});
  const ValueId left_at =
      b.binary(Fn::kAdd, wide(b.binary(Fn::kMul, rows, wide(k, kBm, 1)), kBm, kBk), wide(left_k, kBm, kBk));
  const ValueId right_at = b.binary(Fn::kAdd, wide(b.binary(Fn::kMul, right_k, wide(n, kBk, 1)), kBk, kBn),
                                    wide(columns, kBk, kBn));
  const Values first = {b.constant(0.0, kernel::block(DType::kF32, Extents{kBm, kBn})),
                        b.pointer_add(a, left_at), b.pointer_add(w, right_at)};
  const ValueId zero = b.constant(0, kernel::scalar(i32)), one = b.constant(1, kernel::scalar(i32));
  const ValueId rounds = b.binary(Fn::kDiv, b.binary(Fn::kAdd, k, b.constant(kBk - 1, kernel::scalar(i32))),
                                  b.constant(kBk, kernel::scalar(i32)));
  const Values last = b.for_(zero, rounds, one, first, [&](ValueId i, std::span<const ValueId> v) {
    const ValueId left = b.binary(Fn::kSub, k, b.binary(Fn::kMul, i, b.constant(kBk, kernel::scalar(i32))));
    const ValueId x_mask = b.binary(Fn::kAnd, wide(b.compare(Fn::kLt, left_k, wide(left, 1, kBk)), kBm, kBk),
                                    wide(b.compare(Fn::kLt, rows, wide(m, kBm, 1)), kBm, kBk));
    const ValueId y_mask = b.binary(Fn::kAnd, wide(b.compare(Fn::kLt, right_k, wide(left, kBk, 1)), kBk, kBn),
                                    wide(b.compare(Fn::kLt, columns, wide(n, 1, kBn)), kBk, kBn));
    const ValueId sum = b.dot(b.load_at(v[1], x_mask), b.load_at(v[2], y_mask), v[0]);
    const ValueId by = b.binary(Fn::kMul, n, b.constant(kBk, kernel::scalar(i32)));
    return Values{sum, b.pointer_add(v[1], wide(b.constant(kBk, kernel::scalar(i32)), kBm, kBk)),
                  b.pointer_add(v[2], wide(by, kBk, kBn))};
  });
  const ValueId out_at =
      b.binary(Fn::kAdd, wide(b.binary(Fn::kMul, rows, wide(n, kBm, 1)), kBm, kBn), wide(columns, kBm, kBn));
  const ValueId out_mask = b.binary(Fn::kAnd, wide(b.compare(Fn::kLt, rows, wide(m, kBm, 1)), kBm, kBn),
                                    wide(b.compare(Fn::kLt, columns, wide(n, 1, kBn)), kBm, kBn));
  b.store_at(b.pointer_add(c, out_at), last[0], out_mask);
  kit.k.grid = {cdiv(kM, kBm), cdiv(kN, kBn), 1};
  for (const std::string& level : levels())
    for (const auto& [rows_of_a, columns_of_b, depth] :
         std::vector<std::array<std::int64_t, 3>>{{16, 32, 8}, {17, 33, 9}, {1, 1, 1}, {40, 70, 64}}) {
      std::vector<Tensor> tensors = {filled(DType::kF32, rows_of_a * depth, random),
                                     filled(DType::kF32, depth * columns_of_b, random),
                                     Tensor(DType::kF32, rows_of_a * columns_of_b)};
      expect_equal_runs(kit.k, tensors, {{"m", rows_of_a}, {"n", columns_of_b}, {"k", depth}}, level,
                        {.absolute = 1e-4});
    }
}

// Layer norm over rows walked in pieces: running sums are carried by a loop.
TEST(CpuBlocks, LayerNormInALoop) {
  std::mt19937 random(6);
  constexpr std::int64_t kPiece = 64;
  Kit kit("layer_norm");
  Builder& b = kit.b;
  const ValueId x = b.view("x", Role::kInput, 0, DType::kF32, {kM, kN}),
                y = b.view("y", Role::kOutput, 0, DType::kF32, {kM, kN});
  const Extents piece = {1, kPiece}, one = {1, 1};
  const ValueId row = b.program_id(0), zero = index_constant(b, 0), n = b.dim(kN),
                step = index_constant(b, kPiece);
  const ValueId nothing = b.constant(0.0, kernel::block(DType::kF32, piece));
  const Values start = {nothing, nothing};
  const Values sums = b.for_(zero, n, step, start, [&](ValueId at, std::span<const ValueId> sum) {
    const Values place = {row, at};
    const ValueId v = b.load(x, place, piece);
    return Values{b.binary(Fn::kAdd, sum[0], v), b.binary(Fn::kAdd, sum[1], b.binary(Fn::kMul, v, v))};
  });
  const ValueId count = b.broadcast(b.cast(n, DType::kF32), one);
  const ValueId mean = b.binary(Fn::kDiv, b.reduce(Fn::kAdd, sums[0], 1), count);
  const ValueId square = b.binary(Fn::kDiv, b.reduce(Fn::kAdd, sums[1], 1), count);
  const ValueId variance = b.binary(Fn::kSub, square, b.binary(Fn::kMul, mean, mean));
  const ValueId scale =
      b.unary(Fn::kRsqrt, b.binary(Fn::kAdd, variance, b.constant(1e-5, kernel::block(DType::kF32, one))));
  b.for_(zero, n, step, {}, [&](ValueId at, std::span<const ValueId>) {
    const Values place = {row, at};
    const ValueId centred = b.binary(Fn::kSub, b.load(x, place, piece), b.broadcast(mean, piece));
    b.store(y, b.binary(Fn::kMul, centred, b.broadcast(scale, piece)), place);
    return Values{};
  });
  kit.k.grid = {kM, 1, 1};
  for (const std::string& level : levels())
    for (const std::int64_t columns : {1, 63, 64, 65, 300})
      expect_equal_runs(kit.k, {filled(DType::kF32, 4 * columns, random), Tensor(DType::kF32, 4 * columns)},
                        {{"m", 4}, {"n", columns}}, level, {.absolute = columns == 1 ? 1e-2 : 1e-4});
}

TEST(CpuBlocks, BranchesAndLoopsWithATest) {
  for (const std::string& level : levels()) {
    Kit kit("control");
    Builder& b = kit.b;
    const ValueId y = b.view("y", Role::kOutput, 0, DType::kI64, {kN});
    const ValueId pid = b.program_id(0);
    // Collatz steps of pid + 1: scalars carried by a while.
    const Values start = {b.binary(Fn::kAdd, pid, index_constant(b, 1)), index_constant(b, 0)};
    const Values end = b.while_(
        start, [&](std::span<const ValueId> now) { return b.compare(Fn::kGt, now[0], index_constant(b, 1)); },
        [&](std::span<const ValueId> now) {
          const ValueId two = index_constant(b, 2), one = index_constant(b, 1);
          const ValueId odd = b.compare(Fn::kEq, b.binary(Fn::kRem, now[0], two), one);
          const Values next = b.if_(
              odd,
              [&] {
                return Values{b.binary(Fn::kAdd, b.binary(Fn::kMul, now[0], index_constant(b, 3)), one)};
              },
              [&] { return Values{b.binary(Fn::kDiv, now[0], two)}; });
          return Values{next[0], b.binary(Fn::kAdd, now[1], one)};
        });
    const Values at = {pid};
    b.store(y, b.broadcast(end[1], Extents{1}), at);
    kit.k.grid = {kN, 1, 1};
    expect_equal_runs(kit.k, {Tensor(DType::kI64, 40)}, {{"n", 40}}, level);
  }
}

TEST(CpuBlocks, ShapesGatherJoinSplit) {
  std::mt19937 random(7);
  for (const std::string& level : levels())
    for (const DType t : {DType::kF32, DType::kI8, DType::kBF16, DType::kBool}) {
      Kit kit("shapes");
      Builder& b = kit.b;
      const ValueId x = b.view("x", Role::kInput, 0, t, {6, 20}),
                    y = b.view("y", Role::kOutput, 0, t, {20, 6}),
                    z = b.view("z", Role::kOutput, 1, t, {10, 12}),
                    w = b.view("w", Role::kOutput, 2, t, {6, 20}),
                    q = b.view("q", Role::kOutput, 3, t, {6, 10, 2});
      const ValueId zero = index_constant(b, 0);
      const Values at = {zero, zero}, at3 = {zero, zero, zero};
      const ValueId v = b.load(x, at, Extents{6, 20});
      const int order[] = {1, 0};
      b.store(y, b.transpose(v, order), at);
      b.store(z, b.reshape(v, Extents{10, 12}), at);
      const ValueId line = b.broadcast(b.reshape(b.arange(0, 20), Extents{1, 20}), Extents{6, 20});
      b.store(w, b.gather(v, b.binary(Fn::kSub, b.constant(19, b.type(line)), line), 1), at);
      const Values parts = b.split(b.reshape(v, Extents{6, 10, 2}));
      const Values turned = {parts[1], parts[0]};
      b.store(q, b.join(turned), at3);
      expect_equal_runs(
          kit.k, {filled(t, 120, random), Tensor(t, 120), Tensor(t, 120), Tensor(t, 120), Tensor(t, 120)}, {},
          level);
    }
}

}  // namespace
}  // namespace intarsia::test
