// matmul: matrix products with batch axes that broadcast, and vectors.
#include <fmt/format.h>

#include "base/error.h"
#include "ops/host.h"
#include "ops/ops.h"
#include "ops/rules.h"

namespace intarsia::ops {
namespace {

constexpr Input kInputs[] = {
    {.name = "lhs", .dtypes = kNumbers, .type_variable = 0, .doc = "shape [..., m, k], or [k]"},
    {.name = "rhs", .dtypes = kNumbers, .type_variable = 0, .doc = "shape [..., k, n], or [k]"},
};
constexpr Output kSame[] = {
    {.name = "output", .type_variable = 0, .doc = "[..., m, n]; without m or n where a side is a vector"}};

void infer(InferContext& context) {
  const Shape &a = context.in(0).shape, &b = context.in(1).shape;
  context.require(!a.empty() && !b.empty(),
                  fmt::format("shapes {} and {}: both sides need at least one axis; use mul for scalars",
                              a.str(), b.str()));
  const Dim& rows_of_b = b.size() == 1 ? b[0] : b[b.size() - 2];
  context.require_equal(a.back(), rows_of_b, a.size() == 1 ? "extent of lhs" : "columns of lhs",
                        b.size() == 1 ? "extent of rhs" : "rows of rhs");
  const Shape batches[] = {Shape(a.begin(), a.end() - (a.size() == 1 ? 1 : 2)),
                           Shape(b.begin(), b.end() - (b.size() == 1 ? 1 : 2))};
  Shape out = broadcast(context, batches);
  if (a.size() > 1) out.push_back(a[a.size() - 2]);
  if (b.size() > 1) out.push_back(b.back());
  context.out(std::move(out));
}

// A side as batches of matrices: a vector is one row on the left, one column on the right.
struct Side {
  Side(const HostTensor& t, bool left, std::size_t rank_of_batch)
      : tensor(t), batch_strides(rank_of_batch, 0) {
    const auto own = strides_of(t.extents);
    const std::size_t rank = own.size(), batch = rank < 2 ? 0 : rank - 2;
    if (rank == 1)
      (left ? column : row) = 1;
    else
      row = own[rank - 2], column = own[rank - 1];
    for (std::size_t i = 0; i < batch; ++i)
      batch_strides[rank_of_batch - batch + i] = t.extents[i] == 1 ? 0 : own[i];
  }
  const HostTensor& tensor;
  std::vector<std::int64_t> batch_strides;
  std::int64_t row = 0, column = 0;
};

void reference(ReferenceContext& c) {
  const HostTensor &a = c.inputs[0], &b = c.inputs[1], &out = c.outputs[0];
  const std::int64_t m = a.extents.size() == 1 ? 1 : a.extents[a.extents.size() - 2], k = a.extents.back();
  const std::int64_t n = b.extents.size() == 1 ? 1 : b.extents.back();
  std::vector<std::int64_t> batch = out.extents;
  batch.resize(batch.size() - (a.extents.size() > 1) - (b.extents.size() > 1));
  const Side left(a, true, batch.size()), right(b, false, batch.size());
  with_number_class(a.dtype, [&]<class T>(T) {
    using Sum = std::conditional_t<std::same_as<T, double>, double, std::uint64_t>;  // integers wrap
    for (std::int64_t at = 0; at < numel(out); ++at) {
      const auto place = position(at / (m * n), batch);
      const std::int64_t x = offset(place, left.batch_strides) + at / n % m * left.row;
      const std::int64_t y = offset(place, right.batch_strides) + at % n * right.column;
      Sum sum = 0;
      for (std::int64_t i = 0; i < k; ++i)
        sum += static_cast<Sum>(read<T>(a, x + i * left.column)) *
               static_cast<Sum>(read<T>(b, y + i * right.row));
      write(out, at, static_cast<T>(sum));
    }
  });
}

}  // namespace

constexpr OpDef kMatmul = {
    .id = "matmul",
    .summary = "Matrix product.",
    .inputs = kInputs,
    .outputs = kSame,
    .infer = infer,
    .reference = reference,
    .doc =
        "`output[..., i, j]` is the sum of `lhs[..., i, k] * rhs[..., k, j]` over k. Batch axes broadcast; a "
        "vector is a row on the left, "
        "a column on the right, and its axis is not in the result. Floats are summed in at least f32 and "
        "rounded once, products of f32 are "
        "f32; integers wrap. Of no products it is 0. UserError: columns of `lhs` and rows of `rhs` differ; "
        "batch axes do not broadcast; a "
        "side is a scalar.",
    .example = "assert ia.matmul(ia.ones((2, 3)), ia.ones((3, 1))).tolist() == [[3.0], [3.0]]"};

}  // namespace intarsia::ops
