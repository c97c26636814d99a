#include "schedule/rows.h"

#include <algorithm>
#include <bit>

#include "base/error.h"

namespace intarsia::schedule {
using kernel::Builder;
using kernel::Fn;
using kernel::ValueId;

bool is_real(DType t) { return (only(t) & (kFloats | only(DType::kF8E4M3) | only(DType::kF8E5M2))) != 0; }
DType accumulator(DType t) { return t == DType::kF16 || t == DType::kBF16 ? DType::kF32 : t; }

Shape Rows::kept() const {
  Shape s = extents;
  for (std::size_t a = 0; a < s.size(); ++a)
    if (reduced[a]) s[a] = 1;
  return s;
}
Dim Rows::length() const {
  Dim n = 1;
  for (std::size_t a = 0; a < extents.size(); ++a)
    if (reduced[a]) n = n * extents[a];
  return n;
}

Rows rows_of(const Shape& shape, std::span<const std::size_t> axes) {
  Rows out;
  for (std::size_t a = 0; a < shape.size(); ++a) {
    if (identical(shape[a], 1)) continue;
    const char reduced = std::find(axes.begin(), axes.end(), a) != axes.end();
    if (!out.reduced.empty() && out.reduced.back() == reduced) {
      out.extents.back() = out.extents.back() * shape[a];
    } else {
      out.extents.push_back(shape[a]);
      out.reduced.push_back(reduced);
    }
  }
  const bool none = std::find(out.reduced.begin(), out.reduced.end(), 1) == out.reduced.end();
  if (none) out.extents.push_back(1), out.reduced.push_back(1);  // axes of extent 1, or no axes at all
  check(out.extents.size() <= kernel::Type::kMaxRank, "reduced axes alternate with kept ones too often");
  return out;
}

bool RowPlan::whole() const { return std::find(looped.begin(), looped.end(), 1) == looped.end(); }

namespace {
std::int64_t rounded(std::int64_t n, const kernel::Capabilities& machine) {
  return machine.cpu ? n : static_cast<std::int64_t>(std::bit_ceil(static_cast<std::uint64_t>(n)));
}
std::int64_t at_most(const Dim& extent, std::int64_t limit, const kernel::Capabilities& machine) {
  const std::int64_t most = extent.bounds().max;
  return most >= limit ? limit : rounded(std::max<std::int64_t>(most, 1), machine);
}

struct Planner {
  const Rows& rows;
  const kernel::Capabilities& machine;
  std::size_t row = 0;  // the last reduced axis: the one a block holds more of
  std::int64_t inner = 1;

  std::int64_t budget() const { return machine.cpu ? 8192 : 4096; }

  RowPlan plan(std::int64_t length, bool looped) const {
    RowPlan p;
    p.block.assign(rows.extents.size(), 1);
    p.looped.assign(rows.extents.size(), 0);
    for (std::size_t a = 0; a < rows.extents.size(); ++a)
      p.looped[a] = rows.reduced[a] && (a != row || looped);
    p.block[row] = length;
    if (row + 1 < p.block.size()) p.block.back() = inner;
    if (row > 0 && !rows.reduced[row - 1]) {
      const std::int64_t room =
          std::clamp<std::int64_t>((machine.cpu ? 4096 : 1024) / (length * inner), 1, 64);
      p.block[row - 1] =
          at_most(rows.extents[row - 1],
                  static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(room))), machine);
    }
    return p;
  }
  std::int64_t chunk() const { return std::max<std::int64_t>((machine.cpu ? 1024 : 2048) / inner, 4); }
};
}  // namespace

std::vector<RowPlan> plan_rows(const Rows& rows, const kernel::Capabilities& machine) {
  Planner p{rows, machine};
  while (p.row + 1 < rows.extents.size() && !(rows.reduced[p.row] && p.row + 2 >= rows.extents.size()))
    ++p.row;
  check(rows.reduced[p.row], "a row is reduced");
  if (p.row + 1 < rows.extents.size())
    p.inner = at_most(rows.extents.back(), machine.cpu ? 256 : 128, machine);
  const Dim& length = rows.extents[p.row];
  const std::int64_t most = length.bounds().max, budget = p.budget() / p.inner;
  if (length.is_constant() && most <= budget)
    return {p.plan(rounded(std::max<std::int64_t>(most, 1), machine), false)};
  std::vector<RowPlan> out;
  for (const std::int64_t size : {std::int64_t{64}, std::int64_t{1024}}) {
    if (size > budget || length.bounds().min > size) continue;
    out.push_back(p.plan(size, false));
    if (most <= size) return out;
    out.back().guard.push_back({length, Condition::Relation::kLessEqual, size});
  }
  out.push_back(p.plan(at_most(length, p.chunk(), machine), true));
  return out;
}

std::vector<ValueId> walk_grid(Builder& b, std::span<const Dim> extents,
                               std::span<const std::int64_t> block) {
  Dim programs = 1;
  std::vector<Dim> counts;
  for (std::size_t a = 0; a < block.size(); ++a) {
    counts.push_back(cdiv(extents[a], block[a]));
    programs = programs * counts[a];
  }
  b.kernel.grid = {programs, 1, 1};
  std::vector<ValueId> offsets(block.size());
  ValueId rest = b.program_id(0);
  for (std::size_t a = block.size(); a-- > 0;) {
    if (identical(counts[a], 1)) {
      offsets[a] = index_value(b, 0);
      continue;
    }
    const bool last = std::all_of(counts.begin(), counts.begin() + static_cast<std::ptrdiff_t>(a),
                                  [](const Dim& c) { return identical(c, 1); });
    const ValueId at = last ? rest : b.binary(Fn::kRem, rest, index_value(b, counts[a]));
    if (!last) rest = b.binary(Fn::kDiv, rest, index_value(b, counts[a]));
    offsets[a] = b.binary(Fn::kMul, at, b.constant(block[a], kernel::scalar(DType::kI64)));
  }
  return offsets;
}

Values walk_row(Builder& b, const Rows& rows, const RowPlan& plan, std::vector<ValueId>& offsets,
                Values carried, const std::function<Values(const Values&)>& body) {
  const std::function<Values(std::size_t, const Values&)> from = [&](std::size_t a,
                                                                     const Values& values) -> Values {
    while (a < plan.looped.size() && !plan.looped[a]) ++a;
    if (a == plan.looped.size()) return body(values);
    const ValueId lo = index_value(b, 0), hi = index_value(b, rows.extents[a]);
    const ValueId step = b.constant(plan.block[a], kernel::scalar(DType::kI64));
    const ValueId before = offsets[a];
    Values out = b.for_(lo, hi, step, values, [&](ValueId i, std::span<const ValueId> inner) {
      offsets[a] = i;
      return from(a + 1, Values(inner.begin(), inner.end()));
    });
    offsets[a] = before;
    return out;
  };
  return from(0, carried);
}

ValueId index_value(Builder& b, const Dim& d) {
  return d.is_constant() ? b.constant(d.constant(), kernel::scalar(DType::kI64)) : b.dim(d);
}
ValueId splat(Builder& b, double value, DType dtype, std::span<const std::int64_t> block) {
  return b.emit(kernel::Opcode::kConstant, {}, kernel::block(dtype, block),
                {{kernel::Key::kBits, kernel::constant_bits(dtype, value)}});
}
ValueId load_block(Builder& b, ValueId view, std::span<const ValueId> offsets,
                   std::span<const std::int64_t> block, std::int64_t fill_bits) {
  std::vector<ValueId> in = {view};
  in.insert(in.end(), offsets.begin(), offsets.end());
  return b.emit(kernel::Opcode::kViewLoad, in, kernel::block(b.type(view).dtype, block),
                {{kernel::Key::kFill, fill_bits}});
}
ValueId reduce_rows(Builder& b, Fn fn, ValueId v, const Rows& rows) {
  for (std::size_t a = 0; a < rows.extents.size(); ++a)
    if (rows.reduced[a] && b.type(v).extents[a] != 1) v = b.reduce(fn, v, static_cast<int>(a));
  return v;
}

}  // namespace intarsia::schedule
