#include "ops/attribute_text.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <limits>

#include "base/convert.h"
#include "base/error.h"

namespace intarsia::ops {
namespace {

std::string float_text(double value) {
  if (std::isnan(value)) return "nan";
  std::string s = fmt::format("{}", value);
  if (s.find_first_of(".en") == std::string::npos) s += ".0";  // the n of inf
  return s;
}

// An element of an array; its bits where no number rounds to them.
std::string element_text(DType t, std::uint64_t bits) {
  if (!is_float(t)) {
    const std::int64_t value = int_from_bits(t, bits);
    return t == DType::kU64 ? std::to_string(static_cast<std::uint64_t>(value)) : std::to_string(value);
  }
  const double value = float_from_bits(t, bits);
  const double shown = std::isnan(value) ? std::numeric_limits<double>::quiet_NaN() : value;
  if (bits_from_float(t, shown) != bits) return fmt::format("{:#x}", bits);  // inf of f8e5m2, odd NaNs
  if (t != DType::kF32 || !std::isfinite(value)) return float_text(value);
  std::string s = fmt::format("{}", static_cast<float>(value));
  return s.find_first_of(".e") == std::string::npos ? s + ".0" : s;
}

template <class List, class Text>
std::string list_text(std::string_view before, const List& list, char close, const Text& item) {
  std::string s(before);
  for (const auto& value : list) {
    if (s.size() > before.size()) s += ", ";
    s += item(value);
  }
  return s + close;
}

std::string array_text(const Array& a) {
  std::vector<std::int64_t> places(static_cast<std::size_t>(a.count));
  for (std::size_t i = 0; i < places.size(); ++i) places[i] = static_cast<std::int64_t>(i);
  return list_text(fmt::format("{}{{", name(a.dtype)), places, '}', [&](std::int64_t i) {
    return element_text(a.dtype, load_bits(a.dtype, a.data.data(), i));
  });
}

std::string hex(const std::string& data) {
  std::string s;
  for (const char c : data) s += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return s;
}

struct Printer {
  std::string operator()(std::monostate) const { return "none"; }
  std::string operator()(bool v) const { return v ? "true" : "false"; }
  std::string operator()(std::int64_t v) const { return std::to_string(v); }
  std::string operator()(double v) const { return float_text(v); }
  std::string operator()(const std::string& v) const { return quoted(v); }
  std::string operator()(DType v) const { return std::string(name(v)); }
  std::string operator()(const Shape& v) const {
    return list_text("[", v, ']', [](const Dim& d) { return d.postfix(); });
  }
  std::string operator()(const std::vector<std::int64_t>& v) const {
    return list_text("ints[", v, ']', [](std::int64_t i) { return std::to_string(i); });
  }
  std::string operator()(const std::vector<double>& v) const {
    return list_text("floats[", v, ']', float_text);
  }
  std::string operator()(const std::vector<std::string>& v) const {
    return list_text("strings[", v, ']', [](const std::string& s) { return quoted(s); });
  }
  std::string operator()(const Bytes& v) const { return "bytes[\"" + hex(v.data) + "\"]"; }
  std::string operator()(const Array& v) const { return array_text(v); }
};

}  // namespace

std::string quoted(std::string_view text) {
  std::string s = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\')
      s += {'\\', c};
    else if (c == '\n')
      s += "\\n";
    else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      s += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    else
      s += c;
  }
  return s + '"';
}

std::string text(const AttributeValue& value) { return std::visit(Printer{}, value); }

std::string text(DTypes dtypes) {
  std::string s;
  bool all = true;
  for (int i = 1; is_known(static_cast<DType>(i)); ++i) {
    const bool in = (dtypes & only(static_cast<DType>(i))) != 0;
    all &= in;
    if (in) s += (s.empty() ? "" : ", ") + std::string(name(static_cast<DType>(i)));
  }
  return all ? "any dtype" : s.empty() ? "no dtype" : s;
}

std::string kind_name(AttributeKind kind) {
  switch (kind) {
    case AttributeKind::kBool: return "a bool";
    case AttributeKind::kInt: return "an int";
    case AttributeKind::kFloat: return "a float";
    case AttributeKind::kString: return "a string";
    case AttributeKind::kDType: return "a dtype";
    case AttributeKind::kShape: return "a shape";
    case AttributeKind::kInts: return "a list of ints";
    case AttributeKind::kFloats: return "a list of floats";
    case AttributeKind::kStrings: return "a list of strings";
    case AttributeKind::kBytes: return "bytes";
    case AttributeKind::kArray: return "an array";
    case AttributeKind::kNumber: return "a number";
  }
  return "an unknown kind";
}
std::string kind_name(const AttributeValue& value) {
  return value.index() == 0 ? "none" : kind_name(static_cast<AttributeKind>(value.index()));
}

}  // namespace intarsia::ops
