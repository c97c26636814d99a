#include "kernel/element.h"

#include <algorithm>
#include <bit>
#include <map>
#include <numeric>

#include "base/error.h"

namespace intarsia::kernel {
Dim axis(int a) { return Dim::symbol("_x" + std::to_string(a)); }

namespace {
struct Refused { std::string why; };
[[noreturn]] void refuse(std::string why) { throw Refused{std::move(why)}; }
bool same(const Dim& a, const Dim& b) { return known_equal(a, b) == Known::kYes; }
bool same(const Shape& a, const Shape& b) { return known_equal(a, b) == Known::kYes; }
Dim program(int a) { return Dim::symbol("_p" + std::to_string(a)); }
Shape row_major(const Shape& e) {
  Shape s(e.size(), Dim(1));
  for (std::size_t a = e.size(); a-- > 1;) s[a - 1] = s[a] * e[a];
  return s;
}
using Map = std::vector<Dim>;  // a lane of a block, as Dims in axes and program ids

// ---- what a value is, element by element --------------------------------------------------------------------------------

struct Reader {
  const Kernel& k;
  std::vector<const Inst*> def;
  std::vector<const Param*> param;
  std::array<Dim, 3> pids = {program(0), program(1), program(2)};  // a program that owns one element along an axis is that axis
  explicit Reader(const Kernel& kernel) : k(kernel), def(k.values.size()), param(k.values.size()) {
    for (const Region& r : k.regions)
      for (InstId id : r.body) for (std::uint32_t n = 0; n < k[id].results.count; ++n) def[k[id].results.begin + n] = &k[id];
    for (const Param& p : k.params) param[index(p.value)] = &p;
  }
  // The operand's lane that gives lane `m` of a broadcast or of a reshape that adds or drops axes of extent 1.
  Map through(const Inst& i, const Map& m) const {
    const Type &from = k.type(k.operands_of(i)[0]), &to = k.values[i.results.begin];
    Map out(from.rank, Dim(0));
    if (i.opcode == Opcode::kBroadcast) {
      for (std::size_t a = 0; a < from.rank; ++a) if (from.extents[a] != 1) out[a] = m[a];
      return out;
    }
    std::size_t b = 0;
    for (std::size_t a = 0; a < from.rank; ++a) {
      if (from.extents[a] == 1) continue;
      while (b < to.rank && to.extents[b] == 1) ++b;
      if (b == to.rank || to.extents[b] != from.extents[a]) refuse("a reshape moves elements");
      out[a] = m[b++];
    }
    return out;
  }
  bool positional(ValueId v) const {  // computed from program ids, ranges and dims only
    if (param[index(v)]) return param[index(v)]->role == Role::kDim;
    const Inst* i = def[index(v)];
    if (!i || k.type(v).kind != Type::Kind::kBlock || is_real(k.type(v).dtype)) return false;
    if (i->opcode == Opcode::kLoad || i->opcode == Opcode::kViewLoad || i->regions.count) return false;
    for (ValueId o : k.operands_of(*i)) if (!positional(o)) return false;
    return true;
  }
  static bool is_real(DType t) { return (only(t) & kFloats) != 0; }
  bool from_zero(ValueId v, const Dim& d) const {  // quotients of symbols have no bounds where the divisor may be 0
    const Inst* i = def[index(v)];
    if (i && i->opcode == Opcode::kBinary && (static_cast<Fn>(k.attr(*i, Key::kFn)) == Fn::kDiv || static_cast<Fn>(k.attr(*i, Key::kFn)) == Fn::kRem)) return true;  // its operands were asked
    return d.bounds().min >= 0;
  }
  Dim index_at(ValueId v, const Map& m) const {
    if (const Param* p = param[index(v)]) { if (p->role == Role::kDim) return p->dim; refuse(p->name + " is no dim, but decides what is accessed"); }
    if (!def[index(v)]) refuse("a value of a loop decides what is accessed");
    const Inst& i = *def[index(v)];
    const auto in = k.operands_of(i);
    switch (i.opcode) {
      case Opcode::kConstant: return Dim(k.attr(i, Key::kBits));
      case Opcode::kDimValue: return k.dims[static_cast<std::size_t>(k.attr(i, Key::kDim))];
      case Opcode::kProgramId: return pids[static_cast<std::size_t>(k.attr(i, Key::kAxis))];
      case Opcode::kArange: return Dim(k.attr(i, Key::kStart)) + m.at(0);
      case Opcode::kBroadcast: case Opcode::kReshape: return index_at(in[0], through(i, m));
      case Opcode::kCast: return index_at(in[0], m);
      case Opcode::kBinary: {
        const Dim a = index_at(in[0], m), b = index_at(in[1], m);
        switch (static_cast<Fn>(k.attr(i, Key::kFn))) {
          case Fn::kAdd: return a + b;
          case Fn::kSub: return a - b;
          case Fn::kMul: return a * b;
          case Fn::kDiv: case Fn::kRem:  // truncation is floor only here; a divisor of 0 means an empty space
            if (!from_zero(in[0], a) || !from_zero(in[1], b)) refuse("a division of what may be negative decides what is accessed");
            return static_cast<Fn>(k.attr(i, Key::kFn)) == Fn::kDiv ? a / b : a % b;
          default: break;
        }
        break;
      }
      case Opcode::kLoad: case Opcode::kViewLoad: refuse("data decides what is accessed");
      default: break;
    }
    refuse(std::string(info(i.opcode).name) + " decides what is accessed");
  }
  struct Less { Dim a, b; };
  void conditions_at(ValueId v, const Map& m, std::vector<Less>& out) const {
    if (!def[index(v)]) refuse("the mask is a parameter");
    const Inst& i = *def[index(v)];
    const auto in = k.operands_of(i);
    if (i.opcode == Opcode::kBroadcast || i.opcode == Opcode::kReshape) return conditions_at(in[0], through(i, m), out);
    if (i.opcode == Opcode::kBinary && static_cast<Fn>(k.attr(i, Key::kFn)) == Fn::kAnd) { conditions_at(in[0], m, out); return conditions_at(in[1], m, out); }
    if (i.opcode == Opcode::kConstant && k.attr(i, Key::kBits)) return;
    if (i.opcode == Opcode::kCompare) {
      if (!positional(in[0]) || !positional(in[1])) refuse("masked by data");
      const Dim a = index_at(in[0], m), b = index_at(in[1], m);
      switch (static_cast<Fn>(k.attr(i, Key::kFn))) {
        case Fn::kLt: return out.push_back({a, b});
        case Fn::kLe: return out.push_back({a, b + 1});
        case Fn::kGt: return out.push_back({b, a});
        case Fn::kGe: return out.push_back({b, a + 1});
        default: break;
      }
    }
    refuse(i.opcode == Opcode::kLoad || i.opcode == Opcode::kViewLoad ? "masked by data" : "its mask is not a comparison of positions");
  }
};

struct Extractor : Reader {
  Element& e;
  Builder b;
  std::vector<Map> maps = {};
  std::map<std::pair<std::uint32_t, std::size_t>, ValueId> memo = {};
  std::array<Dim, 3> walked = {};
  Extractor(const Kernel& kernel, Element& out) : Reader(kernel), e(out), b(out.body) {}

  std::size_t intern(const Map& m) {
    for (std::size_t n = 0; n < maps.size(); ++n)
      if (maps[n].size() == m.size() && std::equal(m.begin(), m.end(), maps[n].begin(), [](const Dim& x, const Dim& y) { return identical(x, y); })) return n;
    maps.push_back(m);
    return maps.size() - 1;
  }
  const Param& base(ValueId v, const Map& m, Dim& offset) const {  // of a block of pointers
    if (const Param* p = param[index(v)]) { if (k.type(v).kind != Type::Kind::kPointer) refuse(p->name + " is no pointer"); return *p; }
    const Inst& i = *def[index(v)];
    if (i.opcode == Opcode::kBroadcast || i.opcode == Opcode::kReshape) return base(k.operands_of(i)[0], through(i, m), offset);
    if (i.opcode != Opcode::kPointerAdd) refuse("a pointer comes from " + std::string(info(i.opcode).name));
    const auto in = k.operands_of(i);
    const auto lane = [&](ValueId o) { return k.type(o).rank ? m : Map{}; };
    offset = offset + index_at(in[1], lane(in[1]));
    return base(in[0], lane(in[0]), offset);
  }
  void masked(const std::string& what, ValueId mask, const Map& m, std::vector<char>* covered) {
    std::vector<Less> list;
    try { conditions_at(mask, m, list); } catch (Refused& r) { refuse(what + ": " + r.why); }
    for (const Less& c : list) {
      std::size_t a = 0;
      while (a < e.space.size() && !same(c.b - c.a, e.space[a] - axis(static_cast<int>(a)))) ++a;
      if (a == e.space.size()) refuse(what + " is masked by " + c.a.str() + " < " + c.b.str() + ", which is not known to be the edge of " + e.space.str());
      if (covered) (*covered)[a] = 1;
    }
  }
  ValueId operand(const Param& p, DType t, const Dim& offset, bool scalar_param) {
    std::vector<Symbol> used;
    collect_symbols(offset, used);
    for (const Symbol& s : used) if (s.name.starts_with("_p")) refuse(p.name + " is read at " + offset.str() + ", which depends on the program, not only on the element");
    for (std::size_t n = 0; n < e.inputs.size(); ++n)
      if (e.inputs[n].param.role == p.role && e.inputs[n].param.port == p.port && (scalar_param || identical(e.inputs[n].offset, offset))) return e.body.params[n].value;
    const ValueId v = b.param(p.name, Role::kScalar, static_cast<std::uint32_t>(e.inputs.size()), scalar(t)).value;
    e.inputs.push_back({p, t, offset});
    return v;
  }
  ValueId element_at(ValueId v, const Map& m) {  // recursive: a real one walks with a stack
    if (const Param* p = param[index(v)]) { if (p->role == Role::kScalar) return operand(*p, k.type(v).dtype, 0, true); refuse(p->name + " is used as a value"); }
    const Inst& i = *def[index(v)];
    const auto in = k.operands_of(i);
    if (i.opcode == Opcode::kBroadcast || i.opcode == Opcode::kReshape) return element_at(in[0], through(i, m));
    const auto key = std::pair(index(v), intern(m));
    if (const auto at = memo.find(key); at != memo.end()) return at->second;
    const DType t = k.type(v).dtype;
    ValueId r{};
    if (i.opcode == Opcode::kLoad) {
      Dim offset = 0;
      const Param& p = base(in[0], m, offset);
      if (p.role != Role::kInput) refuse(p.name + " is read, and is no input");
      if (in.size() > 1) masked("the load of " + p.name, in[1], m, nullptr);
      r = operand(p, t, offset, false);
    } else if (i.opcode == Opcode::kViewLoad) {
      const Param& p = *param[index(in[0])];
      if (p.role != Role::kInput) refuse(p.name + " is read, and is no input");
      const Shape strides = p.strides.empty() ? row_major(p.extents) : p.strides;
      Dim offset = 0;
      for (std::size_t a = 0; a < p.extents.size(); ++a) {
        const Dim c = index_at(in[a + 1], {}) + m[a];
        bool inside = same(c, 0);
        for (std::size_t s = 0; s < e.space.size(); ++s) inside |= same(c, axis(static_cast<int>(s))) && same(p.extents[a], e.space[s]);
        if (!inside) refuse(p.name + " is read at " + c.str() + " of " + p.extents[a].str() + ", which is not known to be inside it");
        offset = offset + c * strides[a];
      }
      r = operand(p, t, offset, false);
    } else if (i.opcode == Opcode::kConstant) {
      r = b.emit(i.opcode, {}, scalar(t), {{Key::kBits, k.attr(i, Key::kBits)}});
    } else if (i.opcode == Opcode::kUnary || i.opcode == Opcode::kBinary || i.opcode == Opcode::kCompare || i.opcode == Opcode::kSelect || i.opcode == Opcode::kFma || i.opcode == Opcode::kCast) {
      std::vector<ValueId> o;
      for (ValueId x : in) o.push_back(element_at(x, m));
      r = b.emit(i.opcode, o, scalar(t), i.attrs.count ? std::initializer_list<Attr>{k.attrs[i.attrs.begin]} : std::initializer_list<Attr>{});
    } else refuse("the value depends on its position (" + std::string(info(i.opcode).name) + ")");
    memo.emplace(key, r);
    return r;
  }
  void run() {
    if (k.regions[0].body.empty()) refuse("the kernel is empty");
    std::vector<const Inst*> stores;
    for (InstId id : k.regions[0].body) {
      const Inst& i = k[id];
      switch (i.opcode) {
        case Opcode::kConstant: case Opcode::kDimValue: case Opcode::kProgramId: case Opcode::kArange: case Opcode::kBroadcast: case Opcode::kReshape: case Opcode::kCast: case Opcode::kUnary:
        case Opcode::kBinary: case Opcode::kCompare: case Opcode::kSelect: case Opcode::kFma: case Opcode::kPointerAdd: case Opcode::kLoad: case Opcode::kViewLoad: break;
        case Opcode::kStore: case Opcode::kViewStore: stores.push_back(&i); break;
        default: refuse(std::string(info(i.opcode).name) + " is no work on single elements");
      }
    }
    for (const Param& p : k.params) if (p.role == Role::kInOut || p.role == Role::kState || p.role == Role::kWorkspace) refuse(p.name + " is read and written in place");
    if (stores.empty()) refuse("nothing is stored");
    std::vector<std::uint32_t> done;
    std::vector<ValueId> yields;
    for (const Inst* s : stores) {
      const auto in = k.operands_of(*s);
      const Type& blk = k.type(in[1]);
      Map m(blk.rank, Dim(0));
      Shape space;
      const Param* out = nullptr;
      std::vector<Dim> origin(blk.rank, Dim(0));
      std::array<int, 3> used{-1, -1, -1};  // which axis a program id walks
      const auto along = [&](std::size_t a, int j) {
        const auto n = static_cast<std::size_t>(j);
        if (blk.extents[a] == 1) pids[n] = axis(static_cast<int>(a));
        origin[a] = pids[n] * blk.extents[a], used[n] = static_cast<int>(a);
      };
      const auto forget = [&] { used = {-1, -1, -1}, pids = {program(0), program(1), program(2)}; };
      forget();
      Dim offset = 0;
      if (s->opcode == Opcode::kViewStore) {
        out = param[index(in[0])];
        space = out->extents;
        for (std::size_t a = 0; a < blk.rank; ++a) {
          const Dim o = index_at(in[a + 2], {});
          int j = 0;
          while (j < 3 && (used[static_cast<std::size_t>(j)] >= 0 || !same(o, program(j) * blk.extents[a]))) ++j;
          if (j < 3) along(a, j);
          else if (!(same(o, 0) && same(cdiv(space[a], blk.extents[a]), 1))) refuse(out->name + " is stored at " + o.str() + ", which is no tiling");
          m[a] = axis(static_cast<int>(a)) - origin[a];
        }
      } else {
        if (blk.rank < 1 || blk.rank > 2) refuse("pointers are in a block of rank " + std::to_string(blk.rank));
        bool found = false;
        for (int order = 0; order < 3 && !found; ++order) {  // guess which program id walks which axis, then prove it
          forget();
          for (int a = 0; a < blk.rank; ++a) along(static_cast<std::size_t>(a), blk.rank == 1 ? order : order ? 1 - a : a);
          for (int a = 0; a < blk.rank; ++a) m[static_cast<std::size_t>(a)] = axis(a) - origin[static_cast<std::size_t>(a)];
          offset = 0;
          out = &base(in[0], m, offset);
          space = blk.rank == 1 ? Shape{out->extents.numel()} : out->extents;
          if (space.size() != blk.rank) refuse(out->name + " has rank " + std::to_string(space.size()) + ", its block " + std::to_string(blk.rank));
          const Shape strides = row_major(space);
          Dim want = 0;
          for (int a = 0; a < blk.rank; ++a) want = want + axis(a) * strides[static_cast<std::size_t>(a)];
          found = same(offset, want);
        }
        if (!found) refuse(out->name + " is stored at " + offset.str() + ", which does not cover it element by element");
      }
      if (out->role != Role::kOutput) refuse(out->name + " is stored, and is no output");
      if (std::find(done.begin(), done.end(), out->port) != done.end()) refuse(out->name + " is stored in two places");
      done.push_back(out->port);
      if (e.outputs.empty()) e.space = space;
      else if (!same(e.space, space)) refuse("outputs differ in extents: " + e.space.str() + " and " + space.str());
      std::vector<char> covered(space.size(), s->opcode == Opcode::kViewStore);
      if (s->opcode == Opcode::kStore && in.size() > 2) masked("the store of " + out->name, in[2], m, &covered);
      for (std::size_t a = 0; a < space.size(); ++a) {
        const Dim blocks = cdiv(space[a], blk.extents[a]);
        if (!covered[a] && !same(blocks * blk.extents[a], space[a])) refuse("the store of " + out->name + " is not masked at the edge " + space[a].str());
        for (int j = 0; j < 3; ++j)
          if (used[static_cast<std::size_t>(j)] == static_cast<int>(a) && !same(k.grid[static_cast<std::size_t>(j)], blocks))
            refuse("the grid has " + k.grid[static_cast<std::size_t>(j)].str() + " programs where " + out->name + " needs " + blocks.str());
      }
      for (std::size_t j = 0; j < 3; ++j) if (used[j] < 0 && !same(k.grid[j], 1)) refuse("axis " + std::to_string(j) + " of the grid repeats the work");
      if (!std::equal(pids.begin(), pids.end(), walked.begin(), [](const Dim& x, const Dim& y) { return identical(x, y); })) memo.clear(), walked = pids;
      yields.push_back(element_at(in[1], m));
      e.outputs.push_back({*out, blk.dtype, yields.back()});
    }
    b.add(Opcode::kYield, yields, {});
  }
};

// ---- a function on a block -------------------------------------------------------------------------------------------------

struct Target {
  Shape tensor;                    // what the access sees, in the tensor's own order of axes
  std::vector<std::size_t> order;  // axis of the view -> axis of the tensor
  std::vector<ValueId> offsets;
  Type block;
};
Target target_of(const Kernel& k, const Param& p, const Inst& i, bool store) {
  const auto in = k.operands_of(i);
  Target t{p.extents, {}, {in.begin() + (store ? 2 : 1), in.end()}, store ? k.type(in[1]) : k.values[i.results.begin]};
  t.order.resize(p.extents.size());
  std::iota(t.order.begin(), t.order.end(), std::size_t{0});
  if (p.strides.empty()) return t;
  do {  // strides of a permutation of a whole tensor
    for (std::size_t a = 0; a < t.order.size(); ++a) t.tensor[t.order[a]] = p.extents[a];
    const Shape s = row_major(t.tensor);
    bool fits = true;
    for (std::size_t a = 0; a < t.order.size(); ++a) fits &= same(s[t.order[a]], p.strides[a]);
    if (fits) return t;
  } while (std::next_permutation(t.order.begin(), t.order.end()));
  refuse(p.name + " has strides that are no permutation of a whole tensor");
}
// Which axes of the tensor an operand follows; along the others it is the same.
unsigned axes_of(const Element& e, const Element::Operand& o, const Shape& t) {
  const std::size_t r = t.size();
  std::vector<Dim> x(r), nested(r);  // two spellings of a middle axis: Dim does not know (a // b) // c == a // (b * c)
  Dim whole = 0;
  if (e.space.size() == r && same(e.space, t)) {
    const Shape s = row_major(t);
    for (std::size_t a = 0; a < r; ++a) x[a] = axis(static_cast<int>(a)), whole = whole + x[a] * s[a];
  } else {
    if (!same(e.space.numel(), t.numel())) refuse("extents " + e.space.str() + " are not known to be those of " + t.str());
    const Shape es = row_major(e.space), s = row_major(t);
    for (std::size_t a = 0; a < es.size(); ++a) whole = whole + axis(static_cast<int>(a)) * es[a];
    for (std::size_t a = 0; a < r; ++a) x[a] = a == 0 ? whole / s[a] : whole / s[a] - t[a] * (whole / (s[a] * t[a]));
    for (std::size_t a = 0; a < r; ++a) nested[a] = a == 0 ? x[a] : whole / s[a] % t[a];
  }
  if (e.space.size() == r) nested = x;
  const unsigned all = (1u << r) - 1;
  for (unsigned mask = all + 1; mask-- > 0;) {
    Dim offset = 0, other = 0, size = 1;
    for (std::size_t a = r; a-- > 0;) if (mask >> a & 1) offset = offset + x[a] * size, other = other + nested[a] * size, size = size * t[a];
    if ((same(o.offset, mask == all ? whole : offset) || same(o.offset, other)) && same(size, o.param.extents.numel())) return mask;
  }
  refuse(o.param.name + " is read at " + o.offset.str() + ", which is neither the element written nor one broadcast over " + t.str());
}
ValueId view_of(Kernel& k, const Param& p, DType t, Shape extents, Shape strides) {
  for (const Param& q : k.params)
    if (q.role == p.role && q.port == p.port && k.type(q.value).kind == Type::Kind::kView && identical(q.extents, extents) && identical(q.strides, strides)) return q.value;
  Builder b(k);
  Param& made = b.param(p.name, p.role, p.port, {.kind = Type::Kind::kView, .dtype = t, .rank = static_cast<std::uint8_t>(extents.size())});
  made.extents = std::move(extents), made.strides = std::move(strides), made.align = p.align, made.line = 0;
  return made.value;
}
Shape in_view(const Target& t, const Shape& of_tensor) { Shape s; for (std::size_t a : t.order) s.push_back(of_tensor[a]); return s; }

// Appends the function's work on a block. given[n]: input n is this value (all axes), not loaded.
std::vector<ValueId> emit(Kernel& k, Builder& b, const Element& e, const Target& t, std::span<const ValueId> given) {
  constexpr ValueId kNone{UINT32_MAX};
  const std::size_t r = t.order.size();
  const unsigned all = (1u << r) - 1;
  const bool plain = std::is_sorted(t.order.begin(), t.order.end());
  const auto shape_of = [&](unsigned mask, DType d) { Type x = t.block; x.dtype = d, x.layout = -1; for (std::size_t a = 0; a < r; ++a) if (!(mask >> a & 1)) x.extents[a] = 1; return x; };
  struct Made { ValueId value{UINT32_MAX}; unsigned mask = 0; const Inst* constant = nullptr; };  // mask: axes of the view
  std::vector<Made> made(e.body.values.size());
  std::map<std::pair<std::uint32_t, unsigned>, ValueId> spread;
  ValueId zero = kNone;
  const auto at = [&](ValueId v, unsigned mask) {
    const Made& m = made[index(v)];
    if (!m.constant && m.mask == mask) return m.value;
    auto& s = spread.try_emplace({index(v), mask}, kNone).first->second;
    if (s != kNone) return s;
    const Type type = shape_of(mask, e.body.type(v).dtype);
    return s = m.constant ? b.emit(Opcode::kConstant, {}, type, {{Key::kBits, e.body.attr(*m.constant, Key::kBits)}}) : b.emit(Opcode::kBroadcast, std::span(&m.value, 1), type);
  };
  for (std::size_t n = 0; n < e.inputs.size(); ++n) {
    const auto& o = e.inputs[n];
    Made& m = made[index(e.body.params[n].value)];
    if (given[n] != kNone) { m = {given[n], all}; continue; }
    if (o.param.role == Role::kScalar) {
      const auto same_scalar = std::find_if(k.params.begin(), k.params.end(), [&](const Param& q) { return q.role == Role::kScalar && q.port == o.param.port; });
      const ValueId p = same_scalar != k.params.end() ? same_scalar->value : b.param(o.param.name, Role::kScalar, o.param.port, scalar(o.dtype)).value;
      m = {b.emit(Opcode::kBroadcast, std::span(&p, 1), shape_of(0, o.dtype)), 0};
      continue;
    }
    const unsigned axes = axes_of(e, o, t.tensor);
    Shape extents = t.tensor;
    for (std::size_t a = 0; a < r; ++a) if (!(axes >> a & 1)) extents[a] = 1;
    const Shape strides = row_major(extents);
    for (std::size_t a = 0; a < r; ++a) if (axes >> t.order[a] & 1) m.mask |= 1u << a;
    const ValueId view = view_of(k, o.param, o.dtype, in_view(t, extents), plain ? Shape{} : in_view(t, strides));
    std::vector<ValueId> in = {view};
    for (std::size_t a = 0; a < r; ++a) {
      if (!(m.mask >> a & 1) && zero == kNone) zero = b.constant(0, scalar(DType::kI64));
      in.push_back(m.mask >> a & 1 ? t.offsets[a] : zero);
    }
    m.value = b.emit(Opcode::kViewLoad, in, shape_of(m.mask, o.dtype));
  }
  std::vector<ValueId> out;
  for (InstId id : e.body.regions[0].body) {
    const Inst& i = e.body[id];
    if (i.opcode == Opcode::kYield) { for (ValueId v : e.body.operands_of(i)) out.push_back(at(v, all)); break; }
    Made& m = made[i.results.begin];
    if (i.opcode == Opcode::kConstant) { m.constant = &i; continue; }
    for (ValueId o : e.body.operands_of(i)) m.mask |= made[index(o)].mask;
    std::vector<ValueId> in;
    for (ValueId o : e.body.operands_of(i)) in.push_back(at(o, m.mask));
    m.value = b.emit(i.opcode, in, shape_of(m.mask, e.body.values[i.results.begin].dtype), i.attrs.count ? std::initializer_list<Attr>{e.body.attrs[i.attrs.begin]} : std::initializer_list<Attr>{});
  }
  return out;
}
template <class F> void insert(Kernel& k, RegionId r, std::size_t at, bool replace, F make) {
  const auto i = index(r);
  std::vector<InstId> tail(k.regions[i].body.begin() + static_cast<std::ptrdiff_t>(at) + replace, k.regions[i].body.end());
  k.regions[i].body.resize(at);
  Builder b(k, r);
  make(b);
  k.regions[i].body.insert(k.regions[i].body.end(), tail.begin(), tail.end());
}
struct Use { RegionId region; std::size_t at; };
std::vector<Use> uses_of(const Kernel& k, const Param& p, Opcode only_by) {  // last first in each region, so that places stay right
  std::vector<Use> out;
  for (std::uint32_t r = 0; r < k.regions.size(); ++r)
    for (std::size_t n = k.regions[r].body.size(); n-- > 0;) {
      const Inst& i = k[k.regions[r].body[n]];
      const auto in = k.operands_of(i);
      if (std::find(in.begin(), in.end(), p.value) == in.end()) continue;
      if (i.opcode != only_by) refuse(p.name + " is used by " + std::string(info(i.opcode).name) + ", not only by " + std::string(info(only_by).name));
      out.push_back({static_cast<RegionId>(r), n});
    }
  if (out.empty()) refuse(p.name + " is not accessed by " + std::string(info(only_by).name));
  return out;
}
void drop(Kernel& k, std::uint32_t param) { k.params.erase(k.params.begin() + param); }
template <class F> std::string guarded(F f) { try { f(); } catch (const Refused& r) { return r.why; } return {}; }
}  // namespace

std::string extract(const Kernel& kernel, Element& out) {
  Element e;
  e.body.name = kernel.name;
  const std::string why = guarded([&] { Extractor(kernel, e).run(); });
  if (why.empty()) out = std::move(e);
  return why;
}

std::string into_store(Kernel& producer, std::uint32_t param, const Element& e, std::uint32_t port, bool keep) {
  Kernel k = producer;
  const std::string why = guarded([&] {
    const Param p = k.params[param];
    std::vector<ValueId> given(e.inputs.size(), ValueId{UINT32_MAX});
    const auto uses = uses_of(k, p, Opcode::kViewStore);
    for (const Use& u : uses) {
      const Inst i = k[k.regions[index(u.region)].body[u.at]];
      const Target t = target_of(k, p, i, true);
      const ValueId value = k.operands_of(i)[1];
      bool any = false;
      for (std::size_t n = 0; n < e.inputs.size(); ++n) {
        const auto& o = e.inputs[n];
        if (o.param.role != Role::kInput || o.param.port != port) continue;
        if (axes_of(e, o, t.tensor) != (1u << t.order.size()) - 1) refuse(o.param.name + " is read at " + o.offset.str() + ": a neighbour's element, not the one stored");
        if (o.dtype != k.type(value).dtype) refuse(o.param.name + " is read as " + std::string(name(o.dtype)) + " and stored as " + std::string(name(k.type(value).dtype)));
        given[n] = value, any = true;
      }
      if (!any) refuse("no input is what " + p.name + " holds");
      insert(k, u.region, u.at, !keep, [&](Builder& b) {
        std::vector<InstId> kept;
        const auto results = emit(k, b, e, t, given);
        const bool plain = std::is_sorted(t.order.begin(), t.order.end());
        for (std::size_t n = 0; n < results.size(); ++n) {
          const ValueId view = view_of(k, e.outputs[n].param, e.outputs[n].dtype, in_view(t, t.tensor), plain ? Shape{} : p.strides);
          b.store(view, results[n], t.offsets);
        }
      });
    }
    if (!keep) drop(k, param);
    verify(k);
  });
  if (why.empty()) k.name += "+" + e.body.name, producer = std::move(k);
  return why;
}

std::string into_loads(Kernel& consumer, std::uint32_t param, const Element& e, std::uint32_t port) {
  Kernel k = consumer;
  const std::string why = guarded([&] {
    const Param p = k.params[param];
    const auto which = static_cast<std::size_t>(std::find_if(e.outputs.begin(), e.outputs.end(), [&](const auto& o) { return o.param.port == port; }) - e.outputs.begin());
    if (which == e.outputs.size()) refuse("no output is what " + p.name + " reads");
    if (e.outputs.size() != 1) refuse(e.outputs[which ? 0 : 1].param.name + " is another output, and nothing here stores it");
    if (e.outputs[which].dtype != k.type(p.value).dtype) refuse(p.name + " is read as " + std::string(name(k.type(p.value).dtype)) + " and made as " + std::string(name(e.outputs[which].dtype)));
    const std::vector<ValueId> given(e.inputs.size(), ValueId{UINT32_MAX});
    for (const Use& u : uses_of(k, p, Opcode::kViewLoad)) {
      const Inst i = k[k.regions[index(u.region)].body[u.at]];
      const Target t = target_of(k, p, i, false);
      if (!same(e.space.numel(), t.tensor.numel())) refuse("extents " + e.space.str() + " are not known to be those of " + t.tensor.str());
      const auto old = static_cast<ValueId>(i.results.begin);
      insert(k, u.region, u.at, true, [&](Builder& b) {
        ValueId v = emit(k, b, e, t, given)[which];
        ValueId inside{UINT32_MAX};  // clip: lanes outside are the load's fill again, not f(fill)
        for (std::size_t a = 0; a < t.offsets.size() && !break_clip; ++a) {
          if (p.extents[a].multiple() % t.block.extents[a] == 0) continue;  // offsets of an access are multiples of its block: to be proven in a real one
          Type line = t.block, flags = t.block;
          line.dtype = DType::kI64, flags.dtype = DType::kBool;
          for (std::size_t x = 0; x < t.offsets.size(); ++x) if (x != a) line.extents[x] = 1;
          flags.extents = line.extents;
          Type flat{.dtype = DType::kI64, .rank = 1};
          flat.extents[0] = line.extents[a];
          ValueId range = b.emit(Opcode::kArange, {}, flat);
          range = b.emit(Opcode::kReshape, std::span(&range, 1), line);
          const ValueId limit = b.dim(p.extents[a]);
          const ValueId pair[] = {b.binary(Fn::kAdd, range, b.emit(Opcode::kBroadcast, std::span(&t.offsets[a], 1), line)), b.emit(Opcode::kBroadcast, std::span(&limit, 1), line)};
          ValueId ok = b.emit(Opcode::kCompare, pair, flags, {{Key::kFn, static_cast<int>(Fn::kLt)}});
          flags.extents = t.block.extents;
          ok = b.emit(Opcode::kBroadcast, std::span(&ok, 1), flags);
          inside = inside == ValueId{UINT32_MAX} ? ok : b.binary(Fn::kAnd, inside, ok);
        }
        if (inside != ValueId{UINT32_MAX}) {
          const ValueId in[] = {inside, v, b.emit(Opcode::kConstant, {}, k.type(v), {{Key::kBits, k.attr(i, Key::kFill)}})};
          v = b.emit(Opcode::kSelect, in, k.type(v));
        }
        std::replace(k.operands.begin(), k.operands.end(), old, v);
      });
    }
    drop(k, param);
    verify(k);
  });
  if (why.empty()) k.name = e.body.name + "+" + k.name, consumer = std::move(k);
  return why;
}

std::string tile(const Element& e, const Shape& as, std::span<const std::int64_t> extents, Kernel& out) {
  Kernel k;
  const std::string why = guarded([&] {
    k.name = e.body.name;
    Builder b(k);
    Target t{as, {}, {}, block(DType::kF32, extents)};
    for (std::size_t a = 0; a < extents.size(); ++a) {
      t.order.push_back(a);
      t.offsets.push_back(b.binary(Fn::kMul, b.program_id(static_cast<int>(a)), b.constant(static_cast<double>(extents[a]), scalar(DType::kI64))));
      k.grid[a] = cdiv(as[a], extents[a]);
    }
    const auto results = emit(k, b, e, t, std::vector<ValueId>(e.inputs.size(), ValueId{UINT32_MAX}));
    for (std::size_t n = 0; n < results.size(); ++n) b.store(view_of(k, e.outputs[n].param, e.outputs[n].dtype, as, {}), results[n], t.offsets);
    verify(k);
  });
  if (why.empty()) out = std::move(k);
  return why;
}

std::string compose(Element& a, const Element& b, std::uint32_t port) {
  Element c = a;
  const std::string why = guarded([&] {
    const auto from = std::find_if(a.outputs.begin(), a.outputs.end(), [&](const auto& o) { return o.param.port == port; });
    if (from == a.outputs.end()) refuse("no output is that input");
    if (!same(a.space, b.space)) refuse("spaces differ: " + a.space.str() + " and " + b.space.str());
    Dim whole = 0;
    const Shape s = row_major(b.space);
    for (std::size_t x = 0; x < s.size(); ++x) whole = whole + axis(static_cast<int>(x)) * s[x];
    c.body.regions[0].body.pop_back();
    Builder into(c.body);
    std::vector<ValueId> map(b.body.values.size());
    for (std::size_t n = 0; n < b.inputs.size(); ++n) {
      ValueId& to = map[index(b.body.params[n].value)];
      const auto& o = b.inputs[n];
      if (o.param.role == Role::kInput && o.param.port == port) { if (!same(o.offset, whole)) refuse("a neighbour's element"); to = from->value; continue; }
      std::size_t x = 0;
      while (x < c.inputs.size() && !(c.inputs[x].param.role == o.param.role && c.inputs[x].param.port == o.param.port && identical(c.inputs[x].offset, o.offset))) ++x;
      if (x == c.inputs.size()) { c.inputs.push_back(o); into.param(o.param.name, Role::kScalar, static_cast<std::uint32_t>(x), scalar(o.dtype)); }
      to = c.body.params[x].value;
    }
    for (InstId id : b.body.regions[0].body) {
      const Inst& i = b.body[id];
      std::vector<ValueId> in;
      for (ValueId v : b.body.operands_of(i)) in.push_back(map[index(v)]);
      if (i.opcode == Opcode::kYield) break;
      map[i.results.begin] = into.emit(i.opcode, in, b.body.values[i.results.begin], i.attrs.count ? std::initializer_list<Attr>{b.body.attrs[i.attrs.begin]} : std::initializer_list<Attr>{});
    }
    c.outputs.clear();
    std::vector<ValueId> yields;
    for (const auto& o : b.outputs) c.outputs.push_back(o), yields.push_back(c.outputs.back().value = map[index(o.value)]);
    into.add(Opcode::kYield, yields, {});
  });
  if (why.empty()) c.body.name += "+" + b.body.name, a = std::move(c);
  return why;
}

}  // namespace intarsia::kernel
