// Writes the element function of one node: what it reads at which offsets, and the scalar work on it.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "kernel/element.h"
#include "schedule/implementation.h"

namespace intarsia::schedule {

class ElementBuilder {
 public:
  using Value = kernel::ValueId;

  explicit ElementBuilder(const Query& query);  // over the extents of output 0

  const Shape& space() const { return element_.space; }
  DType type(Value v) const { return element_.body.type(v).dtype; }

  Value read(std::uint32_t input,
             const Dim& offset);     // the element `offset` after the tensor's start; 0 outside of it
  Value read(std::uint32_t input);   // the element here, stretched by NumPy's rule
  Value position(const Dim& value);  // an i64 over the axes
  Value number(double value, DType dtype);
  Value bits(std::int64_t bits, DType dtype);  // of the value as f64, or as i64

  Value unary(kernel::Fn fn, Value a);
  Value binary(kernel::Fn fn, Value a, Value b);
  Value compare(kernel::Fn fn, Value a, Value b);
  Value select(Value condition, Value if_true, Value if_false);
  Value cast(Value a, DType dtype);

  kernel::Element finish(std::span<const Value> results);
  kernel::Element finish(Value result) { return finish(std::span(&result, 1)); }

 private:
  Value operand(kernel::Param param, DType dtype, const Dim& offset);
  Value emit(kernel::Opcode opcode, std::span<const Value> operands, DType dtype);
  Value emit(kernel::Opcode opcode, std::span<const Value> operands, DType dtype, kernel::Attr attr);

  const Query& query_;
  kernel::Element element_;
};

// The offset in a tensor of what stands at element x of `space`, where extents of 1 stretch and axes align at
// the right.
Dim stretched(const Shape& tensor, const Shape& space);

}  // namespace intarsia::schedule
