#include "call_site.h"

#include <nanobind/stl/string.h>

#include <memory>
#include <string>

#include "bindings.h"

namespace intarsia::python {

namespace {

// Errors carry the place as a token, which intarsia/errors.py turns into a Location when the exception is
// made.
class PythonSite final : public CallSite {
 public:
  PythonSite(PyCodeObject* code, int instruction) : code_(code), instruction_(instruction) {
    Py_INCREF(code_);
  }
  ~PythonSite() override {
    if (!Py_IsInitialized()) return;
    const nb::gil_scoped_acquire gil;
    Py_DECREF(code_);
  }
  PythonSite(const PythonSite&) = delete;
  PythonSite& operator=(const PythonSite&) = delete;

  std::string place() const override { return ask("place"); }
  std::string show() const override { return ask("token"); }

 private:
  std::string ask(const char* function) const {
    const nb::gil_scoped_acquire gil;
    const nb::handle code(reinterpret_cast<PyObject*>(code_));
    return nb::cast<std::string>(nb::module_::import_("intarsia.errors").attr(function)(code, instruction_));
  }

  PyCodeObject* code_;
  int instruction_;
};

int instruction_of(PyFrameObject* frame) {
#if PY_VERSION_HEX >= 0x030B0000
  return PyFrame_GetLasti(frame);
#else
  return nb::cast<int>(nb::handle(reinterpret_cast<PyObject*>(frame)).attr("f_lasti"));
#endif
}

bool is_ours(PyCodeObject* code, std::string_view package) {
  Py_ssize_t size = 0;
  const char* file = PyUnicode_AsUTF8AndSize(code->co_filename, &size);
  const std::string_view text(file ? file : "", static_cast<std::size_t>(size));
  return text.starts_with(package) ||
         text.starts_with("<intarsia.");  // functions written from the operator table
}

}  // namespace

Caller caller() {
  static const auto* package =
      new std::string(nb::cast<std::string>(nb::module_::import_("intarsia.errors").attr("_PACKAGE")));
  PyFrameObject* frame = PyEval_GetFrame();
  Py_XINCREF(frame);
  while (frame) {
    PyCodeObject* code = PyFrame_GetCode(frame);
    if (!is_ours(code, *package)) {
      Caller found(std::make_shared<PythonSite>(code, instruction_of(frame)));
      Py_DECREF(code);
      Py_DECREF(frame);
      return found;
    }
    Py_DECREF(code);
    PyFrameObject* back = PyFrame_GetBack(frame);
    Py_DECREF(frame);
    frame = back;
  }
  return Caller();
}

}  // namespace intarsia::python
