#include "plugins/attributes.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "base/convert.h"
#include "plugins/names.h"

namespace intarsia::plugins {
namespace {

using Kind = ops::AttributeKind;
using Ints = std::vector<std::int64_t>;
using Floats = std::vector<double>;
using Strings = std::vector<std::string>;

template <class T>
std::string list_text(const std::vector<T>& items) {
  std::string out = "[";
  for (std::size_t i = 0; i < items.size(); ++i) out += (i ? ", " : "") + to_text(AttributeValue(items[i]));
  return out + "]";
}

std::string_view kind_name(std::size_t alternative) {
  constexpr std::string_view kNames[] = {"none",  "bool",      "int",         "float",     "str",   "dtype",
                                         "shape", "list[int]", "list[float]", "list[str]", "bytes", "array"};
  return alternative < std::size(kNames) ? kNames[alternative] : "?";
}

// Whether the integer is one of the dtype; an unknown dtype stands for i64.
bool fits(std::int64_t value, DType dtype) {
  if (dtype == DType{0} || dtype == DType::kI64) return true;
  if (dtype == DType::kU64) return value >= 0;
  return int_from_bits(dtype, bits_from_int(dtype, value)) == value;
}

std::optional<double> exact_double(std::int64_t value) {
  const double d = static_cast<double>(value);
  if (d >= 9223372036854775808.0 || static_cast<std::int64_t>(d) != value) return std::nullopt;
  return d;
}

// Elements of an array out of a list; nothing where one would change its value.
std::optional<Array> array_of_ints(const Ints& items, DType dtype) {
  Array out{
      dtype, static_cast<std::int64_t>(items.size()),
      std::string(static_cast<std::size_t>(bytes_of(dtype, static_cast<std::int64_t>(items.size()))), '\0')};
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (dtype == DType::kBool ? items[i] != 0 && items[i] != 1 : is_int(dtype) && !fits(items[i], dtype))
      return {};
    const std::uint64_t bits = is_float(dtype) ? bits_from_float(dtype, static_cast<double>(items[i]))
                                               : bits_from_int(dtype, items[i]);
    if (is_float(dtype) && float_from_bits(dtype, bits) != static_cast<double>(items[i])) return {};
    store_bits(dtype, out.data.data(), static_cast<std::int64_t>(i), bits);
  }
  return out;
}

std::optional<Array> array_of_floats(const Floats& items, DType dtype) {
  if (!is_float(dtype) && !items.empty()) return {};
  Array out{
      dtype, static_cast<std::int64_t>(items.size()),
      std::string(static_cast<std::size_t>(bytes_of(dtype, static_cast<std::int64_t>(items.size()))), '\0')};
  for (std::size_t i = 0; i < items.size(); ++i)
    store_bits(dtype, out.data.data(), static_cast<std::int64_t>(i), bits_from_float(dtype, items[i]));
  return out;
}

bool is_empty_list(const AttributeValue& v) {
  if (const auto* a = std::get_if<Ints>(&v)) return a->empty();
  if (const auto* a = std::get_if<Floats>(&v)) return a->empty();
  if (const auto* a = std::get_if<Strings>(&v)) return a->empty();
  return false;
}

std::optional<AttributeValue> convert_list(Kind kind, const AttributeValue& v) {
  if (kind == Kind::kInts) {
    if (is_empty_list(v)) return Ints{};
    if (const auto* shape = std::get_if<Shape>(&v)) {
      Ints out;
      for (const Dim& d : *shape) {
        if (!d.is_constant()) return {};
        out.push_back(d.constant());
      }
      return out;
    }
  }
  if (kind == Kind::kFloats) {
    if (is_empty_list(v)) return Floats{};
    if (const auto* ints = std::get_if<Ints>(&v)) {
      Floats out;
      for (std::int64_t i : *ints) {
        if (!exact_double(i)) return {};
        out.push_back(static_cast<double>(i));
      }
      return out;
    }
  }
  if (kind == Kind::kStrings && is_empty_list(v)) return Strings{};
  if (kind == Kind::kShape)
    if (const auto* ints = std::get_if<Ints>(&v)) {
      Shape out;
      for (std::int64_t i : *ints) out.push_back(Dim(i));
      return out;
    }
  return {};
}

std::optional<AttributeValue> convert_array(DType dtype, const AttributeValue& v) {
  if (const auto* ints = std::get_if<Ints>(&v)) {
    if (auto a = array_of_ints(*ints, dtype)) return *std::move(a);
  } else if (const auto* floats = std::get_if<Floats>(&v)) {
    if (auto a = array_of_floats(*floats, dtype)) return *std::move(a);
  } else if (const auto* array = std::get_if<Array>(&v)) {
    if (array->dtype == dtype) return *array;
  }
  return {};
}

// A value of another alternative that stands for one of this kind without loss.
std::optional<AttributeValue> convert(const AttributeType& type, const AttributeValue& v) {
  if (type.kind == Kind::kArray) return convert_array(type.dtype, v);
  if (v.index() == static_cast<std::size_t>(type.kind)) return v;
  if (type.kind == Kind::kFloat)
    if (const auto* i = std::get_if<std::int64_t>(&v))
      if (const auto d = exact_double(*i)) return *d;
  if (type.kind == Kind::kDType)
    if (const auto* text = std::get_if<std::string>(&v))
      if (dtype_named(*text) != DType{0}) return dtype_named(*text);
  return convert_list(type.kind, v);
}

[[noreturn]] void ill_typed(std::string_view who, const AttributeSpec& spec, const GivenAttribute& given,
                            std::string_view more = {}) {
  throw UserError(fmt::format("{}: attribute '{}' must be {}, was given {}{}", who, spec.name,
                              spec.type.str(), given.given.empty() ? describe(given.value) : given.given,
                              more));
}

std::string names_and_types(std::span<const AttributeSpec> specs) {
  if (specs.empty()) return "; it has no attributes";
  std::string out = "; its attributes are ";
  for (std::size_t i = 0; i < specs.size(); ++i)
    out += (i ? ", " : "") + specs[i].name + ": " + specs[i].type.str();
  return out;
}

}  // namespace

std::string AttributeType::str() const {
  std::string out;
  if (!choices.empty()) {
    out = "one of ";
    for (std::size_t i = 0; i < choices.size(); ++i) out += (i ? ", '" : "'") + choices[i] + "'";
  } else if (kind == Kind::kArray) {
    out = "NDArray[" + std::string(name(dtype)) + "]";
  } else if (kind == Kind::kInt && dtype != DType{0} && dtype != DType::kI64) {
    out = name(dtype);
  } else {
    out = kind_name(static_cast<std::size_t>(kind));
  }
  return optional ? "optional[" + out + "]" : out;
}

std::string to_text(const AttributeValue& v) {
  struct Visitor {
    std::string operator()(std::monostate) const { return "none"; }
    std::string operator()(bool b) const { return b ? "true" : "false"; }
    std::string operator()(std::int64_t i) const { return std::to_string(i); }
    std::string operator()(double d) const { return fmt::format("{}", d); }
    std::string operator()(const std::string& s) const { return fmt::format("{:?}", s); }
    std::string operator()(DType t) const { return std::string(name(t)); }
    std::string operator()(const Shape& s) const { return s.str(); }
    std::string operator()(const Ints& l) const { return list_text(l); }
    std::string operator()(const Floats& l) const { return list_text(l); }
    std::string operator()(const Strings& l) const { return list_text(l); }
    std::string operator()(const Bytes& b) const { return fmt::format("bytes of length {}", b.data.size()); }
    std::string operator()(const Array& a) const {
      return fmt::format("array of {} {}", a.count, name(a.dtype));
    }
  };
  return std::visit(Visitor{}, v);
}

std::string describe(const AttributeValue& v) {
  if (std::holds_alternative<Bytes>(v) || std::holds_alternative<Array>(v) || v.index() == 0)
    return to_text(v);
  return std::string(kind_name(v.index())) + " " + to_text(v);
}

AttributeValue coerce(std::string_view who, const AttributeSpec& spec, const GivenAttribute& given) {
  if (given.rank != 1 && std::holds_alternative<Array>(given.value))
    ill_typed(who, spec, given, fmt::format(" of rank {}; arrays of attributes have one axis", given.rank));
  std::optional<AttributeValue> value = convert(spec.type, given.value);
  if (!value) ill_typed(who, spec, given);
  if (const auto* i = std::get_if<std::int64_t>(&*value); i && !fits(*i, spec.type.dtype))
    ill_typed(who, spec, given, ", which does not fit");
  if (const auto* text = std::get_if<std::string>(&*value); text && !spec.type.choices.empty())
    if (std::find(spec.type.choices.begin(), spec.type.choices.end(), *text) == spec.type.choices.end())
      ill_typed(who, spec, given, suggestion(*text, spec.type.choices));
  return *std::move(value);
}

Attributes bind_attributes(std::string_view who, std::span<const AttributeSpec> specs,
                           std::span<const GivenAttribute> given) {
  Attributes out;
  for (const GivenAttribute& g : given) {
    const auto spec =
        std::find_if(specs.begin(), specs.end(), [&](const AttributeSpec& s) { return s.name == g.name; });
    if (spec == specs.end()) {
      std::vector<std::string> names;
      for (const AttributeSpec& s : specs) names.push_back(s.name);
      throw UserError(fmt::format("{}: has no attribute '{}'{}{}", who, g.name, suggestion(g.name, names),
                                  names_and_types(specs)));
    }
    if (out.find(g.name)) throw UserError(fmt::format("{}: attribute '{}' is given twice", who, g.name));
    if (g.value.index() == 0 && spec->type.optional) continue;  // none, written out
    out.set(g.name, coerce(who, *spec, g));
  }
  for (const AttributeSpec& s : specs) {
    if (out.find(s.name)) continue;
    if (s.required())
      throw UserError(
          fmt::format("{}: attribute '{}' ({}) is missing and has no default", who, s.name, s.type.str()));
    if (s.fallback && s.fallback->index() != 0) out.set(s.name, *s.fallback);
  }
  return out;
}

}  // namespace intarsia::plugins
