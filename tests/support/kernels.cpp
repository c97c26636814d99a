#include "support/kernels.h"

#include <limits>

#include "base/error.h"

namespace intarsia::kernel {
namespace {

constexpr DType F = DType::kF32, X = DType::kI64;
using Extents = std::vector<std::int64_t>;

ValueId pointer_param(Builder& b, const Port& p, Role r) {
  Param& q = b.param("t" + std::to_string(p.port), r, p.port, pointer(p.dtype));
  q.extents = p.shape;
  return q.value;
}
ValueId view_param(Builder& b, const Port& p, Role r) {
  return b.view("t" + std::to_string(p.port), r, p.port, p.dtype, p.shape);
}
ValueId whole(Builder& b, std::int64_t v) { return b.constant(v, scalar(X)); }
ValueId start(Builder& b, int axis, std::int64_t width) {
  return b.binary(Fn::kMul, b.program_id(axis), whole(b, width));
}

// The element of a tensor that lane i of a 1-D plugin reads.
ValueId position(Builder& b, At at, ValueId i, ValueId limit, ValueId rows, ValueId columns) {
  const auto row = [&] { return b.binary(Fn::kDiv, i, columns); };
  switch (at) {
    case At::kSame: return i;
    case At::kColumn: return b.binary(Fn::kRem, i, columns);
    case At::kRow: return row();
    case At::kChannel: return b.binary(Fn::kRem, row(), rows);
    case At::kChannelNested:
      return b.binary(Fn::kDiv, b.binary(Fn::kRem, i, b.binary(Fn::kMul, rows, columns)), columns);
    case At::kNext: return b.binary(Fn::kAdd, i, number(b, 1, i));
    case At::kReversed: return b.binary(Fn::kSub, b.binary(Fn::kSub, limit, number(b, 1, i)), i);
    case At::kTransposed:
      return b.binary(Fn::kAdd, b.binary(Fn::kMul, b.binary(Fn::kRem, i, rows), columns),
                      b.binary(Fn::kDiv, i, rows));
    case At::kOther: return b.binary(Fn::kRem, i, rows);
    case At::kZero: return number(b, 0, i);
    case At::kStride2: return b.binary(Fn::kMul, i, number(b, 2, i));
    case At::kProgram: return b.broadcast_like(b.cast(b.program_id(0), b.type(i).dtype), i);
  }
  throw InternalError("no such position");
}

// Row and column of a 2-D block, each with one axis of extent 1, and where they start.
struct Grid2 {
  ValueId row, column, r, c;
};
Grid2 grid_2d(Builder& b, std::int64_t bm, std::int64_t bn, bool swapped) {
  const ValueId row = start(b, swapped ? 1 : 0, bm), column = start(b, swapped ? 0 : 1, bn);
  const auto line = [&](ValueId at, std::int64_t width) {
    return b.binary(Fn::kAdd, b.broadcast(at, Extents{width}), b.arange(0, width));
  };
  return {row, column, b.reshape(line(row, bm), Extents{bm, 1}), b.reshape(line(column, bn), Extents{1, bn})};
}
void set_grid(Kernel& k, const Shape& out, std::int64_t bm, std::int64_t bn, bool swapped) {
  const Dim rows = cdiv(out[0], bm), columns = cdiv(out[1], bn);
  k.grid = {swapped ? columns : rows, swapped ? rows : columns, 1};
}

}  // namespace

ValueId number(Builder& b, double v, ValueId like) { return b.constant(v, b.type(like)); }

Values scale_relu(Builder& b, Values x, ValueId) {
  const ValueId scaled = b.binary(Fn::kMul, x[0], number(b, 1.5, x[0]));
  return {b.binary(Fn::kMax, b.binary(Fn::kAdd, scaled, number(b, 0.25, x[0])), number(b, 0, x[0]))};
}
Values gelu(Builder& b, Values x, ValueId) {
  const ValueId half = b.binary(Fn::kMul, x[0], number(b, 0.5, x[0]));
  return {b.binary(Fn::kMul, half, b.binary(Fn::kAdd, b.unary(Fn::kTanh, x[0]), number(b, 1, x[0])))};
}
Values add(Builder& b, Values x, ValueId) { return {b.binary(Fn::kAdd, x[0], x[1])}; }
Values multiply(Builder& b, Values x, ValueId) { return {b.binary(Fn::kMul, x[0], x[1])}; }
Values dequantize(Builder& b, Values x, ValueId) {
  return {b.binary(Fn::kMul, b.binary(Fn::kSub, b.cast(x[0], F), x[1]), x[2])};
}
Values exponential(Builder& b, Values x, ValueId) { return {b.unary(Fn::kExp, x[0])}; }

Kernel plugin(std::string name, const std::vector<Port>& ins, const std::vector<Port>& outs, const Body& body,
              const PluginOptions& o) {
  Kernel k;
  k.name = std::move(name);
  Builder b(k);
  b.line("plugin.py:9");
  const Extents w = {o.width};
  const auto dim = [&](const std::string& s, const Dim& d) {
    Param& q = b.param(s, Role::kDim, 0, scalar(DType::kI32));
    q.dim = d;
    return b.broadcast(b.cast(q.value, o.index), w);
  };
  const Dim n = identical(o.n, -1) ? outs[0].shape.numel() : o.n;
  Values in, out, loaded;
  for (const Port& p : ins) in.push_back(pointer_param(b, p, Role::kInput));
  for (const Port& p : outs) out.push_back(pointer_param(b, p, o.in_place ? Role::kInOut : Role::kOutput));
  const ValueId limit = dim("n", n), columns = dim("columns", o.columns), rows = dim("rows", o.rows);
  const ValueId base = b.cast(start(b, 0, o.width), o.index);
  const ValueId i = b.binary(Fn::kAdd, b.broadcast(base, w), b.cast(b.arange(0, o.width), o.index));
  ValueId mask = b.compare(Fn::kLt, i, limit);
  const ValueId shorter = b.compare(Fn::kLt, i, b.binary(Fn::kSub, limit, number(b, 1, i)));
  for (std::size_t p = 0; p < ins.size(); ++p) {
    const ValueId at = position(b, ins[p].at, i, limit, rows, columns);
    loaded.push_back(b.load_at(b.pointer_add(in[p], at), o.shorter_load ? shorter : mask));
  }
  if (o.gather) loaded[0] = b.gather(loaded[0], b.arange(0, o.width), 0);
  const Values result = body(b, loaded, i);
  if (o.data_mask) mask = b.binary(Fn::kAnd, mask, b.compare(Fn::kLt, number(b, 0, loaded[0]), loaded[0]));
  for (std::size_t p = 0; p < outs.size(); ++p) {
    ValueId m = mask;
    if (p > 0 && known_equal(outs[p].shape.numel(), outs[0].shape.numel()) != Known::kYes)
      m = b.compare(Fn::kLt, i, dim("n2", outs[p].shape.numel()));
    for (int times = o.twice ? 2 : 1; times-- > 0;)
      b.store_at(b.pointer_add(out[p], i), result[p], o.store_mask ? std::optional(m) : std::nullopt);
  }
  if (o.loop) b.for_(whole(b, 0), whole(b, 4), whole(b, 1), {}, [](ValueId, auto) { return Values{}; });
  k.grid = {identical(o.grid, -1) ? cdiv(n, o.width) : o.grid, 1, 1};
  verify(k);
  return k;
}

Kernel plugin_2d(std::string name, const std::vector<Port>& ins, const std::vector<Port>& outs,
                 const Body& body, std::int64_t bm, std::int64_t bn, bool swapped) {
  Kernel k;
  k.name = std::move(name);
  Builder b(k);
  const Extents e = {bm, bn};
  Values in, out, loaded;
  for (const Port& p : ins) in.push_back(pointer_param(b, p, Role::kInput));
  for (const Port& p : outs) out.push_back(pointer_param(b, p, Role::kOutput));
  const Grid2 g = grid_2d(b, bm, bn, swapped);
  const auto edge = [&](ValueId at, const Dim& limit) {
    return b.broadcast(b.compare(Fn::kLt, at, b.broadcast_like(b.dim(limit), at)), e);
  };
  const ValueId mask = b.binary(Fn::kAnd, edge(g.r, outs[0].shape[0]), edge(g.c, outs[0].shape[1]));
  const ValueId rows = b.binary(Fn::kMul, g.r, b.broadcast_like(b.dim(outs[0].shape[1]), g.r));
  const ValueId flat = b.binary(Fn::kAdd, b.broadcast(rows, e), b.broadcast(g.c, e));
  for (std::size_t p = 0; p < ins.size(); ++p) {
    const ValueId at = ins[p].at == At::kColumn ? b.broadcast(g.c, e)
                       : ins[p].at == At::kRow  ? b.broadcast(g.r, e)
                                                : flat;
    loaded.push_back(b.load_at(b.pointer_add(in[p], at), mask));
  }
  const Values result = body(b, loaded, flat);
  for (std::size_t p = 0; p < outs.size(); ++p) b.store_at(b.pointer_add(out[p], flat), result[p], mask);
  set_grid(k, outs[0].shape, bm, bn, swapped);
  verify(k);
  return k;
}

Kernel views_2d(std::string name, const std::vector<Port>& ins, const std::vector<Port>& outs,
                const Body& body, std::int64_t bm, std::int64_t bn, bool swapped) {
  Kernel k;
  k.name = std::move(name);
  Builder b(k);
  const Extents e = {bm, bn};
  Values views, out, loaded;
  for (const Port& p : ins) views.push_back(view_param(b, p, Role::kInput));
  for (const Port& p : outs) out.push_back(view_param(b, p, Role::kOutput));
  const Grid2 g = grid_2d(b, bm, bn, swapped);
  const ValueId zero = whole(b, 0);
  for (std::size_t p = 0; p < ins.size(); ++p) {
    const ValueId both[] = {g.row, g.column}, row[] = {g.row, zero};
    if (ins[p].at == At::kColumn) {
      const ValueId line = b.load(views[p], std::span(&g.column, 1), Extents{bn});
      loaded.push_back(b.broadcast(b.reshape(line, Extents{1, bn}), e));
    } else if (ins[p].at == At::kRow)
      loaded.push_back(b.broadcast(b.load(views[p], row, Extents{bm, 1}), e));
    else
      loaded.push_back(b.load(views[p], both, e));
  }
  const ValueId flat = b.binary(Fn::kAdd, b.broadcast(g.r, e), b.broadcast(g.c, e));
  const Values result = body(b, loaded, flat);
  const ValueId at[] = {g.row, g.column};
  for (std::size_t p = 0; p < outs.size(); ++p) b.store(out[p], result[p], at);
  set_grid(k, outs[0].shape, bm, bn, swapped);
  verify(k);
  return k;
}

Kernel twice_3d(const Port& px, const Port& py) {
  Kernel k;
  k.name = "twice";
  Builder b(k);
  const Extents e = {2, 4, 8};
  const ValueId x = view_param(b, px, Role::kInput), y = view_param(b, py, Role::kOutput);
  Values at;
  for (int a = 0; a < 3; ++a) {
    at.push_back(start(b, a, e[static_cast<std::size_t>(a)]));
    k.grid[static_cast<std::size_t>(a)] =
        cdiv(px.shape[static_cast<std::size_t>(a)], e[static_cast<std::size_t>(a)]);
  }
  const ValueId v = b.load(x, at, e);
  b.store(y, b.binary(Fn::kAdd, v, v), at);
  verify(k);
  return k;
}

Kernel matmul(const Port& pa, const Port& pb, const Port& pc, bool b_transposed, std::int64_t bm,
              std::int64_t bn, std::int64_t bk) {
  Kernel k;
  k.name = "matmul";
  Builder b(k);
  const Dim m = pc.shape[0], n = pc.shape[1], inner = pa.shape[1];
  const ValueId x = b.view("a", Role::kInput, pa.port, pa.dtype, {m, inner});
  const ValueId y = b.view("b", Role::kInput, pb.port, pb.dtype, {inner, n});
  const ValueId c = b.view("c", Role::kOutput, pc.port, pc.dtype, {m, n});
  if (b_transposed) k.params[1].strides = {1, inner};
  const ValueId row = start(b, 0, bm), column = start(b, 1, bn),
                zero = b.constant(0, block(F, Extents{bm, bn}));
  const ValueId total = b.for_(
      whole(b, 0), b.dim(inner), whole(b, bk), std::span(&zero, 1), [&](ValueId i, auto acc) -> Values {
        const ValueId at_a[] = {row, i}, at_b[] = {i, column};
        return {b.dot(b.load(x, at_a, Extents{bm, bk}), b.load(y, at_b, Extents{bk, bn}), acc[0])};
      })[0];
  const ValueId at[] = {row, column};
  b.store(c, b.cast(total, pc.dtype), at);
  k.grid = {cdiv(m, bm), cdiv(n, bn), 1};
  verify(k);
  return k;
}

Kernel softmax(const Port& px, const Port& py, bool loop, std::int64_t width) {
  Kernel k;
  k.name = loop ? "softmax_loop" : "softmax_row";
  Builder b(k);
  const ValueId x = view_param(b, px, Role::kInput), y = view_param(b, py, Role::kOutput),
                row = b.program_id(0), zero = whole(b, 0);
  const Extents e = {1, width};
  constexpr double kInf = std::numeric_limits<double>::infinity();
  k.grid = {kDims.m, 1, 1};
  if (!loop) {
    const ValueId at[] = {row, zero};
    const ValueId v = b.load(x, at, e, -kInf);
    const ValueId ex = b.unary(Fn::kExp, b.binary(Fn::kSub, v, b.broadcast(b.reduce(Fn::kMax, v, 1), e)));
    b.store(y, b.binary(Fn::kDiv, ex, b.broadcast(b.reduce(Fn::kAdd, ex, 1), e)), at);
    verify(k);
    return k;
  }
  const ValueId high = b.dim(px.shape[1]), step = whole(b, width);
  const auto sweep = [&](double first, auto work) {
    const ValueId begin = b.constant(first, block(F, {1, 1}));
    return b.for_(zero, high, step, std::span(&begin, 1), [&](ValueId i, auto c) -> Values {
      const ValueId at[] = {row, i};
      return {work(b.load(x, at, e, -kInf), c[0], std::span<const ValueId>(at))};
    })[0];
  };
  const ValueId top = sweep(
      -kInf, [&](ValueId v, ValueId c, auto) { return b.binary(Fn::kMax, c, b.reduce(Fn::kMax, v, 1)); });
  const auto ex = [&](ValueId v) { return b.unary(Fn::kExp, b.binary(Fn::kSub, v, b.broadcast(top, e))); };
  const ValueId sum = sweep(
      0, [&](ValueId v, ValueId c, auto) { return b.binary(Fn::kAdd, c, b.reduce(Fn::kAdd, ex(v), 1)); });
  sweep(0, [&](ValueId v, ValueId c, auto at) {
    b.store(y, b.binary(Fn::kDiv, ex(v), b.broadcast(sum, e)), at);
    return c;
  });
  verify(k);
  return k;
}

Kernel row_sum(const Port& px, const Port& py, std::int64_t bm, std::int64_t bn) {
  Kernel k;
  k.name = "row_sum";
  Builder b(k);
  const ValueId x = view_param(b, px, Role::kInput), y = view_param(b, py, Role::kOutput), zero = whole(b, 0),
                row = start(b, 0, bm);
  const ValueId begin = b.constant(0, block(F, {bm, 1}));
  const ValueId sum =
      b.for_(zero, b.dim(px.shape[1]), whole(b, bn), std::span(&begin, 1), [&](ValueId i, auto c) -> Values {
        const ValueId at[] = {row, i};
        return {b.binary(Fn::kAdd, c[0], b.reduce(Fn::kAdd, b.load(x, at, Extents{bm, bn}), 1))};
      })[0];
  const ValueId at[] = {row, zero};
  b.store(y, sum, at);
  k.grid = {cdiv(px.shape[0], bm), 1, 1};
  verify(k);
  return k;
}

std::uint32_t param_of(const Kernel& k, Role role, std::uint32_t port) {
  for (std::uint32_t n = 0; n < k.params.size(); ++n)
    if (k.params[n].role == role && k.params[n].port == port) return n;
  throw InternalError(k.name + " has no such port");
}

}  // namespace intarsia::kernel
