// Builds kernels instruction by instruction; types of results are computed here and nowhere else.
#pragma once
#include <concepts>
#include <functional>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kernel/ir.h"

namespace intarsia::kernel {

// Appends to one region at a time. Operands must have the types that docs/kernel-ir.md asks for (nothing is
// promoted or broadcast here: kernel/vocabulary.h does); a convenience whose operands do not fit throws
// UserError with their types.
class Builder {
 public:
  using Values = std::vector<ValueId>;

  explicit Builder(Kernel& kernel, RegionId region = RegionId{0});

  // Parameters. The reference is good until the next one is made.
  Param& param(std::string name, Role role, std::uint32_t port, Type type);
  ValueId view(std::string name, Role role, std::uint32_t port, DType dtype, Shape extents);

  // Any instruction, unchecked until verify: for passes.
  ValueId emit(Opcode opcode, std::span<const ValueId> operands, Type result, std::span<const Attr> attrs);
  ValueId emit(Opcode opcode, std::span<const ValueId> operands, Type result,
               std::initializer_list<Attr> attrs = {}) {
    return emit(opcode, operands, result, std::span(attrs.begin(), attrs.size()));
  }
  InstId add(Opcode opcode, std::span<const ValueId> operands, std::span<const Type> results,
             std::span<const RegionId> regions, std::span<const Attr> attrs);
  InstId add(Opcode opcode, std::span<const ValueId> operands, std::span<const Type> results,
             std::span<const RegionId> regions = {}, std::initializer_list<Attr> attrs = {}) {
    return add(opcode, operands, results, regions, std::span(attrs.begin(), attrs.size()));
  }

  // Values of the launch.
  ValueId dim(const Dim& d);
  ValueId program_id(int axis);
  ValueId num_programs(int axis);

  // A number in every lane. UserError: an integer dtype cannot hold the value. Floats round to the dtype.
  template <std::integral T>
  ValueId constant(T value, Type type) {
    if constexpr (std::unsigned_integral<T> && sizeof(T) == 8)
      return unsigned_constant(value, type);
    else
      return integer_constant(static_cast<std::int64_t>(value), type);
  }
  template <std::floating_point T>
  ValueId constant(T value, Type type) {
    return float_constant(static_cast<double>(value), type);
  }
  ValueId arange(std::int64_t start, std::int64_t count, DType dtype = DType::kI64);

  // Lane by lane.
  ValueId unary(Fn fn, ValueId a);
  ValueId binary(Fn fn, ValueId a, ValueId b);
  ValueId compare(Fn fn, ValueId a, ValueId b);
  ValueId select(ValueId condition, ValueId if_true, ValueId if_false);
  ValueId fma(ValueId a, ValueId b, ValueId c);
  ValueId cast(ValueId a, DType dtype);  // a itself where the dtype is the same
  ValueId bitcast(ValueId a, DType dtype);

  // Shapes. broadcast and reshape give `a` itself where nothing changes.
  ValueId broadcast(ValueId a, std::span<const std::int64_t> extents);
  ValueId broadcast_like(ValueId a, ValueId like);
  ValueId reshape(ValueId a, std::span<const std::int64_t> extents);
  ValueId transpose(ValueId a, std::span<const int> order);
  ValueId join(std::span<const ValueId> parts);
  Values split(ValueId a);
  ValueId gather(ValueId from, ValueId at, int axis);

  // The axis stays, with extent 1.
  ValueId reduce(Fn fn, ValueId a, int axis);
  ValueId scan(Fn fn, ValueId a, int axis, bool reverse = false);
  using Combine = std::function<Values(std::span<const ValueId> left, std::span<const ValueId> right)>;
  Values reduce(std::span<const ValueId> a, int axis, const Combine& combine);
  Values scan(std::span<const ValueId> a, int axis, const Combine& combine, bool reverse = false);

  // acc + a x b.
  ValueId dot(ValueId a, ValueId b, ValueId acc, Precision precision = Precision::kExact);

  // Pointers. A mask without `other` gives 0.
  ValueId pointer_add(ValueId pointer, ValueId elements);
  ValueId load_at(ValueId pointer, std::optional<ValueId> mask = {}, std::optional<ValueId> other = {});
  void store_at(ValueId pointer, ValueId value, std::optional<ValueId> mask = {});
  ValueId atomic(Fn fn, ValueId pointer, std::span<const ValueId> values, std::optional<ValueId> mask = {},
                 Semantics semantics = Semantics::kAcquireRelease);

  // Views. Offsets are i64 scalars, in elements; lanes outside give `fill` (a value of the dtype; integers
  // exactly).
  ValueId make_view(ValueId pointer, std::span<const ValueId> extents, std::span<const ValueId> strides);
  ValueId view_extent(ValueId view, int axis);
  ValueId load(ValueId view, std::span<const ValueId> offsets, std::span<const std::int64_t> extents,
               double fill = 0);
  void store(ValueId view, ValueId value, std::span<const ValueId> offsets);
  ValueId view_atomic(Fn fn, ValueId view, ValueId value, std::span<const ValueId> offsets);
  ValueId clip(ValueId value, ValueId view, std::span<const ValueId> offsets, std::int64_t fill_bits);

  // Control. What a body returns is yielded.
  Values for_(ValueId lo, ValueId hi, ValueId step, std::span<const ValueId> carried,
              const std::function<Values(ValueId i, std::span<const ValueId> carried)>& body);
  Values while_(std::span<const ValueId> carried,
                const std::function<ValueId(std::span<const ValueId>)>& test,
                const std::function<Values(std::span<const ValueId>)>& body);
  Values if_(ValueId condition, const std::function<Values()>& then,
             const std::function<Values()>& otherwise = {});
  void yield(std::span<const ValueId> values) { add(Opcode::kYield, values, {}); }
  void assert_(ValueId condition);
  void assume(ValueId condition);
  void barrier() { add(Opcode::kBarrier, {}, {}); }

  ValueId result(InstId i, std::uint32_t n = 0) const {
    return static_cast<ValueId>(kernel.insts[index(i)].results.begin + n);
  }
  Values results(InstId i) const;
  RegionId region(std::span<const Type> params);                         // new and empty
  RegionId at(RegionId where) { return std::exchange(current, where); }  // gives where it was
  std::span<const ValueId> params(RegionId r) const { return kernel.regions[index(r)].params; }
  void line(std::string text);  // of what follows: "model.py:41:8"; "" for none
  const Type& type(ValueId v) const { return kernel.type(v); }

  Kernel& kernel;
  RegionId current;

 private:
  ValueId checked(ValueId v);  // UserError if the last instruction breaks a rule
  InstId checked(InstId i);
  ValueId integer_constant(std::int64_t value, Type type);
  ValueId unsigned_constant(std::uint64_t value, Type type);
  ValueId float_constant(double value, Type type);
  Values combine(Opcode opcode, std::span<const ValueId> a, int axis, const Combine& combine, bool reverse);
  RegionId filled(std::span<const Type> params, const std::function<Values(std::span<const ValueId>)>& body);
  std::vector<Type> types_of(std::span<const ValueId> values) const;

  std::uint32_t line_ = 0;
};

// The bits of `constant` and `fill`: of the value as f64 for float dtypes, as i64 (u64: its pattern) for the
// others.
std::int64_t constant_bits(DType dtype, double value);

}  // namespace intarsia::kernel
