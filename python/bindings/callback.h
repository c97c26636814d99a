// A Python function that C++ keeps and calls from any thread.
#pragma once
#include <nanobind/nanobind.h>

#include <memory>

namespace intarsia::python {

class Callback {
 public:
  explicit Callback(nanobind::object function)
      : function_(function.release().ptr(), [](PyObject* p) {
          // After the interpreter has gone there is nobody left to give it back to.
          if (!Py_IsInitialized()) return;
          const nanobind::gil_scoped_acquire gil;
          Py_DECREF(p);
        }) {}

  // Needs the GIL. Python's exceptions pass through C++ and arrive at the caller as they were raised.
  template <class... Args>
  nanobind::object operator()(Args&&... args) const {
    return nanobind::handle(function_.get())(std::forward<Args>(args)...);
  }

 private:
  std::shared_ptr<PyObject> function_;
};

}  // namespace intarsia::python
