// Schemas of plugins, and calls of their functions, from the types of the functions' parameters.
#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "intarsia/detail/plugin_attribute.hpp"
#include "plugins/plugin_def.h"

namespace intarsia {

// A parameter of a shape rule that is an input with a name: In<"x">. A plain TensorDesc is named inp0, inp1,
// ...
template <Literal kName>
struct In : TensorDesc {
  static_assert(plugins::is_identifier(kName.view()), "an input's name is letters, digits and '_'");
  static constexpr std::string_view name() { return kName.view(); }
  In(const TensorDesc& desc) : TensorDesc(desc) {}  // NOLINT
};

namespace plugins {

// Parameters of an implementation that the framework fills.
struct Tactic {
  std::int64_t value = 0;
  operator std::int64_t() const { return value; }  // NOLINT: compared as the number it is
};
struct Stream {
  std::uintptr_t handle = 0;  // a CUstream, 0 on a CPU
};
struct Target {
  std::string_view name;
  const kernel::Capabilities* machine = nullptr;
};

namespace detail {

template <class Fn>
struct Signature : Signature<decltype(&Fn::operator())> {};
template <class R, class... P>
struct Signature<R (*)(P...)> {
  using Result = R;
  using Parameters = std::tuple<std::remove_cvref_t<P>...>;
};
template <class R, class C, class... P>
struct Signature<R (C::*)(P...) const> : Signature<R (*)(P...)> {};
template <class R, class C, class... P>
struct Signature<R (C::*)(P...)> : Signature<R (*)(P...)> {};

template <class T>
struct IsAttr : std::false_type {};
template <Literal kName, class T, auto kDefault>
struct IsAttr<Attr<kName, T, kDefault>> : std::true_type {};
template <class T>
struct IsNamedInput : std::false_type {};
template <Literal kName>
struct IsNamedInput<In<kName>> : std::true_type {};

enum class Role { kTensor, kTensors, kAttribute, kValue, kTactic, kStream, kTarget };

// What a parameter of this type stands for, in a function over tensors of type `Tensor` (descriptors or
// memory).
template <class T, class Tensor>
constexpr Role role_of() {
  if constexpr (std::is_same_v<T, Tensor> || IsNamedInput<T>::value)
    return Role::kTensor;
  else if constexpr (std::is_same_v<T, std::vector<Tensor>> || std::is_same_v<T, std::span<const Tensor>>)
    return Role::kTensors;
  else if constexpr (IsAttr<T>::value)
    return Role::kAttribute;
  else if constexpr (std::is_same_v<T, Tactic>)
    return Role::kTactic;
  else if constexpr (std::is_same_v<T, Stream>)
    return Role::kStream;
  else if constexpr (std::is_same_v<T, Target>)
    return Role::kTarget;
  else
    return Role::kValue;
}

template <class Parameters, class Tensor>
struct Roles;
template <class... P, class Tensor>
struct Roles<std::tuple<P...>, Tensor> {
  static constexpr std::size_t kSize = sizeof...(P);
  static constexpr std::array<Role, sizeof...(P)> kRoles = {role_of<P, Tensor>()...};
  static constexpr std::size_t count(Role role, std::size_t before = kSize) {
    std::size_t n = 0;
    for (std::size_t i = 0; i < before; ++i) n += kRoles[i] == role;
    return n;
  }
  // Tensors first, then attributes.
  static constexpr bool in_order() {
    bool attributes = false;
    for (Role r : kRoles) {
      if (r == Role::kAttribute)
        attributes = true;
      else if (attributes)
        return false;
    }
    return true;
  }
};

template <class T>
struct Outputs {
  static constexpr std::size_t kCount = 0;
};
template <>
struct Outputs<TensorDesc> {
  static constexpr std::size_t kCount = 1;
};
template <class... T>
struct Outputs<std::tuple<T...>> {
  static constexpr std::size_t kCount = (std::is_same_v<T, TensorDesc> && ...) ? sizeof...(T) : 0;
};
template <class A, class B>
struct Outputs<std::pair<A, B>> : Outputs<std::tuple<A, B>> {};
template <std::size_t N>
struct Outputs<std::array<TensorDesc, N>> {
  static constexpr std::size_t kCount = N;
};

// The attributes among parameter types, in order.
template <class Tuple, class... Found>
struct AttrsOf {
  using Types = std::tuple<Found...>;
};
template <class First, class... Rest, class... Found>
struct AttrsOf<std::tuple<First, Rest...>, Found...>
    : std::conditional_t<IsAttr<First>::value, AttrsOf<std::tuple<Rest...>, Found..., First>,
                         AttrsOf<std::tuple<Rest...>, Found...>> {};

template <std::size_t kInputs, bool kVariadic, std::size_t kOutputs, class Attrs>
struct Schema;
template <std::size_t inputs, bool variadic, std::size_t outputs, class... A>
struct Schema<inputs, variadic, outputs, std::tuple<A...>> {
  static constexpr std::size_t kInputs = inputs, kOutputs = outputs;  // kInputs counts variadic ones as one
  static constexpr bool kVariadic = variadic;
  using Attrs = std::tuple<A...>;
  template <class Wanted>  // the type of the attribute with the same name, or void
  static constexpr bool has() {
    return ((A::name() == Wanted::name() && std::is_same_v<typename A::Type, typename Wanted::Type>) || ...);
  }
};

template <class Tensor>
struct CallData {
  std::span<const Tensor> inputs;
  const Attributes& attributes;
  std::span<const Tensor> outputs;
  Tactic tactic = {};
  Stream stream = {};
  Target target = {};
};

// The argument for parameter `i` of type T.
template <class S, class R, class T, class Tensor, std::size_t i>
T argument(const CallData<Tensor>& data) {
  constexpr Role role = R::kRoles[i];
  constexpr std::size_t tensors = R::count(Role::kTensor, i), fixed = S::kInputs - (S::kVariadic ? 1 : 0);
  if constexpr (role == Role::kTensor) {
    if constexpr (tensors < fixed)
      return T(data.inputs[tensors]);
    else
      return T(data.outputs[tensors - fixed]);
  } else if constexpr (role == Role::kTensors) {
    const bool is_inputs = S::kVariadic && R::count(Role::kTensors, i) == 0;
    const auto list = is_inputs ? data.inputs.subspan(fixed) : data.outputs;
    return T(list.begin(), list.end());
  } else if constexpr (role == Role::kAttribute) {
    static_assert(S::template has<T>(), "the shape rule has no attribute of this name and type");
    return T{read_attribute<typename T::Type>(data.attributes, T::name())};
  } else if constexpr (role == Role::kTactic) {
    return data.tactic;
  } else if constexpr (role == Role::kStream) {
    return data.stream;
  } else if constexpr (role == Role::kTarget) {
    return data.target;
  } else {
    constexpr std::size_t n = R::count(Role::kValue, i);
    static_assert(n < std::tuple_size_v<typename S::Attrs>,
                  "a parameter that is no tensor and no attribute of the shape rule");
    using A = std::tuple_element_t<n, typename S::Attrs>;
    static_assert(std::is_convertible_v<typename A::Type, T>,
                  "an attribute's type differs from the shape rule's, or its place does");
    return read_attribute<typename A::Type>(data.attributes, A::name());
  }
}

template <class S, class Tensor, class Fn>
decltype(auto) call(const Fn& fn, const CallData<Tensor>& data) {
  using P = typename Signature<Fn>::Parameters;
  using R = Roles<P, Tensor>;
  constexpr std::size_t fixed = S::kInputs - (S::kVariadic ? 1 : 0), lists = R::count(Role::kTensors);
  static_assert(
      lists == (S::kVariadic ? 1u : 0u) + (R::count(Role::kTensor) == fixed ? 1u : 0u) ||
          lists == (S::kVariadic ? 1u : 0u),
      "variadic inputs are one std::vector or std::span; outputs are single parameters or one std::vector");
  static_assert(R::count(Role::kTensor) == fixed + S::kOutputs || lists > (S::kVariadic ? 1u : 0u),
                "the function must take every input, then every output");
  static_assert(
      R::count(Role::kValue) == 0 || R::count(Role::kValue) == std::tuple_size_v<typename S::Attrs>,
      "attributes are all taken by value in the shape rule's order, or any of them as Attr<name, type>");
  return [&]<std::size_t... i>(std::index_sequence<i...>) -> decltype(auto) {
    return fn(argument<S, R, std::tuple_element_t<i, P>, Tensor, i>(data)...);
  }(std::make_index_sequence<R::kSize>());
}

}  // namespace detail
}  // namespace plugins
}  // namespace intarsia
