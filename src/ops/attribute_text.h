// Attribute values as text that parses back: in graph text, defaults of schemas, cache keys and messages.
//
//   none  true  42  1e-05  "tanh"  f32  [n, 2]  ints[0, -1]  floats[0.5]  strings["a"]  bytes["00ff"]
//   f32{1.0, nan}
//
// [n, 2] is a shape; its extents are postfix dims. A float always shows a point, an exponent, inf or nan.
#pragma once
#include <span>
#include <string>
#include <string_view>

#include "base/attribute.h"
#include "ops/op_def.h"

namespace intarsia::ops {

std::string text(const AttributeValue& value);
std::string text(DTypes dtypes);  // "f16, bf16, f32, f64"; "any dtype"

// The value at the front of `rest`, which then starts behind it. UserError where there is none.
AttributeValue parse_attribute_prefix(std::string_view& rest, std::span<const Symbol> symbols = {});
AttributeValue parse_attribute(std::string_view text,
                               std::span<const Symbol> symbols = {});  // all of the text

std::string quoted(std::string_view text);
std::string kind_name(AttributeKind kind);           // "an int", for messages
std::string kind_name(const AttributeValue& value);  // of a value that was given

}  // namespace intarsia::ops
