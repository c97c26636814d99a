#include <gtest/gtest.h>

#include <cmath>

#include "harness.h"

namespace intarsia::test {
namespace {

const Dim kN = Dim::symbol("n", {.min = 0, .max = 1 << 24});

// The guide's kernel: y = x + 1 over pointers with a mask.
Kernel add_one(DType t, std::int64_t block, DType index_type = DType::kI64) {
  Kit kit("add_kernel");
  const ValueId x = kit.pointer("x", Role::kInput, t), n = kit.size(kN),
                y = kit.pointer("y", Role::kOutput, t);
  Builder& b = kit.b;
  ValueId pid = b.program_id(0);
  if (index_type != DType::kI64) pid = kit.cast(pid, index_type);
  const ValueId base =
      b.binary(Fn::kMul, pid, kit.constant(static_cast<double>(block), kernel::scalar(index_type)));
  const ValueId offsets = b.binary(Fn::kAdd, kit.spread(base, {block}), kit.arange(block, index_type));
  const ValueId limit = kit.spread(index_type == DType::kI32 ? n : kit.cast(n, index_type), {block});
  const ValueId mask = kit.compare(Fn::kLt, offsets, limit);
  const ValueId v = kit.load({kit.add_pointer(kit.spread(x, {block}), offsets), mask});
  kit.store({kit.add_pointer(kit.spread(y, {block}), offsets),
             b.binary(Fn::kAdd, v, kit.constant(1, kit.k.type(v))), mask});
  kit.k.grid = {cdiv(kN, block), 1, 1};
  kernel::verify(kit.k);
  return kit.k;
}

TEST(CpuPointwise, AddOneOverPointersWithAMask) {
  for (const std::string& level : levels())
    for (const DType t : {DType::kF32, DType::kF16, DType::kBF16, DType::kI32, DType::kI64, DType::kI8,
                          DType::kF64, DType::kF8E5M2})
      for (const DType index : {DType::kI64, DType::kI32}) {
        const Kernel k = add_one(t, 256, index);
        for (const std::int64_t n : {0, 1, 7, 255, 256, 257, 1000, 4099}) {
          Tensor x(t, n), y(t, n);
          for (std::int64_t i = 0; i < n; ++i) x.set(i, static_cast<double>(i % 50) - 10);
          Tensor* const tensors[] = {&x, &y};
          run(k, tensors, {{"n", n}}, level, {}, 3);
          ASSERT_TRUE(x.guards_hold() && y.guards_hold()) << level << " " << name(t) << " " << n;
          for (std::int64_t i = 0; i < n; ++i) {
            Tensor want(t, 1);
            want.set(0, round_to(is_float(t) ? t : DType::kF64, x.at(i) + 1));
            ASSERT_EQ(y.at(i), want.at(0)) << level << " " << name(t) << " n " << n << " i " << i;
          }
        }
      }
}

// 2-D views with odd extents: y[i, j] = x[i, j] * b[j].
TEST(CpuPointwise, ViewsReadAndWriteInsideTheirBounds) {
  Kit kit("scale");
  const Dim rows = Dim::symbol("m", {.min = 0, .max = 1 << 16}),
            columns = Dim::symbol("n", {.min = 0, .max = 1 << 16});
  Builder& b = kit.b;
  const ValueId x = b.view("x", Role::kInput, 0, DType::kF32, {rows, columns}),
                s = b.view("s", Role::kInput, 1, DType::kF32, {columns}),
                y = b.view("y", Role::kOutput, 0, DType::kF32, {rows, columns});
  const ValueId r = b.binary(Fn::kMul, b.program_id(0), kit.constant(8, kernel::scalar(DType::kI64)));
  const ValueId c = b.binary(Fn::kMul, b.program_id(1), kit.constant(32, kernel::scalar(DType::kI64)));
  const ValueId at[] = {r, c}, at_column[] = {c};
  const std::int64_t tile[] = {8, 32}, line[] = {32};
  const ValueId scale = kit.spread(kit.reshape(b.load(s, at_column, line), {1, 32}), {8, 32});
  b.store(y, b.binary(Fn::kMul, b.load(x, at, tile), scale), at);
  kit.k.grid = {cdiv(rows, 8), cdiv(columns, 32), 1};
  kernel::verify(kit.k);
  for (const std::string& level : levels())
    for (const auto& [m, n] : std::vector<std::pair<std::int64_t, std::int64_t>>{
             {1, 1}, {8, 32}, {7, 33}, {17, 100}, {0, 5}, {3, 31}}) {
      Tensor in(DType::kF32, m * n), by(DType::kF32, n), out(DType::kF32, m * n);
      for (std::int64_t i = 0; i < m * n; ++i) in.set(i, 0.5 * static_cast<double>(i));
      for (std::int64_t i = 0; i < n; ++i) by.set(i, static_cast<double>(i) - 3);
      Tensor* const tensors[] = {&in, &by, &out};
      run(kit.k, tensors, {{"m", m}, {"n", n}}, level, {}, 2);
      ASSERT_TRUE(out.guards_hold());
      for (std::int64_t i = 0; i < m * n; ++i)
        ASSERT_EQ(out.at(i), in.at(i) * by.at(i % n)) << level << " " << m << " " << n << " " << i;
    }
}

}  // namespace
}  // namespace intarsia::test
