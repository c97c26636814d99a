#include "memory.h"

#include <fmt/format.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <cstring>
#include <optional>

#include "base/error.h"
#include "bindings.h"

namespace intarsia::python {

namespace {

DType dtype_of(nb::dlpack::dtype t) {
  using Code = nb::dlpack::dtype_code;
  const auto code = static_cast<Code>(t.code);
  if (t.lanes != 1) return DType{};
  if (code == Code::Bool && t.bits == 8) return DType::kBool;
  if (code == Code::Bfloat && t.bits == 16) return DType::kBF16;
  if (code == Code::Float8_E4M3FN) return DType::kF8E4M3;
  if (code == Code::Float8_E5M2) return DType::kF8E5M2;
  const char kind = code == Code::Int ? 'i' : code == Code::UInt ? 'u' : code == Code::Float ? 'f' : '?';
  return dtype_named(fmt::format("{}{}", kind, t.bits));
}

nb::dlpack::dtype dlpack_dtype(DType t) {
  using Code = nb::dlpack::dtype_code;
  const auto made = [t](Code code) {
    return nb::dlpack::dtype{static_cast<std::uint8_t>(code), static_cast<std::uint8_t>(bits(t)), 1};
  };
  switch (t) {
    case DType::kBool: return made(Code::Bool);
    case DType::kBF16: return made(Code::Bfloat);
    case DType::kF8E4M3: return made(Code::Float8_E4M3FN);
    case DType::kF8E5M2: return made(Code::Float8_E5M2);
    case DType::kF16:
    case DType::kF32:
    case DType::kF64: return made(Code::Float);
    case DType::kU8:
    case DType::kU16:
    case DType::kU32:
    case DType::kU64: return made(Code::UInt);
    case DType::kI8:
    case DType::kI16:
    case DType::kI32:
    case DType::kI64: return made(Code::Int);
    case DType::kI4:
    case DType::kU4: break;
  }
  throw UserError(fmt::format("DLPack has no packed {}; cast to i8 first", name(t)));
}

// Of an element in the struct module's notation; 0: none of ours.
DType dtype_of_format(const char* format, Py_ssize_t bytes) {
  if (!format) return DType{};
  if (*format == '@' || *format == '=' || *format == '<') ++format;
  if (format[0] == 0 || format[1] != 0) return DType{};
  const char c = format[0];
  if (c == '?') return DType::kBool;
  const char kind = std::strchr("bhilqn", c)   ? 'i'
                    : std::strchr("BHILQN", c) ? 'u'
                    : std::strchr("efd", c)    ? 'f'
                                               : 0;
  return kind ? dtype_named(fmt::format("{}{}", kind, bytes * 8)) : DType{};
}

// By the buffer protocol, which is several times faster than DLPack. Nothing: no buffer, or of other
// elements.
std::optional<Memory> from_buffer(nb::handle value) {
  if (!PyObject_CheckBuffer(value.ptr())) return std::nullopt;
  nb::object view = nb::steal(PyMemoryView_FromObject(value.ptr()));
  if (!view.is_valid()) {
    PyErr_Clear();
    return std::nullopt;
  }
  const Py_buffer& b = *PyMemoryView_GET_BUFFER(view.ptr());
  Memory m;
  m.data = b.buf, m.dtype = dtype_of_format(b.format, b.itemsize), m.read_only = b.readonly != 0;
  if (!is_known(m.dtype)) return std::nullopt;
  for (int i = 0; i < b.ndim; ++i) {
    if (b.strides[i] % b.itemsize != 0) return std::nullopt;
    m.shape.push_back(b.shape[i]), m.strides.push_back(b.strides[i] / b.itemsize);
  }
  m.owner = std::move(view);
  return m;
}

std::string python_type(nb::handle value) { return nb::cast<std::string>(value.type().attr("__name__")); }

}  // namespace

std::int64_t Memory::numel() const {
  std::int64_t n = 1;
  for (std::int64_t extent : shape) n *= extent;
  return n;
}
bool Memory::is_contiguous() const {
  std::int64_t expected = 1;
  for (std::size_t i = shape.size(); i-- > 0;) {
    if (shape[i] != 1 && strides[i] != expected && numel() != 0) return false;
    expected *= shape[i];
  }
  return true;
}

Memory memory_of(nb::handle value) {
  if (std::optional<Memory> found = from_buffer(value)) return std::move(*found);
  nb::ndarray<nb::ro> array;
  if (!nb::try_cast(value, array)) {
    if (PyObject_CheckBuffer(value.ptr()) && nb::hasattr(value, "dtype"))
      throw UserError(
          fmt::format("arrays of {} cannot be read here: their elements are none that Intarsia has, "
                      "or their bytes stand in another order than this machine's",
                      nb::str(nb::object(value.attr("dtype"))).c_str()));
    throw UserError(fmt::format("an array is wanted (NumPy, PyTorch, or anything else with DLPack), not {}",
                                python_type(value)));
  }
  Memory m;
  m.dtype = dtype_of(array.dtype());
  if (!is_known(m.dtype))
    throw UserError(fmt::format("the dtype of this {} is none that Intarsia has", python_type(value)));
  m.data = const_cast<void*>(array.data());
  for (std::size_t i = 0; i < array.ndim(); ++i) {
    m.shape.push_back(static_cast<std::int64_t>(array.shape(i)));
    m.strides.push_back(array.stride(i));
  }
  m.device_type = array.device_type(), m.device_id = array.device_id();
  m.owner = nb::cast(array);
  return m;
}

nb::object dlpack_of(void* data, DType dtype, const std::vector<std::int64_t>& shape,
                     const std::vector<std::int64_t>& strides, int device_type, int device_id,
                     nb::handle owner) {
  const std::vector<std::size_t> extents(shape.begin(), shape.end());
  return nb::cast(nb::ndarray<nb::array_api>(data, extents.size(), extents.data(), owner,
                                             strides.empty() ? nullptr : strides.data(), dlpack_dtype(dtype),
                                             device_type, device_id));
}

void bind_memory(nb::module_& m) {
  nb::class_<Memory>(m, "Memory", "Memory of an array that somebody else owns; kept alive by this object.")
      .def_prop_ro("address", [](const Memory& x) { return reinterpret_cast<std::uintptr_t>(x.data); })
      .def_ro("dtype", &Memory::dtype)
      .def_ro("shape", &Memory::shape)
      .def_ro("strides", &Memory::strides)
      .def_ro("device_type", &Memory::device_type)
      .def_ro("device_id", &Memory::device_id)
      .def_ro("read_only", &Memory::read_only)
      .def_prop_ro("is_contiguous", &Memory::is_contiguous);
  m.def("memory_of", &memory_of, nb::arg("array"));
}

}  // namespace intarsia::python
