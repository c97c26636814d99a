#include "schedule/access.h"

#include <algorithm>

#include "base/dim_expr.h"
#include "base/error.h"
#include "schedule/positions.h"
#include "schedule/rows.h"

namespace intarsia::schedule {
using kernel::Builder;
using kernel::Element;
using kernel::Fn;
using kernel::Kernel;
using kernel::Key;
using kernel::Opcode;
using kernel::Param;
using kernel::Role;
using kernel::Type;
using kernel::ValueId;

std::vector<std::int64_t> extents_on(const Site& site, unsigned axes) {
  std::vector<std::int64_t> e = site.block;
  for (std::size_t a = 0; a < e.size(); ++a)
    if (!(axes >> a & 1)) e[a] = 1;
  return e;
}

namespace {
constexpr std::size_t kMaxRank = Type::kMaxRank;

bool same(const Shape& a, const Shape& b) { return identical(a, b); }

ValueId param_for(Builder& b, const Param& p, Type type, const Shape& extents, const Shape& strides) {
  for (const Param& q : b.kernel.params)
    if (q.role == p.role && q.port == p.port && b.kernel.type(q.value) == type && same(q.extents, extents) &&
        same(q.strides, strides))
      return q.value;
  Param& made = b.param(p.name, p.role, p.port, type);
  made.extents = extents, made.strides = strides, made.align = p.align;
  return made.value;
}

struct View {  // axes in the order of the space, behind `lead` axes of which one element is read
  Shape extents, strides;
  std::vector<Dim> shift;  // added to the site's offsets; of a lead axis: the offset
  std::size_t lead = 0;
  unsigned axes = 0;  // of the space that move
  unsigned filled = 0;
};

// Leaves strides out where they are those of the extents.
Shape strides_to_say(const Shape& extents, const Shape& strides) {
  const Shape own = row_major_strides(extents);
  for (std::size_t a = 0; a < extents.size(); ++a)
    if (!identical(extents[a], 1) && !identical(own[a], strides[a])) return strides;
  return {};
}

std::optional<View> own_strides(const Element::Operand& o, const Site& site) {
  const std::size_t rank = site.space.size();
  const auto form = affine(o.offset, rank);
  if (!form || !stays_below(o.offset, site.space, o.param.extents.numel())) return std::nullopt;
  View v;
  v.shift.assign(rank, Dim(0));
  for (std::size_t a = 0; a < rank; ++a) {
    const bool moves = !identical(form->strides[a], 0);
    v.extents.push_back(moves ? site.space[a] : Dim(1));
    v.strides.push_back(moves ? form->strides[a] : Dim(1));
    if (moves) v.axes |= 1u << a;
  }
  v.filled = v.axes;
  if (identical(form->start, 0)) return v;
  for (std::size_t a = 0; a < rank; ++a) {
    if (!(v.axes >> a & 1) || form->strides[a].bounds().min <= 0) continue;
    const Dim q = form->start / form->strides[a];
    if (!identical(q * form->strides[a], form->start)) continue;
    v.shift[a] = q, v.extents[a] = v.extents[a] + q;
    return v;
  }
  if (rank == kMaxRank) return std::nullopt;
  v.extents.insert(v.extents.begin(), 2), v.strides.insert(v.strides.begin(), form->start);
  v.shift.insert(v.shift.begin(), 1);
  v.lead = 1;
  return v;
}

// One axis of a tensor, read at `start` plus the position on one axis of the space (or on none).
struct Along {
  std::optional<std::size_t> axis;
  Dim start;
};
std::optional<Along> along(const Dim& coordinate, std::size_t rank) {
  const auto form = affine(coordinate, rank);
  if (!form) return std::nullopt;
  Along out{std::nullopt, form->start};
  for (std::size_t a = 0; a < rank; ++a) {
    if (identical(form->strides[a], 0)) continue;
    if (out.axis || !identical(form->strides[a], 1)) return std::nullopt;
    out.axis = a;
  }
  return out;
}

std::optional<View> own_axes(const Element::Operand& o, const Site& site) {
  const Shape& tensor = o.param.extents;
  const std::size_t rank = site.space.size();
  const Shape strides = row_major_strides(tensor);
  const auto at = coordinates(o.offset, tensor, site.space);
  View lead, v;
  v.extents.assign(rank, Dim(1)), v.strides.assign(rank, Dim(1)), v.shift.assign(rank, Dim(0));
  for (std::size_t t = 0; t < tensor.size(); ++t) {
    const auto one = along(at[t], rank);
    if (!one) return std::nullopt;
    if (one->axis) {
      const std::size_t a = *one->axis;
      if (v.axes >> a & 1) return std::nullopt;
      v.extents[a] = tensor[t], v.strides[a] = strides[t], v.shift[a] = one->start;
      v.axes |= 1u << a;
      if (identical(tensor[t], site.space[a]) && identical(one->start, 0)) v.filled |= 1u << a;
    } else if (!identical(one->start, 0)) {
      lead.extents.push_back(tensor[t]), lead.strides.push_back(strides[t]), lead.shift.push_back(one->start);
    }
  }
  v.lead = lead.extents.size();
  if (v.lead + rank > kMaxRank) return std::nullopt;
  v.extents.insert(v.extents.begin(), lead.extents.begin(), lead.extents.end());
  v.strides.insert(v.strides.begin(), lead.strides.begin(), lead.strides.end());
  v.shift.insert(v.shift.begin(), lead.shift.begin(), lead.shift.end());
  return v;
}

Lanes load_view(Builder& b, const Element::Operand& o, const Site& site, const View& v, std::int64_t fill) {
  Type type{.kind = Type::Kind::kView, .dtype = o.dtype, .rank = static_cast<std::uint8_t>(v.extents.size())};
  std::vector<ValueId> in = {param_for(b, o.param, type, v.extents, strides_to_say(v.extents, v.strides))};
  std::vector<std::int64_t> extents(v.lead, 1);
  for (std::size_t a = 0; a < v.lead; ++a) in.push_back(index_value(b, v.shift[a]));
  const auto block = extents_on(site, v.axes);
  for (std::size_t a = 0; a < block.size(); ++a) {
    extents.push_back(block[a]);
    const Dim& shift = v.shift[v.lead + a];
    const bool moves = v.axes >> a & 1;
    if (!moves)
      in.push_back(index_value(b, 0));
    else if (identical(shift, 0))
      in.push_back(site.offsets[a]);
    else
      in.push_back(b.binary(Fn::kAdd, site.offsets[a], index_value(b, shift)));
  }
  const ValueId loaded = b.emit(Opcode::kViewLoad, in, kernel::block(o.dtype, extents), {{Key::kFill, fill}});
  return {b.reshape(loaded, block), v.axes, v.filled};
}

// ---- Dims on lanes
// --------------------------------------------------------------------------------------------------------

struct Item {  // of the stack: a Dim without axes, or lanes
  Dim dim = 0;
  Lanes lanes = {};
  bool moves = false;
};

class LaneWriter {
 public:
  LaneWriter(Builder& b, const Site& site) : b_(b), site_(site) {}

  Lanes run(const Dim& d) {
    std::vector<Symbol> symbols;
    collect_symbols(d, symbols);
    std::vector<std::int64_t> words;
    d.append_words(words, symbols);
    for (std::size_t i = 0; i < words.size(); ++i) {
      const auto op = static_cast<DimOp>(words[i]);
      if (op == DimOp::kConstant)
        stack_.push_back({Dim(words[++i])});
      else if (op == DimOp::kSymbol)
        stack_.push_back(symbol(symbols[static_cast<std::size_t>(words[++i])]));
      else
        apply(op);
    }
    check(stack_.size() == 1, "a dim leaves one value");
    return lanes(stack_[0]);
  }

 private:
  Item symbol(const Symbol& s) {
    for (std::size_t a = 0; a < site_.space.size(); ++a)
      if (s.name == "_x" + std::to_string(a)) return {0, {position(a), 1u << a}, true};
    return {Dim::symbol(s.name, s.range)};
  }
  ValueId position(std::size_t a) {
    std::vector<std::int64_t> line(site_.block.size(), 1);
    line[a] = site_.block[a];
    const ValueId range = b_.reshape(b_.arange(0, site_.block[a]), line);
    return b_.binary(Fn::kAdd, range, b_.broadcast(site_.offsets[a], line));
  }
  Lanes lanes(const Item& i) {
    if (i.moves) return i.lanes;
    return {b_.broadcast(index_value(b_, i.dim), extents_on(site_, 0)), 0};
  }
  Item pop() {
    Item i = std::move(stack_.back());
    stack_.pop_back();
    return i;
  }
  void apply(DimOp op) {
    Item c = op == DimOp::kSelect ? pop() : Item{}, b = pop(), a = pop();
    if (!a.moves && !b.moves && !c.moves) return stack_.push_back({detail::apply(op, a.dim, b.dim, c.dim)});
    Lanes x = lanes(a), y = lanes(b), z = op == DimOp::kSelect ? lanes(c) : Lanes{};
    const unsigned axes = x.axes | y.axes | z.axes;
    const auto on = [&](const Lanes& l) { return b_.broadcast(l.value, extents_on(site_, axes)); };
    stack_.push_back({0, {moving(op, on(x), on(y), op == DimOp::kSelect ? on(z) : ValueId{}), axes}, true});
  }
  ValueId moving(DimOp op, ValueId a, ValueId b, ValueId c) {
    const auto flag = [&](ValueId v) { return b_.compare(Fn::kNe, v, b_.constant(0, b_.type(v))); };
    switch (op) {
      case DimOp::kAdd: return b_.binary(Fn::kAdd, a, b);
      case DimOp::kMultiply: return b_.binary(Fn::kMul, a, b);
      case DimOp::kFloorDiv: return b_.binary(Fn::kFloorDiv, a, b);
      case DimOp::kMin: return b_.binary(Fn::kMin, a, b);
      case DimOp::kMax: return b_.binary(Fn::kMax, a, b);
      case DimOp::kEqual: return b_.cast(b_.compare(Fn::kEq, a, b), DType::kI64);
      case DimOp::kLess: return b_.cast(b_.compare(Fn::kLt, a, b), DType::kI64);
      default: return b_.select(flag(a), b, c);
    }
  }

  Builder& b_;
  const Site& site_;
  std::vector<Item> stack_;
};

Lanes load_anywhere(Builder& b, const Element::Operand& o, const Site& site, std::int64_t fill) {
  const Type pointer{.kind = Type::Kind::kPointer, .dtype = o.dtype};
  const ValueId base = param_for(b, o.param, pointer, o.param.extents, {});
  const Lanes at = lanes_of(b, o.offset, site);
  const auto extents = extents_on(site, at.axes);
  const ValueId limit = b.broadcast(index_value(b, o.param.extents.numel()), extents);
  ValueId mask = b.compare(Fn::kLt, at.value, limit);
  mask = b.binary(Fn::kAnd, mask, b.compare(Fn::kGe, at.value, b.constant(0, b.type(at.value))));
  const ValueId places = b.pointer_add(b.broadcast(base, extents), at.value);
  const ValueId other = b.emit(Opcode::kConstant, {}, kernel::block(o.dtype, extents), {{Key::kBits, fill}});
  return {b.load_at(places, mask, other), at.axes, 0};
}
}  // namespace

Lanes lanes_of(Builder& b, const Dim& value, const Site& site) { return LaneWriter(b, site).run(value); }

Lanes load_operand(Builder& b, const Element::Operand& o, const Site& site, std::int64_t fill) {
  if (const auto v = own_strides(o, site)) return load_view(b, o, site, *v, fill);
  if (const auto v = own_axes(o, site)) return load_view(b, o, site, *v, fill);
  return load_anywhere(b, o, site, fill);
}

ValueId inside(Builder& b, const Site& site, std::size_t axis) {
  const Lanes at = lanes_of(b, kernel::axis(static_cast<int>(axis)), site);
  const ValueId limit = b.broadcast(index_value(b, site.space[axis]), extents_on(site, at.axes));
  return b.compare(Fn::kLt, at.value, limit);
}

}  // namespace intarsia::schedule
