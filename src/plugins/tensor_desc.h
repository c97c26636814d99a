// TensorDesc: what a plugin's functions see of a tensor while compiling: dtype, extents, format.
#pragma once
#include <cstdint>
#include <string>
#include <utility>

#include "base/dim.h"
#include "base/dtype.h"

namespace intarsia::plugins {

// Which tensor of a plugin's node a descriptor stands for, so that an argument list can name tensors in any
// order.
struct Port {
  enum class Kind : std::uint8_t { kNone, kInput, kOutput, kTemporary };
  Kind kind = Kind::kNone;
  std::uint32_t index = 0;
  bool operator==(const Port&) const = default;
};

class TensorDesc {
 public:
  TensorDesc() = default;
  TensorDesc(DType dtype, Shape shape, std::string format = "LINEAR")
      : dtype_(dtype), shape_(std::move(shape)), format_(std::move(format)) {}

  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  const std::string& format() const { return format_; }
  std::size_t rank() const { return shape_.size(); }
  const Dim& extent(std::size_t axis) const;  // UserError: beyond the rank
  Dim numel() const { return shape_.numel(); }
  Dim bytes() const;  // i4 and u4 are packed
  bool is_dynamic() const;
  std::string str() const;  // f32[2, n]

  // New descriptors for outputs, which start from this one.
  TensorDesc like() const { return {dtype_, shape_, format_}; }
  TensorDesc like(DType dtype) const { return {dtype, shape_, format_}; }
  TensorDesc like(Shape shape) const { return {dtype_, std::move(shape), format_}; }
  TensorDesc aliased() const;  // shares this input's memory: updated in place

  void set_dtype(DType dtype) { dtype_ = dtype; }
  void set_shape(Shape shape) { shape_ = std::move(shape); }
  void set_format(std::string format) { format_ = std::move(format); }

  Port port() const { return port_; }
  int alias_of() const { return alias_of_; }  // input, or -1
  const std::string& name() const { return name_; }
  TensorDesc bound(Port port, std::string name) const;  // the same tensor as a port of a node

 private:
  DType dtype_ = DType::kF32;
  Shape shape_;
  std::string format_ = "LINEAR";
  Port port_;
  int alias_of_ = -1;
  std::string name_;
};

}  // namespace intarsia::plugins

namespace intarsia {
using plugins::TensorDesc;
}
