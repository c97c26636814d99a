#include "plugins/tensor_desc.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace intarsia::plugins {

const Dim& TensorDesc::extent(std::size_t axis) const {
  if (axis >= shape_.size())
    throw UserError(
        fmt::format("axis {} of {}, which has rank {}", axis, name_.empty() ? str() : name_, rank()));
  return shape_[axis];
}

Dim TensorDesc::bytes() const {
  return bits(dtype_) < 8 ? cdiv(numel() * bits(dtype_), 8) : numel() * (bits(dtype_) / 8);
}

bool TensorDesc::is_dynamic() const {
  return std::any_of(shape_.begin(), shape_.end(), [](const Dim& d) { return !d.is_constant(); });
}

std::string TensorDesc::str() const { return std::string(intarsia::name(dtype_)) + shape_.str(); }

TensorDesc TensorDesc::aliased() const {
  if (port_.kind != Port::Kind::kInput)
    throw UserError("aliased() is for inputs of a plugin; " + str() + " is not an input");
  TensorDesc out = like();
  out.alias_of_ = static_cast<int>(port_.index);
  return out;
}

TensorDesc TensorDesc::bound(Port port, std::string name) const {
  TensorDesc out = *this;
  out.port_ = port, out.name_ = std::move(name);
  return out;
}

}  // namespace intarsia::plugins
