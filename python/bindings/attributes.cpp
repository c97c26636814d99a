#include "attributes.h"

#include <fmt/format.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "bindings.h"
#include "memory.h"

namespace intarsia::python {

namespace {

std::string python_type(nb::handle value) { return nb::cast<std::string>(value.type().attr("__name__")); }

bool all(nb::handle items, bool (*test)(nb::handle)) {
  for (nb::handle item : items)
    if (!test(item)) return false;
  return true;
}
bool is_integer(nb::handle x) {
  return !PyBool_Check(x.ptr()) && PyIndex_Check(x.ptr()) && !nb::isinstance<Dim>(x);
}
bool is_number(nb::handle x) { return is_integer(x) || PyFloat_Check(x.ptr()); }
bool is_text(nb::handle x) { return PyUnicode_Check(x.ptr()); }
bool is_extent(nb::handle x) {
  return nb::isinstance<Dim>(x) || nb::isinstance<Condition>(x) || is_integer(x);
}

AttributeValue list(nb::handle items) {
  if (all(items, is_integer)) {
    std::vector<std::int64_t> out;
    for (nb::handle i : items) out.push_back(to_int64(i, "an element of a list"));
    return out;
  }
  if (all(items, is_number)) {
    std::vector<double> out;
    for (nb::handle i : items) out.push_back(nb::cast<double>(nb::float_(nb::borrow(i))));
    return out;
  }
  if (all(items, is_text)) return nb::cast<std::vector<std::string>>(items);
  if (all(items, is_extent)) return to_shape(items, "an attribute");
  throw nb::type_error("a list attribute holds integers, floats or strings, all of one kind");
}

// Array and scalar objects of NumPy, and arrays of others that it can read.
PythonAttribute array(nb::handle value) {
  const nb::object contiguous = nb::module_::import_("numpy").attr("ascontiguousarray")(value);
  const std::size_t rank = nb::cast<std::size_t>(value.attr("ndim"));
  const Memory m = memory_of(contiguous);
  Array out{
      m.dtype, m.numel(),
      std::string(static_cast<const char*>(m.data), static_cast<std::size_t>(m.numel() * bits(m.dtype) / 8))};
  return {std::move(out), rank, rank == 1 ? "" : fmt::format("an array of {} axes", rank)};
}

PythonAttribute scalar_or_array(nb::handle value) {
  if (nb::hasattr(value, "ndim") && nb::cast<std::size_t>(value.attr("ndim")) == 0 &&
      nb::hasattr(value, "item"))
    return to_attribute(value.attr("item")());
  return array(value);
}

}  // namespace

PythonAttribute to_attribute(nb::handle value) {
  if (value.is_none()) return {std::monostate{}};
  if (PyBool_Check(value.ptr())) return {value.is(Py_True)};
  if (nb::hasattr(value, "name") && nb::hasattr(value, "value") && nb::hasattr(value.type(), "__members__"))
    return {nb::cast<std::string>(value.attr("name"))};
  if (PyLong_Check(value.ptr())) return {to_int64(value, "an integer attribute")};
  if (PyFloat_Check(value.ptr())) return {nb::cast<double>(nb::float_(nb::borrow(value)))};
  if (is_text(value)) return {nb::cast<std::string>(value)};
  if (PyBytes_Check(value.ptr()))
    return {Bytes{
        std::string(PyBytes_AsString(value.ptr()), static_cast<std::size_t>(PyBytes_Size(value.ptr())))}};
  if (nb::isinstance<nb::list>(value) || nb::isinstance<nb::tuple>(value)) return {list(value)};
  if (nb::isinstance<Dim>(value)) return {Shape{nb::cast<Dim>(value)}};
  if (nb::hasattr(value, "code") && nb::isinstance<DType>(value.attr("code")))
    return {nb::cast<DType>(value.attr("code"))};
  if (nb::hasattr(value, "dtype")) return scalar_or_array(value);
  if (PyIndex_Check(value.ptr())) return {to_int64(value, "an integer attribute")};
  throw nb::type_error(
      fmt::format(
          "an attribute cannot be a {}: bool, int, float, str, bytes, dtypes, enums, lists and 1-D arrays "
          "can",
          python_type(value))
          .c_str());
}

nb::object from_attribute(const AttributeValue& value) {
  const auto convert = [](const auto& v) -> nb::object {
    using T = std::decay_t<decltype(v)>;
    if constexpr (std::is_same_v<T, std::monostate>)
      return nb::none();
    else if constexpr (std::is_same_v<T, DType>)
      return nb::module_::import_("intarsia.dtypes").attr("of_code")(v);
    else if constexpr (std::is_same_v<T, Shape>) {
      nb::list out;
      for (const Dim& d : v) out.append(d.is_constant() ? nb::cast(d.constant()) : nb::cast(d));
      return out;
    } else if constexpr (std::is_same_v<T, Bytes>)
      return nb::bytes(v.data.data(), v.data.size());
    else if constexpr (std::is_same_v<T, Array>) {
      const nb::object dtype = nb::module_::import_("intarsia.dtypes").attr("of_code")(v.dtype).attr("numpy");
      return nb::module_::import_("numpy").attr("frombuffer")(nb::bytes(v.data.data(), v.data.size()), dtype);
    } else
      return nb::cast(v);
  };
  return std::visit(convert, value);
}
nb::dict from_attributes(const Attributes& attributes) {
  nb::dict out;
  for (const auto& [name, value] : attributes) out[name.c_str()] = from_attribute(value);
  return out;
}

}  // namespace intarsia::python
