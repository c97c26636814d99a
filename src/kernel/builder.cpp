#include "kernel/builder.h"

#include <fmt/format.h>

#include <bit>
#include <cmath>

#include "base/convert.h"
#include "base/error.h"
#include "kernel/rules.h"

namespace intarsia::kernel {

std::int64_t constant_bits(DType dtype, double value) {
  if (is_float(dtype)) return std::bit_cast<std::int64_t>(round_to(dtype, value));
  if (dtype == DType::kBool) return value != 0;
  const std::uint64_t bits = cast_bits(DType::kF64, std::bit_cast<std::uint64_t>(value), dtype);
  return int_from_bits(dtype, bits);  // saturates, as the cast does
}

Builder::Builder(Kernel& k, RegionId region) : kernel(k), current(region) {
  if (k.regions.empty()) k.regions.emplace_back();
  if (k.lines.empty()) k.lines.emplace_back();
}

Param& Builder::param(std::string name, Role role, std::uint32_t port, Type type) {
  kernel.values.push_back(type);
  const auto value = static_cast<ValueId>(kernel.values.size() - 1);
  kernel.params.push_back(
      {.name = std::move(name), .role = role, .port = port, .value = value, .line = line_});
  return kernel.params.back();
}

ValueId Builder::view(std::string name, Role role, std::uint32_t port, DType dtype, Shape extents) {
  const Type type{
      .kind = Type::Kind::kView, .dtype = dtype, .rank = static_cast<std::uint8_t>(extents.size())};
  Param& p = param(std::move(name), role, port, type);
  p.extents = std::move(extents);
  return p.value;
}

InstId Builder::add(Opcode opcode, std::span<const ValueId> operands, std::span<const Type> results,
                    std::span<const RegionId> regions, std::span<const Attr> attrs) {
  const auto place = [](auto& table, const auto& items) {
    const Range r{static_cast<std::uint32_t>(table.size()), static_cast<std::uint32_t>(items.size())};
    table.insert(table.end(), items.begin(), items.end());
    return r;
  };
  kernel.insts.push_back({opcode, place(kernel.operands, operands), place(kernel.values, results),
                          place(kernel.region_lists, regions), place(kernel.attrs, attrs), line_});
  const auto id = static_cast<InstId>(kernel.insts.size() - 1);
  kernel.regions[index(current)].body.push_back(id);
  return id;
}

ValueId Builder::emit(Opcode opcode, std::span<const ValueId> operands, Type type,
                      std::span<const Attr> attrs) {
  return result(add(opcode, operands, std::span(&type, 1), {}, attrs));
}

InstId Builder::checked(InstId i) {
  if (const std::string what = problem_of(kernel, kernel[i]); !what.empty()) throw UserError(what);
  return i;
}

ValueId Builder::checked(ValueId v) {
  checked(static_cast<InstId>(kernel.insts.size() - 1));
  return v;
}

Builder::Values Builder::results(InstId i) const {
  Values all;
  for (std::uint32_t n = 0; n < kernel[i].results.count; ++n) all.push_back(result(i, n));
  return all;
}

std::vector<Type> Builder::types_of(std::span<const ValueId> values) const {
  std::vector<Type> types;
  for (ValueId v : values) types.push_back(kernel.type(v));
  return types;
}

// ---- values of the launch, constants
// ------------------------------------------------------------------------------

ValueId Builder::dim(const Dim& d) {
  std::size_t at = 0;
  while (at < kernel.dims.size() && !identical(kernel.dims[at], d)) ++at;
  if (at == kernel.dims.size()) kernel.dims.push_back(d);
  return emit(Opcode::kDimValue, {}, scalar(DType::kI64), {{Key::kDim, static_cast<std::int64_t>(at)}});
}

ValueId Builder::program_id(int axis) {
  return checked(emit(Opcode::kProgramId, {}, scalar(DType::kI64), {{Key::kAxis, axis}}));
}

ValueId Builder::num_programs(int axis) {
  return checked(emit(Opcode::kNumPrograms, {}, scalar(DType::kI64), {{Key::kAxis, axis}}));
}

ValueId Builder::integer_constant(std::int64_t value, Type type) {
  if (is_float(type.dtype)) return float_constant(static_cast<double>(value), type);
  const bool fits = type.dtype == DType::kU64 ? value >= 0
                    : type.dtype == DType::kBool
                        ? value == 0 || value == 1
                        : int_from_bits(type.dtype, bits_from_int(type.dtype, value)) == value;
  if (!fits) throw UserError(fmt::format("{} does not fit {}", value, name(type.dtype)));
  return checked(emit(Opcode::kConstant, {}, type, {{Key::kBits, value}}));
}

ValueId Builder::unsigned_constant(std::uint64_t value, Type type) {
  if (is_float(type.dtype)) return float_constant(static_cast<double>(value), type);
  if (type.dtype == DType::kU64)
    return checked(emit(Opcode::kConstant, {}, type, {{Key::kBits, static_cast<std::int64_t>(value)}}));
  if (value > INT64_MAX) throw UserError(fmt::format("{} does not fit {}", value, name(type.dtype)));
  return integer_constant(static_cast<std::int64_t>(value), type);
}

ValueId Builder::float_constant(double value, Type type) {
  if (is_float(type.dtype))
    return checked(emit(Opcode::kConstant, {}, type, {{Key::kBits, constant_bits(type.dtype, value)}}));
  if (value != std::trunc(value) || std::fabs(value) >= 0x1p63)
    throw UserError(fmt::format("{} does not fit {}", value, name(type.dtype)));
  return integer_constant(static_cast<std::int64_t>(value), type);
}

ValueId Builder::arange(std::int64_t start, std::int64_t n, DType dtype) {
  return checked(emit(Opcode::kArange, {}, block(dtype, {n}), {{Key::kStart, start}}));
}

// ---- lane by lane
// -------------------------------------------------------------------------------------------------

ValueId Builder::unary(Fn fn, ValueId a) {
  return checked(emit(Opcode::kUnary, std::span(&a, 1), type(a), {{Key::kFn, static_cast<int>(fn)}}));
}

ValueId Builder::binary(Fn fn, ValueId a, ValueId b) {
  const ValueId in[] = {a, b};
  return checked(emit(Opcode::kBinary, in, type(a), {{Key::kFn, static_cast<int>(fn)}}));
}

ValueId Builder::compare(Fn fn, ValueId a, ValueId b) {
  const ValueId in[] = {a, b};
  return checked(
      emit(Opcode::kCompare, in, with_dtype(type(a), DType::kBool), {{Key::kFn, static_cast<int>(fn)}}));
}

ValueId Builder::select(ValueId condition, ValueId if_true, ValueId if_false) {
  const ValueId in[] = {condition, if_true, if_false};
  return checked(emit(Opcode::kSelect, in, type(if_true)));
}

ValueId Builder::fma(ValueId a, ValueId b, ValueId c) {
  const ValueId in[] = {a, b, c};
  return checked(emit(Opcode::kFma, in, type(a)));
}

ValueId Builder::cast(ValueId a, DType dtype) {
  if (type(a).kind == Type::Kind::kBlock && type(a).dtype == dtype) return a;
  return checked(emit(Opcode::kCast, std::span(&a, 1), with_dtype(type(a), dtype)));
}

ValueId Builder::bitcast(ValueId a, DType dtype) {
  return checked(emit(Opcode::kBitcast, std::span(&a, 1), with_dtype(type(a), dtype)));
}

// ---- shapes
// -------------------------------------------------------------------------------------------------------

ValueId Builder::broadcast(ValueId a, std::span<const std::int64_t> extents) {
  const Type to = with_kind(block(type(a).dtype, extents), type(a).kind);
  if (to == type(a)) return a;
  return checked(emit(Opcode::kBroadcast, std::span(&a, 1), to));
}

ValueId Builder::broadcast_like(ValueId a, ValueId like) { return broadcast(a, extents_of(type(like))); }

ValueId Builder::reshape(ValueId a, std::span<const std::int64_t> extents) {
  const Type to = with_kind(block(type(a).dtype, extents), type(a).kind);
  if (to == type(a)) return a;
  return checked(emit(Opcode::kReshape, std::span(&a, 1), to));
}

ValueId Builder::transpose(ValueId a, std::span<const int> order) {
  Type to = type(a);
  std::int64_t packed = 0;
  if (order.size() != to.rank)
    throw UserError(fmt::format("an order of {} axes for {}", order.size(), str(to)));
  for (std::size_t n = 0; n < order.size(); ++n) {
    if (order[n] < 0 || order[n] >= to.rank) throw UserError(fmt::format("axis {} of {}", order[n], str(to)));
    to.extents[n] = type(a).extents[static_cast<std::size_t>(order[n])];
    packed |= static_cast<std::int64_t>(order[n]) << (4 * n);
  }
  return checked(emit(Opcode::kTranspose, std::span(&a, 1), to, {{Key::kOrder, packed}}));
}

ValueId Builder::join(std::span<const ValueId> parts) {
  if (parts.empty() || type(parts[0]).rank >= Type::kMaxRank)
    throw UserError("join needs operands of rank 5 at most");
  Type to = type(parts[0]);
  to.extents[to.rank++] = static_cast<std::int32_t>(parts.size());
  return checked(emit(Opcode::kJoin, parts, to));
}

Builder::Values Builder::split(ValueId a) {
  Type part = type(a);
  if (part.rank == 0) throw UserError(fmt::format("split needs an axis; got {}", str(part)));
  const auto n = static_cast<std::size_t>(std::exchange(part.extents[part.rank - 1u], 0));
  --part.rank;
  return results(checked(add(Opcode::kSplit, std::span(&a, 1), std::vector<Type>(n, part))));
}

ValueId Builder::gather(ValueId from, ValueId at, int axis) {
  const ValueId in[] = {from, at};
  return checked(emit(Opcode::kGather, in, with_dtype(type(at), type(from).dtype), {{Key::kAxis, axis}}));
}

// ---- reductions, products
// -----------------------------------------------------------------------------------------

namespace {
Type along(Type type, int axis, Opcode opcode) {
  if (axis < 0 || axis >= type.rank)
    throw UserError(fmt::format("{} along axis {} of {}", info(opcode).name, axis, str(type)));
  if (opcode == Opcode::kReduce) type.extents[static_cast<std::size_t>(axis)] = 1;
  return type;
}
}  // namespace

ValueId Builder::reduce(Fn fn, ValueId a, int axis) {
  return checked(emit(Opcode::kReduce, std::span(&a, 1), along(type(a), axis, Opcode::kReduce),
                      {{Key::kAxis, axis}, {Key::kFn, static_cast<int>(fn)}}));
}

ValueId Builder::scan(Fn fn, ValueId a, int axis, bool reverse) {
  std::vector<Attr> attrs = {{Key::kAxis, axis}, {Key::kFn, static_cast<int>(fn)}};
  if (reverse) attrs.push_back({Key::kReverse, 1});
  return checked(emit(Opcode::kScan, std::span(&a, 1), along(type(a), axis, Opcode::kScan), attrs));
}

Builder::Values Builder::combine(Opcode opcode, std::span<const ValueId> a, int axis, const Combine& combine,
                                 bool reverse) {
  if (a.empty()) throw UserError(fmt::format("{} needs at least one block", info(opcode).name));
  std::vector<Type> elements, results;
  for (ValueId v : a)
    elements.push_back(scalar(type(v).dtype)), results.push_back(along(type(v), axis, opcode));
  elements.insert(elements.end(), elements.begin(), elements.begin() + static_cast<std::ptrdiff_t>(a.size()));
  const RegionId body = filled(
      elements, [&](std::span<const ValueId> p) { return combine(p.first(a.size()), p.last(a.size())); });
  std::vector<Attr> attrs = {{Key::kAxis, axis}};
  if (reverse) attrs.push_back({Key::kReverse, 1});
  return this->results(checked(add(opcode, a, results, std::span(&body, 1), attrs)));
}

Builder::Values Builder::reduce(std::span<const ValueId> a, int axis, const Combine& f) {
  return combine(Opcode::kReduce, a, axis, f, false);
}

Builder::Values Builder::scan(std::span<const ValueId> a, int axis, const Combine& f, bool reverse) {
  return combine(Opcode::kScan, a, axis, f, reverse);
}

ValueId Builder::dot(ValueId a, ValueId b, ValueId acc, Precision precision) {
  const ValueId in[] = {a, b, acc};
  std::vector<Attr> attrs;
  if (precision != Precision::kExact) attrs.push_back({Key::kPrecision, static_cast<int>(precision)});
  return checked(emit(Opcode::kDot, in, type(acc), attrs));
}

// ---- memory
// -------------------------------------------------------------------------------------------------------

ValueId Builder::pointer_add(ValueId p, ValueId elements) {
  const ValueId in[] = {p, elements};
  const Type& i = type(elements);
  const Type to = i.rank == 0 ? type(p) : with_kind(with_dtype(i, type(p).dtype), Type::Kind::kPointer);
  return checked(emit(Opcode::kPointerAdd, in, to));
}

ValueId Builder::load_at(ValueId p, std::optional<ValueId> mask, std::optional<ValueId> other) {
  Values in = {p};
  if (mask) in.push_back(*mask);
  if (other && !mask) throw UserError("load: `other` needs a mask");
  if (other) in.push_back(*other);
  return checked(emit(Opcode::kLoad, in, with_kind(type(p), Type::Kind::kBlock)));
}

void Builder::store_at(ValueId p, ValueId value, std::optional<ValueId> mask) {
  Values in = {p, value};
  if (mask) in.push_back(*mask);
  checked(add(Opcode::kStore, in, {}));
}

ValueId Builder::atomic(Fn fn, ValueId p, std::span<const ValueId> values, std::optional<ValueId> mask,
                        Semantics semantics) {
  Values in = {p};
  in.insert(in.end(), values.begin(), values.end());
  if (mask) in.push_back(*mask);
  return checked(emit(Opcode::kAtomic, in, with_kind(type(p), Type::Kind::kBlock),
                      {{Key::kFn, static_cast<int>(fn)}, {Key::kSemantics, static_cast<int>(semantics)}}));
}

namespace {
Builder::Values with_offsets(std::initializer_list<ValueId> first, std::span<const ValueId> offsets) {
  Builder::Values in = first;
  in.insert(in.end(), offsets.begin(), offsets.end());
  return in;
}
}  // namespace

ValueId Builder::make_view(ValueId p, std::span<const ValueId> extents, std::span<const ValueId> strides) {
  if (extents.size() != strides.size() || extents.size() > Type::kMaxRank)
    throw UserError(fmt::format("a view with {} extents and {} strides", extents.size(), strides.size()));
  Values in = with_offsets({p}, extents);
  in.insert(in.end(), strides.begin(), strides.end());
  const Type to{
      .kind = Type::Kind::kView, .dtype = type(p).dtype, .rank = static_cast<std::uint8_t>(extents.size())};
  return checked(emit(Opcode::kMakeView, in, to));
}

ValueId Builder::view_extent(ValueId view, int axis) {
  return checked(emit(Opcode::kViewExtent, std::span(&view, 1), scalar(DType::kI64), {{Key::kAxis, axis}}));
}

ValueId Builder::load(ValueId view, std::span<const ValueId> offsets, std::span<const std::int64_t> extents,
                      double fill) {
  const DType dtype = type(view).dtype;
  std::vector<Attr> attrs;
  if (fill != 0 || std::signbit(fill)) attrs.push_back({Key::kFill, constant_bits(dtype, fill)});
  return checked(emit(Opcode::kViewLoad, with_offsets({view}, offsets), block(dtype, extents), attrs));
}

void Builder::store(ValueId view, ValueId value, std::span<const ValueId> offsets) {
  checked(add(Opcode::kViewStore, with_offsets({view, value}, offsets), {}));
}

ValueId Builder::view_atomic(Fn fn, ValueId view, ValueId value, std::span<const ValueId> offsets) {
  return checked(emit(Opcode::kViewAtomic, with_offsets({view, value}, offsets), type(value),
                      {{Key::kFn, static_cast<int>(fn)}}));
}

ValueId Builder::clip(ValueId value, ValueId view, std::span<const ValueId> offsets, std::int64_t fill_bits) {
  return checked(
      emit(Opcode::kClip, with_offsets({value, view}, offsets), type(value), {{Key::kFill, fill_bits}}));
}

// ---- control
// ------------------------------------------------------------------------------------------------------

RegionId Builder::region(std::span<const Type> params) {
  Region r;
  for (const Type& t : params) {
    kernel.values.push_back(t);
    r.params.push_back(static_cast<ValueId>(kernel.values.size() - 1));
  }
  kernel.regions.push_back(std::move(r));
  return static_cast<RegionId>(kernel.regions.size() - 1);
}

RegionId Builder::filled(std::span<const Type> types,
                         const std::function<Values(std::span<const ValueId>)>& body) {
  const RegionId inside = region(types), outside = at(inside);
  const Values given(params(inside).begin(), params(inside).end());  // the table may move meanwhile
  const Values yielded = body ? body(given) : Values{};
  add(Opcode::kYield, yielded, {});
  at(outside);
  return inside;
}

Builder::Values Builder::for_(ValueId lo, ValueId hi, ValueId step, std::span<const ValueId> carried,
                              const std::function<Values(ValueId, std::span<const ValueId>)>& body) {
  std::vector<Type> types = {type(lo)};
  const std::vector<Type> kept = types_of(carried);
  types.insert(types.end(), kept.begin(), kept.end());
  const RegionId inside =
      filled(types, [&](std::span<const ValueId> p) { return body(p.front(), p.subspan(1)); });
  return results(
      checked(add(Opcode::kFor, with_offsets({lo, hi, step}, carried), kept, std::span(&inside, 1))));
}

Builder::Values Builder::while_(std::span<const ValueId> carried,
                                const std::function<ValueId(std::span<const ValueId>)>& test,
                                const std::function<Values(std::span<const ValueId>)>& body) {
  const std::vector<Type> types = types_of(carried);
  const RegionId regions[] = {filled(types, [&](std::span<const ValueId> p) { return Values{test(p)}; }),
                              filled(types, body)};
  return results(checked(add(Opcode::kWhile, carried, types, regions)));
}

Builder::Values Builder::if_(ValueId condition, const std::function<Values()>& then,
                             const std::function<Values()>& otherwise) {
  std::vector<Type> types;
  const RegionId first = filled({}, [&](std::span<const ValueId>) {
    const Values given = then();
    types = types_of(given);
    return given;
  });
  const RegionId second =
      filled({}, [&](std::span<const ValueId>) { return otherwise ? otherwise() : Values{}; });
  const RegionId regions[] = {first, second};
  return results(checked(add(Opcode::kIf, std::span(&condition, 1), types, regions)));
}

void Builder::assert_(ValueId condition) { checked(add(Opcode::kAssert, std::span(&condition, 1), {})); }
void Builder::assume(ValueId condition) { checked(add(Opcode::kAssume, std::span(&condition, 1), {})); }

void Builder::line(std::string text) {
  if (text.empty()) {
    line_ = 0;
    return;
  }
  if (kernel.lines.back() != text) kernel.lines.push_back(std::move(text));
  line_ = static_cast<std::uint32_t>(kernel.lines.size() - 1);
}

}  // namespace intarsia::kernel
