// Attribute values between C++ and Python.
#pragma once
#include <nanobind/nanobind.h>

#include "base/attribute.h"

namespace intarsia::python {

struct PythonAttribute {
  AttributeValue value;
  std::size_t rank = 1;    // of an array
  std::string given = {};  // how a message calls it where our own words would puzzle: "an array of 2 axes"
};

// bool, int, float, str, bytes, dtype, None, enum member (by name), lists of one kind, NumPy scalars and
// arrays, symbolic integers and shapes. TypeError for anything else.
PythonAttribute to_attribute(nanobind::handle value);

nanobind::object from_attribute(const AttributeValue& value);
nanobind::dict from_attributes(const Attributes& attributes);

}  // namespace intarsia::python
