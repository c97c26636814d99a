// Host arrays for tests of kernels, as the interpreter binds them.
#pragma once
#include <string>
#include <vector>

#include "base/convert.h"
#include "base/error.h"
#include "kernel/interpret.h"

namespace intarsia::kernel {

struct Array {
  DType dtype = DType::kF32;
  std::int64_t count = 0;
  std::vector<unsigned char> bytes = {};

  Array(DType t, std::int64_t n)
      : dtype(t), count(n), bytes(static_cast<std::size_t>(bytes_of(t, n)), 0xcd) {}
  Array(DType t, const std::vector<double>& values) : Array(t, static_cast<std::int64_t>(values.size())) {
    for (std::int64_t i = 0; i < count; ++i) set(i, values[static_cast<std::size_t>(i)]);
  }
  Array(DType t, std::initializer_list<double> values) : Array(t, std::vector<double>(values)) {}
  void set(std::int64_t i, double v) {
    store_bits(
        dtype, bytes.data(), i,
        is_float(dtype) ? bits_from_float(dtype, v) : bits_from_int(dtype, static_cast<std::int64_t>(v)));
  }
  std::uint64_t bits(std::int64_t i) const { return load_bits(dtype, bytes.data(), i); }
  double get(std::int64_t i) const {
    return is_float(dtype) ? float_from_bits(dtype, bits(i))
                           : static_cast<double>(int_from_bits(dtype, bits(i)));
  }
  std::vector<double> values() const {
    std::vector<double> out;
    for (std::int64_t i = 0; i < count; ++i) out.push_back(get(i));
    return out;
  }
  HostTensor as(Role role, std::uint32_t port, bool initialised = false) {
    return {role, port, dtype, count, bytes.data(), initialised};
  }
};

template <class F>
std::string error_of(F f) {
  try {
    f();
  } catch (const std::exception& e) { return e.what(); }
  return "no error";
}

}  // namespace intarsia::kernel
