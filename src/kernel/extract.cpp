// extract: a kernel's element function, found by reading positions and proven by the normal form of Dims.
//
// A store's block stands at lanes l; element x of the tensor is written by lane l_a = x_a - B_a * p_j, where
// p_j is the program id that walks axis a. Which j is guessed and then proven: the store's offset must be the
// row-major offset of x, the grid must have cdiv(S_a, B_a) programs there, and each mask must be an edge of
// the tensor. A wrong guess only refuses.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/convert.h"
#include "base/error.h"
#include "kernel/element.h"
#include "kernel/positions.h"

namespace intarsia::kernel {
namespace {

struct Refused {
  std::string why;
};
[[noreturn]] void refuse(std::string why) { throw Refused{std::move(why)}; }

bool same(const Dim& a, const Dim& b) { return known_equal(a, b) == Known::kYes; }
bool same(const Shape& a, const Shape& b) { return known_equal(a, b) == Known::kYes; }

Shape row_major(const Shape& extents) {
  Shape s(extents.size(), Dim(1));
  for (std::size_t a = extents.size(); a-- > 1;) s[a - 1] = s[a] * extents[a];
  return s;
}

// Where each lane of a value stands in the block that is stored: the stored block's axis, or -1 for an axis
// of extent 1.
using Axes = std::array<std::int8_t, Type::kMaxRank>;

class Extractor {
 public:
  Extractor(const Kernel& kernel, Element& out) : k_(kernel), at_(kernel), e_(out), b_(out.body) {}

  void run() {
    const auto stores = look();
    std::vector<ValueId> yields;
    for (const Inst* s : stores) {
      const Param& p = store(*s);
      yields.push_back(body(stored_value(*s)));
      e_.outputs.push_back({p, k_.type(stored_value(*s)).dtype, yields.back()});
    }
    b_.add(Opcode::kYield, yields, {});
  }

 private:
  // ---- what the kernel consists of
  // --------------------------------------------------------------------------------

  std::vector<const Inst*> look() const {
    for (const Param& p : k_.params)
      if (is_memory(p.role) && p.role != Role::kInput && p.role != Role::kOutput)
        refuse(p.name + " is read and written in place");
    std::vector<const Inst*> stores;
    for (InstId id : k_.regions[0].body) {
      const Inst& i = k_[id];
      if (i.opcode == Opcode::kStore || i.opcode == Opcode::kViewStore)
        stores.push_back(&i);
      else if (!is_plain(i.opcode))
        refuse(std::string(info(i.opcode).name) + " is no work on single elements");
    }
    if (stores.empty()) refuse("nothing is stored");
    return stores;
  }
  static bool is_plain(Opcode o) {
    switch (o) {
      case Opcode::kConstant:
      case Opcode::kDimValue:
      case Opcode::kProgramId:
      case Opcode::kNumPrograms:
      case Opcode::kArange:
      case Opcode::kBroadcast:
      case Opcode::kReshape:
      case Opcode::kTranspose:
      case Opcode::kCast:
      case Opcode::kBitcast:
      case Opcode::kUnary:
      case Opcode::kBinary:
      case Opcode::kCompare:
      case Opcode::kSelect:
      case Opcode::kFma:
      case Opcode::kPointerAdd:
      case Opcode::kLoad:
      case Opcode::kViewLoad:
      case Opcode::kAssume: return true;
      default: return false;
    }
  }
  ValueId stored_value(const Inst& s) const { return k_.operands_of(s)[1]; }

  // ---- one store
  // --------------------------------------------------------------------------------------------------

  // The tensor a store covers, element by element; sets lanes_ and programs_ for the values that go into it.
  const Param& store(const Inst& s) {
    const auto in = k_.operands_of(s);
    const Type& blk = k_.type(in[1]);
    const bool view = s.opcode == Opcode::kViewStore;
    const Positions::Pointer pointer =
        view ? Positions::Pointer{at_.param(in[0]), 0, {}} : at_.pointer(in[0]);
    if (!pointer.param) refuse("a store: " + pointer.why);
    const Param& p = *pointer.param;
    if (p.role != Role::kOutput) refuse(p.name + " is stored, and is no output");
    for (const Element::Result& r : e_.outputs)
      if (r.param.port == p.port) refuse(p.name + " is stored in two places");
    const Shape space = space_of(p, blk, view);
    if (e_.outputs.empty())
      e_.space = space;
    else if (!same(e_.space, space))
      refuse("outputs differ in extents: " + e_.space.str() + " and " + space.str());
    const Dim offset = view ? offset_of(p, s, 2, blk) : pointer.offset;
    walk(p, blk, offset);
    std::vector<char> covered(space.size(), view);
    if (!view && in.size() > 2) masked("the store of " + p.name, in[2], &covered);
    for (std::size_t a = 0; a < space.size(); ++a)
      if (!covered[a] && !same(cdiv(space[a], blk.extents[a]) * blk.extents[a], space[a]))
        refuse("the store of " + p.name + " is not masked at the edge " + space[a].str());
    return p;
  }
  Shape space_of(const Param& p, const Type& blk, bool view) const {
    if (view || p.extents.size() == blk.rank) return p.extents;
    if (blk.rank == 1) return {p.extents.numel()};
    refuse(fmt::format("{} has rank {}, its block {}", p.name, p.extents.size(), blk.rank));
  }
  // Row-major offset of a view access, over the lanes of its block.
  Dim offset_of(const Param& p, const Inst& i, std::size_t first, const Type& blk) const {
    const auto in = k_.operands_of(i);
    const Shape strides = p.strides.empty() ? row_major(p.extents) : p.strides;
    Dim offset = 0;
    for (std::size_t a = 0; a < p.extents.size(); ++a)
      offset = offset + coordinate(in[first + a], blk, a) * strides[a];
    return offset;
  }
  Dim coordinate(ValueId start, const Type& blk, std::size_t a) const {
    const Positions::Integer& o = at_.integer(start);
    if (!o.known) refuse(o.why);
    return blk.extents[a] == 1 ? o.value : o.value + lane(static_cast<int>(a), blk.extents[a]);
  }

  // Finds which program id walks which axis, so that `offset` is the row-major offset of x.
  void walk(const Param& p, const Type& blk, const Dim& offset) {
    const std::size_t rank = blk.rank;
    if (rank > 3) refuse(fmt::format("{} is stored in a block of rank {}", p.name, rank));
    const Shape strides = row_major(e_.space);
    Dim want = 0;
    for (std::size_t a = 0; a < rank; ++a) want = want + coordinate_of(a) * strides[a];
    Dim seen = offset;
    std::array<int, 3> by{-1, -1, -1};  // program id of each axis; 3: none, one block covers it
    const auto next = [&] {
      for (std::size_t a = rank; a-- > 0; by[a] = 0)
        if (++by[a] < 4) return true;
      return false;
    };
    for (std::size_t a = 0; a < rank; ++a) by[a] = a + 1 == rank ? -1 : 0;
    while (next()) {
      if (!distinct(by, rank)) continue;
      assign(blk, by);
      seen = lanes_(offset);
      if (!same(seen, want)) continue;
      check_grid(p, blk, by);
      return;
    }
    refuse(p.name + " is stored at " + offset.str() + ", which does not cover it element by element");
  }
  static bool distinct(const std::array<int, 3>& by, std::size_t rank) {
    for (std::size_t a = 0; a < rank; ++a)
      for (std::size_t b = 0; b < a; ++b)
        if (by[a] == by[b] && by[a] != 3) return false;
    return true;
  }
  // x on an axis of the space; 0 where it has one element.
  Dim coordinate_of(std::size_t a) const { return same(e_.space[a], 1) ? Dim(0) : axis(static_cast<int>(a)); }
  void assign(const Type& blk, const std::array<int, 3>& by) {
    lanes_ = {}, origin_.clear();
    for (std::size_t a = 0; a < blk.rank; ++a) {
      const Dim x = coordinate_of(a);
      const bool walked = by[a] < 3;
      const Dim p = walked ? at_.program(static_cast<std::size_t>(by[a])) : Dim(0);
      if (blk.extents[a] == 1) {  // a program that owns one element along an axis is that axis
        if (walked && !p.is_constant()) lanes_.set(p, x);
        origin_.push_back(0);
        continue;
      }
      origin_.push_back(x - p * blk.extents[a]);
      lanes_.set(lane(static_cast<int>(a), blk.extents[a]), origin_.back());
    }
    block_ = blk;
  }
  void check_grid(const Param& p, const Type& blk, const std::array<int, 3>& by) const {
    std::array<bool, 3> used{};
    for (std::size_t a = 0; a < blk.rank; ++a) {
      const Dim blocks = cdiv(e_.space[a], blk.extents[a]);
      const auto j = static_cast<std::size_t>(by[a]);
      if (by[a] == 3) {
        if (!same(blocks, 1) && known_less(blocks, 2) != Known::kYes)
          refuse(fmt::format("one block of {} does not cover the {} elements of {}", blk.extents[a],
                             e_.space[a].str(), p.name));
        continue;
      }
      used[j] = true;
      if (!same(k_.grid[j], blocks))
        refuse(fmt::format("the grid has {} programs where {} needs {}", k_.grid[j].str(), p.name,
                           blocks.str()));
    }
    for (std::size_t j = 0; j < 3; ++j)
      if (!used[j] && !same(k_.grid[j], 1)) refuse(fmt::format("axis {} of the grid repeats the work", j));
  }

  // Every condition of a mask is an edge of the space, or holds everywhere. `covered` gets the edges it has.
  void masked(const std::string& what, ValueId mask, std::vector<char>* covered) {
    const Positions::Mask& m = at_.mask(mask);
    if (!m.known) refuse(what + ": " + m.why);
    for (const Condition& c : m.conditions) {
      const Dim room = lanes_(c.right - c.left);
      if (room.bounds().min > 0) continue;
      std::size_t a = 0;
      while (a < e_.space.size() && !same(room, e_.space[a] - axis(static_cast<int>(a)))) ++a;
      if (a == e_.space.size())
        refuse(fmt::format("{} is masked by {} < {}, which is not known to be the edge of {}", what,
                           lanes_(c.left).str(), lanes_(c.right).str(), e_.space.str()));
      if (covered) (*covered)[a] = 1;
    }
  }

  // ---- the body
  // ---------------------------------------------------------------------------------------------------

  // A value as the stored block sees it. Two values are one scalar if value and axes are equal.
  struct Need {
    ValueId value;
    Axes axes;
    bool operator<(const Need& o) const { return std::pair(value, axes) < std::pair(o.value, o.axes); }
  };

  // A Dim over a value's own lanes, as one over the axes of the space.
  Dim placed(const Dim& d, const Type& own, const Axes& axes) const {
    Substitution s;
    for (std::size_t a = 0; a < own.rank; ++a)
      if (own.extents[a] > 1)
        s.set(lane(static_cast<int>(a), own.extents[a]), origin_[static_cast<std::size_t>(axes[a])]);
    return lanes_programs(s(d));
  }
  Dim lanes_programs(const Dim& d) const { return lanes_(d); }
  Axes through(const Inst& i, const Axes& axes) const {
    const Type &from = k_.type(k_.operands_of(i)[0]), &to = k_.type(k_.result(i));
    Axes out;
    out.fill(-1);
    std::vector<int> moved;
    for (std::size_t a = 0; a < from.rank; ++a) {
      if (from.extents[a] == 1) continue;
      if (i.opcode == Opcode::kBroadcast) out[a] = axes[a];
    }
    if (i.opcode == Opcode::kTranspose)
      for (std::size_t a = 0; a < to.rank; ++a)
        out[static_cast<std::uint64_t>(k_.attr(i, Key::kOrder)) >> (4 * a) & 15] = axes[a];
    if (i.opcode == Opcode::kReshape) {
      if (!unit_reshape(from, to, moved)) refuse("a reshape moves elements");
      for (std::size_t a = 0; a < moved.size(); ++a)
        if (moved[a] >= 0) out[a] = axes[static_cast<std::size_t>(moved[a])];
    }
    return out;
  }

  ValueId body(ValueId stored) {
    done_.clear();  // positions mean something else for every store
    Need root{stored, {}};
    root.axes.fill(-1);
    for (std::size_t a = 0; a < block_.rank; ++a) root.axes[a] = static_cast<std::int8_t>(a);
    std::vector<std::pair<Need, bool>> stack = {{root, false}};
    while (!stack.empty()) {
      const auto [need, ready] = stack.back();
      if (done_.contains(need)) {
        stack.pop_back();
        continue;
      }
      if (!ready) {
        if (const auto leaf = leaf_of(need)) {
          done_.emplace(need, *leaf);
          stack.pop_back();
          continue;
        }
        stack.back().second = true;
        const auto needs = operands(need);
        for (std::size_t n = needs.size(); n-- > 0;)
          stack.push_back({needs[n], false});  // the first is done first
        continue;
      }
      done_.emplace(need, combine(need));
      stack.pop_back();
    }
    return done_.at(root);
  }
  static bool changes_shape(Opcode o) {
    return o == Opcode::kBroadcast || o == Opcode::kReshape || o == Opcode::kTranspose;
  }
  std::vector<Need> operands(const Need& need) const {
    const Inst& i = *at_.definition(need.value);
    std::vector<Need> out;
    for (ValueId v : k_.operands_of(i))
      out.push_back({v, changes_shape(i.opcode) ? through(i, need.axes) : need.axes});
    return out;
  }
  ValueId combine(const Need& need) {
    const Inst& i = *at_.definition(need.value);
    const auto needs = operands(need);
    if (changes_shape(i.opcode)) return done_.at(needs[0]);
    std::vector<ValueId> in;
    for (const Need& o : needs) in.push_back(done_.at(o));
    return b_.emit(i.opcode, in, scalar(k_.type(need.value).dtype), k_.attrs_of(i));
  }

  // A value that needs no others: an operand of the function, or a number.
  std::optional<ValueId> leaf_of(const Need& need) {
    const Type& t = k_.type(need.value);
    const Inst* i = at_.definition(need.value);
    const Param* p = at_.param(need.value);
    if (p && p->role == Role::kScalar) return operand(*p, t.dtype, 0);
    if (const Positions::Integer& n = at_.integer(need.value); n.known)
      return position(placed(n.value, t, need.axes), t.dtype);
    if (p) refuse(p->name + " is used as a value");
    switch (i->opcode) {
      case Opcode::kConstant: return b_.emit(i->opcode, {}, scalar(t.dtype), k_.attrs_of(*i));
      case Opcode::kLoad: return load(*i, need);
      case Opcode::kViewLoad: return view_load(*i, need);
      case Opcode::kProgramId:
      case Opcode::kNumPrograms:
      case Opcode::kDimValue:
      case Opcode::kArange:
      case Opcode::kPointerAdd: refuse(at_.integer(need.value).why);
      default: return std::nullopt;
    }
  }
  ValueId position(const Dim& value, DType t) {
    if (value.is_constant()) return b_.constant(value.constant(), scalar(t));
    if (mentions_program(value))
      refuse(fmt::format("the value {} depends on the program, not only on the element", value.str()));
    return operand({.name = "position", .role = Role::kDim}, t, value);
  }
  static bool mentions_program(const Dim& d) {
    std::vector<Symbol> used;
    collect_symbols(d, used);
    return std::ranges::any_of(
        used, [](const Symbol& s) { return s.name.starts_with("_p") || s.name.starts_with("_l"); });
  }
  ValueId load(const Inst& i, const Need& need) {
    const auto in = k_.operands_of(i);
    const Positions::Pointer& p = at_.pointer(in[0]);
    if (!p.param) refuse("a load: " + p.why);
    if (p.param->role != Role::kInput) refuse(p.param->name + " is read, and is no input");
    if (in.size() > 1) {
      const Substitution before = lanes_;  // a mask is over the load's own lanes
      for (std::size_t a = 0; a < k_.type(need.value).rank; ++a) {
        const auto to = need.axes[a];
        const std::int32_t extent = k_.type(need.value).extents[a];
        if (extent > 1)
          lanes_.prefer(lane(static_cast<int>(a), extent), origin_[static_cast<std::size_t>(to)]);
      }
      masked("the load of " + p.param->name, in[1], nullptr);
      lanes_ = before;
    }
    return operand(*p.param, k_.type(need.value).dtype, placed(p.offset, k_.type(need.value), need.axes));
  }
  ValueId view_load(const Inst& i, const Need& need) {
    const auto in = k_.operands_of(i);
    const Param* p = at_.param(in[0]);
    if (!p) refuse("a load: a view comes from make_view");
    if (p->role != Role::kInput) refuse(p->name + " is read, and is no input");
    const Type& t = k_.type(need.value);
    const Shape strides = p->strides.empty() ? row_major(p->extents) : p->strides;
    Dim offset = 0;
    for (std::size_t a = 0; a < p->extents.size(); ++a) {
      const Dim c = placed(coordinate(in[a + 1], t, a), t, need.axes);
      if (!inside(c, p->extents[a]))
        refuse(fmt::format("{} is read at {} of {}, which is not known to be inside it", p->name, c.str(),
                           p->extents[a].str()));
      offset = offset + c * strides[a];
    }
    return operand(*p, t.dtype, offset);
  }
  // Whether 0 <= c < extent for every element of the space.
  bool inside(const Dim& c, const Dim& extent) const {
    Substitution last;
    for (std::size_t s = 0; s < e_.space.size(); ++s) {
      const Dim x = axis(static_cast<int>(s));
      if (same(c, x) && same(extent, e_.space[s])) return true;
      last.set(x, e_.space[s] - 1);
    }
    if (same(c, 0)) return true;  // an empty tensor is not read: then the space is empty too
    return c.bounds().min >= 0 && known_less(last(c), extent) == Known::kYes && grows(c);
  }
  bool grows(const Dim& c) const {  // a sum of axes and what is no axis
    Dim rest = c;
    for (std::size_t s = 0; s < e_.space.size(); ++s) {
      const Dim x = axis(static_cast<int>(s));
      Substitution zero;
      zero.set(x, 0);
      const Dim without = zero(rest);
      if (identical(rest, without)) continue;
      if (!same(rest - x, without)) return false;
      rest = without;
    }
    return true;
  }

  ValueId operand(const Param& p, DType t, const Dim& offset) {
    if (mentions_program(offset))
      refuse(fmt::format("{} is read at {}, which depends on the program, not only on the element", p.name,
                         offset.str()));
    for (std::size_t n = 0; n < e_.inputs.size(); ++n) {
      const Element::Operand& o = e_.inputs[n];
      if (o.param.role == p.role && o.param.port == p.port && o.dtype == t && identical(o.offset, offset))
        return e_.body.params[n].value;
    }
    const ValueId v =
        b_.param(p.name, Role::kScalar, static_cast<std::uint32_t>(e_.inputs.size()), scalar(t)).value;
    e_.inputs.push_back({p, t, offset});
    return v;
  }

  const Kernel& k_;
  const Positions at_;
  Element& e_;
  Builder b_;
  Substitution lanes_;       // lanes and program ids of the stored block, over axes
  std::vector<Dim> origin_;  // what lane a of the stored block is
  Type block_;
  std::map<Need, ValueId> done_;
};

}  // namespace

Dim axis(int a) { return Dim::symbol(fmt::format("_x{}", a)); }

std::string extract(const Kernel& kernel, Element& out) {
  Element e;
  e.body.name = kernel.name;
  try {
    Extractor(kernel, e).run();
  } catch (const Refused& r) {
    return r.why;
  } catch (const UserError& u) {  // Dims that grow past their limits
    return u.what();
  }
  verify(e);
  out = std::move(e);
  return {};
}

}  // namespace intarsia::kernel
