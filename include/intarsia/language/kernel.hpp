// tl::kernel: a C++ function over tile values as a kernel that is specialised by constants and dtypes.
#pragma once
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <variant>
#include <vector>

#include "base/dtype.h"
#include "base/error.h"
#include "intarsia/language/functions.hpp"
#include "intarsia/language/value.hpp"
#include "kernel/definition.h"

namespace intarsia::language {

// Tags of dtypes that C++ has no type for.
struct Half {};
struct BFloat16 {};

namespace detail {
template <class T>
constexpr DType dtype_of() {
  if constexpr (std::is_void_v<T>)
    return DType{0};
  else if constexpr (std::is_same_v<T, bool>)
    return DType::kBool;
  else if constexpr (std::is_same_v<T, float>)
    return DType::kF32;
  else if constexpr (std::is_same_v<T, double>)
    return DType::kF64;
  else if constexpr (std::is_same_v<T, Half>)
    return DType::kF16;
  else if constexpr (std::is_same_v<T, BFloat16>)
    return DType::kBF16;
  else {
    static_assert(std::is_integral_v<T>, "a dtype is bool, an integer, float, double, Half or BFloat16");
    constexpr DType kSigned[] = {DType::kI8, DType::kI16, DType::kI32, DType::kI64};
    constexpr DType kUnsigned[] = {DType::kU8, DType::kU16, DType::kU32, DType::kU64};
    constexpr std::size_t at = sizeof(T) == 1 ? 0 : sizeof(T) == 2 ? 1 : sizeof(T) == 4 ? 2 : 3;
    return std::is_signed_v<T> ? kSigned[at] : kUnsigned[at];
  }
}
}  // namespace detail

// Parameters. Ptr<> and Scalar<> take their dtype when the kernel is specialised.
template <class T = void>
struct Ptr : Value {
  using Value::Value;
};
template <class T = void>
struct Scalar : Value {
  using Value::Value;
};
using I32 = Scalar<std::int32_t>;
using I64 = Scalar<std::int64_t>;
using U32 = Scalar<std::uint32_t>;
using U64 = Scalar<std::uint64_t>;
using F32 = Scalar<float>;
using F64 = Scalar<double>;
// A tensor with its extents: access is bounded by them.
template <class T, int rank>
struct View : Value {
  using Value::Value;
  Value extent(int axis, Location at = Location::current()) const {  // i64
    return detail::make(at, [&](auto& v) { return v.b.view_extent(id(), axis); });
  }
  Value load(std::initializer_list<Arg> offsets, const Extents& block, double fill = 0,
             Location at = Location::current()) const {
    return detail::make(at, [&](auto& v) {
      return v.load({id(), block}, detail::operands({offsets.begin(), offsets.size()}), fill);
    });
  }
  void store(std::initializer_list<Arg> offsets, const Value& value,
             Location at = Location::current()) const {
    detail::at_line(at, [&](auto& v) {
      v.store({id(), kernel::extents_of(v.type(value.id()))},
              detail::operands({offsets.begin(), offsets.size()}), value.id());
    });
  }
};

// A constant by name: add_kernel(set<"BLOCK_SIZE">(256)).
template <Name name>
struct Setting {
  std::variant<bool, std::int64_t, double, DType> value;
};
template <Name name, class T>
Setting<name> set(T value) {
  if constexpr (std::is_same_v<T, bool> || std::is_same_v<T, DType>)
    return {value};
  else if constexpr (std::is_integral_v<T>)
    return {static_cast<std::int64_t>(value)};
  else
    return {static_cast<double>(value)};
}

namespace detail {
template <Name a, Name b>
constexpr bool kSameName = a.view() == b.view();

template <class P>
struct Traits;  // of a parameter of the function: what it adds to the kernel's parameters
template <class T>
struct Traits<Ptr<T>> {
  static constexpr bool kConstant = false;
  static kernel::Parameter declare() {
    return {.kind = kernel::Parameter::Kind::kPointer, .dtype = dtype_of<T>()};
  }
};
template <class T>
struct Traits<Scalar<T>> {
  static constexpr bool kConstant = false;
  static kernel::Parameter declare() {
    return {.kind = kernel::Parameter::Kind::kScalar, .dtype = dtype_of<T>()};
  }
};
template <class T, int rank>
struct Traits<View<T, rank>> {
  static constexpr bool kConstant = false;
  static kernel::Parameter declare() {
    return {.kind = kernel::Parameter::Kind::kView, .dtype = dtype_of<T>(), .rank = rank};
  }
};
template <Name name, class T>
struct Traits<Const<name, T>> {
  static constexpr bool kConstant = true;
  template <Name other>
  static constexpr bool kNamed = kSameName<name, other>;
  // The setting of this name, as T.
  template <Name other>
  static void take(const Setting<other>& s, T& to) {
    if constexpr (kSameName<name, other>)
      to = std::visit(
          [](auto v) -> T {
            if constexpr (std::is_same_v<T, DType> == std::is_same_v<decltype(v), DType>)
              return static_cast<T>(v);
            else
              throw UserError(std::string(name.view()) + " is set to a value of another kind");
          },
          s.value);
  }
  template <Name... names>
  static Const<name, T> get(const Setting<names>&... settings) {
    static_assert((kSameName<name, names> || ...), "a constant of the kernel is not set");
    T value{};
    (take(settings, value), ...);
    return {value};
  }
};
template <class P, Name name>
constexpr bool is_named() {
  if constexpr (Traits<P>::kConstant)
    return Traits<P>::template kNamed<name>;
  else
    return false;
}

template <class F>
struct Signature;
template <class C, class... P>
struct Signature<void (C::*)(P...) const> {
  template <Name name>
  static constexpr bool kHas = (is_named<std::remove_cvref_t<P>, name>() || ...);

  static std::vector<kernel::Parameter> parameters() {
    std::vector<kernel::Parameter> out;
    (add<std::remove_cvref_t<P>>(out), ...);
    return out;
  }
  // Calls f with the kernel's parameters in order and the constants among them.
  template <class F, Name... names>
  static void call(const F& f, std::span<const kernel::ValueId> values, const Setting<names>&... settings) {
    std::size_t next = 0;
    std::tuple<std::remove_cvref_t<P>...> args{
        argument<std::remove_cvref_t<P>>(values, next, settings...)...};
    std::apply(f, args);
  }

 private:
  template <class Q>
  static void add(std::vector<kernel::Parameter>& out) {
    if constexpr (!Traits<Q>::kConstant) out.push_back(Traits<Q>::declare());
  }
  template <class Q, Name... names>
  static Q argument(std::span<const kernel::ValueId> values, std::size_t& next,
                    const Setting<names>&... settings) {
    if constexpr (Traits<Q>::kConstant)
      return Traits<Q>::get(settings...);
    else
      return Q(values[next++]);
  }
};
}  // namespace detail

// What tl::kernel gives: call it with every constant it has.
template <class F>
class KernelFunction {
 public:
  using Signature = detail::Signature<decltype(&F::operator())>;
  KernelFunction(std::string_view declaration, F function, const Location& at)
      : head_(kernel::declare(declaration, Signature::parameters(), kernel::str(at))),
        function_(std::move(function)) {}

  // Constants must be those of the function (checked when this compiles). The definition converts to a
  // kernel::Kernel; definition.build(dtypes) gives Ptr<> and Scalar<> their dtypes.
  template <Name... names>
  kernel::Definition operator()(const Setting<names>&... settings) const {
    static_assert((Signature::template kHas<names> && ...), "the kernel has no constant of that name");
    return {head_,
            [f = function_, settings...](kernel::Vocabulary&, std::span<const kernel::ValueId> values) {
              Signature::call(f, values, settings...);
            }};
  }
  const std::string& name() const { return head_.name; }

 private:
  kernel::Head head_;
  F function_;
};

// `declaration` is "name" or "name(x, n, y)": names of the parameters that are no constants; without them p0,
// p1, ...
template <class F>
KernelFunction<F> kernel(std::string_view declaration, F function, Location at = Location::current()) {
  return {declaration, std::move(function), at};
}

}  // namespace intarsia::language
