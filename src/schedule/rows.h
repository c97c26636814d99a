// Reductions along rows: a tensor as runs of kept and reduced axes, the blocks a program takes, and loops
// over them.
#pragma once
#include <functional>
#include <span>
#include <vector>

#include "kernel/builder.h"
#include "schedule/implementation.h"

namespace intarsia::schedule {

// The tensor with neighbouring axes of one kind merged: kept and reduced ones alternate.
struct Rows {
  Shape extents;
  std::vector<char> reduced;  // per axis

  Shape kept() const;  // reduced axes as 1
  Dim length() const;  // elements of one row
};
Rows rows_of(const Shape& shape, std::span<const std::size_t> reduced_axes);

// How one program takes its rows: a block, and the reduced axes it walks in steps of the block.
struct RowPlan {
  Guard guard;
  std::vector<std::int64_t> block;
  std::vector<char> looped;  // per axis
  bool whole() const;        // nothing is looped: a row is in the block
};

// The plans in order of preference; the last serves every extent. `max_row`: elements of a row that a block
// may hold.
std::vector<RowPlan> plan_rows(const Rows& rows, const kernel::Capabilities& machine);

// Where a program's block lies: offsets of the kept axes from its id, 0 for the others. Sets the grid.
std::vector<kernel::ValueId> walk_grid(kernel::Builder& b, std::span<const Dim> extents,
                                       std::span<const std::int64_t> block);

using Values = std::vector<kernel::ValueId>;

// Calls `body` on every block of a row, outermost axis first; it sees the offsets and gives the next carried
// values.
Values walk_row(kernel::Builder& b, const Rows& rows, const RowPlan& plan,
                std::vector<kernel::ValueId>& offsets, Values carried,
                const std::function<Values(const Values&)>& body);

// An i64 scalar: a constant where the dim is one.
kernel::ValueId index_value(kernel::Builder& b, const Dim& d);
// A constant block; `value` in the dtype's own meaning.
kernel::ValueId splat(kernel::Builder& b, double value, DType dtype, std::span<const std::int64_t> block);
kernel::ValueId load_block(kernel::Builder& b, kernel::ValueId view, std::span<const kernel::ValueId> offsets,
                           std::span<const std::int64_t> block, std::int64_t fill_bits);
// Along every reduced axis of the block.
kernel::ValueId reduce_rows(kernel::Builder& b, kernel::Fn fn, kernel::ValueId v, const Rows& rows);

bool is_real(DType t);
DType accumulator(DType t);  // f32 for the 16-bit floats, else the dtype itself

}  // namespace intarsia::schedule
