// What a program must be before anyone runs, links or stores it:
//  1 every Id lies in its table                     2 dims: no two identical, symbols declared with the same
//  range 3 enumerators and dtypes are known               4 what a record needs is there (a copy has bytes, a
//  read an upper bound) 5 a launch has 1 to 3 grid extents               6 arguments match known params:
//  count, pointer or not, width 7 `inside` chains end, on one device             8 a temporary is used by
//  top-level steps first..last only 9 Choose has alternatives, names unique         10 steps nest at most
//  kMaxNesting deep
// 11 Wait writes symbols that wait, While counters 12 ports are unique; symbols of extents name an axis that
// exists
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "runtime/fields.h"
#include "runtime/program.h"

namespace intarsia::runtime {
namespace {

struct TableCheck {
  const Program& p;
  std::size_t size(const DimId&) const { return p.dims.size(); }
  std::size_t size(const BufferId&) const { return p.buffers.size(); }
  std::size_t size(const CodeId&) const { return p.codes.size(); }
  std::size_t size(const StateId&) const { return p.states.size(); }
  std::size_t size(const TensorMapId&) const { return p.maps.size(); }
  std::size_t size(const SymbolId&) const { return p.symbols.size(); }
  template <class T>
  void operator()(const T& id) const {
    if (id && id.index >= size(id)) throw InternalError("an index is outside its table");
  }
};

template <class E>
bool among(E value, E first, E last) {
  return value >= first && value <= last;
}

void check_nesting(const std::vector<Step>& steps, int left) {
  check(left > 0 || steps.empty(), "steps are nested too deep");
  for (const Step& step : steps) {
    if (const auto* choose = std::get_if<Choose>(&step.body))
      for (const Alternative& a : choose->alternatives) check_nesting(a.steps, left - 1);
    if (const auto* loop = std::get_if<While>(&step.body))
      check_nesting(loop->condition, left - 1), check_nesting(loop->body, left - 1);
  }
}

void verify_symbols(const Program& p) {
  std::set<std::string_view> names;
  for (const SymbolDef& s : p.symbols) {
    check(names.insert(s.symbol.name).second, "two symbols are named " + s.symbol.name);
    Dim::symbol(s.symbol.name, s.symbol.range);  // UserError for a bad name or range
    using Source = SymbolDef::Source;
    check(among(s.source, Source::kInputExtent, Source::kFragment), "a symbol comes from an unknown source");
    if (s.source != Source::kInputExtent) continue;
    const auto input = std::find_if(p.buffers.begin(), p.buffers.end(), [&](const Buffer& b) {
      return b.kind == Buffer::Kind::kInput && b.port == s.port;
    });
    check(input != p.buffers.end() && s.axis < input->shape.size(),
          "symbol " + s.symbol.name + " is the extent of an input that does not exist");
  }
}

void verify_dims(const Program& p) {
  std::unordered_multimap<std::uint64_t, std::uint32_t> seen;
  for (std::uint32_t i = 0; i < p.dims.size(); ++i) {
    const auto [first, last] = seen.equal_range(p.dims[i].hash());
    for (auto at = first; at != last; ++at)
      check(!identical(p.dims[at->second], p.dims[i]), "two dims are identical: " + p.dims[i].str());
    seen.emplace(p.dims[i].hash(), i);
    std::vector<Symbol> used;
    collect_symbols(p.dims[i], used);
    for (const Symbol& u : used) {
      const bool declared = std::any_of(p.symbols.begin(), p.symbols.end(), [&](const SymbolDef& s) {
        const Range &a = s.symbol.range, &b = u.range;
        return s.symbol.name == u.name && a.min == b.min && a.max == b.max && a.multiple == b.multiple;
      });
      check(declared, "dim " + p.dims[i].str() + " uses symbol " + u.name + ", which is not declared so");
    }
  }
}

void verify_guard(const std::vector<GuardTerm>& guard) {
  for (const GuardTerm& term : guard) {
    check(bool(term.left) && bool(term.right), "a guard compares two dims");
    check(among(term.relation, Condition::Relation::kEqual, Condition::Relation::kLessEqual),
          "a guard has an unknown relation");
  }
}

void verify_buffers(const Program& p) {
  std::set<std::pair<Buffer::Kind, std::uint32_t>> ports;
  for (const Buffer& b : p.buffers) {
    check(among(b.kind, Buffer::Kind::kTemporary, Buffer::Kind::kConstant),
          "buffer " + b.name + " is of an unknown kind");
    check(std::has_single_bit(b.align) && b.align <= 1u << 21, "buffer " + b.name + " has a bad alignment");
    const bool port = b.kind == Buffer::Kind::kInput || b.kind == Buffer::Kind::kOutput;
    check(bool(b.bytes) || (port && !b.inside), "buffer " + b.name + " has a size");
    for (const DimId d : b.shape) check(bool(d), "buffer " + b.name + " has an extent that is none");
    if (port) {
      check(ports.insert({b.kind, b.port}).second, "two buffers are one port: " + b.name);
      check(is_known(b.dtype), "buffer " + b.name + " has an unknown dtype");
    }
    const Buffer* root = &b;
    for (std::size_t hops = 0; root->inside; ++hops) {
      const Buffer& next = p.buffers[root->inside.index];
      check(hops < p.buffers.size() && next.device == b.device,
            "buffer " + b.name + ": its chain must end, on its own device");
      root = &next;
    }
  }
}

void verify_argument(const Step& step, const Argument& a) {
  using Kind = Argument::Kind;
  const auto needs = [&](bool there, const char* what) { check(there, step.name + ": an argument " + what); };
  needs(among(a.kind, Kind::kBuffer, Kind::kStream), "is of an unknown kind");
  needs(among(a.access, Access::kRead, Access::kUpdate), "has an unknown access");
  needs(a.kind != Kind::kBuffer || bool(a.buffer), "has no buffer");
  needs(a.kind != Kind::kDim || bool(a.value), "has no value");
  needs(a.kind != Kind::kState || bool(a.state), "has no state");
  needs(a.kind != Kind::kTensorMap || bool(a.map), "has no tensor map");
  needs(a.bytes.size() <= 4096, "is more than 4 KiB by value");
  const bool valued = a.kind == Kind::kDim || a.kind == Kind::kConstant || a.kind == Kind::kScalar;
  needs(!valued || (is_known(a.dtype) && bits(a.dtype) >= 8), "has an unknown dtype");
}

void verify_params(const Step& step, const Code& code, const std::vector<Argument>& given) {
  using Kind = Argument::Kind;
  if (!code.params_known) return;
  check(given.size() == code.params.size(), fmt::format("{}: {} has {} parameters, bound are {}", step.name,
                                                        code.entry, code.params.size(), given.size()));
  for (std::size_t i = 0; i < given.size(); ++i) {
    const Argument& a = given[i];
    const Param& param = code.params[i];
    if (a.kind == Kind::kTensorMap || a.kind == Kind::kBytes) continue;
    const bool pointer =
        a.kind == Kind::kBuffer || a.kind == Kind::kNull || a.kind == Kind::kState || a.kind == Kind::kStream;
    check(pointer == (param.pointer != 0),
          fmt::format("{}: parameter '{}' and argument '{}' are not both pointers", step.name, param.name,
                      a.name));
    check(pointer || static_cast<std::uint32_t>(bits(a.dtype) / 8) == param.bytes,
          fmt::format("{}: argument '{}' has another width than parameter '{}'", step.name, a.name,
                      param.name));
  }
}

class StepVerifier {
 public:
  explicit StepVerifier(const Program& p) : p_(p) {}
  void step(const Step& s) {
    step_ = &s;
    check(s.line < p_.lines.size(), s.name + ": its line is outside the table");
    std::visit([this](const auto& body) { (*this)(body); }, s.body);
  }
  void operator()(const std::monostate&) {}
  void operator()(const Launch& l) {
    need(bool(l.code), "a launch has a code");
    need(!l.grid.empty() && l.grid.size() <= 3 && l.block.size() <= 3 && l.cluster.size() <= 3,
         "bad launch geometry");
    for (const auto* list : {&l.grid, &l.block, &l.cluster})
      for (const DimId d : *list) need(bool(d), "a launch extent is none");
    for (const Argument& a : l.arguments) verify_argument(*step_, a);
    verify_params(*step_, p_.codes[l.code.index], l.arguments);
  }
  void operator()(const Memset& m) {
    buffer(m.target);
    need(bool(m.bytes) && (m.width == 1 || m.width == 2 || m.width == 4),
         "a memset has bytes and a width of 1, 2 or 4");
  }
  void operator()(const Copy& c) {
    buffer(c.from), buffer(c.to);
    need(bool(c.bytes), "a copy has bytes");
    need(bool(c.rows) == (c.from_pitch && c.to_pitch), "a strided copy has rows and two pitches");
  }
  void operator()(const Call& c) {
    for (const Argument& a : c.arguments) verify_argument(*step_, a);
    for (const std::uint32_t i : c.outputs) need(i < c.arguments.size(), "an output is no argument");
  }
  void operator()(const Wait& w) {
    for (const Read& r : w.reads) {
      buffer(r.from);
      symbol(r.symbol, SymbolDef::Source::kWait);
      need(bool(r.upper), "a read has an upper bound");
    }
  }
  void operator()(const Choose& c) {
    need(!c.alternatives.empty(), "nothing to choose from");
    std::set<std::string_view> names;
    for (const Alternative& a : c.alternatives) {
      need(names.insert(a.name).second, "two alternatives have one name");
      verify_guard(a.guard);
    }
  }
  void operator()(const While& w) {
    need(!w.condition.empty() && !w.again.empty(), "a loop needs a condition");
    verify_guard(w.again);
    if (w.counter) symbol(w.counter, SymbolDef::Source::kCounter);
    for (const Swap& s : w.swaps) need(bool(s.a) && bool(s.b), "an exchange has two buffers");
  }

 private:
  void need(bool holds, const char* what) { check(holds, step_->name + ": " + what); }
  void buffer(const Argument& a) {
    verify_argument(*step_, a);
    need(a.kind == Argument::Kind::kBuffer, "works on a buffer");
  }
  void symbol(SymbolId id, SymbolDef::Source source) {
    need(id && p_.symbols[id.index].source == source, "writes a symbol that is not declared so");
  }
  const Program& p_;
  const Step* step_ = nullptr;
};

void verify_lifetimes(const Program& p) {
  for (std::uint32_t i = 0; i < p.steps.size(); ++i) {
    for_each_id(p.steps[i], [&](const auto& id) {
      if constexpr (std::is_same_v<std::decay_t<decltype(id)>, BufferId>) {
        if (!id) return;
        const Buffer* root = &p.buffers[id.index];
        while (root->inside) root = &p.buffers[root->inside.index];
        if (root->kind == Buffer::Kind::kTemporary)
          check(root->first <= i && i <= root->last,
                p.steps[i].name + ": temporary " + root->name + " is not alive here");
      }
    });
  }
}

void verify_tables(const Program& p) {
  for (const Code& code : p.codes)
    for (const Image& image : code.images) {
      check(image.blob == UINT32_MAX || image.blob < p.blobs.size(),
            code.entry + ": its image is outside the table");
      check(among(image.form, Image::Form::kX86, Image::Form::kKernelIndex),
            code.entry + ": an image of an unknown form");
    }
  for (const TensorMap& m : p.maps)
    check(m.buffer && is_known(m.dtype) && !m.extents.empty() && m.extents.size() <= 5 &&
              m.box.size() == m.extents.size() && m.strides.size() == m.extents.size(),
          "a tensor map is incomplete");
  for (const Tuning& t : p.tuning) verify_guard(t.holds);
  for (const Requirement& r : p.requirements) {
    verify_guard({r.holds});
    check(r.line < p.lines.size(), "a requirement's line is outside the table");
  }
}

}  // namespace

void verify(const Program& p) {
  for (const auto* steps : {&p.prepare, &p.init, &p.steps}) check_nesting(*steps, Program::kMaxNesting);
  for_each_id(p, TableCheck{p});
  verify_symbols(p);
  verify_dims(p);
  verify_buffers(p);
  verify_tables(p);
  StepVerifier verifier(p);
  for (const auto* steps : {&p.prepare, &p.init, &p.steps})
    for_each_step(*steps, [&](const Step& s) { verifier.step(s); });
  verify_lifetimes(p);
}

}  // namespace intarsia::runtime
