// The C++ functions of the operators, written from the operator table: include/intarsia/functions.h and
// functions.cpp are this text, and a test compares them.
#pragma once
#include <string>

namespace intarsia::frontend {

std::string functions_header();
std::string functions_source();

}  // namespace intarsia::frontend
