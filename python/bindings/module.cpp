// The extension module intarsia._intarsia: C++ layers as they are; the package in front of it is Python.
#include "bindings.h"

NB_MODULE(_intarsia, m) {
  using namespace intarsia::python;
  // The registry of plugins keeps functions of Python as long as the process lives.
  nanobind::set_leak_warnings(false);
  bind_errors(m);
  bind_base(m);
  bind_memory(m);
  bind_kernel(m);
  bind_language(m);
  bind_plugins(m);
  bind_frontend(m);
  bind_ptx(m);
}
