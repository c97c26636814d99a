// Element functions placed into kernels, held against the kernels apart: fused once on symbols, run at every
// size by the interpreter (which traps on access outside, reads of what nothing wrote, elements written twice
// or not at all), and compared bit for bit.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "kernel/element.h"
#include "schedule/compose.h"
#include "schedule/place.h"
#include "support/kernel_host.h"
#include "support/kernels.h"

namespace intarsia::kernel {
namespace {

constexpr DType F = DType::kF32, H = DType::kF16;
const Dim &M = kDims.m, &N = kDims.n, &K = kDims.k, &K16 = kDims.k16;

// ---- fusing
// --------------------------------------------------------------------------------------------------

// The function over the extents of a tensor with as many elements.
std::string over(const Element& e, const Shape& space, Element& out) {
  if (known_equal(e.space.numel(), space.numel()) != Known::kYes)
    return "extents " + e.space.str() + " are not known to be those of " + space.str();
  std::vector<schedule::Piece> pieces;
  schedule::Piece work{.element = &e};
  for (const Element::Operand& o : e.inputs) {
    if (o.param.role != Role::kInput) continue;
    if (work.inputs.size() <= o.param.port) work.inputs.resize(o.param.port + 1);
    work.inputs[o.param.port] = {static_cast<std::uint32_t>(pieces.size()), 0};
    pieces.push_back({.param = o.param, .dtype = o.dtype});
  }
  pieces.push_back(work);
  std::vector<schedule::Root> roots;
  for (const Element::Result& r : e.outputs)
    roots.push_back({static_cast<std::uint32_t>(pieces.size() - 1), r.param.port, r.param, r.dtype});
  out = schedule::compose(pieces, roots, space);
  verify(out);
  return {};
}
std::string epilogue(Kernel& a, const Kernel& p, std::uint32_t port, bool keep = false) {
  Element e, there;
  const std::uint32_t at = param_of(a, Role::kOutput, port);
  std::string why = extract(p, e);
  if (why.empty()) why = over(e, a.params[at].extents, there);
  return why.empty() ? schedule::place_in_store(a, at, there, keep) : why;
}
std::string prologue(Kernel& c, const Kernel& p, std::uint32_t port) {
  Element e, there;
  const std::uint32_t at = param_of(c, Role::kInput, port);
  std::string why = extract(p, e);
  if (why.empty()) why = over(e, c.params[at].extents, there);
  return why.empty() ? schedule::place_in_loads(c, at, there) : why;
}
// The kernel after a prologue, with the lanes outside left as f(fill): what clipping is there to prevent.
Kernel unclipped(Kernel k, std::size_t instructions_before) {
  for (std::size_t n = instructions_before; n < k.insts.size(); ++n) {
    const Inst i = k.insts[n];
    const bool clip = i.opcode == Opcode::kClip || i.opcode == Opcode::kSelect;
    if (!clip) continue;
    const ValueId kept = k.operands_of(i)[i.opcode == Opcode::kClip ? 0 : 1];
    std::replace(k.operands.begin(), k.operands.end(), k.result(i), kept);
  }
  return k;
}

// ---- comparing
// -----------------------------------------------------------------------------------------------

struct Tensor {
  DType dtype;
  Shape shape;
};
using Tensors = std::vector<Tensor>;

std::int64_t evaluate(const Dim& d, const SymbolValues& v) {
  std::vector<Symbol> s;
  collect_symbols(d, s);
  const DimProgram p(std::span(&d, 1), s);
  auto slots = p.make_slots();
  for (std::size_t i = 0; i < s.size(); ++i) slots[i] = v.at(s[i].name);
  p.evaluate(slots);
  return p.value(0, slots);
}

struct Sizes {
  std::vector<std::int64_t> m = {1, 7, 64, 65, 130}, n = {1, 7, 64, 65, 130}, k = {1, 16, 33};
};

class Comparison {
 public:
  Comparison(Tensors tensors, std::vector<Kernel> apart, std::vector<Kernel> fused,
             std::vector<std::uint32_t> results)
      : tensors_(std::move(tensors)),
        apart_(std::move(apart)),
        fused_(std::move(fused)),
        results_(std::move(results)) {
    for (const Kernel& k : apart_)
      for (const Param& p : k.params)
        if (p.role == Role::kOutput) made_.push_back(p.port);
    if (fused_.size() != 1) return;
    for (const Param& p : fused_[0].params) {  // an intermediate that nobody asked for is no parameter
      const bool fine = !is_memory(p.role) || is(results_, p.port) || !is(made_, p.port);
      EXPECT_TRUE(fine) << "touches t" << p.port;
    }
  }
  // How many sizes differ.
  int run(const Sizes& sizes = {}, unsigned seed = 7) {
    std::mt19937 random(seed);
    const bool uses_k = std::ranges::any_of(tensors_, [](const Tensor& t) {
      return std::ranges::any_of(t.shape, [](const Dim& d) { return identical(d, K) || identical(d, K16); });
    });
    int wrong = 0;
    for (std::int64_t m : sizes.m)
      for (std::int64_t n : sizes.n)
        for (std::int64_t k : uses_k ? sizes.k : std::vector<std::int64_t>{1}) {
          const SymbolValues v = {{"M", m}, {"N", n}, {"K", k}, {"K16", (k + 15) / 16 * 16}, {"B", 3}};
          wrong += differs(v, random);
        }
    return wrong;
  }

 private:
  static bool is(const std::vector<std::uint32_t>& list, std::uint32_t port) {
    return std::ranges::find(list, port) != list.end();
  }
  bool differs(const SymbolValues& v, std::mt19937& random) const {
    std::vector<Array> a;
    for (const Tensor& t : tensors_) {
      Array x(t.dtype, evaluate(t.shape.numel(), v));
      for (std::int64_t i = 0; i < x.count; ++i)
        x.set(i, is_float(t.dtype) ? static_cast<double>(random() % 2001) / 500.0 - 2.0
                                   : static_cast<double>(random() % 255) - 127.0);
      a.push_back(std::move(x));
    }
    std::vector<Array> b = a;
    for (const Kernel& k : apart_) launch(k, a, v);
    for (const Kernel& k : fused_) launch(k, b, v);
    return std::ranges::any_of(results_, [&](std::uint32_t r) { return a[r].bytes != b[r].bytes; });
  }
  static void launch(const Kernel& k, std::vector<Array>& arrays, const SymbolValues& v) {
    std::vector<HostTensor> bound;
    for (std::uint32_t n = 0; n < arrays.size(); ++n)
      for (Role r : {Role::kInput, Role::kOutput}) bound.push_back(arrays[n].as(r, n));
    const std::uint64_t scalars[] = {bits_from_float(F, 0.75)};
    interpret(k, bound, v, scalars);
  }

  Tensors tensors_;
  std::vector<Kernel> apart_, fused_;
  std::vector<std::uint32_t> results_, made_;
};
void same_bits(const Tensors& t, std::vector<Kernel> apart, std::vector<Kernel> fused,
               std::vector<std::uint32_t> results) {
  EXPECT_EQ(Comparison(t, std::move(apart), std::move(fused), std::move(results)).run(), 0);
}

// ---- behind a matmul
// -----------------------------------------------------------------------------------------

// 0 a[M,K] 1 b[K,N] 2 c[M,N] 3 y[M,N] 4 bias[N] 5 scale[M,1] 6 residual[M,N] 7 half[M,N] 8 second[M,N] 9
// third[M,N]
const Tensors kTensors = {{F, {M, K}}, {F, {K, N}}, {F, {M, N}}, {F, {M, N}}, {F, {N}},
                          {F, {M, 1}}, {F, {M, N}}, {H, {M, N}}, {F, {M, N}}, {F, {M, N}}};
const Port a{0, F, {M, K}}, b{1, F, {K, N}}, c{2, F, {M, N}}, y{3, F, {M, N}}, bias{4, F, {N}, At::kColumn},
    scale{5, F, {M, 1}, At::kRow}, residual{6, F, {M, N}}, half{7, H, {M, N}}, second{8, F, {M, N}},
    third{9, F, {M, N}};

Values to_half(Builder& w, Values x, ValueId) { return {w.cast(x[0], H)}; }
Values everything(Builder& w, Values x, ValueId at) {
  const ValueId v = w.binary(Fn::kAdd, w.binary(Fn::kAdd, w.binary(Fn::kMul, x[0], x[1]), x[2]), x[3]);
  return {w.cast(gelu(w, {v}, at)[0], H)};
}

struct Case {
  const char* name;
  Kernel pointwise;
  std::vector<std::uint32_t> results;
  bool keep = false;
};
std::vector<Case> epilogues() {
  const auto two = [](Builder& w, Values x, ValueId i) -> Values {
    const ValueId g = gelu(w, x, i)[0];
    return {g, w.cast(g, H)};
  };
  const auto chosen = [](Builder& w, Values x, ValueId) -> Values {
    return {w.select(w.compare(Fn::kLt, x[0], x[1]), x[0], x[1])};
  };
  const auto alpha = [](Builder& w, Values x, ValueId) -> Values {
    const ValueId s = w.param("alpha", Role::kScalar, 0, scalar(F)).value;
    return {w.binary(Fn::kMul, x[0], w.broadcast_like(s, x[0]))};
  };
  const auto causal = [](Builder& w, Values x, ValueId i) -> Values {
    const ValueId n = w.broadcast_like(w.dim(N), i);
    return {w.select(w.compare(Fn::kLe, w.binary(Fn::kRem, i, n), w.binary(Fn::kDiv, i, n)), x[0],
                     number(w, 0, x[0]))};
  };
  return {
      {"relu", plugin("relu", {c}, {y}, scale_relu), {3}},
      {"gelu, a value used twice", plugin("gelu", {c}, {y}, gelu, {.width = 33}), {3}},
      {"bias[i % N]", plugin("bias", {c, bias}, {y}, add), {3}},
      {"scale[i // N]", plugin("rows", {c, scale}, {y}, multiply), {3}},
      {"cast to f16", plugin("cast", {c}, {half}, to_half), {7}},
      {"residual", plugin("residual", {c, residual}, {y}, add), {3}},
      {"n is N*M, width 256", plugin("relu", {c}, {y}, scale_relu, {.width = 256, .n = N * M}), {3}},
      {"i32 positions", plugin("bias", {c, bias}, {y}, add, {.index = DType::kI32}), {3}},
      {"one element", plugin("one", {c, {4, F, {1}, At::kZero}}, {y}, multiply), {3}},
      {"gelu(c * scale + bias + residual) as f16",
       plugin("all", {c, scale, bias, residual}, {half}, everything),
       {7}},
      {"two outputs", plugin("two", {c}, {y, half}, two), {3, 7}},
      {"c is kept", plugin("relu", {c}, {y}, scale_relu), {2, 3}, true},
      {"views of 8 x 16, bias", views_2d("bias2", {c, bias}, {y}, add), {3}},
      {"views of 3 x 5, axes swapped, scale", views_2d("rows2", {c, scale}, {y}, multiply, 3, 5, true), {3}},
      {"select", plugin("select", {c, residual}, {y}, chosen), {3}},
      {"a scalar of the launch", plugin("alpha", {c}, {y}, alpha), {3}},
      {"a causal mask", plugin("causal", {c}, {y}, causal), {3}},
      {"pointers of two axes", plugin_2d("p2", {c, scale, bias}, {y}, dequantize), {3}},
      {"pointers of two axes, programs swapped",
       plugin_2d("p2", {c, scale, bias}, {y}, dequantize, 5, 9, true),
       {3}},
      {"reads the residual reversed", plugin("reversed", {c, {6, F, {M, N}, At::kReversed}}, {y}, add), {3}}};
}

TEST(Place, PointwiseKernelsMoveBehindAMatmul) {
  const Kernel product = matmul(a, b, c);
  for (const Case& one : epilogues()) {
    SCOPED_TRACE(one.name);
    Kernel fused = product;
    ASSERT_EQ(epilogue(fused, one.pointwise, 2, one.keep), "");
    same_bits(kTensors, {product, one.pointwise}, {fused}, one.results);
  }
}

TEST(Place, TheRoundingOfWhatWasStoredStays) {
  const Kernel product = matmul(a, b, half);
  const Kernel p = plugin("p", {half, residual}, {y}, [](Builder& w, Values x, ValueId at) {
    return add(w, {w.cast(x[0], F), x[1]}, at);
  });
  Kernel fused = product;
  ASSERT_EQ(epilogue(fused, p, 7), "");
  same_bits(kTensors, {product, p}, {fused}, {3});
}

TEST(Place, ChainsStepByStepAndTiled) {
  const Kernel product = matmul(a, b, c), p1 = plugin("bias", {c, bias}, {y}, add),
               p2 = plugin("gelu", {y}, {second}, gelu, {.width = 32}),
               p3 = views_2d("residual", {second, residual}, {third}, add);
  Kernel fused = product;
  ASSERT_EQ(epilogue(fused, p1, 2), "");
  ASSERT_EQ(epilogue(fused, p2, 3), "");
  ASSERT_EQ(epilogue(fused, p3, 8), "");
  same_bits(kTensors, {product, p1, p2, p3}, {fused}, {9});
  Kernel down = p3;
  ASSERT_EQ(prologue(down, p2, 8), "");
  same_bits(kTensors, {product, p1, p2, p3}, {product, p1, down}, {9});
  for (const auto& block : std::vector<std::vector<std::int64_t>>{{16, 8}, {1, 64}, {64, 1}}) {
    Element e, there;
    ASSERT_EQ(extract(p1, e), "");
    ASSERT_EQ(over(e, {M, N}, there), "");
    Kernel tiled = schedule::tile(there, block);
    same_bits(kTensors, {product, p1}, {product, tiled}, {3});
    ASSERT_EQ(epilogue(tiled, p2, 3), "");
    same_bits(kTensors, {product, p1, p2}, {product, tiled}, {8});
  }
  Element flat;
  ASSERT_EQ(extract(p2, flat), "");
  same_bits(kTensors, {product, p1, p2}, {product, p1, schedule::tile(flat, std::vector<std::int64_t>{128})},
            {8});
}

TEST(Place, RankThree) {
  const Dim& B = kDims.b;
  const Tensors t = {{F, {B, M, N}}, {F, {B, M, N}}, {F, {B, M, N}}, {F, {N}}, {F, {B, M, 1}}, {F, {M}}};
  const Port x{0, F, {B, M, N}}, middle{1, F, {B, M, N}}, out{2, F, {B, M, N}};
  const Kernel first = twice_3d(x, middle);
  for (const Port& o : {Port{3, F, {N}, At::kColumn}, Port{4, F, {B, M, 1}, At::kRow},
                        Port{5, F, {M}, At::kChannel}, Port{5, F, {M}, At::kChannelNested}}) {
    const Kernel p = plugin("p", {middle, o}, {out}, multiply);
    Kernel fused = first;
    ASSERT_EQ(epilogue(fused, p, 1), "");
    same_bits(t, {first, p}, {fused}, {2});
  }
}

// ---- before a matmul
// -----------------------------------------------------------------------------------------

// 0 q[M,K] i8, 1 w[K,N], 2 c, 3 zero[K], 4 scale[K], 5 a[M,K], 6 w'[K,N], 7 columns[N], 8 y, 9 rows[M], 10
// wt[N,K], 11 wt'[N,K], 12 a'[M,K]
const Tensors kPrologue = {{DType::kI8, {M, K}}, {F, {K, N}}, {F, {M, N}}, {F, {K}},    {F, {K}},
                           {F, {M, K}},          {F, {K, N}}, {F, {N}},    {F, {M, N}}, {F, {M}},
                           {F, {N, K}},          {F, {N, K}}, {F, {M, K}}};
const Port q{0, DType::kI8, {M, K}}, w{1, F, {K, N}}, zero{3, F, {K}, At::kColumn},
    per_k{4, F, {K}, At::kColumn}, am{5, F, {M, K}}, w2{6, F, {K, N}}, columns{7, F, {N}, At::kColumn},
    y8{8, F, {M, N}}, a12{12, F, {M, K}};

TEST(Place, DequantizedOperands) {
  const Kernel dq = plugin("dequantize", {q, zero, per_k}, {am}, dequantize, {.columns = K}),
               product = matmul(am, w, c);
  Kernel fused = product;
  ASSERT_EQ(prologue(fused, dq, 5), "");
  same_bits(kPrologue, {dq, product}, {fused}, {2});
  const Kernel scaled = plugin("scale", {w, columns}, {w2}, multiply), other = matmul(am, w2, c);
  Kernel second_fused = other;
  ASSERT_EQ(prologue(second_fused, scaled, 6), "");
  same_bits(kPrologue, {scaled, other}, {second_fused}, {2});
}

TEST(Place, BothOperandsAndTheResultAndTheClipIsNoticed) {
  const Kernel ew = plugin("exp", {w}, {w2}, exponential),
               ea = plugin("expa", {am}, {a12}, exponential, {.columns = K}), product = matmul(a12, w2, c);
  const Kernel tail = plugin("tail", {c, columns}, {y8}, add);
  Kernel fused = product;
  ASSERT_EQ(prologue(fused, ew, 6), "");
  ASSERT_EQ(prologue(fused, ea, 12), "");
  same_bits(kPrologue, {ew, ea, product}, {fused}, {2});
  EXPECT_GT(Comparison(kPrologue, {ew, ea, product}, {unclipped(fused, product.insts.size())}, {2}).run(), 0)
      << "exp(0) = 1 at the edge of K: without the clip results must differ";
  ASSERT_EQ(epilogue(fused, tail, 2), "");
  same_bits(kPrologue, {ew, ea, product, tail}, {fused}, {8});
}

TEST(Place, HalfOperandsOfWholeBlocks) {
  const Tensors t = {{DType::kI8, {M, K16}}, {H, {K16, N}}, {F, {M, N}}, {H, {M, K16}}, {H, {K16}}};
  const Kernel p = plugin("dq", {{0, DType::kI8, {M, K16}}, {4, H, {K16}, At::kColumn}}, {{3, H, {M, K16}}},
                          [](Builder& v, Values x, ValueId) -> Values {
                            return {v.unary(Fn::kExp, v.binary(Fn::kMul, v.cast(v.cast(x[0], F), H), x[1]))};
                          },
                          {.columns = K16});
  const Kernel product = matmul({3, H, {M, K16}}, {1, H, {K16, N}}, c);
  Kernel fused = product;
  ASSERT_EQ(prologue(fused, p, 3), "");
  same_bits(t, {p, product}, {fused}, {2});
}

// ---- reductions
// ----------------------------------------------------------------------------------------------

// 0 x 1 bias[N] 2 scaled 3 soft 4 mask 5 y 6 rows[M,1] 7 rows'[M,1]
const Tensors kRows = {{F, {M, N}}, {F, {N}},    {F, {M, N}}, {F, {M, N}},
                       {F, {M, N}}, {F, {M, N}}, {F, {M, 1}}, {F, {M, 1}}};
const Port x0{0, F, {M, N}}, row_bias{1, F, {N}, At::kColumn}, scaled{2, F, {M, N}}, soft{3, F, {M, N}},
    mask{4, F, {M, N}}, ry{5, F, {M, N}}, sums{6, F, {M, 1}}, roots{7, F, {M, 1}};

TEST(Place, SoftmaxTakesBothSides) {
  const auto pre = [](Builder& v, Values x, ValueId) -> Values {  // f(-inf) is +inf
    return {v.binary(Fn::kAdd, v.binary(Fn::kMul, x[0], number(v, -0.125, x[0])), x[1])};
  };
  const Kernel before = plugin("pre", {x0, row_bias}, {scaled}, pre),
               after = plugin("post", {soft, mask}, {ry}, multiply, {.width = 48});
  for (bool loop : {false, true}) {
    const Kernel sm = softmax(scaled, soft, loop, loop ? 32 : 256);
    Kernel fused = sm;
    ASSERT_EQ(prologue(fused, before, 2), "");
    EXPECT_GT(Comparison(kRows, {before, sm}, {unclipped(fused, sm.insts.size())}, {3}).run(), 0)
        << "the clip is noticed";
    ASSERT_EQ(epilogue(fused, after, 3), "");
    same_bits(kRows, {before, sm, after}, {fused}, {5});
    const Kernel negate = plugin("negate", {soft}, {ry}, [](Builder& v, Values x, ValueId) -> Values {
      return {v.unary(Fn::kNeg, x[0])};
    });
    Kernel kept = sm;
    ASSERT_EQ(epilogue(kept, negate, 3, true), "");
    same_bits(kRows, {before, sm, negate}, {before, kept}, {3, 5});
  }
}

TEST(Place, RowSums) {
  const auto square = [](Builder& v, Values x, ValueId) -> Values {
    return {v.binary(Fn::kMul, x[0], x[0])};
  };
  const auto root = [](Builder& v, Values x, ValueId) -> Values {
    return {v.unary(Fn::kSqrt, v.binary(Fn::kAdd, x[0], number(v, 1e-5, x[0])))};
  };
  const Kernel sq = plugin("square", {x0}, {scaled}, square), sum = row_sum(scaled, sums),
               ro = plugin("root", {sums}, {roots}, root, {.columns = 1});
  Kernel fused = sum;
  ASSERT_EQ(prologue(fused, sq, 2), "");
  ASSERT_EQ(epilogue(fused, ro, 6), "");
  same_bits(kRows, {sq, sum, ro}, {fused}, {7});
  const Kernel ex = plugin("exp", {x0}, {scaled}, exponential);
  Kernel clipped = sum;
  ASSERT_EQ(prologue(clipped, ex, 2), "");
  same_bits(kRows, {ex, sum}, {clipped}, {6});
  EXPECT_GT(Comparison(kRows, {ex, sum}, {unclipped(clipped, sum.insts.size())}, {6}).run(), 0);
}

// ---- refusals
// ------------------------------------------------------------------------------------------------

TEST(Place, RefusalsLeaveTheKernelAlone) {
  const Kernel product = matmul(a, b, c);
  const auto no = [&](const char* what, Kernel k, const Kernel& p, bool before = false,
                      std::uint32_t port = 2) {
    const std::string text = print(k);
    EXPECT_NE(before ? prologue(k, p, port) : epilogue(k, p, port), "") << what;
    EXPECT_EQ(print(k), text) << what;
  };
  const auto reads = [&](At how) { return plugin("p", {{2, F, {M, N}, how}}, {y}, scale_relu); };
  for (At how : {At::kNext, At::kReversed, At::kTransposed, At::kColumn, At::kStride2, At::kProgram})
    no("reads another element", product, reads(how));
  no("its element and the next", product, plugin("p", {c, {2, F, {M, N}, At::kNext}}, {y}, add));
  no("its element and [i % N] of it", product, plugin("p", {c, {2, F, {M, N}, At::kColumn}}, {y}, add));
  const Dim n = Dim::symbol("n", {.min = 0, .max = 1 << 20});
  no("tensors of n elements", product, plugin("p", {{2, F, {n}}}, {{3, F, {n}}}, scale_relu));
  no("another dtype", product,
     plugin("p", {{2, H, {M, N}}}, {half},
            [](Builder& v, Values x, ValueId) -> Values { return {v.binary(Fn::kAdd, x[0], x[0])}; }));
  no("[M,1] broadcast over [M,N]", row_sum(scaled, sums),
     plugin("norm", {x0, {6, F, {M, 1}, At::kRow}}, {ry}, multiply), false, 6);
  const auto both = [](Builder& v, Values x, ValueId) -> Values { return {x[0], v.unary(Fn::kNeg, x[0])}; };
  no("a second output", product, plugin("two", {{5, F, {M, K}}}, {{0, F, {M, K}}, {8, F, {M, K}}}, both),
     true, 0);
  no("other extents", product, plugin("p", {{5, F, {M, N}}}, {{0, F, {M, N}}}, scale_relu), true, 0);
  Kernel ring = product;
  Builder r(ring);
  Type slots = block(F, {32, 16});
  slots.kind = Type::Kind::kRing, slots.stages = 3;
  const ValueId made = r.emit(Opcode::kRing, {}, slots), at = r.constant(0, scalar(DType::kI64)),
                in[] = {made, at, ring.params[0].value, at, at};
  r.add(Opcode::kRingFill, in, {});
  no("the operand arrives by asynchronous copies", ring,
     plugin("p", {{5, F, {M, K}}}, {{0, F, {M, K}}}, scale_relu, {.columns = K}), true, 0);
  Kernel atomics = product;
  for (Inst& i : atomics.insts)
    if (i.opcode == Opcode::kViewStore) i.opcode = Opcode::kViewAtomic;
  no("stores are not final", atomics, plugin("p", {c}, {y}, scale_relu));
  Kernel slice = product;
  slice.params[2].strides = {N * 2, 1};
  no("stores into a slice", slice, plugin("p", {c}, {y}, scale_relu));
}

// ---- random groups
// -------------------------------------------------------------------------------------------

Body random_body(unsigned seed) {
  return [seed](Builder& v, Values x, ValueId) -> Values {
    std::mt19937 h(seed);
    const auto any = [&] { return x[h() % x.size()]; };
    for (unsigned steps = 1 + h() % 8; steps-- > 0;) {
      const ValueId p = any(), r = any();
      switch (h() % 8) {
        case 0: x.push_back(v.binary(Fn::kAdd, p, r)); break;
        case 1: x.push_back(v.binary(Fn::kMul, p, r)); break;
        case 2: x.push_back(v.binary(Fn::kSub, p, r)); break;
        case 3: x.push_back(v.binary(Fn::kMax, p, r)); break;
        case 4: x.push_back(v.unary(Fn::kTanh, p)); break;
        case 5: x.push_back(v.binary(Fn::kAdd, p, number(v, 0.5, p))); break;
        case 6: x.push_back(v.cast(v.cast(p, H), F)); break;
        default: x.push_back(v.select(v.compare(Fn::kLt, p, r), p, any()));
      }
    }
    return {v.binary(Fn::kAdd, x.back(), x[0])};
  };
}

// Pointwise, matmul, pointwise, pointwise in one kernel: random bodies, operands, forms and tiles from 1 up.
TEST(Place, RandomGroups) {
  const Tensors t = {{F, {M, K}}, {F, {K, N}}, {F, {M, N}}, {F, {M, N}}, {F, {N}},    {F, {M, 1}},
                     {F, {M, N}}, {F, {M, K}}, {F, {K}},    {F, {M, 1}}, {F, {M, K}}, {F, {M, N}}};
  constexpr unsigned kGroups = 400;
  for (unsigned group = 0; group < kGroups; ++group) {
    SCOPED_TRACE(group);
    std::mt19937 g(group * 77 + 77);
    const auto pick = [&](std::int64_t n) {
      return static_cast<std::int64_t>(g() % static_cast<unsigned>(n));
    };
    const auto make = [&](bool left, std::uint32_t from, std::uint32_t to) {  // left: over [M, K]
      const Shape shape = left ? Shape{M, K} : Shape{M, N};
      std::vector<Port> in = {{from, F, shape}};
      if (pick(2)) in.push_back({left ? 8u : 4u, F, left ? Shape{K} : Shape{N}, At::kColumn});
      if (pick(2)) in.push_back({5, F, {M, 1}, At::kRow});
      if (pick(2)) in.push_back({left ? 10u : 6u, F, shape});
      const Body body = random_body(static_cast<unsigned>(g()));
      const std::int64_t form = pick(3), bm = 1 + pick(20), bn = 1 + pick(20);
      const bool swapped = pick(2) != 0;
      const Port out{to, F, shape};
      if (form == 0) return plugin("p", in, {out}, body, {.width = 1 + pick(100), .columns = left ? K : N});
      return form == 1 ? plugin_2d("p", in, {out}, body, bm, bn, swapped)
                       : views_2d("p", in, {out}, body, bm, bn, swapped);
    };
    const std::int64_t bm = 1 + pick(40), bn = 1 + pick(40), bk = 1 + pick(20);
    const Kernel product = matmul({7, F, {M, K}}, {1, F, {K, N}}, {2, F, {M, N}}, false, bm, bn, bk);
    const Kernel pre = make(true, 0, 7), post = make(false, 2, 3), last = make(false, 3, 11);
    Kernel fused = product;
    ASSERT_EQ(prologue(fused, pre, 7), "");
    ASSERT_EQ(epilogue(fused, post, 2), "");
    ASSERT_EQ(epilogue(fused, last, 3), "");
    const Sizes sizes = {{1 + pick(40), 1}, {1 + pick(40)}, {1 + pick(34)}};
    EXPECT_EQ(Comparison(t, {pre, product, post, last}, {fused}, {11}).run(sizes, group), 0);
  }
}

}  // namespace
}  // namespace intarsia::kernel
