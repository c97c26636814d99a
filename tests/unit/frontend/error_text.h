// The texts of errors without the place they show, whose line changes with the test.
#pragma once
#include <string>

#include "base/error.h"

namespace intarsia {

template <class F>
std::string error_of(F&& f) {
  try {
    f();
  } catch (const UserError& error) { return error.what(); }
  return "no error";
}

// "file:line:column", and line and caret where the file can be read.
inline std::string without_place(const std::string& text) {
  const std::size_t first = text.find('\n'), caret = text.find("^\n");
  if (caret != std::string::npos) return text.substr(caret + 2);
  return text.find("_test.cpp:") < first ? text.substr(first + 1) : text;
}
template <class F>
std::string message(F&& f) {
  return without_place(error_of(f));
}

}  // namespace intarsia
