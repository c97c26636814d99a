// What the files of the extension share: one bind function per layer, and conversions of what Python hands
// over.
#pragma once
#include <nanobind/nanobind.h>

#include <optional>

#include "base/attribute.h"
#include "base/dim.h"
#include "base/dtype.h"

namespace intarsia::python {

namespace nb = nanobind;

void bind_errors(nb::module_& m);
void bind_base(nb::module_& m);
void bind_memory(nb::module_& m);
void bind_kernel(nb::module_& m);
void bind_language(nb::module_& m);
void bind_plugins(nb::module_& m);
void bind_frontend(nb::module_& m);
void bind_ptx(nb::module_& m);

// A Dim, condition, bool, int or anything with __index__ (NumPy's integers); nothing for everything else.
std::optional<Dim> as_dim(nb::handle value);
// The same; a TypeError that names what was wanted where it is none.
Dim to_dim(nb::handle value, const char* what);
Shape to_shape(nb::handle value, const char* what);

// A DType object, or one of its names; UserError for anything else.
DType to_dtype(nb::handle value);

// The exact int of a Python object with __index__; UserError that names `what` if it needs more than 64 bits.
std::int64_t to_int64(nb::handle value, const char* what);

}  // namespace intarsia::python
