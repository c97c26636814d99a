// Softmax in one kernel: a row in a block, or walked three times (largest, sum, result).
#include <limits>

#include "ops/rules.h"
#include "schedule/builtins.h"
#include "schedule/rows.h"

namespace intarsia::schedule {
namespace {
using kernel::Builder;
using kernel::Fn;
using kernel::Kernel;
using kernel::Role;
using kernel::ValueId;

struct Softmax {
  Rows rows;
  DType dtype;
};
Softmax softmax_of(const Query& q) {
  const Shape& shape = q.inputs[0].shape;
  std::vector<std::size_t> axes;
  if (q.node().attributes->find("dim"))
    axes = {ops::normal_axis(q.node().attributes->get<std::int64_t>("dim"), shape.size())};
  else
    for (std::size_t a = 0; a < shape.size(); ++a) axes.push_back(a);
  Softmax s{rows_of(shape, axes), q.inputs[0].dtype};
  bool any = false;
  for (const char r : s.rows.reduced) any |= r != 0;
  if (!any)
    s.rows.extents.push_back(1),
        s.rows.reduced.push_back(1);  // an axis of extent 1: every row is one element
  return s;
}

Kernel row_kernel(const Softmax& s, const RowPlan& plan) {
  Kernel k;
  k.name = "softmax";
  Builder b(k);
  const ValueId in = b.view("in0", Role::kInput, 0, s.dtype, s.rows.extents);
  const ValueId out = b.view("out0", Role::kOutput, 0, s.dtype, s.rows.extents);
  std::vector<std::int64_t> kept = plan.block;
  for (std::size_t a = 0; a < kept.size(); ++a)
    if (s.rows.reduced[a]) kept[a] = 1;
  auto offsets = walk_grid(b, s.rows.kept(), kept);
  const DType w = accumulator(s.dtype);
  const double lowest = -std::numeric_limits<double>::infinity();
  const std::int64_t fill = kernel::constant_bits(s.dtype, lowest);
  const auto block = [&] { return b.cast(load_block(b, in, offsets, plan.block, fill), w); };
  const auto power = [&](ValueId x, ValueId largest) {
    return b.unary(Fn::kExp, b.binary(Fn::kSub, x, b.broadcast(largest, plan.block)));
  };
  const auto finish = [&](ValueId e, ValueId sum) {
    b.store(out, b.cast(b.binary(Fn::kDiv, e, b.broadcast(sum, plan.block)), s.dtype), offsets);
  };
  if (plan.whole()) {
    const ValueId x = block();
    const ValueId e = power(x, reduce_rows(b, Fn::kMax, x, s.rows));
    finish(e, reduce_rows(b, Fn::kAdd, e, s.rows));
    return k;
  }
  const auto walk = [&](double start, const std::function<ValueId(ValueId)>& next) {
    return walk_row(b, s.rows, plan, offsets, {splat(b, start, w, plan.block)},
                    [&](const Values& v) { return Values{next(v[0])}; })[0];
  };
  const ValueId largest = reduce_rows(
      b, Fn::kMax, walk(lowest, [&](ValueId m) { return b.binary(Fn::kMax, m, block()); }), s.rows);
  const ValueId sums = walk(0, [&](ValueId sum) { return b.binary(Fn::kAdd, sum, power(block(), largest)); });
  const ValueId sum = reduce_rows(b, Fn::kAdd, sums, s.rows);
  walk_row(b, s.rows, plan, offsets, {},
           [&](const Values&) { return finish(power(block(), largest), sum), Values{}; });
  return k;
}

Answer applies(const Implementation&, const Query&) { return Answer::yes(); }
Built build(const Implementation&, const Query& query, const Tactic&) {
  const Softmax s = softmax_of(query);
  Kernels out;
  for (const RowPlan& plan : plan_rows(s.rows, query.machine))
    out.variants.push_back({plan.guard, row_kernel(s, plan)});
  return out;
}
}  // namespace

void add_softmax(ImplementationTable& table) { add_builtin(table, "softmax", "rows", applies, build); }

}  // namespace intarsia::schedule
