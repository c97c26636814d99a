#include "schedule/place.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "schedule/access.h"
#include "schedule/positions.h"
#include "schedule/rows.h"

namespace intarsia::schedule {
using kernel::Builder;
using kernel::Element;
using kernel::Fn;
using kernel::index;
using kernel::Inst;
using kernel::Kernel;
using kernel::Key;
using kernel::Opcode;
using kernel::Param;
using kernel::Role;
using kernel::Type;
using kernel::ValueId;

namespace {
constexpr ValueId kNone{UINT32_MAX};

// Appends a function's work on the block of a site. Values live on the axes of what they are made from and
// are stretched where they meet others.
class Emitter {
 public:
  Emitter(Builder& b, const Element& e, const Site& site)
      : b_(b), e_(e), site_(site), made_(e.body.values.size()) {}

  // given[n]: operand n is this value, not loaded.
  std::vector<Lanes> run(std::span<const ValueId> given, std::int64_t fill) {
    for (std::size_t n = 0; n < e_.inputs.size(); ++n)
      made_[index(e_.body.params[n].value)].lanes =
          given[n] == kNone ? operand(n, fill) : Lanes{given[n], all()};
    std::vector<Lanes> out;
    for (const kernel::InstId id : e_.body.regions[0].body) {
      const Inst& i = e_.body[id];
      if (i.opcode == Opcode::kYield) {
        for (const ValueId v : e_.body.operands_of(i)) out.push_back(result(v));
        break;
      }
      instruction(i);
    }
    return out;
  }
  ValueId whole(const Lanes& l) { return b_.broadcast(l.value, site_.block); }

 private:
  struct Made {
    Lanes lanes = {};
    const Inst* constant = nullptr;
  };
  unsigned all() const { return (1u << site_.block.size()) - 1; }

  Lanes operand(std::size_t n, std::int64_t fill) {
    const Element::Operand& o = e_.inputs[n];
    if (o.param.role == Role::kInput) return load_operand(b_, o, site_, fill);
    if (o.param.role == Role::kDim) {
      const Lanes l = lanes_of(b_, o.offset, site_);
      return {b_.cast(l.value, o.dtype), l.axes};
    }
    check(o.param.role == Role::kScalar,
          "an operand of an element function is an input, a position or a scalar");
    const auto& params = b_.kernel.params;
    const auto at = std::find_if(params.begin(), params.end(), [&](const Param& q) {
      return q.role == Role::kScalar && q.port == o.param.port;
    });
    const ValueId p =
        at != params.end()
            ? at->value
            : b_.param(o.param.name, Role::kScalar, o.param.port, kernel::scalar(o.dtype)).value;
    return {b_.broadcast(p, extents_on(site_, 0)), 0};
  }

  ValueId on(ValueId v, unsigned axes) {
    const Made& m = made_[index(v)];
    if (!m.constant && m.lanes.axes == axes) return m.lanes.value;
    auto& s = stretched_.try_emplace({index(v), axes}, kNone).first->second;
    if (s != kNone) return s;
    const auto extents = extents_on(site_, axes);
    if (!m.constant) return s = b_.broadcast(m.lanes.value, extents);
    const Type type = kernel::block(e_.body.type(v).dtype, extents);
    return s = b_.emit(Opcode::kConstant, {}, type, {{Key::kBits, e_.body.attr(*m.constant, Key::kBits)}});
  }

  Lanes result(ValueId v) {
    if (made_[index(v)].constant) return {on(v, 0), 0};
    return made_[index(v)].lanes;
  }

  void instruction(const Inst& i) {
    Made& m = made_[i.results.begin];
    if (i.opcode == Opcode::kConstant) {
      m.constant = &i;
      return;
    }
    const auto in = e_.body.operands_of(i);
    for (const ValueId o : in) m.lanes.axes |= made_[index(o)].lanes.axes;
    std::vector<ValueId> operands;
    for (const ValueId o : in) operands.push_back(on(o, m.lanes.axes));
    const Type type = kernel::block(e_.body.values[i.results.begin].dtype, extents_on(site_, m.lanes.axes));
    m.lanes.value = b_.emit(i.opcode, operands, type, e_.body.attrs_of(i));
  }

  Builder& b_;
  const Element& e_;
  const Site& site_;
  std::vector<Made> made_;
  std::map<std::pair<std::uint32_t, unsigned>, ValueId> stretched_;
};

ValueId output_view(Builder& b, const Element::Result& r, const Shape& space) {
  for (const Param& q : b.kernel.params)
    if (q.role == Role::kOutput && q.port == r.param.port) return q.value;
  return b.view(r.param.name, Role::kOutput, r.param.port, r.dtype, space);
}

struct Use {
  kernel::RegionId region;
  std::size_t at;
};
// Last first in each region, so that places stay right while instructions are put in.
std::string uses_of(const Kernel& k, const Param& p, Opcode only_by, std::vector<Use>& out) {
  for (std::uint32_t r = 0; r < k.regions.size(); ++r)
    for (std::size_t n = k.regions[r].body.size(); n-- > 0;) {
      const Inst& i = k[k.regions[r].body[n]];
      const auto in = k.operands_of(i);
      if (std::find(in.begin(), in.end(), p.value) == in.end()) continue;
      if (i.opcode != only_by) return p.name + " is used by " + std::string(info(i.opcode).name);
      out.push_back({static_cast<kernel::RegionId>(r), n});
    }
  return out.empty() ? p.name + " is not accessed as a view" : "";
}

template <class Make>
void insert(Kernel& k, const Use& use, bool replace, const Make& make) {
  auto& body = k.regions[index(use.region)].body;
  const auto at = body.begin() + static_cast<std::ptrdiff_t>(use.at);
  const std::vector<kernel::InstId> tail(at + replace, body.end());
  body.erase(at, body.end());
  Builder b(k, use.region);
  make(b);
  auto& now = k.regions[index(use.region)].body;
  now.insert(now.end(), tail.begin(), tail.end());
}

Site site_of(const Kernel& k, const Param& p, const Inst& i, bool store) {
  const auto in = k.operands_of(i);
  const Type& t = store ? k.type(in[1]) : k.values[i.results.begin];
  Site s{p.extents, {in.begin() + (store ? 2 : 1), in.end()}, {}};
  for (std::size_t a = 0; a < t.rank; ++a) s.block.push_back(t.extents[a]);
  return s;
}

std::string misfit(const Param& p, const Element& e) {
  if (!p.strides.empty()) return p.name + " is accessed with strides of its own";
  if (!identical(p.extents, e.space))
    return "extents " + e.space.str() + " are not those of " + p.extents.str();
  return {};
}

// Which operands are the value that is stored.
std::string find_given(const Element& e, const Param& p, DType stored, std::vector<char>& given) {
  bool any = false;
  for (std::size_t n = 0; n < e.inputs.size(); ++n) {
    const auto& o = e.inputs[n];
    if (o.param.role != Role::kInput || o.param.port != p.port) continue;
    if (!is_row_major(o.offset, e.space))
      return o.param.name + " is read at " + o.offset.str() + ", which is not the element just made";
    if (o.dtype != stored) return o.param.name + " is read as another dtype";
    given[n] = 1, any = true;
  }
  return any ? "" : "nothing here reads " + p.name;
}

void drop(Kernel& k, const Param& p) {
  std::erase_if(k.params, [&](const Param& q) { return q.value == p.value; });
}

// Lanes outside the space become the load's own fill again.
ValueId clip(Builder& b, const Site& site, const Lanes& l, ValueId whole, std::int64_t fill) {
  ValueId mask = kNone;
  for (std::size_t a = 0; a < site.block.size(); ++a) {
    if ((l.filled >> a & 1) || site.block[a] == 1 || site.space[a].multiple() % site.block[a] == 0) continue;
    const ValueId here = b.broadcast(inside(b, site, a), site.block);
    mask = mask == kNone ? here : b.binary(Fn::kAnd, mask, here);
  }
  if (mask == kNone) return whole;
  return b.select(mask, whole, b.emit(Opcode::kConstant, {}, b.type(whole), {{Key::kBits, fill}}));
}

bool is_identity(const Element& e) {
  return e.inputs.size() == 1 && e.outputs[0].value == e.body.params[0].value;
}
}  // namespace

Kernel tile(const Element& e, std::span<const std::int64_t> block) {
  check(block.size() == e.space.size(), "a block has the rank of the space");
  Kernel k;
  k.name = e.body.name;
  Builder b(k);
  Site site{e.space, {}, {block.begin(), block.end()}};
  site.offsets = walk_grid(b, e.space, block);
  Emitter emitter(b, e, site);
  const auto results = emitter.run(std::vector<ValueId>(e.inputs.size(), kNone), 0);
  for (std::size_t n = 0; n < results.size(); ++n)
    b.store(output_view(b, e.outputs[n], e.space), emitter.whole(results[n]), site.offsets);
  verify(k);
  return k;
}

std::string place_in_store(Kernel& kernel, std::uint32_t param, const Element& e, bool keep) {
  Kernel k = kernel;
  const Param p = k.params[param];
  std::vector<char> given(e.inputs.size(), 0);
  std::vector<Use> uses;
  std::string why = misfit(p, e);
  if (why.empty()) why = find_given(e, p, k.type(p.value).dtype, given);
  if (why.empty()) why = uses_of(k, p, Opcode::kViewStore, uses);
  if (!why.empty()) return why;
  for (const Use& u : uses) {
    const Inst i = k[k.regions[index(u.region)].body[u.at]];
    const Site site = site_of(k, p, i, true);
    const ValueId value = k.operands_of(i)[1];
    const Use after{u.region, keep ? u.at + 1 : u.at};
    insert(k, after, !keep, [&](Builder& b) {
      std::vector<ValueId> values;
      for (const char g : given) values.push_back(g ? value : kNone);
      Emitter emitter(b, e, site);
      const auto results = emitter.run(values, 0);
      for (std::size_t n = 0; n < results.size(); ++n)
        b.store(output_view(b, e.outputs[n], p.extents), emitter.whole(results[n]), site.offsets);
    });
  }
  if (!keep) drop(k, p);
  verify(k);
  k.name += "_" + e.body.name;
  kernel = std::move(k);
  return {};
}

std::string place_in_loads(Kernel& kernel, std::uint32_t param, const Element& e) {
  Kernel k = kernel;
  const Param p = k.params[param];
  std::vector<Use> uses;
  std::string why = misfit(p, e);
  if (why.empty() && e.outputs.size() != 1)
    why = "it has several results, and nothing here stores the others";
  if (why.empty() && e.outputs[0].dtype != k.type(p.value).dtype) why = p.name + " is read as another dtype";
  if (why.empty()) why = uses_of(k, p, Opcode::kViewLoad, uses);
  if (!why.empty()) return why;
  for (const Use& u : uses) {
    const Inst i = k[k.regions[index(u.region)].body[u.at]];
    const Site site = site_of(k, p, i, false);
    const std::int64_t fill = k.attr(i, Key::kFill);
    insert(k, u, true, [&](Builder& b) {
      Emitter emitter(b, e, site);
      const bool identity = is_identity(e);
      Lanes l = emitter.run(std::vector<ValueId>(e.inputs.size(), kNone), identity ? fill : 0)[0];
      if (!identity) l.filled = 0;
      const ValueId v = clip(b, site, l, emitter.whole(l), fill);
      std::replace(k.operands.begin(), k.operands.end(), static_cast<ValueId>(i.results.begin), v);
    });
  }
  drop(k, p);
  verify(k);
  k.name = e.body.name + "_" + k.name;
  kernel = std::move(k);
  return {};
}

}  // namespace intarsia::schedule
