// C++ exceptions become the classes of intarsia/errors.py, which the package hands over when it is imported.
#include "base/error.h"

#include <cstring>

#include "bindings.h"

namespace intarsia::python {

namespace {

// Borrowed from the module's dictionary, where they live as long as the interpreter.
struct ErrorClasses {
  PyObject *user, *unsupported, *internal;
};

// The exception is made here and now, while the frame of the caller, whose line it shows, is still there.
void raise(PyObject* type, const char* text) {
  const nb::object message =
      nb::steal(PyUnicode_DecodeUTF8(text, static_cast<Py_ssize_t>(std::strlen(text)), "replace"));
  const nb::object error = nb::steal(PyObject_CallOneArg(type, message.ptr()));
  if (error.is_valid()) PyErr_SetObject(type, error.ptr());
}

void translate(const std::exception_ptr& error, void* payload) {
  const auto& classes = *static_cast<ErrorClasses*>(payload);
  try {
    std::rethrow_exception(error);
  } catch (const Unsupported& e) { raise(classes.unsupported, e.what()); } catch (const UserError& e) {
    raise(classes.user, e.what());
  } catch (const InternalError& e) { raise(classes.internal, e.what()); }
}

}  // namespace

void bind_errors(nb::module_& m) {
  const nb::module_ errors = nb::module_::import_("intarsia.errors");
  m.attr("_errors") = errors;
  auto* classes = new ErrorClasses{errors.attr("Error").ptr(), errors.attr("Unsupported").ptr(),
                                   errors.attr("InternalError").ptr()};
  m.attr("_error_classes") =
      nb::capsule(classes, [](void* p) noexcept { delete static_cast<ErrorClasses*>(p); });
  nb::register_exception_translator(translate, classes);
}

}  // namespace intarsia::python
