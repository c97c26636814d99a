#include "ops/rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/error.h"

namespace intarsia::ops {
namespace {

bool is_one(const Dim& d) { return d.is_constant() && d.constant() == 1; }

std::string list_shapes(std::span<const Shape> shapes) {
  std::string s;
  for (std::size_t i = 0; i < shapes.size(); ++i)
    s += fmt::format("{}{}", i == 0 ? "" : i + 1 == shapes.size() ? " and " : ", ", shapes[i].str());
  return s;
}

// Position `index` of Python's slice on an axis: counted from the end if negative.
Dim from_front(const Dim& index, const Dim& extent) {
  if (index.bounds().max < 0) return index + extent;
  return select(less(index, 0), index + extent, index);
}
Dim at_least(const Dim& low, const Dim& d) { return known_less(d, low) == Known::kNo ? d : max(low, d); }
Dim at_most(const Dim& high, const Dim& d) { return known_less(high, d) == Known::kNo ? d : min(high, d); }

// An end of a slice. Clamping it below and above is needed to read there; to count elements one side is
// enough, since beyond the other there are none.
struct SliceEnd {
  Dim clamped, above, below;  // inside [low, high]; at least low; at most high
};
SliceEnd slice_end(const Dim& index, const Dim& extent, const Dim& low, const Dim& high) {
  if (index.is_constant() && index.constant() == std::numeric_limits<std::int64_t>::min())
    return {low, low, low};
  if (index.is_constant() && index.constant() == std::numeric_limits<std::int64_t>::max())
    return {high, high, high};
  const Dim d = from_front(index, extent);
  const Dim above = at_least(low, d);
  const bool inside = index.bounds().max < 0;  // from the end: never behind the last element
  return {inside ? above : at_most(high, above), above, inside ? d : at_most(high, d)};
}

}  // namespace

Shape broadcast(InferContext& context, std::span<const Shape> shapes) {
  std::size_t rank = 0;
  for (const Shape& s : shapes) rank = std::max(rank, s.size());
  Shape out(rank, 1);
  for (const Shape& s : shapes) {
    for (std::size_t i = 0; i < s.size(); ++i) {
      Dim& extent = out[rank - s.size() + i];
      const Dim& mine = s[i];
      if (is_one(mine) || known_equal(extent, mine) == Known::kYes) continue;
      if (is_one(extent)) {
        extent = mine;
        continue;
      }
      context.require_holds(
          {extent, Condition::Relation::kEqual, mine},
          fmt::format(
              "shapes {} do not broadcast: extents {} and {} of axis {} must be equal, or one of them 1",
              list_shapes(shapes), extent.str(), mine.str(),
              static_cast<std::int64_t>(i) - static_cast<std::int64_t>(s.size())));
      if (mine.is_constant()) extent = mine;  // the requirement makes them equal; the number says more
    }
  }
  return out;
}

void infer_broadcast(InferContext& context) {
  std::vector<Shape> shapes;
  for (std::size_t i = 0; i < context.size(); ++i) shapes.push_back(context.in(i).shape);
  context.out(broadcast(context, shapes));
}

void infer_same(InferContext& context) { context.out(context.in(0).shape); }

std::size_t normal_axis(std::int64_t axis, std::size_t rank) {
  const auto n = static_cast<std::int64_t>(rank);
  check(axis >= -n && axis < n, "an axis was not checked");
  return static_cast<std::size_t>(axis < 0 ? axis + n : axis);
}

std::size_t normal_axis(const OpDef& op, std::int64_t axis, std::size_t rank, std::string_view attribute) {
  const auto n = static_cast<std::int64_t>(rank);
  if (n == 0)
    throw UserError(
        fmt::format("{}: attribute '{}' is {}, but a scalar has no axes", op.id, attribute, axis));
  if (axis < -n || axis >= n)
    throw UserError(fmt::format("{}: attribute '{}' is {}, but must be in [{}, {}] for a tensor of rank {}",
                                op.id, attribute, axis, -n, n - 1, n));
  return normal_axis(axis, rank);
}

std::vector<std::size_t> reduced_axes(const OpDef& op, const Attributes& attributes, std::size_t rank) {
  std::vector<std::size_t> axes;
  if (!attributes.find("dim")) {
    for (std::size_t i = 0; i < rank; ++i) axes.push_back(i);
    return axes;
  }
  for (const std::int64_t axis : attributes.get<std::vector<std::int64_t>>("dim"))
    axes.push_back(normal_axis(op, axis, rank));
  std::sort(axes.begin(), axes.end());
  const auto twice = std::adjacent_find(axes.begin(), axes.end());
  if (twice != axes.end())
    throw UserError(fmt::format("{}: attribute 'dim' names axis {} twice", op.id, *twice));
  return axes;
}

std::vector<SliceAxis> slice_axes(const Shape& input, const Attributes& attributes) {
  const auto& begin = attributes.get<Shape>("begin");
  const auto& end = attributes.get<Shape>("end");
  const std::vector<std::int64_t> ones(input.size(), 1);
  const auto* given = attributes.find("step");
  const auto& step = given ? std::get<std::vector<std::int64_t>>(*given) : ones;
  std::vector<SliceAxis> axes;
  for (std::size_t i = 0; i < input.size(); ++i) {
    const bool forward = step[i] > 0;
    const Dim low = forward ? 0 : -1, high = forward ? input[i] : input[i] - 1;
    const SliceEnd first = slice_end(begin[i], input[i], low, high),
                   last = slice_end(end[i], input[i], low, high);
    const Dim span = forward ? last.below - first.above : first.below - last.above;
    axes.push_back({first.clamped, at_least(0, cdiv(span, forward ? step[i] : -step[i])), step[i]});
  }
  return axes;
}

}  // namespace intarsia::ops
