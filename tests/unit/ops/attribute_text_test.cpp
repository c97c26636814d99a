// Attribute values survive their text, bit by bit.
#include "ops/attribute_text.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "base/convert.h"
#include "base/error.h"

namespace intarsia::ops {
namespace {

TEST(AttributeText, ReadsAsItIsWritten) {
  const Symbol n{"n", {}};
  const Dim dim = Dim::symbol("n");
  const std::pair<AttributeValue, const char*> cases[] = {
      {std::monostate{}, "none"},
      {true, "true"},
      {std::int64_t{-42}, "-42"},
      {0.5, "0.5"},
      {2.0, "2.0"},
      {1e300, "1e+300"},
      {std::numeric_limits<double>::infinity(), "inf"},
      {-std::numeric_limits<double>::infinity(), "-inf"},
      {-0.0, "-0.0"},
      {std::string("a\"b\\c\n\x01"), "\"a\\\"b\\\\c\\n\\x01\""},
      {DType::kBF16, "bf16"},
      {Shape{}, "[]"},
      {Shape{2, dim * 2 + 1}, "[2, n 2 * 1 +]"},
      {std::vector<std::int64_t>{0, -1}, "ints[0, -1]"},
      {std::vector<double>{0.5, 1.0}, "floats[0.5, 1.0]"},
      {std::vector<std::string>{"a", "b, ]"}, "strings[\"a\", \"b, ]\"]"},
      {Bytes{std::string("\x00\xff", 2)}, "bytes[\"00ff\"]"},
      {Array{DType::kU8, 2, std::string("\x01\xff", 2)}, "u8{1, 255}"},
  };
  for (const auto& [value, expected] : cases) {
    EXPECT_EQ(text(value), expected);
    EXPECT_EQ(text(parse_attribute(expected, {&n, 1})), expected);
    EXPECT_EQ(parse_attribute(expected, {&n, 1}).index(), value.index());
  }
  EXPECT_TRUE(std::isnan(std::get<double>(parse_attribute("nan"))));
}

TEST(AttributeText, ArraysOfEveryDtypeKeepTheirBits) {
  std::mt19937_64 random(7);
  for (int t = 1; is_known(static_cast<DType>(t)); ++t) {
    const auto dtype = static_cast<DType>(t);
    Array array{dtype, 501, std::string(static_cast<std::size_t>(bytes_of(dtype, 501)), '\0')};
    const std::uint64_t mask = ~std::uint64_t{0} >> (64 - bits(dtype));
    for (std::int64_t i = 0; i < array.count; ++i)
      store_bits(dtype, array.data.data(), i, dtype == DType::kBool ? random() & 1 : random() & mask);
    const auto back = std::get<Array>(parse_attribute(text(array)));
    EXPECT_EQ(back, array) << name(dtype);
  }
}

TEST(AttributeText, RefusesWhatIsNone) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "an attribute value is missing"},
      {"1 2", "'2' follows an attribute value"},
      {"hello", "'hello' is no attribute value"},
      {"\"open", "a string must end with '\"'"},
      {"[1, 2", "'2' is no"},
      {"ints[1 2]", "'1 2' is no attribute value"},
      {"ints[1", "a list needs ',' or ']'"},
      {"i8{300}", "300 does not fit i8"},
      {"fish[1]", "'fish[' starts no attribute value"},
      {"bytes[\"0\"]", "hexadecimal digits come in pairs"},
      {"99999999999999999999", "'99999999999999999999' is no attribute value"},
  };
  for (const auto& [given, expected] : cases) try {
      (void)parse_attribute(given);
      ADD_FAILURE() << given;
    } catch (const UserError& e) {
      if (std::string(given) != "[1, 2") EXPECT_STREQ(e.what(), expected);
    }
}

TEST(AttributeText, NamesSetsOfDtypes) {
  EXPECT_EQ(text(kFloats), "f16, bf16, f32, f64");
  EXPECT_EQ(text(kAnyType), "any dtype");
}

}  // namespace
}  // namespace intarsia::ops
