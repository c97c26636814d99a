#include "language.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/convert.h"
#include "base/error.h"

namespace intarsia::python {

namespace {

using Bases = std::vector<std::uint64_t>;  // per value: bit p, it may point into parameter p (63: into one of
                                           // the others)

std::uint64_t join(const kernel::Kernel& k, std::span<const ValueId> values, const Bases& bases) {
  std::uint64_t out = 0;
  for (ValueId v : values)
    if (k.type(v).kind == Type::Kind::kPointer) out |= bases[index(v)];
  return out;
}

// Which parameters each pointer may come from: through operands, into and out of regions, until nothing
// changes.
Bases pointer_bases(const kernel::Kernel& k) {
  Bases bases(k.values.size(), 0);
  for (std::size_t p = 0; p < k.params.size(); ++p)
    bases[index(k.params[p].value)] |= std::uint64_t{1} << std::min<std::size_t>(p, 63);
  for (bool changed = true; changed;) {
    changed = false;
    const auto grow = [&](ValueId v, std::uint64_t from) {
      if (k.type(v).kind != Type::Kind::kPointer || (bases[index(v)] | from) == bases[index(v)]) return;
      bases[index(v)] |= from, changed = true;
    };
    for (const kernel::Inst& inst : k.insts) {
      std::uint64_t from = join(k, k.operands_of(inst), bases);
      for (kernel::RegionId r : k.regions_of(inst)) {
        const kernel::Region& region = k.regions[index(r)];
        for (ValueId p : region.params) grow(p, from);
        if (!region.body.empty()) from |= join(k, k.operands_of(k[region.body.back()]), bases);
      }
      for (std::uint32_t i = 0; i < inst.results.count; ++i) grow(k.result(inst, i), from);
    }
  }
  return bases;
}

}  // namespace

Tracer::Tracer(std::string name, bool compat) : compat_(compat), builder(kernel_), words(builder) {
  kernel_.name = std::move(name);
}

std::string Tracer::describe(const Operand& operand) const {
  return operand.value() ? kernel::str(type(*operand.value())) : kernel::str(*operand.number());
}

// ---- parameters
// ------------------------------------------------------------------------------------------------------

ValueId Tracer::pointer(const std::string& name, DType pointee) {
  const auto port = static_cast<std::uint32_t>(kernel_.params.size());
  return builder.param(name, kernel::Role::kInOut, port, kernel::pointer(pointee)).value;
}
ValueId Tracer::scalar(const std::string& name, DType dtype) {
  const auto port = static_cast<std::uint32_t>(kernel_.params.size());
  return builder.param(name, kernel::Role::kScalar, port, kernel::scalar(dtype)).value;
}

kernel::Kernel Tracer::finish() {
  check(outer_.empty(), "every region of a kernel is closed");
  kernel::Kernel out = kernel_;
  const Bases bases = pointer_bases(out);
  std::uint64_t read = 0, written = 0;
  for (const kernel::Inst& inst : out.insts) {
    using kernel::Opcode;
    const bool atomic = inst.opcode == Opcode::kAtomic;
    if (atomic || inst.opcode == Opcode::kLoad) read |= bases[kernel::index(out.operands_of(inst)[0])];
    if (atomic || inst.opcode == Opcode::kStore) written |= bases[kernel::index(out.operands_of(inst)[0])];
  }
  for (std::size_t p = 0; p < out.params.size(); ++p) {
    if (out.params[p].role != kernel::Role::kInOut) continue;
    const std::uint64_t bit = std::uint64_t{1} << std::min<std::size_t>(p, 63);
    if (!(written & bit))
      out.params[p].role = kernel::Role::kInput;
    else if (!(read & bit))
      out.params[p].role = kernel::Role::kOutput;
  }
  kernel::verify(out);
  return out;
}

// ---- blocks
// ----------------------------------------------------------------------------------------------------------

void Tracer::check_extent(std::int64_t extent, std::string_view what) const {
  if (extent < 1) throw UserError(fmt::format("{} must be at least 1, not {}", what, extent));
  if (compat_ && (extent & (extent - 1)) != 0)
    throw UserError(fmt::format(
        "{} must be a power of two in Triton, and {} is not: mask a larger block, or write the kernel with "
        "@intarsia.jit, which takes any extent",
        what, extent));
}
ValueId Tracer::program_id(std::int64_t axis) {
  if (axis < 0 || axis > 2) throw UserError(fmt::format("a grid has the axes 0, 1 and 2, not {}", axis));
  const ValueId id = builder.program_id(static_cast<int>(axis));
  return compat_ ? builder.cast(id, DType::kI32) : id;
}
ValueId Tracer::num_programs(std::int64_t axis) {
  if (axis < 0 || axis > 2) throw UserError(fmt::format("a grid has the axes 0, 1 and 2, not {}", axis));
  const ValueId n = builder.num_programs(static_cast<int>(axis));
  return compat_ ? builder.cast(n, DType::kI32) : n;
}
ValueId Tracer::arange(std::int64_t start, std::int64_t end) {
  if (end > start) check_extent(end - start, "the extent of tl.arange");
  return words.arange(start, end);
}
ValueId Tracer::full(std::span<const std::int64_t> shape, const Operand& value, DType dtype) {
  for (std::int64_t e : shape) check_extent(e, "an extent of a block");
  return words.full(shape, value, dtype);
}
ValueId Tracer::index(ValueId a, const std::vector<bool>& is_new_axis) {
  const Type t = type(a);
  std::vector<std::int64_t> shape;
  std::size_t at = 0;
  for (bool fresh : is_new_axis) {
    if (!fresh && at == t.rank)
      throw UserError(
          fmt::format("{} has {} axes, the index names more", kernel::str(t), static_cast<int>(t.rank)));
    shape.push_back(fresh ? 1 : t.extents[at++]);
  }
  while (at < t.rank) shape.push_back(t.extents[at++]);
  return words.reshape(a, shape);
}
ValueId Tracer::logical(bool is_and, const Operand& a, const Operand& b) {
  for (const Operand& o : {a, b})
    if (o.value() && type(*o.value()).rank != 0)
      throw UserError(fmt::format("'{}' takes single values, not {}: write {} between blocks",
                                  is_and ? "and" : "or", describe(o), is_and ? "&" : "|"));
  return builder.binary(is_and ? Fn::kAnd : Fn::kOr, words.condition(a), words.condition(b));
}

// ---- regions
// ---------------------------------------------------------------------------------------------------------

RegionId Tracer::enter(std::span<const Type> params) {
  const RegionId region = builder.region(params);
  outer_.push_back(builder.at(region));
  return region;
}
void Tracer::leave() {
  check(!outer_.empty(), "a region is left as often as it is entered");
  builder.at(outer_.back());
  outer_.pop_back();
}

void Tracer::yield(RegionId region, std::span<const Operand> values, std::span<const Type> types,
                   std::span<const std::string> names, Join join) {
  const RegionId before = builder.at(region);
  std::vector<ValueId> out;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const bool number = values[i].number() && types[i].kind == Type::Kind::kBlock && types[i].rank == 0;
    if (number)
      out.push_back(words.value(values[i], types[i].dtype));
    else if (values[i].value() && type(*values[i].value()) == types[i])
      out.push_back(*values[i].value());
    else {
      builder.at(before);
      const std::string is = kernel::str(types[i]), becomes = describe(values[i]);
      if (join == Join::kLoop)
        throw UserError(
            fmt::format("'{}' is {} before the loop and {} at its end: what goes round a loop keeps its type",
                        names[i], is, becomes));
      throw UserError(fmt::format("{} is {} on one side of the 'if' and {} on the other: cast one of them",
                                  names[i], join == Join::kThen ? becomes : is,
                                  join == Join::kThen ? is : becomes));
    }
  }
  builder.yield(out);
  builder.at(before);
}

Tracer::Loop Tracer::loop(const Operand& lo, const Operand& hi, const Operand& step) {
  DType t = DType::kI32;
  for (const Operand& o : {lo, hi, step}) {
    const Type own = o.value() ? type(*o.value()) : kernel::scalar(kernel::dtype_of(*o.number()));
    if (own.kind != Type::Kind::kBlock || own.rank != 0 || !is_int(own.dtype))
      throw UserError(fmt::format("the bounds of a loop are single integers, not {}", describe(o)));
    if (bits(own.dtype) > 32 || own.dtype == DType::kU32) t = DType::kI64;
  }
  Loop out{words.value(lo, t), words.value(hi, t), words.value(step, t)};
  const auto* number = step.number() ? std::get_if<std::int64_t>(step.number()) : nullptr;
  if (!number || *number > 0) return out;
  // Downwards: (lo - hi + |step| - 1) / |step| rounds, counted upwards.
  const Type s = kernel::scalar(t);
  const ValueId distance = builder.binary(Fn::kSub, out.lo, out.hi);
  out.from = out.lo, out.by = out.step;
  out.hi = builder.binary(Fn::kDiv, builder.binary(Fn::kAdd, distance, builder.constant(-*number - 1, s)),
                          builder.constant(-*number, s));
  out.lo = builder.constant(0, s), out.step = builder.constant(1, s);
  return out;
}
ValueId Tracer::loop_variable(const Loop& loop, ValueId counter) {
  return loop.from ? builder.binary(Fn::kAdd, *loop.from, builder.binary(Fn::kMul, counter, *loop.by))
                   : counter;
}

std::vector<ValueId> Tracer::for_(const Loop& loop, std::span<const ValueId> carried, RegionId body,
                                  std::span<const Operand> yields, std::span<const std::string> names,
                                  std::int64_t stages) {
  std::vector<Type> types;
  std::vector<ValueId> operands = {loop.lo, loop.hi, loop.step};
  for (ValueId v : carried) types.push_back(type(v)), operands.push_back(v);
  yield(body, yields, types, names, Join::kLoop);
  const RegionId regions[] = {body};
  std::vector<kernel::Attr> hints;
  if (stages > 0) hints.push_back({kernel::Key::kHintStages, stages});
  return builder.results(builder.add(kernel::Opcode::kFor, operands, types, regions, hints));
}

std::vector<ValueId> Tracer::while_(std::span<const ValueId> carried, RegionId test, ValueId condition,
                                    RegionId body, std::span<const Operand> yields,
                                    std::span<const std::string> names) {
  std::vector<Type> types;
  for (ValueId v : carried) types.push_back(type(v));
  const RegionId before = builder.at(test);
  builder.yield(std::span(&condition, 1));
  builder.at(before);
  yield(body, yields, types, names, Join::kLoop);
  const RegionId regions[] = {test, body};
  return builder.results(builder.add(kernel::Opcode::kWhile, carried, types, regions));
}

std::vector<ValueId> Tracer::if_(ValueId condition, RegionId then, std::span<const Operand> a,
                                 RegionId otherwise, std::span<const Operand> b,
                                 std::span<const std::string> names) {
  std::vector<Type> types;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const ValueId *x = a[i].value(), *y = b[i].value();
    types.push_back(x   ? type(*x)
                    : y ? type(*y)
                        : kernel::scalar(kernel::promote(kernel::dtype_of(*a[i].number()),
                                                         kernel::dtype_of(*b[i].number()))));
  }
  yield(then, a, types, names, Join::kThen);
  yield(otherwise, b, types, names, Join::kElse);
  const RegionId regions[] = {then, otherwise};
  return builder.results(builder.add(kernel::Opcode::kIf, std::span(&condition, 1), types, regions));
}

void Tracer::assert_(const Operand& condition) {
  ValueId c = words.cast(words.value(condition), DType::kBool);
  if (type(c).rank != 0) {
    const std::int64_t all[] = {kernel::count(type(c))};
    c = builder.reshape(builder.reduce(Fn::kAnd, builder.reshape(c, all), 0),
                        std::span<const std::int64_t>());
  }
  builder.assert_(c);
}

}  // namespace intarsia::python
