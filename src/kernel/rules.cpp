#include "kernel/rules.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/convert.h"

namespace intarsia::kernel {
namespace {

constexpr DTypes kReals = kFloats | only(DType::kF8E4M3) | only(DType::kF8E5M2);
constexpr DTypes kInts = only(DType::kI4) | only(DType::kI8) | only(DType::kI16) | only(DType::kI32) |
                         only(DType::kI64) | only(DType::kU4) | only(DType::kU8) | only(DType::kU16) |
                         only(DType::kU32) | only(DType::kU64);

struct Checker {
  const Kernel& k;
  const Inst& inst;
  std::span<const ValueId> in = k.operands_of(inst);
  std::string problem = {};

  bool ok() const { return problem.empty(); }
  template <class... A>
  bool want(bool holds, fmt::format_string<A...> what, A&&... args) {
    if (!holds && ok()) problem = fmt::format(what, std::forward<A>(args)...);
    return holds && ok();
  }
  const Type& operand(std::size_t n) const { return k.type(in[n]); }
  const Type& result(std::uint32_t n = 0) const { return k.type(k.result(inst, n)); }
  std::string name() const {
    const bool has_fn = k.has(inst, Key::kFn);
    const std::string_view opcode = info(inst.opcode).name;
    const bool scalar_fn =
        inst.opcode == Opcode::kUnary || inst.opcode == Opcode::kBinary || inst.opcode == Opcode::kCompare;
    if (!has_fn || !is_known(k.fn(inst))) return std::string(opcode);
    return scalar_fn ? std::string(text_of(k.fn(inst))) : fmt::format("{}.{}", opcode, text_of(k.fn(inst)));
  }

  void count_is(std::size_t low, std::size_t high) {
    want(in.size() >= low && in.size() <= high, "{} takes {} to {} operands; got {}", name(), low, high,
         in.size());
  }
  bool block_kind(const Type& t) {
    return want(t.kind == Type::Kind::kBlock, "{} works on blocks; got {}", name(), str(t));
  }
  bool index_scalar(const Type& t) {
    return want(t.kind == Type::Kind::kBlock && t.rank == 0 && t.dtype == DType::kI64,
                "{} takes i64 scalars as offsets and extents; got {}", name(), str(t));
  }
  bool same(const Type& a, const Type& b) {
    return want(a == b, "{} of {} and {}: they must be of one type", name(), str(a), str(b));
  }
  bool result_is(const Type& t, std::uint32_t n = 0) {
    return want(result(n) == t, "{} gives {}, not {}", name(), str(t), str(result(n)));
  }
  bool dtype_in(const Type& t, DTypes set) {
    return want((only(t.dtype) & set) != 0, "{} is not defined for {}", name(), intarsia::name(t.dtype));
  }
  bool fact(Key key) { return want(k.has(inst, key), "{} needs {}=", name(), text_of(key)); }
  bool axis_of(const Type& t) {
    const std::int64_t axis = k.attr(inst, Key::kAxis, -1);
    return want(axis >= 0 && axis < t.rank, "{} along axis {} of {}", name(), axis, str(t));
  }

  void scalar_function(DTypes (*domain)(Fn)) {
    if (!fact(Key::kFn) || !want(is_known(k.fn(inst)), "an unknown function")) return;
    if (!block_kind(operand(0))) return;
    if (in.size() == 2 && !same(operand(0), operand(1))) return;
    if (!want(domain(k.fn(inst)) != 0, "{} is no {} function", text_of(k.fn(inst)), info(inst.opcode).name))
      return;
    dtype_in(operand(0), domain(k.fn(inst)));
    const bool compares = inst.opcode == Opcode::kCompare;
    if (ok()) result_is(compares ? with_dtype(operand(0), DType::kBool) : operand(0));
  }
  void constant() { fact(Key::kBits) && block_kind(result()); }
  void arange() {
    const Type& t = result();
    if (!want(t.kind == Type::Kind::kBlock && t.rank == 1, "arange gives a block of rank 1, not {}", str(t)))
      return;
    if (!want(t.dtype == DType::kI32 || t.dtype == DType::kI64, "arange gives i32 or i64, not {}", str(t)))
      return;
    const std::int64_t start = k.attr(inst, Key::kStart);
    const std::int64_t limit = t.dtype == DType::kI32 ? INT32_MAX : INT64_MAX;
    want(start >= -limit && start <= limit - t.extents[0], "arange from {} does not fit {}", start, str(t));
  }
  void shaped() {  // broadcast, reshape
    const Type &from = operand(0), &to = result();
    const bool kinds = from.kind == Type::Kind::kBlock || from.kind == Type::Kind::kPointer;
    if (!want(kinds && from.kind == to.kind && from.dtype == to.dtype, "{} of {} gives {}", name(), str(from),
              str(to)))
      return;
    if (inst.opcode == Opcode::kReshape) {
      want(count(from) == count(to), "{} cannot be reshaped to {}: it has {} elements, not {}", str(from),
           str(to), count(from), count(to));
      return;
    }
    if (from.rank == 0) return;
    bool fits = from.rank == to.rank;
    for (std::size_t a = 0; fits && a < from.rank; ++a)
      fits = from.extents[a] == 1 || from.extents[a] == to.extents[a];
    want(fits, "{} cannot be broadcast to {}: extents must be equal or 1", str(from), str(to));
  }
  void transpose() {
    const Type& from = operand(0);
    Type to = from;
    const auto order = static_cast<std::uint64_t>(k.attr(inst, Key::kOrder));
    unsigned seen = 0;
    for (std::size_t a = 0; a < from.rank; ++a) {
      const auto axis = static_cast<std::size_t>(order >> (4 * a) & 15);
      if (axis < from.rank) seen |= 1u << axis, to.extents[a] = from.extents[axis];
    }
    if (want(seen == (1u << from.rank) - 1, "{} is no order of the axes of {}", order, str(from)))
      result_is(to);
  }
  void join() {
    if (!want(!in.empty() && operand(0).rank < Type::kMaxRank, "join needs operands of rank 5 at most"))
      return;
    for (std::size_t n = 1; n < in.size(); ++n)
      if (!same(operand(0), operand(n))) return;
    Type to = operand(0);
    to.extents[to.rank++] = static_cast<std::int32_t>(in.size());
    if (block_kind(operand(0))) result_is(to);
  }
  void split() {
    Type part = operand(0);
    if (!block_kind(part) || !want(part.rank > 0, "split needs an axis; got {}", str(part))) return;
    const std::int32_t parts = part.extents[--part.rank];
    part.extents[part.rank] = 0;
    if (!want(static_cast<std::uint32_t>(parts) == inst.results.count, "split of {} gives {} values, not {}",
              str(operand(0)), parts, inst.results.count))
      return;
    for (std::uint32_t n = 0; n < inst.results.count && ok(); ++n) result_is(part, n);
  }
  void gather() {
    const Type &from = operand(0), &at = operand(1);
    if (!block_kind(from) || !axis_of(from)) return;
    dtype_in(at, kInts);
    const auto axis = static_cast<std::size_t>(k.attr(inst, Key::kAxis));
    bool fits = from.rank == at.rank;
    for (std::size_t a = 0; fits && a < from.rank; ++a) fits = a == axis || from.extents[a] == at.extents[a];
    if (want(fits, "gather from {} by {}: extents must agree but along axis {}", str(from), str(at), axis))
      result_is(with_dtype(at, from.dtype));
  }
  void cast() {
    const Type &from = operand(0), &to = result();
    const bool blocks = from.kind == Type::Kind::kBlock && to.kind == Type::Kind::kBlock;
    if (inst.opcode == Opcode::kCast) {
      want(blocks && same_shape(from, to), "{} cannot be cast to {}", str(from), str(to));
      return;
    }
    const auto width = [](const Type& t) { return t.kind == Type::Kind::kPointer ? 64 : bits(t.dtype); };
    const bool kinds = (blocks || from.kind == Type::Kind::kPointer || to.kind == Type::Kind::kPointer) &&
                       from.kind <= Type::Kind::kPointer && to.kind <= Type::Kind::kPointer;
    want(kinds && same_shape(from, to) && width(from) == width(to),
         "bitcast from {} to {}: widths and shapes must be equal", str(from), str(to));
  }
  void select() {
    const Type& c = operand(0);
    if (!want(c.kind == Type::Kind::kBlock && c.dtype == DType::kBool && same_shape(c, operand(1)),
              "the condition of select is bool, of the shape of {}; got {}", str(operand(1)), str(c)))
      return;
    if (same(operand(1), operand(2))) result_is(operand(1));
  }
  void fma() {
    if (block_kind(operand(0)) && same(operand(0), operand(1)) && same(operand(0), operand(2)))
      dtype_in(operand(0), kReals) && result_is(operand(0));
  }
  void offsets(const Type& view, const Type& block, std::size_t first) {
    if (!want(view.kind == Type::Kind::kView, "{} accesses a view, not {}", name(), str(view))) return;
    if (!want(block.kind == Type::Kind::kBlock && block.rank == view.rank && block.dtype == view.dtype,
              "{} of {} through {}: dtype and rank must agree", name(), str(block), str(view)))
      return;
    if (!want(in.size() == first + view.rank, "{} takes an offset per axis of {}; got {}", name(), str(view),
              in.size() - std::min(first, in.size())))
      return;
    for (std::size_t a = first; a < in.size(); ++a)
      if (!index_scalar(operand(a))) return;
  }
  void clip() {
    if (!want(in.size() >= 2, "clip needs a value and a view")) return;
    const Type& view = operand(1);
    offsets(with_dtype(view, operand(0).dtype), operand(0), 2);
    if (ok()) result_is(operand(0));
  }
  // A region combines two tuples of scalars of the operands' dtypes.
  void combine() {
    if (!want(!in.empty() && inst.results.count == in.size(), "{} gives as many values as it takes", name()))
      return;
    for (std::size_t n = 0; n < in.size(); ++n)
      if (!block_kind(operand(n)) ||
          !want(same_shape(operand(0), operand(n)), "{} of {} and {}: shapes must be equal", name(),
                str(operand(0)), str(operand(n))))
        return;
    if (!axis_of(operand(0))) return;
    for (std::uint32_t n = 0; n < in.size() && ok(); ++n) {
      Type to = operand(n);
      if (inst.opcode == Opcode::kReduce) to.extents[static_cast<std::size_t>(k.attr(inst, Key::kAxis))] = 1;
      result_is(to, n);
    }
    if (inst.regions.count == 0) {
      want(in.size() == 1 && k.has(inst, Key::kFn) && is_known(k.fn(inst)) && is_combining(k.fn(inst)),
           "{} needs a combining function or a region", name()) &&
          dtype_in(operand(0), binary_dtypes(k.fn(inst)));
      return;
    }
    if (!want(inst.regions.count == 1 && !k.has(inst, Key::kFn), "{} needs a function or one region", name()))
      return;
    const Region& body = k.regions[index(k.regions_of(inst)[0])];
    if (!want(body.params.size() == 2 * in.size(), "the region of {} takes {} values, not {}", name(),
              2 * in.size(), body.params.size()))
      return;
    std::vector<Type> yields;
    for (std::size_t n = 0; n < 2 * in.size(); ++n) {
      const Type want_type = scalar(operand(n % in.size()).dtype);
      want(k.type(body.params[n]) == want_type, "the region of {} takes {}", name(), str(want_type));
      if (n < in.size()) yields.push_back(want_type);
    }
    yields_are(body, yields);
  }
  bool yields_are(const Region& region, std::span<const Type> types) {
    const Inst* last = region.body.empty() ? nullptr : &k[region.body.back()];
    if (!last || last->opcode != Opcode::kYield) {
      return want(types.empty(), "a region of {} ends without yielding {} values", name(), types.size());
    }
    const auto given = k.operands_of(*last);
    if (!want(given.size() == types.size(), "a region of {} yields {} values, not {}", name(), types.size(),
              given.size()))
      return false;
    for (std::size_t n = 0; n < types.size(); ++n)
      if (!want(k.type(given[n]) == types[n], "value {} of {} changes its type from {} to {}", n, name(),
                str(types[n]), str(k.type(given[n]))))
        return false;
    return true;
  }
  bool pointer_kind(const Type& t) {
    return want(t.kind == Type::Kind::kPointer, "{} needs pointers; got {}", name(), str(t));
  }
  void pointer_add() {
    const Type &p = operand(0), &i = operand(1);
    if (!pointer_kind(p) || !block_kind(i)) return;
    if (!want((only(i.dtype) & kInts) != 0, "a pointer moves by integers; got {}", str(i))) return;
    if (!want(same_shape(p, i) || p.rank == 0 || i.rank == 0,
              "pointer_add of {} and {}: shapes must be equal", str(p), str(i)))
      return;
    result_is(i.rank == 0 ? p : with_kind(with_dtype(i, p.dtype), Type::Kind::kPointer));
  }
  bool masked(const Type& pointers, std::size_t n) {
    return want(operand(n).kind == Type::Kind::kBlock && operand(n).dtype == DType::kBool &&
                    same_shape(operand(n), pointers),
                "the mask of {} is bool, of the shape of {}; got {}", name(), str(pointers), str(operand(n)));
  }
  void load() {
    count_is(1, 3);
    if (!ok() || !pointer_kind(operand(0))) return;
    const Type value = with_kind(operand(0), Type::Kind::kBlock);
    if (in.size() > 1 && !masked(operand(0), 1)) return;
    if (in.size() > 2 && !same(value, operand(2))) return;
    result_is(value);
  }
  void store() {
    count_is(2, 3);
    if (!ok() || !pointer_kind(operand(0))) return;
    const Type value = with_kind(operand(0), Type::Kind::kBlock);
    if (!want(operand(1) == value, "store of {} through {}", str(operand(1)), str(operand(0)))) return;
    if (in.size() > 2) masked(operand(0), 2);
  }
  void atomic() {
    if (!fact(Key::kFn) ||
        !want(is_known(k.fn(inst)) && is_atomic(k.fn(inst)), "{} is no atomic function", name()))
      return;
    const std::size_t values = k.fn(inst) == Fn::kCompareExchange ? 2 : 1;
    count_is(1 + values, 2 + values);
    if (!ok() || !pointer_kind(operand(0))) return;
    const Type value = with_kind(operand(0), Type::Kind::kBlock);
    for (std::size_t n = 1; n <= values; ++n)
      if (!same(value, operand(n))) return;
    if (in.size() > 1 + values && !masked(operand(0), 1 + values)) return;
    atomic_dtype(value);
    if (ok()) result_is(value);
  }
  void atomic_dtype(const Type& value) {
    const bool moves = k.fn(inst) == Fn::kExchange || k.fn(inst) == Fn::kCompareExchange;
    dtype_in(value, moves ? kAnyType : binary_dtypes(k.fn(inst)));
  }
  void make_view() {
    const Type& to = result();
    if (!want(!in.empty() && in.size() % 2 == 1, "make_view takes a pointer, extents and strides")) return;
    if (!pointer_kind(operand(0)) ||
        !want(operand(0).rank == 0, "make_view takes one pointer; got {}", str(operand(0))))
      return;
    for (std::size_t n = 1; n < in.size(); ++n)
      if (!index_scalar(operand(n))) return;
    want(to.kind == Type::Kind::kView && to.rank == in.size() / 2 && to.dtype == operand(0).dtype,
         "make_view of {} with {} extents gives {}", str(operand(0)), in.size() / 2, str(to));
  }
  void view_extent() {
    if (want(operand(0).kind == Type::Kind::kView, "view_extent needs a view; got {}", str(operand(0))))
      axis_of(operand(0)) && result_is(scalar(DType::kI64));
  }
  void view_access() {
    const bool load = inst.opcode == Opcode::kViewLoad;
    if (!want(in.size() >= (load ? 1u : 2u), "{} needs a view", name())) return;
    offsets(operand(0), load ? result() : operand(1), load ? 1 : 2);
    if (inst.opcode != Opcode::kViewAtomic || !ok()) return;
    if (!fact(Key::kFn) ||
        !want(is_known(k.fn(inst)) && is_atomic(k.fn(inst)) && k.fn(inst) != Fn::kCompareExchange,
              "{} is no atomic function of views", name()))
      return;
    atomic_dtype(operand(1));
    if (ok()) result_is(operand(1));
  }
  void dot() {
    const Type &a = operand(0), &b = operand(1), &c = operand(2);
    for (const Type* t : {&a, &b, &c})
      if (!want(t->kind == Type::Kind::kBlock || t->kind == Type::Kind::kSlot, "dot takes blocks; got {}",
                str(*t)))
        return;
    const std::size_t r = c.rank;
    bool fits = r >= 2 && a.rank == r && b.rank == r && c.extents[r - 2] == a.extents[r - 2] &&
                c.extents[r - 1] == b.extents[r - 1] && a.extents[r - 1] == b.extents[r - 2];
    for (std::size_t n = 0; fits && n + 2 < r; ++n)
      fits = a.extents[n] == b.extents[n] && a.extents[n] == c.extents[n];
    if (!want(fits, "dot of {} and {} into {}: [m, k] and [k, n] into [m, n] is wanted", str(a), str(b),
              str(c)))
      return;
    const bool f8 = bits(a.dtype) == 8 && bits(b.dtype) == 8 && is_float(a.dtype) && is_float(b.dtype);
    const bool real = is_float(a.dtype) && (a.dtype == b.dtype || f8) && is_float(c.dtype) &&
                      bits(c.dtype) >= bits(a.dtype);
    const bool whole =
        a.dtype == b.dtype && is_int(a.dtype) && is_int(c.dtype) && bits(c.dtype) >= bits(a.dtype);
    if (!want(real || whole, "dot of {} and {} into {}: no such product", str(a), str(b), str(c))) return;
    result_is(c);
  }
  void for_loop() {
    if (!want(in.size() >= 3 && in.size() == inst.results.count + 3,
              "for takes lo, hi, step and what it carries"))
      return;
    const Type& i = operand(0);
    if (!want(
            i.kind == Type::Kind::kBlock && i.rank == 0 && (i.dtype == DType::kI32 || i.dtype == DType::kI64),
            "the bounds of for are i32 or i64 scalars; got {}", str(i)))
      return;
    if (!same(i, operand(1)) || !same(i, operand(2))) return;
    const Region& body = k.regions[index(k.regions_of(inst)[0])];
    if (!want(body.params.size() == inst.results.count + 1 && k.type(body.params[0]) == i,
              "the region of for takes the index and the carried values"))
      return;
    carried(3, std::span(body.params).subspan(1), body);
  }
  // Operands from `first`, region parameters, what the region yields, and results have equal types.
  void carried(std::size_t first, std::span<const ValueId> params, const Region& region) {
    std::vector<Type> types;
    for (std::size_t n = first; n < in.size(); ++n) types.push_back(operand(n));
    for (std::uint32_t n = 0; n < types.size(); ++n) {
      if (!want(k.type(params[n]) == types[n], "carried value {} of {} is {}, not {}", n, name(),
                str(types[n]), str(k.type(params[n]))))
        return;
      if (!result_is(types[n], n)) return;
    }
    yields_are(region, types);
  }
  void while_loop() {
    if (!want(in.size() == inst.results.count, "while gives what it carries")) return;
    const Region& test = k.regions[index(k.regions_of(inst)[0])];
    const Region& body = k.regions[index(k.regions_of(inst)[1])];
    if (!want(test.params.size() == in.size() && body.params.size() == in.size(),
              "both regions of while take what it carries"))
      return;
    for (std::size_t n = 0; n < in.size(); ++n)
      if (!want(k.type(test.params[n]) == operand(n), "carried value {} of while is {}", n, str(operand(n))))
        return;
    const Type flag = scalar(DType::kBool);
    if (yields_are(test, std::span(&flag, 1))) carried(0, body.params, body);
  }
  void branch() {
    if (!want(in.size() == 1 && operand(0) == scalar(DType::kBool), "the condition of if is a bool scalar"))
      return;
    std::vector<Type> types;
    for (std::uint32_t n = 0; n < inst.results.count; ++n) types.push_back(result(n));
    for (RegionId r : k.regions_of(inst)) {
      const Region& region = k.regions[index(r)];
      if (!want(region.params.empty(), "the regions of if take no values") || !yields_are(region, types))
        return;
    }
  }
  void fact_about() {  // assert, assume
    want(operand(0).kind == Type::Kind::kBlock && operand(0).dtype == DType::kBool, "{} takes a bool; got {}",
         name(), str(operand(0)));
  }

  void types() {
    switch (inst.opcode) {
      case Opcode::kConstant: return constant();
      case Opcode::kDimValue: {
        const std::int64_t at = k.attr(inst, Key::kDim, -1);
        want(at >= 0 && static_cast<std::size_t>(at) < k.dims.size(), "no such dim") &&
            result_is(scalar(DType::kI64));
        return;
      }
      case Opcode::kProgramId:
      case Opcode::kNumPrograms: {
        const std::int64_t axis = k.attr(inst, Key::kAxis, -1);
        want(axis >= 0 && axis < 3, "a grid has axes 0, 1 and 2; got {}", axis) &&
            result_is(scalar(DType::kI64));
        return;
      }
      case Opcode::kArange: return arange();
      case Opcode::kBroadcast:
      case Opcode::kReshape: return shaped();
      case Opcode::kTranspose: return transpose();
      case Opcode::kJoin: return join();
      case Opcode::kSplit: return split();
      case Opcode::kGather: return gather();
      case Opcode::kCast:
      case Opcode::kBitcast: return cast();
      case Opcode::kUnary: return scalar_function(unary_dtypes);
      case Opcode::kBinary: return scalar_function(binary_dtypes);
      case Opcode::kCompare: return scalar_function(compare_dtypes);
      case Opcode::kClip: return clip();
      case Opcode::kSelect: return select();
      case Opcode::kFma: return fma();
      case Opcode::kReduce:
      case Opcode::kScan: return combine();
      case Opcode::kPointerAdd: return pointer_add();
      case Opcode::kLoad: return load();
      case Opcode::kStore: return store();
      case Opcode::kAtomic: return atomic();
      case Opcode::kMakeView: return make_view();
      case Opcode::kViewExtent: return view_extent();
      case Opcode::kViewLoad:
      case Opcode::kViewStore:
      case Opcode::kViewAtomic: return view_access();
      case Opcode::kDot: return dot();
      case Opcode::kFor: return for_loop();
      case Opcode::kWhile: return while_loop();
      case Opcode::kIf: return branch();
      case Opcode::kAssert:
      case Opcode::kAssume: return fact_about();
      case Opcode::kConvert:  // layouts, rings and roles: a target's passes check what they make
      case Opcode::kDotStart:
      case Opcode::kDotWait:
      case Opcode::kRing:
      case Opcode::kRingFill:
      case Opcode::kRingWait:
      case Opcode::kRingRelease:
      case Opcode::kSlotStore:
      case Opcode::kBarrier:
      case Opcode::kRoles:
      case Opcode::kYield:
      case Opcode::kPrint:
      case Opcode::kRandom: return;
    }
  }
};

}  // namespace

std::string problem_of(const Kernel& kernel, const Inst& inst) {
  Checker c{kernel, inst};
  const OpcodeInfo& o = info(inst.opcode);
  const auto counts = [&](const char* what, int wanted, std::uint32_t given) {
    c.want(wanted < 0 || static_cast<std::uint32_t>(wanted) == given, "{} has {} {}, not {}", o.name, wanted,
           what, given);
  };
  counts("operands", o.operands, inst.operands.count);
  counts("results", o.results, inst.results.count);
  counts("regions", o.regions, inst.regions.count);
  if (c.ok()) c.types();
  return std::move(c.problem);
}

}  // namespace intarsia::kernel
