// Block kernels of sum, mean, prod, max, min, argmax and argmin over any axes.
#include <bit>
#include <limits>

#include "base/error.h"
#include "ops/rules.h"
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

std::int64_t lowest_bits(DType t) {
  if (is_real(t)) return std::bit_cast<std::int64_t>(-std::numeric_limits<double>::infinity());
  const bool without_sign = t == DType::kBool || (only(t) & ops::kUnsignedInts) != 0;
  return without_sign ? 0 : std::numeric_limits<std::int64_t>::min() >> (64 - bits(t));
}
std::int64_t highest_bits(DType t) {
  if (is_real(t)) return std::bit_cast<std::int64_t>(std::numeric_limits<double>::infinity());
  if (t == DType::kBool) return 1;
  const auto ones = std::numeric_limits<std::uint64_t>::max() >> (64 - bits(t));
  return static_cast<std::int64_t>((only(t) & ops::kUnsignedInts) != 0 ? ones : ones >> 1);
}

struct Folding {  // what combines two elements, and what changes nothing
  Fn fn;
  std::int64_t neutral = 0;  // bits of the accumulator's dtype
  DType accumulator{};
};
Folding folding_of(std::string_view op, DType t) {
  const DType w = accumulator(t);
  const bool flag = t == DType::kBool;
  if (op == "sum" || op == "mean") return {Fn::kAdd, kernel::constant_bits(w, 0), w};
  if (op == "prod") return {Fn::kMul, kernel::constant_bits(w, 1), w};
  if (op == "max") return {flag ? Fn::kOr : Fn::kMax, lowest_bits(t), t};
  check(op == "min", "no reduction");
  return {flag ? Fn::kAnd : Fn::kMin, highest_bits(t), t};
}

struct Reduction {
  const Query& query;
  Rows rows;
  DType in, out;
  std::string_view op;
  Dim length;              // of a row of the input
  bool is_second = false;  // of two kernels: the rows are parts

  explicit Reduction(const Query& q)
      : query(q), in(q.inputs[0].dtype), out(q.outputs[0].dtype), op(q.node().op->id) {
    const Shape& shape = q.inputs[0].shape;
    if (const AttributeValue* dim = q.node().attributes->find("dim");
        dim && std::holds_alternative<std::int64_t>(*dim)) {
      const std::size_t axes[] = {ops::normal_axis(std::get<std::int64_t>(*dim), shape.size())};
      rows = rows_of(shape, axes);
    } else {
      rows = rows_of(shape, ops::reduced_axes(*q.node().op, *q.node().attributes, shape.size()));
    }
    length = rows.length();
  }
  bool is_search() const { return op == "argmax" || op == "argmin"; }
};

// ---- folding
// ------------------------------------------------------------------------------------------------------------

// From the input, or from what fold_parts left in the workspace.
Kernel fold(const Reduction& r, const RowPlan& plan) {
  Kernel k;
  k.name = r.op;
  Builder b(k);
  const Folding f = folding_of(r.op, r.in);
  const ValueId view = r.is_second ? b.view("parts", Role::kWorkspace, 0, f.accumulator, r.rows.extents)
                                   : b.view("in0", Role::kInput, 0, r.in, r.rows.extents);
  const ValueId out = b.view("out0", Role::kOutput, 0, r.out, r.rows.kept());
  std::vector<std::int64_t> kept = plan.block;
  for (std::size_t a = 0; a < kept.size(); ++a)
    if (r.rows.reduced[a]) kept[a] = 1;
  auto offsets = walk_grid(b, r.rows.kept(), kept);
  const auto block = [&] {
    return b.cast(load_block(b, view, offsets, plan.block, f.neutral), f.accumulator);
  };
  ValueId total;
  if (plan.whole()) {
    total = block();
  } else {
    const ValueId start = b.emit(kernel::Opcode::kConstant, {}, kernel::block(f.accumulator, plan.block),
                                 {{kernel::Key::kBits, f.neutral}});
    total = walk_row(b, r.rows, plan, offsets, {start},
                     [&](const Values& v) { return Values{b.binary(f.fn, v[0], block())}; })[0];
  }
  total = reduce_rows(b, f.fn, total, r.rows);
  if (r.op == "mean") {
    const ValueId count = b.cast(index_value(b, r.length), f.accumulator);
    total = b.binary(Fn::kDiv, total, b.broadcast(count, kept));
  }
  b.store(out, b.cast(total, r.out), offsets);
  return k;
}

// ---- folding in two kernels
// ------------------------------------------------------------------------------------------------------------

// Elements that one program folds where few long rows would leave the machine idle; a multiple of the block.
constexpr std::int64_t kPart = 65536, kFewRows = 16;

// Whether the rows are few and long, or may be: [kept, row] or [row].
bool may_split(const Reduction& r) {
  const std::size_t rank = r.rows.extents.size();
  if (r.is_search() || rank > 2 || !r.rows.reduced.back()) return false;
  return (rank == 1 || r.rows.extents[0].bounds().max <= kFewRows) && r.length.bounds().max > kPart;
}

Kernel fold_parts(const Reduction& r, const Rows& parts) {
  Kernel k;
  k.name = std::string(r.op) + "_parts";
  Builder b(k);
  const Folding f = folding_of(r.op, r.in);
  const std::size_t row = r.rows.extents.size() - 1;
  const ValueId view = b.view("in0", Role::kInput, 0, r.in, r.rows.extents);
  const ValueId out = b.view("parts", Role::kWorkspace, 0, f.accumulator, parts.extents);
  std::vector<std::int64_t> block(row + 1, 1);
  const std::vector<ValueId> part = walk_grid(b, parts.extents, block);
  block[row] = 1024;
  const ValueId size = index_value(b, kPart), by = index_value(b, block[row]);
  const ValueId first = b.binary(Fn::kMul, part[row], size);
  const ValueId last = b.binary(Fn::kMin, b.binary(Fn::kAdd, first, size), index_value(b, r.length));
  const ValueId start[] = {b.emit(kernel::Opcode::kConstant, {}, kernel::block(f.accumulator, block),
                                  {{kernel::Key::kBits, f.neutral}})};
  const ValueId total = b.for_(first, last, by, start, [&](ValueId i, std::span<const ValueId> v) {
    std::vector<ValueId> offsets = part;
    offsets[row] = i;
    return Values{
        b.binary(f.fn, v[0], b.cast(load_block(b, view, offsets, block, f.neutral), f.accumulator))};
  })[0];
  b.store(out, reduce_rows(b, f.fn, total, r.rows), part);
  return k;
}

KernelVariant in_two(const Reduction& r, const kernel::Capabilities& machine) {
  Reduction second = r;
  second.is_second = true;
  second.rows.extents.back() = cdiv(r.length, kPart);
  KernelVariant v;
  if (r.length.bounds().min <= kPart) v.guard.push_back({kPart, Condition::Relation::kLess, r.length});
  v.body = fold_parts(r, second.rows);
  v.after.push_back(fold(second, plan_rows(second.rows, machine).back()));
  return v;
}

// ---- searching
// ----------------------------------------------------------------------------------------------------------

// The first zero counts, whatever its sign; a NaN is found wherever it is.
ValueId found(Builder& b, ValueId x, ValueId best) {
  const ValueId equal = b.compare(Fn::kEq, x, best);
  return is_real(b.type(x).dtype) ? b.binary(Fn::kOr, equal, b.compare(Fn::kNe, x, x)) : equal;
}

Kernel search(const Reduction& r, const RowPlan& plan) {
  Kernel k;
  k.name = r.op;
  Builder b(k);
  const bool largest = r.op == "argmax";
  const bool flag = r.in == DType::kBool;
  const Fn fn = largest ? (flag ? Fn::kOr : Fn::kMax) : (flag ? Fn::kAnd : Fn::kMin);
  const std::int64_t worst = largest ? lowest_bits(r.in) : highest_bits(r.in);
  const ValueId view = b.view("in0", Role::kInput, 0, r.in, r.rows.extents);
  const ValueId out = b.view("out0", Role::kOutput, 0, r.out, r.rows.kept());
  std::vector<std::int64_t> kept = plan.block;
  std::size_t axis = 0;
  for (std::size_t a = 0; a < kept.size(); ++a)
    if (r.rows.reduced[a]) kept[a] = 1, axis = a;
  auto offsets = walk_grid(b, r.rows.kept(), kept);
  const ValueId far = splat(b, 9007199254740992.0, DType::kI64, plan.block);
  const auto best_of_block = [&]() -> Values {
    const ValueId x = load_block(b, view, offsets, plan.block, worst);
    const ValueId best = reduce_rows(b, fn, x, r.rows);
    const Site site{r.rows.extents, offsets, plan.block};
    const ValueId at = b.broadcast(lanes_of(b, kernel::axis(static_cast<int>(axis)), site).value, plan.block);
    const ValueId hit = found(b, x, b.broadcast(best, plan.block));
    return {best, reduce_rows(b, Fn::kMin, b.select(hit, at, far), r.rows)};
  };
  Values result;
  if (plan.whole()) {
    result = best_of_block();
  } else {
    const ValueId start =
        b.emit(kernel::Opcode::kConstant, {}, kernel::block(r.in, kept), {{kernel::Key::kBits, worst}});
    result =
        walk_row(b, r.rows, plan, offsets, {start, splat(b, 0, DType::kI64, kept)}, [&](const Values& v) {
          const Values here = best_of_block();
          const ValueId both = b.binary(fn, v[0], here[0]);
          const ValueId still = found(b, v[0], both);
          return Values{both, b.select(still, v[1], here[1])};
        });
  }
  b.store(out, b.cast(result[1], r.out), offsets);
  return k;
}

Answer applies(const Implementation&, const Query& query) {
  const Reduction r(query);
  std::size_t runs = 0;
  for (const char reduced : r.rows.reduced) runs += reduced != 0;
  if (r.is_search() && runs > 1) return Answer::no("searches along axes that do not lie side by side");
  return Answer::yes();
}

Built build(const Implementation&, const Query& query, const Tactic&) {
  const Reduction r(query);
  Kernels out;
  if (may_split(r)) out.variants.push_back(in_two(r, query.machine));
  if (!out.variants.empty() && out.variants[0].guard.empty()) return out;
  for (const RowPlan& plan : plan_rows(r.rows, query.machine))
    out.variants.push_back({plan.guard, r.is_search() ? search(r, plan) : fold(r, plan)});
  return out;
}
}  // namespace

void add_reductions(ImplementationTable& table) {
  for (const char* op : {"argmax", "argmin", "max", "mean", "min", "prod", "sum"})
    add_builtin(table, op, "rows", applies, build);
}

}  // namespace intarsia::schedule
