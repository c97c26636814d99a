// Types of plugins' attributes, and binding what a caller gave to them.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/attribute.h"
#include "ops/op_def.h"

namespace intarsia::plugins {

struct AttributeType {
  ops::AttributeKind kind = ops::AttributeKind::kInt;
  DType dtype{};                          // kArray: of the elements; kInt: the width it must fit (none: i64)
  bool optional = false;                  // may be absent, without a default
  std::vector<std::string> choices = {};  // kString: the only ones allowed (an enum)
  std::string str() const;  // int, i32, float, NDArray[f16], list[int], optional[str], one of 'a', 'b'
};

struct AttributeSpec {
  std::string name;
  AttributeType type = {};
  std::optional<AttributeValue> fallback = {};  // the default
  std::string doc = {};
  bool required() const { return !fallback && !type.optional; }
};

// What a caller wrote. A front end fills `rank` for arrays, and `given` where our own words for the value's
// type would puzzle the caller.
struct GivenAttribute {
  std::string name;
  AttributeValue value;
  std::size_t rank = 1;
  std::string given = {};
};

std::string describe(const AttributeValue& value);  // "int 3", "bool true", "array of 4 f32"
std::string to_text(
    const AttributeValue& value);  // for docs, schema text and messages: 3, true, 'same', [1, 2]

// A value of the type, converted where nothing is lost: an int for a float, a list for an array. UserError:
// `who`, the attribute, what was wanted and given.
AttributeValue coerce(std::string_view who, const AttributeSpec& spec, const GivenAttribute& given);

// Every attribute of the schema, in no particular order given: defaults filled in, optional ones left out.
// UserError: unknown (with near matches), given twice, missing, ill-typed.
Attributes bind_attributes(std::string_view who, std::span<const AttributeSpec> specs,
                           std::span<const GivenAttribute> given);

}  // namespace intarsia::plugins
