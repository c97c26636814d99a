#include "schedule/compose.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "schedule/positions.h"

namespace intarsia::schedule {
namespace {
using kernel::Element;
using kernel::index;
using kernel::ValueId;

struct Need {  // one piece, asked for at one offset
  Dim offset;
  std::vector<std::size_t> operands = {};  // per operand of its element function: which need of that piece
  std::vector<Dim> positions = {};         // per operand: its offset over the group's space
  std::vector<ValueId> results = {};
};

class Composer {
 public:
  Composer(std::span<const Piece> pieces, const Shape& space) : pieces_(pieces), needs_(pieces.size()) {
    out_.space = space;
  }

  Element run(std::span<const Root> roots) {
    const Dim here = row_major(out_.space);
    std::vector<std::size_t> asked;
    for (const Root& r : roots) asked.push_back(ask(r.piece, here));
    for (std::size_t p = pieces_.size(); p-- > 0;)
      if (pieces_[p].element)
        for (std::size_t n = 0; n < needs_[p].size(); ++n) ask_operands(p, needs_[p][n]);
    kernel::Builder b(out_.body);
    for (std::size_t p = 0; p < pieces_.size(); ++p)
      for (Need& n : needs_[p]) pieces_[p].element ? inline_body(b, pieces_[p], n) : read(b, pieces_[p], n);
    std::vector<ValueId> yields;
    for (std::size_t r = 0; r < roots.size(); ++r) {
      const ValueId v = needs_[roots[r].piece][asked[r]].results[roots[r].result];
      yields.push_back(v);
      out_.outputs.push_back({roots[r].param, roots[r].dtype, v});
    }
    b.add(kernel::Opcode::kYield, yields, {});
    return std::move(out_);
  }

 private:
  std::size_t ask(std::size_t piece, const Dim& offset) {
    auto& list = needs_[piece];
    const bool anywhere = !pieces_[piece].element && pieces_[piece].param.role == kernel::Role::kScalar;
    for (std::size_t n = 0; n < list.size(); ++n)
      if (anywhere || identical(list[n].offset, offset)) return n;
    list.push_back({anywhere ? Dim(0) : offset});
    return list.size() - 1;
  }

  void ask_operands(std::size_t p, Need& need) {
    const Element& e = *pieces_[p].element;
    std::vector<Dim> at;
    const Dim whole = row_major(e.space);
    for (const Element::Operand& o : e.inputs) {
      Dim offset = need.offset;
      if (!identical(o.offset, whole) || is_position(o)) {
        if (at.empty() && !e.space.empty()) at = coordinates(need.offset, e.space, out_.space);
        offset = move_offset(o.offset, at, out_.space);
      }
      const bool reads = o.param.role == kernel::Role::kInput;
      need.operands.push_back(reads ? ask(pieces_[p].inputs[o.param.port].piece, offset) : 0);
      need.positions.push_back(std::move(offset));
    }
  }

  static bool is_position(const Element::Operand& o) { return o.param.role == kernel::Role::kDim; }

  ValueId operand(kernel::Builder& b, const kernel::Param& param, DType dtype, const Dim& offset) {
    for (std::size_t n = 0; n < out_.inputs.size(); ++n) {
      const Element::Operand& o = out_.inputs[n];
      if (o.param.role == param.role && o.dtype == dtype && identical(o.offset, offset) &&
          (is_position(o) || o.param.port == param.port))
        return out_.body.params[n].value;
    }
    const auto port = static_cast<std::uint32_t>(out_.inputs.size());
    const ValueId v = b.param(param.name, kernel::Role::kScalar, port, kernel::scalar(dtype)).value;
    out_.inputs.push_back({param, dtype, offset});
    return v;
  }

  void read(kernel::Builder& b, const Piece& piece, Need& need) {
    need.results = {operand(b, piece.param, piece.dtype, need.offset)};
  }

  void inline_body(kernel::Builder& b, const Piece& piece, Need& need) {
    const Element& e = *piece.element;
    std::vector<ValueId> map(e.body.values.size());
    for (std::size_t n = 0; n < e.inputs.size(); ++n) {
      const Element::Operand& o = e.inputs[n];
      ValueId& to = map[index(e.body.params[n].value)];
      if (o.param.role != kernel::Role::kInput) {
        to = operand(b, o.param, o.dtype, need.positions[n]);
        continue;
      }
      const Piece::Source source = piece.inputs[o.param.port];
      to = needs_[source.piece][need.operands[n]].results[source.result];
    }
    for (const kernel::InstId id : e.body.regions[0].body) {
      const kernel::Inst& i = e.body[id];
      if (i.opcode == kernel::Opcode::kYield) {
        const auto yielded = e.body.operands_of(i);
        for (std::size_t n = 0; n < yielded.size(); ++n) {  // by output port
          const std::uint32_t port = e.outputs[n].param.port;
          if (need.results.size() <= port) need.results.resize(port + 1);
          need.results[port] = map[index(yielded[n])];
        }
        return;
      }
      std::vector<ValueId> in;
      for (const ValueId v : e.body.operands_of(i)) in.push_back(map[index(v)]);
      map[i.results.begin] = number(b, e.body, i, in);
    }
  }

  // Value numbering: the same work on the same values is done once.
  ValueId number(kernel::Builder& b, const kernel::Kernel& from, const kernel::Inst& i,
                 std::span<const ValueId> in) {
    const kernel::Type type = from.values[i.results.begin];
    const std::span<const kernel::Attr> attrs(from.attrs.data() + i.attrs.begin, i.attrs.count);
    std::vector<std::int64_t> key = {static_cast<std::int64_t>(i.opcode),
                                     static_cast<std::int64_t>(type.dtype)};
    for (const ValueId v : in) key.push_back(index(v));
    for (const kernel::Attr& a : attrs)
      key.push_back(static_cast<std::int64_t>(a.key)), key.push_back(a.value);
    const auto [at, fresh] = numbers_.try_emplace(std::move(key), ValueId{});
    if (!fresh) return at->second;
    check(attrs.size() <= 2, "an instruction of an element function has at most two facts");
    at->second = attrs.empty()       ? b.emit(i.opcode, in, type)
                 : attrs.size() == 1 ? b.emit(i.opcode, in, type, {attrs[0]})
                                     : b.emit(i.opcode, in, type, {attrs[0], attrs[1]});
    return at->second;
  }

  std::span<const Piece> pieces_;
  std::vector<std::vector<Need>> needs_;
  std::map<std::vector<std::int64_t>, ValueId> numbers_;
  Element out_;
};
}  // namespace

kernel::Element compose(std::span<const Piece> pieces, std::span<const Root> roots, const Shape& space) {
  return Composer(pieces, space).run(roots);
}

}  // namespace intarsia::schedule
