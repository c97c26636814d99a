// What PTX tests share: files of the repository, and the message of an error.
#pragma once
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "base/error.h"
#include "ptx/ptx.h"

namespace intarsia::ptx::test {

inline std::string file(const std::string& path) {
  std::ifstream in(std::string(INTARSIA_SOURCE_DIR) + "/tests/ptx/" + path, std::ios::binary);
  EXPECT_TRUE(in.good()) << path;
  return {std::istreambuf_iterator<char>(in), {}};
}

inline const char* kHeader = ".version 8.7\n.target sm_80\n.address_size 64\n";

template <class F>
std::string error_of(F f) {
  try {
    f();
  } catch (const UserError& e) { return e.what(); }
  return "no error";
}

}  // namespace intarsia::ptx::test
