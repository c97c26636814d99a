#include "ops/op_def.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace intarsia::ops {

InferContext::InferContext(const OpDef& op, std::span<const TensorType> inputs, const Attributes& attributes,
                           std::span<const RegionType> regions, std::string_view unique_prefix)
    : op_(op), inputs_(inputs), attributes_(attributes), regions_(regions), prefix_(unique_prefix) {}

const TensorType& InferContext::in(std::size_t i) const {
  require(i < inputs_.size(), fmt::format("has no input {}", i));
  return inputs_[i];
}

const RegionType& InferContext::region(std::size_t i) const {
  require(i < regions_.size(), fmt::format("has no body {}", i));
  return regions_[i];
}

void InferContext::require(bool holds, const std::string& what) const {
  if (!holds) throw UserError(fmt::format("{}: {}", op_.id, what));
}

void InferContext::require_rank(std::size_t input, std::size_t rank) const {
  const Shape& shape = in(input).shape;
  if (shape.size() == rank) return;
  const std::string_view port = op_.inputs[std::min(input, op_.inputs.size() - 1)].name;
  require(false, fmt::format("input '{}' must have rank {}, was given shape {}", port, rank, shape.str()));
}

void InferContext::require_holds(const Condition& condition, const std::string& what) {
  const Known answer = known(condition);
  require(answer != Known::kNo, what);
  if (answer == Known::kUnknown)
    result_.requirements.push_back({condition, fmt::format("{}: {}", op_.id, what)});
}

void InferContext::require_equal(const Dim& a, const Dim& b, std::string_view what_a,
                                 std::string_view what_b) {
  if (known_equal(a, b) == Known::kYes) return;
  require_holds({a, Condition::Relation::kEqual, b},
                fmt::format("{} ({}) must equal {} ({})", what_a, a.str(), what_b, b.str()));
}

void InferContext::out(Shape shape) { out(std::move(shape), DType{0}); }

void InferContext::out(Shape shape, DType dtype) { result_.outputs.push_back({dtype, std::move(shape)}); }

Dim InferContext::data_extent(const Dim& upper, int port) {
  const Dim symbol =
      Dim::symbol(fmt::format("{}.size{}", prefix_, port), {.min = 0, .max = upper.bounds().max});
  result_.data_extents.push_back({symbol, upper, port});
  return symbol;
}

InferContext::Result InferContext::finish() {
  if (result_.outputs.size() != op_.outputs.size())
    require(false, fmt::format("its shape rule gave {} outputs, the schema has {}", result_.outputs.size(),
                               op_.outputs.size()));
  return std::move(result_);
}

}  // namespace intarsia::ops
