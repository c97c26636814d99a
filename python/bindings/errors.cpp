// C++ exceptions become the classes of intarsia/errors.py, which the package hands over when it is imported.
#include "base/error.h"
#include "bindings.h"

namespace intarsia::python {

namespace {

// Borrowed from the module's dictionary, where they live as long as the interpreter.
struct ErrorClasses {
  PyObject *user, *unsupported, *internal;
};

void translate(const std::exception_ptr& error, void* payload) {
  const auto& classes = *static_cast<ErrorClasses*>(payload);
  try {
    std::rethrow_exception(error);
  } catch (const Unsupported& e) {
    PyErr_SetString(classes.unsupported, e.what());
  } catch (const UserError& e) { PyErr_SetString(classes.user, e.what()); } catch (const InternalError& e) {
    PyErr_SetString(classes.internal, e.what());
  }
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
