#include "plugins/names.h"

#include "fixtures.h"

namespace intarsia::plugins {
namespace {

static_assert(id_problem("example::add").empty());
static_assert(!id_problem("add").empty());

TEST(Names, EveryRuleIsNamed) {
  const std::pair<const char*, const char*> cases[] = {
      {"neg", "it has no '::'"},
      {"a::b::c", "it has more than one '::'"},
      {"a.b::c", "its namespace is not letters, digits and '_' starting with a letter or '_'"},
      {"std::x", "its namespace is reserved"},
      {"TRT::x", "its namespace is reserved"},
      {"::x", "its namespace is empty"},
      {"a::", "its name is empty"},
      {"a::1x", "its name is not letters, digits and '_' starting with a letter or '_'"},
      {"a::b c", "its name is not letters, digits and '_' starting with a letter or '_'"},
  };
  for (const auto& [id, rule] : cases)
    EXPECT_EQ(error_of([&] { check_id(id); }), "plugin id '" + std::string(id) + "': " + rule +
                                                   "; an id is namespace::name, for example acme::gelu");
}

TEST(Names, NearMatchesComeNearestFirst) {
  const std::vector<std::string> names = {"block_size", "block_sizes", "alpha", "beta"};
  EXPECT_EQ(suggestion("blok_size", names), " (did you mean 'block_size' or 'block_sizes'?)");
  EXPECT_EQ(suggestion("BLOCK_SIZE", names), " (did you mean 'block_size' or 'block_sizes'?)");
  EXPECT_EQ(suggestion("gamma", std::vector<std::string>{"zz"}), "");
  EXPECT_EQ(suggestion("bta", names), " (did you mean 'beta'?)");
}

}  // namespace
}  // namespace intarsia::plugins
