// Loops and branches of the tile language. What they carry keeps dtype and shape: one Value, or a tuple of
// Values.
#pragma once
#include <tuple>
#include <type_traits>
#include <utility>

#include "intarsia/language/value.hpp"

namespace intarsia::language {

namespace detail {
using Ids = kernel::Vocabulary::Values;

template <class T>
constexpr bool kIsValue = std::is_base_of_v<Value, std::remove_cvref_t<T>>;

// Values of one Value, of a tuple of them, or of nothing.
template <class T>
Ids unpack(const T& values) {
  if constexpr (kIsValue<T>)
    return {values.id()};
  else
    return std::apply([](const auto&... v) { return Ids{v.id()...}; }, values);
}
template <class T, std::size_t... n>
T pack_tuple(std::span<const kernel::ValueId> ids, std::index_sequence<n...>) {
  return T(Value(ids[n])...);
}
template <class T>
constexpr std::size_t kCount = [] {
  if constexpr (kIsValue<T>)
    return std::size_t{1};
  else
    return std::tuple_size_v<T>;
}();
// Carried values lose what only a parameter has (Ptr<float> becomes Value).
template <class T>
struct CarriedOf {
  using type = Value;
};
template <class... T>
struct CarriedOf<std::tuple<T...>> {
  using type = std::tuple<typename CarriedOf<T>::type...>;
};
template <class T>
using Carried = typename CarriedOf<std::remove_cvref_t<T>>::type;
template <class T>
T pack(std::span<const kernel::ValueId> ids) {
  if constexpr (kIsValue<T>)
    return T(ids[0]);
  else
    return pack_tuple<T>(ids, std::make_index_sequence<kCount<T>>());
}
// f(first..., carried...) as ids.
template <class C, class F, class... First>
decltype(auto) call(F& f, std::span<const kernel::ValueId> ids, First... first) {
  if constexpr (kIsValue<C>)
    return f(first..., Value(ids[0]));
  else
    return std::apply([&](const auto&... v) -> decltype(auto) { return f(first..., v...); }, pack<C>(ids));
}
template <class F>
Ids results(F& f) {
  if constexpr (std::is_void_v<std::invoke_result_t<F&>>)
    return f(), Ids{};
  else
    return unpack(f());
}
}  // namespace detail

// for (i = low; i < high; i += step) body(i)
template <class F>
  requires std::invocable<F&, Value>
void for_(const Arg& low, const Arg& high, const Arg& step, F body) {
  detail::at_line(low.at, [&](kernel::Vocabulary& v) {
    v.for_(low.operand, high.operand, step.operand, {}, [&](kernel::ValueId i, auto) {
      body(Value(i));
      return detail::Ids{};
    });
  });
}

// acc = init; for (...) acc = body(i, acc). `init` is a Value or a tuple of Values; body takes them one by
// one.
template <class T, class F>
detail::Carried<T> for_(const Arg& low, const Arg& high, const Arg& step, const T& init, F body) {
  using C = detail::Carried<T>;
  return detail::at_line(low.at, [&](kernel::Vocabulary& v) {
    const auto out = v.for_(low.operand, high.operand, step.operand, detail::unpack(init),
                            [&](kernel::ValueId i, std::span<const kernel::ValueId> c) {
                              return detail::unpack(detail::call<C>(body, c, Value(i)));
                            });
    return detail::pack<C>(out);
  });
}

// acc = init; while (test(acc)) acc = body(acc)
template <class T, class P, class F>
detail::Carried<T> while_(const T& init, P test, F body, Location at = Location::current()) {
  using C = detail::Carried<T>;
  return detail::at_line(at, [&](kernel::Vocabulary& v) {
    const auto out = v.b.while_(
        detail::unpack(init),
        [&](std::span<const kernel::ValueId> c) { return v.condition(detail::call<C>(test, c).id()); },
        [&](std::span<const kernel::ValueId> c) { return detail::unpack(detail::call<C>(body, c)); });
    return detail::pack<C>(out);
  });
}

// A scalar condition; both sides give nothing, a Value, or tuples of Values of equal types.
template <class F, class G>
auto if_(const Arg& condition, F then, G otherwise) {
  using R = std::invoke_result_t<F&>;
  return detail::at_line(condition.at, [&](kernel::Vocabulary& v) {
    const auto out = v.b.if_(
        v.condition(condition.operand), [&] { return detail::results(then); },
        [&] { return detail::results(otherwise); });
    if constexpr (!std::is_void_v<R>) return detail::pack<detail::Carried<R>>(out);
  });
}
template <class F>
void if_(const Arg& condition, F then) {
  if_(condition, [&] { then(); }, [] {});
}

}  // namespace intarsia::language
