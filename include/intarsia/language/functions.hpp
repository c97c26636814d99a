// Functions of the tile language. Each takes the caller's line last; shapes broadcast as docs/language.md
// says.
#pragma once
#include <array>
#include <optional>
#include <span>
#include <utility>

#include "intarsia/language/value.hpp"

namespace intarsia::language {

namespace detail {
template <class F>
Value make(const Location& at, F f) {
  return at_line(at, [&](kernel::Vocabulary& v) { return Value(f(v)); });
}
inline Value unary(kernel::Fn fn, const Arg& a) {
  return make(a.at, [&](kernel::Vocabulary& v) { return v.unary(fn, a.operand); });
}
inline std::optional<kernel::Operand> optional(const std::optional<Arg>& a) {
  return a ? std::optional(a->operand) : std::nullopt;
}
template <std::size_t n>
kernel::Vocabulary::Values ids(const std::array<Value, n>& values) {
  kernel::Vocabulary::Values out;
  for (const Value& v : values) out.push_back(v.id());
  return out;
}
template <std::size_t n>
std::array<Value, n> values(std::span<const kernel::ValueId> ids) {
  return [&]<std::size_t... i>(std::index_sequence<i...>) {
    return std::array<Value, n>{Value(ids[i])...};
  }(std::make_index_sequence<n>());
}
template <class F>
auto pairwise(F& combine) {
  return [&combine](auto l, auto r) {
    return kernel::Vocabulary::Values{combine(Value(l[0]), Value(r[0])).id()};
  };
}
template <std::size_t n, class F>
auto tuplewise(F& combine) {
  return [&combine](auto l, auto r) { return ids<n>(combine(values<n>(l), values<n>(r))); };
}
inline std::vector<kernel::Operand> operands(std::span<const Arg> args) {
  std::vector<kernel::Operand> out;
  for (const Arg& a : args) out.push_back(a.operand);
  return out;
}
}  // namespace detail

// ---- the launch, constants, shapes
// ---------------------------------------------------------------------------------

inline Value program_id(int axis, Location at = Location::current()) {  // i64
  return detail::make(at, [&](auto& v) { return v.b.program_id(axis); });
}
inline Value num_programs(int axis, Location at = Location::current()) {  // i64
  return detail::make(at, [&](auto& v) { return v.b.num_programs(axis); });
}
inline Value arange(std::int64_t begin, std::int64_t end, Location at = Location::current()) {  // i32
  return detail::make(at, [&](auto& v) { return v.arange(begin, end); });
}
inline Value full(const Extents& shape, const Arg& number, DType dtype) {
  return detail::make(number.at, [&](auto& v) { return v.full(shape, number.operand, dtype); });
}
inline Value zeros(const Extents& shape, DType dtype, Location at = Location::current()) {
  return detail::make(at, [&](auto& v) { return v.zeros(shape, dtype); });
}
inline Value zeros_like(const Value& a, Location at = Location::current()) {
  return zeros(a.shape(at), a.dtype(at), at);
}
inline Value cast(const Arg& a, DType dtype) {
  return detail::make(a.at, [&](auto& v) { return v.cast(a.operand, dtype); });
}
inline Value bitcast(const Value& a, DType dtype, Location at = Location::current()) {
  return detail::make(at, [&](auto& v) { return v.bitcast(a.id(), dtype); });
}
inline Value broadcast_to(const Arg& a, const Extents& shape) {
  return detail::make(a.at, [&](auto& v) { return v.broadcast_to(a.operand, shape); });
}
inline Value expand_dims(const Value& a, int axis, Location at = Location::current()) {
  return detail::make(at, [&](auto& v) { return v.expand_dims(a.id(), std::span(&axis, 1)); });
}
inline Value reshape(const Value& a, const Extents& shape, Location at = Location::current()) {
  return detail::make(at, [&](auto& v) { return v.reshape(a.id(), shape); });
}
inline Value permute(const Value& a, const std::vector<int>& order, Location at = Location::current()) {
  return detail::make(at, [&](auto& v) { return v.permute(a.id(), order); });
}
inline Value trans(const Value& a, Location at = Location::current()) {
  return detail::make(at, [&](auto& v) { return v.trans(a.id()); });
}
inline Value join(const Arg& a, const Arg& b) {
  return detail::make(a.at, [&](auto& v) { return v.join(a.operand, b.operand); });
}
inline std::pair<Value, Value> split(const Value& a, Location at = Location::current()) {
  return detail::at_line(at, [&](auto& v) {
    const auto parts = v.split(a.id());
    return std::pair(Value(parts[0]), Value(parts[1]));
  });
}
inline Value interleave(const Arg& a, const Arg& b) {
  return detail::make(a.at, [&](auto& v) { return v.interleave(a.operand, b.operand); });
}
inline Value cat(const Value& a, const Value& b, Location at = Location::current()) {
  return detail::make(at, [&](auto& v) { return v.cat(a.id(), b.id()); });
}
inline Value flip(const Value& a, int axis, Location at = Location::current()) {
  return detail::make(at, [&](auto& v) { return v.flip(a.id(), axis); });
}
inline Value gather(const Value& from, const Value& index, int axis, Location at = Location::current()) {
  return detail::make(at, [&](auto& v) { return v.gather(from.id(), index.id(), axis); });
}

// ---- lane by lane
// --------------------------------------------------------------------------------------------------

inline Value exp(const Arg& a) { return detail::unary(kernel::Fn::kExp, a); }
inline Value exp2(const Arg& a) { return detail::unary(kernel::Fn::kExp2, a); }
inline Value log(const Arg& a) { return detail::unary(kernel::Fn::kLog, a); }
inline Value log2(const Arg& a) { return detail::unary(kernel::Fn::kLog2, a); }
inline Value sqrt(const Arg& a) { return detail::unary(kernel::Fn::kSqrt, a); }
inline Value rsqrt(const Arg& a) { return detail::unary(kernel::Fn::kRsqrt, a); }
inline Value sin(const Arg& a) { return detail::unary(kernel::Fn::kSin, a); }
inline Value cos(const Arg& a) { return detail::unary(kernel::Fn::kCos, a); }
inline Value tanh(const Arg& a) { return detail::unary(kernel::Fn::kTanh, a); }
inline Value erf(const Arg& a) { return detail::unary(kernel::Fn::kErf, a); }
inline Value floor(const Arg& a) { return detail::unary(kernel::Fn::kFloor, a); }
inline Value ceil(const Arg& a) { return detail::unary(kernel::Fn::kCeil, a); }
inline Value round(const Arg& a) { return detail::unary(kernel::Fn::kRound, a); }
inline Value trunc(const Arg& a) { return detail::unary(kernel::Fn::kTrunc, a); }
inline Value abs(const Arg& a) { return detail::unary(kernel::Fn::kAbs, a); }
inline Value fdiv(const Arg& a, const Arg& b) { return detail::binary(BinaryOp::kTrueDivide, a, b); }
inline Value pow(const Arg& a, const Arg& b) { return detail::binary(BinaryOp::kPow, a, b); }
inline Value minimum(const Arg& a, const Arg& b) { return detail::binary(BinaryOp::kMinimum, a, b); }
inline Value maximum(const Arg& a, const Arg& b) { return detail::binary(BinaryOp::kMaximum, a, b); }
inline Value cdiv(const Arg& a, const Arg& b) {
  return detail::make(b.at, [&](auto& v) { return v.cdiv(a.operand, b.operand); });
}
constexpr std::int64_t cdiv(std::integral auto a, std::integral auto b) { return (a + b - 1) / b; }
inline Value fma(const Arg& a, const Arg& b, const Arg& c) {
  return detail::make(a.at, [&](auto& v) { return v.fma(a.operand, b.operand, c.operand); });
}
inline Value where(const Arg& condition, const Arg& a, const Arg& b) {
  return detail::make(condition.at,
                      [&](auto& v) { return v.where(condition.operand, a.operand, b.operand); });
}
inline Value clamp(const Arg& a, const Arg& low, const Arg& high) {
  return detail::make(a.at, [&](auto& v) { return v.clamp(a.operand, low.operand, high.operand); });
}
inline Value isnan(const Arg& a) {
  return detail::make(a.at, [&](auto& v) { return v.is_nan(a.operand); });
}
inline Value isinf(const Arg& a) {
  return detail::make(a.at, [&](auto& v) { return v.is_inf(a.operand); });
}
inline Value isfinite(const Arg& a) {
  return detail::make(a.at, [&](auto& v) { return v.is_finite(a.operand); });
}
inline Value sigmoid(const Arg& a) {
  return detail::make(a.at, [&](auto& v) { return v.sigmoid(a.operand); });
}

// ---- reductions, scans, products
// -----------------------------------------------------------------------------------

using Axis = std::optional<int>;  // none: all elements
inline constexpr Axis kAllAxes = std::nullopt;

inline Value sum(const Value& a, Axis axis = kAllAxes, bool keep_dims = false,
                 Location at = Location::current()) {
  return detail::make(at, [&](auto& v) { return v.sum(a.id(), axis, keep_dims); });
}
inline Value max(const Value& a, Axis axis = kAllAxes, bool keep_dims = false,
                 Location at = Location::current()) {
  return detail::make(at, [&](auto& v) { return v.max(a.id(), axis, keep_dims); });
}
inline Value min(const Value& a, Axis axis = kAllAxes, bool keep_dims = false,
                 Location at = Location::current()) {
  return detail::make(at, [&](auto& v) { return v.min(a.id(), axis, keep_dims); });
}
inline Value argmax(const Value& a, int axis, bool keep_dims = false,
                    Location at = Location::current()) {  // i32
  return detail::make(at, [&](auto& v) { return v.argmax(a.id(), axis, keep_dims); });
}
inline Value argmin(const Value& a, int axis, bool keep_dims = false, Location at = Location::current()) {
  return detail::make(at, [&](auto& v) { return v.argmin(a.id(), axis, keep_dims); });
}
inline Value softmax(const Value& a, int axis, Location at = Location::current()) {
  return detail::make(at, [&](auto& v) { return v.softmax(a.id(), axis); });
}
inline Value cumsum(const Value& a, int axis, bool reverse = false, Location at = Location::current()) {
  return detail::make(at, [&](auto& v) { return v.cumsum(a.id(), axis, reverse); });
}
inline Value cumprod(const Value& a, int axis, bool reverse = false, Location at = Location::current()) {
  return detail::make(at, [&](auto& v) { return v.cumprod(a.id(), axis, reverse); });
}
// combine(left, right) of two scalars; it must be associative, its order is not fixed.
template <class F>
Value reduce(const Value& a, Axis axis, F combine, bool keep_dims = false,
             Location at = Location::current()) {
  return detail::make(at, [&](auto& v) {
    const kernel::ValueId in[] = {a.id()};
    return v.reduce(in, axis, detail::pairwise(combine), keep_dims)[0];
  });
}
// Several blocks of one shape together: combine takes two arrays of scalars and gives one.
template <std::size_t n, class F>
std::array<Value, n> reduce(const std::array<Value, n>& a, Axis axis, F combine, bool keep_dims = false,
                            Location at = Location::current()) {
  return detail::at_line(at, [&](auto& v) {
    return detail::values<n>(v.reduce(detail::ids(a), axis, detail::tuplewise<n>(combine), keep_dims));
  });
}
// combine of all elements up to each one (from each one on, with `reverse`).
template <class F>
Value associative_scan(const Value& a, int axis, F combine, bool reverse = false,
                       Location at = Location::current()) {
  return detail::make(at, [&](auto& v) {
    const kernel::ValueId in[] = {a.id()};
    return v.scan(in, axis, detail::pairwise(combine), reverse)[0];
  });
}
template <std::size_t n, class F>
std::array<Value, n> associative_scan(const std::array<Value, n>& a, int axis, F combine,
                                      bool reverse = false, Location at = Location::current()) {
  return detail::at_line(at, [&](auto& v) {
    return detail::values<n>(v.scan(detail::ids(a), axis, detail::tuplewise<n>(combine), reverse));
  });
}
inline Value dot(const Value& a, const Value& b,
                 Location at = Location::current()) {  // f32 (f64, i32) result
  return detail::make(at, [&](auto& v) { return v.dot(a.id(), b.id()); });
}
inline Value dot(const Value& a, const Value& b, const Value& acc, Location at = Location::current()) {
  return detail::make(at, [&](auto& v) { return v.dot(a.id(), b.id(), acc.id()); });
}

// ---- memory
// --------------------------------------------------------------------------------------------------------

// Lanes whose mask is false are not accessed; they give `other`, or 0.
inline Value load(const Value& pointer, std::optional<Arg> mask = {}, std::optional<Arg> other = {},
                  Location at = Location::current()) {
  return detail::make(
      at, [&](auto& v) { return v.load(pointer.id(), detail::optional(mask), detail::optional(other)); });
}
inline void store(const Value& pointer, const Arg& value, std::optional<Arg> mask = {},
                  Location at = Location::current()) {
  detail::at_line(at, [&](auto& v) { v.store(pointer.id(), value.operand, detail::optional(mask)); });
}
namespace detail {
inline Value atomic(kernel::Fn fn, const Value& pointer, const Arg& value, const std::optional<Arg>& mask,
                    const Location& at) {
  return make(at, [&](auto& v) { return v.atomic(fn, pointer.id(), value.operand, optional(mask)); });
}
}  // namespace detail
inline Value atomic_add(const Value& pointer, const Arg& value, std::optional<Arg> mask = {},
                        Location at = Location::current()) {
  return detail::atomic(kernel::Fn::kAdd, pointer, value, mask, at);
}
inline Value atomic_max(const Value& pointer, const Arg& value, std::optional<Arg> mask = {},
                        Location at = Location::current()) {
  return detail::atomic(kernel::Fn::kMax, pointer, value, mask, at);
}
inline Value atomic_min(const Value& pointer, const Arg& value, std::optional<Arg> mask = {},
                        Location at = Location::current()) {
  return detail::atomic(kernel::Fn::kMin, pointer, value, mask, at);
}
inline Value atomic_and(const Value& pointer, const Arg& value, std::optional<Arg> mask = {},
                        Location at = Location::current()) {
  return detail::atomic(kernel::Fn::kAnd, pointer, value, mask, at);
}
inline Value atomic_or(const Value& pointer, const Arg& value, std::optional<Arg> mask = {},
                       Location at = Location::current()) {
  return detail::atomic(kernel::Fn::kOr, pointer, value, mask, at);
}
inline Value atomic_xor(const Value& pointer, const Arg& value, std::optional<Arg> mask = {},
                        Location at = Location::current()) {
  return detail::atomic(kernel::Fn::kXor, pointer, value, mask, at);
}
inline Value atomic_xchg(const Value& pointer, const Arg& value, std::optional<Arg> mask = {},
                         Location at = Location::current()) {
  return detail::atomic(kernel::Fn::kExchange, pointer, value, mask, at);
}
inline Value atomic_cas(const Value& pointer, const Arg& expected, const Arg& desired,
                        Location at = Location::current()) {
  return detail::make(at,
                      [&](auto& v) { return v.atomic_cas(pointer.id(), expected.operand, desired.operand); });
}

// A tensor with bounds: reads outside give 0, writes outside vanish. Offsets are in elements.
class Descriptor {
 public:
  explicit Descriptor(kernel::Descriptor d) : d_(std::move(d)) {}
  Value load(std::initializer_list<Arg> offsets, Location at = Location::current()) const {
    return detail::make(
        at, [&](auto& v) { return v.load(d_, detail::operands({offsets.begin(), offsets.size()})); });
  }
  void store(std::initializer_list<Arg> offsets, const Arg& value, Location at = Location::current()) const {
    detail::at_line(at, [&](auto& v) {
      v.store(d_, detail::operands({offsets.begin(), offsets.size()}), value.operand);
    });
  }

 private:
  kernel::Descriptor d_;
};
inline Descriptor make_tensor_descriptor(const Value& pointer, std::initializer_list<Arg> shape,
                                         std::initializer_list<Arg> strides, const Extents& block,
                                         Location at = Location::current()) {
  return detail::at_line(at, [&](auto& v) {
    return Descriptor(v.make_descriptor(pointer.id(), detail::operands({shape.begin(), shape.size()}),
                                        detail::operands({strides.begin(), strides.size()}), block));
  });
}

inline Value rand(const Arg& seed, const Arg& offset) {  // f32 in [0, 1), Philox
  return detail::make(seed.at, [&](auto& v) { return v.rand(seed.operand, offset.operand); });
}
inline Value randn(const Arg& seed, const Arg& offset) {
  return detail::make(seed.at, [&](auto& v) { return v.randn(seed.operand, offset.operand); });
}
inline Value randint(const Arg& seed, const Arg& offset) {  // u32
  return detail::make(seed.at, [&](auto& v) { return v.randint(seed.operand, offset.operand); });
}

inline void device_assert(const Arg& condition) {
  detail::at_line(condition.at, [&](auto& v) { v.b.assert_(v.cast(condition.operand, DType::kBool)); });
}
inline void assume(const Arg& condition) {
  detail::at_line(condition.at, [&](auto& v) { v.b.assume(v.cast(condition.operand, DType::kBool)); });
}
// For the interpreter: its `print` option receives the values, a line a program.
inline void device_print(std::initializer_list<Value> values, Location at = Location::current()) {
  detail::at_line(at, [&](auto& v) {
    kernel::Vocabulary::Values ids;
    for (const Value& x : values) ids.push_back(x.id());
    v.print(ids);
  });
}
inline void debug_barrier(Location at = Location::current()) {
  detail::at_line(at, [&](auto& v) { v.b.barrier(); });
}

}  // namespace intarsia::language
