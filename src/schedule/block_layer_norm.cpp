// Layer norm in one kernel: a row in a block, or walked three times (mean, variance, result).
#include "schedule/access.h"
#include "schedule/builtins.h"
#include "schedule/rows.h"

namespace intarsia::schedule {
namespace {
using kernel::Builder;
using kernel::Fn;
using kernel::Kernel;
using kernel::Role;
using kernel::ValueId;

struct Norm {
  Rows rows;
  DType dtype, weight, bias;
  Dim length;  // of weight and bias
  double eps;
};
Norm norm_of(const Query& q) {
  const Shape& shape = q.inputs[0].shape;
  std::vector<std::size_t> axes;
  for (std::size_t a = shape.size() - q.inputs[1].shape.size(); a < shape.size(); ++a) axes.push_back(a);
  Norm n{rows_of(shape, axes), q.inputs[0].dtype,         q.inputs[1].dtype,
         q.inputs[2].dtype,    q.inputs[1].shape.numel(), q.node().attributes->get<double>("eps")};
  if (!n.rows.reduced.back()) n.rows.extents.push_back(1), n.rows.reduced.push_back(1);
  return n;
}

class Writer {
 public:
  Writer(Kernel& k, const Norm& n, const RowPlan& plan)
      : n_(n), plan_(plan), b_(k), w_(accumulator(n.dtype)), row_(n.rows.extents.size() - 1) {
    in_ = b_.view("in0", Role::kInput, 0, n.dtype, n.rows.extents);
    weight_ = b_.view("in1", Role::kInput, 1, n.weight, {n.length});
    bias_ = b_.view("in2", Role::kInput, 2, n.bias, {n.length});
    out_ = b_.view("out0", Role::kOutput, 0, n.dtype, n.rows.extents);
    kept_ = plan.block;
    kept_[row_] = 1;
  }

  void run() {
    offsets_ = walk_grid(b_, n_.rows.kept(), kept_);
    count_ = b_.broadcast(b_.cast(index_value(b_, n_.rows.length()), w_), kept_);
    if (plan_.whole()) {
      const ValueId x = block();
      const ValueId far = centered(x, mean_of(x));
      finish(far, scale_of(b_.binary(Fn::kMul, far, far)));
      return;
    }
    const ValueId mean = mean_of(sum([&] { return block(); }));
    const ValueId scale = scale_of(sum([&] {
      const ValueId far = centered(block(), mean);
      return b_.binary(Fn::kMul, far, far);
    }));
    walk_row(b_, n_.rows, plan_, offsets_, {},
             [&](const Values&) { return finish(centered(block(), mean), scale), Values{}; });
  }

 private:
  ValueId block() { return b_.cast(load_block(b_, in_, offsets_, plan_.block, 0), w_); }
  ValueId sum(const std::function<ValueId()>& next) {
    return walk_row(b_, n_.rows, plan_, offsets_, {splat(b_, 0, w_, plan_.block)},
                    [&](const Values& v) { return Values{b_.binary(Fn::kAdd, v[0], next())}; })[0];
  }
  ValueId mean_of(ValueId total) {
    return b_.binary(Fn::kDiv, reduce_rows(b_, Fn::kAdd, total, n_.rows), count_);
  }
  // x - mean; behind the row's end it is 0, so that it adds nothing to the variance.
  ValueId centered(ValueId x, ValueId mean) {
    const ValueId far = b_.binary(Fn::kSub, x, b_.broadcast(mean, plan_.block));
    if (n_.rows.extents[row_].multiple() % plan_.block[row_] == 0) return far;
    const Site site{n_.rows.extents, offsets_, plan_.block};
    return b_.select(b_.broadcast(inside(b_, site, row_), plan_.block), far, splat(b_, 0, w_, plan_.block));
  }
  ValueId scale_of(ValueId squares) {
    const ValueId variance = mean_of(squares);
    const ValueId root = b_.unary(Fn::kSqrt, b_.binary(Fn::kAdd, variance, splat(b_, n_.eps, w_, kept_)));
    return b_.binary(Fn::kDiv, splat(b_, 1, w_, kept_), root);
  }
  ValueId along_row(ValueId view) {
    const std::int64_t length[] = {plan_.block[row_]};
    std::vector<std::int64_t> line(plan_.block.size(), 1);
    line[row_] = length[0];
    const ValueId at[] = {offsets_[row_]};
    return b_.broadcast(b_.cast(b_.reshape(load_block(b_, view, at, length, 0), line), w_), plan_.block);
  }
  void finish(ValueId far, ValueId scale) {
    const ValueId scaled = b_.binary(Fn::kMul, far, b_.broadcast(scale, plan_.block));
    const ValueId y = b_.binary(Fn::kAdd, b_.binary(Fn::kMul, scaled, along_row(weight_)), along_row(bias_));
    b_.store(out_, b_.cast(y, n_.dtype), offsets_);
  }

  const Norm& n_;
  const RowPlan& plan_;
  Builder b_;
  DType w_;
  std::size_t row_;
  ValueId in_{}, weight_{}, bias_{}, out_{}, count_{};
  std::vector<std::int64_t> kept_;
  std::vector<ValueId> offsets_;
};

Answer applies(const Implementation&, const Query&) { return Answer::yes(); }
Built build(const Implementation&, const Query& query, const Tactic&) {
  const Norm n = norm_of(query);
  Kernels out;
  for (const RowPlan& plan : plan_rows(n.rows, query.machine)) {
    KernelVariant v{plan.guard, {}};
    v.body.name = "layer_norm";
    Writer(v.body, n, plan).run();
    out.variants.push_back(std::move(v));
  }
  return out;
}
}  // namespace

void add_layer_norm(ImplementationTable& table) { add_builtin(table, "layer_norm", "rows", applies, build); }

}  // namespace intarsia::schedule
