// Tensor: memory of one tensor while a plugin's function runs.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "base/dtype.h"
#include "base/error.h"

namespace intarsia::plugins {

// Row-major and contiguous; on the device of the call (the host's memory on a CPU).
struct Tensor {
  DType dtype{};
  std::vector<std::int64_t> shape;
  void* data = nullptr;

  std::int64_t numel() const {
    std::int64_t n = 1;
    for (std::int64_t extent : shape) n *= extent;
    return n;
  }
  template <class T>
  std::span<T> elements() const {  // UserError: T is of another width
    if (static_cast<std::int64_t>(sizeof(T)) * 8 != bits(dtype))
      throw UserError("elements of " + std::string(name(dtype)) + " were asked for as a type of " +
                      std::to_string(sizeof(T)) + " bytes");
    return {static_cast<T*>(data), static_cast<std::size_t>(numel())};
  }
};

}  // namespace intarsia::plugins
