// Matrix products: a loop of view loads and dot, with hints; pipelining is a later pass.
#include <algorithm>
#include <bit>

#include "base/convert.h"
#include "base/error.h"
#include "schedule/builtins.h"
#include "schedule/rows.h"

namespace intarsia::schedule {
namespace {
using kernel::Builder;
using kernel::Kernel;
using kernel::Role;
using kernel::ValueId;

// Both sides as batches of matrices. Batch axes are merged where both sides have the same ones or the right
// side has none.
struct Product {
  Shape left_batch, right_batch, batch;
  Dim m, n, k;
  DType in, out;
};

Product product_of(const Query& q) {
  const Shape &a = q.inputs[0].shape, &b = q.inputs[1].shape, &out = q.outputs[0].shape;
  const bool row = a.size() == 1, column = b.size() == 1;
  Product p;
  p.in = q.inputs[0].dtype, p.out = q.outputs[0].dtype;
  p.m = row ? Dim(1) : a[a.size() - 2];
  p.n = column ? Dim(1) : b.back();
  p.k = a.back();
  p.batch = Shape(out.begin(), out.end() - (row ? 0 : 1) - (column ? 0 : 1));
  const auto padded = [&](const Shape& s, bool vector) {
    Shape batch(s.begin(), s.end() - (vector ? 1 : 2));
    batch.insert(batch.begin(), p.batch.size() - batch.size(), Dim(1));
    return batch;
  };
  p.left_batch = padded(a, row), p.right_batch = padded(b, column);
  const auto whole = [](const Shape& s) { return identical(s.numel(), 1); };
  if (whole(p.right_batch) && identical(p.left_batch, p.batch)) {
    p.m = p.m * p.batch.numel();
    p.left_batch = p.right_batch = p.batch = {};
  } else if (identical(p.left_batch, p.right_batch)) {
    p.left_batch = p.right_batch = p.batch = {p.batch.numel()};
  }
  return p;
}

struct Tile {
  std::int64_t m, n, k;
};

std::int64_t fitting(const Dim& extent, std::int64_t tile) {
  const std::int64_t most = extent.bounds().max;
  return most >= tile ? tile
                      : static_cast<std::int64_t>(
                            std::bit_ceil(static_cast<std::uint64_t>(std::max<std::int64_t>(most, 1))));
}
std::vector<Tile> tiles_for(const Product& p, const kernel::Capabilities& machine) {
  const std::int64_t lanes = std::max<std::int64_t>(machine.vector_bytes * 8 / bits(p.in), 4);
  const std::vector<Tile> wanted =
      machine.cpu ? std::vector<Tile>{{32, lanes * 8, 128}, {64, lanes * 16, 256}, {8, lanes * 4, 256}}
                  : std::vector<Tile>{{64, 64, 32}, {128, 128, 32}, {32, 64, 64}};
  const std::int64_t least = machine.cpu ? 1 : 16;
  std::vector<Tile> out;
  for (const Tile& t : wanted) {
    const Tile fit{std::max(fitting(p.m, t.m), least), std::max(fitting(p.n, t.n), least),
                   std::max(fitting(p.k, t.k), least)};
    const auto same = [&](const Tile& o) { return o.m == fit.m && o.n == fit.n && o.k == fit.k; };
    if (std::none_of(out.begin(), out.end(), same)) out.push_back(fit);
  }
  return out;
}

Shape with(const Shape& batch, const Dim& rows, const Dim& columns) {
  Shape s = batch;
  s.push_back(rows), s.push_back(columns);
  return s;
}

// Products of small integers are summed in 32 bits: they wrap to the same.
DType sum_of(DType t) {
  if (bits(t) >= 32 || is_real(t)) return accumulator(t);
  return is_signed_int(t) ? DType::kI32 : DType::kU32;
}

Kernel tile_kernel(const Product& p, const Tile& tile, const Query& q) {
  Kernel k;
  k.name = "matmul";
  Builder b(k);
  const ValueId left = b.view("in0", Role::kInput, 0, p.in, with(p.left_batch, p.m, p.k));
  const ValueId right = b.view("in1", Role::kInput, 1, p.in, with(p.right_batch, p.k, p.n));
  const ValueId out = b.view("out0", Role::kOutput, 0, p.out, with(p.batch, p.m, p.n));
  std::vector<std::int64_t> block(p.batch.size(), 1);
  block.push_back(tile.m), block.push_back(tile.n);
  const auto at = walk_grid(b, with(p.batch, p.m, p.n), block);
  const ValueId zero = index_value(b, 0), rows = at[at.size() - 2], columns = at.back();
  const auto side = [&](ValueId view, const Shape& batch, ValueId r, ValueId c, std::int64_t height,
                        std::int64_t width) {
    std::vector<ValueId> offsets;
    for (std::size_t a = 0; a < batch.size(); ++a) offsets.push_back(identical(batch[a], 1) ? zero : at[a]);
    offsets.push_back(r), offsets.push_back(c);
    std::vector<std::int64_t> extents(batch.size(), 1);
    extents.push_back(height), extents.push_back(width);
    return b.reshape(load_block(b, view, offsets, extents, 0),
                     extents.size() == 2 ? extents : std::vector<std::int64_t>{height, width});
  };
  const std::int64_t face[] = {tile.m, tile.n};
  const DType w = sum_of(p.in);
  const auto precision =
      q.options.tf32 && p.in == DType::kF32 ? kernel::Precision::kTf32 : kernel::Precision::kExact;
  const auto step = [&](ValueId i, ValueId sum) {
    const ValueId x = side(left, p.left_batch, rows, i, tile.m, tile.k);
    const ValueId y = side(right, p.right_batch, i, columns, tile.k, tile.n);
    return b.dot(x, y, sum, precision);
  };
  ValueId sum = splat(b, 0, w, face);
  if (p.k.bounds().max <= tile.k) {
    sum = step(zero, sum);
  } else {
    const ValueId by = b.constant(tile.k, kernel::scalar(DType::kI64));
    const ValueId start[] = {sum};
    sum = b.for_(zero, index_value(b, p.k), by, start,
                 [&](ValueId i, std::span<const ValueId> v) { return Values{step(i, v[0])}; })[0];
  }
  b.store(out, b.reshape(b.cast(sum, p.out), block), at);
  return k;
}

Answer applies(const Implementation&, const Query& q) {
  const Product p = product_of(q);
  if (p.batch.size() + 2 > kernel::Type::kMaxRank)
    return Answer::no("more than four batch axes that broadcast");
  return Answer::yes();
}

std::vector<Tactic> tactics(const Implementation&, const Query& q) {
  std::vector<Tactic> out;
  for (const Tile& t : tiles_for(product_of(q), q.machine)) {
    Tactic tactic;
    tactic.id = static_cast<std::int64_t>(out.size());
    tactic.values = {t.m, t.n, t.k};
    tactic.name = "tile=" + std::to_string(t.m) + "x" + std::to_string(t.n) + "x" + std::to_string(t.k);
    out.push_back(std::move(tactic));
  }
  return out;
}

Built build(const Implementation&, const Query& q, const Tactic& tactic) {
  const Product p = product_of(q);
  const Tile t = tactic.values.size() == 3 ? Tile{tactic.values[0], tactic.values[1], tactic.values[2]}
                                           : tiles_for(p, q.machine)[0];
  Kernels out;
  out.variants.push_back({{}, tile_kernel(p, t, q)});
  return out;
}
}  // namespace

void add_matmul(ImplementationTable& table) {
  Implementation i;
  i.name = "tiles";
  i.op = "matmul";
  i.applies = applies;
  i.build = build;
  i.tactics = tactics;
  table.add(std::move(i), "built-in");
}

}  // namespace intarsia::schedule
