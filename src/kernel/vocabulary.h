// The tile language's operations on a builder: promotion, broadcasting, pointer arithmetic, masks. C++
// (language.hpp) and Python
// (@jit) both call this expression by expression; what is wrong is a UserError that says which types were
// given.
#pragma once
#include <concepts>
#include <functional>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "kernel/builder.h"
#include "kernel/promote.h"

namespace intarsia::kernel {

// An operand: a value of the kernel, or a number known while it is built.
class Operand {
 public:
  Operand(ValueId value) : what_(value) {}           // NOLINT: values are operands
  Operand(const Literal& number) : what_(number) {}  // NOLINT: numbers too
  Operand(bool number) : what_(Literal(number)) {}   // NOLINT
  template <std::integral T>
    requires(!std::same_as<T, bool>)
  Operand(T number) : what_(literal(number)) {}  // NOLINT
  template <std::floating_point T>
  Operand(T number) : what_(Literal(static_cast<double>(number))) {}  // NOLINT

  const ValueId* value() const { return std::get_if<ValueId>(&what_); }
  const Literal* number() const { return std::get_if<Literal>(&what_); }

 private:
  template <class T>
  static Literal literal(T n) {
    if constexpr (std::unsigned_integral<T> && sizeof(T) == 8) {
      if (n > INT64_MAX) return static_cast<std::uint64_t>(n);
    }
    return static_cast<std::int64_t>(n);
  }
  std::variant<ValueId, Literal> what_;
};

enum class BinaryOp : std::uint8_t {
  kAdd,
  kSub,
  kMul,
  kTrueDivide,   // integers give f32
  kFloorDivide,  // `//` of the tile language: integers only, truncates towards zero (as in Triton)
  kRemainder,    // of the dividend's sign
  kAnd,
  kOr,
  kXor,
  kShiftLeft,
  kShiftRight,
  kMinimum,
  kMaximum,  // a number wins over NaN
  kMinimumNan,
  kMaximumNan,  // NaN wins
  kPow,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
};

// A tensor in memory with extents, strides and the shape of the block that moves.
struct Descriptor {
  ValueId view;
  std::vector<std::int64_t> block;
};

// make_block_ptr of Triton: a tensor behind a pointer and where the block that moves starts.
struct BlockPointer {
  ValueId base;
  std::vector<ValueId> extents, strides, offsets;  // i64 scalars
  std::vector<std::int64_t> block;
};

class Vocabulary {
 public:
  using Values = std::vector<ValueId>;
  using Extents = std::span<const std::int64_t>;

  explicit Vocabulary(Builder& builder) : b(builder) {}

  const Type& type(ValueId v) const { return b.type(v); }
  ValueId value(const Operand& a);               // a number alone has dtype_of(number)
  ValueId value(const Operand& a, DType dtype);  // cast, or the constant in that dtype

  // Lane by lane, broadcast to one shape. pointer + integer, integer + pointer and pointer - integer move
  // pointers.
  ValueId binary(BinaryOp op, const Operand& a, const Operand& b);
  ValueId unary(Fn fn,
                const Operand& a);  // exp, sqrt ... of floats; abs, neg of numbers; not of integers and bools
  ValueId negative(const Operand& a);
  ValueId logical_not(const Operand& a);  // a == 0, as bool
  ValueId where(const Operand& condition, const Operand& a, const Operand& b);
  ValueId fma(const Operand& a, const Operand& b, const Operand& c);
  ValueId clamp(const Operand& a, const Operand& low, const Operand& high, bool propagate_nan = false);
  ValueId sigmoid(const Operand& a);  // 1 / (1 + exp(-x)), in f32 at least
  ValueId is_nan(const Operand& a);   // bools, of floats
  ValueId is_inf(const Operand& a);
  ValueId is_finite(const Operand& a);
  ValueId cdiv(const Operand& a, const Operand& b);  // (a + b - 1) // b
  ValueId cast(const Operand& a, DType dtype);
  ValueId bitcast(ValueId a, DType dtype);

  // Shapes. Ranks are padded with 1 on the left, extents of 1 stretch; negative axes count from the end.
  ValueId arange(std::int64_t begin, std::int64_t end);  // i32, or i64 where the ends need it
  ValueId full(Extents extents, const Operand& number, DType dtype);
  ValueId zeros(Extents extents, DType dtype) { return full(extents, 0, dtype); }
  ValueId broadcast_to(const Operand& a, Extents extents);
  std::pair<ValueId, ValueId> broadcast(ValueId a, ValueId b);
  ValueId expand_dims(ValueId a, std::span<const int> axes);
  ValueId reshape(ValueId a, Extents extents) { return b.reshape(a, extents); }
  ValueId permute(ValueId a, std::span<const int> order);
  ValueId trans(ValueId a);  // swaps the last two axes
  ValueId join(const Operand& a, const Operand& b);
  Values split(ValueId a);
  ValueId interleave(const Operand& a, const Operand& b);
  ValueId cat(ValueId a, ValueId b);  // rank 1, in order
  ValueId flip(ValueId a, int axis);
  ValueId gather(ValueId from, ValueId at, int axis);

  // Reductions. No axis: all of them. sum widens bool and integers below 32 bits to (u)i32; max and min widen
  // what is narrower than 32 bits; the index of argmax and argmin is i32, of the lowest among equals; NaN is
  // the largest and smallest.
  ValueId sum(ValueId a, std::optional<int> axis, bool keep_dims = false, std::optional<DType> dtype = {});
  ValueId xor_sum(ValueId a, std::optional<int> axis, bool keep_dims = false);
  ValueId max(ValueId a, std::optional<int> axis, bool keep_dims = false);
  ValueId min(ValueId a, std::optional<int> axis, bool keep_dims = false);
  Values max_with_index(ValueId a, int axis, bool keep_dims = false);
  Values min_with_index(ValueId a, int axis, bool keep_dims = false);
  ValueId argmax(ValueId a, int axis, bool keep_dims = false) {
    return max_with_index(a, axis, keep_dims)[1];
  }
  ValueId argmin(ValueId a, int axis, bool keep_dims = false) {
    return min_with_index(a, axis, keep_dims)[1];
  }
  ValueId softmax(ValueId a, int axis);
  ValueId cumsum(ValueId a, int axis, bool reverse = false, std::optional<DType> dtype = {});
  ValueId cumprod(ValueId a, int axis, bool reverse = false);
  Values reduce(std::span<const ValueId> a, std::optional<int> axis, const Builder::Combine& combine,
                bool keep_dims = false);
  Values scan(std::span<const ValueId> a, int axis, const Builder::Combine& combine, bool reverse = false);

  // a [.., m, k] times b [.., k, n]: f32 from floats, i32 from i8, f64 from f64, unless `out` or `acc` says
  // otherwise.
  ValueId dot(ValueId a, ValueId b, std::optional<ValueId> acc = {}, Precision precision = Precision::kExact,
              std::optional<DType> out = {});

  // Pointers. A mask without `other` gives 0. Values are cast to the pointee, masks are bool, all are
  // broadcast.
  ValueId load(ValueId pointer, const std::optional<Operand>& mask = {},
               const std::optional<Operand>& other = {});
  void store(ValueId pointer, const Operand& value, const std::optional<Operand>& mask = {});
  ValueId atomic(Fn fn, ValueId pointer, const Operand& value, const std::optional<Operand>& mask = {},
                 Semantics semantics = Semantics::kAcquireRelease);
  ValueId atomic_cas(ValueId pointer, const Operand& expected, const Operand& desired,
                     Semantics semantics = Semantics::kAcquireRelease);

  // Tensor descriptors: reads outside give 0, writes outside vanish. Extents, strides and offsets are
  // integers, in elements.
  Descriptor make_descriptor(ValueId pointer, std::span<const Operand> extents,
                             std::span<const Operand> strides, Extents block);
  ValueId load(const Descriptor& from, std::span<const Operand> offsets, double fill = 0);
  void store(const Descriptor& to, std::span<const Operand> offsets, const Operand& value);

  // Block pointers. Axes in `checked` (negative ones count from the end) are bounded by the extents: reads
  // outside give `padding`, writes vanish; along the others an access outside is the kernel's mistake.
  BlockPointer make_block_pointer(ValueId pointer, std::span<const Operand> extents,
                                  std::span<const Operand> strides, std::span<const Operand> offsets,
                                  Extents block);
  BlockPointer advance(const BlockPointer& from, std::span<const Operand> by);
  ValueId load(const BlockPointer& from, std::span<const int> checked, double padding = 0);
  void store(const BlockPointer& to, const Operand& value, std::span<const int> checked);

  // Philox-4x32 of a seed (any integer) and 32-bit offsets.
  Values philox(const Operand& seed, const Operand& offset, int rounds = 10);
  ValueId randint(const Operand& seed, const Operand& offset, int rounds = 10) {
    return philox(seed, offset, rounds)[0];
  }
  ValueId rand(const Operand& seed, const Operand& offset, int rounds = 10);   // f32 in [0, 1)
  ValueId randn(const Operand& seed, const Operand& offset, int rounds = 10);  // f32, Box-Muller

  // Control. Carried values keep dtype and shape; the index has the promoted integer dtype of the bounds.
  Values for_(const Operand& low, const Operand& high, const Operand& step, std::span<const ValueId> carried,
              const std::function<Values(ValueId i, std::span<const ValueId> carried)>& body);
  void print(std::span<const ValueId> values) { b.add(Opcode::kPrint, values, {}); }  // for the interpreter
  ValueId condition(const Operand& a);  // of if and while: a bool scalar; integers are compared with 0

  Builder& b;

 private:
  int axis_of(const Type& t, int axis) const;
  ValueId without_axis(ValueId a, int axis);
  ValueId whole(ValueId a);  // all elements along one axis
  ValueId reduced(Fn fn, ValueId a, std::optional<int> axis, bool keep_dims);
  Values with_index(bool largest, ValueId a, int axis, bool keep_dims);
  ValueId widened(ValueId a) const;
  ValueId offset(const Operand& a);  // an i64 scalar
  ValueId move(ValueId pointer, const Operand& by, bool back);
  ValueId mask_for(ValueId pointer, const Operand& mask);
  ValueId real(const Operand& a, std::string_view what);  // a float value
  ValueId view_of(const BlockPointer& p, std::span<const int> checked);
  std::vector<std::int64_t> common(std::span<const ValueId> values) const;
  ValueId uniform(ValueId bits);  // u32 -> [0, 1)
};

}  // namespace intarsia::kernel
