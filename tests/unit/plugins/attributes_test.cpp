#include "plugins/attributes.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/convert.h"
#include "fixtures.h"

namespace intarsia::plugins {
namespace {

using Kind = ops::AttributeKind;

AttributeValue bind_one(AttributeType type, AttributeValue given, std::size_t rank = 1) {
  const AttributeSpec specs[] = {{.name = "a", .type = std::move(type)}};
  const GivenAttribute all[] = {{"a", std::move(given), rank}};
  const Attributes bound = bind_attributes("t::p", specs, all);
  return bound.find("a") ? *bound.find("a") : AttributeValue{};
}
std::string error_for(AttributeType type, AttributeValue given, std::size_t rank = 1) {
  return error_of([&] { bind_one(type, given, rank); });
}

TEST(Attributes, DefaultsAndAnyOrder) {
  const AttributeSpec specs[] = {{.name = "x", .type = {.kind = Kind::kInt}},
                                 {.name = "y", .type = {.kind = Kind::kFloat}, .fallback = 0.5},
                                 {.name = "z", .type = {.kind = Kind::kString, .optional = true}}};
  const GivenAttribute given[] = {{"y", 2.0}, {"x", std::int64_t{3}}};
  const Attributes all = bind_attributes("t::p", specs, given);
  EXPECT_EQ(all.get<std::int64_t>("x"), 3);
  EXPECT_EQ(all.get<double>("y"), 2.0);
  EXPECT_EQ(all.find("z"), nullptr);
  const GivenAttribute none[] = {{"x", std::int64_t{3}}, {"z", std::monostate{}}};
  EXPECT_EQ(bind_attributes("t::p", specs, none).get<double>("y"), 0.5);
  EXPECT_EQ(bind_attributes("t::p", specs, none).find("z"), nullptr);
}

TEST(Attributes, ErrorsNameWhatThereIs) {
  const AttributeSpec specs[] = {{.name = "block_size", .type = {.kind = Kind::kInt}},
                                 {.name = "alpha", .type = {.kind = Kind::kFloat}, .fallback = 1.0}};
  const GivenAttribute unknown[] = {{"blok_size", std::int64_t{1}}};
  EXPECT_EQ(error_of([&] { bind_attributes("t::p", specs, unknown); }),
            "t::p: has no attribute 'blok_size' (did you mean 'block_size'?); its attributes are block_size: "
            "int, alpha: float");
  EXPECT_EQ(error_of([&] { bind_attributes("t::p", specs, {}); }),
            "t::p: attribute 'block_size' (int) is missing and has no default");
  const GivenAttribute twice[] = {{"block_size", std::int64_t{1}}, {"block_size", std::int64_t{2}}};
  EXPECT_EQ(error_of([&] { bind_attributes("t::p", specs, twice); }),
            "t::p: attribute 'block_size' is given twice");
  EXPECT_EQ(error_of([&] { bind_attributes("t::p", {}, unknown); }),
            "t::p: has no attribute 'blok_size'; it has no attributes");
}

TEST(Attributes, NothingIsLostWhereTypesDiffer) {
  EXPECT_EQ(bind_one({.kind = Kind::kFloat}, std::int64_t{1}), AttributeValue(1.0));
  EXPECT_EQ(error_for({.kind = Kind::kInt}, true), "t::p: attribute 'a' must be int, was given bool true");
  EXPECT_EQ(error_for({.kind = Kind::kInt}, 1.0), "t::p: attribute 'a' must be int, was given float 1");
  EXPECT_EQ(error_for({.kind = Kind::kBool}, std::int64_t{1}),
            "t::p: attribute 'a' must be bool, was given int 1");
  EXPECT_EQ(error_for({.kind = Kind::kFloat}, true),
            "t::p: attribute 'a' must be float, was given bool true");
  EXPECT_EQ(error_for({.kind = Kind::kFloat}, (std::int64_t{1} << 53) + 1),
            "t::p: attribute 'a' must be float, was given int 9007199254740993");
  EXPECT_EQ(error_for({.kind = Kind::kFloat}, std::numeric_limits<std::int64_t>::max()),
            "t::p: attribute 'a' must be float, was given int 9223372036854775807");
  EXPECT_EQ(error_for({.kind = Kind::kInt, .dtype = DType::kI8}, std::int64_t{128}),
            "t::p: attribute 'a' must be i8, was given int 128, which does not fit");
  EXPECT_EQ(bind_one({.kind = Kind::kInt, .dtype = DType::kI8}, std::int64_t{-128}),
            AttributeValue(std::int64_t{-128}));
  EXPECT_EQ(error_for({.kind = Kind::kString}, Bytes{"ab"}),
            "t::p: attribute 'a' must be str, was given bytes of length 2");
  EXPECT_EQ(bind_one({.kind = Kind::kDType}, std::string("bf16")), AttributeValue(DType::kBF16));
  EXPECT_EQ(bind_one({.kind = Kind::kFloats}, std::vector<std::int64_t>{1, 2}),
            AttributeValue(std::vector<double>{1, 2}));
  EXPECT_EQ(bind_one({.kind = Kind::kInts}, std::vector<std::string>{}),
            AttributeValue(std::vector<std::int64_t>{}));
  EXPECT_EQ(error_for({.kind = Kind::kInts}, std::vector<double>{1.5}),
            "t::p: attribute 'a' must be list[int], was given list[float] [1.5]");
}

TEST(Attributes, ChoicesAreNamed) {
  const AttributeType mode{.kind = Kind::kString, .choices = {"same", "valid"}};
  EXPECT_EQ(bind_one(mode, std::string("same")), AttributeValue(std::string("same")));
  EXPECT_EQ(
      error_for(mode, std::string("vald")),
      "t::p: attribute 'a' must be one of 'same', 'valid', was given str \"vald\" (did you mean 'valid'?)");
}

Array array_of(DType dtype, std::int64_t count, std::string data) { return {dtype, count, std::move(data)}; }

TEST(Attributes, ArraysKeepTheirBits) {
  for (int i = 1; i < 18; ++i) {
    const auto dtype = static_cast<DType>(i);
    std::string data(static_cast<std::size_t>(bytes_of(dtype, 4)), '\0');
    for (std::size_t n = 0; n < data.size(); ++n)
      data[n] = static_cast<char>(dtype == DType::kBool ? n % 2 : 0x7f - 37 * n);
    const Array a = array_of(dtype, 4, data);
    EXPECT_EQ(bind_one({.kind = Kind::kArray, .dtype = dtype}, a), AttributeValue(a)) << name(dtype);
    EXPECT_EQ(bind_one({.kind = Kind::kArray, .dtype = dtype}, array_of(dtype, 0, "")),
              AttributeValue(array_of(dtype, 0, "")));
  }
  const double nan = std::bit_cast<double>(0x7ff4dead0000beefull), minus_zero = -0.0;
  std::string data(16, '\0');
  std::memcpy(data.data(), &nan, 8), std::memcpy(data.data() + 8, &minus_zero, 8);
  const Array bits = array_of(DType::kF64, 2, data);
  EXPECT_EQ(std::get<Array>(bind_one({.kind = Kind::kArray, .dtype = DType::kF64}, bits)).data, data);
}

TEST(Attributes, ArraysFromListsAreExact) {
  const auto from_ints = [](DType dtype, std::vector<std::int64_t> list) {
    return error_for({.kind = Kind::kArray, .dtype = dtype}, std::move(list));
  };
  EXPECT_EQ(from_ints(DType::kI32, {1, -1}), "no error");
  EXPECT_EQ(from_ints(DType::kU8, {256}),
            "t::p: attribute 'a' must be NDArray[u8], was given list[int] [256]");
  EXPECT_EQ(from_ints(DType::kF16, {2049}),
            "t::p: attribute 'a' must be NDArray[f16], was given list[int] [2049]");
  EXPECT_EQ(from_ints(DType::kBool, {2}),
            "t::p: attribute 'a' must be NDArray[bool], was given list[int] [2]");
  const AttributeValue halves =
      bind_one({.kind = Kind::kArray, .dtype = DType::kF16}, std::vector<double>{0.5, -0.0});
  EXPECT_EQ(std::get<Array>(halves).data, std::string("\x00\x38\x00\x80", 4));
}

TEST(Attributes, ArraysOfAnotherDtypeOrRankAreRefused) {
  const Array two = array_of(DType::kI32, 2, std::string(8, '\0'));
  EXPECT_EQ(error_for({.kind = Kind::kArray, .dtype = DType::kI64}, two),
            "t::p: attribute 'a' must be NDArray[i64], was given array of 2 i32");
  EXPECT_EQ(error_for({.kind = Kind::kArray, .dtype = DType::kI32}, two, 2),
            "t::p: attribute 'a' must be NDArray[i32], was given array of 2 i32 of rank 2; arrays of "
            "attributes have one axis");
  EXPECT_EQ(error_for({.kind = Kind::kInt}, two),
            "t::p: attribute 'a' must be int, was given array of 2 i32");
}

TEST(Attributes, EveryScalarKindRoundTrips) {
  const std::string text("a\0\xc3\xa9", 4);
  const double nan = std::bit_cast<double>(0x7ff8000000001234ull);
  EXPECT_EQ(bind_one({.kind = Kind::kBool}, true), AttributeValue(true));
  EXPECT_EQ(bind_one({.kind = Kind::kString}, text), AttributeValue(text));
  EXPECT_EQ(bind_one({.kind = Kind::kBytes}, Bytes{text}), AttributeValue(Bytes{text}));
  EXPECT_EQ(std::bit_cast<std::uint64_t>(std::get<double>(bind_one({.kind = Kind::kFloat}, nan))),
            0x7ff8000000001234ull);
  EXPECT_TRUE(std::signbit(std::get<double>(bind_one({.kind = Kind::kFloat}, -0.0))));
  EXPECT_EQ(bind_one({.kind = Kind::kInt}, std::numeric_limits<std::int64_t>::min()),
            AttributeValue(std::numeric_limits<std::int64_t>::min()));
  EXPECT_EQ(bind_one({.kind = Kind::kStrings}, std::vector<std::string>{"a", ""}),
            AttributeValue(std::vector<std::string>{"a", ""}));
}

}  // namespace
}  // namespace intarsia::plugins
