// C++ types of plugins' attributes: Attr, NDArray, and how they map to attribute values.
#pragma once
#include <array>
#include <bit>
#include <concepts>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "base/attribute.h"
#include "base/convert.h"
#include "plugins/attributes.h"
#include "plugins/names.h"

namespace intarsia {

// A text that is a template argument.
template <std::size_t N>
struct Literal {
  char text[N] = {};
  consteval Literal(const char (&given)[N]) {  // NOLINT: Attr<"name", int>
    for (std::size_t i = 0; i < N; ++i) text[i] = given[i];
  }
  constexpr std::string_view view() const { return {text, N - 1}; }
  bool operator==(const Literal&) const = default;
};

namespace plugins::detail {
template <class T>
constexpr DType dtype_of() {
  if constexpr (std::same_as<T, bool>)
    return DType::kBool;
  else if constexpr (std::integral<T> && std::is_signed_v<T>)
    return sizeof(T) == 1   ? DType::kI8
           : sizeof(T) == 2 ? DType::kI16
           : sizeof(T) == 4 ? DType::kI32
                            : DType::kI64;
  else if constexpr (std::integral<T>)
    return sizeof(T) == 1   ? DType::kU8
           : sizeof(T) == 2 ? DType::kU16
           : sizeof(T) == 4 ? DType::kU32
                            : DType::kU64;
  else if constexpr (std::same_as<T, float>)
    return DType::kF32;
  else
    return DType::kF64;
}
}  // namespace plugins::detail

// A one-dimensional array of a C++ number, as an attribute.
template <class T>
  requires std::is_arithmetic_v<T>
class NDArray {
  using Stored =
      std::conditional_t<std::is_same_v<T, bool>, std::uint8_t, T>;  // std::vector<bool> has no array

 public:
  NDArray() = default;
  explicit NDArray(const Array& array) : values_(static_cast<std::size_t>(array.count)) {
    if (!values_.empty()) std::memcpy(values_.data(), array.data.data(), array.data.size());
  }
  std::size_t size() const { return values_.size(); }
  T operator[](std::size_t i) const { return static_cast<T>(values_[i]); }
  std::span<const Stored> values() const { return values_; }
  auto begin() const { return values_.begin(); }
  auto end() const { return values_.end(); }

 private:
  std::vector<Stored> values_;
};

// An array of any dtype, f16, bf16 and f8 included: values by `at`, converted exactly.
template <DType kDType>
struct ArrayOf {
  Array array{kDType, 0, {}};
  std::size_t size() const { return static_cast<std::size_t>(array.count); }
  double at(std::size_t i) const {
    const std::uint64_t bits = load_bits(kDType, array.data.data(), static_cast<std::int64_t>(i));
    return is_float(kDType) ? float_from_bits(kDType, bits)
                            : static_cast<double>(int_from_bits(kDType, bits));
  }
};

namespace plugins::detail {

using Kind = ops::AttributeKind;

template <class T>
struct AttributeTraits;

template <class T, Kind kKind>
struct SameTraits {  // the attribute value holds just this type
  static AttributeType type() { return {.kind = kKind}; }
  static T read(const AttributeValue& v) { return std::get<T>(v); }
  static AttributeValue write(T value) { return value; }
};
template <>
struct AttributeTraits<bool> : SameTraits<bool, Kind::kBool> {};
template <>
struct AttributeTraits<std::string> : SameTraits<std::string, Kind::kString> {};
template <>
struct AttributeTraits<DType> : SameTraits<DType, Kind::kDType> {};
template <>
struct AttributeTraits<Shape> : SameTraits<Shape, Kind::kShape> {};
template <>
struct AttributeTraits<Bytes> : SameTraits<Bytes, Kind::kBytes> {};
template <>
struct AttributeTraits<std::vector<std::int64_t>> : SameTraits<std::vector<std::int64_t>, Kind::kInts> {};
template <>
struct AttributeTraits<std::vector<double>> : SameTraits<std::vector<double>, Kind::kFloats> {};
template <>
struct AttributeTraits<std::vector<std::string>> : SameTraits<std::vector<std::string>, Kind::kStrings> {};

template <std::integral T>
  requires(!std::same_as<T, bool>)
struct AttributeTraits<T> {
  static AttributeType type() { return {.kind = Kind::kInt, .dtype = dtype_of<T>()}; }
  static T read(const AttributeValue& v) { return static_cast<T>(std::get<std::int64_t>(v)); }
  static AttributeValue write(T value) { return static_cast<std::int64_t>(value); }
};
template <std::floating_point T>
struct AttributeTraits<T> {
  static AttributeType type() { return {.kind = Kind::kFloat}; }
  static T read(const AttributeValue& v) { return static_cast<T>(std::get<double>(v)); }
  static AttributeValue write(T value) { return static_cast<double>(value); }
};
template <class T>
  requires std::is_enum_v<T>
struct AttributeTraits<T> {  // by its number
  static AttributeType type() { return {.kind = Kind::kInt, .dtype = dtype_of<std::underlying_type_t<T>>()}; }
  static T read(const AttributeValue& v) { return static_cast<T>(std::get<std::int64_t>(v)); }
  static AttributeValue write(T value) { return static_cast<std::int64_t>(value); }
};
template <class T>
struct AttributeTraits<NDArray<T>> {
  static AttributeType type() { return {.kind = Kind::kArray, .dtype = dtype_of<T>()}; }
  static NDArray<T> read(const AttributeValue& v) { return NDArray<T>(std::get<Array>(v)); }
};
template <DType kDType>
struct AttributeTraits<ArrayOf<kDType>> {
  static AttributeType type() { return {.kind = Kind::kArray, .dtype = kDType}; }
  static ArrayOf<kDType> read(const AttributeValue& v) { return {std::get<Array>(v)}; }
};
template <class T>
struct AttributeTraits<std::optional<T>> {
  static AttributeType type() {
    AttributeType out = AttributeTraits<T>::type();
    out.optional = true;
    return out;
  }
};
template <class T>
concept Attribute = requires { AttributeTraits<T>::type(); };

template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};

template <class T>
T read_attribute(const Attributes& attributes, std::string_view name) {
  const AttributeValue* v = attributes.find(name);
  if constexpr (IsOptional<T>::value) {
    return v ? T(AttributeTraits<typename T::value_type>::read(*v)) : T();
  } else {
    if (!v) throw UserError("attribute '" + std::string(name) + "' is missing");
    return AttributeTraits<T>::read(*v);
  }
}

struct NoDefault {};

template <auto kDefault, class T>
AttributeValue default_value() {
  if constexpr (requires { kDefault.view(); })
    return std::string(kDefault.view());
  else
    return AttributeTraits<T>::write(static_cast<T>(kDefault));
}

}  // namespace plugins::detail

// A parameter of a shape rule that is an attribute: its name, type, and default (a number, or
// Literal("text")).
//   Attr<"block_size", int>   Attr<"alpha", float, 1.0f>   Attr<"axis", std::optional<int>>
template <Literal kName, class T, auto kDefault = plugins::detail::NoDefault{}>
struct Attr {
  static_assert(plugins::is_identifier(kName.view()), "an attribute's name is letters, digits and '_'");
  static_assert(!plugins::is_reserved_parameter(kName.view()), "outputs, stream and tactic are reserved");
  static_assert(plugins::detail::Attribute<T>,
                "this type is none of an attribute (docs/attributes.md lists them)");
  using Type = T;
  static constexpr std::string_view name() { return kName.view(); }
  static plugins::AttributeSpec spec() {
    plugins::AttributeSpec out{std::string(name()), plugins::detail::AttributeTraits<T>::type()};
    if constexpr (!std::is_same_v<std::remove_cvref_t<decltype(kDefault)>, plugins::detail::NoDefault>)
      out.fallback = plugins::detail::default_value<kDefault, T>();
    return out;
  }

  T value{};
  operator const T&() const { return value; }  // NOLINT: used as the value it is
};

}  // namespace intarsia
