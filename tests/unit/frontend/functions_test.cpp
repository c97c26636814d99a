// The written functions are those of the operator table.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "frontend/functions_text.h"

namespace intarsia::frontend {
namespace {

// INTARSIA_UPDATE_GOLDEN=1 writes the files anew.
void expect_file(const std::string& path, const std::string& text) {
  const std::string full = std::string(INTARSIA_SOURCE_DIR) + "/" + path;
  if (std::getenv("INTARSIA_UPDATE_GOLDEN")) std::ofstream(full) << text;
  std::ostringstream found;
  found << std::ifstream(full).rdbuf();
  EXPECT_EQ(found.str(), text)
      << path << " is not what the operator table says: run this test with INTARSIA_UPDATE_GOLDEN=1";
}

TEST(Functions, AreThoseOfTheTable) {
  expect_file("include/intarsia/functions.h", functions_header());
  expect_file("src/frontend/functions.cpp", functions_source());
}

}  // namespace
}  // namespace intarsia::frontend
